from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from autosota.server.errors import UserError
from autosota.server.workspace import capture
from autosota.server.workspace.store import GitWorkspace, Snapshot

Git = Callable[..., str]


def snapshot(root: Path, exclude: tuple[str, ...] = ()) -> Snapshot:
    with GitWorkspace(root) as workspace:
        return workspace.snapshot(exclude)


def content(root: Path, commit: str) -> dict[str, bytes]:
    with GitWorkspace(root) as workspace:
        tree = workspace.tree(commit)
        return {p: tree.read(p) for p in tree.files()}


def test_clean_tree_is_the_users_head(repo: Path, git: Git) -> None:
    taken = snapshot(repo)
    assert taken == Snapshot(git(repo, "rev-parse", "HEAD").strip(), False, taken.commit, ())


def test_dirty_tree(repo: Path, git: Git) -> None:
    head = git(repo, "rev-parse", "HEAD").strip()
    (repo / "train.py").write_bytes(b"lr = 0.2\n")
    (repo / "src" / "modèle un.py").unlink()
    (repo / "new file.py").write_bytes(b"new\n")
    (repo / "noise.log").write_bytes(b"ignored")
    (repo / "staged.py").write_bytes(b"staged\n")
    git(repo, "add", "staged.py")
    (repo / "staged.py").write_bytes(b"and edited\n")
    (repo / "run.sh").chmod(0o644)
    (repo / "tool").write_bytes(b"#!/bin/sh\n")
    (repo / "tool").chmod(0o755)
    (repo / "latest").unlink()
    (repo / "latest").symlink_to("../outside")
    (repo / "__pycache__").mkdir()
    (repo / "__pycache__" / "notes").write_bytes(b"")
    (repo / "old.pyc").write_bytes(b"")
    taken = snapshot(repo)
    assert taken.dirty and taken.head == head and taken.commit != head and not taken.notes
    assert content(repo, taken.commit) == {
        ".gitignore": b"*.log\n/cache/\n",
        "latest": b"../outside",
        "new file.py": b"new\n",
        "run.sh": b"#!/bin/sh\necho hi\n",
        "staged.py": b"and edited\n",
        "tool": b"#!/bin/sh\n",
        "train.py": b"lr = 0.2\n",
    }
    with GitWorkspace(repo) as workspace:
        tree = workspace.tree(taken.commit)
        assert [p for p in tree.files() if tree.is_executable(p)] == ["tool"]
        assert [p for p in tree.files() if tree.is_link(p)] == ["latest"]


def test_same_tree_same_id_also_elsewhere(repo: Path, make: Callable[..., Path]) -> None:
    other = make(repo.parent / "other")
    for root in (repo, other):
        (root / "train.py").write_bytes(b"changed\n")
    assert snapshot(repo).commit == snapshot(repo).commit == snapshot(other).commit


def test_edit_of_the_same_size_and_time(repo: Path) -> None:
    about = (repo / "train.py").stat()
    (repo / "train.py").write_bytes(b"LR = 0.1\nsteps = 10\nprint(lr)\n")
    os.utime(repo / "train.py", ns=(about.st_atime_ns, about.st_mtime_ns))
    assert content(repo, snapshot(repo).commit)["train.py"].startswith(b"LR")


def test_file_becomes_folder_and_folder_becomes_link(repo: Path) -> None:
    (repo / "train.py").unlink()
    (repo / "train.py").mkdir()
    (repo / "train.py" / "a").write_bytes(b"a")
    (repo / "src" / "modèle un.py").rename(repo / "moved.py")
    (repo / "src").rmdir()
    (repo / "src").symlink_to("train.py")
    found = content(repo, snapshot(repo).commit)
    assert found["train.py/a"] == b"a" and found["src"] == b"train.py"
    assert "src/modèle un.py" not in found and "src/a" not in found


