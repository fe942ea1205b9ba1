"""LK111 to 114 and 122: what is chosen by the score on the tested rows.

Several models scored on the same test rows, with no untouched rows left, is multi-test leakage
(Yang et al., ASE 2022); where the code itself compares the scores it is an error, else a warning.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from autosota.agents.check import ir, knowledge
from autosota.agents.check.facts import TESTED, CallFact, Facts, FileRule
from autosota.agents.check.flow import position
from autosota.agents.check.index import bound_names
from autosota.agents.check.leakage.common import FITS, LIBRARIES, SPLITS, TESTS, called, short
from autosota.agents.check.roles import role
from autosota.agents.check.values import Event, Pair, Part, Value, role_of, share
from autosota.agents.domain import Finding, Severity

_CHOOSERS = frozenset(
    [
        "max",
        "min",
        "sorted",
        "argmax",
        "argmin",
        "nanargmax",
        "nanargmin",
        "idxmax",
        "idxmin",
        "sort_values",
        "nlargest",
        "nsmallest",
    ]
)
_EVALUATES = re.compile(r"eval|test|valid|score|acc|metric|infer|check|run_epoch|inference", re.I)
_KEEPS = re.compile(
    r"(?:^|\.)(?:save|save_model|save_weights|save_pretrained|save_checkpoint|dump|deepcopy"
    r"|state_dict|get_weights|save_state)$"
)
_SAVES = re.compile(rb"save|dump|deepcopy|state_dict|get_weights")
"""What occurs where something is kept."""
_STOPPERS = ("EarlyStopping", "ModelCheckpoint", "ReduceLROnPlateau", "early_stopping")


def tests(parts: Iterable[Part]) -> bool:
    """Whether rows are test rows (and not validation rows)."""
    roles = {role_of(p) for p in parts}
    return "test" in roles


def scores_in(value: Value, depth: int = 0) -> set[Event]:
    """The scores that a value is made of."""
    found = {e for e in value.fits if e.kind == "score"}
    if depth < 4:
        for inner in value.elts or ():
            found |= scores_in(inner, depth + 1)
        for field in value.fields:
            found |= scores_in(field.value, depth + 1)
    return found


def _on_test(events: Iterable[Event]) -> list[Event]:
    return [e for e in events if e.data and tests(e.data[0].rows)]


# ---------------------------------------------------------------------------------- LK112
def _groups(facts: Facts) -> list[list[Pair]]:
    """Honest scores on test rows, together when they are on the same rows."""
    groups: list[list[Pair]] = []
    for pair in facts.pairs:
        if any("Dummy" in o.kind for o in pair.fit.models):
            continue  # a trivial baseline is no candidate
        if not tests(pair.test.rows) or share(pair.train.rows, pair.test.rows) is not None:
            continue
        for group in groups:
            if share(group[0].test.rows, pair.test.rows) is not None:
                group.append(pair)
                break
        else:
            groups.append([pair])
    return groups


def _untouched(facts: Facts, group: list[Pair]) -> bool:
    """Whether other held-out rows are left that a model predicts or is scored on."""
    used = frozenset().union(*(p.test.rows for p in group))
    for event in facts.flow.events:
        if event.kind not in ("predict", "score") or not event.data or not event.data[0].rows:
            continue
        rows = event.data[0].rows
        if share(rows, used) is not None:
            continue
        trained: frozenset[Part] = frozenset().union(
            *(f.data[0].rows for f in event.fits if f.kind == "fit" and f.data)
        )
        if trained and share(rows, trained) is None and _held_out(rows):
            return True
    return False


def _held_out(rows: frozenset[Part]) -> bool:
    return any(role_of(p) == "test" or p.root.role == "test" for p in rows)


def _varies(score: Event, fit: Event) -> bool:
    """Whether a loop around a score trains a different model each time."""
    shared = [loop for loop in score.loops if loop in fit.loops]
    if not shared or _by_seed(score.loops):
        return False
    goes_on = fit.name == "backward" or any(
        o.kind.startswith(knowledge.KEEPS_TRAINING) for o in fit.models
    )
    # One network whose test score is only watched over its epochs is one model.
    return not goes_on or any(_inside(o.node, loop) for o in fit.models for loop in shared)


def _inside(node: ir.Node, loop: ir.Node) -> bool:
    return node.unit is loop.unit and loop.start <= node.start and node.end <= loop.end


def _by_seed(loops: tuple[ir.Node, ...]) -> bool:
    for loop in loops:
        if isinstance(loop, ir.For):
            for name in [loop.target, *ir.expressions(loop)]:
                if isinstance(name, ir.Name) and re.search(
                    r"seed|fold|repeat|trial", name.id, re.I
                ):
                    return True
    return False


def several_tested(facts: Facts) -> Iterator[Finding]:
    """LK112: several models scored on the same test rows."""
    for group in _groups(facts):
        pairs = sorted(group, key=lambda p: position(p.score))
        models: dict[ir.Node, Pair] = {}
        loop = None
        for pair in pairs:
            models.setdefault(pair.fit.node, pair)
            if _varies(pair.score, pair.fit) and loop is None:
                loop = pair
        sources = {frozenset(o.node for o in p.fit.models) for p in models.values()}
        if loop is None and (len(models) < 2 or len(sources) < 2) and len(models) < 2:
            continue
        if _untouched(facts, group):
            continue
        chosen = _chosen(facts, {p.score for p in group})
        second = loop or list(models.values())[1]
        severity = Severity.ERROR if chosen is not None else Severity.WARNING
        count = "models trained in a loop are" if loop else f"{len(models)} models are"
        text = (
            f"{count} scored on {called(second.test, 'the same test rows')}, and no untouched rows "
            "are left: the best score is picked on the rows that report it"
        )
        related: list[tuple[ir.Node | Event, str]] = []
        if chosen is not None:
            related.append((chosen, "chosen by these scores"))
        others = [p for p in models.values() if p is not second]
        related += [(p.score, f"{short(p.fit.name)} scored on them too") for p in others[:10]]
        yield facts.finding("LK112", second.score, text, related, severity)


def _chosen(facts: Facts, scores: set[Event]) -> ir.Node | None:
    """Where the code itself compares these scores and goes by the result."""
    for stmt, _ in facts.index.statements(ir.If):
        for expr in ir.expressions(stmt):
            if isinstance(expr, ir.Compare) and any(
                scores_in(facts.value(o)) & scores for o in expr.operands
            ):
                return expr
    for call in facts.calls_of(*_CHOOSERS):
        values = [call.receiver, *call.args, *call.keywords.values()]
        if any(scores_in(v) & scores for v in values):
            return call.node
    return None


# ---------------------------------------------------------------------------------- LK113
def _assigned(facts: Facts) -> dict[str, list[tuple[ir.Expr, ir.Stmt]]]:
    found: dict[str, list[tuple[ir.Expr, ir.Stmt]]] = {}
    for stmt, _ in facts.walk():
        if isinstance(stmt, ir.Assign) and stmt.value is not None:
            for target in stmt.targets:
                for name in bound_names(target):
                    found.setdefault(name, []).append((stmt.value, stmt))
    return found


def _score_of_test(
    facts: Facts, expr: ir.Expr, assigned: dict[str, list[tuple[ir.Expr, ir.Stmt]]], depth: int = 0
) -> ir.Node | None:
    """The place where a value becomes a score of test rows, or None."""
    value = facts.value(expr)
    events = _on_test(scores_in(value))
    if events:
        return min(events, key=position).node
    if isinstance(expr, ir.Name) and depth < 3:
        for given, stmt in assigned.get(expr.id, ()):
            if isinstance(given, ir.Call) and _evaluates(facts, given):
                return stmt
            if isinstance(given, ir.Subscript | ir.Name | ir.Binary) and not _same(given, expr):
                for inner in [given, *ir.expressions(given)]:
                    if isinstance(inner, ir.Name) and inner.id != expr.id:
                        found = _score_of_test(facts, inner, assigned, depth + 1)
                        if found is not None:
                            return found
    return None


def _same(a: ir.Expr, b: ir.Name) -> bool:
    return isinstance(a, ir.Name) and a.id == b.id


def _evaluates(facts: Facts, call: ir.Call) -> bool:
    """Whether a call evaluates on test data: by the rows it is given, or the names of both."""
    word = _word(call.func)
    if not _EVALUATES.search(word):
        return False
    args = [*call.args, *(v for _, v in call.keywords)]
    for arg in args:
        if tests(facts.value(arg).rows):
            return True
        if role(_word(arg)) == "test":
            return True
    if args or facts.flow.value(call.func).objs == frozenset():
        return False
    function = next((o.node for o in facts.value(call.func).objs), None)
    if isinstance(function, ir.Function):
        for stmt in ir.statements(function.body):
            if isinstance(stmt, ir.For) and role(_word(stmt.iterable)) == "test":
                return True
    return False


def _word(expr: ir.Expr) -> str:
    if isinstance(expr, ir.Name):
        return expr.id
    if isinstance(expr, ir.Attribute):
        return expr.attr
    if isinstance(expr, ir.Subscript) and isinstance(expr.index, ir.Const):
        return str(expr.index.value)
    return ""


def checkpoint(facts: Facts) -> Iterator[Finding]:
    """LK113: `if test_score > best: save(model)`."""
    assigned: dict[str, list[tuple[ir.Expr, ir.Stmt]]] | None = None
    for stmt, context in facts.index.statements(ir.If, _SAVES):
        if not (context.loops or context.function is not None) or not _keeps(stmt.body):
            continue
        for expr in ir.expressions(stmt):
            if not isinstance(expr, ir.Compare) or not set(expr.ops) & {"<", ">", "<=", ">="}:
                continue
            if assigned is None:
                assigned = _assigned(facts)
            for operand in expr.operands:
                where = _score_of_test(facts, operand, assigned)
                if where is not None:
                    text = (
                        f"the checkpoint is kept when `{facts.text(operand)}`, a score on the test "
                        "rows, improves: the test set chooses the epoch it then reports"
                    )
                    yield facts.finding("LK113", expr, text, [(where, "the score on test rows")])
                    break
            else:
                continue
            break


def _keeps(body: tuple[ir.Stmt, ...]) -> bool:
    for stmt in ir.statements(body):
        for expr in ir.expressions(stmt):
            if isinstance(expr, ir.Call) and _KEEPS.search(_word(expr.func)):
                return True
    return False


# ---------------------------------------------------------------------------------- LK111
def watched(facts: Facts) -> Iterator[Finding]:
    """LK111: early stopping, or a schedule, by the rows that are scored."""
    scored = [p for p in facts.pairs if p.test.rows]
    done: set[ir.Expr] = set()
    fits: dict[ir.Expr, CallFact] = {c.node: c for c in facts.calls_of(".fit", ".train")}
    fits.update({c.node: c for c in facts.calls_of("train", "fit_generator")})
    for event in facts.flow.events:
        if event.kind != "validate" or event.node in done or not event.data:
            continue
        rows = event.data[0].rows
        call = fits.get(event.node)
        if call is None or not tests(rows) or not _stops(call, event):
            continue
        score = next((p.score for p in scored if share(p.test.rows, rows) is not None), None)
        if score is None:
            continue
        done.add(event.node)
        text = (
            f"{short(event.name)} stops or schedules by {called(event.data[0], 'the test rows')}, "
            "the rows that are scored afterwards: the number of rounds is tuned on the test set"
        )
        yield facts.finding("LK111", event, text, [(score, "the score on the same rows")])
    for call in facts.calls_of(".step"):
        kinds = {o.kind.rsplit(".", 1)[-1] for o in call.receiver.objs}
        if "ReduceLROnPlateau" not in kinds or not call.node.args:
            continue
        value = call.args[0]
        events = _on_test(scores_in(value)) + _on_test(value.preds)
        assigned = _assigned(facts)
        where = events[0].node if events else _score_of_test(facts, call.node.args[0], assigned)
        if where is not None:
            text = (
                f"the learning rate follows `{facts.text(call.node.args[0])}`, measured on test "
                "rows: the schedule is tuned on the test set"
            )
            yield facts.finding("LK111", call.node, text, [(where, "measured here")])


def _stops(call: CallFact, event: Event) -> bool:
    if "early_stopping_rounds" in call.keywords or "early_stopping" in call.keywords:
        return True
    for obj in event.models:
        if any(name in ("early_stopping_rounds", "callbacks") for name, _ in obj.options):
            return True
    value = call.keywords.get("callbacks")
    if value is None:
        return False
    return any(word in kind for kind in _kinds(value) for word in _STOPPERS)


def _kinds(value: Value) -> set[str]:
    found = {o.kind for o in value.objs}
    for inner in value.elts or ():
        found |= {o.kind for o in inner.objs}
        if inner.ref:
            found.add(inner.ref)
        if "early_stopping" in inner.marks:
            found.add("early_stopping")
    return found


# ---------------------------------------------------------------------------------- LK114
def tuned(facts: Facts) -> Iterator[Finding]:
    """LK114: a threshold, a calibration or a temperature from test labels."""
    for event in facts.flow.events:
        if event.kind != "fit" or not event.data:
            continue
        x = event.data[0]
        if _on_test(x.preds) and event.name != "backward":
            text = (
                f"{short(event.name)} is fitted on predictions for "
                f"{called(x, 'the test rows')} and their labels: it is tuned on the test set"
            )
            yield facts.finding("LK114", event, text, [(min(x.preds, key=position), "predicted")])
    trained = {
        e.node for e in facts.flow.events
        if e.kind == "fit" and e.name == "backward" and e.data and not tests(e.data[0].rows)
    }  # fmt: skip
    for call in facts.calls_of(".backward"):
        if trained and call.node not in trained and _on_test(call.receiver.preds):
            text = "a parameter is fitted to the labels of test rows: it is tuned on the test set"
            pred = min(call.receiver.preds, key=position)
            yield facts.finding("LK114", call.node, text, [(pred, "predictions for test rows")])
    yield from _thresholds(facts)


def _thresholds(facts: Facts) -> Iterator[Finding]:
    done: set[Event] = set()
    for call in facts.calls_of("argmax", "argmin", "nanargmax", "idxmax"):
        values = [call.receiver, *call.args]
        events = _on_test(set().union(*(_curves(v) for v in values)))
        fresh = [e for e in events if e not in done]
        if fresh:
            done.update(fresh)
            first = min(fresh, key=position)
            text = (
                f"a threshold is picked where {short(first.name)} is best on "
                f"{called(first.data[0], 'the test rows')}: it is tuned on the test labels"
            )
            yield facts.finding("LK114", call.node, text, [(first, "the curve of the test rows")])


def _curves(value: Value) -> set[Event]:
    found = {e for e in value.fits if e.kind == "score" and e.name.endswith("_curve")}
    for inner in value.elts or ():
        found |= {e for e in inner.fits if e.kind == "score" and e.name.endswith("_curve")}
    return found


# ---------------------------------------------------------------------------------- LK122
_INNER = re.compile(r"\bcv\b|cross|valid|inner|train|search|tun|grid|param|fold", re.I)


def inner_score(facts: Facts) -> Iterator[Finding]:
    """LK122: `best_score_` of a search reported as the result, nothing else scored."""
    honest = any(
        p.test.rows and share(p.train.rows, p.test.rows) is None for p in facts.pairs
    ) or any(e.kind == "score" for e in facts.flow.events)
    if honest:
        return
    for stmt, _ in facts.walk():
        for expr in ir.expressions(stmt):
            if not isinstance(expr, ir.Call) or _word(expr.func) not in (
                "print", "info", "log", "log_metric", "dump", "write", "display", "append",
            ):  # fmt: skip
                continue
            inner = next(
                (
                    e for e in ir.expressions(expr)
                    if isinstance(e, ir.Attribute | ir.Name)
                    and "best_score" in facts.value(e).marks
                ),
                None,
            )  # fmt: skip
            if inner is None:
                continue
            words = " ".join(
                str(getattr(e, "value", "")) if isinstance(e, ir.Const) else e.text
                for e in ir.expressions(expr)
                if isinstance(e, ir.Const | ir.Formatted)
            )
            if _INNER.search(words):
                continue
            text = (
                "the best of many cross-validated scores is reported, and no row outside the "
                "search is scored: the best of many is too good by selection"
            )
            fit = next((e for e in facts.flow.events if e.kind == "fit"), None)
            yield facts.finding("LK122", inner, text, [(fit, "the search")] if fit else [])
            return


RULES = (
    FileRule(
        "LK111",
        watched,
        (
            FITS,
            (b"eval", b"validation_data", b"step", b"valid_sets"),
            (b"arly", b"allback", b"Plateau"),
            (LIBRARIES,),
        ),
    ),
    FileRule("LK112", several_tested, (FITS, TESTS, (LIBRARIES,))),
    FileRule(
        "LK113",
        checkpoint,
        ((b"save", b"state_dict", b"dump", b"get_weights"), (b"if ",), TESTED),
    ),
    FileRule(
        "LK114",
        tuned,
        (
            (b"argmax", b"argmin", b".backward(", b".fit("),
            (b"curve", b"predict", b"logits"),
            SPLITS,
        ),
    ),
    FileRule("LK122", inner_score, ((b"best_score_",),)),
)
