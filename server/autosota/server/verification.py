"""`autosota verify` of a workspace: the ledger's own checks, and single runs executed again.

Evaluator and data are hashed anew from the base commit and from the files as they are.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from autosota.agents.domain import Outcome, Receipt, RunRequest
from autosota.agents.scheduler import events as ev
from autosota.agents.scheduler.controls import variant_named
from autosota.agents.scheduler.spending import slowest
from autosota.agents.scheduler.state import fold
from autosota.server.errors import UserError
from autosota.server.laboratory import SandboxLaboratory
from autosota.server.ledger.store import Ledger
from autosota.server.ledger.verify import verify, verify_receipt
from autosota.server.report.formats import count
from autosota.server.sandbox.protected import evaluator_hash, guard_data
from autosota.server.workspace.store import GitWorkspace

Line = tuple[str, bool]
"""What to say, and whether it is a problem."""


def verify_workspace(
    path: Path, root: Path, names: tuple[str, ...], *, rerun: bool
) -> Iterator[Line]:
    """Check everything, then single receipts by id or file, then run those again.

    Raises:
        UserError: a name is neither a receipt's id nor a file.
    """
    if rerun and not names:
        raise UserError("--rerun: name the runs to execute again, such as c1-baseline-baseline-s0")
    with GitWorkspace(root) as workspace:
        judged_by: dict[str, str] = {}

        def evaluator(started: ev.CampaignStarted, analysed: ev.CodeAnalysed) -> str:
            judged_by.update(dict.fromkeys(analysed.boundary.files, started.base_commit))
            return evaluator_hash(workspace.tree(started.base_commit), analysed.boundary.files)

        def data(started: ev.CampaignStarted) -> str:
            # no cache: a changed byte must show, whatever a file's times say
            return guard_data(root, started.objective.protocol).sha256

        # before the ledger is opened in the ordinary way: a damaged one cannot be
        broken = False
        for problem in verify(path, evaluator_hash=evaluator, data_hash=data):
            broken = True
            yield str(problem), True
        for line in _evaluator_here(workspace, judged_by):
            broken = True
            yield line, True
        if broken:
            return
        with Ledger(path, read_only=True) as ledger:
            yield _checked(ledger, len(judged_by)), False
            for name in names:
                receipt = _named(ledger, name)
                if Path(name).is_file():
                    for problem in verify_receipt(path, Path(name)):
                        yield str(problem), True
                if rerun:
                    yield _again(ledger, workspace, path.parent, receipt)


def _checked(ledger: Ledger, evaluator_files: int) -> str:
    """What was recomputed and found to be as it was written."""
    rows = ledger.campaigns()
    runs, events = sum(row.runs for row in rows), sum(row.events for row in rows)
    parts = [
        count(runs, "receipt"),
        count(events, "event"),
        count(evaluator_files, "evaluator file"),
    ]
    campaigns = ", ".join(row.id for row in rows) or "no campaign"
    return f"checked {', '.join(parts)} and the declared data of {campaigns}"


def _evaluator_here(workspace: GitWorkspace, judged_by: dict[str, str]) -> Iterator[str]:
    """Evaluator files of the workspace that are not those of the commit that judged the runs.

    The objective's own file is the user's to change, for the next campaign.
    """
    for path, commit in sorted(judged_by.items()):
        if path == "autosota.toml":
            continue
        try:
            here: bytes | None = (workspace.root / path).read_bytes()
        except OSError:
            here = None
        try:
            then: bytes | None = workspace.tree(commit).read(path)
        except FileNotFoundError:
            then = None
        if here != then:
            word = "is gone" if here is None else "is not the file"
            yield f"evaluator: {workspace.root / path}: {word} that judged the runs ({commit[:12]})"


def _named(ledger: Ledger, name: str) -> Receipt:
    """The receipt that a run's id, or a receipt file, stands for."""
    run_id = name
    if Path(name).is_file():
        try:
            run_id = str(json.loads(Path(name).read_bytes())["run_id"])
        except (ValueError, KeyError, TypeError, OSError):
            raise UserError(f"{name}: not a receipt; give a run's id or its receipt.json") from None
    receipt = ledger.receipt(run_id)
    if receipt is None:
        raise UserError(f"{name}: neither a run's id nor a receipt file; the report lists the runs")
    return receipt


def _again(ledger: Ledger, workspace: GitWorkspace, state_dir: Path, receipt: Receipt) -> Line:
    """Execute one run again and compare; the new run is not recorded."""
    state = fold(ledger.events(receipt.campaign))
    laboratory = SandboxLaboratory(
        workspace, state_dir, state.start, offline=False, note=lambda _text: None
    )
    masked = any(m.value is None and m.reason.startswith("masked") for m in receipt.metrics)
    try:
        laboratory.ready(state)
        new = laboratory.run(
            RunRequest(
                run_id=f"rerun-{receipt.run_id}",
                campaign=receipt.campaign,
                purpose=receipt.purpose,
                side=receipt.side,
                commit=receipt.commit,
                base_commit=receipt.base_commit,
                seed=receipt.seed,
                mask_claim=masked,
                variant=variant_named(state, receipt.variant),
                limit=slowest(state) if receipt.outcome is Outcome.TOO_SLOW else None,
            )
        )
    finally:
        laboratory.discard(f"rerun-{receipt.run_id}")
        laboratory.close()
    if (new.outcome, receipt.outcome) != (Outcome.OK, Outcome.OK):
        same = new.outcome is receipt.outcome
        return f"{receipt.run_id}: was {receipt.outcome}, is {new.outcome}", not same
    differ = [
        f"{m.name} was {m.value!r}, is {new.value(m.name)!r}"
        for m in receipt.metrics
        if m.value != new.value(m.name)
    ]
    if differ:
        return f"{receipt.run_id}: run again, {'; '.join(differ)}", True
    return f"{receipt.run_id}: run again, the same metrics", False
