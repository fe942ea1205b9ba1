"""The words of a proposed `autosota.toml`: every value with a comment that says whence.

Only writes what a plan and a goal hold. What may stand in the file is the business of
`config`; a test holds the two together.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import tomlkit
from tomlkit.items import Item, Table

from autosota.agents.domain import Budget, Objective
from autosota.agents.init.plan import Plan
from autosota.agents.objective.goal import Goal
from autosota.agents.objective.readings import Reading

_HEAD = (
    "Proposed by `autosota init`. Read it, change what is wrong, then type `autosota run`.",
    "The comment behind each value says where it came from.",
)


def written(plan: Plan, goal: Goal) -> str:
    """The text of the file."""
    document = tomlkit.document()
    for line in _HEAD:
        document.add(tomlkit.comment(line))
    document.add(tomlkit.nl())
    paper = _paper(goal)
    if paper is not None:
        document.add("paper", paper)
    document.add("objective", _objective(plan, goal))
    metrics = _metrics(goal.sources)
    if metrics is not None:
        document.add("metrics", metrics)
    for name, table in (
        ("protocol", _protocol(plan, goal)),
        ("controls", _controls(plan)),
        ("environment", _environment(plan)),
        ("budget", _budget()),
    ):
        if table is not None:
            document.add(name, table)
    return re.sub(r"\n{3,}", "\n\n", tomlkit.dumps(document).rstrip() + "\n")


def command_of(plan: Plan, goal: Goal) -> str:
    """The command template of a proposal."""
    return f"{plan.filled.command} 2>&1" if goal.merge_stderr else plan.filled.command


def _paper(goal: Goal) -> Table | None:
    found = goal.paper
    if not (found.title or found.source or found.claims):
        return None
    table = tomlkit.table()
    if found.title:
        _put(table, "title", found.title, found.title_where)
    if found.source:
        _put(table, "source", found.source, found.source_where)
    if found.claims:
        claims = tomlkit.array()
        for claim in found.claims:
            one = tomlkit.inline_table()
            one.update({"metric": claim.metric, "value": claim.value, "where": claim.where})
            claims.append(one)
        _put(table, "claims", claims, f"{found.claims[0].where}; check it")
    table.add(tomlkit.nl())
    return table


def _objective(plan: Plan, goal: Goal) -> Table:
    table = tomlkit.table()
    default = Objective(command="", metric="", select_on="")
    _remark(table, f"This command was chosen because: {'; '.join(plan.chosen.reasons)}")
    if plan.others:
        _remark(table, "Other commands that were found:")
        for other in plan.others:
            _remark(table, f"  {other.typed}  ({other.candidate.where})")
    parts = [plan.chosen.candidate.where]
    if plan.filled.seed:
        parts.append(f"seed: {plan.filled.seed}")
    if plan.filled.output:
        parts.append(f"run_dir: {plan.filled.output}")
    if goal.merge_stderr:
        parts.append("2>&1: log lines go to stderr")
    _put(table, "command", command_of(plan, goal), "; ".join(parts))
    if plan.evaluate is not None:
        _put(table, "evaluate", plan.evaluate.filled.command, plan.evaluate.where)
    _put(table, "metric", goal.metric, goal.metric_where)
    if goal.select_on is not None:
        _put(table, "select_on", goal.select_on, goal.select_where)
    else:
        _remark(table, 'select_on = ""  # LK112: nothing measured on validation data was found')
    told = "by its name" if goal.sources else "not found"
    _put(table, "direction", goal.direction.value, told)
    if goal.others:
        _remark(table, "Other metrics that were found:")
        for reading in goal.others[:8]:
            _remark(table, f"  {reading.name}  ({reading.where})")
    _put(table, "seeds", list(default.seeds), "the default")
    _put(table, "confirm_seeds", default.confirm_seeds, "the default: fresh ones, besides these")
    _put(table, "timeout", f"{default.timeout_seconds / 60:g}m", "the default, for one experiment")
    table.add(tomlkit.nl())
    return table


def _metrics(sources: Sequence[Reading]) -> Table | None:
    declared = [(r, s) for r in sources if (s := r.as_source()) is not None]
    if not declared:
        return None
    parent = tomlkit.table(is_super_table=True)
    for reading, source in declared:
        table = tomlkit.table()
        _put(table, "from", source.source, reading.where)
        if source.key:
            _put(table, "key", source.key, reading.where)
        if source.pattern:
            _put(table, "pattern", _literal(source.pattern), "made from the printed text")
        if source.unit:
            _put(table, "unit", source.unit, reading.where)
        table.add(tomlkit.nl())
        parent.add(reading.name, table)
    return parent


def _protocol(plan: Plan, goal: Goal) -> Table | None:
    table = tomlkit.table()
    for name, found in (
        ("evaluation", goal.evaluation),
        ("data", plan.data),
        ("labels", plan.labels),
    ):
        if found:
            _put(table, name, list(found), _told(found))
    if not table:
        return None
    table.add(tomlkit.nl())
    return table


def _controls(plan: Plan) -> Table | None:
    if plan.knob is None:
        return None
    flag, unit, where = plan.knob
    table = tomlkit.table()
    knob = tomlkit.inline_table()
    knob.update({"flag": flag, "unit": unit})
    _put(table, "compute_knob", knob, where)
    table.add(tomlkit.nl())
    return table


def _environment(plan: Plan) -> Table | None:
    needs = plan.requirements
    table = tomlkit.table()
    if needs.file:
        _put(table, "requirements", needs.file, "a file of the repository")
    elif needs.items:
        _put(table, "requirements", list(needs.items), needs.where)
    if plan.caches:
        _put(table, "caches", list(plan.caches), _told(plan.caches))
    if not table:
        return None
    table.add(tomlkit.nl())
    return table


def _budget() -> Table:
    default = Budget()
    table = tomlkit.table()
    _put(table, "evaluations", default.evaluations, "the default: executions, all seeds counted")
    _put(table, "wall", f"{default.wall_seconds / 3600:g}h", "the default")
    return table


def _put(table: Table, key: str, value: Any, whence: str) -> None:
    item: Item = tomlkit.item(_clean(value) if isinstance(value, str) else value)
    if whence:
        item.comment(_clean(whence))
    table.add(key, item)


def _remark(table: Table, text: str) -> None:
    table.add(tomlkit.comment(_clean(text)))


def _told(found: Mapping[str, str]) -> str:
    return "; ".join(dict.fromkeys(list(found.values())[:3]))


def _literal(pattern: str) -> Any:
    """A pattern without doubled backslashes where TOML allows it."""
    plain = "'" not in pattern and "\n" not in pattern
    return tomlkit.string(pattern, literal=plain)


def _clean(text: str) -> str:
    """One line without control characters: a comment that ends early would break the file."""
    if not isinstance(text, str) or isinstance(text, Item):
        return text
    return "".join(c if c.isprintable() else " " for c in text)
