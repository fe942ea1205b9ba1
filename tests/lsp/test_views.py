"""What a client's views ask for: the board, logs, curves, patches and receipts, over the wire."""

from __future__ import annotations

import json
import shutil
import time

import pytest
from campaigning import greet, refused, run, status, until
from cattrs.preconf.json import make_converter
from tests.server.campaign.conftest import Repository, bubblewrap, make_repository
from tests.server.editor.ledgers import large, told, until_confirmation, write
from wire import wire

from autosota.lsp.answers import ANSWERS, NOTIFICATIONS

pytestmark = pytest.mark.timeout(300)
__all__ = ["bubblewrap"]

_converter = make_converter(forbid_extra_keys=True)


def check(command, answer):
    """An answer has the type that clients are generated from: all of it, and nothing else."""
    _converter.structure(answer, ANSWERS[f"autosota.{command}"])
    return answer


def asked(client, command, **arguments):
    return check(command, run(client, command, **arguments))


def flat(node):
    yield node
    for child in node["children"]:
        yield from flat(child)


class Folder:
    """A workspace of a simulated campaign."""

    def __init__(self, root):
        self.root = root


# ---------------------------------------------------------------------- without a campaign


def test_an_empty_workspace_has_an_empty_board(tmp_path):
    with wire() as client:
        greet(client, Folder(tmp_path))
        board = asked(client, "board")
        assert (board["ideas"], board["runs"], board["campaigns"]) == ([], [], [])
        assert board["goal"]["title"] == "No objective yet"
        asked(client, "status")
        assert "no id of a run" in refused(client, "log", run="../../etc/passwd")
        assert "no such run" in refused(client, "log", run="c1-baseline-baseline-s0")
        assert "no campaign yet" in refused(client, "receipt", id="c1-baseline-baseline-s0")
        assert not (tmp_path / ".autosota").exists()


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("log", {}),
        ("log", {"run": "c1", "offset": "x"}),
        ("patch", {}),
    ],
)
def test_arguments_that_are_missing_or_of_another_type_are_refused(tmp_path, command, arguments):
    with wire() as client:
        greet(client, Folder(tmp_path))
        assert f"autosota.{command}" in refused(client, command, **arguments)


def test_a_workspace_that_is_not_trusted_may_be_looked_at(tmp_path):
    write(told(ideas=2, better=0), tmp_path)
    with wire() as client:
        greet(client, Folder(tmp_path), trusted=False)
        assert len(asked(client, "board")["ideas"]) == 2


def test_a_workspace_that_is_gone_is_an_empty_one(tmp_path):
    root = tmp_path / "workspace"
    root.mkdir()
    write(told(ideas=2, better=0), root)
    with wire() as client:
        greet(client, Folder(root))
        assert asked(client, "board")["runs"]
        shutil.rmtree(root)
        assert asked(client, "board")["runs"] == []
        assert not root.exists()


def test_a_ledger_that_is_damaged_is_named(tmp_path):
    write(told(ideas=2, better=0), tmp_path)
    (tmp_path / ".autosota" / "ledger.sqlite").write_bytes(b"no database" * 999)
    with wire() as client:
        greet(client, Folder(tmp_path))
        assert "this is no SQLite database" in refused(client, "board")


# ---------------------------------------------------------------------- of a simulated one


def test_a_large_board_does_not_hold_the_server_up(tmp_path):
    write(large(), tmp_path)
    with wire() as client:
        greet(client, Folder(tmp_path))
        uri = (tmp_path / "a.py").as_uri()
        client.open(uri, "x = 1\n")
        board = asked(client, "board")
        assert len(board["ideas"]) == 40
        took, waited = [], []
        for _ in range(10):
            begun = time.perf_counter()
            number = client.ask("workspace/executeCommand", {
                "command": "autosota.board", "arguments": [{}]})  # fmt: skip
            hover = {"textDocument": {"uri": uri}, "position": {"line": 0, "character": 0}}
            client.request("textDocument/hover", hover)
            waited.append(time.perf_counter() - begun)
            client.answer(number)
            took.append(time.perf_counter() - begun)
        assert min(took) < 0.1, took
        assert min(waited) < 0.05, waited


def test_no_answer_holds_a_claim_that_was_not_read(tmp_path):
    campaign = until_confirmation(told())
    write(
        campaign, tmp_path,
        lambda r: f"METRIC test_accuracy={r.value('test_accuracy')!r}\nMETRIC loss=1 step=1\n",
    )  # fmt: skip
    claims = [
        r.value("test_accuracy") for r in campaign.receipts.values() if r.purpose == "confirm"
    ]
    with wire() as client:
        greet(client, Folder(tmp_path))
        board = asked(client, "board")
        for row in board["runs"]:
            asked(client, "receipt", id=row["id"])
            asked(client, "log", run=row["id"])
            asked(client, "series", run=row["id"])
            run(client, "show", id=row["id"])
        run(client, "ideas")
        asked(client, "status")
        said = json.dumps(client.heard, ensure_ascii=False)
        assert len(claims) == 4
        for claim in claims:
            assert claim is not None
            assert f"{claim:.6g}" not in said
        assert "METRIC loss=1 step=1" in said


