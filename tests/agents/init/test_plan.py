"""Evaluators, data, labels and requirements, as parts of a plan."""

from textwrap import dedent

import pytest

from autosota.agents.code.tree import MemoryTree
from autosota.agents.init.plan import find_plan
from autosota.agents.init.repository import Repository, decode
from autosota.agents.init.requirements import requirements

TRAIN = """
import argparse, numpy as np
from pathlib import Path
p = argparse.ArgumentParser()
p.add_argument("--seed", type=int)
p.add_argument("--out", type=Path, default=Path("out"))
args = p.parse_args()
x = np.load("data/train.npy")
model.fit(x)
np.save(args.out / "val_pred.npy", model.predict(x))
np.save(args.out / "test_pred.npy", model.predict(x))
"""
EVALUATE = """
import argparse, numpy as np
p = argparse.ArgumentParser()
p.add_argument("--{flag}", required=True)
args = p.parse_args()
print("METRIC test_acc=", (np.load({use}) == np.load("labels/test.npy")).mean())
"""


def plan(files: dict[str, str | bytes]):
    tree = {k: v if isinstance(v, bytes) else dedent(v).encode() for k, v in files.items()}
    repo = Repository(MemoryTree(tree))
    return find_plan(repo, lambda script: repo.text(script).count("METRIC"))


BASE = {"train.py": TRAIN, "data/train.npy": b"\x93", "labels/test.npy": b"\x93"}


@pytest.mark.parametrize(
    ("flag", "use", "wanted"),
    [
        ("pred", "args.pred", "{run_dir}/val_pred.npy"),
        ("test-pred", "args.test_pred", None),
        ("predictions", "args.predictions", "{run_dir}/val_pred.npy"),
        ("run", 'args.run + "/test_pred.npy"', "{run_dir}"),
        ("pred", 'Path(args.pred) / "test_pred.npy"', "{run_dir}"),
        ("out-dir", 'os.path.join(args.out_dir, "test_pred.npy")', "{run_dir}"),
    ],
)
def test_the_evaluator_is_given_what_the_experiment_wrote(flag, use, wanted):
    found = plan({**BASE, "evaluate.py": EVALUATE.format(flag=flag, use=use)})
    command = found.evaluate.filled.command if found.evaluate else ""
    if wanted is None:
        assert "{run_dir}" not in command
    else:
        assert command == f"python evaluate.py --{flag} {wanted}"
        assert list(found.labels) == ["labels/**"]
    assert list(found.data) == ["data/**"]


def test_the_evaluator_follows_the_place_its_document_names():
    readme = "```\npython train.py --out runs/a\npython score.py --pred runs/a/test_pred.npy\n```\n"
    score = EVALUATE.format(flag="pred", use="args.pred")
    found = plan({**BASE, "README.md": readme, "score.py": score})
    assert found.evaluate.filled.command == "python score.py --pred {run_dir}/test_pred.npy"


@pytest.mark.parametrize(
    ("typed", "wanted"), [("runs/a/", "{run_dir}"), ("runs/a/x.csv", "{run_dir}/x.csv")]
)
def test_a_place_that_only_the_document_knows_is_moved_too(typed, wanted):
    readme = f"```\npython train.py --out runs/a\npython score.py {typed}\n```\n"
    score = "import sys\nprint('METRIC test_acc=', score(open(sys.argv[1])))\n"
    found = plan({**BASE, "README.md": readme, "score.py": score})
    assert found.evaluate.filled.command == f"python score.py {wanted}"


def test_what_is_no_separate_evaluator():
    score = EVALUATE.format(flag="pred", use="args.pred")
    for files in (
        {**BASE, "train.py": "import evaluate\n" + TRAIN, "evaluate.py": score},
        {**BASE, "evaluate.py": "import train\n" + score},
        {**BASE, "evaluate.py": score + "model.fit(x)\n"},
        {**BASE, "evaluate.py": score.replace("METRIC", "x")},
        {**BASE, "utils.py": score},
    ):
        found = plan(files)
        assert found.evaluate is None and list(found.labels) == []


def test_an_evaluator_that_unpickles_is_noted():
    score = EVALUATE.format(flag="pred", use="args.pred") + "pickle.load(open('x', 'rb'))\n"
    assert any("unpickles" in n for n in plan({**BASE, "evaluate.py": score}).notes)


