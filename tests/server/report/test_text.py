from __future__ import annotations

import html
import re
from dataclasses import replace

from autosota.agents.domain import (
    CampaignVerdict,
    Fate,
    Isolation,
    Purpose,
)
from autosota.agents.scheduler import events as ev
from autosota.agents.scheduler.decide import next_action
from autosota.agents.scheduler.state import CampaignState, fold
from autosota.server.report.fates import FATES, fate_of
from autosota.server.report.headline import grade_words, reads_words
from autosota.server.report.html import render
from autosota.server.report.numbers import Evidence
from autosota.server.report.text import (
    summary_lines,
    verdict_sentence,
)


def test_the_line_under_the_sentence_has_the_values(confirmed, survived):
    result = confirmed.state.confirmation.comparison
    assert summary_lines(confirmed.state)[1] == (
        f"  measured: test_accuracy {result.baseline_mean:.4f} → {result.candidate_mean:.4f}, "
        f"+{result.difference:.4f} (95 % interval +{result.low:.4f} to +{result.high:.4f} over "
        f"training noise only, {result.pairs} paired fresh seeds, claim read once per side, "
        "grade sealed); per cent above are of the baseline's mean"
    )
    wider = "95 % interval +0.0210 to +0.0390 over training noise and the sampling of the test set"
    assert wider in summary_lines(survived.state)[1]


def test_better_in_search_only_is_not_confirmed(not_held):
    fates = {fate_of(i, not_held.state)[0] for i in not_held.state.best.ideas}
    assert "not_confirmed" in fates and fates <= {"not_confirmed", "dropped"}


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
    assert sentence.startswith("No gain found; the best candidate's confirmation failed: ")
    assert f"{why}; a gain of 1 % would need" in sentence
    assert "test_accuracy" not in sentence
    render(told.history, told.receipts)


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
    assert grade_words(confirmed.state) == "grade sealed"


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
        page = render(told.history, told.receipts)
        found = re.search(r"<p><strong>([^<]*)</strong>([^<]*)</p>", page)
        assert html.unescape(found[1] + found[2]) == said[0]


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
