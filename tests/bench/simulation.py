"""Simulation: how often a campaign confirms what is not there, and how often what is.

Thousands of campaigns of the real scheduler in synthetic worlds, no training. Effects are in sd of
the paired difference (candidate minus baseline over the same seed). The default takes some
four minutes; the shares are then of a few hundred campaigns per kind of noise, and their 95 %
Wilson intervals say so.

`python tests/bench/simulation.py [--campaigns N] [--only WORD…]`; BENCH_JOBS=2 uses two
processes.
"""

from __future__ import annotations

import argparse
import gc
import math
import os
import sys
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

from simulated.noise import KINDS, LOPSIDED, NORMAL, SKEWED, Noise
from simulated.peers import PEERS, Report
from simulated.world import Ideas, Result, World, campaign, objective_of

CAMPAIGNS = 500
IDEAS = 20
EFFECT = 1.5
BUDGET = 200
ROW = 5
"""Campaigns one after the other in the same ledger."""

TRAP = 0.5
"""sd of what the rows of a fixed set add to an idea, in sd of the paired difference."""

BLOCK = 50
OURS = "ours"
OTHERS = "others"


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of campaign.

    Attributes:
        noise: of the runs.
        effect: of the one idea that helps, in sd of the paired difference; 0: none does.
        spread: sd of what every idea is worth around `-spread / 2`; 0: nothing.
        search_rows: sd of what the rows of the search set add to an idea.
        claim_rows: the same for the claim's set.
        evaluations: the budget.
        row: campaigns in the same ledger.
        peers: also play the other loops.
    """

    noise: Noise
    effect: float = 0.0
    spread: float = 0.0
    search_rows: float = 0.0
    claim_rows: float = 0.0
    evaluations: int = BUDGET
    row: int = 1
    peers: bool = False


@dataclass(frozen=True, slots=True)
class Played:
    """What came of one campaign; the sd of its paired differences in the metric's unit."""

    sd: float
    ours: tuple[Result, ...]
    peers: dict[str, Report]


def world_of(case: Case, seed: int) -> World:
    """A world of this case; the same seed is the same world."""
    stream = np.random.default_rng([seed, 1])
    truth = np.zeros(IDEAS)
    if case.spread:
        truth = stream.normal(-case.spread / 2, case.spread, IDEAS)
    truth[stream.integers(IDEAS)] += case.effect
    truth, sd = truth * case.noise.sd, case.noise.sd
    search = truth + sd * case.search_rows * stream.standard_normal(IDEAS)
    claim = truth + sd * case.claim_rows * stream.standard_normal(IDEAS)
    return World(case.noise, Ideas(tuple(truth), tuple(search), tuple(claim)), seed)


def play(case: Case, seed: int) -> Played:
    """One campaign, or several in a row, and what the peers make of the (first) world."""
    objective, ours, prior = objective_of(case.evaluations), [], 0
    first = None
    for turn in range(case.row):
        world = world_of(case, seed + 10_000_000 * turn)
        first = first or world
        result = campaign(world, objective, prior)
        prior += result.planned
        ours.append(result)
    assert first is not None
    peers = {n: loop(first, case.evaluations) for n, loop in PEERS.items()} if case.peers else {}
    return Played(first.unit * case.noise.sd, tuple(ours), peers)


def play_block(case: Case, seeds: range) -> list[Played]:
    """Some campaigns, one after the other."""
    gc.disable()  # nothing here is cyclic but a driver and its state
    found = [play(case, seed) for seed in seeds]
    gc.enable()
    gc.collect()
    return found


def measure(case: Case, campaigns: int, pool: ProcessPoolExecutor | None = None) -> list[Played]:
    """Play a case many times."""
    blocks = [range(a, min(a + BLOCK, campaigns)) for a in range(0, campaigns, BLOCK)]
    if pool is None:
        return [p for block in blocks for p in play_block(case, block)]
    waiting = [pool.submit(play_block, case, block) for block in blocks]
    return [p for future in waiting for p in future.result()]


# ------------------------------------------------------------------ what is counted


