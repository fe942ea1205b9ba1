from __future__ import annotations

import math
import statistics as plain
from dataclasses import replace

import pytest

from autosota.agents.domain import (
    BASELINE,
    Direction,
    Fate,
    Isolation,
    MetricReading,
    Paper,
    PaperClaim,
    Purpose,
)
from autosota.agents.scheduler import events as ev
from autosota.server.report.numbers import Evidence, NoReceiptError, Shown
from autosota.server.report.replay import is_masked


def values(told, metric, purpose, side):
    return [
        r.value(metric)
        for r in told.receipts.values()
        if r.purpose is purpose and (r.side == BASELINE) == (side == BASELINE)
    ]


def with_reading(receipt, name, value):
    readings = tuple(replace(m, value=value) if m.name == name else m for m in receipt.metrics)
    return replace(receipt, metrics=readings)


def event_changed(told, kind, **changes):
    history = [
        (n, at, replace(e, **changes) if isinstance(e, kind) else e) for n, at, e in told.history
    ]
    return Evidence(history, told.receipts)


def test_a_number_without_a_receipt_cannot_be_made():
    with pytest.raises(NoReceiptError):
        Shown(0.94, (), Isolation.SEALED, "0.94")
    assert Shown(None, (), None, "unknown").value is None


def test_an_honest_campaign_has_no_problems(
    confirmed, no_gain, not_held, not_reproduced, halfway, selects_on_claim
):
    for told in (confirmed, no_gain, not_held, not_reproduced, halfway, selects_on_claim):
        assert Evidence(told.history, told.receipts).problems == ()


def test_the_confirmation_is_what_the_receipts_give(confirmed):
    shown = Evidence(confirmed.history, confirmed.receipts).confirmation()
    before = values(confirmed, "test_accuracy", Purpose.CONFIRM, BASELINE)
    after = values(confirmed, "test_accuracy", Purpose.CONFIRM, "candidate")
    assert shown.baseline.value == pytest.approx(plain.mean(before), abs=1e-12)
    assert shown.candidate.value == pytest.approx(plain.mean(after), abs=1e-12)
    seeds = {
        r.seed: [0.0, 0.0] for r in confirmed.receipts.values() if r.purpose is Purpose.CONFIRM
    }
    for r in confirmed.receipts.values():
        if r.purpose is Purpose.CONFIRM:
            seeds[r.seed][r.side != BASELINE] = r.value("test_accuracy")
    gains = [b - a for a, b in seeds.values()]
    # Student's t at 97.5 % with 5 to 9 degrees of freedom, from a printed table
    table = {6: 2.5705818, 7: 2.4469119, 8: 2.3646243, 9: 2.3060041, 10: 2.2621572}
    half = table[len(gains)] * plain.stdev(gains) / math.sqrt(len(gains))
    assert shown.low.value == pytest.approx(plain.mean(gains) - half, abs=1e-9)
    assert shown.high.value == pytest.approx(plain.mean(gains) + half, abs=1e-9)
    assert len(shown.difference.receipts) == 2 * len(gains)
    assert {confirmed.receipts[r].side for r in shown.baseline.receipts} == {BASELINE}
    assert shown.isolation is Isolation.SEALED


def test_the_baseline_and_its_distance_to_the_paper(confirmed):
    evidence = Evidence(confirmed.history, confirmed.receipts)
    mean = evidence.baseline("test_accuracy")
    found = values(confirmed, "test_accuracy", Purpose.BASELINE, BASELINE)
    assert mean.mean.value == pytest.approx(plain.mean(found), abs=1e-12)
    assert mean.half.value == pytest.approx(2.7764451052 * plain.stdev(found) / math.sqrt(5))
    away = evidence.difference_to_paper(mean, 0.925)
    assert away.value == pytest.approx(plain.mean(found) - 0.925)
    assert away.receipts == mean.mean.receipts


def test_one_changed_metric_is_named_and_the_receipts_win(confirmed):
    name = next(n for n in confirmed.receipts if "confirm-c1" in n)
    receipts = dict(confirmed.receipts)
    receipts[name] = with_reading(receipts[name], "test_accuracy", 0.999)
    evidence = Evidence(confirmed.history, receipts)
    text = "\n".join(evidence.problems)
    assert f"receipt {name} was changed" in text
    assert f"run {name}: ledger and receipt disagree on test_accuracy" in text
    assert "confirmation: the ledger says difference" in text
    honest = Evidence(confirmed.history, confirmed.receipts).confirmation()
    assert evidence.confirmation().candidate.value > honest.candidate.value


