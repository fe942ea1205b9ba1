"""`autosota report`, `export` and `verify`."""

from __future__ import annotations

from pathlib import Path

import click

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
@click.option("--out", type=click.Path(path_type=Path), help="Where to write report.html.")
@directory
@which
def report(out: Path | None, directory: Path, campaign: str | None) -> int:
    """Write the report of the newest campaign: one HTML file that opens offline."""
    click.echo(Host.find(directory).report(campaign, out))
    return 0


@click.command()
@click.argument("destination", type=click.Path(path_type=Path))
@directory
@which
def export(destination: Path, directory: Path, campaign: str | None) -> int:
    """Write the improved repository, its patch, the receipts and the report to DESTINATION."""
    for line in Host.find(directory).export(destination, campaign):
        click.echo(line)
    return 0


@click.command()
@click.argument("receipts", nargs=-1, metavar="[RECEIPT]…")
@click.option("--rerun", is_flag=True, help="Also execute the runs of these receipts again.")
@directory
def verify(receipts: tuple[str, ...], rerun: bool, directory: Path) -> int:
    """Recompute every hash and the chain; say what does not fit.

    RECEIPT is a run's id or a receipt file; left out, everything is checked. Exit code 0:
    intact; 1: not.
    """
    problems = 0
    for line, bad in Host.find(directory).verify(receipts, rerun=rerun):
        click.echo(line, err=bad)
        problems += bad
    if problems:
        click.echo(f"not intact: {problems} problem{'s' * (problems > 1)}", err=True)
        return 1
    click.echo("intact")
    return 0
