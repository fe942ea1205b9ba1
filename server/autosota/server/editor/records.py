"""What the views of a face may be told of one workspace, from its ledger and receipts.

Keeps what it read and made until the ledger grows, so that asking again costs little. Runs in the
process behind the editor; how things look is the client's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from autosota.agents.scheduler.state import fold
from autosota.server.activity import RunningRun, running_run
from autosota.server.editor import logs
from autosota.server.editor.archive import Archive
from autosota.server.editor.board import (
    Board,
    CampaignRow,
    Curve,
    IdeaRow,
    LogPart,
    PatchText,
    ReceiptText,
    RubricNode,
    RunRow,
    Series,
)
from autosota.server.editor.goal import goal_of, no_goal
from autosota.server.editor.progress import objective_of, progress_of
from autosota.server.editor.rows import idea_rows, run_rows
from autosota.server.editor.veil import Veil
from autosota.server.editor.view import Progress
from autosota.server.errors import UserError
from autosota.server.ledger.lease import Lease
from autosota.server.ledger.mailbox import Mailbox
from autosota.server.ledger.store import CampaignRow as LedgerRow
from autosota.server.ledger.store import Ledger
from autosota.server.report.formats import one_line
from autosota.server.report.headline import headline
from autosota.server.report.numbers import Evidence

_CAMPAIGN = re.compile(r"(c[0-9]+)(?:-|$)")
_OTHERS = 4
"""Older campaigns that are kept read."""


@dataclass(slots=True)
class Records:
    """The records of one workspace."""

    root: Path
    archive: Archive = field(init=False)
    _others: dict[str, Archive] = field(default_factory=dict)
    _board: tuple[tuple[object, ...], Board] | None = None
    _rows: dict[tuple[str, int], CampaignRow] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.archive = Archive(self.root)

    # ------------------------------------------------------------------ what there is

    def progress(self) -> Progress:
        """How far the newest campaign is, or the one that runs."""
        return progress_of(self.root, self.archive)

    def board(self, campaign: str = "") -> Board:
        """Everything the views list.

        Args:
            campaign: Whose ideas and runs; `''` is the one that runs, else the newest.

        Raises:
            UserError: there is no campaign of that id.
        """
        progress = self.progress()
        objective, note = objective_of(self.root)
        key = (campaign, progress, objective)
        if self._board is not None and self._board[0] == key:
            return self._board[1]
        archive = self._archive(campaign)
        evidence = archive.evidence
        goal: RubricNode
        if evidence is not None:
            goal = goal_of(evidence.state.objective, evidence)
        elif objective is not None:
            goal = goal_of(objective, None)
        else:
            goal = no_goal(note)
        ideas: tuple[IdeaRow, ...] = ()
        runs: tuple[RunRow, ...] = ()
        if evidence is not None:
            ideas = idea_rows(evidence, archive.tried)
            runs = run_rows(evidence, self._running(archive.campaign), self._has_log)
        board = Board(
            str(self.root), progress, goal, ideas, runs, self._campaigns(), progress.revision
        )
        self._board = (key, board)
        return board

    def log(self, run: str, offset: int) -> LogPart:
        """A stretch of a run's log.

        Raises:
            UserError: there is no such run.
        """
        folder = logs.folder_of(self._runs, run)
        _, veil, running = self._of_run(run)
        return logs.read(folder, offset, running, veil)

    def series(self, run: str) -> Series:
        """What a run reported on its way; from its receipt where the log is gone.

        Raises:
            UserError: there is no such run.
        """
        folder = logs.folder_of(self._runs, run)
        evidence, veil, running = self._of_run(run)
        found = logs.curves(folder, running, veil)
        if not found and evidence is not None and run in evidence.receipts:
            points = list(evidence.receipts[run].intermediate)
            name = evidence.state.objective.select_on
            if points:
                found = (Curve(name, logs.thinned(points)),)
        return Series(run, found)

    def patch(self, id: str) -> PatchText:
        """Both sides of a patch.

        Raises:
            UserError: there is no such patch.
        """
        from autosota.server.editor.things import patch_text

        return patch_text(id, self.root, self._evidence_for(id))

    def receipt(self, run: str) -> ReceiptText:
        """A receipt to read.

        Raises:
            UserError: there is none, or none yet.
        """
        from autosota.server.editor.things import receipt_text

        evidence = self._evidence_for(run)
        if run not in evidence.receipts and self._of_run(run)[2]:
            raise UserError(f"{run}: the run goes on; its receipt is written when it is over")
        return receipt_text(run, evidence)

    # ------------------------------------------------------------------ inside

    @property
    def _runs(self) -> Path:
        return self.root / ".autosota" / "runs"

    def _has_log(self, run: str) -> bool:
        return logs.has_log(self._runs, run)

    def _archive(self, campaign: str) -> Archive:
        """What was read of a campaign, brought up to date."""
        self.archive.refresh()
        if not campaign or campaign == self.archive.campaign:
            return self.archive
        found = self._others.pop(campaign, None) or Archive(self.root, campaign)
        found.refresh()
        while len(self._others) >= _OTHERS:
            self._others.pop(next(iter(self._others)))
        self._others[campaign] = found
        return found

    def _evidence_for(self, id: str) -> Evidence:
        """What receipts prove of the campaign that an id belongs to; the newest for an idea's.

        Raises:
            UserError: there is none.
        """
        named = _CAMPAIGN.match(id)
        evidence = self._archive(named[1] if named is not None else "").evidence
        if evidence is None:
            raise UserError(f"{self.root}: no campaign yet; autosota run starts one")
        return evidence

    def _of_run(self, run: str) -> tuple[Evidence | None, Veil, bool]:
        """What is known of a run's campaign, what hides its claim, and whether it goes on."""
        evidence = self._evidence_for(run)
        named = _CAMPAIGN.match(run)
        going = self._running(named[1]) if named is not None else None
        ended = next((r for r in evidence.state.runs if r.run_id == run), None)
        purpose = str(ended.purpose) if ended is not None else ""
        veil = Veil.of_run(evidence.state, purpose, evidence.receipts.get(run))
        running = ended is None and going is not None and going.id == run
        return evidence, veil, running

    def _running(self, campaign: str) -> RunningRun | None:
        """The run that a campaign's driver says goes on; None when nobody drives it."""
        path = self.archive.path
        if not campaign or not path.exists() or Lease.holder(path, campaign) is None:
            return None
        with Mailbox(path, read_only=True) as mailbox:
            return running_run(mailbox.activity(campaign))

    def _campaigns(self) -> tuple[CampaignRow, ...]:
        rows = []
        for row in reversed(self.archive.rows):
            if row.started_at is not None:
                driven = Lease.holder(self.archive.path, row.id) is not None
                rows.append(self._campaign(row, driven))
        return tuple(rows)

    def _campaign(self, row: LedgerRow, driven: bool) -> CampaignRow:
        key = (row.id, row.events)
        if key not in self._rows:
            if row.id == self.archive.campaign and self.archive.evidence is not None:
                state = self.archive.evidence.state
            else:
                with Ledger(self.archive.path, read_only=True) as ledger:
                    state = fold(ledger.events(row.id))
            how = "idle"
            if state.finished is not None:
                how = "finished"
            elif state.stopped is not None:
                how = "stopped"
            verdict = str(state.finished.verdict) if state.finished is not None else ""
            words = one_line(headline(state).sentence, 1000)
            self._rows[key] = CampaignRow(row.id, row.started_at or "", how, verdict, words)
        known = self._rows[key]
        if driven and known.state != "finished":
            return CampaignRow(known.id, known.started, "running", "", known.headline)
        return known
