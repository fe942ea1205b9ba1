"""A table of the objective, read key by key; every problem is noted, none stops the reading.

Knows types and spelling. Which keys there are is `objective`'s.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any, TypeVar

from autosota.server.config.values import parse_duration, parse_size, shown
from autosota.server.errors import UserError

_T = TypeVar("_T")

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class ObjectiveError(UserError):
    """An objective that cannot be used. The message is the first of `problems`, one line each."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(self.problems[0])


class Problems:
    """What is wrong with one file."""

    def __init__(self, label: str, prefix: str) -> None:
        self._start = f"{label}: {prefix}"
        self._unknown: list[str] = []
        self._others: list[str] = []

    def add(self, key: str, what: str) -> None:
        """Note that a value cannot be used."""
        self._others.append(f"{self._start}{key}: {what}")

    def add_unknown(self, key: str, what: str) -> None:
        """Note a key nobody knows. These come first: a typo also makes its key missing."""
        self._unknown.append(f"{self._start}{key}: {what}")

    def all(self) -> tuple[str, ...]:
        """All of them, one line each."""
        return tuple(self._unknown + self._others)


class Section:
    """One table with the keys it may have. `path` is its dotted name, '' for the whole file."""

    def __init__(
        self, path: str, table: Mapping[str, Any], keys: Iterable[str], problems: Problems
    ) -> None:
        self.path = path
        self.table = table
        self.problems = problems
        self._check_keys(tuple(keys))

    def name(self, key: str) -> str:
        """The dotted name of one of its keys."""
        return f"{self.path}.{key}" if self.path else key

    def add(self, key: str, what: str) -> None:
        """Note a problem with one of its keys."""
        self.problems.add(self.name(key), what)

    def has(self, key: str) -> bool:
        """Whether the key is written at all."""
        return key in self.table

    def section(self, key: str, keys: Iterable[str]) -> Section:
        """A table inside this one; an empty one when it is not there."""
        value = self.table.get(key, {})
        if not isinstance(value, dict):
            self.add(key, f"{shown(value)} is not a table; write [{self.name(key)}]")
            value = {}
        return Section(self.name(key), value, keys, self.problems)

    def sections(self, key: str, keys: Iterable[str]) -> dict[str, Section]:
        """The tables inside a table of this one, by name."""
        outer = self.table.get(key, {})
        if not isinstance(outer, dict):
            self.add(key, f"{shown(outer)} is not a table; write [{self.name(key)}.NAME]")
            return {}
        inner = Section(self.name(key), outer, outer, self.problems)
        return {name: inner.section(name, keys) for name in outer}

    def tables(self, key: str, keys: Iterable[str]) -> list[Section]:
        """The tables of an array of tables, in its order."""
        written = self.table.get(key, [])
        if not isinstance(written, list) or not all(isinstance(item, dict) for item in written):
            self.add(key, f"{shown(written)} is not an array of tables; write [[{self.name(key)}]]")
            return []
        return [
            Section(f"{self.name(key)}[{number}]", table, keys, self.problems)
            for number, table in enumerate(written)
        ]

    def text(self, key: str, default: str = "", *, required: str = "") -> str:
        """A string. `required` says what it is for; without it the key may be left out."""
        if key not in self.table:
            if required:
                self.add(key, f"missing; {required}")
            return default
        value = self.table[key]
        if not isinstance(value, str):
            self.add(key, f"{shown(value)} is not a string; put it in quotes")
            return default
        if required and not value.strip():
            self.add(key, f"empty; {required}")
            return default
        return value if self._is_plain(key, value) else default

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of strings, none of them empty."""
        value = self.table.get(key, [])
        if isinstance(value, str):
            self.add(key, f'{shown(value)} is not a list; write ["{value}"]')
            return ()
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.add(key, f"{shown(value)} is not a list of strings")
            return ()
        if not all(item.strip() for item in value):
            self.add(key, "holds an empty string; remove it")
            return ()
        return tuple(value) if all(self._is_plain(key, item) for item in value) else ()

    def choice(self, key: str, choices: Iterable[str], default: str, **also: str) -> str:
        """One of a few words. `also` maps what people write instead to what is meant."""
        value = self.text(key, default)
        options = tuple(choices)
        if value in options:
            return value
        near = also.get(value.lower()) or next(
            iter(get_close_matches(value.lower(), options, n=1)), None
        )
        hint = f"did you mean {near!r}?" if near else "it is one of " + ", ".join(options)
        self.add(key, f"{shown(value)} is not known; {hint}")
        return default

    def flag(self, key: str, default: bool) -> bool:
        """Either true or false."""
        value = self.table.get(key, default)
        if not isinstance(value, bool):
            self.add(key, f"{shown(value)} is not true or false")
            return default
        return value

    def integer(self, key: str, default: int, *, least: int, what: str = "") -> int:
        """A whole number of at least `least`."""
        value = self.table.get(key, default)
        if not is_integer(value):
            self.add(key, f"{shown(value)} is not a whole number")
            return default
        if value < least:
            self.add(key, f"{value} is too small; it must be at least {least}{what}")
            return default
        return int(value)

    def number(self, key: str, *, required: str = "") -> float | None:
        """A finite number; None when it is not there or none."""
        if key not in self.table:
            if required:
                self.add(key, f"missing; {required}")
            return None
        value = self.table[key]
        if not is_number(value):
            self.add(key, f"{shown(value)} is not a finite number")
            return None
        return float(value)

    def seconds(self, key: str, default: float) -> float:
        """A duration above zero, in seconds."""
        value = self._read(key, default, parse_duration)
        if value <= 0:
            self.add(key, f"{shown(self.table[key])} is too short; it must be more than 0")
            return default
        return value

    def bytes(self, key: str, default: int) -> int:
        """A size, in bytes; an empty string and 0 mean no limit."""
        if self.table.get(key) == "":
            return 0
        value = self._read(key, default, parse_size)
        if not 0 <= value < 2**63:
            self.add(key, f"{shown(self.table[key])} is not a size between 0 and 8 EiB")
            return default
        return value

    def inside(self, key: str, path: str, *, root: str = "the workspace") -> bool:
        """Check that a relative path stays where it starts."""
        if (
            PurePosixPath(path).is_absolute()
            or PureWindowsPath(path).drive
            or path.startswith("~")
            or ".." in re.split(r"[/\\]", path)
        ):
            self.add(key, f"{shown(path)} leaves {root}; write a path relative to it, without '..'")
            return False
        return True

    def _read(self, key: str, default: _T, read: Callable[[object], _T]) -> _T:
        if key not in self.table:
            return default
        try:
            return read(self.table[key])
        except ValueError as error:
            self.add(key, str(error))
            return default

    def _is_plain(self, key: str, value: str) -> bool:
        found = _CONTROL.search(value)
        if found:
            self.add(key, f"{shown(value)} holds the control character {found[0]!r}; remove it")
        return found is None

    def _check_keys(self, keys: tuple[str, ...]) -> None:
        for key in self.table:
            if key not in keys:
                near = get_close_matches(key, keys, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(keys)}"
                self.problems.add_unknown(self.name(_one_line(key)), f"unknown key; {hint}")


def is_integer(value: object) -> bool:
    """A whole number of 64 bits, which is what TOML has; true and false are none."""
    return isinstance(value, int) and not isinstance(value, bool) and value.bit_length() < 64


def is_number(value: object) -> bool:
    """A finite number that fits a float."""
    return is_integer(value) or (isinstance(value, float) and math.isfinite(value))


def _one_line(key: str) -> str:
    return key if key.isprintable() else repr(key)
