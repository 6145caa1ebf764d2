"""The one act that everything following from it goes back to (docs/reference/messages.md)."""

from typing import Literal

from shared.contracts.words import CauseId, Instant, Word

CauseKind = Literal["observation", "release_moved", "import", "reconciliation", "person", "clock"]


class Source(Word):
    """Where the act happened, in the words of the tool that told us."""

    tool: str
    source_id: str
    ref: str | None = None
    url: str | None = None
    actor: str | None = None
    occurred_at: Instant
    observed_at: Instant


class Cause(Word):
    """One act that changed something; `caused_by` names the cause it goes back to, for approvals and the clock."""

    id: CauseId
    kind: str
    summary: str
    source: Source
    caused_by: CauseId | None = None
