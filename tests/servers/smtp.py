"""A mail server that behaves as badly as a test wants: per recipient it refuses, defers or never answers."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from deploy.local.smtp import ACCEPTED, CaughtMail, MailCatcher

LOOK_EVERY_SECONDS = 0.01


class Answer(StrEnum):
    """What mail servers say, and what it means to a sender."""

    ACCEPTED = ACCEPTED
    BUSY = "421 4.3.2 Service not available, try later"  # for now
    MAILBOX_FULL = "452 4.2.2 Mailbox full"  # for now
    UNKNOWN_RECIPIENT = "550 5.1.1 No such user"  # for ever
    HANG = "hang"  # says nothing until the sender gives up


class Stage(StrEnum):
    """When the answer is given. `after_keeping`: the mail is in, whatever the sender is told."""

    RECIPIENT = "recipient"
    MAIL = "mail"
    AFTER_KEEPING = "after keeping"


@dataclass
class _Script:
    answer: str
    stage: Stage
    times: int | None

    def is_due_at(self, stage: Stage) -> bool:
        return self.stage is stage and (self.times is None or self.times > 0)


class ScriptedMailServer(MailCatcher):
    """Accepts everything that no script speaks about."""

    def __init__(self, port: int = 0) -> None:
        super().__init__(port)
        self._scripts: dict[str, _Script] = {}

    def answers(self, recipient: str, answer: str, *, stage: Stage = Stage.RECIPIENT, times: int | None = None) -> None:
        """Give this answer to mails for `recipient`, `times` times or always."""
        self._scripts[recipient] = _Script(answer, stage, times)

    def forget_scripts(self) -> None:
        self._scripts.clear()

    async def arrived(self, count: int, within_seconds: float = 5.0) -> list[CaughtMail]:
        """Wait, without blocking the loop, until there are `count` mails; raises TimeoutError."""
        return await self.arrives(lambda mails: len(mails) >= count, within_seconds)

    async def arrives(
        self, awaited: Callable[[list[CaughtMail]], bool], within_seconds: float = 5.0
    ) -> list[CaughtMail]:
        async with asyncio.timeout(within_seconds):
            while not awaited(self.mails):
                await asyncio.sleep(LOOK_EVERY_SECONDS)
        return self.mails

    async def answer_recipient(self, recipient: str) -> str:
        return await self._scripted((recipient,), Stage.RECIPIENT) or await super().answer_recipient(recipient)

    async def answer_mail(self, mail: CaughtMail) -> str:
        if answer := await self._scripted(mail.to, Stage.MAIL):
            return answer
        kept = await super().answer_mail(mail)
        return await self._scripted(mail.to, Stage.AFTER_KEEPING) or kept

    async def _scripted(self, recipients: tuple[str, ...], stage: Stage) -> str | None:
        for recipient in recipients:
            script = self._scripts.get(recipient)
            if script is not None and script.is_due_at(stage):
                if script.times is not None:
                    script.times -= 1
                if script.answer == Answer.HANG:
                    await asyncio.Event().wait()
                return str(script.answer)
        return None