def test_a_changed_hash_alone_is_a_problem(confirmed):
    name = next(iter(confirmed.receipts))
    receipts = dict(confirmed.receipts)
    receipts[name] = replace(receipts[name], stdout_hash="0" * 64)
    problems = Evidence(confirmed.history, receipts).problems
    assert problems == (f"receipt {name} was changed: its hash is not the one in the ledger",)


def test_a_run_without_its_receipt_has_no_numbers(confirmed):
    name = next(n for n in confirmed.receipts if "confirm-baseline" in n)
    receipts = {k: r for k, r in confirmed.receipts.items() if k != name}
    evidence = Evidence(confirmed.history, receipts)
    assert f"run {name} has no receipt: its numbers are left out" in evidence.problems
    assert evidence.confirmation() is None
    run = next(r for r in evidence.state.runs if r.run_id == name)
    assert evidence.value(run, "test_accuracy").value is None
    assert evidence.total(evidence.state.runs, "wall_seconds").value is None


def test_a_receipt_of_nowhere_is_a_problem(confirmed):
    other = replace(next(iter(confirmed.receipts.values())), run_id="c9-search-x-s0")
    problems = Evidence(confirmed.history, {**confirmed.receipts, other.run_id: other}).problems
    assert "receipt c9-search-x-s0 belongs to no run of this campaign" in problems


@pytest.mark.parametrize("name", ["evaluator_hash", "data_hash", "objective_hash"])
def test_receipts_of_two_protocols_are_a_problem(confirmed, name):
    run = next(iter(confirmed.receipts))
    receipts = dict(confirmed.receipts)
    receipts[run] = replace(receipts[run], **{name: "f" * 64})
    problems = Evidence(confirmed.history, receipts).problems
    assert f"the receipts do not agree on the {name.replace('_', ' ')}: 2 values" in problems


@pytest.mark.parametrize(
    ("kind", "changes", "words"),
    [
        (ev.BaselineMeasured, {"claim_mean": 0.5}, "baseline: the ledger says claim mean 0.5"),
        (ev.CampaignFinished, {"best": 0.99}, "end: the ledger says best 0.99"),
        (ev.CampaignFinished, {"ideas": 1}, "end: the ledger says ideas 1"),
        (ev.CampaignFinished, {"reads_of_claim_metric": 0}, "reads of the claim 0"),
        (ev.RunFinished, {"wall_seconds": 9.0}, "disagree on wall seconds"),
        (ev.RunFinished, {"isolation": Isolation.DECLARED}, "isolation declared, the receipt"),
    ],
)
def test_an_event_that_says_something_else_is_a_problem(confirmed, kind, changes, words):
    assert words in "\n".join(event_changed(confirmed, kind, **changes).problems)


def test_a_comparison_that_was_written_by_hand_is_a_problem(confirmed):
    judged = confirmed.state.confirmation
    better = replace(judged.comparison, difference=0.2, low=0.19, high=0.21)
    evidence = event_changed(confirmed, ev.ConfirmationJudged, comparison=better)
    assert "the ledger says difference 0.2, the receipts give" in "\n".join(evidence.problems)
    assert evidence.confirmation().difference.value == pytest.approx(judged.comparison.difference)


def test_a_guard_that_was_waved_through_is_a_problem(lab, make_idea):
    told = lab([make_idea("good")], {"good": 0.03}, params={"good": 400.0}).play()
    assert told.state.judged["good"].fate is Fate.GUARDED
    honest = lab([make_idea("good")], {"good": 0.03}).play()
    guards = tuple(replace(g, held=not g.held) for g in honest.state.confirmation.guards)
    problems = event_changed(honest, ev.ConfirmationJudged, guards=guards).problems
    assert "guard params: the receipts give another answer" in problems


def test_claims_stay_masked_until_the_confirmation_was_judged(halfway):
    evidence = Evidence(halfway.history, halfway.receipts)
    assert evidence.confirmation() is None
    for run in evidence.state.runs:
        shown = evidence.value(run, "test_accuracy")
        if run.purpose is Purpose.BASELINE:
            assert shown.value is not None
        else:
            assert (shown.value, shown.text) == (None, "masked")
            assert "test_accuracy" not in run.metrics
    assert evidence.mean(evidence.state.runs, "test_accuracy") is None


