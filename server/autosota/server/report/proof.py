"""What stands behind a confirmed change, in words: coverage, controls, transfers, compute.

Every face says these the same way. Numbers of a claim that is still masked are left out.
"""

from __future__ import annotations

from dataclasses import dataclass

from autosota.agents.scheduler import matching
from autosota.agents.scheduler.claims import INPUTS, LABELS, MATCH_ABOVE, MATCHED
from autosota.agents.scheduler.events import ControlJudged, TransferJudged
from autosota.agents.scheduler.state import CampaignState
from autosota.server.report.formats import (
    change_words,
    count,
    duration,
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


TEST_SET = "sampling of the test set"
"""What seeds alone do not see."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """One thing an interval or a verdict may cover. `covered` is None where it was not tried."""

    what: str
    covered: bool | None
    how: str


def compute_words(change: float | None) -> str:
    """`compute +4 %`; '' when it was not measured on both sides."""
    return "" if change is None else f"compute {change_words(change)}"


def equal_compute_line(state: CampaignState) -> str:
    """The gain over a baseline of equal compute with what both spent, or why there is none.

    '' until the claim was judged, and where compute did not grow so far that it matters.
    """
    finished = state.finished
    if finished is None or state.confirmation is None:
        return ""
    matched, used = finished.equal_compute, matching.spent(state)
    if matched is not None and matched.difference is not None:
        gain = gain_words(matched, state.objective.direction)
        text = f"{gain} on {one_line(matched.metric, 60)} ({interval_words(matched)})"
        if used is not None:
            took, wanted = (duration(seconds) for seconds in used)
            text += f", over a baseline that spent {took} of compute a run, the candidate {wanted}"
        return text
    judged = state.controls.get(MATCHED)
    if judged is not None:
        return one_line(judged.reason)
    return f"not known: {why_not_run(MATCHED, state)}" if lacks_match(state) else ""


def lacks_match(state: CampaignState) -> bool:
    """True when the candidate spent clearly more, and no baseline was given as much."""
    finished = state.finished
    if finished is None or finished.equal_compute is not None or state.confirmation is None:
        return False
    more = finished.compute is not None and finished.compute > MATCH_ABOVE
    return more or MATCHED in state.controls


# ------------------------------------------------------------------ what the interval covers


def coverage(state: CampaignState) -> list[Coverage]:
    """What the claim's interval covers and what it does not; empty until it was compared."""
    judged = state.confirmation
    if judged is None or judged.comparison is None:
        return []
    pairs = judged.comparison.pairs
    noise = f"{count(pairs, 'pair')} on fresh seeds, both sides with the same seed, back to back"
    if judged.comparison.low is None:
        noise = f"{count(pairs, 'pair')}: {judged.comparison.note or 'too few for an interval'}"
    found = [Coverage("training noise", judged.comparison.low is not None, noise)]
    found.append(_test_set(state))
    found.append(_other_settings(state))
    return found


def _test_set(state: CampaignState) -> Coverage:
    what = TEST_SET
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
        text += f": {control_reason(judged, state)}"
    return text


def control_reason(judged: ControlJudged, state: CampaignState) -> str:
    """Why a control came out as it did; the gain at equal compute rounded by its interval."""
    result = judged.comparison
    if judged.name != MATCHED or judged.passed is None or result is None:
        return one_line(judged.reason)
    gain = gain_words(result, state.objective.direction)
    return f"{one_line(judged.reason.partition(': ')[0])}: {gain} ({interval_words(result)})"


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
    """`3 passed, 1 failed (re-execution); not run: …`; '' before any was judged."""
    names = [one_line(j.name, 60) for j in state.controls.values() if j.passed is False]
    passed = sum(j.passed is True for j in state.controls.values())
    parts = [f"{passed} passed"] if passed else []
    if names:
        parts.append(f"{len(names)} failed ({', '.join(names)})")
    lacking = ", ".join(f"{name} ({why})" if why else name for name, why in not_run(state))
    text = ", ".join(parts)
    if not state.controls:
        return ""
    return "; ".join(part for part in (text, f"not run: {lacking}" if lacking else "") if part)


def not_run(state: CampaignState) -> list[tuple[str, str]]:
    """Controls that the claim was not put to, and why; empty until the claim was judged.

    A matched baseline that was not needed is not among them.
    """
    judged = state.confirmation
    if judged is None or judged.comparison is None or not state.controls:
        return []
    found = []
    for name in CONTROLS:
        control = state.controls.get(name)
        if control is not None and control.passed is None:
            found.append((name, one_line(control.reason)))
        elif control is None and name != MATCHED:
            found.append((name, why_not_run(name, state)))
    return found


def why_not_run(name: str, state: CampaignState) -> str:
    """Why a control has no judgement: not declared, not needed, or not yet its turn."""
    declared = state.objective.controls
    if name == LABELS and declared.labels is None:
        return "no [controls] labels are declared"
    if name == INPUTS and declared.inputs is None:
        return "no [controls] inputs are declared"
    if name == MATCHED and declared.compute_knob is None:
        return "no [controls] compute_knob is declared"
    if state.plan is None:
        return "no candidate reached a confirmation"
    if state.confirmation is None:
        return "the confirmation is not over"
    if name == MATCHED and state.controls:
        return "not needed: the candidate does not spend clearly more compute"
    return "the claim did not pass, so there was nothing to control"
