"""Rows that stand in two splits."""

from __future__ import annotations

import pytest

from autosota.agents.supervisor.probes import MOST_PAIRS, Split, SplitRows, duplicates, split_of


@pytest.mark.parametrize(
    ("path", "split"),
    [
        ("data/train.csv", Split.TRAINING),
        ("data/x_train.npy", Split.TRAINING),
        ("data/XTest.npy", Split.TEST),
        ("data/testX.npy", Split.TEST),
        ("data/TEST.csv", Split.TEST),
        ("test/part-1.csv", Split.TEST),
        ("test/train.csv", Split.TRAINING),
        ("train/fold1/valid.csv", Split.VALIDATION),
        ("data/train/fold1/0.csv", Split.TRAINING),
        ("data/dev.en.csv", Split.VALIDATION),
        ("data/eval-01.csv", Split.TEST),
        ("data/train_test.csv", None),
        ("data/all.csv", None),
        ("contest/latest.csv", None),
    ],
)
def test_the_split_by_name(path, split):
    assert split_of(path) is split


def rows(name: str, *values: str, columns: int = 2, kind: str = "text") -> SplitRows:
    return SplitRows(name, columns, kind, [v.encode() for v in values])


def test_rows_of_the_later_split_that_the_earlier_has():
    train = rows("train.csv", "a", "b", "c", "c")
    assert duplicates([rows("test.csv", "c", "x", "c"), train]) == (
        "test.csv: 2 of 3 rows (66.7 %) are also in train.csv, "
        "which repeats 25.0 % of its own rows",
    )
    assert duplicates([rows("train.csv", "a", "b"), rows("test.csv", *"bxyz")]) == (
        "test.csv: 1 of 4 rows (25.0 %) are also in train.csv",
    )
    assert duplicates([rows("test.csv", "x"), train]) == (
        "test.csv: none of 1 rows is also in train.csv",
    )


def test_each_pair_of_different_splits_once():
    found = duplicates([rows("train.csv", "a"), rows("val.csv", "a"), rows("test.csv", "a")])
    assert [line.split(":")[0] + line.rpartition(" in ")[2] for line in found] == [
        "val.csvtrain.csv",
        "test.csvtrain.csv",
        "test.csvval.csv",
    ]


def test_what_is_not_compared():
    train = rows("train.csv", "a")
    for other in (
        rows("test.csv", "a", columns=3),
        rows("test.csv", "a", kind="<f4"),
        rows("train2.csv", "a"),
        rows("all.csv", "a"),
        rows("test.csv"),
    ):
        assert duplicates([train, other]) == ()
    labels = [rows("y_train.csv", "a", columns=1), rows("y_test.csv", "a", columns=1)]
    assert duplicates(labels) == ()


def test_many_shards_are_bounded_and_it_says_so():
    shards = [rows(f"{split}/{n}.csv", "a") for split in ("train", "test") for n in range(12)]
    found = duplicates(shards)
    assert len(found) == MOST_PAIRS + 1
    assert found[-1] == "44 more pairs of files were not compared"
