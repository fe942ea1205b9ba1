"""Phase 3: the tree of attempts. One iteration tries one idea; here is what comes next in it.

Pure. An idea is made on the head and compared with the optimum over the objective's seeds,
which are spent while the answer is open (`racing`). What is kept becomes the optimum, on which
later ideas are made. After three PARAM iterations the search leaps: three structural
candidates are audited again and the best is run; a leap that does not pay at once has a honeymoon
of up to five iterations on a branch of its own, then the search is back at the optimum before
it, exactly. Ideas that were promising one by one are tried together. Nothing here reads the
claim.
"""

from __future__ import annotations

from dataclasses import replace

from autosota.agents.domain import (
    BASELINE,
    Comparison,
    Decision,
    Fate,
    Granularity,
    Hypothesis,
    Outcome,
    Patch,
    Pruning,
    Purpose,
)
from autosota.agents.scheduler import events as ev
from autosota.agents.scheduler import guards, power, racing, select, statistics
from autosota.agents.scheduler.actions import (
    Action,
    Audit,
    Combine,
    Execute,
    Implement,
    Propose,
    Record,
    Tune,
)
from autosota.agents.scheduler.baseline import FLAKY, seeds_are_idle
from autosota.agents.scheduler.claims import (
    LEAST_SECONDS,
    MORE_COMPUTE,
    allows_compute,
    can_match,
    compute_of,
)
from autosota.agents.scheduler.spending import (
    can_afford_idea,
    can_afford_runs,
    confirmation_pairs,
    set_aside,
)
from autosota.agents.scheduler.state import CampaignState

HONEYMOON = 5
"""Paper, 3.8: iterations that a leap has before it is rolled back."""

WAIT_SDS = 0.5
"""A leap that is worse by more than this many sds of a paired difference is rolled back at once."""

IDLE_PAIRS = 2
"""Pairs of an idea where the seeds do nothing: the second only shows that they still do not."""

MOST_COMBINATIONS = 3
"""Combinations on one optimum: each further one needs a new promising idea."""

PATIENCE = 6
"""Iterations without a keep after which a search is over that has something sure to confirm."""

ANCHOR_AFTER = 6
"""Runs after which a reference is run once more: has the machine drifted since?"""

DRIFTED = 0.5
"""Sds of a paired difference by which a repeated reference may differ and still count."""

SURE = 0.9
"""A confirmation with this chance of success is worth more than further ideas: see `PATIENCE`."""

REFUSED_TUNINGS = 3
"""Tunings of one commit that the audit may refuse in a row before the tuner is left alone."""

TUNER_EVERY = 2
"""Of PARAM iterations, every second is the tuner's, where there is something to tune."""


def next_step(state: CampaignState) -> Action | None:
    """The next step of the search; None when it is over."""
    if state.current is not None:
        return _try_idea(state, state.current)
    event = _keep(state) or _honeymoon(state)
    if event is not None:
        return Record(event)
    leap = _open_leap(state)
    if leap is not None and (step := _leap(state, leap)) is not None:
        return step
    if _is_over(state) and state.proposed_for:
        return _roll_back(state, "the search is over")
    if state.head not in state.proposed_for:
        return Propose(state.head)
    return _next_idea(state) or _roll_back(state, "nothing is left to try on it")


def _is_over(state: CampaignState) -> bool:
    """Early stop: the target is passed, or no further idea may or can be measured."""
    objective = state.objective
    limit = objective.budget.ideas
    if limit is not None and len(state.iterations) >= limit:
        return True
    if objective.target is not None and state.baseline is not None:
        sign = objective.direction.sign
        values = [state.search_value(state.optimum, seed) for seed in objective.seeds]
        known = [v for v in values if v is not None]
        if known and sign * (statistics.mean(known) - objective.target) >= 0:
            return True
    if state.best is not None and state.honeymoon is None:
        kept = [n for n, i in enumerate(state.iterations) if _was_kept(state, i)]
        if len(state.iterations) - max(kept, default=0) > PATIENCE and _is_sure(state):
            return True
    return not can_afford_idea(state)


