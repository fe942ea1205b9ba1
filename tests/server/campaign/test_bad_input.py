"""Bad input: one clear line that names the file, the value and the way out, and exit code 2."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from tests.server.campaign.conftest import Repository, make_repository

pytestmark = [pytest.mark.campaign, pytest.mark.bwrap]


def one_line(ran: subprocess.CompletedProcess[str]) -> str:
    assert ran.returncode == 2, (ran.returncode, ran.stdout, ran.stderr)
    lines = [x for x in ran.stderr.splitlines() if not x.startswith(("warning:", "note:", "Try:"))]
    assert len(lines) == 1 and lines[0].startswith("autosota: "), ran.stderr
    assert "Traceback" not in ran.stderr
    return lines[0]


def edited(repository: Repository, old: str, new: str) -> Repository:
    path = repository.root / "autosota.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return repository


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("seeds = [", "sead = 1\nseeds = [", ["objective.sead", "seeds"]),
        ("evaluations = 60", "evaluations = -3", ["budget.evaluations", "-3"]),
        ('wall = "10m"', 'wall = "soon"', ["budget.wall", "soon"]),
        ("seeds = [0, 1, 2]", "seeds = []", ["objective.seeds"]),
        ("evaluations = 60", "evaluations = 2", ["budget.evaluations", "2"]),
        ('python = "', 'python = "/no/such', ["environment.python"]),
        ("[budget]", "[budget", ["autosota.toml"]),
        ("[environment]", '[environment]\nsandbox = "ray"', ["ray", "local"]),
    ],
)
def test_a_bad_objective(repository, old, new, words):
    line = one_line(edited(repository, old, new).autosota("run"))
    for word in words:
        assert word in line


def test_a_binary_objective(repository):
    (repository.root / "autosota.toml").write_bytes(bytes(range(256)))
    assert "autosota.toml" in one_line(repository.autosota("run"))


def test_an_unreadable_objective(repository):
    path = repository.root / "autosota.toml"
    path.unlink()
    path.mkdir()
    assert "autosota.toml" in one_line(repository.autosota("run"))


def test_no_repository(tmp_path):
    empty = Repository(tmp_path)
    assert "autosota init" in one_line(empty.autosota("run"))
    assert "no campaign" in one_line(empty.autosota("status"))
    assert "/no/such" in one_line(empty.autosota("run", "/no/such"))
    one_line(empty.autosota("init"))


def test_misuse(repository):
    assert "did you mean 'run'" in one_line(repository.autosota("rum"))
    assert "--max-evaluation" in one_line(repository.autosota("run", "--max-evaluation", "5"))
    assert "0" in one_line(repository.autosota("run", "--max-evaluations", "0"))
    assert "forever" in one_line(repository.autosota("run", "--max-wall", "forever"))
    assert "nothing-like-it" in one_line(
        repository.autosota("audit", "--base", "nothing-like-it", "--candidate", "HEAD")
    )


def test_a_command_that_does_not_exist_is_said(repository):
    ran = edited(repository, "python train.py", "pythn train.py").autosota("run", "--json")
    assert ran.returncode == 1
    assert "command_not_found" in ran.stdout and "not_reproduced" in ran.stdout


def test_a_metric_that_is_never_printed_is_said(repository):
    ran = edited(repository, 'select_on = "val_accuracy"', 'select_on = "val_acc"').autosota(
        "run", "--json"
    )
    assert ran.returncode == 1
    assert "metric_missing" in ran.stdout and "val_acc" in ran.stdout


def as_nobody(repository: Repository, *arguments: str) -> subprocess.CompletedProcess[str]:
    def drop() -> None:
        if os.getuid() == 0:
            os.setgid(65534)
            os.setuid(65534)

    return subprocess.run(
        [sys.executable, "-m", "autosota.server.cli.main", *arguments],
        cwd=repository.root,
        capture_output=True,
        text=True,
        preexec_fn=drop,
        timeout=60,
    )


def test_a_read_only_workspace(tmp_path_factory):
    repository = make_repository(tmp_path_factory.getbasetemp().parent / f"ro-{os.getpid()}")
    can_read = subprocess.run(
        [sys.executable, "-c", "import autosota.server.host"],
        capture_output=True,
        preexec_fn=(lambda: os.setuid(65534)) if os.getuid() == 0 else None,
    )
    if can_read.returncode != 0 and not os.environ.get("CI"):
        pytest.skip("another user cannot read this interpreter")
    for folder in [repository.root, *repository.root.rglob("*")]:
        if folder.is_dir():
            folder.chmod(0o555)
    try:
        line = one_line(as_nobody(repository, "run"))
        assert str(repository.root) in line
    finally:
        for folder in [repository.root, *repository.root.rglob("*")]:
            if folder.is_dir():
                folder.chmod(0o755)
