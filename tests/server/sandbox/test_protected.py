"""Hashes of evaluator, data and labels."""

from __future__ import annotations

import os

import pytest

from autosota.agents.code.tree import MemoryTree
from autosota.agents.domain import Protocol
from autosota.server.errors import UserError
from autosota.server.sandbox import protected


def test_evaluator_hash_names_content_and_place():
    tree = MemoryTree({"a.py": b"1", "b.py": b"2"})
    base = protected.evaluator_hash(tree, ["a.py", "b.py"])
    assert base == protected.evaluator_hash(tree, ["b.py", "a.py", "a.py"])
    assert base != protected.evaluator_hash(MemoryTree({"a.py": b"1"}), ["a.py", "b.py"])
    assert base != protected.evaluator_hash(MemoryTree({"a.py": b"2", "b.py": b"1"}), tree.files())


def test_one_byte_of_data_is_noticed_and_named(tmp_path):
    (tmp_path / "data").mkdir()
    for name in ("a", "b"):
        (tmp_path / "data" / name).write_bytes(b"x" * 10)
    before = protected.manifest(tmp_path, ["data/**"])
    assert before.changed(["data/**"]) == []
    found = os.stat(tmp_path / "data" / "b")
    (tmp_path / "data" / "b").write_bytes(b"x" * 9 + b"y")
    os.utime(tmp_path / "data" / "b", ns=(found.st_atime_ns, found.st_mtime_ns))
    (tmp_path / "data" / "c").write_bytes(b"")
    assert before.changed(["data/**"]) == ["data/b: changed", "data/c: new"]
    (tmp_path / "data" / "a").unlink()
    assert before.changed() == ["data/a: gone", "data/b: changed"]
    assert protected.manifest(tmp_path, ["data/**"]).sha256 != before.sha256


def test_a_touched_file_is_the_same(tmp_path):
    (tmp_path / "a").write_bytes(b"x")
    before = protected.manifest(tmp_path, ["a"])
    os.utime(tmp_path / "a", ns=(1, 1))
    assert before.changed() == []


def test_the_cache_spares_reading_and_is_not_believed_when_broken(tmp_path, monkeypatch):
    root, cache = tmp_path / "r", tmp_path / "cache"
    root.mkdir()
    (root / "a").write_bytes(b"x")
    reads: list[object] = []
    plain = protected._content
    monkeypatch.setattr(protected, "_content", lambda p, r: reads.append(p) or plain(p, r))
    first = protected.manifest(root, ["a"], cache)
    assert protected.manifest(root, ["a"], cache) == first
    assert len(reads) == 1
    (root / "a").write_bytes(b"y")
    assert protected.manifest(root, ["a"], cache).sha256 != first.sha256
    for file in cache.iterdir():
        file.write_bytes(b"{broken")
    protected.manifest(root, ["a"], cache)
    assert len(reads) == 3
    assert len(list(cache.iterdir())) == 1


def test_links_and_unreadable_things(tmp_path):
    (tmp_path / "gone").symlink_to(tmp_path / "nothing")
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "f").write_text("1")
    (tmp_path / "folder").symlink_to(tmp_path / "real")
    (tmp_path / "real" / "up").symlink_to(tmp_path)
    before = protected.manifest(tmp_path, ["gone", "folder", "real"])
    assert before.changed() == []
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UserError, match=r"pipe: cannot be read"):
        protected.manifest(tmp_path, ["pipe"])


def test_data_and_labels_have_one_hash(tmp_path):
    (tmp_path / "x").write_text("1")
    (tmp_path / "y").write_text("2")
    one = protected.guard_data(tmp_path, Protocol(data=("x",), labels=("y",)))
    other = protected.guard_data(tmp_path, Protocol(data=("y",), labels=("x",)))
    assert one.sha256 != other.sha256
    (tmp_path / "y").write_text("3")
    assert one.changed() == ["y: changed"]
