"""SIGKILL at random instants: no half event, and what was not written is healed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from autosota.agents.domain import Receipt
from autosota.agents.scheduler.events import RunFinished
from autosota.server.ledger import Ledger, verify

WRITER = """
import dataclasses, sys
from pathlib import Path
from autosota.server.ledger import Ledger, receipt_hash
path = Path(sys.argv[1])
with Ledger(path) as ledger:
    template = ledger.receipts("c1")[0]
    event = ledger.events("c1")[0]
    number = len(ledger.events("c1"))
    print("writing", flush=True)
    while True:
        receipt = dataclasses.replace(template, run_id=f"r{number}", seed=number)
        ledger.append("c1", dataclasses.replace(
            event, run_id=f"r{number}", seed=number, receipt=receipt_hash(receipt)), receipt)
        number += 1
"""


def test_a_killed_writer_leaves_whole_events(
    path: Path,
    make_receipt: Callable[..., Receipt],
    finished: Callable[[Receipt], RunFinished],
) -> None:
    with Ledger(path) as ledger:
        ledger.create_campaign()
        receipt = make_receipt("r0")
        ledger.append("c1", finished(receipt), receipt)
    logs = path.parent / "runs" / "r0" / "stdout.log"
    logs.write_text("METRIC acc=0.9\n")
    pauses = random.Random(11)
    written = 1
    for _ in range(20):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
        )
        try:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "writing\n"
            time.sleep(pauses.uniform(0.0, 0.04))
        finally:
            os.kill(writer.pid, signal.SIGKILL)
            writer.communicate(timeout=20)
        # As it was left: no log was written for these runs, all else is whole.
        assert [p for p in verify(path) if p.what != "log"] == []
        with Ledger(path) as ledger:
            events, receipts = ledger.events("c1"), ledger.receipts("c1")
        assert len(events) == len(receipts) >= written
        written = len(events)
        assert [event.run_id for event in events if isinstance(event, RunFinished)] == [
            f"r{number}" for number in range(written)
        ]
        for number in range(written):
            assert (path.parent / "runs" / f"r{number}" / "receipt.json").stat().st_size > 0
        assert [p for p in verify(path) if p.what != "log"] == []
    assert written > 20
