"""Durations and sizes as people write them, and values as an error message shows them.

Knows units and TOML's spelling; which key means what is not known here.
"""

from __future__ import annotations

import datetime
import json
import math
import re

_SECONDS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_DURATION = re.compile(r"(?:[0-9]{1,9}(?:\.[0-9]{1,9})?\s*[dhms]\s*)+")
_PART = re.compile(r"([0-9.]+)\s*([dhms])")
_LONGEST = 3650 * 86400.0

_BYTES: dict[str, int] = {
    "b": 1,
    **{f"{letter}b": 1000**power for power, letter in enumerate("kmgt", 1)},
    **{f"{letter}ib": 1024**power for power, letter in enumerate("kmgt", 1)},
}
_SIZE = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)\s*([A-Za-z]+)")

DURATION_HELP = 'write it like "90s", "10m", "1h30m", or as a number of seconds'
SIZE_HELP = 'write it like "500MB", "8GiB", or as a number of bytes'

_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def parse_duration(value: object) -> float:
    """Seconds, from a number of seconds or a text such as "90s", "10m", "2h", "1h30m".

    Raises:
        ValueError: it is neither; the message says how to write it.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        if not abs(value) <= _LONGEST:
            raise ValueError(f"{shown(value)} seconds are more than ten years")
        return float(value)
    if isinstance(value, str):
        text = value.strip()
        negative = text.startswith("-")
        text = text.removeprefix("-")
        if _DURATION.fullmatch(text):
            parts = _PART.findall(text)
            units = [unit for _, unit in parts]
            if units == sorted(set(units), key="dhms".index):
                seconds = sum(float(number) * _SECONDS[unit] for number, unit in parts)
                if seconds > _LONGEST:
                    raise ValueError(f"{shown(value)} is more than ten years")
                return -seconds if negative else seconds
    raise ValueError(f"{shown(value)} is not a duration; {DURATION_HELP}")


def parse_size(value: object) -> int:
    """Bytes, from a number of bytes or a text such as "500MB" or "8GiB".

    Raises:
        ValueError: it is neither; the message says how to write it.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str):
        found = _SIZE.fullmatch(value.strip())
        if found:
            number, unit = found[1], found[2].lower()
            if unit in _BYTES:
                return round(float(number) * _BYTES[unit])
            if f"{unit}ib" in _BYTES:
                raise ValueError(
                    f"{shown(value)} is not a size; did you mean '{number}{unit.upper()}iB'?"
                )
    raise ValueError(f"{shown(value)} is not a size; {SIZE_HELP}")


def duration_text(seconds: float) -> str:
    """The TOML value of a duration: "1h30m" where that is exact, else a number."""
    if not seconds.is_integer() or not 0 < seconds <= _LONGEST:
        return toml_value(seconds)
    hours, rest = divmod(int(seconds), 3600)
    minutes, left = divmod(rest, 60)
    parts = ((hours, "h"), (minutes, "m"), (left, "s"))
    return '"' + "".join(f"{number}{unit}" for number, unit in parts if number) + '"'


def size_text(count: int) -> str:
    """The TOML value of a size: "8GiB" where that is exact, else a number."""
    for power, unit in ((4, "TiB"), (3, "GiB"), (2, "MiB")):
        number, rest = divmod(count, 1024**power)
        if number and not rest and number < 10**12:
            return f'"{number}{unit}"'
    return str(count)


def toml_text(text: str) -> str:
    """A string as TOML writes it, on one line."""
    return '"' + "".join(_escaped(character) for character in text) + '"'


def toml_key(key: str) -> str:
    """A key as TOML writes it."""
    return key if _BARE_KEY.fullmatch(key) else toml_text(key)


def toml_value(value: str | int | float | bool) -> str:
    """A simple value as TOML writes it."""
    if isinstance(value, str):
        return toml_text(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value)


def shown(value: object) -> str:
    """A value of any type as an error message shows it: short, on one line."""
    if isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, str):
        text = repr(value)
    elif isinstance(value, int):
        text = str(value) if value.bit_length() <= 64 else "a number of more than 64 bits"
    elif isinstance(value, float):
        text = repr(value) if math.isfinite(value) else ("nan" if value != value else "inf")
    elif isinstance(value, list):
        text = f"[{', '.join(shown(item) for item in value[:4])}{', …' if len(value) > 4 else ''}]"
    elif isinstance(value, dict):
        text = "a table"
    elif isinstance(value, datetime.date | datetime.time):
        text = value.isoformat()
    else:
        text = json.dumps(value, default=repr)
    return text if len(text) <= 80 else text[:79] + "…"


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character < " " or character == "\x7f":
        return f"\\u{ord(character):04x}"
    return character
