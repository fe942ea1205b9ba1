"""The goal: which number is the claim, which one search may look at, and which way is better.

Chooses among readings and says why. The user confirms it; nothing here is final.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from autosota.agents.domain import Direction
from autosota.agents.init import commands, syntax
from autosota.agents.init.plan import Plan
from autosota.agents.init.repository import Repository
from autosota.agents.objective import vocabulary
from autosota.agents.objective.claims import PaperFound, find_paper
from autosota.agents.objective.readings import Kind, Reading, readings, unread

UNKNOWN = "score"
"""The metric's name when none was found: the user is asked to print it."""

_SCORES = re.compile(
    r"^_?(evaluate|eval|evaluation|validate|validation|test|score|compute_metrics?|accuracy|"
    r"get_metrics|calc(ulate)?_metrics?|metrics?)(_(model|epoch|fn|step|set|metrics?|accuracy))?$"
)


@dataclass(frozen=True, slots=True)
class Goal:
    """What is optimised and how it is read, with where everything was found.

    `select_on` is None when only the claim can be read; `select_where` then says why.
    `evaluation` maps files and functions
    of the evaluation protocol to where they were found. `command` is the plan's, with the
    `additions` (in words) that make the metrics readable.
    """

    command: str
    metric: str
    metric_where: str
    direction: Direction
    select_on: str | None
    select_where: str
    sources: tuple[Reading, ...]
    others: tuple[Reading, ...]
    paper: PaperFound
    evaluation: Mapping[str, str]
    additions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def count_metrics(repo: Repository, script: str) -> int:
    """How many metrics a script shows, with its settings as they are."""
    return len(readings(repo, script, {}))


def find_goal(repo: Repository, plan: Plan) -> Goal:
    """The goal of a repository whose plan is known."""
    own = readings(repo, plan.script, plan.filled.values) if plan.script else ()
    judge = plan.evaluate
    judged = readings(repo, judge.script, judge.filled.values) if judge is not None else ()
    # What the separate evaluator says goes before what the experiment says of itself.
    taken = {r.name for r in judged}
    found = [*judged, *(r for r in own if r.name not in taken)]
    hydra = any(w.startswith("hydra.run.dir=") for w in plan.filled.command.split())
    usable = [r for r in found if r.kind is not Kind.LOGGED or hydra]
    usable = usable or found
    claim = _claim(usable, judged)
    notes: list[str] = []
    if claim is None:
        notes.append(_no_metric(repo, plan))
    selected = _selected(usable, claim) if claim is not None else None
    if claim is not None and selected is None:
        notes.append(_only_claim(claim))
    for reading in (claim, selected):
        also = [r for r in found if reading and r.pattern and r.pattern == reading.pattern]
        if reading is not None and len(also) > 1:
            others = ", ".join(r.name for r in also if r is not reading)
            notes.append(
                f"the text of {reading.name} ({reading.where}) is also that of {others}, and the "
                "last one printed counts: print it in words of its own"
            )
    for reading in (claim, selected):
        if reading is not None and reading.looped and reading.kind is Kind.LINE:
            notes.append(
                f"{reading.where} prints METRIC {reading.name} in a loop: print it once, at the "
                "end; two different values of one name make it unknown"
            )
    metric = claim.name if claim is not None else UNKNOWN
    paper = find_paper(
        repo, metric, claim.percent if claim is not None else False, _names(repo, plan.script)
    )
    command, sources, additions = _readable(
        plan, tuple(r for r in (claim, selected) if r is not None)
    )
    return Goal(
        command=command,
        metric=metric,
        metric_where=_where(claim) if claim is not None else "not found",
        direction=vocabulary.direction_of(metric),
        select_on=selected.name if selected is not None else None,
        select_where=_where(selected) if selected is not None else _why_none(claim),
        sources=sources,
        others=tuple(r for r in usable if r not in (claim, selected) and r.split != "train"),
        paper=paper,
        evaluation=_evaluation(repo, plan),
        additions=tuple(additions),
        notes=tuple(notes),
    )


def _readable(
    plan: Plan, sources: tuple[Reading, ...]
) -> tuple[str, tuple[Reading, ...], list[str]]:
    """The command with what makes its metrics readable, their sources, and why, in words.

    The runner reads stdout and files below the run directory with names that do not change.
    """
    command = plan.filled.command
    additions: list[str] = []
    judged = plan.evaluate is not None
    hydra = "hydra.run.dir=" in command
    if any(r.kind is Kind.LOGGED for r in sources) and not hydra and not judged:
        command += " 2>&1"
        additions.append("2>&1: log lines go to stderr")
    moved: list[Reading] = []
    for reading in sources:
        inside = reading.source.startswith("{run_dir}/") and "{seed}" not in reading.source
        if reading.source == "stdout" or inside:
            moved.append(reading)
            continue
        name = re.sub(r"[-_.]?\{seed\}", "", posixpath.basename(reading.source))
        target = f"{{run_dir}}/{name}"
        copy = f" && cp {commands.quote(reading.source)} {commands.quote(target)}"
        if copy not in command:
            command += copy
            additions.append(f"cp: {reading.where} writes {reading.source}")
        moved.append(replace(reading, source=target))
    return command, tuple(moved), additions


