"""The verdict on a change: may it be run and kept, must a person look, or is it refused?

Compares what two trees compute, not how they are written. Refused: evaluation, labels, splits,
data or the objective changed; training on what is tested; scores or predictions that no model
made; hooks. A person must look wherever the audit cannot know. Pure: reads two trees, writes
nothing, runs nothing. What a run then really does is the sandbox's and the receipts' business.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import replace

from autosota.agents.code.facts import MODULE, FileFacts
from autosota.agents.code.values import DATA, ENV, METRIC, PRED, Value, literal, walk
from autosota.agents.domain import (
    Boundary,
    Decision,
    Finding,
    Objective,
    Place,
    RelatedPlace,
    Severity,
    Side,
    Verdict,
)
from autosota.agents.protocols import Tree
from autosota.agents.rules import finding
from autosota.agents.supervisor.boundary import boundary_of, matches
from autosota.agents.supervisor.changes import Change, as_domain, changed_symbols, side_of
from autosota.agents.supervisor.compare import mode_of
from autosota.agents.supervisor.followed import followed
from autosota.agents.supervisor.formula import Learner, evaluation_part, models_in
from autosota.agents.supervisor.frozen import protected_constants
from autosota.agents.supervisor.introduced import (
    new_statements,
    runs_code,
    scan,
    suppressions,
)
from autosota.agents.supervisor.leakage import chosen_saves, new_leaks
from autosota.agents.supervisor.other_files import conftest, hooks_and_shadows, judge_other
from autosota.agents.supervisor.passes import more_passes
from autosota.agents.supervisor.reading import Reading, read
from autosota.agents.supervisor.reports import compare_reports, place_of, seeds, timing
from autosota.agents.supervisor.sinks import reported

_WARN = Severity.WARNING
_ORDER = {Severity.BLOCK: 0, Severity.ERROR: 1, Severity.WARNING: 2, Severity.INFO: 3}
_SHOWN = 40


def audit(
    base: Tree, candidate: Tree, objective: Objective, boundary: Boundary | None = None
) -> Verdict:
    """The red-line verdict on the change from `base` to `candidate`.

    Args:
        base: the tree whose evaluation counts.
        candidate: the changed tree.
        objective: the base's objective; the candidate's own is never read.
        boundary: the base's boundary if it was drawn before; drawn here otherwise.
    """
    paths = changed_paths(base, candidate)
    if not paths:
        return Verdict(Decision.CLEARED)
    before, after = read(base, objective), read(candidate, objective)
    boundary = boundary or boundary_of(before, objective)
    known = set(before.program.files)
    python = [p for p in paths if p.endswith((".py", ".pyw"))]
    findings: list[Finding] = []
    for path in paths:
        if path not in python:
            findings += judge_other(path, base, candidate, objective, before, after)
    added = [p for p in paths if p not in known]
    findings += hooks_and_shadows(before.program, after.program, added)
    changes: list[tuple[Change, Side]] = []
    scripts = {*before.command.scripts, *before.evaluator.scripts}
    started = [p for p in paths if p in scripts or p in _settings(before) | _settings(after)]
    if python or started:
        try:
            found, changes = _python(before, after, objective, boundary, python, started)
            findings += found
        except RecursionError:
            message = "this is nested too deeply to be compared"
            findings.append(finding("EV201", Place(paths[0], 1), message, severity=_WARN))
        except Exception as error:  # noqa: BLE001 - a gate that fails asks; it takes nothing along
            message = f"{FAILED} ({type(error).__name__}: {error}): a person has to look at it"
            findings.append(finding("EV201", Place(paths[0], 1), message, severity=_WARN))
    findings = _backed(_unique(findings))
    return Verdict(decide(findings), tuple(findings), as_domain(changes))


FAILED = "the audit itself failed on this change"
"""How a finding begins that is a fault of ours; tests look for it."""


def _settings(reading: Reading) -> frozenset[str]:
    """Settings files that were followed like code."""
    return reading.command.settings | reading.evaluator.settings


_INFERRED = {"LK109", "LK112", "LK120"}
"""Found by following rows through a whole program, where one lost split looks like a leak."""


def _backed(findings: list[Finding]) -> list[Finding]:
    """Inferred evidence refuses only with evidence of another kind beside it; alone, it asks.

    On patches by writers who had read no rule, one inferred kind alone was wrong in half of the
    cases it refused (6 of 12).
    """
    refusing = {f.code for f in findings if f.severity in (Severity.BLOCK, Severity.ERROR)}
    if len(refusing) > 1 or not refusing <= _INFERRED:
        return findings
    return [
        replace(f, severity=_WARN) if f.severity in (Severity.BLOCK, Severity.ERROR) else f
        for f in findings
    ]


def decide(findings: Iterable[Finding]) -> Decision:
    """One block or error refuses; a warning asks for a person."""
    worst = {f.severity for f in findings}
    if worst & {Severity.BLOCK, Severity.ERROR}:
        return Decision.REJECTED
    return Decision.NEEDS_REVIEW if Severity.WARNING in worst else Decision.CLEARED


def changed_paths(base: Tree, candidate: Tree) -> list[str]:
    """Files that are added, removed or have other bytes."""
    old, new = set(base.files()), set(candidate.files())
    out = sorted(old ^ new)
    out += [p for p in sorted(old & new) if base.read(p) != candidate.read(p)]
    return sorted(out)


def _python(
    before: Reading,
    after: Reading,
    objective: Objective,
    boundary: Boundary,
    python: list[str],
    scripts: list[str],
) -> tuple[list[Finding], list[tuple[Change, Side]]]:
    """Findings about changed Python, and about Python that changed scripts start in another way."""
    old, new = before.program, after.program
    findings: list[Finding] = []
    run = {*before.command.files, *before.evaluator.files}
    run |= {*after.command.files, *after.evaluator.files}
    for path in python:
        facts = new.facts(path) if path in new.files else None
        was = old.facts(path) if path in old.files else None
        if path.rpartition("/")[2] == "conftest.py" and facts is not None:
            text = facts.source.content.decode("utf-8", "replace")
            new_hook = was is None or was.fingerprint != facts.fingerprint
            hook = conftest(path, text) if new_hook else None
            findings += [hook] if hook is not None else []
        if facts is not None:
            findings += suppressions(was, facts)
            findings += _unreadable(was, facts, path in run)
    changes = [
        (c, side_of(c, old.facts(c.path) if c.path in old.files else new.facts(c.path), boundary))
        for c in changed_symbols(old, new, python)
    ]
    touched = [p for p in python if p in run] + scripts
    reports = compare_reports(before, after) if touched else []
    findings += _protected(python, before, after, objective, boundary, reports, changes)
    different = {
        p
        for p in python
        if p not in old.files or p not in new.files or not _same_meaning(old.facts(p), new.facts(p))
    }
    same = not different
    if same and not scripts:
        return findings, changes
    findings += _elsewhere(before, [p for p in python if p not in run], different)
    scanned = [p for p in new.python if p in run or p.rpartition("/")[2] in _LOADED]
    added = new_statements(old, new, scanned)
    findings += scan(added, objective, set(old.files), old)
    findings += protected_constants(old, new, objective, added)
    findings += more_passes(old, new, [p for p in python if p in scanned])
    if touched:
        unsure = bool(before.unknown) or not _understood(before)
        findings += _milder(reports) if unsure else reports
        leaks = list(_leaks(before, after))
        findings += _milder(leaks) if unsure else leaks
        findings += seeds(before, after) + timing(before, after)
        own = {n.rpartition(".")[2] for p in new.python for n in new.facts(p).symbols}
        findings += _around_evaluation(changes, boundary, findings, own)
        findings += _unknown(before, after, touched)
    return findings, changes


def _same_meaning(old: FileFacts, new: FileFacts) -> bool:
    """True for files that do the same and print the same: a metric may be read from a print."""
    if old.fingerprint != new.fingerprint:
        return False
    printed = [
        [
            ast.dump(n)
            for n in facts.logs()
            if any(isinstance(c, ast.Name) and c.id == "print" for c in ast.walk(n))
        ]
        for facts in (old, new)
    ]
    return printed[0] == printed[1]


_LOADED = {"sitecustomize.py", "usercustomize.py"}


def _elsewhere(before: Reading, paths: list[str], different: set[str]) -> Iterator[Finding]:
    """Changed files that the run does not load itself, but may start as another process."""
    run = {*before.command.files, *before.evaluator.files}
    facts = [before.program.facts(path) for path in sorted(run)]
    if not any(runs_code(name) for f in facts for name, _ in f.calls):
        return
    texts = {
        node.value
        for f in facts
        for node in ast.walk(f.tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    for path in paths:
        module = path.removesuffix(".py").replace("/", ".")
        named = any(path.rpartition("/")[2] in t or module in t.split() for t in texts)
        if path in different and named:
            message = "the run may start this as another process, which the audit does not follow"
            yield finding("EV201", Place(path, 1), message, severity=_WARN)


def _unreadable(was: FileFacts | None, facts: FileFacts, run: bool) -> Iterator[Finding]:
    if facts.unreadable:
        yield finding("EV201", Place(facts.path, 1), facts.unreadable, severity=_WARN)
    elif facts.broken and run and (was is None or was.fingerprint != facts.fingerprint):
        message = "this does not parse, so it could not be audited"
        yield finding("EV201", Place(facts.path, facts.broken[0]), message, severity=_WARN)


def _protected(
    python: list[str],
    before: Reading,
    after: Reading,
    objective: Objective,
    boundary: Boundary,
    reports: list[Finding],
    changes: list[tuple[Change, Side]],
) -> Iterator[Finding]:
    """Declared functions and files that belong to the evaluation as a whole.

    A change of meaning in them is looked at by a person, whatever the formulas say; where a
    formula differs in a way that is refused, it is refused for what it is.
    """
    old, new = before.program, after.program
    run = {*before.command.files, *before.evaluator.files}
    proven = _proven(before, after, objective, changes, reports) & run
    different = {c.path for c, _ in changes if not _beside(c, objective, before, after)}
    for path in python:
        if path not in boundary.files or path not in old.files:
            continue
        if path not in new.files:
            yield finding("EV201", Place(path, 1), "a file of the evaluation is removed")
        elif path in different and path not in proven:
            severity = _how_sure(reports, path in run)
            message = "a file of the evaluation is changed"
            yield _first_change(old.facts(path), new.facts(path), message, severity)
    for entry in objective.protocol.evaluation:
        path, _, name = entry.partition("::")
        if not name or path not in python or path not in old.files:
            continue
        was = old.facts(path).symbols.get(name)
        if was is None:
            continue
        now = new.facts(path).symbols.get(name) if path in new.files else None
        if now is not None and now.fingerprint == was.fingerprint:
            continue
        last = name.rpartition(".")[2]
        moved = any(
            symbol.fingerprint == was.fingerprint and known.rpartition(".")[2] == last
            for p in new.python
            for known, symbol in new.facts(p).symbols.items()
        )
        if (now is None and moved) or path in proven:
            continue
        severity = _how_sure(reports, path in run)
        place = now.facts.place(now.node) if now is not None else Place(path, 1)
        related = [RelatedPlace(path, was.node.lineno, "in the base")]
        message = f"declared evaluation `{entry}` is changed"
        yield finding("EV201", place, message, related, severity)


def _proven(
    before: Reading,
    after: Reading,
    objective: Objective,
    changes: list[tuple[Change, Side]],
    reports: list[Finding],
) -> set[str]:
    """Changed files of which it is shown that they compute every reported figure as before.

    All formulas are equal, all of the base was understood, and what came or went was followed.
    """
    if reports or before.unknown or after.unknown or not _understood(before):
        return set()
    every = [[*r.sinks, *reported(r.evaluator, objective)] for r in (before, after)]
    figures = [
        sorted((s.name, s.value.key, len(s.conditions), len(s.event.loops)) for s in sinks)
        for sinks in every
    ]
    if figures[0] != figures[1] or not {objective.metric} & {name for name, *_ in figures[0]}:
        return set()
    own = {
        n.rpartition(".")[2] for p in after.program.python for n in after.program.facts(p).symbols
    }
    out: dict[str, bool] = {}
    for change, _ in changes:
        fine = all(followed(s, own) for s in (*change.added, *change.removed))
        out[change.path] = out.get(change.path, True) and fine
    return {path for path, fine in out.items() if fine}


def _beside(change: Change, objective: Objective, before: Reading, after: Reading) -> bool:
    """True for a change of a file that the evaluator loads, in what it does not use of it."""
    started = {e.path for e in before.evaluator.entries}
    loaded = change.path in before.evaluator.files
    declared = matches(change.path, objective.protocol.evaluation) or change.path in started
    if not loaded or declared or before.evaluator.unknown or after.evaluator.unknown:
        return False
    ran = before.evaluator.ran | after.evaluator.ran
    if change.symbol != MODULE:
        return (change.path, change.symbol) not in ran
    facts = before.program.facts(change.path) if change.path in before.program.files else None
    bound = {*facts.constants, *facts.bound, *facts.symbols} if facts is not None else set()
    new = [_names(s.node) for s in change.added]
    return not change.removed and all(new) and not set().union(*new) & bound


def _names(node: ast.stmt) -> set[str]:
    """Names that an import, or an assignment that calls nothing, binds; none otherwise."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {a.asname or a.name.partition(".")[0] for a in node.names}
    if isinstance(node, ast.Assign) and all(isinstance(t, ast.Name) for t in node.targets):
        plain = not any(isinstance(n, ast.Call | ast.Await) for n in ast.walk(node.value))
        return {t.id for t in node.targets if isinstance(t, ast.Name)} if plain else set()
    return set()


