"""Small repositories as people write them, and a way to lay them out on disk."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

SKLEARN = {
    "README.md": """\
        # Wine quality with random forests

        Install with `pip install -r requirements.txt`.

        ## Usage

        ```bash
        $ pip install -r requirements.txt
        $ python train.py
        ```
        """,
    "requirements.txt": "scikit-learn>=1.4\npandas\n",
    "data/wine.csv": "a,b,y\n1,2,0\n",
    "train.py": """\
        import argparse

        import pandas as pd
        from sklearn.ensemble import RandomForestClassifier
        from sklearn.metrics import accuracy_score
        from sklearn.model_selection import train_test_split

        parser = argparse.ArgumentParser()
        parser.add_argument("--data", default="data/wine.csv")
        parser.add_argument("--random-state", type=int, default=0, dest="random_state")
        parser.add_argument("--n-estimators", type=int, default=100)
        args = parser.parse_args()

        frame = pd.read_csv(args.data)
        X, y = frame.drop(columns="y"), frame["y"]
        X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
        X_train, X_val, y_train, y_val = train_test_split(X_train, y_train, random_state=0)
        model = RandomForestClassifier(args.n_estimators, random_state=args.random_state)
        model.fit(X_train, y_train)
        val_acc = accuracy_score(y_val, model.predict(X_val))
        acc = accuracy_score(y_test, model.predict(X_test))
        print(f"Validation accuracy: {val_acc:.4f}")
        print(f"Test accuracy: {acc:.4f}")
        """,
}

TORCH_PACKAGE = {
    "README.md": """\
        Tiny nets
        =========

        Code for "Tiny nets" (https://arxiv.org/abs/2101.01234).

        ## Results

        | Model | Test accuracy (%) |
        |---|---|
        | MLP | 91.2 |
        | TinyNet (ours) | **94.6 ± 0.2** |

        ## Training

        ```sh
        pip install -e .
        CUDA_VISIBLE_DEVICES=0 python -m tinynets.train --epochs 20 --output-dir runs/exp1 --seed 1
        ```
        """,
    "pyproject.toml": """\
        [project]
        name = "tinynets"
        version = "0.1"
        dependencies = ["torch>=2", "numpy"]
        """,
    "src/tinynets/__init__.py": "",
    "src/tinynets/cli.py": """\
        import argparse
        from pathlib import Path


        def parse():
            p = argparse.ArgumentParser()
            p.add_argument("-s", "--seed", type=int, default=0)
            p.add_argument("--epochs", type=int, default=10)
            p.add_argument("--output-dir", type=Path, default=Path("runs"))
            return p.parse_args()
        """,
    "src/tinynets/evaluation.py": """\
        def evaluate(model, loader):
            right = total = 0
            for x, y in loader:
                right += (model(x).argmax(1) == y).sum().item()
                total += len(y)
            return right / total
        """,
    "src/tinynets/train.py": """\
        import json

        from .cli import parse
        from .evaluation import evaluate


        class TinyNet:
            pass


        def save_metrics(metrics, folder):
            folder.mkdir(parents=True, exist_ok=True)
            with open(folder / "metrics.json", "w") as f:
                json.dump(metrics, f, indent=2)


        def main():
            args = parse()
            model, optimizer, train_loader, val_loader, test_loader = setup(args)
            for epoch in range(args.epochs):
                loss = step(model, train_loader)
                loss.backward()
                optimizer.step()
                print(f"epoch {epoch} | train loss {loss.item():.3f}")
            results = {"val": {"acc": evaluate(model, val_loader)}, "epochs": args.epochs}
            results["test"] = {"acc": evaluate(model, test_loader)}
            save_metrics(results, args.output_dir)


        if __name__ == "__main__":
            main()
        """,
}

HYDRA = {
    "README.rst": """\
        Deep regression
        ===============

        Run it::

            python main.py model=mlp trainer.max_epochs=50

        """,
    "conf/config.yaml": """\
        defaults:
          - model: mlp
          - _self_
        seed: 42
        data_dir: data
        trainer:
          max_epochs: 100
          lr: 1e-3
        """,
    "conf/model/mlp.yaml": "hidden: 64\n",
    "data/train.npz": b"PK\x03\x04",
    "environment.yml": """\
        name: reg
        channels: [conda-forge]
        dependencies:
          - python=3.11
          - numpy
          - pip:
            - hydra-core==1.3.2
            - torch
        """,
    "main.py": """\
        import logging

        import hydra
        import numpy as np

        log = logging.getLogger(__name__)


        @hydra.main(version_base=None, config_path="conf", config_name="config")
        def main(cfg):
            data = np.load(f"{cfg.data_dir}/train.npz")
            for epoch in range(cfg.trainer.max_epochs):
                loss = train_epoch(data)
                loss.backward()
                log.info("epoch %d train loss %.4f", epoch, loss)
            log.info("val rmse: %.4f", rmse(data["x_val"]))
            log.info(f"test rmse: {rmse(data['x_test']):.4f}")


        if __name__ == "__main__":
            main()
        """,
}

NOTEBOOK_ONLY = {
    "README.md": "# Exploring\n\nSee the notebook.\n",
    "analysis one.ipynb": '{"cells": [], "nbformat": 4, "nbformat_minor": 5, "metadata": {}}',
}

SHELL = {
    "README.md": "# Seq\n\nRun `bash scripts/run.sh` to reproduce.\n",
    "scripts/run.sh": """\
        #!/usr/bin/env bash
        set -euo pipefail
        SEED=${1:-0}
        OUT=${2:-out}
        mkdir -p "$OUT"
        python prepare.py --out "$OUT/data.json"
        python train.py --data "$OUT/data.json" --seed "$SEED" | tee "$OUT/log.txt"
        """,
    "prepare.py": """\
        import argparse
        p = argparse.ArgumentParser()
        p.add_argument("--out")
        print("written to", p.parse_args().out)
        """,
    "train.py": """\
        import click


        @click.command()
        @click.option("--data", required=True)
        @click.option("--seed", default=0)
        def main(data, seed):
            model = fit(data, seed)
            model.fit(data)
            print("dev perplexity = {:.2f}".format(perplexity(model, "dev")))
            print("test perplexity = %.2f" % perplexity(model, "test"))


        if __name__ == "__main__":
            main()
        """,
}

EVALUATOR = {
    "README.md": """\
        # Digits, sealed

        ## Train

        ```
        python train.py --out out --seed 0
        ```

        ## Evaluate

        ```
        python evaluate.py --pred out/pred.npy --labels labels/test.npy
        ```
        """,
    "requirements.txt": "numpy\nscikit-learn\n",
    "data/train.npz": b"PK\x03\x04",
    "data/test_x.npy": b"\x93NUMPY",
    "labels/test.npy": b"\x93NUMPY",
    "paper.md": """\
        # Digits with less

        | Metric | Value |
        |---|---|
        | Test accuracy | 0.953 |
        | Parameters | 1,200 |
        """,
    "train.py": """\
        import argparse
        from pathlib import Path

        import numpy as np
        from sklearn.linear_model import LogisticRegression


        def main():
            parser = argparse.ArgumentParser()
            parser.add_argument("--out", type=Path, required=True)
            parser.add_argument("--seed", type=int, default=0)
            args = parser.parse_args()
            train = np.load("data/train.npz")
            model = LogisticRegression().fit(train["x"], train["y"])
            np.save(args.out / "pred.npy", model.predict(np.load("data/test_x.npy")))
            print(f"METRIC val_accuracy={model.score(train['xv'], train['yv'])}")


        if __name__ == "__main__":
            main()
        """,
    "evaluate.py": """\
        import argparse

        import numpy as np

        parser = argparse.ArgumentParser()
        parser.add_argument("--pred", required=True)
        parser.add_argument("--labels", default="labels/test.npy")
        args = parser.parse_args()
        accuracy = (np.load(args.pred) == np.load(args.labels)).mean()
        print("METRIC test_accuracy=" + str(accuracy))
        """,
}

SEVERAL = {
    "README.md": "# Three baselines\n\nThree scripts, one per baseline.\n",
    "train_forest.py": """\
        import sys
        seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
        model = Forest(seed).fit(X)
        print("test f1:", f1_score(y_test, model.predict(X_test)))
        """,
    "train_boost.py": """\
        import sys
        seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
        model = Boost(seed).fit(X)
        print("test f1:", f1_score(y_test, model.predict(X_test)))
        """,
    "plot_results.py": "import json\nprint(json.load(open('r.json')))\n",
    "download_data.py": "if __name__ == '__main__':\n    fetch()\n",
}

NO_CODE = {"README.md": "# A position paper\n\nThere is no code here. `python` is a language.\n"}

MAKEFILE = {
    "Makefile": """\
        SEED ?= 0
        PYTHON = python3

        .PHONY: data train
        data:
        \t$(PYTHON) make_data.py

        train:
        \t$(PYTHON) experiment.py --save-path results/run.json --n_iter 100
        """,
    "make_data.py": "if __name__ == '__main__':\n    write()\n",
    "experiment.py": """\
        import json
        import os

        from absl import app, flags

        FLAGS = flags.FLAGS
        flags.DEFINE_integer("seed", 0, "Seed.")
        flags.DEFINE_integer("n_iter", 10, "Iterations.")
        flags.DEFINE_string("save_path", "results/run.json", "Where.")


        def main(_):
            record = dict(valid_nll=fit(), test_nll=test())
            os.makedirs(os.path.dirname(FLAGS.save_path), exist_ok=True)
            with open(FLAGS.save_path, "w") as handle:
                handle.write(json.dumps(record) + "\\n")


        if __name__ == "__main__":
            app.run(main)
        """,
}

LATIN_README = {
    "README.md": "# Prévision\n\nLancer:\n\n```\npython main.py --seed 3\n```\n".encode("latin-1"),
    "main.py": """\
        # -*- coding: utf-8 -*-
        import argparse
        parser = argparse.ArgumentParser()
        parser.add_argument("--seed", type=int)
        args = parser.parse_args()
        print("METRIC mae=%.3f" % run(args.seed))
        """,
}

SPACES = {
    "README.md": '# Spaces\n\n```\ncd "my code"\npython "train it.py" --seed 0\n```\n',
    "my code/train it.py": """\
        import argparse
        parser = argparse.ArgumentParser()
        parser.add_argument("--seed", type=int)
        args = parser.parse_args()
        for split in ("val", "test"):
            print(f"METRIC {split}_accuracy={score(split)}")
        """,
    "données/x.csv": "a\n1\n",
}

NO_METRIC = {
    "train.py": """\
        import wandb
        from sklearn.svm import SVC
        SVC().fit(X, y)
        wandb.log({"val/acc": 0.5})
        """,
}

ALL = {
    name.lower(): value
    for name, value in list(globals().items())
    if name.isupper() and isinstance(value, dict)
}
RUNNABLE = sorted(set(ALL) - {"notebook_only", "no_code"})


def lay(root: Path, content: dict[str, str | bytes]) -> Path:
    """Write a repository below a folder."""
    for path, text in content.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else dedent(text).encode())
    return root


@pytest.fixture
def laid(tmp_path):
    """A function that lays a repository out by its name."""

    def make(name: str, **changes: str | bytes) -> Path:
        return lay(tmp_path / "le dépôt", ALL[name] | changes)

    return make


def pytest_generate_tests(metafunc):
    if "runnable" in metafunc.fixturenames:
        metafunc.parametrize("runnable", RUNNABLE)
