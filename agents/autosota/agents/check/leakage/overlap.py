"""LK103, 109, 110, 119: rows, or copies of rows, on both sides of an evaluation."""

from __future__ import annotations

from collections.abc import Iterator

from autosota.agents.check import ir
from autosota.agents.check.facts import Facts, FileRule
from autosota.agents.check.leakage.common import (
    FITS,
    LIBRARIES,
    TESTS,
    called,
    judged,
    short,
    split_of,
)
from autosota.agents.check.values import Event, Pair, Part, copied, share
from autosota.agents.domain import Finding, Severity

_Found = tuple[ir.Node, str, list[tuple[ir.Node | Event, str]], Severity | None]


def _overlaps(facts: Facts) -> dict[str, list[_Found]]:
    """Every overlap by code, one for each call that causes it."""
    found: dict[str, dict[ir.Node, _Found]] = {}
    # What is only predicted (a competition's test file) is not scored here.
    pairs = [p for p in judged(facts) if p.score.kind not in ("predict", "handed")]
    honest = {p.fit.node for p in pairs if p.test.rows and share(p.train.rows, p.test.rows) is None}
    crossed = {o for e in facts.flow.events if e.kind == "cross" for o in e.models}
    same: dict[ir.Node, list[Pair]] = {}
    for pair in pairs:
        shared = share(pair.train.rows, pair.test.rows)
        if shared is None:
            continue
        twins = copied(*shared)
        if twins is not None and twins.node is not None:
            if not _resamples(twins):
                continue
            code, item = _twins(pair, twins)
        elif pair.fit.node in honest:
            continue
        elif _is_part(pair) or _mixed(*shared):
            code, item = "LK109", _trained(pair)
        else:
            # A published test split that is trained on is LK120's.
            if not pair.fit.models & crossed and shared[0].root.role != "test":
                same.setdefault(pair.fit.node, []).append(pair)
            continue
        found.setdefault(code, {}).setdefault(item[0], item)
    if same and not honest and "LK109" not in found:
        # One cause, the missing test set, however many models are scored without one.
        first, *rest = [p for scores in same.values() for p in scores]
        text = (
            f"{short(first.score.name)} measures {called(first.test, 'rows')} that "
            f"{short(first.fit.name)} was trained on, and no other rows are scored in this file: "
            "it says nothing of new rows"
        )
        related: list[tuple[ir.Node | Event, str]] = [(first.fit, "trained here")]
        others = dict.fromkeys(p.score.node for p in rest if p.score.node is not first.score.node)
        related += [(node, "also a score on training rows") for node in list(others)[:10]]
        found["LK110"] = {first.score.node: (first.score.node, text, related, None)}
    return {code: list(items.values()) for code, items in found.items()}


def _twins(pair: Pair, twins: Part) -> tuple[str, _Found]:
    assert twins.node is not None
    text = (
        f"{short(twins.name) or 'this'} makes copies or mixtures of rows before the split: twins "
        f"of {called(pair.test, 'the tested rows')} are trained on"
    )
    related: list[tuple[ir.Node | Event, str]] = []
    where = split_of(set(pair.test.rows))
    if where is not None and where is not twins.node:
        related.append((where, "the rows are parted here"))
    related += [(pair.fit, "trained here"), (pair.score, "the score")]
    return "LK103", (twins.node, text, related, None)


def _resamples(part: Part) -> bool:
    """Whether copies come from a resampler (and not from adding up, or augmenting)."""
    node = part.node
    if not isinstance(node, ir.Call) or not isinstance(node.func, ir.Attribute | ir.Name):
        return False
    word = node.func.attr if isinstance(node.func, ir.Attribute) else node.func.id
    return word in ("fit_resample", "fit_sample", "resample", "sample")


def _trained(pair: Pair) -> _Found:
    text = (
        f"{short(pair.fit.name)} trains on rows that are scored: "
        f"{called(pair.test, 'the tested rows')} are among "
        f"{called(pair.train, 'the training rows')}"
    )
    related: list[tuple[ir.Node | Event, str]] = []
    where = split_of(set(pair.test.rows))
    if where is not None:
        related.append((where, "the rows are parted here"))
    related.append((pair.score, "the score on rows that were trained on"))
    return pair.fit.node, text, related, None


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


def _rule(code: str) -> FileRule:
    def run(facts: Facts) -> Iterator[Finding]:
        for node, text, related, severity in facts.remember(
            "overlaps", lambda: _overlaps(facts)
        ).get(code, ()):
            yield facts.finding(code, node, text, related, severity)

    return FileRule(code, run, (FITS, TESTS, (LIBRARIES,)))


RULES = tuple(_rule(code) for code in ("LK103", "LK109", "LK110"))
