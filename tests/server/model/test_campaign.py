"""A model in a campaign, as a user runs it: its ideas beside the catalogue's, within the budget.

The server is the fake one on a socket; everything else is real.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tests.server.campaign.conftest import AUTOSOTA, TRAIN, Repository, make_repository
from tests.server.model.conftest import KEY

from autosota.agents.ideator.with_model.edits import mark_of
from autosota.server.model.book import Book

pytestmark = [pytest.mark.campaign, pytest.mark.bwrap]

FIND = "model = LogisticRegression("
BETTER = "model = LogisticRegression(max_iter=200, "


def answer(*edits: dict[str, Any]) -> str:
    base = {
        "granularity": "CODE",
        "reason": "a larger C finds the threshold",
        "evidence": "Cox 1958",
        "expected": "better",
        "risk": "LOW",
        "priority": "HIGH",
        "assumptions": [],
        "family": "regularisation",
        "cost": 1.0,
        "imports": [],
    }
    return json.dumps(
        {"ideas": [{**base, "title": f"Idea {n}", "edits": [e]} for n, e in enumerate(edits)]}
    )


def edit(**changed: str) -> dict[str, Any]:
    text = TRAIN[TRAIN.index("def main") : TRAIN.rindex("main()")].rstrip()
    usual = {
        "path": "train.py",
        "symbol": "main",
        "base": mark_of(text.encode()),
        "find": FIND,
        "code": BETTER,
    }
    return {**usual, **changed}


def budgeted(repository: Repository, dollars: float = 2.0) -> Repository:
    objective = repository.root / "autosota.toml"
    objective.write_text(objective.read_text() + f"dollars = {dollars}\n")
    git = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org"]
    subprocess.run([*git, "commit", "-qam", "budget"], cwd=repository.root, check=True)
    return repository


def run(
    repository: Repository, url: str, *arguments: str, key: str = KEY
) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "ANTHROPIC_API_KEY": key, "ANTHROPIC_BASE_URL": url}
    return subprocess.run(
        [AUTOSOTA, *arguments],
        cwd=repository.root,
        env=environ,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def library(repository: Repository) -> list[dict[str, Any]]:
    return json.loads(repository.autosota("ideas", "--json").stdout)


def everything(folder: Path) -> bytes:
    return b"".join(p.read_bytes() for p in folder.rglob("*") if p.is_file())


def test_a_models_idea_is_an_idea_like_any_other(tmp_path: Path, fake: ModuleType) -> None:
    repository = budgeted(make_repository(tmp_path / "repo"))
    hostile = [
        edit(path="evaluate.py", symbol="", find="share", code="1.0"),
        edit(path="../../outside.py"),
    ]
    with fake.MessagesApi([fake.Answer(answer(edit(), *hostile))]) as api:
        ended = run(repository, api.url, "run", "--json", "--ideas", "5")
        assert ended.returncode in (0, 1), ended.stderr
        seen = json.dumps(api.requests)
    ideas = {i["title"]: i for i in library(repository)}
    assert ideas["Idea 0"]["fate"] in ("provisional", "confirmed", "noise", "same"), ideas["Idea 0"]
    assert ideas["Idea 0"]["patch"]
    for title in ("Idea 1", "Idea 2"):
        assert ideas[title]["fate"] == "inadmissible" and ideas[title]["why"]
        assert not ideas[title]["patch"]
    assert len(ideas) > 5, "the catalogue's ideas are there, too"
    assert "METRIC" not in seen and "labels/test" not in seen
    status = json.loads(repository.autosota("status", "--json").stdout)
    assert 0 < status["model_dollars"] <= 2.0 and status["model_tokens"] > 0
    assert "passed the gates" in ended.stderr
    for text in (ended.stdout, ended.stderr):
        assert KEY not in text
    assert KEY.encode() not in everything(repository.root)
    verified = repository.autosota("verify")
    assert verified.returncode == 0


@pytest.mark.parametrize("fault", ["429-long", "401", "reset-in-stream", "html", "slow"])
def test_no_fault_of_a_model_stops_a_campaign(fault: str, tmp_path: Path, fake: ModuleType) -> None:
    repository = budgeted(make_repository(tmp_path / "repo"))
    objective = repository.root / "autosota.toml"
    objective.write_text(objective.read_text() + '\n[model]\ncall_wall = "4s"\n')
    with fake.MessagesApi([fault]) as api:
        ended = run(repository, api.url, "run", "--json", "--ideas", "1")
    last = json.loads(ended.stdout.splitlines()[-1])
    assert last["event"] == "finished" and last["verdict"] in (
        "confirmed",
        "no_gain",
        "provisional",
    )
    assert "no ideas from a model" in ended.stderr and KEY not in ended.stderr
    status = json.loads(repository.autosota("status", "--json").stdout)
    assert status["model_dollars"] <= 2.0


def test_an_idea_whose_run_crashes_may_be_mended(tmp_path: Path, fake: ModuleType) -> None:
    repository = budgeted(make_repository(tmp_path / "repo"))
    broken = edit(code="model = LogisticRegression(no_such_thing=1, ")
    script = [fake.Answer("yes"), fake.Answer(answer(broken)), fake.Answer(answer(edit()))]
    with fake.MessagesApi(script) as api:
        ended = run(repository, api.url, "run", "--json", "--ideas", "6")
    assert ended.returncode in (0, 1), ended.stderr
    asked = [json.dumps(r["messages"]) for r in api.requests]
    told = [text for text in asked if re.search(r"\[failed: crashed[^\]]*no_such_thing", text)]
    assert told, "the model is told how its idea crashed"
    assert len(asked) <= 1 + 2 * 4, "a probe, and sessions with one repair each"
    fates = {i["fate"] for i in library(repository) if i["id"].startswith("model-")}
    assert "failed" in fates


def test_offline_sends_nothing_and_stays_so(tmp_path: Path, fake: ModuleType) -> None:
    repository = budgeted(make_repository(tmp_path / "repo"))
    with fake.MessagesApi([fake.Answer(answer(edit()))]) as api:
        run(repository, api.url, "run", "--json", "--offline", "--ideas", "0")
        refreshed = run(repository, api.url, "ideas", "--refresh")
        assert refreshed.returncode == 2 and "offline" in refreshed.stderr
        assert api.requests == []


def test_without_dollars_or_tokens_no_model_is_asked(tmp_path: Path, fake: ModuleType) -> None:
    repository = make_repository(tmp_path / "repo")
    with fake.MessagesApi([fake.Answer(answer(edit()))]) as api:
        ended = run(repository, api.url, "run", "--json", "--ideas", "0")
        assert api.requests == [] and "no budget" in ended.stderr


def test_refresh_and_steer(tmp_path: Path, fake: ModuleType) -> None:
    repository = budgeted(make_repository(tmp_path / "repo"))
    repository.autosota("run", "--json", "--ideas", "0")
    with fake.MessagesApi([fake.Answer(answer(edit()))]) as api:
        steered = run(repository, api.url, "steer", "no", "more", "augmentation")
        assert steered.returncode == 0 and "kept for when it goes on" in steered.stdout
        first = run(repository, api.url, "ideas", "--refresh")
        assert first.returncode == 0, first.stderr
        assert "Idea 0" in first.stdout and "1 new" in first.stderr
        asked = api.requests[1]  # the first asks whether this server knows tools
        assert "no more augmentation" in json.dumps(asked["messages"])
        assert "no more augmentation" not in json.dumps(asked["system"])
        again = run(repository, api.url, "ideas", "--refresh")
        assert "0 new" in again.stderr, "the same idea is not added twice"
    with Book(repository.root / ".autosota" / "model.sqlite") as book:
        assert book.spent("c1").calls == 3, "the probe is remembered"
