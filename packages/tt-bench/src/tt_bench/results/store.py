"""Where runs and what they trained are kept, found again by their settings."""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import attrs

from tt_bench.files import how_to_mend, remove_strays, write_json
from tt_bench.results.result import RunResult, load_result

_Settings = Mapping[str, Any]
_SHARED = ("results", "budgets", "rollouts")  # folders that many processes write to

# Names were once made of every setting that there was then; such files are still found.
_ONCE: Mapping[str, frozenset[str] | None] = MappingProxyType(
    {
        "discount": None,
        "chunk": None,
        "executed": None,
        "termination_reward": None,
        "tokenizer": frozenset({"kind", "bins"}),
        "model": frozenset({"layers", "heads", "width", "positions", "dropout"}),
        "training": frozenset(
            {"steps", "batch", "transitions", "learning_rate", "decay"}
            | {"action_weight", "precision", "compile"}
        ),
        "planner": frozenset(
            {"context", "horizon", "beam", "candidates", "observation_tail"}
            | {"action_tail", "outcome", "quantile", "value", "critic", "search"}
            | {"every", "precision"}
        ),
        "cloning": frozenset({"steps", "batch", "width", "learning_rate", "fraction"}),
        "critic": frozenset(
            {"steps", "batch", "width", "learning_rate", "expectile", "temperature"}
            | {"rewards"}
        ),
    }
)


@attrs.frozen
class Store:
    """A folder for one dataset's runs.

    `results/` holds a JSON file a finished run; beside it lies a folder for each
    trained model, with the checkpoint of one that is not finished. `rollouts/` holds
    pictures of episodes, `budgets/` the steps that fit in some minutes and `learning/`
    the entries of the speedrun with what they trained. Names end with a hash of the
    settings that differ from their defaults, so that other settings never meet an old
    file, and a setting that is new leaves old files found.

    Attributes:
        folder: of the dataset.
        defaults: of each part of the settings: a value, or a mapping of them.
        versions: of the parts that have one other than 1.
    """

    folder: Path
    defaults: Mapping[str, Any] = attrs.field(factory=dict)
    versions: Mapping[str, int] = attrs.field(factory=dict)

    @classmethod
    def of(
        cls,
        output: Path,
        dataset: str,
        defaults: Mapping[str, Any],
        versions: Mapping[str, int],
    ) -> "Store":
        """Choose the folder of a dataset within the output folder."""
        folder = output / re.sub(r"[^\w.-]+", "-", dataset).strip("-")
        return cls(folder, defaults, versions)

    def tidy(self) -> None:
        """Delete what killed processes left of results, budgets and pictures."""
        for name in _SHARED:
            remove_strays(self.folder / name)

    def result_path(self, method: str, settings: _Settings) -> Path:
        """Name the file of the run of a method with these settings."""
        stem = f"results/{_slug(method)}-seed{settings['seed']}"
        return self._find(stem, settings, ".json")

    def recording_path(self, method: str, settings: _Settings, device: str) -> Path:
        """Name the file of what was played of a run that is not finished.

        Random draws of another device have another state, so it is one a device.
        """
        stem = f"results/{_slug(method)}-seed{settings['seed']}"
        return self._find(stem, settings, f"-{_slug(device)}.played.npz")

    def find_result(self, method: str, settings: _Settings) -> RunResult | None:
        """Read the result of a finished run, or None where there is none.

        Raises:
            ValueError: the file is damaged or that of another run; the message names
                it.
        """
        path = self.result_path(method, settings)
        if not path.exists():
            return None
        result = load_result(path)
        asked: _Settings = json.loads(json.dumps({**settings, "method": method}))
        if not _agree(result.settings | {"method": result.method}, asked):
            raise ValueError(f"{path}: the result of another run; {how_to_mend(path)}")
        return result

    def rollout_path(self, method: str, settings: _Settings) -> Path:
        """Name the picture of an episode that a method plays with these settings."""
        stem = f"rollouts/{_slug(method)}-seed{settings['seed']}"
        return self._find(stem, settings, ".png")

    def learning_path(self, entry: str, settings: _Settings) -> Path:
        """Name the file of what an entry of the speedrun came to.

        The folder of that name without its ending is for what it trains.
        """
        stem = f"learning/{_slug(entry)}-seed{settings['seed']}"
        return self._find(stem, settings, ".json")

    def study_path(self, study: str, settings: _Settings) -> Path:
        """Name the file of what a study found of the models of a seed."""
        stem = f"studies/{_slug(study)}-seed{settings['seed']}"
        return self._find(stem, settings, ".json")

    def budget_path(self, part: str, facts: _Settings) -> Path:
        """Name the file of the steps that a budget came to.

        `facts` are all that they depend on, with the settings under "settings".
        """
        return self._find(f"budgets/{part}", facts, ".json")

    def model_folder(self, network: str, settings: _Settings) -> Path:
        """Make the folder of a trained network and note its settings in it."""
        folder = self._model_folder(network, settings)
        if not (folder / "settings.json").exists():
            write_json(folder / "settings.json", settings)
        return folder

    def model_path(self, network: str, settings: _Settings, file: str) -> Path:
        """Name a file of a trained network, which is there once training has ended."""
        return self._model_folder(network, settings) / file

    def _model_folder(self, network: str, settings: _Settings) -> Path:
        return self._find(f"{network}-seed{settings['seed']}", settings, "")

    def _find(self, stem: str, settings: _Settings, ending: str) -> Path:
        """Name a file or folder; one that an earlier version named keeps its name."""
        digest = settings_hash(settings, self.defaults, self.versions)
        path = self.folder / f"{stem}-{digest}{ending}"
        earlier = earlier_hash(settings, self.defaults, self.versions)
        if earlier is None or path.exists():
            return path
        before = self.folder / f"{stem}-{earlier}{ending}"
        return before if before.exists() else path


