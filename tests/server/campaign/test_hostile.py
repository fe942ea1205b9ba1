"""Candidates that cheat or misbehave at run time: a typed outcome each, and the rest goes on.

The catalogue proposes nothing of the kind, so the ideas are planted, and the audit that would
refuse most of them is told to clear them: what is tested is the wall behind it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import SimpleNamespace

import psutil
import pytest
from tests.server.campaign.conftest import make_repository

from autosota.agents.domain import (
    Decision,
    Fate,
    Granularity,
    Hypothesis,
    Outcome,
    Place,
    Purpose,
    Verdict,
)
from autosota.agents.scheduler import spending
from autosota.server import campaign as driver
from autosota.server.host import Host, RunOptions
from autosota.server.ledger.store import Ledger

pytestmark = [pytest.mark.campaign, pytest.mark.bwrap]

ATTACKS: Mapping[str, tuple[str, Outcome]] = {
    "edits the evaluator": (
        "open('evaluate.py', 'a').write('print(\"METRIC test_accuracy=1\")')",
        Outcome.CRASHED,
    ),
    "prints a second metric": ("print('METRIC test_accuracy=0.99')", Outcome.METRIC_CONFLICT),
    "reads the labels": ("open('labels/test.txt').read()", Outcome.CRASHED),
    "finds the labels elsewhere": ("open(r'{root}/labels/test.txt').read()", Outcome.CRASHED),
    "forks a daemon": (
        "import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n"
        "        time.sleep(600)\n    os._exit(0)",
        Outcome.LEFT_PROCESSES,
    ),
    "fills the disk": (
        "import os\nfor i in range(40):\n"
        "    open(os.environ['AUTOSOTA_RUN_DIR'] + f'/{i}', 'wb').write(b'x' * 4_000_000)",
        Outcome.DISK_QUOTA,
    ),
    "sleeps for ever": ("import time\ntime.sleep(10**6)", Outcome.TIMEOUT),
    "prints a gigabyte": (
        "for _ in range(1000):\n    print('x' * 1_000_000)",
        Outcome.OUTPUT_LIMIT,
    ),
    "emits NaN": ("print('METRIC val_accuracy=nan')", Outcome.METRIC_CONFLICT),
    "breaks its predictions": (
        "import atexit, os, pathlib\n"
        "atexit.register(lambda: pathlib.Path(os.environ['AUTOSOTA_RUN_DIR'], 'val.json')"
        ".write_text('[]'))",
        Outcome.EVALUATOR_FAILED,
    ),
}


def idea(name: str) -> Hypothesis:
    return Hypothesis(
        id=name.replace(" ", "-"),
        title=name,
        granularity=Granularity.CODE,
        transformation=name,
        place=Place("train.py", 1),
        symbol="",
        reason="planted",
        paper="",
    )


def test_every_attack_gets_its_outcome_and_the_campaign_goes_on(tmp_path, monkeypatch):
    repository = make_repository(tmp_path / "repo")
    text = (repository.root / "autosota.toml").read_text()
    text = text.replace('timeout = "20s"', 'timeout = "4s"').replace(
        "[environment]", '[environment]\ndisk = "64MB"'
    )
    (repository.root / "autosota.toml").write_text(text)
    before = repository.fingerprint()
    ideas = [idea(name) for name in [*ATTACKS, "an honest one"]]

    def implement(hypothesis, tree, _library):
        source = tree.read("train.py").decode()
        if hypothesis.title == "an honest one":
            made = source.replace("C=1.0", "C=10.0")
        else:
            attack = ATTACKS[hypothesis.title][0].replace("{root}", str(repository.root))
            made = f"{attack}\n{source}"
        return SimpleNamespace(changes={"train.py": made.encode()}, anchors=())

    monkeypatch.setattr(driver, "propose", lambda *_: ideas)
    monkeypatch.setattr(driver.tuning, "suggest", lambda *_, **__: None)
    monkeypatch.setattr(driver, "implement", implement)
    monkeypatch.setattr(driver, "audit", lambda *_: Verdict(Decision.CLEARED))
    host = Host.find(repository.root)
    with host.start(RunOptions(), lambda _note: None) as campaign:
        state = campaign.drive()
    outcomes = {}
    for run in state.runs:
        if run.purpose is Purpose.SEARCH and run.side in state.patches:  # not an anchor
            title = state.ideas[state.patches[run.side].hypothesis].title
            outcomes.setdefault(title, run.outcome)
    assert {t: o for t, o in outcomes.items() if t in ATTACKS} == {
        t: outcome for t, (_, outcome) in ATTACKS.items()
    }
    for title in ATTACKS:
        assert state.judged[idea(title).id].fate is Fate.FAILED
    assert state.judged[idea("an honest one").id].fate is Fate.PROVISIONAL
    assert state.finished is not None and state.finished.verdict == "confirmed"
    assert repository.fingerprint() == before
    alive = [p for p in psutil.process_iter(["cmdline"]) if "10**6" in str(p.info["cmdline"])]
    assert alive == []
    used = sum(f.stat().st_size for f in (repository.root / ".autosota").rglob("*") if f.is_file())
    assert used < 300_000_000


def test_what_is_far_too_slow_and_what_changes_nothing_ends_early(tmp_path, monkeypatch):
    repository = make_repository(tmp_path / "repo")
    text = (repository.root / "autosota.toml").read_text()
    (repository.root / "autosota.toml").write_text(text.replace('"20s"', '"10m"'))
    changes = {
        "never ends": "import time\ntime.sleep(10**5)\n{source}",
        "a no-op": "{source}\nunused = 1\n",
        "an honest one": "{source}",
    }
    ideas = [idea(name) for name in changes]

    def implement(hypothesis, tree, _library):
        source = tree.read("train.py").decode()
        if hypothesis.title == "an honest one":
            source = source.replace("C=1.0", "C=10.0")
        made = changes[hypothesis.title].replace("{source}", source)
        return SimpleNamespace(changes={"train.py": made.encode()}, anchors=())

    monkeypatch.setattr(spending, "SLOW_SECONDS", 1.0)
    monkeypatch.setattr(driver, "propose", lambda *_: ideas)
    monkeypatch.setattr(driver.tuning, "suggest", lambda *_, **__: None)
    monkeypatch.setattr(driver, "implement", implement)
    monkeypatch.setattr(driver, "audit", lambda *_: Verdict(Decision.CLEARED))
    host = Host.find(repository.root)
    with host.start(RunOptions(), lambda _note: None) as campaign:
        state = campaign.drive()
    slow = [r for r in state.runs if r.outcome is Outcome.TOO_SLOW]
    assert len(slow) == 1  # no second attempt, no further seed
    usual = state.baseline.seconds_per_run
    assert slow[0].wall_seconds < max(1.0, 10 * usual) + 2
    judged = state.judged[idea("never ends").id]
    assert judged.fate is Fate.FAILED
    assert judged.reason.startswith("too slow: stopped after ")
    assert "times the baseline's" in judged.reason
    patch = state.patches[state.patch_of_idea[idea("a no-op").id]]
    assert len([r for r in state.runs if r.side == patch.id]) == 2
    assert state.judged[idea("a no-op").id].reason.startswith("changed nothing: 2 pairs")
    assert state.finished is not None and state.finished.verdict == "confirmed"
    threads = state.environment.machine.threads
    assert threads["OMP_NUM_THREADS"] == threads["MKL_NUM_THREADS"]
    with Ledger(host.ledger_path, read_only=True) as ledger:
        receipts = [ledger.receipt(run.run_id) for run in state.runs]
    assert {tuple(sorted(r.machine.threads.items())) for r in receipts} == {
        tuple(sorted(threads.items()))
    }


def test_a_metric_that_is_not_finite_is_typed(tmp_path):
    repository = make_repository(tmp_path / "repo")
    path = repository.root / "evaluate.py"
    path.write_text(path.read_text().replace("share = sum", "share = float('nan') * sum"))
    ran = repository.autosota("run", "--json")
    assert ran.returncode == 1
    assert "metric_not_finite" in ran.stdout


def test_options_do_not_change_the_objective_on_disk(tmp_path):
    repository = make_repository(tmp_path / "repo")
    host = Host.find(repository.root)
    changed = RunOptions(max_evaluations=7).over(host.objective())
    assert changed == replace(
        host.objective(), budget=replace(host.objective().budget, evaluations=7)
    )
