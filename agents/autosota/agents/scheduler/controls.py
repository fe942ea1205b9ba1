"""Negative and positive controls on a confirmation, and its transfer to other settings.

Pure. They run after the claim has passed and before it is judged: a comment-only patch must
come out as noise, the winner run again must give the same, models trained on permuted labels
or asked about shuffled inputs must fall, and a baseline that is given the candidate's compute
must still be beaten (`matching`). One that fails takes the badge away; one that cannot run is
said, and caps it. How rows are permuted or an environment is built anew is the sandbox's business.
"""

from __future__ import annotations

import math

from autosota.agents.domain import (
    BASELINE,
    Outcome,
    Purpose,
    RowsControl,
    Variant,
)
from autosota.agents.scheduler import events as ev
from autosota.agents.scheduler import matching, statistics
from autosota.agents.scheduler.actions import Action, Execute, Plant, Record
from autosota.agents.scheduler.claims import (
    AGAIN,
    CALIBRATION,
    CORRECTED,
    FURTHER,
    INPUTS,
    LABELS,
    MATCHED,
    NULL,
    confirm_pairs,
)
from autosota.agents.scheduler.paired import compared, differences, value_of
from autosota.agents.scheduler.spending import NULL_PAIRS, can_afford_runs
from autosota.agents.scheduler.state import CampaignState

NOISE_SDS = 4.0
"""How many standard deviations of fresh runs a control may be off and still be noise."""

MUST_LOSE = 0.5
"""With permuted rows at least this share of the way from the baseline to chance must be lost."""

TRANSFER_PAIRS = 5


def next_step(state: CampaignState) -> Action | None:
    """The next run or judgement of a control; None when all that are wanted are judged."""
    controls = state.objective.controls
    if NULL not in state.controls:
        return _null(state)
    if controls.labels is not None and LABELS not in state.controls:
        return _permuted(state, LABELS, controls.labels)
    if controls.inputs is not None and INPUTS not in state.controls:
        return _permuted(state, INPUTS, controls.inputs)
    if AGAIN not in state.controls:
        return _again(state)
    if MATCHED not in state.controls:
        return matching.next_step(state)
    return None


def judge_control(state: CampaignState, name: str) -> ev.ControlJudged | None:
    """What the runs of a control say; None while some are missing."""
    if name == NULL:
        return _judge_null(state)
    if name in (LABELS, INPUTS):
        return _judge_permuted(state, name)
    if name == AGAIN:
        return _judge_again(state)
    return matching.judge(state)


def _run_or_judge(state: CampaignState, name: str, runs: list[Execute]) -> Action:
    """The first run of a control that is missing; once all are there, its judgement."""
    missing = []
    for run in runs:
        done = state.run(Purpose.CONTROL, run.commit, run.seed, run.variant.name)
        if done is None:
            missing.append(run)
        elif done.outcome is not Outcome.OK:
            why = f"seed {run.seed}: {done.outcome}: {done.reason}"
            return Record(ev.ControlJudged(name, None, why))
    if missing:
        if not can_afford_runs(state, len(missing), confirm=False):
            why = f"the budget left no room for {len(missing)} more runs"
            return Record(ev.ControlJudged(name, None, why))
        return missing[0]
    judged = judge_control(state, name)
    assert judged is not None
    return Record(judged)


# ------------------------------------------------------------------ the null patch


def _null(state: CampaignState) -> Action:
    if state.null_patch is None:
        if not can_afford_runs(state, NULL_PAIRS, confirm=False):
            return Record(ev.ControlJudged(NULL, None, "the budget left no room"))
        return Plant(state.start.base_commit)
    patch = state.null_patch
    runs = [
        Execute(Purpose.CONTROL, patch.id, patch.commit, seed, Variant(NULL))
        for seed in _seeds(state)
    ]
    return _run_or_judge(state, NULL, runs)


