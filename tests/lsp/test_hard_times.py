"""What must not break the server: messages out of order, a workspace that goes, a full disk."""

from __future__ import annotations

import os
import shutil
import signal
import time

import psutil
import pytest
from texts import LEAK, PUSHED, VSCODE, cell_uri, codes, edit, notebook, place
from wire import wire


@pytest.fixture
def client(tmp_path):
    with wire() as found:
        found.initialize((tmp_path,), PUSHED)
        yield found


def healthy(client, tmp_path):
    """It still finds what is to be found."""
    uri = (tmp_path / f"healthy_{time.monotonic_ns()}.py").as_uri()
    client.open(uri, LEAK)
    assert codes(client.published(uri, 1)) == ["LK101"]


def test_messages_out_of_order(client, tmp_path):
    uri = (tmp_path / "a.py").as_uri()
    book = (tmp_path / "a.ipynb").as_uri()
    client.change(uri, 2, edit((0, 0), (0, 0), "x"))  # was never opened
    client.close(uri)
    client.open(uri, "x = 1\n", version=9)
    client.open(uri, LEAK, version=1)  # opened twice: the last one counts
    assert codes(client.published(uri, 1)) == ["LK101"]
    client.change(uri, 0, edit((0, 0), (0, 0), "\n"))  # a version that goes back
    assert codes(client.published(uri, 0)) == ["LK101"]
    client.change(uri, 3)  # no change at all
    assert codes(client.published(uri, 3)) == ["LK101"]
    client.change(uri, 4, edit((5, 0), (2, 0), ""))  # a range that ends before it starts
    client.change(uri, 5, edit((999, 5), (1000, 9), "\nend = 1\n"))  # beyond the end
    client.published(uri, 5)
    client.close(uri)
    client.close(uri)
    document = {"uri": book, "version": 2}
    client.notify("notebookDocument/didChange", {"notebookDocument": document, "change": {}})
    client.notify("notebookDocument/didClose", {
        "notebookDocument": {"uri": book}, "cellTextDocuments": [{"uri": cell_uri(book, 0)}],
    })  # fmt: skip
    client.notify("notebookDocument/didOpen", notebook(book, LEAK))
    assert codes(client.published(cell_uri(book, 0), 1)) == ["LK101"]
    gone = {"array": {"start": 7, "deleteCount": 9, "cells": []}}
    change = {"cells": {"structure": gone}}
    client.notify("notebookDocument/didChange", {"notebookDocument": document, "change": change})
    healthy(client, tmp_path)


@pytest.mark.parametrize(
    ("method", "more"),
    [
        ("textDocument/codeAction", {"range": None, "context": {"diagnostics": []}}),
        ("textDocument/codeLens", {}),
        ("textDocument/inlayHint", {"range": None}),
        ("textDocument/hover", {"position": {"line": 3, "character": 5}}),
    ],
)
def test_requests_for_what_is_not_open(tmp_path, method, more):
    whole = {"start": place(0, 0), "end": place(9, 9)}
    more = {k: whole if v is None else v for k, v in more.items()}
    with wire() as client:
        client.initialize((tmp_path,), VSCODE)
        file = tmp_path / "closed.py"
        file.write_text(LEAK)
        for uri in (file.as_uri(), "untitled:nothing", "nonsense", ""):
            found = client.request(method, {"textDocument": {"uri": uri}, **more})
            assert not found
        client.open(file.as_uri(), LEAK)
        number = client.ask(method, {"textDocument": {"uri": file.as_uri()}, **more})
        client.close(file.as_uri())
        reply = client.answer(number)
        assert reply.get("error", {"code": -32801})["code"] == -32801


def test_a_workspace_that_is_deleted_under_the_server(tmp_path):
    folder = tmp_path / "workspace"
    (folder / "deep").mkdir(parents=True)
    (folder / "pyproject.toml").write_text('[tool.autosota.check]\nselect = ["LK"]\n')
    with wire() as client:
        client.initialize(
            (folder,), {**PUSHED, "workspace": {"codeLens": {"refreshSupport": True}}}
        )
        uri = (folder / "deep" / "a.py").as_uri()
        client.open(uri, LEAK)
        assert codes(client.published(uri, 1)) == ["LK101"]
        shutil.rmtree(folder)
        client.change(uri, 2, edit((0, 0), (0, 0), "\n"))
        assert codes(client.published(uri, 2)) == ["LK101"]
        gone = {"changes": [{"uri": (folder / "pyproject.toml").as_uri(), "type": 3}]}
        client.notify("workspace/didChangeWatchedFiles", gone)
        client.change(uri, 3, edit((0, 0), (0, 0), "\n"))
        assert codes(client.published(uri, 3)) == ["LK101"]
        other = (folder / "new.py").as_uri()
        client.open(other, LEAK)
        assert codes(client.published(other, 1)) == ["LK101"]
        params = {"command": "autosota.start", "arguments": [{"confirmed": True}]}
        assert "error" in client.answer(client.ask("workspace/executeCommand", params))
        assert not folder.exists()
        assert client.leave() == 0


