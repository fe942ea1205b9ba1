"""Ledgers of simulated campaigns, written as a driver writes them, with a folder for each run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.server.report.conftest import Lab, Told, idea, objective

from autosota.agents.domain import Budget, Granularity, Purpose, Receipt
from autosota.agents.scheduler.events import ConfirmationPlanned, RunFinished
from autosota.server.ledger.store import Ledger

__all__ = ["large", "objective", "told", "until_confirmation", "write"]

_DEPTHS = (Granularity.PARAM, Granularity.CODE, Granularity.ALGO)


def told(ideas: int = 5, better: int = 1, **goal: object) -> Told:
    """A campaign in which the first `better` ideas help, to its end."""
    library = [idea(f"idea-{n}", _DEPTHS[n % 3]) for n in range(ideas)]
    effect = {f"idea-{n}": 0.02 if n < better else -0.004 for n in range(ideas)}
    goal.setdefault("budget", Budget(evaluations=200))
    return Lab(library, effect=effect, objective=objective(**goal)).play()


def large() -> Told:
    """Forty ideas and 300 runs."""
    library = [idea(f"idea-{n}", _DEPTHS[n % 3]) for n in range(40)]
    effect = {f"idea-{n}": 0.0012 * (n % 3 - 1) for n in range(40)}
    goal = objective(budget=Budget(evaluations=300), seeds=tuple(range(8)))
    return Lab(library, effect=effect, sd=0.004, objective=goal).play()


def until_confirmation(campaign: Told) -> Told:
    """It in the middle of its confirmation: the claim is in receipts, and nobody has read it."""
    planned = next(
        n for n, e in enumerate(campaign.events, 1) if isinstance(e, ConfirmationPlanned)
    )
    runs = [
        n
        for n, e in enumerate(campaign.events, 1)
        if n > planned and isinstance(e, RunFinished) and e.purpose is Purpose.CONFIRM
    ]
    return campaign.cut(runs[3])


def write(
    campaign: Told, root: Path, log: Callable[[Receipt], str] = lambda _: "", *, begun: int = 0
) -> None:
    """Write the ledger of a workspace; `log` gives what each run printed.

    `begun`: so many events are there already.
    """
    with Ledger(root / ".autosota" / "ledger.sqlite") as ledger:
        name = "c1" if begun else ledger.create_campaign()
        for event in campaign.events[begun:]:
            receipt = None
            if isinstance(event, RunFinished):
                receipt = campaign.receipts[event.run_id]
                folder = root / ".autosota" / "runs" / event.run_id
                folder.mkdir(parents=True, exist_ok=True)
                (folder / "stdout.log").write_text(log(receipt))
                (folder / "stderr.log").write_text("")
            ledger.append(name, event, receipt)
