"""What a run left behind: links, pipes, setuid files, a hundred thousand files, odd names."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from autosota.server.sandbox.artefacts import tame, trim


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def test_what_could_harm_a_reader_is_gone_and_the_rest_is_there(out: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("labels")
    (out / "sub").mkdir()
    (out / "a.txt").write_text("a")
    (out / "sub" / "near").symlink_to("../a.txt")
    (out / "far").symlink_to(tmp_path / "secret")
    (out / "up").symlink_to("../secret")
    (out / "sub" / "way").symlink_to(tmp_path)
    os.mkfifo(out / "pipe")
    (out / "line\nbreak").write_text("x")
    (out / "root-shell").write_text("#!/bin/sh\n")
    (out / "root-shell").chmod(0o6755)
    (out / "shared").mkdir()
    (out / "shared").chmod(0o2775)
    (out / "locked").mkdir()
    (out / "locked" / "link").symlink_to("/etc/passwd")
    (out / "locked").chmod(0)
    tame(out)
    left = sorted(str(p.relative_to(out)) for p in out.rglob("*"))
    assert left == [
        *(
            "a.txt",
            "line\nbreak",
            "locked",
            "root-shell",
            "shared",
            "sub",
            os.path.join("sub", "near"),
        )
    ]
    assert stat.S_IMODE((out / "root-shell").stat().st_mode) == 0o755
    assert not (out / "shared").stat().st_mode & stat.S_ISGID
    assert (tmp_path / "secret").read_text() == "labels"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can make a device file to begin with")
def test_a_device_file(out: Path) -> None:
    os.mknod(out / "zero", 0o666 | stat.S_IFCHR, os.makedev(1, 5))
    tame(out)
    assert list(out.iterdir()) == []


def test_too_many_and_too_large(out: Path) -> None:
    (out / "many").mkdir()
    for number in range(300):
        (out / "many" / f"{number:03}").write_bytes(b"x")
    (out / "big.bin").write_bytes(b"x" * 500_000)
    (out / "pred.csv").write_bytes(b"x" * 50_000)
    notes = trim(out, 200_000, most_files=20)
    assert notes == [
        "282 of 302 result files removed: 20 are kept of one run",
        "'big.bin' removed: results above 200000 bytes are not kept",
    ]
    assert (out / "pred.csv").exists()
    assert len(list((out / "many").iterdir())) == 18
    assert trim(out, 10**9) == []


def test_a_tree_too_deep_to_be_named_goes_and_its_neighbours_stay(out: Path) -> None:
    (out / "good.txt").write_text("x")
    here = os.getcwd()
    os.chdir(out)
    try:
        for _ in range(600):
            os.mkdir("deepest")
            os.chdir("deepest")
    finally:
        os.chdir(here)
    tame(out)
    assert [p.name for p in out.iterdir()] == ["good.txt"]
