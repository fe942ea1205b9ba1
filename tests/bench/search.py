"""Search: evaluations and seconds until a confirmed gain, on small real repositories.

Three searchers with the same statistics, the same rule for when to confirm (the first change
that passes the screening) and the same budget: ours; the same ideas in random order, all equal,
without leaps, tuner and combinations; and Optuna alone on the numbers of the code. Training runs
are real. Each repeat has its own stream of seeds.

That rule is the bench's: a campaign by itself goes on for a while, for a larger gain; `--patient`
lets ours do so.

`python tests/bench/search.py [--quick] [--repeats N] [--patient] [--stories] [TASK…]`;
BENCH_JOBS=2 uses two processes.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from statistics import fmean, median

sys.path.insert(0, str(Path(__file__).resolve().parent))

from searched.campaigns import Memory, Outcome, ours, random_order
from searched.executions import Executor, folders
from searched.optuna_alone import tuned_alone

BUDGET = 120
REPEATS = 3
ORDERS = 2
"""Random orders per stream of seeds."""

SEEDS = 5
STREAM = 1000
"""Seeds between the streams of two repeats: more than all confirmations of one can take."""

QUICK = ("cancer", "wine")
ONCE = frozenset({"digits"})
"""Tasks whose runs take ten times as long as the others': one repeat is enough."""

METHODS = ("ours", "random order", "Optuna alone")
RESAMPLES = 10_000


@dataclass(frozen=True, slots=True)
class Row:
    """One method on one task with one stream of seeds."""

    task: str
    method: str
    outcome: Outcome

    @property
    def evaluations(self) -> int:
        """Executions until the gain was confirmed; the whole budget where none was."""
        return self.outcome.spent.evaluations if self.outcome.found else BUDGET

    @property
    def seconds(self) -> float:
        """Processor seconds of the runs and of the searcher itself, until then."""
        return self.outcome.spent.seconds + self.outcome.spent.thinking


def measure(task: str, repeats: int, patient: bool) -> list[Row]:
    """All methods on one task."""
    rows = []
    memory = Memory()
    with Executor() as executor:
        repository = executor.repository(task)
        for stream in range(1 if task in ONCE else repeats):
            seeds = tuple(range(STREAM * stream, STREAM * stream + SEEDS))
            at = (repository, executor, memory, seeds, BUDGET)
            rows.append(Row(task, METHODS[0], ours(*at, patient=patient)))
            for number in range(ORDERS):
                order = random.Random(f"{task} {stream} {number}")
                rows.append(Row(task, METHODS[1], random_order(*at, order)))
            rows.append(Row(task, METHODS[2], tuned_alone(*at, stream)))
    return rows


def all_rows(tasks: Sequence[str], repeats: int, patient: bool) -> Iterator[list[Row]]:
    """The rows of each task, in order, as they come."""
    jobs = int(os.environ.get("BENCH_JOBS", "1"))
    if jobs == 1:
        yield from (measure(task, repeats, patient) for task in tasks)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(measure, tasks, repeat(repeats), repeat(patient))


def of(rows: Sequence[Row], method: str, task: str = "") -> list[Row]:
    """The rows of a method, on one task or on all."""
    return [r for r in rows if r.method == method and task in ("", r.task)]


def ratio(
    rows: Sequence[Row], peer: str, size: Callable[[Row], float]
) -> tuple[float, float, float]:
    """Ours over a peer: geometric mean over tasks, and a 95 % bootstrap interval over tasks."""
    tasks = list(dict.fromkeys(r.task for r in rows))
    logs = [
        math.log(fmean(map(size, of(rows, METHODS[0], t))) / fmean(map(size, of(rows, peer, t))))
        for t in tasks
    ]
    draw = random.Random(0)
    means = sorted(fmean(draw.choices(logs, k=len(logs))) for _ in range(RESAMPLES))
    low, high = means[int(0.025 * RESAMPLES)], means[int(0.975 * RESAMPLES)]
    return math.exp(fmean(logs)), math.exp(low), math.exp(high)


def line(name: str, rows: Sequence[Row], method: str) -> str:
    """A method on a task: medians over the repeats; the gain is of those that found one."""
    gains = [r.outcome.gain for r in rows if r.outcome.gain is not None]
    gain = f"{median(gains):+8.1%}" if gains else f"{'':8}"
    found = f"{sum(r.outcome.found for r in rows)}/{len(rows)}"
    return (
        f"{name:12} {method:13} {median(r.evaluations for r in rows):11.0f} "
        f"{median(r.seconds for r in rows):8.1f} {found:>6} {gain}  "
        f"{sum(r.outcome.attempts for r in rows) / len(rows):6.1f}"
    )


def show(rows: Sequence[Row]) -> None:
    """Totals, and ours over each peer."""
    for method in METHODS:
        own = of(rows, method)
        found = sum(r.outcome.found for r in own) / len(own)
        gains = [r.outcome.gain or 0.0 for r in own]
        print(
            f"{method}: {fmean(r.evaluations for r in own):.1f} evaluations and "
            f"{fmean(r.seconds for r in own):.1f} s a campaign, of which "
            f"{fmean(r.outcome.spent.thinking for r in own):.1f} s are its own thinking; "
            f"{found:.0%} found a gain; mean confirmed gain {fmean(gains):+.1%} (none counts 0)"
        )
    for peer in METHODS[1:]:
        for name, size in (("evaluations", _evaluations), ("seconds", _seconds)):
            middle, low, high = ratio(rows, peer, size)
            print(f"ours / {peer}, {name}: {middle:.2f} (95 % interval {low:.2f} to {high:.2f})")


def _evaluations(row: Row) -> float:
    return row.evaluations


def _seconds(row: Row) -> float:
    return row.seconds


def main(arguments: Sequence[str] = ()) -> None:
    """Print the table of the tasks, then the totals."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two tasks, one repeat")
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument(
        "--patient", action="store_true", help="ours confirms when a campaign would by itself"
    )
    parser.add_argument("--stories", action="store_true", help="what each campaign did")
    parser.add_argument("tasks", nargs="*", metavar="TASK", help=", ".join(folders()))
    args = parser.parse_args(arguments)
    unknown = set(args.tasks) - set(folders())
    if unknown:
        parser.error(f"no such task: {', '.join(sorted(unknown))}; known: {', '.join(folders())}")
    tasks = args.tasks or (QUICK if args.quick else tuple(folders()))
    repeats = 1 if args.quick else args.repeats
    print(
        f"budget {BUDGET} executions, which is what a search that finds nothing counts; "
        f"medians of {repeats} streams of seeds ({', '.join(ONCE)}: one); seconds of one processor"
    )
    print(f"{'task':12} {'searcher':13} evaluations  seconds  found     gain  confirmations tried")
    began = time.monotonic()
    rows: list[Row] = []
    for found in all_rows(tasks, repeats, args.patient):
        rows += found
        for method in METHODS:
            print(line(found[0].task, of(found, method), method), flush=True)
        for row in found if args.stories else ():
            for story in row.outcome.story:
                print(f"    {row.method}: {story}")
    show(rows)
    used = [resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu = sum(u.ru_utime + u.ru_stime for u in used)
    print(f"measured in {time.monotonic() - began:.0f} s, {cpu:.0f} s of one processor")


if __name__ == "__main__":
    main(sys.argv[1:])
