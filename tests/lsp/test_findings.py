"""Findings in scripts and notebooks while they are edited, as an editor is told of them."""

from __future__ import annotations

from urllib.parse import unquote

import pytest
from texts import LEAK, PUSHED, SCALER, SPLIT, VSCODE, cell_uri, codes, edit, notebook, where
from wire import wire

TOP = edit((0, 0), (0, 0), "\n")


@pytest.fixture
def client(tmp_path):
    with wire() as found:
        found.initialize((tmp_path,), PUSHED)
        yield found


@pytest.fixture
def vscode(tmp_path):
    with wire() as found:
        found.initialize((tmp_path,), VSCODE)
        yield found


def pull(client, uri, previous=None):
    params = {"textDocument": {"uri": uri}, "previousResultId": previous}
    return client.request("textDocument/diagnostic", params)


# ---------------------------------------------------------------------- scripts


def test_a_finding_has_its_rule_its_page_and_other_places(client, tmp_path):
    uri = (tmp_path / "a.py").as_uri()
    text = (
        f"{SPLIT}from sklearn.svm import SVC\nX, y = load()\n"
        "X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)\n"
        "model = SVC()\nmodel.fit(X, y)\nprint(model.score(X_test, y_test))\n"
    )
    client.open(uri, text, version=7)
    (row,) = client.published(uri, version=7)
    assert (row["code"], row["source"], row["severity"]) == ("LK109", "autosota", 1)
    page = unquote(row["codeDescription"]["href"].removeprefix("file://"))
    with open(page, encoding="utf-8") as file:
        assert file.read().startswith("# LK109")
    assert row["relatedInformation"], row
    for other in row["relatedInformation"]:
        assert other["location"]["uri"] == uri
        assert other["location"]["range"]["start"]["character"] == 0


def test_every_edit_is_answered_at_its_version(client, tmp_path):
    uri = (tmp_path / "a.py").as_uri()
    client.open(uri, LEAK)
    for version in range(2, 30):
        client.change(uri, version, TOP)
        (row,) = client.published(uri, version)
        assert where(row)[0] == (3 + version - 1, 4)


def test_an_old_text_is_never_shown(client, tmp_path):
    """A burst of edits without waiting: what is shown fits the version it says."""
    uri = (tmp_path / "a.py").as_uri()
    client.open(uri, LEAK)
    for version in range(2, 300):
        client.change(uri, version, TOP)
    (row,) = client.published(uri, 299)
    assert where(row)[0] == (3 + 298, 4)
    for shown in client.told("textDocument/publishDiagnostics"):
        (row,) = shown["diagnostics"]
        assert where(row)[0][0] == 3 + shown["version"] - 1


def test_half_typed_code_is_no_news(client, tmp_path):
    uri = (tmp_path / "a.py").as_uri()
    client.open(uri, f"{SPLIT}{SCALER}\n")
    typed = "X = StandardScaler().fit(X_train"
    for n, sign in enumerate(typed):
        client.change(uri, 2 + n, edit((3, n), (3, n), sign))
    client.published(uri, 1 + len(typed))
    assert all(not s["diagnostics"] for s in client.told("textDocument/publishDiagnostics"))


def test_a_suppression_silences_and_an_idle_one_fades(client, tmp_path):
    uri = (tmp_path / "a.py").as_uri()
    quiet = LEAK.replace("(X)\nX_train", "(X)  # autosota: ignore[LK101] each site\nX_train")
    client.open(uri, quiet)
    assert client.published(uri, 1) == []
    client.change(uri, 2, edit((3, 0), (3, 37), "X = 1"))
    (row,) = client.published(uri, 2)
    assert (row["code"], row["tags"]) == ("NB898", [1])


def test_closing_takes_the_findings_back(client, tmp_path):
    uri = (tmp_path / "a.py").as_uri()
    client.open(uri, LEAK)
    assert codes(client.published(uri, 1)) == ["LK101"]
    seen = len(client.heard)
    client.close(uri)
    last = client.wait(lambda m: m.get("method", "").endswith("publishDiagnostics"), since=seen)
    assert (last["params"]["uri"], last["params"]["diagnostics"]) == (uri, [])