def _is_sure(state: CampaignState) -> bool:
    """True when half of what the search saw of the optimum would all but surely be confirmed."""
    assert state.best is not None and state.baseline is not None
    base, pairs = state.start.base_commit, confirmation_pairs(state)
    result = compare_search(state, base, state.best.commit)
    if result is None or result.difference is None:
        return False
    pool = racing.pooled(state.spread, state.baseline.sd)
    effect = power.shrunken(result.difference, pool.sd, result.pairs, [])
    level = statistics.confirmation_level(state.start.prior_confirmations + 1)
    return power.power(power.SIZED_FOR * effect, pool.sd, pairs, level) >= SURE


def _was_kept(state: CampaignState, iteration: ev.IdeaSelected) -> bool:
    judged = state.judged.get(iteration.idea)
    return judged is not None and judged.fate is Fate.PROVISIONAL


def _next_idea(state: CampaignState) -> Action | None:
    """Steps 0 and 1: reflect and select; or leap, combine or tune instead."""
    choice = select.choose(state)
    structural = select.leap_candidates(state) if select.needs_leap(state) else []
    if structural and state.honeymoon is None:
        stuck = "nothing was kept for long" if select.stagnates(state) else ""
        why = stuck or f"the last {select.LEAP_AFTER} ideas were all PARAM"
        names = tuple(idea.id for idea in structural)
        return Record(ev.LeapOpened(state.head, names, why))
    if choice is None or select.stagnates(state):
        step = _combine(state) or _second_look(state)
        if step is not None:
            return step
    param = choice is None or choice[0].granularity is Granularity.PARAM
    if param and _nothing_waits(state) and _tuner_is_next(state):
        return Tune(state.head)
    if choice is None:
        return None
    idea, why = choice
    reference = state.honeymoon.reference if state.honeymoon is not None else ""
    return Record(ev.IdeaSelected(idea.id, state.head, why, reference))


def _nothing_waits(state: CampaignState) -> bool:
    """True when nothing the tuner or a combination made for the head still waits."""
    waiting = {i.id for i in select.untried(state)}
    made = (*state.tuned.get(state.head, ()), *state.combined.get(state.head, ()))
    return not waiting.intersection(made)


def _tuner_is_next(state: CampaignState) -> bool:
    """Every second PARAM iteration on the optimum is the tuner's."""
    head = state.head
    if head in state.tuning_over or state.honeymoon is not None:
        return False
    latest = state.tuned.get(head, [])[-REFUSED_TUNINGS:]
    if len(latest) == REFUSED_TUNINGS and state.dead.issuperset(latest):
        return False
    numbers = [i for i in state.iterations if _is_param(state, i)]
    return len(numbers) % TUNER_EVERY == TUNER_EVERY - 1 or not select.untried(state)


def _is_param(state: CampaignState, iteration: ev.IdeaSelected) -> bool:
    return state.ideas[iteration.idea].granularity is Granularity.PARAM


def _second_look(state: CampaignState) -> Action | None:
    """The most promising idea of the optimum again, with as many seeds more; once per idea."""
    if state.honeymoon is not None or seeds_are_idle(state) or not _nothing_waits(state):
        return None
    seeds = len(state.objective.seeds)
    if not can_afford_runs(state, 2 * seeds + set_aside(state), confirm=True):
        return None
    had = {(i.idea, i.parent) for i in state.iterations if i.pairs}
    for idea in select.promising(state):
        if (idea, state.optimum) not in had:
            why = "second look: better, but not beyond noise; more seeds may tell"
            return Record(ev.IdeaSelected(idea, state.optimum, why, pairs=2 * seeds))
    return None


def _combine(state: CampaignState) -> Action | None:
    """Promising ideas of the optimum, together; again only when there is a new one among them."""
    made = state.combined.get(state.optimum)
    if state.honeymoon is not None or made == [] or len(made or ()) >= MOST_COMBINATIONS:
        return None
    ideas = select.promising(state)
    known = [set(str(state.ideas[i].arguments.get("ideas", "")).split()) for i in made or ()]
    if len(ideas) < 2 or any(set(ideas) <= parts for parts in known):
        return None
    return Combine(state.optimum, tuple(ideas))


