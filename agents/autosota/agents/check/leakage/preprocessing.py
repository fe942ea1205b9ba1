"""LK101, 102, 104 to 108: what is learned of the tested rows before they are parted.

A fit of a transform (or a statistic put back into data) that saw rows on which a model is later
scored. One finding per such call. Yang et al., "Data Leakage in Notebooks", ASE 2022.
"""

from __future__ import annotations

from collections.abc import Iterator

from autosota.agents.check import ir, knowledge
from autosota.agents.check.facts import Facts, FileRule
from autosota.agents.check.leakage.common import (
    FITS,
    called,
    judged,
    short,
    split_of,
)
from autosota.agents.check.values import Event, Part, Value, share
from autosota.agents.domain import Finding

_BINS = frozenset(("cut", "qcut"))


def code_of(event: Event) -> str:
    """The rule that a leaking fit falls under."""
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


def _leaks(facts: Facts) -> dict[str, list[tuple[Event, str, list[tuple[ir.Node | Event, str]]]]]:
    """Every leaking call with its message and related places, by code."""
    found: dict[ir.Expr, tuple[str, Event, str, list[tuple[ir.Node | Event, str]]]] = {}
    for pair in judged(facts):
        if not pair.test.rows or share(pair.train.rows, pair.test.rows) is not None:
            continue
        for event in pair.train.fits | pair.test.fits:
            if event.kind not in ("learn", "statistic") or event.node in found:
                continue
            if share(event.rows, pair.test.rows) is None:
                continue
            related: list[tuple[ir.Node | Event, str]] = []
            split = split_of(set(pair.test.rows))
            if split is not None and split is not event.node:
                related.append((split, "the rows are parted here"))
            related.append((pair.score, "the score on these rows"))
            alone = share(event.rows, pair.train.rows) is None
            if alone and event not in pair.train.fits:
                if event.kind != "learn":
                    continue
                found[event.node] = ("LK107", event, _refitted(event, pair.test), related)
            else:
                code = code_of(event)
                found[event.node] = (code, event, _message(code, event, pair.test), related)
    for event in facts.flow.events:
        if event.kind != "cross" or not event.data:
            continue
        x = event.data[0]
        for learned in x.fits:
            if learned.kind not in ("learn", "statistic") or learned.node in found:
                continue
            if share(learned.rows, x.rows) is not None:
                text = (
                    f"{short(learned.name)} has learned from {called(x, 'all rows')} before "
                    f"{short(event.name)} parts them: every fold's held-out rows were seen"
                )
                found[learned.node] = ("LK108", learned, text, [(event, "the cross-validation")])
    by_code: dict[str, list[tuple[Event, str, list[tuple[ir.Node | Event, str]]]]] = {}
    for code, event, text, related in found.values():
        by_code.setdefault(code, []).append((event, text, related))
    return by_code


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

    return FileRule(code, run, (FITS, (b"import",)))


RULES = tuple(
    _rule(code) for code in ("LK101", "LK102", "LK104", "LK105", "LK106", "LK107", "LK108")
)
