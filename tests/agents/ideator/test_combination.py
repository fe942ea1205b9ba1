from __future__ import annotations

from dataclasses import replace

import pytest

from autosota.agents.code.tree import MemoryTree
from autosota.agents.domain import Granularity, Level
from autosota.agents.ideator import NotApplicable, implement
from autosota.agents.ideator.combination import combination, combine


@pytest.fixture
def ideas(bench, sample):
    """The first idea of each transformation of a sample, by name."""
    return {i.transformation: i for i in reversed(bench.ideas(sample("convnet")))}


def test_ideas_are_implemented_one_on_the_other(bench, sample, ideas):
    tree = bench.tree(sample("convnet"))
    parts = [ideas["label-smoothing"], ideas["cosine-schedule"]]
    first = implement(parts[0], tree)
    second = implement(parts[1], MemoryTree(first.changes))
    together = combine(parts, tree)
    assert together.changes == second.changes
    assert together.anchors == (*first.anchors, *second.anchors)


def test_a_combination_is_an_idea_like_others(bench, sample, ideas):
    tree = bench.tree(sample("convnet"))
    parts = [ideas["epochs"], replace(ideas["batch-norm"], risk=Level.HIGH)]
    idea = combination(parts)
    assert idea.title == f"{parts[0].title} + {parts[1].title}"
    assert (idea.granularity, idea.family) == (Granularity.CODE, "combination")
    assert (idea.provenance, idea.cost, idea.risk) == ("combination", 1.5, Level.HIGH)
    assert idea.arguments == {"ideas": f"{parts[0].id} {parts[1].id}"}
    library = {part.id: part for part in parts}
    assert implement(idea, tree, library) == combine(parts, tree)
    assert combination(parts[::-1]).id == idea.id
    assert combination([parts[0], ideas["epochs"], ideas["dropout"]]).id != idea.id


def test_the_granularity_is_the_deepest(ideas):
    params = [i for i in ideas.values() if i.granularity is Granularity.PARAM][:2]
    assert combination(params).granularity is Granularity.PARAM
    deep = replace(params[0], granularity=Granularity.ALGO)
    assert combination([deep, *params]).granularity is Granularity.ALGO


def test_combinations_of_combinations_are_flat(bench, sample, ideas):
    parts = [ideas[n] for n in ("label-smoothing", "cosine-schedule", "clip-gradients")]
    idea = combination([combination(parts[:2]), parts[2]])
    assert idea.arguments["ideas"] == " ".join(part.id for part in parts)
    library = {part.id: part for part in parts}
    tree = bench.tree(sample("convnet"))
    assert implement(idea, tree, library).changes == combine(parts, tree).changes


def test_an_idea_that_does_not_go_with_the_others_is_named(bench, sample):
    up, down = [i for i in bench.ideas(sample("steps")) if i.transformation == "learning-rate"]
    tree = bench.tree(sample("steps"))
    with pytest.raises(NotApplicable, match=f"^{down.id} cannot be combined after {up.id}: .*lr"):
        combine([up, down], tree)


def test_ideas_that_undo_each_other_change_nothing(bench):
    code = "from sklearn.linear_model import Ridge\nm = Ridge(alpha=1.0)\n"
    raised = next(i for i in bench.ideas(code) if "1.0 → 10.0" in i.title)
    after = implement(raised, bench.tree(code)).changes["train.py"]
    lowered = next(i for i in bench.ideas(after) if "10.0 → 1.0" in i.title)
    with pytest.raises(NotApplicable, match="undo each other"):
        combine([raised, lowered], bench.tree(code))


def test_parts_must_be_in_the_library_and_admissible(bench, sample, ideas):
    tree = bench.tree(sample("convnet"))
    parts = [ideas["epochs"], ideas["batch-norm"]]
    with pytest.raises(NotApplicable, match=f"its part '{parts[0].id}' is not an idea"):
        implement(combination(parts), tree)
    refused = replace(parts[1], admissible=False, admissible_reason="R2: no")
    idea = combination([parts[0], refused])
    assert (idea.admissible, idea.admissible_reason) == (False, "R2: no")
    with pytest.raises(NotApplicable, match="not admissible: R2: no"):
        implement(idea, tree, {part.id: part for part in parts})
    with pytest.raises(ValueError, match="two ideas or more, not 1"):
        combination(parts[:1])