def test_folders_come_and_go(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    with wire() as client:
        client.initialize((one,), PUSHED)
        for event in (
            {"added": [{"uri": two.as_uri(), "name": "two"}], "removed": []},
            {"added": [], "removed": [{"uri": one.as_uri(), "name": "one"}]},
            {"added": [], "removed": [{"uri": "file:///never", "name": "never"}]},
        ):
            client.notify("workspace/didChangeWorkspaceFolders", {"event": event})
        healthy(client, two)


def test_a_disk_that_cannot_be_written(tmp_path):
    """The cache is a file, the state folder is a file: findings come, links lead to the docs."""
    cache = tmp_path / "cache"
    cache.write_text("not a folder")
    folder = tmp_path / "workspace"
    folder.mkdir()
    (folder / ".autosota").write_text("not a folder either")
    with wire(env={"XDG_CACHE_HOME": str(cache)}) as client:
        client.initialize((folder,), PUSHED)
        uri = (folder / "a.py").as_uri()
        client.open(uri, LEAK)
        (row,) = client.published(uri, 1)
        assert row["codeDescription"]["href"] == "docs/rules/LK101.md"
        params = {"command": "autosota.start", "arguments": [{"confirmed": True}]}
        error = client.refusal("workspace/executeCommand", params)
        assert ".autosota is not a folder" in error["message"]
        assert "Traceback" not in "".join(client.errors)


def test_files_that_cannot_be_analysed(client, tmp_path):
    for name, text in {
        "deep.py": "x = " + "(" * 3000 + ")" * 3000,
        "long.py": "x = [" + "1, " * 200_000 + "]\n",
        "nul.py": "x = '\0'\n",
        "empty.py": "",
        "only.py": "\ufeff",
        "broken.py": "def f(:\n" * 500,
        "control.py": "\x01\x02\x7f\u202e x = 1\n" + LEAK,
    }.items():
        uri = (tmp_path / name).as_uri()
        client.open(uri, text)
        client.published(uri, 1)
    too_large = (tmp_path / "large.py").as_uri()
    client.open(too_large, "x = 1\n" * 900_000)
    assert codes(client.published(too_large, 1)) == ["NB899"]
    healthy(client, tmp_path)


def test_thousands_of_edits_leave_nothing_behind(client, tmp_path):
    process = psutil.Process(client.process.pid)
    uri = (tmp_path / "a.py").as_uri()
    client.open(uri, LEAK)
    sizes, threads = [], []
    for version in range(2, 4002):
        client.change(uri, version, edit((0, 0), (0, version % 2), "" if version % 2 else "x"))
        if version % 1000 == 1:
            client.published(uri, version)
            sizes.append(process.memory_info().rss)
            threads.append(process.num_threads())
    assert sizes[-1] - sizes[0] < 4_000_000, sizes
    assert len(set(threads[1:])) == 1, threads


def test_many_documents_are_opened_and_closed(client, tmp_path):
    process = psutil.Process(client.process.pid)
    sizes = []
    for round_ in range(4):
        for n in range(60):
            uri = (tmp_path / f"f{n}.py").as_uri()
            client.open(uri, LEAK * 3, version=round_ * 2 + 1)
            client.published(uri, round_ * 2 + 1)
            client.close(uri)
        sizes.append(process.memory_info().rss)
    assert sizes[-1] - sizes[1] < 4_000_000, sizes


def test_a_client_that_reads_nothing_for_a_while(client, tmp_path):
    """The pipe fills up; what was sent meanwhile is answered when it is read again."""
    uri = (tmp_path / "a.py").as_uri()
    client.open(uri, LEAK)
    client.published(uri, 1)
    os.kill(client.process.pid, signal.SIGSTOP)
    for version in range(2, 200):
        client.change(uri, version, edit((0, 0), (0, 0), "\n"))
    os.kill(client.process.pid, signal.SIGCONT)
    (row,) = client.published(uri, 199)
    assert row["range"]["start"]["line"] == 3 + 198
