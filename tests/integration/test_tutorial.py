"""The tutorial as a reader types it: every command of docs/tutorial.md after `make demo`, in order, on a whole house.

That the numbers which the text names come out is asserted here; what the pages look like is not.
"""

import asyncio
import json
import re
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path

from deploy.local.company.story import POLICY
from deploy.testing import Api, Order, open_books, open_house, wait_until_quiet
from tests.servers.needs import not_run

TUTORIAL = Path(__file__).parents[2] / "docs/tutorial.md"
ITS_DAY = datetime(2026, 11, 28, 9, tzinfo=UTC)  # its dates are some months ahead of this one
PORTFOLIO = "mine"
OF_THE_TERMINAL = ("make demo", "export PATH")


def commands() -> list[str]:
    blocks = re.findall(r"^```sh\n(.*?)^```$", TUTORIAL.read_text(), re.DOTALL | re.MULTILINE)
    return [block for block in blocks if not block.startswith(OF_THE_TERMINAL)]


async def type_in(block: str, folder: Path, url: str) -> str:
    """What the commands print, on both ways; fails where one of them does."""
    environment = {"API": url, "INLOOP_URL": url, "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
    curl = 'curl() { command curl --fail-with-body --silent --show-error "$@"; }'
    typed = await asyncio.create_subprocess_exec(
        "bash", "-euo", "pipefail", "-c", f"{curl}\n{block}",
        cwd=folder, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    printed, _ = await typed.communicate()
    assert typed.returncode == 0, f"{block}\n{printed.decode()}"
    return printed.decode()


async def test_every_command_of_the_tutorial_does_what_it_says(tmp_path: Path) -> None:
    if not shutil.which("curl"):
        not_run("there is no curl")
    order = Order(launch={"policy_file": POLICY}, clock=lambda: ITS_DAY)
    printed = []
    async with open_house(order) as house, Api(house.url) as api, open_books(house.dsns) as books:
        for block in commands():
            printed.append(await type_in(block, tmp_path, house.url))
            await wait_until_quiet(api, books, PORTFOLIO, lambda _: None)
        certificate = await api.get("/notify/api/v1/coverage/L-mine~EXP-1/4")
    people, told, why, _, _, approved, coverage, _, sums = printed
    assert json.loads(people)["people"] == 4
    assert json.loads(told) == {"observation": "EXP-1@1", "outcome": "accepted", "cause": "native:EXP-1@1"}
    assert "help-center articles (docs) needs 7 working days" in json.loads(why)["answer"][0]
    assert '"id":"P-3-1"' in approved
    assert '"state":"approved"' in approved
    assert json.loads(coverage)["expected"] == 4
    assert certificate["unfilled"] == ["marketing_ops"]
    assert [one["person"] for one in certificate["people"] if one["class"] == "unreachable"] == ["dan"]
    assert "no difference at revision 3" in sums
