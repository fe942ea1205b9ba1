"""Runs that are repeated: over seeds, folds or trials, and whether the best of them is picked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from autosota.agents.check import hints, ir
from autosota.agents.check.facts import Facts
from autosota.agents.check.index import (
    Index,
    Survey,
    dotted,
    inside,
    last,
    names_in,
    root,
    variables_in,
)

_SEED_ARGUMENTS = {"seed", "random_state", "random_seed"}
_SEED_CALLS = {"manual_seed", "seed", "seed_everything", "set_seed", "default_rng", "RandomState"}
_REPEAT_WORDS = {
    "fold",
    "folds",
    "kf",
    "skf",
    "kfold",
    "run",
    "runs",
    "trial",
    "trials",
    "rep",
    "repeat",
    "repeats",
}
_RUN_WORDS = {
    *("run", "train", "evaluate", "experiment", "main", "fit", "score", "trial", "eval", "test"),
    *("repeat", "simulate", "benchmark"),
}
_LARGEST = {"max", "amax", "nanmax"}
_SMALLEST = {"min", "amin", "nanmin"}
_MEANS = {"mean", "average", "nanmean", "median", "std", "fmean", "describe", "boxplot"}


@dataclass(frozen=True, slots=True)
class Top:
    """The best of repeated runs is taken and reported.

    Attributes:
        node: Where it is taken.
        source: Where the runs are made.
        largest: The maximum, not the minimum.
        by_seed: The runs differ in their seed.
        inline: Taken directly of the list that makes the runs.
    """

    node: ir.Node
    source: ir.Node
    largest: bool
    by_seed: bool
    inline: bool


def by_seed(target: ir.Expr, iterable: ir.Expr, uses: Iterator[ir.Expr]) -> bool:
    """Whether a loop's variable is a seed: by its name, or by what it is handed to."""
    names = variables_in(target)
    if any(map(hints.is_seed, names)) or any(map(hints.is_seed, names_in(iterable))):
        return True
    for expr in uses:
        if isinstance(expr, ir.Call):
            for key, value in expr.keywords:
                if key in _SEED_ARGUMENTS and variables_in(value) & names:
                    return True
            if last(expr.func) in _SEED_CALLS and any(variables_in(a) & names for a in expr.args):
                return True
    return False


def _repeated(target: ir.Expr, iterable: ir.Expr) -> bool:
    """Whether a loop goes over folds or numbered repetitions."""
    if any(w in _REPEAT_WORDS for n in variables_in(target) for w in hints.words(n)):
        return True
    return any(
        isinstance(e, ir.Call)
        and isinstance(e.func, ir.Attribute)
        and e.func.attr == "split"
        and (
            "fold" in last(e.func.value).lower()
            or any(
                "Fold" in last(i.func) or "Split" in last(i.func)
                for i in inside(e.func.value)
                if isinstance(i, ir.Call)
            )
            or any(w in _REPEAT_WORDS for w in hints.words(root(e.func.value)))
        )
        for e in inside(iterable)
    )


def seed_loops(facts: Facts) -> list[ir.For]:
    """Every `for` loop over seeds."""
    return [loop for loop, _, seeded in facts.index.each(_loops, "loops") if seeded]


def _loops(idx: Index, survey: Survey) -> Iterator[tuple[ir.For, list[ir.Stmt], bool]]:
    """Every loop over seeds or repetitions, what is in it, and whether it is over seeds."""
    for loop, _ in survey.loops:
        below = list(ir.statements(loop.body))
        uses = (e for s in below for e in ir.expressions(s))
        seeded = by_seed(loop.target, loop.iterable, uses)
        if seeded or _repeated(loop.target, loop.iterable):
            yield loop, below, seeded


def repeats(facts: Facts) -> tuple[Top, ...]:
    """Every place where the best of repeated runs is taken and reported."""
    return facts.remember("repeats", lambda: tuple(_repeats(facts)))


