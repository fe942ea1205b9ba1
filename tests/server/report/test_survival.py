"""What a person reads of ablation, controls, price, other settings and the tree of attempts."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from autosota.agents.domain import (
    ComputeKnob,
    Controls,
    Fate,
    Guard,
    Purpose,
    RowsControl,
    Transfer,
)
from autosota.agents.scheduler import events as ev
from autosota.agents.scheduler import statistics
from autosota.agents.scheduler.claims import LABELS, MATCHED
from autosota.agents.scheduler.state import fold
from autosota.server.report import survival
from autosota.server.report.html import render
from autosota.server.report.memory import memory_files
from autosota.server.report.news import told as news
from autosota.server.report.numbers import Evidence
from autosota.server.report.pieces import ideas_dropped, piece_words
from autosota.server.report.price import price_words, small_gain_needs, spent_words
from autosota.server.report.proof import compute_words, control_reason, coverage, transfer_words
from autosota.server.report.text import fate_of, summary_lines, verdict_sentence
from autosota.server.report.tree import attempts
from autosota.server.view import masked


def evidence(told):
    return Evidence(told.history, told.receipts)


def changed(told, kind, **changes):
    history = [
        (n, at, replace(e, **changes) if isinstance(e, kind) else e) for n, at, e in told.history
    ]
    return Evidence(history, told.receipts)


# ------------------------------------------------------------------ ablation


def test_a_piece_says_what_it_carries_of_the_whole(survived):
    state = survived.state
    judged = state.pieces["h0"]
    pairs = {
        r.commit: r for r in state.runs if r.purpose is Purpose.SEARCH
    }  # every commit of the ablation was run
    assert state.reduced[("h0",)].patch.commit in pairs
    whole = statistics.mean(
        [
            b.metrics["val_accuracy"] - a.metrics["val_accuracy"]
            for a, b in state.search_pairs(state.start.base_commit, state.ablation.commit)
        ]
    )
    words = piece_words(state, "h0")
    found = re.fullmatch(
        r"train\.py:14 model = standardise\(C=10\): carries (\+[\d.]+) of (\+[\d.]+), kept", words
    )
    assert float(found[1]) == pytest.approx(judged.comparison.difference, abs=5e-4)
    assert float(found[2]) == pytest.approx(whole, abs=5e-4)
    assert piece_words(state, "h1").endswith(", dropped")


def test_the_ablation_table_shows_only_what_receipts_hold(survived):
    rows = survival.piece_rows(evidence(survived))
    assert [r.needed for r in rows] == [True, False, True]
    for row in rows:
        runs = [survived.receipts[r] for r in row.carries.receipts]
        with_it = [r.value("val_accuracy") for r in runs[len(runs) // 2 :]]
        without = [r.value("val_accuracy") for r in runs[: len(runs) // 2]]
        found = statistics.mean(with_it) - statistics.mean(without)
        assert row.carries.difference.value == pytest.approx(found, abs=1e-12)
        assert len(runs) == 2 * row.carries.result.pairs


def test_an_idea_whose_piece_went_is_called_dropped(survived):
    state = survived.state
    assert ideas_dropped(state) == ("balanced-weights",)
    assert fate_of("balanced-weights", state)[0] == "dropped"
    assert fate_of("standardise", state)[0] == "confirmed"
    page = render(survived.history, survived.receipts)
    assert "kept by the search, dropped by the ablation" in page
    assert "The smallest patch that keeps the gain, from the base" in page


def test_an_idea_that_a_later_one_wrote_over_is_not_called_dropped(survived):
    """Its lines are gone because another idea of the best replaced them, not by the ablation."""
    events = []
    for event in survived.events:
        if isinstance(event, ev.PatchMade) and event.patch.hypothesis == "balanced-weights":
            diff = "@@ -1 +1 @@\n-model = A()\n+model = B()\n"
            event = replace(event, patch=replace(event.patch, diff=diff))
        if isinstance(event, ev.PatchMade) and event.patch.hypothesis == "random-fourier-features":
            diff = "@@ -1 +1 @@\n-model = B()\n+model = C()\n"
            event = replace(event, patch=replace(event.patch, diff=diff))
        events.append(event)
    assert "balanced-weights" not in ideas_dropped(fold(events))


def test_a_piece_written_by_hand_is_a_problem(survived):
    judged = survived.state.pieces["h1"]
    better = replace(judged.comparison, difference=0.5)
    history = [
        (n, at, replace(e, comparison=better, needed=True) if e is judged else e)
        for n, at, e in survived.history
    ]
    found = "\n".join(Evidence(history, survived.receipts).problems)
    assert "piece h1: the ledger says difference 0.5, the receipts give -0.0" in found
    assert "piece h1: the ledger says needed True, the receipts give False" in found


# ------------------------------------------------------------------ controls


def test_every_control_has_a_row_and_says_why_it_did_not_run(confirmed, survived, no_gain):
    rows = {r.name: r for r in survival.control_rows(evidence(survived))}
    assert {r.result for r in rows.values()} == {"passed"}
    assert all(r.comparison.receipts for r in rows.values())
    assert rows[MATCHED].comparison.seeds == survived.state.plan.seeds
    rows = {r.name: r for r in survival.control_rows(evidence(confirmed))}
    assert rows["null patch"].result == rows["re-execution"].result == "passed"
    assert rows[LABELS].reason == "no [controls] labels are declared"
    assert rows[MATCHED].reason == "no [controls] compute_knob is declared"
    rows = {r.name: r for r in survival.control_rows(evidence(no_gain))}
    assert rows["null patch"].reason == "no candidate reached a confirmation"


def test_a_control_that_failed_takes_the_badge_away_in_plain_words(lab, make_idea, make_objective):
    goal = make_objective(controls=Controls(labels=RowsControl("data/y.csv"), chance=0.1))
    told = lab([make_idea("good")], {"good": 0.03}, objective=goal, luck=0.8).play()
    assert told.state.confirmation.fate is Fate.PROVISIONAL
    sentence = verdict_sentence(told.state)
    assert sentence.startswith("Provisional, not confirmed: permuted labels control failed (+3.")
    page = render(told.history, told.receipts)
    assert '<span class="not">failed</span>' in page
    assert "controls: 1 passed, 1 failed (permuted labels)" not in page  # that is the terminal's
    assert any("failed (permuted labels)" in line for line in summary_lines(told.state))


@pytest.mark.parametrize("name", ["permuted labels", "re-execution", "compute-matched baseline"])
def test_a_control_that_was_waved_through_is_a_problem(survived, name):
    history = [
        (n, at, replace(e, passed=False))
        if isinstance(e, ev.ControlJudged) and e.name == name
        else (n, at, e)
        for n, at, e in survived.history
    ]
    found = "\n".join(Evidence(history, survived.receipts).problems)
    assert f"control {name}: the ledger says passed False, the receipts give True" in found


def test_gains_that_vanish_at_equal_compute_are_said_to(lab, make_idea, make_objective):
    goal = make_objective(
        controls=Controls(compute_knob=ComputeKnob("--epochs")), guards=(Guard("params"),)
    )
    told = lab(
        [make_idea("longer")],
        {"longer": 0.03},
        objective=goal,
        compute={"longer": 0.5},
        matched=0.03,
        knob=20.0,
    ).play()
    assert told.state.controls[MATCHED].passed is False
    assert "the gain vanishes at equal compute" in verdict_sentence(told.state)
    trades = re.search(r'id="trades".*?</section>', render(told.history, told.receipts), re.S)[0]
    assert "test_accuracy at equal compute" in trades and "not held" in trades


# ------------------------------------------------------------------ masking


def test_controls_of_the_claim_stay_masked_until_it_is_judged(survived):
    """Controls run before the confirmation is judged; their numbers are the claim's."""
    middle = survived.until(lambda s: "compute-matched baseline" in s.controls)
    state = middle.state
    hidden = [
        v
        for r in middle.receipts.values()
        if r.purpose in (Purpose.CONFIRM, Purpose.CONTROL)
        and (v := r.value("test_accuracy")) is not None
    ]
    controls = [r for r in state.runs if r.purpose is Purpose.CONTROL]
    assert len(hidden) == state.plan.evaluations + len(controls)
    proved = evidence(middle).state
    page = render(middle.history, middle.receipts)
    said = "\n".join(
        [
            page,
            *summary_lines(state),
            *memory_files(state).values(),
            *memory_files(proved).values(),
            *(" ".join(news(masked(e, state), state)) for e in middle.events),
        ]
    )
    reasons = [control_reason(c, state) for c in state.controls.values() if c.name != "null patch"]
    assert len(reasons) == 4
    for reason in reasons:
        assert reason not in said
    for value in hidden:
        assert repr(value) not in said or value == pytest.approx(0.1)
        assert f"{value:.6g}" not in said or value == pytest.approx(0.1)
    assert "0.0390" not in said  # the interval over test examples
    shown = " ".join(news(masked(state.controls["permuted labels"], state), state))
    assert shown == "control permuted labels: passed"
    over = survived.state
    judged = " ".join(news(over.confirmation, over))
    assert all(reason in judged for reason in reasons)


