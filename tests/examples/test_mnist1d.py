"""The bundled example `mnist1d`: the authors' data and arguments, honest splits, one script.

Tests that need torch or the generator run only where these can be imported; the others read the
source and the stored arrays.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autosota.server.config import read_objective

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "mnist1d"

PUBLISHED = {
    "num_samples": 5000,
    "train_split": 0.8,
    "template_len": 12,
    "padding": [36, 60],
    "scale_coeff": 0.4,
    "max_translation": 48,
    "corr_noise_scale": 0.25,
    "iid_noise_scale": 2e-2,
    "shear_scale": 0.75,
    "shuffle_seq": False,
    "final_seq_length": 40,
    "seed": 42,
}
"""`get_dataset_args()` of mnist1d 0.0.2.post1, and of the authors' repository since 2020."""

ARRAYS = {
    "train_signals": "88324c8902778fbd2316ae1f8acbf36d87897390c1c2ad68212f4290790fa2b5",
    "train_digits": "b9e81c33ff96e5bbdcbb930b3edbb3f1ff29d516fdfd8aff508fa1668d18c6a3",
    "test_signals": "d67069fc4db4b87677475f89583e9191285825f1eee33060f2fa2dc99fe5a53a",
    "test_digits": "46917f7f341ca2438a3efdb107b509e799e30d22c515622f95b5093671648142",
}
"""Made by the generator; equal to the pickle in the authors' repository up to 1e-15."""


def tree(name: str) -> ast.Module:
    return ast.parse((EXAMPLE / name).read_text(encoding="utf-8"))


def functions(name: str) -> dict[str, ast.FunctionDef]:
    return {n.name: n for n in ast.walk(tree(name)) if isinstance(n, ast.FunctionDef)}


def imported(name: str) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").split(".")[0])
    return found


def defaults() -> dict[str, Any]:
    """The defaults of train.py's flags."""
    found = {}
    for node in ast.walk(tree("train.py")):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "parser.add_argument":
            given = {k.arg: k.value for k in node.keywords}
            found[ast.literal_eval(node.args[0])] = ast.literal_eval(given["default"])
    return found


def metrics(text: str) -> dict[str, float]:
    return {name: float(value) for name, value in re.findall(r"^METRIC (\w+)=(\S+)$", text, re.M)}


# ------------------------------------------------------------------ the data


def test_the_arrays_are_those_of_the_generator() -> None:
    for name, expected in ARRAYS.items():
        content = (EXAMPLE / "data" / f"{name}.npy").read_bytes()
        assert hashlib.sha256(content).hexdigest() == expected, name
    assert {p.stem for p in (EXAMPLE / "data").iterdir()} == set(ARRAYS)
    shapes = {n: np.load(EXAMPLE / "data" / f"{n}.npy").shape for n in ARRAYS}
    assert shapes["train_signals"] == (4000, 40) and shapes["test_signals"] == (1000, 40)


def test_the_generator_is_called_with_the_published_arguments_and_never_downloads() -> None:
    calls = {ast.unparse(n) for n in ast.walk(tree("make_data.py")) if isinstance(n, ast.Call)}
    assert "make_dataset(get_dataset_args())" in calls
    assert not [c for c in calls if c.startswith("get_dataset(")]


def test_the_generator_still_has_the_published_arguments() -> None:
    generator = pytest.importorskip("mnist1d.data")
    arguments = generator.get_dataset_args(as_dict=True)
    assert {k: v for k, v in arguments.items() if k != "url"} == PUBLISHED


def test_the_generator_makes_the_arrays_again() -> None:
    generator = pytest.importorskip("mnist1d.data")
    made = generator.make_dataset(generator.get_dataset_args())
    for name, key in (("train", ""), ("test", "_test")):
        signals = np.load(EXAMPLE / "data" / f"{name}_signals.npy")
        digits = np.load(EXAMPLE / "data" / f"{name}_digits.npy")
        np.testing.assert_array_equal(digits, made[f"y{key}"])
        np.testing.assert_allclose(signals, made[f"x{key}"], rtol=0, atol=1e-6)


# ------------------------------------------------------------------ the script, read only


