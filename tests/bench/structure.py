"""The house as it stands in its files: sizes of a domain, circles of imports, class names used twice. Nothing is run.

What may stand there at most is in tests/architecture; how far one slip travels is in crossing.py.
"""

import ast
import json
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
CODE = ("services", "shared", "deploy")
SERVICES = ("roadmap", "launch", "notify")

Imports = Mapping[str, frozenset[str]]
"""Whom each one imports; all names are keys."""

_MEASURED = {"C901": "complexity", "PLR0915": "statements"}
_NUMBER = re.compile(r"\((\d+) > 0\)")
_NAME = re.compile(r"`(.+?)`")


class Extent(NamedTuple):
    """How large something is, and what it is: a module's path, or a path with the function's name."""

    size: int
    what: str


@dataclass(frozen=True, slots=True)
class DomainSize:
    """The figures of one service's domain.

    Attributes:
        lines, files, classes: of all its modules, `__init__.py` and nested classes included.
        child_circles: direct children of the folder (a package or a module beside it) that import each other in a
            circle, one list a circle.
        module_circles: the same for modules.
        longest_module: in lines.
        longest_function: in statements, as ruff counts them.
        most_complex: McCabe's number, as ruff counts it.
    """

    lines: int
    files: int
    classes: int
    child_circles: list[list[str]]
    module_circles: list[list[str]]
    longest_module: Extent
    longest_function: Extent
    most_complex: Extent


def domain_of(service: str, root: Path = ROOT) -> Path:
    return root / "services" / service / "domain"


def measure_domain(folder: Path) -> DomainSize:
    """Count one domain; `folder` is its package."""
    texts = {str(path.relative_to(folder)): path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.py"))}
    imports = read_imports(folder)
    functions = _measure_functions(folder)
    return DomainSize(
        lines=sum(len(text.splitlines()) for text in texts.values()),
        files=len(texts),
        classes=sum(isinstance(node, ast.ClassDef) for text in texts.values() for node in ast.walk(ast.parse(text))),
        child_circles=find_circles(join_children(imports)),
        module_circles=find_circles(imports),
        longest_module=max(Extent(len(text.splitlines()), path) for path, text in texts.items()),
        longest_function=max(functions["statements"]),
        most_complex=max(functions["complexity"]),
    )


def read_imports(package: Path) -> Imports:
    """Which modules of a package import which others of it, by dotted names from the package on.

    An import counts wherever it stands: in a function and under TYPE_CHECKING too. `__init__.py` goes by its package's
    name (the outermost by "__init__"), and is imported only by whoever takes a name from it.
    """
    modules = {_dotted(path.relative_to(package)): path for path in package.rglob("*.py")}
    prefix = _full_name(package)
    return {
        name: frozenset(_imported(ast.parse(path.read_text(encoding="utf-8")), prefix, modules.keys())) - {name}
        for name, path in modules.items()
    }


def _full_name(package: Path) -> str:
    names = [package.name]
    while (package.parent / "__init__.py").exists():
        package = package.parent
        names.insert(0, package.name)
    return ".".join(names)


def _dotted(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and parts[:-1] else parts)


def _imported(tree: ast.Module, prefix: str, modules: Iterable[str]) -> Iterator[str]:
    """Relative imports are not read: the house has none, and test_house_gates.py keeps it so."""
    known = {f"{prefix}.{name}": name for name in modules} | {prefix: "__init__"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (known[alias.name] for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module:
            taken = [known.get(f"{node.module}.{alias.name}", known.get(node.module)) for alias in node.names]
            yield from (name for name in taken if name)


def join_children(imports: Imports) -> Imports:
    """The imports between the direct children of the package: each package among them is one."""
    joined: dict[str, set[str]] = defaultdict(set)
    for name, others in imports.items():
        child = name.partition(".")[0]
        joined[child] |= {other.partition(".")[0] for other in others} - {child}
    return {child: frozenset(others) for child, others in joined.items()}


def find_circles(imports: Imports) -> list[list[str]]:
    """Groups of names each of which reaches all others of its group: strongly connected, with two members or more."""
    reached = {name: _reach(imports, name) for name in imports}
    groups = {
        frozenset(other for other in reached[name] if name in reached[other])
        for name in imports
        if name in reached[name]
    }
    return sorted(sorted(group) for group in groups)


def _reach(imports: Imports, start: str) -> set[str]:
    found: set[str] = set()
    open_ends = [start]
    while open_ends:
        fresh = imports[open_ends.pop()] - found
        found |= fresh
        open_ends += fresh
    return found


def find_mutual(imports: Imports) -> list[tuple[str, str]]:
    """Pairs in which each imports the other directly."""
    return sorted((one, other) for one in imports for other in imports[one] if one < other and one in imports[other])


def find_names_used_twice(root: Path = ROOT) -> dict[str, list[str]]:
    """Public classes at the top of a module that share their name with another one: the name and its modules."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(path for folder in CODE for path in (root / folder).rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found[node.name].append(str(path.relative_to(root)))
    return {name: paths for name, paths in sorted(found.items()) if len(paths) > 1}


def _measure_functions(folder: Path) -> dict[str, list[Extent]]:
    """Statements and complexity of each function, from ruff: with a limit of none it complains of every one."""
    limits = ("lint.mccabe.max-complexity = 0", "lint.pylint.max-statements = 0")
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", "--ignore-noqa", "--exit-zero"]
    command += ["--output-format=json", f"--select={','.join(_MEASURED)}"]
    command += [word for limit in limits for word in ("--config", limit)]
    answer = subprocess.run([*command, str(folder)], capture_output=True, text=True, check=True)  # noqa: S603 - our own command
    complaints = json.loads(answer.stdout)
    # Only the complaint of complexity has the function's name; both stand at the same place.
    names = {
        (one["filename"], one["location"]["row"]): match[1]
        for one in complaints
        if (match := _NAME.search(one["message"]))
    }
    found: dict[str, list[Extent]] = {measure: [Extent(0, "none")] for measure in _MEASURED.values()}
    for one in complaints:
        number = _NUMBER.search(one["message"])
        if number is None:
            raise RuntimeError(f"ruff says it in other words now: {one['message']}")
        path = Path(one["filename"]).relative_to(folder.resolve())
        name = names[one["filename"], one["location"]["row"]]
        found[_MEASURED[one["code"]]].append(Extent(int(number[1]), f"{path}: {name}"))
    return found
