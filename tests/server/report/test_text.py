from __future__ import annotations

import re
from dataclasses import replace

from autosota.agents.domain import (
    Budget,
    CampaignVerdict,
    Direction,
    Fate,
    Isolation,
    Paper,
    Purpose,
)
from autosota.agents.scheduler import events as ev
from autosota.agents.scheduler.decide import next_action
from autosota.agents.scheduler.state import CampaignState, fold
from autosota.server.report.formats import change_words
from autosota.server.report.html import render
from autosota.server.report.numbers import Evidence
from autosota.server.report.text import (
    FATES,
    fate_of,
    grade_words,
    reads_words,
    summary_lines,
    verdict_sentence,
)


def test_a_confirmed_sentence_says_all_that_it_takes(confirmed):
    sentence = verdict_sentence(confirmed.state)
    result = confirmed.state.confirmation.comparison
    assert sentence == (
        f"Confirmed: test_accuracy {result.baseline_mean:.4f} → {result.candidate_mean:.4f}, "
        f"+{result.difference:.4f} (95 % interval +{result.low:.4f} to +{result.high:.4f}, "
        f"{result.pairs} paired fresh seeds, {len(confirmed.state.tried)} ideas tried, claim read "
        f"once per side, compute {change_words(confirmed.state.finished.compute)}, grade sealed)."
    )


def test_a_sentence_with_outcomes_says_the_interval_over_test_examples_too(survived):
    assert ", with the sampling of the test set +0.0210 to +0.0390, " in verdict_sentence(
        survived.state
    )
    more = re.search(r", compute \+(\d+) %, ", verdict_sentence(survived.state))
    assert 25 <= int(more[1]) <= 35  # the change takes 30 % more


def test_no_gain_names_the_best_candidate_with_its_interval(no_gain):
    judged = max(no_gain.state.judged.values(), key=lambda j: j.comparison.difference)
    title = no_gain.state.ideas[judged.idea].title
    sentence = verdict_sentence(no_gain.state)
    assert sentence.startswith(f"No gain found: the best of 9 ideas tried, “{title}”, had val_acc")
    assert "(95 % interval -" in sentence and "within noise" in sentence
    assert "its interval covers zero; a gain of 1 % would need " in sentence


def test_better_in_search_only_is_no_gain(not_held):
    sentence = verdict_sentence(not_held.state)
    assert sentence.startswith("No gain found: test_accuracy 0.9")
    assert ("Why: test_accuracy did not improve" in sentence) or ("covers zero" in sentence)
    assert re.search(r"; a gain of 1 % would need \d+ seeds, [\d.]+ (s|min|h)\.$", sentence)
    fates = {fate_of(i, not_held.state)[0] for i in not_held.state.best.ideas}
    assert "not_confirmed" in fates and fates <= {"not_confirmed", "dropped"}


def test_no_budget_left_is_provisional_on_the_search_metric(lab, make_idea, make_objective):
    goal = make_objective(budget=Budget(evaluations=12), confirm_seeds=10)
    told = lab([make_idea("good")], {"good": 0.05}, objective=goal).play()
    assert told.state.finished.verdict is CampaignVerdict.PROVISIONAL
    sentence = verdict_sentence(told.state)
    assert sentence.startswith("Provisional, not confirmed: val_accuracy 0.9")
    assert "in search, on the metric that chose it" in sentence
    assert "no budget for a confirmation" in sentence


def test_the_other_ends(not_reproduced, confirmed, halfway):
    assert verdict_sentence(not_reproduced.state).startswith(
        "Baseline not reproduced: the baseline did not run with seed 0"
    )
    assert verdict_sentence(CampaignState()) == "Nothing happened yet."
    assert "autosota resume goes on" in verdict_sentence(halfway.state)
    assert verdict_sentence(confirmed.cut(1).state) == (
        "Not finished: preparing the environment; no runs, 0.00 s so far. Nothing is confirmed yet."
    )
    end = replace(confirmed.state.finished, verdict=CampaignVerdict.FAILED, reason="disk full")
    assert verdict_sentence(fold([*confirmed.events[:-1], end])) == "Failed: disk full."
    end = replace(end, reason="Traceback:\n  \x1b[31mdisk full!")
    assert verdict_sentence(fold([*confirmed.events[:-1], end])) == (
        "Failed: Traceback: ␛[31mdisk full!"
    )


