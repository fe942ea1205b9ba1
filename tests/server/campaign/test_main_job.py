"""The main job as a user runs it: one command to a verdict, then the library and the results."""

from __future__ import annotations

import json
import re
import subprocess

import pytest
from tests.server.campaign.conftest import Repository, last_line, make_repository

pytestmark = [pytest.mark.campaign, pytest.mark.bwrap]


def events(repository: Repository) -> list[dict]:
    text = (repository.root.parent / "stdout").read_text()
    return [json.loads(line) for line in text.splitlines()]


def test_the_last_line_is_what_scripts_lean_on(finished):
    last = events(finished)[-1]
    assert last["event"] == "finished"
    assert last["verdict"] == "confirmed" and last["confirmed"] is True
    assert last["isolation"] == "sealed"
    assert last["reads_of_claim_metric"] == 2
    low, high = last["interval"]
    assert 0 < low < last["best"] - last["baseline"] < high
    assert last["evaluations"] == sum(e["event"] == "run_finished" for e in events(finished))


def test_no_claim_is_shown_before_it_is_read(finished):
    shown = events(finished)
    for event in shown:
        if event["event"] == "run_finished":
            assert "test_accuracy" not in event["metrics"]
    assert any("val_accuracy" in e.get("metrics", {}) for e in shown)


def test_logs_of_search_runs_hold_no_claim(finished):
    logs = sorted((finished.root / ".autosota" / "runs").glob("c1-search-*/stdout.log"))
    scored = [log.read_text() for log in logs if "METRIC val_accuracy" in log.read_text()]
    assert scored
    for text in scored:
        assert re.search(r"METRIC test_accuracy=▒", text)
        assert not re.search(r"METRIC test_accuracy=[0-9]", text)


def test_status_ideas_and_show(finished):
    status = json.loads(finished.autosota("status", "--json").stdout)
    assert status["state"] == "finished" and status["verdict"] == "confirmed"
    ideas = json.loads(finished.autosota("ideas", "--json").stdout)
    kept = [i for i in ideas if i["fate"] == "confirmed"]
    assert kept and all(i["patch"] for i in kept)
    shown = finished.autosota("show", kept[0]["id"])
    assert shown.returncode == 0 and "LogisticRegression(C=" in shown.stdout
    receipt = finished.autosota("show", "c1-search-c1-p1-s0")
    assert "masked until it is read" in receipt.stdout


def test_verify_is_intact(finished):
    verified = finished.autosota("verify")
    assert verified.returncode == 0, verified.stderr
    assert verified.stdout.strip().endswith("intact")


def test_verify_runs_a_receipt_again(finished):
    verified = finished.autosota("verify", "c1-baseline-baseline-s0", "--rerun")
    assert verified.returncode == 0, verified.stderr
    assert "run again, the same metrics" in verified.stdout


def test_the_report_opens_offline(finished, tmp_path):
    out = finished.autosota("report", "--out", str(tmp_path / "report"))
    text = (tmp_path / "report" / "report.html").read_text()
    assert out.stdout.strip() == str(tmp_path / "report" / "report.html")
    assert "Confirmed" in text
    assert not re.search(r"""(src|href)=["']https?://[^"']+\.(js|css|png|woff2?)""", text)


def test_the_export_holds_the_improved_repository(finished, tmp_path):
    out = finished.autosota("export", str(tmp_path / "export"))
    assert out.returncode == 0, out.stderr
    improved = (tmp_path / "export" / "repository" / "train.py").read_text()
    assert "C=1.0" not in improved
    assert (tmp_path / "export" / "improvement.patch").stat().st_size > 0
    receipts = list((tmp_path / "export" / "receipts").glob("*.json"))
    assert len(receipts) == events(finished)[-1]["evaluations"]
    again = finished.autosota("export", str(tmp_path / "export"))
    assert again.returncode == 2 and len(again.stderr.strip().splitlines()) == 1


def test_memory_files_are_rendered(finished):
    memory = finished.root / ".autosota" / "memory"
    scores = [json.loads(x) for x in (memory / "scores.jsonl").read_text().splitlines()]
    assert scores[0]["iteration"] == 0
    assert (memory / "idea_library.md").read_text().startswith("# Idea library")


