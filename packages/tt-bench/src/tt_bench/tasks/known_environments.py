"""Look environments up that data names: data choose, but run and import nothing."""

import sys

from gymnasium.envs.registration import EnvSpec

from tt_bench.tasks.environments import find_environment

_PACKAGES = ("gymnasium", "gymnasium_robotics", "tt_bench")


def find_known_environment(env_id: str, entry_point: str = "") -> EnvSpec:
    """Look up an environment that a file names, without importing what it names.

    Known are those of Gymnasium, gymnasium-robotics and tt-bench, and what this process
    has registered and imported itself.

    Args:
        env_id: as the file has it.
        entry_point: what the file says makes it; it is never called, but must be of
            the package that makes it here. "" if the file doesn't say.

    Raises:
        ValueError: if it is not known; the error shows what would make it.
    """
    if ":" in env_id:
        raise _unknown(env_id, entry_point or env_id)
    try:
        spec = find_environment(env_id)
    except ValueError as error:
        raise _unknown(env_id, entry_point) from error
    here = spec.entry_point
    if isinstance(here, str):
        if not _is_known(here):
            raise _unknown(env_id, here)
        if entry_point and _package(entry_point) != _package(here):
            raise _unknown(env_id, f"{entry_point}, here by {here}")
    return spec


def refuse_unknown(what: str) -> ValueError:
    """Make the error for what data names and nobody vouches for."""
    return ValueError(
        f"expected data of an environment that Gymnasium, gymnasium-robotics or "
        f"tt-bench registers, got {what}: name an environment yourself with --env (env="
        "in Python), as module:Name-v0 where a module registers it, or if you trust "
        "whoever made the data to run code here, give --trust-env-spec "
        "(trust_env_spec=True)"
    )


def _unknown(env_id: str, entry_point: str) -> ValueError:
    made = f", made by {entry_point}" if entry_point else ""
    return refuse_unknown(f"{env_id}{made}")


def _package(entry_point: str) -> str:
    return entry_point.partition(":")[0].partition(".")[0]


def _is_known(entry_point: str) -> bool:
    module = entry_point.partition(":")[0]
    return _package(entry_point) in _PACKAGES or module in sys.modules
