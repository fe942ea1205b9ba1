from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from autosota.server.errors import UserError
from autosota.server.workspace import journal
from autosota.server.workspace.store import GitWorkspace

Git = Callable[..., str]
LINES = [b"line %d\n" % n for n in range(30)]


@pytest.fixture
def base(workspace: GitWorkspace) -> str:
    (workspace.root / "long.py").write_bytes(b"".join(LINES))
    return workspace.snapshot().commit


def changed(number: int, line: bytes) -> bytes:
    return b"".join([*LINES[:number], line, *LINES[number + 1 :]])


def test_apply_writes_files_and_nothing_else(
    workspace: GitWorkspace, base: str, untouched: Callable[[Path], dict[str, object]]
) -> None:
    root = workspace.root
    new = workspace.commit(
        base,
        {
            "train.py": b"better\n",
            "run.sh": b"#!/bin/bash\n",
            "src/modèle un.py": None,
            "a/deep er/new.py": b"new\n",
        },
        "m",
    )
    before = untouched(root / ".git")
    (root / "train.py").chmod(0o640)
    written = workspace.apply(base, new)
    assert written == ("a/deep er/new.py", "run.sh", "src/modèle un.py", "train.py")
    assert (root / "train.py").read_bytes() == b"better\n"
    assert (root / "train.py").stat().st_mode & 0o777 == 0o640
    assert (root / "run.sh").stat().st_mode & 0o111
    assert (root / "a/deep er/new.py").read_bytes() == b"new\n"
    assert not (root / "src").exists()  # empty, as git would leave it
    assert untouched(root / ".git") == before
    assert not list(root.rglob("*.tmp")) and not (root / ".autosota" / "apply").exists()
    assert workspace.apply(base, new) == ()  # it is so already
    assert workspace.snapshot().commit != base


def test_new_files_follow_the_umask(workspace: GitWorkspace, base: str) -> None:
    new = workspace.commit(base, {"fresh.py": b"x\n"}, "m")
    old = os.umask(0o027)
    try:
        workspace.apply(base, new)
    finally:
        os.umask(old)
    assert (workspace.root / "fresh.py").stat().st_mode & 0o777 == 0o640


def test_edits_elsewhere_are_merged(workspace: GitWorkspace, base: str) -> None:
    new = workspace.commit(base, {"long.py": changed(3, b"theirs\n")}, "m")
    (workspace.root / "long.py").write_bytes(changed(25, b"mine\n"))
    assert workspace.apply(base, new) == ("long.py",)
    lines = (workspace.root / "long.py").read_bytes().splitlines()
    assert (lines[3], lines[25], len(lines)) == (b"theirs", b"mine", 30)


