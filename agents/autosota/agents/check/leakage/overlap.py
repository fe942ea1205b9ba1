"""LK103, 109, 110, 119: rows, or copies of rows, on both sides of an evaluation."""

from __future__ import annotations

from collections.abc import Iterator

from autosota.agents.check import ir
from autosota.agents.check.facts import Facts, FileRule
from autosota.agents.check.flow import position
from autosota.agents.check.leakage.common import FITS, called, judged, short, split_of
from autosota.agents.check.values import Event, Obj, Pair, Part, share
from autosota.agents.domain import Finding, Severity

_Found = tuple[ir.Node, str, list[tuple[ir.Node | Event, str]], Severity | None]


def _copies(a: Part, b: Part) -> Part | None:
    """The step that made copies, when it lies before what parts two sets of rows."""
    for x, y in zip(a.path(), b.path(), strict=False):
        if x is not y:
            return None
        if x.kind == "copies":
            return x
    return None


def _overlaps(facts: Facts) -> dict[str, list[_Found]]:
    found: dict[str, dict[ir.Node, _Found]] = {}
    honest: set[Obj] = set()
    pairs = list(judged(facts))
    for pair in pairs:
        if pair.test.rows and share(pair.train.rows, pair.test.rows) is None:
            honest |= pair.score.models
    any_honest = bool(honest)
    same: list[Pair] = []
    for pair in pairs:
        shared = share(pair.train.rows, pair.test.rows)
        if shared is None:
            continue
        copied = _copies(*shared)
        if copied is not None and shared[0] is not shared[1] and copied.node is not None:
            drawn = isinstance(copied.node, ir.Call) and "fit_" in copied.name
            code = "LK103" if drawn or copied.kind == "copies" else "LK119"
            text = (
                f"{short(copied.name) or 'this'} makes copies or mixtures of rows before the "
                f"split: twins of {called(pair.test, 'the tested rows')} are trained on"
            )
            where = split_of(set(pair.test.rows))
            related: list[tuple[ir.Node | Event, str]] = [(pair.fit, "trained here")]
            if where is not None:
                related.insert(0, (where, "the rows are parted here"))
            related.append((pair.score, "the score"))
            found.setdefault(code, {}).setdefault(
                copied.node, (copied.node, text, related, None)
            )
            continue
        if _is_part(pair) or _mixed(*shared):
            if pair.score.models & honest and not _only_here(pair, pairs):
                continue
            text = (
                f"{short(pair.fit.name)} trains on rows that are scored later: "
                f"{called(pair.test, 'the tested rows')} are among "
                f"{called(pair.train, 'the training rows')}"
            )
            related = [(pair.score, "the score on rows that were trained on")]
            where = split_of(set(pair.test.rows))
            if where is not None:
                related.insert(0, (where, "the rows are parted here"))
            found.setdefault("LK109", {}).setdefault(
                pair.fit.node, (pair.fit.node, text, related, None)
            )
            continue
        same.append(pair)
    if not any_honest:
        for pair in same:
            if pair.score.models & honest:
                continue
            text = (
                f"{short(pair.score.name)} measures {called(pair.test, 'rows')} that "
                f"{short(pair.fit.name)} was trained on, and no other rows are scored in this file"
            )
            found.setdefault("LK110", {}).setdefault(
                pair.score.node, (pair.score.node, text, [(pair.fit, "trained here")], None)
            )
    return {code: list(items.values()) for code, items in found.items()}


def _is_part(pair: Pair) -> bool:
    """Whether the tested rows are a proper part, by a split, of those trained on."""
    for a in pair.train.rows:
        for b in pair.test.rows:
            if a is not b and a in b.path():
                below = b.path()[len(a.path()) :]
                if any(step.role in ("test", "validation") for step in below):
                    return True
    return False


def _mixed(a: Part, b: Part) -> bool:
    """Whether two random splits of one table were drawn apart from each other."""
    x, y = a.path(), b.path()
    for first, second in zip(x, y, strict=False):
        if first is not second:
            return first.kind == second.kind == "split" and first.key != second.key
    return False


def _only_here(pair: Pair, pairs: list[Pair]) -> bool:
    """Whether every score of this very fit is on rows it was trained on."""
    mine = [p for p in pairs if p.fit is pair.fit]
    return all(share(p.train.rows, p.test.rows) is not None for p in mine)


def _rule(code: str) -> FileRule:
    def run(facts: Facts) -> Iterator[Finding]:
        for node, text, related, severity in facts.remember(
            "overlaps", lambda: _overlaps(facts)
        ).get(code, ()):
            yield facts.finding(code, node, text, related, severity)

    return FileRule(code, run, (FITS, (b"import",)))


RULES = tuple(_rule(code) for code in ("LK103", "LK109", "LK110", "LK119"))
_ = position
