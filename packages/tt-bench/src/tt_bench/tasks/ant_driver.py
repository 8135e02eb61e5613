"""Walk ants where they are told to go, with a trained controller."""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import as_file, files

import attrs
import numpy as np
from numpy.typing import NDArray

from tt_bench.interface import BoolArray, FloatArray
from tt_bench.tasks.ant_maze import CELL, cells_to_metres
from tt_bench.tasks.d4rl_ant_maze import GOAL_SHIFTS
from tt_bench.tasks.maze import Cell, Maze
from tt_bench.tasks.route import Route

Weights = Mapping[str, FloatArray]

_PLACE = slice(0, 2)  # of an observation [29]; the rest is the ant's own [27]
_QUATERNION = slice(1, 5)  # w, x, y, z in the ant's own numbers
_VELOCITY = slice(13, 15)
_HIDDEN_LAYERS = 2


@cache
def load_weights() -> Weights:
    """Read the weights of the controller that comes with this package."""
    with as_file(files("tt_bench.tasks") / "ant_controller.npz") as path:
        return dict(np.load(path))


def in_command_frame(
    ants: NDArray[np.floating], headings: NDArray[np.floating]
) -> FloatArray:
    """Turn the world so that each ant's commanded heading is the x axis.

    Args:
        ants: the ant's own numbers, [E, 27].
        headings: radians from the world's x axis, [E].
    """
    turned = ants.astype(np.float32)
    w, x, y, z = ants[:, _QUATERNION].T
    half = np.exp(-0.5j * headings)
    wz, xy = (w + 1j * z) * half, (x + 1j * y) * half
    quaternion = np.stack([wz.real, xy.real, xy.imag, wz.imag], axis=1)
    sign = np.where(quaternion[:, :1] < 0, -1.0, 1.0)  # q and -q are one rotation
    turned[:, _QUATERNION] = sign * quaternion
    along, across = ants[:, _VELOCITY].T
    velocity = (along + 1j * across) * np.exp(-1j * headings)
    turned[:, _VELOCITY] = np.stack([velocity.real, velocity.imag], axis=1)
    return turned


def walk(
    ants: NDArray[np.floating], headings: NDArray[np.floating], weights: Weights
) -> FloatArray:
    """Return the torques [E, 8] that walk ants [E, 27] along headings [E], radians."""
    features = in_command_frame(ants, headings)
    for layer in range(_HIDDEN_LAYERS):
        weight, bias = (
            weights[f"hidden_{layer}_weight"],
            weights[f"hidden_{layer}_bias"],
        )
        features = np.maximum(features @ weight + bias, 0.0)
    actions: FloatArray = np.tanh(
        features @ weights["action_weight"] + weights["action_bias"]
    )
    return actions


@attrs.frozen
class WalkConfig:
    """Set how ants walk to their goals.

    Attributes:
        noise: deviation of the Gaussian added to each torque before clipping.
        arrival: a goal nearer than this is replaced, metres.
        home: probability that a goal is drawn from the cell of the task's.
    """

    noise: float = attrs.field(default=0.2, validator=attrs.validators.ge(0.0))
    arrival: float = attrs.field(default=0.5, validator=attrs.validators.gt(0.0))
    home: float = attrs.field(
        default=0.0, validator=[attrs.validators.ge(0.0), attrs.validators.le(1.0)]
    )


class AntDriver:
    """Walk a row of ants through a maze of D4RL's, to one random goal after another.

    It is an agent: `start`, then `act` on observations [E, 29] of `D4rlAntMaze`.
    """

    def __init__(
        self, maze: Maze, config: WalkConfig, *, goals: Sequence[Cell] | None = None
    ) -> None:
        """Read the controller and tabulate the shortest paths.

        Args:
            maze: where to walk, as `d4rl_maze` returns it.
            config: how to walk.
            goals: the cells that goals are drawn from, shifted as D4RL shifts them;
                None for all.
        """
        self._config = config
        self._weights = load_weights()
        self._origin = cells_to_metres(maze, maze.start)
        self._route = Route(
            maze,
            wander=True,
            arrival=config.arrival / CELL,
            spread=0.0,
            home=config.home,
            cells=goals,
            shifts=[most / CELL for most in GOAL_SHIFTS],
        )

    def start(self, count: int, seed: int, /) -> None:
        """Begin `count` episodes."""
        self._generator = np.random.default_rng(seed)
        self._route.start(count, self._generator)

    def act(self, observations: FloatArray, active: BoolArray, /) -> FloatArray:
        """Return the torques for observations [E, 29]: [E, 8]."""
        places = (observations[:, _PLACE].astype(np.float64) + self._origin) / CELL
        targets, _ = self._route.targets(places, active)
        x, y = (targets - places).T
        actions = walk(observations[:, 2:], np.arctan2(y, x), self._weights)
        actions += self._config.noise * self._generator.standard_normal(actions.shape)
        return np.clip(actions, -1.0, 1.0).astype(np.float32)

    def observe(
        self, actions: FloatArray, rewards: FloatArray, active: BoolArray, /
    ) -> None:
        """Learn nothing."""
