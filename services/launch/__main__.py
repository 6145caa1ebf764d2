"""`python -m services.launch`: this service alone in a process."""

from services.launch.app import create_app
from services.launch.settings import LaunchSettings
from shared.web.serving import serve


def main() -> None:
    """Read the settings and serve until told to stop."""
    settings = LaunchSettings()
    serve(create_app(settings), settings)


if __name__ == "__main__":
    main()
