"""Which evaluators may run things of the candidate."""

from __future__ import annotations

import pytest

from autosota.agents.code.tree import MemoryTree
from autosota.server.sandbox.evaluator import evaluator_files, evaluator_loads_objects


def look(evaluate: str, **others: str) -> tuple[str, ...]:
    """`lib_score` stands for `lib/score.py`."""
    files = {f"{name.replace('_', '/')}.py": text for name, text in others.items()}
    files = {path.replace("/init", "/__init__"): text for path, text in files.items()}
    tree = MemoryTree({p: t.encode() for p, t in {"evaluate.py": evaluate, **files}.items()})
    return evaluator_loads_objects(tree, ["evaluate.py"])


@pytest.mark.parametrize(
    "code",
    [
        "import pickle\npickle.load(f)",
        "from pickle import loads as l\nl(x)",
        "import joblib as j\nj.load(p)",
        "import torch\ntorch.load(p)",
        "import torch\ntorch.load(p, weights_only=False)",
        "import torch as t\nt.jit.load(p)",
        "import numpy as np\nnp.load(p, allow_pickle=True)",
        "import numpy as np\nnp.load(p, None, flag)",
        "import numpy as np\nnp.load(p, **options)",
        "import pandas as pd\npd.read_pickle(p)",
        "import importlib\nimportlib.import_module(name)",
        "exec(open(p).read())",
        "__import__(name)",
        "import subprocess\nsubprocess.run(c)",
        "import yaml\nyaml.load(f, Loader=yaml.Loader)",
        "import sys\nsys.path.insert(0, run_dir)",
        "def broken(:",
    ],
)
def test_loads(code):
    assert len(look(evaluate=code)) == 1


@pytest.mark.parametrize(
    "code",
    [
        "import numpy as np\nnp.load(p)\nnp.load(p, allow_pickle=False)",
        "import torch\ntorch.load(p, weights_only=True)",
        "import json\njson.load(f)",
        "import yaml\nyaml.safe_load(f)\nyaml.load(f, Loader=yaml.SafeLoader)",
        "import sys, os\nsys.path.insert(0, os.path.dirname(__file__))",
        "import pandas as pd\npd.read_csv(p)",
        "model.eval()\nre.compile('x')",
    ],
)
def test_reads_data_only(code):
    assert look(evaluate=code) == ()


def test_imports_of_the_tree_are_followed():
    notes = look(
        evaluate="from lib.score import f\nimport numpy",
        lib_init="",
        lib_score="from . import io",
        lib_io="import pickle\n\npickle.load(f)",
    )
    assert notes == ("lib/io.py:3 calls pickle.load",)
    assert look(evaluate="import lib", src_lib_init="exec(x)") == (
        "src/lib/__init__.py:1 calls builtins.exec",
    )


def test_the_files_of_a_command():
    tree = MemoryTree({"evaluate.py": b"", "a/b.py": b"", "a/__main__.py": b""})
    assert evaluator_files("python ./evaluate.py --pred {run_dir}/p.npy", tree) == ("evaluate.py",)
    assert evaluator_files("python -m a.b && python -m a", tree) == ("a/b.py", "a/__main__.py")
    assert evaluator_files("./score.sh", tree) == ()
    assert evaluator_loads_objects(tree, ()) == (
        "the evaluator is not a Python file of the repository",
    )
