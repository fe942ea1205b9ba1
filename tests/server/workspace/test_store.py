from __future__ import annotations

import gc
import os
import threading
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from autosota.agents.protocols import Workspace
from autosota.server.errors import UserError
from autosota.server.workspace.store import GitWorkspace

Git = Callable[..., str]


def test_is_the_agents_workspace(workspace: GitWorkspace) -> None:
    asked: Workspace = workspace  # mypy's word on it, too
    base = workspace.snapshot().commit
    assert asked.tree(base).read("train.py").startswith(b"lr")


# ------------------------------------------------------------ trees


def test_tree_reads_like_git(workspace: GitWorkspace) -> None:
    tree = workspace.tree(workspace.snapshot().commit)
    assert list(tree.files()) == sorted(
        [".gitignore", "latest", "run.sh", "src/modèle un.py", "train.py"]
    )
    assert tree.read("latest") == "src/modèle un.py".encode()
    assert tree.read("src/modèle un.py") == b"x = 1\r\ny = 2\r\n"
    for absent in ("nothing", "src", "", "../train.py", "latest/x"):
        with pytest.raises(FileNotFoundError):
            tree.read(absent)


def test_trees_are_cached_by_commit(workspace: GitWorkspace) -> None:
    base = workspace.snapshot().commit
    assert workspace.tree(base) is workspace.tree(base)


@pytest.mark.parametrize("commit", ["f" * 40, "HEAD", "", "--help", "f" * 40 + "\nHEAD"])
def test_unknown_commit(workspace: GitWorkspace, commit: str, tmp_path: Path) -> None:
    base = workspace.snapshot().commit
    for call in (
        lambda: workspace.tree(commit),
        lambda: workspace.commit(commit, {}, "m"),
        lambda: workspace.diff(base, commit),
        lambda: workspace.checkout(commit, tmp_path / "out"),
        lambda: workspace.keep("a", commit),
        lambda: workspace.apply(commit, base),
    ):
        with pytest.raises(UserError, match="is not in"):
            call()


def test_empty_and_large_files(workspace: GitWorkspace) -> None:
    large = os.urandom(1 << 16) * 48
    base = workspace.snapshot().commit
    tree = workspace.tree(workspace.commit(base, {"empty": b"", "large": large}, "m"))
    assert tree.read("large") == large and tree.read("empty") == b"" and tree.read("large") == large


