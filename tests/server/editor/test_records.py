"""What the views of a face are told: the goal, ideas, runs and campaigns, from receipts only."""

from __future__ import annotations

import json
import re
import shutil
import time
from dataclasses import asdict

import pytest
from tests.server.editor.ledgers import large, objective, told, until_confirmation, write

from autosota.agents.domain import Budget, Decision, Outcome, Purpose
from autosota.agents.scheduler import actions
from autosota.agents.scheduler import events as ev
from autosota.server.activity import say
from autosota.server.editor.board import RubricNode
from autosota.server.editor.progress import progress
from autosota.server.editor.records import Records
from autosota.server.errors import UserError
from autosota.server.ledger.lease import Lease
from autosota.server.ledger.mailbox import Mailbox
from autosota.server.ledger.store import Ledger

TOML = """
[paper]
claims = [{ metric = "test_accuracy", value = 0.9, where = "Table 1" }]

[objective]
command = "python train.py --seed {seed}"
metric = "test_accuracy"
select_on = "val_accuracy"
seeds = [0, 1, 2]

[objective.guard.params]
max_increase = 0.1
"""


@pytest.fixture(scope="module")
def confirmed():
    return told()


def nodes(node: RubricNode) -> dict[str, RubricNode]:
    found = {node.id: node}
    for child in node.children:
        found |= nodes(child)
    return found


# ---------------------------------------------------------------------- the goal


def test_a_folder_without_an_objective_says_how_to_get_one(tmp_path):
    board = Records(tmp_path).board()
    assert (board.goal.state, board.goal.detail) == ("open", "autosota init proposes one")
    assert (board.ideas, board.runs, board.campaigns, board.revision) == ((), (), (), "")


def test_an_objective_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "autosota.toml").write_text("[objective]\ncommand = 5\n")
    assert "objective.command" in Records(tmp_path).board().goal.detail


def test_before_a_campaign_everything_is_open(tmp_path):
    (tmp_path / "autosota.toml").write_text(TOML)
    goal = Records(tmp_path).board().goal
    found = nodes(goal)
    assert goal.title == "Improve test_accuracy (maximize)"
    assert "0 of 3 seeds; the paper: 0.9 (Table 1)" in found["baseline"].detail
    assert found["guard:params"].detail == "at most +10 %; judged at the confirmation"
    assert {n.state for n in found.values()} == {"open", "capped"}
    assert found["control:permuted labels"].state == "capped"


def test_a_confirmed_campaign_passes_part_by_part(tmp_path, confirmed):
    write(confirmed, tmp_path)
    records = Records(tmp_path)
    found = nodes(records.board().goal)
    states = {name: node.state for name, node in found.items()}
    assert states["goal"] in ("passed", "capped")
    for name in ("baseline", "seeds", "evaluation", "search", "confirmation", "guards", "budget"):
        assert states[name] == "passed", (name, found[name])
    assert states["control:null patch"] == "passed"
    assert states["control:permuted labels"] == "capped"
    assert "Table 1, row LR" in found["baseline"].detail
    assert len(found["baseline"].receipts) == 5
    assert found["evaluation"].detail.startswith("sealed: ")
    assert re.fullmatch(
        r"went from \S+ s to \S+ s, at most \+25 %", found["guard:wall_seconds"].detail
    )
    for node in found.values():
        for run in node.receipts:
            assert records.receipt(run).id == run, node


def test_a_campaign_that_found_nothing_fails_at_the_search(tmp_path):
    write(told(ideas=2, better=0), tmp_path)
    found = nodes(Records(tmp_path).board().goal)
    assert (found["goal"].state, found["search"].state) == ("failed", "failed")
    assert found["search"].detail == "2 ideas tried, none was kept"
    assert found["confirmation"].detail == "no candidate reached it"
    assert "not needed" not in found["control:compute-matched baseline"].detail


def test_what_a_budget_left_untried_is_said(tmp_path):
    write(told(ideas=8, better=0, budget=Budget(evaluations=12)), tmp_path)
    budget = nodes(Records(tmp_path).board().goal)["budget"]
    assert budget.state == "passed"
    assert budget.detail.startswith("7 of 12 runs, ")
    assert budget.detail.endswith("; 7 ideas not tried")


# ---------------------------------------------------------------------- rows


def test_runs_show_what_their_receipts_hold(tmp_path, confirmed):
    write(confirmed, tmp_path)
    board = Records(tmp_path).board()
    assert [r.id for r in board.runs] == [r.run_id for r in reversed(confirmed.state.runs)]
    for row in board.runs:
        receipt = confirmed.receipts[row.id]
        value = receipt.value(row.metric)
        assert row.value == "" if value is None else float(row.value) == pytest.approx(value, 1e-3)
        assert row.wall_seconds == receipt.resources.wall_seconds
    null = next(r for r in board.runs if r.patch == "c1-null")
    assert (null.metric, null.idea) == ("val_accuracy", "")  # it is not asked about the claim
    assert null.value
    confirm = next(r for r in board.runs if r.purpose == "confirm" and r.side != "baseline")
    assert (confirm.metric, confirm.isolation) == ("test_accuracy", "sealed")
    assert confirm.patch == confirmed.state.best.patch


