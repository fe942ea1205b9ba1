"""Campaigns from an editor: started, followed, stopped, and what they leave behind is shown."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from campaigning import (
    greet,
    hints_of,
    lens_titles,
    opened,
    processes_in,
    refused,
    run,
    status,
    until,
)
from tests.server.campaign.conftest import Repository, bubblewrap, make_repository
from texts import place
from wire import wire

pytestmark = [pytest.mark.campaign, pytest.mark.bwrap, pytest.mark.timeout(300)]
__all__ = ["bubblewrap"]


@pytest.fixture
def repository(tmp_path):
    return make_repository(tmp_path / "a repository, größer")


@pytest.fixture
def copy_of_finished(finished_campaign, tmp_path):
    shutil.copytree(finished_campaign.root, tmp_path / "repo", symlinks=True)
    return Repository(tmp_path / "repo")


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
        (hint,) = until(lambda: hints_of(client, judge))
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
        assert "at most 60 runs, 10 min." in asked["message"]
        assert "no campaign to resume" in refused(client, "resume")
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


SPAWNS = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(900)"], start_new_session=True)
print("spawned", flush=True)
time.sleep(900)
"""
"""A run that leaves its session and waits: only what ends everything below it ends it."""


@pytest.mark.parametrize("walls", ["bubblewrap", "none"])
def test_a_stop_in_the_middle_of_a_run_leaves_no_process(repository, walls, tmp_path):
    (repository.root / "train.py").write_text(SPAWNS)
    environ = {} if walls == "bubblewrap" else {"PATH": path_without("bwrap", tmp_path / "bin")}
    with wire(env=environ) as client:
        greet(client, repository)
        job = run(client, "start", confirmed=True)
        row = until(lambda: next(iter(run(client, "board")["runs"]), None))
        assert row["state"] == "running"
        until(lambda: "spawned" in run(client, "log", run=row["id"])["text"])
        driver = psutil.Process(job["pid"])
        below = [driver, *driver.children(recursive=True)]
        assert len(below) >= 3, below
        if walls == "none":
            assert processes_of("time.sleep(900)")
        assert run(client, "stop")["status"]["state"] == "stopped"
        client.wait(lambda m: m.get("method") == "autosota/job")
        gone, alive = psutil.wait_procs(below, timeout=5)
        assert (len(gone), alive) == (len(below), [])
        assert processes_in(repository) == []
        assert processes_of("time.sleep(900)") == []
        row = next(iter(run(client, "board")["runs"]), None)
        assert row is None or row["state"] != "running"


def path_without(name, folder):
    """A search path on which one program is not: then a run is a plain process."""
    folder.mkdir()
    kept = []
    for where in os.environ.get("PATH", os.defpath).split(os.pathsep):
        if not Path(where, name).exists():
            kept.append(where)
            continue
        for program in Path(where).iterdir():
            if program.name != name and not (folder / program.name).exists():
                (folder / program.name).symlink_to(program)
    return os.pathsep.join([*kept, str(folder)])


def processes_of(words):
    """Processes of ours whose command line holds these words."""
    found = []
    for process in psutil.process_iter(["cmdline", "uids"]):
        line = " ".join(process.info["cmdline"] or [])
        if words in line and process.info["uids"].real == os.getuid():
            found.append(process)
    return found


def test_switching_off_right_after_switching_on_stops_what_began(repository):
    objective = repository.root / "autosota.toml"
    objective.write_text(objective.read_text() + '\n[autonomy]\nmode = "autonomous"\n')
    with wire() as client:
        greet(client, repository)
        run(client, "setAutonomy", mode="suggest")
        run(client, "setAutonomy", mode="autonomous", confirmed=True)
        off = run(client, "setAutonomy", mode="off")
        assert off["autonomy"] == "off"
        assert off["state"] in ("none", "stopped")
        client.wait(lambda m: m.get("method") == "autosota/job")
        assert processes_in(repository) == []


def test_a_stop_right_after_the_start_is_one(repository):
    with wire() as client:
        greet(client, repository)
        job = run(client, "start", confirmed=True)
        assert refused(client, "start", confirmed=True).endswith("stop it first")
        assert run(client, "stop")["stopped"] is True
        client.wait(lambda m: m.get("method") == "autosota/job")
        until(lambda: not psutil.pid_exists(job["pid"]))
        assert processes_in(repository) == []
        assert run(client, "status")["state"] in ("none", "stopped")


