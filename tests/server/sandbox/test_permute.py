"""Rows in another order, and nothing else changed."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest

from autosota.agents.domain import RowsControl
from autosota.server.sandbox.permute import ControlNotPossible, permuted

TABLE = b'id,"the, text",y\r\n1,"a ""quoted"" line\nof two",0\r\n2,plain,1\r\n\r\n3,,1\r\n4,"x;y",2'


def rows_of(content: bytes) -> list[list[str]]:
    return [row for row in csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")) if row]


def test_one_column_moves_and_the_others_stay() -> None:
    content = b"\xef\xbb\xbf" + TABLE
    moved = permuted(content, RowsControl("d/t.csv", "y"), 5)
    before, after = rows_of(content), rows_of(moved)
    assert [row[:2] for row in after] == [row[:2] for row in before]
    assert after[0] == before[0]
    assert sorted(row[2] for row in after) == ["0", "1", "1", "2", "y"]
    assert [row[2] for row in after] != [row[2] for row in before]
    assert len(moved) == len(content)


def test_whole_rows_move_under_their_header() -> None:
    moved = permuted(TABLE, RowsControl("t.csv"), 0)
    before, after = rows_of(TABLE), rows_of(moved)
    assert after[0] == before[0]
    assert sorted(after) == sorted(before)
    assert after != before
    # line ends and the empty line are where they were
    assert moved.count(b"\r\n\r\n") == 1
    assert not moved.endswith(b"\n")


def test_the_order_is_the_seeds() -> None:
    content = b"y\n" + b"".join(b"%d\n" % n for n in range(100))
    control = RowsControl("t.csv", "y")
    once = permuted(content, control, 7)
    assert permuted(content, control, 7) == once
    assert permuted(content, control, 8) != once
    two = b"y\na\nb\n"
    assert all(permuted(two, control, seed) == b"y\nb\na\n" for seed in range(20))


def test_other_separators_and_plain_lines() -> None:
    assert permuted(b"a;y\n1,5;0\n2,5;1\n", RowsControl("t.csv", "y"), 0) == (
        b"a;y\n1,5;1\n2,5;0\n"
    )
    assert permuted(b"a\ty\n1,5\t0\n2,5\t1\n", RowsControl("t.tsv", "y"), 0) == (
        b"a\ty\n1,5\t1\n2,5\t0\n"
    )
    assert permuted(b"cat\n\ndog", RowsControl("t.txt"), 0) == b"dog\n\ncat"


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("shape", [(7,), (6, 3), (5, 2, 4)])
def test_arrays_along_their_first_axis(order: str, shape: tuple[int, ...]) -> None:
    array = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    stream = io.BytesIO()
    np.save(stream, np.asarray(array, order=order))  # type: ignore[call-overload]
    moved = np.load(io.BytesIO(permuted(stream.getvalue(), RowsControl("x.npy"), 3)))
    assert moved.shape == array.shape and moved.dtype == array.dtype
    assert not np.array_equal(moved, array)
    assert {row.tobytes() for row in moved} == {row.tobytes() for row in array}


def saved(array: object) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)  # type: ignore[arg-type]
    return stream.getvalue()


@pytest.mark.parametrize(
    ("file", "column", "content", "problem"),
    [
        ("t.parquet", "", b"", "rows of a .parquet file cannot be permuted; .csv, .tsv"),
        ("t", "", b"", "rows of a nameless file"),
        ("t.csv", "z", b"a,y\n1,2\n", "'z' is not in its header (a, y)"),
        ("t.csv", "y", b"y,y\n1,2\n", "'y' is there twice"),
        ("t.csv", "y", b"a,y\n1,2\n3\n", "row 3 has no column 'y'"),
        ("t.csv", "y", b"a,y\n1,2\n3,2\n", "the column 'y' has fewer than two different rows"),
        ("t.csv", "", b"a,y\n1,2\n", "it has fewer than two different rows"),
        ("t.csv", "", b"", "it is empty"),
        ("t.csv", "y", "a,y\n1,2\n".encode("utf-16"), "is in UTF-16"),
        ("t.txt", "y", b"1\n2\n", "a .txt file has no columns by name"),
        ("x.npy", "", b"\x93NUMPY", "is not an array that numpy.save wrote"),
        ("x.npy", "", b"PK\x03\x04", "is not an array that numpy.save wrote"),
        ("x.npy", "", saved(np.array([{}, 1], dtype=object)), "holds Python objects"),
        ("x.npy", "", saved(np.float64(3)), "holds no rows"),
        ("x.npy", "", saved(np.zeros((0, 3))), "holds no rows"),
        ("x.npy", "", saved(np.arange(9))[:-3], "holds no rows, or is cut off"),
        ("x.npy", "", saved(np.zeros(9)), "fewer than two different rows"),
    ],
)
def test_what_cannot_be_permuted_says_why(
    file: str, column: str, content: bytes, problem: str
) -> None:
    with pytest.raises(ControlNotPossible) as raised:
        permuted(content, RowsControl(file, column), 1)
    assert str(raised.value).startswith(f"{file}: ")
    assert problem in str(raised.value)