_SURE = {"EV213", "EV207", "EV204", "OUT302", "SEL501"}


def _understood(reading: Reading) -> bool:
    """True when it is told in the claim's formula where the model ends and the metric begins."""
    if not all(s.value.flags & PRED for s in reading.claim):
        return False
    parts = {v.key: v for s in reading.claim for v in evaluation_part(s.value)}
    if any(_drawn_weights(v) for v in parts.values()):
        return False
    other = {v.key for s in reading.select for v in evaluation_part(s.value)}
    return not any(
        v.kind == "phi" and v.kids[0].flags & PRED and v.kids[0].kind == "cmp" and v.key in other
        for v in parts.values()
    )


_WEIGHTS = {"normal", "randn", "standard_normal"}


def _drawn_weights(value: Value) -> bool:
    """True for numbers that a model begins with: where it ends was not found, then."""
    drawn = value.kind in ("call", "method") and value.head.rpartition(".")[2] in _WEIGHTS
    return drawn and not value.flags & (ENV | DATA)


def _milder(findings: list[Finding]) -> list[Finding]:
    """Findings about formulas whose base was not understood: they ask, they do not refuse."""
    return [
        replace(f, severity=_WARN)
        if f.severity in (Severity.BLOCK, Severity.ERROR) and f.code not in _SURE
        else f
        for f in findings
    ]