# ------------------------------------------------------------------ keeps and ways back


def patch_of(state: CampaignState, commit: str) -> Patch | None:
    """The patch whose result is a commit."""
    return next((p for p in state.patches.values() if p.commit == commit), None)


def ideas_of(state: CampaignState, commit: str) -> tuple[str, ...]:
    """The ideas that a commit holds, in the order they were made."""
    chain: list[str] = []
    while (patch := patch_of(state, commit)) is not None:
        known = next((b for b in state.best_was if b.commit == commit), None)
        if known is not None:
            return (*known.ideas, *reversed(chain))
        chain.append(patch.hypothesis)
        commit = patch.parent
    return tuple(reversed(chain))


def _keep(state: CampaignState) -> ev.Event | None:
    """Step 7: the idea judged last becomes the optimum if it was kept."""
    if not state.iterations:
        return None
    last = state.iterations[-1]
    judged = state.judged.get(last.idea)
    if judged is None or judged.fate is not Fate.PROVISIONAL:
        return None
    patch = state.patches[state.patch_on(last.idea, last.parent) or ""]
    if patch.commit not in {b.commit for b in state.best_was}:
        return ev.BestMoved(patch.commit, patch.id, ideas_of(state, patch.commit))
    if state.honeymoon is not None:
        why = f"better than the optimum before it, with {last.idea}"
        return ev.HoneymoonClosed(state.honeymoon.idea, True, patch.commit, why)
    return None


def _honeymoon(state: CampaignState) -> ev.Event | None:
    """A leap that did not pay at once is given time; one whose time is over is taken back."""
    if not state.iterations:
        return None
    opened = state.honeymoon
    if opened is not None:
        spent = len(state.iterations) - state.honeymoon_from
        if spent < opened.length:
            return None
        why = f"no gain within {spent} iterations"
        return ev.HoneymoonClosed(opened.idea, False, opened.reference, why)
    last = state.iterations[-1]
    judged = state.judged.get(last.idea)
    if not last.leap or judged is None or judged.fate is not Fate.NOISE:
        return None
    if any(h.idea == last.idea for h in state.honeymoons) or judged.comparison is None:
        return None
    patch = state.patches[state.patch_on(last.idea, last.parent) or ""]
    found = state.differences.get((last.parent, patch.commit), [])
    if not found or not can_afford_idea(state):
        return None
    noise = _noise(state, found)
    if statistics.mean(found) < -WAIT_SDS * noise.sd:
        return None  # clearly worse: there is nothing to wait for
    return ev.HoneymoonOpened(last.idea, patch.commit, last.parent, HONEYMOON)


def _roll_back(state: CampaignState, why: str) -> Action | None:
    opened = state.honeymoon
    if opened is None:
        return None
    return Record(ev.HoneymoonClosed(opened.idea, False, opened.reference, why))


# ------------------------------------------------------------------ leaps


def _open_leap(state: CampaignState) -> ev.LeapOpened | None:
    """The leap whose candidate is not chosen yet."""
    if not state.leaps or any(i.leap for i in state.iterations[state.leap_from :]):
        return None
    leap = state.leaps[-1]
    left = [c for c in leap.candidates if c not in state.judged and c not in state.refused]
    return leap if left and len(state.iterations) == state.leap_from else None


def _leap(state: CampaignState, leap: ev.LeapOpened) -> Action | None:
    """Implement and audit every candidate, then choose the best of those that were cleared."""
    cleared = []
    for name in leap.candidates:
        if name in state.judged or name in state.refused:
            continue
        patch = state.patch_on(name, leap.parent)
        if patch is None:
            return Implement(name, leap.parent)
        verdict = state.verdicts.get(patch)
        if verdict is None:
            return Audit(patch)
        if verdict.decision is not Decision.CLEARED:
            return Record(_refused(name, state, patch))
        cleared.append(state.ideas[name])
    if not cleared:
        return None
    experience = select.reflect(state)
    best = max(cleared, key=lambda idea: select.score(idea, experience))
    why = f"leap: {leap.reason}; the best of {len(cleared)} candidates that were cleared"
    return Record(ev.IdeaSelected(best.id, leap.parent, why, leap=True))


