"""What the doctor says of models: which, where to, and for how much; nothing is sent for it."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from tests.server.model.conftest import KEY

from autosota.agents.code.tree import MemoryTree
from autosota.server.config import load_objective
from autosota.server.setup.models import model_checks

OBJECTIVE = '[objective]\ncommand = "python train.py --seed {seed}"\nmetric = "acc"\n'
TREE = MemoryTree(
    {"train.py": b"import torch\n\n\ndef fit(model):\n    return model\n\n\nfit(1)\n"}
)


def rows(root: Path, more: str) -> dict[str, tuple[str, str]]:
    (root / "autosota.toml").write_text(OBJECTIVE + more)
    found = model_checks(root, load_objective(root), TREE)
    assert all(KEY not in c.detail + c.fix for c in found)
    return {c.name: (c.state, c.detail) for c in found}


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a socket was made")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.delenv("ANTHROPIC_BASE_URL", raising=False)
    monkeypatch.delenv("ANTHROPIC_AUTH_TOKEN", raising=False)
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)


def test_the_usual_case(tmp_path: Path) -> None:
    found = rows(tmp_path, "[budget]\ndollars = 5\n")
    assert found["models"] == ("ok", "claude-opus-5-5")
    assert "goes to https://api.anthropic.com" in found["model traffic"][1]
    state, detail = found["model price"]
    assert state == "ok" and "never more than budget.dollars = 5" in detail
    assert "prices of 2026-" in detail


def test_a_budget_that_is_too_small_and_a_price_that_is_not_known(tmp_path: Path) -> None:
    assert rows(tmp_path, "[budget]\ndollars = 0.01\n")["model price"][0] == "warn"
    more = '[budget]\ndollars = 5\n[model]\nname = "mine"\n'
    state, detail = rows(tmp_path, more)["model price"]
    assert state == "warn" and "not known for mine" in detail


def test_no_traffic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "no budget" in rows(tmp_path, "")["model traffic"][1]
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    assert rows(tmp_path, "[budget]\ndollars = 5\n")["model traffic"][1].startswith("none: no key")


def test_a_server_on_this_machine(tmp_path: Path) -> None:
    more = '[model]\nbase_url = "http://127.0.0.1:8080"\nname = "qwen"\n'
    found = rows(tmp_path, more)
    assert "goes to http://127.0.0.1:8080" in found["model traffic"][1]
    assert found["model price"] == ("ok", "qwen is on this machine: counted as free")
