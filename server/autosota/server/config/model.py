"""The `[model]` table: which model plays which role, where it is asked, and its limits.

A repository's file cannot send a key anywhere: an address in it must be on this machine, and an
address elsewhere comes from the user's own environment (`ANTHROPIC_BASE_URL`).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from autosota.server.config.section import Section
from autosota.server.config.values import shown

MODEL = (
    "use",
    "name",
    "roles",
    "base_url",
    "sessions",
    "output",
    "call_wall",
    "wall",
    "dollars_per_day",
    "tokens_per_day",
    "prices",
)
ROLES = ("ideator", "reviewer")
PRICE = ("input", "output", "cache_write", "cache_read", "as_of")
DEFAULT_MODEL = "claude-opus-5-5"


@dataclass(frozen=True, slots=True)
class OwnPrice:
    """A price that the user wrote down, in dollars per million tokens."""

    input: float
    output: float
    cache_write: float
    cache_read: float
    as_of: str = ""


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """How models are used.

    Attributes:
        use: False switches them off.
        name: The model of every role that has none of its own.
        roles: Models by role.
        base_url: A server on this machine that speaks the Messages API; empty: the usual one.
        sessions: How often a campaign may ask for ideas.
        most_output: The most tokens of one answer.
        call_seconds: The longest that one question may take, retries included.
        wall_seconds: The longest that all questions of a campaign may take together.
        dollars_per_day: The most for all campaigns of the workspace in a day (UTC); None: none.
        tokens_per_day: So in tokens.
        prices: Prices of models that are not in the table, or differ from it.
    """

    use: bool = True
    name: str = DEFAULT_MODEL
    roles: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    base_url: str = ""
    sessions: int = 4
    most_output: int = 16_000
    call_seconds: float = 300.0
    wall_seconds: float = 1800.0
    dollars_per_day: float | None = None
    tokens_per_day: int | None = None
    prices: Mapping[str, OwnPrice] = field(default_factory=lambda: MappingProxyType({}))

    def model_of(self, role: str) -> str:
        """The model that plays a role."""
        return self.roles.get(role, self.name)


def is_local(url: str) -> bool:
    """True for an address on this machine."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def read_model(top: Section) -> ModelSettings:
    """The `[model]` table; problems are noted on it."""
    section = top.section("model", MODEL)
    base_url = section.text("base_url").rstrip("/")
    if base_url:
        _check_url(section, base_url)
    per_day = section.number("dollars_per_day")
    if per_day is not None and per_day <= 0:
        section.add(
            "dollars_per_day",
            f"{shown(section.table['dollars_per_day'])} must be more than 0; use = false asks "
            "no model at all",
        )
    tokens = section.integer("tokens_per_day", 1, least=1) if section.has("tokens_per_day") else 0
    roles = section.section("roles", ROLES)
    usual = ModelSettings()
    return ModelSettings(
        use=section.flag("use", True),
        name=section.text("name", usual.name) or usual.name,
        roles={role: name for role in ROLES if (name := roles.text(role))},
        base_url=base_url,
        sessions=section.integer("sessions", usual.sessions, least=1),
        most_output=section.integer("output", usual.most_output, least=1024),
        call_seconds=section.seconds("call_wall", usual.call_seconds),
        wall_seconds=section.seconds("wall", usual.wall_seconds),
        dollars_per_day=per_day,
        tokens_per_day=tokens or None,
        prices={n: _price(s) for n, s in section.sections("prices", PRICE).items()},
    )


def model_settings(table: Mapping[str, Any], label: str, prefix: str = "") -> ModelSettings:
    """The settings of a parsed objective's file; every other key is left alone.

    Raises:
        ObjectiveError: the table cannot be used.
    """
    from autosota.server.config.section import ObjectiveError, Problems

    problems = Problems(label, prefix)
    only = {"model": table["model"]} if "model" in table else {}
    settings = read_model(Section("", only, ("model",), problems))
    if problems.all():
        raise ObjectiveError(problems.all())
    return settings


def _check_url(section: Section, url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        section.add("base_url", f"{shown(url)} is no address like http://127.0.0.1:8080")
    elif parts.username or parts.password or parts.query or parts.fragment:
        section.add("base_url", "holds more than an address; leave out user, '?' and '#'")
    elif not is_local(url):
        section.add(
            "base_url",
            f"{shown(url)} is not on this machine; a file of a repository may not say where your "
            "key goes: set ANTHROPIC_BASE_URL in your environment instead",
        )
    elif parts.path.rstrip("/").endswith("/v1"):
        section.add("base_url", f"{shown(url)} ends with /v1, which is added; leave it out")


def _price(section: Section) -> OwnPrice:
    values: dict[str, float] = {}
    for key in ("input", "output", "cache_write", "cache_read"):
        needed = "dollars per million tokens" if key in ("input", "output") else ""
        value = section.number(key, required=needed)
        if value is not None and value < 0:
            section.add(key, f"{shown(section.table[key])} is negative")
        if value is not None:
            values[key] = value
    fresh = values.get("input", 0.0)
    return OwnPrice(
        fresh,
        values.get("output", 0.0),
        values.get("cache_write", 1.25 * fresh),
        values.get("cache_read", fresh),
        section.text("as_of"),
    )