def test_a_confirmation_that_crashed_is_told_without_the_claim(confirmed):
    plan = confirmed.state.plan
    middle = confirmed.until(lambda s: sum(r.purpose is Purpose.CONFIRM for r in s.runs) == 6)
    why = "baseline failed with fresh seed 8: timeout"
    told = middle.then(ev.ConfirmationJudged(plan.attempt, plan.patch, Fate.FAILED, why, None))
    told = told.then(next_action(told.state).event)
    assert told.state.finished.verdict is CampaignVerdict.NO_GAIN
    sentence = verdict_sentence(told.state)
    assert sentence.startswith("No gain found: val_accuracy 0.9")
    assert f"but the confirmation failed: {why}; a gain of 1 % would need" in sentence
    assert "test_accuracy" not in sentence
    render(told.history, told.receipts)


def test_smaller_is_better_is_said_in_words(lab, make_idea, make_objective):
    goal = make_objective(
        metric="test_error", select_on="val_error", direction=Direction.MINIMIZE, paper=Paper("t")
    )
    told = lab([make_idea("good")], {"good": -0.05}, objective=goal).play()
    assert ", better by 0.0" in verdict_sentence(told.state)


def test_a_second_attempt_says_its_stricter_confidence(lab, make_idea):
    told = lab([make_idea("good")], {"good": 0.05}, prior_confirmations=1).play()
    assert "98.3 % interval" in verdict_sentence(told.state)
    assert any("was confirmed or tried before 1 time" in x for x in summary_lines(told.state))


def test_the_grade_is_the_weakest(confirmed):
    runs = [
        replace(e, isolation=Isolation.DECLARED)
        if isinstance(e, ev.RunFinished) and e.run_id.endswith("p9-s7")
        else e
        for e in confirmed.events
    ]
    assert grade_words(fold(runs)) == "grade declared"
    assert grade_words(confirmed.state, Isolation.OVERLAID) == "grade overlaid"


def test_a_second_read_of_a_side_is_counted(confirmed):
    again = ev.ClaimRead("baseline", Purpose.CONFIRM, (5,))
    assert reads_words(confirmed.state) == "read once per side"
    words = reads_words(fold([*confirmed.events, again]))
    assert words.startswith("read 2 times for baseline, 1 times for c1-p")


def test_the_terminal_and_the_page_say_the_same(confirmed, no_gain, not_held, halfway):
    for told in (confirmed, no_gain, not_held, halfway):
        said = summary_lines(told.state)
        assert said[0] == verdict_sentence(told.state)
        proved = Evidence(told.history, told.receipts).state
        assert summary_lines(proved) == said
        head, _, rest = said[0].partition(":")
        page = render(told.history, told.receipts)
        quoted = rest.replace("'", "&#39;")
        assert f"<strong>{head}:</strong>{quoted}</p>" in page


def test_lines_stay_lines_whatever_the_names(lab, make_idea):
    told = lab([make_idea("x", title="a\nb\x1b[2Jc\rd" * 60)], {}).play()
    for line in summary_lines(told.state):
        assert "\n" not in line and "\x1b" not in line and "\r" not in line
        assert len(line) < 600


def test_every_fate_has_words(confirmed):
    state = confirmed.state
    assert {fate_of(i, state)[0] for i in state.ideas} <= FATES.keys()
    assert fate_of("not-for-us", state) == ("inadmissible", "R5: it would look at test data")
    refused = fold([*confirmed.cut(20).events, ev.IdeaRefused("power-transform", "not mine")])
    assert fate_of("power-transform", refused) == ("refused", "not mine")