def _prepare_conflict(root: Path, kind: str) -> dict[str, bytes | None]:
    """Change the user's tree; return the change that cannot be applied to it."""
    place = root / "long.py"
    if kind == "same place":
        place.write_bytes(changed(3, b"mine\n"))
        return {"long.py": changed(3, b"theirs\n")}
    if kind == "deleted by user":
        place.unlink()
        return {"long.py": changed(3, b"theirs\n")}
    if kind == "deleted by change":
        place.write_bytes(changed(3, b"mine\n"))
        return {"long.py": None}
    if kind == "added by both":
        (root / "fresh.py").write_bytes(b"mine\n")
        return {"fresh.py": b"theirs\n"}
    if kind == "binary":
        place.write_bytes(b"\0mine")
        return {"long.py": b"\0theirs"}
    if kind == "became a link":
        place.unlink()
        place.symlink_to("train.py")
        return {"long.py": b"x\n"}
    if kind == "became a folder":
        place.unlink()
        place.mkdir()
        return {"long.py": b"x\n"}
    if kind == "through a link":
        (root / "src").rename(root.parent / "away")
        (root / "src").symlink_to(root.parent / "away")
        return {"src/modèle un.py": b"x\n"}
    if kind == "below a file":
        (root / "src" / "modèle un.py").unlink()
        (root / "src").rmdir()
        (root / "src").write_bytes(b"")
        return {"src/other.py": b"x\n"}
    if kind == "own state":
        return {".autosota/ledger.sqlite": b"x\n"}
    raise AssertionError(kind)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("same place", r"long\.py: you changed it since, in the same place"),
        ("deleted by user", r"long\.py: the change changes it and you deleted it"),
        ("deleted by change", r"long\.py: the change deletes it and you changed it"),
        ("added by both", r"fresh\.py: the change adds it and you added another"),
        ("binary", r"long\.py: you changed it since"),
        ("became a link", r"long\.py: it is no ordinary file"),
        ("became a folder", r"long\.py: it is no ordinary file"),
        ("through a link", r"src is a symbolic link"),
        ("below a file", r"src is not a folder"),
        ("own state", r"outside the workspace's own files"),
    ],
)
def test_conflicts_change_nothing(
    workspace: GitWorkspace,
    base: str,
    untouched: Callable[[Path], dict[str, object]],
    kind: str,
    words: str,
) -> None:
    change = _prepare_conflict(workspace.root, kind)
    new = workspace.commit(base, {".gitignore": b"first\n", **change, "zz.py": b"last\n"}, "m")
    before = untouched(workspace.root)
    with pytest.raises(UserError, match=words) as caught:
        workspace.apply(base, new)
    assert "nothing was changed" in str(caught.value) and "autosota export" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert untouched(workspace.root) == before
    assert not (workspace.root / ".autosota" / "ledger.sqlite").exists()


def test_links_of_the_change_are_refused(workspace: GitWorkspace, git: Git, base: str) -> None:
    root = workspace.root
    (root / "latest").unlink()
    (root / "latest").symlink_to("/etc/passwd")
    other = workspace.snapshot().commit
    with pytest.raises(UserError, match="latest: it is a symbolic link"):
        workspace.apply(base, other)


def test_inside_a_submodule(
    repo: Path, tmp_path: Path, make: Callable[..., Path], git: Git
) -> None:
    git(repo, "submodule", "--quiet", "add", str(make(tmp_path / "lib")), "libs/one")
    git(repo, "commit", "-qm", "lib")
    with GitWorkspace(repo) as workspace:
        base = workspace.snapshot().commit
        new = workspace.commit(base, {"libs/one/train.py": b"x\n", "train.py": b"x\n"}, "m")
        with pytest.raises(UserError, match="libs/one is a submodule"):
            workspace.apply(base, new)
    assert (repo / "train.py").read_bytes().startswith(b"lr")


def test_executable_bit(workspace: GitWorkspace, base: str) -> None:
    root = workspace.root
    (root / "train.py").chmod(0o755)
    (root / "run.sh").chmod(0o644)
    other = workspace.snapshot().commit
    (root / "train.py").chmod(0o640)
    (root / "run.sh").chmod(0o755)
    assert workspace.apply(base, other) == ("run.sh", "train.py")
    assert (root / "train.py").stat().st_mode & 0o777 == 0o750
    assert (root / "run.sh").stat().st_mode & 0o777 == 0o644


def test_sub_folder_workspace(repo: Path) -> None:
    with GitWorkspace(repo / "src") as workspace:
        base = workspace.snapshot().commit
        new = workspace.commit(base, {"modèle un.py": b"x\n"}, "m")
        assert workspace.apply(base, new) == ("modèle un.py",)
    assert (repo / "src" / "modèle un.py").read_bytes() == b"x\n"


