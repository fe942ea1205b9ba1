"""The campaign as one pure function: what happened → what comes next (paper, 3.8).

The driver executes the action, appends the events that it yields, and asks again. So resume,
replay and simulation are the same function. Time enters only as the measured seconds of
finished runs.
"""

from __future__ import annotations

from autosota.agents.domain import (
    BASELINE,
    CampaignVerdict,
    Comparison,
    Decision,
    Fate,
    Outcome,
    Purpose,
)
from autosota.agents.scheduler import events as ev
from autosota.agents.scheduler import guards, select, statistics
from autosota.agents.scheduler.actions import (
    Action,
    Analyse,
    Audit,
    Done,
    Execute,
    Implement,
    Prepare,
    Propose,
    Record,
)
from autosota.agents.scheduler.state import CampaignState

FUTILITY_PAIRS = 2
"""After this many pairs without a gain an idea is dropped: seeds go where the answer is open."""


def next_action(state: CampaignState) -> Action:
    """The next action of the campaign.

    Raises:
        ValueError: the events do not begin with a campaign's start.
    """
    if state.finished is not None:
        return Done()
    if state.environment is None:
        return Prepare()
    if state.analysed is None:
        return Analyse()
    if state.baseline is None:
        return _measure_baseline(state)
    if state.plan is not None:
        return _confirm(state)
    if state.current is not None:
        return _try_idea(state, state.current)
    moved = _new_optimum(state)
    if moved is not None:
        return Record(moved)
    if state.head not in state.proposed_for:
        return Propose(state.head)
    return _select(state) or _close_search(state)


# ------------------------------------------------------------------ phase 0: the baseline


def _measure_baseline(state: CampaignState) -> Action:
    objective = state.objective
    base = state.start.base_commit
    done = []
    for seed in objective.seeds:
        run = state.run(Purpose.BASELINE, base, seed)
        if run is None:
            return Execute(Purpose.BASELINE, BASELINE, base, seed)
        if run.outcome is not Outcome.OK:
            reason = f"the baseline did not run with seed {seed}: {run.outcome}: {run.reason}"
            return Record(_finish(state, CampaignVerdict.NOT_REPRODUCED, reason))
        done.append(run)
    for guard in objective.guards:
        if any(guards.recorded(run, guard.name) is None for run in done):
            reason = (
                f"objective.guard.{guard.name}: the baseline does not report {guard.name}; "
                f"print it as METRIC {guard.name}=value or remove the guard"
            )
            return Record(_finish(state, CampaignVerdict.NOT_REPRODUCED, reason))
    if not state.reads:
        return Record(ev.ClaimRead(BASELINE, Purpose.BASELINE, objective.seeds))
    search = [v for r in done if (v := r.metrics.get(objective.select_on)) is not None]
    claim = [v for r in done if (v := r.metrics.get(objective.metric)) is not None]
    paper = objective.claim_of_paper()
    sd = statistics.sample_sd(search)
    interval = statistics.t_interval(claim, 0.95)
    notes = []
    if statistics.is_negligible(sd, search):
        notes.append(
            f"the seeds do nothing: {objective.select_on} is {search[0]:g} with every seed, "
            "so noise cannot be told from a gain and nothing will be called confirmed"
        )
    return Record(
        ev.BaselineMeasured(
            metric=objective.select_on,
            mean=statistics.mean(search),
            sd=sd,
            claim_mean=statistics.mean(claim),
            claim_low=interval[0] if interval else None,
            claim_high=interval[1] if interval else None,
            paper_value=paper.value if paper else None,
            seeds=objective.seeds,
            seconds_per_run=statistics.median([r.wall_seconds for r in done]),
            notes=tuple(notes),
        )
    )


# ------------------------------------------------------------------ phase 3: one iteration


def _select(state: CampaignState) -> Action | None:
    """Steps 0 and 1: reflect on what is left to spend, and select."""
    if not can_afford_idea(state):
        return None
    choice = select.choose(state)
    if choice is None:
        return None
    idea, why = choice
    return Record(ev.IdeaSelected(idea.id, state.head, why))