def test_excluded_files_stay_as_in_head(repo: Path, git: Git) -> None:
    (repo / "data").mkdir()
    (repo / "data" / "a.csv").write_bytes(b"1\n")
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "data")
    (repo / "data" / "a.csv").write_bytes(b"2\n")
    (repo / "data" / "b.csv").write_bytes(b"3\n")
    (repo / "data" / "c.csv").write_bytes(b"4\n")
    git(repo, "add", "data/c.csv")
    taken = snapshot(repo, ("data/**",))
    assert taken.commit == taken.head and not taken.dirty
    (repo / "train.py").write_bytes(b"x\n")
    found = content(repo, snapshot(repo, ("data/**",)).commit)
    assert found["data/a.csv"] == b"1\n"
    assert "data/b.csv" not in found and "data/c.csv" not in found


def test_users_own_ignore_files(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repo / ".git" / "info" / "exclude").write_text("private*\n")
    home = tmp_path / "home"
    (home / "git").mkdir(parents=True)
    (home / "git" / "ignore").write_text("*.swp\n")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home))
    for name in ("private.txt", ".a.swp"):
        (repo / name).write_text("")
    taken = snapshot(repo)
    assert taken.commit == taken.head
    (tmp_path / "named").write_text("*.bak\n")
    (home / "git" / "config").write_text(f"[core]\nexcludesFile = {tmp_path / 'named'}\n")
    (repo / ".a.swp").rename(repo / "a.bak")
    taken = snapshot(repo)
    assert taken.commit == taken.head


def test_inherited_git_variables_play_no_part(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[..., Path]
) -> None:
    expected = snapshot(repo).commit
    other = make(tmp_path / "other")
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"):
        monkeypatch.setenv(name, str(other / ".git"))
    monkeypatch.setenv("GIT_TRACE", "1")
    assert snapshot(repo).commit == expected


def test_too_large_a_file_names_the_way_out(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (repo / "weights.bin").open("wb") as file:
        file.truncate(capture.LARGEST_FILE + 1)
    with pytest.raises(UserError, match=r"weights\.bin has 100 MB.*protocol\.data.*\.gitignore"):
        snapshot(repo)
    assert snapshot(repo, ("*.bin",)).dirty is False


def _shared(repo: Path) -> None:
    (repo / ".autosota").mkdir()
    (repo / ".autosota").chmod(0o777)


def test_repository_of_another_user(
    shared_repo: Path, as_other: Callable[[Path], str], git: Git
) -> None:
    _shared(shared_repo)
    assert as_other(shared_repo) == git(shared_repo, "rev-parse", "HEAD").strip()


@pytest.mark.parametrize("name", ["secret", "hidden/"])
def test_unreadable_file_or_folder(
    shared_repo: Path, as_other: Callable[[Path], str], name: str
) -> None:
    _shared(shared_repo)
    place = shared_repo / name
    if name.endswith("/"):
        place.mkdir()
    else:
        place.write_text("")
    place.chmod(0)
    try:
        said = as_other(shared_repo)
    finally:
        place.chmod(0o755)
    assert said.startswith("cannot read") and str(place) in said and "\n" not in said


def test_merge_conflict(repo: Path, git: Git) -> None:
    git(repo, "checkout", "-qb", "other")
    (repo / "train.py").write_bytes(b"theirs\n")
    git(repo, "commit", "-qam", "theirs")
    git(repo, "checkout", "-q", "main")
    (repo / "train.py").write_bytes(b"ours\n")
    git(repo, "commit", "-qam", "ours")
    git(repo, "merge", "other", check=False)
    with pytest.raises(UserError, match=r"train\.py has a merge conflict"):
        snapshot(repo)


# ------------------------------------------------------------ kinds of repositories


def test_folder_without_git(tmp_path: Path, git: Git) -> None:
    folder = tmp_path / "plain"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "a.py").write_bytes(b"a\n")
    (folder / ".gitignore").write_bytes(b"*.log\n")
    (folder / "x.log").write_bytes(b"")
    taken = snapshot(folder)
    assert taken.head is None and taken.dirty
    assert content(folder, taken.commit) == {".gitignore": b"*.log\n", "sub/a.py": b"a\n"}
    assert snapshot(folder).commit == taken.commit
    assert not (folder / ".git").exists()
    git(folder, "init", "-q")  # and it may become a repository later
    assert snapshot(folder).commit == taken.commit


