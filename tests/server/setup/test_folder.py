from __future__ import annotations

import os

import pytest

from autosota.server.setup import folder
from autosota.server.setup.folder import FolderTree


def test_what_is_nobodys_experiment_is_left_out(tmp_path):
    names = (
        ".git/HEAD .autosota/x venv/lib/a.py myenv/pyvenv.cfg myenv/b.py node_modules/c.py "
        "a/__pycache__/d.pyc a/e.py été/f.py .github/g.yml"
    )
    for path in names.split():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("")
    assert FolderTree(tmp_path).files() == [".github/g.yml", "a/e.py", "été/f.py"]


def test_linked_folders_are_not_followed_and_linked_files_are_read(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.txt").write_text("a")
    (tmp_path / "real" / "loop").symlink_to(tmp_path)
    (tmp_path / "b.txt").symlink_to(tmp_path / "real" / "a.txt")
    (tmp_path / "dead").symlink_to("nowhere")
    tree = FolderTree(tmp_path)
    assert tree.files() == ["b.txt", "real/a.txt"]
    assert tree.read("b.txt") == b"a"
    with pytest.raises(FileNotFoundError):
        tree.read("nothing")


def test_bounds(tmp_path, monkeypatch):
    monkeypatch.setattr(folder, "MOST_IN_FOLDER", 3)
    monkeypatch.setattr(folder, "READ_BYTES", 5)
    monkeypatch.setattr(folder, "MOST_DEEP", 2)
    for name in "abcde":
        (tmp_path / name).write_text("0123456789")
    tree = FolderTree(tmp_path)
    assert (tree.files(), tree.cut) == (["a", "b", "c"], True)
    assert tree.read("a") == b"01234"
    deep = tmp_path / "x" / "y"
    deep.mkdir(parents=True)
    (deep / "z.py").write_text("")
    for name in "abcde":
        os.unlink(tmp_path / name)
    tree = FolderTree(tmp_path)
    assert (tree.files(), tree.cut) == ([], True)


def test_a_pipe_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "pipe.py")
    assert FolderTree(tmp_path).files() == []


def test_a_file_that_cannot_be_read_counts_as_empty(tmp_path):
    (tmp_path / "a.py").write_text("x")
    tree = FolderTree(tmp_path)
    (tmp_path / "a.py").unlink()
    (tmp_path / "a.py").mkdir()
    assert tree.read("a.py") == b"" and tree.unreadable == ["a.py"]
