"""Scripts and notebooks as one virtual text, and the way back to cells and lines."""

from __future__ import annotations

import json

import pytest

from autosota.agents.check import check
from autosota.agents.check.document import Document, Unreadable

LEAK = [
    "import pandas as pd\nfrom sklearn.preprocessing import StandardScaler\n"
    "from sklearn.model_selection import train_test_split\nfrom sklearn.svm import SVC",
    "%matplotlib inline\n!pip install x\ndf = pd.read_csv('d.csv')\ny = df.pop('y')",
    "sc = StandardScaler()\nX = sc.fit_transform(df)\n",
    "a, b, c, d = train_test_split(X, y, random_state=0)\n"
    "m = SVC().fit(a, c)\nprint(m.score(b, d))",
]


def notebook(cells: list[str], **extra: object) -> bytes:
    made: list[dict[str, object]] = [{"cell_type": "markdown", "source": "# title"}]
    for n, text in enumerate(cells, 1):
        made.append(
            {"cell_type": "code", "source": text.splitlines(True), "execution_count": n,
             "outputs": [{"output_type": "stream", "text": "x" * 10}]}
        )  # fmt: skip
    return json.dumps({"nbformat": 4, "cells": made, **extra}).encode()


def codes(path: str, content: bytes) -> list[tuple[str, int | None, int]]:
    return [(f.code, f.place.cell, f.place.line) for f in check(path, content).findings
            if f.code.startswith("LK")]  # fmt: skip


def test_a_finding_in_a_notebook_names_the_cell_among_all_cells_and_the_line_in_it() -> None:
    assert codes("a.ipynb", notebook(LEAK)) == [("LK101", 3, 2)]
    found = next(f for f in check("a.ipynb", notebook(LEAK)).findings if f.code == "LK101")
    assert {(r.cell, r.line) for r in found.related} >= {(4, 1), (4, 3)}


def test_the_third_format_of_notebooks_and_missing_metadata_are_read() -> None:
    cells = [
        {"cell_type": "code", "input": text, "prompt_number": 1, "language": "python"}
        for text in LEAK
    ]
    old = json.dumps({"nbformat": 3, "worksheets": [{"cells": cells}]}).encode()
    assert codes("a.ipynb", old) == [("LK101", 2, 2)]


def test_a_notebook_of_another_language_is_left_alone() -> None:
    text = notebook(LEAK, metadata={"kernelspec": {"language": "R"}})
    assert not check("a.ipynb", text).findings


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"cells": 3}', b"\xff\xfe{}", b"[" * 9999])
def test_a_broken_notebook_is_one_warning_that_says_why(content: bytes) -> None:
    result = check("a.ipynb", content)
    assert [f.code for f in result.findings] == ["NB899"]
    assert "a.ipynb" in result.unread


def test_magics_are_blanked_with_equal_length_and_what_they_run_is_kept() -> None:
    text = b"%%time\n%timeit -n 3 m.fit(a, b)\nfiles = !ls\nx = 1 % 2\n?help\n"
    raw = json.dumps({"cells": [{"cell_type": "code", "source": text.decode()}]}).encode()
    document = Document.read("a.ipynb", raw)
    assert len(document.text) == len(text)
    lines = document.text.split(b"\n")
    assert lines[1].endswith(b"m.fit(a, b)") and b"%" not in lines[1]
    assert not lines[0].strip() and not lines[2].strip() and not lines[4].strip()
    assert lines[3] == b"x = 1 % 2"


def test_a_cell_of_another_language_is_blank() -> None:
    raw = notebook(["%%bash\npip install x\nrm -r y", "z = 1"])
    document = Document.read("a.ipynb", raw)
    start, end = document.segments[0]
    assert not document.text[start:end].strip()


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_lines_are_counted_alike_for_every_line_end_and_mark(newline: str, mark: bytes) -> None:
    script = "\n".join(LEAK).replace("%matplotlib inline\n!pip install x\n", "é = '\x0c'\n")
    content = mark + script.replace("\n", newline).encode()
    assert codes("a.py", content) == [("LK101", None, 9)]


def test_columns_are_characters() -> None:
    text = "\n".join(LEAK).replace("X = sc.fit", "é, X = 'ü', sc.fit").replace("%m", "#").encode()
    found = next(f for f in check("a.py", text).findings if f.code == "LK101")
    assert found.place.column == "é, X = 'ü', sc.fit".index("sc.fit") + 1


def test_too_much_code_is_said_to_be_too_much() -> None:
    with pytest.raises(Unreadable, match=r"a\.py: 6000000 bytes"):
        Document.read("a.py", b"#" * 6_000_000)
    assert [f.code for f in check("a.py", b"#" * 10_000_000).findings] == ["NB899"]


def test_a_declared_encoding_is_respected() -> None:
    content = "# coding: latin-1\nname = 'é'\n".encode("latin-1")
    assert "é" in Document.read("a.py", content).text.decode()
