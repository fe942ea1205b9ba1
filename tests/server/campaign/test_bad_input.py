"""Bad input: one clear line that names the file, the value and the way out, and exit code 2."""

from __future__ import annotations

import subprocess

import pytest
from tests.server.campaign.conftest import AUTOSOTA, Repository

pytestmark = [pytest.mark.campaign, pytest.mark.bwrap]


def one_line(ran: subprocess.CompletedProcess[str]) -> str:
    assert ran.returncode == 2, (ran.returncode, ran.stdout, ran.stderr)
    told = ("warning:", "note:", "Try:", "00:0", "preparing ")
    lines = [x for x in ran.stderr.splitlines() if not x.startswith(told)]
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


def test_without_a_command_the_help_is_shown_whole(tmp_path):
    ran = Repository(tmp_path).autosota()
    assert ran.returncode == 2 and ran.stderr.startswith("Usage: autosota ")
    assert "..." not in ran.stderr.split("Commands:")[1]


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


def test_a_read_only_workspace(repository):
    walls = ["bwrap", "--dev-bind", "/", "/", "--ro-bind", repository.root, repository.root]
    command = [AUTOSOTA, "run"]
    ran = subprocess.run(
        [*walls, *command], cwd=repository.root, capture_output=True, text=True, timeout=60
    )
    line = one_line(ran)
    assert str(repository.root) in line and "read-only" in line.lower()


def test_a_full_disk(repository):
    """The workspace lies on a file system of 4 MB."""
    small = repository.root.parent / "small"
    small.mkdir()
    fill = f"cp -R '{repository.root}/.' . && head -c 3800000 /dev/zero > fill"
    script = f"{fill}; echo fill > .gitignore; {AUTOSOTA} run"
    walls = ["bwrap", "--dev-bind", "/", "/", "--size", "4194304", "--tmpfs", str(small)]
    ran = subprocess.run(
        [*walls, "--chdir", str(small), "sh", "-c", script],
        capture_output=True,
        text=True,
        timeout=60,
    )
    line = one_line(ran)
    assert "space" in line.lower()


def test_an_environment_that_runs_other_code_is_refused(repository):
    """An installed package of the repository's name would make all candidates the same."""
    (repository.root / "sys.py").write_text("")
    line = one_line(repository.autosota("run"))
    assert "imports sys from somewhere else" in line
