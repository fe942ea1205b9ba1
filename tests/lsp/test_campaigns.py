"""Campaigns from an editor: started, followed, stopped, and what they leave behind is shown."""

from __future__ import annotations

import os
import shutil
import time

import psutil
import pytest
from tests.server.campaign.conftest import Repository, bubblewrap, make_repository
from texts import VSCODE, place
from wire import wire

pytestmark = [pytest.mark.campaign, pytest.mark.bwrap, pytest.mark.timeout(300)]
__all__ = ["bubblewrap"]

OURS = {"views": True, "status": True, "asksReasons": True}


@pytest.fixture
def repository(tmp_path):
    return make_repository(tmp_path / "a repository, größer")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    found = make_repository(tmp_path_factory.mktemp("finished") / "repo")
    ran = found.autosota("run", "--json")
    assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr[-2000:]
    return found


@pytest.fixture
def copy_of_finished(finished, tmp_path):
    shutil.copytree(finished.root, tmp_path / "repo", symlinks=True)
    return Repository(tmp_path / "repo")


def greet(client, repository, **options):
    client.initialize((repository.root,), VSCODE, options={**OURS, **options})


def run(client, command, seconds=60, **arguments):
    params = {"command": f"autosota.{command}", "arguments": [arguments]}
    return client.request("workspace/executeCommand", params, seconds)


def refused(client, command, **arguments):
    params = {"command": f"autosota.{command}", "arguments": [arguments]}
    return client.refusal("workspace/executeCommand", params)["message"]


def status(client, wanted, seconds=90):
    found = client.wait(
        lambda m: m.get("method") == "autosota/status" and wanted(m["params"]), seconds
    )
    return found["params"]


def processes_in(repository):
    """Every process that works in the repository, or was started for it."""
    found = []
    for process in psutil.process_iter(["cmdline", "cwd"]):
        words = [*(process.info["cmdline"] or []), process.info["cwd"] or ""]
        if any(str(repository.root) in word for word in words):
            found.append(process)
    return found


def opened(client, repository, name="train.py"):
    path = repository.root / name
    seen = len(client.heard)
    client.open(path.as_uri(), path.read_text())
    client.wait(lambda m: m.get("method") == "workspace/codeLens/refresh", 60, since=seen)
    return path.as_uri()


def lens_titles(client, uri):
    params = {"textDocument": {"uri": uri}}
    return [x["command"]["title"] for x in client.request("textDocument/codeLens", params)]


def hints_of(client, uri):
    whole = {"start": place(0, 0), "end": place(99, 0)}
    params = {"textDocument": {"uri": uri}, "range": whole}
    return [h["label"] for h in client.request("textDocument/inlayHint", params)]


def test_a_baseline_is_run_and_its_values_stand_beside_the_metric(repository):
    before = repository.fingerprint()
    with wire() as client:
        greet(client, repository)
        uri = opened(client, repository)
        assert lens_titles(client, uri)[:3] == ["Run baseline", "Try 3 ideas", "Start campaign"]
        job = run(client, "start", ideas=0, confirmed=True)
        assert job["root"] == str(repository.root)
        running = status(client, lambda s: s["state"] == "running")
        assert running["budget_evaluations"] == 60
        ended = client.wait(lambda m: m.get("method") == "autosota/job", 90)["params"]
        assert (ended["job"], ended["code"]) == (job["job"], 1)
        done = status(client, lambda s: s["state"] == "finished")
        assert (done["verdict"], done["evaluations"], done["ideas_tried"]) == ("no_gain", 3, 0)
        judge = opened(client, repository, "evaluate.py")
        deadline = time.monotonic() + 60  # a refresh for the ledger may come before this file's own
        while not (hints := hints_of(client, judge)):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        (hint,) = hints
        assert "val_accuracy: baseline 0." in hint
        assert "paper 0.9" in hint
    assert repository.fingerprint() == before


def test_the_user_is_asked_before_anything_is_spent(repository):
    with wire() as client:
        client.answers["window/showMessageRequest"] = lambda params: {"title": "Cancel"}
        greet(client, repository)
        assert refused(client, "start", ideas=3) == "not started"
        (asked,) = client.told("window/showMessageRequest")
        assert "3 ideas" in asked["message"]
        assert not (repository.root / ".autosota").exists()


def test_a_campaign_is_stopped_with_everything_below_it(repository):
    with wire() as client:
        greet(client, repository)
        uri = opened(client, repository)
        run(client, "start", confirmed=True)
        status(client, lambda s: s["state"] == "running" and s["evaluations"] >= 1)
        assert lens_titles(client, uri)[1] == "Stop"
        assert "is running" in refused(client, "start", confirmed=True)
        begun = time.monotonic()
        done = run(client, "stop", why="enough")
        assert done["stopped"] is True
        assert time.monotonic() - begun < 15
        assert done["status"]["state"] in ("stopped", "finished")
        client.wait(lambda m: m.get("method") == "autosota/job")
        left = [p for p in processes_in(repository) if p.pid != os.getpid()]
        assert [p.cmdline() for p in left] == []
        assert lens_titles(client, uri)[0] == "Resume c1"
        assert "no campaign is running" in refused(client, "stop")


