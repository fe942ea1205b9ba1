from __future__ import annotations

from dataclasses import replace

from autosota.agents.domain import Finding, Isolation, Place, Severity
from autosota.agents.scheduler import events as ev
from autosota.agents.scheduler.state import fold
from autosota.server.report.caveats import caveats


def words(state, *, weighs=None):
    return "\n".join(c.text for c in caveats(state) if weighs in (None, c.weighs))


def changed(told, kind, **changes):
    return fold(replace(e, **changes) if isinstance(e, kind) else e for e in told.events)


def test_controls_that_were_not_run_and_what_the_interval_covers_are_said(confirmed, no_gain):
    text = words(confirmed.state, weighs=True)
    assert "permuted labels control not run: no [controls] labels are declared" in text
    assert "covers training noise, not the sampling of the test set: the objective n" in text
    assert "control not run" not in words(no_gain.state)  # there is no claim to be covered


def test_selecting_on_the_claim_comes_first(selects_on_claim, confirmed):
    assert caveats(selects_on_claim.state)[0].text.startswith("LK112: ")
    assert "LK112" not in words(confirmed.state)


def test_seeds_that_do_nothing_are_said(lab, make_idea):
    told = lab([make_idea("x")], {"x": 0.02}, sd=0.0).play()
    assert "the seeds do nothing" in words(told.state, weighs=True)


def test_a_baseline_away_from_the_paper_is_said(confirmed):
    assert "differs from the paper's number by more than training noise" in words(confirmed.state)
    near = changed(confirmed, ev.BaselineMeasured, paper_value=0.906)
    assert "differs from the paper" not in words(near)
    none = changed(confirmed, ev.BaselineMeasured, paper_value=None)
    assert "gives no number of the paper" in words(none, weighs=False)


def test_the_isolation_is_explained_when_it_is_not_sealed(confirmed, lab, make_idea):
    assert "isolation" not in words(confirmed.state)
    for grade in (Isolation.OVERLAID, Isolation.DECLARED):
        told = lab([make_idea("x")], {}, isolation=grade).play()
        assert f"isolation {grade}: " in words(told.state, weighs=True)


def test_warnings_in_the_code_weigh_by_their_severity(confirmed):
    def finding(code, severity):
        return Finding(code, "n", severity, "R5", Place("train.py", 3), "message")

    state = changed(
        confirmed,
        ev.CodeAnalysed,
        warnings=(finding("LK101", Severity.INFO), finding("LK103", Severity.ERROR)),
    )
    assert "LK103 train.py:3: message" in words(state, weighs=True)
    assert "LK101 train.py:3: message" in words(state, weighs=False)


def test_a_dirty_base_and_notes_are_background(confirmed):
    state = changed(confirmed, ev.CampaignStarted, dirty=True, notes=("submodule left out",))
    text = words(state, weighs=False)
    assert "uncommitted changes" in text and "submodule left out" in text


def test_nothing_caps_a_result_that_is_not_there(not_reproduced):
    assert words(not_reproduced.state, weighs=True) == ""
