"""Run what the pages show: Python blocks, commands, options and links."""

import ast
import contextlib
import functools
import io
import itertools
import math
import operator
import re
import shlex
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest

import tt_bench
import tt_critic
import tt_model
import tt_plan
import tt_tokenize
from tt_bench import METHODS, SOURCES
from tt_bench.cli import parse

ROOT = Path(__file__).parent.parent
PLACES = ("*.md", ".github/*.md", "packages/*/*.md", "packages/*/docs/*.md")
PAGES = sorted(path for place in PLACES for path in ROOT.glob(place))
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
DECIMAL = r"-?\d+\.\d*"

every_page = pytest.mark.parametrize("page", PAGES, ids=NAMES)


class Block(NamedTuple):
    """A fenced block after as many empty lines as it has above, and its output."""

    language: str
    text: str
    output: str | None


def blocks(page: Path) -> list[Block]:
    text = page.read_text()
    found = list(FENCED.finditer(text))
    made = []
    for block, below in itertools.zip_longest(found, found[1:]):
        follows = below and below[1] == "text"
        output = follows and not text[block.end() : below.start()].strip()
        above = text.count("\n", 0, block.start(2)) * "\n"
        made.append(Block(block[1], above + block[2], below[2] if output else None))
    return made


def prose(page: Path) -> str:
    return FENCED.sub("", page.read_text())


def inline_code(page: Path) -> list[str]:
    return [span.replace("\n", " ") for span in re.findall("`([^`]+)`", prose(page))]


def test_pages_are_found() -> None:
    assert {"README.md", "packages/tt-plan/README.md"} < set(NAMES)


@every_page
def test_code_is_fenced_and_its_language_named(page: Path) -> None:
    assert {block.language for block in blocks(page)} <= {"python", "bash", "text"}
    outside = prose(page)
    assert "```" not in outside, "a fence that nothing closes, or that is indented"
    assert outside.count("`") % 2 == 0
    assert not re.findall(r"^\s*\n(?: {4}|\t).*\S", outside, re.MULTILINE), "indented"


# Python


@every_page
def test_python_blocks_print_what_is_shown(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "minari"))
    names: dict[str, Any] = {"__name__": "__main__"}
    for block in blocks(page):
        if block.language == "python":
            printed = "".join(run(block.text, names, str(page)))
            assert block.output is None or agree(block.output, printed), printed


def run(text: str, names: dict[str, Any], page: str) -> Iterator[str]:
    """Run one statement after the other, comparing what it prints with the page."""
    for statement in ast.parse(text).body:
        with contextlib.redirect_stdout(io.StringIO()) as output:
            exec(compile(ast.Module([statement], []), page, "exec"), names)
        printed, shown = output.getvalue(), comments(text, statement.end_lineno)
        assert not printed or not shown or agree(shown, printed), printed
        yield printed


def comments(text: str, line: int | None) -> str:
    below = text.splitlines()[line:]
    shown = itertools.takewhile(lambda line: line.startswith("# "), below)
    return "\n".join(line.removeprefix("# ") for line in shown)


def agree(shown: str, printed: str) -> bool:
    """Compare word by word, decimals to 5 % or 0.05; `...` is anything."""
    parts = re.split(rf"(\.\.\.|{DECIMAL}|\s+)", shown.strip())
    found = re.fullmatch("".join(map(pattern, parts)), printed.strip(), re.DOTALL)
    if not found:
        return False
    pairs = zip(re.findall(DECIMAL, shown), found.groups(), strict=True)
    near = functools.partial(math.isclose, rel_tol=0.05, abs_tol=0.05)
    return all(near(float(wanted), float(came)) for wanted, came in pairs)


def pattern(part: str) -> str:
    if part == "...":
        return ".*?"
    if re.fullmatch(DECIMAL, part):
        return f"({DECIMAL})"
    return r"\s+" if part.isspace() else re.escape(part)


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("[1, 2] 3.291\n", "[1, 2]  3.29\n", True),
        ("[ 42.5  103.1]", "[ 42.6  103.0]", True),
        ("| tt | 10.0 |\n...\n", "| tt | 10.1 |\n| bc | 1.0 |\n", True),
        ("[1, 2] 3.291", "[1, 2] 3.8", False),
        ("[1, 2]", "[1, 3]", False),
        ("[1, 2]", "[1, 2, 3]", False),
        ("-1.0", "1.0", False),
    ],
)
def test_output_is_compared(shown: str, printed: str, same: bool) -> None:
    assert agree(shown, printed) is same


@pytest.mark.parametrize(
    "module",
    [tt_tokenize, tt_model, tt_plan, tt_critic, tt_bench],
    ids=operator.attrgetter("__name__"),
)
def test_a_package_readme_names_all_that_is_public(module: ModuleType) -> None:
    name = module.__name__.replace("_", "-")
    page = (ROOT / "packages" / name / "README.md").read_text()
    assert set(module.__all__) <= set(re.findall(r"\w+", page))


# Commands


@every_page
def test_commands_are_accepted(page: Path) -> None:
    shown = [block.text for block in blocks(page) if block.language == "bash"]
    named = [span for span in inline_code(page) if span.split(" ")[0] in CHECKS]
    for line in "\n".join(shown).replace("\\\n", " ").splitlines():
        check(line)
    for span in named:
        if " " in span:
            check(span)


