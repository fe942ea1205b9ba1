"""What a view offers at a place: ideas for the light bulb, lenses, hints and hovers, in words.

Pure functions of a `View` and of `Progress`. Positions are lines; what a client calls its
commands is not known here, only what they are to do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from autosota.server.editor.view import Idea, Metric, Progress, Value, View

MOST_IDEAS = 8
"""Ideas that one place offers; the ideas view lists all."""
_ORDER = (
    "confirmed",
    "provisional",
    "trying",
    "waiting",
    "again",
    "not_confirmed",
    "same",
    "noise",
)
_OUT = frozenset({"refused", "rejected", "inadmissible"})
"""Fates of ideas that are not offered again."""


@dataclass(frozen=True, slots=True)
class Lens:
    """A line of text over a line of code. `do` names what it does; `''` is words only."""

    line: int
    title: str
    do: str = ""
    arguments: dict[str, object] = field(default_factory=dict)
    tooltip: str = ""


@dataclass(frozen=True, slots=True)
class Hint:
    """A value at the end of a line."""

    line: int
    text: str
    tooltip: str


# ---------------------------------------------------------------------- ideas


def ideas_at(view: View, first: int, last: int) -> list[Idea]:
    """The ideas for lines `first` to `last`: where they act, or on their function's header."""
    found = [
        idea
        for idea in view.ideas
        if (idea.line <= last and first <= idea.end_line)
        or (idea.header and first <= idea.header <= last)
    ]
    live = [i for i in found if i.tried is None or i.tried.fate not in _OUT]
    return sorted(live, key=_rank)[:MOST_IDEAS]


def idea_title(idea: Idea) -> str:
    """What an idea does, then its source, then what is known or expected of it."""
    return f"{idea.title} ({idea.granularity}, {_source(idea.paper)}): {badge(idea)}"


def badge(idea: Idea) -> str:
    """`+1.8 % confirmed`, `within noise`, or what the paper leads one to expect."""
    tried = idea.tried
    if tried is None or tried.fate == "waiting":
        return f"not tried; {idea.expected}" if idea.expected else "not tried"
    if tried.gain and tried.fate in ("confirmed", "provisional", "not_confirmed", "dropped"):
        return f"{tried.gain}, {tried.words}"
    return tried.words


def idea_text(idea: Idea) -> str:
    """Everything about an idea, as Markdown."""
    rows = [f"**{idea.title}**", "", f"{idea.reason}", ""]
    rows.append(f"- granularity {idea.granularity}, risk {idea.risk}")
    rows.append(f"- {idea.paper}")
    if idea.expected:
        rows.append(f"- expected: {idea.expected}")
    rows += [f"- assumes: {text}" for text in idea.assumptions]
    if idea.tried is not None:
        rows.append(f"- {idea.tried.campaign}: {_fate(idea)}")
    return "\n".join(rows)


def _fate(idea: Idea) -> str:
    tried = idea.tried
    assert tried is not None
    parts = [tried.words]
    if tried.detail:
        parts.append(tried.detail)
    if tried.why:
        parts.append(tried.why)
    if tried.receipts:
        parts.append(f"receipts {tried.receipts[0]} … ({len(tried.receipts)})")
    return "; ".join(parts)


def _rank(idea: Idea) -> int:
    fate = idea.tried.fate if idea.tried is not None else "waiting"
    return _ORDER.index(fate) if fate in _ORDER else len(_ORDER)


def _source(paper: str) -> str:
    """`Loshchilov & Hutter 2017` of the whole reference."""
    found = re.match(r"^(.*?\b(?:19|20)\d\d\b)", paper)
    return found.group(1) if found else paper.partition(",")[0]


# ---------------------------------------------------------------------- lenses


def lenses(view: View, progress: Progress | None) -> list[Lens]:
    """The lenses of a file: over its entry point, over what ideas apply to, over metrics."""
    found = []
    if view.entry:
        found += _entry(view, progress)
    groups: dict[int, list[Idea]] = {}
    for idea in view.ideas:
        if idea.tried is None or idea.tried.fate not in _OUT:
            groups.setdefault(idea.header or idea.line, []).append(idea)
    for line, ideas in groups.items():
        found.append(
            Lens(
                line,
                _summary(ideas),
                "show_ideas",
                {"root": view.root, "path": view.path, "ids": [i.id for i in ideas]},
                "What was published for this kind of code, and what came of it here",
            )
        )
    for metric in view.metrics:
        value = _last(metric)
        if value is not None:
            found.append(
                Lens(
                    metric.line,
                    f"{metric.name} {value.text} · {value.side}, {value.isolation}",
                    "show_receipt",
                    {"root": view.root, "id": value.receipts[-1]},
                    "The receipt of the last run behind this number",
                )
            )
    return sorted(found, key=lambda lens: lens.line)


