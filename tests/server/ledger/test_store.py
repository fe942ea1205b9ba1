from __future__ import annotations

import dataclasses
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from autosota.agents.domain import CampaignVerdict, Receipt
from autosota.agents.scheduler.events import (
    BestMoved,
    CampaignFinished,
    CampaignResumed,
    RunFinished,
)
from autosota.server.errors import UserError
from autosota.server.ledger import Ledger, NoLedger, verify
from autosota.server.ledger.database import MIGRATIONS

MakeReceipt = Callable[..., Receipt]
Finished = Callable[[Receipt], RunFinished]


def test_events_and_receipts_come_back(
    path: Path, make_receipt: MakeReceipt, finished: Finished
) -> None:
    with Ledger(path) as ledger:
        first, second = ledger.create_campaign(), ledger.create_campaign()
        assert (first, second) == ("c1", "c2")
        receipt = make_receipt("c1-b-0")
        ledger.append(first, CampaignResumed())
        ledger.append(second, BestMoved("c", "p", ("i1", "i2")))
        ledger.append(first, finished(receipt), receipt)
    with Ledger(path, read_only=True) as ledger:
        assert ledger.events("c1") == [CampaignResumed(), finished(receipt)]
        assert ledger.events("c2") == [BestMoved("c", "p", ("i1", "i2"))]
        assert ledger.receipts("c1") == [receipt]
        assert ledger.receipts("c2") == []
        copy = path.parent / "runs" / "c1-b-0" / "receipt.json"
        from autosota.server.ledger.codec import decode_receipt

        assert decode_receipt(copy.read_bytes()) == receipt


def test_followers_read_on_from_where_they_were(path: Path) -> None:
    with Ledger(path) as driver:
        driver.create_campaign()
        driver.append("c1", CampaignResumed())
        with Ledger(path, read_only=True) as face:
            (seen,) = face.since("c1", 0)
            assert seen[0] == 1
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", seen[1])
            assert face.since("c1", 1) == []
            driver.append("c1", BestMoved("c", "p", ()))
            assert [(n, event) for n, _, event in face.since("c1", 1)] == [
                (2, BestMoved("c", "p", ()))
            ]


def test_receipts_are_found_by_a_unique_beginning(
    path: Path, make_receipt: MakeReceipt, finished: Finished
) -> None:
    with Ledger(path) as ledger:
        ledger.create_campaign()
        for name in ("c1-b-1", "c1-b-10", "c1-s-1"):
            receipt = make_receipt(name)
            ledger.append("c1", finished(receipt), receipt)

        def found(start: str) -> str | None:
            receipt = ledger.receipt(start)
            return receipt.run_id if receipt else None

        assert found("c1-b-1") == "c1-b-1"  # exact, although another begins with it
        assert found("c1-s") == "c1-s-1"
        assert found("c2") is None
        assert found("") is None
        assert found("c1_b%") is None
        with pytest.raises(UserError, match="could be c1-b-1, c1-b-10; give more"):
            ledger.receipt("c1-b")


def test_campaigns_are_listed(path: Path, make_receipt: MakeReceipt, finished: Finished) -> None:
    with Ledger(path) as ledger:
        assert ledger.campaigns() == []
        assert ledger.newest() is None
        for _ in range(3):
            ledger.create_campaign()
        receipt = make_receipt("r1", "c2")
        ledger.append("c2", finished(receipt), receipt)
        end = CampaignFinished(CampaignVerdict.NO_GAIN, "", 0.5, None, (0.1, 0.2), "", 1, 0, 0)
        ledger.append("c2", end)
        assert [row.id for row in ledger.campaigns()] == ["c1", "c2", "c3"]
        newest = ledger.newest()
        assert newest is not None
        assert newest == ledger.campaign("c2")
        assert (newest.id, newest.runs, newest.events, newest.verdict) == ("c2", 1, 2, "no_gain")
        assert newest.started_at is not None
        assert newest.finished_at is not None
        assert newest.finished_at >= newest.started_at >= newest.created_at
        assert ledger.campaign("c3").started_at is None
        with pytest.raises(UserError, match="no campaign 'c9'; there are: c3, c2, c1"):
            ledger.campaign("c9")
        with pytest.raises(UserError, match="no campaign 'c9'"):
            ledger.append("c9", CampaignResumed())
        (path.parent / "runs" / "r1" / "stdout.log").write_text("METRIC acc=0.9\n")
        assert verify(path) == []


