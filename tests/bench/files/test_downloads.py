"""Downloads from a server on this machine: whole, cut, resumed, wrong, absent."""

import http.server
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from tt_bench.files import lock as lock_module
from tt_bench.files.downloads import download

CONTENT = b"\x89HDF" + bytes(range(256)) * 4000
OTHER = b"\x89HDF" + bytes(range(255, -1, -1)) * 4000
LOGIN = b"<html>log in first</html>"


@attrs.define
class Server:
    """What the server does, and what it was asked."""

    port: int = 0
    content: bytes = CONTENT
    ranges: bool = True
    cut: int = 0  # bytes after which an answer breaks off; 0 for never
    cuts: int = 0  # how many more answers break off
    missing: bool = False
    tags: bool = True  # whether an ETag tells versions of the content apart
    heeds: bool = True  # whether If-Range is heeded
    sized: bool = True  # whether an answer tells its length
    explains: bool = True  # whether a refusal tells the size
    asked: list[str] = attrs.field(factory=list)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/data.hdf5"


def make_handler(state: Server) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range", "")
            state.asked.append(wanted)
            total, begin = len(state.content), 0
            tag = f'"{hash(state.content)}"'
            if state.missing:
                return self.send_error(404)
            same = self.headers.get("If-Range", tag) == tag or not state.heeds
            if wanted and state.ranges and same:
                begin = int(re.findall(r"\d+", wanted)[0])
            if begin >= total:
                self.send_response(416)
                if state.explains:
                    self.send_header("Content-Range", f"bytes */{total}")
                self.end_headers()
                return None
            self.send_response(206 if begin else 200)
            if begin:
                told = f"bytes {begin}-{total - 1}/{total}"
                self.send_header("Content-Range", told)
            if state.sized:
                self.send_header("Content-Length", str(total - begin))
            if state.tags:
                self.send_header("ETag", tag)
            self.end_headers()
            stop = total
            if state.cuts:
                state.cuts -= 1
                stop = begin + state.cut
            for place in range(begin, stop, 1 << 16):
                self.wfile.write(state.content[place : min(place + (1 << 16), stop)])
            return None

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    state = Server()
    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), make_handler(state)
    ) as listener:
        state.port = listener.server_address[1]
        thread = threading.Thread(target=listener.serve_forever, args=(0.01,))
        thread.start()
        yield state
        listener.shutdown()
        thread.join()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "data.hdf5"


def test_a_whole_file_is_put_in_place(server: Server, path: Path) -> None:
    seen: list[tuple[int, int]] = []
    download(server.address, path, progress=lambda *now: seen.append(now))
    assert path.read_bytes() == CONTENT
    assert [file.name for file in path.parent.iterdir()] == ["data.hdf5"]
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert len(seen) > 2
    assert server.asked == [""]


def test_a_cut_connection_is_taken_up_where_it_ended(
    server: Server, path: Path
) -> None:
    server.cut, server.cuts = 300_000, 2
    download(server.address, path)
    assert path.read_bytes() == CONTENT
    assert server.asked == ["", "bytes=300000-", "bytes=600000-"]


def test_the_next_call_goes_on_from_what_is_there(server: Server, path: Path) -> None:
    server.cut, server.cuts = 10, 99
    with pytest.raises(ValueError, match="50 of 1,024,004 bytes"):
        download(server.address, path)
    assert not path.exists()
    server.cuts = 0
    server.asked.clear()
    download(server.address, path)
    assert server.asked == ["bytes=50-"]
    assert path.read_bytes() == CONTENT


def test_a_server_without_ranges_sends_everything_again(
    server: Server, path: Path
) -> None:
    server.ranges = False
    server.cut, server.cuts = 700_000, 1
    download(server.address, path)
    assert path.read_bytes() == CONTENT
    assert server.asked == ["", "bytes=700000-"]


def leave_part(server: Server, path: Path, size: int) -> Path:
    """Download the first bytes, as a call that was stopped does."""
    server.cut, server.cuts = size, 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tt_bench.files.downloads._ATTEMPTS", 1)
        with pytest.raises(ValueError, match="give the same command again"):
            download(server.address, path)
    server.asked.clear()
    part = path.with_name("data.hdf5.part")
    assert part.stat().st_size == size
    return part


def test_a_part_that_is_whole_is_only_moved(server: Server, path: Path) -> None:
    part = leave_part(server, path, 1000)
    part.write_bytes(CONTENT)
    download(server.address, path)
    assert path.read_bytes() == CONTENT
    assert server.asked == [f"bytes={len(CONTENT)}-"]


def test_a_part_that_is_too_long_is_fetched_anew(server: Server, path: Path) -> None:
    part = leave_part(server, path, 1000)
    part.write_bytes(CONTENT + b"more")
    download(server.address, path)
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize("heeds", [True, False])
def test_a_part_of_an_older_file_is_not_joined_to_the_new_one(
    heeds: bool, server: Server, path: Path
) -> None:
    leave_part(server, path, 700_000)
    server.content, server.heeds = OTHER, heeds
    download(server.address, path)
    assert path.read_bytes() == OTHER


