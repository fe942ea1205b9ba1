"""The defects of pygls 2.1 are cured: a test each, against a real process."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lsprotocol import types
from pygls.workspace import PositionCodec
from wire import wire

from autosota.lsp.cures import Document

SERVER = (sys.executable, str(Path(__file__).with_name("cured_server.py")))
URI = "file:///w/a%20b.py"


@pytest.fixture
def client():
    with wire(SERVER) as found:
        found.initialize()
        yield found


def run(client, name, *arguments):
    return client.request("workspace/executeCommand", {"command": name, "arguments": arguments})


def start(client, name, *arguments):
    return client.ask("workspace/executeCommand", {"command": name, "arguments": arguments})


def until(client, wanted, name, seconds=10):
    end = time.monotonic() + seconds
    while (found := run(client, name)) != wanted:
        assert time.monotonic() < end, found
    return found


def nothing_left(client):
    """Only the request that asks is known."""
    until(client, 1, "futures")


def test_a_cancelled_command_stops_its_coroutine(client):
    number = start(client, "sleep")
    until(client, ["begun"], "log")
    client.notify("$/cancelRequest", {"id": number})
    assert client.answer(number)["error"]["code"] == -32800
    until(client, ["begun", "cancelled"], "log")
    nothing_left(client)


def test_nothing_stays_behind_after_many_edits(client):
    client.open(URI, "")
    edit = {
        "range": {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}},
        "text": "x",
    }
    for version in range(2, 2002):
        client.change(URI, version, edit)
    assert run(client, "text", URI) == "x" * 2000
    nothing_left(client)


def test_shutdown_with_a_command_in_flight(client):
    number = start(client, "sleep")
    until(client, ["begun"], "log")
    assert client.leave() == 0
    assert client.answer(number)["error"]["code"] == -32800


def test_exit_does_not_wait_for_a_busy_thread(client):
    start(client, "busy")
    run(client, "log")
    begun = time.monotonic()
    assert client.leave() == 0
    assert time.monotonic() - begun < 5
    assert len("".join(client.errors)) < 4096


def test_exit_without_shutdown_is_one(client):
    client.notify("exit")
    assert client.process.wait(10) == 1


def test_the_end_of_stdin_ends_the_server(client):
    client.process.stdin.close()
    assert client.process.wait(10) == 1


def test_an_answer_that_nobody_waits_for_any_more(client):
    held = []
    client.answers["workspace/configuration"] = lambda params: time.sleep(0.6) or held
    assert run(client, "give up asking") == "gave up"
    client.wait(lambda m: m.get("method") == "workspace/configuration")
    time.sleep(0.7)  # the answer goes out after this
    nothing_left(client)
    assert "InvalidState" not in "".join(client.errors)


def test_a_request_that_was_cancelled_before_its_turn_is_not_run(client):
    start(client, "block", 0.5)
    number = start(client, "count")
    client.notify("$/cancelRequest", {"id": number})
    assert client.answer(number)["error"]["code"] == -32800
    assert run(client, "log") == []


def test_an_argument_that_looks_like_a_message_stays_an_argument(client):
    payload = {"jsonrpc": "2.0", "id": 7, "method": "textDocument/didOpen", "params": {"x": [1]}}
    assert run(client, "echo", {"inner": payload}) == {"inner": payload}


def test_errors_are_answered_without_our_paths(client):
    error = client.refusal("workspace/executeCommand", {"command": "fail", "arguments": []})
    assert (error["code"], error["message"]) == (
        -32603,
        "internal error: RuntimeError: no such thing",
    )
    assert error.get("data") is None
    assert client.told("window/showMessage") == []


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("workspace/executeCommand", {"command": "fail", "arguments": [1]}, -32602),
        ("workspace/executeCommand", {"command": "none"}, -32602),
        ("workspace/executeCommand", {"arguments": 5}, -32602),
        ("workspace/executeCommand", "text", -32602),
        ("initialize", {"capabilities": {}}, -32600),
        ("textDocument/unheard", {}, -32601),
    ],
)
def test_a_request_that_cannot_be_served_gets_an_error(client, method, params, code):
    error = client.refusal(method, params)
    assert (error["code"], "Traceback" in str(error)) == (code, False)
    assert run(client, "echo", 1) == 1


def test_before_the_greeting_and_after_the_end():
    with wire(SERVER) as client:
        assert client.refusal("workspace/executeCommand", {"command": "log"})["code"] == -32002
        client.open(URI, "ignored")
        client.initialize()
        assert run(client, "text", URI) is None
        client.request("shutdown")
        assert client.refusal("workspace/executeCommand", {"command": "log"})["code"] == -32600
        client.notify("exit")
        assert client.process.wait(10) == 0


@pytest.mark.parametrize(
    "garbage",
    [
        b"Content-Length: 5\r\n\r\n{{{{{",
        b"Content-Length: 2\r\n\r\n[]",
        b"Content-Length: 4\r\n\r\nnull",
        b'Content-Length: 15\r\n\r\n{"jsonrpc": 2.0}'[:-1],
        b'Content-Length: 15\r\n\r\n{"method": "m"}',
        b"Content-Length: -3\r\nContent-Length: x\r\n\r\n",
        b"what is this\r\n\r\n\x00\xff\r\n",
        b"Content-Length: 3\r\n\r\n\xff\xfe\x00",
        b"Content-Length: 60000\r\n\r\n" + b"[" * 60000,
    ],
)
def test_garbage_is_survived(client, garbage):
    client.raw(garbage)
    assert run(client, "echo", "still there") == "still there"


def test_headers_as_other_clients_write_them(client):
    body = (
        b'{"jsonrpc":"2.0","id":"a","method":"workspace/executeCommand","params":{"command":"log"}}'
    )
    head = b"content-type: application/vscode-jsonrpc; charset=utf-8\r\ncontent-length:%d\r\n\r\n"
    client.raw(head % len(body) + body)
    assert client.wait(lambda m: m.get("id") == "a")["result"] == []


def test_what_is_printed_does_not_reach_the_client(client):
    run(client, "log")
    client.leave()
    assert "this must not reach the client" in "".join(client.errors)


def test_a_uri_is_found_however_it_is_written_and_given_back_as_it_was(client):
    client.open(URI, "text")
    assert run(client, "text", "file:///w/a b.py") == "text"
    assert run(client, "text", "file:///w/none.py") is None


# ---------------------------------------------------------------------- documents

ENCODINGS = ("utf-8", "utf-16", "utf-32")
CHARS = st.sampled_from("ab \té😀𝄞\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029\ufeff")
TEXTS = st.lists(CHARS, max_size=40).map("".join)


def document(text, encoding):
    return Document("file:///a.py", text, 1, "python", position_codec=PositionCodec(encoding))


def split(text):
    """Lines as LSP means them, the plain way."""
    lines, line, at = [], "", 0
    while at < len(text):
        end = "\r\n" if text[at : at + 2] == "\r\n" else text[at]
        line += end
        at += len(end)
        if end in ("\r\n", "\n", "\r"):
            lines.append(line)
            line = ""
    return [*lines, line]


def units(text, encoding):
    size = {"utf-8": 1, "utf-16": 2, "utf-32": 4}[encoding]
    name = encoding if encoding == "utf-8" else f"{encoding}-le"
    return len(text.encode(name)) // size


def test_lines_break_at_line_ends_only():
    text = "a\x0cb\x85c\u2028d\r\ne\rf\n"
    assert document(text, "utf-16").lines == ("a\x0cb\x85c\u2028d\r\n", "e\r", "f\n")


@settings(deadline=None, max_examples=300)
@given(text=TEXTS, encoding=st.sampled_from(ENCODINGS), data=st.data())
def test_an_edit_lands_where_the_client_made_it(text, encoding, data):
    old = document(text, encoding)
    lines = split(text)
    ends = []
    for _ in range(2):
        row = data.draw(st.integers(0, len(lines) - 1))
        column = data.draw(st.integers(0, len(lines[row].rstrip("\r\n"))))
        ends.append((row, column))
    (r1, c1), (r2, c2) = sorted(ends)
    new = data.draw(TEXTS)
    start = sum(map(len, lines[:r1])) + c1
    end = sum(map(len, lines[:r2])) + c2
    first = types.Position(r1, units(lines[r1][:c1], encoding))
    last = types.Position(r2, units(lines[r2][:c2], encoding))
    assert (old.position(start), old.position(end)) == (first, last)
    assert old.at(r1 + 1, c1 + 1) == first
    old.apply_change(types.TextDocumentContentChangePartial(types.Range(first, last), new))
    assert old.source == text[:start] + new + text[end:]
    assert [old.line(i) for i in range(len(split(old.source)))] == [
        line.rstrip("\r\n") for line in split(old.source)
    ]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_positions_outside_the_text_are_kept_inside(encoding):
    text = document("ab\n😀c", encoding)
    assert text.offset(types.Position(0, 99)) == 2
    assert text.offset(types.Position(1, 99)) == 5
    assert text.offset(types.Position(9, 0)) == 5


def test_an_error_says_what_is_missing(client):
    error = client.refusal("textDocument/hover", {"textDocument": {"uri": URI}})
    assert error["code"] == -32602
    assert "position" in error["message"]
