"""What a campaign leaves behind for people: the report, the memory files, the export.

Joins the ledger, the report's pure functions and the workspace; holds no words or numbers of
its own.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from autosota.agents.scheduler.state import CampaignState
from autosota.server.errors import UserError
from autosota.server.ledger.store import Ledger
from autosota.server.report.export import export
from autosota.server.report.html import render_evidence
from autosota.server.report.memory import memory_files
from autosota.server.report.numbers import Evidence
from autosota.server.workspace.store import GitWorkspace


def write_report(
    ledger: Ledger, campaign: str, workspace: GitWorkspace, state_dir: Path, out: Path | None
) -> Path:
    """Write report.html (to `.autosota/reports/<campaign>/` if `out` is None) and the memory.

    Raises:
        UserError: the place cannot be written.
    """
    folder = out if out is not None else state_dir / "reports" / campaign
    target = (folder if folder.suffix == ".html" else folder / "report.html").absolute()
    evidence = evidence_of(ledger, campaign)
    diff = _improvement(evidence.state, workspace)
    replace_text(target, render_evidence(evidence, campaign=campaign, improvement=diff))
    for name, text in memory_files(evidence.state).items():
        replace_text(state_dir / "memory" / name, text)
    return target


def evidence_of(ledger: Ledger, campaign: str) -> Evidence:
    """What the receipts of a campaign prove: every shown number comes from here."""
    receipts = {r.run_id: r for r in ledger.receipts(campaign)}
    return Evidence(ledger.since(campaign, 0), receipts)


def write_export(
    ledger: Ledger, campaign: str, workspace: GitWorkspace, destination: Path
) -> list[str]:
    """Write the export folder; gives what to tell the user.

    Raises:
        UserError: the destination is not empty, or cannot be written.
    """
    evidence = evidence_of(ledger, campaign)
    diff = _improvement(evidence.state, workspace)
    return export(
        destination,
        evidence.state,
        evidence.receipts,
        diff,
        lambda folder: workspace.checkout(evidence.state.head, folder),
        render_evidence(evidence, campaign=campaign, improvement=diff),
    )


def replace_text(path: Path, text: str) -> None:
    """Write a file whole or not at all.

    Raises:
        UserError: the place cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, part = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                stream.write(text)
            os.chmod(part, 0o644)
            os.replace(part, path)
        except BaseException:
            os.unlink(part)
            raise
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror or error}") from None


def _improvement(state: CampaignState, workspace: GitWorkspace) -> str:
    """The diff from the base to the best commit; '' when nothing was kept."""
    if state.best is None:
        return ""
    return workspace.diff(state.start.base_commit, state.best.commit)
