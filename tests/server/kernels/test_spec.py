"""Registering kernels, and the command line for it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from autosota.server.cli.main import call
from autosota.server.errors import UserError
from autosota.server.kernels import spec
from autosota.server.kernels.options import read_options


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment's kernelspecs, which clients look at."""
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "env/share/jupyter"))
    return tmp_path / "env/share/jupyter/kernels"


def test_a_kernelspec_is_written_found_and_removed(place: Path):
    made = spec.install("mine", "Mine", {"memory": "1GiB"}, place)
    assert made.folder == place / "mine"
    told = json.loads((made.folder / "kernel.json").read_text())
    assert told["metadata"]["kernel_provisioner"] == {
        "provisioner_name": "autosota-docker",
        "config": {"memory": "1GiB"},
    }
    assert told["interrupt_mode"] == "message"
    assert told["argv"][0] == sys.executable
    assert str(made.folder) in told["argv"]
    assert made in spec.installed()
    assert [p.name for p in place.iterdir()] == ["mine"], "nothing half-made is left"
    spec.install("mine", "Mine", {"memory": "2GiB"}, place)
    assert spec.read(made.folder).table == {"memory": "2GiB"}
    spec.remove("mine")
    assert not made.folder.exists()


def test_jupyter_itself_finds_it(place: Path):
    from jupyter_client.kernelspec import KernelSpecManager

    spec.install("mine", "Mine", {}, place)
    assert KernelSpecManager().get_kernel_spec("mine").display_name == "Mine"


def test_an_environment_without_the_provisioner_finds_it_too(place: Path):
    made = spec.install("mine", "Mine", {"memory": "1GiB"}, place, everywhere=True)
    told = json.loads((made.folder / "kernel.json").read_text())
    assert "kernel_provisioner" not in told["metadata"]
    assert spec.installed() == (made,)
    assert read_options(made.table).memory_bytes == 2**30


def test_others_kernels_are_left_alone(place: Path):
    other = place / "python3"
    other.mkdir(parents=True)
    text = json.dumps({"argv": ["python"], "display_name": "Python", "language": "python"})
    (other / "kernel.json").write_text(text)
    with pytest.raises(UserError, match="is another kernel's; choose another --name"):
        spec.install("python3", "Mine", {}, place)
    with pytest.raises(UserError, match="'python3' is no kernel of ours; known: there is none"):
        spec.remove("python3")
    assert (other / "kernel.json").read_text() == text


@pytest.mark.parametrize("name", ["", "a/b", "..", "Ä", "a b"])
def test_a_name_that_is_none_is_told(place: Path, name: str):
    with pytest.raises(UserError, match="is no name of a kernel"):
        spec.install(name, "x", {}, place)


def test_an_option_that_cannot_be_used_is_not_written(place: Path):
    with pytest.raises(UserError, match="is not a size"):
        spec.install("mine", "Mine", {"memory": "much"}, place)
    assert not place.exists()


def test_where_kernelspecs_go(monkeypatch, tmp_path: Path):
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "data"))
    assert spec.destination(user=True) == tmp_path / "data/kernels"
    assert spec.destination(prefix=Path("/opt/e")) == Path("/opt/e/share/jupyter/kernels")
    monkeypatch.setattr(sys, "prefix", "/opt/venv")
    monkeypatch.setattr(sys, "base_prefix", "/usr")
    assert spec.destination() == Path("/opt/venv/share/jupyter/kernels")
    monkeypatch.setattr(sys, "prefix", "/usr")
    assert spec.destination() == tmp_path / "data/kernels"


def test_the_command_registers_lists_and_removes(place, base_image, kernel_image, tmp_path, capsys):
    prefix = str(tmp_path / "env")
    words = ["kernel", "install", "--prefix", prefix, "--image", base_image, "--memory", "1GiB"]
    assert call([*words, "--gpus", "0"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("container engine: "), "the endpoint is shown before code is mounted"
    assert f"registered 'Python (AutoSOTA Docker)' as autosota-docker in {place}" in out
    told = json.loads((place / "autosota-docker/kernel.json").read_text())
    config = told["metadata"]["kernel_provisioner"]["config"]
    assert config == {"base": base_image, "memory": "1GiB", "pool": 1}
    assert call(["kernel", "list"]) == 0
    assert "autosota-docker          Python (AutoSOTA Docker)" in capsys.readouterr().out
    assert call(["kernel", "remove", "autosota-docker"]) == 0
    assert call(["kernel", "remove", "autosota-docker"]) == 2
    assert "is no kernel of ours" in capsys.readouterr().err


def test_what_was_registered_starts(place, base_image, kernel_image, tmp_path, workspace, capsys):
    from tests.server.kernels.conftest import Jupyter

    prefix = str(tmp_path / "env")
    words = ["kernel", "install", "--prefix", prefix, "--image", base_image, "--gpus", "0"]
    assert call([*words, "--name", "mine", "--pool", "0"]) == 0
    jupyter = Jupyter(tmp_path, "", workspace)
    with jupyter.kernel("mine") as kernel:
        assert kernel.run("import sys; print(sys.prefix)") == "/opt/autosota\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--user", "--sys-prefix"], "exclude each other"),
        (["--as-is"], "--image, which is missing"),
        (["--as-is", "--image", "x", "--with", "y"], "--as-is does not"),
        (["--memory", "much"], "memory: 'much' is not a size"),
    ],
)
def test_misuse_of_the_command_is_one_line(words, told, capsys):
    assert call(["kernel", "install", *words]) == 2
    assert told in capsys.readouterr().err


def test_gpus_that_are_not_there_are_told_before_anything_is_registered(
    place, base_image, kernel_image, tmp_path, capsys
):
    from autosota.server.containers import gpus

    if gpus.installed():
        pytest.skip("there are GPUs here")
    words = ["kernel", "install", "--prefix", str(tmp_path / "env"), "--image", base_image]
    assert call([*words, "--gpus", "1"]) == 2
    assert "GPU" in capsys.readouterr().err
    assert not place.exists()


def test_clean_removes_what_a_killed_process_left(engine, kernel_image, capsys):
    import os

    from autosota.server.containers.labels import OWNER, USER, owner

    labels = {OWNER: owner()[:-1] + "0000", USER: str(os.getuid()), "autosota.role": "kernel"}
    left = engine.client.api.create_container(kernel_image, ["true"], labels=labels)["Id"]
    assert call(["kernel", "list"]) == 0
    assert "its owner is gone" in capsys.readouterr().out
    assert call(["kernel", "clean"]) == 0
    assert "removed what killed processes left behind: " in capsys.readouterr().out
    assert not engine.client.api.containers(all=True, filters={"id": left})
