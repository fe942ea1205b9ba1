"""One connection to the container engine for all kernels of this process.

Connecting and asking takes a few hundredths of a second, so it is done once, and again after the
engine went away. What killed processes left behind is removed in the background at the first
connection. What could not be removed because the engine was away is tried again.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator

from autosota.server.containers.engine import Endpoint, Engine, EngineUnavailable, find_endpoint
from autosota.server.containers.reaper import reap
from autosota.server.errors import UserError

log = logging.getLogger("autosota.kernels")

CONNECT_SECONDS = 30.0
"""An engine that is building images may be slow to say what it can do."""

_lock = threading.Lock()
_engines: dict[Endpoint, Engine] = {}
_left: set[str] = set()


@contextlib.contextmanager
def lent(*, remote: bool) -> Iterator[Engine]:
    """The engine of this user, connected, with a client for the calling thread only.

    Args:
        remote: Whether it may be on another machine.

    Raises:
        EngineUnavailable: it does not answer.
        UserError: it is on another machine and that was not asked for.
    """
    found = engine(remote=remote)
    with Engine(found.endpoint, found.another(), found.facts) as own:
        yield own


def engine(*, remote: bool) -> Engine:
    """The engine that all threads share, to make clients of.

    Args:
        remote: Whether it may be on another machine.

    Raises:
        EngineUnavailable: it does not answer.
        UserError: it is on another machine and that was not asked for.
    """
    endpoint = find_endpoint()
    if not endpoint.local and not remote:
        raise UserError(
            f"the container engine is not on this machine: {endpoint}; a kernel there would not "
            "see your files. Unset DOCKER_HOST, or set `remote` to true in the kernel.json"
        )
    with _lock:
        found = _engines.get(endpoint)
        if found is None:
            found = _engines[endpoint] = Engine.connect(endpoint, CONNECT_SECONDS)
            log.info("kernels run on %s", found)
            threading.Thread(
                target=_sweep, args=(found,), name="kernel-reaper", daemon=True
            ).start()
        elif _left:
            _retry(found)
    return found


def forget(lost: Engine) -> None:
    """Connect anew next time: the engine went away."""
    with _lock:
        found = _engines.pop(lost.endpoint, None)
        if found is not None:
            found.close()


def remember(container: str) -> None:
    """A container that could not be removed; it is tried again at the next start of a kernel."""
    _left.add(container)


def close() -> None:
    """Close all connections."""
    with _lock:
        while _engines:
            _engines.popitem()[1].close()


def _sweep(found: Engine) -> None:
    try:
        with contextlib.closing(found.another()) as client:
            reaped = reap(Engine(found.endpoint, client, found.facts))
    except (UserError, OSError) as error:
        log.warning("what killed processes left behind is not removed: %s", error)
        return
    if reaped.containers or reaped.folders:
        log.info("%s", reaped)
    for line in reaped.left:
        log.warning("left behind by a killed process, and not removed: %s", line)


def _retry(found: Engine) -> None:
    from docker.errors import APIError, NotFound

    for container in list(_left):
        try:
            with found.speaking():
                found.client.api.remove_container(container, force=True, v=True)
        except EngineUnavailable:
            return
        except NotFound:
            pass
        except APIError:
            continue
        _left.discard(container)
