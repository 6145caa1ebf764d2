"""What notify must be told beyond shared/runtime/settings.py; read once, by app.py."""

from pathlib import Path
from typing import Literal

from pydantic import SecretStr

from shared.runtime.settings import RuntimeSettings


class NotifySettings(RuntimeSettings):
    """From the environment: INLOOP_SMTP_URL (or …_FILE), INLOOP_MAIL_FROM, INLOOP_DIRECTORY_FILE and so on."""

    smtp_url: SecretStr | None = None
    """`smtp://host:port`; None: nothing is mailed, deliveries wait."""
    mail_from: str = "Inloop <inloop@localhost>"
    mail_connections: int = 2
    directory_file: Path | None = None
    directory_portfolio: str = "default"
    acknowledge: Literal["never", "at_once"] = "never"
    """`at_once`: in a replay each notice is acknowledged at its cause's time, in the transaction that made it."""
