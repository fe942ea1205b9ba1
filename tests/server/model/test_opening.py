"""Which model there is, and when none is asked: proven at the socket."""

from __future__ import annotations

import socket
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tests.server.model.conftest import KEY

from autosota.agents.asking import Ask, Ending
from autosota.agents.domain import Budget
from autosota.server.config import ObjectiveError, objective_of
from autosota.server.config.model import ModelSettings, model_settings
from autosota.server.model.opening import open_model, way_to_model
from autosota.server.model.redact import without_keys

PAID = Budget(dollars=5.0)


@pytest.fixture
def no_socket(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every socket that is made is noted, and refused."""
    made: list[Any] = []

    def refuse(*arguments: Any, **named: Any) -> Any:
        made.append(arguments)
        raise AssertionError("a socket was made")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    return made


@pytest.mark.parametrize(
    ("settings", "budget", "offline", "environ", "ending"),
    [
        (ModelSettings(), PAID, True, {"ANTHROPIC_API_KEY": KEY}, Ending.OFFLINE),
        (ModelSettings(use=False), PAID, False, {"ANTHROPIC_API_KEY": KEY}, Ending.OFFLINE),
        (ModelSettings(), PAID, False, {}, Ending.NO_KEY),
        (ModelSettings(), PAID, False, {"ANTHROPIC_API_KEY": "  "}, Ending.NO_KEY),
        (ModelSettings(), PAID, False, {"ANTHROPIC_API_KEY": "sk two\nlines"}, Ending.NO_KEY),
        (ModelSettings(), Budget(), False, {"ANTHROPIC_API_KEY": KEY}, Ending.NO_BUDGET),
        (ModelSettings(), Budget(dollars=0), False, {"ANTHROPIC_API_KEY": KEY}, Ending.NO_BUDGET),
    ],
)
def test_no_model_no_socket(
    settings: ModelSettings,
    budget: Budget,
    offline: bool,
    environ: dict[str, str],
    ending: Ending,
    tmp_path: Path,
    no_socket: list[Any],
) -> None:
    with open_model(tmp_path, "c1", settings, budget, offline=offline, environ=environ) as model:
        reply = model.ask(Ask("ideator", "", "q"))
        model.cancel()
    assert reply.ending is ending and reply.why and KEY not in reply.why
    assert no_socket == [] and list(tmp_path.iterdir()) == []


def test_the_users_own_address_gets_the_key_and_a_local_one_of_the_file_does_not(
    fake: ModuleType, tmp_path: Path
) -> None:
    with fake.MessagesApi([fake.Answer("ok")]) as api:
        environ = {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": api.url + "/"}
        with open_model(
            tmp_path, "c1", ModelSettings(), PAID, offline=False, environ=environ
        ) as model:
            assert model.ask(Ask("ideator", "", "q")).answered
        assert api.headers[0]["authorization"] == f"Bearer {KEY}"
        own = ModelSettings(base_url=api.url, name="qwen")
        with open_model(
            tmp_path, "c2", own, Budget(), offline=False, environ={"ANTHROPIC_API_KEY": KEY}
        ) as model:
            assert model.ask(Ask("ideator", "", "q")).answered
        assert KEY not in str(api.headers[1])


def test_no_proxy_sees_what_stays_on_this_machine(
    fake: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with fake.MessagesApi([fake.Answer("ok")]) as api:
        own = ModelSettings(base_url=api.url, name="qwen")
        with open_model(tmp_path, "c1", own, Budget(), offline=False, environ={}) as model:
            assert model.ask(Ask("ideator", "", "q")).answered


def test_a_gateway_on_this_machine_with_a_key_needs_a_budget() -> None:
    environ = {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": "http://127.0.0.1:4000"}
    way = way_to_model(ModelSettings(), Budget(), offline=False, environ=environ)
    assert way.ending is Ending.NO_BUDGET
    assert KEY not in repr(way_to_model(ModelSettings(), PAID, offline=False, environ=environ))


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"base_url": "https://evil.example"}, "not on this machine"),
        ({"base_url": "http://127.0.0.1.evil.example"}, "not on this machine"),
        ({"base_url": "http://user:pw@127.0.0.1"}, "more than an address"),
        ({"base_url": "file:///etc/passwd"}, "no address"),
        ({"base_url": "http://127.0.0.1:8080/v1"}, "/v1"),
        ({"nmae": "x"}, "did you mean 'name'"),
        ({"roles": {"judge": "x"}}, "unknown key"),
        ({"dollars_per_day": 0}, "must be more than 0"),
        ({"call_wall": "soon"}, "not a duration"),
        ({"prices": {"mine": {"input": 1}}}, "missing"),
        ({"prices": {"mine": {"input": -1, "output": 1}}}, "negative"),
    ],
)
def test_a_table_that_cannot_be_used_says_why(table: dict[str, Any], said: str) -> None:
    with pytest.raises(ObjectiveError, match=said.replace("/", "/")) as caught:
        model_settings({"model": table}, "autosota.toml")
    assert str(caught.value).startswith("autosota.toml: model")
    whole = {"objective": {"command": "python t.py", "metric": "m"}, "model": table}
    with pytest.raises(ObjectiveError):
        objective_of(whole, "autosota.toml")


def test_the_table_is_read() -> None:
    table = {
        "name": "claude-sonnet-5-5",
        "roles": {"reviewer": "claude-opus-5-5"},
        "base_url": "http://[::1]:8080/",
        "call_wall": "2m",
        "prices": {"mine": {"input": 1, "output": 2, "as_of": "2026-11-01"}},
    }
    settings = model_settings({"model": table, "objective": {}}, "autosota.toml")
    assert settings.model_of("ideator") == "claude-sonnet-5-5"
    assert settings.model_of("reviewer") == "claude-opus-5-5"
    assert settings.base_url == "http://[::1]:8080" and settings.call_seconds == 120.0
    assert settings.prices["mine"].cache_write == 1.25


def test_what_builds_and_runs_has_no_key() -> None:
    environ = {"PATH": "/bin", "ANTHROPIC_API_KEY": KEY, "ANTHROPIC_AUTH_TOKEN": KEY}
    assert without_keys(environ) == {"PATH": "/bin"}


def test_the_environment_of_a_build_has_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    from autosota.server.laboratory import SandboxLaboratory

    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    laboratory = object.__new__(SandboxLaboratory)  # only its variables are looked at
    laboratory._offline = False
    assert KEY not in str(laboratory._environ()) and "PATH" in laboratory._environ()
