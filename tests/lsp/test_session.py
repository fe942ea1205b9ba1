"""A session of the real server: greeting, options, encodings, and how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest
from wire import COMMAND, SILENT, wire

from autosota.lsp.options import Check, Options, parse

LEAK = """\
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

X = StandardScaler().fit_transform(X)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
model.fit(X_train, y_train)
print(model.score(X_test, y_test))
"""


def codes(rows):
    return [row["code"] for row in rows]


def test_what_the_server_says_it_can(tmp_path):
    with wire() as client:
        asked = {"notebookDocument": {"synchronization": {}}}
        can = client.initialize((tmp_path,), asked)["capabilities"]
        assert can["textDocumentSync"]["change"] == 2
        assert can["notebookDocumentSync"]["notebookSelector"] == [
            {"notebook": "*", "cells": [{"language": "python"}]}
        ]
        assert can["workspace"]["workspaceFolders"]["supported"] is True
        assert "diagnosticProvider" not in can
        assert client.leave() == 0


def test_heavy_libraries_are_not_loaded_to_answer():
    code = (
        "import sys, autosota.lsp.server as s; s.Server(); "
        "heavy = ('anthropic', 'docker', 'jupyter_client', 'jupyter_server', 'scipy', 'numpy', "
        "'optuna', 'tree_sitter', 'pydantic', 'rich', 'autosota.agents.check', 'sqlite3'); "
        "print([m for m in heavy if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
def test_columns_are_counted_as_the_client_does(tmp_path, encoding):
    sizes = {"utf-8": 4, "utf-16": 2, "utf-32": 1}
    text = LEAK.replace("X = Stan", "smile = '😀'; X = Stan")
    with wire() as client:
        can = client.initialize((tmp_path,), {"general": {"positionEncodings": [encoding]}})
        assert can["capabilities"]["positionEncoding"] == encoding
        uri = (tmp_path / "a.py").as_uri()
        client.open(uri, text)
        (row,) = client.published(uri)
        before = len("smile = '") + sizes[encoding] + len("'; X = ")
        assert row["range"]["start"] == {"line": 3, "character": before}


def test_options_switch_findings_off_and_on(tmp_path):
    with wire(settings={"check": {"enable": False}}) as client:
        client.initialize((tmp_path,), {"workspace": {"configuration": True}})
        uri = (tmp_path / "a.py").as_uri()
        client.open(uri, LEAK)
        assert client.published(uri) == []
        client.settings = {"check": {"enable": True}}
        client.notify("workspace/didChangeConfiguration", {"settings": None})
        client.wait(
            lambda m: (
                m.get("method") == "textDocument/publishDiagnostics"
                and codes(m["params"]["diagnostics"]) == ["LK101"]
            )
        )


def test_options_of_a_client_without_configuration(tmp_path):
    with wire() as client:
        client.initialize((tmp_path,), options={"check": {"enable": False}})
        uri = (tmp_path / "a.py").as_uri()
        client.open(uri, LEAK)
        assert client.published(uri) == []
        client.notify("workspace/didChangeConfiguration", {"settings": {"autosota": {}}})
        client.wait(
            lambda m: (
                m.get("method") == "textDocument/publishDiagnostics"
                and codes(m["params"]["diagnostics"]) == ["LK101"]
            )
        )


def test_each_folder_has_its_own_options(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    with wire() as client:
        off = {"check": {"enable": False}}
        client.answers["workspace/configuration"] = lambda params: [
            off if item.get("scopeUri") == one.as_uri() else {} for item in params["items"]
        ]
        client.initialize((one, two), {"workspace": {"configuration": True}})
        for folder, found in ((one, []), (two, ["LK101"])):
            uri = (folder / "a.py").as_uri()
            client.open(uri, LEAK)
            assert codes(client.published(uri)) == found


def test_a_client_that_never_sends_its_options_gets_findings_all_the_same(tmp_path):
    with wire() as client:
        client.answers["workspace/configuration"] = lambda params: SILENT
        client.initialize((tmp_path,), {"workspace": {"configuration": True}})
        uri = (tmp_path / "a.py").as_uri()
        client.open(uri, LEAK)
        assert codes(client.published(uri, seconds=15)) == ["LK101"]


def test_options_are_read_tolerantly():
    assert parse(None) == (Options(), [])
    assert parse({"unknown": 1, "check": {"enable": False, "x": 2}}) == (
        Options(check=Check(enable=False)),
        [],
    )
    options, notes = parse({"check": {"enable": "yes"}, "lens": 3, "budgetEvaluations": True})
    assert options == Options()
    assert notes == [
        "autosota.check.enable: 'yes' is not a bool; the default is used",
        "autosota.lens: 3 is no object of settings; the defaults are used",
        "autosota.budgetEvaluations: True is not a int; the default is used",
    ]


def test_watched_files_are_registered_where_the_client_can(tmp_path):
    can = {
        "workspace": {
            "didChangeWatchedFiles": {"dynamicRegistration": True},
            "didChangeConfiguration": {"dynamicRegistration": True},
        }
    }
    with wire() as client:
        client.initialize((tmp_path,), can)
        asked = client.wait(lambda m: m.get("method") == "client/registerCapability")
        assert {r["method"] for r in asked["params"]["registrations"]} == {
            "workspace/didChangeConfiguration",
            "workspace/didChangeWatchedFiles",
        }


# ---------------------------------------------------------------------- how it ends


def test_the_server_leaves_when_its_client_was_killed_with_stdin_still_open(tmp_path):
    """An editor is killed; another process still holds the pipe, so there is no end of stdin."""
    editor = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    with wire() as client:
        client.initialize((tmp_path,), pid=editor.pid)
        editor.send_signal(signal.SIGKILL)  # and it stays a zombie, as nobody waits for it
        begun = time.monotonic()
        assert client.process.wait(10) == 1
        assert time.monotonic() - begun < 5
    editor.wait()


def test_a_client_that_counts_processes_elsewhere_is_served(tmp_path):
    nobody = subprocess.Popen([sys.executable, "-c", ""])
    nobody.wait()
    with wire() as client:
        client.initialize((tmp_path,), pid=nobody.pid)
        uri = (tmp_path / "a.py").as_uri()
        client.open(uri, LEAK)
        assert codes(client.published(uri)) == ["LK101"]
        assert client.leave() == 0


def test_the_exit_is_quick_and_silent(tmp_path):
    with wire() as client:
        client.initialize((tmp_path,))
        uri = (tmp_path / "a.py").as_uri()
        client.open(uri, LEAK)
        client.published(uri)
        client.leave()
        assert client.errors == []


def test_a_reader_that_went_away_ends_the_server(tmp_path):
    incoming, outgoing = os.pipe()
    process = subprocess.Popen(
        COMMAND, stdin=subprocess.PIPE, stdout=outgoing, stderr=subprocess.PIPE
    )
    os.close(outgoing)
    os.close(incoming)
    body = b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"capabilities":{}}}'
    assert process.stdin is not None
    process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
    process.stdin.flush()
    assert process.wait(20) == 1
    assert b"Traceback" not in process.stderr.read()