def _refused(idea: str, state: CampaignState, patch: str) -> ev.IdeaJudged:
    verdict = state.verdicts[patch]
    worst = verdict.findings[0] if verdict.findings else None
    why = f"{worst.code}: {worst.message}" if worst else "the audit could not clear it"
    word = "rejected by the audit" if verdict.decision is Decision.REJECTED else "needs review"
    return ev.IdeaJudged(idea, Fate.REJECTED, f"{word}: {why}")


# ------------------------------------------------------------------ one iteration


def _try_idea(state: CampaignState, current: ev.IdeaSelected) -> Action:
    """Steps 2 to 6 for the selected idea."""
    patch_id = state.patch_on(current.idea, current.parent)
    if patch_id is None:
        return Implement(current.idea, current.parent)
    verdict = state.verdicts.get(patch_id)
    if verdict is None:
        return Audit(patch_id)
    if verdict.decision is not Decision.CLEARED:
        return Record(_refused(current.idea, state, patch_id))
    commit = state.patches[patch_id].commit
    reference = current.reference or current.parent
    seeds = state.objective.seeds
    more = state.more_seeds(max(0, current.pairs - len(seeds)))
    step = race(state, reference, commit, patch_id, (*seeds, *more))
    dear = too_dear(state, commit)
    if dear:
        result = compare_search(state, reference, commit)
        return Record(ev.IdeaJudged(current.idea, Fate.GUARDED, dear, result))
    if isinstance(step, Execute):
        return step
    if isinstance(step, Failed):
        return Record(ev.IdeaJudged(current.idea, step.fate, step.reason))
    return Record(_judged(state, current.idea, reference, commit, step))


def too_dear(state: CampaignState, commit: str) -> str:
    """R4 in search: why the compute of a commit can never be confirmed; '' when it may.

    Runs of the search are not back to back, so only twice what the confirmation will allow ends
    an idea here. Against the base, as the confirmation is.
    """
    base = state.start.base_commit
    pairs = [
        (before, after)
        for seed in (*state.objective.seeds, *state.more_seeds(len(state.objective.seeds)))
        if (before := state.search_run(base, seed)) is not None
        and (after := state.run(Purpose.SEARCH, commit, seed)) is not None
        and before.outcome is Outcome.OK is after.outcome
    ]
    if not pairs:
        return ""
    for guard in state.objective.guards:
        if guard.name in guards.TIMED:
            outcome = guards.check(guards.doubled(guard), pairs)
            if not outcome.held:
                why = f"{guard.name} {guards.change_text(outcome)}"
                return f"R4: {why} ({guards.limit_text(guard)} allowed)"
    if allows_compute(state) or can_match(state):
        return ""
    more = statistics.median([compute_of(b) - compute_of(a) for a, b in pairs])
    usual = statistics.median([compute_of(a) for a, _ in pairs])
    if more <= 2 * LEAST_SECONDS or more <= 2 * MORE_COMPUTE * usual:
        return ""
    return (
        f"R4: it takes {more / usual:+.0%} compute; allow it with objective.guard.wall_seconds, "
        "or set controls.compute_knob so that a baseline of equal compute can be run"
    )


class Failed:
    """A race that ended without an answer: why, and what that makes of the idea."""

    def __init__(self, fate: Fate, reason: str) -> None:
        self.fate, self.reason = fate, reason


