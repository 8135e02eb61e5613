"""Downloads from a server on this machine: whole, cut, resumed, wrong, absent."""

import http.server
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from tt_bench._download import download

CONTENT = b"\x89HDF" + bytes(range(256)) * 4000


@attrs.define
class Server:
    """What the server does, and what it was asked."""

    port: int = 0
    content: bytes = CONTENT
    ranges: bool = True
    cut: int = 0  # bytes after which an answer breaks off; 0 for never
    cuts: int = 0  # how many more answers break off
    missing: bool = False
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
            if state.missing:
                return self.send_error(404)
            if wanted and state.ranges:
                begin = int(re.findall(r"\d+", wanted)[0])
            if begin >= total:
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{total}")
                self.end_headers()
                return None
            self.send_response(206 if begin else 200)
            if begin:
                told = f"bytes {begin}-{total - 1}/{total}"
                self.send_header("Content-Range", told)
            self.send_header("Content-Length", str(total - begin))
            self.end_headers()
            stop = total
            if state.cuts:
                state.cuts -= 1
                stop = begin + state.cut
            self.wfile.write(state.content[begin:stop])
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


def test_a_part_that_is_whole_is_only_moved(server: Server, path: Path) -> None:
    path.parent.mkdir()
    path.with_name("data.hdf5.part").write_bytes(CONTENT)
    download(server.address, path)
    assert path.read_bytes() == CONTENT


def test_a_part_of_another_file_is_dropped(server: Server, path: Path) -> None:
    path.parent.mkdir()
    path.with_name("data.hdf5.part").write_bytes(CONTENT + b"more")
    download(server.address, path)
    assert path.read_bytes() == CONTENT


def test_a_file_of_the_wrong_size_is_not_put_in_place(
    server: Server, path: Path
) -> None:
    server.cut, server.cuts = 0, 99
    with pytest.raises(ValueError, match="got 0 of 1,024,004 bytes"):
        download(server.address, path)
    assert not path.exists()


def test_what_does_not_begin_as_it_must_is_refused(server: Server, path: Path) -> None:
    server.content = b"<html>log in first</html>"
    with pytest.raises(ValueError, match="begins with b'<htm'"):
        download(server.address, path, signature=b"\x89HDF")
    assert list(path.parent.iterdir()) == []


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