def _agree(kept: _Settings, asked: _Settings) -> bool:
    """Say whether settings kept earlier, which may lack new ones, are those asked for.

    What is a part of them is one in both, and all that both have is the same.
    """
    for name in kept.keys() & asked.keys():
        one, other = kept[name], asked[name]
        if isinstance(one, dict) and isinstance(other, dict):
            if not _agree(one, other):
                return False
        elif one != other:
            return False
    return True


def settings_hash(
    settings: _Settings, defaults: Mapping[str, Any], versions: Mapping[str, int]
) -> str:
    """Return eight hexadecimal digits that name the settings, whatever their order.

    Of each part that has defaults only what differs from them counts, with the part's
    version; everything else counts as it is.
    """
    named: dict[str, Any] = {}
    for name, value in settings.items():
        if name == "settings":
            named[name] = settings_hash(value, defaults, versions)
        elif name in defaults:
            version = versions.get(name, 1)
            named[name] = [version, _difference(value, defaults[name])]
        else:
            named[name] = value
    return _digest(named)


def _difference(value: Any, default: Any) -> Any:
    """Return what differs from the default: of a mapping its entries, else all."""
    if not isinstance(value, Mapping):
        return None if value == default else [value]
    return {
        name: entry
        for name, entry in value.items()
        if name not in default or entry != default[name]
    }


def earlier_hash(
    settings: _Settings, defaults: Mapping[str, Any], versions: Mapping[str, int]
) -> str | None:
    """Return the name that settings had when names were made of all of them.

    None where there was no such name: a part has another meaning by now, or a setting
    that came later differs from its default.
    """
    flat = {**settings, **settings.get("settings", {})}
    changed = {
        name: _difference(value, defaults[name])
        for name, value in flat.items()
        if name in defaults
    }
    if any(_is_new(name, change, versions) for name, change in changed.items()):
        return None
    named = _as_once(settings, defaults)
    training = named.get("training")
    if training and training.get("decay") is None:
        training.pop("decay", None)  # which counted from when it was set on
    return _digest(named)


def _is_new(part: str, change: Any, versions: Mapping[str, int]) -> bool:
    """Say whether a part means what it could not mean once."""
    known = _ONCE.get(part, frozenset())
    later = change if known is None else set(change or ()) - known
    return versions.get(part, 1) != 1 or (known is not None and bool(later))


def _as_once(settings: _Settings, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Keep what there was once."""
    kept: dict[str, Any] = {}
    for name, value in settings.items():
        known = _ONCE.get(name, frozenset())
        if name == "settings":
            kept[name] = _as_once(value, defaults)
        elif name not in defaults or known is None:
            kept[name] = value
        elif known:
            kept[name] = {key: value[key] for key in value if key in known}
    return kept


def _digest(content: Any) -> str:
    text = json.dumps(content, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _slug(name: str) -> str:
    return name.replace("+", "-plus-").replace(":", "-")
