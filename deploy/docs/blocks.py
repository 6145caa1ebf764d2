"""The generated blocks of the pages: which there are, and how they are put into a page.

A page holds `<!-- from the code: NAME -->` … `<!-- end -->`; what stands between is written from the code, everything
else by hand. A test compares the pages in the repository with what is written here.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, get_args

import typer
import yaml
from pydantic import BaseModel

from deploy.cli.contracts import TOPICS, build_documents
from deploy.cli.main import app as inloop
from deploy.docs.tables import (
    NOTHING,
    UndescribedError,
    describe_class,
    describe_field,
    find_parts,
    find_sentence,
    say_default,
    say_type,
    write_fields,
    write_table,
)
from services.launch.domain.policy import Policy
from services.launch.settings import DEFAULT_POLICY, LaunchSettings
from services.notify.domain.audience import DEFAULT_POLICY as ROUTING
from services.notify.domain.directory import ROLES
from services.notify.domain.reading.fields import FIELDS, LISTS
from services.notify.settings import NotifySettings
from services.roadmap.domain.observation import EXAMPLES, Observation
from shared.contracts.cause import CauseKind
from shared.contracts.feature import FeatureKind
from shared.contracts.launch import LaunchesChanged, LaunchKind
from shared.contracts.notify import COVERAGE_CLASSES, CoverageCertificate, ReceiptsChanged
from shared.contracts.roadmap import RoadmapChanged
from shared.runtime.settings import RuntimeSettings

BLOCK: Final = re.compile(r"(<!-- from the code: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
SHORT: Final = 90
"""Characters of a default policy's value that a table can show."""

OWN_PAGE: Final[dict[type, str]] = {Observation: "observations.md"}
"""Messages that another page than that of the messages describes."""

METHODS: Final = ("get", "post", "put", "patch", "delete")


def rewrite(page: str) -> str:
    """The page with every block as the code has it.

    Raises:
        KeyError: the page asks for a block that there is not.
    """
    return BLOCK.sub(lambda found: f"{found[1]}\n{BLOCKS[found[2]]()}\n\n{found[3]}", page)


def _describe(model: type[BaseModel], shown: set[type[BaseModel]]) -> Iterator[str]:
    """A table of the model under its name, then one of each part that was not shown before."""
    for part in (model, *find_parts(model)):
        if part not in shown:
            shown.add(part)
            yield f"### {part.__name__}\n\n{describe_class(part)}\n\n{write_fields(part)}"


def _models(*models: type[BaseModel]) -> str:
    shown: set[type[BaseModel]] = set()
    return "\n\n".join(text for model in models for text in _describe(model, shown))


def _said(group: str, names: Iterable[str], head: tuple[str, str]) -> str:
    return write_table(head, [(f"`{name}`", find_sentence(group, name)) for name in names])


# ---- what the services tell


def _targets() -> str:
    return write_table(("form", "expected"), [(f"`{name}`", text) for name, text in EXAMPLES.items()])


def _topics() -> str:
    rows = [
        (
            f"`{topic.name}`",
            topic.teller or "tools outside",
            ", ".join(topic.hearers),
            f"[{topic.payload.__name__}]({OWN_PAGE.get(topic.payload, '')}#{topic.payload.__name__.lower()})",
            f"`{topic.ce_type}`",
        )
        for topic in TOPICS
    ]
    return write_table(("topic", "told by", "heard by", "data", "`ce_type`"), rows)


def _headers() -> str:
    message = build_documents()["asyncapi.json"]["components"]["messages"]["RoadmapChanged"]["headers"]
    rows = [
        (f"`{name}`", "yes" if name in message["required"] else "no", _say_header(schema))
        for name, schema in message["properties"].items()
    ]
    return write_table(("header", "always there", "meaning"), rows)


def _say_header(schema: dict[str, Any]) -> str:
    fixed = f"`{schema['const']}`" if "const" in schema else ""
    return " ".join(filter(None, (fixed, schema.get("description", ""))))


# ---- the policy


