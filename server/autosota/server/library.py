"""The idea library of one campaign, as a face sees it: entries, details, apply and refuse.

Reads the ledger; the only writes are the user's own decisions, as events.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from autosota.agents.domain import (
    Comparison,
    Decision,
    Direction,
    Hypothesis,
    Patch,
    Purpose,
)
from autosota.agents.scheduler import events as ev
from autosota.agents.scheduler.state import CampaignState, fold
from autosota.server.errors import UserError
from autosota.server.ledger.store import Ledger
from autosota.server.report.fates import fate_of
from autosota.server.report.formats import count, gain_words, interval_words
from autosota.server.report.pieces import ablation_words, piece_words
from autosota.server.report.standing import Standing, standing_of
from autosota.server.workspace.store import GitWorkspace


@dataclass(frozen=True, slots=True)
class LibraryEntry:
    """One idea, with what became of it."""

    idea: Hypothesis
    fate: str
    reason: str
    patch: str
    comparison: Comparison | None
    direction: Direction = Direction.MAXIMIZE

    @property
    def gain(self) -> str:
        """The measured difference in search, with its interval."""
        return gain_text(self.comparison, self.direction)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        result = self.comparison
        return {
            "id": self.idea.id,
            "title": self.idea.title,
            "granularity": self.idea.granularity,
            "path": self.idea.place.path,
            "line": self.idea.place.line,
            "symbol": self.idea.symbol,
            "paper": self.idea.paper,
            "reason": self.idea.reason,
            "fate": self.fate,
            "why": self.reason,
            "patch": self.patch or None,
            "difference": result.difference if result is not None else None,
            "interval": None if result is None or result.low is None else [result.low, result.high],
            "pairs": result.pairs if result is not None else 0,
            "family": self.idea.family,
            "cost": self.idea.cost,
        }


@dataclass(frozen=True, slots=True)
class Shown:
    """Lines about one thing, and its diff if it has one."""

    lines: tuple[str, ...]
    diff: str = ""


@dataclass(frozen=True, slots=True)
class Applied:
    """What an accepted patch changed, and what stands behind it: said first."""

    patch: str
    files: tuple[str, ...]
    standing: Standing


def gain_text(result: Comparison | None, direction: Direction = Direction.MAXIMIZE) -> str:
    """`+0.012 (95 % interval +0.004 to +0.020, 5 seeds)`; '' when nothing was measured.

    Where smaller is better it reads `better by 0.012`; the interval is of what is gained.
    """
    if result is None or result.difference is None:
        return ""
    seeds = count(result.pairs, "seed")
    if not result.difference and not result.low and not result.high:
        return f"no difference ({seeds})"
    inside = seeds if result.low is None else f"{interval_words(result)}, {seeds}"
    return f"{gain_words(result, direction)} ({inside})"


class Library:
    """The ideas and patches of one campaign."""

    def __init__(self, ledger: Ledger, campaign: str) -> None:
        self.campaign = campaign
        self._ledger = ledger
        self._state: CampaignState = fold(ledger.events(campaign))

    def entries(self) -> list[LibraryEntry]:
        """All ideas, in the library's order."""
        return [self._entry(idea) for idea in self._state.ideas.values()]

    def find_idea(self, id: str) -> Hypothesis:
        """An idea by its id, by the start of it if that is unique, or by its patch.

        Raises:
            UserError: there is none, or several.
        """
        found = [i for i in self._state.ideas if i == id] or [
            i for i in self._state.ideas if i.startswith(id)
        ]
        if id in self._state.patches:
            found = [i for i in self._state.ideas if i == self._state.patches[id].hypothesis]
        if len(found) == 1:
            return self._state.ideas[found[0]]
        if found:
            raise UserError(f"{id}: stands for {len(found)} ideas: {', '.join(found[:5])} …")
        raise UserError(f"{id}: no such idea in campaign {self.campaign}; see autosota ideas")

    def show(self, id: str) -> Shown:
        """A patch, a receipt or an idea."""
        state = self._state
        if id in state.patches:
            made = state.patches[id]
            own = made.hypothesis in state.ideas and id not in self._reduced()
            return self._show_idea(state.ideas[made.hypothesis]) if own else self._show_patch(made)
        if any(i.startswith(id) for i in state.ideas):
            return self._show_idea(self.find_idea(id))
        receipt = self._ledger.receipt(id)
        if receipt is None:
            raise UserError(
                f"{id}: no idea, patch or receipt of that name; see autosota ideas and the report"
            )
        from autosota.server.receipts import receipt_lines

        return Shown(receipt_lines(receipt, fold(self._ledger.events(receipt.campaign))))

    def refuse(self, idea: Hypothesis, why: str) -> None:
        """Write down that the user does not want an idea."""
        self._ledger.append(self.campaign, ev.IdeaRefused(idea.id, why))

    def apply(self, id: str | None, workspace: GitWorkspace) -> Applied:
        """Bring a patch into the user's files.

        Raises:
            UserError: there is none, the audit did not clear it, or the files have moved on.
        """
        state = self._state
        if id is None:
            if state.best is None:
                raise UserError(f"campaign {self.campaign} found no improvement to apply")
            patch = state.patches[state.best.patch]
            old, new, name = state.start.base_commit, state.best.commit, "the improvement"
        else:
            patch_id = id if id in state.patches else None
            if patch_id is None:
                patch_id = state.patch_of_idea.get(self.find_idea(id).id)
            if patch_id is None:
                raise UserError(f"{id}: this idea was not implemented, so there is no patch")
            patch = state.patches[patch_id]
            old, new, name = patch.parent, patch.commit, patch.id
        verdict = state.verdicts.get(patch.id)
        if verdict is None or verdict.decision is not Decision.CLEARED:
            why = verdict.findings[0].message if verdict and verdict.findings else "not audited"
            raise UserError(f"{patch.id} was not cleared by the audit and is not applied: {why}")
        files = workspace.apply(old, new)
        if files:  # else it was there already
            self._ledger.append(self.campaign, ev.PatchApplied(patch.id, files))
        standing = standing_of(patch, state)
        return Applied(name if standing.confirmed else patch.id, files, standing)

    # ------------------------------------------------------------------ inside

    def _entry(self, idea: Hypothesis) -> LibraryEntry:
        state = self._state
        judged = state.judged.get(idea.id)
        fate, reason = fate_of(idea.id, state)
        patch = state.patch_of_idea.get(idea.id, "")
        result = judged.comparison if judged else None
        return LibraryEntry(idea, fate, reason, patch, result, state.objective.direction)

    def _show_idea(self, idea: Hypothesis) -> Shown:
        entry = self._entry(idea)
        lines = [
            f"{idea.id}: {idea.title}",
            f"  {idea.granularity}, priority {idea.priority}, risk {idea.risk}",
            f"  at {idea.place.path}:{idea.place.line}" + f" in {idea.symbol}" * bool(idea.symbol),
            f"  why: {idea.reason}",
            f"  paper: {idea.paper}",
        ]
        if idea.expected:
            lines.append(f"  expected: {idea.expected}")
        lines += [f"  assumes: {text}" for text in idea.assumptions]
        lines.append(f"  fate: {entry.fate}" + f": {entry.reason}" * bool(entry.reason))
        if entry.gain:
            assert entry.comparison is not None
            lines.append(f"  measured on {entry.comparison.metric}: {entry.gain}")
        if self._state.best is not None and idea.id in self._state.best.ideas:
            lines += self._piece_lines()
        lines += self._evidence_lines(entry.patch)
        diff = self._state.patches[entry.patch].diff if entry.patch else ""
        return Shown(tuple(lines), diff)

    def _show_patch(self, patch: Patch) -> Shown:
        """A patch that is no idea's own: the best without some pieces, or the null patch."""
        state = self._state
        what = "the null patch: a comment only, which must come out as noise"
        reduced = self._reduced().get(patch.id)
        if reduced is not None:
            left = f"{len(reduced.dropped)} piece{'s' * (len(reduced.dropped) != 1)}"
            what = f"{reduced.of} without {left} of it"
        lines = [f"{patch.id}: {what}", f"  commit {patch.commit} on {patch.parent}"]
        if state.best is not None and state.best.patch == patch.id:
            lines.append("  the smallest patch that keeps the gain")
            if state.confirmation is not None and state.confirmation.patch == patch.id:
                judged = state.confirmation
                lines.append(f"  {judged.fate}: {judged.reason}")
            lines += self._piece_lines()
        lines += self._evidence_lines(patch.id)
        return Shown(tuple(lines), patch.diff)

    def _piece_lines(self) -> list[str]:
        """What each piece of the best change carries."""
        planned = self._state.ablation
        if planned is None or len(planned.pieces) < 2:
            return []
        lines = [f"  {planned.patch} was {ablation_words(self._state)}"]
        return lines + [f"    {piece_words(self._state, p.id)}" for p in planned.pieces]

    def _evidence_lines(self, patch: str) -> list[str]:
        lines = []
        verdict = self._state.verdicts.get(patch)
        if verdict is not None:
            lines.append(f"  audit of {patch}: {verdict.decision}")
            lines += [
                f"    {f.code} {f.place.path}:{f.place.line}: {f.message}" for f in verdict.findings
            ]
        if patch in self._state.opinions:
            lines.append(f"    {self._state.opinions[patch]}")
        for run in self._state.runs:
            if run.side == patch and run.purpose in (Purpose.SEARCH, Purpose.CONTROL):
                lines.append(f"  receipt {run.run_id}: {run.outcome}")
        return lines

    def _reduced(self) -> dict[str, ev.PatchReduced]:
        return {reduced.patch.id: reduced for reduced in self._state.reduced.values()}
