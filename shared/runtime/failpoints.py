"""Named places where a test lets the process die or fail. Nothing happens unless one is armed.

`INLOOP_FAILPOINTS="relay.after_produce=kill,inbox.after_commit=raise:3"` arms them: `kill` is SIGKILL to this process,
`raise` raises Failpoint, both at the first passage or, with `:n`, at the n-th.
"""

import os
import signal

_armed: dict[str, tuple[str, int]] = {}
_passed: dict[str, int] = {}


class Failpoint(Exception):  # noqa: N818 - it is a planned event, not an error of ours
    """An armed failpoint was reached."""


def arm(specification: str) -> None:
    """Arm from the text form above; an empty text disarms all.

    Raises:
        ValueError: an item is not `name=kill|raise[:n]`.
    """
    _armed.clear()
    _passed.clear()
    for item in filter(None, specification.split(",")):
        name, _, action = item.partition("=")
        action, _, count = action.partition(":")
        if action not in {"kill", "raise"} or not (count or "1").isdecimal():
            raise ValueError(f"failpoint {item!r}: expected name=kill or name=raise, optionally with :n")
        _armed[name] = (action, int(count or 1))


def failpoint(name: str) -> None:
    """Do what is armed for `name`; usually nothing."""
    if name not in _armed:
        return
    action, at = _armed[name]
    _passed[name] = _passed.get(name, 0) + 1
    if _passed[name] != at:
        return
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    raise Failpoint(name)
