"""Rows on what survived: pieces, controls, price, other settings, the tree with its gains.

Every number of a run in here is a `Shown`. How rows look is the template's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autosota.agents.domain import Purpose
from autosota.agents.scheduler.claims import CONTROLS as NAMES
from autosota.agents.scheduler.events import RunFinished
from autosota.server.report.numbers import Evidence, Shown, ShownComparison
from autosota.server.report.pairs import trial_pairs
from autosota.server.report.pieces import piece_title
from autosota.server.report.price import controls_cost_words, cost_words
from autosota.server.report.proof import CONTROLS, control_reason, passed_words, why_not_run
from autosota.server.report.tree import Attempt, attempts


@dataclass(frozen=True, slots=True)
class PieceRow:
    """One piece of the best change. `needed` is None until it is judged."""

    title: str
    needed: bool | None
    reason: str
    carries: ShownComparison | None


@dataclass(frozen=True, slots=True)
class ControlRow:
    """One control: what it asks, and what its runs said. `result` is passed, failed or not run."""

    name: str
    asks: str
    result: str
    reason: str
    comparison: ShownComparison | None


@dataclass(frozen=True, slots=True)
class TransferRow:
    """The change in another setting."""

    name: str
    arguments: str
    holds: bool | None
    reason: str
    comparison: ShownComparison | None


@dataclass(frozen=True, slots=True)
class PriceRow:
    """What a part of the confirmation was expected to take, in words, and what it took."""

    what: str
    expected: str
    runs: Shown
    wall: Shown


@dataclass(frozen=True, slots=True)
class TreeRow:
    """An attempt with its gain over what it was compared with."""

    attempt: Attempt
    comparison: ShownComparison | None


def piece_rows(evidence: Evidence) -> list[PieceRow]:
    """The pieces of the best change, in the patch's order."""
    state = evidence.state
    if state.ablation is None:
        return []
    rows = []
    for piece in state.ablation.pieces:
        judged = state.pieces.get(piece.id)
        rows.append(
            PieceRow(
                title=piece_title(piece),
                needed=judged.needed if judged is not None else None,
                reason=judged.reason if judged is not None else "",
                carries=evidence.piece(piece.id),
            )
        )
    return rows


def control_rows(evidence: Evidence) -> list[ControlRow]:
    """Every control there is, also those that did not run, with why."""
    state = evidence.state
    names = dict.fromkeys((*NAMES, *state.controls))
    rows = []
    for name in names:
        judged = state.controls.get(name)
        reason = control_reason(judged, state) if judged is not None else why_not_run(name, state)
        rows.append(
            ControlRow(
                name=name,
                asks=CONTROLS.get(name, ""),
                result=passed_words(judged.passed if judged is not None else None),
                reason=reason,
                comparison=evidence.control(name),
            )
        )
    return rows


def transfer_rows(evidence: Evidence) -> list[TransferRow]:
    """Every setting that the objective declares."""
    state = evidence.state
    rows = []
    for transfer in state.objective.transfers:
        judged = state.transfers.get(transfer.name)
        rows.append(
            TransferRow(
                name=transfer.name,
                arguments=transfer.arguments,
                holds=judged.holds if judged is not None else None,
                reason=judged.reason if judged is not None else "not run: nothing was confirmed",
                comparison=evidence.transfer(transfer.name),
            )
        )
    return rows


def price_rows(evidence: Evidence) -> list[PriceRow]:
    """Expected and spent, for the confirmation, its controls and transfers; empty before them."""
    state = evidence.state
    plan = state.plan
    if plan is None:
        return []
    parts = (
        ("confirmation", Purpose.CONFIRM, cost_words(plan)),
        ("controls", Purpose.CONTROL, controls_cost_words(plan)),
        ("other settings", Purpose.TRANSFER, ""),
    )
    rows = []
    for what, purpose, before in parts:
        runs: Sequence[RunFinished] = [r for r in state.runs if r.purpose is purpose]
        if runs or before:
            taken = evidence.total(runs, "wall_seconds")
            rows.append(PriceRow(what, before, evidence.runs_counted(runs), taken))
    return rows


def tree_rows(evidence: Evidence) -> list[TreeRow]:
    """The tree of attempts, each with its gain where it was measured and is the latest trial."""
    state = evidence.state
    rows = []
    for attempt in attempts(state):
        shown = None
        if attempt.fate == "again":
            trial = state.iterations[attempt.number - 1]
            seeds = state.objective.seeds  # a second look on the same commit had more
            pairs = [pair for pair in trial_pairs(trial, state) if pair[0].seed in seeds]
            shown = evidence.compared(state.objective.select_on, pairs)
        else:
            shown = evidence.idea(attempt.idea)
        rows.append(TreeRow(attempt, shown))
    return rows
