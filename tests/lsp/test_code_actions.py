"""The light bulb: what is offered where, and what it writes."""

from __future__ import annotations

import copy

import pytest
from texts import LEAK, PUSHED, SPLIT, VSCODE, applied, cell_uri, codes, edit, notebook, place
from wire import wire

SPLIT_LINE = "X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)\n"
FIXED = LEAK.replace("X = StandardScaler().fit_transform(X)\n", "").replace(
    SPLIT_LINE,
    SPLIT_LINE + "scaler = StandardScaler()\nX_train = scaler.fit_transform(X_train)\n"
    "X_test = scaler.transform(X_test)\n",
)


@pytest.fixture
def client(tmp_path):
    with wire() as found:
        found.initialize((tmp_path,), VSCODE)
        yield found


def asked(uri, line, only=None, end=None, diagnostics=()):
    context = {"diagnostics": list(diagnostics)}
    if only is not None:
        context["only"] = only
    span = {"start": place(line, 0), "end": place(end if end is not None else line, 80)}
    return {"textDocument": {"uri": uri}, "range": span, "context": context}


def actions(client, uri, line, only=None, **more):
    return client.request("textDocument/codeAction", asked(uri, line, only, **more))


def titles(found):
    return [a["title"] for a in found]


def edits_of(action, uri):
    (change,) = [c for c in action["edit"]["documentChanges"] if c["textDocument"]["uri"] == uri]
    return change["textDocument"]["version"], change["edits"]


def chosen(client, uri, line, kind, **more):
    """The first action of a kind, with its edit."""
    found = [a for a in actions(client, uri, line, [kind], **more) if a["kind"] == kind]
    return client.request("codeAction/resolve", found[0])


def test_a_finding_offers_its_fix_and_a_suppression(client, tmp_path):
    uri = (tmp_path / "a.py").as_uri()
    client.open(uri, LEAK, version=5)
    rows = client.request("textDocument/diagnostic", {"textDocument": {"uri": uri}})["items"]
    found = actions(client, uri, 3, diagnostics=rows)
    assert titles(found) == [
        "Learn from the training rows only, after the split (LK101)",
        "Suppress LK101 here, with a reason",
    ]
    assert [a["kind"] for a in found] == ["quickfix.autosota", "quickfix.autosota.suppress"]
    assert found[0]["isPreferred"] is True
    assert codes(found[0]["diagnostics"]) == ["LK101"]
    assert "edit" not in found[0]
    assert actions(client, uri, 5) == []
    done = client.request("codeAction/resolve", found[0])
    version, edits = edits_of(done, uri)
    assert (version, applied(LEAK, edits)) == (5, FIXED)
    (annotation,) = done["edit"]["changeAnnotations"].values()
    assert annotation["label"] == found[0]["title"]


def test_kinds_are_filtered_as_asked(client, tmp_path):
    uri = (tmp_path / "a.py").as_uri()
    client.open(uri, LEAK)
    assert [a["kind"] for a in actions(client, uri, 3, ["quickfix"])] == [
        "quickfix.autosota",
        "quickfix.autosota.suppress",
    ]
    assert [a["kind"] for a in actions(client, uri, 3, ["source.fixAll"])] == [
        "source.fixAll.autosota"
    ]
    assert actions(client, uri, 3, ["source.organizeImports"]) == []
    assert actions(client, uri, 3, ["quick"]) == []


def test_everything_safe_at_once(client, tmp_path):
    """Two fixes, one of which is possible only after the other; nothing that is left to choose."""
    uri = (tmp_path / "a.py").as_uri()
    text = LEAK.replace(", random_state=0", "").replace("print(", "x = 1  # noqa: LK102\nprint(")
    client.open(uri, text)
    done = chosen(client, uri, 0, "source.fixAll.autosota")
    _, edits = edits_of(done, uri)
    assert applied(text, edits) == FIXED.replace("print(", "x = 1\nprint(")
    client.change(uri, 2, {"text": applied(text, edits)})
    assert actions(client, uri, 0, ["source.fixAll"], end=20) == []


def test_a_suppression_selects_the_place_of_its_reason(client, tmp_path):
    uri = (tmp_path / "a.py").as_uri()
    client.open(uri, LEAK)
    done = chosen(client, uri, 3, "quickfix.autosota.suppress")
    _, (one,) = edits_of(done, uri)
    assert one["snippet"]["value"] == ("  # autosota: ignore[LK101] ${1:why it is no problem here}")


def test_a_client_that_asks_for_reasons_is_given_a_command(tmp_path):
    with wire() as client:
        client.initialize((tmp_path,), VSCODE, options={"asksReasons": True})
        uri = (tmp_path / "a.py").as_uri()
        client.open(uri, LEAK)
        (action,) = actions(client, uri, 3, ["quickfix.autosota.suppress"])
        assert action["command"]["command"] == "autosota.askReason"
        (arguments,) = action["command"]["arguments"]
        assert (arguments["uri"], arguments["code"]) == (uri, "LK101")


def test_a_client_that_resolves_nothing_gets_edits_at_once(tmp_path):
    plain = copy.deepcopy(PUSHED)
    plain["textDocument"]["codeAction"] = {
        "codeActionLiteralSupport": {"codeActionKind": {"valueSet": [""]}}
    }
    with wire() as client:
        client.initialize((tmp_path,), plain)
        uri = (tmp_path / "a.py").as_uri()
        client.open(uri, LEAK)
        first, second = actions(client, uri, 3)
        assert applied(LEAK, first["edit"]["changes"][uri]) == FIXED
        suppressed = applied(LEAK, second["edit"]["changes"][uri])
        assert "(X)  # autosota: ignore[LK101] why it is no problem here\n" in suppressed


