"""What a face may be shown of an event: the claim stays masked until it has been read.

Pure. Faces use this for their streams; the report has its own, stricter, way to numbers.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from autosota.agents.scheduler import events as ev
from autosota.agents.scheduler.state import CampaignState
from autosota.server.ledger.codec import encode


def claim_is_open(run: ev.RunFinished, state: CampaignState) -> bool:
    """True when the claim of this run has been read, so that it may be shown."""
    return state.claim_is_open(run.purpose)


def masked(event: ev.Event, state: CampaignState) -> ev.Event:
    """The event without a claim that was not read yet."""
    if not isinstance(event, ev.RunFinished) or claim_is_open(event, state):
        return event
    hidden = state.objective.tells_of_claim
    return replace(event, metrics={k: v for k, v in event.metrics.items() if not hidden(k)})


def as_json(event: ev.Event, state: CampaignState, n: int | None = None, at: str = "") -> str:
    """One line for `--json`: the event's name, then its fields."""
    body: dict[str, Any] = {"event": event.kind}
    if n is not None:
        body |= {"n": n, "at": at}
    return json.dumps(body | json.loads(encode(masked(event, state))), ensure_ascii=False)
