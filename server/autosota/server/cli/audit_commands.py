"""`autosota audit`: the red-line verdict on a change."""

from __future__ import annotations

from pathlib import Path

import click

from autosota.agents.domain import Decision
from autosota.server.host import Host


@click.command()
@click.option("--base", required=True, metavar="REV|DIR", help="The tree before the change.")
@click.option("--candidate", required=True, metavar="REV|DIR", help="The tree after it.")
@click.option("--objective", type=click.Path(path_type=Path), help="The objective's file.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
def audit(base: str, candidate: str, objective: Path | None, form: str) -> int:
    """Say whether a change keeps the red lines: cleared, needs_review or rejected."""
    from autosota.server.audits import audit_change, render_json, render_text

    verdict = audit_change(Host.find(Path()).root, base, candidate, objective)
    click.echo(render_json(verdict) if form == "json" else render_text(verdict))
    return 0 if verdict.decision is Decision.CLEARED else 1
