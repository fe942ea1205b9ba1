"""`autosota ideas`, `show`, `apply` and `reject`: the idea library and its patches."""

from __future__ import annotations

import json
from pathlib import Path

import click
from rich.console import Console
from rich.syntax import Syntax

from autosota.agents.domain import Hypothesis
from autosota.server.host import Host

directory = click.option(
    "--dir",
    "directory",
    default=".",
    type=click.Path(path_type=Path, file_okay=False),
    help="The workspace; the current folder if left out.",
)


@click.command()
@directory
@click.option("--json", "as_json", is_flag=True, help="The library as one JSON list.")
def ideas(directory: Path, as_json: bool) -> int:
    """List the idea library: what was tried, how it fared, and what is left."""
    library = Host.find(directory).library()
    if as_json:
        click.echo(json.dumps([entry.as_dict() for entry in library], ensure_ascii=False))
        return 0
    for entry in library:
        gain = f"  {entry.gain}" if entry.gain else ""
        click.echo(f"{entry.fate:<15} {entry.idea.granularity:<5}  {entry.idea.title}{gain}")
        click.echo(f"{'':<15} {entry.idea.id}")
    return 0


@click.command()
@click.argument("id")
@directory
def show(id: str, directory: Path) -> int:
    """Show an idea, a patch or a receipt by its ID."""
    found = Host.find(directory).show(id)
    console = Console(highlight=False)
    for line in found.lines:
        console.print(line, markup=False)
    if found.diff:
        console.print(Syntax(found.diff, "diff", background_color="default"))
    return 0


@click.command()
@click.argument("id", required=False)
@directory
def apply(id: str | None, directory: Path) -> int:
    """Bring a patch into your working tree: all of it or nothing, and no commit.

    ID is an idea or a patch; left out, it is the improvement of the newest campaign.
    """
    applied = Host.find(directory).apply(id)
    for path in applied.files:
        click.echo(f"changed {path}")
    click.echo(f"{applied.patch} is in your working tree; nothing was committed")
    for caveat in applied.caveats:
        click.echo(f"note: {caveat}")
    return 0


@click.command()
@click.argument("id")
@click.option("--why", required=True, help="The reason; the library keeps it.")
@directory
def reject(id: str, why: str, directory: Path) -> int:
    """Refuse an idea, so that it is not tried again."""
    idea: Hypothesis = Host.find(directory).reject(id, why)
    click.echo(f"{idea.id} is rejected: {why}")
    return 0
