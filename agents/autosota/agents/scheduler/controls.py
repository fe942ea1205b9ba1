"""Negative and positive controls on a confirmation, and its transfer to other settings.

Pure. They run after the claim has passed and before it is judged: a comment-only patch must
come out as noise, the winner run again must give the same, models trained on permuted labels
or asked about shuffled inputs must fall, and a baseline that is given the candidate's compute
must still be beaten. One that fails takes the badge away; one that cannot run is said, and caps it.
How rows are permuted or an environment is built anew is the sandbox's business.
"""

from __future__ import annotations

import math

from autosota.agents.domain import (
    BASELINE,
    Comparison,
    Outcome,
    Purpose,
    RowsControl,
    Variant,
)
from autosota.agents.scheduler import events as ev
from autosota.agents.scheduler import statistics
from autosota.agents.scheduler.actions import Action, Execute, Plant, Record
from autosota.agents.scheduler.claims import (
    AGAIN,
    INPUTS,
    LABELS,
    MATCHED,
    NULL,
    compute_change,
    compute_of,
    confirm_pairs,
)
from autosota.agents.scheduler.spending import NULL_PAIRS, can_afford_runs
from autosota.agents.scheduler.state import CampaignState

MATCH_ABOVE = 0.10
"""Compute that grew by more than this share is matched, where the objective has a knob."""

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
        return _matched(state)
    return None


def judge_control(state: CampaignState, name: str) -> ev.ControlJudged | None:
    """What the runs of a control say; None while some are missing."""
    if name == NULL:
        return _judge_null(state)
    if name in (LABELS, INPUTS):
        return _judge_permuted(state, name)
    if name == AGAIN:
        return _judge_again(state)
    return _judge_matched(state)


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
            _value(state, Purpose.CONFIRM, state.start.base_commit, seed, "", name),
            _value(state, Purpose.CONTROL, patch.commit, seed, NULL, name),
        )
        for seed in _seeds(state)
    ]
    result = _compare(state, name, pairs)
    if result is None or result.difference is None:
        return None
    found = _differences(state, name)
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
            _value(state, Purpose.CONFIRM, plan.commit, seed, "", metric),
            _value(state, Purpose.CONTROL, plan.commit, seed, name, metric),
        )
        for seed in _seeds(state)
    ]
    result = _compare(state, metric, pairs)
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
    before = _value(state, Purpose.CONFIRM, plan.commit, plan.seeds[0], "", metric)
    after = _value(state, Purpose.CONTROL, plan.commit, plan.seeds[0], AGAIN, metric)
    result = _compare(state, metric, [(before, after)])
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


# ------------------------------------------------------------------ equal compute


def knob_setting(state: CampaignState) -> float | None:
    """What the knob must be for the baseline to spend what the candidate does; None: no need."""
    knob = state.objective.controls.compute_knob
    now = state.analysed.compute_knob if state.analysed is not None else None
    change = compute_change(state)
    if knob is None or now is None or change is None or change <= MATCH_ABOVE:
        return None
    wanted = now * (1.0 + change)
    return float(math.ceil(wanted)) if now == int(now) else wanted


def matched_variant(state: CampaignState) -> Variant | None:
    """The baseline with the candidate's compute, as a variant of the run."""
    knob, setting = state.objective.controls.compute_knob, knob_setting(state)
    if knob is None or setting is None:
        return None
    # a flag as --epochs 40, a Hydra key as trainer.epochs=40
    joined = f"{knob.flag} {setting:g}" if knob.flag.startswith("-") else f"{knob.flag}={setting:g}"
    return Variant(MATCHED, joined)


def _matched(state: CampaignState) -> Action | None:
    plan = state.plan
    assert plan is not None
    variant = matched_variant(state)
    if variant is None:
        knob = state.objective.controls.compute_knob
        change = compute_change(state)
        if knob is not None and change is not None and change > MATCH_ABOVE:
            why = f"the present value of {knob.flag} is not known"
            return Record(ev.ControlJudged(MATCHED, None, why))
        return None  # nothing to match, or nothing to match it with: `claims` says so
    base = state.start.base_commit
    runs = [Execute(Purpose.CONTROL, BASELINE, base, seed, variant) for seed in plan.seeds]
    return _run_or_judge(state, MATCHED, runs)


