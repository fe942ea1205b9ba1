"""`autosota check` as a user calls it: text, options, exit codes."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from autosota.server.cli.main import call

PROGRAM = Path(sys.executable).with_name("autosota")


def test_text_shows_place_line_why_and_page(write, run, leak):
    write("train.py", leak)
    code, out, err = run("train.py")
    lines = out.splitlines()
    assert (code, err) == (1, "")
    assert lines[0].startswith("train.py:9:10: LK107 [warning] ")
    assert lines[1] == "  9 | X_test = scaler.fit_transform(X_test)"
    assert lines[2] == "    | " + " " * 9 + "^" * len("scaler.fit_transform(X_test)")
    assert any(line.startswith("    why: The same raw value now means") for line in lines)
    assert lines[-3] == "    Transform fitted again on the test rows; more: autosota rule LK107"
    assert lines[-1] == "1 finding in 1 file: 1 warning."
    assert "\x1b" not in out


def test_why_is_said_once_and_places_are_not_endless(write, run, leak):
    write("a.py", leak)
    write("b.py", leak)
    out = run().out
    assert out.count("why:") == 1 and out.count("autosota rule LK107") == 2
    scores = "".join(f"print(SVC(C={c}).fit(X_train, y_train).score(X_test, y_test))\n"
                     for c in range(1, 10))  # fmt: skip
    write("c.py", leak[: leak.index("scaler")] + "from sklearn.svm import SVC\n" + scores)
    out = run("c.py", "--select", "LK112").out
    assert "LK112" in out and "    and 3 more places\n" in out
    assert out.count(" line ") <= 6


def test_a_place_in_a_notebook_names_its_cell(write, run, leak, notebook):
    at = leak.index("scaler =")
    write("a.ipynb", notebook(leak[:at], leak[at:]))
    out = run().out
    assert out.startswith("a.ipynb:cell 2:3:10: LK107 [warning] ")
    assert "  3 | X_test = scaler.fit_transform(X_test)\n" in out


def test_a_line_is_underlined_where_a_terminal_shows_it(write, run, leak):
    call_ = "scaler.fit_transform(X_test)"
    odd = leak.replace(f"X_test = {call_}", f"数据, X_test = '数\t', {call_}")
    write("a.py", odd.replace("\n", "\r\n"))
    lines = run("--select", "LK107").out.splitlines()
    assert lines[1].endswith(call_) and "\t" not in lines[1]
    wide = sum(ord(c) > 0x2E80 for c in lines[1])
    assert lines[2].index("^") == lines[1].index(call_) + wide
    assert lines[2].count("^") == len(call_)
    long = leak.replace(call_, "(" + "0 + " * 100 + call_ + ")")
    write("a.py", long)
    lines = run("--select", "LK107").out.splitlines()
    start = lines[2].index("^")
    assert len(lines[1]) < 140
    assert lines[1][start : start + len(call_)] == call_


def test_clean_code_exits_zero(write, run, clean):
    write("train.py", clean)
    assert run() == (0, "No findings in 1 file.\n", "")


def test_nothing_to_check_is_said(place, run):
    assert run() == (0, "No Python files or notebooks found.\n", "")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("trian.py", "trian.py: no such file or folder; did you mean 'train.py'?"),
        ("trains.py/", "trains.py/: no such file or folder; did you mean 'train.py'?"),
        ("sub/x", "sub/x: no such file or folder"),
        ("a\0b", "a\\0b: embedded null byte"),
    ],
)
def test_a_path_that_is_none_is_one_line(write, run, clean, name, words):
    write("train.py", clean)
    assert run("train.py", name) == (2, "", f"autosota: {words}\n")


def test_what_cannot_be_read_is_told_and_the_rest_is_checked(write, run, leak):
    write("bad.ipynb", "{")
    write("train.py", leak)
    code, out, _ = run()
    assert code == 2  # wins over findings
    assert out.startswith("bad.ipynb:1:1: NB899 [warning] not a notebook: ")
    assert "LK107" in out
    assert out.endswith("2 findings in 2 files: 2 warning; 1 could not be read.\n")
    assert run("--ignore", "NB,LK")[0] == 2


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ((), 1),
        (("--fail-on", "error"), 0),
        (("--fail-on", "info"), 1),
        (("--ignore", "LK107"), 0),
        (("--ignore", "lk"), 0),
        (("--select", "EV,DS"), 0),
        (("--select", "LK"), 1),
        (("--select", "ALL"), 1),
        (("--select", "EV", "--select", "LK107"), 1),
    ],
)
def test_options_choose_rules_and_the_exit_code(write, run, leak, options, code):
    write("train.py", leak)
    assert run(*options)[0] == code


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--select", "LK1O7"), "--select: no rule's code starts with 'LK1O7'; did you mean 'LK1"),
        (("--format", "xml"), "'xml' is not one of"),
        (("--stdin-filename", "a.py"), "--stdin-filename: goes with the path -"),
        (("-", "a.py"), "-: text on stdin is checked alone"),
        (("--statistics", "--format", "json"), "leave out --format json"),
    ],
)
def test_misuse_is_exit_code_two(write, run, clean, options, words):
    write("a.py", clean)
    code, out, err = run(*options)
    assert (code, out) == (2, "")
    assert words in err


def test_stdin_under_a_name(write, place, leak):
    write("sub/other.py", "x = 1\n")
    command = [PROGRAM, "check", "-", "--stdin-filename", "sub/cell.py"]
    done = subprocess.run(command, input=leak.encode(), capture_output=True, check=False, cwd=place)
    out = done.stdout.decode()
    assert (done.returncode, done.stderr) == (1, b"")
    assert out.startswith("sub/cell.py:9:10: LK107 ")
    assert "  9 | X_test = scaler.fit_transform(X_test)\n" in out  # its line is in no file


def test_stdin_sees_the_files_beside_it(write, place, monkeypatch, run):
    write("sub/scoring.py", "import json\n\n\ndef accuracy(y_true, y_pred):\n"
          "    return json.load(open('r.json'))['a']\n")  # fmt: skip
    text = (
        "import numpy as np\nfrom scoring import accuracy\nfrom sklearn.svm import SVC\n"
        "train, test = np.load('train.npz'), np.load('test.npz')\n"
        "model = SVC().fit(train['x'], train['y'])\n"
        "print('accuracy', accuracy(test['y'], model.predict(test['x'])))\n"
    )

    class Stdin:
        class buffer:
            read = staticmethod(text.encode)

    monkeypatch.setattr(sys, "stdin", Stdin)
    told = run("-", "--stdin-filename", "sub/a.py", "--format", "json")
    assert told.found == [("sub/a.py", "EV214")]


def test_suppressions_are_shown_on_demand_and_counted(write, run, leak):
    comment = "  # autosota: ignore[LK107]"
    write("a.py", leak.replace("(X_test)\n", f"(X_test){comment}\n", 1))
    write("b.py", leak.replace("(X_test)\n", f"(X_test){comment} the paper does so\n", 1))
    write("c.py", leak.replace("(X_test)\n", "(X_test)  # noqa: LK107\n", 1))
    assert run() == (0, "No findings in 3 files.\n", "")
    out = run("--show-suppressed").out
    assert [f"{n}.py:9:10: LK107 [warning, suppressed] " in out for n in "abc"] == [True] * 3
    assert run("--statistics").out.splitlines() == [
        "     3  suppressed by comments, 1 of them by an `ignore` without a reason",
        "No findings in 3 files.",
    ]


def test_an_unused_suppression_is_a_finding(write, run, clean):
    write("a.py", clean.replace("(X_test)\n", "(X_test)  # noqa: LK107, E501\n", 1))
    told = run("--format", "json")
    assert (told.code, told.found) == (1, [("a.py", "NB898")])


def test_statistics_count_by_rule(write, run, leak):
    write("a.py", leak)
    write("b.py", leak + "print(SVC().fit(X, y).score(X, y))\n")
    code, out, _ = run("--statistics")
    assert code == 1
    assert "     2  LK107   warning  Transform fitted again on the test rows\n" in out


def _on_a_terminal(place, **environment: str) -> str:
    ours, theirs = pty.openpty()
    settings = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "TERM")}
    done = subprocess.run(
        [PROGRAM, "check"], stdout=theirs, cwd=place, check=False,
        env={**settings, "TERM": "xterm", **environment},
    )  # fmt: skip
    os.close(theirs)
    assert done.returncode == 1
    out = b""
    try:
        while chunk := os.read(ours, 65536):
            out += chunk
    except OSError:  # the terminal is gone, and all of it was read
        pass
    os.close(ours)
    return out.decode()


def test_colours_are_for_terminals_that_want_them(write, place, leak):
    write("a.py", leak)
    assert "\x1b[33m" in _on_a_terminal(place)
    assert "\x1b" not in _on_a_terminal(place, NO_COLOR="1")
    assert "\x1b" not in _on_a_terminal(place, TERM="dumb")


def test_a_check_leaves_nothing_in_the_repository(write, place, run, leak):
    write("a.py", leak)
    run()
    assert sorted(p.name for p in place.iterdir()) == ["a.py"]
    assert list((place.parent / "cache" / "autosota" / "check").glob("*.sqlite"))


def test_starting_loads_no_campaign_and_no_numbers(place, leak):
    names = (
        "numpy scipy optuna sklearn pandas rich docker anthropic pydantic jupyter_client asyncio"
    )
    program = (
        "import sys\nfrom autosota.server.cli.main import call\ncode = call(['check'])\n"
        f"print([n for n in '{names}'.split() if n in sys.modules], code)\n"
    )
    (place / "a.py").write_text(leak)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout.decode().splitlines()[-1] == "[] 1"


def test_a_rule_is_explained(capsys):
    assert call(["rule", "lk107"]) == 0
    assert capsys.readouterr().out.startswith("# LK107: ")
    assert call(["rule", "LK17"]) == 2
    assert "did you mean LK1" in capsys.readouterr().err


def test_the_page_names_every_option_and_key():
    from autosota.server.check.settings import KEYS
    from autosota.server.cli.check_commands import check

    page = (Path(__file__).parents[3] / "docs" / "check.md").read_text()
    options = [o for p in check.params for o in p.opts if o.startswith("--")]
    assert [o for o in options if f"`{o}" not in page] == []
    assert [k for k in KEYS if f"\n{k} = " not in page] == []
