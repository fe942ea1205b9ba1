"""What the numbers of runs show that no text can: noise, luck, gaps, missing samples, lost metrics.

Pure functions over values that receipts and the ledger hold; each returns a finding with its
evidence in the message, or None. Which runs are put side by side is the caller's choice, and
predictions themselves are `predictions.py`'s.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

from autosota.agents.domain import Direction, Finding, Guard, Place
from autosota.agents.rules import finding
from autosota.agents.scheduler import statistics
from autosota.agents.scheduler.events import GuardResult
from autosota.agents.scheduler.guards import TIMED, change_text

LEDGER = Place("", 1)
"""Where evidence of runs stands when it stands in no file."""

GAP_LIMIT = 0.15
"""Reported minus held-out score, in the metric's unit (AgentPressureBench's threshold)."""

COLLAPSED = 0.1
"""A run that takes this part of the baseline's time did less than the baseline did."""


def within_noise(
    baseline: Sequence[float],
    candidate: Sequence[float],
    direction: Direction = Direction.MAXIMIZE,
    noise_sd: float | None = None,
    place: Place = LEDGER,
) -> Finding | None:
    """SEL502: a gain that other seeds of the same code would show as well.

    Args:
        baseline: the metric, one value per seed.
        candidate: the same; as long as `baseline` and in its order when seeds are shared.
        direction: which way is better.
        noise_sd: standard deviation over seeds of one side, for when there is one run a side.
        place: where the finding stands.

    Returns:
        None when there is no gain at all, or when it is outside the 95 % interval.
    """
    gain = direction.sign * (statistics.mean(candidate) - statistics.mean(baseline))
    if gain <= 0:
        return None
    runs = f"{len(baseline)} and {len(candidate)} runs"
    if len(baseline) == len(candidate) >= 2:
        compared = statistics.compare("", direction, baseline, candidate)
        if compared.low is None:
            return None  # the same gain for every seed: no noise was seen
        half = gain - compared.low
        if compared.low > 0:
            return None
        message = f"a gain of {gain:.4g} ± {half:.2g} over {len(baseline)} pairs of seeds"
        return finding("SEL502", place, message)
    if min(len(baseline), len(candidate)) >= 2:
        noise_sd = max(statistics.sample_sd(baseline), statistics.sample_sd(candidate))
    if noise_sd is None:
        return finding("SEL502", place, f"a gain of {gain:.4g} with unknown noise ({runs})")
    error = noise_sd * math.sqrt(1 / len(baseline) + 1 / len(candidate))
    if gain > _TWO_SIDED * error:
        return None
    message = f"a gain of {gain:.4g} with a standard error of {error:.2g} ({runs})"
    return finding("SEL502", place, message)


_TWO_SIDED = 1.959963984540054


def expected_maximum(draws: int) -> float:
    """The expected maximum of independent standard normal draws, to four digits.

    By the integral of x n φ(x) Φ(x)^(n-1), on a grid that is fine enough up to a million draws.
    """
    if draws < 1:
        raise ValueError(f"{draws} draws: at least one is needed")
    step, total = 0.005, 0.0
    for k in range(-1600, 1601):
        x = k * step
        below = 0.5 * math.erfc(-x / math.sqrt(2))
        density = math.exp(-x * x / 2) / math.sqrt(2 * math.pi)
        total += x * draws * density * below ** (draws - 1) * step
    return total


def explained_by_tries(
    gain: float, tries: int, noise_sd: float, place: Place = LEDGER
) -> Finding | None:
    """SEL503: the best of many ideas, no better than the best of as many that do nothing.

    Args:
        gain: of the best idea, positive is better.
        tries: ideas that were scored on the same rows.
        noise_sd: standard deviation of the measured gain of an idea that does nothing.
        place: where the finding stands.
    """
    if tries < 2 or gain <= 0:
        return None
    luck = noise_sd * expected_maximum(tries)
    if gain > luck:
        return None
    message = f"the best of {tries} ideas gained {gain:.3g}; {tries} that do nothing: {luck:.3g}"
    return finding("SEL503", place, message)


