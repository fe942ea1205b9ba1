"""No input makes the command crash or hang, and code without machine learning has no findings."""

from __future__ import annotations

import importlib.util
import json
import random
from pathlib import Path

import pytest

PACKAGES = (
    *("pip", "click", "pygments", "rich", "jinja2", "pydantic", "mypy", "tornado"),
    *("setuptools", "hypothesis", "sqlalchemy", "jupyter_server", "nbconvert", "pytest", "urllib3"),
)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("nul.py", b"x = 1\x00\nfrom sklearn import svm\nsvm.SVC().fit(X, y)\n"),
        ("latin.py", "from sklearn import svm  # caf\xe9\n".encode("latin-1")),
        ("bytes.py", b"from sklearn import svm\n" + bytes(range(256)) * 20),
        ("coding.py", b"# -*- coding: no-such-codec -*-\nimport sklearn  # \xff\n"),
        ("utf16.py", "import sklearn\nX_test = 1\n".encode("utf-16")),
        ("two.py", b"from sklearn import svm\nprint 'hello'\nexec 'x = 1'\nraise E, 'no'\n"),
        ("deep.py", b"from sklearn import svm\nx = " + b"(" * 5000 + b")" * 5000 + b"\n"),
        ("open.py", b"import sklearn\nx = " + b"[" * 20000),
        ("calls.py", b"import sklearn\nx = " + b"f(" * 3000 + b")" * 3000 + b"\n"),
        ("else.py", b"import torch\n" + b"if a:\n pass\nel" * 3000),
        ("minus.py", b"import numpy\ny_pred = " + b"-" * 30000 + b"1\n"),
        ("dots.py", b"import numpy\ntest = a" + b".b" * 30000 + b"\n"),
        ("plus.py", b"import numpy\npred = a" + b"+ a" * 20000 + b"\n"),
        ("quote.py", b"import sklearn\nx = '''" + b"a\n" * 50000),
        ("indent.py", b"import sklearn\n" + b"".join(b" " * i + b"if a:\n" for i in range(400))),
        ("line.py", b"import sklearn\nx = [" + b"1, " * 300_000 + b"]\n"),
        ("noqa.py", b"import sklearn\n" + b"# noqa: LK101, " * 4000),
        ("bare.ipynb", b'{"cells": [{"cell_type": "code", "source": "import numpy"}]}'),
        ("odd.ipynb", b'{"cells": [1, {"cell_type": "code", "source": 3}, null]}'),
        ("surrogate.ipynb", b'{"cells": [{"cell_type": "code", "source": ["\\ud800 = 1"]}]}'),
        ("deep.ipynb", b'{"cells": ' + b"[" * 100_000),
        ("number.ipynb", b'{"cells": [], "nbformat": ' + b"9" * 10_000 + b"}"),
        ("list.ipynb", b"[]"),
        ("empty.ipynb", b""),
        ("empty.py", b""),
    ],
)  # fmt: skip
def test_no_input_ends_the_command_badly(write, run, leak, name, content):
    write(name, content)
    write("train.py", leak)
    told = run("--format", "json", "--no-cache")
    assert told.code in (1, 2) and told.err == ""
    assert ("train.py", "LK107") in told.found
    assert (told.code == 2) == ((name, "NB899") in told.found)
    for form in ("text", "sarif", "github"):
        assert run("--format", form, "--no-cache").code == told.code


@pytest.mark.parametrize("name", ["crlf.py", "mac.py", "bom.py", "feed.py", "utf16.py", "3.ipynb"])
def test_odd_but_honest_text_is_checked(write, run, leak, name):
    cell = {"cell_type": "code", "input": leak, "language": "python", "prompt_number": 1}
    content = {
        "crlf.py": leak.replace("\n", "\r\n").encode(),
        "mac.py": leak.replace("\n", "\r").encode(),
        "bom.py": b"\xef\xbb\xbf" + leak.encode(),
        "feed.py": leak.replace("\n\n", "\n\x0c\n").encode(),
        "utf16.py": leak.encode("utf-16"),
        "3.ipynb": json.dumps({"nbformat": 3, "worksheets": [{"cells": [cell]}]}).encode(),
    }[name]
    write(name, content)
    (row,) = run("--format", "json").rows
    assert (row["code"], row["line"], row["column"]) == ("LK107", 9, 10)
    assert "X_test = scaler.fit_transform(X_test)\n" in run().out


def test_ten_megabytes_and_large_outputs(write, run, leak, notebook):
    write("large.py", leak + "x = 1\n" * 1_700_000)
    big = json.loads(notebook(leak))
    big["cells"][1]["outputs"] = [{"output_type": "stream", "text": ["y" * 1000] * 8000}]
    write("large.ipynb", json.dumps(big))
    told = run("--format", "json")
    assert set(told.found) == {("large.ipynb", "LK107"), ("large.py", "NB899")}
    assert told.code == 2


def test_files_that_cannot_be_read_and_files_that_should_not(write, place, run, leak):
    (place / "shut.py").symlink_to("/proc/self/mem")  # refuses to be read, even by root
    with open(write("vast.ipynb", "{"), "r+b") as file:
        file.truncate(10**12)
    write("train.py", leak)
    told = run("--format", "json")
    assert told.code == 2
    assert told.found == [("shut.py", "NB899"), ("train.py", "LK107"), ("vast.ipynb", "NB899")]
    assert told.rows[0]["message"].startswith("cannot be read: ")
    assert run("--format", "sarif").code == run("--format", "github").code == 2


def _mutated(content: bytes, chance: random.Random) -> bytes:
    """Bytes cut out, doubled, swapped, or replaced by what parsers dislike."""
    for _ in range(chance.randint(1, 6)):
        a = chance.randrange(len(content) + 1)
        b = min(len(content), a + chance.choice((1, 3, 40, 400)))
        middle = chance.choice(
            (
                b"",
                content[a:b] * 2,
                b"\0",
                b"\xff\xfe",
                b"(",
                b"'''",
                b"\r",
                b"\n\t ",
                b"}\\",
                b"%%x",
            )
        )
        content = content[:a] + middle + content[b:]
    return content


@pytest.mark.parametrize("seed", range(4))
def test_mutated_files(write, run, leak, notebook, seed):
    chance = random.Random(seed)
    own = sorted((Path(__file__).parents[3] / "docs" / "examples").rglob("*.py"))
    texts = [p.read_bytes() for p in own] + [leak.encode() * 3]
    for i in range(25):
        write(f"m{i}.py", _mutated(chance.choice(texts), chance))
        write(
            f"n{i}.ipynb", _mutated(notebook(leak, chance.choice(texts).decode()).encode(), chance)
        )
    first = run("--format", "json", "--no-cache", "--processes", "1")
    assert first.code in (0, 1, 2) and first.err == ""
    assert run("--format", "json", "--no-cache", "--processes", "2") == first
    assert not [r for r in first.rows if "please report" in r["message"]]


@pytest.mark.parametrize("name", PACKAGES)
def test_code_without_machine_learning_has_no_findings(run, place, name):
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        pytest.skip(f"{name} is not installed")
    told = run("--format", "json", "--no-cache", spec.submodule_search_locations[0])
    assert [r for r in told.rows if r["severity"] in ("error", "block")] == []
    assert told.rows == []
