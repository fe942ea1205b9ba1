"""Which rules have a fix, and who writes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from autosota.agents.check.fixes import (
    options,
    pipeline,
    refit,
    suppression,
    train_only,
    validation,
)
from autosota.agents.check.fixes.fix import Fix
from autosota.agents.check.fixes.sheet import Sheet
from autosota.agents.domain import Finding

Writer = Callable[[Sheet, Finding], Fix | None]

WRITERS: dict[str, tuple[Writer, ...]] = {
    "LK101": (train_only.learned_before_split,),
    "LK102": (train_only.learned_before_split,),
    "LK103": (train_only.learned_before_split,),
    "LK104": (train_only.learned_before_split, train_only.filled_before_split),
    "LK106": (train_only.learned_before_split,),
    "LK107": (refit.fitted_again,),
    "LK108": (pipeline.learned_outside_folds,),
    "LK109": (train_only.fitted_on_all,),
    "LK111": (validation.watched_test,),
    "LK112": (validation.chosen_by_test,),
    "LK116": (options.shuffled_in_time,),
    "LK118": (options.label_inside,),
    "NB802": (options.unseeded,),
    "NB898": (suppression.idle,),
}


def fixes(sheet: Sheet, findings: Iterable[Finding]) -> list[Fix]:
    """The fixes of these findings, in their order; most findings have none."""
    found: list[Fix] = []
    for finding in findings:
        for writer in WRITERS.get(finding.code, ()):
            fix = writer(sheet, finding)
            if fix is not None:
                found.append(fix)
    return found
