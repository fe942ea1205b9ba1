"""The one sentence of a campaign: the same in the terminal, in `status` and on the page."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from autosota.agents.domain import Budget, ComputeKnob, Controls, Direction, Guard, Paper, Purpose
from autosota.agents.scheduler import events as ev
from autosota.agents.scheduler.state import CampaignState, fold
from autosota.server.cli.progress import said
from autosota.server.report.fates import fate_of, judged_words
from autosota.server.report.headline import headline
from autosota.server.report.html import render
from autosota.server.report.standing import standing_of
from autosota.server.report.text import baseline_words, reads_in_full, summary_lines

NUMBER = r"[\d.]+"


def sentence(state: CampaignState) -> str:
    return headline(state).sentence


def test_a_confirmed_sentence_has_the_shape_of_the_promise(confirmed):
    state = confirmed.state
    result = state.confirmation.comparison
    found = re.fullmatch(
        rf"Confirmed \+({NUMBER}) % \(95 % interval ({NUMBER}) to ({NUMBER}) over training noise "
        rf"only, {result.pairs} paired seeds, {len(state.tried)} ideas tried, claim read once per "
        r"side, compute [+-]?\d+ %\)\.",
        sentence(state),
    )
    assert found, sentence(state)
    share = 100 / result.baseline_mean
    wanted = [share * v for v in (result.difference, result.low, result.high)]
    for text, value in zip(found.groups(), wanted, strict=True):
        assert float(text) == pytest.approx(value, abs=0.051)


def test_the_sampling_of_the_test_set_and_equal_compute_are_in_the_sentence(survived):
    text = sentence(survived.state)
    assert re.search(rf"over training noise, {NUMBER} to {NUMBER} with the sampling of the", text)
    matched = survived.state.finished.equal_compute
    found = re.search(rf"compute \+\d+ %; at equal compute \+({NUMBER}) %, 90 % interval ", text)
    share = 100 * matched.difference / matched.baseline_mean
    assert float(found[1]) == pytest.approx(share, abs=0.051)
    lines = summary_lines(survived.state)
    assert lines[0] == text and any(x.startswith("  at equal compute: +") for x in lines)
    page = render(survived.history, survived.receipts)
    assert page.index("at equal compute") < page.index('<section id="survived"')


def test_a_gain_that_vanishes_at_equal_compute_is_said_in_the_sentence(
    lab, make_idea, make_objective
):
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
    text = sentence(told.state)
    assert text.startswith("Provisional, not confirmed: the gain vanishes at equal compute (+")
    assert "; at equal compute " in text and " 90 % interval -" in text
    lines = summary_lines(told.state)
    assert sum("vanishes at equal compute" in line for line in lines) == 2  # and under "against it"
    assert not re.search(r"\d\.\d{6}", "\n".join(lines))  # nothing unrounded


def test_more_compute_without_a_match_is_said(lab, make_idea):
    told = lab([make_idea("good")], {"good": 0.05}, compute={"good": 0.18}).play()
    assert "; not known at equal compute)." in sentence(told.state)
    lines = summary_lines(told.state)
    assert "  at equal compute: not known: no [controls] compute_knob is declared" in lines
    told = lab([make_idea("good")], {"good": 0.05}).play()
    assert "equal compute" not in "\n".join(summary_lines(told.state))


def test_no_gain_has_the_shape_of_the_promise(no_gain):
    text = sentence(no_gain.state)
    assert re.fullmatch(
        r"No gain found; the best candidate's interval covers zero \(\+[\d.]+ % on val_accuracy, "
        r"95 % interval -[\d.]+ to [\d.]+ over training noise only, \d+ paired seeds, 9 ideas "
        r"tried, claim read for no decision\); a gain of 1 % would need \d+ seeds, "
        r"[\d.]+ (seconds|minutes|hours)\.",
        text,
    ), text


def test_better_in_search_only_is_no_gain(not_held):
    text = sentence(not_held.state)
    assert text.startswith("No gain found; on fresh seeds the best candidate")
    assert "claim read once per side" in text and "a gain of 1 % would need" in text


def test_nothing_tried_is_said(lab, make_idea, make_objective):
    goal = make_objective(budget=Budget(evaluations=6))
    told = lab([make_idea("good")], {"good": 0.05}, objective=goal).play()
    text = sentence(told.state)
    assert text.startswith("No gain found; nothing was tried: 6 evaluations allow"), text


def test_provisional_without_a_claim_says_what_decided(lab, make_idea, make_objective):
    goal = make_objective(budget=Budget(evaluations=12), confirm_seeds=10)
    told = lab([make_idea("good")], {"good": 0.05}, objective=goal).play()
    text = sentence(told.state)
    assert text.startswith("Provisional, not confirmed: no budget for a confirmation")
    assert " % on val_accuracy in search, a screening that claims nothing" in text
    assert "1 idea tried, claim read for no decision" in text
    assert "1 idea together" not in "\n".join(summary_lines(told.state))


def test_smaller_is_better_is_said_in_words(lab, make_idea, make_objective):
    goal = make_objective(
        metric="test_error", select_on="val_error", direction=Direction.MINIMIZE, paper=Paper("t")
    )
    told = lab([make_idea("good")], {"good": -0.05}, objective=goal).play()
    assert re.match(r"Confirmed [\d.]+ % less test_error \(95 % interval ", sentence(told.state))


def test_a_metric_around_zero_has_no_per_cent(lab, confirmed):
    """R² of a bad baseline may be 0.001: per cent of it say nothing."""
    events = []
    for event in confirmed.events:
        if isinstance(event, ev.ConfirmationJudged):
            small = replace(
                event.comparison, baseline_mean=0.001, candidate_mean=0.001 + 0.03, difference=0.03
            )
            event = replace(event, comparison=small)
        events.append(event)
    assert "Confirmed +0.03" in sentence(fold(events))
    assert " on test_accuracy (95 % interval +" in sentence(fold(events))


def test_a_sentence_is_one_line_of_a_readable_length(confirmed, no_gain, survived, halfway):
    for told in (confirmed, no_gain, survived, halfway):
        assert len(sentence(told.state)) < 330
        lines = summary_lines(told.state)
        assert all(line.startswith("  ") for line in lines[1:])


# ------------------------------------------------------------------ ideas


def test_a_clear_loss_is_called_worse(confirmed):
    state = confirmed.state
    assert state.judged["bagging"].comparison.difference < -0.2
    assert fate_of("bagging", state)[0] == "worse"
    word, why = judged_words(state.judged["bagging"], state)
    assert word == "worse" and why.startswith("-0.") and "noise" not in why.split("(")[0]
    shown = said(state.judged["bagging"], state)
    assert "[bold]worse[/bold]: -0." in shown


def test_what_is_not_clearly_worse_stays_within_noise(no_gain):
    fates = [fate_of(i, no_gain.state)[0] for i in no_gain.state.judged]
    assert fates.count("noise") > fates.count("worse")


def test_an_idea_kept_on_an_interval_around_zero_says_what_decided(lab, make_idea):
    for sd in (0.02, 0.03):
        told = lab([make_idea(f"i{n}") for n in range(6)], {"i3": 0.04}, sd=sd).play()
        for event in told.events:
            if isinstance(event, ev.IdeaJudged) and event.fate == "provisional":
                word, text = judged_words(event, told.state)
                assert word == "provisional"
                assert "better" not in text
                assert re.match(
                    r"passed the screening \(p [\d.e-]+ at level 0\.\d+\), which c", text
                )
                return
    raise AssertionError("nothing was kept")


def test_no_better_stands_beside_an_interval_that_covers_zero(confirmed):
    """On the page, too: what an idea was kept by is said, not that it is better."""
    assert "better in search" not in render(confirmed.history, confirmed.receipts)
    for idea in confirmed.state.best.ideas:
        fate, reason = fate_of(idea, confirmed.state)
        assert fate in ("confirmed", "dropped")
        assert reason.startswith(("passed the screening (p ", "kept by the search ("))


def test_no_difference_is_no_plus_zero(lab, make_idea):
    told = lab([make_idea("x"), make_idea("y")], {"y": 0.02}, sd=0.0).play()
    assert fate_of("x", told.state)[0] == "same"
    assert judged_words(told.state.judged["x"], told.state)[0] == "no difference"
    assert not re.search(r"[+-]0(\.0+)?<", render(told.history, told.receipts))


def test_an_idea_of_replaced_code_is_called_superseded(lab, make_idea):
    told = lab([make_idea("a"), make_idea("b")], {"a": 0.05})
    state = told.play().until(lambda s: s.best is not None).state
    assert fate_of("b", state)[0] == "waiting"
    state.superseded[state.optimum] = {"b"}
    assert fate_of("b", state)[0] == "superseded"


# ------------------------------------------------------------------ one consistent set of notes


def test_nothing_is_capped_before_there_is_a_claim(confirmed, no_gain):
    middle = confirmed.until(lambda s: s.best is not None)
    for told in (middle, no_gain):
        text = "\n".join(summary_lines(told.state))
        assert "control not run" not in text and "not covered" not in text
        assert "sampling of the test set" not in text


def test_each_thing_that_is_not_covered_is_said_once(confirmed):
    lines = summary_lines(confirmed.state)
    assert sum("sampling of the test set" in line for line in lines) == 1
    assert sum("permuted labels" in line for line in lines) == 1


def test_a_failed_control_is_no_matter_of_coverage(lab, make_idea, make_objective):
    from autosota.agents.domain import RowsControl

    goal = make_objective(controls=Controls(labels=RowsControl("data/y.csv"), chance=0.1))
    told = lab([make_idea("good")], {"good": 0.03}, objective=goal, luck=0.8).play()
    lines = summary_lines(told.state)
    about = [x for x in lines if "permuted labels" in x]
    assert any(x.startswith("  against it: permuted labels control failed: still") for x in about)
    assert not any(x.startswith(("  not covered", "  note")) for x in about)
    page = render(told.history, told.receipts)
    uncovered = page[page.index('id="caveats"') :]
    assert "permuted labels control" not in uncovered[: uncovered.index("</ul>")]
    assert "What speaks against it" in page


def test_reads_are_counted_apart_and_in_full(confirmed, no_gain):
    assert reads_in_full(confirmed.state) == (
        "read once per side on fresh seeds; once before, to measure the baseline"
    )
    assert reads_in_full(no_gain.state) == "read once, to measure the baseline; for no decision"
    assert reads_in_full(confirmed.cut(3).state) == "not read"
    for told in (confirmed, no_gain):
        assert "not read" not in "\n".join(summary_lines(told.state))


def test_a_claim_that_does_not_vary_is_deterministic(lab, make_idea):
    told = lab([make_idea("x")], {"x": 0.02}, sd=0.0).play()
    words = baseline_words(told.state)
    assert "deterministic: seeds change nothing" in words and "±" not in words
    page = render(told.history, told.receipts)
    assert not re.search(r">0\.\d{6,}<", page)
    claims = page[page.index('<section id="claims"') : page.index('<section id="search"')]
    assert "deterministic: seeds change nothing" in claims and "± <" not in claims


def test_a_search_metric_that_stands_still_beside_a_claim_that_varies(confirmed):
    events = [
        replace(e, sd=0.0) if isinstance(e, ev.BaselineMeasured) else e for e in confirmed.events
    ]
    words = baseline_words(fold(events))
    assert "±" in words and words.endswith("(the same with every seed)")
    assert "deterministic" not in words


def test_an_ablation_that_was_skipped_is_said_everywhere(confirmed):
    why = "the budget left no room: a piece takes 10 evaluations, and 3 are left"
    events = []
    for event in confirmed.events:
        if isinstance(event, ev.ConfirmationPlanned):
            events.append(ev.AblationSkipped(event.patch, why))
        if not isinstance(event, (ev.AblationPlanned, ev.PieceJudged, ev.PatchReduced)):
            events.append(event)
    state = fold(events)
    text = f"not taken apart: {why}"
    assert any(text in line for line in summary_lines(state))
    patch = state.patches[state.best.patch]
    assert any(text in note for note in standing_of(patch, state).notes)
    told = replace(
        confirmed, history=[(n, "2026-03-02T09:00:00Z", e) for n, e in enumerate(events)]
    )
    assert text in render(told.history, told.receipts)


# ------------------------------------------------------------------ what is applied


def test_what_is_applied_says_first_whether_it_is_confirmed(confirmed, not_held, no_gain):
    state = confirmed.state
    best = standing_of(state.patches[state.best.patch], state)
    assert best.confirmed and best.line == sentence(state)
    single = next(p for p in state.patches.values() if p.hypothesis == "standardise")
    if single.id != state.best.patch:
        alone = standing_of(single, state)
        assert not alone.confirmed and alone.line.startswith("Not confirmed on its own: ")
    state = not_held.state
    lost = standing_of(state.patches[state.best.patch], state)
    assert not lost.confirmed and lost.line.startswith("Not confirmed: ")
    assert state.confirmation.reason in lost.line
    state = no_gain.state
    patch = state.patches[next(iter(state.patch_of_idea.values()))]
    assert standing_of(patch, state).line.startswith("Not confirmed: within noise")


def test_a_best_that_was_never_confirmed_says_so(confirmed):
    state = confirmed.until(lambda s: s.best is not None).state
    found = standing_of(state.patches[state.best.patch], state)
    assert not found.confirmed
    assert found.line.startswith("Not confirmed: it passed a screening in search, which claims n")


def test_reads_stay_apart_in_every_purpose(confirmed):
    assert [r.purpose for r in confirmed.state.reads].count(Purpose.BASELINE) == 1