def test_repository_without_commits(tmp_path: Path, git: Git) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    git(folder, "init", "-q")
    assert content(folder, snapshot(folder).commit) == {}
    (folder / "a").write_bytes(b"a")
    taken = snapshot(folder)
    assert taken.head is None and content(folder, taken.commit) == {"a": b"a"}


def test_detached_head(repo: Path, git: Git) -> None:
    git(repo, "checkout", "-q", "--detach")
    assert snapshot(repo).commit == git(repo, "rev-parse", "HEAD").strip()


def test_shallow_clone(repo: Path, tmp_path: Path, git: Git) -> None:
    (repo / "train.py").write_bytes(b"second\n")
    git(repo, "commit", "-qam", "second")
    clone = tmp_path / "shallow"
    git(tmp_path, "clone", "-q", "--depth=1", repo.as_uri(), str(clone))
    (clone / "train.py").write_bytes(b"third\n")
    taken = snapshot(clone)
    assert content(clone, taken.commit)["train.py"] == b"third\n"
    store = f"--git-dir={clone / '.autosota' / 'store.git'}"
    assert len(git(clone, store, "rev-list", taken.commit).split()) == 2


def test_clone_that_borrows_as_deep_as_git_allows(repo: Path, tmp_path: Path, git: Git) -> None:
    last = repo
    for number in range(6):
        git(tmp_path, "clone", "-q", "--shared", str(last), f"clone{number}")
        last = tmp_path / f"clone{number}"
    assert git(last, "cat-file", "-t", "HEAD") == "commit\n"
    assert content(last, snapshot(last).commit)["train.py"].startswith(b"lr = 0.1")


def test_linked_worktree(repo: Path, tmp_path: Path, git: Git) -> None:
    linked = tmp_path / "linked tree"
    git(repo, "worktree", "add", "-q", str(linked), "-b", "side")
    (linked / "train.py").write_bytes(b"side\n")
    taken = snapshot(linked)
    assert content(linked, taken.commit)["train.py"] == b"side\n"
    inside = repo / "trees" / "a"
    git(repo, "worktree", "add", "-q", str(inside), "-b", "inside")
    taken = snapshot(repo)
    assert "trees/a is a worktree" in taken.notes[0]
    assert taken.commit == git(repo, "rev-parse", "HEAD").strip()


def test_sha256(tmp_path: Path, make: Callable[..., Path], git: Git) -> None:
    root = make(tmp_path / "sha256", "--object-format=sha256")
    assert len(snapshot(root).commit) == 64
    (root / "train.py").write_bytes(b"x\n")
    with GitWorkspace(root) as workspace:
        base = workspace.snapshot().commit
        new = workspace.commit(base, {"train.py": b"y\n", "run.sh": None}, "m")
        assert workspace.tree(new).read("train.py") == b"y\n"
        assert workspace.apply(base, new) == ("run.sh", "train.py")


def test_split_index(repo: Path, git: Git, untouched: Callable[[Path], object]) -> None:
    git(repo, "update-index", "--split-index")
    (repo / "train.py").write_bytes(b"x\n")
    for shared in (repo / ".git").glob("sharedindex.*"):
        os.utime(shared, (1, 1))  # git renews it when it reads it
    before = untouched(repo)
    assert content(repo, snapshot(repo).commit)["train.py"] == b"x\n"
    assert untouched(repo) == before


