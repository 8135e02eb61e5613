"""Swing a pendulum up by its energy, well, badly or at random: Gymnasium's Pendulum."""

import attrs
import numpy as np

from tt_bench.interface import BoolArray, FloatArray

_TORQUE = 2.0
_UPRIGHT = 5.0  # energy of the resting upright pendulum: m g l / 2
_INERTIA = 1.0 / 3.0


@attrs.frozen
class SwingConfig:
    """Set how a pendulum is swung up.

    Attributes:
        random: share of episodes with uniformly random torques instead.
        noise: deviation of the Gaussian added to the other torques, N m.
        pump: torque per unit of missing energy and of speed.
        upright: the angle, in radians, within which the pendulum is balanced.
        stiffness: balancing torque per radian.
        damping: balancing torque per rad/s.
    """

    random: float = attrs.field(
        default=0.5, validator=[attrs.validators.ge(0.0), attrs.validators.le(1.0)]
    )
    noise: float = attrs.field(default=0.5, validator=attrs.validators.ge(0.0))
    pump: float = attrs.field(default=1.0, validator=attrs.validators.gt(0.0))
    upright: float = attrs.field(default=0.4, validator=attrs.validators.gt(0.0))
    stiffness: float = attrs.field(default=10.0, validator=attrs.validators.gt(0.0))
    damping: float = attrs.field(default=2.0, validator=attrs.validators.gt(0.0))


class PendulumDriver:
    """Act in a row of pendulums, each swung up or, for a share of them, shaken.

    It is an agent: `start`, then `act` on observations [E, 3] of cosine and sine of
    the angle from upright and its speed.
    """

    def __init__(self, config: SwingConfig) -> None:
        """Take the settings."""
        self._config = config
        self.start(0, 0)

    def start(self, count: int, seed: int, /) -> None:
        """Begin `count` episodes, some of them random."""
        self._generator = np.random.default_rng(seed)
        self._random = self._generator.random(count) < self._config.random

    def act(self, observations: FloatArray, active: BoolArray, /) -> FloatArray:
        """Return the torques for observations [E, 3]: [E, 1]."""
        count = len(observations)
        shaken = self._generator.uniform(-_TORQUE, _TORQUE, count)
        noise = self._config.noise * self._generator.standard_normal(count)
        torque = np.where(
            self._random, shaken, swing(observations, self._config) + noise
        )
        torque = np.where(active, np.clip(torque, -_TORQUE, _TORQUE), 0.0)
        return torque.astype(np.float32)[:, None]

    def observe(
        self, actions: FloatArray, rewards: FloatArray, active: BoolArray, /
    ) -> None:
        """Learn nothing."""


def swing(observations: FloatArray, config: SwingConfig) -> FloatArray:
    """Return the torque that swings up and balances: [E, 3] to [E], not clipped.

    Below, energy is pumped in or out until it is that of standing upright (Astrom and
    Furuta, 2000); a pendulum that hangs at rest is pushed.
    """
    cosine, sine, speed = observations.T
    angle = np.arctan2(sine, cosine)
    missing = _UPRIGHT - (_INERTIA * speed**2 / 2 + _UPRIGHT * cosine)
    hanging = (cosine < -0.99) & (np.abs(speed) < 0.1)
    pumped = np.where(hanging, _TORQUE, config.pump * missing * speed)
    balanced = -config.stiffness * angle - config.damping * speed
    torque: FloatArray = np.where(np.abs(angle) < config.upright, balanced, pumped)
    return torque