def test_a_client_without_literal_actions_gets_none(tmp_path):
    with wire() as client:
        client.initialize((tmp_path,), PUSHED)
        uri = (tmp_path / "a.py").as_uri()
        client.open(uri, LEAK)
        assert actions(client, uri, 3) == []


@pytest.mark.parametrize("line_end", ["\r\n", "\n"])
def test_line_ends_and_signs_beyond_the_first_plane(client, tmp_path, line_end):
    uri = (tmp_path / "a.py").as_uri()
    text = ("s = '😀'; t = '\x0c'\n" + LEAK).replace("\n", line_end)
    client.open(uri, text)
    _, edits = edits_of(chosen(client, uri, 4, "quickfix.autosota"), uri)
    assert applied(text, edits) == ("s = '😀'; t = '\x0c'\n" + FIXED).replace("\n", line_end)


def test_an_edit_that_overtakes_an_action(client, tmp_path):
    uri = (tmp_path / "a.py").as_uri()
    client.open(uri, LEAK)
    (fix, _) = actions(client, uri, 3)
    client.change(uri, 2, edit((0, 0), (0, 0), "\n"))
    assert client.refusal("codeAction/resolve", fix)["code"] == -32801
    client.close(uri)
    assert client.refusal("codeAction/resolve", fix)["code"] == -32801


def test_an_edit_that_overtakes_the_request(client, tmp_path):
    """Sent in one breath: the answer is for the text after the edit, or it is an error."""
    uri = (tmp_path / "a.py").as_uri()
    client.open(uri, LEAK)
    for version in range(2, 30):
        number = client.ask("textDocument/codeAction", asked(uri, 0, end=99))
        client.change(uri, version, edit((0, 0), (0, 0), "\n"))
        reply = client.answer(number)
        if "error" in reply:
            assert reply["error"]["code"] == -32801
    found = actions(client, uri, 0, end=99)
    _, edits = edits_of(client.request("codeAction/resolve", found[0]), uri)
    assert applied("\n" * 28 + LEAK, edits) == "\n" * 28 + FIXED


@pytest.mark.parametrize(
    "data",
    [None, 5, {}, {"uri": "file:///none"}, {"uri": None, "edits": "x", "do": "fix", "number": 99}],
)
def test_data_that_is_not_ours_does_no_harm(client, tmp_path, data):
    action = {"title": "mine", "kind": "quickfix", "data": data}
    reply = client.answer(client.ask("codeAction/resolve", action))
    assert reply.get("result", {}).get("edit") is None
    uri = (tmp_path / "a.py").as_uri()
    client.open(uri, LEAK)
    assert actions(client, uri, 3)


def test_a_number_that_is_out_of_range_is_refused(client, tmp_path):
    uri = (tmp_path / "a.py").as_uri()
    client.open(uri, LEAK)
    (fix, _) = actions(client, uri, 3)
    fix["data"]["number"] = 77
    assert client.refusal("codeAction/resolve", fix)["code"] == -32803
    fix["data"]["number"] = "a"
    assert "error" in client.answer(client.ask("codeAction/resolve", fix))
    assert actions(client, uri, 3)


def test_a_fix_over_several_cells(client, tmp_path):
    uri = (tmp_path / "a.ipynb").as_uri()
    head, body = LEAK.split("\n\n")
    first, *rest = body.splitlines(keepends=True)
    cells = (head, "text", first.rstrip("\n"), "%time\n" + rest[0].rstrip("\n"), "".join(rest[1:]))
    client.notify("notebookDocument/didOpen", notebook(uri, *cells, markup=(1,)))
    source, target = cell_uri(uri, 2), cell_uri(uri, 3)
    done = chosen(client, source, 0, "quickfix.autosota")
    version, edits = edits_of(done, source)
    assert (version, applied(cells[2], edits)) == (1, "")
    _, edits = edits_of(done, target)
    assert applied(cells[3], edits) == cells[3] + (
        "\nscaler = StandardScaler()\nX_train = scaler.fit_transform(X_train)\n"
        "X_test = scaler.transform(X_test)"
    )


def test_an_import_joins_those_of_its_cell(client, tmp_path):
    uri = (tmp_path / "a.ipynb").as_uri()
    cells = (
        "from sklearn.feature_selection import SelectKBest\n"
        "from sklearn.model_selection import cross_val_score\nfrom sklearn.svm import SVC",
        "X, y = load()\nX = SelectKBest(k=20).fit_transform(X, y)",
        "scores = cross_val_score(SVC(), X, y, cv=5)",
    )
    client.notify("notebookDocument/didOpen", notebook(uri, *cells))
    done = chosen(client, cell_uri(uri, 1), 1, "quickfix.autosota")
    texts = [applied(c, edits_of(done, cell_uri(uri, i))[1]) for i, c in enumerate(cells)]
    assert texts[0] == cells[0].replace(
        "from sklearn.svm", "from sklearn.pipeline import make_pipeline\nfrom sklearn.svm"
    )
    assert texts[1].rstrip("\n") == "X, y = load()"
    assert texts[2] == (
        "scores = cross_val_score(make_pipeline(SelectKBest(k=20), SVC()), X, y, cv=5)"
    )


def test_a_fix_that_would_not_help_is_refused(client, tmp_path):
    """The seed is given by a name that the fix cannot see to be None."""
    uri = (tmp_path / "a.py").as_uri()
    text = SPLIT + "a, b = train_test_split(X, **{'random_state': None})\n"
    client.open(uri, text)
    assert all("random_state" not in t for t in titles(actions(client, uri, 1)))
