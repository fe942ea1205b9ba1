"""Fixes: on every case of the rules, the result parses, the finding is gone and no other came."""

from __future__ import annotations

import importlib.util
import sys
from collections import Counter
from pathlib import Path

import pytest

from autosota.agents.check import Project, Settings, check
from autosota.agents.check.fixes import Refused, Sheet, apply, fixes, suppress
from autosota.agents.code.source import SourceFile

RULES = Path(__file__).parents[1] / "rules"


def _reader():
    spec = importlib.util.spec_from_file_location("rule_cases", RULES / "conftest.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["rule_cases"] = module
    spec.loader.exec_module(module)
    return module.read_cases


_read = _reader()
CASES = [case for file in sorted((RULES / "cases").glob("*.txt")) for case in _read(file.stem)]
FIRING = [c for c in CASES if c.fires]

FIXED = {
    "LK101": 2, "LK102": 1, "LK103": 1, "LK104": 2, "LK106": 1, "LK107": 2, "LK108": 1,
    "LK109": 2, "LK111": 2, "LK112": 3, "LK116": 1, "LK118": 2, "NB802": 2, "NB898": 0,
}  # fmt: skip
"""How many of a rule's own cases have a fix; the others need a person."""


def name(case):
    return f"{case.code}-{case.title}"


def applied(sheet, edits):
    content = sheet.content
    for edit in sorted(edits, reverse=True):
        content = content[: edit.start] + edit.text + content[edit.end :]
    return content


def after_fix(case, sheet, edits):
    return apply(sheet, case.content, edits)


def parses(path, content):
    return not SourceFile(path, Sheet.of(path, content).content).has_error


@pytest.mark.parametrize("case", FIRING, ids=name)
def test_a_fix_takes_its_finding_away_and_brings_no_other(case):
    project = Project.of(case.files)
    before = check(case.path, case.content, None, project).findings
    sheet = Sheet.of(case.path, case.content)
    for fix in fixes(sheet, before):
        content = after_fix(case, sheet, fix.edits(sheet))
        assert parses(case.path, content)
        after = check(case.path, content, None, project).findings
        was, now = (Counter(f.code for f in found) for found in (before, after))
        assert now[fix.finding.code] == was[fix.finding.code] - 1, (fix.title, content.decode())
        assert not now - was, (fix.title, now - was)


@pytest.mark.parametrize("code", FIXED)
def test_how_many_cases_of_a_rule_have_a_fix(code):
    found = 0
    for case in FIRING:
        if case.code == code:
            before = check(case.path, case.content, None, Project.of(case.files)).findings
            sheet = Sheet.of(case.path, case.content)
            found += any(f.finding.code == code for f in fixes(sheet, before))
    assert found == FIXED[code]


@pytest.mark.parametrize("case", FIRING, ids=name)
def test_a_suppression_silences_its_finding_alone(case):
    project = Project.of(case.files)
    before = check(case.path, case.content, None, project).findings
    sheet = Sheet.of(case.path, case.content)
    for finding in before:
        fix = suppress(sheet, finding, "seen, and harmless")
        content = after_fix(case, sheet, fix.edits(sheet))
        assert parses(case.path, content)
        after = check(case.path, content, None, project)
        gone = Counter(f.code for f in before) - Counter(f.code for f in after.findings)
        assert gone[finding.code] >= 1, content.decode()
        assert set(gone) <= {finding.code}
        assert "NB898" not in {f.code for f in after.findings}


@pytest.mark.parametrize("case", [c for c in FIRING if c.path.endswith(".py")], ids=name)
def test_all_safe_fixes_together(case):
    """As `source.fixAll` does: again and again, until nothing is left to do."""
    project = Project.of(case.files)
    content = case.content
    for _ in range(5):
        sheet = Sheet.of(case.path, content)
        safe = [
            f for f in fixes(sheet, check(case.path, content, None, project).findings) if f.safe
        ]
        if not safe:
            break
        content = applied(sheet, safe[0].edits(sheet))
        assert parses(case.path, content)
    assert not safe


# ---------------------------------------------------------------------- what they write

HEAD = """\
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

X, y = load()
clf = SVC()
"""


def fixed(body, code, head=HEAD, line_end="\n", path="a.py"):
    """The text after the one fix for this code, without the head; None when there is none."""
    content = (head + body).replace("\n", line_end).encode()
    found = check(path, content).findings
    assert code in {f.code for f in found}, [f.code for f in found]
    sheet = Sheet.of(path, content)
    (fix, *more) = [f for f in fixes(sheet, found) if f.finding.code == code] or [None]
    assert not more
    if fix is None:
        return None
    text = applied(sheet, fix.edits(sheet)).decode()
    assert line_end == "\n" or "\n" not in text.replace(line_end, "")
    return text.replace(line_end, "\n").removeprefix(head)


SPLIT = "X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)\n"
SCORE = "clf.fit(X_train, y_train)\nprint(clf.score(X_test, y_test))\n"


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_scaler_without_a_name_gets_one(line_end):
    body = "X = StandardScaler().fit_transform(X)  # to unit variance\n" + SPLIT + SCORE
    assert fixed(body, "LK101", line_end=line_end) == (
        SPLIT + "scaler = StandardScaler()  # to unit variance\n"
        "X_train = scaler.fit_transform(X_train)\n"
        "X_test = scaler.transform(X_test)\n" + SCORE
    )


def test_inside_a_function_with_tabs():
    body = "".join(
        f"\t{line}\n" for line in ("sc = StandardScaler()", "Z = sc.fit_transform(X)")
    ) + "".join(f"\t{line}\n" for line in (SPLIT.replace("(X", "(Z") + SCORE).splitlines())
    head = HEAD + "def main(X, y, clf):\n"
    assert fixed(body + "main(X, y, clf)\n", "LK101", head=head) == (
        "\tsc = StandardScaler()\n\t"
        + SPLIT
        + "\tX_train = sc.fit_transform(X_train)\n\tX_test = sc.transform(X_test)\n"
        + "".join(f"\t{line}\n" for line in SCORE.splitlines())
        + "main(X, y, clf)\n"
    )


SCALED = "sc = StandardScaler()\nX = sc.fit_transform(X)\n"


@pytest.mark.parametrize(
    "body",
    [
        SCALED + "print(X.shape)\n" + SPLIT + SCORE,
        SCALED + SPLIT + SCORE + "print(clf.predict(X))\n",
        SCALED + "sc.mean_.tofile('m')\n" + SPLIT + SCORE,
        SCALED + SPLIT.replace(", random_state=0", ", stratify=X[:, 0], random_state=0") + SCORE,
        SCALED + "rows = train_test_split(X, y, random_state=0)\n"
        "X_train, X_test, y_train, y_test = rows\n" + SCORE,
        SCALED.replace("\nX", "; X") + SPLIT + SCORE,
        "def show():\n    print(X)\n" + SCALED + SPLIT + SCORE,
        SCALED.replace("(X)", "(X, **more)") + SPLIT + SCORE,
    ],
)
def test_nothing_is_offered_where_more_hangs_on_the_table(body):
    assert fixed(body, "LK101") is None


def test_a_selection_keeps_its_labels():
    head = HEAD.replace("preprocessing import StandardScaler", "feature_selection import RFE")
    body = "rfe = RFE(clf)\nX_best = rfe.fit_transform(X, y)\n" + SPLIT.replace("(X", "(X_best")
    assert fixed(body + SCORE, "LK102", head=head) == (
        "rfe = RFE(clf)\n" + SPLIT + "X_train = rfe.fit_transform(X_train, y_train)\n"
        "X_test = rfe.transform(X_test)\n" + SCORE
    )


def test_a_pipeline_extends_the_imports():
    body = (
        "X_scaled = StandardScaler().fit_transform(X)\nprint(cross_val_score(clf, X_scaled, y))\n"
    )
    content = (HEAD + body).encode()
    sheet = Sheet.of("a.py", content)
    (fix,) = fixes(sheet, check("a.py", content).findings)
    text = applied(sheet, fix.edits(sheet)).decode()
    assert "from sklearn.pipeline import make_pipeline\n" in text
    assert text.endswith("print(cross_val_score(make_pipeline(StandardScaler(), clf), X, y))\n")


def test_a_name_that_means_something_else_is_in_the_way():
    body = "make_pipeline = 1\nX = StandardScaler().fit_transform(X)\ncross_val_score(clf, X, y)\n"
    assert fixed(body, "LK108") is None


@pytest.mark.parametrize(
    ("call", "result"),
    [
        ("train_test_split(X, y)", "train_test_split(X, y, random_state=0)"),
        ("train_test_split(X, y,)", "train_test_split(X, y, random_state=0,)"),
        ("train_test_split(X, (y))", "train_test_split(X, (y), random_state=0)"),
        ("train_test_split(X, y, random_state=None)", "train_test_split(X, y, random_state=0)"),
        (
            "train_test_split(\n    X,\n    y,  # labels\n    test_size=(0.2),\n)",
            "train_test_split(\n    X,\n    y,  # labels\n    test_size=(0.2),\n"
            "    random_state=0,\n)",
        ),
    ],
)
def test_an_argument_is_added_in_the_layout_of_the_call(call, result):
    body = f"a, b, c, d = {call}\n"
    assert fixed(body, "NB802") == f"a, b, c, d = {result}\n"


@pytest.mark.parametrize(
    ("line", "result"),
    [
        ("x = 1  # noqa: LK101", "x = 1"),
        ("x = 1  # noqa: E501, LK101", "x = 1  # noqa: E501"),
        ("x = 1  # noqa: LK101 # type: ignore", "x = 1  # type: ignore"),
        ("x = 1  # autosota: ignore[LK101] because", "x = 1"),
        ("x = 1  # autosota: ignore[LK101, LK102] because", "x = 1"),
        ("# autosota: ignore[LK101] because\nx = 1", "x = 1"),
        ("x = 1  # why # noqa: LK101", "x = 1  # why"),
    ],
)
def test_a_suppression_that_suppresses_nothing_goes(line, result):
    assert fixed(line + "\ny = 2\n", "NB898", head="") == result + "\ny = 2\n"


# ---------------------------------------------------------------------- suppressing


def silenced(text, code, reason="each site"):
    content = text.encode()
    (finding,) = [f for f in check("a.py", content).findings if f.code == code]
    sheet = Sheet.of("a.py", content)
    result = applied(sheet, suppress(sheet, finding, reason).edits(sheet))
    after = check("a.py", result)
    assert code not in {f.code for f in after.findings}
    assert code in {f.code for f in after.suppressed}
    return result.decode()


def test_a_comment_that_is_there_stays():
    text = "from sklearn.model_selection import KFold\nK = KFold(5, shuffle=True)  # type: ignore\n"
    assert silenced(text, "NB802").splitlines()[1] == (
        "K = KFold(5, shuffle=True)  # type: ignore  # autosota: ignore[NB802] each site"
    )


def test_a_code_joins_the_ones_that_are_suppressed():
    text = HEAD + "X = StandardScaler().fit_transform(X)\n" + SPLIT.replace(", random_state=0", "")
    text = text.replace(", y)\n", ", y)  # autosota: ignore[LK999] x\n")
    assert "# autosota: ignore[LK999, NB802] x" in silenced(text + SCORE, "NB802")


def test_where_the_line_cannot_hold_a_comment_one_above_does():
    text = "from sklearn.model_selection import KFold\nK = \\\n  KFold(5, \\\n  shuffle=True)\n"
    assert "# autosota: ignore[NB802] each site" in silenced(text, "NB802")
    text = 'from sklearn.model_selection import KFold\nK = KFold(5, shuffle=True); s = """\n"""\n'
    assert silenced(text, "NB802").splitlines()[1] == "# autosota: ignore[NB802] each site"


def test_a_reason_is_one_line_and_not_empty():
    content = b"from sklearn.model_selection import KFold\nK = KFold(5, shuffle=True)\n"
    (finding,) = check("a.py", content, Settings()).findings
    sheet = Sheet.of("a.py", content)
    assert b"] one two\n" in applied(sheet, suppress(sheet, finding, " one\n two ").edits(sheet))
    with pytest.raises(Refused):
        suppress(sheet, finding, " \n ")