def _try_idea(state: CampaignState, current: ev.IdeaSelected) -> Action:
    """Steps 2 to 6 for the selected idea."""
    patch_id = state.patch_of_idea.get(current.idea)
    if patch_id is None:
        return Implement(current.idea, current.parent)
    verdict = state.verdicts.get(patch_id)
    if verdict is None:
        return Audit(patch_id)
    if verdict.decision is not Decision.CLEARED:
        worst = verdict.findings[0] if verdict.findings else None
        why = f"{worst.code}: {worst.message}" if worst else "the audit could not clear it"
        word = "rejected by the audit" if verdict.decision is Decision.REJECTED else "needs review"
        return _judge(current, Fate.REJECTED, f"{word}: {why}")
    commit = state.patches[patch_id].commit
    before: list[float] = []
    after: list[float] = []
    pairs: list[tuple[ev.RunFinished, ev.RunFinished]] = []
    for seed in _search_seeds(state):
        run = state.run(Purpose.SEARCH, commit, seed)
        if run is None:
            if _is_futile(state, before, after):
                break
            if state.wall_seconds >= state.objective.budget.wall_seconds:
                return _judge(current, Fate.NOISE, "the wall budget ended before it was measured")
            return Execute(Purpose.SEARCH, patch_id, commit, seed)
        if run.outcome is not Outcome.OK:
            return _judge(current, Fate.FAILED, f"{run.outcome}: {run.reason}")
        old = state.search_value(current.parent, seed)
        new = run.metrics.get(state.objective.select_on)
        assert old is not None and new is not None  # an OK run has its metrics
        before.append(old)
        after.append(new)
        pairs.append((_paired_run(state, current.parent, seed), run))
    return _weigh(state, current, before, after, pairs)


def _weigh(
    state: CampaignState,
    current: ev.IdeaSelected,
    before: list[float],
    after: list[float],
    pairs: list[tuple[ev.RunFinished, ev.RunFinished]],
) -> Action:
    """Step 6: noise or provisional, on the search metric, corrected for the ideas tried."""
    objective = state.objective
    tried = len(state.looked_at)
    result = statistics.compare(
        objective.select_on, objective.direction, before, after, corrections=tried
    )
    assert result.difference is not None
    for guard in objective.guards:
        if guard.name in guards.TIMED or objective.tells_of_claim(guard.name):
            continue  # decided at the confirmation: on back-to-back pairs, once the claim is read
        outcome = guards.check(guard, pairs)
        if not outcome.held:
            why = f"R4: {guard.name} {_change_text(outcome)} ({outcome.limit} allowed)"
            return _judge(current, Fate.GUARDED, why, result)
    if result.difference <= 0:
        why = f"no gain over {len(before)} seeds"
        return _judge(current, Fate.NOISE, why, result)
    if result.p_value is None:
        return _judge(current, Fate.PROVISIONAL, result.note or "one seed: no noise known", result)
    assert result.corrected_p is not None
    if result.corrected_p > statistics.SCREEN_ALPHA:
        return _judge(current, Fate.NOISE, f"within noise, {_ideas(tried)} tried", result)
    return _judge(current, Fate.PROVISIONAL, f"better in search, {_ideas(tried)} tried", result)


def _new_optimum(state: CampaignState) -> ev.BestMoved | None:
    """Step 7: the idea judged last becomes the parent of the next ones if it was kept."""
    if not state.judged:
        return None
    last = next(reversed(state.judged.values()))
    if last.fate is not Fate.PROVISIONAL:
        return None
    patch = state.patches[state.patch_of_idea[last.idea]]
    if state.best is not None and state.best.patch == patch.id:
        return None
    earlier = state.best.ideas if state.best is not None else ()
    return ev.BestMoved(patch.commit, patch.id, (*earlier, last.idea))


def _search_seeds(state: CampaignState) -> tuple[int, ...]:
    """The seeds of the search; only two where the baseline showed that seeds do nothing."""
    assert state.baseline is not None
    seeds = state.objective.seeds
    idle = statistics.is_negligible(state.baseline.sd, [state.baseline.mean])
    return seeds[:FUTILITY_PAIRS] if idle else seeds


def _judge(
    current: ev.IdeaSelected,
    fate: Fate,
    reason: str,
    comparison: Comparison | None = None,
) -> Record:
    return Record(ev.IdeaJudged(current.idea, fate, reason, comparison))


def _is_futile(state: CampaignState, before: list[float], after: list[float]) -> bool:
    if len(before) < FUTILITY_PAIRS:
        return False
    sign = state.objective.direction.sign
    return sum(sign * (a - b) for b, a in zip(before, after, strict=True)) <= 0


