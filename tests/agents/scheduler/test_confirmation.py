"""The claim: what may be called confirmed, and the controls that can take it away again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autosota.agents.domain import (
    BASELINE,
    Budget,
    CampaignVerdict,
    ComputeKnob,
    Controls,
    Direction,
    Fate,
    Guard,
    Objective,
    Outcome,
    Paper,
    PaperClaim,
    Purpose,
    RowsControl,
    Transfer,
    Variant,
)
from autosota.agents.scheduler import actions, claims, controls, matching, resampling
from autosota.agents.scheduler import events as ev

PLAIN = Objective("train {seed}", "test", "val")
ROOM = Budget(evaluations=200, wall_seconds=1e6)


def executed(simulated, purpose):
    return [a for a in simulated.log if isinstance(a, actions.Execute) and a.purpose is purpose]


# ------------------------------------------------------------------ the paper's number


def paper(value, **more):
    claim = PaperClaim("test", value, "Table 2")
    return replace(PLAIN, paper=Paper(claims=(claim,), **more))


def test_a_baseline_far_below_the_paper_stops_and_says_by_how_much(world, make_idea):
    state = world([make_idea("good")], {"good": 0.05}, objective=paper(1.3)).play()
    assert state.finished.verdict is CampaignVerdict.NOT_REPRODUCED
    assert "the paper says 1.3 (Table 2)" in state.finished.reason
    assert "40% of it" in state.finished.reason
    assert not state.iterations


def test_the_tolerance_is_the_users(world, make_idea):
    objective = paper(1.3, tolerance=0.5)
    state = world([make_idea("good")], {"good": 0.05}, objective=objective).play()
    assert state.finished.verdict is CampaignVerdict.CONFIRMED


def test_a_percentage_is_recognised(world, make_idea):
    state = world([make_idea("good")], objective=paper(78.0)).play()
    assert "looks like a percentage" in state.finished.reason


def test_a_baseline_better_than_the_paper_goes_on(world, make_idea):
    state = world([make_idea("bad")], objective=paper(0.5)).play()
    assert state.finished.verdict is CampaignVerdict.NO_GAIN


def test_an_error_that_is_too_large_is_worse_when_minimised(world, make_idea):
    objective = replace(paper(0.5), direction=Direction.MINIMIZE)
    state = world([make_idea("x")], objective=objective).play()
    assert state.finished.verdict is CampaignVerdict.NOT_REPRODUCED


# ------------------------------------------------------------------ price, futility


def test_the_price_is_told_before_it_is_paid(world, make_idea):
    simulated = world([make_idea("good"), make_idea("b"), make_idea("c")], {"good": 0.03})
    state = simulated.play()
    plan = state.plan
    assert 0 < plan.effect < 0.05 and plan.sd == pytest.approx(0.0141, rel=0.5)
    assert 0.9 < plan.power <= 1.0
    assert 2 <= plan.pairs_needed <= 10
    assert plan.expected_seconds == pytest.approx(20.0)
    first = next(n for n, e in enumerate(simulated.events) if isinstance(e, ev.ConfirmationPlanned))
    assert all(
        e.purpose is not Purpose.CONFIRM
        for e in simulated.events[:first]
        if isinstance(e, ev.RunFinished)
    )


def test_a_gain_that_is_gone_on_fresh_seeds_is_given_up_half_way_unread(world, make_idea):
    # better on the search's seeds only: they are 0 to 4
    simulated = world(
        [make_idea("lucky")],
        extra=lambda a, name: {
            "val": 0.8
            + (0.05 if name == "lucky" and a.seed < 5 else 0.0)
            - (0.01 if name == "lucky" and a.seed >= 5 else 0.0)
            + 0.001 * (a.seed % 3)
        },
    )
    state = simulated.play()
    assert state.judged["lucky"].fate is Fate.PROVISIONAL
    assert state.finished.verdict is CampaignVerdict.NO_GAIN
    assert "the claim was not read" in state.finished.reason
    assert state.claim_reads == 0
    assert len(executed(simulated, Purpose.CONFIRM)) == len(state.plan.seeds)  # half of both sides


def test_one_lucky_seed_does_not_win(world, make_idea):
    def extra(action, name):
        jump = 5.0 if name == "lucky" and action.seed in (2, 7) else 0.0
        return {"val": 0.8 + jump, "test": 0.8 + jump} | (
            {"val": 0.8 + jump} if action.purpose is Purpose.SEARCH else {}
        )

    def noisy(action, name):
        found = extra(action, name)
        wiggle = 0.001 * ((action.seed * 7919) % 5 - 2)
        return {k: v + wiggle for k, v in found.items()}

    state = world([make_idea("lucky")], extra=noisy).play()
    assert state.finished.verdict is CampaignVerdict.NO_GAIN


# ------------------------------------------------------------------ awkward metrics


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
@pytest.mark.parametrize("direction", list(Direction))
def test_scale_and_direction_do_not_change_the_decision(world, make_idea, scale, direction):
    sign = direction.sign

    def scaled(action, name):
        import random

        stream = random.Random(f"{name}|{action.seed}|{action.purpose is Purpose.SEARCH}")
        base = 3.0 + sign * (0.5 if name == "good" else 0.0)
        found = {"val": scale * (base + stream.gauss(0, 0.05))}
        if action.purpose is not Purpose.SEARCH:
            found["test"] = scale * (base + stream.gauss(0, 0.05))
        return found

    objective = replace(PLAIN, direction=direction)
    state = world([make_idea("bad"), make_idea("good")], objective=objective, extra=scaled).play()
    assert state.finished.verdict is CampaignVerdict.CONFIRMED
    assert state.finished.best / scale == pytest.approx(3.0 + sign * 0.5, abs=0.1)


def test_a_saturated_metric_has_nothing_to_gain(world, make_idea):
    state = world(
        [make_idea("a"), make_idea("b")],
        extra=lambda a, _n: (
            {"val": 1.0, "loss": 0.1 * a.seed}
            | ({} if a.purpose is Purpose.SEARCH else {"test": 1.0})
        ),
    ).play()
    assert state.finished.verdict is CampaignVerdict.NO_GAIN
    assert any(
        "val is 1 with every seed, although other metrics vary" in n for n in state.baseline.notes
    )


def test_ties_are_no_gain(world, make_idea):
    state = world(
        [make_idea("tie")],
        extra=lambda a, _n: (
            {"val": 0.8 + 0.005 * (a.seed % 3)}
            | ({} if a.purpose is Purpose.SEARCH else {"test": 0.8 + 0.005 * (a.seed % 3)})
        ),
    ).play()
    assert state.judged["tie"].fate is Fate.NOISE
    assert state.finished.verdict is CampaignVerdict.NO_GAIN


def test_a_baseline_that_is_not_finite_is_not_reproduced(world, make_idea):
    state = world([make_idea("x")], outcome=lambda _a, _i: Outcome.METRIC_NOT_FINITE).play()
    assert state.finished.verdict is CampaignVerdict.NOT_REPRODUCED
    assert "metric_not_finite" in state.finished.reason


def test_an_idea_that_is_not_finite_fails(world, make_idea):
    state = world(
        [make_idea("nan")],
        outcome=lambda _a, i: Outcome.METRIC_NOT_FINITE if i == "nan" else Outcome.OK,
    ).play()
    assert state.judged["nan"].fate is Fate.FAILED


def fixed(action, name):
    """A deterministic program: the seed does nothing."""
    value = 0.9 if name == "good" else 0.8
    return {"val": value} | ({} if action.purpose is Purpose.SEARCH else {"test": value})


def test_no_noise_is_not_infinite_confidence(world, make_idea):
    simulated = world([make_idea("good")], extra=fixed)
    state = simulated.play()
    assert state.finished.verdict is CampaignVerdict.PROVISIONAL
    assert any("the seeds do nothing" in note for note in state.baseline.notes)
    assert any("autosota split" in note for note in state.baseline.notes)
    assert len(executed(simulated, Purpose.SEARCH)) == 2


def outcomes(gain):
    """Per-example outcomes of a deterministic program: `gain` of 400 examples come out better."""
    old = {f"e{i}": float(i >= 80) for i in range(400)}
    new = {f"e{i}": float(i >= 80 - gain) for i in range(400)}

    def compare(action):
        result, examples, why = resampling.compare_outcomes(
            "test", Direction.MAXIMIZE, [(old, new)] * 10, action.confidence
        )
        return ev.OutcomesCompared(action.patch, examples, result, why)

    return compare


def test_a_deterministic_program_is_confirmed_over_its_test_rows(world, make_idea):
    objective = replace(PLAIN, outcomes="{run_dir}/o.csv")
    simulated = world([make_idea("good")], objective=objective, extra=fixed, outcomes=outcomes(40))
    state = simulated.play()
    assert state.finished.verdict is CampaignVerdict.CONFIRMED
    assert not any("sampling of the test set" in cap for cap in state.finished.caps)


def test_a_gain_of_these_test_rows_only_stays_provisional(world, make_idea):
    objective = replace(PLAIN, outcomes="{run_dir}/o.csv")
    state = world(
        [make_idea("good")], {"good": 0.05}, objective=objective, outcomes=outcomes(2)
    ).play()
    assert state.finished.verdict is CampaignVerdict.PROVISIONAL
    assert "sampling of the test set" in state.finished.reason


# ------------------------------------------------------------------ controls


def test_the_default_controls_run_and_cap_what_is_missing(world, make_idea):
    simulated = world([make_idea("good")], {"good": 0.05}, budget=ROOM)
    state = simulated.play()
    assert state.finished.verdict is CampaignVerdict.CONFIRMED
    assert state.controls[claims.NULL].passed is True
    assert state.controls[claims.AGAIN].passed is True
    assert state.finished.caps == (
        "the interval covers training noise, not the sampling of the test set (no "
        "objective.outcomes)",
        "permuted labels control not run: no [controls] labels are declared",
        "shuffled inputs control not run: no [controls] inputs are declared",
    )
    # nothing of it before the claim was read
    order = [type(e).__name__ for e in simulated.events]
    assert order.index("ControlJudged") > order.index("ClaimRead")
    assert order.index("ConfirmationJudged") > len(order) - 1 - order[::-1].index("ControlJudged")


def test_controls_the_budget_has_no_room_for_are_said_not_to_have_run(world, make_idea):
    state = world(
        [make_idea("good")], {"good": 0.05}, budget=Budget(evaluations=30, wall_seconds=1e6)
    ).play()
    assert state.finished.verdict is CampaignVerdict.CONFIRMED
    assert state.finished.evaluations <= 30
    assert any(
        c.startswith("re-execution control not run: the budget") for c in state.finished.caps
    )


def test_a_null_patch_that_gains_takes_the_badge_away(world, make_idea):
    def drift(action, name):
        if action.variant.name == claims.NULL:
            return {"val": 0.86}
        return {}

    state = world([make_idea("good")], {"good": 0.05}, budget=ROOM, extra=drift).play()
    assert state.finished.verdict is CampaignVerdict.PROVISIONAL
    assert "null patch control failed" in state.finished.reason


LABELS = RowsControl("data/train.csv", "y")


@pytest.mark.parametrize("name", [claims.LABELS, claims.INPUTS])
@pytest.mark.parametrize("chance", [None, 0.1])
@pytest.mark.parametrize(("score", "verdict"), [(0.12, "confirmed"), (0.79, "provisional")])
def test_permuted_rows_must_fall(world, make_idea, name, chance, score, verdict):
    def extra(action, _name):
        if action.variant.permute is not None:
            return {"test": score, "val": score}
        return {}

    key = "labels" if name == claims.LABELS else "inputs"
    controls = Controls(**{key: LABELS}, chance=chance)
    objective = replace(PLAIN, controls=controls)
    simulated = world(
        [make_idea("good")], {"good": 0.05}, objective=objective, budget=ROOM, extra=extra
    )
    state = simulated.play()
    assert state.finished.verdict == verdict
    assert state.controls[name].passed is (verdict == "confirmed")
    permuted = [a for a in executed(simulated, Purpose.CONTROL) if a.variant.permute]
    assert {a.side for a in permuted} == {state.plan.patch} and len(permuted) == 2


def test_a_winner_that_cannot_be_repeated_is_not_confirmed(world, make_idea):
    def extra(action, _name):
        return {"test": 0.5} if action.variant.name == claims.AGAIN else {}

    state = world([make_idea("good")], {"good": 0.05}, budget=ROOM, extra=extra).play()
    assert state.finished.verdict is CampaignVerdict.PROVISIONAL
    assert "re-execution control failed" in state.finished.reason


# ------------------------------------------------------------------ equal compute


def longer(action, name):
    """Better only because it trains longer: the score follows the epochs."""
    import random

    epochs = 20.0
    if name == "longer":
        epochs = 40.0
    elif action.variant.arguments:
        epochs = float(action.variant.arguments.split()[1])
    stream = random.Random(f"{epochs}|{action.seed}|{action.purpose is Purpose.SEARCH}|{name}")
    value = 0.8 + 0.002 * epochs
    found = {"val": value + stream.gauss(0, 0.003)}
    if action.purpose is not Purpose.SEARCH:
        found["test"] = value + stream.gauss(0, 0.003)
    return found


KNOB = replace(PLAIN, controls=Controls(compute_knob=ComputeKnob("--epochs", "epochs")))


def seconds(name):
    return 2.0 if name == "longer" else 1.0


def test_a_gain_that_vanishes_at_equal_compute_is_said_to(world, make_idea):
    simulated = world(
        [make_idea("longer")], objective=KNOB, budget=ROOM, extra=longer, seconds=seconds, knob=20
    )
    state = simulated.play()
    assert state.finished.verdict is CampaignVerdict.PROVISIONAL
    assert "the gain vanishes at equal compute" in state.finished.reason
    assert state.finished.compute == pytest.approx(1.0)
    first, *matched = [a for a in executed(simulated, Purpose.CONTROL) if a.variant.arguments]
    assert first.variant == Variant(claims.CALIBRATION, "--epochs 80")
    assert {a.variant.arguments for a in matched} == {"--epochs 40"}
    assert {a.side for a in matched} == {BASELINE}
    assert len(matched) == len(state.plan.seeds)
    # both gains are there: over the baseline as it is, and over the one that got the compute
    assert state.finished.best - state.finished.baseline > 0.03
    assert state.finished.equal_compute == state.controls[claims.MATCHED].comparison
    assert abs(state.finished.equal_compute.difference) < 0.01
    assert [r.purpose for r in state.reads] == [Purpose.BASELINE, Purpose.CONFIRM, Purpose.CONFIRM]


def test_a_gain_that_holds_at_equal_compute_is_confirmed(world, make_idea):
    state = world(
        [make_idea("longer")],
        {"longer": 0.05},
        objective=KNOB,
        budget=ROOM,
        seconds=seconds,
        knob=20,
    ).play()
    assert state.controls[claims.MATCHED].passed is True
    assert state.finished.verdict is CampaignVerdict.CONFIRMED


def test_a_gain_of_which_little_is_left_at_equal_compute_is_not_confirmed(world, make_idea):
    def extra(action, name):
        found = longer(action, name)
        return {k: v + 0.01 * (name == "longer") for k, v in found.items()}

    state = world(
        [make_idea("longer")], objective=KNOB, budget=ROOM, extra=extra, seconds=seconds, knob=20
    ).play()
    judged = state.controls[claims.MATCHED]
    assert judged.comparison.low > 0  # there is something left: 0.01 of 0.05
    assert judged.passed is False
    assert state.finished.verdict is CampaignVerdict.PROVISIONAL
    assert state.finished.reason.startswith("most of the gain vanishes at equal compute: +0.0")


def matched_play(world, make_idea, effect=0.05, **more):
    simulated = world(
        [make_idea("longer")],
        {"longer": effect},
        objective=more.pop("objective", KNOB),
        budget=more.pop("budget", ROOM),
        seconds=seconds,
        knob=20,
        **more,
    )
    state = simulated.play()
    runs = [a for a in executed(simulated, Purpose.CONTROL) if a.variant.arguments]
    return state, [(a.variant.name, a.variant.arguments) for a in runs]


def test_start_up_is_not_what_the_knob_scales(world, make_idea):
    # nine tenths of a run are start-up: to take 2 s instead of 1 s it takes 11 times the epochs
    state, runs = matched_play(world, make_idea, scales=0.1)
    assert runs[0] == (claims.CALIBRATION, "--epochs 80")
    assert set(runs[1:]) == {(claims.MATCHED, "--epochs 220")}
    found = matching.calibration(state)
    assert (found.fixed, found.per_unit) == pytest.approx((0.9, 0.005))
    assert matching.spent(state) == pytest.approx((2.0, 2.0))
    judged = state.controls[claims.MATCHED]
    assert judged.passed is True
    assert "--epochs 220: 2 s of compute, the candidate's 2 s" in judged.reason
    assert state.finished.verdict is CampaignVerdict.CONFIRMED


def test_a_knob_that_does_not_change_the_time_is_no_match(world, make_idea):
    state, runs = matched_play(world, make_idea, scales=0.001)
    assert runs == [(claims.CALIBRATION, "--epochs 80"), (claims.FURTHER, "--epochs 320")]
    judged = state.controls[claims.MATCHED]
    assert judged.passed is None and "the knob does not change the time" in judged.reason
    assert state.finished.verdict is CampaignVerdict.PROVISIONAL
    assert state.finished.equal_compute is None


def test_a_cost_that_noise_hides_is_looked_for_at_a_larger_setting(world, make_idea):
    # four times the epochs are 1.5 % more time, sixteen times 7.5 %
    state, runs = matched_play(world, make_idea, scales=0.005)
    assert runs[:2] == [(claims.CALIBRATION, "--epochs 80"), (claims.FURTHER, "--epochs 320")]
    assert set(runs[2:]) == {(claims.MATCHED, "--epochs 4020")}
    assert matching.spent(state) == pytest.approx((2.0, 2.0))
    for name, arguments in set(runs):
        assert controls.variant_named(state, name) == Variant(name, arguments)


def test_a_setting_that_spends_too_little_is_corrected_once(world, make_idea):
    # what an epoch costs falls with their number: the calibration promises too much
    def bent(setting):
        return 1.0 + 0.25 * (setting - 20) / 60 if setting <= 80 else 1.25 + 0.002 * (setting - 80)

    state, runs = matched_play(world, make_idea, takes=bent)
    first = [r for r in runs if r[0] == claims.MATCHED]
    assert first == [(claims.MATCHED, "--epochs 260")] * matching.FIRST_LOOK  # 1.61 s of 2 s
    corrected = {r for r in runs if r[0] == claims.CORRECTED}
    assert corrected == {(claims.CORRECTED, "--epochs 414")}  # 1.92 s: within a tenth
    assert matching.variant_name(state) == claims.CORRECTED
    assert state.controls[claims.MATCHED].passed is True
    assert state.finished.verdict is CampaignVerdict.CONFIRMED
    # a run of each is found again from the receipts alone
    for name, arguments in set(runs):
        assert controls.variant_named(state, name) == Variant(name, arguments)


def test_what_cannot_be_matched_is_said_and_claims_nothing(world, make_idea):
    # whatever is asked for above 80, the baseline stops by itself
    state, runs = matched_play(world, make_idea, takes=lambda s: 1.0 + 0.005 * (min(s, 80) - 20))
    assert (claims.CORRECTED, "--epochs 687") in runs
    judged = state.controls[claims.MATCHED]
    assert judged.passed is None and judged.reason.startswith("not matched: the baseline with")
    assert "1.3 s of compute, the candidate's 2 s" in judged.reason
    assert state.finished.verdict is CampaignVerdict.PROVISIONAL
    assert state.finished.equal_compute is None


def test_the_calibration_stays_within_the_timeout(world, make_idea):
    objective = replace(KNOB, timeout_seconds=2.5)
    _, runs = matched_play(world, make_idea, objective=objective)
    assert runs[0] == (claims.CALIBRATION, "--epochs 40")
    _, runs = matched_play(world, make_idea, objective=replace(KNOB, timeout_seconds=1.5))
    assert runs == []


def test_the_price_holds_the_controls_and_the_calibration(world, make_idea):
    state, runs = matched_play(world, make_idea)
    controls_run = [r for r in state.runs if r.purpose is Purpose.CONTROL]
    assert state.plan.controls == len(controls_run) == 3 + len(runs)
    assert state.plan.control_seconds == pytest.approx(sum(r.wall_seconds for r in controls_run))
    plain = world([make_idea("good")], {"good": 0.05}, objective=KNOB, budget=ROOM, knob=20).play()
    assert plain.plan.controls == 3


def test_a_campaign_killed_while_it_matches_goes_on_to_the_same_end(world, make_idea):
    simulated = world(
        [make_idea("longer")],
        {"longer": 0.05},
        objective=KNOB,
        budget=ROOM,
        seconds=seconds,
        knob=20,
        scales=0.1,
    )
    whole = simulated.play()
    cuts = [n for n, e in enumerate(simulated.events) if getattr(e, "variant", "")]
    for cut in cuts:
        again = replace(simulated, events=simulated.events[:cut], log=[])
        assert again.play().finished == whole.finished


# ------------------------------------------------------------------ a claim that stands still


def still(action, _name):
    good = "good" in action.commit
    return {"test": 0.9 + 0.03 * good} if action.purpose is not Purpose.SEARCH else {}


def test_a_claim_that_no_seed_moves_is_warned_of_and_not_tested_to_the_end(world, make_idea):
    simulated = world([make_idea("good")], {"good": 0.05}, budget=ROOM, extra=still)
    state = simulated.play()
    (note,) = state.baseline.notes
    assert note.startswith("test is 0.9 with every seed, although val varies")
    assert state.plan.power is None and state.plan.pairs_needed is None
    assert "test did not vary over the baseline's seeds" in state.plan.note
    assert len(executed(simulated, Purpose.CONFIRM)) == 4
    assert state.confirmation.comparison.difference == pytest.approx(0.03)
    assert state.finished.verdict is CampaignVerdict.PROVISIONAL
    assert "objective.outcomes" in state.finished.reason
    assert "autosota split" in state.finished.reason
    assert state.claim_reads == 2


def test_a_claim_that_the_candidate_makes_vary_is_tested(world, make_idea):
    def extra(action, name):
        found = still(action, name)
        if found and "good" in action.commit:
            found["test"] += 0.001 * (action.seed % 5)
        return found

    state = world([make_idea("good")], {"good": 0.05}, budget=ROOM, extra=extra).play()
    assert state.finished.verdict is CampaignVerdict.CONFIRMED


def test_a_claim_that_is_too_coarse_to_move_names_the_remedy(world, make_idea):
    def extra(action, _name):
        return {"test": 0.9} if action.purpose is not Purpose.SEARCH else {}

    state = world([make_idea("good")], {"good": 0.05}, budget=ROOM, extra=extra).play()
    assert state.finished.verdict is CampaignVerdict.NO_GAIN
    assert state.finished.reason.startswith("test is the same on both sides, with every seed")
    assert "objective.outcomes" in state.finished.reason


def test_a_claim_that_stands_still_and_gets_worse_is_no_gain(world, make_idea):
    def extra(action, name):
        return {k: 1.8 - v for k, v in still(action, name).items()}

    state = world([make_idea("good")], {"good": 0.05}, budget=ROOM, extra=extra).play()
    assert state.finished.verdict is CampaignVerdict.NO_GAIN


@pytest.mark.parametrize("key", ["labels", "inputs"])
def test_a_permutation_that_changes_nothing_is_no_accusation(world, make_idea, key):
    def extra(action, _name):
        return (
            {"test": 0.9}
            if action.purpose is not Purpose.SEARCH and "good" in str(action.commit)
            else {}
        )

    objective = replace(PLAIN, controls=Controls(**{key: LABELS}))
    state = world(
        [make_idea("good")], {"good": 0.05}, objective=objective, budget=ROOM, extra=extra
    ).play()
    name = claims.LABELS if key == "labels" else claims.INPUTS
    assert state.controls[name].passed is None
    assert "it changed nothing" in state.controls[name].reason
    assert any(cap.startswith(f"{name} control not run") for cap in state.finished.caps)


def test_far_more_compute_without_a_knob_or_a_guard_ends_an_idea_in_search(world, make_idea):
    simulated = world([make_idea("longer")], budget=ROOM, extra=longer, seconds=seconds)
    state = simulated.play()
    assert state.judged["longer"].fate is Fate.GUARDED
    assert state.finished.verdict is CampaignVerdict.NO_GAIN
    assert "it takes +100% compute" in state.finished.reason
    assert "objective.guard.wall_seconds" in state.finished.reason
    assert len(executed(simulated, Purpose.SEARCH)) == 1


def test_more_compute_without_a_knob_or_a_guard_is_not_confirmed(world, make_idea):
    state = world(
        [make_idea("longer")],
        budget=ROOM,
        extra=longer,
        seconds=lambda name: 1.45 if name == "longer" else 1.0,
    ).play()
    assert state.finished.verdict is CampaignVerdict.PROVISIONAL
    assert "+45% compute" in state.finished.reason
    assert "controls.compute_knob" in state.finished.reason


def test_a_time_guard_that_is_missed_by_far_ends_an_idea_in_search(world, make_idea):
    objective = replace(PLAIN, guards=(Guard("wall_seconds", max_increase=0.2),))
    simulated = world(
        [make_idea("longer")], objective=objective, budget=ROOM, extra=longer, seconds=seconds
    )
    state = simulated.play()
    assert state.judged["longer"].fate is Fate.GUARDED
    assert "wall_seconds went from 1 to 2 (at most +20% allowed)" in state.judged["longer"].reason


def test_a_guard_of_the_user_allows_more_compute(world, make_idea):
    objective = replace(PLAIN, guards=(Guard("wall_seconds", max_increase=2.0),))
    state = world(
        [make_idea("longer")], objective=objective, budget=ROOM, extra=longer, seconds=seconds
    ).play()
    assert state.finished.verdict is CampaignVerdict.CONFIRMED
    assert state.finished.compute == pytest.approx(1.0)


# ------------------------------------------------------------------ other settings


def test_a_confirmed_gain_is_tried_in_the_other_settings(world, make_idea):
    def extra(action, name):
        if action.variant.name == "transfer small":
            return {"test": 0.5}
        return {}

    objective = replace(
        PLAIN, transfers=(Transfer("small", "--size 100"), Transfer("other", "--data other"))
    )
    simulated = world(
        [make_idea("good")], {"good": 0.05}, objective=objective, budget=ROOM, extra=extra
    )
    state = simulated.play()
    assert state.finished.verdict is CampaignVerdict.CONFIRMED
    assert state.transfers["small"].holds is False
    assert state.transfers["other"].holds is True
    runs = executed(simulated, Purpose.TRANSFER)
    assert {a.variant.arguments for a in runs} == {"--size 100", "--data other"}
    assert len(runs) == 20


def test_a_gain_that_was_not_confirmed_is_not_tried_elsewhere(world, make_idea):
    objective = replace(PLAIN, transfers=(Transfer("small", "--size 100"),))
    simulated = world([make_idea("bad")], objective=objective, budget=ROOM)
    simulated.play()
    assert not executed(simulated, Purpose.TRANSFER)


def test_runs_of_controls_stay_masked_until_the_claim_is_judged(world, make_idea):
    from autosota.agents.scheduler.state import fold

    simulated = world([make_idea("good")], {"good": 0.05}, budget=ROOM)
    state = simulated.play()
    assert state.claim_is_open(Purpose.CONTROL) and state.claim_is_open(Purpose.CONFIRM)
    judged = next(n for n, e in enumerate(simulated.events) if isinstance(e, ev.ConfirmationJudged))
    before = fold(simulated.events[:judged])
    assert any(r.purpose is Purpose.CONTROL for r in before.runs)
    assert not before.claim_is_open(Purpose.CONTROL)
    assert not before.claim_is_open(Purpose.TRANSFER)