def _judge_null(state: CampaignState) -> ev.ControlJudged | None:
    """A comment must not change the search metric beyond the noise of the confirmation's pairs."""
    patch, name = state.null_patch, state.objective.select_on
    if patch is None:
        return None
    pairs = [
        (
            value_of(state, Purpose.CONFIRM, state.start.base_commit, seed, "", name),
            value_of(state, Purpose.CONTROL, patch.commit, seed, NULL, name),
        )
        for seed in _seeds(state)
    ]
    result = compared(state, name, pairs)
    if result is None or result.difference is None:
        return None
    found = differences(state, name)
    sd = statistics.sample_sd(found)
    allowed = NOISE_SDS * sd / math.sqrt(result.pairs)
    if result.difference == 0:
        return ev.ControlJudged(NULL, True, "a comment changes nothing, to the last digit", result)
    off = abs(result.difference)
    if off <= allowed and result.difference < statistics.mean(found):
        why = f"a comment changes {name} by {result.difference:+.4g}, which is noise"
        return ev.ControlJudged(NULL, True, why, result)
    why = (
        f"a comment alone changes {name} by {result.difference:+.4g}: runs of the same code and "
        "seed differ by as much as the gain, so the pairs are not comparable"
    )
    return ev.ControlJudged(NULL, False, why, result)


# ------------------------------------------------------------------ permuted rows


def _permuted(state: CampaignState, name: str, rows: RowsControl) -> Action:
    plan = state.plan
    assert plan is not None
    variant = Variant(name, permute=rows)
    runs = [
        Execute(Purpose.CONTROL, plan.patch, plan.commit, seed, variant) for seed in _seeds(state)
    ]
    return _run_or_judge(state, name, runs)


def _judge_permuted(state: CampaignState, name: str) -> ev.ControlJudged | None:
    """Without what is to be learned, or asked about the wrong rows, the claim must fall."""
    plan, metric = state.plan, state.objective.metric
    assert plan is not None
    sign = state.objective.direction.sign
    pairs = [
        (
            value_of(state, Purpose.CONFIRM, plan.commit, seed, "", metric),
            value_of(state, Purpose.CONTROL, plan.commit, seed, name, metric),
        )
        for seed in _seeds(state)
    ]
    result = compared(state, metric, pairs)
    if result is None or result.candidate_mean is None:
        return None
    if all(before == after for before, after in pairs):
        why = (
            f"it changed nothing: {metric} is the same to the last digit, so the file is not read "
            "there, or holds inputs and labels together; declare the one that holds only these rows"
        )
        return ev.ControlJudged(name, None, why, result)
    base = [v for a, _ in confirm_pairs(state) if (v := a.metrics.get(metric)) is not None]
    level, spread = statistics.mean(base), statistics.sample_sd(base)
    lost = sign * (level - result.candidate_mean)
    chance = state.objective.controls.chance
    scale = f"{metric} {result.candidate_mean:.4g}, the baseline has {level:.4g}"
    if chance is not None:
        way = sign * (level - chance)
        passed = lost >= MUST_LOSE * way if way > 0 else lost > 0
        scale += f", chance is {chance:g}"
    else:
        passed = lost > max(NOISE_SDS * spread, 0.0)
    if passed:
        return ev.ControlJudged(name, True, f"falls as it must: {scale}", result)
    why = f"still scores without anything to learn from: {scale}; something leaks"
    return ev.ControlJudged(name, False, why, result)


# ------------------------------------------------------------------ once more


def _again(state: CampaignState) -> Action:
    plan = state.plan
    assert plan is not None
    fresh = not state.objective.environment.python
    run = Execute(
        Purpose.CONTROL,
        plan.patch,
        plan.commit,
        plan.seeds[0],
        Variant(AGAIN, fresh_environment=fresh),
    )
    return _run_or_judge(state, AGAIN, [run])


