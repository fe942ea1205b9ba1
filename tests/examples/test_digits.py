"""The bundled example `digits`: reproducible data, honest labels, a strict evaluator."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from autosota.server.config import read_objective

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "digits"
FILES = (
    "data/train_images.npy",
    "data/train_labels.csv",
    "data/val_images.npy",
    "data/test_images.npy",
    "labels/val.csv",
    "labels/test.csv",
)
COUNTS = {"val": 1000, "test": 2000}


def program(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a program of the example, on one thread."""
    return subprocess.run(
        [sys.executable, EXAMPLE / name, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"},
    )


def module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"digits_{name}", EXAMPLE / f"{name}.py")
    assert spec is not None and spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def truth(part: str) -> np.ndarray[Any, Any]:
    return np.loadtxt(EXAMPLE / "labels" / f"{part}.csv", dtype=int, skiprows=1)


def metrics(text: str) -> dict[str, float]:
    return {name: float(value) for name, value in re.findall(r"^METRIC (\w+)=(\S+)$", text, re.M)}


@pytest.fixture(scope="module")
def baseline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The predictions of seed 0."""
    out = tmp_path_factory.mktemp("digits") / "seed 0"
    done = program("train.py", "--seed", "0", "--out", out)
    assert done.returncode == 0, done.stderr
    return out


# ------------------------------------------------------------------ the data


def test_the_data_are_drawn_again_byte_by_byte(tmp_path: Path) -> None:
    done = program("make_data.py", "--to", tmp_path)
    assert done.returncode == 0, done.stderr
    for name in FILES:
        assert (tmp_path / name).read_bytes() == (EXAMPLE / name).read_bytes(), name


def test_the_data_are_small() -> None:
    assert sum((EXAMPLE / name).stat().st_size for name in FILES) < 2_000_000


def test_evaluation_images_cannot_be_drawn_without_the_labels_folder(tmp_path: Path) -> None:
    copy = tmp_path / "digits"
    shutil.copytree(EXAMPLE, copy, ignore=shutil.ignore_patterns("labels", ".autosota"))
    done = subprocess.run(
        [sys.executable, copy / "make_data.py"], capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "seed.txt" in done.stderr


def test_the_public_seed_says_nothing_of_the_evaluation_labels() -> None:
    """Streams of the training seed, and of its neighbours, agree with the labels by chance."""
    draw = module("make_data")
    labels = truth("test")
    for seed in (draw.TRAIN_SEED, 1, 2, [draw.TRAIN_SEED, 1], [draw.TRAIN_SEED, 2]):
        guess = np.random.default_rng(seed).integers(0, 10, len(labels))
        assert np.mean(guess == labels) < 0.14


# ------------------------------------------------------------------ looking the digits up


def unit(images: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Rows without their mean, of length one: brightness and contrast taken out."""
    rows = images.reshape(len(images), -1).astype(float)
    rows = rows - rows.mean(axis=1, keepdims=True)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def halved(images: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return images.reshape(-1, 8, 2, 8, 2).mean(axis=(2, 4))


def cropped(images: np.ndarray[Any, Any], size: int = 8) -> np.ndarray[Any, Any]:
    """The box around the ink, resampled to size x size."""
    found = []
    for image in images:
        ink = image > 0.35 * image.max()
        rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
        box = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        at = (np.arange(size) + 0.5) / size
        found.append(box[np.ix_((at * len(box)).astype(int), (at * len(box[0])).astype(int))])
    return np.stack(found)


def shifted(images: np.ndarray[Any, Any]) -> list[np.ndarray[Any, Any]]:
    """The images moved by up to one pixel in each direction."""
    moves = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1)]
    return [np.roll(images, move, axis=(1, 2)) for move in moves]


def test_looking_digits_up_in_scikit_learn_does_not_help(baseline: Path) -> None:
    from sklearn.datasets import load_digits

    known = load_digits()
    images = np.load(EXAMPLE / "data" / "test_images.npy").reshape(-1, 16, 16)
    labels = truth("test")

    def nearest(queries: list[np.ndarray[Any, Any]], shelf: np.ndarray[Any, Any]) -> float:
        alike = np.max([unit(q) @ unit(shelf).T for q in queries], axis=0)
        return float(np.mean(known.target[alike.argmax(axis=1)] == labels))

    attacks = {
        "pixels": nearest([halved(images)], known.images),
        "moved": nearest(shifted(halved(images)), known.images),
        "cropped": nearest([cropped(images)], cropped(known.images)),
        "cropped, moved": nearest(shifted(cropped(images)), cropped(known.images)),
    }
    print({name: round(value, 4) for name, value in attacks.items()})
    honest = float(np.mean(np.load(baseline / "test_pred.npy") == labels))
    assert honest > 0.89
    assert max(attacks.values()) < honest - 0.1, attacks


