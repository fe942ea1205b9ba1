"""A campaign's events told again from its receipts: every number recomputed and cross-checked.

The scheduler is asked again, at every event that holds a number, what it would have recorded
from the receipts alone; where the ledger says something else, that is a problem in words. The
result is a state like any other, without the claim of runs that was not read. Hash chains are
`autosota verify`'s.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from autosota.agents.domain import (
    CampaignVerdict,
    Purpose,
    Receipt,
)
from autosota.agents.scheduler import events as ev
from autosota.agents.scheduler.actions import Record
from autosota.agents.scheduler.decide import next_action
from autosota.agents.scheduler.ending import finish
from autosota.agents.scheduler.state import CampaignState, fold
from autosota.server.view import is_hidden, masked

History = Sequence[tuple[int, str, ev.Event]]
"""Row number, ISO 8601 time and event, in the ledger's order."""

_OF_A_RUN = (
    "purpose",
    "side",
    "commit",
    "seed",
    "outcome",
    "isolation",
    "variant",
    "outcomes",
    "intermediate",
)

_J = TypeVar(
    "_J",
    ev.IdeaJudged,
    ev.PieceJudged,
    ev.ControlJudged,
    ev.ConfirmationJudged,
    ev.TransferJudged,
)

_ONE_VALUE_FOR_ALL = ("objective_hash", "evaluator_hash", "data_hash", "base_commit")


@dataclass(slots=True)
class Replay:
    """The state that receipts prove, and what the ledger says differently.

    `whole` also holds claims that were not read: decisions are recomputed from it, and nothing
    of it is shown.
    """

    state: CampaignState = field(default_factory=CampaignState)
    whole: CampaignState = field(default_factory=CampaignState)
    problems: list[str] = field(default_factory=list)


def is_masked(metric: str, purpose: Purpose, state: CampaignState) -> bool:
    """True when a metric of such a run may not be shown: the claim, and what tells of it."""
    return state.objective.tells_of_claim(metric) and not state.claim_is_open(purpose)


def replay(history: History, receipts: Mapping[str, Receipt], hashes: Mapping[str, str]) -> Replay:
    """Fold the events again with every number taken from receipts.

    Args:
        history: all events of one campaign.
        receipts: by run id.
        hashes: what each receipt hashes to now, by run id.
    """
    told = Replay()
    final = fold(event for _, _, event in history)
    for _, _, event in history:
        if isinstance(event, ev.RunFinished):
            event = _run(event, told, final, receipts.get(event.run_id), hashes)
        else:
            event = _proved(event, told, final)
        told.whole.apply(event)
        told.state.apply(masked(event, final))
    known = {run.run_id for run in final.runs}
    for run_id in receipts:
        if run_id not in known:
            told.problems.append(f"receipt {run_id} belongs to no run of this campaign")
    for name in _ONE_VALUE_FOR_ALL:
        values = {getattr(r, name) for i, r in receipts.items() if i in known}
        if len(values) > 1:
            what = name.replace("_", " ")
            told.problems.append(f"the receipts do not agree on the {what}: {len(values)} values")
    return told


# ------------------------------------------------------------------ runs


