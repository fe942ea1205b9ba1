"""Folders that tests open in VS Code."""

from __future__ import annotations

import json
from pathlib import Path

from tests.server.campaign.conftest import Repository, make_repository

LEAK = """\
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

X = StandardScaler().fit_transform(X)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
model.fit(X_train, y_train)
print(model.score(X_test, y_test))
"""
"""LK101 in its fourth line."""
LEAK_IN_FUNCTION = """\
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler


def score(X, y):
    X = StandardScaler().fit_transform(X)
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    model = LogisticRegression().fit(X_train, y_train)
    return model.score(X_test, y_test)
"""
"""The same in its seventh line."""


def notebook(*cells: str) -> str:
    """A notebook's JSON; the first cell is text."""
    rows: list[dict[str, object]] = []
    for n, text in enumerate(cells):
        row: dict[str, object] = {"cell_type": "code" if n else "markdown", "metadata": {}}
        row |= {"id": f"cell-{n}", "source": text.splitlines(keepends=True)}
        row |= {"execution_count": None, "outputs": []} if n else {}
        rows.append(row)
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    made = {"cells": rows, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(made, indent=1)


def leaking_notebook() -> str:
    """A text, the imports, a model, and the leak: LK101 in the first line of the last cell."""
    imports, code = LEAK.split("\n\n")
    forest = "from sklearn.ensemble import RandomForestClassifier\n"
    model = "model = RandomForestClassifier(n_estimators=100)"
    return notebook("# Digits", forest + imports, model, code.rstrip("\n"))


def repository(root: Path) -> Repository:
    """A repository with an objective, whose runs take a tenth of a second, and two leaks."""
    made = make_repository(root)
    (root / "leak.py").write_text(LEAK)
    (root / "typed.py").write_text("")
    (root / "leak.ipynb").write_text(leaking_notebook())
    return made
