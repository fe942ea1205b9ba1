"""The two plots of a report, drawn as inline SVG from what receipts hold.

The trajectory of the search (one column per idea, in order) and the paired seeds of the
confirmation. Numbers come in as `Evidence` proves them; pages and colours are elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from autosota.agents.domain import Direction, Outcome, Purpose
from autosota.agents.scheduler import statistics
from autosota.agents.scheduler.events import RunFinished
from autosota.server.report import svg
from autosota.server.report.fates import FATES
from autosota.server.report.formats import count, decimals_for, fixed, one_line
from autosota.server.report.numbers import Evidence
from autosota.server.report.pairs import confirm_pairs
from autosota.server.report.tree import attempts

WIDTH = 920
_LEFT, _RIGHT = 74.0, 14.0
_MOST_DOTTED = 80
"""With more ideas than this, single seeds and most bars are left out: one grey block else."""

_INTERVAL_SEEDS = 3
"""With two seeds Student's interval is 13 standard errors wide: it says nothing in a plot."""


@dataclass(frozen=True, slots=True)
class _Column:
    """One idea of the search, or the baseline."""

    name: str
    title: str
    fate: str
    values: tuple[float, ...]
    kept: bool = False

    @property
    def mean(self) -> float:
        return statistics.mean(self.values)

    @property
    def interval(self) -> tuple[float, float] | None:
        enough = len(self.values) >= _INTERVAL_SEEDS
        return statistics.t_interval(self.values, 0.95) if enough else None


