"""One `Host` per workspace: the only object a face holds.

Opens the ledger, the workspace and the laboratory, and hands out what faces need in plain
words and typed rows. It decides nothing about ideas or verdicts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from autosota.agents.domain import Fate, Hypothesis, Objective, Purpose
from autosota.agents.scheduler import events as ev
from autosota.agents.scheduler.state import CampaignState, fold
from autosota.server import product_version
from autosota.server.campaign import Campaign
from autosota.server.config import load_objective, objective_hash, read_objective
from autosota.server.errors import UserError
from autosota.server.ledger.lease import Lease
from autosota.server.ledger.mailbox import Mailbox
from autosota.server.ledger.store import CampaignRow, Ledger
from autosota.server.library import Applied, Library, LibraryEntry, Shown
from autosota.server.view import claim_is_open
from autosota.server.workspace.root import find_root, prepare_state
from autosota.server.workspace.store import GitWorkspace

STOP_SECONDS = 10.0

Note = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What the command line changes for one campaign. None: as the objective says."""

    max_evaluations: int | None = None
    max_wall_seconds: float | None = None
    max_dollars: float | None = None
    offline: bool = False
    sandbox: str | None = None

    def over(self, objective: Objective) -> Objective:
        """The objective with these options.

        Raises:
            UserError: an option has no meaning; names it and the way out.
        """
        budget = objective.budget
        if self.max_evaluations is not None:
            if self.max_evaluations < 1:
                raise UserError(f"--max-evaluations {self.max_evaluations}: give 1 or more")
            budget = replace(budget, evaluations=self.max_evaluations)
        if self.max_wall_seconds is not None:
            budget = replace(budget, wall_seconds=self.max_wall_seconds)
        if self.max_dollars is not None:
            if not self.max_dollars >= 0:
                raise UserError(f"--max-dollars {self.max_dollars}: give 0 or more")
            budget = replace(budget, dollars=self.max_dollars)
        environment = objective.environment
        if self.sandbox is not None:
            environment = replace(environment, sandbox=self.sandbox)
        if environment.sandbox not in ("auto", "local"):
            raise UserError(
                f"sandbox '{environment.sandbox}' is not built in this version: "
                "set environment.sandbox (or --sandbox) to auto or local"
            )
        if budget.evaluations < len(objective.seeds):
            raise UserError(
                f"budget.evaluations = {budget.evaluations} is less than the "
                f"{len(objective.seeds)} baseline runs that objective.seeds asks for"
            )
        return replace(objective, budget=budget, environment=environment)


@dataclass(frozen=True, slots=True)
class Status:
    """What a campaign is doing, as lines for people and as a mapping for scripts."""

    lines: tuple[str, ...]
    fields: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """The fields, for JSON."""
        return self.fields


def workspace_root(start: Path) -> Path:
    """The workspace that a folder belongs to.

    Raises:
        UserError: there is no such folder.
    """
    if not start.is_dir():
        raise UserError(f"{start}: no such folder")
    return find_root(start.resolve())


