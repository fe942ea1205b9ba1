"""A diff on the terminal: whole lines, coloured only where a person reads them.

Never wrapped and never cut: what is shown can be copied. Lines come from a repository that
nobody vouches for, so control characters are made visible.
"""

from __future__ import annotations

import click

from autosota.server.report.formats import clean

_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


def echo_diff(diff: str) -> None:
    """Print a unified diff to standard output."""
    for line in diff.splitlines():
        text = clean(line)
        header = text.startswith(("+++", "---", "diff ", "index "))
        colour = None if header else _COLOURS.get(text[:1])
        click.echo(click.style(text, fg=colour, bold=header or None))