def trajectory(evidence: Evidence) -> Markup | None:
    """The search metric of each idea in the order tried; None before the baseline is measured."""
    columns = _columns(evidence)
    if not columns or not columns[0].values:
        return None
    state = evidence.state
    height = 360
    bottom = height - 84.0
    y = _fenced(columns, bottom, 16.0)
    room = (WIDTH - _LEFT - _RIGHT) / len(columns)
    goal = state.objective
    better = "higher" if goal.direction is Direction.MAXIMIZE else "lower"
    parts = [*_grid(y, goal.select_on, better, bottom), *_band(columns[0], y)]
    parts.append(_best_line(columns, y, room))
    # what was kept is drawn last, so that nothing covers it
    for n, column in sorted(enumerate(columns), key=lambda pair: pair[1].kept):
        parts += _column(column, _LEFT + room * (n + 0.5), room, y, bottom, len(columns))
    every = max(1, -(-len(columns) // 30))
    for n in range(0, len(columns), every):
        name = "base" if n == 0 else str(n)
        parts.append(svg.label(_LEFT + room * (n + 0.5), height - 26.0, name))
    middle = _LEFT + (WIDTH - _LEFT - _RIGHT) / 2
    parts.append(svg.label(middle, height - 6.0, "ideas in the order tried", "axis-name"))
    if any(not c.values for c in columns):
        parts.append(svg.label(_LEFT - 8, bottom + 26.0, "no value", "tick", "end"))
    metric = one_line(state.objective.select_on, 60)
    measured = [c for c in columns[1:] if c.values]
    words = (
        f"Baseline {_number(columns[0])}. {count(len(measured), 'idea')} measured; "
        + "; ".join(
            f"idea {c.name}: {_number(c)}, {FATES.get(c.fate, c.fate)}" for c in measured[:40]
        )
    )
    title = f"{metric} of each idea, in the order tried"
    return svg.figure("trajectory", WIDTH, height, title, words, Markup("").join(parts))


def fates_drawn(evidence: Evidence) -> list[str]:
    """The fates that the trajectory shows, for its legend, in the order of `FATES`."""
    drawn = {column.fate for column in _columns(evidence)}
    return [fate for fate in FATES if fate in drawn]


def confirmation(evidence: Evidence) -> Markup | None:
    """Both sides of each fresh seed, and the gain; None until the claim was compared."""
    shown = evidence.confirmation()
    if shown is None:
        return None
    state = evidence.state
    metric, sign = state.objective.metric, state.objective.direction.sign
    rows = [(a.seed, a.metrics[metric], b.metrics[metric]) for a, b in confirm_pairs(state)]
    known = [(s, b, c) for s, b, c in rows if b is not None and c is not None]
    step = 22.0 if len(known) <= 30 else 11.0
    bottom = 34.0 + step * (len(known) + 1)
    height = int(bottom + 30)
    values = [v for _, b, c in known for v in (b, c)]
    x = svg.scale_over(values, _LEFT, 500.0)
    gains = [sign * (c - b) for _, b, c in known]
    ends = [s.value for s in (shown.low, shown.high) if s is not None and s.value is not None]
    g = svg.scale_over([*gains, *ends, 0.0], 560.0, WIDTH - _RIGHT)
    parts: list[Markup] = [
        svg.label(_LEFT, 14.0, one_line(metric, 50), "axis-name", "start"),
        svg.label(560.0, 14.0, "gain per seed (right of the line is better)", "axis-name", "start"),
    ]
    for scale in (x, g):
        for value, text in svg.ticks(scale, 4):
            parts.append(svg.line(scale(value), 24.0, scale(value), bottom, "grid"))
            parts.append(svg.label(scale(value), bottom + 18.0, text))
    parts.append(svg.line(g(0.0), 24.0, g(0.0), bottom, "zero"))
    for n, ((seed, before, after), gain) in enumerate(zip(known, gains, strict=True)):
        at = 34.0 + step * n
        tip = f"seed {seed}: {before:.6g} → {after:.6g}"
        if len(known) <= 30 or n % 5 == 0:
            parts.append(svg.label(_LEFT - 10, at + 4, f"seed {seed}", "tick", "end"))
        parts.append(svg.line(x(before), at, x(after), at, "pair"))
        parts.append(svg.dot(x(before), at, 4.5, "side-baseline", tip))
        parts.append(svg.dot(x(after), at, 4.5, "side-candidate", tip))
        class_ = "gain better" if gain > 0 else "gain worse"
        parts.append(svg.dot(g(gain), at, 4.0, class_, f"seed {seed}: {gain:+.6g}"))
    at = bottom - step / 2
    parts.append(svg.line(_LEFT, at - step / 2, WIDTH - _RIGHT, at - step / 2, "rule"))
    parts.append(svg.label(_LEFT - 10, at + 4, "mean", "tick strong", "end"))
    assert shown.baseline.value is not None and shown.candidate.value is not None
    parts.append(svg.line(x(shown.baseline.value), at, x(shown.candidate.value), at, "pair"))
    parts.append(svg.dot(x(shown.baseline.value), at, 5.5, "side-baseline"))
    parts.append(svg.dot(x(shown.candidate.value), at, 5.5, "side-candidate"))
    if len(ends) == 2:
        parts.append(svg.line(g(ends[0]), at, g(ends[1]), at, "interval"))
        for end in ends:
            parts.append(svg.line(g(end), at - 5, g(end), at + 5, "interval"))
    assert shown.difference.value is not None
    parts.append(svg.mark("mean", g(shown.difference.value), at, 5.0))
    words = (
        f"{count(len(known), 'seed')}; {sum(d > 0 for d in gains)} of them better with the "
        f"candidate. Mean {shown.baseline.text} for the baseline and {shown.candidate.text} "
        f"for the candidate, gain {shown.difference.text}."
    )
    title = f"{one_line(metric, 60)} on fresh paired seeds"
    return svg.figure("confirmation", WIDTH, height, title, words, Markup("").join(parts))


# ------------------------------------------------------------------ the trajectory's parts


def _columns(evidence: Evidence) -> list[_Column]:
    state = evidence.state
    if state.baseline is None:
        return []
    metric = state.objective.select_on
    by_commit: dict[tuple[Purpose, str], list[RunFinished]] = {}
    for run in state.runs:
        by_commit.setdefault((run.purpose, run.commit), []).append(run)

    def values(
        purpose: Purpose, commit: str, only: Sequence[int] | None = None
    ) -> tuple[float, ...]:
        found = (
            r.metrics.get(metric)
            for r in by_commit.get((purpose, commit), [])
            if r.outcome is Outcome.OK and (only is None or r.seed in only)
        )
        return tuple(v for v in found if v is not None)

    base = values(Purpose.BASELINE, state.start.base_commit)
    columns = [_Column("baseline", "the untouched code", "baseline", base)]
    for row in attempts(state):
        first = state.objective.seeds if row.fate == "again" else None
        seen = values(Purpose.SEARCH, row.commit, first) if row.commit else ()
        title = one_line(row.title, 90)
        columns.append(_Column(str(row.number), title, row.fate, seen, row.kept))
    return columns


def _fenced(columns: Sequence[_Column], start: float, end: float) -> svg.Scale:
    """A scale over all ideas that one diverged run cannot flatten.

    Values further out than five times the spread of the middle half are drawn at the edge.
    """
    means = sorted(c.mean for c in columns if c.values)
    base = columns[0]
    low, high = means[len(means) // 4], means[(3 * len(means)) // 4]
    spread = max(high - low, 4 * statistics.sample_sd(base.values), abs(base.mean) * 1e-6)
    values = [v for c in columns for v in c.values]
    near = [v for v in values if low - 5 * spread <= v <= high + 5 * spread]
    return svg.scale_over([*near, base.mean], start, end)


def _grid(y: svg.Scale, metric: str, better: str, bottom: float) -> list[Markup]:
    parts = []
    for value, text in svg.ticks(y):
        parts.append(svg.line(_LEFT, y(value), WIDTH - _RIGHT, y(value), "grid"))
        parts.append(svg.label(_LEFT - 8, y(value) + 4, text, "tick", "end"))
    middle = (y.start + y.end) / 2
    name = svg.tag(
        "text",
        f"{one_line(metric, 34)} ({better} is better)",
        x=14.0,
        y=middle,
        class_="axis-name",
        text_anchor="middle",
        transform=f"rotate(-90 14 {svg.px(middle)})",
    )
    return [*parts, name, svg.line(_LEFT, bottom, WIDTH - _RIGHT, bottom, "rule")]


def _band(base: _Column, y: svg.Scale) -> list[Markup]:
    """One standard deviation of single baseline runs to both sides of their mean."""
    sd = statistics.sample_sd(base.values)
    top, bottom = y.clamp(base.mean + sd), y.clamp(base.mean - sd)
    wide = WIDTH - _LEFT - _RIGHT
    band = svg.tag(
        "rect",
        x=_LEFT,
        y=top,
        width=wide,
        height=max(1.0, bottom - top),
        class_="band",
    )
    return [band, svg.line(_LEFT, y(base.mean), WIDTH - _RIGHT, y(base.mean), "base")]


def _best_line(columns: Sequence[_Column], y: svg.Scale, room: float) -> Markup:
    """The best so far, as steps."""
    at = columns[0].mean
    path = f"M{svg.px(_LEFT + room * 0.5)} {svg.px(y.clamp(at))}"
    for n, column in enumerate(columns[1:], start=1):
        if column.kept and column.values:
            path += f"H{svg.px(_LEFT + room * (n + 0.5))}V{svg.px(y.clamp(column.mean))}"
    path += f"H{svg.px(WIDTH - _RIGHT)}"
    return svg.tag("path", d=path, class_="best")


def _column(
    column: _Column, x: float, room: float, y: svg.Scale, bottom: float, columns: int
) -> list[Markup]:
    tip = f"{column.name}: {column.title}: {FATES.get(column.fate, column.fate)}"
    size = max(5.0 if column.kept else 2.5, min(6.0, room / 2.6))
    dense = columns > _MOST_DOTTED
    if not column.values:
        return [svg.mark(column.fate, x, bottom + 22.0, min(size, 5.0), tip)]
    parts = []
    if not dense:
        spread = min(9.0, room / 4)
        for n, value in enumerate(column.values):
            if y.holds(value):
                offset = spread * (n - (len(column.values) - 1) / 2) / max(1, len(column.values))
                parts.append(svg.dot(x + offset, y(value), 1.8, "seed"))
    interval = column.interval
    if interval is not None and (column.kept or not dense):
        low, high = interval
        parts.append(svg.line(x, y.clamp(low), x, y.clamp(high), f"bar {column.fate}"))
    if not y.holds(column.mean):
        tip += f" (outside the plot: {column.mean:.4g})"
        below = column.mean < y.low
        parts.append(
            svg.label(x, y.clamp(column.mean) + (-9.0 if below else 16.0), "▾▴"[not below])
        )
    parts.append(svg.mark(column.fate, x, y.clamp(column.mean), size, f"{tip}, {_number(column)}"))
    return parts


def _number(column: _Column) -> str:
    interval = column.interval
    half = (interval[1] - interval[0]) / 2 if interval is not None else None
    text = fixed(column.mean, decimals_for(half, column.mean))
    return f"mean {text} over {count(len(column.values), 'seed')}"
