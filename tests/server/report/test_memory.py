from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from autosota.agents.domain import Purpose
from autosota.agents.scheduler import events as ev
from autosota.agents.scheduler.state import fold
from autosota.server.report.memory import memory_files
from autosota.server.report.numbers import Evidence


def rows(told):
    return [json.loads(line) for line in memory_files(told.state)["scores.jsonl"].splitlines()]


def test_the_four_files(confirmed):
    files = memory_files(confirmed.state)
    assert list(files) == [
        "code_analysis.md",
        "idea_library.md",
        "research_report.md",
        "scores.jsonl",
    ]
    assert all(text.endswith("\n") for text in files.values())


def test_iteration_0_is_the_measured_baseline(confirmed):
    first = rows(confirmed)[0]
    held = [
        r.value("val_accuracy")
        for r in confirmed.receipts.values()
        if r.purpose is Purpose.BASELINE
    ]
    assert (first["iteration"], first["name"]) == (0, "_baseline")
    assert first["mean"] == pytest.approx(sum(held) / 5)
    assert set(first["metrics"]) == {"val_accuracy", "val_f1", "params", "test_accuracy"}


def test_one_row_per_idea_tried_in_order_and_the_confirmation_last(confirmed):
    state = confirmed.state
    found = rows(confirmed)
    assert [r["iteration"] for r in found] == list(range(len(state.selected) + 2))
    assert [r["name"] for r in found[1:-1]] == list(state.selected)
    assert [r["name"] for r in found if r.get("best")] == list(state.best.ideas)
    last = found[-1]
    assert last["metric"] == "test_accuracy"
    assert last["difference"] == pytest.approx(state.confirmation.comparison.difference)
    assert len(last["runs"]) == state.plan.evaluations == 2 * len(state.plan.seeds)


def test_every_metric_is_reported_at_every_iteration(confirmed):
    measured = [r for r in rows(confirmed)[1:-1] if r["seeds"]]
    assert measured
    assert all(set(r["metrics"]) == {"val_accuracy", "val_f1", "params"} for r in measured)


def test_a_claim_that_was_not_read_is_in_no_file(halfway):
    hidden = [
        r.value("test_accuracy") for r in halfway.receipts.values() if r.purpose is Purpose.CONFIRM
    ]
    # the ledger's own state still holds them, so this is not only the proved state's doing
    for state in (halfway.state, Evidence(halfway.history, halfway.receipts).state):
        text = "".join(memory_files(state).values())
        for value in hidden:
            assert repr(value) not in text and f"{value:.4f}" not in text
        assert "_confirmation" not in text


def test_a_claim_that_slipped_into_a_search_run_is_not_told(confirmed):
    events = [
        replace(e, metrics={**e.metrics, "test_accuracy": 0.98765})
        if isinstance(e, ev.RunFinished) and e.purpose is Purpose.SEARCH
        else e
        for e in confirmed.events
    ]
    assert "0.98765" not in "".join(memory_files(fold(events)).values())


def test_a_baseline_that_no_receipt_holds_is_null(confirmed):
    files = memory_files(Evidence(confirmed.history, {}).state)
    assert json.loads(files["scores.jsonl"].splitlines()[0])["mean"] is None
    assert not any(re.search(r"\bnan\b", text, re.I) for text in files.values())


def test_the_library_says_what_became_of_each_idea(confirmed):
    text = memory_files(confirmed.state)["idea_library.md"]
    for idea in confirmed.state.ideas.values():
        assert idea.title in text
    assert "- admissible: REJECTED, R5: it would look at test data" in text
    assert "- outcome: refused by the audit, rejected by the audit: EV201" in text
    assert "- outcome: did not run, crashed: exit code 1" in text


def test_the_constraints_are_written_down(confirmed):
    text = memory_files(confirmed.state)["code_analysis.md"]
    assert "- frozen: `test_size = 0.3`" in text
    assert "- labels, for the evaluator only: `labels/**`" in text
    assert "- restored and read-only: `evaluate.py`" in text
    assert "R2: evaluation script" in text


def test_early_and_odd_campaigns_have_a_memory_too(confirmed, not_reproduced, lab, make_idea):
    for count in range(1, 14):
        memory_files(confirmed.cut(count).state)
    assert memory_files(not_reproduced.state)["scores.jsonl"] == ""
    hostile = "x\n# Not a heading <script>\x1b[2J`"
    told = lab([make_idea("a", title=hostile, symbol=hostile, reason=hostile)], {}).play()
    text = memory_files(told.state)["idea_library.md"]
    assert "\n# Not" not in text and "\x1b" not in text
    assert "<script>" in text  # as code, where it is only text
    assert "<script>" not in re.sub("`[^`\n]*`", "", text)
    with pytest.raises(ValueError, match="no start"):
        memory_files(type(confirmed.state)())