def _run(
    event: ev.RunFinished,
    told: Replay,
    final: CampaignState,
    receipt: Receipt | None,
    hashes: Mapping[str, str],
) -> ev.RunFinished:
    """The run as its receipt tells it; one without a receipt has no numbers at all."""
    if receipt is None:
        told.problems.append(f"run {event.run_id} has no receipt: its numbers are left out")
        return replace(event, metrics={}, resources={}, wall_seconds=0.0)
    if hashes.get(event.run_id) != event.receipt:
        told.problems.append(
            f"receipt {event.run_id} was changed: its hash is not the one in the ledger"
        )
    used = receipt.resources
    resources = {
        "cpu_seconds": used.cpu_seconds,
        "peak_memory_bytes": used.peak_memory_bytes,
        "disk_bytes": used.disk_bytes,
    }
    proved = ev.RunFinished(
        run_id=receipt.run_id,
        purpose=receipt.purpose,
        side=receipt.side,
        commit=receipt.commit,
        seed=receipt.seed,
        outcome=receipt.outcome,
        reason=receipt.reason,
        metrics={m.name: m.value for m in receipt.metrics},
        isolation=receipt.isolation_of(final.objective.metric),
        wall_seconds=used.wall_seconds,
        receipt=event.receipt,
        resources={k: float(v) for k, v in resources.items() if v is not None},
        variant=receipt.variant,
        attempt=event.attempt,
        outcomes=receipt.outcomes_hash,
        intermediate=receipt.intermediate,
    )
    for name in _OF_A_RUN:
        said, holds = getattr(event, name), getattr(proved, name)
        if said != holds:
            told.problems.append(
                f"run {event.run_id}: the ledger says {name} {said}, the receipt {holds}"
            )
    if not _same(event.wall_seconds, proved.wall_seconds):
        told.problems.append(f"run {event.run_id}: ledger and receipt disagree on wall seconds")
    for name in event.metrics.keys() | proved.metrics.keys():
        said, holds = event.metrics.get(name), proved.metrics.get(name)
        if not _same(said, holds):
            masked = is_masked(name, event.purpose, final)
            told.problems.append(
                f"run {event.run_id}: ledger and receipt disagree on {name}"
                + ("" if masked else f": {_plain(said)} and {_plain(holds)}")
            )
    return proved


# ------------------------------------------------------------------ what follows from runs


def _proved(event: ev.Event, told: Replay, final: CampaignState) -> ev.Event:
    """The event with its numbers as the scheduler takes them from the receipts."""
    match event:
        case ev.BaselineMeasured():
            return _baseline(event, told)
        case ev.IdeaJudged() if event.comparison is not None:
            return _judged(f"idea {event.idea}", event, told, final)
        case ev.PieceJudged() if event.comparison is not None:
            return _judged(f"piece {event.piece}", event, told, final)
        case ev.ConfirmationPlanned():
            return _planned(event, told)
        case ev.ControlJudged() if event.comparison is not None or event.passed is not None:
            return _judged(f"control {event.name}", event, told, final)
        case ev.ConfirmationJudged() if event.comparison is not None:
            return _confirmation(event, told, final)
        case ev.TransferJudged() if event.comparison is not None:
            return _judged(f"transfer {event.name}", event, told, final)
        case ev.CampaignFinished():
            return _finished(event, told)
    return event


_BASELINE = ("mean", "sd", "claim_mean", "claim_low", "claim_high", "seconds_per_run")
_PLANNED = (
    "effect",
    "sd",
    "power",
    "pairs_needed",
    "expected_seconds",
    "evaluations",
    "controls",
    "control_seconds",
)
_COMPARED = (
    "pairs",
    "baseline_mean",
    "candidate_mean",
    "difference",
    "low",
    "high",
    "corrected_p",
    "confidence",
)
_FINISHED = {
    "baseline": "baseline",
    "best": "best",
    "evaluations": "evaluations",
    "ideas": "ideas",
    "reads_of_claim_metric": "reads of the claim",
    "compute": "compute",
}


def _again(event: ev.Event, told: Replay) -> ev.Event | None:
    """What the scheduler would record now, from the receipts; None when nothing of the kind."""
    try:
        action = next_action(told.whole)
    except (ValueError, AssertionError, ArithmeticError, LookupError, TypeError):
        return None  # receipts lack what the ledger counted on: the caller says so
    found = action.event if isinstance(action, Record) else None
    return found if type(found) is type(event) else None


def _baseline(event: ev.BaselineMeasured, told: Replay) -> ev.BaselineMeasured:
    found = _again(event, told)
    if not isinstance(found, ev.BaselineMeasured):
        told.problems.append("the baseline's numbers are not all held by receipts")
        nan = math.nan
        return replace(
            event,
            mean=nan,
            sd=nan,
            claim_mean=nan,
            claim_low=None,
            claim_high=None,
            seconds_per_run=nan,
        )
    for name in _BASELINE:
        _check("baseline", name.replace("_", " "), getattr(event, name), getattr(found, name), told)
    return found


