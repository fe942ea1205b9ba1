"""A client that speaks to the installed server over its pipes, byte for byte.

It answers what the server asks as an editor would, and keeps everything it was told. Nothing is
hidden: a test can send what no library would, and see what came back and when.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

Message = dict[str, Any]
COMMAND = (str(Path(sys.executable).with_name("autosota")), "lsp", "--stdio")
SECONDS = float(os.environ.get("AUTOSOTA_TEST_SECONDS", "30"))
SILENT = object()
"""What an answer gives that is never sent."""


class Gone(AssertionError):
    """The server ended, or did not answer in time."""


class Wire:
    """One server process and everything it said."""

    def __init__(
        self,
        command: tuple[str, ...] = COMMAND,
        *,
        settings: object = None,
        cwd: Path | None = None,
        env: dict[str, str] | None = None,
    ) -> None:
        self.settings = settings
        self.heard: list[Message] = []
        self.times: list[float] = []
        self.applied: list[Message] = []
        self.errors: list[str] = []
        self.answers: dict[str, Callable[[Any], Any]] = {}
        self._news = threading.Condition()
        self._number = 0
        self._write = threading.Lock()
        self.ended = False
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env={**os.environ, **(env or {})},
        )
        threading.Thread(target=self._read, daemon=True).start()
        threading.Thread(target=self._listen, daemon=True).start()

    # ------------------------------------------------------------------ out

    def raw(self, data: bytes) -> None:
        assert self.process.stdin is not None
        with self._write:
            self.process.stdin.write(data)
            self.process.stdin.flush()

    def send(self, message: object) -> None:
        body = json.dumps(message).encode()
        self.raw(b"Content-Length: %d\r\n\r\n" % len(body) + body)

    def notify(self, method: str, params: object = None) -> None:
        self.send({"jsonrpc": "2.0", "method": method, "params": params})

    def ask(self, method: str, params: object = None) -> int:
        """Send a request; gives its number for `answer`."""
        self._number += 1
        self.send({"jsonrpc": "2.0", "id": self._number, "method": method, "params": params})
        return self._number

    # ------------------------------------------------------------------ in

    def wait(
        self, wanted: Callable[[Message], bool], seconds: float = SECONDS, since: int = 0
    ) -> Message:
        """The first message that is wanted, also of the past from `since` on."""
        end = time.monotonic() + seconds
        with self._news:
            while True:
                for message in self.heard[since:]:
                    if wanted(message):
                        return message
                since = max(since, len(self.heard))
                left = end - time.monotonic()
                if self.ended or left <= 0:
                    raise Gone(f"ended: {self.ended}; stderr: {''.join(self.errors)[-2000:]}")
                self._news.wait(left)

    def answer(self, number: int, seconds: float = SECONDS) -> Message:
        return self.wait(lambda m: m.get("id") == number and "method" not in m, seconds)

    def request(self, method: str, params: object = None, seconds: float = SECONDS) -> Any:
        """The result of a request; an error fails."""
        reply = self.answer(self.ask(method, params), seconds)
        assert "error" not in reply, reply["error"]
        return reply["result"]

    def refusal(self, method: str, params: object = None, seconds: float = SECONDS) -> Message:
        """The error of a request; a result fails."""
        reply = self.answer(self.ask(method, params), seconds)
        assert "error" in reply, reply
        error: Message = reply["error"]
        return error

    def told(self, method: str) -> list[Any]:
        """The parameters of every notification or request of this name so far."""
        with self._news:
            return [m.get("params") for m in self.heard if m.get("method") == method]

    def published(self, uri: str, version: int | None = None, seconds: float = SECONDS) -> Any:
        """The findings that were pushed for a document (at a version)."""
        found = self.wait(
            lambda m: (
                m.get("method") == "textDocument/publishDiagnostics"
                and m["params"]["uri"] == uri
                and (version is None or m["params"].get("version") == version)
            ),
            seconds,
        )
        return found["params"]["diagnostics"]

    # ------------------------------------------------------------------ a session

    def initialize(
        self,
        folders: tuple[Path, ...] = (),
        capabilities: object = None,
        options: object = None,
        pid: int | None = None,
    ) -> Any:
        result = self.request(
            "initialize",
            {
                "processId": pid,
                "rootUri": folders[0].as_uri() if folders else None,
                "workspaceFolders": [{"uri": f.as_uri(), "name": f.name} for f in folders],
                "capabilities": capabilities if capabilities is not None else {},
                "initializationOptions": options,
            },
        )
        self.notify("initialized", {})
        return result

    def open(self, uri: str, text: str, version: int = 1, language: str = "python") -> None:
        document = {"uri": uri, "languageId": language, "version": version, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": document})

    def change(self, uri: str, version: int, *changes: object) -> None:
        document = {"uri": uri, "version": version}
        self.notify(
            "textDocument/didChange", {"textDocument": document, "contentChanges": list(changes)}
        )

    def close(self, uri: str) -> None:
        self.notify("textDocument/didClose", {"textDocument": {"uri": uri}})

    def leave(self, seconds: float = 10.0) -> int:
        """`shutdown`, `exit`; the exit code."""
        self.request("shutdown")
        self.notify("exit")
        return self.process.wait(seconds)

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    # ------------------------------------------------------------------ inside

    def _read(self) -> None:
        stream = self.process.stdout
        assert stream is not None
        while True:
            length = 0
            while (line := stream.readline()) not in (b"\r\n", b""):
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            body = stream.read(length) if line else b""
            if not body:
                break
            now = time.perf_counter()
            message = json.loads(body)
            with self._news:
                self.heard.append(message)
                self.times.append(now)
                self._news.notify_all()
            if "method" in message and "id" in message:
                self._reply(message)
        with self._news:
            self.ended = True
            self._news.notify_all()

    def _reply(self, message: Message) -> None:
        method, params = message["method"], message.get("params")
        result: object = None
        if method in self.answers:
            result = self.answers[method](params)
        elif method == "workspace/configuration":
            result = [self.settings for _ in params["items"]]
        elif method == "workspace/applyEdit":
            self.applied.append(params)
            result = {"applied": True}
        if result is SILENT:
            return
        with suppress(BrokenPipeError):  # it ended before the answer came
            self.send({"jsonrpc": "2.0", "id": message["id"], "result": result})

    def _listen(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.errors.append(line.decode(errors="replace"))


@contextmanager
def wire(*args: Any, **kwargs: Any) -> Iterator[Wire]:
    """A server that is gone at the end, whatever happened."""
    client = Wire(*args, **kwargs)
    try:
        yield client
    finally:
        client.kill()
