"""notify's doors: who may come in, names with odd characters, and bad input that is refused with its place."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from shared.contracts.feature import FeatureChange, FeatureSnapshot
from tests.integration.test_notify_road import Notify, prepare, running
from tests.servers.fixtures import FreshDatabase
from tests.unit.notify.stories import COMPANY_CSV, launches_changed, planned

REF = "acme/pay#12"
OPEN = frozenset(
    f"{prefix}{path}" for prefix in ("", "/notify") for path in ("/livez", "/readyz", "/startupz", "/metrics")
) | {
    "/notify/a/{token}",
    "/notify/sign-in",
    "/notify/api/openapi.json",
    "/notify/api/asyncapi.json",
    "/notify/static/{name}",
}


@pytest.fixture
async def notify(fresh_database: FreshDatabase) -> AsyncIterator[Notify]:
    async with running(await fresh_database("notify", prepare)) as one:
        await one.put_directory(COMPANY_CSV)
        yield one


def renamed(version: int) -> FeatureChange:
    now = FeatureSnapshot(
        id=REF, ref=REF, title="Faster payouts", status="planned", version=version, owner_team="payments"
    )
    return FeatureChange(kinds=("renamed",), feature=now, before=now.model_copy(update={"title": "Payouts"}))


async def test_a_change_that_moves_no_launch_reaches_product_marketing(notify: Notify) -> None:
    message = launches_changed(1).model_copy(update={"features": (renamed(3),), "untouched": (REF,)})
    await notify.hear(message)
    path = "/portfolios/default/coverage/features/acme%2Fpay%2312"
    certificate = await notify.get(f"{path}?version=3")
    assert certificate["subject"] == {"kind": "feature", "id": REF, "revision": 3}
    assert [one["person"] for one in certificate["people"]] == ["ana", "bo"]
    newest = await notify.get(path)
    assert newest["people"] == certificate["people"]
    page = await notify.client.get(f"/notify{path}?version=3", headers={"accept": "text/html"})
    assert "Faster payouts" in page.text
    notice = (await notify.get("/people/ana/inbox"))["items"][0]
    answer = await notify.client.post(f"/notify/api/v1/notices/{notice['id']}/seen")
    assert [one["state"] for one in answer.json()["obligations"]] == ["seen"]


async def test_without_the_token_only_the_mail_link_answers(fresh_database: FreshDatabase) -> None:
    async with running(await fresh_database("notify", prepare), api_token="s3cret") as notify:  # noqa: S106 - a test's
        for path in ("/notify/", "/notify/people/ana", "/notify/api/v1/people/ana/inbox", "/notify/events"):
            assert (await notify.client.get(path)).status_code == 401
        assert (await notify.client.get("/notify/a/unknown")).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "body", "where"),
    [
        ("GET", "/coverage/L-1/0", None, "path revision"),
        ("GET", "/coverage/L-1/99999999999999999999999", None, "path revision"),
        ("GET", "/coverage/L%00/1", None, "path launch"),
        ("GET", "/people/ana/inbox?portfolio=%00", None, "query portfolio"),
        ("GET", "/people/ana/inbox?limit=0", None, "query limit"),
        ("GET", "/portfolios/default/conservation?until=-1", None, "query until"),
        ("POST", "/notices/x/objections", {"reason": ""}, "$.reason"),
        ("POST", "/notices/x/objections", {"reason": "a\x00b"}, "$.reason"),
        ("POST", "/notices/x/objections", {"reason": "no", "colour": 1}, "$.colour"),
        ("POST", "/portfolios/default/waivers", {"subject": {"kind": "launch", "id": "L-1", "revision": "1"}}, None),
    ],
)
async def test_bad_input_is_refused_with_its_place(
    notify: Notify, method: str, path: str, body: dict[str, Any] | None, where: str | None
) -> None:
    answer = await notify.client.request(method, f"/notify/api/v1{path}", json=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert where is None or answer.json()["where"] == where


@pytest.mark.parametrize("content", [b"{", b"\xff", b'{"reason": "\\ud800"}', b"[" * 10_000])
async def test_a_body_that_is_no_json_is_refused(notify: Notify, content: bytes) -> None:
    answer = await notify.client.post(
        "/notify/api/v1/notices/x/objections", content=content, headers={"content-type": "application/json"}
    )
    assert answer.status_code in {400, 422}


async def test_what_nobody_knows_is_not_found(notify: Notify) -> None:
    await notify.hear(launches_changed(1, planned()))
    for path in ("/coverage/L-1/2", "/coverage/L-2/1", "/portfolios/default/coverage/features/none"):
        assert (await notify.client.get(f"/notify/api/v1{path}")).status_code == 404
    assert (await notify.client.post("/notify/api/v1/notices/none/acknowledge")).status_code == 404
