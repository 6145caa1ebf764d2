// What a page can do beyond HTML: live pieces, the keyboard, the help dialog, relative times, the reader's zone. Every page works without it.
// Nothing of a single page is kept here; a page takes part by attributes (README.md).
"use strict";

const byId = (id) => document.getElementById(id);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const language = document.documentElement.lang || "en";

// ---- Live pieces: the page says where events come from (body data-events); an event makes it fetch itself again and swap what is marked data-live.

let fetching = false;
let again = false;

async function refresh() {
  if (fetching) { again = true; return; }
  fetching = true;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" }, credentials: "same-origin" });
    if (answer.ok) swap(new DOMParser().parseFromString(await answer.text(), "text/html"));
  } catch { /* the next event, or the reconnection, tries again */ } finally {
    fetching = false;
    if (again) { again = false; refresh(); }
  }
}

function swap(fresh) {
  let changed = false;
  for (const old of all("[data-live]")) {
    const piece = fresh.getElementById(old.id);
    if (!piece || plainHtml(piece) === plainHtml(old) || isBusy(old)) continue;
    keepPlace(old, piece);
    changed = true;
  }
  if (fresh.body.dataset.revision) document.body.dataset.revision = fresh.body.dataset.revision;
  copyTimes(fresh);
  if (changed) announce();
}

// Relative times change by themselves; they are no news.
function plainHtml(node) {
  const copy = node.cloneNode(true);
  for (const time of all("[data-ago]", copy)) time.textContent = "";
  for (const row of all(".arrived", copy)) { row.classList.remove("arrived"); if (!row.className) row.removeAttribute("class"); }
  return copy.innerHTML;
}

// Never take a form away from somebody who is filling it in.
function isBusy(node) {
  const active = document.activeElement;
  return node.contains(active) && active.matches("input:not([type=submit]), select, textarea");
}

function keepPlace(old, piece) {
  const active = old.contains(document.activeElement) ? document.activeElement : null;
  const row = active && active.closest("[data-key]");
  const key = row && row.dataset.key;
  const before = new Map(all("[data-key]", old).map((one) => [one.dataset.key, plainHtml(one)]));
  const open = new Set(all("details[open] > summary", old).map((one) => one.textContent));
  old.replaceChildren(...piece.childNodes);
  for (const summary of all("details > summary", old)) if (open.has(summary.textContent)) summary.parentElement.open = true;
  for (const one of all("[data-key]", old)) if (before.get(one.dataset.key) !== plainHtml(one)) one.classList.add("arrived");
  if (key) (all("[data-key]", old).find((one) => one.dataset.key === key) || old).focus({ preventScroll: true });
}

// Times outside the live pieces, after the reader's zone became known.
function copyTimes(fresh) {
  if (fresh.documentElement.dataset.zone === document.documentElement.dataset.zone) return;
  document.documentElement.dataset.zone = fresh.documentElement.dataset.zone;
  for (const selector of ["main time", ".bottom p"]) {
    const theirs = all(selector, fresh);
    const ours = all(selector);
    if (theirs.length === ours.length) ours.forEach((node, index) => node.replaceWith(theirs[index]));
  }
}

function announce() {
  const region = document.querySelector("[data-announce]");
  if (!region) return;
  region.textContent = "";
  setTimeout(() => { region.textContent = region.dataset.updated; }, 60);
}

function listen() {
  const address = document.body.dataset.events;
  if (!address || !window.EventSource) return;
  const url = new URL(address, location.href);
  url.searchParams.set("after", document.body.dataset.revision || "0");
  const source = new EventSource(url); // the browser reconnects by itself and sends Last-Event-ID
  source.addEventListener("changed", refresh);
  source.addEventListener("open", () => showLive(true));
  source.addEventListener("error", () => {
    showLive(false);
    // A refusal (a proxy that restarts) ends an EventSource for good: begin anew.
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, 5000);
  });
  window.addEventListener("pagehide", () => source.close(), { once: true });
}

function showLive(on) {
  const state = document.querySelector("[data-live-state]");
  if (!state) return;
  state.textContent = on ? state.dataset.on : state.dataset.off;
  state.classList.toggle("off", !on);
}

