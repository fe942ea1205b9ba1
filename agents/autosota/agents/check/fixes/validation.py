"""LK111, LK112: what stops or chooses by the test rows does so by validation rows of its own."""

from __future__ import annotations

from collections.abc import Sequence

from autosota.agents.check import ir
from autosota.agents.check.fixes.fix import Fix
from autosota.agents.check.fixes.sheet import Sheet, Spot
from autosota.agents.check.fixes.splits import MODULE, SPLIT, Split, split_in
from autosota.agents.domain import Finding

_WATCHED = ("eval_set", "validation_data", "eval_data", "valid_sets")
SHARE = 0.2
"""How much of the training rows is held out; the person may change it."""


def watched_test(sheet: Sheet, finding: Finding) -> Fix | None:
    """`fit(…, eval_set=[(X_test, y_test)])` watches rows split off the training rows."""
    start, end = sheet.span(finding.place)
    spot = sheet.spot(start, end)
    if spot is None or spot.loops or not sheet.alone(spot.stmt):
        return None
    calls = [e for e in ir.expressions(spot.stmt) if isinstance(e, ir.Call)]
    call = next((c for c in calls if any(k in _WATCHED for k, _ in c.keywords)), None)
    split = _split_before(sheet, spot)
    if call is None or split is None:
        return None
    watched = [value for key, value in call.keywords if key in _WATCHED]
    title = "Watch validation rows split off the training rows"
    return _held_out(sheet, finding, spot, split, watched, title, everywhere=False)


def chosen_by_test(sheet: Sheet, finding: Finding) -> Fix | None:
    """A loop that compares models by test scores compares them by validation scores."""
    spot = sheet.spot(*sheet.span(finding.place))
    if spot is None or not spot.loops:
        return None
    outer = spot.loops[0]
    home = sheet.spot(sheet.start(outer), sheet.end(outer))
    if home is None or home.stmt is not outer or not sheet.alone(outer):
        return None
    split = _split_before(sheet, home)
    if split is None:
        return None
    title = "Choose by validation rows split off the training rows"
    return _held_out(sheet, finding, home, split, [outer], title, everywhere=True)


def _split_before(sheet: Sheet, spot: Spot) -> Split | None:
    found = [s for s in (split_in(sheet, stmt) for stmt in spot.before) if s is not None]
    if len(found) != 1 or len(found[0].parts) > 2:
        return None
    between = spot.before[list(spot.before).index(found[0].stmt) + 1 :]
    names = [name for pair in found[0].parts.values() for name in pair]
    return None if any(sheet.binds(between, name) for name in names) else found[0]


def _held_out(
    sheet: Sheet,
    finding: Finding,
    spot: Spot,
    split: Split,
    inside: Sequence[ir.Node],
    title: str,
    *,
    everywhere: bool,
) -> Fix | None:
    pairs = list(split.parts.values())
    fresh = {test: sheet.fresh(_validation(test)) for _, test in pairs}
    changes = []
    seen: set[str] = set()
    for node in inside:
        whole = [node, *ir.expressions(node)]
        if everywhere and isinstance(node, ir.Stmt):
            body = [s for block in ir.blocks(node) for s in block]
            whole += [e for s in ir.statements(tuple(body)) for e in ir.expressions(s)]
        for expr in whole:
            if isinstance(expr, ir.Name) and expr.id in fresh:
                changes.append(sheet.replace(expr, fresh[expr.id]))
                seen.add(expr.id)
    if not seen:
        return None
    trains = [train for train, _ in pairs]
    targets = ", ".join(f"{train}, {fresh[test]}" for train, test in pairs)
    function = sheet.text(split.call.func)
    line = f"{targets} = {function}({', '.join(trains)}, test_size={SHARE}, random_state=0)"
    changes.append(sheet.before(spot.stmt, [line]))
    imports = () if function != SPLIT or sheet.knows(MODULE, SPLIT) else None
    if imports is None:
        return None
    return Fix(finding, title, False, tuple(changes))


def _validation(test: str) -> str:
    """`X_test` gives `X_val`, `yte` gives `yval`."""
    for old, new in (("test", "val"), ("Test", "Val"), ("te", "val")):
        if old in test:
            head, _, tail = test.rpartition(old)
            return f"{head}{new}{tail}"
    return f"{test}_val"
