"""A folder to check, a command line to check it with, and code in which one rule fires."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

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
"""LK107 (warning) at line 9, column 10, and nothing else."""


class Told(NamedTuple):
    """What a command line gave."""

    code: int
    out: str
    err: str

    @property
    def rows(self):
        return json.loads(self.out)

    @property
    def found(self):
        return [(r["path"], r["code"]) for r in self.rows]


@pytest.fixture
def leak():
    return LEAK


@pytest.fixture
def clean():
    return LEAK.replace("scaler.fit_transform(X_test)", "scaler.transform(X_test)")


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def run(capsys):
    def run(*arguments: str | Path) -> Told:
        code = call(["check", *map(str, arguments)])
        return Told(code, *capsys.readouterr())

    return run


@pytest.fixture
def notebook():
    def notebook(*cells: str) -> str:
        """A notebook with a title and these code cells, as Jupyter writes it."""
        title = {"cell_type": "markdown", "metadata": {}, "source": ["# Title"]}
        code = [
            {
                "cell_type": "code",
                "execution_count": None,
                "metadata": {},
                "outputs": [],
                "source": text.splitlines(keepends=True),
            }
            for text in cells
        ]
        book = {"cells": [title, *code], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        return json.dumps(book, indent=1) + "\n"

    return notebook


@pytest.fixture
def write(place):
    def write(name: str, content: str | bytes) -> Path:
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write
