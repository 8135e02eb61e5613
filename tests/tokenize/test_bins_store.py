"""Bins survive a file, and a bad file gives one clear error."""

import contextlib
import io
import json
import os
import tracemalloc
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tt_tokenize import Bins, QuantileBins, UniformBins, load, save

every_tokenizer = pytest.mark.parametrize("kind", [QuantileBins, UniformBins])


@pytest.fixture
def bins() -> QuantileBins:
    data = np.random.default_rng(0).standard_normal((200, 3))
    data[:, 1] = data[:, 1] > 0
    return QuantileBins.fit(data, 30)


@every_tokenizer
def test_loaded_bins_are_the_saved_ones(kind: type[Bins], tmp_path: Path) -> None:
    data = np.random.default_rng(0).standard_normal((200, 3))
    path = tmp_path / "some bins"
    save(saved := kind.fit(data, 300), path)
    loaded = load(str(path))
    assert type(loaded) is kind
    assert np.array_equal(loaded.edges, saved.edges)
    assert np.array_equal(loaded.middles, saved.middles)
    assert np.array_equal(loaded.encode(data), saved.encode(data))
    assert [file.name for file in tmp_path.iterdir()] == ["some bins"]


def test_a_file_cut_anywhere_is_refused_by_name(
    bins: QuantileBins, tmp_path: Path
) -> None:
    path = tmp_path / "bins.npz"
    save(bins, path)
    content = path.read_bytes()
    for size in range(0, len(content), 37):
        path.write_bytes(content[:size])
        with pytest.raises(ValueError, match=r"bins\.npz is damaged"):
            load(path)


def test_a_changed_byte_is_refused_or_does_not_matter(
    bins: QuantileBins, tmp_path: Path
) -> None:
    path = tmp_path / "bins.npz"
    save(bins, path)
    content = path.read_bytes()
    for place in range(0, len(content), 7):
        path.write_bytes(
            content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :]
        )
        try:
            loaded = load(path)
        except ValueError as error:
            assert "bins.npz" in str(error)  # noqa: PT017
        else:
            assert np.array_equal(loaded.edges, bins.edges)
            assert np.array_equal(loaded.middles, bins.middles)


def rewrite(path: Path, **changes: Any) -> None:
    """Save a file whose description of itself is changed."""
    with np.load(path) as archive:
        arrays = dict(archive)
    about = json.loads(str(arrays.pop("about"))) | changes
    np.savez(path, about=np.array(json.dumps(about)), **arrays)


def test_an_unknown_version_is_refused_by_name(
    bins: QuantileBins, tmp_path: Path
) -> None:
    path = tmp_path / "bins.npz"
    save(bins, path)
    rewrite(path, version=7)
    with pytest.raises(ValueError, match=r"bins\.npz.*version 7.*reads version 1"):
        load(path)


def test_an_unknown_kind_is_refused_by_name(bins: QuantileBins, tmp_path: Path) -> None:
    path = tmp_path / "bins.npz"
    save(bins, path)
    rewrite(path, kind="LogBins")
    with pytest.raises(ValueError, match=r"LogBins.*QuantileBins, UniformBins"):
        load(path)


def test_a_foreign_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.npz"
    np.savez(path, about=np.array('{"format": "other"}'))
    with pytest.raises(ValueError, match=r"other\.npz is damaged or was not written"):
        load(path)


def test_pickled_objects_are_never_loaded(tmp_path: Path) -> None:
    path = tmp_path / "pickle.npz"
    np.savez(path, about=np.array([{"version": 1}], dtype=object))
    with pytest.raises(ValueError, match=r"pickle\.npz is damaged"):
        load(path)


def claiming(shape: str) -> bytes:
    """Make the file of an array that says it has this shape, and holds one number."""
    file = io.BytesIO()
    np.save(file, np.zeros(1, np.float32))
    old, content = b"(1,), }", file.getvalue()
    new = f"{shape}, }}".encode()
    assert old in content
    return content.replace(old + b" " * (len(new) - len(old)), new)


