"""The file that a training continues from."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
from torch import Generator, Tensor

from tt_critic import _files
from tt_critic._config import IQLConfig
from tt_critic._learner import Learner

_KIND = "tt-critic checkpoint"


class Checkpoint:
    """Save and restore a learner, for one run's settings and data."""

    def __init__(self, path: Path, config: IQLConfig, packed: Tensor) -> None:
        """Name the file, the settings and the packed transitions [N, 2 Do + Da + 2]."""
        digest = hashlib.blake2b(packed.numpy().data, digest_size=16)
        facts = {"config": attrs.asdict(config), "data": digest.hexdigest()}
        self._path = path
        self._facts: dict[str, Any] = json.loads(json.dumps(facts))

    def save(self, learner: Learner, step: int) -> None:
        """Write what the update after ``step`` updates depends on."""
        _files.write(self._path, _KIND, learner.state(), {**self._facts, "step": step})

    def restore(self, learner: Learner) -> int:
        """Continue from the file; return how many updates are done, 0 without one.

        Raises:
            ValueError: If it is damaged, or of other settings, data or devices.
        """
        if not self._path.exists():
            return 0
        state, facts = _files.read(self._path, _KIND)
        try:
            self._check_same(facts)
            self._check_device(state, learner.state())
            learner.restore(state)
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


def _kind_of_device(state: Mapping[str, Tensor]) -> str:
    """Name the kind of device whose generator a learner's state holds."""
    on_cpu = Generator().get_state().shape
    return "cpu" if state["generator"].shape == on_cpu else "an accelerator (cuda)"
