"""Real repositories in temporary folders, and proof that nobody wrote to them."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from autosota.server.workspace.store import GitWorkspace

Git = Callable[..., str]


def run_git(folder: Path, *arguments: str, check: bool = True) -> str:
    env = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    env |= {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_AUTHOR_DATE": "1700000000 +0100",
        "GIT_COMMITTER_DATE": "1700000000 +0100",
    }
    settings = ("user.name=A", "user.email=a@b.c", "protocol.file.allow=always")
    done = subprocess.run(
        ["git", *(part for s in settings for part in ("-c", s)), *arguments],
        cwd=folder,
        env=env,
        capture_output=True,
        check=False,
        timeout=60,
    )
    if check and done.returncode != 0:
        raise AssertionError(f"git {arguments}: {done.stderr.decode()}")
    return os.fsdecode(done.stdout)


@pytest.fixture
def git() -> Git:
    return run_git


def make_repository(folder: Path, *options: str) -> Path:
    folder.mkdir(parents=True)
    run_git(folder, "init", "-q", "-b", "main", *options)
    (folder / "train.py").write_bytes(b"lr = 0.1\nsteps = 10\nprint(lr)\n")
    (folder / "src").mkdir()
    (folder / "src" / "modèle un.py").write_bytes(b"x = 1\r\ny = 2\r\n")
    (folder / "run.sh").write_bytes(b"#!/bin/sh\necho hi\n")
    (folder / "run.sh").chmod(0o755)
    (folder / "latest").symlink_to("src/modèle un.py")
    (folder / ".gitignore").write_bytes(b"*.log\n/cache/\n")
    run_git(folder, "add", "-A")
    run_git(folder, "commit", "-qm", "first")
    return folder


@pytest.fixture
def make() -> Callable[..., Path]:
    return make_repository


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A small clean repository, at a path with spaces and accents."""
    return make_repository(tmp_path / "mon dépôt")


@pytest.fixture
def workspace(repo: Path) -> Iterator[GitWorkspace]:
    with GitWorkspace(repo) as opened:
        yield opened


def fingerprint(root: Path) -> dict[str, tuple[object, ...]]:
    """Every path below a root but `.autosota`: kind, mode, content, and time of change."""
    seen: dict[str, tuple[object, ...]] = {}
    for folder, names, files in os.walk(root):
        if folder == str(root) and ".autosota" in names:
            names.remove(".autosota")
        for name in [*names, *files]:
            path = Path(folder, name)
            about = path.lstat()
            if path.is_symlink():
                content = os.readlink(path)
            elif path.is_file():
                content = hashlib.sha256(path.read_bytes()).hexdigest()
            else:
                content = ""
            seen[str(path.relative_to(root))] = (about.st_mode, about.st_mtime_ns, content)
    return seen


_AS_OTHER = """
import os, sys, tempfile
from pathlib import Path
from autosota.server.errors import UserError
from autosota.server.workspace.store import GitWorkspace
if os.getuid() == 0:
    # Once before, so that all is imported: the interpreter may be in root's own home.
    with tempfile.TemporaryDirectory() as folder, GitWorkspace(Path(folder)) as workspace:
        workspace.snapshot()
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
try:
    with GitWorkspace(Path(sys.argv[1])) as workspace:
        print(workspace.snapshot().commit)
except UserError as error:
    print(error)
"""


def snapshot_as_other(root: Path) -> str:
    """What a snapshot says to a user who is not root (to oneself when one is not)."""
    done = subprocess.run(
        [sys.executable, "-c", _AS_OTHER, str(root)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.rstrip("\n")


@pytest.fixture
def shared_repo() -> Iterator[Path]:
    """A repository that every user can reach: pytest's own folders are for their owner only."""
    with tempfile.TemporaryDirectory(prefix="autosota-test-") as folder:
        Path(folder).chmod(0o755)
        yield make_repository(Path(folder) / "mon dépôt")


@pytest.fixture
def as_other() -> Callable[[Path], str]:
    return snapshot_as_other


@pytest.fixture
def untouched() -> Callable[[Path], dict[str, tuple[object, ...]]]:
    return fingerprint
