"""What a face may be shown of an event: the claim stays masked until it has been read.

Pure. Faces use this for their streams; the report has its own, stricter, way to numbers.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from autosota.agents.domain import Comparison, Purpose
from autosota.agents.scheduler import events as ev
from autosota.agents.scheduler.state import CampaignState
from autosota.server.ledger.codec import encode


def claim_is_open(run: ev.RunFinished, state: CampaignState) -> bool:
    """True when the claim of this run has been read, so that it may be shown."""
    return state.claim_is_open(run.purpose)


def is_hidden(result: Comparison | None, state: CampaignState) -> bool:
    """True when a comparison is of the claim, and the claim was not read for good yet."""
    if result is None or state.claim_is_open(Purpose.CONFIRM):
        return False
    return state.objective.tells_of_claim(result.metric)


def masked(event: ev.Event, state: CampaignState) -> ev.Event:
    """The event without a claim that was not read for good yet."""
    match event:
        case ev.RunFinished() if not claim_is_open(event, state):
            hidden = state.objective.tells_of_claim
            return replace(event, metrics={k: v for k, v in event.metrics.items() if not hidden(k)})
        case ev.OutcomesCompared() | ev.ControlJudged() if is_hidden(event.comparison, state):
            # a control's reason says the same numbers in words
            return replace(event, comparison=None, reason="")
    return event


def as_json(event: ev.Event, state: CampaignState, n: int | None = None, at: str = "") -> str:
    """One line for `--json`: the event's name, then its fields."""
    body: dict[str, Any] = {"event": event.kind}
    if n is not None:
        body |= {"n": n, "at": at}
    return json.dumps(body | json.loads(encode(masked(event, state))), ensure_ascii=False)
