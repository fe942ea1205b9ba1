"""A campaign that doubts, with everything declared that makes doubt possible; all of it is real."""

from __future__ import annotations

import json
import re

import pytest
from tests.server.campaign.conftest import Repository, last_line, make_repository

pytestmark = [pytest.mark.campaign, pytest.mark.bwrap]

OUTCOMES = """
with open(Path(sys.argv[1], "outcomes.csv"), "w") as file:
    print("id,value", file=file)
    for number, (a, b) in enumerate(zip(truth, guess)):
        print(f"{number},{int(a == b)}", file=file)
"""
DECLARED = """
[controls]
labels = { file = "data/train_y.txt" }
inputs = { file = "data/test_x.txt" }
compute_knob = { flag = "--rows", unit = "rows" }
chance = 0.5

[[transfer]]
name = "half"
arguments = "--rows 150"
"""


def declared(root, **more) -> Repository:
    repository = make_repository(root, evaluations=120, **more)
    train = (repository.root / "train.py").read_text()
    train = train.replace(
        "    args = parser.parse_args()",
        '    parser.add_argument("--rows", type=int, default=300)\n    args = parser.parse_args()',
    ).replace(
        'model.fit(read("train_x.txt"), [int(v) for v in read("train_y.txt")])',
        'rows = read("train_x.txt")[: args.rows]\n'
        '    labels = [int(v) for v in read("train_y.txt")][: args.rows]\n'
        "    model.fit(rows, labels)",
    )
    (repository.root / "train.py").write_text(train)
    evaluate = repository.root / "evaluate.py"
    evaluate.write_text(evaluate.read_text() + OUTCOMES)
    objective = repository.root / "autosota.toml"
    text = objective.read_text().replace(
        'timeout = "20s"', 'timeout = "20s"\noutcomes = "{run_dir}/outcomes.csv"'
    )
    objective.write_text(text + DECLARED)
    return repository


@pytest.fixture(scope="module")
def survived(tmp_path_factory):
    repository = declared(tmp_path_factory.mktemp("survived") / "repo")
    before = repository.fingerprint()
    ran = repository.autosota("run", "--json")
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-2000:]
    assert repository.fingerprint() == before
    return repository, ran.stdout


def events(text: str, kind: str) -> list[dict]:
    found = [json.loads(line) for line in text.splitlines()]
    return [event for event in found if event["event"] == kind]


def test_everything_that_can_doubt_it_was_asked(survived):
    repository, out = survived
    last = last_line(out)
    assert last["verdict"] == "confirmed" and last["isolation"] == "sealed"
    wanted = {"null patch", "permuted labels", "shuffled inputs", "re-execution"}
    # a tenth of a second more or less also asks for a baseline of equal compute
    assert wanted <= set(last["controls"]) <= {*wanted, "compute-matched baseline"}
    assert all(passed is True for passed in last["controls"].values())
    assert last["transfers"] == {"half": True}
    assert last["caps"] == []
    assert abs(last["compute"]) < 0.25
    (compared,) = events(out, "outcomes_compared")
    assert compared["examples"] == 1500
    told = repository.autosota("status").stdout
    seeds = interval(told, "over training noise only")
    rows = interval(told, "over training noise and the sampling of the test set")
    assert seeds[0] > 0 and rows[0] > 0
    assert rows[1] - rows[0] > seeds[1] - seeds[0]  # seeds and rows together are wider


def interval(text: str, covers: str) -> tuple[float, float]:
    low, high = re.search(rf"interval ([+-][\d.]+) to ([+-][\d.]+) {covers}", text).groups()
    return float(low), float(high)


def test_permuted_rows_fell_and_the_users_files_did_not_change(survived):
    repository, out = survived
    runs = [e for e in events(out, "run_finished") if e["purpose"] == "control"]
    fell = [r for r in runs if r["variant"] in ("permuted labels", "shuffled inputs")]
    assert len(fell) == 4
    (page,) = repository.root.glob(".autosota/reports/*/report.html")
    assert page.read_text().count("falls as it must: test_accuracy") == 2
    assert repository.autosota("verify").returncode == 0  # data hashes, too


def test_nothing_of_the_claim_is_told_before_it_is_judged(survived):
    _, out = survived
    before, _, _ = out.partition('"event": "confirmation_judged"')
    for line in before.splitlines()[:-1]:
        event = json.loads(line)
        if event["event"] == "run_finished" and event["purpose"] != "baseline":
            assert "test_accuracy" not in event["metrics"]
        if event["event"] == "outcomes_compared":
            assert event["comparison"] is None


def test_the_receipts_prove_all_of_it(survived):
    repository, _ = survived
    verified = repository.autosota("verify")
    assert verified.returncode == 0, verified.stdout
    report = repository.autosota("report")
    assert report.returncode == 0
    (page,) = repository.root.glob(".autosota/reports/*/report.html")
    text = page.read_text()
    assert "do not rely" not in text.lower()
    for heading in ("What carries the gain", "Controls", "Other settings", "Power and price"):
        assert heading in text


def test_a_control_is_run_again_as_it_was(survived):
    repository, out = survived
    names = [e["run_id"] for e in events(out, "run_finished") if e["variant"] == "permuted labels"]
    again = repository.autosota("verify", names[0], "--rerun")
    assert again.returncode == 0, again.stdout
    assert "the same metrics" in again.stdout


def test_a_baseline_that_falls_short_of_the_paper_stops(tmp_path):
    repository = make_repository(tmp_path / "repo")
    objective = repository.root / "autosota.toml"
    objective.write_text(objective.read_text().replace("value = 0.9,", "value = 0.99,"))
    text = objective.read_text().replace("[paper]", "[paper]\ntolerance = 0.05")
    objective.write_text(text)
    ran = repository.autosota("run", "--json")
    assert ran.returncode == 1
    last = last_line(ran.stdout)
    assert last["verdict"] == "not_reproduced"
    assert "the paper says 0.99 (Table 1)" in last["reason"] and "worse by" in last["reason"]
