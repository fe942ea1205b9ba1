"""The campaigns of a workspace side by side: which one is meant, and what they mean for the next.

Reads the ledger. An unfinished campaign is not started over by mistake, confirmations that were
begun are counted, and what the user refused stays refused. What a campaign does is not known here.
"""

from __future__ import annotations

from autosota.agents.domain import Fate, Objective, Purpose
from autosota.agents.scheduler import events as ev
from autosota.agents.scheduler.state import CampaignState, fold
from autosota.server.config import objective_hash
from autosota.server.errors import UserError
from autosota.server.ledger.lease import Lease
from autosota.server.ledger.store import CampaignRow, Ledger
from autosota.server.report.formats import count
from autosota.server.workspace.store import GitWorkspace

_CODE = (".py", ".ipynb", ".sh", ".yaml", ".yml", ".toml", ".json", ".cfg", ".ini")


def named(ledger: Ledger, campaign: str | None = None) -> CampaignRow:
    """The campaign named, else the one that is running, else the newest.

    Raises:
        UserError: there is none of that id, or none at all.
    """
    rows = [r for r in ledger.campaigns() if r.started_at is not None]
    if campaign is not None:
        found = next((r for r in rows if r.id == campaign), None)
        return found or ledger.campaign(campaign)
    if not rows:
        raise UserError(f"{ledger.path.parent.parent}: no campaign yet; autosota run starts one")
    running = (r for r in rows if Lease.holder(ledger.path, r.id) is not None)
    return next(running, rows[-1])


def left_unfinished(
    ledger: Ledger,
    workspace: GitWorkspace,
    objective: Objective,
    base: str,
    *,
    new: bool,
) -> str:
    """What to know about the last campaign when it is unfinished; '' when it is not.

    Raises:
        UserError: it could go on with what it has measured, and no new one was asked for.
    """
    rows = [r for r in ledger.campaigns() if r.started_at is not None]
    if not rows or rows[-1].finished_at is not None:
        return ""
    last = rows[-1].id
    state = fold(ledger.events(last))
    runs = count(len(state.runs), "run")
    how = f"campaign {last} is unfinished ({'stopped' if state.stopped else 'killed'} "
    same = state.start.objective_hash == objective_hash(objective)
    moved = _code_moved(workspace, state.start.base_commit, base)
    if not new and state.runs and same and not moved:
        raise UserError(
            f"{how}after {runs}); autosota resume goes on with it, autosota run --new "
            "starts another from the beginning"
        )
    what = "; the code has changed since" if moved else ""
    what = what if same else "; the objective has changed since"
    return (
        f"{how}after {runs}{what}); this is a new one, and autosota resume --campaign {last} "
        "would go on with the other"
    )


def resumable(ledger: Ledger, campaign: str | None) -> str:
    """The id of the campaign to go on with: the one named, else the last.

    Raises:
        UserError: it is finished, or there is none.
    """
    rows = [r for r in ledger.campaigns() if r.started_at is not None]
    if campaign is not None:
        row = named(ledger, campaign)
        if row.finished_at is not None:
            raise UserError(
                f"campaign {row.id} is finished ({row.verdict}), so nothing is left to resume; "
                "autosota run starts a new one"
            )
        return row.id
    if not rows or rows[-1].finished_at is not None:
        older = [r.id for r in rows if r.finished_at is None]
        way = f"autosota resume --campaign {older[-1]} takes up an older one, " if older else ""
        raise UserError(
            f"{ledger.path.parent.parent}: no campaign is left to resume; {way}"
            "autosota run starts one"
        )
    return rows[-1].id


def refuse_second_driver(ledger: Ledger) -> None:
    """One campaign at a time drives a workspace.

    Raises:
        UserError: one is running.
    """
    for row in ledger.campaigns():
        holder = Lease.holder(ledger.path, row.id)
        if holder is not None:
            raise UserError(
                f"campaign {row.id} is running in this workspace (process {holder.pid} on "
                f"{holder.host}); autosota status shows it, autosota stop ends it"
            )


def refuse_uncounted(ledger: Ledger, campaign: str, state: CampaignState) -> None:
    """A claim's level pays for every confirmation begun before; one begun since is not in it.

    Raises:
        UserError: another campaign began one, and this one has not yet.
    """
    if any(r.purpose is Purpose.CONFIRM for r in state.runs):
        return
    begun = confirmations_begun(ledger, state.objective, but=campaign)
    if begun > state.start.prior_confirmations:
        raise UserError(
            f"campaign {campaign} cannot go on: since it began, another one began to confirm "
            f"{state.objective.metric}, and its level does not pay for that; autosota run "
            "--new starts one that does"
        )


def confirmations_begun(ledger: Ledger, objective: Objective, but: str = "") -> int:
    """Confirmations of this claim that earlier campaigns of this ledger began.

    Also those that were given up before the claim was read: their fresh seeds are used.
    """
    begun = 0
    for row in ledger.campaigns():
        if row.started_at is None or row.id == but:
            continue
        state = fold(ledger.events(row.id))
        same = state.objective.metric == objective.metric
        begun += same and any(r.purpose is Purpose.CONFIRM for r in state.runs)
    return begun


def refuted(ledger: Ledger, objective: Objective, base: str) -> tuple[str, ...]:
    """Ideas of patches that did not hold when earlier campaigns confirmed them on this base."""
    found: dict[str, None] = {}
    for row in ledger.campaigns():
        if row.started_at is None:
            continue
        state = fold(ledger.events(row.id))
        judged, best = state.confirmation, state.best
        same = state.objective.metric == objective.metric and state.start.base_commit == base
        if not same or judged is None or best is None:
            continue
        if judged.fate in (Fate.NOISE, Fate.GUARDED) or judged.reason.startswith("R4"):
            found.update(dict.fromkeys(best.ideas))
    return tuple(found)


def refusals(ledger: Ledger) -> list[ev.IdeaRefused]:
    """What the user refused in earlier campaigns: it is not tried again in later ones."""
    found: dict[str, ev.IdeaRefused] = {}
    for row in ledger.campaigns():
        for event in ledger.events(row.id):
            if isinstance(event, ev.IdeaRefused):
                found.setdefault(event.idea, event)
    return list(found.values())


def _code_moved(workspace: GitWorkspace, old: str, new: str) -> bool:
    """True when what ran at one commit is not what would run at another.

    Files that are only there now, such as a log of the last run, count when they may be code.
    """
    if old == new:
        return False
    before, after = set(workspace.tree(old).files()), set(workspace.tree(new).files())
    if before - after or any(f.endswith(_CODE) for f in after - before):
        return True
    return any(line.startswith("--- a/") for line in workspace.diff(old, new).splitlines())


def newest(rows: list[CampaignRow]) -> CampaignRow:
    """The youngest campaign that has started; there must be one."""
    return [row for row in rows if row.started_at is not None][-1]
