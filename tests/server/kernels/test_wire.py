"""The private folder, and how both ends are told of the sockets."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import pytest

from autosota.server.containers.walls import User
from autosota.server.kernels import wire
from autosota.server.kernels.wire import Meeting

ME = User(os.getuid(), os.getgid(), (os.getuid(), os.getgid()))


@pytest.fixture
def meeting():
    made = Meeting()
    yield made
    made.close()


def test_both_ends_name_the_same_files(meeting: Meeting):
    one = wire.ipc(meeting, b"secret", "hmac-sha256", encrypt=False)
    outside, inside = one.info, json.loads(one.inside)
    assert outside["ip"] == f"{meeting.shared}/k"
    assert inside["ip"] == "/run/autosota/k"
    assert outside["key"] == b"secret" and inside["key"] == "secret"
    ports = {key: value for key, value in outside.items() if key.endswith("_port")}
    assert ports == {key: value for key, value in inside.items() if key.endswith("_port")}
    assert sorted(ports.values()) == [1, 2, 3, 4, 5]


def test_names_of_sockets_are_short_enough_wherever_temporary_files_are(monkeypatch, tmp_path):
    long = tmp_path / ("x" * 100)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    made = Meeting()
    try:
        beside = wire.beside(made.shared, b"k", "hmac-sha256", encrypt=False)
        assert len(f"{beside.ip}-5".encode()) <= 107
        assert not made.folder.is_relative_to(long)
    finally:
        made.close()


def test_the_folder_is_for_its_user_only_and_holds_the_connection(meeting: Meeting):
    one = wire.ipc(meeting, b"secret", "hmac-sha256", encrypt=True)
    meeting.open(ME, one)
    assert meeting.folder.stat().st_mode & 0o777 == 0o700
    assert meeting.shared.stat().st_mode & 0o777 == 0o700
    file = meeting.shared / "kernel.json"
    assert file.stat().st_mode & 0o777 == 0o600
    told = json.loads(file.read_text())
    assert told["curve_secretkey"] == one.info["curve_secretkey"]


def test_what_a_dead_kernel_planted_is_not_written_through(meeting: Meeting, tmp_path: Path):
    one = wire.ipc(meeting, b"secret", "hmac-sha256", encrypt=False)
    meeting.open(ME, one)
    precious = tmp_path / "precious"
    precious.write_text("mine")
    (meeting.shared / "kernel.json").unlink()
    (meeting.shared / "kernel.json").symlink_to(precious)
    (meeting.shared / "k-1").symlink_to(precious)
    meeting.open(ME, one)
    assert precious.read_text() == "mine"
    assert sorted(os.listdir(meeting.shared)) == ["kernel.json"]
    assert not (meeting.shared / "kernel.json").is_symlink()


def test_a_folder_that_is_closed_is_gone_with_all_in_it(meeting: Meeting):
    meeting.open(ME)
    deep = meeting.shared / "a/b/c"
    deep.mkdir(parents=True)
    deep.chmod(0)
    meeting.close()
    meeting.close()
    assert not meeting.folder.exists()


def test_published_ports_are_the_engines_to_choose():
    one = wire.tcp(b"k", "hmac-sha256", encrypt=True)
    inside = json.loads(one.inside)
    assert one.info["ip"] == "127.0.0.1" and set(one.ports) == {0}
    assert inside["ip"] == "0.0.0.0" and inside["shell_port"] > 1024
    assert one.file == "/tmp/kernel.json"
