"""notify wired together: the only module that knows all the others."""

import logging
from datetime import datetime
from pathlib import Path
from typing import Final

from fastapi import Depends, FastAPI

from services.notify.api import build_api
from services.notify.channels.mail import MailServer, sender_domain
from services.notify.consumers import hear_launch
from services.notify.domain.audience import DEFAULT_POLICY
from services.notify.domain.reading import read_directory
from services.notify.handlers.acknowledgements import AcknowledgementHandlers
from services.notify.handlers.directories import DirectoryDependencies, put_directory
from services.notify.handlers.hearing import Hearing, Rules
from services.notify.pages import build_pages
from services.notify.settings import NotifySettings
from services.notify.timers import Sender, watch_gaps
from shared.contracts.asyncapi import Topic
from shared.contracts.notify import ReceiptsChanged
from shared.contracts.words import PortfolioId
from shared.runtime.foundation import Foundation, Runtime
from shared.runtime.process import Wake
from shared.web.doors import create_app as create_doors
from shared.web.doors import require_access

HERE = Path(__file__).parent
TOPICS: Final = (Topic("notify.receipts", ReceiptsChanged.TYPE, ReceiptsChanged, "notify", ("launch", "roadmap")),)
GAUGES_SECONDS = 5.0

logger = logging.getLogger(__name__)


def create_app(settings: NotifySettings, runtime: Runtime | None = None) -> FastAPI:
    """The service; its lifespan starts and stops everything."""
    foundation = Foundation("notify", settings, "notify.receipts", HERE / "migrations", runtime or Runtime())
    wake = Wake()
    domain = sender_domain(settings.mail_from)
    time_is_ours = settings.time_source == "clock"
    directory_dependencies = DirectoryDependencies(foundation.database, foundation.outbox, domain, time_is_ours)
    rules = Rules(DEFAULT_POLICY, domain, settings.acknowledge == "at_once")
    acknowledgements = AcknowledgementHandlers(
        foundation.database, foundation.outbox, foundation.telemetry, time_is_ours=time_is_ours
    )
    hear_launch(foundation, Hearing(foundation.outbox, foundation.telemetry, rules, wake))

    async def prepare() -> None:
        await _load_directory_file(directory_dependencies, settings, foundation.clock())

    async def background() -> None:
        foundation.process.every(GAUGES_SECONDS, "gaps", watch_gaps(foundation))
        _start_senders(foundation, settings, acknowledgements, wake)

    foundation.prepare = prepare
    app = create_doors(foundation, title="Inloop notify", topics=TOPICS, background=background)
    for router in build_api(foundation, acknowledgements, directory_dependencies):
        app.include_router(router, prefix="/notify/api/v1", dependencies=[Depends(require_access)])
    build_pages(foundation, acknowledgements, app)
    return app


def _start_senders(
    foundation: Foundation, settings: NotifySettings, acknowledgements: AcknowledgementHandlers, wake: Wake
) -> None:
    if settings.smtp_url is None:
        logger.warning("notify: INLOOP_SMTP_URL is not set; no mail goes out, notices wait in the inbox")
        return
    for number in range(1, settings.mail_connections + 1):
        server = MailServer(settings.smtp_url.get_secret_value(), settings.mail_from)
        sender = Sender(foundation, acknowledgements, server, wake)
        foundation.process.supervise(f"mail {number}", sender.run)
        foundation.process.checks[f"mail {number}"] = sender.heartbeat.check


async def _load_directory_file(
    directory_dependencies: DirectoryDependencies, settings: NotifySettings, now: datetime
) -> None:
    """A wrong file keeps the service from starting: with yesterday's people it would leave somebody out in silence."""
    file = settings.directory_file
    if file is None:
        return
    read = read_directory(file.read_bytes(), is_csv=file.suffix.lower() == ".csv")
    portfolio = PortfolioId(settings.directory_portfolio)
    if await put_directory(directory_dependencies, portfolio, read, now):
        logger.info("directory of %s: %s people from %s", portfolio, len(read.contacts), file.name)
