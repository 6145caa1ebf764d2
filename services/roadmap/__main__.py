"""`python -m services.roadmap`: this service alone in a process."""

from services.roadmap.app import create_app
from services.roadmap.settings import RoadmapSettings
from shared.web.serving import serve


def main() -> None:
    """Read the settings and serve until told to stop."""
    settings = RoadmapSettings()
    serve(create_app(settings), settings)


if __name__ == "__main__":
    main()
