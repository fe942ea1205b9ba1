"""What a run prints: stored up to a cap, shown line by line, never held in memory.

Gets bytes, knows no process and no metric. Lines that come faster than a person or a terminal
can take are left out of the live view; the stored log has them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

OnLine = Callable[[str, str], None]
"""Called with the stream (`stdout`, `stderr`) and one line, without its end."""

OnChunk = Callable[[str, bytes], None]
"""Called with the stream and the bytes as they came, before they are cut into lines."""

LINE_CHARACTERS = 2000
TAIL_BYTES = 8192
_BURST, _PER_SECOND = 2000.0, 1000.0


class _Lines:
    """Cuts one stream into lines of bounded length; a carriage return ends a line, too."""

    def __init__(self) -> None:
        self._rest = b""
        self._cut = False

    def feed(self, data: bytes) -> list[bytes]:
        lines = (self._rest + data).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        self._rest = lines.pop()
        if self._cut and lines:
            del lines[0]
            self._cut = False
        if len(self._rest) > LINE_CHARACTERS:
            if not self._cut:
                lines.append(self._rest[:LINE_CHARACTERS])
            self._rest, self._cut = b"", True
        return [line[:LINE_CHARACTERS] for line in lines]

    def end(self) -> list[bytes]:
        rest = [] if self._cut or not self._rest else [self._rest]
        self._rest, self._cut = b"", False
        return rest


class Output:
    """The two log files of one launch and their live view.

    Args:
        files: Path of the log per stream; appended to, made when missing.
        cap: Bytes of both streams together that are stored; what follows is dropped.
        on_chunk: Gets the stored bytes.
        on_line: Gets the lines, at most about a thousand a second.

    Raises:
        OSError: a log cannot be written.
    """

    def __init__(
        self,
        files: dict[str, Path],
        cap: int,
        on_chunk: OnChunk | None = None,
        on_line: OnLine | None = None,
    ) -> None:
        self._files: dict[str, BinaryIO] = {n: p.open("ab") for n, p in files.items()}
        self._lines = {name: _Lines() for name in files}
        self._tails = dict.fromkeys(files, b"")
        self._cap = cap
        self._on_chunk = on_chunk
        self._on_line = on_line
        self._tokens, self._filled = _BURST, time.monotonic()
        self._left_out = 0
        self.total = 0
        self.over = False

    def feed(self, stream: str, data: bytes) -> None:
        """Take what a stream gave. Sets `over` when the cap is passed."""
        keep = data[: max(0, self._cap - self.total)]
        self.total += len(data)
        self.over = self.over or len(keep) < len(data)
        if not keep:
            return
        self._files[stream].write(keep)
        self._files[stream].flush()  # somebody may follow the log
        self._tails[stream] = (self._tails[stream] + keep)[-TAIL_BYTES:]
        if self._on_chunk is not None:
            self._on_chunk(stream, keep)
        if self._on_line is not None:
            self._show(stream, self._lines[stream].feed(keep))

    def tail(self, stream: str) -> str:
        """The last few kilobytes of a stream, decoded as well as it can be."""
        return self._tails[stream].decode("utf-8", "replace")

    def close(self) -> None:
        """Show what had no line end, and close the files. May be called twice."""
        for stream, lines in self._lines.items():
            if self._on_line is not None:
                self._show(stream, lines.end())
        if self._left_out and self._on_line is not None:
            self._on_line("stderr", f"… {self._left_out} lines not shown, the log has them")
            self._left_out = 0
        for file in self._files.values():
            file.close()

    def _show(self, stream: str, lines: list[bytes]) -> None:
        if not lines or self._on_line is None:
            return
        now = time.monotonic()
        self._tokens = min(_BURST, self._tokens + (now - self._filled) * _PER_SECOND)
        self._filled = now
        shown = lines[: int(self._tokens)]
        self._tokens -= len(shown)
        self._left_out += len(lines) - len(shown)
        for line in shown:
            self._on_line(stream, line.decode("utf-8", "replace"))
