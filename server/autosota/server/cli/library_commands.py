"""`autosota ideas`, `show`, `apply` and `reject`: the idea library and its patches."""

from __future__ import annotations

import json
from pathlib import Path

import click

from autosota.agents.domain import Hypothesis
from autosota.server.cli.diffs import echo_diff
from autosota.server.host import Host

directory = click.option(
    "--dir",
    "directory",
    default=".",
    type=click.Path(path_type=Path, file_okay=False),
    help="The workspace; the current folder if left out.",
)


which = click.option(
    "--campaign", metavar="ID", help="Another campaign than the newest, such as c1."
)


@click.command()
@directory
@which
@click.option("--json", "as_json", is_flag=True, help="The library as one JSON list.")
@click.option("--refresh", is_flag=True, help="First ask the model for more ideas.")
@click.option("--offline", is_flag=True, help="Use no network, also not for a model.")
def ideas(
    directory: Path, campaign: str | None, as_json: bool, refresh: bool, offline: bool
) -> int:
    """List the idea library: what was tried, how it fared, and what is left."""
    host = Host.find(directory)
    if refresh:
        new = host.refresh_ideas(lambda line: click.echo(line, err=True), campaign, offline=offline)
        told = "the campaign's driver asks" if new is None else f"{new} new"
        click.echo(f"ideas of a model: {told}", err=True)
    library = host.library(campaign)
    if as_json:
        click.echo(json.dumps([entry.as_dict() for entry in library], ensure_ascii=False))
        return 0
    for entry in library:
        gain = f"  in search: {entry.gain}" if entry.gain else ""
        click.echo(f"{entry.fate:<15} {entry.idea.granularity:<5}  {entry.idea.title}{gain}")
        click.echo(f"{'':<15} {entry.idea.id}")
    return 0


@click.command()
@click.argument("id")
@directory
@which
def show(id: str, directory: Path, campaign: str | None) -> int:
    """Show an idea, a patch, a receipt or a campaign by its ID."""
    found = Host.find(directory).show(id, campaign)
    for line in found.lines:
        click.echo(line)
    if found.diff:
        echo_diff(found.diff)
    return 0


@click.command()
@click.argument("id", required=False)
@directory
@which
def apply(id: str | None, directory: Path, campaign: str | None) -> int:
    """Bring a patch into your working tree: all of it or nothing, and no commit.

    ID is an idea or a patch; left out, it is the improvement of the newest campaign. The first
    line says whether it is confirmed, and if not, why.
    """
    applied = Host.find(directory).apply(id, campaign)
    click.echo(applied.standing.line)
    for path in applied.files:
        click.echo(f"changed {path}")
    if applied.files:
        click.echo(f"{applied.patch} is in your working tree; nothing was committed")
    else:
        click.echo(f"{applied.patch} is in your working tree already; nothing was changed")
    for note in applied.standing.notes:
        click.echo(f"note: {note}")
    return 0


@click.command()
@click.argument("id")
@click.option("--why", required=True, help="The reason; the library keeps it.")
@directory
@which
def reject(id: str, why: str, directory: Path, campaign: str | None) -> int:
    """Refuse an idea (ID may be its patch), so that it is not tried, now or in later campaigns."""
    idea: Hypothesis = Host.find(directory).reject(id, why, campaign)
    click.echo(f"{idea.id} is rejected: {why}")
    return 0
