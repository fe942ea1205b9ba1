"""What the doctor says of one thing, and the words it says it in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warn", "fail"]

_GIB = 2**30


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at: one line on how it is, and one action that fixes it if need be."""

    name: str
    state: State
    detail: str
    fix: str = ""


def size(count: float) -> str:
    """Bytes, for people."""
    return f"{count / _GIB:.1f} GiB" if count < 2**40 else f"{count / 2**40:.1f} TiB"


def line(text: object) -> str:
    """A text on one line."""
    return " ".join(str(text).split())