def held_out_gap(
    reported: float,
    held_out: float,
    direction: Direction = Direction.MAXIMIZE,
    limit: float = GAP_LIMIT,
    place: Place = LEDGER,
) -> Finding | None:
    """SEL504: the reported score is better than a trusted one on held-out rows by the limit."""
    gap = direction.sign * (reported - held_out)
    if gap < limit - 1e-12:
        return None
    message = f"reported {reported:.4g}, on held-out rows {held_out:.4g}: a gap of {gap:.2g}"
    return finding("SEL504", place, message)


def implausible(
    before: float,
    after: float,
    direction: Direction = Direction.MAXIMIZE,
    *,
    perfect: float | None = None,
    seconds: tuple[float, float] | None = None,
    checkpoints: tuple[str, str] | None = None,
    place: Place = LEDGER,
) -> Finding | None:
    """SEL505: a jump to the perfect score, or a gain without the work.

    Args:
        before: the baseline's metric.
        after: the candidate's.
        direction: which way is better.
        perfect: the best value the metric can have, if it has one (1 for an accuracy, 0 for
            an error).
        seconds: run time of baseline and candidate.
        checkpoints: hashes of what was trained, of baseline and candidate.
        place: where the finding stands.
    """
    if direction.sign * (after - before) <= 0:
        return None
    signs = []
    if perfect is not None:
        left, room = abs(perfect - after), abs(perfect - before)
        if left <= 0.1 * room and room >= _ROOM:
            what = "perfect" if left <= 1e-9 else "nearly perfect"
            signs.append(f"from {before:.4g} to {after:.4g}, which is {what}")
    if seconds is not None and 0 <= seconds[1] < COLLAPSED * seconds[0]:
        signs.append(f"better in {seconds[1]:.3g} s instead of {seconds[0]:.3g} s")
    if checkpoints is not None and checkpoints[0] and checkpoints[0] == checkpoints[1]:
        signs.append("better with the very checkpoint of the baseline")
    return finding("SEL505", place, "; ".join(signs)) if signs else None


_ROOM = 0.05
"""From 0.96 to 1.00 is an easy task; from less it is a jump (in the metric's unit)."""


def other_samples(
    baseline: int | Collection[str], candidate: int | Collection[str], place: Place = LEDGER
) -> Finding | None:
    """SEL506: another number of samples was scored, or other ones.

    Args:
        baseline: how many samples the baseline was scored on, or their ids.
        candidate: the same of the candidate.
        place: where the finding stands.
    """
    counts = [n if isinstance(n, int) else len(n) for n in (baseline, candidate)]
    if counts[0] != counts[1]:
        message = f"{counts[1]} samples were scored, not {counts[0]}"
        return finding("SEL506", place, message)
    if isinstance(baseline, int) or isinstance(candidate, int):
        return None
    other = set(candidate) - set(baseline)
    if not other:
        return None
    message = f"{len(other)} of {counts[1]} scored samples are others, such as {min(other)[:40]!r}"
    return finding("SEL506", place, message)


def disagrees(
    reported: float, recomputed: float, digits: int | None = None, place: Place = LEDGER
) -> Finding | None:
    """SEL507: the base's scorer says something else of the predictions than was reported.

    `digits` are those behind the point of the reported number; None when it was not rounded.
    """
    slack = 1e-6 * max(abs(reported), abs(recomputed)) if digits is None else 0.5 * 10**-digits
    if math.isfinite(recomputed) and abs(reported - recomputed) <= slack * (1 + 1e-9):
        return None
    return finding("SEL507", place, f"reported {reported:.6g}, recomputed {recomputed:.6g}")


def unequal_tuning(
    baseline_trials: int, candidate_trials: int, place: Place = LEDGER
) -> Finding | None:
    """SEL508: the candidate's settings were searched with at least twice the baseline's trials."""
    if candidate_trials < 2 * max(baseline_trials, 1):
        return None
    message = f"{candidate_trials} trials for the candidate, {baseline_trials} for the baseline"
    return finding("SEL508", place, message)


