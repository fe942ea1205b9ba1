"""What a result does not cover, in words: shown wherever the result is.

Derived from the state alone. Which of them cap a verdict was decided by the scheduler.
"""

from __future__ import annotations

from dataclasses import dataclass

from autosota.agents.domain import Isolation, Outcome, Purpose, Severity
from autosota.agents.scheduler.claims import claim_caps
from autosota.agents.scheduler.state import CampaignState
from autosota.agents.supervisor.ledger import findings_of
from autosota.server.report.formats import count, one_line, percent
from autosota.server.view import is_hidden

GRADES_IN_WORDS = {
    Isolation.SEALED: "a separate evaluator scored the run, out of the candidate's reach",
    Isolation.OVERLAID: (
        "the repository's own script measured itself; protected files were restored from the "
        "baseline and read-only"
    ),
    Isolation.DECLARED: "no protection was possible: the number is what the code says of itself",
}


@dataclass(frozen=True, slots=True)
class Caveat:
    """One sentence; `weighs` when it limits the result, else it is background."""

    text: str
    weighs: bool = True


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
        unique.setdefault(caveat.text, caveat)
    return list(unique.values())


def _caps(state: CampaignState) -> list[Caveat]:
    if state.baseline is None:
        return []  # there is no result yet that they could cap
    caps = claim_caps(state)
    for judged in state.controls.values():
        if is_hidden(judged.comparison, state):  # its reason says numbers of the claim
            caps = tuple(cap.removesuffix(f": {judged.reason}") for cap in caps)
    return [Caveat(cap) for cap in caps]


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
