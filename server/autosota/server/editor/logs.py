"""The log of a run, piece by piece, and the metrics that it reported on its way.

A run that goes on is followed by the file that its runner writes line by line, masked; one that
is over has its stored logs, the output first and the errors behind it. Both go through the
run's veil. Run ids are checked before they become paths, and nothing else becomes one.
"""

from __future__ import annotations

import math
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from autosota.server.editor.board import Curve, LogPart
from autosota.server.editor.veil import Veil
from autosota.server.errors import UserError
from autosota.server.sandbox.following import LIVE

MOST_BYTES = 256 << 10
MOST_POINTS = 2000
MOST_CURVES = 50
STORED = 1 << 40
"""Offsets from here on are of stored logs: one of a followed log is known to be old by that."""

_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_ESCAPES = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]"  # colours, moves
    r"|[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)?"  # titles, links and other strings
    r"|[ -/]*[0-~]?)"
    r"|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]"
)
_STEP = re.compile(
    rb"^[ \t]*METRIC[ \t]+([\w./@:\-]{1,200})[ \t]*=[ \t]*([^\s]{1,100})"
    rb"[ \t]+step=([+-]?\d{1,15})[ \t]*\r?$"
)
_NUMBER = re.compile(rb"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_BETWEEN = b"\n=== stderr\n"
_BLOCK = 1 << 20


def folder_of(runs: Path, run: str) -> Path:
    """The folder of a run.

    Raises:
        UserError: it is no id of a run, or there is no such folder.
    """
    if _RUN_ID.fullmatch(run) is None or ".." in run:
        raise UserError(f"{run[:80]!r} is no id of a run")
    folder = runs / run
    if not folder.is_dir() or folder.is_symlink():
        raise UserError(f"{run}: there is no such run in {runs}")
    return folder


def has_log(runs: Path, run: str) -> bool:
    """Whether there is a log to read of a run."""
    if _RUN_ID.fullmatch(run) is None:
        return False
    return any(_size(runs / run / name) is not None for name in ("stdout.log", LIVE))


# ---------------------------------------------------------------------- the text


def read(folder: Path, offset: int, running: bool, veil: Veil) -> LogPart:
    """A stretch of a run's log.

    Args:
        folder: The run's.
        offset: 0, or what the part before said is next.
        running: Whether the run goes on.
        veil: Hides the claim.

    Raises:
        UserError: the offset is none.
    """
    if offset < 0:
        raise UserError(f"offset {offset}: give 0 or more")
    stored = _size(folder / "stdout.log") is not None and not running
    if not stored:
        start = offset if offset < STORED else 0
        data = _read(folder / LIVE, start, MOST_BYTES + 1)
        whole = _whole(data, last=not running)
        ended = not running and len(whole) == len(data)
        return LogPart(_text(whole, veil), start + len(whole), ended, start != offset)
    start = offset - STORED if offset >= STORED else 0
    data = _stored(folder, start, MOST_BYTES + 1)
    at_end = len(data) <= MOST_BYTES
    whole = _whole(data, last=at_end)
    restart = 0 < offset < STORED
    return LogPart(_text(whole, veil), STORED + start + len(whole), at_end, restart)


def _whole(data: bytes, *, last: bool) -> bytes:
    """The bytes up to the last line that is whole; of one very long line, whole characters."""
    if last and len(data) <= MOST_BYTES:
        return data
    cut = data.rfind(b"\n", 0, MOST_BYTES) + 1
    if cut or len(data) <= MOST_BYTES:
        return data[:cut]
    end = MOST_BYTES
    while end > MOST_BYTES - 4 and data[end] & 0xC0 == 0x80:
        end -= 1
    return data[:end]


def _text(data: bytes, veil: Veil) -> str:
    plain = data.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
    return "\n".join(veil.lines(_ESCAPES.sub("", plain).split("\n")))


def _stored(folder: Path, start: int, most: int) -> bytes:
    """Bytes of the output and, behind it, of the errors, as if they were one file."""
    out = _size(folder / "stdout.log") or 0
    errors = _size(folder / "stderr.log") or 0
    parts = [_read(folder / "stdout.log", start, most)] if start < out else []
    if errors:
        left = most - sum(map(len, parts))
        between = _BETWEEN[max(0, start - out) :][:left]
        parts.append(between)
        left -= len(between)
        parts.append(_read(folder / "stderr.log", max(0, start - out - len(_BETWEEN)), left))
    return b"".join(parts)


# ---------------------------------------------------------------------- the curves


def curves(folder: Path, running: bool, veil: Veil) -> tuple[Curve, ...]:
    """The metrics that a run reported with a step, the claim left out."""
    found: dict[str, dict[int, float]] = {}
    for line in _lines(folder / (LIVE if running else "stdout.log")):
        match = _STEP.match(line) if b"METRIC" in line else None
        if match is None or _NUMBER.fullmatch(match[2]) is None:
            continue
        name, value = match[1].decode("utf-8", "replace"), float(match[2])
        if veil.hides_metric(name) or not math.isfinite(value):
            continue
        if name in found or len(found) < MOST_CURVES:
            found.setdefault(name, {}).setdefault(int(match[3]), value)
    return tuple(Curve(name, thinned(sorted(steps.items()))) for name, steps in found.items())


def thinned(points: list[tuple[int, float]]) -> tuple[tuple[float, float], ...]:
    """At most `MOST_POINTS` of them: the lowest and the highest of each stretch stay."""
    if len(points) <= MOST_POINTS:
        return tuple((float(step), value) for step, value in points)
    size = math.ceil(len(points) / (MOST_POINTS // 2))
    kept: list[tuple[float, float]] = []
    for at in range(0, len(points), size):
        stretch = points[at : at + size]
        ends = {min(stretch, key=_value), max(stretch, key=_value)}
        kept += [(float(step), value) for step, value in sorted(ends)]
    return tuple(kept)


def _value(point: tuple[int, float]) -> float:
    return point[1]


def _lines(path: Path) -> Iterator[bytes]:
    rest, at = b"", 0
    while block := _read(path, at, _BLOCK):
        at += len(block)
        *lines, rest = (rest + block).split(b"\n")
        yield from lines
        rest = rest if len(rest) < _BLOCK else b""
    if rest:
        yield rest


# ---------------------------------------------------------------------- files


def _size(path: Path) -> int | None:
    """The size of a plain file; None when there is none, or it is a link."""
    try:
        found = path.lstat()
    except OSError:
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None


def _read(path: Path, start: int, most: int) -> bytes:
    try:
        number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return b""
    with os.fdopen(number, "rb") as file:
        file.seek(start)
        return file.read(max(0, most))
