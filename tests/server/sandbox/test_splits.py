"""Data files of different splits, read for the leakage probes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from autosota.agents.supervisor.probes import duplicates
from autosota.server.sandbox import splits
from autosota.server.sandbox.splits import read_splits


def probed(root: Path) -> list[str]:
    paths = [p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file()]
    files, notes = read_splits(root, paths)
    return [*duplicates(files), *notes]


def test_tables(tmp_path):
    (tmp_path / "train.csv").write_text("id,x,y\n0,1.5,a\n1,2.5,b\n2,3.5,c\n")
    (tmp_path / "test.csv").write_bytes("\ufeffid,x,y\r\n7, 2.5,b\r\n8,9,a\r\n".encode())
    (tmp_path / "val.tsv").write_text("x\ty\n3.5\tc\n")
    assert probed(tmp_path) == [
        "val.tsv: 1 of 1 rows (100.0 %) are also in train.csv",
        "test.csv: 1 of 2 rows (50.0 %) are also in train.csv",
        "test.csv: none of 2 rows is also in val.tsv",
    ]


def test_a_table_without_a_header_keeps_its_first_row(tmp_path):
    (tmp_path / "train.csv").write_text("1;2\n3;4\n")
    (tmp_path / "test.csv").write_text("1;2\n5;6\n")
    assert probed(tmp_path) == ["test.csv: 1 of 2 rows (50.0 %) are also in train.csv"]


def test_arrays_in_any_order(tmp_path):
    train = np.arange(40, dtype=np.float32).reshape(10, 2, 2)
    np.save(tmp_path / "x_train.npy", np.asfortranarray(train))
    np.save(tmp_path / "x_test.npy", np.concatenate([train[3:5], train[:2] + 0.5]))
    np.save(tmp_path / "y_train.npy", np.zeros(10))
    np.save(tmp_path / "y_test.npy", np.zeros(4))
    assert probed(tmp_path) == ["x_test.npy: 2 of 4 rows (50.0 %) are also in x_train.npy"]


def test_what_is_left_out_is_said(tmp_path, monkeypatch):
    (tmp_path / "train.csv").write_text("a,b\n" + "1,2\n" * 30)
    (tmp_path / "test.csv").write_text("a,b\n1,2\n")
    (tmp_path / "val.csv").write_bytes(b"a,b\n\xff,2\n")
    np.save(tmp_path / "x_test.npy", np.array([{}], dtype=object), allow_pickle=True)
    monkeypatch.setattr(splits, "LARGEST", 100)
    found = probed(tmp_path)
    assert "train.csv: larger than 0 MiB, so not compared" in found
    assert any(line.startswith("val.csv: not compared ('utf-8' codec") for line in found)
    monkeypatch.setattr(splits, "LARGEST", 10_000)
    assert any(
        line.startswith("x_test.npy: not compared (holds Python") for line in probed(tmp_path)
    )
    monkeypatch.setattr(splits, "MOST_ROWS", 3)
    found = probed(tmp_path)
    assert "train.csv: only its first 3 rows were compared" in found


@pytest.mark.parametrize("names", [["train.csv", "train2.csv"], ["a.csv", "b.csv"], ["test.csv"]])
def test_one_split_alone_is_not_read(tmp_path, names):
    for name in names:
        (tmp_path / name).write_text("a,b\n1,2\n")
    assert probed(tmp_path) == []
