"""Command lines: exit status 0 or 2, and for 2 a line that says why, or usage."""

import contextlib
import io
import os
import re
import shlex
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import gymnasium
import numpy as np

from torture.values import pick
from torture.verdict import Kind, Verdict
from tt_bench import Episodes, MinariNotes, write_minari
from tt_bench.cli import main, messages

DATASET = "torture/pendulum-v0"
TINY = (
    *("--dataset", DATASET, "--seeds", "1", "--episodes", "2", "--max-steps", "3"),
    *("--training.steps", "2", "--training.batch", "4", "--training.transitions", "3"),
    *("--tokenizer.bins", "8", "--model.layers", "1", "--model.heads", "1"),
    *("--model.width", "8", "--planner.context", "2", "--planner.horizon", "2"),
    *("--planner.beam", "2", "--cloning.steps", "2", "--cloning.width", "4"),
    *("--critic.steps", "2", "--critic.width", "4", "--critic.batch", "4"),
    *("--threads", "1", "--td3-bc.steps", "2", "--td3-bc.width", "4"),
)
_METHODS = ("random", "behaviour", "bc", "iql", "tt", "tt+q", "tt-uniform", "td3+bc")
_WORDS = (
    *("", " ", "0", "-1", "1", "2", "1.5", "1e9", "nan", "inf", "-inf", "None", "True"),
    *(
        "nonsense",
        "~",
        ".",
        "..",
        "taken",
        "/proc/none",
        "a b",
        "\N{SNOWMAN}",
        "\udce9",
    ),
    *("--", "-", "=", "4294967296", "1" + "0" * 40, "cuda", "cuda:9", "mps", "meta"),
    *("os:system", "Pendulum-v1", "CartPole-v1", "Hopper-v5", "x" * 300, "[1, 2]"),
)
_COMMANDS = ("d4rl", "d4rl", "d4rl", "show", "collect", "speed", "nonsense")
_ENDINGS = {"collect": ["nonsense"], "speed": ["--parts", "nonsense"]}
_LARGE = ("1e9", "4294967296", "1" + "0" * 40)
_UNBOUNDED = ("seed", "rate", "temperature", "discount", "reward", "weight", "tail")
_REFUSED = "error: "
_NOTES = MinariNotes(env=gymnasium.spec("Pendulum-v1"), reference=(-20.0, 0.0))


def _episodes() -> Episodes:
    draws = np.random.default_rng(0)
    angles = draws.uniform(-np.pi, np.pi, 60)
    seen = [np.cos(angles), np.sin(angles), draws.uniform(-8, 8, 60)]
    return Episodes(
        observations=np.stack(seen, axis=1),
        actions=draws.uniform(-2, 2, (60, 1)),
        rewards=-np.arange(60) / 10,
        ends=np.arange(3, 61, 3),
        terminated=np.zeros(20, np.bool_),
        final_observations=np.tile([1, 0, 0], (20, 1)),
    )


@cache
def prepare() -> None:
    """Write the dataset into the Minari cache once, and train a transformer on it."""
    write_minari(_episodes(), DATASET, _NOTES)
    messages._LOOKS = 1  # at the machine, which take most of the time of a command
    with quiet():
        main(["d4rl", *TINY, "--methods", "tt", "--output", "trained"])


@contextlib.contextmanager
def quiet() -> Iterator[tuple[io.StringIO, io.StringIO]]:
    """Catch what is printed and what is said to be wrong."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        yield out, err


@cache
def options(command: str) -> tuple[str, ...]:
    """List the options that a command tells of in its help."""
    with quiet() as (said, _), contextlib.suppress(SystemExit):
        main([command, "--help"])
    return tuple(sorted(set(re.findall(r"--[a-z][a-z0-9.-]*", said.getvalue()))))


def run_command(draws: np.random.Generator) -> Verdict:
    """Draw a command line, give it and judge what comes of it."""
    arguments = draw_arguments(draws)
    trained = Path("trained").absolute()
    with tempfile.TemporaryDirectory() as folder:
        before = os.getcwd()
        os.chdir(folder)
        try:
            shutil.copytree(trained, ".tt")
            Path("taken").touch()
            return judge(arguments)
        finally:
            os.chdir(before)


def draw_arguments(draws: np.random.Generator) -> list[str]:
    """Draw a command line that is right but for one to three changes."""
    command = pick(draws, _COMMANDS)
    arguments = [command, *_ENDINGS.get(command, ())]
    if command in ("d4rl", "show"):
        arguments += TINY
    if command == "d4rl":
        chosen = draws.choice(_METHODS, int(draws.integers(1, 3)), replace=False)
        arguments += ["--methods", *chosen.tolist()]
    for _ in range(int(draws.integers(1, 4))):
        _change(arguments, draws)
    return arguments


def _change(arguments: list[str], draws: np.random.Generator) -> None:
    """Set an option, drop an argument or put a word somewhere."""
    known = options(arguments[0]) or ("--dataset",)
    what, option, word = draws.random(), pick(draws, known), pick(draws, _WORDS)
    if word in _LARGE and not option.endswith(_UNBOUNDED):
        word = "-3"
    if what < 0.6:
        arguments += [option, word]
    elif what < 0.7:
        arguments += [f"{option}={word}"]
    elif what < 0.8:
        arguments += [option]
    elif what < 0.9 and len(arguments) > 4:
        del arguments[int(draws.integers(2, len(arguments)))]
    elif word not in _LARGE:
        arguments.insert(int(draws.integers(1, len(arguments) + 1)), word)


def judge(arguments: Sequence[str]) -> Verdict:
    """Give a command line and hold what comes of it to the law."""
    what = "tt-bench " + shlex.join(arguments)
    with quiet() as (_, err):
        try:
            status = main(arguments)
        except SystemExit as ended:  # by the parser
            status = ended.code if isinstance(ended.code, int) else 1
        except Exception as error:
            return Verdict("raised", f"{type(error).__name__}: {error}"[:300], what)
    return Verdict(f"status {status}", _fault(status, err.getvalue()), what)


def _fault(status: int, said: str) -> str | None:
    if status not in (0, 2) or "Traceback" in said:
        return f"exit status {status}: {said[-300:]}"
    lines = said.strip().splitlines()
    if status == 0 or "full helptext" in said:  # the parser's own box
        return None
    if len(lines) == 1 and lines[0].startswith(_REFUSED):
        return None
    return f"expected one line that begins with {_REFUSED!r}, got {said[:400]!r}"


COMMANDS = Kind(
    "commands", run_command, prepare, seconds=90.0, memory=2 << 30, batch=10
)