def wilson(hits: int, of: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson, 1927)."""
    z = 1.959964
    share, scale = hits / of, 1 + z * z / of
    centre = (share + z * z / (2 * of)) / scale
    half = z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of)) / scale
    return max(0.0, centre - half), min(1.0, centre + half)


def false_of(played: Sequence[Played]) -> int:
    """Campaigns (or rows of them) that confirm something that is worth nothing."""
    return sum(any(r.confirmed and r.truth <= 0 for r in p.ours) for p in played)


def true_of(played: Sequence[Played]) -> list[tuple[float, Result]]:
    """The confirmations of a true gain, with the sd of their world."""
    return [(p.sd, r) for p in played for r in p.ours if r.confirmed and r.truth > 0]


def share(hits: int, of: int) -> str:
    """`1.2 % (0.6 to 2.4)`."""
    low, high = wilson(hits, of)
    return f"{hits / of:6.1%} ({100 * low:.1f} to {100 * high:.1f})"


def median(values: Iterable[float]) -> str:
    """The median as a whole number, or a dash."""
    found = list(values)
    return f"{np.median(found):.0f}" if found else "-"


def mean(values: Iterable[float]) -> str:
    """The mean with its sign, or a dash."""
    found = list(values)
    return f"{np.mean(found):+.2f}" if found else "-"


def print_ours(name: str, null: list[Played], one: list[Played]) -> None:
    """A row of the first table."""
    good = true_of(one)
    found = sum(r.truth > 0 for p in one for r in p.ours)
    print(
        f"{name:<36}{share(false_of(null), len(null)):>22}"
        f"{share(len(good), len(one)):>25}{found / len(one):>7.0%}"
        f"{median(r.confirm_pairs for _, r in good):>7}"
        f"{median(r.confirm_pairs + r.search_pairs for _, r in good):>7}"
        f"{median(r.evaluations for p in null for r in p.ours):>7}"
        f"{median(r.evaluations for p in one for r in p.ours):>6}"
        f"{mean(x / sd for sd, r in good if (x := r.shrinkage) is not None):>9}"
        f"{mean(x / sd for sd, r in good if (x := r.flattery) is not None):>9}"
    )


def print_loops(name: str, null: list[Played], one: list[Played]) -> None:
    """A row per loop of the second table."""
    for loop in (OURS, *PEERS):
        nothing, something = reports(null, loop), reports(one, loop)
        false = sum(bool(r.code) for _, r in nothing)
        right = [(sd, r) for sd, r in something if r.code and r.truth > 0]
        wrong = [(sd, r) for sd, r in nothing if r.code]
        print(
            f"{name:<36}{loop:<21}{share(false, len(nothing)):>24}"
            f"{len(right) / len(something):>7.0%}"
            f"{median(r.evaluations for _, r in something):>7}"
            f"{median(r.pairs for _, r in right):>7}"
            f"{mean((r.gain - r.truth) / sd for sd, r in right):>9}"
            f"{mean((r.gain - r.truth) / sd for sd, r in wrong):>9}"
        )
        name = ""


def reports(played: Sequence[Played], loop: str) -> list[tuple[float, Report]]:
    """What a loop reported; ours reports what it confirmed, by the claim."""
    if loop != OURS:
        return [(p.sd, p.peers[loop]) for p in played]
    found = []
    for p in played:
        r = p.ours[0]
        code, gain = (r.code, r.claim_gain or 0.0) if r.confirmed else ((), 0.0)
        truth = r.truth if r.confirmed else 0.0
        pairs = r.search_pairs + r.confirm_pairs
        found.append((p.sd, Report(code, gain, truth, pairs, r.evaluations)))
    return found


# ------------------------------------------------------------------ the tables


def noise_table(kinds: Sequence[Noise], campaigns: int, pool: ProcessPoolExecutor | None) -> None:
    """Measure and print each kind of noise: ours, then beside the other loops."""
    print(
        f"{IDEAS} ideas, {BUDGET} evaluations; shares with 95 % intervals; gains in sd of the\n"
        "paired difference. found: the search kept it; fresh: confirmation pairs; pairs: with\n"
        "those of the search; runs: evaluations (runs 0: without effect);\n"
        "shrinks: search - claim; flatters: claim - truth"
    )
    print(
        f"\n{'noise':<36}{'no effect: confirmed':>22}{f'{EFFECT} sd: confirmed':>25}{'found':>7}"
        f"{'fresh':>7}{'pairs':>7}{'runs 0':>7}{'runs':>6}{'shrinks':>9}{'flatters':>9}"
    )
    by_kind = {}
    for kind in kinds:
        null = measure(Case(kind, peers=True), campaigns, pool)
        one = measure(Case(kind, EFFECT, peers=True), max(1, campaigns // 2), pool)
        by_kind[kind.name] = (null, one)
        print_ours(kind.name, null, one)
    print_ours(
        "all",
        [p for null, _ in by_kind.values() for p in null],
        [p for _, one in by_kind.values() for p in one],
    )
    print("\nThe same worlds, other loops; curse: reported - true gain (if false: without effect)")
    print(
        f"{'noise':<36}{'loop':<21}{'no effect: reported':>24}{'power':>7}{'runs':>7}"
        f"{'pairs':>7}{'curse':>9}{'if false':>9}"
    )
    for name, (null, one) in by_kind.items():
        print_loops(name, null, one)


def other_cases(campaigns: int, pool: ProcessPoolExecutor | None) -> None:
    """Measure and print budgets, rows of campaigns, the worst skew and the traps."""
    title = "other cases (normal noise, unless said)"
    print(f"\n{title:<52}{'false':>22}{'confirmed':>25}{'runs':>7}")
    for name, case in extras().items():
        count = max(1, campaigns // (2 if case.row == 1 else 4))
        played = measure(case, count, pool)
        kept = sum(any(r.confirmed for r in p.ours) for p in played)
        spent = median(sum(r.evaluations for r in p.ours) for p in played)
        print(f"{name:<52}{share(false_of(played), count):>22}{share(kept, count):>25}{spent:>7}")


def extras() -> dict[str, Case]:
    """Cases of their own."""
    worst = LOPSIDED.name
    found = {f"{worst}: no effect": Case(LOPSIDED), f"{worst}: {EFFECT} sd": Case(LOPSIDED, EFFECT)}
    for budget in (60, 100, 200):
        found[f"{budget} evaluations: no effect"] = Case(NORMAL, evaluations=budget)
        found[f"{budget} evaluations: {EFFECT} sd"] = Case(NORMAL, EFFECT, evaluations=budget)
    for kind in (NORMAL, SKEWED):
        found[f"{ROW} campaigns in a row, {kind.name}, no effect"] = Case(kind, row=ROW)
    found["ideas worth N(-0.5, 1) each"] = Case(NORMAL, spread=1.0)
    found["search rows flatter an idea by N(0, 0.5)"] = Case(NORMAL, search_rows=TRAP)
    found["the fixed test set trap: claim rows by N(0, 0.5)"] = Case(
        NORMAL, search_rows=TRAP, claim_rows=TRAP
    )
    return found


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "--campaigns", type=int, default=CAMPAIGNS,
        help="without effect, for each kind of noise; half as many with one",
    )  # fmt: skip
    parser.add_argument(
        "--only", nargs="*", default=[], help=f"words in the names of noises, or {OTHERS!r}"
    )
    asked = parser.parse_args(list(arguments))
    kinds = [k for k in KINDS if not asked.only or any(w in k.name for w in asked.only)]
    others = not asked.only or OTHERS in asked.only
    if not kinds and not others:
        names = ", ".join([k.name for k in KINDS] + [OTHERS])
        parser.error(f"--only: no noise has {asked.only[0]!r} in its name; there are {names}")
    jobs = int(os.environ.get("BENCH_JOBS", "1"))
    began = time.perf_counter()
    with ProcessPoolExecutor(jobs) if jobs > 1 else nullcontext() as pool:
        if kinds:
            noise_table(kinds, asked.campaigns, pool)
        if others:
            other_cases(asked.campaigns, pool)
    print(f"{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main(sys.argv[1:])
