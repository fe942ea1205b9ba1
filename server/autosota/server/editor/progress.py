"""How far a workspace's campaign is, for a status bar."""

from __future__ import annotations

from pathlib import Path

from autosota.agents.domain import Budget, CampaignVerdict, Objective
from autosota.server.activity import running_run
from autosota.server.config import load_objective
from autosota.server.editor.archive import Archive
from autosota.server.editor.autonomy import mode
from autosota.server.editor.view import Progress
from autosota.server.errors import UserError
from autosota.server.ledger.lease import Lease
from autosota.server.ledger.mailbox import Mailbox
from autosota.server.report.formats import count, duration, one_line
from autosota.server.report.headline import headline
from autosota.server.workspace.root import has_objective


def progress(root: Path) -> Progress:
    """The newest campaign, or the one that runs; never raises for a ledger that is not there."""
    return progress_of(root, Archive(root))


def progress_of(root: Path, archive: Archive) -> Progress:
    """The same, from what was read of the ledger before; reads on where it has grown."""
    objective, note = objective_of(root)
    said = {
        "root": str(root),
        "autonomy": mode(root, objective),
        "autonomy_ceiling": objective.autonomy if objective is not None else "suggest",
        "has_objective": objective is not None,
        "note": note,
        "may_spend": budget_words(objective.budget) if objective is not None else "",
    }
    try:
        archive.refresh()
        if not archive.campaign:
            return Progress(**said, revision=archive.revision)  # type: ignore[arg-type]
        state, path = archive.state, archive.path
        driven = Lease.holder(path, archive.campaign) is not None
        activity = None
        if driven:
            with Mailbox(path, read_only=True) as mailbox:
                activity = mailbox.activity(archive.campaign)
    except UserError as error:
        return Progress(**{**said, "note": note or str(error)})  # type: ignore[arg-type]
    how = "running" if driven else "idle"
    if state.finished is not None:
        how = "finished"
    elif state.stopped is not None and not driven:
        how = "stopped"
    run = running_run(activity)
    budget = state.objective.budget
    ended = state.finished
    praised = ended is not None and ended.verdict in _PRAISE
    doubt = archive.doubt if praised else ""
    if doubt:
        said["note"] = note or doubt
    return Progress(
        **said,  # type: ignore[arg-type]
        state=how,
        campaign=archive.campaign,
        verdict=str(ended.verdict) if ended is not None and not doubt else "",
        doing=one_line(str(activity.body.get("doing", "")), 120) if activity is not None else "",
        evaluations=len(state.runs),
        budget_evaluations=budget.evaluations,
        wall_seconds=state.wall_seconds,
        budget_wall_seconds=budget.wall_seconds,
        budget_dollars=budget.dollars,
        ideas=len(state.ideas),
        ideas_tried=len(state.tried),
        dollars=_spent(root, archive.campaign),
        headline=one_line(doubt or headline(state).sentence, 1000),
        revision=archive.revision + (f":{run.id}" if run is not None else ""),
    )


_PRAISE = (CampaignVerdict.CONFIRMED, CampaignVerdict.PROVISIONAL)


def _spent(root: Path, campaign: str) -> float | None:
    """Dollars spent on models by a campaign; None where none was asked."""
    from autosota.server.advisor import spent_on_models

    try:
        spent = spent_on_models(root / ".autosota", campaign)
    except UserError:
        return None  # what cannot be read is not known
    return spent.dollars if spent.calls else None


def budget_words(budget: Budget) -> str:
    """What may be spent, as in `40 runs, 2 h, $5.00`."""
    wall = duration(budget.wall_seconds).replace(".0 ", " ")
    parts = [count(budget.evaluations, "run"), wall]
    if budget.dollars is not None:
        parts.append(f"${budget.dollars:.2f}")
    if budget.ideas is not None:
        parts.append(count(budget.ideas, "idea"))
    return ", ".join(parts)


def objective_of(root: Path) -> tuple[Objective | None, str]:
    """The workspace's objective, and why it cannot be used when it is there."""
    if not has_objective(root):
        return None, ""
    try:
        return load_objective(root), ""
    except UserError as error:
        return None, str(error)
