from __future__ import annotations

from autosota.agents.domain import BASELINE, Budget, CampaignVerdict, Decision, Outcome, Purpose
from autosota.agents.scheduler import ablation
from autosota.agents.scheduler import events as ev

ROOM = Budget(evaluations=300, wall_seconds=1e6)


def stacked(world, make_idea, **more):
    """A kept patch of one good idea, and one that only rode along with it."""

    def extra(action, _name):
        flat = action.commit.split("+")
        value = 0.8 + (0.05 + 0.002 * (action.seed % 4) if "good" in flat else 0.0)
        # "rider" looked better on the search's seeds beside nothing at all, and is worth nothing
        alone = "rider" in flat and "good" not in flat
        value += 0.03 if alone and action.purpose is Purpose.SEARCH else 0.0
        found = {"val": value + 0.001 * ((action.seed * 5) % 3)}
        if action.purpose is not Purpose.SEARCH:
            found["test"] = found["val"]
        return found

    ideas = [make_idea("rider"), make_idea("good")]
    return world(ideas, budget=ROOM, extra=extra, **more)


def test_the_confirmed_patch_is_the_smallest_that_keeps_the_gain(world, make_idea):
    simulated = stacked(world, make_idea)
    state = simulated.play()
    assert state.ablation is not None and len(state.ablation.pieces) == 2
    judged = {p.title: state.pieces[p.id] for p in state.ablation.pieces}
    assert judged["rider"].needed is False and judged["good"].needed is True
    assert state.plan.commit == state.best.commit != state.ablation.commit
    assert "rider" not in simulated.ideas_in(state.best.commit)
    assert state.best.ideas == ("rider", "good")
    assert state.finished.verdict is CampaignVerdict.CONFIRMED
    confirmed = {r.commit for r in state.runs if r.purpose is Purpose.CONFIRM}
    assert confirmed == {"base", state.best.commit}
    dropped = state.pieces["h0"].comparison
    assert dropped.difference == 0


def test_what_every_piece_carries_is_measured(world, make_idea):
    effect = {"a": 0.05, "b": 0.02}
    state = world([make_idea("a"), make_idea("b")], effect, sd=0.002, budget=ROOM).play()
    carried = {p.title: state.pieces[p.id].comparison for p in state.ablation.pieces}
    assert abs(carried["a"].difference - 0.05) < 0.005
    assert abs(carried["b"].difference - 0.02) < 0.005
    assert carried["a"].low > 0 and carried["b"].low > 0
    assert all(judged.needed for judged in state.pieces.values())
    assert state.best.commit == state.ablation.commit


def test_a_piece_without_which_the_patch_does_not_run_stays(world, make_idea):
    def outcome(action, _name):
        crashed = action.commit.startswith("base~") and "a" not in action.commit.split("+")
        return Outcome.CRASHED if crashed else Outcome.OK

    state = world(
        [make_idea("a"), make_idea("b")], {"a": 0.05, "b": 0.05}, budget=ROOM, outcome=outcome
    ).play()
    assert state.pieces["h0"].needed is True
    assert "does not run" in state.pieces["h0"].reason


def test_a_reduced_patch_is_audited_like_any_other(world, make_idea):
    simulated = stacked(
        world,
        make_idea,
        cleared=lambda name: Decision.CLEARED,
    )
    reduced = []
    original = simulated.execute

    def execute(state, action):
        event = original(state, action)
        if isinstance(event, ev.PatchReduced):
            reduced.append(event.patch.id)
        if isinstance(event, ev.PatchAudited) and event.patch in reduced:
            from autosota.agents.domain import Verdict

            return ev.PatchAudited(event.patch, Verdict(Decision.NEEDS_REVIEW))
        return event

    simulated.execute = execute
    state = simulated.play()
    assert reduced and all(j.needed for j in state.pieces.values())
    assert not any(r.side in reduced for r in state.runs)


def test_without_room_nothing_is_taken_apart(world, make_idea):
    state = world(
        [make_idea("a"), make_idea("b")],
        {"a": 0.05, "b": 0.05},
        budget=Budget(evaluations=35, wall_seconds=1e6),
    ).play()
    assert state.ablation is None
    assert state.ablation_skipped.startswith("the budget left no room: a piece takes 10")
    assert state.finished.verdict is CampaignVerdict.CONFIRMED


def test_an_ablation_reads_no_claim(world, make_idea):
    simulated = stacked(world, make_idea)
    state = simulated.play()
    sides = {r.patch.id for r in state.reduced.values()}
    runs = [r for r in state.runs if r.side in sides and r.purpose is Purpose.SEARCH]
    assert runs and all(r.side != BASELINE for r in runs)
    assert state.claim_reads == 2
    assert ablation.kept_patch(state).commit == state.best.commit
