"""`autosota check` and `autosota rule`: findings in files, and the page of a rule."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

import click

from autosota.server.errors import UserError

_LEVELS = ("block", "error", "warning", "info")


@click.command()
@click.argument("paths", nargs=-1, metavar="[PATH]…")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "sarif", "github"]),
    default="text",
    help="How findings are written.",
)
@click.option("--select", multiple=True, metavar="CODES", help="Only rules that start so.")
@click.option("--ignore", multiple=True, metavar="CODES", help="Without rules that start so.")
@click.option("--fail-on", type=click.Choice(_LEVELS), help="The mildest severity that exits 1.")
@click.option("--statistics", is_flag=True, help="Count findings by rule.")
@click.option("--show-suppressed", is_flag=True, help="Also what comments suppress.")
@click.option("--no-cache", is_flag=True, help="Check every file anew, keep nothing.")
@click.option("--processes", type=click.IntRange(0), default=0, help="Default: one per core.")
@click.option(
    "--stdin-filename", metavar="NAME", help="With PATH -: what the text on stdin is called."
)
def check(
    paths: Sequence[str],
    form: str,
    select: Sequence[str],
    ignore: Sequence[str],
    fail_on: str | None,
    statistics: bool,
    show_suppressed: bool,
    no_cache: bool,
    processes: int,
    stdin_filename: str | None,
) -> int:
    """Find what makes a score invalid in scripts and notebooks.

    PATH is a file or a folder; without one, the folder one stands in. Exit code 0: nothing at
    `warning` or above; 1: findings; 2: a file could not be read, or misuse.
    """
    from autosota.server.check import formats, text
    from autosota.server.check.files import find
    from autosota.server.check.running import check_files, check_text
    from autosota.server.check.settings import load
    from autosota.server.workspace.root import find_root

    if "-" in paths:
        if len(paths) > 1:
            raise UserError("-: text on stdin is checked alone, without other paths")
        name = stdin_filename or "stdin.py"
        settings = load(find_root(Path.cwd()), select, ignore, fail_on)
        outcome = check_text(name, sys.stdin.buffer.read(), settings, find_root(Path.cwd()))
    else:
        if stdin_filename:
            raise UserError("--stdin-filename: goes with the path -, which reads stdin")
        places = [Path(p) for p in paths or (".",)]
        first = places[0] if places[0].is_dir() else places[0].parent
        settings = load(find_root(first.resolve()), select, ignore, fail_on)
        sources = find(places, settings.exclude)
        outcome = check_files(sources, settings, cached=not no_cache, processes=processes)
    for note in settings.notes:
        click.echo(f"autosota: {note}", err=True)
    if statistics:
        lines = [*text.statistics(outcome), text.summary(outcome)]
    elif form == "text":
        lines = list(text.as_text(outcome, _colour(), show_suppressed))
    elif form == "json":
        lines = [formats.as_json(outcome.findings)]
    elif form == "sarif":
        lines = [formats.as_sarif(outcome.findings, outcome.suppressed)]
    else:
        lines = [formats.as_github(outcome.findings)] if outcome.findings else []
    for line in lines:
        click.echo(line)
    if outcome.unread:
        return 2
    worst = _LEVELS.index(settings.fail_on.value)
    return int(any(_LEVELS.index(f.severity.value) <= worst for f in outcome.findings))


def _colour() -> bool:
    return (
        sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    )


@click.command()
@click.argument("code", required=False)
def rule(code: str | None) -> int:
    """Explain a rule: what it finds, why, and what to do; without CODE, list all rules."""
    from autosota.agents.rules import RULES
    from autosota.agents.rules.pages import page

    if code is None:
        for known in RULES.values():
            click.echo(f"{known.code:<7} {known.severity.value:<8} {known.name}")
        return 0
    found = RULES.get(code.upper())
    if found is None:
        near = get_close_matches(code.upper(), list(RULES), n=1)
        hint = f"; did you mean {near[0]}?" if near else "; `autosota rule` lists them"
        raise UserError(f"no rule {code}{hint}")
    click.echo(page(found))
    return 0