def race(
    state: CampaignState,
    reference: str,
    commit: str,
    side: str,
    seeds: tuple[int, ...],
    *,
    whole: bool = False,
) -> Execute | Failed | racing.Standing:
    """The next run of a comparison in the search, or how it ended.

    Args:
        state: the campaign's.
        reference: the commit to beat; its missing seeds are run, too.
        commit: the candidate's.
        side: the candidate's patch, for the ledger.
        seeds: the common seeds, in the order they are spent.
        whole: spend all seeds (an ablation wants an estimate, not a decision).
    """
    seeds = seeds[:IDLE_PAIRS] if seeds_are_idle(state) else seeds
    found: list[float] = []
    level = racing.screen_level(len(state.looked_at | {commit}))
    stale = _stale_before(state, reference, seeds[0])
    if not state.history(commit, seeds[0]) and _needs_anchor(state, reference, seeds[0]):
        return _repeat(state, reference, seeds[0])
    for seed in seeds:
        run = state.run(Purpose.SEARCH, commit, seed)
        before = state.search_run(reference, seed)
        times = state.history(reference, seed)
        if run is None and times and times[-1][0] < stale:
            before = None  # measured on another machine, so to say: it has drifted since
        if run is None or before is None:
            standing = None
            if found and not whole:
                standing = racing.standing(found, _noise(state, found), len(seeds), level)
            if standing not in (None, racing.Standing.OPEN):
                assert standing is not None
                return standing
            if not can_afford_runs(state, 1, confirm=True):
                if found:
                    return racing.Standing.FUTILE
                return Failed(Fate.NOISE, "the budget ended before it was measured")
            if before is None:
                return _repeat(state, reference, seed)
            pruning = _pruning(state) if not whole else None
            return Execute(Purpose.SEARCH, side, commit, seed, pruning=pruning)
        if run.outcome is Outcome.PRUNED:
            return Failed(Fate.NOISE, f"ended early: {run.reason}")
        if run.outcome is not Outcome.OK:
            if run.outcome in FLAKY and run.attempt == 0 and found:
                return Execute(Purpose.SEARCH, side, commit, seed, attempt=1)
            return Failed(Fate.FAILED, f"{run.outcome}: {run.reason}")
        if before.outcome is not Outcome.OK:
            continue  # the reference failed with this seed: nothing to compare
        old = before.metrics.get(state.objective.select_on)
        new = run.metrics.get(state.objective.select_on)
        assert old is not None and new is not None  # an OK run has its metrics
        found.append(state.objective.direction.sign * (new - old))
    if not found:
        return Failed(Fate.FAILED, "no seed on which both sides ran")
    return racing.standing(found, _noise(state, found), len(found), level)


def _repeat(state: CampaignState, commit: str, seed: int) -> Execute:
    """Run a reference (again) in the search."""
    purposes = [run for _, run in state.history(commit, seed) if run.purpose is Purpose.SEARCH]
    side = side_of(state, commit)
    return Execute(Purpose.SEARCH, side, commit, seed, attempt=len(purposes))


def _needs_anchor(state: CampaignState, reference: str, seed: int) -> bool:
    """True when a reference was last run so long ago that the machine may have drifted.

    Each repetition that finds it where it was lets the next one wait twice as long.
    """
    times = state.history(reference, seed)
    if not times or seeds_are_idle(state) or not can_afford_runs(state, 2, confirm=True):
        return False
    steady = sum(place > _stale_before(state, reference, seed) for place, _ in times[1:])
    return len(state.runs) - times[-1][0] > ANCHOR_AFTER << min(20, steady)


def _stale_before(state: CampaignState, reference: str, seed: int) -> int:
    """Runs of a reference before this place in time no longer tell: its anchor has moved."""
    name = state.objective.select_on
    assert state.baseline is not None
    times = state.history(reference, seed)
    if len(times) < 2:
        return 0
    limit = DRIFTED * racing.pooled(state.spread, state.baseline.sd).sd
    stale, trusted = 0, times[0][1].metrics.get(name)
    for place, run in times[1:]:
        now = run.metrics.get(name)
        if now is None or trusted is None or abs(now - trusted) > limit:
            stale, trusted = place, now  # against what still counts: slow drift adds up
    return stale