def _repeats(facts: Facts) -> Iterator[Top]:
    averaged: set[str] | None = None
    for call in facts.index.calls_of(*_LARGEST, *_SMALLEST):
        expr, func, word = call.node, call.node.func, call.method
        if not isinstance(call.stmt, ir.Assign | ir.Evaluate | ir.Return):
            continue
        of = expr.args[0] if expr.args else func.value if isinstance(func, ir.Attribute) else None
        if of is None or (isinstance(of, ir.Name) and of.id in facts.imports):
            continue
        if isinstance(of, ir.Comprehension):
            kind = _comprehension(of)
            if kind is not None and len(expr.args) == 1:
                yield Top(expr, of, word in _LARGEST, kind, True)
            continue
        name = root(of)
        if not name or name == "self":
            continue
        # Names that hold the scores of repeated runs, where they are made, whether by seed.
        lists = facts.index.each(_lists, "bound", saying=(name,))
        made = dict((*lists, *facts.index.each(_filled, "loops", saying=(name,))))
        if name not in made:
            continue
        if averaged is None:
            averaged = set(_averaged(facts))
        if name in averaged:
            continue
        source, seeded = made[name]
        if word in _LARGEST or any(
            w in ("rmse", "mae", "mse", "error", "loss", "err") for w in hints.words(name)
        ):
            yield Top(expr, source, word in _LARGEST, seeded, False)
            return


def _comprehension(expr: ir.Comprehension) -> bool | None:
    """True: runs over seeds. False: over folds. None: neither."""
    if not any(isinstance(e, ir.Call) for e in inside(expr.element)) or not expr.loops:
        return None
    target, iterable = expr.loops[0]
    if by_seed(target, iterable, inside(expr.element)):
        return True
    return False if _repeated(target, iterable) else None


def _lists(idx: Index, survey: Survey) -> Iterator[tuple[str, tuple[ir.Node, bool]]]:
    """Names that a comprehension over repeated runs gives their scores."""
    for bound in survey.bound:
        if isinstance(bound.target, ir.Name) and isinstance(bound.value, ir.Comprehension):
            kind = _comprehension(bound.value)
            if kind is not None and (
                hints.is_metric(bound.target.id) or _runs(bound.value.element)
            ):
                yield bound.target.id, (bound.value, kind)


def _filled(idx: Index, survey: Survey) -> Iterator[tuple[str, tuple[ir.Node, bool]]]:
    """Names that a loop over repeated runs fills with their scores."""
    for loop, below, seeded in _loops(idx, survey):
        fresh = {
            t.id
            for s in below
            if isinstance(s, ir.Assign)
            for t in s.targets
            if isinstance(t, ir.Name)
        }  # made anew in each repetition: holds no repetitions
        for inner in below:
            if isinstance(inner, ir.Evaluate) and isinstance(inner.value, ir.Call):
                func = inner.value.func
                if isinstance(func, ir.Attribute) and func.attr == "append" and inner.value.args:
                    what = inner.value.args[0]
                    name = dotted(func.value)
                    if name and name not in fresh and (_is_score(what) or hints.is_metric(name)):
                        yield name, (loop, seeded)
            elif isinstance(inner, ir.Assign) and isinstance(inner.targets[0], ir.Subscript):
                name = dotted(inner.targets[0].value)
                if (
                    name
                    and inner.value is not None
                    and (_is_score(inner.value) or hints.is_metric(name))
                ):
                    yield name, (loop, seeded)


def _runs(expr: ir.Expr) -> bool:
    """Whether a whole run, or a score, is made in an expression: by the names it calls."""
    return _is_score(expr) or any(
        isinstance(e, ir.Call) and any(w in _RUN_WORDS for w in hints.words(last(e.func)))
        for e in inside(expr)
    )


def _is_score(expr: ir.Expr) -> bool:
    if isinstance(expr, ir.Name):
        return hints.is_metric(expr.id)
    return any(
        isinstance(e, ir.Call)
        and (hints.is_metric(last(e.func)) or last(e.func).endswith("_score"))
        for e in inside(expr)
    )


def _averaged(facts: Facts) -> Iterator[str]:
    """Names whose mean (or spread) is taken anywhere in the file."""
    for call in facts.index.calls_of(*_MEANS, "sum", "stdev", "mean_std"):
        for arg in call.node.args:
            yield root(arg)
        if isinstance(call.node.func, ir.Attribute):
            yield root(call.node.func.value)