def _policy() -> str:
    default = yaml.safe_load(DEFAULT_POLICY.read_text(encoding="utf-8"))
    own = [name for name in Policy.model_fields if name in Policy.__annotations__]
    names = [*own, *(name for name in Policy.model_fields if name not in own)]
    rows = [
        (
            f"`{name}`",
            describe_field(Policy, name),
            say_type(Policy.model_fields[name]),
            say_default(Policy.model_fields[name]),
            _shorten(default[name]) if name in default else "not there",
        )
        for name in names
    ]
    top = write_table(("key", "meaning", "holds", "without it", "in the default policy"), rows)
    return "\n\n".join([top, *(_section(part) for part in find_parts(Policy))])


def _section(part: type[BaseModel]) -> str:
    return f"### {part.__name__}\n\n{describe_class(part)}\n\n{write_fields(part)}"


def _shorten(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10_000).removesuffix("...\n").strip()
    return f"`{text}`" if len(text) <= SHORT else "see the file"


# ---- people


def _directory() -> str:
    rows = [
        (
            f"`{name}`",
            find_sentence("directory", name),
            "list of texts" if name in LISTS else "text",
            "**required**" if name in {"id", "name"} else "no",
        )
        for name in FIELDS
    ]
    return write_table(("column", "meaning", "holds", "needed"), rows)


def _routing() -> str:
    levels = ("T1", "T2", "T3", "T4", "untouched")
    rows = []
    for role in ROLES:
        needs = [{rule.need for rule in ROUTING.rules if (rule.role, rule.level) == (role, level)} for level in levels]
        rows.append(
            (f"`{role}`", *("acknowledge" if "acknowledge" in one else "see" if one else NOTHING for one in needs))
        )
    due = [
        f"{days} working day{'s' if days > 1 else ''}" for days in map(ROUTING.due_in_working_days.get, levels) if days
    ]
    rows.append(("due within", *due, *[NOTHING] * (len(levels) - len(due))))
    return write_table(("role", *levels), rows)


# ---- ways in


def _routes(service: str) -> str:
    document = build_documents()[f"openapi-{service}.json"]
    prefix = f"/{service}/api/v1"
    rows = []
    bodies: dict[str, dict[str, Any]] = {}
    for path, operations in document["paths"].items():
        for method in METHODS:
            if method in operations:
                asked = operations[method]
                name = _body_name(asked)
                if name:
                    bodies[name] = document["components"]["schemas"][name]
                route = f"`{method.upper()} {path.removeprefix(prefix)}`"
                rows.append((route, _say_route(route, asked), _given(asked, name)))
    table = write_table(("route", "what it does", "takes"), rows)
    return "\n\n".join([table, *(_body(name, schema) for name, schema in sorted(bodies.items()))])


def _say_route(route: str, asked: dict[str, Any]) -> str:
    if "description" not in asked:
        raise UndescribedError(f"{route}: give its function a docstring")
    return " ".join(str(asked["description"]).split())


def _body_name(asked: dict[str, Any]) -> str | None:
    content = asked.get("requestBody", {}).get("content", {}).get("application/json", {})
    reference = content.get("schema", {}).get("$ref")
    return str(reference).rpartition("/")[2] if reference else None


def _given(asked: dict[str, Any], body: str | None) -> str:
    parameters = [one for one in asked.get("parameters", ()) if one["in"] != "path"]
    query = [f"`{one['name']}`" for one in parameters if one["in"] == "query"]
    headers = [f"`{one['name'].title()}`" for one in parameters if one["in"] == "header"]
    parts = [f"query {', '.join(query)}"] if query else []
    parts += [f"header {', '.join(headers)}"] if headers else []
    parts += [f"body [{body}](#{body.lower()})"] if body else []
    return "; ".join(parts) or NOTHING


def _body(name: str, schema: dict[str, Any]) -> str:
    required = schema.get("required", ())
    rows = [
        (f"`{field}`", _say_schema(one), "**required**" if field in required else _say_default(one))
        for field, one in schema["properties"].items()
    ]
    said = " ".join(schema.get("description", "").split())
    return f"### {name}\n\n{said}\n\n{write_table(('field', 'holds', 'without it'), rows)}"