def _judged(
    state: CampaignState, idea: str, reference: str, commit: str, standing: racing.Standing
) -> ev.IdeaJudged:
    """Step 6: noise or provisional, on the search metric, corrected for the ideas tried."""
    pairs = state.search_pairs(reference, commit)
    result = compare_search(state, reference, commit)
    assert result is not None and result.difference is not None
    for guard in state.objective.guards:
        if guard.name in guards.TIMED or state.objective.tells_of_claim(guard.name):
            continue  # decided at the confirmation: on back-to-back pairs, once the claim is read
        outcome = guards.check(guard, pairs)
        if not outcome.held:
            why = f"R4: {guard.name} {guards.change_text(outcome)} ({outcome.limit} allowed)"
            return ev.IdeaJudged(idea, Fate.GUARDED, why, result)
    tried = f"{result.corrections} look{'s' * (result.corrections != 1)}"
    if standing is racing.Standing.PASSED:
        why = f"better in search over {_seeds(result)}, {tried}"
        if result.p_value is None:
            why = result.note or "one seed: no noise known"
        return ev.IdeaJudged(idea, Fate.PROVISIONAL, why, result)
    if result.difference <= 0:
        return ev.IdeaJudged(idea, Fate.NOISE, f"no gain over {_seeds(result)}", result)
    why = f"within noise over {_seeds(result)}, {tried}"
    return ev.IdeaJudged(idea, Fate.NOISE, why, result)


def _seeds(result: Comparison) -> str:
    return f"{result.pairs} seed{'s' * (result.pairs != 1)}"


def compare_search(state: CampaignState, reference: str, commit: str) -> Comparison | None:
    """The search's comparison of two commits, with the moderated p-value; None without pairs.

    Corrected (Bonferroni) for the commits looked at so far.
    """
    name, objective = state.objective.select_on, state.objective
    pairs = state.search_pairs(reference, commit)
    before = [v for a, _ in pairs if (v := a.metrics.get(name)) is not None]
    after = [v for _, b in pairs if (v := b.metrics.get(name)) is not None]
    if not before or len(before) != len(after):
        return None
    tried = max(1, len(state.looked_at))
    result = statistics.compare(name, objective.direction, before, after, corrections=tried)
    sign = objective.direction.sign
    found = [sign * (b - a) for a, b in zip(before, after, strict=True)]
    p = racing.p_value(found, _noise(state, found))
    corrected = None if p is None else min(1.0, p * tried)
    return replace(result, p_value=p, corrected_p=corrected)


def _noise(state: CampaignState, own: list[float]) -> racing.Noise:
    assert state.baseline is not None
    pool = racing.pooled(state.spread, state.baseline.sd)
    return racing.moderated(own, pool)


def _pruning(state: CampaignState) -> Pruning | None:
    """Bounds on intermediate values, once enough whole runs reported them."""
    histories = [r.intermediate for r in state.runs if r.intermediate and r.outcome is Outcome.OK]
    if not histories:
        return None
    from autosota.agents.ideator.tuning import pruning_bounds

    bounds = pruning_bounds(histories, state.objective.direction)
    if not bounds:
        return None
    return Pruning(state.objective.select_on, state.objective.direction, tuple(bounds))


def side_of(state: CampaignState, commit: str) -> str:
    """The side that the ledger knows a commit by."""
    patch = patch_of(state, commit)
    return patch.id if patch is not None else BASELINE


def search_scores(
    state: CampaignState, commit: str
) -> list[tuple[Hypothesis | None, float | None]]:
    """What was measured on a commit, for the tuner: an idea (None: the commit itself), its mean.

    A mean over fewer seeds than the commit's own is moved by what the commit scored on those
    seeds, so that common luck cancels. None for an idea that failed.
    """
    name = state.objective.select_on
    own = [state.search_value(commit, seed) for seed in state.objective.seeds]
    known = [v for v in own if v is not None]
    if not known:
        return []
    whole = statistics.mean(known)
    found: list[tuple[Hypothesis | None, float | None]] = [(None, whole)]
    for idea in dict.fromkeys(i.idea for i in state.iterations if i.parent == commit):
        if idea not in state.judged:
            continue
        patch = state.patches.get(state.patch_on(idea, commit) or "")
        pairs = state.search_pairs(commit, patch.commit) if patch is not None else []
        moves = [
            new - old
            for a, b in pairs
            if (old := a.metrics.get(name)) is not None and (new := b.metrics.get(name)) is not None
        ]
        mean = whole + statistics.mean(moves) if moves else None
        found.append((state.ideas[idea], mean))
    return found
