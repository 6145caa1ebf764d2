"""Reading a directory: what is right is read the same from both formats; what is wrong is said with line and path."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.notify.domain.directory import ROLES
from services.notify.domain.reading import DirectoryError, DirectoryProblem, read_directory
from tests.unit.notify.stories import COMPANY_CSV

YAML = b"""
- {id: ana, name: Ana Ruiz, email: ana@example.com, team: payments, roles: [pmm], zone: Europe/Madrid, locale: en}
- id: bo
  name: "No"
  team: no
  roles: [pm, lead]
  manager: ana
"""


def problems(body: bytes, *, is_csv: bool = False) -> list[tuple[int, str]]:
    with pytest.raises(DirectoryError) as caught:
        read_directory(body, is_csv=is_csv)
    return [(one.line, one.path) for one in caught.value.problems]


def test_a_csv_is_read_whole() -> None:
    read = read_directory(COMPANY_CSV, is_csv=True)
    assert [one.id for one in read.directory.people] == ["ana", "bo", "cleo", "dev", "eli", "lia", "mo"]
    assert read.directory.people[2].roles == ("sales", "sales_enablement")
    assert read.contacts[3].email is None


def test_text_stays_text_in_yaml() -> None:
    read = read_directory(YAML, is_csv=False)
    assert read.directory.people[1].team == "no"
    assert read.contacts[1].name == "No"


def test_both_formats_and_every_order_give_the_same_directory() -> None:
    csv = b"id,name,roles\nb,B,pm;lead\na,A,\n"
    yaml = b"- {id: a, name: A}\n- {id: b, name: B, roles: [pm, lead]}\n"
    assert read_directory(csv, is_csv=True).directory == read_directory(yaml, is_csv=False).directory


def test_a_changed_address_is_another_directory() -> None:
    other = COMPANY_CSV.replace(b"ana@example.com", b"ana@example.org")
    ids = {read_directory(body, is_csv=True).directory.id for body in (COMPANY_CSV, other)}
    assert len(ids) == 2


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"- {id: a}", [(1, "$[0].name")]),
        (b"- {id: a, name: A}\n- {id: a, name: B}", [(2, "$[1].id")]),
        (b"- {id: a, name: A, colour: red}", [(1, "$[0].colour")]),
        (b"- {id: a, name: A, name: B}", [(1, "$[0].name")]),
        (b"- {id: a, name: A, roles: [king]}", [(1, "$[0].roles")]),
        (b"- {id: a, name: A, roles: pm}", [(1, "$[0].roles")]),
        (b"- {id: a, name: A, email: 'a@b.c\\r\\nBcc: x@y.z'}", [(1, "$[0].email")]),
        (b'- {id: a, name: A, email: "a@b.c\\r\\nBcc: x@y.z"}', [(1, "$[0].email")]),
        (b'- {id: a, name: "\\ud800"}', [(1, "$")]),
        (b"- {id: a, name: A, zone: Mars/Base}", [(1, "$[0].zone")]),
        (b"- {id: a, name: A, zone: ../../etc/passwd}", [(1, "$[0].zone")]),
        (b"- {id: a, name: A, manager: nobody}", [(1, "$[0].manager")]),
        (b"- {id: a, name: A, manager: a}", [(1, "$[0].manager")]),
        (b"- {id: 'a b', name: A}", [(1, "$[0].id")]),
        (b"- {id: [a], name: A}", [(1, "$[0].id")]),
        (b"- &x {id: a, name: A}\n- *x", [(2, "$")]),
        (b"id: a", [(1, "$")]),
        (b"", [(1, "$")]),
        (b"- 7", [(1, "$[0]")]),
        (b"- {id: a\n- [", [(2, "$")]),
        (b"- {id: a, name: \xff}", [(1, "$")]),
        (b"- {id: a,\n name: A\x00}", [(2, "$")]),
    ],
)
def test_what_is_wrong_in_yaml_is_said_with_its_place(body: bytes, expected: list[tuple[int, str]]) -> None:
    assert problems(body) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"name\nA\n", [(1, "$")]),
        (b"id,name,colour\na,A,red\n", [(1, "$.colour")]),
        (b"id,name,id\na,A,a\n", [(1, "$.id")]),
        (b"id,name\na\nb,B\n", [(2, "$[0]")]),
        (b'id,name\na,"A\n', [(1, "$")]),
        (b"id,name,email\na,A,nowhere\nb,,\n", [(2, "$[0].email"), (3, "$[1].name")]),
    ],
)
def test_what_is_wrong_in_csv_is_said_with_its_place(body: bytes, expected: list[tuple[int, str]]) -> None:
    assert problems(body, is_csv=True) == expected


@settings(deadline=None, max_examples=150)
@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_whatever_comes_is_read_or_refused_with_a_place(body: bytes) -> None:
    for is_csv in (True, False):
        found: list[DirectoryProblem] = []
        try:
            read_directory(body, is_csv=is_csv)
        except DirectoryError as error:
            found = error.problems
        assert all(one.line >= 1 and one.expected for one in found)


@pytest.mark.timeout(5)
def test_a_deep_file_is_refused_at_once() -> None:
    assert problems(b"[" * 200_000) == [(1, "$")]
    assert problems(b"- {id: a, name: A, roles: [{x: [y]}]}") == [(1, "$")]


def test_every_role_of_the_directory_can_be_given() -> None:
    body = f"- {{id: a, name: A, roles: [{', '.join(ROLES)}]}}".encode()
    assert read_directory(body, is_csv=False).directory.people[0].roles == ROLES
