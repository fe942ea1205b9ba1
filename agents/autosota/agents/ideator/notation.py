"""Numbers, read from source text and written back in the notation they were written in.

Knows Python's literals, not what a number is for.
"""

from __future__ import annotations

import re

_NUMBER = re.compile(r"[+-]?(\d[\d_]*)?(\.[\d_]*)?([eE][+-]?\d+)?$")


def read_number(text: str) -> int | float | None:
    """The value of an integer or float literal (a sign is allowed), or None."""
    plain = text.strip()
    if not plain or not _NUMBER.match(plain) or not any(c.isdigit() for c in plain):
        return None
    try:
        return int(plain)
    except ValueError:
        try:
            return float(plain)
        except ValueError:
            return None


def write_number(value: int | float, like: str) -> str:
    """A number of at most two significant digits beyond an integer, in the notation of `like`.

    `1e-3` tripled is `3e-3`, `0.001` is `0.003`, `1_000` is `3_000`.
    """
    if isinstance(read_number(like), int) and float(value).is_integer():
        return f"{int(value):_}" if "_" in like else str(int(value))
    rounded = float(f"{value:.2g}")
    if "e" in like.lower():
        mantissa, _, exponent = f"{rounded:e}".partition("e")
        short = mantissa.rstrip("0").rstrip(".")
        if "." in like.lower().split("e")[0] and "." not in short:
            short += ".0"
        return f"{short}e{int(exponent)}"
    return plain(rounded)


def plain(value: float) -> str:
    """A float without an exponent, as short as it can be: `0.0003`, `10.0`."""
    text = f"{value:.12f}".rstrip("0")
    return text + "0" if text.endswith(".") else text