def _planned(event: ev.ConfirmationPlanned, told: Replay) -> ev.ConfirmationPlanned:
    """The price, recomputed; which seeds and commit were planned stays as it was."""
    found = _again(event, told)
    if not isinstance(found, ev.ConfirmationPlanned):
        told.problems.append("price of the confirmation: the receipts do not hold its numbers")
        return replace(event, effect=None, sd=None, power=None, pairs_needed=None)
    for name in _PLANNED:
        _check("price", name.replace("_", " "), getattr(event, name), getattr(found, name), told)
    return replace(
        event,
        controls=found.controls,
        control_seconds=found.control_seconds,
        effect=found.effect,
        sd=found.sd,
        power=found.power,
        pairs_needed=found.pairs_needed,
        expected_seconds=found.expected_seconds,
    )


def _judged(where: str, event: _J, told: Replay, final: CampaignState) -> _J:
    """A judgement with its comparison, or without one where the receipts do not hold it."""
    found = _again(event, told)
    _check_comparison(where, event, found, told, final)
    if found is None:
        return replace(event, comparison=None)
    for name in ("fate", "needed", "passed", "holds"):
        said, holds = getattr(event, name, None), getattr(found, name, None)
        if said != holds:
            told.problems.append(
                f"{where}: the ledger says {name} {said}, the receipts give {holds}"
            )
    return replace(event, comparison=getattr(found, "comparison", None))


def _confirmation(
    event: ev.ConfirmationJudged, told: Replay, final: CampaignState
) -> ev.ConfirmationJudged:
    found = _again(event, told)
    proved = _judged("confirmation", event, told, final)
    held = found.guards if isinstance(found, ev.ConfirmationJudged) else ()
    said = {g.name: g for g in event.guards}
    for guard in held:
        old = said.get(guard.name)
        if old is None or old.held != guard.held or not _same(old.candidate, guard.candidate):
            told.problems.append(f"guard {guard.name}: the receipts give another answer")
    return replace(proved, guards=held)


def _finished(event: ev.CampaignFinished, told: Replay) -> ev.CampaignFinished:
    """The last event: its numbers from the state alone, its verdict as the scheduler's."""
    again = _again(event, told)
    if isinstance(again, ev.CampaignFinished):
        if again.verdict is not event.verdict:
            told.problems.append(
                f"end: the ledger says verdict {event.verdict}, the receipts give {again.verdict}"
            )
    elif event.verdict not in (CampaignVerdict.FAILED, CampaignVerdict.STOPPED):
        told.problems.append(f"end: the receipts do not give the verdict {event.verdict} yet")
    found = finish(told.whole, event.verdict, event.reason)
    for name, words in _FINISHED.items():
        _check("end", words, getattr(event, name), getattr(found, name), told)
    said, holds = event.equal_compute, found.equal_compute
    for name in _COMPARED if said is not None or holds is not None else ():
        words = f"{name.replace('_', ' ')} at equal compute"
        _check("end", words, getattr(said, name, None), getattr(holds, name, None), told)
    if event.caps != found.caps:
        told.problems.append("end: the ledger's caveats are not those that the receipts give")
    return replace(found, patch=event.patch)


# ------------------------------------------------------------------ cross-checks


def _check_comparison(
    where: str,
    event: _J,
    found: ev.Event | None,
    told: Replay,
    final: CampaignState,
) -> None:
    said, holds = event.comparison, getattr(found, "comparison", None)
    if said is None and holds is None:
        return
    if said is None or holds is None:
        told.problems.append(f"{where}: the receipts do not hold the numbers of its comparison")
        return
    hidden = is_hidden(said, final)
    for name in _COMPARED:
        old, new = getattr(said, name), getattr(holds, name)
        if _same(old, new):
            continue
        words = name.replace("_", " ")
        if hidden:
            told.problems.append(f"{where}: ledger and receipts disagree on the {words}")
        else:
            _check(where, words, old, new, told)


def _check(where: str, words: str, said: float | None, holds: float | None, told: Replay) -> None:
    if not _same(said, holds):
        told.problems.append(
            f"{where}: the ledger says {words} {_plain(said)}, the receipts give {_plain(holds)}"
        )


def _same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)


def _plain(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.6g}"