def _paired_run(state: CampaignState, commit: str, seed: int) -> ev.RunFinished:
    purpose = Purpose.BASELINE if commit == state.start.base_commit else Purpose.SEARCH
    run = state.run(purpose, commit, seed)
    assert run is not None  # the parent was measured before an idea was made on it
    return run


# ------------------------------------------------------------------ budget


def confirmation_pairs(state: CampaignState) -> int:
    """How many paired seeds the budget leaves for a confirmation; 0 when too few to decide."""
    objective = state.objective
    room = objective.budget.evaluations - 2 * len(objective.seeds)
    pairs = min(objective.confirm_seeds, room // 2)
    least = min(objective.confirm_seeds, statistics.MINIMUM_CONFIRM_PAIRS)
    return pairs if pairs >= least else 0


def can_afford_idea(state: CampaignState) -> bool:
    """True when one more idea can be measured without touching the confirmation's share."""
    objective = state.objective
    assert state.baseline is not None
    pairs = confirmation_pairs(state)
    evaluations = objective.budget.evaluations - len(state.runs) - 2 * pairs
    seconds = objective.budget.wall_seconds - state.wall_seconds
    seconds -= 2 * pairs * state.baseline.seconds_per_run
    need = len(objective.seeds)
    return evaluations >= need and seconds >= need * state.baseline.seconds_per_run


# ------------------------------------------------------------------ phase 4: the claim


def _close_search(state: CampaignState) -> Action:
    """The last idea is judged: move the best, plan its confirmation, or say that nothing helped."""
    if state.best is None:
        return Record(_finish(state, CampaignVerdict.NO_GAIN, _why_no_gain(state)))
    pairs = confirmation_pairs(state)
    assert state.baseline is not None
    if pairs == 0:
        need = 2 * len(state.objective.seeds) + 2 * statistics.MINIMUM_CONFIRM_PAIRS
        reason = f"no budget for a confirmation: set budget.evaluations to {need} or more"
        return Record(_finish(state, CampaignVerdict.PROVISIONAL, reason))
    attempt = state.start.prior_confirmations + 1
    first = max(state.objective.seeds) + 1 + (attempt - 1) * state.objective.confirm_seeds
    return Record(
        ev.ConfirmationPlanned(
            attempt=attempt,
            patch=state.best.patch,
            commit=state.best.commit,
            seeds=tuple(range(first, first + pairs)),
            evaluations=2 * pairs,
            expected_seconds=2 * pairs * state.baseline.seconds_per_run,
        )
    )


def _confirm(state: CampaignState) -> Action:
    """Paired, back to back, in alternating order; then the claim is read once per side."""
    plan = state.plan
    assert plan is not None
    base = state.start.base_commit
    if state.confirmation is not None:
        return Record(_finish_confirmed(state, state.confirmation))
    for index, seed in enumerate(plan.seeds):
        order = [(BASELINE, base), (plan.patch, plan.commit)]
        for side, commit in order if index % 2 == 0 else reversed(order):
            run = state.run(Purpose.CONFIRM, commit, seed)
            if run is None:
                if state.wall_seconds >= state.objective.budget.wall_seconds:
                    why = "the wall budget ended before the confirmation did"
                    return Record(_finish(state, CampaignVerdict.PROVISIONAL, why))
                return Execute(Purpose.CONFIRM, side, commit, seed)
            if run.outcome is not Outcome.OK:
                # a side that cannot run on a fresh seed is not confirmed, whichever side it is
                why = f"{side} failed with fresh seed {seed}: {run.outcome}: {run.reason}"
                return Record(
                    ev.ConfirmationJudged(plan.attempt, plan.patch, Fate.FAILED, why, None)
                )
    for side in (BASELINE, plan.patch):
        if not any(r.purpose is Purpose.CONFIRM and r.side == side for r in state.reads):
            return Record(ev.ClaimRead(side, Purpose.CONFIRM, plan.seeds))
    return Record(_read_claim(state, plan))


def _read_claim(state: CampaignState, plan: ev.ConfirmationPlanned) -> ev.ConfirmationJudged:
    objective = state.objective
    pairs = []
    for seed in plan.seeds:
        left = state.run(Purpose.CONFIRM, state.start.base_commit, seed)
        right = state.run(Purpose.CONFIRM, plan.commit, seed)
        assert left is not None and right is not None
        pairs.append((left, right))
    level = statistics.confirmation_level(plan.attempt)
    before = [_claim(left, objective.metric) for left, _ in pairs]
    after = [_claim(right, objective.metric) for _, right in pairs]
    result = statistics.compare(
        objective.metric,
        objective.direction,
        before,
        after,
        confidence=1 - 2 * level,
        exact=True,
    )
    held = tuple(guards.check(g, pairs) for g in objective.guards)
    broken = next((g for g in held if not g.held), None)
    caps = claim_caps(state)
    assert result.difference is not None
    if broken is not None:
        fate = Fate.GUARDED
        reason = f"R4: {broken.name} {_change_text(broken)} ({broken.limit} allowed)"
    elif result.difference <= 0:
        fate, reason = Fate.NOISE, f"{objective.metric} did not improve on fresh seeds"
    elif result.p_value is None:
        fate, reason = Fate.PROVISIONAL, result.note
    elif result.low is None or result.low <= 0 or result.p_value > level:
        fate, reason = Fate.NOISE, "the interval covers zero on fresh seeds"
    elif objective.selects_on_claim:
        fate = Fate.PROVISIONAL
        reason = f"LK112: {objective.metric} was also what the search looked at"
    else:
        fate, reason = Fate.CONFIRMED, f"better on {result.pairs} fresh paired seeds"
    return ev.ConfirmationJudged(plan.attempt, plan.patch, fate, reason, result, held, caps)


def claim_caps(state: CampaignState) -> tuple[str, ...]:
    """What the claim does not cover, in words; shown wherever the badge is."""
    caps = ["the interval covers training noise, not the sampling of the test set"]
    if state.objective.controls.labels is None:
        caps.append("permuted-label control not run: no [controls] labels are declared")
    else:
        caps.append("permuted-label control not run in this version")
    grades = {r.isolation for r in state.runs if r.purpose is Purpose.CONFIRM}
    if len(grades) > 1:
        caps.append("runs of different isolation grades were compared")
    return tuple(caps)


def _claim(run: ev.RunFinished, metric: str) -> float:
    value = run.metrics.get(metric)
    assert value is not None  # an OK confirmation run has its claim
    return value


def _finish_confirmed(state: CampaignState, judged: ev.ConfirmationJudged) -> ev.CampaignFinished:
    verdict = {
        Fate.CONFIRMED: CampaignVerdict.CONFIRMED,
        Fate.PROVISIONAL: CampaignVerdict.PROVISIONAL,
    }.get(judged.fate, CampaignVerdict.NO_GAIN)
    return _finish(state, verdict, judged.reason)


def _finish(state: CampaignState, verdict: CampaignVerdict, reason: str) -> ev.CampaignFinished:
    judged = state.confirmation
    result = judged.comparison if judged is not None else None
    baseline = best = None
    interval = None
    if result is not None:
        baseline, best = result.baseline_mean, result.candidate_mean
        if result.low is not None and result.high is not None:
            interval = (result.low, result.high)
    elif state.baseline is not None:
        baseline = state.baseline.claim_mean
    return ev.CampaignFinished(
        verdict=verdict,
        reason=reason,
        baseline=baseline,
        best=best,
        interval=interval,
        patch=state.best.patch if state.best is not None else "",
        evaluations=len(state.runs),
        ideas=len(state.tried),
        reads_of_claim_metric=state.claim_reads,
    )


def _why_no_gain(state: CampaignState) -> str:
    if not state.ideas:
        return "no idea of the catalogue applies to this code"
    if not state.tried:
        if not can_afford_idea(state):
            need = len(state.objective.seeds) + 2 * confirmation_pairs(state)
            return (
                f"the budget left no room to try an idea after {len(state.runs)} baseline runs: "
                f"one idea and its confirmation need {need} more evaluations"
            )
        return "no idea could be implemented and cleared"
    measured = [j.comparison for j in state.judged.values() if j.comparison is not None]
    gains = [c for c in measured if c.difference is not None]
    if not gains:
        return "every idea that was tried failed to run"
    best = max(gains, key=lambda c: c.difference or 0.0)
    text = f"{_ideas(len(state.tried))} tried, none beyond noise"
    if best.low is not None and best.high is not None:
        text += f"; the best had {best.difference:+.4g} ({best.low:+.4g} to {best.high:+.4g})"
    return f"{text} on {best.metric}"


def _ideas(count: int) -> str:
    return f"{count} idea{'s' * (count != 1)}"


def _change_text(result: ev.GuardResult) -> str:
    if result.baseline is None or result.candidate is None:
        return "is not reported"
    return f"went from {result.baseline:.4g} to {result.candidate:.4g}"
