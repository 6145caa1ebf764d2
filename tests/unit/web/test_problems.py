"""What an API answers to a request that it cannot serve."""

from fastapi import FastAPI
from pydantic import BaseModel
from starlette.testclient import TestClient

from shared.web.problems import install


class _Said(BaseModel):
    by: str


def _client() -> TestClient:
    app = FastAPI()
    install(app)

    @app.post("/approve")
    async def approve(said: _Said) -> str:
        return said.by

    return TestClient(app)


def test_json_that_does_not_call_itself_json_is_told_how_to() -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}  # what `curl -d` says
    answer = _client().post("/approve", content=b'{"by": "ana"}', headers=form)
    assert (answer.status_code, answer.json()["where"]) == (415, "header content-type")
    assert "application/json" in answer.json()["detail"]


def test_a_wrong_body_is_refused_with_the_place() -> None:
    answer = _client().post("/approve", json={"by": 7})
    assert (answer.status_code, answer.json()["where"]) == (422, "$.by")
