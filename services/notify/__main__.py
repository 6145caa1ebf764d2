"""`python -m services.notify`: this service alone in a process."""

from services.notify.app import create_app
from services.notify.settings import NotifySettings
from shared.web.serving import serve


def main() -> None:
    """Read the settings and serve until told to stop."""
    settings = NotifySettings()
    serve(create_app(settings), settings)


if __name__ == "__main__":
    main()