def _how_sure(reports: list[Finding], run: bool) -> Severity:
    """How bad a change of protected code is, by what it does to the reported formulas."""
    if not run:
        return Severity.BLOCK
    if any(f.severity in (Severity.BLOCK, Severity.ERROR) for f in reports):
        return Severity.BLOCK
    # formulas that look alike clear nothing here: what the analysis lost of them is not known
    return _WARN


def _first_change(old: FileFacts, new: FileFacts, message: str, severity: Severity) -> Finding:
    known = {s.fingerprint for s in old.statements}
    first = next((s for s in new.statements if s.fingerprint not in known), None)
    place = first.place if first is not None else Place(new.path, 1)
    return finding("EV201", place, message, severity=severity)


def _leaks(before: Reading, after: Reading) -> Iterator[Finding]:
    judged = models_in(s.value for s in after.select)
    learned = list(after.learned)
    for found in new_leaks(before.rows, list(before.learned), learned, after.rows, judged):
        place = place_of(_nearest(found.training, found.value), found.training)
        related = [RelatedPlace(found.value.path, found.value.line, "these rows")]
        severity = _WARN if found.warn else None
        yield finding(found.code, place, found.message, related, severity)
    for event in after.command.events:
        value = event.value
        if value.kind != "pred" or value.key in before.rows.known or mode_of(value) != "train":
            continue
        tested = before.rows.claim - before.rows.trained
        hit = next((v for v in walk(value.kids[1]) if v.key in tested), None)
        if hit is not None:
            message = "a model in training mode is given tested rows"
            yield finding("LK109", place_of(value, value), message)
    yield from _watched(before, after)
    yield from _of_the_batch(before, after)
    held_out = before.rows.labels or before.rows.claim
    saves = chosen_saves(before.command.events, held_out, before.rows)
    had = {(event.value.head, hit.key) for event, hit in saves}
    for event, value in chosen_saves(after.command.events, held_out, before.rows):
        if (event.value.head, value.key) not in had:
            related = [RelatedPlace(value.path, value.line, "this is tested")]
            message = "a checkpoint is kept by the tested score"
            yield finding("LK113", place_of(event.value, event.value), message, related)


