"""Symbolic values: what a variable holds, written as the expression that made it.

Two values with the same key were computed in the same way from the same things, whatever the
variables, functions and files on the way were called. Values are immutable; `execute.py` makes
them. Flags travel upwards from the parts to the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

LOAD = 1
"""Read from outside the program: a file, a bundled data set, the network."""
DATA = 2
"""Holds rows of data."""
PRED = 4
"""Came out of a model."""
OPTION = 8
"""Set on the command line or in the environment."""
SEED = 16
"""Depends on the seed of the run."""
TRAINED = 32
"""Computed by a loop or a solver, as weights are."""
CARRIED = 64
"""Depends on the previous turn of a loop."""
OBJECT = 128
"""Holds a mutable object that is not frozen yet."""
OPAQUE = 256
"""Depends on something that could not be read."""
TIME = 512
"""Depends on a clock."""
METRIC = 1024
"""Came out of a metric of a library."""
ENV = 2048
"""Came out of an environment that answers to what a model does."""


_SYMMETRIC = {"==", "!=", "+", "*", "&", "|"}


class Value:
    """One symbolic value: a kind, a head (a name or a literal), its parts and where it was made."""

    __slots__ = (
        "flags",
        "head",
        "key",
        "kids",
        "kind",
        "learned",
        "line",
        "path",
        "payload",
        "skeleton",
        "statistic",
        "symbol",
    )

    flags: int
    key: int

    def __init__(
        self,
        kind: str,
        head: str = "",
        kids: tuple[Value, ...] = (),
        flags: int = 0,
        site: tuple[str, int, str] = ("", 0, ""),
        payload: Any = None,
    ) -> None:
        self.kind = kind
        self.head = head
        self.kids = kids
        keys = [k.key for k in kids]
        if len(keys) == 2 and head in _SYMMETRIC:
            keys.sort()
        self.key = hash((kind, head, tuple(keys)))
        for kid in kids:
            flags |= kid.flags
        self.flags = flags
        self.path, self.line, self.symbol = site
        self.payload = payload
        self.skeleton: int | None = None
        self.statistic: bool | None = None
        self.learned = False

    def __repr__(self) -> str:
        return show(self, 400)

    def again(self) -> Value:
        """An equal value that is another thing: what is written into a copy is not in this."""
        site = (self.path, self.line, self.symbol)
        made = Value(self.kind, self.head, self.kids, self.flags, site, self.payload)
        made.flags, made.learned = self.flags, self.learned
        return made

    def without(self, flags: int) -> Value:
        """This value, marked as not having some flags (it tells nothing of the rows)."""
        self.flags &= ~flags
        return self

    def named(self, name: str) -> Value | None:
        """The keyword argument of that name of a call."""
        for kid in self.kids:
            if kid.kind == "kw" and kid.head == name:
                return kid.kids[0]
        return None

    @property
    def positional(self) -> tuple[Value, ...]:
        """The arguments of a call that have no name."""
        return tuple(k for k in self.kids if k.kind != "kw")


def const(value: object, site: tuple[str, int, str] = ("", 0, "")) -> Value:
    """A literal."""
    return Value("const", repr(value), (), 0, site, payload=(value,))


def literal(value: Value) -> tuple[object, ...]:
    """`(x,)` when a value is the literal x, else `()`."""
    if value.kind == "const" and isinstance(value.payload, tuple):
        return value.payload
    return ()


def text_of(value: Value) -> str:
    """The string of a literal string, else ''."""
    found = literal(value)
    return found[0] if found and isinstance(found[0], str) else ""


def walk(value: Value, stop: Callable[[Value], bool] | None = None) -> Iterator[Value]:
    """A value and its parts, each once, whole before part; parts of a stop are left out."""
    seen: set[int] = set()
    stack = [value]
    while stack:
        current = stack.pop()
        if current.key in seen:
            continue
        seen.add(current.key)
        yield current
        if stop is None or not stop(current):
            stack.extend(reversed(current.kids))


_INFIX = {"op", "cmp", "bool"}


def show(value: Value, limit: int = 120) -> str:
    """A value as a line of pseudo-code, cut at a length."""
    out: list[str] = []
    left = [limit * 2]

    def put(text: str) -> None:
        out.append(text)
        left[0] -= len(text)

    def write(v: Value, depth: int) -> None:
        if left[0] <= 0 or depth > 25:
            put("…")
            return
        if v.kind in _INFIX and len(v.kids) == 2:
            put("(")
            write(v.kids[0], depth + 1)
            put(f" {v.head} ")
            write(v.kids[1], depth + 1)
            put(")")
        elif v.kind in ("const", "ref", "param"):
            put(v.head)
        elif v.kind == "kw":
            put(v.head + "=")
            write(v.kids[0], depth + 1)
        elif v.kind == "attr":
            write(v.kids[0], depth + 1)
            put("." + v.head)
        else:
            name = v.head if v.kind == "call" else f"{v.kind}:{v.head}" if v.head else v.kind
            put(name + "(")
            for n, kid in enumerate(v.kids):
                if n:
                    put(", ")
                write(kid, depth + 1)
            put(")")

    write(value, 0)
    text = "".join(out)
    return text if len(text) <= limit else text[: limit - 1] + "…"
