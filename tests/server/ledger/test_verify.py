from __future__ import annotations

import random
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from autosota.agents.scheduler.events import CampaignStarted, CodeAnalysed
from autosota.server.errors import UserError
from autosota.server.ledger import Ledger, NoLedger, Problem, verify, verify_receipt


def change(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as raw:
        for statement in statements:
            assert raw.execute(statement).rowcount != 0, statement
        raw.commit()


def shown(problems: list[Problem]) -> list[str]:
    return [f"{problem.what}: {problem.where}" for problem in problems]


def test_an_intact_record_has_no_problem(campaign_of_three: Path) -> None:
    assert verify(campaign_of_three) == []
    with pytest.raises(NoLedger):
        verify(campaign_of_three.with_name("other.sqlite"))


@pytest.mark.parametrize(
    ("statement", "problems"),
    [
        (
            "UPDATE events SET body = replace(body, '0.9', '0.8') WHERE n = 4",
            ["event: row 4 (run_finished)"],
        ),
        ("UPDATE events SET at = '2020' WHERE n = 1", ["event: row 1 (campaign_started)"]),
        ("UPDATE events SET body = body || ' ' WHERE n = 5", ["event: row 5 (run_finished)"]),
        ("UPDATE events SET hash = replace(hash, substr(hash, 1, 1), 'x') WHERE n = 3",
         ["chain: row 3"]),
        ("UPDATE events SET hash = replace(hash, substr(hash, 1, 1), 'x') WHERE n = 5",
         ["event: row 5 (run_finished)", "head: ledger.head"]),
        (
            "UPDATE receipts SET body = replace(body, '0.9', '0.8') WHERE n = 4",
            ["receipt: receipt of c1-b-1", "file: c1-b-1/receipt.json"],
        ),
        ("UPDATE receipts SET run_id = 'other' WHERE n = 4",
         ["receipt: receipt of other", "receipt: receipt of c1-b-1"]),
        ("DELETE FROM receipts WHERE n = 4", ["receipt: receipt of c1-b-1"]),
        (
            "UPDATE receipts SET n = 2 WHERE run_id = 'c1-b-1'",
            ["receipt: receipt of c1-b-1"],
        ),
    ],
)  # fmt: skip
def test_a_changed_row_is_named(
    campaign_of_three: Path, statement: str, problems: list[str]
) -> None:
    change(campaign_of_three, statement)
    found = [
        re.sub(r": /.*?/(ledger\.head|[^/]*/receipt\.json)$", r": \1", line)
        for line in shown(verify(campaign_of_three))
    ]
    assert found == problems


def test_removed_rows_are_missed(campaign_of_three: Path) -> None:
    whole = campaign_of_three.read_bytes()
    change(campaign_of_three, "DELETE FROM receipts WHERE n = 4", "DELETE FROM events WHERE n = 4")
    found = verify(campaign_of_three)
    assert Problem("rows", "row 4", "missing before row 5") in found
    assert any(p.what == "rows" and p.where.endswith("runs/c1-b-1") for p in found)

    campaign_of_three.write_bytes(whole)
    assert verify(campaign_of_three) == []
    change(campaign_of_three, "DELETE FROM receipts WHERE n > 3", "DELETE FROM events WHERE n > 3")
    shutil.rmtree(campaign_of_three.parent / "runs" / "c1-b-1")
    shutil.rmtree(campaign_of_three.parent / "runs" / "c1-b-2")
    assert verify(campaign_of_three) == [Problem("rows", "rows 4 to 5", "removed at the end")]
    (campaign_of_three.parent / "ledger.head").unlink()
    assert [problem.what for problem in verify(campaign_of_three)] == ["head"]


def test_a_run_without_a_row_is_reported_only_with_a_receipt(campaign_of_three: Path) -> None:
    runs = campaign_of_three.parent / "runs"
    (runs / "going-on").mkdir()
    (runs / "a file").write_text("x")
    assert verify(campaign_of_three) == []
    shutil.copy(runs / "c1-b-0" / "receipt.json", runs / "going-on")
    assert shown(verify(campaign_of_three)) == [f"rows: {runs / 'going-on'}"]


@pytest.mark.parametrize("name", ["receipt.json", "stdout.log", "stderr.log"])
def test_a_changed_or_missing_file_is_named(campaign_of_three: Path, name: str) -> None:
    file = campaign_of_three.parent / "runs" / "c1-b-1" / name
    kind = "file" if name == "receipt.json" else "log"
    if file.exists():
        whole = file.read_bytes()
        for at in (0, len(whole) // 2, len(whole) - 1):
            file.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
            assert shown(verify(campaign_of_three)) == [f"{kind}: {file}"]
        file.unlink()
        found = verify(campaign_of_three)
        assert shown(found) == [f"{kind}: {file}"]
        assert found[0].detail == "missing"
    file.write_bytes(b"something else")
    assert shown(verify(campaign_of_three)) == [f"{kind}: {file}"]
    file.unlink()
    file.mkdir()
    assert shown(verify(campaign_of_three)) == [f"{kind}: {file}"]


def test_a_changed_head_is_named(campaign_of_three: Path) -> None:
    head = campaign_of_three.parent / "ledger.head"
    whole = head.read_bytes()
    for at in range(len(whole)):
        head.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert {p.what for p in verify(campaign_of_three)} <= {"head", "rows"}
        assert verify(campaign_of_three) != []
    head.write_bytes(whole * 2)
    assert shown(verify(campaign_of_three)) == [f"head: {head}"]


def test_evaluator_and_data_are_compared(campaign_of_three: Path) -> None:
    def evaluator(started: CampaignStarted, analysed: CodeAnalysed) -> str:
        assert started.base_commit == "b" * 40
        return analysed.evaluator_hash

    def data(started: CampaignStarted) -> str:
        return "e" * 64

    def gone(*arguments: object) -> str:
        raise FileNotFoundError("evaluate.py is gone")

    assert verify(campaign_of_three, evaluator_hash=evaluator, data_hash=data) == []
    found = verify(campaign_of_three, evaluator_hash=lambda *_: "0" * 64, data_hash=data)
    assert shown(found) == [f"evaluator: evaluator of c1 at {'b' * 12}"]
    found = verify(campaign_of_three, evaluator_hash=evaluator, data_hash=lambda _: "0" * 64)
    assert shown(found) == ["data: data of c1"]
    found = verify(campaign_of_three, evaluator_hash=gone, data_hash=gone)
    assert [(p.what, p.detail) for p in found] == [
        ("evaluator", "cannot be read: evaluate.py is gone"),
        ("data", "cannot be read: evaluate.py is gone"),
    ]


def test_a_record_can_be_verified_while_it_grows(campaign_of_three: Path) -> None:
    from autosota.agents.scheduler.events import CampaignResumed

    with Ledger(campaign_of_three) as ledger:
        for _ in range(20):
            ledger.append("c1", CampaignResumed())
            assert verify(campaign_of_three) == []


def test_any_byte_of_the_database(campaign_of_three: Path) -> None:
    """A flipped byte is either reported or in a place that holds nothing of the record."""
    whole = campaign_of_three.read_bytes()
    with Ledger(campaign_of_three, read_only=True) as ledger:
        events, receipts = ledger.events("c1"), ledger.receipts("c1")
    places = random.Random(7).sample([at for at, byte in enumerate(whole) if byte], 400)
    record = [found.start() for found in re.finditer(rb"c1-b-|METRIC|sealed|overlaid|0\.9", whole)]
    reported = 0
    for at in [*range(100), *record, *places]:
        damaged = bytearray(whole)
        damaged[at] ^= 1 << (at % 8)
        campaign_of_three.write_bytes(bytes(damaged))
        try:
            problems = verify(campaign_of_three)
        except UserError as error:
            assert "newer autosota" in str(error) or "no campaign" in str(error)
            problems = [Problem("ledger", "", str(error))]
        if problems:
            reported += 1
        else:
            assert at not in record
            with Ledger(campaign_of_three, read_only=True) as ledger:
                assert ledger.events("c1") == events
                assert ledger.receipts("c1") == receipts
        for leftover in campaign_of_three.parent.glob("ledger.sqlite-*"):
            leftover.unlink()
    assert reported > len(record)


def test_a_receipt_file_is_compared_with_the_ledger(
    campaign_of_three: Path, tmp_path: Path
) -> None:
    exported = tmp_path / "exported.json"
    whole = (campaign_of_three.parent / "runs" / "c1-b-0" / "receipt.json").read_bytes()
    exported.write_bytes(whole)
    assert verify_receipt(campaign_of_three, exported) == []
    exported.write_bytes(whole.replace(b"0.9", b"0.8"))
    assert shown(verify_receipt(campaign_of_three, exported)) == [f"file: {exported}"]
    exported.write_bytes(whole.replace(b"c1-b-0", b"c1-b-9"))
    assert shown(verify_receipt(campaign_of_three, exported)) == [f"receipt: {exported}"]
    for other in (b"", b"\xff", b"[]", b"{}", b"[" * 100_000):
        exported.write_bytes(other)
        with pytest.raises(UserError, match=r"exported\.json: not a receipt"):
            verify_receipt(campaign_of_three, exported)
    with pytest.raises(UserError, match="cannot be read"):
        verify_receipt(campaign_of_three, tmp_path / "none.json")