def test_a_control_that_failed_is_a_caveat_without_its_number_until_it_is_judged(
    lab, make_idea, make_objective
):
    goal = make_objective(controls=Controls(labels=RowsControl("data/y.csv"), chance=0.1))
    told = lab([make_idea("good")], {"good": 0.03}, objective=goal, luck=0.8).play()
    middle = told.until(lambda s: "permuted labels" in s.controls)
    assert middle.state.confirmation is None
    lines = "\n".join(summary_lines(middle.state))
    assert "against it: permuted labels control failed\n" in lines
    assert "still scores" not in lines
    assert "control failed: still scores" in "\n".join(summary_lines(told.state))


# ------------------------------------------------------------------ coverage, settings, compute


def test_what_the_interval_covers_is_a_list(confirmed, survived, no_gain):
    found = {c.what: c.covered for c in coverage(survived.state)}
    assert found == {
        "training noise": True,
        "sampling of the test set": True,
        "other sizes, data sets or horizons": False,  # one of two settings is open
    }
    plain = {c.what: (c.covered, c.how) for c in coverage(confirmed.state)}
    assert plain["sampling of the test set"][0] is False
    assert "objective.outcomes" in plain["sampling of the test set"][1]
    assert plain["other sizes, data sets or horizons"] == (None, "no transfer is declared")
    assert coverage(no_gain.state) == []


