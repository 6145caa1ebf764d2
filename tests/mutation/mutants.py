"""The small changes that are made to a module, one at a time, and the code that each gives. Nothing is run here.

A condition that a slip of the hand could have written: a border moved by one (`<` for `<=`), an `and` for an `or`, a
part of one left out, a condition turned round, a filter left out, a number one higher or lower, plus for minus, min for
max, a value not returned, not yielded or not done. Sentences, names and types are not changed.
"""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import CodeType

COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
COUNTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
CALLED = {"min": "max", "max": "min", "any": "all", "all": "any"}

LONGEST = 110
"""Of what is longer the middle is left out."""

SAME_TEXT = frozenset({"casefold", "lower", "strip"})
"""Calls by which two texts are taken for the same; they are left out."""

DROPPED = (ast.Raise, ast.AugAssign, ast.Delete, ast.Continue)


@dataclass(slots=True)
class Mutant:
    """One change: where, on which line, what it was and what it becomes.

    `function` is a module's function, a method with its class, or the name of a module's own value. `block` is the line
    that begins the block in which it can be met; 0: anywhere in the module.
    """

    path: str
    function: str
    line: int
    block: int
    before: str
    after: str
    parent: ast.AST
    field: str
    at: int | None
    node: ast.AST
    number: int = 1

    @property
    def name(self) -> str:
        """As ARCHITECTURE names it; lines move, this does not."""
        more = f" (#{self.number})" if self.number > 1 else ""
        return f"{self.path} {self.function}: {self.before} → {self.after}{more}"

    def swap(self) -> None:
        """Put the change into the tree, or take it out again."""
        found = getattr(self.parent, self.field)
        if self.at is None:
            setattr(self.parent, self.field, self.node)
            self.node = found
        else:
            found[self.at], self.node = self.node, found[self.at]


def functions_of(tree: ast.Module) -> dict[str, ast.FunctionDef | ast.AsyncFunctionDef]:
    """A module's functions and methods by name; those inside others belong to them."""
    found = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    for owner in tree.body:
        if isinstance(owner, ast.ClassDef):
            methods = (node for node in owner.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
            found |= {f"{owner.name}.{node.name}": node for node in methods}
    return found


def value_name(node: ast.stmt) -> str | None:
    """The name of a module's own value if this statement gives it."""
    match node:
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr()):
            return name
    return None


def mutants_of(path: str, tree: ast.Module, only: Iterable[str] = ()) -> list[Mutant]:
    """Every mutant of a module, in the order of its lines; `only` these functions and values if any are named."""
    chosen, found = set(only), list[Mutant]()
    for name, function in functions_of(tree).items():
        if not chosen or name in chosen:
            found += _in_statements(path, name, function, "body")
    for node in tree.body:
        value = value_name(node)
        if value and (not chosen or value in chosen):
            found += _in_fields(path, value, node, ("value",), 0)
    seen: dict[str, int] = {}
    for mutant in sorted(found, key=lambda one: one.line):
        mutant.number = seen[mutant.name] = seen.get(mutant.name, 0) + 1
    return found


def _in_statements(path: str, function: str, owner: ast.AST, field: str) -> Iterator[Mutant]:
    statements: list[ast.stmt] = getattr(owner, field)
    block = statements[0].lineno
    for at, statement in enumerate(statements):
        yield from (
            Mutant(path, function, statement.lineno, block, before, after, owner, field, at, node)
            for before, after, node in _other_statements(statement)
        )
        yield from _in_fields(path, function, statement, statement._fields, block)


def _in_fields(path: str, function: str, owner: ast.AST, fields: Iterable[str], block: int) -> Iterator[Mutant]:
    for field in fields:
        if field in {"annotation", "returns", "decorator_list", "type_comment", "type_params"}:
            continue
        value = getattr(owner, field, None)
        if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
            yield from _in_statements(path, function, owner, field)
        children = value if isinstance(value, list) else [value]
        for at, child in enumerate(children):
            if not isinstance(child, ast.AST) or isinstance(child, ast.stmt):
                continue
            line = getattr(child, "lineno", 0) or getattr(owner, "lineno", 0)
            place = at if isinstance(value, list) else None
            yield from (
                Mutant(path, function, line, block, *_told(child, node, owner, field, place), owner, field, place, node)
                for node in _others(child, owner, field)
            )
            yield from _in_fields(path, function, child, child._fields, block)