def test_labels_that_training_reads_are_not_labels():
    score = EVALUATE.format(flag="pred", use="args.pred")
    train = TRAIN + 'y = np.load("labels/test.npy")\n'
    found = plan({**BASE, "train.py": train, "evaluate.py": score})
    assert list(found.labels) == [] and "labels/test.npy" in found.data
    files = {"train.py": TRAIN, "data/train.npy": b"", "y_test.npy": b""}
    files["evaluate.py"] = score.replace("labels/test.npy", "y_test.npy")
    assert list(plan(files).labels) == ["y_test.npy"]
    files["train.py"] += "y = np.load('y_test.npy')\n"
    assert list(plan(files).labels) == []


@pytest.mark.parametrize(
    ("files", "data"),
    [
        ({"datasets/a/x.csv": ""}, ["datasets/**"]),
        (
            {"data/x.csv": "", "data/load.py": "", "data/sub/y.npz": b""},
            ["data/**/*.csv", "data/**/*.npz"],
        ),
        ({"data/.gitkeep": "", "conf/data/a.yaml": ""}, []),
        (
            {"données été.csv": "", "train.py": "f.fit(pd.read_csv('données été.csv'))"},
            ["données été.csv"],
        ),
        ({"in/a.txt": "", "train.py": "f.fit()\nfor p in Path('in').iterdir(): ..."}, ["in/**"]),
        (
            {"x.csv": "", "train.py": "p.add_argument('--data', default='x.csv')\nf.fit()"},
            ["x.csv"],
        ),
    ],
)
def test_data_globs(files, data):
    assert list(plan({"train.py": "model.fit(x)", **files}).data) == data


def test_downloads_are_noted():
    found = plan({"train.py": "d = load_dataset('imdb')\nMNIST('d', download=True)\nf.fit()"})
    assert sum("fetches from the network" in n for n in found.notes) == 2
    assert list(found.caches) == ["HF_HOME"]
    quiet = plan({"train.py": "MNIST('d', download=False)\nf.fit()"})
    assert not any("fetches" in n for n in quiet.notes)


def test_required_settings_are_filled_in_or_asked_for():
    code = """
    p.add_argument("--task", required=True, choices=["a", "b"])
    p.add_argument("--config", required=True)
    p.add_argument("--seed")
    model.fit()
    """
    found = plan({"train.py": code})
    assert found.filled.command == "python train.py --seed {seed} --task a"
    assert any("--config is required" in n for n in found.notes)
    assert any("--task is required" in n and "others: b" in n for n in found.notes)


def test_no_seed_is_a_note():
    assert any("no seed setting" in n for n in plan({"train.py": "model.fit()"}).notes)
    assert not any("no seed" in n for n in plan(BASE).notes)


@pytest.mark.parametrize(
    ("files", "file", "items"),
    [
        ({"requirements.txt": "numpy\n", "pyproject.toml": "x = 1"}, "requirements.txt", ()),
        ({"pyproject.toml": '[project]\ndependencies = ["a>1", "b"]'}, "", ("a>1", "b")),
        ({"pyproject.toml": "[project"}, "", ()),
        ({"setup.py": "setup(install_requires=['a', \"b<2\"])"}, "", ("a", "b<2")),
        (
            {"environment.yml": "dependencies:\n- numpy\n- pip:\n  - a==1\n  - b\n"},
            "",
            ("a==1", "b"),
        ),
        ({"environment.yml": "dependencies:\n  - numpy\n"}, "", ()),
    ],
)
def test_requirements(files, file, items):
    tree = {"train.py": b"import numpy, os, helper", "helper.py": b""}
    repo = Repository(MemoryTree(tree | {k: v.encode() for k, v in files.items()}))
    found = requirements(repo, "train.py")
    assert (found.file, found.items) == (file, items)
    if not file and not items:
        assert found.notes


def test_imports_are_named_when_nothing_else_is():
    tree = MemoryTree(
        {"train.py": b"import numpy.linalg, os, helper", "helper.py": b"import torch"}
    )
    (note,) = requirements(Repository(tree), "train.py").notes
    assert "imports numpy, torch:" in note


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_text_of_any_encoding(encoding):
    assert decode("prévu – ok".replace("–", "-").encode(encoding)) == "prévu - ok"