def test_hidden_edits_are_seen(repo: Path, git: Git) -> None:
    git(repo, "update-index", "--assume-unchanged", "train.py")
    git(repo, "update-index", "--skip-worktree", "run.sh")
    sizes = [(repo / name).stat().st_size for name in ("train.py", "run.sh")]
    (repo / "train.py").write_bytes(b"h" * sizes[0])
    (repo / "run.sh").write_bytes(b"H" * sizes[1])
    taken = snapshot(repo)
    found = content(repo, taken.commit)
    assert taken.dirty
    assert (found["train.py"], found["run.sh"]) == (b"h" * sizes[0], b"H" * sizes[1])


@pytest.mark.parametrize("sparse_index", [False, True])
def test_sparse_checkout(repo: Path, git: Git, sparse_index: bool) -> None:
    option = "--sparse-index" if sparse_index else "--no-sparse-index"
    (repo / "other").mkdir()
    (repo / "other" / "b.py").write_bytes(b"b\n")
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "other")
    git(repo, "sparse-checkout", "init", "--cone", option)
    git(repo, "sparse-checkout", "set", "src")
    assert not (repo / "other").exists()
    taken = snapshot(repo)
    assert taken.commit == taken.head and "sparse checkout: 1 tracked" in taken.notes[0]


def test_file_mode_that_does_not_count(repo: Path, git: Git) -> None:
    git(repo, "config", "core.fileMode", "false")
    (repo / "train.py").chmod(0o755)
    assert not snapshot(repo).dirty


def test_sub_folder(repo: Path, git: Git) -> None:
    (repo / "src" / "a.py").write_bytes(b"a\n")
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "a")
    taken = snapshot(repo / "src")
    assert not taken.dirty and taken.head == git(repo, "rev-parse", "HEAD").strip()
    assert content(repo / "src", taken.commit) == {
        "a.py": b"a\n",
        "modèle un.py": b"x = 1\r\ny = 2\r\n",
    }
    assert "the workspace is the folder src of" in taken.notes[0]
    assert snapshot(repo / "src").commit == taken.commit
    with GitWorkspace(repo / "src") as workspace:
        older = workspace.resolve("HEAD~1")
        assert workspace.tree(older).files() == ("modèle un.py",)
    (repo / "train.py").write_bytes(b"elsewhere\n")
    assert snapshot(repo / "src").commit == taken.commit
    (repo / "src" / "new.py").write_bytes(b"new\n")
    again = snapshot(repo / "src", ("a.py",))
    assert again.dirty
    assert set(content(repo / "src", again.commit)) == {"a.py", "modèle un.py", "new.py"}


def test_folder_that_its_repository_ignores_is_on_its_own(repo: Path) -> None:
    inner = repo / "cache" / "demo"
    inner.mkdir(parents=True)
    (inner / "a.py").write_bytes(b"a\n")
    taken = snapshot(inner)
    assert taken.head is None and content(inner, taken.commit) == {"a.py": b"a\n"}


def test_resolve(repo: Path, git: Git) -> None:
    with GitWorkspace(repo) as workspace:
        head = workspace.snapshot().commit
        assert workspace.resolve("main") == workspace.resolve(head[:9]) == head
        ours = workspace.commit(head, {"train.py": b""}, "ours")
        assert workspace.resolve(ours) == ours
        for wrong in ("nothing", "--all", "", "main:train.py"):
            with pytest.raises(UserError, match="names no commit"):
                workspace.resolve(wrong)


def test_broken_gitdir_file(tmp_path: Path) -> None:
    (tmp_path / ".git").write_text("gitdir: /nowhere/at/all\n")
    with pytest.raises(UserError, match=r"points to /nowhere/at/all"):
        GitWorkspace(tmp_path)


def test_tracked_state_folder_is_refused(repo: Path, git: Git) -> None:
    (repo / ".autosota").mkdir()
    (repo / ".autosota" / "ledger.sqlite").write_text("forged")
    git(repo, "add", "-f", ".autosota")
    with pytest.raises(UserError, match=r"is under version control"):
        snapshot(repo)


