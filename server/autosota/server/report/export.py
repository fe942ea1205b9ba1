"""The export: the improved repository, its patch, the receipts and the report in one folder.

Written beside the destination and renamed into place, so that it is all there or not at all.
How a commit becomes files is the caller's (`write_tree`); a claim that was not read stays in
the ledger.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from autosota.agents.domain import CampaignVerdict, Receipt
from autosota.agents.scheduler.state import CampaignState
from autosota.server.errors import UserError
from autosota.server.report.caveats import Kind, caveats
from autosota.server.report.formats import count, in_markdown
from autosota.server.report.replay import is_masked
from autosota.server.report.text import (
    baseline_words,
    head_lines,
    search_words,
    verdict_sentence,
)

_ODD = re.compile(r"[^A-Za-z0-9._-]")


def export(
    destination: Path,
    state: CampaignState,
    receipts: Mapping[str, Receipt],
    diff: str,
    write_tree: Callable[[Path], None],
    report_html: str,
) -> list[str]:
    """Write everything that a campaign proved to a folder of its own.

    Args:
        destination: a folder that does not exist yet, or is empty.
        state: the campaign, best as `numbers.Evidence` proves it.
        receipts: by run id.
        diff: from the base to the best commit; '' when there is none.
        write_tree: writes the best commit's files into an empty folder.
        report_html: what `html.render` gave.

    Returns:
        What to tell the user, a line each.

    Raises:
        UserError: the destination is in the way, or cannot be written.
    """
    target = destination.absolute()
    _refuse_what_is_there(target)
    improved = state.best is not None and bool(diff)
    proved = {k: r for k, r in receipts.items() if not _holds_masked(r, state)}
    held_back = len(receipts) - len(proved)
    with _plain_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        with _beside(target) as folder:
            if improved:
                (folder / "repository").mkdir()
                write_tree(folder / "repository")
                _write(folder / "improvement.patch", diff)
            _write_receipts(folder / "receipts", proved)
            _write(folder / "report.html", report_html)
            _write(folder / "README.md", readme(state, improved, len(proved), held_back))
            os.replace(folder, _replaceable(target))
    return _lines(target, state, improved, len(proved), held_back)


def readme(state: CampaignState, improved: bool, receipts: int, held_back: int) -> str:
    """What is in the folder, how to apply and verify it, and the numbers with their caveats."""
    title = in_markdown(state.objective.paper.title or state.objective.metric)
    lines = [f"# {title}", "", f"**{in_markdown(verdict_sentence(state), 2000)}**", ""]
    lines += [f"- {in_markdown(line, 1000)}" for line in head_lines(state)]
    measured = baseline_words(state)
    if measured:
        lines += [f"- baseline: {in_markdown(measured)}"]
    if state.ideas:
        lines += [f"- search: {search_words(state)}"]
    for caveat in (c for c in caveats(state) if c.weighs):
        word = "against it" if caveat.kind is Kind.FAILED else "note"
        lines.append(f"- {word}: {in_markdown(caveat.text)}")
    lines += ["", "## What is here", ""]
    if improved:
        lines += [
            "- `repository/`: the repository with the change",
            "- `improvement.patch`: the change alone",
        ]
    lines += [
        "- `report.html`: the full report; it opens offline",
        f"- `receipts/`: {count(receipts, 'receipt')}, one JSON file per run",
    ]
    if held_back:
        lines.append(
            f"\n{count(held_back, 'receipt')} of runs whose claim was never compared are left "
            "out, so that nobody reads it by accident; the ledger keeps them."
        )
    lines += ["", "## Apply", ""]
    if improved:
        confirmed = state.finished is not None and (
            state.finished.verdict is CampaignVerdict.CONFIRMED
        )
        if not confirmed:
            lines += ["This change is **not confirmed**: read the verdict above first.", ""]
        lines += [
            "In the repository this started from:",
            "",
            "```",
            "git apply --check improvement.patch",
            "git apply improvement.patch",
            "```",
            "",
            f"The base is commit `{state.start.base_commit}`"
            + (
                ", a snapshot of a working tree with uncommitted changes."
                if state.start.dirty
                else "."
            ),
        ]
    else:
        lines.append("There is nothing to apply: no improvement was found.")
    lines += [
        "",
        "## Verify",
        "",
        "```",
        "autosota verify receipts/*.json",
        "```",
        "",
        "In the workspace that holds the ledger, `autosota verify` checks the whole chain and",
        "`autosota verify RUN --rerun` executes a run again.",
    ]
    return "\n".join(lines) + "\n"


# ------------------------------------------------------------------ inside


def _lines(
    target: Path, state: CampaignState, improved: bool, receipts: int, held_back: int
) -> list[str]:
    lines = [verdict_sentence(state)]
    if improved:
        lines.append("The repository with the change is in repository/, the change alone in")
        lines[-1] += " improvement.patch."
    else:
        lines.append("No improvement was found, so there is no repository and no patch.")
    lines.append(f"{count(receipts, 'receipt')} and report.html are there too.")
    if held_back:
        lines.append(f"{count(held_back, 'receipt')} with a claim that was not read are left out.")
    return [*lines, f"Exported to {target}"]


def _holds_masked(receipt: Receipt, state: CampaignState) -> bool:
    return any(
        m.value is not None and is_masked(m.name, receipt.purpose, state) for m in receipt.metrics
    )


def _write_receipts(folder: Path, receipts: Mapping[str, Receipt]) -> None:
    from autosota.server.ledger.codec import encode_receipt

    folder.mkdir()
    taken: set[str] = set()
    for run_id, receipt in receipts.items():
        name = _ODD.sub("_", run_id)[:150].lstrip(".") or "run"
        while name.lower() in taken:  # run ids that differ only in odd characters or case
            name += "_"
        taken.add(name.lower())
        _write(folder / f"{name}.json", encode_receipt(receipt) + "\n")


def _write(path: Path, text: str) -> None:
    path.write_bytes(text.encode("utf-8", "surrogateescape"))


def _refuse_what_is_there(target: Path) -> None:
    if target.is_symlink() and not target.exists():
        raise UserError(f"{target}: is a link to nothing; choose another folder")
    if not target.exists():
        return
    if not target.is_dir():
        raise UserError(f"{target}: is a file; choose a folder that does not exist yet")
    with _plain_errors(target):
        if any(target.iterdir()):
            raise UserError(f"{target}: is not empty; choose a folder that does not exist yet")


def _replaceable(target: Path) -> Path:
    """Where a link points, since a folder cannot be renamed over the link itself."""
    return target.resolve() if target.is_symlink() else target


@contextlib.contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """A folder on the same disk, gone again unless it was renamed."""
    real = _replaceable(target)
    folder = real.parent / f".autosota-export-{secrets.token_hex(6)}"
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _plain_errors(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        why = error.strerror or str(error)
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            why = "something was put there meanwhile"
        raise UserError(f"{target}: cannot export: {why}; choose another folder") from error
