"""When a request that failed is sent again. Pure: time comes in as numbers."""

from __future__ import annotations

from autosota.server.model.wire import Billed, CallFailed

MOST_TRIES = 4
MOST_UNKNOWN = 2
"""A request that may have been billed without an answer is sent at most this often."""

LONGEST_WAIT = 60.0
"""A server that asks for more is not waited for, in seconds."""

_FIRST_WAIT = 1.0


def wait_before_next(
    failure: CallFailed, tries: int, unknown: int, seconds_left: float, spread: float = 0.5
) -> float | None:
    """Seconds to wait before the next try; None when there is none.

    Args:
        failure: how the last try failed.
        tries: tries so far.
        unknown: of these, the ones that may have been billed.
        seconds_left: of the wall of this question.
        spread: between 0 and 1, so that many clients do not come back together.
    """
    if not failure.again or tries >= MOST_TRIES:
        return None
    if failure.billed is Billed.UNKNOWN and unknown >= MOST_UNKNOWN:
        return None
    wait = _FIRST_WAIT * 2.0 ** (tries - 1) * (0.75 + 0.5 * spread)
    if failure.retry_after is not None:
        if failure.retry_after > LONGEST_WAIT:
            return None
        wait = max(wait, failure.retry_after)
    return wait if wait < seconds_left else None
