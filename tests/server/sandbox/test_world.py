"""The command line of a run."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from autosota.agents.domain import Environment
from autosota.server.sandbox import world


@pytest.mark.parametrize("run_dir", ["/plain/dir", "/with space/x", "/q'u\"o$te`/\\x", "/ünï/❄"])
def test_placeholders_survive_the_shell(run_dir):
    command = (
        "printf '%s|' {seed} --out={run_dir}/a \"{run_dir}/b\" '{run_dir}/c' \\\"x ${HOME:+y} {a,b}"
    )
    filled = world.fill_in(command, seed=7, run_dir=Path(run_dir))
    done = subprocess.run(["/bin/sh", "-c", filled], capture_output=True, text=True, check=True)
    assert done.stdout.split("|")[:4] == [
        "7",
        f"--out={run_dir}/a",
        f"{run_dir}/b",
        f"{run_dir}/c",
    ]
    assert done.stdout.endswith('"x|y|{a,b}|')


def test_libraries_start_a_thread_per_processor_unless_the_user_says_otherwise():
    assert set(world.threads({}, 2).values()) == {"2"}
    assert {"OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"} <= set(
        world.threads({}, 2)
    )
    given = world.threads({"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "3", "HOME": "/h"}, 8)
    assert given["OMP_NUM_THREADS"] == given["OPENBLAS_NUM_THREADS"] == "1"
    assert given["MKL_NUM_THREADS"] == "3" and "HOME" not in given


def test_gpu_variables_pass_only_with_gpus(tmp_path):
    environ = {"CUDA_VISIBLE_DEVICES": "1", "OPENBLAS_CORETYPE": "Haswell", "TOKEN": "t"}
    places = {"programs": (), "checkout": tmp_path, "run_dir": tmp_path, "home": tmp_path}
    for gpus, seen in ((0, ""), (1, "1")):
        out = world.variables(
            environ, Environment(gpus=gpus, network=True), temporary=tmp_path, seed=1, **places
        )
        assert out["CUDA_VISIBLE_DEVICES"] == seen
        assert out["OPENBLAS_CORETYPE"] == "Haswell"
        assert "TOKEN" not in out and "HF_HUB_OFFLINE" not in out