def test_reading_from_many_threads(workspace: GitWorkspace) -> None:
    base = workspace.snapshot().commit
    tree = workspace.tree(
        workspace.commit(base, {f"f{n}": b"%d" % n * (n * 99) for n in range(60)}, "m")
    )
    wrong: list[int] = []

    def read_all() -> None:
        wrong.extend(n for n in range(60) if tree.read(f"f{n}") != b"%d" % n * (n * 99))

    threads = [threading.Thread(target=read_all) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert not wrong


def _children() -> set[int]:
    return {c.pid for c in psutil.Process().children() if "cat-file" in c.cmdline()}


def test_no_process_is_left(repo: Path) -> None:
    before = _children()
    with GitWorkspace(repo) as workspace:
        workspace.tree(workspace.snapshot().commit)
        assert len(_children() - before) == 1
    assert _children() <= before
    workspace.tree(workspace.snapshot().commit).read("train.py")  # usable after close
    assert len(_children() - before) == 1
    del workspace  # forgotten by its owner
    gc.collect()
    assert _children() <= before


def test_reader_that_was_killed_is_started_again(workspace: GitWorkspace) -> None:
    before = _children()
    tree = workspace.tree(workspace.snapshot().commit)
    for child in _children() - before:
        os.kill(child, 9)
    assert tree.read("train.py").startswith(b"lr")


def test_tree_in_a_forked_child(workspace: GitWorkspace) -> None:
    tree = workspace.tree(workspace.snapshot().commit)
    child = os.fork()
    if child == 0:
        try:
            right = tree.read("train.py").startswith(b"lr")
            os._exit(0 if right and len(_children()) == 1 else 3)
        finally:
            os._exit(4)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert tree.read("run.sh").startswith(b"#!")


# ------------------------------------------------------------ commits


def test_commit_is_deterministic(repo: Path, make: Callable[..., Path]) -> None:
    ids = []
    for root in (repo, make(repo.parent / "again")):
        with GitWorkspace(root) as workspace:
            base = workspace.snapshot().commit
            one = workspace.commit(base, {"train.py": b"1\n", "a/b/c.py": b"2\n"}, "idea é")
            ids.append((one, workspace.commit(one, {"run.sh": b"3\n"}, "next")))
            assert workspace.commit(base, {"a/b/c.py": b"2\n", "train.py": b"1\n"}, "idea é") == one
            assert workspace.commit(base, {"train.py": b"1\n"}, "idea é") != one
    assert ids[0] == ids[1]


def test_commit_keeps_modes_and_the_rest(workspace: GitWorkspace, git: Git) -> None:
    base = workspace.snapshot().commit
    new = workspace.commit(base, {"run.sh": b"#!/bin/bash\n", "src/modèle un.py": None}, "m")
    tree = workspace.tree(new)
    assert list(tree.files()) == [".gitignore", "latest", "run.sh", "train.py"]
    assert tree.is_executable("run.sh") and tree.is_link("latest")
    assert workspace.tree(base).read("run.sh") == b"#!/bin/sh\necho hi\n"
    store = f"--git-dir={workspace.store.path}"
    about = git(workspace.root, store, "log", "-1", "--format=%an|%ae|%at|%ct|%P|%B", new)
    assert about == f"AutoSOTA|autosota@localhost|1700000001|1700000001|{base}|m\n\n"
    assert git(workspace.root, store, "fsck", "--strict", new) == ""


def test_commit_replaces_a_file_by_a_folder(workspace: GitWorkspace) -> None:
    base = workspace.snapshot().commit
    new = workspace.commit(base, {"train.py": None, "train.py/main.py": b"x"}, "m")
    assert workspace.tree(new).read("train.py/main.py") == b"x"


@pytest.mark.parametrize(
    "path",
    [
        "../out",
        "/etc/passwd",
        "a/../../b",
        ".git/config",
        "a/.GIT/hooks/x",
        "",
        "a//b",
        "./a",
        "a\0b",
    ],
)
def test_commit_refuses_paths(workspace: GitWorkspace, path: str) -> None:
    base = workspace.snapshot().commit
    with pytest.raises(UserError, match="names the path"):
        workspace.commit(base, {path: b""}, "m")


def test_commit_does_not_write_links(workspace: GitWorkspace) -> None:
    base = workspace.snapshot().commit
    for path in ("latest", "latest/x"):
        with pytest.raises(UserError, match="latest is a symbolic link"):
            workspace.commit(base, {path: b"/etc/passwd"}, "m")
    with pytest.raises(FileNotFoundError):
        workspace.commit(base, {"absent": None}, "m")


def test_keep(workspace: GitWorkspace, git: Git) -> None:
    base = workspace.snapshot().commit
    new = workspace.commit(base, {"train.py": b"x\n"}, "m")
    workspace.keep("campaign-1/best", base)
    workspace.keep("campaign-1/best", new)
    store = f"--git-dir={workspace.store.path}"
    assert git(workspace.root, store, "for-each-ref", "--format=%(refname) %(objectname)") == (
        f"refs/keep/campaign-1/best {new}\n"
    )
    git(workspace.root, store, "gc", "--quiet", "--prune=now")
    workspace.close()
    with GitWorkspace(workspace.root) as again:
        assert again.tree(new).read("train.py") == b"x\n"
    for name in ("", "a..b", "a b", "../../config", "a.lock"):
        with pytest.raises(ValueError, match="not a name"):
            workspace.keep(name, base)


@pytest.mark.parametrize("kept", [False, True])
def test_base_that_the_user_amended_and_pruned(repo: Path, git: Git, kept: bool) -> None:
    (repo / "train.py").write_bytes(b"short-lived\n")
    git(repo, "commit", "-qam", "short-lived")
    with GitWorkspace(repo) as workspace:
        base = workspace.snapshot().commit
        if kept:
            workspace.keep("c/base", base)
            workspace.keep("c/again", base)
            assert len(list((workspace.store.path / "own" / "pack").glob("*.pack"))) == 1
    git(repo, "reset", "-q", "--hard", "HEAD~1")
    git(repo, "reflog", "expire", "--expire=now", "--all")
    git(repo, "gc", "-q", "--prune=now")
    with GitWorkspace(repo) as workspace:
        if kept:
            assert workspace.tree(base).read("train.py") == b"short-lived\n"
            new = workspace.commit(base, {"train.py": b"x\n"}, "m")
            assert "-short-lived" in workspace.diff(base, new)
            workspace.checkout(new, repo / ".autosota" / "out")
        else:
            with pytest.raises(UserError, match="amended and pruned"):
                workspace.tree(base)


# ------------------------------------------------------------ diffs


def _git_apply(root: Path, commit: str, workspace: GitWorkspace, diff: str, git: Git) -> Path:
    out = root.parent / "applied"
    workspace.checkout(commit, out)
    (root.parent / "p.diff").write_bytes(diff.encode("utf-8"))
    git(out, "init", "-q")
    git(out, "apply", "--whitespace=nowarn", str(root.parent / "p.diff"))
    return out


def test_diff_applies(workspace: GitWorkspace, git: Git) -> None:
    base = workspace.snapshot().commit
    changes = {
        "train.py": b"lr = 0.2\r\nsteps = 10\nno newline at end",
        "src/mod\u00e8le un.py": None,
        "picture.png": b"\x89PNG\0\1\2",
        "latin.py": "# \u00e9t\u00e9\n".encode("latin-1"),
        "new dir/\u00e9 b.py": b"x\n",
        "empty": b"",
        os.fsdecode(b"name\xff.py"): b"raw name\n",
    }
    new = workspace.commit(base, changes, "m")
    diff = workspace.diff(base, new)
    diff.encode("utf-8")  # it can be stored and shown
    out = _git_apply(workspace.root, base, workspace, diff, git)
    tree = workspace.tree(new)
    found = {
        str(p.relative_to(out)) for p in out.rglob("*") if not p.is_dir() and ".git/" not in f"{p}"
    }
    assert found == set(tree.files())
    for path in tree.files():
        if not tree.is_link(path):
            assert (out / path).read_bytes() == tree.read(path)


def test_diff_is_plain_and_stable(
    workspace: GitWorkspace, git: Git, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    base = workspace.snapshot().commit
    new = workspace.commit(base, {"train.py": b"lr = 0.3\nsteps = 10\nprint(lr)\n"}, "m")
    expected = workspace.diff(base, new)
    assert expected.startswith("diff --git a/train.py b/train.py\nindex ")
    assert "@@ -1,3 +1,3 @@\n-lr = 0.1\n+lr = 0.3\n steps = 10\n" in expected
    for key, value in (
        ("diff.noprefix", "true"),
        ("diff.mnemonicPrefix", "true"),
        ("diff.context", "0"),
        ("color.ui", "always"),
        ("diff.external", "false"),
    ):
        git(workspace.root, "config", key, value)
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", "false")
    monkeypatch.setenv("GIT_DIFF_OPTS", "-u0")
    assert workspace.diff(base, new) == expected
    assert workspace.diff(base, base) == ""
    assert "modèle un.py" in workspace.diff(
        base, workspace.commit(base, {"src/modèle un.py": b""}, "m")
    )


# ------------------------------------------------------------ checkouts


def test_checkout(workspace: GitWorkspace, repo: Path) -> None:
    base = workspace.snapshot().commit
    out = repo / ".autosota" / "runs" / "r 1" / "code"
    workspace.checkout(base, out)
    found = sorted(str(p.relative_to(out)) for p in out.rglob("*") if not p.is_dir())
    assert found == list(workspace.tree(base).files())
    assert (out / "src" / "modèle un.py").read_bytes() == b"x = 1\r\ny = 2\r\n"
    assert (out / "run.sh").stat().st_mode & 0o111 and not (out / "train.py").stat().st_mode & 0o111
    assert os.readlink(out / "latest") == "src/modèle un.py"
    assert sorted(p.name for p in out.parent.iterdir()) == ["code"]


def test_checkout_without_excluded(workspace: GitWorkspace, tmp_path: Path) -> None:
    base = workspace.snapshot().commit
    workspace.checkout(base, tmp_path / "out", exclude=("src/**", "*.sh", ".*"))
    assert sorted(os.listdir(tmp_path / "out")) == ["latest", "train.py"]
    workspace.checkout(base, tmp_path / "none", exclude=("**",))
    assert os.listdir(tmp_path / "none") == []


def test_checkout_into_used_folder(workspace: GitWorkspace, tmp_path: Path) -> None:
    base = workspace.snapshot().commit
    out = tmp_path / "out"
    out.mkdir()
    workspace.checkout(base, out)  # an empty one is fine
    (out / "train.py").write_text("mine")
    with pytest.raises(UserError, match="is not an empty folder"):
        workspace.checkout(base, out)
    assert (out / "train.py").read_text() == "mine"
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write"):
        workspace.checkout(base, tmp_path / "file" / "out")


def test_checkout_of_hostile_tree_stays_inside(repo: Path, tmp_path: Path, git: Git) -> None:
    """A tree made by hand, with a link where a folder is and a way up."""
    blob = git(repo, "rev-parse", "HEAD:train.py").strip()
    inner = tmp_path / "inner"
    inner.write_bytes(b"100644 x\0" + bytes.fromhex(blob))
    raw = [git(repo, "hash-object", "-w", "-t", "tree", "--literally", str(inner)).strip()]
    up = tmp_path / "up"
    up.write_bytes(b"40000 ..\0" + bytes.fromhex(raw[0]))
    raw.append(git(repo, "hash-object", "-w", "-t", "tree", "--literally", str(up)).strip())
    commit = git(repo, "commit-tree", "-m", "up", raw[1]).strip()
    with GitWorkspace(repo) as workspace, pytest.raises(UserError):
        workspace.checkout(commit, tmp_path / "deep" / "out")
    assert not (tmp_path / "deep" / "x").exists()


def test_old_scratch_is_swept(repo: Path) -> None:
    GitWorkspace(repo).close()
    store = repo / ".autosota" / "store.git"
    (store / "tmp" / "fresh").mkdir()
    with GitWorkspace(repo) as workspace:
        workspace.snapshot()
    assert [p.name for p in (store / "tmp").iterdir()] == ["fresh"]
