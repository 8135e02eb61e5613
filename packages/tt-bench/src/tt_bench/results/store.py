"""Where runs and what they trained are kept, found again by their settings."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from tt_bench.files.json_file import write_json
from tt_bench.results.result import RunResult, load_result

_FILES = {"transformer": "model.safetensors", "critic": "critic.safetensors"}


_LATER = {"training": ("decay",)}  # settings that were not there from the first on


@attrs.frozen
class Store:
    """A folder for one dataset's runs.

    `results/` holds a JSON file a finished run; beside it lies a folder for each
    trained model, with the checkpoint of one that is not finished. `rollouts/` holds
    pictures of episodes and `budgets/` the steps that fit in some minutes. Names end
    with a hash of the settings, so that other settings never meet an old file.
    """

    folder: Path

    @classmethod
    def of(cls, output: Path, dataset: str) -> "Store":
        """Choose the folder of a dataset within the output folder."""
        return cls(output / re.sub(r"[^\w.-]+", "-", dataset).strip("-"))

    def result_path(self, method: str, settings: Mapping[str, Any]) -> Path:
        """Name the file of the run of a method with these settings."""
        name = f"{_slug(method)}-seed{settings['seed']}-{settings_hash(settings)}.json"
        return self.folder / "results" / name

    def played_path(
        self, method: str, settings: Mapping[str, Any], device: str
    ) -> Path:
        """Name the file of what was played of a run that is not finished.

        Random draws of another device have another state, so it is one a device.
        """
        path = self.result_path(method, settings)
        return path.with_name(f"{path.stem}-{_slug(device)}.played.npz")

    def find_result(self, method: str, settings: Mapping[str, Any]) -> RunResult | None:
        """Read the result of a finished run, or None where there is none.

        Raises:
            ValueError: the file is damaged; the message names it.
        """
        path = self.result_path(method, settings)
        return load_result(path) if path.exists() else None

    def rollout_path(self, method: str, settings: Mapping[str, Any]) -> Path:
        """Name the picture of an episode that a method plays with these settings."""
        name = f"{_slug(method)}-seed{settings['seed']}-{settings_hash(settings)}.png"
        return self.folder / "rollouts" / name

    def budget_path(self, part: str, settings: Mapping[str, Any]) -> Path:
        """Name the file of the steps that a budget came to with these settings."""
        return self.folder / "budgets" / f"{part}-{settings_hash(settings)}.json"

    def model_folder(self, kind: str, settings: Mapping[str, Any]) -> Path:
        """Make the folder of a trained model and note its settings in it."""
        folder = self._folder_of(kind, settings)
        if not (folder / "settings.json").exists():
            write_json(folder / "settings.json", settings)
        return folder

    def model_path(self, kind: str, settings: Mapping[str, Any]) -> Path:
        """Name the file of a trained model, which is there once training has ended."""
        return self._folder_of(kind, settings) / _FILES[kind]

    def _folder_of(self, kind: str, settings: Mapping[str, Any]) -> Path:
        name = f"{kind}-seed{settings['seed']}-{settings_hash(settings)}"
        return self.folder / name


def _slug(name: str) -> str:
    return name.replace("+", "-plus-").replace(":", "-")


def settings_hash(settings: Mapping[str, Any]) -> str:
    """Return eight hexadecimal digits that name the settings, whatever their order.

    Settings that came later count once they are set, so that what was made without
    them is found.
    """
    named = dict(settings)
    for part, later in _LATER.items():
        if isinstance(named.get(part), Mapping):
            named[part] = _without_unset(named[part], later)
    text = json.dumps(named, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _without_unset(settings: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {
        name: value
        for name, value in settings.items()
        if not (name in names and value is None)
    }
