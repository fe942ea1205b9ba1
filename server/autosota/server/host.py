"""One `Host` per workspace: the only object a face holds.

Opens the ledger, the workspace and the laboratory, and hands out what faces need in plain
words and typed rows. It decides nothing about ideas or verdicts.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from autosota.agents.domain import Hypothesis, Objective
from autosota.agents.ideator.library import merge
from autosota.agents.scheduler import events as ev
from autosota.agents.scheduler.state import CampaignState, fold
from autosota.server import campaigns, product_version
from autosota.server.advisor import Advisor, known_ideas, open_advisor, spent_on_models
from autosota.server.campaign import Campaign
from autosota.server.config import (
    load_model_settings,
    load_objective,
    objective_hash,
    read_objective,
)
from autosota.server.errors import UserError
from autosota.server.ledger.lease import Lease
from autosota.server.ledger.mailbox import Mailbox
from autosota.server.ledger.store import Ledger
from autosota.server.library import Applied, Library, LibraryEntry, Shown
from autosota.server.model.opening import Way, way_to_model
from autosota.server.report.formats import count, duration
from autosota.server.view import claim_is_open
from autosota.server.workspace.root import find_root, prepare_state
from autosota.server.workspace.store import GitWorkspace

STOP_SECONDS = 10.0
MOST_WORDS = 1000
"""Characters of one steering."""

_CAMPAIGN = re.compile(r"c[0-9]+(?![0-9A-Za-z])")

Note = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What the command line changes for one campaign. None: as the objective says.

    `new` starts one also where the last is unfinished and could go on.
    """

    max_evaluations: int | None = None
    max_wall_seconds: float | None = None
    max_dollars: float | None = None
    max_ideas: int | None = None
    offline: bool = False
    sandbox: str | None = None
    new: bool = True

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
        if self.max_ideas is not None:
            if self.max_ideas < 0:
                raise UserError(f"--ideas {self.max_ideas}: give 0 (the baseline only) or more")
            budget = replace(budget, ideas=self.max_ideas)
        environment = objective.environment
        if self.sandbox is not None:
            environment = replace(environment, sandbox=self.sandbox)
        if environment.sandbox not in ("auto", "local", "docker"):
            raise UserError(
                f"sandbox '{environment.sandbox}' is not built in this version: "
                "set environment.sandbox (or --sandbox) to auto, local or docker (Podman, too)"
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

    def autonomy(self) -> str:
        """What may happen unasked here now: the live toggle of all faces."""
        from autosota.server.editor.autonomy import mode
        from autosota.server.editor.progress import objective_of

        return mode(self.root, objective_of(self.root)[0])

    # ------------------------------------------------------------------ campaigns

    @contextmanager
    def start(
        self, options: RunOptions, note: Note, progress: Note = lambda _line: None
    ) -> Iterator[Campaign]:
        """A new campaign, with this process as its driver.

        Raises:
            UserError: the objective names what is not there, the last campaign is unfinished
                and could go on (unless `options.new`), or one is running.
        """
        from autosota.server.laboratory import SandboxLaboratory
        from autosota.server.setup.declarations import check_declarations

        loaded = read_objective(self.root)
        objective = options.over(loaded.objective)
        for warning in loaded.warnings:
            note(f"warning: {warning}")
        prepare_state(self.root)
        with Ledger(self.ledger_path) as ledger, GitWorkspace(self.root) as workspace:
            campaigns.refuse_second_driver(ledger)
            snapshot = workspace.snapshot([*objective.protocol.data, *objective.protocol.labels])
            declared = replace(loaded, objective=objective)
            for doubt in check_declarations(declared, workspace.tree(snapshot.commit), self.root):
                note(f"warning: {doubt}")
            if left := campaigns.left_unfinished(
                ledger, workspace, objective, snapshot.commit, new=options.new
            ):
                note(f"note: {left}")
            started = ev.CampaignStarted(
                objective=objective,
                objective_hash=objective_hash(objective),
                base_commit=snapshot.commit,
                dirty=snapshot.dirty,
                version=product_version(),
                prior_confirmations=campaigns.confirmations_begun(ledger, objective),
                refuted=campaigns.refuted(ledger, objective, snapshot.commit),
                notes=tuple(snapshot.notes),
                offline=options.offline,
            )
            refusals = campaigns.refusals(ledger)
            campaign_id = ledger.create_campaign()
            with Lease.acquire(ledger, campaign_id):
                ledger.append(campaign_id, started)
                for refusal in refusals:
                    ledger.append(campaign_id, refusal)
                workspace.keep(f"{campaign_id}/base", snapshot.commit)
                laboratory = SandboxLaboratory(
                    workspace,
                    self.state_dir,
                    started,
                    offline=options.offline,
                    note=note,
                    progress=progress,
                )
                with (
                    closing(laboratory),
                    self._advisor(campaign_id, objective, options.offline, note) as advisor,
                ):
                    yield Campaign(campaign_id, ledger, workspace, laboratory, advisor)

    @contextmanager
    def resume(
        self,
        note: Note,
        progress: Note = lambda _line: None,
        campaign: str | None = None,
        *,
        offline: bool = False,
    ) -> Iterator[Campaign]:
        """An unfinished campaign (the newest if none is named), driven by this process.

        One that was started offline stays so.

        Raises:
            UserError: there is none to go on with, another one is running, or a later campaign
                began a confirmation of the same claim, which this one did not pay for.
        """
        from autosota.server.laboratory import SandboxLaboratory

        with self._ledger(write=True) as ledger:
            left = campaigns.resumable(ledger, campaign)
            campaigns.refuse_second_driver(ledger)
            with Lease.acquire(ledger, left), GitWorkspace(self.root) as workspace:
                self._forget_stops(left)
                state = fold(ledger.events(left))
                campaigns.refuse_uncounted(ledger, left, state)
                if objective_hash(self.objective()) != state.start.objective_hash:
                    note(
                        "warning: the objective has changed since; the campaign goes on with "
                        "the one it started with"
                    )
                laboratory = SandboxLaboratory(
                    workspace,
                    self.state_dir,
                    state.start,
                    offline=offline or state.start.offline,
                    note=note,
                    progress=progress,
                )
                objective, off = state.objective, offline or state.start.offline
                with closing(laboratory), self._advisor(left, objective, off, note) as advisor:
                    yield Campaign(left, ledger, workspace, laboratory, advisor)

    def stop(self, why: str) -> tuple[str, bool]:
        """Ask the running campaign to stop, and wait until it has: its id, and whether it did.

        Raises:
            UserError: no campaign is running.
        """
        with self._ledger() as ledger:
            row = campaigns.named(ledger)
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

    def status(self, campaign: str | None = None) -> Status:
        """A campaign as it is now: the one named, the one that runs, or the newest."""
        from autosota.server.report.text import summary_lines

        with self._ledger() as ledger:
            row = campaigns.named(ledger, campaign)
            rows = ledger.campaigns()
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
            named = "" if row.id == campaigns.newest(rows).id else f" --campaign {row.id}"
            lines.append(f"nobody drives it: autosota resume{named} goes on")
        lines.append(
            f"budget: {len(state.runs)} of {count(budget.evaluations, 'run')} used, "
            f"{duration(state.wall_seconds)} of {duration(budget.wall_seconds)} in runs"
        )
        spent = spent_on_models(self.state_dir, row.id)
        if spent.calls:
            limit = "" if budget.dollars is None else f" of ${budget.dollars:g}"
            lines.append(
                f"models: ${spent.dollars:.4f}{limit}, {spent.tokens} tokens in "
                f"{count(spent.calls, 'request')}"
            )
        lines.append(f"autonomy: {self.autonomy()}, at most {state.objective.autonomy}")
        lines += summary_lines(state)
        others = [f"{r.id} ({r.verdict or 'unfinished'})" for r in rows if r.id != row.id]
        if others:
            lines.append(f"other campaigns: {', '.join(others)}; see them with --campaign ID")
        fields = {
            "campaign": row.id,
            "campaigns": {r.id: r.verdict for r in rows if r.started_at is not None},
            "state": doing.split(":")[0],
            "verdict": state.finished.verdict if state.finished is not None else None,
            "driver": driver.pid if driver is not None else None,
            "activity": dict(activity.body) if activity is not None else None,
            "autonomy": self.autonomy(),
            "evaluations": len(state.runs),
            "budget_evaluations": budget.evaluations,
            "wall_seconds": state.wall_seconds,
            "model_dollars": spent.dollars,
            "model_tokens": spent.tokens,
            "budget_dollars": budget.dollars,
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

    def library(self, campaign: str | None = None) -> list[LibraryEntry]:
        """The ideas of a campaign (the newest if none is named), each with its fate."""
        with self._library(campaign) as library:
            return library.entries()

    def show(self, id: str, campaign: str | None = None) -> Shown:
        """An idea, a patch, a receipt or a campaign, by its id."""
        if campaign is None and _CAMPAIGN.fullmatch(id):
            return Shown(self.status(id).lines)
        with self._library(campaign or self._campaign_of(id)) as library:
            return library.show(id)

    def apply(self, id: str | None, campaign: str | None = None) -> Applied:
        """Bring a patch into the user's working tree."""
        named = campaign or (self._campaign_of(id) if id is not None else None)
        with (
            self._library(named, write=True) as library,
            GitWorkspace(self.root) as workspace,
        ):
            return library.apply(id, workspace)

    def reject(self, id: str, why: str, campaign: str | None = None) -> Hypothesis:
        """Refuse an idea, through its driver if one is alive."""
        with self._library(campaign or self._campaign_of(id), write=True) as library:
            idea = library.find_idea(id)
            if Lease.holder(self.ledger_path, library.campaign) is None:
                library.refuse(idea, why)
            else:
                with Mailbox(self.ledger_path) as mailbox:
                    mailbox.post(library.campaign, "reject", {"idea": idea.id, "why": why})
            return idea

    def steer(self, text: str, campaign: str | None = None) -> tuple[str, bool]:
        """Say in words what ideas to look for: the campaign, and whether its driver heard it.

        Raises:
            UserError: there is no campaign, or nothing was said.
        """
        words = " ".join(text.split())
        if not words:
            raise UserError("steer: say what to look for, such as 'no more augmentation'")
        if len(words) > MOST_WORDS:
            raise UserError(f"steer: {len(words)} characters are too many; {MOST_WORDS} are read")
        with self._ledger(write=True) as ledger:
            row = campaigns.named(ledger, campaign)
            heard = self._tell(ledger, row.id, words)
        return row.id, heard

    def refresh_ideas(
        self, note: Note, campaign: str | None = None, *, offline: bool = False
    ) -> int | None:
        """Ask the model for more ideas now; how many are new, None when a driver will do it.

        Raises:
            UserError: there is no campaign, or no model may be asked; says why.
        """
        with self._ledger(write=True) as ledger, GitWorkspace(self.root) as workspace:
            row = campaigns.named(ledger, campaign)
            if Lease.holder(self.ledger_path, row.id) is not None:
                self._tell(ledger, row.id, "")
                return None
            state = fold(ledger.events(row.id))
            if state.analysed is None:
                raise UserError(
                    f"campaign {row.id} has not looked at the code yet; autosota resume does"
                )
            off = offline or state.start.offline
            with self._advisor(row.id, state.objective, off, note) as advisor:
                if advisor is None:
                    raise UserError(self.model_way(state.objective, offline=off).why)
                base = workspace.tree(state.start.base_commit)
                tree = workspace.tree(state.head)
                session = advisor.session(
                    base,
                    tree,
                    state.objective,
                    state.analysed.boundary,
                    known_ideas(state),
                    state.wishes,
                    fresh=True,
                )
            note(session.line)
            new = tuple(merge(state.ideas.values(), session.ideas))
            if new:
                superseded = tuple(sorted(state.superseded.get(state.head, ())))
                event = ev.IdeasProposed(state.head, new, superseded=superseded)
                ledger.append(row.id, event)
            return len(new)

    def model_way(self, objective: Objective, *, offline: bool = False) -> Way:
        """Where requests to a model would go, or why none would. Sends nothing."""
        settings = load_model_settings(self.root)
        return way_to_model(settings, objective.budget, offline=offline, environ=os.environ)

    # ------------------------------------------------------------------ results

    def report(self, campaign: str | None = None, out: Path | None = None) -> Path:
        """Write the HTML report (and the memory files); gives its path."""
        from autosota.server.results import write_report

        with self._ledger() as ledger, GitWorkspace(self.root) as workspace:
            row = campaigns.named(ledger, campaign)
            return write_report(ledger, row.id, workspace, self.state_dir, out)

    def export(self, destination: Path, campaign: str | None = None) -> list[str]:
        """Write the improved repository, patch, receipts and report; gives what to say."""
        from autosota.server.results import write_export

        with self._ledger() as ledger, GitWorkspace(self.root) as workspace:
            row = campaigns.named(ledger, campaign)
            return write_export(ledger, row.id, workspace, destination)

    def verify(self, receipts: tuple[str, ...], *, rerun: bool) -> Iterator[tuple[str, bool]]:
        """Check hashes and chain; yields lines, and whether each is a problem."""
        from autosota.server.verification import verify_workspace

        self._need_ledger()
        yield from verify_workspace(self.ledger_path, self.root, receipts, rerun=rerun)

    # ------------------------------------------------------------------ inside

    @contextmanager
    def _advisor(
        self, campaign: str, objective: Objective, offline: bool, note: Note
    ) -> Iterator[Advisor | None]:
        settings = load_model_settings(self.root)
        with open_advisor(
            self.state_dir, campaign, settings, objective, offline=offline, note=note
        ) as advisor:
            yield advisor

    def _tell(self, ledger: Ledger, campaign: str, text: str) -> bool:
        """Steer through the driver if one is alive, else in the record for the next one."""
        if Lease.holder(self.ledger_path, campaign) is None:
            ledger.append(campaign, ev.Steered(text))
            return False
        with Mailbox(self.ledger_path) as mailbox:
            mailbox.post(campaign, "steer", {"text": text})
        return True

    def _need_ledger(self) -> None:
        if not self.ledger_path.exists():
            raise UserError(f"{self.root}: no campaign yet; autosota run starts one")

    @contextmanager
    def _ledger(self, *, write: bool = False) -> Iterator[Ledger]:
        self._need_ledger()
        with Ledger(self.ledger_path, read_only=not write) as ledger:
            yield ledger

    @contextmanager
    def _library(self, campaign: str | None = None, *, write: bool = False) -> Iterator[Library]:
        with self._ledger(write=write) as ledger:
            yield Library(ledger, campaigns.named(ledger, campaign).id)

    def _campaign_of(self, id: str) -> str | None:
        """The campaign that the id of a patch or run begins with (`c2-p3`), if there is one."""
        found = _CAMPAIGN.match(id)
        if found is None:
            return None
        with self._ledger() as ledger:
            known = {row.id for row in ledger.campaigns() if row.started_at is not None}
        return found[0] if found[0] in known else None

    def _forget_stops(self, campaign: str) -> None:
        """A stop that no driver lived to obey is not for the next one."""
        with Mailbox(self.ledger_path) as mailbox:
            for message in mailbox.pending(campaign):
                if message.kind == "stop":
                    mailbox.done(message.id)

    def _grade(self, state: CampaignState) -> str | None:
        grades = [r.isolation for r in state.runs if claim_is_open(r, state)]
        return min(grades, key=["declared", "overlaid", "sealed"].index) if grades else None
