"""What roadmap must be told to run: so far only what every service is told."""

from shared.runtime.settings import RuntimeSettings


class RoadmapSettings(RuntimeSettings):
    """From the environment, INLOOP_…; see RuntimeSettings."""
