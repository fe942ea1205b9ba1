"""One byte changed anywhere makes `verify` fail, and say where."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest
from tests.server.campaign.conftest import Repository

pytestmark = [pytest.mark.campaign, pytest.mark.bwrap]


def flip(path: Path, at: int = -2) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.chmod(0o644)
    path.write_bytes(bytes(content))


def change_row(repository: Repository, sql: str) -> None:
    connection = sqlite3.connect(repository.root / ".autosota" / "ledger.sqlite")
    assert connection.execute(sql).rowcount == 1
    connection.commit()
    connection.close()


@pytest.fixture
def copy(finished, tmp_path) -> Repository:
    shutil.copytree(finished.root, tmp_path / "copy", symlinks=True)
    repository = Repository(tmp_path / "copy")
    assert repository.autosota("verify").returncode == 0
    return repository


RUN = ".autosota/runs/c1-confirm-baseline-s3"
CASES = {
    "receipt file": (lambda r: flip(r.root / RUN / "receipt.json"), "receipt.json"),
    "log": (lambda r: flip(r.root / RUN / "stdout.log"), "stdout.log"),
    "data": (lambda r: flip(r.root / "data" / "test_x.txt"), "data"),
    "labels": (lambda r: flip(r.root / "labels" / "test.txt"), "data"),
    "evaluator": (lambda r: flip(r.root / "evaluate.py"), "evaluator"),
    "event": (
        lambda r: change_row(
            r,
            "UPDATE events SET body = replace(body, '\"seed\":3', '\"seed\":4') WHERE n = "
            "(SELECT n FROM events WHERE kind = 'run_finished' "
            "AND body LIKE '%\"seed\":3%' LIMIT 1)",
        ),
        "row",
    ),
    "receipt row": (
        lambda r: change_row(
            r,
            "UPDATE receipts SET body = replace(body, '0.8', '0.9') WHERE run_id = "
            "(SELECT run_id FROM receipts WHERE body LIKE '%0.8%' LIMIT 1)",
        ),
        "receipt",
    ),
    "chain": (
        lambda r: change_row(r, "UPDATE events SET hash = replace(hash, 'a', 'b') WHERE n = 5"),
        "row",
    ),
    "last row": (
        lambda r: change_row(r, "DELETE FROM events WHERE n = (SELECT max(n) FROM events)"),
        "row",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_one_byte_changed_is_found_and_named(copy, name):
    change, expected = CASES[name]
    change(copy)
    verified = copy.autosota("verify")
    assert verified.returncode in (1, 2), verified.stdout
    assert expected in verified.stderr
