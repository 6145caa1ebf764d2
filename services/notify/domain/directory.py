"""Who works here: one version of the directory, and whom an address can reach.

Reading a file is in reading.py; who is concerned by what is in audience.py.
"""

import hashlib
from collections.abc import Iterable
from typing import Any, Final

from shared.contracts.words import PersonId, Word, canonical_json

ROLES: Final = (
    "pm",
    "pmm",
    "marketing_ops",
    "sales",
    "sales_enablement",
    "cs",
    "cs_lead",
    "support",
    "docs",
    "comms",
    "champion",
    "liaison",
    "lead",
)
EVERY_PRODUCT_LINE: Final = "*"


class Contact(Word):
    """How to address one person. Kept in one mutable table, so that a person can be erased."""

    id: PersonId
    name: str
    email: str | None = None
    zone: str = "UTC"
    locale: str = "en"


class Person(Word):
    """What routing needs of one person; no name and no address."""

    id: PersonId
    team: str | None = None
    roles: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    product_lines: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()
    manager: PersonId | None = None
    backup: PersonId | None = None


class Directory(Word):
    """One version: `id` is the hash of everything in it, addresses included."""

    id: str
    people: tuple[Person, ...] = ()


class DirectoryFile(Word):
    """A directory as it was read, with the contacts that go into the mutable table."""

    directory: Directory
    contacts: tuple[Contact, ...]


NO_DIRECTORY: Final = Directory(id="sha256:" + hashlib.sha256(b"[]").hexdigest())
"""What a portfolio has before its first directory: nobody."""


def build_directory(entries: Iterable[dict[str, Any]]) -> DirectoryFile:
    """The directory of entries that reading.py has checked; the order in which they came does not matter."""
    ordered = sorted(entries, key=lambda entry: str(entry["id"]))
    digest = hashlib.sha256(canonical_json(ordered).encode()).hexdigest()
    people = tuple(Person.model_validate(entry) for entry in ordered)
    contacts = tuple(Contact.model_validate(entry) for entry in ordered)
    return DirectoryFile(directory=Directory(id=f"sha256:{digest}", people=people), contacts=contacts)
