"""`autosota check` as a user calls it: files, formats, settings, exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from autosota.server.cli.main import call

LEAK = """\
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

X, y = load()
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
scaler = StandardScaler()
X_train = scaler.fit_transform(X_train)
X_test = scaler.fit_transform(X_test)
print(LogisticRegression().fit(X_train, y_train).score(X_test, y_test))
"""
CLEAN = LEAK.replace("scaler.fit_transform(X_test)", "scaler.transform(X_test)")


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def run(capsys, *arguments: str) -> tuple[int, str, str]:
    code = call(["check", *arguments])
    out, err = capsys.readouterr()
    return code, out, err


def notebook(*cells: str) -> str:
    return json.dumps(
        {
            "cells": [
                {"cell_type": "markdown", "metadata": {}, "source": ["# Title"]},
                *(
                    {
                        "cell_type": "code",
                        "execution_count": None,
                        "metadata": {},
                        "outputs": [],
                        "source": text.splitlines(keepends=True),
                    }
                    for text in cells
                ),
            ],
            "metadata": {},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
    )


def test_text_shows_place_line_and_other_places(place, capsys):
    (place / "train.py").write_text(LEAK)
    code, out, err = run(capsys, "train.py")
    assert (code, err) == (1, "")
    assert out.startswith("train.py:9:10: LK107 warning ")
    assert "  9 | X_test = scaler.fit_transform(X_test)\n" in out
    caret = out.splitlines()[2]
    assert caret.index("^") - caret.index("|") - 2 == 9  # under the call, not the line
    assert caret.count("^") == len("scaler.fit_transform(X_test)")
    assert "\x1b" not in out
    assert out.endswith("1 finding in 1 file: 1 warning.\n")


def test_clean_code_exits_zero(place, capsys):
    (place / "train.py").write_text(CLEAN)
    assert run(capsys) == (0, "No findings in 1 file.\n", "")


def test_json_has_every_field_of_the_design(place, capsys):
    (place / "a.ipynb").write_text(
        notebook(LEAK[: LEAK.index("scaler =")], LEAK[LEAK.index("scaler =") :])
    )
    code, out, _ = run(capsys, "--format", "json")
    (row,) = json.loads(out)
    assert code == 1
    assert {k: row[k] for k in ("path", "cell", "line", "column", "code", "severity")} == {
        "path": "a.ipynb", "cell": 2, "line": 3, "column": 10, "code": "LK107", "severity": "warning",
    }  # fmt: skip
    assert set(row) == {
        *("path", "cell", "line", "column", "end_line", "end_column", "code", "name", "severity"),
        *("red_line", "message", "url", "related"),
    }
    assert row["url"].startswith("file:///")
    assert "LK107" in Path(row["url"].removeprefix("file://")).read_text()


def test_sarif_is_valid_and_marks_what_is_suppressed(place, capsys):
    (place / "train.py").write_text(LEAK)
    (place / "quiet.py").write_text(LEAK.replace("(X_test)\n", "(X_test)  # noqa: LK107\n", 1))
    code, out, _ = run(capsys, "--format", "sarif")
    log = json.loads(out)
    assert log["version"] == "2.1.0" and log["$schema"].endswith("sarif-schema-2.1.0.json")
    driver = log["runs"][0]["tool"]["driver"]
    for result in log["runs"][0]["results"]:  # what the standard asks of a result
        rule = driver["rules"][result["ruleIndex"]]
        assert rule["id"] == result["ruleId"]
        assert rule["helpUri"].startswith("file:///")
        assert result["level"] in ("none", "note", "warning", "error")
        assert result["message"]["text"]
        for place in (*result["locations"], *result.get("relatedLocations", ())):
            region = place["physicalLocation"]["region"]
            assert all(isinstance(n, int) and n >= 1 for n in region.values())
            assert ":" not in place["physicalLocation"]["artifactLocation"]["uri"]
    by_file = {
        r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]: r
        for r in log["runs"][0]["results"]
    }
    assert code == 1
    assert by_file["quiet.py"]["suppressions"] == [{"kind": "inSource"}]
    assert "suppressions" not in by_file["train.py"]
    assert by_file["train.py"]["locations"][0]["physicalLocation"]["region"] == {
        "startLine": 9, "startColumn": 10, "endLine": 9, "endColumn": 38,
    }  # fmt: skip


def test_github_annotations_are_escaped(place, capsys):
    (place / "a,b.py").write_text(LEAK)
    _, out, _ = run(capsys, "--format", "github")
    assert out.startswith(
        "::warning file=a%2Cb.py,line=9,col=10,endLine=9,endColumn=38,title=LK107 "
    )
    assert out.count("\n") == 1


def test_a_missing_path_is_one_line_with_the_nearest_name(place, capsys):
    (place / "train.py").write_text(CLEAN)
    code, out, err = run(capsys, "trian.py")
    assert (code, out) == (2, "")
    assert err == "autosota: trian.py: no such file or folder; did you mean 'train.py'?\n"


def test_what_cannot_be_read_is_told_and_the_rest_is_checked(place, capsys):
    (place / "bad.ipynb").write_text("{")
    (place / "train.py").write_text(LEAK)
    code, out, _ = run(capsys)
    assert code == 2  # wins over findings
    assert "NB899" in out and "LK107" in out


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ((), 1),
        (("--fail-on", "error"), 0),
        (("--ignore", "LK107"), 0),
        (("--select", "EV,DS"), 0),
        (("--select", "LK"), 1),
    ],
)
def test_options_choose_rules_and_the_exit_code(place, capsys, options, code):
    (place / "train.py").write_text(LEAK)
    assert run(capsys, *options)[0] == code


def test_settings_of_the_project(place, capsys):
    (place / "train.py").write_text(LEAK)
    (place / "old").mkdir()
    (place / "old" / "train.py").write_text(LEAK)
    (place / "pyproject.toml").write_text(
        '[tool.autosota.check]\nseverity = { LK107 = "error" }\n'
        'per-file-ignores = { "old/*.py" = ["LK"] }\nfail-on = "error"\n'
    )
    code, out, _ = run(capsys, "--format", "json")
    assert code == 1
    assert [(r["path"], r["severity"]) for r in json.loads(out)] == [("train.py", "error")]


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ('selct = ["LK"]', "tool.autosota.check.selct is not known; did you mean 'select'?"),
        ('select = ["LK1O9"]', "no rule's code starts with 'LK1O9'; did you mean 'LK1"),
        ('select = "LK"', "tool.autosota.check.select is a list of texts, not 'LK'"),
        ('severity = { LK101 = "bad" }', "'bad' is none of block, error, warning, info"),
        ("select = [", "cannot be read"),
    ],
)
def test_wrong_settings_are_one_line(place, capsys, table, words):
    (place / "train.py").write_text(LEAK)
    (place / "pyproject.toml").write_text(f"[tool.autosota.check]\n{table}\n")
    code, out, err = run(capsys)
    assert (code, out) == (2, "")
    assert words in err and "pyproject.toml" in err and err.count("\n") == 1


def test_folders_leave_out_what_is_ignored_and_environments(place, capsys):
    for name in ("a.py", "ignored/b.py", ".venv/c.py", "env2/d.py", "sub/gen/e.py", "sub/f.py"):
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(LEAK)
    (place / "env2" / "pyvenv.cfg").write_text("")
    (place / ".gitignore").write_text("ignored/\n")
    (place / "sub" / ".gitignore").write_text("/gen\n")
    _, out, _ = run(capsys, "--format", "json")
    assert [r["path"] for r in json.loads(out)] == ["a.py", "sub/f.py"]


def test_links_in_a_circle_end(place, capsys):
    (place / "a").mkdir()
    (place / "a" / "loop").symlink_to(place / "a", target_is_directory=True)
    (place / "a" / "self.py").symlink_to(place / "a" / "self.py")
    (place / "a" / "train.py").write_text(LEAK)
    code, out, _ = run(capsys, "--format", "json")
    assert [r["path"] for r in json.loads(out)] == ["a/train.py"]
    assert code == 1


def test_a_pipe_and_a_folder_that_look_like_scripts(place, capsys):
    os.mkfifo(place / "pipe.py")
    (place / "folder.py").mkdir()
    (place / "folder.py" / "train.py").write_text(LEAK)
    code, out, _ = run(capsys, "--format", "json")
    assert [r["path"] for r in json.loads(out)] == ["folder.py/train.py"]
    code, _, err = run(capsys, "pipe.py")
    assert (code, err) == (2, "autosota: pipe.py: neither a file nor a folder\n")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("nul.py", b"x = 1\x00\nfrom sklearn import svm\nsvm.SVC().fit(X, y)\n"),
        ("latin.py", "from sklearn import svm  # caf\xe9\n".encode("latin-1")),
        ("crlf.py", LEAK.replace("\n", "\r\n").encode()),
        ("bom.py", b"\xef\xbb\xbf" + LEAK.encode()),
        ("feed.py", LEAK.replace("\n\n", "\n\x0c\n").encode()),
        ("two.py", b"from sklearn import svm\nprint 'hello'\nexec 'x = 1'\nraise E, 'no'\n"),
        ("deep.py", b"from sklearn import svm\nx = " + b"(" * 5000 + b")" * 5000 + b"\n"),
        ("deep2.py", b"import sklearn\nx = " + b"[" * 20000),
        ("else.py", b"import torch\n" + b"if a:\n pass\nel" * 3000),
        ("minus.py", b"import numpy\ny_pred = " + b"-" * 30000 + b"1\n"),
        ("dots.py", b"import numpy\ntest = a" + b".b" * 30000 + b"\n"),
        ("plus.py", b"import numpy\npred = a" + b"+ a" * 20000 + b"\n"),
        ("three.ipynb", json.dumps({"nbformat": 3, "worksheets": [{"cells": [{"cell_type": "code", "input": LEAK}]}]}).encode()),
        ("bare.ipynb", b'{"cells": [{"cell_type": "code", "source": "import numpy"}]}'),
        ("odd.ipynb", b'{"cells": [1, {"cell_type": "code", "source": 3}, null]}'),
        ("list.ipynb", b"[]"),
        ("empty.ipynb", b""),
        ("empty.py", b""),
    ],
)  # fmt: skip
def test_no_input_ends_the_command_badly(place, capsys, name, content):
    (place / name).write_bytes(content)
    (place / "train.py").write_text(LEAK)
    code, out, err = run(capsys, "--format", "json", "--no-cache")
    rows = json.loads(out)
    assert code in (1, 2) and err == ""
    assert "LK107" in [r["code"] for r in rows if r["path"] == "train.py"]
    assert (code == 2) == any(r["code"] == "NB899" for r in rows)
    if name in ("crlf.py", "bom.py", "feed.py", "three.ipynb"):
        assert "LK107" in [r["code"] for r in rows if r["path"] == name]


def test_ten_megabytes_and_large_outputs(place, capsys):
    (place / "large.py").write_bytes(LEAK.encode() + b"x = 1\n" * 1_700_000)
    big = json.loads(notebook(LEAK))
    big["cells"][1]["outputs"] = [{"output_type": "stream", "text": ["y" * 1000] * 8000}]
    (place / "large.ipynb").write_text(json.dumps(big))
    code, out, _ = run(capsys, "--format", "json")
    found = {(r["path"], r["code"]) for r in json.loads(out)}
    assert ("large.ipynb", "LK107") in found
    assert ("large.py", "NB899") in found and code == 2


def test_stdin_under_a_name(place, monkeypatch):
    done = subprocess.run(
        [Path(sys.executable).with_name("autosota"), "check", "-", "--stdin-filename",
         "sub/cell.py", "--format", "json"],
        input=LEAK.encode(), capture_output=True, check=False, cwd=place,
    )  # fmt: skip
    (row,) = json.loads(done.stdout)
    assert (done.returncode, row["path"], row["code"]) == (1, "sub/cell.py", "LK107")


def test_suppressions_are_shown_on_demand(place, capsys):
    (place / "train.py").write_text(LEAK.replace("(X_test)\n", "(X_test)  # noqa: LK107\n", 1))
    assert run(capsys)[0] == 0
    _, out, _ = run(capsys, "--show-suppressed")
    assert "train.py:9:10: LK107 suppressed" in out


def test_a_rule_is_explained(capsys):
    assert call(["rule", "lk107"]) == 0
    assert capsys.readouterr().out.startswith("# LK107: ")
    assert call(["rule", "LK17"]) == 2
    assert "did you mean LK1" in capsys.readouterr().err