@pytest.mark.parametrize("line_end", ["\r\n", "\r", "\n"])
def test_line_ends_and_signs_beyond_the_first_plane(client, tmp_path, line_end):
    uri = (tmp_path / "a.py").as_uri()
    text = LEAK.replace("X = Stan", "s = '😀\x0c𝄞'; X = Stan").replace("\n", line_end)
    client.open(uri, text)
    (row,) = client.published(uri, 1)
    assert where(row) == ((3, 17), (3, 50))
    client.change(uri, 2, edit((3, 5), (3, 7), "😀😀"))
    (row,) = client.published(uri, 2)
    assert where(row) == ((3, 19), (3, 52))


def test_a_byte_order_mark_shifts_nothing(client, tmp_path):
    uri = (tmp_path / "a.py").as_uri()
    client.open(uri, "\ufeff" + LEAK.replace(SPLIT, "").replace("StandardScaler().", "s.") + SPLIT)
    client.published(uri, 1)
    client.change(uri, 2, {"text": "\ufeffx = 1  # noqa: LK101\n"})
    (row,) = client.published(uri, 2)
    assert where(row) == ((0, 8), (0, 21))


def test_a_text_that_utf8_cannot_hold(client, tmp_path):
    uri = (tmp_path / "a.py").as_uri()
    client.open(uri, "s = '\ud83d'\n" + LEAK)
    (row,) = client.published(uri, 1)
    assert row["code"] == "LK101"


SCORED = """\
import json

import numpy as np
from scoring import accuracy
from sklearn.svm import SVC

train, test = np.load("train.npz"), np.load("test.npz")
model = SVC(C=3).fit(train["x"], train["y"])
pred = model.predict(test["x"])
print(json.dumps({"accuracy": accuracy(test["y"], pred)}))
"""


# ---------------------------------------------------------------------- which files