class Host:
    """The body of one workspace."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.state_dir = root / ".autosota"
        self.ledger_path = self.state_dir / "ledger.sqlite"

    @classmethod
    def find(cls, start: Path) -> Host:
        """The host of the workspace that a folder belongs to."""
        return cls(workspace_root(start))

    def objective(self) -> Objective:
        """The workspace's objective.

        Raises:
            UserError: there is none, or it cannot be understood.
        """
        return load_objective(self.root)

    # ------------------------------------------------------------------ campaigns

    @contextmanager
    def start(
        self, options: RunOptions, note: Note, progress: Note = lambda _line: None
    ) -> Iterator[Campaign]:
        """A new campaign, with this process as its driver."""
        from autosota.server.laboratory import SandboxLaboratory

        loaded = read_objective(self.root)
        objective = options.over(loaded.objective)
        for warning in loaded.warnings:
            note(f"warning: {warning}")
        prepare_state(self.root)
        with Ledger(self.ledger_path) as ledger, GitWorkspace(self.root) as workspace:
            self._refuse_second_driver(ledger)
            snapshot = workspace.snapshot([*objective.protocol.data, *objective.protocol.labels])
            left = self._unfinished(ledger)
            if left is not None:
                note(f"note: campaign {left} was not finished; autosota resume would go on with it")
            started = ev.CampaignStarted(
                objective=objective,
                objective_hash=objective_hash(objective),
                base_commit=snapshot.commit,
                dirty=snapshot.dirty,
                version=product_version(),
                prior_confirmations=self._confirmations(ledger, objective),
                refuted=self._refuted(ledger, objective, snapshot.commit),
                notes=tuple(snapshot.notes),
            )
            campaign_id = ledger.create_campaign()
            with Lease.acquire(ledger, campaign_id):
                ledger.append(campaign_id, started)
                workspace.keep(f"{campaign_id}/base", snapshot.commit)
                laboratory = SandboxLaboratory(
                    workspace,
                    self.state_dir,
                    started,
                    offline=options.offline,
                    note=note,
                    progress=progress,
                )
                yield Campaign(campaign_id, ledger, workspace, laboratory)

    @contextmanager
    def resume(self, note: Note, progress: Note = lambda _line: None) -> Iterator[Campaign]:
        """The newest unfinished campaign, with this process as its driver."""
        from autosota.server.laboratory import SandboxLaboratory

        with self._ledger(write=True) as ledger:
            left = self._unfinished(ledger)
            if left is None:
                raise UserError(
                    f"{self.root}: no campaign is left to resume; autosota run starts one"
                )
            with Lease.acquire(ledger, left), GitWorkspace(self.root) as workspace:
                self._forget_stops(left)
                state = fold(ledger.events(left))
                if objective_hash(self.objective()) != state.start.objective_hash:
                    note(
                        "warning: the objective has changed since; the campaign goes on with "
                        "the one it started with"
                    )
                laboratory = SandboxLaboratory(
                    workspace,
                    self.state_dir,
                    state.start,
                    offline=False,
                    note=note,
                    progress=progress,
                )
                yield Campaign(left, ledger, workspace, laboratory)

    def stop(self, why: str) -> tuple[str, bool]:
        """Ask the running campaign to stop, and wait until it has: its id, and whether it did.

        Raises:
            UserError: no campaign is running.
        """
        with self._ledger() as ledger:
            row = self._newest(ledger)
        if Lease.holder(self.ledger_path, row.id) is None:
            raise UserError(f"no campaign is running in {self.root}")
        with Mailbox(self.ledger_path) as mailbox:
            mailbox.post(row.id, "stop", {"reason": why})
        end = time.monotonic() + STOP_SECONDS
        while time.monotonic() < end:
            if Lease.holder(self.ledger_path, row.id) is None:
                return row.id, True
            time.sleep(0.05)
        return row.id, False

    def status(self) -> Status:
        """The newest campaign, as it is now."""
        from autosota.server.report.text import summary_lines

        with self._ledger() as ledger:
            row = self._newest(ledger)
            state = fold(ledger.events(row.id))
        driver = Lease.holder(self.ledger_path, row.id)
        doing = "running" if driver is not None else "not running"
        if state.finished is not None:
            doing = f"finished: {state.finished.verdict}"
        elif state.stopped is not None:
            doing = "stopped"
        with Mailbox(self.ledger_path, read_only=True) as mailbox:
            activity = mailbox.activity(row.id) if driver is not None else None
        budget = state.objective.budget
        lines = [f"campaign {row.id}: {doing}"]
        if driver is not None:
            now = f", {activity.body.get('doing', '')}" if activity is not None else ""
            lines.append(f"driver: process {driver.pid} on {driver.host}{now}")
        elif state.finished is None:
            lines.append("nobody drives it: autosota resume goes on")
        lines.append(
            f"spent: {len(state.runs)} of {budget.evaluations} runs, "
            f"{state.wall_seconds:.0f} of {budget.wall_seconds:.0f} s in runs"
        )
        lines += summary_lines(state)
        fields = {
            "campaign": row.id,
            "state": doing.split(":")[0],
            "verdict": state.finished.verdict if state.finished is not None else None,
            "driver": driver.pid if driver is not None else None,
            "activity": dict(activity.body) if activity is not None else None,
            "evaluations": len(state.runs),
            "budget_evaluations": budget.evaluations,
            "wall_seconds": state.wall_seconds,
            "ideas": len(state.ideas),
            "ideas_tried": len(state.tried),
            "reads_of_claim_metric": state.claim_reads,
        }
        return Status(tuple(lines), fields)

    def last_line(self, state: CampaignState, report: Path) -> dict[str, Any]:
        """The last object of `run --json` (design, "Command line")."""
        finished = state.finished
        verdict = finished.verdict if finished is not None else "stopped"
        return {
            "event": "finished",
            "verdict": verdict,
            "reason": finished.reason if finished is not None else "",
            "baseline": finished.baseline if finished is not None else None,
            "best": finished.best if finished is not None else None,
            "interval": finished.interval if finished is not None else None,
            "confirmed": verdict == "confirmed",
            "reads_of_claim_metric": state.claim_reads,
            "evaluations": len(state.runs),
            "ideas": len(state.tried),
            "isolation": self._grade(state),
            "compute": finished.compute if finished is not None else None,
            "caps": list(finished.caps) if finished is not None else [],
            "controls": {c.name: c.passed for c in state.controls.values()},
            "transfers": {t.name: t.holds for t in state.transfers.values()},
            "report": str(report),
        }

    # ------------------------------------------------------------------ the library

    def library(self) -> list[LibraryEntry]:
        """The ideas of the newest campaign, each with its fate."""
        with self._library() as library:
            return library.entries()

    def show(self, id: str) -> Shown:
        """An idea, a patch or a receipt, by its id."""
        with self._library() as library:
            return library.show(id)

    def apply(self, id: str | None) -> Applied:
        """Bring a patch into the user's working tree."""
        with self._library(write=True) as library, GitWorkspace(self.root) as workspace:
            return library.apply(id, workspace)

    def reject(self, id: str, why: str) -> Hypothesis:
        """Refuse an idea, through its driver if one is alive."""
        with self._library(write=True) as library:
            idea = library.find_idea(id)
            if Lease.holder(self.ledger_path, library.campaign) is None:
                library.refuse(idea, why)
            else:
                with Mailbox(self.ledger_path) as mailbox:
                    mailbox.post(library.campaign, "reject", {"idea": idea.id, "why": why})
            return idea

    # ------------------------------------------------------------------ results

    def report(self, campaign: str | None = None, out: Path | None = None) -> Path:
        """Write the HTML report (and the memory files); gives its path."""
        from autosota.server.results import write_report

        with self._ledger() as ledger, GitWorkspace(self.root) as workspace:
            row = self._newest(ledger) if campaign is None else ledger.campaign(campaign)
            return write_report(ledger, row.id, workspace, self.state_dir, out)

    def export(self, destination: Path) -> list[str]:
        """Write the improved repository, patch, receipts and report; gives what to say."""
        from autosota.server.results import write_export

        with self._ledger() as ledger, GitWorkspace(self.root) as workspace:
            row = self._newest(ledger)
            return write_export(ledger, row.id, workspace, destination)

    def verify(self, receipts: tuple[str, ...], *, rerun: bool) -> Iterator[tuple[str, bool]]:
        """Check hashes and chain; yields lines, and whether each is a problem."""
        from autosota.server.verification import verify_workspace

        self._need_ledger()
        yield from verify_workspace(self.ledger_path, self.root, receipts, rerun=rerun)

    # ------------------------------------------------------------------ inside

    def _need_ledger(self) -> None:
        if not self.ledger_path.exists():
            raise UserError(f"{self.root}: no campaign yet; autosota run starts one")

    @contextmanager
    def _ledger(self, *, write: bool = False) -> Iterator[Ledger]:
        self._need_ledger()
        with Ledger(self.ledger_path, read_only=not write) as ledger:
            yield ledger

    @contextmanager
    def _library(self, *, write: bool = False) -> Iterator[Library]:
        with self._ledger(write=write) as ledger:
            yield Library(ledger, self._newest(ledger).id)

    def _forget_stops(self, campaign: str) -> None:
        """A stop that no driver lived to obey is not for the next one."""
        with Mailbox(self.ledger_path) as mailbox:
            for message in mailbox.pending(campaign):
                if message.kind == "stop":
                    mailbox.done(message.id)

    def _newest(self, ledger: Ledger) -> CampaignRow:
        rows = [r for r in ledger.campaigns() if r.started_at is not None]
        if not rows:
            raise UserError(f"{self.root}: no campaign yet; autosota run starts one")
        return rows[-1]

    def _unfinished(self, ledger: Ledger) -> str | None:
        rows = [r for r in ledger.campaigns() if r.started_at is not None]
        return rows[-1].id if rows and rows[-1].finished_at is None else None

    def _refuse_second_driver(self, ledger: Ledger) -> None:
        for row in ledger.campaigns():
            holder = Lease.holder(self.ledger_path, row.id)
            if holder is not None:
                raise UserError(
                    f"campaign {row.id} is running in this workspace (process {holder.pid} on "
                    f"{holder.host}); autosota status shows it, autosota stop ends it"
                )

    def _confirmations(self, ledger: Ledger, objective: Objective) -> int:
        """Confirmations of this claim that earlier campaigns of this ledger began.

        Also those that were given up before the claim was read: their fresh seeds are used.
        """
        count = 0
        for row in ledger.campaigns():
            if row.started_at is None:
                continue
            state = fold(ledger.events(row.id))
            same = state.objective.metric == objective.metric
            count += same and any(r.purpose is Purpose.CONFIRM for r in state.runs)
        return count

    def _refuted(self, ledger: Ledger, objective: Objective, base: str) -> tuple[str, ...]:
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

    def _grade(self, state: CampaignState) -> str | None:
        grades = [r.isolation for r in state.runs if claim_is_open(r, state)]
        return min(grades, key=["declared", "overlaid", "sealed"].index) if grades else None
