"""Who was told to stand where others leave no room, and has room again now that these went. Moves nobody."""

from collections.abc import Mapping

from services.launch.domain.constraints import BETWEEN
from services.launch.domain.decide.scene import Scene
from services.launch.domain.launch import HAPPENED_STATES, OPEN_STATES
from services.launch.domain.planning.arranging import crowd
from services.launch.domain.planning.resident import Sketch
from services.launch.domain.planning.words import resident_of
from services.launch.domain.state import State
from shared.contracts.launch import Conflict, LaunchSnapshot
from shared.contracts.words import LaunchId


def relieve(
    state: State, shapes: Mapping[LaunchId, LaunchSnapshot], scene: Scene
) -> dict[LaunchId, tuple[Conflict, ...]]:
    """The conflicts that are left to launches that lose one, once launches are what `shapes` says; these apart."""
    found: dict[LaunchId, tuple[Conflict, ...]] = {}
    cramped = sorted(state.cramped - shapes.keys())
    if not cramped:
        return found
    resident = resident_of(state, scene)
    with Sketch(resident) as sketch:
        for name, shape in sorted(shapes.items()):
            counts = shape.state in OPEN_STATES | HAPPENED_STATES
            sketch.set(name, resident.entry(shape, shape.date) if counts and shape.date else None)
        for name in cramped:
            launch = state.launches[name]
            day = launch.snapshot.date
            broken = {one.constraint for one in crowd(resident, name, day.toordinal())} if day else frozenset()
            left = tuple(one for one in launch.conflicts if one.constraint not in BETWEEN - broken)
            if left != launch.conflicts:
                found[name] = left
    return found
