"""Who is expected to know, and why each person is in or out."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.notify.domain.audience import DEFAULT_POLICY, Router, build_audience
from services.notify.domain.directory import ROLES, Directory, Person
from services.notify.domain.news import LaunchOwner, News
from shared.contracts.words import PersonId
from tests.unit.notify.stories import directory, news, person


def needs(people: Directory, item: News) -> dict[str, str]:
    return {one.person: one.need for one in build_audience(people, DEFAULT_POLICY, item).expected}


def test_a_t2_launch_needs_the_ok_of_five_roles_and_is_shown_to_the_others() -> None:
    everybody = directory(*(person(role, role) for role in ROLES))
    assert needs(everybody, news(level="T2")) == {
        **dict.fromkeys(("pm", "pmm", "marketing_ops", "sales_enablement", "cs_lead"), "acknowledge"),
        **dict.fromkeys(("sales", "cs", "support", "docs", "comms", "champion", "liaison"), "see"),
    }


def test_a_t3_launch_needs_the_ok_of_product_marketing_only() -> None:
    everybody = directory(*(person(role, role) for role in ROLES))
    acknowledged = [one for one, need in needs(everybody, news(level="T3")).items() if need == "acknowledge"]
    assert acknowledged == ["pmm"]


def test_a_launch_that_is_out_leaves_nothing_to_confirm() -> None:
    everybody = directory(*(person(role, role) for role in ROLES))
    assert "acknowledge" not in needs(everybody, news(level="T1", kinds=("launched",))).values()


def test_a_move_together_with_a_launch_still_needs_an_ok() -> None:
    assert needs(directory(person("ana", "pmm")), news(kinds=("launched", "rescheduled"))) == {"ana": "acknowledge"}


def test_a_person_of_a_team_hears_what_the_team_owns() -> None:
    people = directory(person("ana", "pmm", team="payments"), person("eli", "pmm", team="search"))
    assert needs(people, news(teams=("payments",))) == {"ana": "acknowledge"}


def test_a_product_manager_hears_what_the_team_contributes_to_but_as_nothing_else() -> None:
    people = directory(person("bo", "pm", "pmm", team="search"))
    audience = build_audience(people, DEFAULT_POLICY, news(teams=("payments",), contributors=("search",)))
    assert audience.expected[0].because == ("role=pm via rule pm-t2", "contributes with team=search")


def test_product_lines_win_over_the_team_unless_the_team_owns_it() -> None:
    people = directory(
        person("line", "pmm", product_lines=("pay",)),
        person("all", "pmm", product_lines=("*",)),
        person("other", "pmm", product_lines=("search",)),
        person("owner", "pmm", product_lines=("search",), team="payments"),
    )
    assert set(needs(people, news(product_line="pay"))) == {"line", "all", "owner"}


def test_regions_and_segments_restrict_whoever_declares_them() -> None:
    people = directory(
        person("emea", "cs_lead", regions=("emea",)),
        person("apac", "cs_lead", regions=("apac",)),
        person("big", "cs_lead", regions=("emea",), segments=("enterprise",)),
        person("owner", "cs_lead", team="payments", regions=("apac",)),
    )
    assert set(needs(people, news(regions=("emea",), segments=("smb",)))) == {"emea"}
    assert set(needs(people, news())) == {"emea", "apac", "big", "owner"}


def test_an_owner_belongs_whatever_team_and_region_say() -> None:
    people = directory(person("ana", team="search", regions=("apac",)))
    item = news(regions=("emea",), owners=(LaunchOwner(role="pmm", person=PersonId("ana")),))
    (one,) = build_audience(people, DEFAULT_POLICY, item).expected
    assert (one.need, one.because) == ("acknowledge", ("role=pmm via rule pmm-t2", "owner as pmm"))


def test_an_owner_whom_the_directory_does_not_know_is_expected_all_the_same() -> None:
    item = news(owners=(LaunchOwner(role="pmm", person=PersonId("ghost")),))
    (one,) = build_audience(directory(), DEFAULT_POLICY, item).expected
    assert (one.person, one.known) == ("ghost", False)


def test_a_required_role_without_a_holder_is_named() -> None:
    audience = build_audience(directory(person("ana", "pmm")), DEFAULT_POLICY, news(level="T2"))
    assert audience.unfilled == ("cs_lead", "marketing_ops", "pm", "sales_enablement")


def test_who_owns_it_fills_the_role_whatever_the_directory_says() -> None:
    item = news(level="T3", owners=(LaunchOwner(role="pmm", person=PersonId("ghost")),))
    assert build_audience(directory(), DEFAULT_POLICY, item).unfilled == ()
    assert build_audience(directory(), DEFAULT_POLICY, news(level="T3")).unfilled == ("pmm", "lead")


def test_who_holds_a_role_elsewhere_does_not_fill_it_here() -> None:
    people = directory(person("ana", "docs", team="payments"), person("eli", "pmm", team="search"))
    audience = build_audience(people, DEFAULT_POLICY, news(level="T3"))
    assert ([one.person for one in audience.expected], audience.unfilled) == (["ana"], ("pmm",))
    assert not audience.is_incident


def test_each_reason_is_the_person_s_own() -> None:
    people = directory(person("ana", "pmm", team="payments"), person("bo", team="search"))
    audience = build_audience(people, DEFAULT_POLICY, news(owners=(LaunchOwner(role="pm", person=PersonId("bo")),)))
    assert {one.person: one.because for one in audience.expected} == {
        "ana": ("role=pmm via rule pmm-t2", "team=payments"),
        "bo": ("role=pm via rule pm-t2", "owner as pm"),
    }


def why_not(one: Person, **about: Any) -> str:
    """Why a person is out of it, next to somebody who is in."""
    people = directory(person("ana", "pmm"), one)
    return {out.person: out.because for out in build_audience(people, DEFAULT_POLICY, news(**about)).excluded}.get(
        one.id, ""
    )


@pytest.mark.parametrize(
    ("roles", "more", "because"),
    [
        (("pm",), {}, ""),
        (("pmm",), {}, "team=search owns nothing of it"),
        (("pm",), {"team": "mobile"}, "team=mobile owns nothing of it"),
        (("pm",), {"product_lines": ("log", "web")}, "product_lines=log;web, not pay"),
        (("pm",), {"regions": ("apac",)}, "regions=apac, not emea"),
        (("pm",), {"segments": ("smb", "large")}, "segments=smb;large, not public"),
    ],
)
def test_only_a_product_manager_without_a_scope_hears_what_the_team_contributes_to(
    roles: tuple[str, ...], more: dict[str, Any], because: str
) -> None:
    bo = person("bo", *roles, **({"team": "search"} | more))
    about = {"product_line": "pay", "regions": ("emea",), "segments": ("public",)}
    assert why_not(bo, teams=("payments",), contributors=("search",), **about) == because


def test_whoever_keeps_to_a_product_line_is_told_which() -> None:
    people = directory(
        person("all", "pmm", product_lines=("*",)),
        person("line", "pmm", product_lines=("log", "pay")),
        person("owner", "pmm", product_lines=("log",), team="payments"),
    )
    audience = build_audience(people, DEFAULT_POLICY, news(product_line="pay"))
    assert [one.because[-1] for one in audience.expected] == ["product_line=pay", "product_line=pay", "team=payments"]
    everywhere = build_audience(people, DEFAULT_POLICY, news(product_line=None))
    assert [one.because[-1] for one in everywhere.expected] == ["product_line=*", "team=payments"]
    assert why_not(person("other", "pmm", product_lines=("log",)), product_line=None) == "product_lines=log, not any"
    elsewhere = person("other", "pmm", product_lines=("log",), team="search")
    assert why_not(elsewhere, product_line="pay") == "product_lines=log, not pay"


def test_two_thousand_answers_are_remembered_and_then_begun_anew() -> None:
    router = Router(directory(person("ana", "pmm")), DEFAULT_POLICY)
    first = router.audience(news(product_line="0"))
    for number in range(1, 2000):
        router.audience(news(product_line=str(number)))
    assert router.audience(news(product_line="0")) is first
    router.audience(news(product_line="2000"))
    assert router.audience(news(product_line="0")) is not first


def test_when_nobody_is_concerned_the_leads_are_told_and_it_counts_as_an_incident() -> None:
    people = directory(person("lia", "lead", team="search"), person("eli", "pmm", team="search"))
    audience = build_audience(people, DEFAULT_POLICY, news(level="T2"))
    assert audience.is_incident
    assert [one.person for one in audience.expected] == ["lia"]
    assert [one.person for one in audience.excluded] == ["eli"]


def test_without_leads_the_silence_itself_is_visible() -> None:
    audience = build_audience(directory(), DEFAULT_POLICY, news(level="T2"))
    assert audience.is_incident
    assert "lead" in audience.unfilled


def test_an_untouched_feature_reaches_its_product_marketing() -> None:
    people = directory(
        person("ana", "pmm", team="payments"), person("bo", "pm", team="payments"), person("sal", "sales")
    )
    assert needs(people, news(level="untouched", kinds=("renamed",))) == {"ana": "see", "bo": "see"}


lists = st.lists(st.sampled_from(["a", "b", "c"]), max_size=2, unique=True).map(tuple)
people = st.lists(
    st.builds(
        Person,
        id=st.sampled_from([f"p{number}" for number in range(8)]).map(PersonId),
        team=st.sampled_from([None, "a", "b"]),
        roles=st.lists(st.sampled_from(ROLES), max_size=3, unique=True).map(tuple),
        regions=lists,
        segments=lists,
        product_lines=st.lists(st.sampled_from(["a", "b", "*"]), max_size=2, unique=True).map(tuple),
    ),
    max_size=6,
    unique_by=lambda one: one.id,
)
items = st.builds(
    news,
    level=st.sampled_from(["T1", "T2", "T3", "T4", "untouched"]),
    kinds=st.lists(st.sampled_from(["planned", "launched", "odd"]), max_size=2, unique=True).map(tuple),
    teams=lists,
    contributors=lists,
    regions=lists,
    segments=lists,
    product_line=st.sampled_from([None, "a", "b"]),
    owners=st.lists(
        st.builds(LaunchOwner, role=st.sampled_from(ROLES), person=st.sampled_from(["p1", "p2", "gone"]).map(PersonId)),
        max_size=2,
    ).map(tuple),
)


@settings(deadline=None, max_examples=200)
@given(people, items)
def test_everybody_is_in_or_out_once_with_a_reason(group: list[Person], item: News) -> None:
    known = directory(*group)
    router = Router(known, DEFAULT_POLICY)
    audience = router.audience(item)
    inside = [one.person for one in audience.expected]
    outside = [one.person for one in audience.excluded]
    strangers = {owner.person for owner in item.owners} - {one.id for one in known.people}
    assert sorted(inside + outside) == sorted({one.id for one in known.people} | strangers)
    assert len(set(inside)) == len(inside)
    assert all(one.because for one in audience.expected)
    assert all(one.because for one in audience.excluded)
    assert {owner.person for owner in item.owners} <= set(inside)
    assert inside or audience.unfilled
    assert router.audience(item) is audience
