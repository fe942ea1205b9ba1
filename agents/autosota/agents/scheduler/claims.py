"""What a verdict covers and what it does not: compute on both sides, and the caps in words.

Pure, over the state alone; shown wherever a badge is. Nothing here decides a verdict.
"""

from __future__ import annotations

from autosota.agents.domain import Comparison, Outcome, Purpose
from autosota.agents.scheduler import guards, statistics
from autosota.agents.scheduler.events import RunFinished
from autosota.agents.scheduler.state import CampaignState

NULL = "null patch"
LABELS = "permuted labels"
INPUTS = "shuffled inputs"
MATCHED = "compute-matched baseline"
AGAIN = "re-execution"
CALIBRATION = "compute calibration"
"""The one run of the baseline that tells what a unit of the compute knob costs."""

FURTHER = f"{CALIBRATION}, further"
"""A second one at a still larger setting, where the first did not take longer beyond noise."""

CORRECTED = f"{MATCHED}, corrected"
"""Its runs at a second setting, where the first did not spend what the candidate does."""

UNASKED = frozenset({NULL, CALIBRATION, FURTHER})
"""Variants that are not asked about the claim: it stays masked in their runs."""

CONTROLS = (NULL, LABELS, INPUTS, MATCHED, AGAIN)
"""The controls on a confirmation, in the order they run."""

SEEDS_ONLY = "training noise (seeds); not the sampling of the test set"
SEEDS_AND_ROWS = "training noise (seeds) and the sampling of the test set"


def confirm_pairs(state: CampaignState) -> list[tuple[RunFinished, RunFinished]]:
    """The (baseline, candidate) runs of the confirmation over the same seeds that ended well."""
    plan = state.plan
    if plan is None:
        return []
    pairs = []
    for seed in plan.seeds:
        before = state.run(Purpose.CONFIRM, state.start.base_commit, seed)
        after = state.run(Purpose.CONFIRM, plan.commit, seed)
        if before is not None and after is not None:
            pairs.append((before, after))
    return [(a, b) for a, b in pairs if a.outcome is Outcome.OK is b.outcome]


MORE_COMPUTE = 0.25
"""R4: compute that grew by more than this share needs a guard that allows it, or a match."""

MATCH_ABOVE = 0.10
"""Compute that grew by more than this share is matched, where the objective has a knob."""

LEAST_SECONDS = 0.05
"""Compute that grew by less per run is start-up noise, whatever its share."""


def allows_compute(state: CampaignState) -> bool:
    """True when the user guards time themselves, so that the default limit does not hold."""
    return any(g.name in guards.TIMED for g in state.objective.guards)


def can_match(state: CampaignState) -> bool:
    """True when a baseline of equal compute can be run."""
    known = state.analysed is not None and state.analysed.compute_knob is not None
    return known and state.objective.controls.compute_knob is not None


def compute_of(run: RunFinished) -> float:
    """CPU seconds of a run, or its wall seconds where those were not measured."""
    return run.resources.get("cpu_seconds") or run.wall_seconds


def compute_change(state: CampaignState) -> float | None:
    """The candidate's compute over the baseline's, paired median ratio minus one; None: unknown."""
    ratios = [
        compute_of(after) / compute_of(before)
        for before, after in confirm_pairs(state)
        if compute_of(before) > 0
    ]
    return statistics.median(ratios) - 1.0 if ratios else None


def search_compute_change(state: CampaignState) -> float | None:
    """The optimum's compute over the base's in the search, as `compute_change`; None: unknown."""
    commit = state.ablation.commit if state.ablation is not None else state.optimum
    ratios = [
        compute_of(after) / compute_of(before)
        for before, after in state.search_pairs(state.start.base_commit, commit)
        if compute_of(before) > 0
    ]
    return statistics.median(ratios) - 1.0 if ratios else None


def sampling(state: CampaignState) -> Comparison | None:
    """The comparison that also covers the sampling of the test set, when outcomes were saved."""
    return state.outcomes.comparison if state.outcomes is not None else None


def claim_caps(state: CampaignState) -> tuple[str, ...]:
    """What the claim does not cover, in words; shown wherever the badge is."""
    caps = []
    if sampling(state) is None:
        why = ""
        if state.outcomes is not None and state.outcomes.reason:
            why = f" ({state.outcomes.reason})"
        elif not state.objective.outcomes:
            why = " (no objective.outcomes)"
        caps.append(f"the interval covers training noise, not the sampling of the test set{why}")
    caps += _controls(state)
    grades = {r.isolation for r in state.runs if r.purpose is Purpose.CONFIRM}
    if len(grades) > 1:
        caps.append("runs of different isolation grades were compared")
    if state.analysed is not None:
        found = [text for text in state.analysed.probes if ": none of " not in text]
        caps += [f"leakage probe: {text}" for text in found]
    return tuple(caps)


def _controls(state: CampaignState) -> list[str]:
    """Controls that did not run, or failed."""
    declared = state.objective.controls
    ways = {
        NULL: "",
        LABELS: "" if declared.labels is not None else "no [controls] labels are declared",
        INPUTS: "" if declared.inputs is not None else "no [controls] inputs are declared",
        AGAIN: "",
    }
    caps = []
    over = state.confirmation is not None
    for name in CONTROLS:
        judged = state.controls.get(name)
        if judged is not None and judged.passed is False:
            caps.append(f"{name} control failed: {judged.reason}")
        elif judged is not None and judged.passed is None:
            caps.append(f"{name} control not run: {judged.reason}")
        elif judged is None and ways.get(name):
            caps.append(f"{name} control not run: {ways[name]}")
        elif judged is None and name in ways and over:
            caps.append(f"{name} control not run")
    return caps
