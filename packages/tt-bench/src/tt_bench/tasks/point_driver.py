"""Drive points through a maze along shortest paths of cells."""

import attrs
import numpy as np
from numpy.typing import NDArray

from tt_bench.interface import BoolArray, FloatArray
from tt_bench.tasks.maze import Maze
from tt_bench.tasks.route import Route

_positive = attrs.validators.gt(0.0)


@attrs.frozen
class DriveConfig:
    """Set how a waypoint driver behaves.

    Attributes:
        speed: what it aims at between waypoints, in cells a second (at most 5).
        approach: speed asked for per unit of distance to the goal, 1/s.
        response: force per unit of missing speed.
        noise: deviation of the Gaussian added to each force before clipping.
        arrival: a random goal nearer than this is replaced.
        spread: half-width of the square around the middle of its cell that a random
            goal is drawn from.
        reach: random goals lie at most so many cells from the point; None for
            anywhere.
    """

    speed: float = attrs.field(
        default=3.0, validator=[_positive, attrs.validators.le(5)]
    )
    approach: float = attrs.field(default=8.0, validator=_positive)
    response: float = attrs.field(default=1.0, validator=_positive)
    noise: float = attrs.field(default=0.3, validator=attrs.validators.ge(0.0))
    arrival: float = attrs.field(default=0.2, validator=_positive)
    spread: float = attrs.field(default=0.25, validator=attrs.validators.ge(0.0))
    reach: int | None = attrs.field(
        default=None, validator=attrs.validators.optional(attrs.validators.ge(1))
    )


class WaypointDriver:
    """Drive a row of points to the maze's goal, or to one random goal after another.

    It is an agent: `start`, then `act` on observations [E, 4] of position and speed.
    """

    def __init__(self, maze: Maze, config: DriveConfig, *, wander: bool) -> None:
        """Tabulate the shortest paths.

        Args:
            maze: where to drive.
            config: how to drive.
            wander: drive to random goals, not to the goal of the maze.
        """
        self._config = config
        self._route = Route(
            maze,
            wander=wander,
            arrival=config.arrival,
            spread=config.spread,
            reach=config.reach,
        )

    def start(self, count: int, seed: int, /) -> None:
        """Begin `count` episodes."""
        self._generator = np.random.default_rng(seed)
        self._route.start(count, self._generator)

    def act(self, observations: FloatArray, active: BoolArray, /) -> FloatArray:
        """Return the forces for observations [E, 4]: [E, 2]."""
        config = self._config
        place, speed = observations[:, :2].astype(np.float64), observations[:, 2:]
        wanted = self._wanted_speed(place, active)
        force = config.response * (wanted - speed)
        force += config.noise * self._generator.standard_normal(force.shape)
        return np.clip(force, -1.0, 1.0).astype(np.float32)

    def observe(
        self, actions: FloatArray, rewards: FloatArray, active: BoolArray, /
    ) -> None:
        """Learn nothing."""

    def _wanted_speed(
        self, place: NDArray[np.float64], active: BoolArray
    ) -> NDArray[np.float64]:
        target, last = self._route.targets(place, active)
        way: NDArray[np.float64] = target - place
        length = np.maximum(np.linalg.norm(way, axis=1), 1e-9)
        slow = np.minimum(self._config.approach * length, self._config.speed)
        pace = np.where(last, slow, self._config.speed)
        wanted: NDArray[np.float64] = way * (pace / length)[:, None]
        return wanted
