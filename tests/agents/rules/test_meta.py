"""The check's word on itself: suppressions that suppress nothing, files that cannot be read."""

from __future__ import annotations

import json

import pytest

from autosota.agents.check import check
from autosota.agents.domain import Severity

LEAK = """\
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

X, y = load()
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
scaler = StandardScaler()
X_train = scaler.fit_transform(X_train)
X_test = scaler.fit_transform(X_test){comment}
print(LogisticRegression().fit(X_train, y_train).score(X_test, y_test))
"""


@pytest.mark.parametrize(
    "comment",
    [
        "  # noqa: LK107",
        "  # noqa: E501, LK107",
        "  # autosota: ignore[LK107] the test set is normalised by itself on purpose",
    ],
)
def test_a_suppression_silences_its_finding_and_is_used(comment):
    checked = check("train.py", LEAK.format(comment=comment).encode())
    assert [f.code for f in checked.findings] == []
    assert [(f.code, f.place.line) for f in checked.suppressed] == [("LK107", 9)]


def test_a_blanket_noqa_silences_nothing():
    checked = check("train.py", LEAK.format(comment="  # noqa").encode())
    assert [(f.code, f.place.line) for f in checked.findings] == [("LK107", 9)]


@pytest.mark.parametrize(
    "comment", ["  # noqa: LK112", "  # autosota: ignore[LK112] once was needed"]
)
def test_a_suppression_of_what_does_not_fire_is_told(comment):
    text = LEAK.format(comment=comment).replace("scaler.fit_transform(X_test)", "1 * X_test")
    (found,) = check("train.py", text.encode()).findings
    assert (found.code, found.severity, found.place.line) == ("NB898", Severity.WARNING, 9)
    assert "LK112" in found.message


def test_codes_of_other_tools_are_not_ours_to_judge():
    text = "import os  # noqa: F401, E402\nx = 1  # noqa: S101, PLR2004\n"
    assert check("a.py", text.encode()).findings == ()


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("a.py", b"# -*- coding: utf-8 -*-\nname = '\xff\xfe\xfa'\n"),
        ("a.ipynb", b'{"cells": [{"cell_type": "code", "source": ["x = 1"'),
        ("a.ipynb", json.dumps({"cells": 3, "nbformat": 4}).encode()),
    ],
)
def test_a_file_that_cannot_be_read_says_why(path, content):
    checked = check(path, content)
    assert checked.unread
    assert [f.code for f in checked.findings] in ([], ["NB899"])


def test_a_file_with_a_syntax_error_can_be_read():
    checked = check("train.py", LEAK.format(comment="\ndef broken(:").encode())
    assert not checked.unread