def _entry(view: View, progress: Progress | None) -> list[Lens]:
    line, where = view.entry, {"root": view.root}
    if not view.has_objective:
        why = view.note or "Reads the repository and proposes autosota.toml for you to check"
        return [Lens(line, "Set up an objective", "set_up", dict(where), why)]
    if progress is not None and progress.state == "running":
        done = f"{progress.evaluations} of {progress.budget_evaluations} runs"
        return [
            Lens(line, f"Campaign {progress.campaign}: {done}", "show_campaign", dict(where)),
            Lens(line, "Stop", "stop", dict(where), "What runs is killed; what finished is kept"),
        ]
    found = [
        Lens(line, "Run baseline", "start", {**where, "ideas": 0}, "Reproduce the paper's number"),
        Lens(line, "Try 3 ideas", "start", {**where, "ideas": 3}, "A campaign of three ideas"),
        Lens(line, "Start campaign", "start", dict(where), "Until its budget is spent"),
    ]
    if progress is not None and progress.state in ("stopped", "idle"):
        title = f"Resume {progress.campaign}"
        found.insert(0, Lens(line, title, "resume", dict(where), "Nothing that finished is lost"))
    return found


def _summary(ideas: Iterable[Idea]) -> str:
    """`2 ideas · best +1.8 % confirmed`."""
    listed = sorted(ideas, key=_rank)
    words = f"{len(listed)} idea{'s' * (len(listed) != 1)}"
    best = listed[0].tried
    if best is not None and best.gain and best.fate in ("confirmed", "provisional"):
        return f"{words} · best {best.gain} {best.words}"
    tried = sum(i.tried is not None and i.tried.fate not in ("waiting", "trying") for i in listed)
    return f"{words} · {tried} tried" if tried else words


def _last(metric: Metric) -> Value | None:
    return metric.values[-1] if metric.values else None


# ---------------------------------------------------------------------- hints


def hints(view: View) -> list[Hint]:
    """The measured value beside each metric, and the paper's where it claims one."""
    found: dict[int, list[tuple[str, str]]] = {}
    for metric in view.metrics:
        parts, more = [], []
        for value in metric.values:
            spread = f" ± {value.half}" if value.half else ""
            parts.append(f"{value.side} {value.text}{spread}")
            seeds = f"{value.seeds} seed{'s' * (value.seeds != 1)}"
            more.append(f"{value.side}: mean over {seeds}, {value.isolation}")
        if not parts and metric.note:
            parts.append(metric.note)
        if metric.paper:
            parts.append(f"paper {metric.paper.partition(' ')[0]}")
            more.append(f"the paper claims {metric.paper}")
        if parts:
            text = f"{metric.name}: {' · '.join(parts)}"
            found.setdefault(metric.line, []).append((text, "\n".join(more)))
    return [
        Hint(line, "  ".join(t for t, _ in rows), "\n".join(m for _, m in rows if m))
        for line, rows in sorted(found.items())
    ]


# ---------------------------------------------------------------------- hovers


def hover(view: View, line: int, word: str) -> str:
    """What is known of a word on a line, as Markdown: the paper's value, and runs that varied it.

    `''` when nothing is.
    """
    if not word:
        return ""
    parts = []
    pinned = [f for f in view.fixed if f.name.lower() == word.lower()]
    parts += [f"The paper fixes `{f.name} = {f.value}` (R7)." for f in pinned]
    for metric in view.metrics:
        if metric.line == line and (word == metric.name or word in metric.name.split("_")):
            parts.append(_metric(metric))
    named = re.compile(rf"(?<!\w){re.escape(word)}(?!\w)")
    here = [i for i in view.ideas if i.line <= line <= i.end_line]
    varied = [i for i in here if named.search(i.title) or i.symbol.rpartition(".")[2] == word]
    header = [i for i in view.ideas if i.header == line and named.search(i.symbol)]
    about = list(dict.fromkeys([*varied, *header]))
    if about:
        rows = ["| idea | source | here | runs |", "|---|---|---|---|"]
        rows += [
            f"| {i.title} | {_source(i.paper)} | {_cell(i)} | {_runs(i)} |"
            for i in about[:MOST_IDEAS]
        ]
        parts.append("\n".join(rows))
    return "\n\n".join(dict.fromkeys(parts))


def _cell(idea: Idea) -> str:
    tried = idea.tried
    if tried is None or tried.fate == "waiting":
        return "not tried"
    return f"{tried.words}: {tried.detail}" if tried.detail else tried.words


def _runs(idea: Idea) -> str:
    """The runs that varied it: how many, and of which patch."""
    tried = idea.tried
    if tried is None or not tried.receipts:
        return ""
    count = len(tried.receipts)
    return f"{count} run{'s' * (count != 1)} of {tried.patch or 'it'}"


def _metric(metric: Metric) -> str:
    rows = [f"**{metric.name}**" + (", the claim" if metric.is_claim else "")]
    if metric.paper:
        rows.append(f"- the paper: {metric.paper}")
    for value in metric.values:
        spread = f" ± {value.half}" if value.half else ""
        seeds = f"{value.seeds} seed{'s' * (value.seeds != 1)}"
        rows.append(f"- {value.side}: {value.text}{spread} ({seeds}, {value.isolation})")
    if not metric.values and metric.note:
        rows.append(f"- {metric.note}")
    return "\n".join(rows)