def test_an_unsaved_file_and_one_outside_every_workspace(client, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    for uri in (
        "untitled:Untitled-1",
        (elsewhere / "none" / "there" / "yet.py").as_uri(),
        (elsewhere / "without_suffix").as_uri(),
    ):
        client.open(uri, LEAK)
        assert codes(client.published(uri, 1)) == ["LK101"], uri


def test_the_past_and_other_languages_are_left_alone(client, tmp_path):
    client.open("git:/w/a.py?HEAD", LEAK)
    client.open((tmp_path / "a.md").as_uri(), LEAK, language="markdown")
    client.open((tmp_path / "b.py").as_uri(), LEAK)
    client.published((tmp_path / "b.py").as_uri(), 1)
    assert len(client.told("textDocument/publishDiagnostics")) == 1


def test_installed_packages_and_excluded_files_are_silent(client, tmp_path):
    (tmp_path / "pyproject.toml").write_text('[tool.autosota.check]\nexclude = ["legacy/"]\n')
    for name in (".venv/lib/site-packages/a.py", "legacy/a.py"):
        uri = (tmp_path / name).as_uri()
        client.open(uri, LEAK)
        assert client.published(uri, 1) == [], name


def test_settings_hold_as_in_the_command_and_are_read_again(client, tmp_path):
    file = tmp_path / "pyproject.toml"
    file.write_text('[tool.autosota.check.per-file-ignores]\n"a.py" = ["LK"]\n')
    uri = (tmp_path / "a.py").as_uri()
    client.open(uri, LEAK)
    assert client.published(uri, 1) == []
    file.write_text('[tool.autosota.check.severity]\nLK101 = "error"\n')
    changed = {"changes": [{"uri": file.as_uri(), "type": 2}]}
    client.notify("workspace/didChangeWatchedFiles", changed)
    found = client.wait(
        lambda m: (
            m.get("method") == "textDocument/publishDiagnostics" and m["params"]["diagnostics"]
        )
    )
    (row,) = found["params"]["diagnostics"]
    assert (row["code"], row["severity"]) == ("LK101", 1)


def test_settings_that_cannot_be_used_are_said_once(client, tmp_path):
    (tmp_path / "pyproject.toml").write_text('[tool.autosota.check]\nselekt = ["LK"]\n')
    for name in ("a.py", "b.py"):
        uri = (tmp_path / name).as_uri()
        client.open(uri, LEAK)
        assert codes(client.published(uri, 1)) == ["LK101"]
    client.change(uri, 2, TOP)
    client.published(uri, 2)
    (said,) = client.told("window/showMessage")
    assert "selekt is not known; did you mean 'select'?" in said["message"]


def test_another_open_file_is_seen_with_its_unsaved_text(client, tmp_path):
    """EV214: the metric of another module uses its predictions, or not."""
    main, scoring = (tmp_path / n for n in ("main.py", "scoring.py"))
    honest = "def accuracy(y_true, y_pred):\n    return float((y_true == y_pred).mean())\n"
    scoring.write_text(honest)
    client.open(main.as_uri(), SCORED)
    assert client.published(main.as_uri(), 1) == []
    client.open(scoring.as_uri(), honest)
    client.published(scoring.as_uri(), 1)
    seen = len(client.heard)
    client.change(scoring.as_uri(), 2, edit((1, 11), (1, 44), "0.918"))
    found = client.wait(
        lambda m: (
            m.get("method") == "textDocument/publishDiagnostics"
            and m["params"]["uri"] == main.as_uri()
        ),
        since=seen,
    )
    assert codes(found["params"]["diagnostics"]) == ["EV214"]
    # it is closed without being saved: the file on disk counts again
    seen = len(client.heard)
    client.close(scoring.as_uri())
    client.wait(
        lambda m: (
            m.get("method") == "textDocument/publishDiagnostics"
            and m["params"] == {"uri": main.as_uri(), "version": 1, "diagnostics": []}
        ),
        since=seen,
    )
    # it is changed on disk by something else
    seen = len(client.heard)
    scoring.write_text("def accuracy(y_true, y_pred):\n    return 0.9\n")
    changed = {"changes": [{"uri": scoring.as_uri(), "type": 2}]}
    client.notify("workspace/didChangeWatchedFiles", changed)
    found = client.wait(lambda m: m.get("method") == "textDocument/publishDiagnostics", since=seen)
    assert codes(found["params"]["diagnostics"]) == ["EV214"]


# ---------------------------------------------------------------------- notebooks


def test_findings_stand_in_their_cells(client, tmp_path):
    uri = (tmp_path / "a.ipynb").as_uri()
    cells = (SPLIT + SCALER, "# text", "%matplotlib inline\n" + LEAK[len(SPLIT + SCALER) + 1 :])
    client.notify("notebookDocument/didOpen", notebook(uri, *cells, markup=(1,)))
    (row,) = client.published(cell_uri(uri, 2), 1)
    assert (row["code"], where(row)[0]) == ("LK101", (1, 4))
    assert client.published(cell_uri(uri, 0), 1) == []


def test_cells_are_edited_moved_and_removed(client, tmp_path):
    uri = (tmp_path / "a.ipynb").as_uri()
    first, second = cell_uri(uri, 0), cell_uri(uri, 1)
    client.notify(
        "notebookDocument/didOpen", notebook(uri, SPLIT + SCALER, LEAK[len(SPLIT + SCALER) :])
    )
    assert codes(client.published(second, 1)) == ["LK101"]
    document = {"uri": uri, "version": 2}
    text = {"document": {"uri": second, "version": 2}, "changes": [edit((0, 0), (1, 0), "")]}
    change = {"cells": {"textContent": [text]}}
    client.notify("notebookDocument/didChange", {"notebookDocument": document, "change": change})
    (row,) = client.published(second, 2)
    assert where(row)[0][0] == 0
    # the cell goes: its findings go with it
    seen = len(client.heard)
    gone = {
        "array": {"start": 1, "deleteCount": 1, "cells": []},
        "didClose": [{"uri": second}],
    }
    document = {"uri": uri, "version": 3}
    client.notify(
        "notebookDocument/didChange",
        {"notebookDocument": document, "change": {"cells": {"structure": gone}}},
    )
    last = client.wait(
        lambda m: (
            m.get("method") == "textDocument/publishDiagnostics" and m["params"]["uri"] == second
        ),
        since=seen,
    )
    assert last["params"]["diagnostics"] == []
    # a cell comes before the first: indices move, URIs stay
    third = cell_uri(uri, 7)
    leak = LEAK[len(SPLIT + SCALER) :]
    new = {
        "array": {"start": 1, "deleteCount": 0, "cells": [{"kind": 2, "document": third}]},
        "didOpen": [{"uri": third, "languageId": "python", "version": 1, "text": leak}],
    }
    document = {"uri": uri, "version": 4}
    client.notify(
        "notebookDocument/didChange",
        {"notebookDocument": document, "change": {"cells": {"structure": new}}},
    )
    assert codes(client.published(third, 1)) == ["LK101"]
    closed = {
        "notebookDocument": {"uri": uri},
        "cellTextDocuments": [{"uri": first}, {"uri": third}],
    }
    seen = len(client.heard)
    client.notify("notebookDocument/didClose", closed)
    last = client.wait(lambda m: m.get("method", "").endswith("publishDiagnostics"), since=seen)
    assert (last["params"]["uri"], last["params"]["diagnostics"]) == (third, [])


def test_an_untitled_notebook(client):
    uri = "untitled:Untitled-1.ipynb?jupyter-notebook"
    client.notify("notebookDocument/didOpen", notebook(uri, LEAK))
    assert codes(client.published(cell_uri(uri, 0), 1)) == ["LK101"]


# ---------------------------------------------------------------------- pulled


def test_vscode_asks_and_is_not_sent(vscode, tmp_path):
    uri = (tmp_path / "a.py").as_uri()
    vscode.open(uri, LEAK)
    first = pull(vscode, uri)
    assert (first["kind"], codes(first["items"])) == ("full", ["LK101"])
    assert pull(vscode, uri, first["resultId"]) == {
        "kind": "unchanged",
        "resultId": first["resultId"],
    }
    vscode.change(uri, 2, TOP)
    second = pull(vscode, uri, first["resultId"])
    assert (second["kind"], where(second["items"][0])[0]) == ("full", (4, 4))
    assert vscode.told("textDocument/publishDiagnostics") == []
    assert vscode.told("workspace/diagnostic/refresh") == []


def test_vscode_is_told_to_ask_again_when_settings_change(vscode, tmp_path):
    uri = (tmp_path / "a.py").as_uri()
    vscode.open(uri, LEAK)
    first = pull(vscode, uri)
    (tmp_path / "pyproject.toml").write_text('[tool.autosota.check]\nignore = ["LK"]\n')
    changed = {"changes": [{"uri": (tmp_path / "pyproject.toml").as_uri(), "type": 1}]}
    vscode.notify("workspace/didChangeWatchedFiles", changed)
    vscode.wait(lambda m: m.get("method") == "workspace/diagnostic/refresh")
    again = pull(vscode, uri, first["resultId"])
    assert (again["kind"], again["items"]) == ("full", [])


def test_cells_are_pushed_to_vscode_too(vscode, tmp_path):
    uri = (tmp_path / "a.ipynb").as_uri()
    vscode.notify("notebookDocument/didOpen", notebook(uri, LEAK))
    assert codes(vscode.published(cell_uri(uri, 0), 1)) == ["LK101"]
    assert pull(vscode, cell_uri(uri, 0))["items"] == []


def test_what_is_not_open_has_no_findings(vscode, tmp_path):
    file = tmp_path / "closed.py"
    file.write_text(LEAK)
    assert pull(vscode, file.as_uri())["items"] == []
    vscode.open(file.as_uri(), LEAK)
    number = vscode.ask("textDocument/diagnostic", {"textDocument": {"uri": file.as_uri()}})
    vscode.close(file.as_uri())
    assert "result" in vscode.answer(number)
    assert pull(vscode, file.as_uri())["items"] == []


def test_a_pull_that_is_cancelled_is_answered_so(vscode, tmp_path):
    uri = (tmp_path / "a.py").as_uri()
    vscode.open(uri, LEAK * 200)
    number = vscode.ask("textDocument/diagnostic", {"textDocument": {"uri": uri}})
    vscode.notify("$/cancelRequest", {"id": number})
    assert vscode.answer(number)["error"]["code"] == -32800
    assert pull(vscode, uri)["items"]


def test_a_folder_of_the_window_is_the_workspace_where_nothing_else_is(client, tmp_path):
    """EV214 across folders: `scoring` is imported from the root of the window."""
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "scoring.py").write_text("def accuracy(y_true, y_pred):\n    return 0.9\n")
    uri = (tmp_path / "deep" / "er" / "main.py").as_uri()
    client.open(uri, SCORED)
    (row,) = client.published(uri, 1)
    assert row["code"] == "EV214"
    (other,) = [r["location"]["uri"] for r in row.get("relatedInformation", [])[:1]] or [uri]
    assert other in (uri, (tmp_path / "scoring.py").as_uri())
