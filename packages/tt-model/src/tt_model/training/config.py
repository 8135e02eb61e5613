"""The settings of a training run, checked once."""

import math
from typing import Any, Literal, get_args

import attrs
from attrs.validators import and_, ge, gt, in_, instance_of, le, lt, optional

from tt_model._config import whole
from tt_model.training.optimizer import Schedule

Precision = Literal["32-true", "tf32", "bf16-mixed"]

_COUNT = whole(1)
_FRACTION = and_(ge(0.0), le(1.0))
# settings that change how a run is carried out and watched, not what it computes
_WITHOUT_EFFECT = frozenset({"steps", "checkpoint_every", "report_every", "compile"})


def _check_betas(
    _instance: object, _attribute: "attrs.Attribute[Any]", value: tuple[float, ...]
) -> None:
    pair = isinstance(value, tuple) and len(value) == 2
    if not pair or not all(0.0 <= beta < 1.0 for beta in value):
        raise ValueError(f"expected a tuple of two betas in [0, 1); got {value}")


def _check_weights(
    _instance: object, _attribute: "attrs.Attribute[Any]", value: tuple[float, ...]
) -> None:
    if not all(0.0 <= weight < math.inf for weight in value) or not any(value):
        raise ValueError(
            f"expected finite loss weights, none negative and not all 0; got {value}"
        )


@attrs.frozen
class TrainConfig:
    """Say how a model is trained; defaults are arXiv 2106.02039's but for weights.

    Attributes:
        steps: Optimizer steps in all.
        batch: Windows in a step, over all devices together.
        transitions: Transitions in a window.
        learning_rate: Peak of the schedule.
        betas: AdamW's decay rates of the first and second moment.
        weight_decay: AdamW's decay of matmul weights.
        gradient_norm: Gradients are scaled down to this norm.
        warmup_steps: Steps of linear rise; None is one pass over all windows, but no
            more than a tenth of `steps`.
        decay_steps: Step at which the cosine reaches its end; None is `steps`.
        final_fraction: End of the cosine as a fraction of the peak.
        loss_weights: One weight for each position of a transition; None is all 1. The
            paper's code gives action tokens 5.
        steps_per_epoch: Steps between two records of the history; None is one pass
            over all windows.
        checkpoint_every: Steps between two checkpoints.
        report_every: Steps between two progress reports, at which the loss is read.
        seed: Of the order of the windows and of dropout.
        precision: "32-true"; "tf32", which lets an accelerator round the factors of
            matmuls; or "bf16-mixed", bfloat16 where it is safe, which also pays on CPUs
            that multiply in it, for networks as wide as the paper's.
        compile: Whether to compile the model with torch.compile, which takes minutes
            at the start and gains nothing on a CPU.

    Raises:
        ValueError: If a setting is out of range or settings contradict each other.
    """

    steps: int = attrs.field(validator=_COUNT)
    batch: int = attrs.field(default=256, validator=_COUNT)
    transitions: int = attrs.field(default=10, validator=_COUNT)
    learning_rate: float = attrs.field(default=6e-4, validator=gt(0.0))
    betas: tuple[float, float] = attrs.field(
        default=(0.9, 0.95), validator=_check_betas
    )
    weight_decay: float = attrs.field(default=0.1, validator=ge(0.0))
    gradient_norm: float = attrs.field(default=1.0, validator=gt(0.0))
    warmup_steps: int | None = attrs.field(default=None, validator=optional(whole(0)))
    decay_steps: int | None = attrs.field(default=None, validator=optional(_COUNT))
    final_fraction: float = attrs.field(default=0.1, validator=_FRACTION)
    loss_weights: tuple[float, ...] | None = attrs.field(
        default=None,
        converter=attrs.converters.optional(tuple),
        validator=optional(_check_weights),
    )
    steps_per_epoch: int | None = attrs.field(default=None, validator=optional(_COUNT))
    checkpoint_every: int = attrs.field(default=1000, validator=_COUNT)
    report_every: int = attrs.field(default=10, validator=_COUNT)
    seed: int = attrs.field(default=0, validator=and_(whole(0), lt(2**64)))
    precision: Precision = attrs.field(
        default="32-true", validator=in_(get_args(Precision))
    )
    compile: bool = attrs.field(default=False, validator=instance_of(bool))

    def __attrs_post_init__(self) -> None:
        """Check the settings that depend on each other."""
        last = self.decay_steps or self.steps
        if self.warmup_steps is not None and self.warmup_steps > last:
            raise ValueError(
                f"the warm-up must end before the decay does, at step {last}; got "
                f"warmup_steps={self.warmup_steps}: lower it or raise decay_steps"
            )

    def epoch_steps(self, windows: int) -> int:
        """Return the number of steps between two records of the history."""
        return self.steps_per_epoch or math.ceil(windows / self.batch)

    def schedule(self, windows: int) -> Schedule:
        """Return the learning-rate schedule for data with so many windows."""
        decay = self.decay_steps or self.steps
        warmup = self.warmup_steps
        if warmup is None:
            warmup = min(math.ceil(windows / self.batch), self.steps // 10, decay)
        return Schedule(self.learning_rate, warmup, decay, self.final_fraction)

    def weights(self, transition: int) -> tuple[float, ...]:
        """Return one loss weight for each of the P positions of a transition.

        Raises:
            ValueError: If the settings hold another number of weights.
        """
        weights = self.loss_weights or (1.0,) * transition
        if len(weights) != transition:
            raise ValueError(
                f"expected {transition} loss weights, one for each position of a "
                f"transition; got {len(weights)}"
            )
        return weights

    def result_settings(self, windows: int, transition: int) -> dict[str, Any]:
        """Return what a run's result depends on, as plain values without None."""
        chosen = attrs.asdict(self, filter=lambda a, _: a.name not in _WITHOUT_EFFECT)
        schedule = attrs.asdict(self.schedule(windows))
        del schedule["peak"]
        return {
            **chosen,
            **schedule,
            "loss_weights": self.weights(transition),
            "steps_per_epoch": self.epoch_steps(windows),
        }
