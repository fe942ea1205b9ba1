"""Texts and requests that several tests use."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

VSCODE = json.loads((Path(__file__).parent / "profiles" / "vscode.json").read_text())
"""What the client library of VS Code (vscode-languageclient 10.1.2) says it can."""

PUSHED = {
    "textDocument": {
        "publishDiagnostics": {
            "relatedInformation": True,
            "versionSupport": True,
            "codeDescriptionSupport": True,
            "tagSupport": {"valueSet": [1, 2]},
        }
    }
}
"""A client that is sent findings."""

SPLIT = "from sklearn.model_selection import train_test_split\n"
SCALER = "from sklearn.preprocessing import StandardScaler\n"
LEAK = f"""\
{SPLIT}{SCALER}
X = StandardScaler().fit_transform(X)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
model.fit(X_train, y_train)
print(model.score(X_test, y_test))
"""
"""LK101 in its fourth line."""


def codes(rows: list[dict[str, Any]]) -> list[str]:
    return [row["code"] for row in rows]


def place(line: int, character: int) -> dict[str, int]:
    return {"line": line, "character": character}


def edit(start: tuple[int, int], end: tuple[int, int], text: str) -> dict[str, Any]:
    return {"range": {"start": place(*start), "end": place(*end)}, "text": text}


def where(row: dict[str, Any]) -> tuple[tuple[int, int], tuple[int, int]]:
    start, end = row["range"]["start"], row["range"]["end"]
    return (start["line"], start["character"]), (end["line"], end["character"])


def notebook(uri: str, *cells: str, markup: tuple[int, ...] = ()) -> dict[str, Any]:
    """The parameters that open a notebook; `markup` are the indices of text cells."""
    rows, texts = [], []
    for i, text in enumerate(cells):
        cell = cell_uri(uri, i)
        rows.append({"kind": 1 if i in markup else 2, "document": cell})
        if i not in markup:
            texts.append({"uri": cell, "languageId": "python", "version": 1, "text": text})
    document = {"uri": uri, "notebookType": "jupyter-notebook", "version": 1, "cells": rows}
    return {"notebookDocument": document, "cellTextDocuments": texts}


def cell_uri(uri: str, index: int) -> str:
    return uri.replace("file://", "vscode-notebook-cell:") + f"#W{index}sZmlsZQ%3D%3D"


def applied(text: str, edits: list[dict[str, Any]]) -> str:
    """A text after edits, as an editor applies them (in UTF-16 units, last one first)."""
    lines = [0]
    raw = text.encode("utf-16-le")
    for at in range(0, len(raw), 2):
        sign, following = raw[at : at + 2], raw[at + 2 : at + 4]
        if sign == b"\n\0" or (sign == b"\r\0" and following != b"\n\0"):
            lines.append(at + 2)

    def offset(where: dict[str, int]) -> int:
        line = where["line"]
        if line >= len(lines):
            return len(raw)
        end = lines[line + 1] if line + 1 < len(lines) else len(raw)
        return min(lines[line] + 2 * where["character"], end)

    spans = [
        (offset(e["range"]["start"]), offset(e["range"]["end"]), n, e) for n, e in enumerate(edits)
    ]
    for start, end, _, one in sorted(spans, key=lambda s: (s[0], s[2]), reverse=True):
        new = one.get("newText", one.get("text", ""))
        raw = raw[:start] + new.encode("utf-16-le") + raw[end:]
    return raw.decode("utf-16-le")