_WATCHERS = {"step", "tell", "report", "observe", "should_stop", "should_prune", "__call__"}


def _watched(before: Reading, after: Reading) -> Iterator[Finding]:
    """A score of tested rows handed to something that steers: a schedule, a search."""
    held_out = before.rows.claim - before.rows.trained
    for event in after.command.events:
        value = event.value
        if value.kind != "method" or value.head not in _WATCHERS or value.flags & METRIC:
            continue
        if value.kids[0].flags & ENV:
            continue  # acting in an environment
        if value.key in before.rows.known or not any(k.flags & PRED for k in value.kids[1:]):
            continue
        if any(v.key in held_out for k in value.kids[1:] for v in walk(k)):
            message = f"`{value.head}` is steered by the tested score"
            yield finding("LK111", place_of(value, value), message)


def _of_the_batch(before: Reading, after: Reading) -> Iterator[Finding]:
    """A model that answers by statistics of all the rows it is asked about at once."""
    for learner in after.learned:
        for value in _statistics(learner):
            if value.key not in before.rows.known:
                message = "a prediction depends on the other rows that are tested with it"
                yield finding("LK107", place_of(value, value), message)
        for value in _ahead(learner):
            if value.key not in before.rows.known:
                message = "a prediction is told of what comes after it"
                yield finding("LK107", place_of(value, value), message, severity=_WARN)


