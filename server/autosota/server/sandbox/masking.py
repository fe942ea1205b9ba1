"""Keeping the claim's value out of logs until confirmation.

While a run lasts its value is not known, so live lines are masked by name: `METRIC` lines of
the claim and of metrics that tell of it, with or without a step, and all numbers of a line
that mentions the claim. Afterwards the stored logs are rewritten with the value in hand.
Numbers in files the experiment keeps for itself, pictures, or a value printed in parts are
beyond this.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Iterable
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from pathlib import Path

from autosota.server.sandbox.metrics import number

MARK = "▒"
_BLOCK = 1 << 20
_TOKEN = re.compile(rb"(?<![\d.])(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?!\d)")
_LINE = re.compile(rb"((?:^|(?<=[\r\n]))[ \t]*METRIC[ \t]+([^\s=]+)[ \t]*=[ \t]*)[^\r\n]+")
_WORDS = re.compile(r"[A-Za-z][A-Za-z_]*")
_FEW, _MANY = 3, 20


def renderings(value: float) -> set[str]:
    """All ways `value`, or a hundred times it, is written with 3 to 20 significant digits.

    Rounded and cut off, fixed and scientific; without sign, and `.5` for `0.5`.
    """
    out: set[str] = set()
    if not math.isfinite(value):
        return out
    for scaled in (abs(Decimal(repr(value))), abs(Decimal(repr(value))) * 100):
        if not scaled:
            out.update("0." + "0" * k for k in range(_FEW - 1, _MANY))
            continue
        exponent = scaled.adjusted()
        for digits in range(_FEW, _MANY + 1):
            step = Decimal(1).scaleb(exponent - digits + 1)
            for rounding in (ROUND_HALF_UP, ROUND_HALF_EVEN, ROUND_DOWN):
                rounded = scaled.quantize(step, rounding=rounding)
                if -30 < exponent < 30 and (step <= 1 or rounded == scaled):
                    out.add(format(rounded, "f"))
                mantissa, _, power = format(rounded, f".{digits - 1}e").partition("e")
                sign, size = ("-" if power.startswith("-") else "+"), abs(int(power))
                signs = ["-"] if sign == "-" else ["+", ""]
                out.update(f"{mantissa}e{s}{n}" for s in signs for n in (size, f"{size:02d}"))
    return {_plain(text) for text in out}


def _plain(text: str) -> str:
    """One spelling of what is the same: lower case, no zero before the point."""
    text = text.lower()
    return text[1:] if text.startswith("0.") else text


class Mask:
    """Masks one metric, and the `METRIC` lines of those that tell of it.

    Args:
        name: The claim's name.
        by_pattern: The claim is read by a regular expression from what is printed, so a live
            line need not mention its name: all numbers of three and more digits are masked.
        tells: Whether a metric of this name tells of the claim, besides the claim itself.
    """

    def __init__(
        self, name: str, by_pattern: bool = False, tells: Callable[[str], bool] | None = None
    ) -> None:
        parts = [re.escape(part) for part in re.split(r"[\s_\-./]+", name) if part]
        loose = r"[\s_\-./]*".join(parts) or re.escape(name)
        self._mention = re.compile(rf"(?<![^\W_]){loose}(?![^\W_])", re.IGNORECASE)
        self._name = name
        self._tells = tells or (lambda _: False)
        self._by_pattern = by_pattern

    def live(self, line: str, *, strict: bool = False) -> str:
        """A line as it may be shown while the run lasts.

        Args:
            line: Without its end.
            strict: Also hide the numbers of a line with any word that tells of the claim, such
                as `test` where the claim is of the test set.
        """
        everything = self._mention.search(line) is not None
        if strict and not everything:
            everything = any(self._tells(word) for word in set(_WORDS.findall(line)))
        raw = _LINE.sub(self._mask_line, line.encode())
        if not everything and not self._by_pattern:
            return raw.decode()

        def hide(match: re.Match[bytes]) -> bytes:
            few = sum(c in b"0123456789" for c in match[0]) < _FEW
            at = match.start()
            named = len(match[0]) == 1 and raw[max(0, at - 1) : at].isalpha()  # as in `f1`
            return match[0] if named or (few and not everything) else MARK.encode()

        return _TOKEN.sub(hide, raw).decode()

    def text(self, text: str, secrets: Iterable[str]) -> str:
        """A short text with the claim's values replaced."""
        return self._hide(text.encode(), _forbidden(secrets)).decode("utf-8", "replace")

    def rewrite(self, source: Path, target: Path, secrets: Iterable[str]) -> None:
        """Write `source` to `target` with the claim masked; in blocks, atomically.

        Args:
            source: The log as it was printed.
            target: The log as it is stored; may be the same file.
            secrets: The claim's values as they were read.
        """
        forbidden = _forbidden(secrets)
        part = target.with_name(target.name + ".part")
        with source.open("rb") as read, part.open("wb") as write:
            rest = b""
            while block := read.read(_BLOCK):
                rest += block
                cut = rest.rfind(b"\n") + 1 or (len(rest) if len(rest) > 4 * _BLOCK else 0)
                write.write(self._hide(rest[:cut], forbidden))
                rest = rest[cut:]
            write.write(self._hide(rest, forbidden))
        os.replace(part, target)

    def _hide(self, raw: bytes, forbidden: frozenset[str]) -> bytes:
        raw = _LINE.sub(self._mask_line, raw)
        if not forbidden:
            return raw

        def hide(match: re.Match[bytes]) -> bytes:
            return MARK.encode() if _plain(match[0].decode()) in forbidden else match[0]

        return _TOKEN.sub(hide, raw)

    def _mask_line(self, match: re.Match[bytes]) -> bytes:
        name = match[2].decode("utf-8", "replace")
        tells = name == self._name or self._tells(name)
        return match[1] + MARK.encode() if tells else match[0]


def _forbidden(secrets: Iterable[str]) -> frozenset[str]:
    out: set[str] = set()
    for text in secrets:
        value = number(text)
        if value is not None:
            out |= renderings(value)
            bare = text.strip().lstrip("+-")
            if sum(c.isdigit() for c in bare.lstrip("0.").partition("e")[0]) >= _FEW:
                out.add(_plain(bare))
    return frozenset(out)
