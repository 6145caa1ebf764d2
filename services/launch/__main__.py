"""`python -m services.launch`: this service alone in a process."""

import uvicorn

from services.launch.app import create_app
from services.launch.settings import LaunchSettings
from shared.runtime.telemetry import configure_logging
from shared.web.doors import check_settings


def main() -> None:
    """Read the settings, listen, serve until told to stop."""
    settings = LaunchSettings()
    configure_logging(settings.log_format)
    app = create_app(settings)
    check_settings(app.state.foundation)
    uvicorn.run(app, host=settings.host, port=settings.port, log_config=None, timeout_graceful_shutdown=20)


if __name__ == "__main__":
    main()