def test_training_needs_no_network_and_no_generator() -> None:
    assert imported("train.py") == {"argparse", "time", "pathlib", "numpy", "torch"}


def test_the_published_hyper_parameters_are_the_defaults() -> None:
    found = defaults()
    assert found["--model"] == "cnn"
    assert found["--steps"] == 6000
    assert found["--batch-size"] == 100
    assert found["--lr"] == 0.01
    assert found["--weight-decay"] == 0.0


def test_validation_is_cut_from_the_training_part_only() -> None:
    splits = functions("train.py")["load_splits"]
    loads = [ast.unparse(n) for n in ast.walk(splits) if isinstance(n, ast.Call)]
    assert sorted(loads) == ["load_part('test')", "load_part('train')"]
    cut = [ast.unparse(n) for n in ast.walk(splits) if isinstance(n, ast.Subscript)]
    assert sorted(cut) == [
        f"{name}[{part}]"
        for name in ("digits", "signals")
        for part in ("-VALIDATION:", ":-VALIDATION")
    ]
    returned = next(n for n in splits.body if isinstance(n, ast.Return))
    assert ast.unparse(returned) == "return (training, validation, load_part('test'))"


def test_the_test_part_goes_into_evaluate_only() -> None:
    main = functions("train.py")["main"]
    uses = [
        ast.unparse(n)
        for n in ast.walk(main)
        if isinstance(n, ast.Call) and any(ast.unparse(a) == "test" for a in n.args)
    ]
    assert uses == ["evaluate(model, test)"]


# ------------------------------------------------------------------ the repository


def test_the_objective_loads_without_a_doubt_and_names_what_exists() -> None:
    loaded = read_objective(EXAMPLE)
    assert loaded.warnings == ()
    objective = loaded.objective
    assert {g.name for g in objective.guards} == {"params", "wall_seconds"}
    names = functions("train.py")
    for symbol in objective.protocol.evaluation:
        file, _, function = symbol.partition("::")
        assert file == "train.py" and function in names
    constants = {
        ast.unparse(node.targets[0]): node.value
        for node in tree("train.py").body
        if isinstance(node, ast.Assign)
    }
    for name, value in objective.protocol.frozen.items():
        assert ast.literal_eval(constants[name]) == value


def test_the_claim_is_the_reported_number() -> None:
    claim = read_objective(EXAMPLE).objective.claim_of_paper()
    assert claim is not None
    note = (EXAMPLE / "paper.md").read_text(encoding="utf-8")
    assert f"| CNN | {claim.value:.2f} |" in note
    assert "2011.14439" in note


def test_torch_is_pinned() -> None:
    """A range would install gigabytes of another build."""
    assert "torch==2.13.0" in (EXAMPLE / "requirements.txt").read_text().splitlines()


def test_only_the_objective_knows_of_this_project() -> None:
    for path in EXAMPLE.iterdir():
        if path.suffix in (".py", ".md", ".txt"):
            assert "autosota" not in path.read_text(encoding="utf-8").lower(), path.name


# ------------------------------------------------------------------ the script, run


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, EXAMPLE / "train.py", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"},
    )


def test_a_run_prints_its_metrics_and_is_deterministic_for_a_seed() -> None:
    pytest.importorskip("torch")
    first, again, other = (metrics(run("--seed", s, "--steps", "300").stdout) for s in "778")
    assert set(first) == {"params", "val_accuracy", "test_accuracy"}
    assert first["params"] == 5210  # as the authors print it
    assert first == again != other
    assert 0.4 < first["test_accuracy"] < 1


def test_the_mlp_is_the_authors() -> None:
    pytest.importorskip("torch")
    assert metrics(run("--model", "mlp", "--steps", "50").stdout)["params"] == 15210


def test_the_parts_do_not_overlap() -> None:
    pytest.importorskip("torch")
    spec = importlib.util.spec_from_file_location("mnist1d_train", EXAMPLE / "train.py")
    assert spec is not None and spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    parts = script.load_splits()
    assert [len(digits) for _, digits in parts] == [3500, 500, 1000]
    rows = [{signal.numpy().tobytes() for signal in signals} for signals, _ in parts]
    assert len(set.union(*rows)) == 5000
