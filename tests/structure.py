"""Print the structure of the packages: floors, circles, upward imports and sizes.

`python tests/structure.py [folder]` reads another checkout than the one it stands in.

A room is a file or a folder of a package. A room stands one floor above the highest
room that it imports; the rooms of a circle share a floor.
"""

import ast
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

Graph = Mapping[str, set[str]]

BENCH_FLOORS = (
    {"early", "interface", "catalogue", "files"},
    {"tasks", "agents", "evaluation", "results"},
    {"data", "report"},
    {"methods"},
    {"runs", "studies", "speed", "learning", "pages"},
    {"cli"},
)
"""Rooms of tt_bench from the ground up; each imports from lower floors only."""


class Import(NamedTuple):
    """An import of one module of a package by another, and where it stands."""

    importer: str
    imported: str
    place: str


def modules(package: Path) -> dict[str, Path]:
    """Return the files of a package by dotted name, without that of the package."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        if parts not in (("__init__",), ("__main__",)):
            found[".".join(part for part in parts if part != "__init__")] = path
    return found


def imports(package: Path) -> Iterator[Import]:
    """Yield the imports inside a package, those of types and in functions too."""
    known = modules(package)
    for name, path in known.items():
        for node in ast.walk(ast.parse(path.read_text())):
            for target in _targets(node, package.name):
                while target and target not in known:
                    target = target.rpartition(".")[0]
                if target and target != name:
                    yield Import(name, target, f"{path}:{getattr(node, 'lineno', 0)}")


def _targets(node: ast.AST, package: str) -> Iterator[str]:
    if isinstance(node, ast.Import):
        dotted = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        dotted = [f"{node.module}.{alias.name}" for alias in node.names]
    else:
        return
    for name in dotted:
        if name.startswith(f"{package}."):
            yield name.removeprefix(f"{package}.")


def room(module: str) -> str:
    """Return the folder or file of a package that a module stands in."""
    return module.split(".")[0]


def graph(package: Path, *, rooms: bool) -> Graph:
    """Return which modules each imports, or rooms if asked for.

    A folder's `__init__` is the door to its files: it is not counted among files, and
    who imports it imports what stands behind it.
    """
    name = room if rooms else str
    every = [name(module) for module in modules(package)]
    found: dict[str, set[str]] = {module: set() for module in every}
    for each in imports(package):
        if name(each.importer) != name(each.imported):
            found[name(each.importer)].add(name(each.imported))
    return found


def circles(edges: Graph) -> list[set[str]]:
    """Return the sets of nodes that import one another."""
    reach = {node: _reached(edges, node) for node in edges}
    found: list[set[str]] = []
    for node in edges:
        circle = {other for other in reach[node] if node in reach[other]}
        if circle and circle not in found:
            found.append(circle)
    return found


def _reached(edges: Graph, start: str) -> set[str]:
    seen: set[str] = set()
    todo = set(edges[start])
    while todo:
        node = todo.pop()
        seen.add(node)
        todo |= edges.get(node, set()) - seen
    return seen


def floors(edges: Graph) -> int:
    """Count the floors that the nodes stand on."""
    reach = {node: _reached(edges, node) for node in edges}
    height: dict[str, int] = {}
    for node in sorted(edges, key=lambda n: (len(reach[n]), n not in reach[n])):
        below = [height[other] for other in reach[node] if node not in reach[other]]
        height[node] = 1 + max(below, default=0)
    return max(height.values())


def upward(package: Path) -> list[str]:
    """List the imports of tt_bench that do not lead to a lower floor."""
    level = {name: i for i, names in enumerate(BENCH_FLOORS) for name in names}
    return [
        f"{each.importer} imports {each.imported} at {each.place}"
        for each in imports(package)
        if room(each.importer) != room(each.imported)
        and level.get(room(each.importer), -1) <= level.get(room(each.imported), -1)
    ]


def around_doors(package: Path) -> list[str]:
    """List the imports from inside another folder, past its `__init__`."""
    folders = {path.name for path in package.iterdir() if path.is_dir()}
    return [
        f"{each.importer} imports {each.imported} at {each.place}"
        for each in imports(package)
        if room(each.importer) != (other := room(each.imported))
        and other in folders
        and each.imported != other
    ]


def _longest_function(package: Path) -> tuple[int, str]:
    sizes = []
    for path in modules(package).values():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                size = (node.end_lineno or 0) - node.lineno + 1
                sizes.append((size, f"{path.stem}.{node.name}"))
    return max(sizes)


def describe(package: Path) -> str:
    """Say in a few lines how a package is built."""
    rooms, files = graph(package, rooms=True), graph(package, rooms=False)
    sizes = {
        name: len(path.read_text().splitlines())
        for name, path in modules(package).items()
    }
    module = max(sizes, key=lambda name: sizes[name])
    size, function = _longest_function(package)
    lines = [
        f"{package.name}: {len(sizes)} modules, {sum(sizes.values()):,} lines; "
        f"longest module {module} ({sizes[module]}), function {function} ({size})",
        f"  {len(rooms)} rooms on {floors(rooms)} floors, "
        f"circles {[sorted(c) for c in circles(rooms)] or 'none'}; "
        f"circles of files {[sorted(c) for c in circles(files)] or 'none'}",
    ]
    if BENCH_FLOORS[0] <= set(rooms):
        lines.append(f"  upward imports {len(upward(package)) or 'none'}")
        counts = Counter(room(name) for name in sizes if "." in name)
        lines.append("  " + ", ".join(f"{r} {n}" for r, n in sorted(counts.items())))
    return "\n".join(lines)


if __name__ == "__main__":
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent.parent
    for folder in sorted(root.glob("packages/*/src/tt_*")):
        print(describe(folder))
