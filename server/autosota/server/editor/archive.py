"""What the ledger of a workspace holds that an editor may show, read on when it has grown.

Numbers come from receipts, with the claim masked until it was read.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path

from autosota.agents.domain import Purpose, Receipt
from autosota.agents.scheduler.events import Event, RunFinished
from autosota.agents.scheduler.state import CampaignState
from autosota.server import campaigns
from autosota.server.editor.view import Tried, Value
from autosota.server.ledger.codec import receipt_hash
from autosota.server.ledger.store import CampaignRow, Ledger
from autosota.server.report.fates import FATES, fate_of
from autosota.server.report.formats import count, one_line, share_of
from autosota.server.report.numbers import Evidence, ShownMean
from autosota.server.report.replay import is_masked

PRAISED = ("confirmed", "provisional", "not_confirmed")
"""Fates that say something good of an idea, and need receipts that prove it."""


@dataclass(slots=True)
class Archive:
    """One campaign of a workspace, as its receipts prove it.

    Attributes:
        root: The workspace.
        wanted: The campaign that is read; `''` is the one that runs, else the newest.
        campaign: The campaign that was read; `''` when there is none.
        state: The fold of its events, unmasked: for what has no numbers of the claim.
        rows: Every campaign of the ledger, oldest first.
    """

    root: Path
    wanted: str = ""
    campaign: str = ""
    state: CampaignState = field(default_factory=CampaignState)
    rows: list[CampaignRow] = field(default_factory=list)
    _history: list[tuple[int, str, Event]] = field(default_factory=list)
    _receipts: dict[str, Receipt] = field(default_factory=dict)
    _hashes: dict[str, str] = field(default_factory=dict)
    _evidence: Evidence | None = None
    _head: bytes = b""
    _tried: dict[str, Tried] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        """The ledger's file."""
        return self.root / ".autosota" / "ledger.sqlite"

    @property
    def revision(self) -> str:
        """Changes whenever the ledger grows; `''` without one."""
        return hashlib.sha256(self._head).hexdigest()[:12] if self._head else ""

    def refresh(self) -> bool:
        """Read on if the ledger has grown; gives whether it had.

        Raises:
            UserError: it cannot be read, or has no campaign of the id that is wanted.
        """
        head = _read(self.root / ".autosota" / "ledger.head")
        if head == self._head:
            return False
        if not head or not self.path.exists():
            self._forget()
            self._head = head
            return True
        with Ledger(self.path, read_only=True) as ledger:
            rows = ledger.campaigns()
            started = any(row.started_at is not None for row in rows)
            named = campaigns.named(ledger, self.wanted or None).id if started else ""
            if named != self.campaign:
                self._forget()
                self.campaign = named
            self.rows = rows
            if named:
                self._read_on(ledger)
        self._head, self._evidence, self._tried = head, None, {}
        return True

    def _forget(self) -> None:
        self.campaign, self.rows, self.state = "", [], CampaignState()
        self._history, self._receipts, self._hashes = [], {}, {}
        self._evidence, self._tried, self._head = None, {}, b""

    def _read_on(self, ledger: Ledger) -> None:
        last, at = self._history[-1][:2] if self._history else (1, "")
        found = ledger.since(self.campaign, last - 1)
        if self._history and (not found or found[0][:2] != (last, at)):
            campaign, rows = self.campaign, self.rows  # it is another ledger: read it all
            self._forget()
            self.campaign, self.rows = campaign, rows
            found = ledger.since(campaign, 0)
        if not self._history:
            self._receipts = {r.run_id: r for r in ledger.receipts(self.campaign)}
        for row in found[bool(self._history) :]:
            self.state.apply(row[2])
            self._history.append(row)
            run = row[2].run_id if isinstance(row[2], RunFinished) else ""
            if run and run not in self._receipts:
                receipt = ledger.receipt(run)
                if receipt is not None and receipt.run_id == run:
                    self._receipts[run] = receipt
        for run, receipt in self._receipts.items():
            if run not in self._hashes:
                self._hashes[run] = receipt_hash(receipt)

    @property
    def evidence(self) -> Evidence | None:
        """What the receipts prove; None when there is no campaign."""
        if self._evidence is None and self.campaign and self._history:
            history = tuple(self._history)
            self._evidence = Evidence(history, dict(self._receipts), dict(self._hashes))
        return self._evidence

    @property
    def doubt(self) -> str:
        """Why nothing of the campaign may be relied on; `''` where receipts prove the ledger."""
        evidence = self.evidence
        if evidence is None or not evidence.problems:
            return ""
        first, more = evidence.problems[0], len(evidence.problems) - 1
        others = f", and {count(more, 'more place')}" if more else ""
        return f"the ledger and its receipts disagree: {one_line(first)}{others}"

    def tried(self, idea: str) -> Tried | None:
        """What became of an idea of the campaign; None for one it does not know."""
        evidence = self.evidence
        if evidence is None or idea not in evidence.state.ideas:
            return None
        if idea not in self._tried:
            self._tried[idea] = _tried(evidence, idea, self.campaign)
        return self._tried[idea]

    def values(self, metric: str) -> tuple[tuple[Value, ...], str]:
        """The baseline's and the best's mean of a metric, or why they are not shown."""
        evidence = self.evidence
        if evidence is None or evidence.state.baseline is None:
            return (), ""
        state = evidence.state
        found = []
        baseline = evidence.baseline(metric)
        if baseline is not None:
            found.append(_value("baseline", baseline))
        best = _best_runs(evidence)
        mean = evidence.mean(best, metric) if best else None
        if mean is not None:
            found.append(_value("best", mean))
        if not found and is_masked(metric, Purpose.BASELINE, state):
            return (), "masked until it is read"
        return tuple(found), ""


def _best_runs(evidence: Evidence) -> list[RunFinished]:
    """The runs of the best patch: those of its confirmation, else those of the search."""
    if evidence.state.best is None:
        return []
    return [candidate for _, candidate in evidence.sides()]


def _value(side: str, mean: ShownMean) -> Value:
    return Value(
        side,
        mean.mean.text,
        mean.half.text if mean.half is not None else "",
        len(mean.seeds),
        str(mean.mean.isolation or ""),
        mean.mean.receipts,
    )


def _tried(evidence: Evidence, idea: str, campaign: str) -> Tried:
    state = evidence.state
    fate, why = fate_of(idea, state)
    patch = state.patch_of_idea.get(idea, "")
    shown = evidence.idea(idea)
    confirmed = state.confirmation is not None and fate in ("confirmed", "not_confirmed")
    alone = state.best is not None and state.best.ideas == (idea,)
    if confirmed and alone:
        shown = evidence.confirmation() or shown
    gain = detail = metric = ""
    receipts: tuple[str, ...] = ()
    if shown is not None:
        gain = share_of(shown.result).gain
        metric, receipts = shown.metric, shown.receipts
        detail = f"{shown.difference.text} on {one_line(metric, 60)}"
        if shown.low is not None and shown.high is not None:
            detail += f" ({shown.low.text} to {shown.high.text}, {len(shown.seeds)} seeds)"
    words = "confirmed" if fate == "confirmed" and alone else FATES.get(fate, fate)
    if evidence.problems and fate in PRAISED:
        gain = detail = ""
        words = "not proven by its receipts"
    return Tried(campaign, fate, words, one_line(why), gain, metric, detail, patch, receipts)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes() + str(os.stat(path).st_ino).encode()
    except OSError:
        return b""
