"""Ways to harm a file: what disks and cut transfers do, and what editing by hand does.

Rot changes bytes and nothing knows what they mean. An edit keeps a file well formed:
its checksums, where the container has any, are those of the new content.
"""

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import h5py
import numpy as np

from torture.values import Draws, pick

_VALUES: tuple[Any, ...] = (
    *(None, True, 0, -1, 2, 0.5, 1e400, -1e308, 10**30, "", "nonsense", [], {}, [[]]),
    *({"a": 1}, [None], ["a", "b"], float("nan")),
)
_DEEP = 10_000

Harm = Callable[[Draws, bytes, bytes], bytes]


def rot(draws: Draws, content: bytes, foreign: bytes) -> bytes:
    """Change bytes in one of several ways."""
    way: Harm = pick(draws, _ROTS)
    return way(draws, content, foreign)


def _cut(draws: Draws, content: bytes, _: bytes) -> bytes:
    return content[: int(draws.integers(len(content)))]


def _flip(draws: Draws, content: bytes, foreign: bytes) -> bytes:
    changed = bytearray(content)
    for _ in range(int(draws.integers(1, 4))):
        changed[int(draws.integers(len(content)))] ^= 1 << int(draws.integers(8))
    return bytes(changed)


def _blank(draws: Draws, content: bytes, _: bytes) -> bytes:
    begin = int(draws.integers(len(content)))
    size = int(draws.integers(1, 600))
    return (
        content[:begin]
        + bytes(len(content[begin : begin + size]))
        + content[begin + size :]
    )


def _repeat(draws: Draws, content: bytes, _: bytes) -> bytes:
    begin = int(draws.integers(len(content)))
    return content[:begin] + content[begin // 2 :]


_ROTS: tuple[Harm, ...] = (
    *(_cut, _cut, _flip, _flip, _flip, _blank, _repeat),
    lambda draws, content, foreign: foreign,
    lambda draws, content, foreign: b"",
    lambda draws, content, foreign: content + b"\0" * 100,
    lambda draws, content, foreign: foreign[: len(foreign) // 2] + content,
)


def edit(draws: Draws, content: bytes) -> bytes:
    """Change a part of a well-formed file of one of several formats."""
    if content[:2] == b"PK":
        return _edit_archive(draws, content)
    if content[:4] == b"\x89HDF":
        return _edit_hdf5(draws, content)
    if content[:1] in b"{[":
        return edit_json(draws, content)
    size = int.from_bytes(content[:8], "little")  # safetensors
    header = edit_json(draws, content[8 : 8 + size])
    return len(header).to_bytes(8, "little") + header + content[8 + size :]


def edit_json(draws: Draws, content: bytes) -> bytes:
    """Change a value somewhere, drop it, or nest something very deep."""
    if draws.random() < 0.05:
        return b"[" * _DEEP + b"]" * _DEEP
    document = json.loads(content)
    places = list(_places(document))
    if not places or draws.random() < 0.05:
        return json.dumps(pick(draws, _VALUES)).encode()
    inside, key = pick(draws, places)
    change(draws, inside, key)
    return json.dumps(document).encode()


def change(draws: Draws, inside: Any, key: Any) -> None:
    """Change one entry of a list or mapping, or of the JSON text that it is."""
    value = inside[key]
    if isinstance(value, str) and value[:1] == "{" and draws.random() < 0.8:
        inside[key] = edit_json(draws, value.encode()).decode()
    elif draws.random() < 0.2:
        del inside[key]
    elif draws.random() < 0.1:
        inside[key] = {"deep": value, "more": [value]}
    else:
        inside[key] = pick(draws, _VALUES)


def _places(document: Any) -> Any:
    """Yield every container with each of its keys."""
    if isinstance(document, dict | list):
        keys = document if isinstance(document, dict) else range(len(document))
        for key in keys:
            yield document, key
            yield from _places(document[key])


def _edit_archive(draws: Draws, content: bytes) -> bytes:
    """Change, drop or rename a member, or the array or JSON text in it."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(made, "w") as new:
        chosen = pick(draws, old.namelist())
        for name in old.namelist():
            data = old.read(name)
            if name != chosen:
                new.writestr(name, data)
            elif (kept := _edit_member(draws, data)) is not None:
                new.writestr(name if draws.random() < 0.9 else f"other/{name}", kept)
    return made.getvalue()


def _edit_member(draws: Draws, data: bytes) -> bytes | None:
    if draws.random() < 0.2:
        return None
    if data[:6] != b"\x93NUMPY":
        return rot(draws, data, b"nonsense") if data else b"nonsense"
    array = np.load(io.BytesIO(data))
    made = io.BytesIO()
    np.save(made, edit_array(draws, array))
    return made.getvalue()


def edit_array(draws: Draws, array: Any) -> Any:
    """Change the type, the shape or a number of an array."""
    if array.dtype.kind == "U":
        text = str(array)
        return np.array(
            edit_json(draws, text.encode()).decode() if text[:1] == "{" else "x"
        )
    changed = array.copy()
    ways: tuple[Callable[[], Any], ...] = (
        lambda: changed.astype(pick(draws, ("f2", "f8", "i8", "U3", "?", "c8", "u1"))),
        lambda: changed[None],
        lambda: changed[:0] if changed.ndim else changed.reshape(1),
        lambda: changed.reshape(-1)[: changed.size // 2],
        lambda: np.zeros((3, 3)),
        lambda: np.full_like(changed, pick(draws, (0, 1, 100))),
        lambda: np.full(changed.shape, pick(draws, (np.nan, np.inf, -1.0, 1e30))),
    )
    return pick(draws, ways)()


def _edit_hdf5(draws: Draws, content: bytes) -> bytes:
    """Change, drop or replace a dataset or an attribute."""
    image = io.BytesIO(content)
    with h5py.File(image, "r+") as file:
        names: list[str] = []
        file.visit(names.append)
        place = pick(draws, names)
        node = file[place]
        if node.attrs and draws.random() < 0.4:
            key = pick(draws, list(node.attrs))
            node.attrs[key] = pick(draws, (3, "nonsense", [1.5, 2], np.zeros((2, 2))))
        elif isinstance(node, h5py.Dataset) and draws.random() < 0.7:
            edited = edit_array(draws, np.asarray(node[()]))
            del file[place]
            file[place] = edited if edited.dtype.kind != "U" else "nonsense"
        else:
            del file[place]
            if draws.random() < 0.5:
                file.create_group(place)
    return image.getvalue()