def test_a_run_whose_receipt_is_gone_has_no_value(tmp_path, confirmed):
    write(confirmed, tmp_path)
    lost = confirmed.state.runs[0].run_id
    import sqlite3

    with sqlite3.connect(tmp_path / ".autosota" / "ledger.sqlite") as ledger:
        ledger.execute("DELETE FROM receipts WHERE run_id = ?", (lost,))
    row = next(r for r in Records(tmp_path).board().runs if r.id == lost)
    assert (row.value, row.receipt, row.wall_seconds) == ("", "", None)


def test_what_receipts_do_not_prove_is_not_praised_anywhere(tmp_path):
    write(told(ideas=1), tmp_path)
    assert progress(tmp_path).verdict == "confirmed"
    import sqlite3

    with sqlite3.connect(tmp_path / ".autosota" / "ledger.sqlite") as ledger:
        ledger.execute("DELETE FROM receipts WHERE run_id IN (SELECT run_id FROM receipts LIMIT 1)")
    board = Records(tmp_path).board()
    assert board.goal.state == "failed" and "relied on" in board.goal.detail
    proof = board.goal.children[0]
    assert (proof.id, proof.state) == ("proof", "failed")
    (row,) = board.ideas
    assert (row.badge, row.gain, row.detail) == ("", "", "")
    assert row.words == "not proven by its receipts"
    said = progress(tmp_path)
    assert said.verdict == "" and "disagree" in said.headline and "disagree" in said.note


def test_ideas_have_the_badge_of_their_fate(tmp_path):
    from tests.server.report.conftest import Lab, idea

    lab = Lab(
        [idea("good"), idea("broken"), idea("cheat"), idea("nothing")],
        effect={"good": 0.02},
        outcome={"broken": Outcome.CRASHED},
        decision={"cheat": Decision.REJECTED},
        objective=objective(budget=Budget(evaluations=200)),
    )
    campaign = lab.play()
    campaign = campaign.then(ev.IdeaRefused("nothing", "not for us"))
    write(campaign, tmp_path)
    rows = {r.id: r for r in Records(tmp_path).board().ideas}
    assert rows["good"].badge in ("confirmed", "provisional")
    assert rows["good"].gain.startswith("+")
    assert rows["good"].receipts
    assert (rows["good"].verdict, rows["cheat"].verdict) == ("cleared", "rejected")
    assert (rows["broken"].badge, rows["cheat"].badge) == ("failed", "rejected")
    assert rows["cheat"].findings == ("EV201 evaluate.py:3: the candidate edits the metric",)


def test_an_idea_that_is_the_confirmed_change_is_confirmed(tmp_path):
    write(told(ideas=1), tmp_path)
    (row,) = Records(tmp_path).board().ideas
    assert (row.words, row.badge) == ("confirmed", "confirmed")
    assert "on test_accuracy" in row.detail


def test_an_older_campaign_can_be_looked_at(tmp_path, confirmed):
    write(told(ideas=2, better=0), tmp_path)
    board = Records(tmp_path).board()
    assert [c.id for c in board.campaigns] == ["c1"]
    assert board.campaigns[0].verdict == "no_gain"
    assert Records(tmp_path).board("c1").ideas == board.ideas
    with pytest.raises(UserError, match="c9"):
        Records(tmp_path).board("c9")


