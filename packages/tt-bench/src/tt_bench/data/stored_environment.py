"""What a dataset says of the environment to evaluate in, which is data, not code."""

import copy
import json
from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import gymnasium as gym

from tt_bench.tasks import (
    explained,
    find_known_environment,
    on_raw_rewards,
    refuse_unknown,
)

_OWN = "tt/"
_WRAPPERS = "gymnasium.wrappers."
_HARMLESS = (
    "Autoreset",
    "HumanRendering",
    "OrderEnforcing",
    "PassiveEnvChecker",
    "RecordEpisodeStatistics",
    "RecordVideo",
    "RenderCollection",
)
_REWARDS = ("ClipReward", "NormalizeReward")
_OBSERVATIONS = ("NormalizeObservation",)


@attrs.frozen
class StoredEnvironment:
    """Hold an environment's specification as a dataset has it.

    Attributes:
        env_id: Gymnasium id.
        entry_point: what made it where the data came from, "" if not told.
        kwargs: arguments of its constructor, plain JSON.
        max_episode_steps: time limit, None for none.
        disable_env_checker: whether it was made without Gymnasium's checks.
        wrappers: entry points of further wrappers.
    """

    env_id: str
    entry_point: str
    kwargs: Mapping[str, Any]
    max_episode_steps: int | None
    disable_env_checker: bool
    wrappers: tuple[str, ...]


def parse_specification(text: Any) -> StoredEnvironment:
    """Read Gymnasium's JSON of an environment, as data.

    Raises:
        Exception: of any kind, if it is something else.
    """
    spec = json.loads(text)
    limit = spec.get("max_episode_steps")
    if limit is not None and not (type(limit) is int and limit > 0):
        raise TypeError(f"max_episode_steps is {limit!r}")
    env_id, entry_point = spec["id"], spec.get("entry_point") or ""
    if not (isinstance(env_id, str) and isinstance(entry_point, str)):
        raise TypeError(f"the environment is {env_id!r}, made by {entry_point!r}")
    wrappers = spec.get("additional_wrappers") or ()
    return StoredEnvironment(
        env_id,
        entry_point,
        dict(spec.get("kwargs") or {}),
        limit,
        bool(spec.get("disable_env_checker")),
        tuple(str(wrapper["entry_point"]) for wrapper in wrappers),
    )


def make_stored(
    stored: StoredEnvironment, options: Mapping[str, Any]
) -> gym.Env[Any, Any]:
    """Make an environment by its id, with the stored arguments and time limit.

    Args:
        stored: what the dataset says.
        options: of `gymnasium.make`, which win.

    Raises:
        ValueError: if it is not known here, has wrappers that change what is seen or
            done, or can't be made.
    """
    spec = copy.deepcopy(find_known_environment(stored.env_id, stored.entry_point))
    check_wrappers(stored)
    spec.kwargs = {**spec.kwargs, **stored.kwargs}
    spec.disable_env_checker |= stored.disable_env_checker
    if stored.max_episode_steps or not stored.env_id.startswith(_OWN):
        spec.max_episode_steps = stored.max_episode_steps
    with explained(stored.env_id):
        return on_raw_rewards(gym.make(spec, **options))


def check_makes_itself(stored: StoredEnvironment) -> None:
    """Check that a specification, made as it stands, is what is registered here.

    Raises:
        ValueError: if it is not known here, or made by something else.
    """
    here = find_known_environment(stored.env_id, stored.entry_point).entry_point
    if stored.entry_point != here or stored.wrappers:
        made = ", ".join((stored.entry_point, *stored.wrappers))
        raise refuse_unknown(f"{stored.env_id}, made by {made}, here by {here}")


def tell_left_out(stored: StoredEnvironment, trust: bool) -> list[str]:
    """Say which wrappers an environment is scored without, in a line if any."""
    left_out = _REWARDS if trust else _REWARDS + _OBSERVATIONS
    found = [name for name in stored.wrappers if _is_one_of(name, left_out)]
    names = ", ".join(name.partition(":")[2] for name in found)
    return [f"scored on raw rewards, without {names}"] if names else []


def check_wrappers(stored: StoredEnvironment) -> None:
    """Refuse wrappers that change what is seen or done: none is made from data.

    Those that normalise are left out: what they did depends on what was played.

    Raises:
        ValueError: naming them.
    """
    known = _HARMLESS + _REWARDS + _OBSERVATIONS
    changing = [name for name in stored.wrappers if not _is_one_of(name, known)]
    if changing:
        raise refuse_unknown(f"{stored.env_id} wrapped in {', '.join(changing)}")


def _is_one_of(entry_point: str, names: Sequence[str]) -> bool:
    """Say whether this is one of Gymnasium's wrappers of these names."""
    module, _, name = entry_point.partition(":")
    return f"{module}.".startswith(_WRAPPERS) and name in names
