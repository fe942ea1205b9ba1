"""How fast the ledger is: events per second, and how long a large campaign takes to open.

Prints a table and asserts nothing. `python tests/bench/ledger.py [folder]` measures on the
disk of that folder; the default is a temporary folder.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from autosota.agents.domain import (
    Isolation,
    Machine,
    MetricReading,
    Outcome,
    Purpose,
    Receipt,
    Resources,
)
from autosota.agents.scheduler.events import RunFinished
from autosota.server.ledger import Ledger, receipt_hash, verify
from autosota.server.ledger.codec import text_hash

RUNS = 10_000
LIBRARIES = {f"library-{i}": f"1.{i}.0" for i in range(12)}


def receipt_of(campaign: str, number: int) -> Receipt:
    """A receipt of an ordinary run with three metrics."""
    return Receipt(
        run_id=f"{campaign}-search-{number:05d}",
        campaign=campaign,
        purpose=Purpose.SEARCH,
        side="p1",
        commit="a" * 40,
        base_commit="b" * 40,
        seed=number,
        command="python train.py --seed {seed} --out {run_dir}",
        evaluate="python evaluate.py --pred {run_dir}/pred.npy",
        objective_hash="c" * 64,
        evaluator_hash="d" * 64,
        data_hash="e" * 64,
        environment_hash="f" * 64,
        sandbox="local",
        isolation=Isolation.SEALED,
        outcome=Outcome.OK,
        reason="",
        exit_code=0,
        stdout_hash=text_hash(""),
        stderr_hash=text_hash(""),
        metrics=(
            MetricReading("test_accuracy", None, reason="masked"),
            MetricReading("val_accuracy", 0.9 + number / 1e6, "evaluate"),
            MetricReading("loss", 0.3),
        ),
        resources=Resources(1.25, 1.2, 300_000_000, 12_000),
        machine=Machine("a processor", 2, 2**33, (), "", "Linux", "3.11.7", LIBRARIES),
        started_at="2026-01-01T00:00:00.000000Z",
        finished_at="2026-01-01T00:00:01.250000Z",
    )


def finished(receipt: Receipt) -> RunFinished:
    """The event of a receipt."""
    return RunFinished(
        run_id=receipt.run_id,
        purpose=receipt.purpose,
        side=receipt.side,
        commit=receipt.commit,
        seed=receipt.seed,
        outcome=receipt.outcome,
        reason=receipt.reason,
        metrics={metric.name: metric.value for metric in receipt.metrics},
        isolation=receipt.isolation,
        wall_seconds=receipt.resources.wall_seconds,
        receipt=receipt_hash(receipt),
        resources={"wall_seconds": 1.25, "cpu_seconds": 1.2, "peak_memory_bytes": 3e8},
    )


def median_ms(action: Callable[[], object], times: int = 7) -> float:
    """The median time of an action, in milliseconds."""
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds) * 1000


def measure(folder: Path) -> list[tuple[str, str, str]]:
    """Rows of the table: what, measured, aim."""
    path = folder / ".autosota" / "ledger.sqlite"
    with Ledger(path) as ledger:
        campaign = ledger.create_campaign()
        start = time.perf_counter()
        for number in range(RUNS):
            receipt = receipt_of(campaign, number)
            ledger.append(campaign, finished(receipt), receipt)
        rate = RUNS / (time.perf_counter() - start)

    def reopen(*, read_only: bool) -> None:
        with Ledger(path, read_only=read_only) as again:
            assert len(again.events(campaign)) == RUNS

    def check() -> None:
        assert verify(path) == []

    fresh = (
        "import sys,time;from pathlib import Path;from autosota.server.ledger import Ledger;"
        "start=time.perf_counter();"
        f"Ledger(Path(sys.argv[1]),read_only=True).events({campaign!r});"
        "print(time.perf_counter()-start)"
    )

    def in_fresh_process() -> float:
        return float(subprocess.check_output([sys.executable, "-c", fresh, str(path)]))

    cold = statistics.median(in_fresh_process() for _ in range(5)) * 1000
    size = path.stat().st_size / 1e6
    return [
        ("events with a receipt, flushed to disk", f"{rate:,.0f} /s", ">= 1,000 /s"),
        (
            f"open + events() of {RUNS:,} runs, a face",
            f"{median_ms(lambda: reopen(read_only=True)):.0f} ms",
            "<= 200 ms",
        ),
        (
            f"open + events() of {RUNS:,} runs, a driver",
            f"{median_ms(lambda: reopen(read_only=False)):.0f} ms",
            "<= 200 ms",
        ),
        ("the same, first in a process (a face)", f"{cold:.0f} ms", ""),
        (f"verify of {RUNS:,} runs", f"{median_ms(check, 3) / 1000:.2f} s", "a few seconds"),
        ("size of the ledger", f"{size:.1f} MB", ""),
    ]


def main(folder: Path | None = None) -> None:
    """Measure and print the table."""
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        rows = measure(Path(scratch))
    for what, measured, aim in rows:
        print(f"{what:<46}{measured:>14}   {aim}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