def test_no_image_is_in_two_parts() -> None:
    seen: dict[bytes, str] = {}
    for part in ("train", "val", "test"):
        for image in np.load(EXAMPLE / "data" / f"{part}_images.npy"):
            assert image.tobytes() not in seen
            seen[image.tobytes()] = part


# ------------------------------------------------------------------ training and evaluation


def test_training_is_deterministic_for_a_seed_and_differs_between_seeds(
    baseline: Path, tmp_path: Path
) -> None:
    for seed, out in (("0", "again"), ("1", "other")):
        assert program("train.py", "--seed", seed, "--out", tmp_path / out).returncode == 0
    for name in ("val_pred.npy", "test_pred.npy"):
        first = (baseline / name).read_bytes()
        assert (tmp_path / "again" / name).read_bytes() == first
        assert (tmp_path / "other" / name).read_bytes() != first


def test_the_scores_are_those_of_scikit_learn(baseline: Path) -> None:
    from sklearn.metrics import accuracy_score, f1_score

    done = program("evaluate.py", "--pred", baseline)
    assert done.returncode == 0, done.stderr
    found = metrics(done.stdout)
    assert set(found) == {f"{p}_{m}" for p in COUNTS for m in ("accuracy", "macro_f1")}
    for part in COUNTS:
        labels, predicted = truth(part), np.load(baseline / f"{part}_pred.npy")
        assert found[f"{part}_accuracy"] == pytest.approx(accuracy_score(labels, predicted))
        expected = f1_score(labels, predicted, average="macro")
        assert found[f"{part}_macro_f1"] == pytest.approx(expected, abs=1e-6)


def saved(values: Any) -> Callable[[Path], None]:
    return lambda path: np.save(path, values, allow_pickle=True)


def archive(path: Path) -> None:
    with path.open("wb") as file:
        np.savez(file, pred=np.zeros(2000, dtype=int))


@pytest.mark.parametrize("part", ["val", "test"])
@pytest.mark.parametrize(
    ("write", "says"),
    [
        (saved(np.zeros(1999, dtype=int)), "shape"),
        (saved(np.zeros((1, 2000), dtype=int)), "shape"),
        (saved(np.int64(3)), "shape"),
        (saved(np.zeros((0,), dtype=int)), "shape"),
        ("float", "integers"),
        ("bool", "integers"),
        ("text", "integers"),
        ("low", "between"),
        ("high", "between"),
        (saved(np.array([None] * 2000, dtype=object)), "no array"),
        (archive, "archive"),
        (lambda path: path.write_bytes(b""), "no array"),
        (lambda path: path.write_bytes(b"3,1,4"), "no array"),
        (lambda path: path.mkdir(), "no array"),
        (lambda path: None, "no array"),
    ],
)
def test_malformed_predictions_are_refused_with_one_line(
    baseline: Path, tmp_path: Path, part: str, write: Any, says: str
) -> None:
    shutil.copytree(baseline, tmp_path, dirs_exist_ok=True)
    path = tmp_path / f"{part}_pred.npy"
    path.unlink()
    if isinstance(write, str):
        zeros = np.zeros(COUNTS[part], dtype=int)
        values = {
            "float": zeros.astype(float),
            "bool": zeros.astype(bool),
            "text": zeros.astype(str),
            "low": zeros - 1,
            "high": zeros + 10,
        }
        np.save(path, values[write])
    else:
        write(path)
    done = program("evaluate.py", "--pred", tmp_path)
    assert done.returncode == 1
    assert "METRIC" not in done.stdout
    assert done.stderr.count("\n") == 1
    assert path.name in done.stderr and says in done.stderr


# ------------------------------------------------------------------ the repository


def test_the_objective_loads_without_a_doubt_and_claims_what_the_note_says() -> None:
    loaded = read_objective(EXAMPLE)
    assert loaded.warnings == ()
    objective = loaded.objective
    claim = objective.claim_of_paper()
    assert claim is not None
    note = (EXAMPLE / "paper.md").read_text(encoding="utf-8")
    assert re.search(rf"^\| random forest.*\| {claim.value:.3f} ", note, re.M)
    assert not set(objective.seeds) & set(range(5, 5 + objective.confirm_seeds))


def test_training_does_not_name_the_labels() -> None:
    text = (EXAMPLE / "train.py").read_text(encoding="utf-8")
    assert "labels/" not in text and "make_data" not in text


def test_only_the_objective_knows_of_this_project() -> None:
    for path in EXAMPLE.iterdir():
        if path.suffix in (".py", ".md", ".txt"):
            assert "autosota" not in path.read_text(encoding="utf-8").lower(), path.name
