"""Real overfitting test: what searches gain on validation, and what is left on fresh rows.

Small tables and series that PyPI packages ship. Keep-if-better, noise floor and our scheduler get
the same baseline, the same ideas in the same order and the same number of evaluations. Every
other baseline was handicapped by a draw that no loop knows, so that real gains exist. The gain
on test is of rows that no loop sees, over seeds that no loop uses.

`python tests/bench/overfitting.py [--tasks] [--repeats N] [--only NAME…]`; BENCH_JOBS=2 uses
two processes.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

from tasks import campaign, ideas, loops
from tasks.data import TASKS, Task, split
from tasks.experiment import Config, Experiment

REPEATS = 6
BUDGET = 100
FRESH_SEEDS = 10
FIRST_FRESH = 1_000_000
REAL = 0.01
"""A planted cure counts when it alone gains this much on the fresh rows."""

LOOPS = ("keep if better", "noise floor", "ours, confirmed", "ours, provisional")


@dataclass(frozen=True, slots=True)
class Row:
    """One loop on one problem. Gains are over the baseline, in points of the metric."""

    task: str
    repeat: int
    loop: str
    validation: float
    test: float
    kept: int
    ideas: tuple[str, ...]
    evaluations: int
    planted: float
    cured: bool
    claim: float | None
    expected: float | None
    log: tuple[str, ...]

    @property
    def gap(self) -> float:
        """What the validation rows promised beyond what fresh rows give."""
        return self.validation - self.test


def play(task: Task, repeat: int, budget: int, repeated: bool, outcomes: bool) -> list[Row]:
    """All loops on one problem."""
    inputs, targets = task.load()
    parts = split(task, len(targets), repeat)
    experiment = Experiment(task, parts, inputs, targets, repeated)
    columns = inputs.shape[1] if inputs is not None else 0
    problem = ideas.draw(task, columns, repeat)
    base, pool = problem.baseline, problem.pool
    ours, _ = campaign.search(experiment, base, pool, budget, outcomes)
    answers = {
        "keep if better": loops.keep_if_better(experiment, base, pool, budget),
        "noise floor": loops.noise_floor(experiment, base, pool, budget),
        "ours, confirmed": campaign.with_plain_baseline(ours, base),
        "ours, provisional": ours,
    }

    def fresh(config: Config, count: int = FRESH_SEEDS) -> float:
        seeds = range(FIRST_FRESH, FIRST_FRESH + count)
        runs = [experiment.run(config, s, ("test",))["test"].value for s in seeds]
        return float(np.mean(runs))

    plain = fresh(base)
    planted = 0.0
    cures: tuple[str, ...] = ()
    if problem.plant is not None:
        cures = problem.plant.cures
        cured = [i.change(base) for i in pool if i.name in cures]
        few = FRESH_SEEDS // 2
        planted = max(fresh(c, few) for c in cured) - fresh(base, few)
    return [
        Row(
            task.name, repeat, name, answer.reported, fresh(answer.config) - plain,
            len(answer.ideas), answer.ideas, answer.evaluations,
            planted if planted >= REAL else 0.0, bool(set(answer.ideas) & set(cures)),
            answer.claim, answer.expected, tuple(answer.log),
        )
        for name, answer in answers.items()
    ]  # fmt: skip


def interval(rows: Sequence[Row], value: Callable[[Row], float]) -> tuple[float, float, float]:
    """Mean over tasks of a value, and its 95 % interval: Student's, over the means of the tasks.

    Splits of one task share its data, so they are not counted as independent.
    """
    from scipy.special import stdtrit

    names = dict.fromkeys(r.task for r in rows)
    means = np.asarray([np.mean([value(r) for r in rows if r.task == n]) for n in names])
    middle = float(means.mean())
    if len(means) < 2:
        return middle, float("-inf"), float("inf")
    half = float(stdtrit(len(means) - 1, 0.975)) * float(means.std(ddof=1)) / len(means) ** 0.5
    return middle, middle - half, middle + half


def text(numbers: tuple[float, float, float]) -> str:
    """A mean with its interval."""
    return "{:+.4f} ({:+.4f} to {:+.4f})".format(*numbers)


def report(rows: Sequence[Row]) -> None:
    """Print the table."""
    print(
        f"{'loop':<18}{'validation - test':>28}{'gain on test':>28}{'runs':>6}{'keeps':>7}"
        f"{'worse':>7}{'cures':>9}{'of plant':>10}"
    )
    for loop in LOOPS:
        own = [r for r in rows if r.loop == loop]
        kept = [r for r in own if r.kept]
        worse = np.mean([r.test < 0 for r in kept]) if kept else 0.0
        planted = [r for r in own if r.planted]
        cured = f"{sum(r.cured for r in planted)}/{len(planted)}"
        share = np.mean([np.clip(r.test / r.planted, -1, 1) for r in planted]) if planted else 0.0
        runs = np.mean([r.evaluations for r in own])
        print(
            f"{loop:<18}{text(interval(own, lambda r: r.gap)):>28}"
            f"{text(interval(own, lambda r: r.test)):>28}{runs:>6.0f}{len(kept) / len(own):>7.0%}"
            f"{worse:>7.0%}{cured:>9}{share:>10.0%}"
        )
    print(
        "keeps: problems with a change in the end; worse: of these, below the baseline on test; "
        "cures: of planted\nhandicaps, undone by what was kept; of plant: what was regained of them"
    )
    ours = {(r.task, r.repeat): r for r in rows if r.loop == "ours, confirmed"}
    told = [r for r in ours.values() if r.kept]
    said = {
        "the claim says": [r.claim for r in told],
        "the search expects": [r.expected for r in told],
    }
    for words, values in said.items():
        off = [v - r.test for v, r in zip(values, told, strict=True) if v is not None]
        if off:
            print(f"confirmed, what {words} minus gain on test: {np.mean(off):+.4f} in {len(off)}")
    for loop in LOOPS[:2]:
        other = [r for r in rows if r.loop == loop]
        for answer in LOOPS[2:]:
            mine = {(r.task, r.repeat): r.test for r in rows if r.loop == answer}
            more = interval(other, lambda r, mine=mine: mine[r.task, r.repeat] - r.test)  # type: ignore[misc]
            print(f"{answer}, minus {loop}, on test: {text(more)}")


def report_tasks(rows: Sequence[Row]) -> None:
    """Print what each loop gained on each task: on validation, on test."""
    print(f"\n{'task':<12}" + "".join(f"{loop:>28}" for loop in LOOPS))
    for name in dict.fromkeys(r.task for r in rows):
        cells = []
        for loop in LOOPS:
            own = [r for r in rows if r.task == name and r.loop == loop]
            gain, test = np.mean([r.validation for r in own]), np.mean([r.test for r in own])
            cells.append(f"{gain:+.3f} val {test:+.3f} test".rjust(28))
        print(f"{name:<12}" + "".join(cells))


def measure(
    tasks: Sequence[Task], repeats: int, budget: int, repeated: bool, outcomes: bool
) -> list[Row]:
    """Play every task; in as many processes as BENCH_JOBS says (1, when it says nothing)."""
    jobs = int(os.environ.get("BENCH_JOBS", "1"))
    work = [(task, k) for k in range(repeats) for task in tasks]
    if jobs == 1:
        return [r for task, k in work for r in play(task, k, budget, repeated, outcomes)]
    with ProcessPoolExecutor(jobs) as pool:
        found = [pool.submit(play, task, k, budget, repeated, outcomes) for task, k in work]
        return [r for future in found for r in future.result()]


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--tasks", action="store_true", help="also print a row per task")
    parser.add_argument("--log", action="store_true", help="also print what ours decided")
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument("--budget", type=int, default=BUDGET)
    parser.add_argument("--only", nargs="*", default=[], help="names of tasks")
    parser.add_argument("--repeated", action="store_true", help="validation rows differ per seed")
    parser.add_argument("--no-outcomes", action="store_true", help="runs save no per-row outcomes")
    asked = parser.parse_args(list(arguments))
    unknown = set(asked.only) - {t.name for t in TASKS}
    if unknown:
        names = ", ".join(t.name for t in TASKS)
        parser.error(f"--only: no task {sorted(unknown)[0]!r}; the tasks are {names}")
    tasks = [t for t in TASKS if not asked.only or t.name in asked.only]
    began = time.perf_counter()
    rows = measure(tasks, asked.repeats, asked.budget, asked.repeated, not asked.no_outcomes)
    print(
        f"{len(tasks)} tasks x {asked.repeats} splits, {asked.budget} evaluations each, "
        f"{time.perf_counter() - began:.0f} s; points of accuracy, skill; 95 % intervals"
    )
    report(rows)
    if asked.tasks:
        report_tasks(rows)
    if asked.log:
        for row in rows:
            if row.loop == "ours, provisional":
                print(
                    f"\n{row.task}/{row.repeat} validation {row.validation:+.4f} "
                    f"claim {row.claim} test {row.test:+.4f} plant {row.planted:.3f} {row.ideas}"
                )
                print("   " + "\n   ".join(row.log))


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main(sys.argv[1:])
