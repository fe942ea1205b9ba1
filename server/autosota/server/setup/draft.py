"""From what the agents found to an objective with an origin for every value.

How that is written down as a file is `config.template`'s; whether it is right is the user's.
"""

from __future__ import annotations

from collections.abc import Mapping

from autosota.agents.domain import (
    ComputeKnob,
    Controls,
    Environment,
    MetricSource,
    Objective,
    Paper,
    Protocol,
)
from autosota.agents.init.plan import Plan
from autosota.agents.objective.goal import Goal
from autosota.server.config import Proposal
from autosota.server.config.values import toml_key


def drafted(plan: Plan, goal: Goal) -> Proposal:
    """The proposal of a repository whose plan and goal are known."""
    sources = {r.name: s for r in goal.sources if (s := r.as_source()) is not None}
    # what is added to the end of a command must reach the experiment, not a copy behind it
    reached = plan.knob is not None and " && cp " not in goal.command
    knob = ComputeKnob(plan.knob[0], plan.knob[1]) if plan.knob and reached else None
    objective = Objective(
        command=goal.command,
        evaluate=plan.evaluate.filled.command if plan.evaluate is not None else "",
        metric=goal.metric,
        select_on=goal.select_on or goal.metric,
        direction=goal.direction,
        paper=Paper(goal.paper.title, goal.paper.source, goal.paper.claims),
        metrics=sources,
        protocol=Protocol(
            evaluation=tuple(goal.evaluation), data=tuple(plan.data), labels=tuple(plan.labels)
        ),
        controls=Controls(compute_knob=knob),
        environment=Environment(
            requirements=plan.requirements.items,
            requirements_file=plan.requirements.file,
            caches=tuple(plan.caches),
        ),
    )
    origins = {
        "paper.title": goal.paper.title_where,
        "paper.source": goal.paper.source_where,
        "paper.claims[0]": goal.paper.claims[0].where if goal.paper.claims else "",
        "objective.command": _command(plan, goal),
        "objective.evaluate": plan.evaluate.where if plan.evaluate is not None else "",
        "objective.metric": goal.metric_where,
        "objective.select_on": goal.select_where,
        "objective.direction": "by the name of the metric" if goal.sources else "not found",
        "protocol.evaluation": _told(goal.evaluation),
        "protocol.data": _told(plan.data),
        "protocol.labels": _told(plan.labels),
        "controls.compute_knob": plan.knob[2] if plan.knob and reached else "",
        "environment.requirements": (
            "a file of the repository" if plan.requirements.file else plan.requirements.where
        ),
        "environment.caches": _told(plan.caches),
    }
    for reading in goal.sources:
        origins |= _metric(reading.where, sources.get(reading.name))
    return Proposal(objective, {k: v for k, v in origins.items() if v}, _remarks(plan, goal))


def _command(plan: Plan, goal: Goal) -> str:
    parts = [plan.chosen.candidate.where]
    if plan.filled.seed:
        parts.append(f"{{seed}}: {plan.filled.seed}")
    if plan.filled.output:
        parts.append(f"{{run_dir}}: {plan.filled.output}")
    return "; ".join([*parts, *goal.additions])


def _metric(where: str, source: MetricSource | None) -> dict[str, str]:
    if source is None:
        return {}
    table = f"metrics.{toml_key(source.name)}"
    return {
        f"{table}.from": where,
        f"{table}.key": where if source.key else "",
        f"{table}.pattern": "made from the printed text" if source.pattern else "",
        f"{table}.unit": "as it is shown" if source.unit else "",
    }


def _remarks(plan: Plan, goal: Goal) -> tuple[str, ...]:
    """Lines for the top of the file: why this command, and what else there was."""
    lines = [f"The command was chosen because: {'; '.join(plan.chosen.reasons)}."]
    if plan.others:
        lines.append("Other commands that were found:")
        lines += [f"- {o.typed} ({o.candidate.where})" for o in plan.others]
    if goal.others:
        listed = ", ".join(f"{r.name} ({r.where})" for r in goal.others[:8])
        lines.append(f"Other metrics that were found: {listed}")
    return tuple(lines)


def _told(found: Mapping[str, str]) -> str:
    return "; ".join(dict.fromkeys(list(found.values())[:3]))