# ------------------------------------------------------------ submodules and nested repositories


@pytest.fixture
def with_submodules(repo: Path, tmp_path: Path, make: Callable[..., Path], git: Git) -> Path:
    """A repository with a submodule that has a submodule, at paths with spaces."""
    inner, middle = make(tmp_path / "inner"), make(tmp_path / "middle")
    git(middle, "submodule", "--quiet", "add", str(inner), "third party/inner")
    git(middle, "commit", "-qm", "inner")
    git(repo, "submodule", "--quiet", "add", str(middle), "libs/middle")
    git(repo, "commit", "-qm", "middle")
    git(repo, "submodule", "--quiet", "update", "--init", "--recursive")
    return repo


def test_submodules_are_flattened(with_submodules: Path, untouched: Callable[..., object]) -> None:
    root = with_submodules
    before = untouched(root)
    taken = snapshot(root)
    assert not taken.dirty and taken.commit != taken.head
    assert [n.split(":")[0] for n in taken.notes] == [
        "submodule libs/middle",
        "submodule libs/middle/third party/inner",
    ]
    found = content(root, taken.commit)
    assert found["libs/middle/third party/inner/train.py"].startswith(b"lr = 0.1")
    with GitWorkspace(root) as workspace:
        workspace.checkout(taken.commit, root / ".autosota" / "out")
    out = root / ".autosota" / "out"
    assert (out / "libs/middle/third party/inner/run.sh").stat().st_mode & 0o100
    assert not list(out.rglob(".git"))
    assert untouched(root) == before
    (root / "libs/middle/third party/inner/train.py").write_bytes(b"edited\n")
    again = snapshot(root)
    assert again.dirty and again.commit != taken.commit
    with GitWorkspace(root / "libs/middle") as workspace:  # its store is in .git/modules
        assert workspace.snapshot().dirty


def test_submodule_that_is_not_checked_out(with_submodules: Path, git: Git) -> None:
    git(with_submodules, "submodule", "--quiet", "deinit", "-f", "libs/middle")
    taken = snapshot(with_submodules)
    assert "libs/middle is not checked out" in taken.notes[0] and not taken.dirty
    assert not [p for p in content(with_submodules, taken.commit) if p.startswith("libs/")]


def test_excluded_submodule(with_submodules: Path) -> None:
    (with_submodules / "libs" / "middle" / "untracked.py").write_bytes(b"x")
    taken = snapshot(with_submodules, ("libs",))
    assert not [p for p in content(with_submodules, taken.commit) if p.startswith("libs/")]


def test_nested_repository(repo: Path, make: Callable[..., Path], git: Git) -> None:
    make(repo / "vendor" / "tool")
    (repo / "vendor" / "empty").mkdir()
    git(repo / "vendor" / "empty", "init", "-q")
    taken = snapshot(repo)
    assert taken.dirty
    assert "nested repository vendor/tool: its 5 checked-out files" in " ".join(taken.notes)
    assert content(repo, taken.commit)["vendor/tool/train.py"].startswith(b"lr = 0.1")


def test_virtual_environment_is_left_out(repo: Path) -> None:
    (repo / "env" / "lib").mkdir(parents=True)
    (repo / "env" / "pyvenv.cfg").write_text("")
    (repo / "env" / "lib" / "a.py").write_text("")
    taken = snapshot(repo)
    assert taken.commit == taken.head and "env/ is a virtual environment" in taken.notes[0]


# ------------------------------------------------------------ conversions


