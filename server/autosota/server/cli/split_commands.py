"""`autosota split`: validation rows, and seeds that count, as changes to accept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from autosota.server.setup.changes import Offers


@click.command()
@click.argument(
    "directory", default=".", type=click.Path(path_type=Path, file_okay=False), metavar="[DIR]"
)
@click.option("--apply", "id", metavar="ID", help="Write this change into your files.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of text.")
def split(directory: Path, id: str | None, as_json: bool) -> int:
    """Offer a validation split, or seeds that count, where a campaign would lack them.

    Without --apply nothing is written: each change is shown as a diff, with what it will mean.
    """
    from autosota.server.host import workspace_root
    from autosota.server.setup.changes import accept, read_offers

    found = read_offers(workspace_root(directory))
    if id is not None:
        offer = found.find(id)
        files = accept(found, offer)
        if as_json:
            click.echo(json.dumps({"applied": offer.change.id, "files": list(files)}))
            return 0
        for path in files:
            click.echo(f"changed {path}")
        click.echo(f"{offer.change.id} is in your working tree; nothing was committed")
        click.echo("next: autosota run measures the new baseline")
        return 0
    if as_json:
        click.echo(json.dumps(found.as_dict(), ensure_ascii=False))
        return 0 if found.offers else 1
    _show(found)
    return 0 if found.offers else 1


def _show(found: Offers) -> None:
    from autosota.server.cli.diffs import echo_diff
    from autosota.server.setup.changes import MEANING

    for offer in found.offers:
        click.echo(f"{offer.change.id}: {offer.change.title}")
        click.echo(f"  why: {offer.change.reason}")
        for note in (*offer.change.notes, *MEANING):
            click.echo(f"  note: {note}")
        echo_diff(offer.diff)
        click.echo(f"  accept: autosota split --apply {offer.change.id}\n")
    if not found.offers:
        click.echo("nothing is offered; for each kind of change, why:")
    for missing in found.unavailable:
        click.echo(f"not offered: {missing.kind}: {missing.reason}")