def test_a_failure_in_the_middle_is_undone(
    workspace: GitWorkspace,
    base: str,
    untouched: Callable[[Path], dict[str, object]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    new = workspace.commit(
        base, {"long.py": b"x\n", "new/a.py": b"y\n", "run.sh": None, "train.py": b"z\n"}, "m"
    )
    root = workspace.root
    real = os.replace
    before = {p: a[::2] for p, a in untouched(root).items()}

    def edited_meanwhile(source: str, target: str) -> None:
        real(source, target)
        if str(target).endswith("long.py"):
            (root / "train.py").write_bytes(b"saved by the editor just now\n")

    with monkeypatch.context() as patch:
        patch.setattr(journal.os, "replace", edited_meanwhile)
        with pytest.raises(UserError, match=r"train\.py changed while"):
            workspace.apply(base, new)
    assert (root / "train.py").read_bytes() == b"saved by the editor just now\n"
    (root / "train.py").write_bytes(b"lr = 0.1\nsteps = 10\nprint(lr)\n")
    assert {p: a[::2] for p, a in untouched(root).items()} == before


def test_another_process_holds_the_lock(
    workspace: GitWorkspace, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "_WAIT_SECONDS", 0.0)
    with (workspace.root / ".autosota" / "apply.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(UserError, match="another process is applying"):
            workspace.apply(base, base)
    assert workspace.apply(base, base) == ()


_KILLED = """
import os, signal, sys
from pathlib import Path
from autosota.server.workspace.store import GitWorkspace

root, old, new = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
step = 0
die_at = 0

def watch(event, arguments):
    global step
    if armed and event in EVENTS:
        step += 1
        if step == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

EVENTS = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "shutil.copyfile"}
armed = False
sys.addaudithook(watch)
for line in sys.stdin:
    die_at = int(line)
    child = os.fork()
    if child == 0:
        armed = True
        with GitWorkspace(root) as workspace:
            workspace.apply(old, new)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


def test_killed_at_any_step(
    workspace: GitWorkspace, base: str, untouched: Callable[[Path], dict[str, tuple[object, ...]]]
) -> None:
    """Killed before each of its file operations in turn: wholly old, or wholly new."""
    root = workspace.root
    new = workspace.commit(
        base,
        {"long.py": b"x\n", "new/er/a.py": b"y\n", "run.sh": None, "train.py": b"z\n"},
        "m",
    )

    def state() -> dict[str, tuple[object, ...]]:
        return {p: (a[0], a[2]) for p, a in untouched(root).items()}

    old_state = state()
    with subprocess.Popen(
        [sys.executable, "-c", _KILLED, str(root), base, new],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as victim:
        assert victim.stdin is not None and victim.stdout is not None
        seen = {"old": 0, "half": 0, "new": 0}
        for step in range(1, 400):
            victim.stdin.write(f"{step}\n")
            victim.stdin.flush()
            if victim.stdout.readline() == "0\n":
                break
            if state() == old_state:
                seen["old"] += 1
            else:
                seen["half"] += 1
            workspace.recover()
            if state() != old_state:  # then the change was complete when it died
                assert workspace.apply(base, new) == ()
                seen["new"] += 1
                workspace.apply(new, base)
            assert state() == old_state, step
        else:
            pytest.fail("it never came to its end")
        victim.stdin.close()
    assert seen["old"] > 10 and seen["half"] > 5 and seen["new"] > 0
    assert workspace.apply(base, new) == ()


def test_edit_after_a_killed_apply_is_kept(workspace: GitWorkspace, base: str) -> None:
    root = workspace.root
    new = workspace.commit(base, {"long.py": b"x\n", "train.py": b"z\n"}, "m")
    die_in_swap = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from autosota.server.workspace.store import GitWorkspace\n"
        "from autosota.server.workspace.journal import Journal\n"
        "real = Journal._swap\n"
        "def swap(self, change, step):\n"
        "    if change.path == 'train.py':\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    real(self, change, step)\n"
        "Journal._swap = swap\n"
        "GitWorkspace(Path(sys.argv[1])).apply(sys.argv[2], sys.argv[3])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", die_in_swap, str(root), base, new], timeout=60, check=False
    )
    assert done.returncode == -9 and (root / "long.py").read_bytes() == b"x\n"
    (root / "long.py").write_bytes(b"edited since\n")
    notes = workspace.snapshot().notes
    assert "long.py was edited after an interrupted apply" in notes[0]
    assert (root / "long.py").read_bytes() == b"edited since\n"
    assert Path(notes[0].rpartition(" is in ")[2]).read_bytes() == b"".join(LINES)
    assert (root / "train.py").read_bytes().startswith(b"lr")
