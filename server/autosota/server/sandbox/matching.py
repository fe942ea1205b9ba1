"""Regular expressions over what a run printed, in a process of their own with a time limit.

The pattern is the user's, the text is the candidate's: together they may take for ever, and a
running regular expression cannot be interrupted from another thread. Line by line, lines cut
at a bound. This file is both the function (`matches`) and the script it runs; as a script it
sees the standard library only. What a match means is not known here.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

LINE_CHARACTERS = 4096
MOST_TEXTS = 2000


@dataclass(frozen=True, slots=True)
class Matches:
    """All different texts of the group `value`, and the last one; `problem` when it failed."""

    last: str | None = None
    texts: tuple[str, ...] = ()
    problem: str = ""


def matches(
    pattern: str, path: Path, start: int = 0, end: int | None = None, limit_seconds: float = 20.0
) -> Matches:
    """Find a pattern in a file, between two offsets in bytes.

    Args:
        pattern: A regular expression with a group `value`, matched within one line.
        path: The file.
        start: The first byte.
        end: The byte after the last; None means the end of the file.
        limit_seconds: How long it may take.
    """
    span = ["" if end is None else str(end)]
    script = [sys.executable, "-I", "-S", __file__, pattern, str(path), str(start), *span]
    try:
        done = subprocess.run(
            script, stdin=subprocess.DEVNULL, capture_output=True, timeout=limit_seconds, check=True
        )
        found = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        return Matches(problem=f"the pattern took more than {limit_seconds:g} s")
    except (OSError, subprocess.CalledProcessError, ValueError):
        return Matches(problem="the pattern cannot be used")
    return Matches(found["last"], tuple(found["texts"]), found["problem"])


def _scan(pattern: str, path: str, start: int, end: int | None) -> dict[str, object]:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        return {"last": None, "texts": [], "problem": f"the pattern is broken: {error}"}
    if "value" not in compiled.groupindex:
        return {"last": None, "texts": [], "problem": "the pattern has no group named value"}
    last: str | None = None
    texts: dict[str, None] = {}
    with open(path, "rb") as file:
        file.seek(start)
        at = start
        while end is None or at < end:
            most = LINE_CHARACTERS if end is None else min(LINE_CHARACTERS, end - at)
            raw = file.readline(most)
            if not raw:
                break
            at += len(raw)
            for line in raw.decode("utf-8", "replace").rstrip("\n").split("\r"):
                for match in compiled.finditer(line):
                    if match["value"] is not None:
                        last = match["value"]
                        if len(texts) < MOST_TEXTS:
                            texts[last] = None
    return {"last": last, "texts": list(texts), "problem": ""}


if __name__ == "__main__":
    _end = int(sys.argv[4]) if sys.argv[4] else None
    json.dump(_scan(sys.argv[1], sys.argv[2], int(sys.argv[3]), _end), sys.stdout)
