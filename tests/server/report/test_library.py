"""`ideas`, `show` and `apply` of a campaign whose best change was taken apart."""

from __future__ import annotations

import pytest

from autosota.agents.scheduler import events as ev
from autosota.server.ledger.store import Ledger
from autosota.server.library import Library
from autosota.server.report.text import verdict_sentence


class Files:
    """Stands in for the user's repository: what would be applied, and nothing else."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def apply(self, old: str, new: str) -> tuple[str, ...]:
        self.asked.append((old, new))
        return ("train.py",)


@pytest.fixture
def written(tmp_path):
    """Write a campaign to a real ledger and open its library."""
    opened = []

    def write(told):
        folder = tmp_path / f"{len(opened)}"
        folder.mkdir()
        ledger = Ledger(folder / "ledger.sqlite")
        opened.append(ledger)
        campaign = ledger.create_campaign()
        for event in told.events:
            receipt = told.receipts[event.run_id] if isinstance(event, ev.RunFinished) else None
            ledger.append(campaign, event, receipt)
        return Library(ledger, campaign)

    yield write
    for ledger in opened:
        ledger.close()


def test_show_of_a_kept_idea_tells_what_each_piece_carries(written, survived):
    lines = "\n".join(written(survived).show("standardise").lines)
    assert "fate: confirmed" in lines
    assert "c1-p9 was taken apart into 3 pieces: 2 kept, 1 dropped" in lines
    assert "train.py:14 model = standardise(C=10): carries +" in lines
    assert "balanced-weights(C=10): carries -" in lines


def test_an_idea_that_the_ablation_dropped_is_listed_and_shown_as_such(written, survived):
    library = written(survived)
    fates = {e.idea.id: e.fate for e in library.entries()}
    assert fates["balanced-weights"] == "dropped"
    assert fates["standardise"] == fates["random-fourier-features"] == "confirmed"
    lines = "\n".join(library.show("balanced-weights").lines)
    assert "fate: dropped: passed the screening (p " in lines
    assert "it carried nothing that was needed" in lines


def test_show_of_the_smallest_patch_and_of_the_null_patch(written, survived):
    library, state = written(survived), survived.state
    shown = library.show(state.best.patch)
    lines = "\n".join(shown.lines)
    assert lines.startswith(f"{state.best.patch}: c1-p9 without 1 piece of it")
    assert "the smallest patch that keeps the gain" in lines
    assert f"confirmed: {state.confirmation.reason}" in lines
    assert f"audit of {state.best.patch}: cleared" in lines
    assert shown.diff == state.patches[state.best.patch].diff
    lines = "\n".join(library.show("c1-null").lines)
    assert "the null patch: a comment only" in lines and "receipt c1-control-c1-null" in lines


def test_apply_brings_the_smallest_patch_with_what_stands_behind_it(written, survived):
    library, state, files = written(survived), survived.state, Files()
    applied = library.apply(None, files)
    assert files.asked == [(state.start.base_commit, state.best.commit)]
    assert applied.standing.confirmed and applied.standing.line == verdict_sentence(state)
    assert any("leakage probe: " in note for note in applied.standing.notes)
    alone = library.apply("random-fourier-features", files).standing
    assert not alone.confirmed and alone.line.startswith("Not confirmed on its own: only c1-p9-")


def test_apply_of_what_was_not_confirmed_leads_with_that(written, not_held):
    standing = written(not_held).apply(None, Files()).standing
    assert standing.line == f"Not confirmed: {not_held.state.confirmation.reason}"
    assert any("not the sampling of the test set" in note for note in standing.notes)


def test_a_control_receipt_is_masked_until_the_claim_was_judged(written, survived):
    middle = survived.until(lambda s: "permuted labels" in s.controls)
    name = next(n for n in middle.receipts if "permuted-labels" in n)
    lines = "\n".join(written(middle).show(name).lines)
    assert "test_accuracy = masked until it is read" in lines
    assert "seed 5, permuted labels" in lines
    lines = "\n".join(written(survived).show(name).lines)
    assert "test_accuracy = 0.1, sealed (claim read once per side)" in lines
