"""No file of tt_model imports in a circle, and its folders have one door."""

import ast
from graphlib import TopologicalSorter
from importlib import import_module
from pathlib import Path

import tt_model

SOURCE = Path(tt_model.__file__).parent
FILES = {
    ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts): path
    for path in SOURCE.rglob("*.py")
}


def imported(path: Path) -> set[str]:
    """Return the files of the package that a file imports, wherever it does."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= resolve(node.module, {alias.name for alias in node.names})
    return found & FILES.keys()


def resolve(module: str, names: set[str]) -> set[str]:
    """Name the files that `from module import names` may mean."""
    door = f"{module}.__init__"
    if door not in FILES:
        return {module}
    public = set(import_module(module).__all__)
    files = {f"{module}.{name}" for name in names - public}
    return files | ({door} if names & public else set())


def test_no_file_imports_in_a_circle() -> None:
    graph = {name: imported(path) for name, path in FILES.items()}
    assert sum(map(len, graph.values())) > 50
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


def test_folders_are_entered_by_their_doors() -> None:
    for name, path in FILES.items():
        folder = name.split(".")[1]
        for other in imported(path):
            inner = other.split(".")[1:]
            if len(inner) == 2 and inner[0] != folder:
                assert inner[1] == "__init__", f"{name} imports {other}"
