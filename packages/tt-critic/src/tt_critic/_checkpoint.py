"""The file that a training continues from."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
from torch import Generator, Tensor

from tt_critic import _files
from tt_critic._config import IQLConfig
from tt_critic._learner import Learner

_KIND = "tt-critic checkpoint"


class Checkpoint:
    """Save and restore a learner, for the settings of its critics and their data."""

    def __init__(
        self, path: Path, configs: Sequence[IQLConfig], packed: Tensor
    ) -> None:
        """Name the file, each critic's settings, and packed transitions."""
        digest = hashlib.blake2b(packed.numpy().data, digest_size=16)
        config = attrs.asdict(configs[0])
        if len(configs) > 1:
            config["seed"] = [each.seed for each in configs]
        facts = {"config": config, "data": digest.hexdigest()}
        self._path = path
        self._facts: dict[str, Any] = json.loads(json.dumps(facts))

    def save(self, learner: Learner, step: int) -> None:
        """Write all that the next update depends on, after this many."""
        facts = {**self._facts, "step": step}
        _files.write(self._path, _KIND, _join(learner.states()), facts)

    def restore(self, learner: Learner) -> int:
        """Continue from the file; return how many updates are done, 0 without one.

        Raises:
            ValueError: If it is damaged, or of other settings, data or devices.
        """
        if not self._path.exists():
            return 0
        tensors, facts = _files.read(self._path, _KIND)
        try:
            self._check_same(facts)
            own = learner.states()
            states = _split(tensors, len(own))
            self._check_device(states[0], own[0])
            learner.restore(states)
            return int(facts["step"])
        except (AttributeError, LookupError, RuntimeError, TypeError) as error:
            raise ValueError(
                f"{self._path} must hold a learner's state, but does not ({error}); "
                "delete it to begin anew."
            ) from error

    def _check_same(self, facts: Mapping[str, Any]) -> None:
        if facts["data"] != self._facts["data"]:
            raise ValueError(
                f"{self._path} must belong to the given transitions, but was made from "
                "others; use another checkpoint path, or delete the file."
            )
        earlier = attrs.asdict(IQLConfig())  # what was not there yet was the default
        saved, given = {**earlier, **facts["config"]}, self._facts["config"]
        changed = [
            f"{name} ({saved.get(name)} there, {value} here)"
            for name, value in given.items()
            if saved.get(name) != value
        ]
        if changed:
            raise ValueError(
                f"{self._path} must have the given settings, but differs in "
                f"{', '.join(changed)}; use another checkpoint path, or delete it."
            )

    def _check_device(
        self, saved: Mapping[str, Tensor], own: Mapping[str, Tensor]
    ) -> None:
        there, here = _kind_of_device(saved), _kind_of_device(own)
        if there != here:
            raise ValueError(
                f"{self._path} must be continued on {there}, where it was made, as its "
                f"random draws can't go on elsewhere; got {here}; give device= as "
                "before, or delete the file to begin anew."
            )


def _join(states: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Put the states of critics together; that of a single one stays as it is."""
    if len(states) == 1:
        return states[0]
    return {
        f"{row}/{name}": tensor
        for row, state in enumerate(states)
        for name, tensor in state.items()
    }


def _split(tensors: Mapping[str, Tensor], count: int) -> list[dict[str, Tensor]]:
    """Take apart what `_join` made of so many states."""
    if count == 1:
        return [dict(tensors)]
    states: list[dict[str, Tensor]] = [{} for _ in range(count)]
    for key, tensor in tensors.items():
        row, _, name = key.partition("/")
        states[int(row)][name] = tensor
    return states


def _kind_of_device(state: Mapping[str, Tensor]) -> str:
    """Name the kind of device whose generator a learner's state holds."""
    on_cpu = Generator().get_state().shape
    return "cpu" if state["generator"].shape == on_cpu else "an accelerator (cuda)"