def test_settings_that_were_tried_have_rows(survived, lab, make_idea, make_objective):
    rows = {r.name: r for r in survival.transfer_rows(evidence(survived))}
    assert rows["half the data"].holds is True
    assert rows["half the data"].arguments == "--rows 300"
    assert rows["horizon 48"].holds is None and rows["horizon 48"].comparison is not None
    assert "open, the interval covers zero" in transfer_words(
        survived.state.transfers["horizon 48"], survived.state
    )
    goal = make_objective(transfers=(Transfer("tiny", "--rows 30"),))
    nothing = lab([make_idea("x")], {}, objective=goal).play()
    assert survival.transfer_rows(evidence(nothing))[0].reason == "not run: nothing was confirmed"


def test_a_transfer_or_compute_written_by_hand_is_a_problem(survived):
    found = "\n".join(changed(survived, ev.TransferJudged, holds=False).problems)
    assert "transfer half the data: the ledger says holds False, the receipts give True" in found
    found = "\n".join(changed(survived, ev.CampaignFinished, compute=-0.4).problems)
    assert "end: the ledger says compute -0.4, the receipts give 0.2" in found
    better = replace(survived.state.finished.equal_compute, difference=0.2)
    found = "\n".join(changed(survived, ev.CampaignFinished, equal_compute=better).problems)
    assert "end: the ledger says difference at equal compute 0.2, the receipts give 0.0" in found
    found = "\n".join(changed(survived, ev.CampaignFinished, caps=()).problems)
    assert "end: the ledger's caveats are not those that the receipts give" in found
    assert evidence(survived).problems == ()


def test_a_verdict_that_the_receipts_do_not_give_is_a_problem(not_held):
    found = changed(not_held, ev.CampaignFinished, verdict="confirmed").problems
    assert "end: the ledger says verdict confirmed, the receipts give no_gain" in found


def test_outcomes_of_other_examples_are_a_problem(survived):
    name = next(r.run_id for r in survived.state.runs if r.purpose is Purpose.CONFIRM)
    receipts = {**survived.receipts}
    receipts[name] = replace(receipts[name], outcomes_hash="f" * 64)
    found = "\n".join(Evidence(survived.history, receipts).problems)
    assert f"run {name}: the ledger says outcomes" in found


@pytest.mark.parametrize(
    ("ratio", "words"),
    [
        (0.04, "compute +4 %"),
        (-0.121, "compute -12 %"),
        (0.001, "compute 0 %"),
        (2.5, "compute 3.5 times"),
        (None, ""),
    ],
)
def test_compute_in_words(ratio, words):
    assert compute_words(ratio) == words


# ------------------------------------------------------------------ price


def planned(**changes):
    plan = ev.ConfirmationPlanned(1, "p", "c", (5, 6), 20, 190.0, 0.012, 0.01, 0.92, 7)
    return replace(plan, **changes)


def test_the_price_before_a_confirmation(confirmed):
    state = confirmed.state

    def words(**changes):
        return price_words(planned(**changes), state)

    assert words() == (
        "the confirmation takes 20 runs, about 3.2 min; chance to confirm the effect seen "
        "(+0.012 after shrinkage): 92 %; 80 % would need 7 pairs"
    )
    assert ", about 3.2 min, $1.50; " in words(dollars=1.5)
    assert ", and if the claim passes, its controls 7 runs, about 66 s; chance" in words(
        controls=7, control_seconds=66.0
    )
    assert "over 99 %" in words(power=1.0)
    assert "no number of seeds within reach" in words(pairs_needed=None, power=0.1)
    assert "its chance is not known" in words(effect=None, power=None)
    assert "its chance is not known: it does not vary" in words(note="it does not vary")