def _say_schema(schema: dict[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(_say_schema(one) for one in schema["anyOf"])
    if "$ref" in schema:
        return f"`{schema['$ref'].rpartition('/')[2]}`"
    if "enum" in schema:
        return ", ".join(f"`{one}`" for one in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_say_schema(schema.get('items', {}))}"
    if schema.get("format") == "date":
        return "day"
    names = {"string": "text", "integer": "whole number", "boolean": "`true` or `false`", "null": "null"}
    return names.get(schema.get("type", ""), str(schema.get("type", "anything")))


def _say_default(schema: dict[str, Any]) -> str:
    return f"`{schema['default']}`" if schema.get("default") not in (None, [], ()) else NOTHING


def _commands() -> str:
    return "\n\n".join(_command("inloop", typer.main.get_command(inloop)))


def _command(name: str, command: Any) -> Iterator[str]:
    """A command and those below it."""
    below = getattr(command, "commands", {})
    if not below:
        yield f"### `{name}`\n\n{_say_help(command.help)}\n\n{_usage(name, command)}{_options(command)}"
    for word, one in below.items():
        yield from _command(f"{name} {word}", one)


def _say_help(text: str | None) -> str:
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in (text or "").split("\n\n"))


def _usage(name: str, command: Any) -> str:
    words = [_metavar(one) for one in command.params if one.param_type_name == "argument"]
    has_options = any(one.param_type_name == "option" and one.name != "help" for one in command.params)
    return f"```sh\n{' '.join([name, *words])}{' [OPTIONS]' if has_options else ''}\n```"


def _metavar(argument: Any) -> str:
    return str(argument.metavar or argument.name.upper())


def _options(command: Any) -> str:
    rows = [
        (
            " ".join(f"`{name}`" for name in (one.opts if one.param_type_name == "option" else [_metavar(one)])),
            " ".join((one.help or "").split()),
            _say_option_default(one),
        )
        for one in command.params
        if one.param_type_name in {"argument", "option"} and one.name != "help"
    ]
    return f"\n\n{write_table(('given', 'meaning', 'without it'), rows)}" if rows else ""


def _say_option_default(one: Any) -> str:
    if one.required:
        return "**required**"
    value = getattr(one.default, "value", one.default)
    return NOTHING if value is None or value is False else f"`{value}`"


def _settings() -> str:
    parts = []
    for title, model, inherited in (
        ("Every service", RuntimeSettings, ()),
        ("launch", LaunchSettings, RuntimeSettings.model_fields),
        ("notify", NotifySettings, RuntimeSettings.model_fields),
    ):
        rows = [
            (f"`INLOOP_{name.upper()}`", describe_field(model, name), say_type(field), say_default(field))
            for name, field in model.model_fields.items()
            if name not in inherited
        ]
        parts.append(f"## {title}\n\n{write_table(('variable', 'meaning', 'holds', 'without it'), rows)}")
    return "\n\n".join(parts)


BLOCKS: Final[dict[str, Callable[[], str]]] = {
    "observation": lambda: _models(Observation),
    "targets": _targets,
    "feature-kinds": lambda: _said("feature kinds", [one.value for one in FeatureKind], ("kind", "applies when")),
    "topics": _topics,
    "headers": _headers,
    "messages": lambda: _models(RoadmapChanged, LaunchesChanged, ReceiptsChanged),
    "cause-kinds": lambda: _said("cause kinds", get_args(CauseKind), ("kind", "what happened")),
    "launch-kinds": lambda: _said("launch kinds", [one.value for one in LaunchKind], ("kind", "what happened")),
    "certificate": lambda: _models(CoverageCertificate),
    "classes": lambda: _said("classes", COVERAGE_CLASSES, ("class", "who stands in it")),
    "policy": _policy,
    "directory": _directory,
    "roles": lambda: _said("roles", ROLES, ("role", "who it is")),
    "routing": _routing,
    "routes-roadmap": lambda: _routes("roadmap"),
    "routes-launch": lambda: _routes("launch"),
    "routes-notify": lambda: _routes("notify"),
    "commands": _commands,
    "settings": _settings,
}