def test_lfs_pointers_with_a_failing_filter(repo: Path, git: Git) -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64
    pointer += b"\nsize 9\n"
    (repo / ".gitattributes").write_text("*.bin filter=lfs diff=lfs merge=lfs -text\n")
    (repo / "model.bin").write_bytes(pointer)
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "lfs")
    for name in ("clean", "smudge", "process"):
        git(repo, "config", f"filter.lfs.{name}", "false")
    git(repo, "config", "filter.lfs.required", "true")
    taken = snapshot(repo)
    assert taken.commit == taken.head and content(repo, taken.commit)["model.bin"] == pointer
    (repo / "model.bin").write_bytes(b"\0real weights")
    (repo / "other.bin").write_bytes(b"\1more")
    with GitWorkspace(repo) as workspace:
        taken = workspace.snapshot()
        workspace.checkout(taken.commit, repo / ".autosota" / "out")
    assert (repo / ".autosota" / "out" / "model.bin").read_bytes() == b"\0real weights"
    assert content(repo, taken.commit)["other.bin"] == b"\1more"


def test_smudged_file_is_taken_as_it_lies(repo: Path, git: Git) -> None:
    git(repo, "config", "filter.lfs.clean", "echo pointer")
    git(repo, "config", "filter.lfs.smudge", "echo real")
    (repo / ".gitattributes").write_text("*.bin filter=lfs\n")
    (repo / "model.bin").write_bytes(b"the real weights\n")
    os.utime(repo / "model.bin", (1_700_000_000, 1_700_000_000))  # older than the index
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "lfs")
    assert git(repo, "status", "--porcelain") == ""
    taken = snapshot(repo)
    assert content(repo, taken.commit)["model.bin"] == b"the real weights\n"
    assert not taken.dirty  # for git, and so for its user, nothing changed


def test_filter_that_keeps_the_size(repo: Path, git: Git) -> None:
    git(repo, "config", "filter.rot.clean", "tr a b")
    git(repo, "config", "filter.rot.smudge", "tr b a")
    (repo / ".gitattributes").write_text("*.txt filter=rot\n")
    (repo / "a.txt").write_bytes(b"aaaa\n")
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "rot")
    os.utime(repo / ".git" / "index", (2_000_000_000, 2_000_000_000))  # nothing looks racy
    assert content(repo, snapshot(repo).commit)["a.txt"] == b"aaaa\n"


@pytest.mark.parametrize(
    "attributes",
    ["* text=auto eol=crlf", "* text", "*.py ident", "*.py working-tree-encoding=UTF-16"],
)
def test_no_conversion_in_or_out(repo: Path, attributes: str) -> None:
    raw = b"$Id$\nunix\ndos\r\n"
    (repo / ".gitattributes").write_text(attributes + "\n")
    (repo / "new.py").write_bytes(raw)
    with GitWorkspace(repo) as workspace:
        commit = workspace.snapshot().commit
        assert workspace.tree(commit).read("new.py") == raw
        workspace.checkout(commit, repo / ".autosota" / "out")
    assert (repo / ".autosota" / "out" / "new.py").read_bytes() == raw


def test_autocrlf_of_the_user(repo: Path, git: Git) -> None:
    git(repo, "config", "core.autocrlf", "true")
    (repo / "dos.py").write_bytes(b"a\r\nb\r\n")
    git(repo, "add", "dos.py")
    git(repo, "commit", "-qm", "dos")
    assert content(repo, snapshot(repo).commit)["dos.py"] == b"a\r\nb\r\n"


def test_strange_names(repo: Path) -> None:
    names = ['a "quoted".py', "tab\there", "line\nbreak", "back\\slash", "-x", ":(top)y", "end\r"]
    raw = os.fsdecode(b"latin\xe9.py")
    for name in [*names, raw]:
        (repo / name).write_bytes(os.fsencode(name))
    (repo / "link\n").symlink_to('to "it"')
    found = content(repo, snapshot(repo).commit)
    assert {n: found[n] for n in [*names, raw]} == {n: os.fsencode(n) for n in [*names, raw]}
    assert found["link\n"] == b'to "it"'


def test_fifos_and_sockets_are_passed_over(repo: Path) -> None:
    os.mkfifo(repo / "pipe")
    assert not snapshot(repo).dirty


