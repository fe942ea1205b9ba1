"""Phase 0: the untouched code over its seeds, its claim against the paper's number.

Pure. A baseline that does not run, does not report what is guarded, or falls short of the
paper by more than `paper.tolerance`, ends the campaign: gains over a broken baseline are none.
"""

from __future__ import annotations

from difflib import get_close_matches

from autosota.agents.domain import BASELINE, CampaignVerdict, Objective, Outcome, Purpose
from autosota.agents.scheduler import events as ev
from autosota.agents.scheduler import guards, statistics
from autosota.agents.scheduler.actions import Action, Execute, Record
from autosota.agents.scheduler.ending import finish
from autosota.agents.scheduler.state import CampaignState

FLAKY = frozenset({Outcome.CRASHED, Outcome.LEFT_PROCESSES})
"""Failures that one repetition may tell from bad luck."""


def measure(state: CampaignState) -> Action:
    """The next step towards `BaselineMeasured`."""
    objective = state.objective
    base = state.start.base_commit
    done: list[ev.RunFinished] = []
    for seed in objective.seeds:
        run = state.run(Purpose.BASELINE, base, seed)
        if run is None:
            return Execute(Purpose.BASELINE, BASELINE, base, seed)
        if run.outcome is not Outcome.OK:
            if run.outcome in FLAKY and run.attempt == 0 and done:
                return Execute(Purpose.BASELINE, BASELINE, base, seed, attempt=1)
            did = "did not run" if run.outcome is not Outcome.METRIC_MISSING else "has no number"
            reason = f"the baseline {did} with seed {seed}: {run.outcome}: {run.reason}"
            reason += missing(run, objective)
            return Record(finish(state, CampaignVerdict.NOT_REPRODUCED, reason))
        done.append(run)
    for guard in objective.guards:
        if any(guards.recorded(run, guard.name) is None for run in done):
            reason = (
                f"objective.guard.{guard.name}: the baseline does not report {guard.name}; "
                f"print it as METRIC {guard.name}=value or remove the guard"
            )
            return Record(finish(state, CampaignVerdict.NOT_REPRODUCED, reason))
    if not state.reads:
        return Record(ev.ClaimRead(BASELINE, Purpose.BASELINE, objective.seeds))
    return Record(measured(state, done))


def missing(run: ev.RunFinished, objective: Objective) -> str:
    """Which metrics a run did have, when one it must report is missing; '' when none is."""
    if run.outcome is not Outcome.METRIC_MISSING:
        return ""
    found = sorted(name for name, value in run.metrics.items() if value is not None)
    keys = {"metric": objective.metric, "select_on": objective.select_on}
    for key, wanted in keys.items():
        if run.metrics.get(wanted) is not None:
            continue
        way = f"name it in objective.{key}, or print METRIC {wanted}=… at the end"
        if not found:
            return f"; the run printed no METRIC line; {way}"
        listed = " and ".join(filter(None, (", ".join(found[:7][:-1]), found[:7][-1])))
        near = next(iter(get_close_matches(wanted, found, n=1)), None)
        hint = f"; did you mean {near!r}?" if near else f"; {way}"
        return f" (objective.{key}); the run printed {listed}{hint}"
    return ""


def measured(state: CampaignState, done: list[ev.RunFinished]) -> ev.BaselineMeasured:
    """The noise floor and the reproduced claim, from the baseline's runs."""
    objective = state.objective
    search = [v for r in done if (v := r.metrics.get(objective.select_on)) is not None]
    claim = [v for r in done if (v := r.metrics.get(objective.metric)) is not None]
    paper = objective.claim_of_paper()
    interval = statistics.t_interval(claim, 0.95)
    return ev.BaselineMeasured(
        metric=objective.select_on,
        mean=statistics.mean(search),
        sd=statistics.sample_sd(search),
        claim_mean=statistics.mean(claim),
        claim_low=interval[0] if interval else None,
        claim_high=interval[1] if interval else None,
        paper_value=paper.value if paper else None,
        seeds=objective.seeds,
        seconds_per_run=statistics.median([r.wall_seconds for r in done]),
        notes=_notes(state, done, search),
    )


def _notes(
    state: CampaignState, done: list[ev.RunFinished], search: list[float]
) -> tuple[str, ...]:
    """What the baseline's spread says of the seeds."""
    name = state.objective.select_on
    if len(done) < 2:
        return ()
    if not statistics.is_negligible(statistics.sample_sd(search), search):
        return _of_the_claim(state, done)
    if all(run.metrics == done[0].metrics for run in done):
        what = "the seeds do nothing: every metric is the same with every seed"
    else:
        what = f"{name} is {search[0]:g} with every seed, although other metrics vary"
    return (
        f"{what}, so training noise cannot be told from a gain; autosota split offers to let "
        "the seed vary the training data, or set objective.outcomes to per-example outcomes",
    )


def _of_the_claim(state: CampaignState, done: list[ev.RunFinished]) -> tuple[str, ...]:
    """A claim that stands still while the search metric moves cannot be tested over seeds."""
    objective = state.objective
    claim = [v for r in done if (v := r.metrics.get(objective.metric)) is not None]
    if objective.outcomes or not statistics.is_negligible(statistics.sample_sd(claim), claim):
        return ()
    return (
        f"{objective.metric} is {claim[0]:g} with every seed, although {objective.select_on} "
        "varies: pairs of seeds may not be able to test the claim; set objective.outcomes to "
        "per-example outcomes, or use autosota split for repeated validation",
    )


def claim_is_still(state: CampaignState) -> bool:
    """True when the claim did not vary over the baseline's seeds."""
    found = state.baseline
    if found is None or found.claim_low is None or found.claim_high is None:
        return False
    return statistics.is_negligible(found.claim_high - found.claim_low, [found.claim_mean])


def seeds_are_idle(state: CampaignState) -> bool:
    """True when the search metric did not vary over the baseline's seeds."""
    found = state.baseline
    return (
        found is not None
        and len(found.seeds) > 1
        and statistics.is_negligible(found.sd, [found.mean])
    )


def shortfall(state: CampaignState) -> str:
    """Why the baseline does not reproduce the paper's number; '' when it does."""
    found, paper = state.baseline, state.objective.claim_of_paper()
    if found is None or paper is None:
        return ""
    sign = state.objective.direction.sign
    worse = sign * (paper.value - found.claim_mean)
    allowed = state.objective.paper.tolerance * abs(paper.value)
    # the interval's better end: a noisy baseline is not refused for bad luck
    better = found.claim_high if sign > 0 else found.claim_low
    at_best = worse if better is None else sign * (paper.value - better)
    if worse <= allowed or at_best <= allowed:
        return ""
    where = f" ({paper.where})" if paper.where else ""
    share = f"{worse / abs(paper.value):.0%} of it" if paper.value else "at all"
    text = (
        f"{state.objective.metric} is {found.claim_mean:.4g}, the paper says {paper.value:g}"
        f"{where}: worse by {worse:.4g}, {share}, and paper.tolerance allows "
        f"{state.objective.paper.tolerance:.0%}"
    )
    for factor, words in ((100.0, "a percentage"), (0.01, "a fraction")):
        if abs(paper.value - factor * found.claim_mean) <= 0.1 * abs(paper.value):
            return f"{text}; the paper's number looks like {words}: write it in the metric's unit"
    return f"{text}; mend the set-up, or raise paper.tolerance if this is the baseline you mean"
