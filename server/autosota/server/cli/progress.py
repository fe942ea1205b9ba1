"""What a person sees while a campaign runs: progress on a terminal, lines in a pipe, or JSON.

Shows what the driver reports, masked; holds no state of the campaign of its own.
"""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Protocol

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)

from autosota.agents.domain import Outcome, Purpose
from autosota.agents.scheduler import actions
from autosota.agents.scheduler import events as ev
from autosota.agents.scheduler.state import CampaignState
from autosota.server.activity import doing, side_words
from autosota.server.report.fates import judged_words
from autosota.server.report.formats import one_line
from autosota.server.report.news import told
from autosota.server.view import as_json, masked


class Follower(Protocol):
    """What a campaign's driver tells a face."""

    def __enter__(self) -> Follower: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
    def event(self, event: ev.Event, state: CampaignState) -> None:
        """Something happened."""
        ...

    def starting(self, action: actions.Action) -> None:
        """Something begins."""
        ...

    def note(self, text: str) -> None:
        """Something to know that is no event."""
        ...

    def progress(self, line: str) -> None:
        """A line of something long, worth showing only while it lasts."""
        ...


class JsonLines:
    """One JSON object per line on standard output; notes go to standard error."""

    def __enter__(self) -> JsonLines:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        sys.stdout.flush()

    def event(self, event: ev.Event, state: CampaignState) -> None:
        """Print it, except the last, which the command prints with the report's path."""
        if not isinstance(event, ev.CampaignFinished):
            click.echo(as_json(event, state))

    def starting(self, action: actions.Action) -> None:
        """Say nothing: only facts are events."""

    def note(self, text: str) -> None:
        """To standard error."""
        click.echo(text, err=True)

    def progress(self, line: str) -> None:
        """Say nothing."""


class Terminal:
    """One line per fact, and a bar of what the budget has left, on a terminal only."""

    def __init__(self) -> None:
        self.console = Console(stderr=True, highlight=False)
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TaskProgressColumn(),
            TextColumn("{task.completed:.0f} of at most {task.total:.0f} runs"),
            TimeElapsedColumn(),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        self._task = self._progress.add_task("starting", total=None)
        self._began = time.monotonic()

    def __enter__(self) -> Terminal:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def note(self, text: str) -> None:
        """A line of its own."""
        self.console.print(escape(text), soft_wrap=True)

    def progress(self, line: str) -> None:
        """Show it in the place of what is going on now."""
        self._progress.update(self._task, description=escape(line[:70]))

    def starting(self, action: actions.Action) -> None:
        """Show what is going on now."""
        if isinstance(action, actions.Prepare):
            self.note("preparing the environment (built once, then cached)")
        if isinstance(action, actions.Execute) and action.variant.fresh_environment:
            self.note("building a fresh environment for the re-execution, without the cache…")
        self._progress.update(self._task, description=escape(doing(action)))

    def event(self, event: ev.Event, state: CampaignState) -> None:
        """Print the fact, and move the bar."""
        line = said(masked(event, state), state)
        if line:
            self.console.print(f"[dim]{_clock(self._began)}[/dim] {line}", soft_wrap=True)
        if state.started is not None:
            total = state.objective.budget.evaluations
            self._progress.update(self._task, total=total, completed=len(state.runs))


def said(event: ev.Event, state: CampaignState) -> str:
    """One line of rich markup for an event; '' for those that a person need not see.

    Args:
        event: masked (`view.masked`).
        state: with the event folded in.
    """
    match event:
        case ev.RunFinished():
            return _run_line(event, state)
        case ev.IdeaSelected():
            idea = state.ideas[event.idea]
            leap = " [dim]leap[/dim]" * event.leap
            return f"[bold]idea[/bold] {_plain(idea.title)} [dim]{idea.granularity}[/dim]{leap}"
        case ev.IdeaJudged():
            word, why = judged_words(event, state)
            return f"  → [bold]{word}[/bold]: {_plain(why)}"
        case _:
            head, text = told(event, state)
            arrow = "  → " * isinstance(event, ev.ConfirmationJudged)
            bold = f"{arrow}[bold]{_plain(head)}[/bold] " if head else ""
            return f"{bold}{_lines(text)}" if text else ""


def _lines(text: str) -> str:
    """Lines of ours, each with its indent and nothing that the terminal acts on."""
    lines = []
    for line in text.split("\n"):
        indent = len(line) - len(line.lstrip(" "))
        lines.append(f"{' ' * indent}{_plain(line)}")
    return "\n".join(lines)


def _plain(text: str) -> str:
    """Text of a repository as one line that neither the terminal nor rich acts on."""
    return escape(one_line(text, 2000))


def _run_line(run: ev.RunFinished, state: CampaignState) -> str:
    who = "" if run.purpose is Purpose.BASELINE else f" {_plain(side_words(run.side))}"
    who += f" ({_plain(run.variant)})" if run.variant else ""
    again = ", second attempt" if run.attempt else ""
    head = f"  {run.purpose}{who} seed {run.seed}{again}: "
    time = f" [dim]{run.wall_seconds:.1f} s[/dim]"
    if run.outcome is Outcome.PRUNED:
        return f"{head}ended early: {_plain(run.reason)}{time}"
    if run.outcome is not Outcome.OK:
        return f"{head}{run.outcome.replace('_', ' ')}: {_plain(run.reason)}{time}"
    value = run.metrics.get(state.objective.select_on)
    quiet = run.purpose not in (Purpose.BASELINE, Purpose.SEARCH)
    return f"{head}{'ok' if value is None or quiet else f'{value:.4g}'}{time}"


def _clock(began: float) -> str:
    seconds = int(time.monotonic() - began)
    return f"{seconds // 60:02d}:{seconds % 60:02d}"