def _judge_again(state: CampaignState) -> ev.ControlJudged | None:
    """The winner in a fresh environment gives what it gave, up to its own spread over seeds."""
    plan, metric = state.plan, state.objective.metric
    assert plan is not None
    before = value_of(state, Purpose.CONFIRM, plan.commit, plan.seeds[0], "", metric)
    after = value_of(state, Purpose.CONTROL, plan.commit, plan.seeds[0], AGAIN, metric)
    result = compared(state, metric, [(before, after)])
    if result is None or before is None or after is None:
        return None
    where = (
        "a fresh checkout (the interpreter is yours and was not built again)"
        if state.objective.environment.python
        else "an environment built anew"
    )
    if before == after:
        return ev.ControlJudged(AGAIN, True, f"the same to the last digit in {where}", result)
    runs = [v for _, b in confirm_pairs(state) if (v := b.metrics.get(metric)) is not None]
    passed = abs(after - before) <= NOISE_SDS * statistics.sample_sd(runs)
    why = f"{before:.6g} before, {after:.6g} in {where}"
    return ev.ControlJudged(AGAIN, passed, why, result)


# ------------------------------------------------------------------ other settings


def next_transfer(state: CampaignState) -> Action | None:
    """The next run or judgement of a transfer; None when there is none left."""
    for transfer in state.objective.transfers:
        if transfer.name in state.transfers:
            continue
        plan = state.plan
        assert plan is not None
        variant = Variant(f"transfer {transfer.name}", transfer.arguments)
        missing = []
        for side, commit in ((BASELINE, state.start.base_commit), (plan.patch, plan.commit)):
            for seed in plan.seeds[:TRANSFER_PAIRS]:
                done = state.run(Purpose.TRANSFER, commit, seed, variant.name)
                if done is None:
                    missing.append(Execute(Purpose.TRANSFER, side, commit, seed, variant))
                elif done.outcome is not Outcome.OK:
                    why = f"{side} with seed {seed}: {done.outcome}: {done.reason}"
                    return Record(ev.TransferJudged(transfer.name, None, why))
        if missing and not can_afford_runs(state, len(missing), confirm=False):
            why = f"not run: the budget left no room for {len(missing)} more runs"
            return Record(ev.TransferJudged(transfer.name, None, why))
        if missing:
            return missing[0]
        judged = judge_transfer(state, transfer.name)
        assert judged is not None
        return Record(judged)
    return None


def judge_transfer(state: CampaignState, name: str) -> ev.TransferJudged | None:
    """Whether the gain holds in another setting, on the claim; None while runs are missing."""
    plan, metric = state.plan, state.objective.metric
    if plan is None:
        return None
    variant = f"transfer {name}"
    pairs = [
        (
            value_of(state, Purpose.TRANSFER, state.start.base_commit, seed, variant, metric),
            value_of(state, Purpose.TRANSFER, plan.commit, seed, variant, metric),
        )
        for seed in plan.seeds[:TRANSFER_PAIRS]
    ]
    result = compared(state, metric, pairs, confidence=0.90)
    if result is None or result.difference is None:
        return None
    if result.difference <= 0:
        return ev.TransferJudged(name, False, "no gain there", result)
    if result.low is not None and result.low <= 0:
        return ev.TransferJudged(name, None, "better, but its interval covers zero", result)
    return ev.TransferJudged(name, True, "the gain holds", result)


def variant_named(state: CampaignState, name: str) -> Variant:
    """The variant that a run's name stands for, from the objective: to execute it again.

    Raises:
        ValueError: this objective has no variant of that name.
    """
    declared = state.objective.controls
    if name in ("", NULL):
        return Variant(name)
    if name == LABELS and declared.labels is not None:
        return Variant(name, permute=declared.labels)
    if name == INPUTS and declared.inputs is not None:
        return Variant(name, permute=declared.inputs)
    if name == AGAIN:
        return Variant(name, fresh_environment=not state.objective.environment.python)
    matched = {
        CALIBRATION: matching.calibration_variant,
        FURTHER: lambda s: matching.calibration_variant(s, FURTHER),
        MATCHED: matching.first_variant,
        CORRECTED: matching.corrected_variant,
    }
    if name in matched and (variant := matched[name](state)) is not None:
        return variant
    for transfer in state.objective.transfers:
        if name == f"transfer {transfer.name}":
            return Variant(name, transfer.arguments)
    raise ValueError(f"the objective has no variant {name!r}")


# ------------------------------------------------------------------ small things


def _seeds(state: CampaignState) -> tuple[int, ...]:
    assert state.plan is not None
    return state.plan.seeds[:NULL_PAIRS]
