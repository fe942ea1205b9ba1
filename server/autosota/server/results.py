"""What a campaign leaves behind for people: the report, the memory files, the export.

Joins the ledger, the report's pure functions and the workspace; holds no words or numbers of
its own.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from autosota.agents.scheduler.state import fold
from autosota.server.errors import UserError
from autosota.server.ledger.store import Ledger
from autosota.server.report.export import export
from autosota.server.report.html import render
from autosota.server.report.memory import memory_files
from autosota.server.workspace.store import GitWorkspace


def write_report(ledger: Ledger, campaign: str, state_dir: Path, out: Path | None) -> Path:
    """Write report.html (to `.autosota/reports/<campaign>/` if `out` is None) and the memory.

    Raises:
        UserError: the place cannot be written.
    """
    folder = out if out is not None else state_dir / "reports" / campaign
    target = (folder if folder.suffix == ".html" else folder / "report.html").absolute()
    replace_text(target, report_html(ledger, campaign, _improvement_of(ledger, campaign)))
    state = fold(ledger.events(campaign))
    for name, text in memory_files(state).items():
        replace_text(state_dir / "memory" / name, text)
    return target


def report_html(ledger: Ledger, campaign: str, improvement: str) -> str:
    """The report's text."""
    receipts = {r.run_id: r for r in ledger.receipts(campaign)}
    history = ledger.since(campaign, 0)
    return render(history, receipts, campaign=campaign, improvement=improvement)


def write_export(
    ledger: Ledger, campaign: str, workspace: GitWorkspace, destination: Path
) -> list[str]:
    """Write the export folder; gives what to tell the user.

    Raises:
        UserError: the campaign is still running, or the destination is not empty.
    """
    state = fold(ledger.events(campaign))
    diff = ""
    commit = state.head
    if state.best is not None:
        diff = workspace.diff(state.start.base_commit, commit)
    return export(
        destination,
        state,
        {r.run_id: r for r in ledger.receipts(campaign)},
        diff,
        lambda folder: workspace.checkout(commit, folder),
        report_html(ledger, campaign, diff),
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


def _improvement_of(ledger: Ledger, campaign: str) -> str:
    """The diffs that lead from the base to the best commit, one after the other."""
    state = fold(ledger.events(campaign))
    if state.best is None:
        return ""
    return "".join(state.patches[state.patch_of_idea[i]].diff for i in state.best.ideas)