// ---- Keyboard: / search, j and k rows, Enter opens, a presses what is marked with it on the row, ? help.

const typing = (target) => target.matches?.("input, select, textarea, [contenteditable]");

function step(by) {
  const rows = all("[data-row]").filter((row) => row.offsetParent !== null);
  if (!rows.length) return;
  const here = rows.indexOf(document.activeElement.closest?.("[data-row]"));
  const next = here < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(Math.max(here + by, 0), rows.length - 1);
  rows[next].focus();
  rows[next].scrollIntoView({ block: "nearest" });
}

function openRow() {
  if (!document.activeElement.matches("[data-row]")) return false;
  const link = document.activeElement.querySelector("a[href]");
  link?.click();
  return Boolean(link);
}

function press(key) {
  const buttonsOf = (within) => all(`[data-key-press="${CSS.escape(key)}"]`, within).filter((one) => one.offsetParent !== null && !one.disabled);
  const around = (node) => node?.closest?.("[data-row]");
  let here = around(document.activeElement);
  // A row of a table in a card: the card's buttons are meant.
  while (here && !buttonsOf(here).length && around(here.parentElement)) here = around(here.parentElement);
  const buttons = buttonsOf(here || document);
  // Without a row in focus the key must mean one thing only.
  if (!buttons.length || (!here && buttons.length > 1)) { if (!here && buttons.length > 1) step(1); return false; }
  buttons[0].click();
  buttons[0].closest("details[open]")?.querySelector("input:not([type=hidden])")?.focus();
  return true;
}

const keys = {
  "/": () => { const box = document.querySelector("[data-search]"); box?.focus(); box?.select(); return Boolean(box); },
  j: () => step(1),
  k: () => step(-1),
  "?": () => openDialog("help"),
  Enter: openRow,
};

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (typing(event.target)) { if (event.key === "Escape") event.target.blur(); return; }
  if (document.querySelector("dialog[open]")) return;
  if (keys[event.key]) { if (keys[event.key]() !== false) event.preventDefault(); return; }
  if (/^[a-z]$/.test(event.key) && press(event.key)) event.preventDefault(); // else the letter lands in a field that is focused now
}

function openDialog(id) {
  const dialog = byId(id);
  if (dialog && !dialog.open) dialog.showModal();
}

function onClick(event) {
  const opener = event.target.closest("[data-open]");
  if (opener) openDialog(opener.dataset.open);
  else if (event.target.matches("dialog[open]")) event.target.close(); // its backdrop
}

// One press is enough: a second one would be a second request.
function onSubmit(event) {
  if (event.target.method !== "post") return;
  if (event.target.dataset.sent) { event.preventDefault(); return; }
  event.target.dataset.sent = "1";
  setTimeout(() => delete event.target.dataset.sent, 4000);
}

// ---- Times

const units = [["year", 31557600], ["month", 2629800], ["week", 604800], ["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto" });

// A page whose clock is not the wall clock (a replay, a test) keeps what the server wrote.
function tick() {
  for (const node of all("[data-ago]")) {
    const seconds = (new Date(node.dataset.ago) - Date.now()) / 1000;
    if (Number.isNaN(seconds) || Math.abs(seconds) > 7 * 86400) continue;
    const [unit, size] = units.find(([, length]) => Math.abs(seconds) >= length) || ["second", 1];
    node.textContent = relative.format(Math.round(seconds / size), unit);
  }
}

// The server cannot know the zone before it has been told once; nobody who chose one is overruled.
function tellZone() {
  if (/(^|; )inloop_zone=/.test(document.cookie)) return;
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!zone || zone === document.documentElement.dataset.zone) return;
  document.cookie = `inloop_zone=${zone}; path=/; max-age=31536000; samesite=lax`;
  if (document.cookie.includes("inloop_zone=")) refresh();
}

document.addEventListener("keydown", onKey);
document.addEventListener("click", onClick);
document.addEventListener("submit", onSubmit);
window.addEventListener("pageshow", (event) => { if (event.persisted) { refresh(); listen(); } });
for (const node of all(".needs-script")) node.hidden = false;
tick();
setInterval(tick, 20000);
tellZone();
listen();
