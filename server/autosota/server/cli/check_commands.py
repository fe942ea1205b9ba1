"""`autosota check` and `autosota rule`: findings in files, and the page of a rule."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING

import click

from autosota.server.errors import UserError

if TYPE_CHECKING:
    from autosota.server.check.running import Outcome

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
    from autosota.server.check.running import check_paths, check_text
    from autosota.server.check.settings import Options

    options = Options(tuple(select), tuple(ignore), fail_on or "")
    if statistics and form != "text":
        raise UserError(f"--statistics: counts are text; leave out --format {form}")
    if "-" in paths:
        if len(paths) > 1:
            raise UserError("-: text on stdin is checked alone, without other paths")
        content = sys.stdin.buffer.read()
        outcome = check_text(stdin_filename or "stdin.py", content, options)
    elif stdin_filename:
        raise UserError("--stdin-filename: goes with the path -, which reads stdin")
    else:
        outcome = check_paths(paths or (".",), options, cached=not no_cache, processes=processes)
    for note in outcome.notes:
        click.echo(f"autosota: {note}", err=True)
    for line in _report(outcome, form, statistics, show_suppressed):
        click.echo(line)
    return 2 if outcome.unread else int(outcome.fails)


def _report(outcome: Outcome, form: str, statistics: bool, suppressed: bool) -> Iterable[str]:
    if form == "json":
        from autosota.server.check.formats import as_json

        return [as_json(outcome.findings)]
    if form == "sarif":
        from autosota.server.check.sarif import as_sarif

        return [as_sarif(outcome)]
    if form == "github":
        from autosota.server.check.formats import as_github

        return as_github(outcome.findings, outcome.texts)
    from autosota.server.check import text

    if statistics:
        return [*text.statistics(outcome), text.summary(outcome)]
    return text.as_text(outcome, _colour(), suppressed)


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
