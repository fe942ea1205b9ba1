"""A run's lines while it lasts, in a file of its folder that others may follow.

Whole lines only, both streams in the order they came, with the claim masked whatever the run is
for: nobody has read it yet, and its value is not known, so any line that seems to speak of it has
no numbers. It is no record: when the run is over the stored logs are, and this is gone. Where the
file lies the run cannot write.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from autosota.server.sandbox.masking import Mask

LIVE = "live.log"
"""Its name in the run's folder."""

MOST_BYTES = 8 << 20
_REST = "… the rest is in the log once the run is over"


class Following:
    """The file, written line by line. One that cannot be written is given up: no run needs it.

    Args:
        path: Where it goes.
        mask: Masks the claim; None where the search looks at the claim itself.
    """

    def __init__(self, path: Path, mask: Mask | None) -> None:
        self.path = path
        self._mask = mask
        self._file: BinaryIO | None = None
        self._left = MOST_BYTES
        self._over = False

    def line(self, text: str) -> None:
        """Add a line, without its end."""
        if self._over:
            return
        shown = text if self._mask is None else self._mask.live(text, strict=True)
        line = shown.encode("utf-8", "replace") + b"\n"
        if len(line) > self._left:
            line, self._over = _REST.encode() + b"\n", True
        self._left -= len(line)
        try:
            if self._file is None:
                self._file = self.path.open("ab")
            self._file.write(line)
            self._file.flush()
        except OSError:
            self._over = True

    def end(self) -> None:
        """The run is over: the file goes."""
        self._over = True
        if self._file is not None:
            self._file.close()
        self.path.unlink(missing_ok=True)
