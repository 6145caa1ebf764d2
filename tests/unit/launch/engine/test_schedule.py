"""The columns of the schedule: none is forgotten when a block comes, goes or is emptied."""

from copy import deepcopy

from deploy.cli.plan_files import read_portfolio
from services.launch.domain.scheduling.engine.schedule import Columns, Schedule
from tests.bench.portfolios import build_portfolio

SEED = 3


def columns(schedule: Columns) -> dict[str, list[object]]:
    """Every list with one value a block, however it came about."""
    count = len(schedule.home)
    return {name: value for name, value in vars(schedule).items() if isinstance(value, list) and len(value) == count}


def test_every_list_with_one_value_a_block_is_a_column() -> None:
    schedule = Schedule(read_portfolio(build_portfolio(100, SEED)))
    assert len(schedule.home) == len(schedule.blocks.members) not in {len(schedule.free), len(schedule.teams)}
    assert columns(schedule).keys() == columns(Columns(1)).keys()


def test_a_block_that_comes_is_empty_in_every_column_and_leaves_nothing_when_it_goes() -> None:
    schedule = Schedule(read_portfolio(build_portfolio(100, SEED)))
    before = deepcopy(columns(schedule))
    at = schedule.add()
    assert {name: column[at] for name, column in columns(schedule).items()} == {
        name: column[0] for name, column in columns(Columns(1)).items()
    }
    schedule.pop()
    assert columns(schedule) == before


def test_a_block_that_is_cleared_is_as_empty_as_a_new_one() -> None:
    schedule = Schedule(read_portfolio(build_portfolio(100, SEED)))
    schedule.clear(0)
    assert [column[0] for column in columns(schedule).values()] == [
        column[0] for column in columns(Columns(1)).values()
    ]
