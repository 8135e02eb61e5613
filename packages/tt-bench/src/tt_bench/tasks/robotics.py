"""Import gymnasium-robotics without the notice it prints about unrelated hands."""

import contextlib
import importlib
import io
from types import ModuleType


def import_robotics(module: str = "gymnasium_robotics") -> ModuleType:
    """Import gymnasium-robotics, or one of its modules, with its notice silenced."""
    with contextlib.redirect_stderr(io.StringIO()):
        importlib.import_module("gymnasium_robotics")
    return importlib.import_module(module)
