"""Numbers and strings as people read them: digits from the spread, no control characters.

Pure text. Where a number comes from, and whether it may be shown, is not known here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from autosota.agents.domain import Comparison, Direction

_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
"""Controls, half characters, zero-width and direction marks: what looks like other text."""

_GROSS = 1e7
_MOST_DECIMALS = 8
_MOST_SHARE_DECIMALS = 4

_MOST_TIMES = 10.0
"""A gain of more than this many times the baseline is not said in per cent."""


def clean(text: str) -> str:
    """The text with every invisible or control character made visible.

    Idea titles, metric names and diffs come from a repository that nobody vouches for: an
    escape sequence could rewrite a terminal, a direction mark could reorder a diff.
    """
    return _INVISIBLE.sub(_visible, text)


def _visible(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code == 0x0D:
        return "␍"
    return chr(0x2400 + code) if code < 0x20 else f"⟦U+{code:04X}⟧"


def one_line(text: str, longest: int = 300) -> str:
    """The text on one line, cleaned, and cut with an ellipsis when longer than `longest`."""
    flat = clean(" ".join(text.split()))
    return flat if len(flat) <= longest else flat[: longest - 1] + "…"


def in_markdown(text: str, longest: int = 500) -> str:
    """The text as one line of a Markdown file that cannot bring HTML of its own."""
    return one_line(text, longest).replace("<", "‹").replace(">", "›")


def decimals_for(spread: float | None, *values: float) -> int:
    """How many decimals say something: two significant digits of the spread.

    Without a spread, four significant digits of the largest value.
    """
    if spread is not None and spread > 0:
        wanted = 1 - math.floor(math.log10(spread))
    else:
        largest = max((abs(v) for v in values), default=0.0)
        wanted = 3 - math.floor(math.log10(largest)) if largest > 0 else 1
    return max(0, min(_MOST_DECIMALS, wanted))


def fixed(value: float, decimals: int, *, signed: bool = False) -> str:
    """A value with so many decimals; very large and very small ones in powers of ten."""
    sign = "+" if signed else ""
    if abs(value) >= _GROSS or (value and abs(value) < 10.0**-_MOST_DECIMALS):
        return f"{value:{sign}.4g}"
    text = f"{value:{sign}.{decimals}f}"
    return text.replace("-", "+" if signed else "", 1) if float(text) == 0 else text


def decimals_of(result: Comparison) -> int:
    """The decimals for every number of one comparison, so that they can be subtracted."""
    values = [v for v in (result.baseline_mean, result.candidate_mean) if v is not None]
    if result.low is not None and result.high is not None:
        return decimals_for((result.high - result.low) / 2, *values)
    plain = decimals_for(None, *values)
    if result.difference:
        plain = max(plain, min(_MOST_DECIMALS, decimals_for(abs(result.difference))))
    return plain


def percent(confidence: float) -> str:
    """A confidence as `95 %` or `98.3 %`."""
    return f"{100 * confidence:.3g} %"


def count(number: int, noun: str, plural: str = "") -> str:
    """`1 seed`, `3 seeds`, `no seeds`."""
    words = noun if number == 1 else plural or noun + "s"
    return f"{number or 'no'} {words}"


def gain_words(result: Comparison, direction: Direction) -> str:
    """`+0.029`, or `better by 0.029` where smaller is better; '' when nothing was measured."""
    if result.difference is None:
        return ""
    text = fixed(result.difference, decimals_of(result), signed=True)
    if direction is Direction.MAXIMIZE:
        return text
    return ("better by " if result.difference >= 0 else "worse by ") + text[1:]


def interval_words(result: Comparison) -> str:
    """`95 % interval +0.021 to +0.037 over training noise only`, or why there is none."""
    if result.low is None or result.high is None:
        return f"no interval: {result.note or 'too few seeds'}"
    digits = decimals_of(result)
    low, high = (fixed(v, digits, signed=True) for v in (result.low, result.high))
    return f"{percent(result.confidence)} interval {low} to {high} {covers_words(result)}"


def covers_words(result: Comparison) -> str:
    """What the interval of a comparison covers: `over training noise only`."""
    if "not the sampling of the test set" in result.covers:
        return "over training noise only"
    return "over training noise and the sampling of the test set"


@dataclass(frozen=True, slots=True)
class Share:
    """A comparison in per cent of the baseline's mean, in words: `+4.3 %`, `3.9 to 4.7`.

    `bounds` is '' without an interval. Without a baseline that per cent can be of, both are in
    the metric's unit.
    """

    gain: str
    bounds: str
    relative: bool


def share_of(result: Comparison) -> Share:
    """A comparison in per cent of the baseline's mean (taken as known), positive is better.

    A baseline near zero, of which a gain is many times, gives numbers in the metric's unit: per
    cent of it would say nothing.

    Raises:
        ValueError: nothing was compared.
    """
    if result.difference is None or result.baseline_mean is None:
        raise ValueError(f"{result.metric}: nothing was compared")
    bounds = () if result.low is None or result.high is None else (result.low, result.high)
    level = abs(result.baseline_mean)
    if not level or abs(result.difference) > _MOST_TIMES * level:
        digits = decimals_of(result)
        plain = [fixed(v, digits, signed=True) for v in (result.difference, *bounds)]
        return Share(plain[0], " to ".join(plain[1:]), relative=False)
    gain, *ends = [100 * v / level for v in (result.difference, *bounds)]
    digits = _decimals_of_share(gain, ends)
    low_high = " to ".join(fixed(v, digits) for v in ends)
    return Share(f"{fixed(gain, digits, signed=True)} %", low_high, relative=True)


def _decimals_of_share(gain: float, ends: Sequence[float]) -> int:
    """One significant digit of half the interval, and enough that no number is rounded to 0."""
    half = (ends[1] - ends[0]) / 2 if ends else 0.0
    least = 0 if half >= 10 else 1
    digits = max(least, -math.floor(math.log10(half))) if half > 0 else 1
    for value in (gain, *ends):
        if value:
            digits = max(digits, -math.floor(math.log10(abs(value))))
    return min(digits, _MOST_SHARE_DECIMALS)


def resource_words(name: str, value: float) -> str:
    """A resource with its unit: bytes as KiB to TiB, seconds as seconds or hours."""
    if name.endswith("_bytes"):
        size, unit = float(value), "B"
        for larger in ("KiB", "MiB", "GiB", "TiB"):
            if abs(size) < 1024:
                break
            size, unit = size / 1024, larger
        return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
    if name.endswith("_seconds"):
        return duration(value)
    return fixed(value, decimals_for(None, value))


def change_words(ratio: float) -> str:
    """A relative change: `+4 %`, `-12 %`, `0 %`; a large one as a multiple, `3.1 times`."""
    if ratio >= 2:
        return f"{ratio + 1:.2g} times" if ratio < 99 else f"{ratio + 1:.0f} times"
    text = f"{100 * ratio:+.0f} %"
    return "0 %" if text in ("+0 %", "-0 %") else text


def chance_words(chance: float) -> str:
    """A probability without false certainty: `92 %`, `over 99 %`, `under 1 %`."""
    if chance > 0.99:
        return "over 99 %"
    return "under 1 %" if chance < 0.01 else f"{100 * chance:.0f} %"


def duration(seconds: float) -> str:
    """Seconds in the unit a person would say: `0.42 s`, `75 s`, `12.5 min`, `3.1 h`."""
    if abs(seconds) < 9.95:
        return f"{seconds:.2f} s"
    if abs(seconds) < 180:
        return f"{seconds:.0f} s"
    if abs(seconds) < 7200:
        return f"{seconds / 60:.1f} min"
    return f"{seconds / 3600:.1f} h"


def roughly(seconds: float) -> str:
    """A duration that is only expected: `9 s`, `0.4 s`, `45 s`, `12.5 min`."""
    return f"{seconds:.1g} s" if 0 < abs(seconds) < 9.5 else duration(seconds)


def spelled(seconds: float) -> str:
    """A duration with its unit in a word, for a sentence: `75 seconds`, `2.2 hours`."""
    number, unit = duration(seconds).split(" ")
    return f"{number} {_UNITS[unit]}"


_UNITS = {"s": "seconds", "min": "minutes", "h": "hours"}