def test_a_run_is_recorded_once_and_with_its_own_receipt(
    path: Path, make_receipt: MakeReceipt, finished: Finished
) -> None:
    receipt = make_receipt("r1")
    event = finished(receipt)
    with Ledger(path) as ledger:
        ledger.create_campaign()
        ledger.create_campaign()
        ledger.append("c1", event, receipt)
        for campaign, other_event, other, why in [
            ("c1", event, receipt, "already in the ledger"),
            ("c1", event, None, "without a receipt"),
            ("c1", CampaignResumed(), receipt, "has no receipt"),
            ("c2", event, receipt, "is not of c2/r1"),
            ("c1", event, dataclasses.replace(receipt, seed=4), "receipt's hash"),
            ("c1", finished(make_receipt("r2")), receipt, "is not of c1/r2"),
        ]:
            with pytest.raises(ValueError, match=why):
                ledger.append(campaign, other_event, other)
        for name in ("../r", "", "a/b", ".hidden"):
            bad = make_receipt(name)
            with pytest.raises(ValueError, match="name of a folder"):
                ledger.append("c1", finished(bad), bad)
        assert ledger.events("c1") == [event]
        assert ledger.events("c2") == []
    (path.parent / "runs" / "r1" / "stdout.log").write_text("METRIC acc=0.9\n")
    assert verify(path) == []


def test_nothing_here_yet(path: Path) -> None:
    with pytest.raises(NoLedger, match=r"ledger\.sqlite: no campaign was started here"):
        Ledger(path, read_only=True)
    assert not path.parent.exists()


def test_reading_does_not_write(campaign_of_three: Path) -> None:
    with Ledger(campaign_of_three, read_only=True) as face:
        with pytest.raises(UserError, match="cannot be written"):
            face.append("c1", CampaignResumed())
        with pytest.raises(UserError, match="cannot be written"):
            face.create_campaign()
    assert verify(campaign_of_three) == []


AS_NOBODY = """
import os, sys
from pathlib import Path
from autosota.server.errors import UserError
from autosota.server.ledger import Ledger, verify
from autosota.server.ledger.codec import decode
decode("campaign_resumed", "{}")  # everything is imported while it can be
if os.geteuid() == 0:
    os.setuid(65534)  # root may write anywhere
path = Path(sys.argv[1])
print(len(Ledger(path, read_only=True).events("c1")), len(verify(path)))
try:
    Ledger(path)
except UserError as error:
    print(error)
"""


