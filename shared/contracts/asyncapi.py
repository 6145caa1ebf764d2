"""The AsyncAPI 3.0 document of our topics, written from the messages themselves.

FastStream's own generator leaves out headers, keys and groups, which are half of the contract. Which topics there
are and who hears them is given by the caller; no message is named here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from shared.contracts.envelope import JSON_TYPE
from shared.contracts.words import MAX_MESSAGE_BYTES, PORTFOLIO_PATTERN

Document = dict[str, Any]

REF: Final = "#/components/schemas/{model}"
RETENTION_MS: Final = 30 * 24 * 3600 * 1000

_TEXT: Final = {"type": "string"}
_HEADERS: Final[dict[str, Document]] = {
    "ce_specversion": {"const": "1.0"},
    "ce_id": {**_TEXT, "description": "Deterministic: a retry has the same id."},
    "ce_type": _TEXT,
    "ce_source": {**_TEXT, "description": "The service that tells, for example /roadmap."},
    "ce_subject": {**_TEXT, "pattern": PORTFOLIO_PATTERN, "description": "The portfolio; equal to the key."},
    "ce_time": {**_TEXT, "format": "date-time", "description": "The decision's `now`."},
    "content-type": {"const": JSON_TYPE},
    "ce_causeid": {**_TEXT, "description": "The one act that everything following from it goes back to."},
    "ce_revision": {
        **_TEXT,
        "pattern": "^[1-9][0-9]*$",
        "description": "Contiguous per portfolio and topic; the parts of a large message share it.",
    },
    "traceparent": {**_TEXT, "description": "W3C trace context of the message's creation."},
    "inloop_kinds": {**_TEXT, "description": "The kinds inside, separated by commas; a reader can skip by them."},
}
_OPTIONAL: Final = ("traceparent", "inloop_kinds")
_ONLY_FROM_US: Final = ("ce_causeid", "ce_revision")


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic as people outside must know it.

    Attributes:
        name: for example `roadmap.changes`.
        ce_type: of its one message.
        payload: the model of the message's data.
        teller: the service that writes it; None: tools outside do.
        hearers: the services that read it; each is the group `inloop.<service>.<topic>`.
    """

    name: str
    ce_type: str
    payload: type[BaseModel]
    teller: str | None
    hearers: tuple[str, ...]


def describe(topics: Sequence[Topic], version: str, partitions: int = 6) -> Document:
    """The document for these topics; `version` is the product's."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Inloop",
            "version": version,
            "description": "What the services tell each other: CloudEvents 1.0 in Kafka's binary mode, keyed by"
            f" portfolio, at most {MAX_MESSAGE_BYTES // 1024} KiB each (larger ones come in parts). Readers ignore"
            " unknown fields and survive unknown kinds; writers are strict.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": JSON_TYPE,
        "channels": {topic.name: _channel(topic, partitions) for topic in topics},
        "operations": {name: operation for topic in topics for name, operation in _operations(topic).items()},
        "components": {
            "messages": {_name(topic): _message(topic) for topic in topics},
            "schemas": _schemas(topics),
        },
    }


def _name(topic: Topic) -> str:
    return topic.payload.__name__


def _channel(topic: Topic, partitions: int) -> Document:
    return {
        "address": topic.name,
        "description": _sentence(topic.payload),
        "messages": {_name(topic): {"$ref": f"#/components/messages/{_name(topic)}"}},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": partitions,
                "topicConfiguration": {
                    "cleanup.policy": ["delete"],
                    "retention.ms": RETENTION_MS,
                },
                "bindingVersion": "0.5.0",
            }
        },
    }


def _operations(topic: Topic) -> dict[str, Document]:
    channel = {"$ref": f"#/channels/{topic.name}"}
    told = {
        "action": "send",
        "channel": channel,
        "title": f"{topic.teller or 'Tools outside'} tells {topic.name}",
    }
    heard = {
        f"{service}.hears.{topic.name}": {
            "action": "receive",
            "channel": channel,
            "title": f"{service} hears {topic.name}",
            "bindings": {
                "kafka": {
                    "groupId": {**_TEXT, "enum": [f"inloop.{service}.{topic.name}"]},
                    "bindingVersion": "0.5.0",
                },
            },
        }
        for service in topic.hearers
    }
    return {f"{topic.teller or 'outside'}.tells.{topic.name}": told, **heard}


def _message(topic: Topic) -> Document:
    return {
        "name": topic.ce_type,
        "title": _name(topic),
        "summary": _sentence(topic.payload),
        "contentType": JSON_TYPE,
        "headers": _headers(topic),
        "payload": {"$ref": REF.format(model=_name(topic))},
        "correlationId": {
            "description": "The cause: one id finds everything that followed from one act.",
            "location": "$message.header#/ce_causeid",
        },
        "bindings": {
            "kafka": {
                "key": {**_TEXT, "pattern": PORTFOLIO_PATTERN, "description": "The portfolio, UTF-8."},
                "bindingVersion": "0.5.0",
            }
        },
    }


def _headers(topic: Topic) -> Document:
    given = {**_HEADERS, "ce_type": {"const": topic.ce_type}}
    optional = _OPTIONAL if topic.teller else (*_OPTIONAL, *_ONLY_FROM_US)
    return {
        "type": "object",
        "properties": given,
        "required": [name for name in given if name not in optional],
    }


def _schemas(topics: Sequence[Topic]) -> Document:
    """Every payload and what it is made of; a reader is told what is there, so as the writer writes it."""
    _, schema = models_json_schema([(topic.payload, "serialization") for topic in topics], ref_template=REF)
    found: Document = schema["$defs"]
    return found


def _sentence(model: type[BaseModel]) -> str:
    return " ".join((model.__doc__ or "").split())
