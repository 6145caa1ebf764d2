"""What notify must be told beyond shared/runtime/settings.py; read once, by app.py."""

from pathlib import Path
from typing import Literal

from pydantic import SecretStr

from shared.runtime.settings import RuntimeSettings


class NotifySettings(RuntimeSettings):
    """From the environment: INLOOP_SMTP_URL (or …_FILE), INLOOP_MAIL_FROM, INLOOP_DIRECTORY_FILE and so on."""

    smtp_url: SecretStr | None = None
    """`smtp://`, `smtp+starttls://` or `smtps://`, with `user:password@` if the server asks for it.

    Without one nothing is mailed, and deliveries wait.
    """
    mail_from: str = "Inloop <inloop@localhost>"
    """Who mails are from."""
    mail_connections: int = 2
    """How many mails are under way at the same time."""
    directory_file: Path | None = None
    """Who works here, read at start before the first message; a wrong file keeps the service from starting."""
    directory_portfolio: str = "default"
    """The portfolio that `directory_file` is for."""
    acknowledge: Literal["never", "at_once"] = "never"
    """`at_once`: in a replay each notice is acknowledged at its cause's time, in the transaction that made it."""