def test_apply_changes_the_working_tree_and_nothing_else(repository):
    assert repository.autosota("run", "--json").returncode == 0
    before = repository.fingerprint()
    applied = repository.autosota("apply")
    assert applied.returncode == 0, applied.stderr
    after = repository.fingerprint()
    assert {p for p in after if after[p] != before.get(p)} == {"train.py"}
    assert after.keys() == before.keys()
    sentence = applied.stdout.splitlines()[0]
    assert sentence.startswith("Confirmed +") and sentence.endswith(").")
    assert sentence in repository.autosota("status").stdout.splitlines()
    report = repository.root / ".autosota" / "reports" / "c1" / "report.html"
    assert re.sub("<[^>]*>", "", report.read_text()).count(sentence) == 1
    improved = repository.autosota("verify")
    assert improved.returncode == 0, improved.stderr


def test_apply_refuses_what_would_lose_the_users_work(repository):
    assert repository.autosota("run", "--json").returncode == 0
    path = repository.root / "train.py"
    mine = path.read_text().replace("C=1.0", "C=2.0")
    path.write_text(mine)
    applied = repository.autosota("apply")
    assert applied.returncode == 2 and "train.py" in applied.stderr
    assert path.read_text() == mine


def test_a_rejected_idea_is_not_tried_by_a_resumed_campaign(repository):
    process = repository.start("run", "--json")
    for line in process.stdout:
        if json.loads(line)["event"] == "ideas_proposed":
            proposed = json.loads(line)["ideas"]
            break
    assert repository.autosota("stop").returncode == 0
    process.wait(30)
    ideas = {i["id"]: i for i in json.loads(repository.autosota("ideas", "--json").stdout)}
    waiting = [i["id"] for i in proposed if ideas[i["id"]]["fate"] == "waiting"]
    refused = repository.autosota("reject", waiting[-1], "--why", "too slow for us")
    assert refused.returncode == 0, refused.stderr
    repository.autosota("resume", "--json")
    ideas = {i["id"]: i for i in json.loads(repository.autosota("ideas", "--json").stdout)}
    assert ideas[waiting[-1]]["fate"] == "refused"
    assert ideas[waiting[-1]]["why"] == "too slow for us"


def test_where_nothing_helps_no_gain_is_found_and_reported(tmp_path):
    repository = make_repository(tmp_path / "flat", gain=0.0)
    ran = repository.autosota("run", "--json")
    last = last_line(ran.stdout)
    assert ran.returncode == 1, ran.stderr
    assert last["verdict"] == "no_gain" and last["confirmed"] is False
    assert last["reads_of_claim_metric"] == 0
    with open(str(last["report"]), encoding="utf-8") as report:
        assert "No gain found" in report.read()


def test_a_second_campaign_pays_for_the_first(repository):
    assert repository.autosota("run", "--json").returncode == 0
    ran = repository.autosota("run", "--json")
    planned = [json.loads(x) for x in ran.stdout.splitlines() if '"confirmation_planned"' in x]
    assert planned[0]["attempt"] == 2
    assert min(planned[0]["seeds"]) > 8


def test_uncommitted_changes_are_part_of_the_base(repository):
    path = repository.root / "train.py"
    path.write_text(path.read_text().replace("C=1.0", "C=3.0"))
    before = repository.fingerprint()
    ran = repository.autosota("run", "--json", "--max-evaluations", "18")
    first = json.loads(ran.stdout.splitlines()[0])
    assert first["dirty"] is True
    assert repository.fingerprint() == before
    assert "C=3.0" in json.dumps([json.loads(x) for x in ran.stdout.splitlines()])


def test_a_folder_without_git_works(tmp_path):
    repository = make_repository(tmp_path / "plain")
    subprocess.run(["rm", "-rf", ".git"], cwd=repository.root, check=True)
    ran = repository.autosota("run", "--json", "--max-evaluations", "30")
    assert last_line(ran.stdout)["verdict"] == "confirmed"
