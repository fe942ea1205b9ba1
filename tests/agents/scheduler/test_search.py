"""The tree of attempts: leaps, honeymoons, rollback, combinations, tuning, early stop."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from autosota.agents.domain import (
    BASELINE,
    Budget,
    CampaignVerdict,
    Decision,
    Direction,
    Fate,
    Granularity,
    Guard,
    Objective,
    Outcome,
    Purpose,
)
from autosota.agents.scheduler import actions, search, select, spending, trial
from autosota.agents.scheduler import events as ev
from autosota.agents.scheduler.decide import next_action
from autosota.agents.scheduler.state import CampaignState, fold

PARAM, ALGO = Granularity.PARAM, Granularity.ALGO
ROOM = Budget(evaluations=400, wall_seconds=1e6)
PLAIN = Objective("train {seed}", "test", "val")


def params(make_idea, count):
    return [make_idea(f"p{n}", PARAM) for n in range(count)]


def kinds(simulated, kind):
    return [e for e in simulated.events if isinstance(e, kind)]


# ------------------------------------------------------------------ leaps


def test_a_leap_audits_three_candidates_before_one_of_them_runs(world, make_idea):
    ideas = [*params(make_idea, 3), *(make_idea(f"a{n}", ALGO) for n in range(4))]
    refused = {"a0": Decision.REJECTED}
    simulated = world(ideas, budget=ROOM, cleared=lambda i: refused.get(i, Decision.CLEARED))
    state = simulated.play()
    leap = state.leaps[0]
    assert leap.candidates == ("a0", "a1", "a2")
    assert leap.reason == "the last 3 ideas were all PARAM"
    start = simulated.events.index(leap)
    chosen = next(
        n for n, e in enumerate(simulated.events) if isinstance(e, ev.IdeaSelected) and e.leap
    )
    between = simulated.events[start:chosen]
    audited = [e.patch for e in between if isinstance(e, ev.PatchAudited)]
    assert [state.patches[p].hypothesis for p in audited] == ["a0", "a1", "a2"]
    assert not any(isinstance(e, ev.RunFinished) for e in between)
    assert state.judged["a0"].fate is Fate.REJECTED
    assert simulated.events[chosen].idea == "a1"
    assert "a0" not in [i.idea for i in state.iterations]


def test_a_leap_whose_candidates_are_all_refused_does_not_stop_the_search(world, make_idea):
    ideas = [*params(make_idea, 4), make_idea("a0", ALGO), make_idea("a1", ALGO)]
    simulated = world(
        ideas,
        budget=ROOM,
        cleared=lambda i: Decision.NEEDS_REVIEW if i[0] == "a" else Decision.CLEARED,
    )
    state = simulated.play()
    assert {state.judged[i].fate for i in ("a0", "a1")} == {Fate.REJECTED}
    assert "p3" in state.judged


def leaping(world, make_idea, effect, **more):
    """Three useless PARAM ideas, a structural one, and PARAM ideas that may go with it."""
    ideas = [*params(make_idea, 3), make_idea("leap", ALGO), *params(make_idea, 9)[3:]]
    return world(ideas, effect, budget=ROOM, sd=0.004, **more)


def test_a_leap_that_pays_later_is_kept_with_what_made_it_pay(world, make_idea):
    # the leap alone is worth nothing; with p4 on top of it the score rises
    def extra(action, _name):
        names = action.commit.split("+")
        return {"val": 0.9 + 0.001 * (action.seed % 3)} if {"leap", "p4"} <= set(names) else {}

    hurts = {f"p{n}": -0.05 for n in range(9)}
    simulated = leaping(world, make_idea, hurts, extra=extra)
    state = simulated.play()
    opened, closed = kinds(simulated, ev.HoneymoonOpened), kinds(simulated, ev.HoneymoonClosed)
    assert [h.idea for h in opened] == ["leap"] and opened[0].length == 5
    assert [(h.paid, h.idea) for h in closed] == [(True, "leap")]
    assert state.best.ideas[:2] == ("leap", "p4")
    judged = next(i for i in state.iterations if i.idea == "p4")
    assert judged.parent == "base+leap" and judged.reference == "base"


def test_a_honeymoon_without_gain_ends_after_five_at_the_optimum_before_it(world, make_idea):
    simulated = leaping(world, make_idea, {f"p{n}": -0.02 for n in range(9)})
    state = simulated.play()
    (opened,) = kinds(simulated, ev.HoneymoonOpened)
    (closed,) = kinds(simulated, ev.HoneymoonClosed)
    inside = simulated.events[simulated.events.index(opened) : simulated.events.index(closed)]
    assert sum(isinstance(e, ev.IdeaSelected) for e in inside) == 5
    assert (closed.paid, closed.commit) == (False, "base")
    after = fold(simulated.events[: simulated.events.index(closed) + 1])
    assert after.head == after.optimum == "base"
    # what was only tried on the lost branch may be tried on the optimum
    again = [i for i in state.iterations if i.idea == "p3"]
    assert {i.parent for i in again} == {"base+leap", "base"}


def test_a_leap_that_clearly_hurts_is_rolled_back_at_once(world, make_idea):
    simulated = leaping(world, make_idea, {"leap": -0.1})
    simulated.play()
    assert not kinds(simulated, ev.HoneymoonOpened)


# ------------------------------------------------------------------ combinations


LUCK = {
    "c0": (0.03, -0.01, -0.01, 0.02, 0.02),
    "c1": (-0.01, 0.03, 0.02, -0.01, 0.02),
    "c2": (0.02, 0.02, -0.01, 0.03, -0.01),
}
"""Gains by seed that are not beyond noise one by one; together every seed shows them."""


def test_promising_ideas_are_tried_together(world, make_idea):
    def extra(action, _name):
        names = action.commit.replace("&", "+").split("+")
        base = 0.8 + 0.01 * (action.seed % 3)
        gain = sum(LUCK[n][action.seed % 5] for n in names if n in LUCK)
        return {"val": base + gain - (0.2 if "d" in action.commit else 0.0)}

    ideas = [*(make_idea(f"d{n}") for n in range(3)), *(make_idea(n) for n in LUCK)]
    simulated = world(ideas, budget=ROOM, extra=extra)
    state = simulated.play()
    assert {state.judged[n].fate for n in LUCK} == {Fate.NOISE}
    (combined,) = [a for a in simulated.log if isinstance(a, actions.Combine)]
    assert combined.commit == "base" and set(combined.ideas) == set(LUCK)
    (made,) = [i for i in state.ideas.values() if i.provenance == "combination"]
    assert state.judged[made.id].fate is Fate.PROVISIONAL
    assert state.best.ideas == (made.id,)


def test_a_promising_idea_gets_a_second_look_with_more_seeds(world, make_idea):
    ideas = [make_idea("maybe"), *(make_idea(f"d{n}") for n in range(5))]
    effect = {"maybe": 0.017} | {f"d{n}": -0.1 for n in range(5)}
    looked = []
    for seed in range(12):
        simulated = world(ideas, effect, budget=ROOM, random_seed=seed)
        state = simulated.play()
        second = [i for i in state.iterations if i.pairs]
        assert len({(i.idea, i.parent) for i in second}) == len(second)
        looked += second
        if second and state.judged["maybe"].comparison.pairs > 5:
            more = state.more_seeds(5)
            # both sides ran on seeds that neither the search nor a confirmation has
            ran = {(r.commit, r.seed) for r in state.runs if r.seed in more}
            assert {c for c, _ in ran} >= {"base", "base+maybe"}
            assert not set(more) & set(range(1000))
    assert looked


def test_what_is_promising_is_positive_on_the_optimum_and_not_a_combination(world, make_idea):
    simulated = world([make_idea(f"i{n}") for n in range(12)], budget=ROOM, random_seed=3)
    state = simulated.play()
    for name in select.promising(state):
        result = state.judged[name].comparison
        assert result.difference > 0 and result.p_value <= select.PROMISING_P
    assert len(select.promising(state)) <= select.MOST_COMBINED


# ------------------------------------------------------------------ tuning


def test_the_tuner_gets_every_second_param_iteration_until_it_has_nothing_more(world, make_idea):
    class Tuned(world):
        def execute(self, state, action):
            if isinstance(action, actions.Tune):
                number = sum(len(v) for v in state.tuned.values())
                made = replace(make_idea(f"t{number}", PARAM), provenance="optuna")
                return ev.IdeasProposed(action.commit, (made,) if number < 3 else (), by="tuner")
            return super().execute(state, action)

    simulated = Tuned(params(make_idea, 6), budget=ROOM)
    state = simulated.play()
    order = [i.idea for i in state.iterations]
    assert order[:6] == ["p0", "t0", "p1", "t1", "p2", "t2"]
    assert {"p3", "p4", "p5"} <= set(order)
    assert state.tuning_over == {"base"}
    scores = search.search_scores(state, "base")
    assert scores[0] == (None, pytest.approx(state.baseline.mean))
    on_base = {i.idea for i in state.iterations if i.parent == "base"}
    assert {idea.id for idea, _ in scores[1:]} == on_base and len(scores) == 1 + len(on_base)


# ------------------------------------------------------------------ racing and repetitions


def test_seeds_are_spent_where_the_answer_is_open(world, make_idea):
    ideas = [make_idea("good"), *(make_idea(f"bad{n}") for n in range(6))]
    effect = {"good": 0.1} | {f"bad{n}": -0.1 for n in range(6)}
    simulated = world(ideas, effect, budget=ROOM)
    state = simulated.play()
    spent = {
        name: sum(
            r.side == state.patch_of_idea[name] for r in state.runs if r.purpose is Purpose.SEARCH
        )
        for name in effect
    }
    # three are enough to be sure of it, and one anchors it against drift
    assert spent["good"] == 4
    assert all(spent[f"bad{n}"] == 1 for n in range(6))


def test_a_reference_that_was_kept_early_is_run_on_the_seeds_it_lacks(world, make_idea):
    simulated = world(
        [make_idea("good"), make_idea("next")], {"good": 0.1, "next": 0.006}, budget=ROOM
    )
    state = simulated.play()
    for commit in state.looked_at:
        patch = trial.patch_of(state, commit)
        reference = patch.parent if patch.parent in state.looked_at else "base"
        for before, after in state.search_pairs(reference, commit):
            assert before.seed == after.seed


def test_a_crash_after_a_success_is_repeated_once(world, make_idea):
    crashed = []

    def outcome(action, name):
        if name == "flaky" and action.seed == 1 and action.attempt == 0:
            crashed.append(action)
            return Outcome.CRASHED
        return Outcome.OK

    state = world([make_idea("flaky")], {"flaky": 0.05}, outcome=outcome, budget=ROOM).play()
    assert len(crashed) == 1
    assert state.judged["flaky"].fate is Fate.PROVISIONAL
    assert state.finished.verdict is CampaignVerdict.CONFIRMED


def test_a_crash_on_the_first_seed_is_a_failure(world, make_idea):
    simulated = world(
        [make_idea("broken")],
        outcome=lambda a, n: Outcome.CRASHED if n == "broken" else Outcome.OK,
        budget=ROOM,
    )
    state = simulated.play()
    assert state.judged["broken"].fate is Fate.FAILED
    assert sum(r.purpose is Purpose.SEARCH for r in state.runs) == 1


def test_a_pruned_run_ends_the_idea(world, make_idea):
    state = world(
        [make_idea("slow")],
        outcome=lambda a, n: Outcome.PRUNED if n == "slow" else Outcome.OK,
        budget=ROOM,
    ).play()
    assert state.judged["slow"].fate is Fate.NOISE
    assert state.judged["slow"].reason.startswith("ended early")


# ------------------------------------------------------------------ early stop


@pytest.mark.parametrize("direction", list(Direction))
def test_the_search_stops_once_the_target_is_passed(world, make_idea, direction):
    sign = direction.sign
    ideas = [make_idea("good"), make_idea("never")]
    objective = replace(PLAIN, direction=direction, target=0.8 + sign * 0.03)
    state = world(ideas, {"good": sign * 0.1}, objective=objective, budget=ROOM).play()
    assert [i.idea for i in state.iterations] == ["good"]
    assert state.finished.verdict is CampaignVerdict.CONFIRMED


def test_the_number_of_iterations_can_be_limited(world, make_idea):
    state = world([make_idea(f"i{n}") for n in range(9)], budget=replace(ROOM, ideas=4)).play()
    assert len(state.iterations) == 4


# ------------------------------------------------------------------ replay


def busy(world, make_idea, seed):
    """A campaign that goes through every phase: leaps, keeps, ablation, controls, transfer."""
    from autosota.agents.domain import ComputeKnob, Controls, RowsControl, Transfer

    objective = replace(
        PLAIN,
        controls=Controls(
            labels=RowsControl("y.csv", "y"), compute_knob=ComputeKnob("--epochs", "epochs")
        ),
        transfers=(Transfer("small", "--size 10"),),
    )
    ideas = [*params(make_idea, 8), *(make_idea(f"a{n}", ALGO) for n in range(4))]
    effect = {"p1": 0.02, "a1": 0.03, "p5": 0.015}

    def extra(action, _name):
        return {"test": 0.1} if action.variant.permute is not None else {}

    return world(
        ideas,
        effect,
        objective=objective,
        budget=Budget(evaluations=300, wall_seconds=1e6),
        random_seed=seed,
        extra=extra,
        seconds=lambda name: 1.5 if name.startswith("a") else 1.0,
        knob=20.0,
    )


def test_a_campaign_resumed_at_any_event_takes_the_same_decision(world, make_idea):
    phases = set()
    for seed in range(6):
        simulated = busy(world, make_idea, seed)
        simulated.play()
        state = CampaignState()
        state.apply(simulated.events[0])
        for count, (action, event) in enumerate(
            zip(simulated.log, simulated.events[1:], strict=True), start=1
        ):
            phases.add(type(event).__name__)
            if count % 7 == seed:  # every event of each campaign would take a minute
                assert next_action(fold(simulated.events[:count])) == action
            assert next_action(state) == action
            assert next_action(state) == action  # asking changes nothing
            state.apply(event)
    assert phases >= {
        "LeapOpened",
        "BestMoved",
        "AblationPlanned",
        "PatchReduced",
        "PieceJudged",
        "ConfirmationPlanned",
        "ControlJudged",
        "ConfirmationJudged",
        "TransferJudged",
        "CampaignFinished",
    }


def test_every_campaign_ends_within_its_budget(world, make_idea):
    for seed in range(20):
        simulated = busy(world, make_idea, seed)
        simulated.budget = Budget(evaluations=35 + 13 * seed, wall_seconds=1e6)
        state = simulated.play()
        assert len(state.runs) <= simulated.budget.evaluations
        assert state.finished is not None


def test_a_reference_that_drifted_is_measured_again(world, make_idea):
    # the machine gets slower: every score falls by a little with each run
    class Drifting(world):
        def run(self, action):
            found = super().run(action)
            moved = {k: (v or 0.0) - 0.004 * len(self.log) ** 0.5 for k, v in found.metrics.items()}
            return replace(found, metrics=moved)

    ideas = [*(make_idea(f"none{n}") for n in range(12)), make_idea("good")]
    simulated = Drifting(ideas, {"good": 0.03}, budget=ROOM, sd=0.008)
    state = simulated.play()
    again = [r for r in state.runs if r.purpose is Purpose.SEARCH and r.side == "baseline"]
    assert len({r.seed for r in again}) > 1  # not the anchor alone
    assert len({r.run_id for r in state.runs}) <= len(state.runs)
    assert state.judged["good"].fate is Fate.PROVISIONAL


def test_a_steady_reference_is_anchored_ever_more_seldom(world, make_idea):
    simulated = world([make_idea(f"i{n}") for n in range(30)], budget=ROOM)
    state = simulated.play()
    places = [
        n
        for n, r in enumerate(state.runs)
        if r.side == "baseline" and r.seed == 0 and r.purpose is Purpose.SEARCH
    ]
    waits = [b - a for a, b in itertools.pairwise(places)]
    assert places and waits == sorted(waits)
    assert len(places) <= 5


def test_where_nothing_was_kept_the_most_promising_idea_is_confirmed(world, make_idea):
    hoped = 0
    for seed in range(30):
        tight = Budget(evaluations=50, wall_seconds=1e6)  # no room for a second look
        ideas = [*(make_idea(f"bad{n}") for n in range(12)), make_idea("some")]
        effect = {"some": 0.014} | {f"bad{n}": -0.1 for n in range(12)}
        simulated = world(ideas, effect, budget=tight, random_seed=seed)
        state = simulated.play()
        judged = state.judged.get("some")
        if judged is not None and judged.fate is Fate.NOISE and state.plan is not None:
            hoped += 1
            assert state.best.ideas == ("some",)
    assert hoped


def test_what_an_earlier_campaign_refuted_is_not_tried_again(world, make_idea):
    class Second(world):
        def start(self):
            return replace(super().start(), refuted=("lucky",), prior_confirmations=1)

    state = Second([make_idea("lucky"), make_idea("other")], {"lucky": 0.1}, budget=ROOM).play()
    assert "lucky" not in [i.idea for i in state.iterations]
    assert "did not hold" in state.refused["lucky"]


def test_tunings_that_are_refused_do_not_go_on_for_ever(world, make_idea):
    class Refused(world):
        def execute(self, state, action):
            if isinstance(action, actions.Tune):
                number = sum(len(v) for v in state.tuned.values())
                return ev.IdeasProposed(
                    action.commit, (make_idea(f"t{number}", PARAM),), by="tuner"
                )
            return super().execute(state, action)

    simulated = Refused(
        params(make_idea, 2),
        budget=ROOM,
        cleared=lambda i: Decision.NEEDS_REVIEW if i[0] == "t" else Decision.CLEARED,
    )
    state = simulated.play()
    assert len(state.tuned["base"]) == search.REFUSED_TUNINGS


# ------------------------------------------------------------------ what ends early


def runs_at(simulated, name):
    return [a for a in simulated.log if isinstance(a, actions.Execute) and name in a.commit]


def test_a_change_that_changes_nothing_gets_two_pairs(world, make_idea):
    simulated = world([make_idea("null-op"), make_idea("other")], budget=ROOM)
    real = simulated.run

    def run(action):  # the no-op's code is the baseline's
        found = real(replace(action, commit="base") if "null-op" in action.commit else action)
        return replace(found, commit=action.commit)

    simulated.run = run
    state = simulated.play()
    assert len(runs_at(simulated, "null-op")) == trial.SAME_PAIRS
    assert state.judged["null-op"].fate is Fate.NOISE
    assert state.judged["null-op"].reason == (
        "changed nothing: 2 pairs are the same to the last digit"
    )
    assert "changed nothing" not in state.judged["other"].reason


def test_a_search_metric_that_ties_while_another_moves_is_no_no_op(world, make_idea):
    def extra(action, name):
        return {"val": 0.8 + 0.001 * action.seed, "loss": 1.0 + (name == "a")}

    simulated = world([make_idea("a")], budget=ROOM, extra=extra)
    state = simulated.play()
    assert "changed nothing" not in state.judged["a"].reason


def test_a_run_that_takes_ten_times_the_baselines_is_stopped_and_fails(world, make_idea):
    simulated = world(
        [make_idea("slow"), make_idea("good")],
        {"good": 0.05},
        budget=ROOM,
        seconds=lambda name: 3.0,
        outcome=lambda a, n: Outcome.TOO_SLOW if n == "slow" else Outcome.OK,
    )
    state = simulated.play()
    (only,) = runs_at(simulated, "slow")
    assert only.limit.seconds == 30.0
    assert only.limit.reason == (
        "stopped after 30 s, 10 times the baseline's (a run of it takes 3 s)"
    )
    assert state.judged["slow"].fate is Fate.FAILED
    assert state.judged["slow"].reason.startswith("too slow")
    assert state.finished.verdict is CampaignVerdict.CONFIRMED
    baselines = [a for a in simulated.log if isinstance(a, actions.Execute) and a.side == BASELINE]
    assert all(a.limit is None for a in baselines)


def test_the_limit_never_ends_what_a_guard_of_the_user_allows(world, make_idea):
    objective = replace(PLAIN, guards=(Guard("wall_seconds", max_increase=20.0),))
    simulated = world(
        [make_idea("slow")], objective=objective, budget=ROOM, seconds=lambda name: 3.0
    )
    simulated.play()
    assert {a.limit.seconds for a in runs_at(simulated, "slow")} == {3.0 + 2 * 60.0}


def test_short_runs_have_a_floor(world, make_idea):
    simulated = world([make_idea("a")], budget=ROOM, seconds=lambda name: 0.1)
    simulated.play()
    assert {a.limit.seconds for a in runs_at(simulated, "+a")} == {spending.SLOW_SECONDS}


def test_ideas_whose_code_a_keep_replaced_are_not_chosen_any_more(world, make_idea):
    ideas = [make_idea("good"), make_idea("stale", ALGO), make_idea("fresh", ALGO)]
    simulated = world(
        ideas,
        {"good": 0.05},
        budget=ROOM,
        superseded=lambda commit: ("stale",) if "good" in commit else (),
    )
    state = simulated.play()
    assert state.superseded["base+good"] == {"stale"}
    on_good = [i.idea for i in state.iterations if "good" in i.parent]
    assert "fresh" in on_good and "stale" not in on_good
    assert all("stale" not in leap.candidates for leap in state.leaps if "good" in leap.parent)


def test_where_nothing_could_be_tried_the_budget_that_would_do_is_named(world, make_idea):
    budget = Budget(evaluations=9, wall_seconds=1e6)
    state = world([make_idea("good")], {"good": 0.05}, budget=budget).play()
    assert state.finished.reason == (
        "Nothing was tried: 9 evaluations allow the baseline only (5 runs); "
        "set budget.evaluations to at least 25"
    )
    enough = replace(budget, evaluations=25)
    state = world([make_idea("good")], {"good": 0.1}, budget=enough).play()
    assert state.tried == ["good"] and state.finished.verdict is CampaignVerdict.CONFIRMED
    short = Budget(evaluations=100, wall_seconds=8)
    state = world([make_idea("good")], {"good": 0.05}, budget=short).play()
    assert state.finished.reason.startswith("Nothing was tried: 8 s allow the baseline only")
    assert 'set budget.wall to at least "25s"' in state.finished.reason