def test_a_part_of_unknown_origin_is_not_gone_on_from(
    server: Server, path: Path
) -> None:
    path.parent.mkdir()
    path.with_name("data.hdf5.part").write_bytes(OTHER[:700_000])
    download(server.address, path)
    assert path.read_bytes() == CONTENT


def test_without_a_tag_a_cut_download_begins_anew(server: Server, path: Path) -> None:
    server.tags = False
    server.cut, server.cuts = 300_000, 1
    download(server.address, path)
    assert path.read_bytes() == CONTENT
    assert server.asked == ["", ""]


@pytest.mark.parametrize("ranges", [True, False])
def test_a_login_page_destroys_nothing(
    ranges: bool, server: Server, path: Path
) -> None:
    part = leave_part(server, path, 900_000)
    server.content, server.ranges = LOGIN, ranges
    with pytest.raises(ValueError, match="begins with b'<htm'"):
        download(server.address, path, signature=b"\x89HDF")
    assert part.read_bytes() == CONTENT[:900_000]
    server.content, server.ranges = CONTENT, True
    server.asked.clear()
    download(server.address, path, signature=b"\x89HDF")
    assert server.asked == ["bytes=900000-"]
    assert path.read_bytes() == CONTENT


def demand_all(path: Path) -> None:
    if path.read_bytes() != CONTENT:
        raise OSError("truncated file\nand much more")


def test_of_unknown_length_only_what_passes_the_check_is_put_in_place(
    server: Server, path: Path
) -> None:
    server.sized = False
    server.cut, server.cuts = 1000, 1
    with pytest.raises(ValueError, match=r"not whole: truncated file\)"):
        download(server.address, path, check=demand_all)
    assert not path.exists()
    download(server.address, path, check=demand_all)
    assert path.read_bytes() == CONTENT


def test_what_the_server_has_wrong_is_not_kept(server: Server, path: Path) -> None:
    server.content = OTHER
    with pytest.raises(ValueError, match="what came is not whole"):
        download(server.address, path, check=demand_all)
    server.content = CONTENT
    download(server.address, path, check=demand_all)
    assert server.asked == ["", ""]


def test_two_at_once_download_once(server: Server, path: Path) -> None:
    begun, seen_by_other = threading.Event(), threading.Event()
    errors: list[BaseException] = []

    def first(now: int, _: int) -> None:
        if now < len(CONTENT):
            begun.set()
            assert seen_by_other.wait(20), "who waits sees what the other has"

    def second(now: int, _: int) -> None:
        if now > 0:
            seen_by_other.set()

    def fetch(progress: Callable[[int, int], None]) -> None:
        try:
            download(server.address, path, progress=progress)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=fetch, args=(one,)) for one in (first, second)]
    threads[0].start()
    assert begun.wait(20)
    threads[1].start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert server.asked == [""]
    assert path.read_bytes() == CONTENT
    assert [file.name for file in path.parent.iterdir()] == ["data.hdf5"]


def test_a_part_that_the_server_does_not_explain_begins_anew(
    server: Server, path: Path
) -> None:
    server.cut, server.cuts = 70_000, 5
    with pytest.raises(ValueError, match="could not download"):
        download(server.address, path)
    part = path.with_name(path.name + ".part")
    part.write_bytes(CONTENT)  # whole, as if killed before it was moved
    server.explains = False
    download(server.address, path)
    assert path.read_bytes() == CONTENT
    assert server.asked[-1] == ""


_HOLD = """
import runpy, sys, time
from pathlib import Path
held = runpy.run_path(sys.argv[1])["locked"](Path(sys.argv[2]))
held.__enter__()
print("held", flush=True)
time.sleep(60)
"""


def test_a_process_that_is_killed_holds_nothing(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    command = [sys.executable, "-c", _HOLD, lock_module.__file__, str(lock)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        waits: list[int] = []

        def kill() -> None:
            waits.append(1)
            holder.kill()

        with lock_module.locked(lock, kill):
            assert waits


def test_a_file_of_the_wrong_size_is_not_put_in_place(
    server: Server, path: Path
) -> None:
    server.cut, server.cuts = 0, 99
    with pytest.raises(ValueError, match="got 0 of 1,024,004 bytes"):
        download(server.address, path)
    assert not path.exists()


def test_what_does_not_begin_as_it_must_is_refused(server: Server, path: Path) -> None:
    server.content = LOGIN
    with pytest.raises(ValueError, match="begins with b'<htm'"):
        download(server.address, path, signature=b"\x89HDF")
    assert not list(path.parent.iterdir())


def test_a_missing_file_is_asked_for_once(server: Server, path: Path) -> None:
    server.missing = True
    with pytest.raises(ValueError, match="404"):
        download(server.address, path)
    assert len(server.asked) == 1


def test_without_a_server_one_line_says_what_to_put_where(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with http.server.HTTPServer(("127.0.0.1", 0), make_handler(Server())) as closed:
        address = f"http://127.0.0.1:{closed.server_address[1]}/data.hdf5"
    with pytest.raises(ValueError, match="put the file there") as raised:
        download(address, path)
    text = str(raised.value)
    assert address in text
    assert str(path) in text
    assert len(text.splitlines()) == 1
