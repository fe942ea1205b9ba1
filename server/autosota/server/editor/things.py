"""A patch for a diff editor, and a receipt to read; the claim is masked until it was read."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from autosota.agents.domain import Receipt
from autosota.agents.scheduler.state import NULL_PATCH, CampaignState
from autosota.server.editor.board import FileText, NamedValue, PatchText, ReceiptText
from autosota.server.editor.rows import MASKED_WORDS, audit_of
from autosota.server.editor.veil import Veil
from autosota.server.errors import UserError
from autosota.server.ledger.codec import encode_receipt
from autosota.server.receipts import receipt_lines
from autosota.server.report.diffs import parse_diff
from autosota.server.report.formats import one_line
from autosota.server.report.numbers import MASKED, RESOURCES, Evidence
from autosota.server.report.standing import standing_of
from autosota.server.workspace.store import GitWorkspace

MOST_TEXT = 4 << 20
"""A side of a file longer than this is not shown."""


def patch_text(id: str, root: Path, evidence: Evidence) -> PatchText:
    """Both sides of each file that a patch changes.

    Args:
        id: Of the patch, or of an idea that became one; '' is the best.
        root: The workspace.
        evidence: Of its campaign.

    Raises:
        UserError: there is no such patch, or the store has lost it.
    """
    state = evidence.state
    known = dict(state.patches)
    if state.null_patch is not None:
        known[state.null_patch.id] = state.null_patch
    if not id and state.best is None:
        raise UserError("nothing was kept in this campaign, so there is no best patch")
    if not id and state.best is not None:
        id = state.best.patch
    patch = known.get(id) or known.get(state.patch_of_idea.get(id, ""))
    if patch is None and id in state.ideas:
        raise UserError(f"{id}: this idea was not implemented, so there is no patch")
    if patch is None:
        raise UserError(f"{id[:80]}: there is no such patch in this campaign")
    with GitWorkspace(root) as workspace:
        before, after = workspace.tree(patch.parent), workspace.tree(patch.commit)
        names = (set(before.files()), set(after.files()))
        files = []
        for path in parse_diff(patch.diff).files:
            old = before.read(path) if path in names[0] else b""
            new = after.read(path) if path in names[1] else b""
            files.append(FileText(path, _text(old, path), _text(new, path)))
    verdict, findings = audit_of(patch.id, state)
    standing = standing_of(patch, state)
    title = _title(patch.hypothesis, state)
    notes = (*findings, *standing.notes)
    said = (standing.confirmed, standing.line)
    return PatchText(patch.id, title, tuple(files), verdict, *said, notes)


def _title(hypothesis: str, state: CampaignState) -> str:
    if hypothesis == NULL_PATCH:
        return "The null patch: a comment only, which must come out as noise"
    idea = state.ideas.get(hypothesis)
    return one_line(idea.title) if idea is not None else hypothesis


def _text(content: bytes, path: str) -> str:
    if len(content) > MOST_TEXT:
        raise UserError(f"{path}: {len(content)} bytes are too many to show")
    return content.decode("utf-8", "replace")


def receipt_text(run: str, evidence: Evidence) -> ReceiptText:
    """A receipt in words, its numbers, and all of it as JSON.

    Args:
        run: The id of the run.
        evidence: Of its campaign.

    Raises:
        UserError: no receipt is there.
    """
    state = evidence.state
    receipt = evidence.receipts.get(run)
    event = next((r for r in state.runs if r.run_id == run), None)
    if receipt is None or event is None:
        raise UserError(f"{run[:80]}: there is no receipt of that name")
    veil = Veil.of_run(state, receipt.purpose, receipt)
    shown = dataclasses.replace(receipt, reason=veil.line(receipt.reason))
    values = []
    for name in [*(m.name for m in receipt.metrics), *RESOURCES]:
        found = evidence.value(event, name)
        reading = receipt.reading(name)
        if found.value is not None:
            note = str(receipt.isolation_of(name)) if reading is not None else ""
            values.append(NamedValue(one_line(name, 60), found.text, note))
        elif found.text == MASKED:
            values.append(NamedValue(one_line(name, 60), "", MASKED_WORDS))
        elif reading is not None:
            values.append(
                NamedValue(one_line(name, 60), "", veil.line(reading.reason or "unknown"))
            )
    lines = receipt_lines(shown, state)
    return ReceiptText(run, lines, tuple(values), _json(shown, veil))


def _json(receipt: Receipt, veil: Veil) -> str:
    """The receipt's own JSON, indented, without a claim that was not read."""
    body: dict[str, Any] = json.loads(encode_receipt(receipt))
    for reading in body.get("metrics", ()):
        if veil.hides_metric(reading["name"]):
            reading["value"], reading["reason"] = None, MASKED_WORDS
    return json.dumps(body, indent=2, ensure_ascii=False)
