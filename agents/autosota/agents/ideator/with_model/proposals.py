"""From a model's answer to ideas of the library: read, gated, named, and refused with a reason."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autosota.agents.asking import Ask, Tool, ToolRefused
from autosota.agents.domain import Boundary, Granularity, Hypothesis, Level, Objective, Place
from autosota.agents.ideator.draft import Implementation, NotApplicable
from autosota.agents.ideator.with_model import prompts
from autosota.agents.ideator.with_model.answers import IdeaAnswer, IdeasAnswer
from autosota.agents.ideator.with_model.context import (
    Known,
    code_block,
    looked_up,
    paper_block,
    results_block,
    task_block,
)
from autosota.agents.ideator.with_model.edits import MODEL, carried_out, packed, target_of
from autosota.agents.ideator.with_model.gates import Gates
from autosota.agents.ideator.with_model.quoting import one_line, quoted
from autosota.agents.protocols import Tree

ROLE = "ideator"
COUNT = 6
"""Ideas that one session asks for, beside those of the catalogue."""

MOST_IDEAS = 20
MOST_COST = 10.0


@dataclass(frozen=True, slots=True)
class Proposed:
    """One idea of an answer. Without an implementation it cannot be offered; `problem` says why."""

    idea: Hypothesis
    made: Implementation | None
    problem: str = ""


def question(
    tree: Tree,
    objective: Objective,
    boundary: Boundary,
    known: Sequence[Known] = (),
    wishes: Sequence[str] = (),
    *,
    count: int = COUNT,
    fresh: bool = False,
) -> Ask:
    """What the ideator is asked for this code."""
    gates = Gates(tree, objective, boundary)

    def look(arguments: Mapping[str, str]) -> str:
        shown = looked_up(gates, arguments)
        if not shown:
            raise ToolRefused("there is no such open symbol; evaluation and data are closed")
        return shown

    asked = prompts.QUESTION.format(count=count)
    return Ask(
        role=ROLE,
        instructions=prompts.INSTRUCTIONS,
        material=(task_block(objective, boundary), paper_block(tree, objective), code_block(gates)),
        question=f"{results_block(known, wishes)}\n\n{asked}",
        answer=IdeasAnswer,
        tools=(Tool("look", prompts.LOOK, prompts.LOOK_SCHEMA, look),),
        fresh=fresh,
    )


def repair(ask: Ask, failed: Sequence[Proposed]) -> Ask:
    """The one question for edits that did not work."""
    lines = "\n".join(f"- {p.idea.title}: {one_line(p.problem)}" for p in failed)
    problems = quoted("problems", "edits", lines)
    return Ask(
        role=ask.role,
        instructions=ask.instructions,
        material=ask.material,
        question=prompts.REPAIR.format(problems=problems),
        answer=ask.answer,
        tools=ask.tools,
        fresh=ask.fresh,
    )


def read(
    answer: IdeasAnswer, tree: Tree, objective: Objective, boundary: Boundary
) -> list[Proposed]:
    """The ideas of an answer, each carried out in the tree or with the reason why it cannot be."""
    gates = Gates(tree, objective, boundary)
    found: dict[str, Proposed] = {}
    for idea in answer.ideas[:MOST_IDEAS]:
        made: Implementation | None = None
        problem = ""
        try:
            gates.check(idea.edits)
            made = carried_out(idea.edits, idea.imports, tree)
        except NotApplicable as refusal:
            problem = refusal.reason
        hypothesis = _hypothesis(idea, gates, problem)
        found.setdefault(hypothesis.id, Proposed(hypothesis, made, problem))
    return list(found.values())


def _hypothesis(idea: IdeaAnswer, gates: Gates, problem: str) -> Hypothesis:
    edits = packed(idea.edits, idea.imports)
    title = one_line(idea.title, 120) or "An idea without a title"
    digest = hashlib.sha256(edits.encode("utf-8", "replace")).hexdigest()[:8]
    slug = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:40]
    first = idea.edits[0] if idea.edits else None
    path = first.path if first is not None and first.path in gates.project.paths else ""
    place, symbol = None, ""
    module = gates.project.module(path) if path else None
    if module is not None and first is not None:
        target = target_of(module, first.symbol)
        symbol = first.symbol if target is not None else ""
        place = module.source.place(target.node if target is not None else module.source.root)
    cost = idea.cost if math.isfinite(idea.cost) and idea.cost > 0 else 1.0
    cost = min(max(cost, 0.1), MOST_COST)
    assumptions = tuple(one_line(text) for text in idea.assumptions[:6])
    if cost > 1.1:
        assumptions += (f"a run takes about {cost:g} times as long",)
    return Hypothesis(
        id=f"{MODEL}-{slug or 'idea'}-{digest}",
        title=title,
        granularity=Granularity(idea.granularity),
        transformation=MODEL,
        place=place or _nowhere(gates),
        symbol=symbol,
        reason=one_line(idea.reason, 600),
        paper=one_line(idea.evidence) or "none named",
        expected=one_line(idea.expected),
        priority=Level(idea.priority),
        risk=Level(idea.risk),
        assumptions=assumptions,
        admissible=not problem,
        admissible_reason=one_line(problem),
        provenance=MODEL,
        family=re.sub(r"[^a-z0-9]+", "-", idea.family.lower()).strip("-")[:30] or MODEL,
        cost=cost,
        arguments={"edits": edits},
    )


def _nowhere(gates: Gates) -> Place:
    """The start of the experiment, for an idea whose place is not there."""
    paths = gates.scope.entries or [p for p in gates.project.paths if p.endswith(".py")] or ["?"]
    return Place(paths[0], 1)
