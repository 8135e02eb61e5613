"""A headless browser, spoken to without any package."""

import contextlib
import json
import os
import select
import subprocess
import sys
from pathlib import Path
from typing import Any

_PATIENCE = 60  # seconds
_AS_3_AND_4 = """
import fcntl, os, sys
ends = [fcntl.fcntl(int(end), fcntl.F_DUPFD, 10) for end in sys.argv[1:3]]
os.dup2(ends[0], 3)
os.dup2(ends[1], 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


class Browser:
    """A page in headless Chromium, spoken to by its debugging protocol over pipes."""

    def __init__(self, program: str, profile: Path) -> None:
        ours_in, theirs_out = os.pipe()
        theirs_in, ours_out = os.pipe()
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-c", _AS_3_AND_4, str(theirs_in), str(theirs_out)),
                *(program, "--headless", "--no-sandbox", "--disable-gpu"),
                *("--disable-dev-shm-usage", f"--user-data-dir={profile}"),
                *("--remote-debugging-pipe", "--window-size=1200,900", "about:blank"),
            ],
            pass_fds=(theirs_in, theirs_out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._in, self._out = os.fdopen(ours_in, "rb"), os.fdopen(ours_out, "wb")
        self._count, self._waiting, self._session = 0, b"", ""
        self.events: list[dict[str, Any]] = []

    def close(self) -> None:
        """End the browser, which does so too once nobody speaks to it."""
        with contextlib.suppress(OSError):
            self._out.close()
        self._in.close()
        self._process.terminate()
        self._process.wait(30)

    def ask(self, method: str, **parameters: Any) -> Any:
        self._count += 1
        call: dict[str, Any] = {"id": self._count, "method": method}
        call |= {"params": parameters}
        if self._session:
            call["sessionId"] = self._session
        self._out.write(json.dumps(call).encode() + b"\0")
        self._out.flush()
        while True:
            message = self._receive()
            if message.get("id") == self._count:
                assert "error" not in message, message["error"]
                return message["result"]
            self.events.append(message)

    def _receive(self) -> Any:
        while b"\0" not in self._waiting:
            assert select.select([self._in], [], [], _PATIENCE)[0], "no answer"
            read = os.read(self._in.fileno(), 1 << 20)
            assert read, "the browser ended"
            self._waiting += read
        message, _, self._waiting = self._waiting.partition(b"\0")
        return json.loads(message)

    def open(self, path: Path) -> None:
        """Open a page and wait until it and its pictures are there."""
        self.events, self._session = [], ""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        found = self.ask("Target.attachToTarget", targetId=target, flatten=True)
        self._session = found["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.ask(f"{domain}.enable")
        self.ask("Page.navigate", url=path.as_uri())
        while not any(e.get("method") == "Page.loadEventFired" for e in self.events):
            self.events.append(self._receive())

    def run(self, script: str) -> Any:
        """Return what an expression comes to on the page."""
        how = {"returnByValue": True}
        found = self.ask("Runtime.evaluate", expression=script, **how)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def of(self, method: str) -> list[Any]:
        """Return what the browser told of a kind."""
        return [e["params"] for e in self.events if e.get("method") == method]