def _other_statements(node: ast.stmt) -> Iterator[tuple[str, str, ast.stmt]]:
    """What stands instead of a whole statement."""
    nothing: ast.stmt = ast.Pass()
    match node:
        case ast.Return(value=value) if value and not _is_nothing(value):
            yield _text(node), "return None", ast.Return(ast.Constant(None))
        case ast.Expr(value=ast.Yield() | ast.YieldFrom()) if not _text(node).endswith("()"):
            yield _text(node), "yield nothing", ast.Expr(ast.YieldFrom(ast.Tuple([], ast.Load())))
        case ast.Expr(value=ast.Call() | ast.Await()) if not _text(node).startswith("logger."):
            yield _text(node), "pass", nothing
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript(), *_]):
            yield _text(node), "pass", nothing
        case _ if isinstance(node, DROPPED):
            yield _text(node), "pass", nothing


def _others(node: ast.AST, owner: ast.AST, field: str) -> Iterator[ast.AST]:  # noqa: C901 - a table of shapes
    """What stands instead of an expression."""
    if isinstance(node, ast.expr) and field in {"test", "ifs"} and not isinstance(owner, ast.While):
        yield ast.Constant(value=True) if field == "ifs" else ast.UnaryOp(ast.Not(), node)
    match node:
        case ast.Compare(left=left, ops=[op], comparators=right):
            yield ast.Compare(left, [COMPARED[type(op)]()], right)
        case ast.Compare(left=left, ops=ops, comparators=right):
            for at, op in enumerate(ops):
                yield ast.Compare(left, [*ops[:at], COMPARED[type(op)](), *ops[at + 1 :]], right)
        case ast.BoolOp(op=op, values=values):
            yield ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values)
            for at in range(len(values)):
                rest = [*values[:at], *values[at + 1 :]]
                yield rest[0] if len(rest) == 1 else ast.BoolOp(op, rest)
        case ast.UnaryOp(op=ast.Not(), operand=operand) if field not in {"test", "ifs"}:
            yield operand
        case ast.BinOp(left=left, op=op, right=other) if type(op) in COUNTED:
            yield ast.BinOp(left, COUNTED[type(op)](), other)
        case ast.Constant(value=bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(value=int(value)):
            yield from (ast.Constant(value + 1), ast.Constant(value - 1))
        case ast.Call(func=ast.Attribute(value=value, attr=name), args=[]) if name in SAME_TEXT:
            yield value
        case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords) if name in CALLED:
            yield ast.Call(ast.Name(CALLED[name], ast.Load()), args, keywords)


def _told(child: ast.AST, node: ast.AST, owner: ast.AST, field: str, at: int | None) -> tuple[str, str]:
    """What it was and what it becomes; of a number with what is around it."""
    if not isinstance(child, ast.Constant) or not isinstance(owner, ast.expr | ast.keyword | ast.slice | ast.stmt):
        return _text(child), _text(node)
    around, before = Mutant("", "", 0, 0, "", "", owner, field, at, node), _text(owner)
    around.swap()
    after = _text(owner)
    around.swap()
    return before, after


def _is_nothing(node: ast.expr) -> bool:
    """Whether it is None, or False, for which None is as good."""
    return isinstance(node, ast.Constant) and (node.value is None or node.value is False)


def _text(node: ast.AST) -> str:
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]} … {text[-LONGEST // 2 :]}"


def with_marks(function: ast.AST, mark: str) -> None:
    """Let every block of the function say that it was reached, by calling `mark` with the line of its first statement.

    The tree is changed for good.
    """
    for node in list(ast.walk(function)):
        for field in ("body", "orelse", "finalbody"):
            block = getattr(node, field, None)
            if isinstance(block, list) and block and isinstance(block[0], ast.stmt):
                line = block[0].lineno
                call = ast.Call(ast.Name(mark, ast.Load()), [ast.Constant(line)], [])
                block.insert(0, ast.Expr(call))


def code_of(tree: ast.Module, filename: str, function: str) -> CodeType:
    """The code that the function has in this tree."""
    waiting = [compile(ast.fix_missing_locations(tree), filename, "exec")]
    while waiting:
        code = waiting.pop()
        if code.co_qualname == function:
            return code
        waiting += [one for one in code.co_consts if isinstance(one, CodeType)]
    raise LookupError(f"{filename} has no function {function}")
