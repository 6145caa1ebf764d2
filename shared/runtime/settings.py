"""What every service must be told to run; read once at start from the environment (INLOOP_…) or given by the caller."""

import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


def _asyncpg(url: str) -> str:
    """SQLAlchemy names the driver in the URL; people rarely do."""
    scheme, _, rest = url.partition("://")
    if scheme not in {"postgresql", "postgres", "postgresql+asyncpg"}:
        raise ValueError("expected postgresql://user:password@host:port/database")
    return f"postgresql+asyncpg://{rest}"


class RuntimeSettings(BaseSettings):
    """Shared by all services. Any of them may come from a file named by `<VARIABLE>_FILE`: so secrets do."""

    model_config = SettingsConfigDict(
        env_prefix="INLOOP_",
        env_ignore_empty=True,  # `INLOOP_API_TOKEN=` means: not given
        extra="ignore",
        frozen=True,
    )

    database_url: Annotated[str, AfterValidator(_asyncpg)]
    """`postgresql://user:password@host:port/database`; each service has a database of its own."""
    kafka_bootstrap: str
    """`host:port` of the brokers, separated by commas."""
    topic_prefix: str = ""
    """Put before every topic's name, so that several installations can share brokers."""
    partitions: int = 6
    """Of each topic that does not exist yet."""
    replication_factor: int = 1
    """Of each topic that does not exist yet."""
    api_token: SecretStr | None = None
    """What programs and pages must give. Without one the API is open, and only to this machine."""
    host: str = "127.0.0.1"
    """The address to listen on; with any other than loopback a token is needed."""
    port: int = 8000
    """The port to listen on."""
    loopback_only: bool = False
    """The operator states that only this machine can reach the port (published on 127.0.0.1): the API may be open."""
    time_source: Literal["clock", "observations"] = "clock"
    """In a replay, time is what the observations say."""
    embedded: bool = False
    """The broker keeps little and forgets at restart: the relay waits for the readers (docs/explanation/traps.md)."""
    fetch_wait_ms: int = 100
    """How long a broker may wait for records before it answers a reader, in milliseconds."""
    batch_size: int = 500
    """Records that one transaction applies, at most."""
    failpoints: str = ""
    """Only for tests: where the process ends itself (shared/runtime/failpoints.py)."""
    log_format: Literal["json", "text"] = "json"
    """How log lines are written to stderr."""
    roadmap_url: str = "http://127.0.0.1:8000"
    """Where the others ask roadmap for revisions that they miss."""
    launch_url: str = "http://127.0.0.1:8000"
    """Where the others ask launch for revisions that they miss."""
    notify_url: str = "http://127.0.0.1:8000"
    """Where the others ask notify for revisions that they miss."""
    public_url: str = "http://127.0.0.1:8000"
    """What people's browsers see; links in mails start with it."""

    @model_validator(mode="before")
    @classmethod
    def _secrets_from_files(cls, values: dict[str, Any]) -> dict[str, Any]:
        files = {name: os.environ.get(f"INLOOP_{name.upper()}_FILE") for name in cls.model_fields}
        read = {
            name: Path(path).read_text().strip()
            for name, path in files.items()
            if path and f"{name}_file" not in cls.model_fields
        }
        return {**values, **read}

    @property
    def is_open(self) -> bool:
        """Whether the API answers without a token."""
        return self.api_token is None and (self.loopback_only or self.host in {"127.0.0.1", "::1", "localhost"})