# ---------------------------------------------------------------------- of a real one


@pytest.fixture
def repository(tmp_path):
    return make_repository(tmp_path / "a repository, größer")


@pytest.mark.campaign
@pytest.mark.bwrap
def test_a_run_is_followed_while_it_goes_on(repository):
    """Its log grows on the board; its curve, too; the claim is in neither."""
    train = repository.root / "train.py"
    text = train.read_text()
    train.write_text(
        text.replace("\nmain()\n", "")
        + '\nimport sys, time\nprint("METRIC loss=0.5 step=1", flush=True)\n'
        + 'print("METRIC test_accuracy=0.98765 step=1", flush=True)\n'
        + 'print("about test accuracy: 0.98765", file=sys.stderr, flush=True)\n'
        + "time.sleep(3)\nmain()\n"
    )
    with wire() as client:
        greet(client, repository)
        run(client, "start", ideas=0, confirmed=True)
        row = until(lambda: next(iter(asked(client, "board")["runs"]), None))
        assert (row["state"], row["purpose"], row["log"]) == ("running", "baseline", True)
        assert (row["seed"], row["value"], row["receipt"]) == (0, "", "")
        name, text, offset, restarts, running = row["id"], "", 0, 0, []
        while True:
            part = asked(client, "log", run=name, offset=offset)
            offset = part["next"]
            if part["restart"]:
                text, restarts = "", restarts + 1
            text += part["text"]
            if part["ended"]:
                break
            if part["text"]:
                running.append(part["text"])
            if "loss" in text and not restarts and len(running) == 1:
                (curve,) = asked(client, "series", run=name)["series"]
                assert curve == {"name": "loss", "points": [[1, 0.5]]}
                assert "goes on" in refused(client, "receipt", id=name)
            time.sleep(0.05)
        seen = "".join(running)
        assert restarts == 1
        for words in ("METRIC loss=0.5 step=1", "METRIC test_accuracy=▒", "accuracy: ▒"):
            assert words in seen, seen
        assert "=== evaluate: python evaluate.py {run_dir}" in seen
        assert "=== stderr" in text
        done = status(client, lambda s: s["state"] == "finished")
        board = asked(client, "board")
        assert board["revision"] == done["revision"] == board["progress"]["revision"]
        assert [r["state"] for r in board["runs"]] == ["finished"] * 3
        said = json.dumps([m for m in client.heard if m.get("method") == "autosota/status"])
        assert "98765" not in seen and "98765" not in said


@pytest.mark.campaign
@pytest.mark.bwrap
def test_what_a_confirmed_campaign_leaves_is_all_there(finished_campaign, tmp_path):
    shutil.copytree(finished_campaign.root, tmp_path / "repo", symlinks=True)
    repository = Repository(tmp_path / "repo")
    with wire() as client:
        greet(client, repository)
        board = asked(client, "board")
        found = {n["id"]: n for n in flat(board["goal"])}
        assert found["confirmation"]["state"] == "passed"
        assert found["evaluation"]["detail"].startswith("sealed")
        best = next(i for i in board["ideas"] if i["badge"] == "confirmed")
        assert best["verdict"] == "cleared"
        patch = asked(client, "patch", id=best["patch"])
        (file,) = patch["files"]
        assert file["path"] == "train.py"
        assert file["before"] == (repository.root / "train.py").read_text()
        assert file["after"] != file["before"]
        assert (patch["verdict"], patch["title"]) == ("cleared", best["title"])
        assert asked(client, "patch", id=best["id"]) == patch
        assert patch["standing"].startswith(("Confirmed", "Not confirmed on its own"))
        rows = {r["id"]: r for r in board["runs"]}
        for run_id in found["confirmation"]["receipts"]:
            receipt = asked(client, "receipt", id=run_id)
            assert rows[run_id]["value"] in [v["value"] for v in receipt["values"]]
            assert json.loads(receipt["json"])["run_id"] == run_id
            log = asked(client, "log", run=run_id)
            assert log["ended"] and "METRIC val_accuracy=" in log["text"]
        assert "no such patch" in refused(client, "patch", id="c1-p999")
        assert "not implemented" in refused(
            client, "patch", id=next(i["id"] for i in board["ideas"] if not i["patch"])
        )
        for params in client.told("autosota/status"):
            _converter.structure(params, NOTIFICATIONS["autosota/status"])
        for command, arguments in (
            ("ideas", {}), ("show", {"id": best["id"]}), ("report", {}),
            ("showIdeas", {"path": "train.py"}), ("reject", {"id": best["id"], "why": "no"}),
            ("apply", {"id": ""}), ("setAutonomy", {"mode": "off"}),
        ):  # fmt: skip
            asked(client, command, **arguments)
        again = asked(client, "board")
        assert again["revision"] != board["revision"]
