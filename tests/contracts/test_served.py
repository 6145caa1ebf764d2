"""Each process serves the documents of what it tells and takes."""

import httpx2
import pytest

from deploy.cli.contracts import describe_topics
from deploy.local.house import Order, open_house


@pytest.mark.parametrize(("service", "topics"), [("roadmap", 2), ("launch", 1), ("notify", 1)])
async def test_a_service_serves_its_asyncapi_and_openapi(service: str, topics: int) -> None:
    async with open_house(Order()) as house, httpx2.AsyncClient(base_url=house.url) as client:
        told = (await client.get(f"/{service}/api/asyncapi.json")).json()
        taken = (await client.get(f"/{service}/api/openapi.json")).json()
    assert len(told["channels"]) == topics
    assert told["channels"].items() <= describe_topics()["channels"].items()
    assert any(path.startswith(f"/{service}/api/v1/") for path in taken["paths"])