def _claim(found: Sequence[Reading], judged: Sequence[Reading]) -> Reading | None:
    """The claim: on test before unsaid before validation, then the most telling name."""
    splits = {"test": 0, "": 1, "val": 2, "train": 4}
    numbered = list(enumerate(found))
    if not numbered:
        return None

    def order(item: tuple[int, Reading]) -> tuple[bool, int, int, bool, int, int]:
        position, r = item
        by_judge = r in judged
        split = splits[r.split]
        if not r.split and r.looped and vocabulary.base(r.name) == "loss":
            split = 3  # the loss that a training loop shows
        return (
            not by_judge, split, vocabulary.preference(r.name), r.best, r.kind, position
        )  # fmt: skip

    return min(numbered, key=order)[1]


def _selected(found: Sequence[Reading], claim: Reading) -> Reading | None:
    """What search may look at: the same measure on validation data, else another one on it."""
    validation = [r for r in found if r.split == "val" and r.name != claim.name]
    same = [r for r in validation if vocabulary.base(r.name) == vocabulary.base(claim.name)]
    # Search and claim are judged by one direction, so another measure must share it.
    way = vocabulary.direction_of(claim.name)
    other = [r for r in validation if vocabulary.direction_of(r.name) is way]
    ranked = sorted(
        same or other, key=lambda r: (vocabulary.preference(r.name), r.kind, not r.best)
    )
    return next(iter(ranked), None)


def _why_none(claim: Reading | None) -> str:
    if claim is not None and claim.split == "val":
        return "no test metric was found, so the claim is measured on validation data"
    return "LK112: nothing measured on validation data was found; autosota split offers some"


def _only_claim(claim: Reading) -> str:
    if claim.split == "val":
        return (
            f"{claim.name} ({claim.where}) is measured on validation data and no test metric was "
            "found: a gain chosen on it is never confirmed; print a test metric too"
        )
    return (
        f"LK112: no validation metric was found beside {claim.name} ({claim.where}), so search "
        "would look at the claim itself and no gain can be confirmed: type autosota split, which "
        "offers a change that splits some data off the training set, or print such a metric and "
        "name it in objective.select_on"
    )


def _no_metric(repo: Repository, plan: Plan) -> str:
    trackers = unread(repo, plan.script) if plan.script else ()
    seen = f" ({trackers[0]} cannot be read by a runner)" if trackers else ""
    target = plan.script or plan.chosen.candidate.target
    return (
        f"no metric was found in {target}{seen}: print a line such as METRIC {UNKNOWN}=0.93 "
        "at its end, or name a file and a key in [metrics]"
    )


def _where(reading: Reading) -> str:
    how = {
        Kind.LINE: "a METRIC line",
        Kind.KEY: "a key of a JSON file",
        Kind.PATTERN: "printed text",
        Kind.LOGGED: "a log line",
    }
    return f"{reading.where}: {how[reading.kind]}"


def _names(repo: Repository, script: str) -> frozenset[str]:
    """Lower-case names of classes and plain defaults in the experiment's code."""
    found: set[str] = set()
    for path in repo.closure(script) if script else ():
        if not repo.has(path):
            continue
        source = repo.source(path)
        for node in syntax.nodes(source, "class_definition"):
            found.add(syntax.name_of(source, node).lower())
    return frozenset(found)


def _evaluation(repo: Repository, plan: Plan) -> dict[str, str]:
    """The evaluator's file, and functions of the experiment that score."""
    found: dict[str, str] = {}
    if plan.evaluate is not None:
        found[plan.evaluate.script] = "the separate evaluator"
    for path in repo.closure(plan.script) if plan.script else ():
        if not repo.has(path):
            continue
        source = repo.source(path)
        for node in syntax.nodes(source, "function_definition"):
            name = syntax.name_of(source, node)
            given = [p for p, _ in syntax.parameters(source, node)]
            # A function without arguments tests itself, not a model.
            if _SCORES.match(name) and given and "." not in source.symbol(node):
                where = f"{path}, line {node.start_point.row + 1}"
                found.setdefault(f"{path}::{name}", where)
    return found
