"""What stands behind a confirmed change, in words: coverage, controls, transfers, compute.

Every face says these the same way. Numbers of a claim that is still masked are left out.
"""

from __future__ import annotations

from dataclasses import dataclass

from autosota.agents.scheduler.events import ControlJudged, TransferJudged
from autosota.agents.scheduler.state import CampaignState
from autosota.server.report.formats import (
    change_words,
    count,
    gain_words,
    interval_words,
    one_line,
)
from autosota.server.view import is_hidden

CONTROLS = {
    "null patch": "a change of a comment only must come out as noise",
    "permuted labels": "trained on labels in random order, the claim must fall to chance",
    "shuffled inputs": "with the inputs in random order, the claim must fall to chance",
    "compute-matched baseline": "the baseline, given the candidate's compute, must not catch up",
    "re-execution": "the winner, run again in an environment built afresh, must repeat its number",
}
"""Every control there is, and what it asks; in the order of a report."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """One thing an interval or a verdict may cover. `covered` is None where it was not tried."""

    what: str
    covered: bool | None
    how: str


def compute_words(change: float | None) -> str:
    """`compute +4 %`; '' when it was not measured on both sides."""
    return "" if change is None else f"compute {change_words(change)}"


# ------------------------------------------------------------------ what the interval covers


def coverage(state: CampaignState) -> list[Coverage]:
    """What the claim's interval covers and what it does not; empty until it was compared."""
    judged = state.confirmation
    if judged is None or judged.comparison is None:
        return []
    pairs = judged.comparison.pairs
    noise = f"{count(pairs, 'pair')} on fresh seeds, both sides with the same seed, back to back"
    found = [Coverage("training noise", judged.comparison.low is not None, noise)]
    found.append(_test_set(state))
    found.append(_other_settings(state))
    return found


def _test_set(state: CampaignState) -> Coverage:
    what = "sampling of the test set"
    compared = state.outcomes
    if compared is None:
        why = "the objective names no file of per-example outcomes (objective.outcomes)"
        if state.objective.outcomes:
            why = "the per-example outcomes were not compared"
        return Coverage(what, False, why)
    if compared.comparison is None:
        return Coverage(what, False, one_line(compared.reason))
    examples = count(compared.examples, "example")
    interval = interval_words(compared.comparison)
    return Coverage(what, True, f"resampled over seeds and {examples}: {interval}")


def _other_settings(state: CampaignState) -> Coverage:
    what = "other sizes, data sets or horizons"
    declared = state.objective.transfers
    if not declared:
        return Coverage(what, None, "no transfer is declared")
    tried = [t for t in state.transfers.values() if t.comparison is not None]
    if not tried:
        return Coverage(what, None, f"{count(len(declared), 'setting')} declared, none was tried")
    holds = sum(t.holds is True for t in tried)
    how = f"the gain holds in {holds} of {count(len(tried), 'setting')} tried"
    return Coverage(what, holds == len(tried), how)


# ------------------------------------------------------------------ controls and transfers


def passed_words(passed: bool | None) -> str:
    """`passed`, `failed` or `not run`."""
    return "not run" if passed is None else "passed" if passed else "failed"


def control_words(judged: ControlJudged, state: CampaignState) -> str:
    """`control permuted labels: passed: fell to 0.10`, without numbers of a masked claim."""
    text = f"{one_line(judged.name)}: {passed_words(judged.passed)}"
    if judged.reason and not is_hidden(judged.comparison, state):
        text += f": {one_line(judged.reason)}"
    return text


def transfer_words(judged: TransferJudged, state: CampaignState) -> str:
    """`horizon 48: the gain holds, +0.012 (95 % interval …, 5 pairs)`."""
    result = judged.comparison
    text = f"{one_line(judged.name)}: {holds_words(judged)}"
    if is_hidden(result, state):
        return text
    if result is not None and result.difference is not None:
        gain = gain_words(result, state.objective.direction)
        text += f", {gain} ({interval_words(result)}, {count(result.pairs, 'pair')})"
    elif judged.reason:
        text += f": {one_line(judged.reason)}"
    return text


def holds_words(judged: TransferJudged) -> str:
    """Whether the gain holds there, in words; open where the interval covers zero."""
    if judged.holds is None:
        return "not run" if judged.comparison is None else "open, the interval covers zero"
    return "the gain holds" if judged.holds else "no gain there"


def controls_words(state: CampaignState) -> str:
    """`controls: 3 passed, 1 failed (re-execution), 1 not run`; '' before any was judged."""
    groups: dict[str, list[str]] = {"passed": [], "failed": [], "not run": []}
    for judged in state.controls.values():
        groups[passed_words(judged.passed)].append(one_line(judged.name, 60))
    parts = [
        f"{len(names)} {word}" + (f" ({', '.join(names)})" if word != "passed" else "")
        for word, names in groups.items()
        if names
    ]
    return ", ".join(parts)
