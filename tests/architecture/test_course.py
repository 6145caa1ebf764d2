"""The drawing of a decision's course in ARCHITECTURE.md is what the code does."""

from tests.architecture.course import ROOT, START, Step, calls_of, replace_in


def test_the_page_draws_the_course_as_the_code_has_it() -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    assert replace_in(page) == page, "run `python -m tests.architecture.course`"


def test_the_course_is_read_from_the_code_in_its_order() -> None:
    names = [step.name for step in calls_of(Step(*START))]
    assert names[0] == "schedule"
    assert names[-1] == "build_message"
    assert names.index("apply_tier_budget") < names.index("apply_audience_conflicts")
