"""What speaks against a result and what it does not cover, in words: shown wherever it is.

Derived from the state alone. Which of them cap a verdict was decided by the scheduler. What a
claim does not cover is only said once there is a claim.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from autosota.agents.domain import Isolation, Outcome, Purpose, Severity
from autosota.agents.scheduler.claims import MATCHED, claim_caps, sampling
from autosota.agents.scheduler.state import CampaignState
from autosota.agents.supervisor.ledger import findings_of
from autosota.server.report.formats import count, one_line, percent
from autosota.server.report.proof import CONTROLS, TEST_SET, coverage, not_run
from autosota.server.view import is_hidden

GRADES_IN_WORDS = {
    Isolation.SEALED: "a separate evaluator scored the run, out of the candidate's reach",
    Isolation.OVERLAID: (
        "the repository's own script measured itself; protected files were restored from the "
        "baseline and read-only"
    ),
    Isolation.DECLARED: "no protection was possible: the number is what the code says of itself",
}


class Kind(StrEnum):
    """What a caveat is: a control that failed, what is not covered, a note, or background.

    `SAMPLING` and `CONTROL` are not covered: the test set's sampling, and a control not run.
    """

    FAILED = "failed"
    SAMPLING = "sampling"
    CONTROL = "control"
    NOTE = "note"
    BACKGROUND = "background"


@dataclass(frozen=True, slots=True)
class Caveat:
    """One sentence; `weighs` when it limits the result, else it is background."""

    text: str
    weighs: bool = True
    kind: Kind = Kind.NOTE


def caveats(state: CampaignState) -> list[Caveat]:
    """Everything a reader should know beside the verdict, what weighs most first."""
    found: list[Caveat] = []
    objective = state.objective
    if objective.selects_on_claim:
        found.append(
            Caveat(
                f"LK112: the search looks at {one_line(objective.metric)} itself, so nothing can "
                "be confirmed: set objective.select_on to a validation metric"
            )
        )
    found += _failed(state)
    found += [Caveat(f"{f.code}: {f.message}") for f in findings_of(state)]
    found += _caps(state)
    found += _baseline(state)
    found += _isolation(state)
    prior = state.start.prior_confirmations
    if prior:
        confidence = percent(_level(prior + 1))
        found.append(
            Caveat(
                f"this claim was confirmed or tried before {count(prior, 'time')}: the interval "
                f"of this confirmation is at {confidence}, to pay for those looks"
            )
        )
    if state.start.dirty:
        found.append(
            Caveat("the base is a snapshot of a working tree with uncommitted changes", False)
        )
    found += [Caveat(note, False) for note in state.start.notes]
    if state.environment is not None:
        found += [Caveat(note, False) for note in state.environment.notes]
    found += _code(state)
    unique: dict[str, Caveat] = {}
    for caveat in found:
        kind = caveat.kind if caveat.weighs else Kind.BACKGROUND
        unique.setdefault(caveat.text, replace(caveat, kind=kind))
    return list(unique.values())


def _failed(state: CampaignState) -> list[Caveat]:
    """Controls that failed: they are no matter of coverage, they speak against the result."""
    found = []
    for judged in state.controls.values():
        if judged.passed is False:
            text = f"{one_line(judged.name)} control failed"
            if not is_hidden(judged.comparison, state):  # its reason says numbers of the claim
                matched = judged.name == MATCHED and judged.comparison is not None
                # its numbers stand, rounded, with the gain at equal compute
                why = judged.reason.partition(": ")[0] if matched else judged.reason
                text += f": {one_line(why)}"
            found.append(Caveat(text, kind=Kind.FAILED))
    return found


def _caps(state: CampaignState) -> list[Caveat]:
    """What the claim does not cover; nothing before there is a claim that they could cap."""
    judged = state.confirmation
    if judged is None or judged.comparison is None:
        return []
    found = []
    if sampling(state) is None:
        why = next(row.how for row in coverage(state) if row.what == TEST_SET)
        text = f"the interval covers training noise, not the {TEST_SET}: {why}"
        found.append(Caveat(text, kind=Kind.SAMPLING))
    for name, why in not_run(state):
        text = f"{name} control not run" + (f": {why}" if why else "")
        found.append(Caveat(text, kind=Kind.CONTROL))
    own = ("the interval covers training noise", *(f"{name} control " for name in CONTROLS))
    return found + [Caveat(cap) for cap in claim_caps(state) if not cap.startswith(own)]


def _baseline(state: CampaignState) -> list[Caveat]:
    measured = state.baseline
    if measured is None:
        return []
    found = [Caveat(note) for note in measured.notes]
    if len(measured.seeds) < 2:
        found.append(Caveat("one seed: how much the baseline varies is not known"))
    paper, low, high = measured.paper_value, measured.claim_low, measured.claim_high
    metric = one_line(state.objective.metric)
    if paper is None:
        found.append(Caveat(f"the objective gives no number of the paper for {metric}", False))
    elif low is not None and high is not None and not low <= paper <= high:
        found.append(
            Caveat(
                f"the reproduced {metric} differs from the paper's number by more than training "
                "noise; gains are against what was measured here"
            )
        )
    return found


def _isolation(state: CampaignState) -> list[Caveat]:
    grades = {run.isolation for run in state.runs}
    found = []
    for grade in (Isolation.DECLARED, Isolation.OVERLAID):
        if grade in grades:
            found.append(Caveat(f"isolation {grade}: {GRADES_IN_WORDS[grade]}"))
    failed = [
        run
        for run in state.runs
        if run.purpose is Purpose.CONFIRM and run.outcome is not Outcome.OK
    ]
    if failed:
        found.append(Caveat(f"{count(len(failed), 'run')} of the confirmation did not end well"))
    return found


def _code(state: CampaignState) -> list[Caveat]:
    if state.analysed is None:
        return []
    found = [
        Caveat(
            f"{f.code} {f.place.path}:{f.place.line}: {f.message}",
            f.severity in (Severity.BLOCK, Severity.ERROR, Severity.WARNING),
        )
        for f in state.analysed.warnings
    ]
    found += [Caveat(f"not analysed: {text}", False) for text in state.analysed.boundary.unknown]
    return found


def _level(attempt: int) -> float:
    from autosota.agents.scheduler.statistics import confirmation_level

    return 1 - 2 * confirmation_level(attempt)
