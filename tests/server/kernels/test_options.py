"""What a kernelspec may say about its container."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from autosota.server.errors import UserError
from autosota.server.kernels.options import Extra, Options, read_options


def refused(table: dict, words: str) -> None:
    with pytest.raises(UserError) as told:
        read_options(table, "/k/kernel.json")
    text = str(told.value)
    assert text.startswith("/k/kernel.json: metadata.kernel_provisioner.config.")
    assert words in text
    assert "\n" not in text


def test_an_empty_table_is_our_own_kernel():
    assert read_options({}) == Options()


def test_values_are_read_with_their_units(tmp_path: Path):
    table = {"memory": "2GiB", "cpus": 1.5, "pool": 2, "pool_idle": "5m", "gpu_devices": ["1"]}
    table["mounts"] = [{"source": str(tmp_path), "target": "/data"}]
    options = read_options(table)
    assert options.memory_bytes == 2 * 2**30
    assert options.cpus == 1.5
    assert (options.pool, options.pool_idle_seconds) == (2, 300.0)
    assert options.gpu_devices == ("1",)
    assert options.mounts == (Extra(tmp_path, Path("/data"), False),)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"memroy": "1GiB"}, "did you mean 'memory'?"),
        ({"memory": "1 bucket"}, "is not a size"),
        ({"processes": 3}, "too small"),
        ({"cpus": -1}, "is negative"),
        ({"workspace": "data"}, "is not absolute"),
        ({"transport": "pigeon"}, "is not known"),
        ({"network": "yes"}, "is not true or false"),
        ({"command": ["python"]}, "{connection_file}"),
        ({"image": "a", "base": "b"}, "`image` names a"),
        ({"mounts": [{"source": "/does/not/exist"}]}, "does not exist"),
        ({"mounts": [{"target": "/data"}]}, "missing; the file or folder of this machine"),
    ],
)
def test_what_cannot_be_used_is_told_in_one_line(table: dict, words: str):
    refused(table, words)


def test_a_socket_is_never_mounted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as one:
        one.bind("engine.sock")
        refused({"mounts": [{"source": str(tmp_path / "engine.sock")}]}, "is a socket")
