"""R4 in numbers: guards on secondary metrics and resources, decided on paired medians."""

from __future__ import annotations

from collections.abc import Sequence

from autosota.agents.domain import Guard
from autosota.agents.scheduler.events import GuardResult, RunFinished
from autosota.agents.scheduler.statistics import median

TIMED = frozenset({"wall_seconds", "cpu_seconds"})
"""Resources that need back-to-back pairs: they drift with the machine."""


def recorded(run: RunFinished, name: str) -> float | None:
    """A recorded metric of a run, else a resource of that name, else None."""
    value = run.metrics.get(name)
    if value is not None:
        return value
    return run.wall_seconds if name == "wall_seconds" else run.resources.get(name)


def limit_text(guard: Guard) -> str:
    """The guard's limits in words."""
    parts = []
    if guard.max_increase is not None:
        parts.append(f"at most +{guard.max_increase:.0%}")
    if guard.max_increase_abs is not None:
        parts.append(f"at most +{guard.max_increase_abs:g}")
    if guard.max_decrease is not None:
        parts.append(f"at most -{guard.max_decrease:.0%}")
    if guard.max_decrease_abs is not None:
        parts.append(f"at most -{guard.max_decrease_abs:g}")
    return ", ".join(parts)


def doubled(guard: Guard) -> Guard:
    """The guard with twice its room: for readings that were not taken back to back."""
    return Guard(
        guard.name,
        None if guard.max_increase is None else 2 * guard.max_increase,
        None if guard.max_increase_abs is None else 2 * guard.max_increase_abs,
        None if guard.max_decrease is None else 2 * guard.max_decrease,
        None if guard.max_decrease_abs is None else 2 * guard.max_decrease_abs,
    )


def check(guard: Guard, pairs: Sequence[tuple[RunFinished, RunFinished]]) -> GuardResult:
    """Check one guard over (baseline, candidate) pairs run back to back.

    A value that is missing on the candidate's side while the baseline has it does not hold:
    a metric that was reported before may not be dropped (TO602).
    """
    both = [(recorded(b, guard.name), recorded(c, guard.name)) for b, c in pairs]
    known = [(b, c) for b, c in both if b is not None and c is not None]
    limit = limit_text(guard)
    if len(known) < len([b for b, _ in both if b is not None]) or not known:
        # never measured on the baseline either: the guard cannot be checked, so it is not held
        return GuardResult(guard.name, None, None, limit, False)
    before = median([b for b, _ in known])
    change = median([c - b for b, c in known])
    scale = abs(before)
    held = (
        (guard.max_increase is None or change <= guard.max_increase * scale)
        and (guard.max_increase_abs is None or change <= guard.max_increase_abs)
        and (guard.max_decrease is None or -change <= guard.max_decrease * scale)
        and (guard.max_decrease_abs is None or -change <= guard.max_decrease_abs)
    )
    return GuardResult(guard.name, before, median([c for _, c in known]), limit, held)


def change_text(result: GuardResult) -> str:
    """How a guarded value moved, in words."""
    if result.baseline is None or result.candidate is None:
        return "is not reported"
    return f"went from {result.baseline:.4g} to {result.candidate:.4g}"
