"""LK101, 102, 104 to 108: what is learned of the tested rows before they are parted.

A fit of a transform (or a statistic put back into data) that saw rows on which a model is later
scored. One finding per such call. Yang et al., "Data Leakage in Notebooks", ASE 2022.
"""

from __future__ import annotations

from collections.abc import Iterator

from autosota.agents.check import ir, knowledge
from autosota.agents.check.facts import Facts, FileRule
from autosota.agents.check.flow import position
from autosota.agents.check.leakage.common import (
    FITS,
    LEARNS,
    LIBRARIES,
    TESTS,
    called,
    disjoint,
    judged,
    short,
    split_of,
)
from autosota.agents.check.values import Event, Pair, Value, share
from autosota.agents.domain import Finding

_BINS = frozenset(("cut", "qcut"))


def _columns(value: Value) -> set[str]:
    return {m for m in value.marks if m.startswith("column:")}


def code_of(event: Event, pair: Pair) -> str:
    """The rule that a leaking fit falls under."""
    labels = _columns(pair.fit.data[1]) if len(pair.fit.data) > 1 else set()
    grouped = event.kind == "statistic" and "grouped" in event.data[0].marks
    if grouped and _columns(event.data[0]) & labels:
        return "LK105"
    split = split_of(set(pair.test.rows))
    if (
        event.kind == "learn"
        and isinstance(split, ir.Call)
        and isinstance(split.func, ir.Attribute)
    ) and split.func.attr == "split":
        return "LK108"
    words = event.name.rsplit(".", 2)[-2:]
    last = words[0] if len(words) > 1 and words[0][:1].isupper() else words[-1]
    for names, code in (
        (knowledge.SELECTORS, "LK102"),
        (knowledge.TARGET_ENCODERS, "LK105"),
        (knowledge.IMPUTERS, "LK104"),
        (knowledge.VOCABULARIES, "LK106"),
        (knowledge.CLUSTERS, "LK106"),
    ):
        if last in names:
            return code
    return "LK104" if event.kind == "statistic" else "LK101"


_Leak = tuple[Event, str, list[tuple[ir.Node | Event, str]]]


def _leaks(facts: Facts) -> dict[str, list[_Leak]]:
    """Every leaking call with its message and related places, by code."""
    seen: dict[ir.Expr, list[tuple[Event, Pair, bool]]] = {}
    for pair in judged(facts):
        test, train = pair.test, pair.train
        if not test.rows or not disjoint(pair):
            continue
        for event in sorted(train.fits | test.fits, key=position):
            if event.kind not in ("learn", "statistic") or share(event.rows, test.rows) is None:
                continue
            alone = event not in train.fits and share(event.rows, train.rows) is None
            if alone and event.kind == "statistic" and ("tile" in event.name or _apart(pair)):
                continue  # rows of another table, filled or cut by figures of their own
            seen.setdefault(event.node, []).append((event, pair, alone))
    found: dict[str, list[_Leak]] = {}
    for hits in seen.values():
        event, pair, _ = hits[0]
        code = "LK107" if all(alone for _, _, alone in hits) else code_of(event, pair)
        text = _refitted(event, pair.test) if code == "LK107" else _message(code, event, pair.test)
        found.setdefault(code, []).append((event, text, _related(event, hits)))
    crossed: dict[ir.Expr, list[tuple[Event, Event]]] = {}
    for event in facts.flow.events:
        if event.kind == "cross" and event.data:
            x = event.data[0]
            for learned in sorted(x.fits, key=position):
                if learned.kind != "learn" or learned.node in seen:
                    continue
                if share(learned.rows, x.rows) is not None:
                    crossed.setdefault(learned.node, []).append((learned, event))
    for pairs in crossed.values():
        learned, event = pairs[0]
        text = (
            f"{short(learned.name)} has learned from {called(event.data[0], 'all rows')} before "
            f"{short(event.name)} parts them: every fold's held-out rows were seen"
        )
        scores = [(e, "the cross-validation") for e in dict.fromkeys(e for _, e in pairs)]
        found.setdefault("LK108", []).append((learned, text, list(scores[:5])))
    return found


def _apart(pair: Pair) -> bool:
    """Whether what is trained on and what is tested were read from different tables."""
    return not {p.root for p in pair.train.rows} & {p.root for p in pair.test.rows}


def _related(
    event: Event, hits: list[tuple[Event, Pair, bool]]
) -> list[tuple[ir.Node | Event, str]]:
    """The split, the first score, and every model that was trained on what leaked."""
    pair = hits[0][1]
    related: list[tuple[ir.Node | Event, str]] = []
    split = split_of(set(pair.test.rows))
    if split is not None and split is not event.node:
        related.append((split, "the rows are parted here"))
    related.append((pair.score, "the score on these rows"))
    fits = dict.fromkeys(p.fit.node for _, p, _ in hits)
    related += [(node, "a model trained with it") for node in list(fits)[:20]]
    return related


def _refitted(event: Event, test: Value) -> str:
    return (
        f"{short(event.name)} is fitted again on the test rows {called(test, '')}: they are "
        "transformed by their own statistics, not by those the model was trained with"
    ).replace("  ", " ")


def _message(code: str, event: Event, test: Value) -> str:
    rows = called(test, "the rows that are tested")
    what = {
        "LK102": "features are selected",
        "LK104": "a value to fill or bin with is computed",
        "LK105": "an encoding of the target is learned",
        "LK106": "a vocabulary or projection is learned",
    }.get(code, "statistics are learned")
    return (
        f"{short(event.name)} sees {rows} before the split: {what} with rows the model is "
        "then scored on"
    )


def _rule(code: str) -> FileRule:
    def run(facts: Facts) -> Iterator[Finding]:
        leaks = facts.remember("preprocessing leaks", lambda: _leaks(facts))
        for event, text, related in leaks.get(code, ()):
            yield facts.finding(code, event, text, related)

    return FileRule(code, run, ((*FITS, b"fit"), TESTS, (LIBRARIES,), LEARNS))


RULES = tuple(
    _rule(code) for code in ("LK101", "LK102", "LK104", "LK105", "LK106", "LK107", "LK108")
)