# ------------------------------------------------------------ nothing of theirs is run or written


def test_no_configured_program_runs(
    repo: Path, tmp_path: Path, git: Git, untouched: Callable[..., object]
) -> None:
    mark = tmp_path / "mark"
    program = tmp_path / "hostile"
    program.write_text(f"#!/bin/sh\necho $0 $* >> '{mark}'\ncat\n")
    program.chmod(0o755)
    (repo / ".gitattributes").write_text("* filter=evil diff=evil merge=evil\n")
    (repo / "train.py").write_bytes(b"changed\n")
    for name in ("post-index-change", "pre-commit", "post-checkout", "reference-transaction"):
        hook = repo / ".git" / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\necho {name} >> '{mark}'\n")
        hook.chmod(0o755)
    for key in (
        "filter.evil.clean",
        "filter.evil.smudge",
        "filter.evil.process",
        "diff.evil.command",
        "diff.evil.textconv",
        "merge.evil.driver",
        "diff.external",
        "core.fsmonitor",
        "core.sshCommand",
        "core.pager",
        "core.editor",
        "gpg.program",
        "credential.helper",
    ):
        git(repo, "config", key, str(program))
    git(repo, "config", "commit.gpgSign", "true")
    git(repo, "config", "core.hooksPath", str(repo / ".git" / "hooks"))
    before = untouched(repo)
    with GitWorkspace(repo) as workspace:
        base = workspace.snapshot().commit
        new = workspace.commit(base, {"train.py": b"better\n"}, "m")
        workspace.diff(base, new)
        workspace.checkout(new, repo / ".autosota" / "out")
        workspace.keep("a", new)
        assert untouched(repo) == before
        workspace.apply(base, new)
    assert not mark.exists()
    assert git(repo, "-c", "core.fsmonitor=", "diff", "--cached", "--no-ext-diff") == ""


def test_a_store_that_came_with_a_clone_does_not_configure_us(repo: Path, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    store = repo / ".autosota" / "store.git"
    (store / "info").mkdir(parents=True)
    (store / "config").write_text(f"[filter \"evil\"]\nclean = touch '{mark}'\n")
    (store / "info" / "attributes").write_text("* filter=evil\n")
    (repo / "train.py").write_bytes(b"x\n")
    with GitWorkspace(repo) as workspace:
        workspace.checkout(workspace.snapshot().commit, repo / ".autosota" / "out")
    assert not mark.exists() and "evil" not in (store / "config").read_text()


def test_user_repository_is_byte_equal(
    repo: Path, git: Git, untouched: Callable[..., object]
) -> None:
    git(repo, "gc", "-q")
    for path in (repo / ".git").rglob("*"):  # so that a renewed time stamp shows
        if path.is_file():
            os.utime(path, (1_700_000_000, 1_700_000_000))
    (repo / "train.py").touch()  # stat-dirty: `git status` would refresh the index
    (repo / "copy.py").write_bytes((repo / "run.sh").read_bytes())  # an object that they have
    before = untouched(repo)
    with GitWorkspace(repo) as workspace:
        base = workspace.snapshot().commit
        same = (repo / "train.py").read_bytes()
        new = workspace.commit(base, {"other.py": same, "z/a.py": b"z"}, "m")
        workspace.diff(base, new)
        workspace.tree(new).read("train.py")
        workspace.checkout(new, repo / ".autosota" / "out")
        workspace.keep("campaign/base", base)
    assert untouched(repo) == before


def test_object_folder_may_be_read_only(repo: Path) -> None:
    done = subprocess.run(["chmod", "-R", "a-w", str(repo / ".git")], check=True, timeout=10)
    assert done.returncode == 0
    try:
        (repo / "train.py").write_bytes(b"x\n")
        assert snapshot(repo).dirty
    finally:
        subprocess.run(["chmod", "-R", "u+w", str(repo / ".git")], check=True, timeout=10)