CLIENT = """
import subprocess, sys, threading
server = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
print(server.pid, flush=True)
def pump(source, target):
    while data := source.read1(65536):
        target.write(data)
        target.flush()
threading.Thread(target=pump, args=(server.stdout, sys.stderr.buffer), daemon=True).start()
pump(sys.stdin.buffer, server.stdin)
"""
"""An editor: what it is told goes to its server, and what that says comes out."""


def test_a_client_that_is_killed_takes_the_server_along_and_no_campaign(repository, tmp_path):
    words = [sys.executable, "-c", CLIENT, sys.executable, "-m", "autosota.lsp", "--stdio"]
    with wire() as observer:
        greet(observer, repository)
        started = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert started.stdin is not None and started.stdout is not None
        server = psutil.Process(int(started.stdout.readline()))
        for message in opening(repository, started.pid):
            started.stdin.write(message)
        started.stdin.flush()
        status(observer, lambda s: s["state"] == "running" and s["evaluations"] >= 1)
        behind = [server, *(p for p in server.children(True) if "worker" in line_of(p))]
        assert len(behind) == 2, [p.cmdline() for p in behind]
        begun = time.monotonic()
        started.send_signal(signal.SIGKILL)
        started.wait()
        _, alive = psutil.wait_procs(behind, timeout=5)
        assert alive == []
        assert time.monotonic() - begun < 5
        done = status(observer, lambda s: s["state"] == "finished", 120)
        assert done["verdict"] in ("confirmed", "no_gain", "provisional")


def line_of(process):
    """A process's command line; '' for one that has ended meanwhile."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def opening(repository, pid):
    """The messages of an editor that greets, and starts a campaign."""
    import json

    where = {"uri": repository.root.as_uri(), "name": "repo"}
    greeting = {"processId": pid, "capabilities": {}, "workspaceFolders": [where],
                "rootUri": where["uri"]}  # fmt: skip
    begin = {"command": "autosota.start", "arguments": [{"confirmed": True}]}
    for message in (
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": greeting},
        {"jsonrpc": "2.0", "method": "initialized", "params": {}},
        {"jsonrpc": "2.0", "id": 2, "method": "workspace/executeCommand", "params": begin},
    ):
        body = json.dumps(message).encode()
        yield b"Content-Length: %d\r\n\r\n" % len(body) + body


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
        boards = [run(c, "board") for c in (one, two)]
        assert boards[0] == boards[1]
        assert len(boards[0]["runs"]) == boards[0]["progress"]["evaluations"]


def mode_of(repository):
    """What the server's body says, as every face asks it."""
    from autosota.server.host import Host

    return Host(repository.root).autonomy()


def test_the_toggle_is_the_same_in_every_window(repository):
    with wire() as one, wire() as two:
        greet(one, repository)
        greet(two, repository)
        status(two, lambda s: s["autonomy"] == "suggest")
        run(one, "setAutonomy", mode="off")
        status(two, lambda s: s["autonomy"] == "off")
        assert mode_of(repository) == "off"
        run(two, "setAutonomy", mode="suggest")
        seen = len(one.told("autosota/status"))
        until(lambda: [s for s in one.told("autosota/status")[seen - 1 :]
                       if s["autonomy"] == "suggest"])  # fmt: skip
        assert "choose off, suggest or autonomous" in refused(two, "setAutonomy", mode="wild")


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
        told = repository.autosota("status").stdout
        assert "autonomy: autonomous, at most autonomous" in told
        with wire() as other:
            greet(other, repository)
            assert status(other, lambda s: True)["autonomy"] == "autonomous"
        off = run(client, "setAutonomy", mode="off")
        assert (off["autonomy"], off["state"]) == ("off", "stopped")
        assert client.told("autosota/status")[-1] == off
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
        assert re.search(r"\+\d\S* %, (in the )?confirmed", best["title"]), best["title"]
        setting = place(line, text.splitlines()[line].index("C="))
        params = {"textDocument": {"uri": uri}, "position": setting}
        hover = client.request("textDocument/hover", params)
        assert re.search(r"confirmed( change)?: \+0\.", hover["contents"]["value"])
        assert re.search(r"\d+ runs of c1-p\d+", hover["contents"]["value"])
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
        page = Path(run(client, "report", seconds=60)["path"])
        assert page == copy_of_finished.root / ".autosota" / "reports" / "c1" / "report.html"
        assert "Confirmed" in page.read_text()
