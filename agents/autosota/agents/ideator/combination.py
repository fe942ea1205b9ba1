"""Several ideas as one change: each implemented on what the one before made of the code.

Pure: which ideas are worth combining is the scheduler's decision. Ideas are found by
structure, so most of them stack; two that move the same number do not.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence

from autosota.agents.code.tree import PatchedTree
from autosota.agents.domain import Anchor, Granularity, Hypothesis, Level
from autosota.agents.ideator.draft import Implementation, NotApplicable
from autosota.agents.ideator.levers import pull
from autosota.agents.ideator.tuning import TUNE, turn
from autosota.agents.ideator.with_model.edits import MODEL, rewrite
from autosota.agents.protocols import Tree

COMBINE = "combine"
"""The transformation of a combination; its argument `ideas` lists the parts' ids."""

_DEPTH = (Granularity.PARAM, Granularity.CODE, Granularity.ALGO)
_LEVELS = (Level.LOW, Level.MEDIUM, Level.HIGH)
_EMPTY: Mapping[str, Hypothesis] = {}


def combination(ideas: Sequence[Hypothesis]) -> Hypothesis:
    """The idea to make all of these changes together, in this order.

    A part that is a combination itself is replaced by its parts. The identifier does not
    depend on the order of the parts.

    Raises:
        ValueError: fewer than two ideas.
    """
    if len(ideas) < 2:
        raise ValueError(f"a combination needs two ideas or more, not {len(ideas)}")
    parts = list(dict.fromkeys(id_ for idea in ideas for id_ in part_ids(idea)))
    digest = hashlib.sha256("\n".join(sorted(parts)).encode()).hexdigest()
    refused = [idea for idea in ideas if not idea.admissible]
    return Hypothesis(
        id=f"{COMBINE}-{digest[:8]}",
        title=" + ".join(idea.title for idea in ideas),
        granularity=max((idea.granularity for idea in ideas), key=_DEPTH.index),
        transformation=COMBINE,
        place=ideas[0].place,
        symbol=ideas[0].symbol,
        reason="each of them was kept on its own; together they may add up",
        paper="; ".join(dict.fromkeys(idea.paper for idea in ideas if idea.paper)),
        expected="at most the sum of its parts",
        priority=max((idea.priority for idea in ideas), key=_LEVELS.index),
        risk=max((idea.risk for idea in ideas), key=_LEVELS.index),
        assumptions=tuple(dict.fromkeys(a for idea in ideas for a in idea.assumptions)),
        admissible=not refused,
        admissible_reason=refused[0].admissible_reason if refused else "",
        provenance="combination",
        family="combination",
        cost=math.prod(idea.cost for idea in ideas),
        arguments={"ideas": " ".join(parts)},
    )


def part_ids(idea: Hypothesis) -> list[str]:
    """The ids of a combination's parts; of any other idea, its own."""
    return str(idea.arguments["ideas"]).split() if idea.transformation == COMBINE else [idea.id]


def combine(
    ideas: Sequence[Hypothesis], tree: Tree, library: Mapping[str, Hypothesis] = _EMPTY
) -> Implementation:
    """Implement ideas one after the other: one set of changes, the anchors of all.

    Raises:
        NotApplicable: an idea is not applicable, or does not go together with the ones before
            it; the message names it.
    """
    changes: dict[str, bytes] = {}
    anchors: list[Anchor] = []
    done: list[str] = []
    parts = [part for idea in ideas for part in _unfolded(idea, library)]
    for idea in parts:
        try:
            step = implement_one(idea, PatchedTree(tree, changes))
        except NotApplicable as error:
            if len(parts) == 1:
                raise
            others = f" after {', '.join(done)}" if done else ""
            raise NotApplicable(f"{idea.id} cannot be combined{others}: {error.reason}") from error
        changes.update(step.changes)
        anchors += step.anchors
        done.append(idea.id)
    known = set(tree.files())
    real = {p: c for p, c in changes.items() if p not in known or tree.read(p) != c}
    if not real:
        raise NotApplicable("these ideas undo each other: nothing would change")
    return Implementation(real, tuple(dict.fromkeys(anchors)))


def implement_one(idea: Hypothesis, tree: Tree) -> Implementation:
    """Carry out an idea that has no parts.

    Raises:
        NotApplicable: it cannot be carried out in this tree.
    """
    if idea.transformation == MODEL:
        return rewrite(idea, tree)
    return turn(idea, tree) if idea.transformation == TUNE else pull(idea, tree)


def _unfolded(idea: Hypothesis, library: Mapping[str, Hypothesis]) -> Iterator[Hypothesis]:
    if idea.transformation != COMBINE:
        yield idea
        return
    if not idea.admissible:
        raise NotApplicable(f"not admissible: {idea.admissible_reason}")
    for id_ in part_ids(idea):
        part = library.get(id_)
        if part is None or part.transformation == COMBINE:
            raise NotApplicable(f"{idea.id}: its part {id_!r} is not an idea of the library")
        yield part
