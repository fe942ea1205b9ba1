"""`autosota audit` on revisions or folders: finds the two trees and words the verdict."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from autosota.agents.domain import Finding, Objective, Verdict
from autosota.agents.protocols import Tree
from autosota.agents.supervisor.audit import audit
from autosota.server.config import load_objective
from autosota.server.errors import UserError
from autosota.server.setup.folder import FolderTree
from autosota.server.workspace.root import find_root
from autosota.server.workspace.store import GitWorkspace


def audit_change(root: Path, base: str, candidate: str, objective: Path | None) -> Verdict:
    """Audit the change from one tree to another.

    Args:
        root: the workspace, for revisions and for the objective.
        base: a revision of the workspace's repository, or a folder.
        candidate: the same.
        objective: the objective's file; None: the base folder's, else the workspace's.

    Raises:
        UserError: a tree or the objective cannot be read.
    """
    with GitWorkspace(root) as workspace:
        before, after = _tree(workspace, base), _tree(workspace, candidate)
        return audit(before, after, _objective(root, base, objective))


def _tree(workspace: GitWorkspace, name: str) -> Tree:
    if Path(name).is_dir():
        return FolderTree(Path(name))
    return workspace.tree(workspace.resolve(name))


def _objective(root: Path, base: str, file: Path | None) -> Objective:
    if file is not None:
        if not file.is_file():
            raise UserError(f"{file}: no such file; --objective names an autosota.toml")
        return load_objective(file.parent, file)
    return load_objective(find_root(Path(base).resolve()) if Path(base).is_dir() else root)


def render_json(verdict: Verdict) -> str:
    """The verdict as the design's JSON object."""
    return json.dumps(
        {
            "verdict": verdict.decision,
            "findings": [_finding(f) for f in verdict.findings],
            "changed": [asdict(c) for c in verdict.changed],
        },
        ensure_ascii=False,
        indent=2,
    )


def render_text(verdict: Verdict) -> str:
    """The verdict for people."""
    lines = [f"{verdict.decision}"]
    for finding in verdict.findings:
        place = finding.place
        lines.append(
            f"{place.path}:{place.line}:{place.column}: {finding.severity} {finding.code} "
            f"[{finding.red_line}] {finding.message}"
        )
        lines += [f"    {r.path}:{r.line}: {r.message}" for r in finding.related]
    lines += [f"changed: {c.path} {c.symbol} ({c.boundary})" for c in verdict.changed]
    return "\n".join(lines)


def _finding(finding: Finding) -> dict[str, object]:
    place = finding.place
    return {
        "path": place.path,
        "cell": place.cell,
        "line": place.line,
        "column": place.column,
        "end_line": place.end_line or place.line,
        "end_column": place.end_column or place.column,
        "code": finding.code,
        "name": finding.name,
        "severity": finding.severity,
        "red_line": finding.red_line,
        "message": finding.message,
        "url": finding.url,
        "related": [asdict(r) for r in finding.related],
    }
