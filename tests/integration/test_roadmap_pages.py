"""Roadmap's pages as a person gets them: what changed, what it led to, how a date wandered."""

import csv
import io
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime

import pytest

from services.roadmap import consumers
from shared.contracts.cause import Cause, Source
from shared.contracts.launch import BlastRadius, LaunchChange, LaunchesChanged, LaunchSnapshot
from shared.contracts.notify import ObligationState, Receipt, ReceiptsChanged, Subject
from shared.contracts.words import CauseId, LaunchId, PersonId, PortfolioId
from shared.runtime.inbox_messages import Received
from tests.integration.roadmap import NOW, House, feature, lines, open_house
from tests.servers.fixtures import FreshDatabase

ALPHA = PortfolioId("alpha")


@pytest.fixture
async def house(fresh_database: FreshDatabase) -> AsyncIterator[House]:
    async with open_house(fresh_database) as opened:
        yield opened


async def page(house: House, path: str, status: int = 200) -> str:
    answer = await house.http.get(f"/roadmap/{path}")
    assert answer.status_code == status, answer.text
    assert "content-security-policy" in answer.headers
    return answer.text


def cause(id: str, kind: str = "observation", caused_by: str | None = None) -> Cause:  # noqa: A002 - the field's name
    source = Source(tool="native", source_id="native", occurred_at=NOW, observed_at=NOW)
    origin = CauseId(caused_by) if caused_by else None
    return Cause(id=CauseId(id), kind=kind, summary="…", source=source, caused_by=origin)


def launch(on: date, revision: int) -> LaunchSnapshot:
    return LaunchSnapshot(
        id=LaunchId("L-F-1"),
        name="Dark mode for all",
        market_tier="T2",
        internal_tier="T2",
        tier_reason="…",
        state="planned",
        date=on,
        features=(),
        revision=revision,
    )


async def hear_launch(house: House, of: Cause) -> None:
    change = LaunchChange(
        kinds=("rescheduled",),
        launch=launch(date(2026, 6, 15), 2),
        before=launch(date(2026, 6, 8), 1),
        material=True,
        why=(),
    )
    message = LaunchesChanged(portfolio=ALPHA, revision=1, cause=of, changes=(change,))
    async with house.foundation.database.locked([ALPHA]) as batch:
        await consumers.on_launches_changed(batch, [Received(message, NOW, None)])


async def hear_receipts(house: House, of: Cause, **states: ObligationState) -> None:
    receipts = tuple(
        Receipt(
            subject=Subject(kind="launch", id="L-F-1", revision=2),
            person=PersonId(person),
            state=state,
            at=datetime(2026, 5, 1, tzinfo=UTC),
        )
        for person, state in states.items()
    )
    message = ReceiptsChanged(portfolio=ALPHA, revision=1, cause=of, receipts=receipts)
    async with house.foundation.database.locked([ALPHA]) as batch:
        await consumers.on_receipts_changed(batch, [Received(message, NOW, None)])


async def slip(house: House) -> Cause:
    await house.post(lines(feature(target={"on": "2026-06-01"}), feature(minute=1, target={"on": "2026-06-08"})))
    await house.judge_all()
    return cause("native:F-1@1")


async def test_the_log_says_in_plain_words_what_changed_and_what_it_led_to(house: House) -> None:
    of = await slip(house)
    assert "Working out who must be told" in await page(house, "?portfolio=alpha")
    await hear_launch(house, of)
    await hear_receipts(house, of, ana="open", ben="open", cem="unreachable")
    shown = await page(house, "?portfolio=alpha")
    assert "F-1 slipped by 5 working days, to 8 Jun 2026" in shown
    assert "Dark mode for all" in shown
    assert "2 people are told, 0 know, one cannot be reached" in shown
    later = cause("notify:person:1", "person", caused_by=None)
    await hear_receipts(house, later, ana="acknowledged")
    assert "2 people are told, one knows" in await page(house, "?portfolio=alpha")
    led_to = (await house.get("observations/F-1@1"))["led_to"]
    assert (led_to["told"], led_to["acknowledged"], led_to["unreachable"]) == (2, 1, 1)
    assert led_to["launches"][0]["on"] == "2026-06-15"


async def hear_radius(house: House, *told: BlastRadius, at: datetime = NOW) -> None:
    message = LaunchesChanged(portfolio=ALPHA, revision=1, cause=cause("launch:person:r1", "person"), blast_radius=told)
    async with house.foundation.database.locked([ALPHA]) as batch:
        await consumers.on_launches_changed(batch, [Received(message, at, None)])


def radius(slip_days: int, launches: int, feature: str = "F-1") -> BlastRadius:
    return BlastRadius(feature=feature, slip_days=slip_days, launches=launches, cost=10 * launches)


