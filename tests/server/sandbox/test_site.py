"""Where runs happen: what is taken, what is said, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from autosota.agents.code.tree import MemoryTree
from autosota.agents.domain import Environment, Objective
from autosota.server.containers import gpus
from autosota.server.errors import UserError
from autosota.server.sandbox import site
from autosota.server.sandbox.launch import Stop


def wanted(tmp_path: Path, notes: list[str], **environment: object) -> site.Wanted:
    objective = Objective(
        command="python train.py",
        metric="acc",
        select_on="val",
        environment=Environment(**environment),  # type: ignore[arg-type]
    )
    return site.Wanted(
        objective, tmp_path, MemoryTree({}), {}, Stop(), notes.append, lambda _line: None
    )


def test_gpus_that_are_not_there_are_refused_or_done_without_aloud(tmp_path, monkeypatch):
    import sys

    monkeypatch.setattr(gpus, "installed", tuple)
    notes: list[str] = []
    asked = wanted(tmp_path, notes, sandbox="local", python=sys.executable, gpus=1)
    with pytest.raises(UserError, match=r"gpus is 1, and this machine has none; .*gpu_fallback"):
        site.choose(asked).prepare()
    asked = wanted(
        tmp_path, notes, sandbox="local", python=sys.executable, gpus=1, gpu_fallback=True
    )
    prepared = site.choose(asked).prepare()
    assert any("runs use the processor" in note for note in prepared.notes)
    assert any("runs use the processor" in note for note in notes)


def test_auto_says_that_an_engine_somebody_named_cannot_be_used(tmp_path, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    notes: list[str] = []
    site.choose(wanted(tmp_path, notes, sandbox="auto"))
    assert "note: no containers are used" in notes[0]
    assert "there is no such socket; correct DOCKER_HOST" in notes[0]
    notes.clear()
    site.choose(wanted(tmp_path, notes, sandbox="local"))
    assert not any("no containers" in note for note in notes)


def test_a_campaign_that_began_in_containers_does_not_go_on_outside(tmp_path, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    with pytest.raises(UserError, match="this campaign runs in containers"):
        site.choose(wanted(tmp_path, [], sandbox="auto"), "docker 27.1")
