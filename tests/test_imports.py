import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import structure

PACKAGES = Path(__file__).parent.parent / "packages"
NAMES = sorted(path.name for path in PACKAGES.iterdir() if path.is_dir())
ALONE = [name for name in NAMES if name != "tt-bench"]
COMPATIBLE = {"attrs", "filelock"}  # versions are dates, old code goes on working
PROVIDED_AS = {"triton": "torch", "attr": "attrs"}


def project(name: str) -> dict[str, Any]:
    content = tomllib.loads((PACKAGES / name / "pyproject.toml").read_text())
    described: dict[str, Any] = content["project"]
    return described


def distributions(requirements: list[str]) -> set[str]:
    return {re.split(r"[^\w-]", text, maxsplit=1)[0].lower() for text in requirements}


def declared(name: str) -> set[str]:
    described = project(name)
    extras = described.get("optional-dependencies", {}).values()
    groups = [described.get("dependencies", []), *extras]
    return set().union(*map(distributions, groups))


def imported(name: str) -> Iterator[tuple[str, str]]:
    """Yield the distribution and the place of every import, wherever it stands."""
    for path in sorted((PACKAGES / name / "src").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            for module in modules_of(node):
                top = module.split(".")[0]
                if top not in sys.stdlib_module_names:
                    place = f"{path.relative_to(PACKAGES)}:{getattr(node, 'lineno', 0)}"
                    yield PROVIDED_AS.get(top, top).replace("_", "-"), place


def modules_of(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports name the package, so that they can be read"
        return [node.module or ""]
    return []


def test_the_five_packages_are_there() -> None:
    assert NAMES == ["tt-bench", "tt-critic", "tt-model", "tt-plan", "tt-tokenize"]


@pytest.mark.parametrize("name", NAMES)
def test_every_import_is_declared(name: str) -> None:
    allowed = declared(name) | {name}
    assert not [f"{dist} at {at}" for dist, at in imported(name) if dist not in allowed]


@pytest.mark.parametrize("name", ALONE)
def test_only_the_bench_knows_its_siblings(name: str) -> None:
    siblings = set(NAMES) - {name}
    assert not [f"{dist} at {at}" for dist, at in imported(name) if dist in siblings]
    assert not declared(name) & siblings


@pytest.mark.parametrize("name", NAMES)
def test_what_breaks_between_majors_has_an_upper_bound(name: str) -> None:
    described = project(name)
    extras = described.get("optional-dependencies", {}).values()
    needed = list(chain(described.get("dependencies", []), *extras))
    free = {text for text in needed if "<" not in text} - set(NAMES)
    assert {re.split(r"[^\w-]", text, maxsplit=1)[0] for text in free} <= COMPATIBLE


def test_all_versions_are_equal() -> None:
    assert len({project(name)["version"] for name in NAMES}) == 1


@pytest.mark.parametrize("name", NAMES)
def test_every_package_carries_its_licence_readme_and_types(name: str) -> None:
    folder = PACKAGES / name
    module = name.replace("-", "_")
    for path in ("LICENSE", "README.md", f"src/{module}/py.typed"):
        assert (folder / path).is_file()


@pytest.mark.parametrize("name", NAMES)
def test_no_modules_import_one_another_in_a_circle(name: str) -> None:
    package = PACKAGES / name / "src" / name.replace("-", "_")
    assert structure.circles(structure.graph(package, rooms=False)) == []
    assert structure.circles(structure.graph(package, rooms=True)) == []
    assert structure.around_doors(package) == []


def test_folders_of_the_bench_import_lower_floors() -> None:
    bench = PACKAGES / "tt-bench" / "src" / "tt_bench"
    rooms = structure.graph(bench, rooms=True)
    assert set(rooms) == set().union(*structure.BENCH_FLOORS)
    assert structure.upward(bench) == []
    assert structure.floors(rooms) == len(structure.BENCH_FLOORS)


def test_the_script_sees_circles_floors_and_imports_past_a_door(tmp_path: Path) -> None:
    package = tmp_path / "tt_bench"
    (package / "files").mkdir(parents=True)
    (package / "cli").mkdir()
    for file, text in {
        "__init__": "",
        "interface": "from tt_bench.files.whole import write",
        "files/__init__": "from tt_bench.files.whole import write",
        "files/whole": "import tt_bench.files.lock",
        "files/lock": "def f():\n    from tt_bench.files import whole",
        "cli/__init__": "from tt_bench.interface import Agent",
    }.items():
        (package / f"{file}.py").write_text(text)
    rooms = structure.graph(package, rooms=True)
    assert structure.floors(rooms) == 3
    assert structure.circles(structure.graph(package, rooms=False)) == [
        {"files.whole", "files.lock"}
    ]
    (upward,), (past,) = structure.upward(package), structure.around_doors(package)
    assert "interface imports files.whole" in upward
    assert "interface imports files.whole" in past
