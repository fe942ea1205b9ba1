"""`autosota init` and `doctor`."""

from __future__ import annotations

from pathlib import Path

import click

from autosota.server.errors import UserError


@click.command()
@click.argument(
    "directory", default=".", type=click.Path(path_type=Path, file_okay=False), metavar="[DIR]"
)
@click.option("--paper", help="The paper of the repository (not in this version).")
@click.option("--repo", help="Where the repository is (not in this version).")
def init(directory: Path, paper: str | None, repo: str | None) -> int:
    """Propose an autosota.toml for a local repository; you check it before the first run."""
    for flag, value in (("--paper", paper), ("--repo", repo)):
        if value is not None:
            raise UserError(
                f"{flag} {value}: this version starts from a local repository; "
                "clone it and run autosota init there"
            )
    from autosota.server.setup.propose import write_proposal

    path, notes = write_proposal(directory)
    click.echo(f"wrote {path}: read it, then type autosota run")
    for note in notes:
        click.echo(f"note: {note}")
    return 0


@click.command()
@click.argument(
    "directory", default=".", type=click.Path(path_type=Path, file_okay=False), metavar="[DIR]"
)
def doctor(directory: Path) -> int:
    """Say what this machine can do for a campaign, and what would fix what it cannot."""
    from autosota.server.host import workspace_root
    from autosota.server.setup.doctor import diagnose

    worst = 0
    for check in diagnose(workspace_root(directory)):
        mark = {"ok": "✓", "warn": "!", "fail": "✗"}[check.state]
        click.echo(f"{mark} {check.name}: {check.detail}")
        if check.fix:
            click.echo(f"    {check.fix}")
        worst = max(worst, int(check.state == "fail"))
    return worst