def _ahead(learner: Learner) -> Iterator[Value]:
    """Rows that are told of what comes after them: `x.roll(-1)`, `x.shift(-1)`."""
    if not learner.asked:
        return
    for value in walk(learner.value, lambda v: v.kind == "trained"):
        if value.kind not in ("method", "call") or value.head.rpartition(".")[2] not in _SHIFTS:
            continue
        back = [n for k in value.positional for n in literal(k) if isinstance(n, int | float)]
        if any(n < 0 for n in back[:1]) and any(v.key in learner.asked for v in walk(value)):
            yield value


_SHIFTS = {"roll", "shift"}
_STATISTICS = {"mean", "std", "var", "median", "quantile", "percentile", "rank", "argsort"}


def _statistics(learner: Learner) -> Iterator[Value]:
    if not learner.asked:
        return
    for value in walk(learner.value, lambda v: v.kind == "trained"):
        if value.kind not in ("method", "call") or value.flags & PRED:
            continue
        if value.head.rpartition(".")[2] not in _STATISTICS or not value.kids:
            continue
        axis = value.named("axis") or value.named("dim") or (value.positional[1:] or (None,))[0]
        along_rows = axis is not None and axis.head == "0"
        if along_rows and any(v.key in learner.asked for v in walk(value.kids[0])):
            yield value


