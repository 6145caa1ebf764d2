"""One service alone in a process: `python -m services.<name>` ends here. Several in one process: deploy/local."""

import uvicorn
from fastapi import FastAPI

from shared.runtime.process import STOP_SECONDS
from shared.runtime.settings import RuntimeSettings
from shared.runtime.telemetry import configure_logging
from shared.web.doors import check_settings


def serve(app: FastAPI, settings: RuntimeSettings) -> None:
    """Listen, and serve until told to stop.

    Raises:
        RuntimeError: the world could reach the port and no token is set.
    """
    configure_logging(settings.log_format)
    check_settings(app.state.foundation)
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,  # a path may be a secret (a mail's link, a hook's address); spans and metrics know the route
        server_header=False,
        timeout_graceful_shutdown=STOP_SECONDS,
    )
