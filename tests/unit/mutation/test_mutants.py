"""What the mutation run changes, and that what may live is named as it prints it."""

import ast
from pathlib import Path

import pytest

from tests.mutation.__main__ import read_defended
from tests.mutation.mutants import code_of, mutants_of, with_marks
from tests.mutation.targets import TARGETS

ROOT = Path(__file__).parents[3]


def changes(text: str) -> set[tuple[str, str]]:
    return {(one.before, one.after) for one in mutants_of("m.py", ast.parse(text))}


@pytest.mark.parametrize(
    ("text", "change"),
    [
        ("def f(a, b):\n return a < b", ("a < b", "a <= b")),
        ("def f(a, b):\n return a < b", ("return a < b", "return None")),
        ("def f(a, b):\n return 0 <= a < b", ("0 <= a < b", "0 <= a <= b")),
        ("def f(a, b):\n return a and b", ("a and b", "a or b")),
        ("def f(a, b):\n return a and b", ("a and b", "b")),
        ("def f(a, b):\n return not a", ("not a", "a")),
        ("def f(a, b):\n if a:\n  b()", ("a", "not a")),
        ("def f(a, b):\n if a:\n  b()", ("b()", "pass")),
        ("def f(a, b):\n return [x for x in a if x]", ("x", "True")),
        ("def f(a, b):\n return a + 1", ("a + 1", "a - 1")),
        ("def f(a, b):\n return a + 1", ("a + 1", "a + 2")),
        ("def f(a, b):\n return min(a, b)", ("min(a, b)", "max(a, b)")),
        ("def f(a, b):\n return a.casefold()", ("a.casefold()", "a")),
        ("def f(a, b):\n raise a", ("raise a", "pass")),
        ("def f(a, b):\n yield a", ("yield a", "yield nothing")),
        ("class C:\n def f(self, a):\n  a.b = 1", ("a.b = 1", "pass")),
        ("MOST = 3", ("MOST = 3", "MOST = 4")),
        ("FIRST: bool = True", ("FIRST: bool = True", "FIRST: bool = False")),
    ],
)
def test_what_a_slip_of_the_hand_could_write_is_written(text: str, change: tuple[str, str]) -> None:
    assert change in changes(text)


def test_neither_sentences_nor_types_nor_what_is_nothing_already_are_changed() -> None:
    assert changes('def f(a: Literal[3]) -> None:\n "says <"\n a = "text"\n return None') == set()


def test_a_change_is_made_in_its_function_only_and_taken_back() -> None:
    tree = ast.parse("def f(a):\n return a < 1\ndef g(a):\n return a < 1")
    before = ast.unparse(tree)
    border = next(one for one in mutants_of("m.py", tree) if (one.function, one.after) == ("g", "a <= 1"))
    border.swap()
    assert ast.unparse(tree) == before.replace("a < 1", "a <= 1").replace("a <= 1", "a < 1", 1)
    border.swap()
    assert ast.unparse(tree) == before


def test_two_changes_that_look_alike_have_two_names() -> None:
    names = [one.name for one in mutants_of("m.py", ast.parse("def f(a):\n return a < 1\ndef g(a):\n a < 1\n a < 1"))]
    assert {"m.py f: a < 1 → a <= 1", "m.py g: a < 1 → a <= 1", "m.py g: a < 1 → a <= 1 (#2)"} <= set(names)
    assert len(set(names)) == len(names)


def test_every_block_that_is_entered_says_so() -> None:
    tree = ast.parse("def f(a):\n if a:\n  return 1\n return 2")
    with_marks(tree.body[0], "mark")
    seen: list[int] = []
    told: dict[str, object] = {"mark": seen.append}
    exec(compile(ast.fix_missing_locations(tree), "m.py", "exec"), told)  # noqa: S102 - the lines above
    assert callable(told["f"])
    told["f"](False)  # noqa: FBT003 - what the function above takes
    assert seen == [2]
    told["f"](True)  # noqa: FBT003 - the same
    assert seen == [2, 2, 3]


def test_the_code_of_a_method_is_found_by_its_name() -> None:
    tree = ast.parse("class C:\n def f(self):\n  return 1\nclass D:\n def f(self):\n  return 2")
    assert code_of(tree, "m.py", "D.f").co_consts == (None, 2)
    with pytest.raises(LookupError, match=r"D\.g"):
        code_of(tree, "m.py", "D.g")


def test_a_target_that_was_moved_away_is_noticed() -> None:
    for target in TARGETS:
        found = {one.function for one in mutants_of(target.path, ast.parse((ROOT / target.path).read_text()))}
        assert found
        assert set(target.only) <= found
        assert all((ROOT / tests).exists() for tests in target.tests)


def test_what_may_live_is_in_the_architecture_by_the_name_of_a_mutant() -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text()
    names = {
        one.name
        for target in TARGETS
        for one in mutants_of(target.path, ast.parse((ROOT / target.path).read_text()), target.only)
    }
    defended = read_defended(page)
    assert defended
    assert set(defended) - names == set()
