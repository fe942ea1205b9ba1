from __future__ import annotations

from dataclasses import replace

from autosota.agents.domain import Level
from autosota.agents.ideator.library import merge
from autosota.agents.ideator.ranking import Candidate, rank


def test_what_the_library_holds_is_not_added_again(bench, sample):
    ideas = bench.ideas(sample("steps"))
    assert merge([], ideas) == ideas
    assert merge(ideas, ideas) == []
    assert merge(ideas[3:], ideas) == ideas[:3]


def test_an_idea_is_known_by_its_content_not_by_its_words(bench, sample):
    idea = bench.ideas(sample("steps"))[0]
    reworded = replace(idea, id="from-a-model", title="Same thing", provenance="model")
    assert merge([idea], [reworded]) == []
    elsewhere = replace(reworded, symbol="other")
    assert merge([idea], [elsewhere]) == [elsewhere]


def test_an_idea_is_not_tried_twice_on_the_same_parent(bench, sample):
    ideas = bench.ideas(sample("steps"))
    tried = [(ideas[0].id, "c0ffee")]
    assert merge([], ideas, tried, "c0ffee") == ideas[1:]
    assert merge([], ideas, tried, "beef") == ideas


def test_the_best_comes_first_and_one_knob_does_not_fill_the_top():
    knobs = [Candidate(f"lr{i}", "lr", "rate", 0.5) for i in range(5)]
    others = [Candidate("norm", "norm", "layers", 0.45), Candidate("slow", "slow", "x", 0.1)]
    order = rank([*knobs, *others])
    assert [id_ for id_, _ in order][:3] == ["lr0", "norm", "lr1"]
    assert order[0][1] is Level.HIGH
    assert order[-1][1] is Level.LOW
    assert rank([*others, *knobs[::-1]]) == order


def test_ideas_of_one_family_take_turns_with_others():
    family = [Candidate(n, n, "schedule", 0.5) for n in ("cosine", "one-cycle", "warm-up")]
    order = rank([*family, Candidate("norm", "norm", "layers", 0.4)])
    assert [id_ for id_, _ in order] == ["cosine", "norm", "one-cycle", "warm-up"]


def test_an_empty_library_is_fine():
    assert rank([]) == []
    assert merge([], []) == []
