"""How a kernel ended: an exit code, why, and one line for a person.

An exit code above 128 alone does not say who sent the signal; the engine knows whether memory
ran out, and we know whether it was us. Nothing here speaks to an engine.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass, replace
from enum import StrEnum


class Why(StrEnum):
    """The kinds of end."""

    EXITED = "exited"
    SIGNALLED = "signalled"
    OUT_OF_MEMORY = "out of memory"
    STOPPED = "stopped"
    """By us, as somebody asked for."""

    REMOVED = "removed"
    """Somebody removed the container."""

    ENGINE = "engine"
    """The engine went away, and the kernel with it."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of a kernel.

    Attributes:
        why: What kind of end.
        code: As `subprocess.Popen.returncode`: negative for a signal.
        line: What to tell a person.
    """

    why: Why
    code: int
    line: str

    @property
    def expected(self) -> bool:
        """Whether nobody has to be told."""
        return self.why is Why.STOPPED or (self.why is Why.EXITED and self.code == 0)


def by_exit(code: int, *, out_of_memory: bool, memory_bytes: int) -> Ended:
    """The end that an exit status means.

    Args:
        code: The status as shells and engines give it: 128 and the number for a signal.
        out_of_memory: Whether the kernel of the system killed something in it for memory.
        memory_bytes: The limit it had, to be told; 0 for none.
    """
    number = code - 128
    signalled = 0 < number < signal.NSIG
    popen = -number if signalled else code
    if out_of_memory and number == signal.SIGKILL:
        limit = f"its {_size(memory_bytes)} of memory" if memory_bytes else "memory"
        return Ended(
            Why.OUT_OF_MEMORY,
            popen,
            f"the kernel ran out of {limit} and was killed; what it held is lost. Load less at "
            "once, or raise `memory` in its kernel.json",
        )
    if signalled:
        return Ended(Why.SIGNALLED, popen, f"the kernel was killed by {_name(number)}")
    return Ended(Why.EXITED, popen, f"the kernel ended with exit code {code}")


def stopped(code: int = -signal.SIGKILL) -> Ended:
    """We ended it, as we were told to."""
    return Ended(Why.STOPPED, code, "the kernel was stopped")


def removed() -> Ended:
    """Somebody else removed the container."""
    return Ended(Why.REMOVED, -signal.SIGKILL, "the kernel's container was removed by somebody")


def engine_gone(what: str) -> Ended:
    """The engine does not answer any more, and the kernel is not there either."""
    return Ended(Why.ENGINE, -signal.SIGKILL, f"the kernel is gone with its {what}")


def with_last(ended: Ended, said: bytes) -> Ended:
    """The same end, with the last line of what the kernel wrote on its terminal."""
    lines = said.decode("utf-8", "replace").split("\n")
    last = next((" ".join(line.split()) for line in reversed(lines) if line.strip()), "")
    return replace(ended, line=f"{ended.line}: {last[:300]}") if last else ended


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _size(count: int) -> str:
    for unit, size in (("GiB", 2**30), ("MiB", 2**20)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count} bytes"