def _nearest(training: Value, leaked: Value) -> Value:
    """The part of a training nearest to what leaked, for a place a person understands."""
    for count, value in enumerate(walk(training)):
        if value.path and any(k.key == leaked.key for k in value.kids):
            return value
        if count > _FAR:
            break
    return training


_FAR = 20_000


def _around_evaluation(
    changes: list[tuple[Change, Side]], boundary: Boundary, findings: list[Finding], own: set[str]
) -> Iterator[Finding]:
    """New statements inside functions that only evaluate, when their formula is still equal."""
    for change, side in changes:
        name = f"{change.path}::{change.symbol}"
        if side is not Side.EVALUATION or name not in boundary.symbols:
            continue
        if any(f.place.path == change.path and f.severity != Severity.INFO for f in findings):
            continue
        for statement in change.added:
            if _acts(statement.node, own):
                message = f"`{change.symbol}` evaluates, and does something new here"
                yield finding("EV201", statement.place, message, severity=_WARN)
                break


def _acts(node: ast.stmt, own: set[str]) -> bool:
    """True for a statement that changes something which is not its function's own.

    Calls of the repository's own functions were followed, so they are none.
    """
    if isinstance(node, ast.Global | ast.Nonlocal | ast.Delete | ast.Try | ast.While):
        return True
    targets = getattr(node, "targets", None) or [getattr(node, "target", None)]
    if any(isinstance(t, ast.Attribute | ast.Subscript) for t in targets):
        return True
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        called = node.value.func
        tail = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
        return tail not in _QUIET and tail not in own
    return False


_QUIET = {
    "eval", "append", "extend", "print", "info", "debug", "warning", "set_description", "update",
    "log", "exit", "log_dict", "synchronize", "seed", "manual_seed", "set_postfix", "close",
    "flush", "add_scalar", "set_grad_enabled", "empty_cache", "main", "run", "add_argument",
    "add_argument_group", "parse_args", "set_defaults",
}  # fmt: skip


def _unknown(before: Reading, after: Reading, touched: list[str]) -> Iterator[Finding]:
    """What could not be followed: in the base, everything then needs a person."""
    first = Place(touched[0], 1)
    for text in before.unknown:
        yield finding("EV201", first, f"not known in the base: {text}", severity=_WARN)
    for text in after.unknown:
        if text not in before.unknown:
            yield finding("EV201", first, f"not known in the candidate: {text}", severity=_WARN)
    for name in sorted(after.command.patched.keys() - before.command.patched.keys()):
        if not name.startswith(("torch.backends", "matplotlib", "os.environ", "pandas.options")):
            value = after.command.patched[name]
            place = Place(value.path or touched[0], max(1, value.line))
            yield finding("EV207", place, f"`{name}` is replaced at run time")


def _unique(findings: Iterable[Finding]) -> list[Finding]:
    """One finding per rule and line, the worst first within a line; in the order of places."""
    ordered = sorted(
        findings,
        key=lambda f: (f.place.path, f.place.line, f.code, _ORDER[f.severity], f.message),
    )
    seen: set[tuple[str, int, str]] = set()
    out: list[Finding] = []
    for found in ordered:
        key = (found.place.path, found.place.line, found.code)
        if key not in seen:
            seen.add(key)
            out.append(found)
    if len(out) > _SHOWN:
        worst = sorted(out, key=lambda f: _ORDER[f.severity])[:_SHOWN]
        out = [f for f in out if f in worst]
    return out
