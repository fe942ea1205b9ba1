"""Measuring, removing, reading and writing in trees that a hostile program made."""

from __future__ import annotations

import os

import pytest

from autosota.server.sandbox import disk


def test_a_tree_deeper_than_a_path_is_noticed_and_removed(tmp_path):
    top = tmp_path / "top"
    top.mkdir()
    (top / "file").write_bytes(b"x" * 10_000)
    before = os.getcwd()
    try:
        os.chdir(top)
        for _ in range(1100):  # deeper than Python's recursion, too
            os.mkdir("deepest")
            os.chdir("deepest")
    finally:
        os.chdir(before)
    size, complete = disk.measure([top])
    assert size > 10_000
    assert not complete
    disk.remove(top)
    assert list(tmp_path.iterdir()) == []


def test_measuring_follows_no_link_and_a_sparse_file_is_small(tmp_path):
    (tmp_path / "big").write_bytes(b"x" * 2**20)
    own = tmp_path / "own"
    own.mkdir()
    (own / "link").symlink_to(tmp_path)
    with (own / "sparse").open("wb") as file:
        file.truncate(2**30)
    size, complete = disk.measure([own])
    assert complete
    assert size < 2**16


def test_removing_a_link_leaves_its_target(tmp_path):
    target = tmp_path / "target"
    target.mkdir()
    (tmp_path / "link").symlink_to(target)
    disk.remove(tmp_path / "link")
    disk.remove(tmp_path / "nothing")
    assert list(tmp_path.iterdir()) == [target]


def test_writing_never_follows_a_link(tmp_path):
    victim, root = tmp_path / "victim", tmp_path / "root"
    victim.mkdir()
    root.mkdir()
    (root / "a").symlink_to(victim)
    (root / "b").write_text("a file")
    disk.write_inside(root, "a/x.txt", b"1")
    disk.write_inside(root, "b/x.txt", b"2")
    assert list(victim.iterdir()) == []
    assert (root / "a/x.txt").read_bytes() == b"1"
    for path in ("../x", "/x", "a/../../x", ""):
        with pytest.raises(ValueError):
            disk.write_inside(root, path, b"")


def test_reading_opens_regular_files_only(tmp_path):
    root = tmp_path / "root"
    (root / "d").mkdir(parents=True)
    (root / "d" / "f").write_bytes(b"12345")
    (tmp_path / "secret").write_bytes(b"s")
    (root / "link").symlink_to(tmp_path / "secret")
    (root / "dir").symlink_to(tmp_path)
    os.mkfifo(root / "pipe")
    assert disk.read_inside(root, "d/f", 5) == b"12345"
    for path in ("link", "dir/secret", "pipe", "d", "../secret", "d/missing"):
        with pytest.raises(OSError):
            disk.read_inside(root, path, 5)
    with pytest.raises(OSError, match="larger"):
        disk.read_inside(root, "d/f", 4)
