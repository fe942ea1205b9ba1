"""A receipt in words, for `autosota show`. The claim stays masked until it was read."""

from __future__ import annotations

from autosota.agents.domain import BASELINE, Purpose, Receipt
from autosota.agents.scheduler.state import CampaignState
from autosota.server.report.headline import reads_words
from autosota.server.view import claim_is_open

_READ = (Purpose.CONFIRM, Purpose.CONTROL, Purpose.TRANSFER)
"""Runs whose claim is shown only after it was read for a decision."""


def receipt_lines(receipt: Receipt, state: CampaignState) -> tuple[str, ...]:
    """Everything a receipt proves, one fact per line."""
    run = next((r for r in state.runs if r.run_id == receipt.run_id), None)
    is_open = run is not None and claim_is_open(run, state)
    lines = [
        f"{receipt.run_id}: {receipt.outcome}" + f": {receipt.reason}" * bool(receipt.reason),
        f"  {receipt.purpose} run of {_side(receipt.side)} at {receipt.commit}, "
        f"seed {receipt.seed}" + f", {receipt.variant}" * bool(receipt.variant),
        f"  isolation {receipt.isolation} ({receipt.sandbox}), exit code {receipt.exit_code}",
        f"  {receipt.resources.wall_seconds:.2f} s, {receipt.started_at} to {receipt.finished_at}",
    ]
    for metric in receipt.metrics:
        hidden = state.objective.tells_of_claim(metric.name) and not is_open
        known = "unknown" if metric.value is None else f"{metric.value:.6g}"
        value = "masked until it is read" if hidden else known
        grade = receipt.isolation_of(metric.name)
        note = f" ({metric.reason})" if metric.reason and not hidden else ""
        if metric.name == state.objective.metric and not hidden and receipt.purpose in _READ:
            note += f" (claim {reads_words(state)})"
        lines.append(f"  {metric.name} = {value}, {grade}{note}")
    if receipt.intermediate:
        step, last = receipt.intermediate[-1]
        lines.append(
            f"  {len(receipt.intermediate)} intermediate values, {last:.6g} at step {step}"
        )
    for name in ("objective", "evaluator", "data", "environment", "stdout", "stderr", "outcomes"):
        digest = getattr(receipt, name + "_hash")
        if digest:
            lines.append(f"  {name} sha256 {digest}")
    return tuple(lines)


def _side(side: str) -> str:
    return "the untouched code" if side == BASELINE else f"patch {side}"