def check(line: str) -> None:
    words = shlex.split(line, comments=True)
    if words:
        assert words[0] in CHECKS, f"no test knows {words[0]}"
        CHECKS[words[0]](words[1:])


def check_bench(words: list[str]) -> None:
    """Look up what the options name."""
    options: Any = parse([word for word in words if word != "--help"])
    settings = getattr(options, "run", options)
    assert set(getattr(settings, "methods", ())) <= set(METHODS)
    named = [getattr(settings, "dataset", ""), *getattr(options, "names", ())]
    assert {name for name in named if name.startswith("tt/")} <= set(SOURCES)


def check_python(words: list[str]) -> None:
    assert words[:2] == ["-m", "tt_bench"]
    check_bench(words[2:])


def check_pip(words: list[str]) -> None:
    assert words[0] == "install"
    for word in words[1:]:
        found = re.fullmatch(r"([\w-]+)(?:\[(\w+)\])?", word)
        assert found, word
        assert found[1] in {"hatch", "pre-commit", *packages()}
        assert not found[2] or found[2] in packages()[found[1]], word


@functools.cache
def packages() -> dict[str, set[str]]:
    """Return the extras of every package."""
    made = {}
    for path in ROOT.glob("packages/*/pyproject.toml"):
        project = tomllib.loads(path.read_text())["project"]
        made[project["name"]] = set(project.get("optional-dependencies", {}))
    return made


def check_hatch(words: list[str]) -> None:
    assert words[0] == "run"
    for command in scripted(words[1], words[2:]):
        check(command)


def scripted(name: str, arguments: list[str]) -> Iterator[str]:
    """Expand a script of the project, or answer a command of the environment."""
    environment, _, script = name.rpartition(":")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    settings = project["tool"]["hatch"]["envs"][environment or "default"]
    assert not environment or script in settings["scripts"], name
    lines = settings["scripts"].get(script, shlex.join([name, *arguments]))
    (matrix,) = settings.get("matrix", [{"package": [""]}])
    every = [lines] if isinstance(lines, str) else lines
    for line, package in itertools.product(every, matrix["package"]):
        filled = line.replace("{matrix:package}", package)
        yield re.sub("{args:?(.*?)}", shlex.join(arguments) or r"\1", filled)


def check_paths(words: list[str]) -> None:
    paths = [word for word in words if not (word.startswith("-") or word.isdigit())]
    assert all((ROOT / path).exists() for path in paths), paths


def check_cd(words: list[str]) -> None:
    """Look up a module that is run from another folder."""
    folder, _, python, option, module = words[:5]
    assert (python, option) == ("python", "-m")
    assert (ROOT / folder / module / "__main__.py").exists()


def check_pre_commit(words: list[str]) -> None:
    assert words == ["install"]
    hooks = re.findall("entry: (.*)", (ROOT / ".pre-commit-config.yaml").read_text())
    assert hooks
    for hook in hooks:
        check(hook)


CHECKS: dict[str, Callable[[list[str]], None]] = {
    "cd": check_cd,
    "hatch": check_hatch,
    "mypy": check_paths,
    "pip": check_pip,
    "pre-commit": check_pre_commit,
    "pytest": check_paths,
    "python": check_python,
    "ruff": lambda words: check_paths(words[1:]),
    "tt-bench": check_bench,
}


@pytest.mark.parametrize(
    "command",
    [
        "rm -rf .",
        "pip install tt-nothing",
        "pip install tt-bench[nothing]",
        "hatch run bench:nothing",
        "hatch run nothing:test",
        "hatch run nothing",
        "hatch run test tests/nothing",
        "hatch run bench:d4rl --nothing 3",
        "hatch run bench:d4rl --methods magic",
        "tt-bench d4rl --seeds three",
        "tt-bench collect tt/nothing-v0",
        "python -m tt_nothing",
    ],
)
def test_commands_that_do_not_exist_are_found(command: str) -> None:
    with pytest.raises((AssertionError, LookupError, SystemExit)):
        check(command)


# Options, links and lengths


@every_page
def test_options_that_the_text_names_exist(page: Path) -> None:
    spans = [span for span in inline_code(page) if span.startswith("--")]
    named = {word for span in spans for word in span.split() if word.startswith("--")}
    assert named <= known_options()


@functools.cache
def known_options() -> set[str]:
    with contextlib.redirect_stdout(io.StringIO()) as output:
        for command in ("d4rl", "show", "collect", "speed", "learn", "study", "report"):
            with contextlib.suppress(SystemExit):
                parse([command, "--help"])
    return set(re.findall(r"--[a-z0-9.-]*\w", output.getvalue()))


@every_page
def test_links_lead_somewhere(page: Path) -> None:
    for path, anchor in re.findall(r"\]\(([^)#]*)#?([^)]*)\)", prose(page)):
        if "://" not in path:
            target = page.parent / path if path else page
            assert target.exists(), path
            assert not anchor or anchor in anchors(target), anchor


def anchors(page: Path) -> set[str]:
    headings = re.findall("^#+ (.*)", prose(page), re.MULTILINE)
    words = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings]
    return {heading.replace(" ", "-") for heading in words}


@every_page
def test_readmes_are_short(page: Path) -> None:
    most = 150 if page.parent == ROOT else 120
    assert page.name != "README.md" or len(page.read_text().splitlines()) <= most