def test_the_price_has_the_matched_baseline_and_its_calibration(survived):
    plan = survived.state.plan
    before = survived.until(lambda s: s.plan is not None).state
    text = price_words(plan, before)
    assert f", its controls {plan.controls} runs, about " in text
    assert "its calibration and the baseline of equal compute included; chance" in text
    ran = [r for r in survived.state.runs if r.purpose is Purpose.CONTROL]
    assert plan.controls == len(ran)
    spent = spent_words(survived.state)
    assert re.search(
        rf"controls {len(ran)} runs, [\d.]+ (s|min) \(expected: {len(ran)} runs, ", spent
    )


def test_what_was_spent_is_the_receipts_time(survived):
    rows = {r.what: r for r in survival.price_rows(evidence(survived))}
    for what, purpose in (("confirmation", Purpose.CONFIRM), ("controls", Purpose.CONTROL)):
        held = [r for r in survived.receipts.values() if r.purpose is purpose]
        assert rows[what].runs.value == len(held)
        assert rows[what].wall.value == pytest.approx(sum(r.resources.wall_seconds for r in held))
    assert spent_words(survived.state).startswith(
        f"confirmation {survived.state.plan.evaluations} runs, "
    )


@pytest.mark.parametrize("name", ["effect", "sd", "power", "expected_seconds", "control_seconds"])
def test_a_price_that_was_made_up_is_a_problem(lab, make_idea, name):
    told = lab([make_idea("good")], {"good": 0.012}).play()
    assert getattr(told.state.plan, name) is not None
    found = "\n".join(changed(told, ev.ConfirmationPlanned, **{name: 0.123}).problems)
    assert f"price: the ledger says {name.replace('_', ' ')} 0.123, the receipts give" in found


def test_a_small_gain_needs_more_seeds_where_noise_is_larger(lab, make_idea):
    ideas = [make_idea(f"i{n}") for n in range(4)]
    quiet = small_gain_needs(lab(ideas, {}, sd=0.004).play().state)
    noisy = small_gain_needs(lab(ideas, {}, sd=0.012).play().state)
    assert quiet.gain == pytest.approx(0.0093, abs=3e-4)  # 1 % of val_accuracy
    assert 3 * quiet.pairs < noisy.pairs < 20 * quiet.pairs  # about nine times: sd squared
    assert noisy.seconds == pytest.approx(2 * noisy.pairs * 1.9, rel=0.05)
    assert small_gain_needs(lab(ideas, {}, sd=0.0).play().state) is None


# ------------------------------------------------------------------ the tree


def test_the_tree_has_every_iteration_and_keeps_the_trunk_at_the_left(survived, no_gain):
    state = survived.state
    rows = attempts(state)
    assert [r.number for r in rows] == list(range(1, len(state.iterations) + 1))
    kept = [r.idea for r in rows if r.kept]
    assert kept == list(state.best_was[-2].ideas)  # before the ablation
    assert all((r.depth == 0) is r.kept for r in rows)
    page = render(survived.history, survived.receipts)
    tree = re.search(r'<ol class="tree">.*?</ol>', page, re.S)[0]
    assert tree.count("<li") == len(rows) + 2  # the root, and the smallest patch
    assert "leap: the last 3 ideas were all PARAM" in tree


def test_leaps_and_honeymoons_are_said_in_the_tree(no_gain):
    state = no_gain.state
    assert state.rolled_back, "the simulation no longer opens a honeymoon"
    rows = attempts(state)
    leap = next(r for r in rows if any(n.startswith("leap: ") for n in r.notes))
    notes = " / ".join(leap.notes)
    assert "a honeymoon of up to 5 ideas" in notes and "rolled back: no gain within" in notes
    inside = [r for r in rows if "in the honeymoon" in r.notes]
    assert inside and all(r.depth > leap.depth for r in inside)
    after = rows[inside[-1].number]
    assert after.parent == state.honeymoons[0].reference and after.depth == 1
    text = memory_files(state)["research_report.md"]
    assert "## Tree of attempts" in text and "rolled back: no gain within" in text


def test_an_idea_tried_twice_has_two_rows_and_one_fate(no_gain):
    state = no_gain.state
    twice = [i.idea for i in state.iterations]
    again = [r for r in attempts(state) if r.fate == "again"]
    assert len(again) == len(twice) - len(set(twice)) > 0
    rows = survival.tree_rows(evidence(no_gain))
    assert all(r.comparison is not None for r in rows if r.attempt.fate == "again")
