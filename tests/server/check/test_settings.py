"""`[tool.autosota.check]`: what may be set, for which files, and what is told when it is wrong."""

from __future__ import annotations

import pytest

from autosota.server.check.files import find
from autosota.server.check.settings import load

OBJECTIVE = """\
[objective]
command = "python train.py --seed {seed}"
metric = "accuracy"
select_on = "val_accuracy"
"""


def test_settings_of_the_project(write, run, leak):
    for name in ("train.py", "old/train.py", "old/deep/train.py", "sub/old/train.py"):
        write(name, leak)
    write(
        "pyproject.toml",
        '[tool.autosota.check]\nseverity = { lk107 = "error" }\nfail-on = "error"\n'
        'per-file-ignores = { "/old/*.py" = ["LK"], "sub/" = ["LK1", "EV"] }\n',
    )
    told = run("--format", "json")
    assert told.code == 1
    assert [(r["path"], r["severity"]) for r in told.rows] == [
        ("old/deep/train.py", "error"),
        ("train.py", "error"),
    ]
    assert run("old/train.py").code == 0


def test_the_command_line_wins(write, run, leak):
    write("train.py", leak)
    write("pyproject.toml", '[tool.autosota.check]\nselect = ["EV"]\nfail-on = "block"\n')
    assert run().code == 0
    assert run("--select", "LK").code == 0
    assert run("--select", "LK", "--fail-on", "warning").code == 1


def test_each_folder_has_its_own_settings(write, run, leak):
    for name in ("one/a.py", "two/a.py", "two/deep/a.py", "a.py"):
        write(name, leak)
    write("one/pyproject.toml", '[tool.autosota.check]\nignore = ["LK107"]\n')
    write("two/pyproject.toml", '[tool.autosota.check]\nseverity = { LK107 = "info" }\n')
    write("two/deep/pyproject.toml", "[tool.other]\nx = 1\n")
    write("pyproject.toml", '[tool.autosota.check]\nseverity = { LK107 = "block" }\n')
    told = run("--format", "json")
    assert [(r["path"], r["severity"]) for r in told.rows] == [
        ("a.py", "block"),
        ("two/a.py", "info"),
        ("two/deep/a.py", "info"),
    ]
    assert run("two").code == 0
    assert run("two/deep/a.py", "one").code == 0
    assert run("two", "a.py").code == 1


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ('selct = ["LK"]', "tool.autosota.check.selct is not known; did you mean 'select'?"),
        ('fail_on = "error"', "check.fail_on is not known; did you mean 'fail-on'?"),
        ('select = ["LK1O9"]', "check.select: no rule's code starts with 'LK1O9'; did you mean"),
        ('select = "LK"', "check.select must be a list of texts, not 'LK'"),
        ('severity = { LK107 = "eror" }', "'eror' is none of block, error, warning, info; did you"),
        ('severity = { LK1 = "error" }', "check.severity: there is no rule 'LK1'"),
        ("severity = 3", "check.severity must be a table such as"),
        ('fail-on = "never"', "check.fail-on: 'never' is none of"),
        ('per-file-ignores = { "a/*" = "LK" }', 'check.per-file-ignores."a/*" must be a list'),
        ('per-file-ignores = { "a/*" = ["ZZ"] }', "no rule's code starts with 'ZZ'"),
        ("select = [", "cannot be read"),
    ],
)
def test_wrong_settings_are_one_line(write, run, leak, table, words):
    write("train.py", leak)
    write("pyproject.toml", f"[tool.autosota.check]\n{table}\n")
    code, out, err = run()
    assert (code, out) == (2, "")
    assert words in err and "pyproject.toml" in err and err.count("\n") == 1


def test_someone_elses_broken_file_is_not_ours(write, run, clean):
    write("train.py", clean)
    write("pyproject.toml", "[tool.black\n")
    assert run().code == 0


@pytest.mark.parametrize("form", ["autosota.toml", "pyproject.toml"])
def test_the_objective_names_evaluators(write, place, form):
    write("train.py", "")
    protocol = '[protocol]\nevaluation = ["score.py", "train.py::evaluate"]\n'
    if form == "autosota.toml":
        write(form, OBJECTIVE + protocol)
    else:
        text = (OBJECTIVE + protocol).replace("[", "[tool.autosota.", 2)
        write(form, text + '[tool.autosota.check]\nselect = ["LK"]\n')
    settings = load(find(["train.py"])[0].site)
    assert settings.notes == ()
    assert settings.rules.evaluators == ("score.py", "train.py")


def test_an_objective_that_is_wrong_is_a_note(write, run, leak):
    write("a.py", leak)
    write("autosota.toml", OBJECTIVE.replace("metric =", "metrik ="))
    code, out, err = run()
    assert code == 1 and "LK107" in out
    assert err.startswith("autosota: autosota.toml: objective.metrik: ")
    assert "the check goes on without" in err and err.count("\n") == 1


def test_settings_of_the_check_are_no_objective(write, place):
    from autosota.server.config import objective_file
    from autosota.server.workspace.root import find_root, has_objective

    (place / ".git").mkdir()
    write(".git/HEAD", "ref: refs/heads/main\n")
    write("pkg/pyproject.toml", '[tool.autosota.check]\nselect = ["LK"]\n')
    assert not has_objective(place / "pkg")
    assert objective_file(place / "pkg") is None
    assert find_root(place / "pkg") == place
    write("pkg/pyproject.toml", OBJECTIVE.replace("[", "[tool.autosota.", 1))
    assert has_objective(place / "pkg")