def test_the_run_that_goes_on_is_listed_while_somebody_drives(tmp_path, confirmed):
    half = confirmed.cut(len(confirmed.history) // 2)
    write(half, tmp_path)
    path = tmp_path / ".autosota" / "ledger.sqlite"
    patch = next(iter(half.state.patches.values()))
    action = actions.Execute(Purpose.SEARCH, patch.id, patch.commit, 77)
    records = Records(tmp_path)
    before = records.board()
    with Mailbox(path) as mailbox:
        say(mailbox, "c1", action, "c1-search-x-s77")
        assert records.board() == before  # a killed driver left its last word
        with Ledger(path) as ledger, Lease.acquire(ledger, "c1"):
            board = records.board()
            assert board.progress.doing == f"search: {patch.id}, seed 77"
            assert board.revision != before.revision
            assert board.campaigns[0].state == board.progress.state == "running"
            row = board.runs[0]
            assert (row.id, row.state, row.seed) == ("c1-search-x-s77", "running", 77)
            assert (row.idea, row.patch) == (patch.hypothesis, patch.id)
            assert len(board.runs) == len(before.runs) + 1
            say(mailbox, "c1", None)
            assert [r.state for r in records.board().runs] == [r.state for r in before.runs]
    assert records.board() == before


# ---------------------------------------------------------------------- read on, and kept


def test_what_grew_is_read_on_and_is_the_same_as_read_at_once(tmp_path, confirmed):
    half = confirmed.cut(len(confirmed.history) // 2)
    write(half, tmp_path)
    records = Records(tmp_path)
    first = records.board()
    assert records.board() is first
    write(confirmed, tmp_path, begun=len(half.history))
    second = records.board()
    assert second.revision != first.revision
    assert second == Records(tmp_path).board()


def test_another_ledger_in_its_place_is_read_from_its_beginning(tmp_path, confirmed):
    write(told(ideas=2, better=0), tmp_path)
    records = Records(tmp_path)
    assert records.progress().verdict == "no_gain"
    shutil.rmtree(tmp_path / ".autosota")
    write(confirmed, tmp_path)
    assert records.board() == Records(tmp_path).board()
    assert records.progress().verdict != "no_gain"


@pytest.mark.timeout(120)
def test_a_large_campaign_is_answered_within_a_tenth_of_a_second(tmp_path):
    write(large(), tmp_path)
    records = Records(tmp_path)
    board = records.board()
    assert len(board.ideas) == 40
    assert len(board.runs) > 200
    took = []
    for _ in range(5):
        begun = time.process_time()
        asdict(records.board())
        took.append(time.process_time() - begun)
    assert min(took) < 0.1, took


# ---------------------------------------------------------------------- the claim is masked


def printed(receipt):
    """What such a run prints; the claim is in it, whoever it is for."""
    claim = receipt.value("test_accuracy")
    value = 0.987654 if claim is None else claim
    shown = "▒" if claim is None else repr(value)  # as the runner stores it
    return (
        "METRIC loss=0.5 step=1\n"
        f"METRIC test_accuracy={shown} step=1\n"
        f"epoch 1 test acc {value:.5f}\n"
        f"score {'▒' if claim is None else f'{value:.4f}'}\n"
        f"METRIC test_accuracy={shown}\n"
    )


def everything(records: Records) -> str:
    """Every answer there is, as one text."""
    board = records.board()
    said = [asdict(board)]
    for run in board.runs:
        said += [asdict(records.receipt(run.id)), asdict(records.series(run.id))]
        said.append(asdict(records.log(run.id, 0)))
    return json.dumps(said, ensure_ascii=False)


def test_a_claim_that_nobody_read_is_in_no_answer(tmp_path, confirmed):
    campaign = until_confirmation(confirmed)
    write(campaign, tmp_path, printed)
    records = Records(tmp_path)
    text = everything(records)
    hidden = [r for r in campaign.receipts.values() if r.purpose is Purpose.CONFIRM]
    assert len(hidden) == 4
    for receipt in hidden:
        claim = receipt.value("test_accuracy")
        assert claim is not None
        for shown in (repr(claim), f"{claim:.6g}", f"{claim:.5f}", f"{100 * claim:.4f}"):
            assert shown not in text, receipt.run_id
        log = records.log(receipt.run_id, 0).text
        assert f"{claim:.4f}" not in log
        assert "METRIC loss=0.5 step=1" in log
        assert [c.name for c in records.series(receipt.run_id).series] == ["loss"]
    assert "0.98765" not in text
    row = next(r for r in records.board().runs if r.purpose == "confirm")
    assert (row.value, row.note) == ("", "masked until it is read")


def test_a_claim_that_was_read_is_shown(tmp_path, confirmed):
    write(confirmed, tmp_path, printed)
    records = Records(tmp_path)
    run = next(r for r in confirmed.state.runs if r.purpose is Purpose.CONFIRM)
    claim = confirmed.receipts[run.run_id].value("test_accuracy")
    assert f"METRIC test_accuracy={claim!r}" in records.log(run.run_id, 0).text
    assert f"{claim!r}" in records.receipt(run.run_id).json
    assert "test_accuracy" in [c.name for c in records.series(run.run_id).series]


def test_a_reason_with_the_claim_in_it_is_masked(tmp_path, confirmed):
    campaign = until_confirmation(confirmed)
    run = campaign.state.runs[-1].run_id
    from dataclasses import replace

    from autosota.server.ledger.codec import receipt_hash

    claim = campaign.receipts[run].value("test_accuracy")
    reason = f"exit code 1: test_accuracy was {claim:.4f}"
    receipt = replace(campaign.receipts[run], outcome=Outcome.CRASHED, reason=reason)
    campaign.receipts[run] = receipt
    n, at, event = campaign.history[-1]
    changed = replace(event, outcome=Outcome.CRASHED, reason=reason, receipt=receipt_hash(receipt))
    campaign.history[-1] = (n, at, changed)
    write(campaign, tmp_path)
    records = Records(tmp_path)
    row = next(r for r in records.board().runs if r.id == run)
    assert row.state == "crashed"
    assert row.note == "exit code ▒: test_accuracy was ▒"
    assert f"{claim:.4f}" not in json.dumps(asdict(records.receipt(run)))
