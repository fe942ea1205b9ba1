"""Which model a workspace has, and why it has none: key, address, mode and budget decide.

A key is only used from the environment of this process. It goes to the Anthropic API or to the
address that the user's environment names, never to an address that a repository's file names.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from autosota.agents.asking import Ending
from autosota.agents.domain import Budget
from autosota.server.config.model import ModelSettings, is_local
from autosota.server.model.book import FILE, Book, Limits
from autosota.server.model.client import Client
from autosota.server.model.redact import SECRET_VARIABLES, Redactor
from autosota.server.model.silent import Silent
from autosota.server.model.wire import Address

LOCAL_KEY = "local"
"""What a server on this machine gets for a key when there is none of its own."""


@dataclass(frozen=True, slots=True)
class Way:
    """Where requests would go, or why none would.

    Attributes:
        address: None when no model is asked.
        local: The server is on this machine.
        ending: What asks end with then; `why` says it for people.
        why: The reason and the way out.
    """

    address: Address | None
    local: bool = False
    ending: Ending = Ending.ANSWERED
    why: str = ""


def way_to_model(
    settings: ModelSettings,
    budget: Budget,
    *,
    offline: bool,
    environ: Mapping[str, str],
) -> Way:
    """Where requests of a campaign would go. Sends nothing."""
    if offline:
        return Way(None, ending=Ending.OFFLINE, why="offline: no model is asked")
    if not settings.use:
        return Way(None, ending=Ending.OFFLINE, why="model.use is false: no model is asked")
    key = next((environ[n].strip() for n in SECRET_VARIABLES if environ.get(n, "").strip()), "")
    if settings.base_url:
        return Way(Address(settings.base_url, LOCAL_KEY, old=True), local=True)
    url = environ.get("ANTHROPIC_BASE_URL", "").strip().rstrip("/")
    local = bool(url) and is_local(url)
    if not key and not local:
        why = "no key: set ANTHROPIC_API_KEY, or model.base_url for a server on this machine"
        return Way(None, ending=Ending.NO_KEY, why=why)
    if not key.isprintable() or any(character.isspace() for character in key):
        why = "the key in ANTHROPIC_API_KEY holds a space or a control character; copy it again"
        return Way(None, ending=Ending.NO_KEY, why=why)
    unbounded = budget.dollars is None and budget.tokens is None
    if (key or not local) and (unbounded or budget.dollars == 0):
        why = (
            "there is a key, but no budget to spend: set budget.dollars (or budget.tokens), or "
            "--max-dollars"
        )
        return Way(None, ending=Ending.NO_BUDGET, why=why)
    return Way(Address(url, key or LOCAL_KEY, old=bool(url)), local=local)


def limits_of(settings: ModelSettings, budget: Budget) -> Limits:
    """What may be spent, from `[budget]` and `[model]`."""
    return Limits(
        micros=None if budget.dollars is None else math.floor(budget.dollars * 1e6),
        tokens=budget.tokens,
        seconds=settings.wall_seconds,
        micros_per_day=None
        if settings.dollars_per_day is None
        else math.floor(settings.dollars_per_day * 1e6),
        tokens_per_day=settings.tokens_per_day,
    )


def redactor_of(environ: Mapping[str, str], key: str = "") -> Redactor:
    """What takes this user's secrets and home folder out of text."""
    homes = [h for h in (environ.get("HOME", ""), str(Path.home())) if h]
    secrets = [key] if key and key != LOCAL_KEY else []
    return Redactor(environ, secrets, homes)


@contextmanager
def open_model(
    state_dir: Path,
    campaign: str,
    settings: ModelSettings,
    budget: Budget,
    *,
    offline: bool,
    environ: Mapping[str, str] | None = None,
) -> Iterator[Client | Silent]:
    """The model of a campaign, or one that says why there is none."""
    environ = os.environ if environ is None else environ
    way = way_to_model(settings, budget, offline=offline, environ=environ)
    if way.address is None:
        yield Silent(way.ending, way.why)
        return
    with Book(state_dir / FILE) as book:
        yield Client(
            book,
            campaign,
            settings,
            way.address,
            limits_of(settings, budget),
            redactor_of(environ, way.address.key),
            local=way.local,
        )
