"""Files of a run's folder, read by giving the command again."""

import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from torture.commands import TINY, quiet
from torture.files import Format
from tt_bench import load_result
from tt_bench.cli import main

_COMMAND = ("d4rl", *TINY, "--methods", "tt", "iql", "td3+bc")


def _run(output: Path) -> None:
    """Give a command, and raise its line for people if it is refused."""
    with quiet() as (_, err):
        status = main([*_COMMAND, "--output", str(output)])
    if status:
        raise ValueError(err.getvalue())


@cache
def _trained() -> Path:
    """Train everything once, and leave nothing that was played."""
    output = Path(tempfile.mkdtemp(prefix="trained-")).absolute()
    _run(output)
    for result in output.glob("*/results/*.json"):
        result.unlink()
    return output


def _begin(path: Path) -> None:
    output = next(parent for parent in path.parents if parent.name == "out")
    shutil.copytree(_trained(), output)


def _read(path: Path) -> Any:
    output = next(parent for parent in path.parents if parent.name == "out")
    _run(output)
    found = [load_result(each) for each in sorted(output.glob("*/results/*.json"))]
    return [(result.method, result.returns) for result in found]


def _format(name: str, pattern: str) -> Format:
    return Format(name, f"out/torture-pendulum-v0/{pattern}", _begin, _read)


FORMATS = (
    _format("a run's notes", "transformer-*/training.json"),
    _format("a run's settings", "transformer-*/settings.json"),
    _format("a run's tokenizer", "transformer-*/tokenizer.npz"),
    _format("a run's critic", "critic-*/critic.safetensors"),
    _format("its notes", "critic-*/training.json"),
    _format("a run's actor", "td3-bc-*/networks.npz"),
)
