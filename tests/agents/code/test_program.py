"""Which files a command starts, what they import, and who calls whom."""

from __future__ import annotations

import pytest

from autosota.agents.code.command import started_by
from autosota.agents.code.program import Program
from autosota.agents.code.tree import MemoryTree

FILES = MemoryTree(
    {
        "train.py": b"",
        "src/app/run.py": b"",
        "pkg/__init__.py": b"",
        "pkg/__main__.py": b"",
        "pkg/main.py": b"",
        "scripts/go.sh": b"#!/bin/sh\ncd .\npython train.py --lr 1 \\\n  --out $1\n",
        "Makefile": b"PY = python\nall: data\n\t@echo hi\nrun: prepare\n"
        b"\t$(PY) train.py --seed $(SEED)\nprepare:\n\tpython pkg/main.py\n",
    }
)


@pytest.mark.parametrize(
    ("command", "paths"),
    [
        ("python train.py --seed 1", ["train.py"]),
        ("python3.11 -u ./train.py", ["train.py"]),
        ("python -m pkg.main --x", ["pkg/main.py"]),
        ("python -m pkg", ["pkg/__main__.py"]),
        ("python -m app.run", ["src/app/run.py"]),
        ("torchrun --nproc_per_node=2 train.py", ["train.py"]),
        ("python -m torch.distributed.run --nproc_per_node 2 train.py", ["train.py"]),
        ("accelerate launch --num_processes 1 train.py", ["train.py"]),
        ("CUDA_VISIBLE_DEVICES=0 uv run python train.py", ["train.py"]),
        ("bash scripts/go.sh out", ["train.py"]),
        ("./scripts/go.sh out", ["train.py"]),
        ("make run SEED=1", ["pkg/main.py", "train.py"]),
        ("python pkg/main.py && python train.py", ["pkg/main.py", "train.py"]),
        ("cd pkg && python main.py", ["pkg/main.py"]),
        ('bash -c "python train.py"', ["train.py"]),
        ("python missing.py", []),
        ("echo hello", []),
    ],
)
def test_entry_points_of_a_command(command, paths):
    assert [e.path for e in started_by(FILES, command).entries] == paths


def test_arguments_and_scripts_are_kept():
    started = started_by(FILES, "bash scripts/go.sh out")
    assert started.scripts == ["scripts/go.sh"]
    assert started.entries[0].arguments[:2] == ("--lr", "1")


def test_what_cannot_be_followed_is_said():
    assert started_by(FILES, "python -m nowhere").unclear
    assert started_by(FILES, "python missing.py").unclear


def test_modules_are_found_relative_absolute_and_in_packages():
    program = Program(
        MemoryTree(
            {
                "a/__init__.py": b"",
                "a/b.py": b"from . import c\nfrom ..d import e\nimport numpy\n",
                "a/c.py": b"",
                "d.py": b"",
                "main.py": b"import a.b\n",
            }
        )
    )
    assert program.module("b", "a/c.py", 1) == "a/b.py"
    assert program.module("a.b", "main.py") == "a/b.py"
    assert program.module("numpy", "main.py") == ""
    assert program.reachable(["main.py"]) == (
        "a/__init__.py",
        "a/b.py",
        "a/c.py",
        "d.py",
        "main.py",
    )


def test_names_and_calls_are_resolved_across_files():
    program = Program(
        MemoryTree(
            {
                "m.py": b"from u import helper as h\nimport u\n"
                b"def f(x):\n    h()\n    u.other()\n    x.go()\n",
                "u.py": b"def helper():\n    other()\ndef other():\n    pass\n"
                b"class T:\n    def go(self):\n        pass\n",
            }
        )
    )
    assert program.find("m.py", "h") == ("u.py", "helper")
    assert program.find("m.py", "u.T.go") == ("u.py", "T.go")
    assert set(program.closure("m.py", "f")) == {
        ("m.py", "f"),
        ("u.py", "helper"),
        ("u.py", "other"),
        ("u.py", "T.go"),
    }


def test_modules_by_a_computed_name_are_said():
    program = Program(MemoryTree({"m.py": b"import importlib\nimportlib.import_module(name)\n"}))
    assert program.dynamic(["m.py"])