def test_a_folder_that_cannot_be_written_can_be_read(campaign_of_three: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        copy = Path(shutil.copytree(campaign_of_three.parent, Path(folder) / "a b"))
        copy.chmod(0o555)
        out = subprocess.run(
            [sys.executable, "-c", AS_NOBODY, str(copy / "ledger.sqlite")],
            capture_output=True,
            text=True,
            timeout=60,
        )
        copy.chmod(0o755)
    first, second = out.stdout.splitlines() or [out.stderr, ""]
    assert first == "5 0"
    assert second.endswith("ledger.sqlite: it cannot be written; check the rights of the folder")


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\0", b"hello" * 1000, os.urandom(5000)])
def test_another_file_in_its_place(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    if not content:  # an empty file is an empty database
        with Ledger(path) as ledger:
            assert ledger.campaigns() == []
        return
    for read_only in (True, False):
        with pytest.raises(UserError, match=r"ledger\.sqlite: .*(no SQLite|damaged)"):
            Ledger(path, read_only=read_only)
    path.unlink()
    path.mkdir()
    for read_only in (True, False):
        with pytest.raises(UserError, match="ledger"):
            Ledger(path, read_only=read_only)


def test_a_full_disk_is_one_line_and_loses_nothing(
    campaign_of_three: Path, make_receipt: MakeReceipt, finished: Finished
) -> None:
    receipt = dataclasses.replace(make_receipt("big"), reason="x" * 10_000_000)
    with Ledger(campaign_of_three) as ledger:
        pages = ledger._connection.execute("PRAGMA page_count").fetchone()[0]
        ledger._connection.execute(f"PRAGMA max_page_count = {pages + 1}")
        with pytest.raises(UserError, match="no space left on the disk"):
            ledger.append("c1", finished(receipt), receipt)
        assert len(ledger.events("c1")) == 5
        ledger._connection.execute("PRAGMA max_page_count = 100000")
        ledger.append("c1", CampaignResumed())
    assert verify(campaign_of_three) == []


def test_copies_of_receipts_are_healed(campaign_of_three: Path) -> None:
    runs = campaign_of_three.parent / "runs"
    whole = (runs / "c1-b-2" / "receipt.json").read_bytes()
    (runs / "c1-b-2" / "receipt.json").unlink()
    (runs / "c1-b-1" / "receipt.json").write_bytes(b"")
    with Ledger(campaign_of_three):
        pass
    assert (runs / "c1-b-2" / "receipt.json").read_bytes() == whole
    assert verify(campaign_of_three) == []


def test_writing_goes_not_on_over_removed_rows(campaign_of_three: Path) -> None:
    with closing(sqlite3.connect(campaign_of_three)) as raw:
        raw.execute("DELETE FROM receipts WHERE n = 5")
        raw.execute("DELETE FROM events WHERE n = 5")
        raw.commit()
    with pytest.raises(UserError, match=r"ends at row 4, but row 5 was written.*autosota verify"):
        Ledger(campaign_of_three)
    (campaign_of_three.parent / "ledger.head").unlink()  # the way out it names
    with Ledger(campaign_of_three) as ledger:
        ledger.append("c1", CampaignResumed())
    assert [problem.what for problem in verify(campaign_of_three)] == ["rows"]  # the folder


def test_rows_removed_under_an_open_ledger_are_seen(campaign_of_three: Path) -> None:
    with Ledger(campaign_of_three) as ledger:
        with closing(sqlite3.connect(campaign_of_three)) as raw:
            raw.execute("UPDATE events SET hash = ? WHERE n = 5", ("0" * 64,))
            raw.commit()
        with pytest.raises(UserError, match="row 5 is not what was written"):
            ledger.append("c1", CampaignResumed())
        assert len(ledger.events("c1")) == 5


@pytest.mark.parametrize("version", range(len(MIGRATIONS)))
def test_every_older_version_is_brought_up(path: Path, version: int) -> None:
    path.parent.mkdir(parents=True)
    with closing(sqlite3.connect(path)) as old:
        for step in MIGRATIONS[:version]:
            for statement in step:
                old.execute(statement)
        if version:
            from autosota.server.ledger.codec import GENESIS, link

            first = link(GENESIS.encode(), b"c1", 1, b"t", b"campaign_resumed", b"{}")
            old.execute("INSERT INTO campaigns VALUES ('c1', 1, 't')")
            row = (1, "c1", "t", "campaign_resumed", "{}", first)
            old.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)", row)
        old.execute(f"PRAGMA user_version = {version}")
        old.commit()
    for read_only in (True, False):
        with Ledger(path, read_only=read_only) as ledger:
            assert ledger.events("c1") == [CampaignResumed()] * bool(version)
    with Ledger(path) as ledger:
        campaign = ledger.create_campaign()
        ledger.append(campaign, CampaignResumed())
    assert verify(path) == []
    with closing(sqlite3.connect(path)) as new:
        assert new.execute("PRAGMA user_version").fetchone()[0] == len(MIGRATIONS)


def test_a_newer_version_is_left_alone(campaign_of_three: Path) -> None:
    with closing(sqlite3.connect(campaign_of_three)) as newer:
        newer.execute("PRAGMA user_version = 99")
    for read_only in (True, False):
        with pytest.raises(UserError, match=r"newer autosota \(schema 99.*upgrade"):
            Ledger(campaign_of_three, read_only=read_only)


def test_an_event_of_a_newer_version_names_its_row(campaign_of_three: Path) -> None:
    with closing(sqlite3.connect(campaign_of_three)) as newer:
        newer.execute("UPDATE events SET kind = 'rewound' WHERE n = 2")
        newer.commit()
    with Ledger(campaign_of_three, read_only=True) as ledger:
        with pytest.raises(UserError, match="row 2: unknown kind of event 'rewound'"):
            ledger.events("c1")
        assert len(ledger.since("c1", 2)) == 3


WRITER = """
import sys
from pathlib import Path
from autosota.server.ledger import Ledger
from autosota.agents.scheduler.events import BestMoved
path, name = Path(sys.argv[1]), sys.argv[2]
with Ledger(path) as ledger:
    campaign = ledger.create_campaign()
    for number in range(40):
        ledger.append(campaign, BestMoved(f"{name} {number}", name, ()))
"""


def test_several_processes_create_and_write_one_ledger(path: Path) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(path), f"w{number}"])
        for number in range(3)
    ]
    assert [writer.wait(timeout=120) for writer in writers] == [0, 0, 0]
    assert verify(path) == []
    with Ledger(path, read_only=True) as ledger:
        assert [row.events for row in ledger.campaigns()] == [40, 40, 40]
        for row in ledger.campaigns():
            events = ledger.events(row.id)
            names = [event.commit for event in events if isinstance(event, BestMoved)]
            assert names == [f"{names[0].split()[0]} {number}" for number in range(40)]


def test_ids_are_given_once(path: Path) -> None:
    Ledger(path).close()
    given: list[str] = []

    def create() -> None:
        with Ledger(path) as ledger:
            given.extend(ledger.create_campaign() for _ in range(25))

    threads = [threading.Thread(target=create) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(given, key=lambda name: int(name[1:])) == [f"c{n}" for n in range(1, 101)]


def test_several_threads_share_one_ledger(path: Path) -> None:
    with Ledger(path) as ledger:
        ledger.create_campaign()

        def write(name: str) -> None:
            for number in range(25):
                ledger.append("c1", BestMoved(str(number), name, ()))
                ledger.events("c1")

        threads = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
        assert len(ledger.events("c1")) == 100
    assert verify(path) == []