def best_of_seeds(
    reported: float,
    scores: Sequence[float],
    direction: Direction = Direction.MAXIMIZE,
    place: Place = LEDGER,
) -> Finding | None:
    """SEL501: of several seeds that ran, the best one's score is what is reported."""
    if len(scores) < 2 or len(set(scores)) < 2:
        return None
    best = max(scores) if direction is Direction.MAXIMIZE else min(scores)
    if abs(reported - best) > 1e-9 * max(1.0, abs(best)):
        return None
    message = f"the best of {len(scores)} seeds ({best:.4g}); mean {statistics.mean(scores):.4g}"
    return finding("SEL501", place, message)


def degraded(
    metric: str,
    baseline: Sequence[float],
    candidate: Sequence[float],
    direction: Direction = Direction.MAXIMIZE,
    tolerance: float = 0.01,
    place: Place = LEDGER,
) -> Finding | None:
    """TO601: another metric got worse by more than its tolerance, and by more than noise.

    Args:
        metric: its name.
        baseline: one value per seed.
        candidate: the same seeds in the same order.
        direction: which way the metric is better.
        tolerance: relative to the baseline's mean.
        place: where the finding stands.
    """
    compared = statistics.compare(metric, direction, baseline, candidate)
    if compared.difference is None or compared.baseline_mean is None:
        return None
    if -compared.difference <= tolerance * abs(compared.baseline_mean):
        return None
    if compared.high is not None and compared.high >= 0:
        return None
    message = f"`{metric}` went from {compared.baseline_mean:.4g} to {compared.candidate_mean:.4g}"
    return finding("TO601", place, message)


def dropped(
    baseline: Mapping[str, float | None], candidate: Mapping[str, float | None],
    place: Place = LEDGER,
) -> Finding | None:  # fmt: skip
    """TO602: metrics that the baseline's run has a value of, and the candidate's has not."""
    lost = sorted(n for n, v in baseline.items() if v is not None and candidate.get(n) is None)
    if not lost:
        return None
    names = ", ".join(f"`{n}`" for n in lost[:5])
    return finding("TO602", place, f"not reported any more: {names}")


def costlier(
    name: str,
    baseline: Sequence[float],
    candidate: Sequence[float],
    limit: float = 0.25,
    place: Place = LEDGER,
) -> Finding | None:
    """TO603: seconds or parameters per prediction grew by more than the limit, by their medians."""
    if not baseline or not candidate:
        return None
    before, after = statistics.median(baseline), statistics.median(candidate)
    if after <= before * (1 + limit):
        return None
    grown = f" ({after / before - 1:+.0%})" if before > 0 else ""
    return finding("TO603", place, f"`{name}` went from {before:.4g} to {after:.4g}{grown}")


def guarded(guard: Guard, result: GuardResult, place: Place = LEDGER) -> Finding | None:
    """TO601, TO602 or TO603: what a guard that did not hold is, as a finding."""
    if result.held:
        return None
    if result.candidate is None and result.baseline is not None:
        return finding("TO602", place, f"`{result.name}` {change_text(result)}")
    if result.baseline is None or result.candidate is None:
        return None  # never measured: the guard itself says that it does not hold
    resource = result.name in TIMED | {"params", "peak_memory_bytes", "disk_bytes"}
    grew = result.candidate > result.baseline and guard.max_decrease is None
    code = "TO603" if resource and grew else "TO601"
    message = f"`{result.name}` {change_text(result)} (allowed: {result.limit})"
    return finding(code, place, message)


def data_changed(before: Mapping[str, str], after: Mapping[str, str]) -> Finding | None:
    """DS401: files of the data whose hash is not the baseline's, or that are gone or new."""
    other = sorted(p for p in before.keys() | after.keys() if before.get(p) != after.get(p))
    if not other:
        return None
    first = other[0]
    verb = "changed" if first in before and first in after else "removed" if first in before else (
        "added")  # fmt: skip
    more = f", and {len(other) - 1} more" if len(other) > 1 else ""
    return finding("DS401", Place(first, 1), f"a data file was {verb}{more}")