def _judge_matched(state: CampaignState) -> ev.ControlJudged | None:
    """The candidate against the baseline at equal compute, on the claim and the same seeds."""
    plan, metric = state.plan, state.objective.metric
    variant = matched_variant(state)
    assert plan is not None
    base = state.start.base_commit
    pairs = [
        (
            _value(state, Purpose.CONTROL, base, seed, MATCHED, metric),
            _value(state, Purpose.CONFIRM, plan.commit, seed, "", metric),
        )
        for seed in plan.seeds
    ]
    result = _compare(state, metric, pairs, confidence=0.90)
    if result is None or result.difference is None or variant is None:
        return None
    gain = f"{result.difference:+.4g} over a baseline with {variant.arguments}"
    if result.low is not None and result.high is not None:
        gain += f" (90 % interval {result.low:+.4g} to {result.high:+.4g})"
    certain = result.low is None or result.low > 0
    if result.difference > 0 and certain:
        spent, wanted = _matched_compute(state)
        if spent < (1.0 - MATCH_ABOVE) * wanted:
            why = (
                f"not matched: with {variant.arguments} the baseline took {spent:.3g} s of "
                f"compute, the candidate {wanted:.3g} s (part of a run is start-up, which the "
                f"knob does not scale), so {gain} says nothing of equal compute"
            )
            return ev.ControlJudged(MATCHED, None, why, result)
        return ev.ControlJudged(MATCHED, True, f"the gain holds at equal compute: {gain}", result)
    return ev.ControlJudged(MATCHED, False, f"the gain vanishes at equal compute: {gain}", result)


def _matched_compute(state: CampaignState) -> tuple[float, float]:
    """Median compute of the matched baseline's runs and of the candidate's, in seconds.

    Scaling the knob by the ratio of whole runs falls short where start-up is a part of them, so
    what was really spent is measured, not assumed.
    """
    plan = state.plan
    assert plan is not None
    base = state.start.base_commit
    matched = [state.run(Purpose.CONTROL, base, seed, MATCHED) for seed in plan.seeds]
    spent = [compute_of(run) for run in matched if run is not None]
    wanted = [compute_of(after) for _, after in confirm_pairs(state)]
    return statistics.median(spent), statistics.median(wanted)


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
            _value(state, Purpose.TRANSFER, state.start.base_commit, seed, variant, metric),
            _value(state, Purpose.TRANSFER, plan.commit, seed, variant, metric),
        )
        for seed in plan.seeds[:TRANSFER_PAIRS]
    ]
    result = _compare(state, metric, pairs, confidence=0.90)
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
    if name == MATCHED and (matched := matched_variant(state)) is not None:
        return matched
    for transfer in state.objective.transfers:
        if name == f"transfer {transfer.name}":
            return Variant(name, transfer.arguments)
    raise ValueError(f"the objective has no variant {name!r}")


# ------------------------------------------------------------------ small things


def _seeds(state: CampaignState) -> tuple[int, ...]:
    assert state.plan is not None
    return state.plan.seeds[:NULL_PAIRS]


def _value(
    state: CampaignState, purpose: Purpose, commit: str, seed: int, variant: str, metric: str
) -> float | None:
    run = state.run(purpose, commit, seed, variant)
    if run is None or run.outcome is not Outcome.OK:
        return None
    return run.metrics.get(metric)


def _differences(state: CampaignState, metric: str) -> list[float]:
    """Candidate minus baseline on the confirmation's pairs, positive is better."""
    sign = state.objective.direction.sign
    found = []
    for before, after in confirm_pairs(state):
        old, new = before.metrics.get(metric), after.metrics.get(metric)
        if old is not None and new is not None:
            found.append(sign * (new - old))
    return found


def _compare(
    state: CampaignState,
    metric: str,
    pairs: list[tuple[float | None, float | None]],
    *,
    confidence: float = 0.95,
) -> Comparison | None:
    """The comparison of (reference, other) values; None while one is missing."""
    before = [a for a, b in pairs if a is not None and b is not None]
    after = [b for a, b in pairs if a is not None and b is not None]
    if not pairs or len(before) < len(pairs):
        return None
    return statistics.compare(
        metric, state.objective.direction, before, after, confidence=confidence
    )
