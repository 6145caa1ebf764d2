"""Ten thousand observations in one burst through all three services on the embedded broker: nothing is dropped."""

import asyncio

import httpx2

from deploy.local.house import Order, open_house
from tests.bench.history import build_observations

OBSERVATIONS = 10_000
PORTFOLIOS = 12
SECONDS = 170


async def test_a_burst_of_ten_thousand_observations_reaches_everybody() -> None:
    lines: dict[str, list[bytes]] = {}
    for portfolio, line in build_observations(OBSERVATIONS, PORTFOLIOS):
        lines.setdefault(portfolio, []).append(line)
    order = Order(every={"time_source": "observations"})
    async with open_house(order) as house, httpx2.AsyncClient(base_url=house.url, timeout=120) as client:
        answers = await asyncio.gather(*(_post(client, portfolio, mine) for portfolio, mine in lines.items()))
        assert sum(answer.text.count('"accepted"') for answer in answers) == OBSERVATIONS
        async with asyncio.timeout(SECONDS):
            for portfolio, mine in lines.items():
                await _until_heard(client, portfolio, len(mine))


async def _post(client: httpx2.AsyncClient, portfolio: str, lines: list[bytes]) -> httpx2.Response:
    body = b"\n".join(lines)
    answer = await client.post(f"/roadmap/api/v1/portfolios/{portfolio}/observations", content=body)
    assert answer.status_code == 200, answer.text
    return answer


async def _until_heard(client: httpx2.AsyncClient, portfolio: str, causes: int) -> None:
    """Each observation of this history is a cause of its own: so many revisions everybody has told and heard."""
    road = {"launch": "roadmap.changes", "notify": "launch.changes", "roadmap": "notify.receipts"}
    for service, topic in road.items():
        heads: dict[str, dict[str, int]] = {}
        while heads.get("heard", {}).get(topic, 0) < causes:
            heads = (await client.get(f"/{service}/api/v1/portfolios/{portfolio}/heads")).json()
            assert not heads["parked"]
            await asyncio.sleep(0.1)