def test_a_campaign_survives_its_editor(repository):
    with wire() as client:
        greet(client, repository)
        job = run(client, "start", confirmed=True)
        status(client, lambda s: s["state"] == "running" and s["evaluations"] >= 1)
        client.kill()  # and the pipes with it
    campaign = psutil.Process(job["pid"])
    assert campaign.is_running()
    with wire() as client:  # the next window finds it by the ledger
        greet(client, repository)
        done = status(client, lambda s: s["state"] == "finished", 120)
        assert done["verdict"] in ("confirmed", "no_gain", "provisional")
    campaign.wait(30)


def test_two_windows_on_one_workspace_see_the_same(repository):
    with wire() as one, wire() as two:
        greet(one, repository)
        greet(two, repository)
        run(one, "start", confirmed=True)
        seen = status(two, lambda s: s["state"] == "running")
        assert "is running" in refused(two, "start", confirmed=True)
        run(two, "stop")
        status(one, lambda s: s["state"] in ("stopped", "finished"))
        assert seen["campaign"] == "c1"


def test_a_campaign_that_cannot_begin_says_why(repository):
    (repository.root / "autosota.toml").write_text("[objective]\ncommand = 5\n")
    with wire() as client:
        greet(client, repository)
        run(client, "start", confirmed=True)
        ended = client.wait(lambda m: m.get("method") == "autosota/job", 60)["params"]
        assert ended["code"] == 2
        assert "objective.command" in ended["message"]


def test_the_toggle_starts_and_stops(repository):
    objective = repository.root / "autosota.toml"
    with wire() as client:
        greet(client, repository)
        assert "at most" in refused(client, "setAutonomy", mode="autonomous", confirmed=True)
        objective.write_text(objective.read_text() + '\n[autonomy]\nmode = "autonomous"\n')
        assert run(client, "setAutonomy", mode="suggest")["autonomy"] == "suggest"
        on = run(client, "setAutonomy", mode="autonomous", confirmed=True)
        assert on["autonomy"] == "autonomous"
        status(client, lambda s: s["state"] == "running")
        with wire() as other:
            greet(other, repository)
            assert status(other, lambda s: True)["autonomy"] == "autonomous"
        off = run(client, "setAutonomy", mode="off")
        assert off["autonomy"] == "off"
        status(client, lambda s: s["autonomy"] == "off" and s["state"] in ("stopped", "finished"))
        client.wait(lambda m: m.get("method") == "autosota/job")
        assert processes_in(repository) == []


def test_a_confirmed_idea_has_its_badge_everywhere(copy_of_finished):
    repository = copy_of_finished
    with wire() as client:
        greet(client, repository)
        uri = opened(client, repository)
        titles = lens_titles(client, uri)
        assert any(" · best +" in t and "confirmed" in t for t in titles), titles
        text = (repository.root / "train.py").read_text()
        line = text[: text.index("LogisticRegression(")].count("\n")
        params = {
            "textDocument": {"uri": uri},
            "range": {"start": place(line, 10), "end": place(line, 10)},
            "context": {"diagnostics": [], "only": ["refactor.rewrite"]},
        }
        best = client.request("textDocument/codeAction", params)[0]
        assert "in the confirmed change" in best["title"]
        setting = place(line, text.splitlines()[line].index("C="))
        params = {"textDocument": {"uri": uri}, "position": setting}
        hover = client.request("textDocument/hover", params)
        assert "in the confirmed change: +0." in hover["contents"]["value"]
        done = client.request("codeAction/resolve", best)
        (note,) = done["edit"]["changeAnnotations"].values()
        assert "audit: cleared" in note["description"]
        judge = opened(client, repository, "evaluate.py")
        (hint,) = hints_of(client, judge)
        assert "test_accuracy: baseline 0." in hint and " · best 0." in hint
        receipt = next(
            x["command"]
            for x in client.request("textDocument/codeLens", {"textDocument": {"uri": judge}})
            if x["command"]["command"] == "autosota.view.receipt"
        )
        told = run(client, "show", **receipt["arguments"][0])
        assert any("isolation sealed" in line for line in told["lines"])


def test_the_library_is_listed_rejected_and_applied(copy_of_finished):
    repository = copy_of_finished
    with wire() as client:
        greet(client, repository)
        fates = {row["id"]: row["fate"] for row in run(client, "ideas")}
        waiting = next((i for i, fate in fates.items() if fate == "waiting"), None)
        assert waiting is not None, fates
        assert run(client, "reject", id=waiting, why="too slow for us") == {"id": waiting}
        again = {row["id"]: row for row in run(client, "ideas")}
        assert (again[waiting]["fate"], again[waiting]["why"]) == ("refused", "too slow for us")
        before = (repository.root / "train.py").read_text()
        done = run(client, "apply", id="")
        assert done["confirmed"] is True
        assert done["files"] == ["train.py"]
        assert (repository.root / "train.py").read_text() != before


def test_a_report_is_written(copy_of_finished):
    with wire() as client:
        greet(client, copy_of_finished)
        assert "report.html" in run(client, "report", seconds=60)["said"]