async def test_each_feature_shows_what_its_slip_would_move_and_when_that_was_tried_out(house: House) -> None:
    await house.post(lines(feature("F-1"), feature("F-2"), feature("F-3", status="shipped")))
    await house.judge_all()
    assert (await house.get("features/F-1"))["blast_radius"] is None
    assert "a slip of" not in await page(house, "features?portfolio=alpha")
    await hear_radius(house, radius(60, 9), radius(21, 4), radius(21, 8, "F-3"))
    shown = await page(house, "features?portfolio=alpha")
    assert shown.count("a slip of") == 1
    assert "a slip of 21 days moves 4 launches" in shown
    await hear_radius(house, radius(7, 1), radius(14, 2), at=datetime(2026, 5, 2, 10, tzinfo=UTC))
    read = await house.get("features/F-1")
    assert read["blast_radius"] == {
        "computed_at": "2026-05-02T10:00:00Z",
        "slips": [{"slip_days": 7, "launches": 1, "cost": 10}, {"slip_days": 14, "launches": 2, "cost": 20}],
    }
    shown = await page(house, "features/F-1?portfolio=alpha")
    assert "a slip of 7 days moves 1 launch<" in shown
    assert "2026-05-02" in shown
    assert "a slip of" not in await page(house, "features/F-3?portfolio=alpha")


async def test_the_log_can_be_filtered_by_its_address_and_taken_away_as_a_file(house: House) -> None:
    await slip(house)
    await house.post(lines(feature("F-2", title="=HYPERLINK(1)")) + b"nonsense\n")
    await house.judge_all()
    assert "F-2" not in await page(house, "?portfolio=alpha&kind=delayed")
    assert "F-1" not in await page(house, "?portfolio=alpha&ref=F-2")
    assert "could not be read" in await page(house, "?portfolio=alpha&state=refused")
    assert "Nothing matches" in await page(house, "?portfolio=alpha&q=100%25")
    answer = await house.http.get("/roadmap/?portfolio=alpha&format=csv")
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert [row["state"] for row in rows] == ["refused", "caused", "caused", "caused"]
    assert rows[2]["summary"] == "F-1 slipped by 5 working days, to 8 Jun 2026"


async def test_older_observations_are_one_page_further(house: House) -> None:
    await house.post(lines(*(feature(f"F-{n:03}") for n in range(60))))
    await house.judge_all()
    first = await page(house, "?portfolio=alpha")
    assert "F-059" in first
    assert "F-009" not in first
    assert "after=11" in first
    assert "F-009" in await page(house, "?portfolio=alpha&after=11")


async def test_one_observation_shows_what_became_of_it_and_its_bytes(house: House) -> None:
    await house.post(
        lines({"id": "odd", "at": "2026-05-01T08:00:00Z", "feature": {"ref": "<script>alert(1)</script>"}})
    )
    await house.post(b'{"id":"broken\xff"}')
    shown = await page(house, "observations/odd?portfolio=alpha")
    assert "$.feature.title" in shown
    assert "&lt;script&gt;alert(1)" in shown
    assert "<script>alert" not in shown
    assert "not UTF-8" in await page(house, "observations/seq:2?portfolio=alpha")
    assert "Nobody ever sent us" in await page(house, "observations/never?portfolio=alpha", status=404)


async def test_a_feature_shows_where_its_date_has_been_and_never_more_precisely_than_it_is(house: House) -> None:
    await house.post(
        lines(
            feature(target={"half": "2026-H2"}, url="javascript:alert(1)"),
            feature(minute=1, target={"quarter": "2026-Q4"}),
            feature(minute=2, target={"on": "2026-11-02"}, reason="ready <early>", url="javascript:alert(1)"),
        )
    )
    await house.judge_all()
    shown = await page(house, "features/F-1?portfolio=alpha")
    assert shown.count("url(#history-soft)") == 2
    assert "Q4 2026" in shown
    assert "ready &lt;early&gt;" in shown
    assert "javascript:" not in shown
    assert "F-1" in await page(house, "features?portfolio=alpha&status=planned&q=dark")
    assert "No feature matches" in await page(house, "features?portfolio=alpha&status=shipped")
    assert "No feature has this name" in await page(house, "features/F-9?portfolio=alpha", status=404)


async def test_an_empty_log_says_how_to_make_the_first_one_appear(house: House) -> None:
    assert "curl" in await page(house, "")
    assert "Encore" not in await page(house, "features")


async def test_pages_speak_french_too(house: House) -> None:
    await slip(house)
    assert "Ce qui a changé" in await page(house, "?portfolio=alpha&lang=fr")


@pytest.mark.parametrize(
    "path",
    [
        "?after=x&q=%00&kind=%27",
        "?portfolio=..%2F&state=%00",
        "features?after=%00",
        "observations/%00",
        "features/%ff%00",
    ],
)
async def test_an_address_that_makes_no_sense_is_no_fault(house: House, path: str) -> None:
    answer = await house.http.get(f"/roadmap/{path}")
    assert answer.status_code in {200, 404}
