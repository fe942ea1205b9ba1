"""What the ledger of a workspace holds that an editor may show, read again when it has grown.

Numbers come from receipts, with the claim masked until it was read.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from autosota.agents.domain import Purpose
from autosota.agents.scheduler.events import RunFinished
from autosota.server import campaigns
from autosota.server.editor.view import Tried, Value
from autosota.server.errors import UserError
from autosota.server.ledger.store import Ledger
from autosota.server.report.fates import FATES, fate_of
from autosota.server.report.formats import one_line, share_of
from autosota.server.report.numbers import Evidence, ShownMean
from autosota.server.report.replay import is_masked
from autosota.server.results import evidence_of


@dataclass(slots=True)
class Archive:
    """The newest campaign of a workspace, as its receipts prove it."""

    root: Path
    campaign: str = ""
    _evidence: Evidence | None = None
    _head: bytes = b""
    _tried: dict[str, Tried] = field(default_factory=dict)

    def refresh(self) -> bool:
        """Read the ledger again if it has grown; gives whether it had.

        Raises:
            UserError: it cannot be read.
        """
        head = _read(self.root / ".autosota" / "ledger.head")
        if head == self._head:
            return False
        self._head, self._tried = head, {}
        self._evidence, self.campaign = None, ""
        path = self.root / ".autosota" / "ledger.sqlite"
        if not head or not path.exists():
            return True
        with Ledger(path, read_only=True) as ledger:
            try:
                self.campaign = campaigns.named(ledger).id
            except UserError:
                return True
            self._evidence = evidence_of(ledger, self.campaign)
        return True

    @property
    def evidence(self) -> Evidence | None:
        """What the receipts prove; None when there is no campaign."""
        return self._evidence

    def tried(self, idea: str) -> Tried | None:
        """What became of an idea of the campaign; None for one it does not know."""
        evidence = self._evidence
        if evidence is None or idea not in evidence.state.ideas:
            return None
        if idea not in self._tried:
            self._tried[idea] = _tried(evidence, idea, self.campaign)
        return self._tried[idea]

    def values(self, metric: str) -> tuple[tuple[Value, ...], str]:
        """The baseline's and the best's mean of a metric, or why they are not shown."""
        evidence = self._evidence
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
    if confirmed and state.best is not None and state.best.ideas == (idea,):
        shown = evidence.confirmation() or shown
    gain = detail = metric = ""
    receipts: tuple[str, ...] = ()
    if shown is not None:
        gain = share_of(shown.result).gain
        metric, receipts = shown.metric, shown.receipts
        detail = f"{shown.difference.text} on {one_line(metric, 60)}"
        if shown.low is not None and shown.high is not None:
            detail += f" ({shown.low.text} to {shown.high.text}, {len(shown.seeds)} seeds)"
    words = FATES.get(fate, fate)
    return Tried(campaign, fate, words, one_line(why), gain, metric, detail, patch, receipts)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes() + str(os.stat(path).st_ino).encode()
    except OSError:
        return b""
