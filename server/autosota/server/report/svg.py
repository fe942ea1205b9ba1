"""Small pieces of inline SVG: scales, ticks, marks. Colours are the page's CSS classes.

Everything is escaped here, so that a plot can be put on a page as it is. What the numbers
mean is not known.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from autosota.server.report.formats import clean, fixed


@dataclass(frozen=True, slots=True)
class Scale:
    """A linear map from values to pixels."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """The pixel of a value."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def clamp(self, value: float) -> float:
        """The pixel of a value, at the edge when it lies outside."""
        return self(min(self.high, max(self.low, value)))

    def holds(self, value: float) -> bool:
        """True when the value lies inside."""
        return self.low <= value <= self.high


def scale_over(values: Sequence[float], start: float, end: float, pad: float = 0.08) -> Scale:
    """A scale that holds all values, with some room; never of zero width."""
    low, high = min(values), max(values)
    room = (high - low) * pad
    if room <= 1e-12 * max(abs(low), abs(high)):
        room = max(abs(low), abs(high)) * 0.05 or 1.0
    return Scale(low - room, high + room, start, end)


def ticks(scale: Scale, wanted: int = 5) -> list[tuple[float, str]]:
    """Round values inside a scale, with their labels, all with the same decimals."""
    raw = (scale.high - scale.low) / wanted
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(size * m for m in (1, 2, 5, 10) if size * m >= raw * 0.999)
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    first = math.ceil(scale.low / step - 1e-9)
    found = []
    while first * step <= scale.high + step * 1e-9:
        found.append((first * step, fixed(first * step, min(decimals, 10))))
        first += 1
    return found


def px(value: float) -> str:
    """A coordinate with one decimal."""
    return f"{value:.1f}".removesuffix(".0")


def tag(name: str, content: str | Markup | None = None, **attributes: object) -> Markup:
    """An element. `class_` is class, other underscores become dashes; floats are coordinates."""
    parts = [Markup("<" + name)]
    for key, value in attributes.items():
        if value is None:
            continue
        text = px(value) if isinstance(value, float) else clean(str(value))
        parts.append(Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), text))
    if content is None:
        parts.append(Markup("/>"))
    else:
        body = content if isinstance(content, Markup) else escape(clean(content))
        parts.append(Markup(">{}</{}>").format(body, Markup(name)))
    return Markup("").join(parts)


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    """A straight line."""
    return tag("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def label(x: float, y: float, text: str, class_: str = "tick", anchor: str = "middle") -> Markup:
    """A text at a point."""
    return tag("text", text, x=x, y=y, class_=class_, text_anchor=anchor)


def dot(x: float, y: float, radius: float, class_: str, title: str = "") -> Markup:
    """A circle, with a tooltip."""
    tooltip = tag("title", title) if title else None
    return tag("circle", tooltip, cx=x, cy=y, r=radius, class_=class_)


def mark(fate: str, x: float, y: float, radius: float = 6.0, title: str = "") -> Markup:
    """The mark of a fate: a shape of its own for each, so that colour is not needed."""
    r = radius

    def polygon(*points: tuple[float, float]) -> str:
        return "M" + "L".join(f"{px(x + a * r)} {px(y + b * r)}" for a, b in points) + "Z"

    circle = f"M{px(x - r)} {px(y)}a{px(r)} {px(r)} 0 1 0 {px(2 * r)} 0a{px(r)} {px(r)} 0 1 0 " + (
        f"{px(-2 * r)} 0Z"
    )
    cross = f"M{px(x - r)} {px(y - r)}L{px(x + r)} {px(y + r)}"
    cross += f"M{px(x - r)} {px(y + r)}L{px(x + r)} {px(y - r)}"
    bar = f"M{px(x - r)} {px(y)}H{px(x + r)}"
    shapes = {
        "baseline": polygon((-0.85, -0.85), (0.85, -0.85), (0.85, 0.85), (-0.85, 0.85)),
        "confirmed": polygon(
            *(
                (s * math.sin(k * math.pi / 5), -s * math.cos(k * math.pi / 5))
                for k, s in enumerate((1.25, 0.55) * 5)
            )
        ),
        "provisional": polygon((0, -1.1), (1.05, 0.85), (-1.05, 0.85)),
        "not_confirmed": polygon((0, -1.1), (1.05, 0.85), (-1.05, 0.85)),
        "dropped": polygon((0, 1.1), (1.05, -0.85), (-1.05, -0.85)),
        "guarded": polygon((0, -1.2), (1.2, 0), (0, 1.2), (-1.2, 0)),
        "mean": polygon((0, -1.2), (1.2, 0), (0, 1.2), (-1.2, 0)),
        "noise": circle,
        "same": circle + bar,
        "worse": polygon((0, 1.1), (1.05, -0.85), (-1.05, -0.85)),
        "too_slow": cross,
        "superseded": bar,
        "failed": cross,
        "rejected": circle + bar,
        "refused": circle + bar,
        "inadmissible": circle + bar,
        "not_applicable": bar,
    }
    tooltip = tag("title", title) if title else None
    return tag("path", tooltip, d=shapes.get(fate, circle), class_=f"mark {fate}")


def badge(fate: str) -> Markup:
    """A fate's mark as a little picture of its own, hidden from screen readers."""
    return tag(
        "svg",
        mark(fate, 9.0, 9.0, 5.5),
        class_="badge",
        viewBox="0 0 18 18",
        width=18,
        height=18,
        aria_hidden="true",
        focusable="false",
    )


def figure(name: str, width: int, height: int, title: str, words: str, body: Markup) -> Markup:
    """A plot with its title and description for screen readers."""
    inside = Markup("").join(
        (tag("title", title, id=f"{name}-title"), tag("desc", words, id=f"{name}-words"), body)
    )
    return tag(
        "svg",
        inside,
        class_="plot",
        viewBox=f"0 0 {width} {height}",
        role="img",
        aria_labelledby=f"{name}-title {name}-words",
    )
