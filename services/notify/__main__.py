"""`python -m services.notify`: the service as a process of its own."""

import uvicorn

from services.notify.app import create_app
from services.notify.settings import NotifySettings
from shared.runtime.telemetry import configure_logging
from shared.web.doors import check_settings


def main() -> None:
    """Read the environment, then serve until stopped."""
    settings = NotifySettings()
    configure_logging(settings.log_format)
    app = create_app(settings)
    check_settings(app.state.foundation)
    uvicorn.run(app, host=settings.host, port=settings.port, log_config=None, server_header=False)


if __name__ == "__main__":
    main()
