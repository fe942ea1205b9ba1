"""`autosota run`, `resume`, `status`, `stop` and `steer`."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import click

from autosota.agents.domain import CampaignVerdict
from autosota.agents.scheduler.state import CampaignState
from autosota.server.campaign import Campaign
from autosota.server.cli.progress import Follower, JsonLines, Terminal
from autosota.server.config import parse_duration
from autosota.server.errors import UserError
from autosota.server.host import Host, RunOptions

directory = click.argument(
    "directory", default=".", type=click.Path(path_type=Path, file_okay=False), metavar="[DIR]"
)
as_json = click.option("--json", "json_lines", is_flag=True, help="One JSON object per line.")
which = click.option(
    "--campaign", metavar="ID", help="Another campaign than the newest, such as c1."
)


@click.command()
@directory
@click.option("--max-evaluations", type=int, help="At most this many runs of the experiment.")
@click.option("--max-wall", help="At most this much time in runs, such as 90s, 30m or 2h.")
@click.option("--max-dollars", type=float, help="At most this much for a model.")
@click.option("--ideas", type=int, help="At most so many ideas; 0 measures the baseline only.")
@click.option("--offline", is_flag=True, help="Use no network, also not for a model or packages.")
@click.option("--sandbox", help="auto, local or docker.")
@click.option("--new", is_flag=True, help="Start another one although the last is unfinished.")
@as_json
def run(
    directory: Path,
    max_evaluations: int | None,
    max_wall: str | None,
    max_dollars: float | None,
    ideas: int | None,
    offline: bool,
    sandbox: str | None,
    new: bool,
    json_lines: bool,
) -> int:
    """Run a campaign: baseline, ideas, and a verdict that survives.

    Starting it is consent to spend its budget. Your files, branch and index stay as they are:
    an improvement is a patch that `autosota apply` brings in. Where the last campaign was
    stopped or killed and could go on, this says so and starts nothing, unless --new (or --json,
    which never asks) is given.

    Exit code 0: confirmed; 1: not, also when it was stopped (Ctrl-C stops it, and nothing that
    finished is lost); 2: the objective or the command line cannot be used.
    """
    options = RunOptions(
        max_evaluations=max_evaluations,
        max_wall_seconds=None if max_wall is None else _wall(max_wall),
        max_dollars=max_dollars,
        max_ideas=ideas,
        offline=offline,
        sandbox=sandbox,
        new=new or json_lines,
    )
    host = Host.find(directory)
    follower = _follower(json_lines)
    with follower, host.start(options, follower.note, follower.progress) as campaign:
        state = _drive(campaign, follower)
    return _end(host, campaign.id, state, json_lines)


@click.command()
@directory
@which
@click.option("--offline", is_flag=True, help="Use no network, also not for a model or packages.")
@as_json
def resume(directory: Path, campaign: str | None, offline: bool, json_lines: bool) -> int:
    """Go on with the campaign that was stopped or killed last."""
    host = Host.find(directory)
    follower = _follower(json_lines)
    resuming = host.resume(follower.note, follower.progress, campaign, offline=offline)
    with follower, resuming as resumed:
        state = _drive(resumed, follower)
    return _end(host, resumed.id, state, json_lines)


@click.command()
@directory
@which
@as_json
def status(directory: Path, campaign: str | None, json_lines: bool) -> int:
    """Show what the newest campaign is doing, or how it ended."""
    host = Host.find(directory)
    report = host.status(campaign)
    if json_lines:
        click.echo(json.dumps(report.as_dict(), ensure_ascii=False))
    else:
        for line in report.lines:
            click.echo(line)
    return 0


@click.command()
@directory
@click.option("--why", default="", help="The reason, for the record.")
def stop(directory: Path, why: str) -> int:
    """Stop the running campaign: what runs is killed, everything finished is kept."""
    host = Host.find(directory)
    campaign, ended = host.stop(why)
    if not ended:
        raise UserError(
            f"campaign {campaign} did not stop within 10 s; its driver may hang: "
            "autosota status shows its pid"
        )
    click.echo(f"campaign {campaign} stopped; `autosota resume` goes on")
    return 0


@click.command()
@click.argument("text", nargs=-1, required=True)
@click.option(
    "--dir",
    "directory",
    default=".",
    type=click.Path(path_type=Path, file_okay=False),
    help="The workspace; the current folder if left out.",
)
@which
def steer(text: tuple[str, ...], directory: Path, campaign: str | None) -> int:
    """Say in words what ideas a model should look for, such as 'no more augmentation'.

    A running campaign looks for ideas again; another one keeps it for when it goes on. Words
    move no limit: every idea passes the same gates. Without a model they change nothing.
    """
    host = Host.find(directory)
    name, heard = host.steer(" ".join(text), campaign)
    later = "its driver asks for ideas again" if heard else "kept for when it goes on"
    click.echo(f"campaign {name}: {later}")
    way = host.model_way(host.objective())
    if way.address is None:
        click.echo(f"note: {way.why}")
    return 0


def _wall(text: str) -> float:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise UserError(f"--max-wall {text}: {error}") from None


def _follower(json_lines: bool) -> Follower:
    return JsonLines() if json_lines else Terminal()


def _drive(campaign: Campaign, follower: Follower) -> CampaignState:
    for event in campaign.history():
        follower.event(event, campaign.state)
    campaign.listen = follower.event
    campaign.starting = follower.starting
    with _signals_stop(campaign):
        return campaign.drive()


@contextmanager
def _signals_stop(campaign: Campaign) -> Iterator[None]:
    """Ctrl-C and SIGTERM stop the campaign cleanly; a second Ctrl-C is the hard way out."""

    def handler(number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        campaign.stop(signal.Signals(number).name)

    before = {s: signal.signal(s, handler) for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


def _end(host: Host, campaign: str, state: CampaignState, json_lines: bool) -> int:
    report = host.report(campaign)
    finished = state.finished
    if json_lines:
        click.echo(json.dumps(host.last_line(state, report), ensure_ascii=False))
    else:
        from autosota.server.report.text import summary_lines

        click.echo("")
        for line in summary_lines(state):
            click.echo(line)
        click.echo(f"Report: {report}")
    confirmed = finished is not None and finished.verdict is CampaignVerdict.CONFIRMED
    return 0 if confirmed else 1