@pytest.mark.parametrize("shape", ["(1000000000000,)", "(300000000,)", "(2, 1, 1)"])
def test_an_array_that_claims_more_than_it_holds_is_refused_unread(
    shape: str, bins: QuantileBins, tmp_path: Path
) -> None:
    path = tmp_path / "bins.npz"
    save(bins, path)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in (parts | {"more.npy": claiming(shape)}).items():
            archive.writestr(name, content)
    with within(10**7), pytest.raises(ValueError, match=r"bins\.npz is damaged.*again"):
        load(path)


@contextlib.contextmanager
def within(memory: int) -> Iterator[None]:
    """Check that no more memory is taken meanwhile."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < memory
    finally:
        tracemalloc.stop()


def test_an_archive_that_inflates_is_refused_unread(
    bins: QuantileBins, tmp_path: Path
) -> None:
    path = tmp_path / "bins.npz"
    save(bins, path)
    with np.load(path) as archive:
        arrays: dict[str, Any] = dict(archive)
    np.savez_compressed(path, **arrays, more=np.zeros(10**8, np.uint8))
    assert path.stat().st_size < 10**6
    with within(10**7), pytest.raises(ValueError, match=r"bins\.npz is damaged"):
        load(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        load(tmp_path / "nowhere")


def test_a_failed_save_leaves_the_old_file(
    bins: QuantileBins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "bins.npz"
    save(bins, path)
    before = path.read_bytes()

    def fail(*_: Any, **__: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(np, "savez", fail)
    with pytest.raises(OSError, match="disk full"):
        save(bins, path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def rewritten(path: Path, **changes: Any) -> None:
    """Save a file whose arrays are changed, with everything else as it was."""
    with np.load(path) as archive:
        arrays = dict(archive)
    np.savez(path, **{**arrays, **changes})


def test_altered_content_is_refused_by_name(bins: QuantileBins, tmp_path: Path) -> None:
    path = tmp_path / "bins.npz"
    save(bins, path)
    rewritten(path)
    assert np.array_equal(load(path).middles, bins.middles)
    rewritten(path, middles=np.nextafter(bins.middles, np.float32(np.inf)))
    with pytest.raises(ValueError, match=r"bins\.npz is damaged: its content"):
        load(path)
    save(bins, path)
    rewrite(path, kind="UniformBins")
    with pytest.raises(ValueError, match=r"bins\.npz is damaged: its content"):
        load(path)


def test_bins_of_an_earlier_version_have_no_checksum(
    bins: QuantileBins, tmp_path: Path
) -> None:
    path = tmp_path / "bins.npz"
    about = {"format": "tt-tokenize bins", "version": 1, "kind": "QuantileBins"}
    parts: dict[str, Any] = {"edges": bins.edges, "middles": bins.middles}
    np.savez(path, about=np.array(json.dumps(about)), **parts)
    assert np.array_equal(load(path).edges, bins.edges)
    about["checksun"] = "0"  # a bit of the name was flipped
    np.savez(path, about=np.array(json.dumps(about)), **parts)
    with pytest.raises(ValueError, match=r"bins\.npz is damaged: its description"):
        load(path)


@pytest.mark.parametrize(
    "about", ["[]", "3", "{}", '{"format": "tt-tokenize bins", "kind": []}', "[" * 9999]
)
def test_a_foreign_description_is_refused(about: str, tmp_path: Path) -> None:
    path = tmp_path / "bins.npz"
    np.savez(path, about=np.array(about))
    with pytest.raises(ValueError, match=r"bins\.npz is damaged or was not written"):
        load(path)


def test_a_file_that_inflates_is_refused(bins: QuantileBins, tmp_path: Path) -> None:
    path = tmp_path / "bins.npz"
    save(bins, path)
    with np.load(path) as archive:
        np.savez_compressed(path, **dict(archive))
    with pytest.raises(ValueError, match=r"bins\.npz is damaged or was not written"):
        load(path)


def test_two_saves_at_once_do_not_meet(
    bins: QuantileBins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names: list[str] = []
    replace = os.replace

    def note(source: Path, target: Path) -> None:
        names.append(source.name)
        replace(source, target)

    monkeypatch.setattr(os, "replace", note)
    save(bins, tmp_path / "bins.npz")
    save(bins, tmp_path / "bins.npz")
    assert len(set(names)) == 2
