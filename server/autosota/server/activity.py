"""What a driver does just now, in words and with the run that goes on, for faces to show.

Kept in the ledger's file beside the mailbox and no part of the record. Numbers have no place in
it: the claim is not read yet while a run lasts.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from autosota.agents.domain import BASELINE, Purpose
from autosota.agents.scheduler import actions
from autosota.server.errors import UserError
from autosota.server.ledger.mailbox import Activity, Mailbox


@dataclass(frozen=True, slots=True)
class RunningRun:
    """A run that goes on. `began` is ISO 8601; `side` is `baseline` or the id of a patch."""

    id: str
    purpose: str
    side: str
    seed: int
    began: str
    variant: str = ""


def doing(action: actions.Action) -> str:
    """What an action is, in a few words."""
    match action:
        case actions.Prepare():
            return "preparing the environment"
        case actions.Analyse():
            return "reading the code"
        case actions.Execute():
            variant = f", {action.variant.name}" if action.variant.name else ""
            of = "" if action.purpose is Purpose.BASELINE else f": {side_words(action.side)}"
            return f"{action.purpose}{of}, seed {action.seed}{variant}"
        case actions.Propose():
            return "looking for ideas"
        case actions.Tune():
            return "choosing the next setting of the code's numbers"
        case actions.Combine():
            return f"putting {len(action.ideas)} promising ideas together"
        case actions.Implement():
            return f"implementing {action.idea}"
        case actions.Audit():
            return f"auditing {action.patch}"
        case actions.TakeApart():
            return f"taking {action.patch} apart"
        case actions.Reduce():
            return f"leaving {len(action.drop)} of its pieces out of {action.patch}"
        case actions.Plant():
            return "planting the null patch"
        case actions.CompareOutcomes():
            return "resampling the outcomes of each example"
        case _:
            return "thinking"


def side_words(side: str) -> str:
    """`baseline`, or the patch."""
    return "baseline" if side == BASELINE else side


def say(mailbox: Mailbox, campaign: str, action: actions.Action | None, run: str = "") -> None:
    """Say what a driver begins; None: nothing any more.

    What cannot be said is left unsaid: a ledger that is busy must not hold a campaign up.

    Args:
        mailbox: Of the ledger.
        campaign: Whose driver it is.
        action: What begins.
        run: The id of the run, for an action that is one.
    """
    body: dict[str, object] | None = None
    if action is not None:
        body = {"doing": doing(action)}
        if isinstance(action, actions.Execute):
            body["run"] = {
                "id": run,
                "purpose": str(action.purpose),
                "side": action.side,
                "seed": action.seed,
                "variant": action.variant.name,
            }
    with suppress(UserError):
        mailbox.set_activity(campaign, body)


def running_run(activity: Activity | None) -> RunningRun | None:
    """The run that an activity is of; None when it is none."""
    body: Mapping[str, Any] = activity.body if activity is not None else {}
    run = body.get("run")
    if activity is None or not isinstance(run, Mapping):
        return None
    seed = run.get("seed")
    if not isinstance(seed, int) or not isinstance(run.get("id"), str):
        return None
    purpose, side = str(run.get("purpose", "")), str(run.get("side", ""))
    variant = str(run.get("variant", ""))
    return RunningRun(run["id"], purpose, side, seed, activity.at, variant)
