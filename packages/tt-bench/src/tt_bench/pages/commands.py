"""The commands that make results again."""

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from tt_bench.catalogue import find_d4rl
from tt_bench.methods import METHODS, Recipe, default_settings, part_name, recipe_for
from tt_bench.pages.boards import Board, Variant
from tt_bench.pages.words import LONGEST, plain
from tt_bench.results import RunResult, is_whole

_FILE = "HDF5 file "


@attrs.frozen
class _Command:
    """A command: its options, and what each part of the recipe is changed in."""

    base: tuple[str, ...]
    seeds: tuple[int, int] | None
    parts: Mapping[str, tuple[str, ...]]
    methods: tuple[str, ...]

    def joined(self, other: "_Command") -> "_Command | None":
        """Join two commands if neither changes what the other does."""
        shared = self.parts.keys() & other.parts.keys()
        same = all(self.parts[name] == other.parts[name] for name in shared)
        seeds = self.seeds or other.seeds
        if self.base != other.base or not same or seeds != (other.seeds or seeds):
            return None
        methods = (*self.methods, *other.methods)
        parts = {**self.parts, **other.parts}
        return _Command(self.base, seeds, parts, tuple(dict.fromkeys(methods)))

    def text(self) -> str:
        """Write the command for a shell."""
        first, count = self.seeds or (0, 1)
        seeds = (
            "--seeds",
            str(count),
            *(("--first-seed", str(first)) if first else ()),
        )
        changed = (word for words in self.parts.values() for word in words)
        words = (*self.base, "--methods", *self.methods, *seeds, *changed)
        return shlex.join(("tt-bench", "d4rl", *words))


def commands(board: Board) -> tuple[str, ...]:
    """Return the commands for a board, as few as do, with the tables' settings.

    A dataset is named as its results name it; one that was read from a file by the
    path that it had. What can't be written as a command is left out.
    """
    joined: list[_Command] = []
    for variant in board.variants:
        try:
            command = _command(variant)
        except ValueError:
            continue
        for place, other in enumerate(joined if command else ()):
            both = other.joined(command) if command else None
            if both is not None:
                joined[place] = both
                break
        else:
            joined += [command] if command else []
    return tuple(command.text() for command in joined)


def _command(variant: Variant) -> _Command | None:
    run = variant.runs[0]
    method = METHODS.get(variant.method)
    dataset = _dataset(run)
    if method is None:
        return None
    names = {part_name(part) for part in method.needs}
    options: list[tuple[tuple[str, ...], dict[str, tuple[str, ...]]]] = []
    for small in (False, True):
        recipe = method.adapt(recipe_for(dataset, small=small))
        changed = dict(_changes(recipe, names, run.settings))
        options.append((("--small",) if small else (), changed))
    flag, parts = min(options, key=lambda option: sum(map(len, option[1].values())))
    seeds = [each.seed for each in variant.runs]
    span = (min(seeds), max(seeds) - min(seeds) + 1) if method.trained else None
    base = ("--dataset", _value(dataset), *flag, *_evaluation(run))
    return _Command(base, span, parts, (variant.method,))


def _value(value: object) -> str:
    """Write what follows the name of an option.

    Raises:
        ValueError: it could be an option itself, or would not be read as it is.
    """
    text = str(value)
    if text != plain(text, LONGEST) or (text.startswith("-") and not _is_number(text)):
        raise ValueError(f"expected the value of an option, got {plain(text)}")
    return text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _dataset(run: RunResult) -> str:
    """Return what `--dataset` takes: a name, or the path of a file."""
    name, source = str(run.dataset["name"]), str(run.dataset["source"])
    path, found, _ = source.removeprefix(_FILE).partition(f"/{name}")
    return path + found if source.startswith(_FILE) and found else name


def _evaluation(run: RunResult) -> Iterator[str]:
    asked = run.settings.get("evaluation")
    known = asked if isinstance(asked, dict) else {}
    entry = find_d4rl(run.dataset["name"])
    environment = run.environment["id"]
    other = entry is not None and environment not in (entry.env_id, None)
    if other and ":" not in environment:  # which would name code to import
        yield from ("--env", _value(environment))
    for name, option in (("episodes", "--episodes"), ("max_steps", "--max-steps")):
        if is_whole(known.get(name)):
            yield from (option, _value(known[name]))


def _changes(
    recipe: Recipe, names: set[str], settings: Mapping[str, Any]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the options of each part of a recipe that settings differ in."""
    for name, default in _parts(recipe, names):
        value = settings.get(name, default)
        yield name, tuple(_options(name, default, value))


def _parts(recipe: Recipe, names: set[str]) -> Iterator[tuple[str, Any]]:
    own = {part_name(part): part for m in METHODS.values() for part in m.needs}
    for name in sorted(names):
        value = recipe.part(own[name])
        yield name, attrs.asdict(value) if attrs.has(type(value)) else value


def _options(name: str, default: Any, value: Any) -> Iterator[str]:
    if not isinstance(default, dict) or not isinstance(value, dict):
        if value != default:
            yield from _option("", name, value)
        return
    # what an earlier version did not know had the value that is the class's default
    for key, entry in {**default_settings()[name], **value}.items():
        if key in default and _listed(entry) != _listed(default[key]):
            yield from _option(f"{name}.", key, entry)


def _option(prefix: str, name: str, value: Any) -> tuple[str, ...]:
    prefix, name = prefix.replace("_", "-"), name.replace("_", "-")
    if isinstance(value, bool):
        return (f"--{prefix}{'' if value else 'no-'}{name}",)
    several = value if isinstance(value, list | tuple) else (value,)
    return (f"--{prefix}{name}", *map(_value, several))


def _listed(value: Any) -> Any:
    """Return several values as JSON has them."""
    return list(value) if isinstance(value, tuple) else value
