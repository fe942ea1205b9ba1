"""The rows of the board: ideas with their badges, runs with their values, campaigns.

Numbers come from receipts through `Evidence`, with the claim masked until it was read. Which
campaign is shown, and when it is read again, is `records`' business.
"""

from __future__ import annotations

from collections.abc import Callable

from autosota.agents.domain import BASELINE, Decision, Hypothesis, Outcome, Purpose
from autosota.agents.scheduler.claims import UNASKED
from autosota.agents.scheduler.events import RunFinished
from autosota.agents.scheduler.state import NULL_PATCH, CampaignState
from autosota.server.activity import RunningRun
from autosota.server.editor.archive import PRAISED
from autosota.server.editor.board import Audit, Badge, IdeaRow, RunRow
from autosota.server.editor.veil import Veil
from autosota.server.editor.view import Tried
from autosota.server.report.formats import one_line
from autosota.server.report.numbers import MASKED, Evidence

MASKED_WORDS = "masked until it is read"
_BADGES: dict[str, Badge] = {
    "confirmed": "confirmed",
    "provisional": "provisional",
    "not_confirmed": "noise",
    "dropped": "noise",
    "noise": "noise",
    "same": "noise",
    "worse": "failed",
    "guarded": "failed",
    "too_slow": "failed",
    "failed": "failed",
    "not_applicable": "failed",
    "rejected": "rejected",
    "inadmissible": "rejected",
    "refused": "refused",
}
"""The mark of each fate; those that nothing has decided yet have none."""
_AUDITS: dict[Decision, Audit] = {
    Decision.CLEARED: "cleared",
    Decision.NEEDS_REVIEW: "needs_review",
    Decision.REJECTED: "rejected",
}


# ---------------------------------------------------------------------- ideas


def idea_rows(evidence: Evidence, tried: Callable[[str], Tried | None]) -> tuple[IdeaRow, ...]:
    """Every idea of the campaign, in the library's order.

    Args:
        evidence: Of the campaign.
        tried: What became of an idea.
    """
    state = evidence.state
    proven = not evidence.problems
    return tuple(_idea(idea, tried(name), state, proven) for name, idea in state.ideas.items())


def _idea(idea: Hypothesis, tried: Tried | None, state: CampaignState, proven: bool) -> IdeaRow:
    fate = tried.fate if tried is not None else "waiting"
    patch = tried.patch if tried is not None else ""
    verdict, findings = audit_of(patch, state)
    place = idea.place
    return IdeaRow(
        id=idea.id,
        title=one_line(idea.title),
        granularity=str(idea.granularity),
        family=idea.family,
        path=place.path,
        line=place.line,
        end_line=max(place.end_line, place.line),
        symbol=idea.symbol,
        paper=one_line(idea.paper),
        reason=one_line(idea.reason, 1000),
        expected=one_line(idea.expected),
        risk=str(idea.risk),
        cost=idea.cost,
        fate=fate,
        words=tried.words if tried is not None else "not tried",
        why=tried.why if tried is not None else "",
        gain=tried.gain if tried is not None else "",
        detail=tried.detail if tried is not None else "",
        badge=_BADGES.get(fate, "") if proven or fate not in PRAISED else "",
        patch=patch,
        verdict=verdict,
        findings=findings,
        receipts=tried.receipts if tried is not None else (),
    )


def audit_of(patch: str, state: CampaignState) -> tuple[Audit, tuple[str, ...]]:
    """What the audit said of a patch, and its findings in words."""
    verdict = state.verdicts.get(patch)
    if verdict is None:
        return "", ()
    said = tuple(
        one_line(f"{f.code} {f.place.path}:{f.place.line}: {f.message}", 1000)
        for f in verdict.findings
    )
    return _AUDITS[verdict.decision], said


# ---------------------------------------------------------------------- runs


def run_rows(
    evidence: Evidence, running: RunningRun | None, has_log: Callable[[str], bool]
) -> tuple[RunRow, ...]:
    """Every run of the campaign and the one that goes on, the newest first.

    Args:
        evidence: Of the campaign.
        running: The run that goes on.
        has_log: Whether there is a log of a run.
    """
    state = evidence.state
    rows = [_run(run, evidence, has_log(run.run_id)) for run in reversed(state.runs)]
    if running is not None and running.id not in evidence.rows:
        rows.insert(0, _running(running, state))
    return tuple(rows)


def _running(run: RunningRun, state: CampaignState) -> RunRow:
    idea, patch = _made_from(run.side, state)
    name = shown_metric(run.purpose, run.variant, state)
    return RunRow(
        run.id, run.purpose, run.side, idea, patch, run.seed, "running", run.began,
        metric=name, note="it goes on", log=True,
    )  # fmt: skip


def _run(run: RunFinished, evidence: Evidence, log: bool) -> RunRow:
    state = evidence.state
    receipt = evidence.receipts.get(run.run_id)
    idea, patch = _made_from(run.side, state)
    metric = shown_metric(run.purpose, run.variant, state)
    value = note = ""
    if run.outcome is Outcome.OK:
        shown = evidence.value(run, metric)
        value = shown.text if shown.value is not None else ""
        note = MASKED_WORDS if shown.text == MASKED else "" if value else "unknown"
    else:
        veil = Veil.of_run(state, run.purpose, receipt)
        note = veil.line(one_line(run.reason, 1000))
    if run.variant:
        note = f"{one_line(run.variant, 60)}: {note}" if note else one_line(run.variant, 60)
    return RunRow(
        id=run.run_id,
        purpose=str(run.purpose),
        side=run.side,
        idea=idea,
        patch=patch,
        seed=run.seed,
        state="finished" if run.outcome is Outcome.OK else str(run.outcome),
        began=receipt.started_at if receipt is not None else "",
        wall_seconds=run.wall_seconds if receipt is not None else None,
        metric=metric,
        value=value,
        note=note,
        isolation=str(receipt.isolation_of(metric)) if receipt is not None else "",
        receipt=run.receipt if receipt is not None else "",
        log=log,
    )


def shown_metric(purpose: str, variant: str, state: CampaignState) -> str:
    """The metric that such a run is about: the claim where it decides, else the search's."""
    decides = purpose in (Purpose.CONFIRM, Purpose.CONTROL, Purpose.TRANSFER)
    decides = decides and variant not in UNASKED
    return state.objective.metric if decides else state.objective.select_on


def _made_from(side: str, state: CampaignState) -> tuple[str, str]:
    """The idea and the patch of a side; both `''` for the baseline."""
    if side == BASELINE:
        return "", ""
    patch = state.patches.get(side) or (state.null_patch if side.endswith("-null") else None)
    if patch is None:
        return "", side
    return ("" if patch.hypothesis == NULL_PATCH else patch.hypothesis), patch.id
