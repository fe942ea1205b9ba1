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

from autosota.agents.domain import (
    Comparison,
    Decision,
    Fate,
    Granularity,
    Hypothesis,
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
from autosota.agents.scheduler.baseline import seeds_are_idle
from autosota.agents.scheduler.spending import (
    can_afford_idea,
    can_afford_runs,
    confirmation_pairs,
    set_aside,
)
from autosota.agents.scheduler.state import CampaignState
from autosota.agents.scheduler.trial import (
    Failed,
    changes_nothing,
    compare_search,
    noise_of,
    patch_of,
    race,
    too_dear,
)

HONEYMOON = 5
"""Paper, 3.8: iterations that a leap has before it is rolled back."""

WAIT_SDS = 0.5
"""A leap that is worse by more than this many sds of a paired difference is rolled back at once."""

MOST_COMBINATIONS = 3
"""Combinations on one optimum: each further one needs a new promising idea."""

PATIENCE = 6
"""Iterations without a keep after which a search is over that has something sure to confirm."""

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
    if _is_over(state) and state.proposals:
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
    noise = noise_of(state, found)
    if statistics.mean(found) < -WAIT_SDS * noise.sd:
        return None  # clearly worse: there is nothing to wait for
    if changes_nothing(state, last.parent, patch.commit):
        return None
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
    if nothing := changes_nothing(state, reference, commit):
        return ev.IdeaJudged(idea, Fate.NOISE, nothing, result)
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