def test_another_metric_of_the_test_set_is_as_masked_as_the_claim(halfway, confirmed):
    for told, opened in ((halfway, False), (confirmed, True)):
        for metric in ("test_accuracy", "test_macro_f1"):
            assert is_masked(metric, Purpose.SEARCH, told.state)
            assert is_masked(metric, Purpose.CONFIRM, told.state) is not opened
            assert not is_masked(metric, Purpose.BASELINE, told.state)
        assert not is_masked("val_f1", Purpose.SEARCH, told.state)


def test_a_confirmation_that_failed_never_opens_the_claim(confirmed):
    """Some runs hold the claim, but it was not compared: looking now would be a free look."""
    plan = confirmed.state.plan
    middle = confirmed.until(lambda s: sum(r.purpose is Purpose.CONFIRM for r in s.runs) == 6)
    judged = ev.ConfirmationJudged(plan.attempt, plan.patch, Fate.FAILED, "it crashed", None)
    told = middle.then(judged)
    evidence = Evidence(told.history, told.receipts)
    runs = [r for r in evidence.state.runs if r.purpose is Purpose.CONFIRM]
    assert len(runs) == 6
    assert all("test_accuracy" not in r.metrics for r in runs)


def test_a_problem_with_a_masked_claim_does_not_tell_it(halfway):
    name = next(n for n in halfway.receipts if "confirm-c1" in n)
    receipts = dict(halfway.receipts)
    secret = receipts[name].value("test_accuracy")
    receipts[name] = with_reading(receipts[name], "test_accuracy", 0.123456)
    text = "\n".join(Evidence(halfway.history, receipts).problems)
    assert f"run {name}: ledger and receipt disagree on test_accuracy" in text
    assert "0.123456" not in text
    assert f"{secret:.6g}" not in text


def test_nothing_is_masked_where_the_search_looks_at_the_claim(selects_on_claim):
    evidence = Evidence(selects_on_claim.history, selects_on_claim.receipts)
    assert all(evidence.value(r, "val_accuracy").value is not None for r in evidence.state.runs)


def test_a_number_is_worth_its_weakest_grade(confirmed):
    evidence = Evidence(confirmed.history, confirmed.receipts)
    runs = list(confirmed.receipts)
    assert evidence.grade(runs[:2], "test_accuracy") is Isolation.SEALED
    # the command printed this one itself, so the seal does not cover it
    assert evidence.grade(runs[:2], "val_accuracy") is Isolation.OVERLAID
    receipts = dict(confirmed.receipts)
    receipts[runs[0]] = replace(receipts[runs[0]], isolation=Isolation.DECLARED)
    weaker = Evidence(confirmed.history, receipts)
    assert weaker.grade(runs[:2], "test_accuracy") is Isolation.DECLARED


def test_smaller_is_better_keeps_gains_positive(lab, make_idea, make_objective):
    goal = make_objective(
        metric="test_error",
        select_on="val_error",
        direction=Direction.MINIMIZE,
        paper=Paper("t", claims=(PaperClaim("test_error", 0.9),)),
    )
    told = lab([make_idea("good")], {"good": -0.03}, objective=goal).play()
    evidence = Evidence(told.history, told.receipts)
    shown = evidence.confirmation()
    assert evidence.problems == ()
    assert shown.difference.value > 0
    assert shown.candidate.value < shown.baseline.value
    # of another metric nobody knows which way is better: plainly candidate minus baseline
    other = evidence.secondary("val_f1", evidence.sides())
    change = other.candidate.value - other.baseline.value
    assert other.difference.value == pytest.approx(change)


def test_unknown_metrics_are_unknown_and_not_zero(lab, make_idea):
    told = lab([make_idea("good")], {"good": 0.03}).play()
    receipts = {
        k: replace(
            r,
            metrics=tuple(
                MetricReading(m.name, None) if m.name == "val_f1" else m for m in r.metrics
            ),
        )
        for k, r in told.receipts.items()
    }
    evidence = Evidence(told.history, receipts)
    run = evidence.state.runs[0]
    assert (evidence.value(run, "val_f1").value, evidence.value(run, "val_f1").text) == (
        None,
        "unknown",
    )
    assert evidence.secondary("val_f1", evidence.sides()) is None
    assert evidence.mean([run], "val_f1") is None
    assert evidence.value(run, "nothing_like_it").value is None


def test_time_is_the_sum_over_receipts(confirmed):
    evidence = Evidence(confirmed.history, confirmed.receipts)
    total = evidence.total(evidence.state.runs, "wall_seconds")
    assert total.value == pytest.approx(
        sum(r.resources.wall_seconds for r in confirmed.receipts.values())
    )
    assert set(total.receipts) == set(confirmed.receipts)
