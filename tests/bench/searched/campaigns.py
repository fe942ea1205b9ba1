"""Campaigns of the search bench: the product's scheduler over real executions, in memory.

The scheduler, the idea library, the implementations, the audit and the statistics are the
product's; only git, sandbox and ledger are left out. Whoever plays decides when the search
hands over to the confirmation (`worth_confirming`), and all methods share that rule. What they
cost is charged as if nothing had been run before.
"""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from autosota.agents import domain
from autosota.agents.code.tree import PatchedTree
from autosota.agents.domain import (
    Budget,
    CampaignVerdict,
    Fate,
    Granularity,
    Hypothesis,
    Isolation,
    Level,
    Machine,
    Patch,
    Purpose,
    Verdict,
)
from autosota.agents.ideator import tuning
from autosota.agents.ideator.combination import combination
from autosota.agents.ideator.draft import NotApplicable
from autosota.agents.ideator.ideation import implement, propose
from autosota.agents.ideator.library import merge
from autosota.agents.ideator.null import null_patch
from autosota.agents.ideator.pieces import reduce, take_apart
from autosota.agents.protocols import Tree
from autosota.agents.scheduler import actions
from autosota.agents.scheduler import events as ev
from autosota.agents.scheduler.claims import NULL
from autosota.agents.scheduler.decide import next_action
from autosota.agents.scheduler.search import search_scores
from autosota.agents.scheduler.state import NULL_PATCH, CampaignState
from autosota.agents.supervisor.audit import audit
from searched.executions import Executor, Repository, digest

BASE = "base"
MOST_EVENTS = 5000
LONG = 1e9
"""Seconds: the budget of the bench is counted in executions."""


@dataclass(slots=True)
class Memory:
    """Answers of pure functions that took long, with the processor seconds they took."""

    found: dict[tuple[object, ...], tuple[Any, float]] = field(default_factory=dict)

    def ask(self, key: tuple[object, ...], compute: Callable[[], Any]) -> tuple[Any, float]:
        """The answer and what it costs without this memory."""
        if key not in self.found:
            began = time.process_time()
            answer = compute()
            self.found[key] = (answer, time.process_time() - began)
        return self.found[key]


@dataclass(slots=True)
class Spent:
    """What a method was charged: executions, their seconds, and its own thinking."""

    evaluations: int = 0
    seconds: float = 0.0
    thinking: float = 0.0


class Player:
    """One campaign over one repository.

    Args:
        repository: the task.
        executor: runs it.
        memory: shared by all methods.
        spent: what is charged goes here.
        seeds: of the search.
        evaluations: the campaign's budget.
        attempt: confirmations that were tried on this claim before.
        order: shuffles the library and makes all ideas equal; no tuner, no combinations.
        refuted: ideas that did not hold when they were confirmed before.
    """

    def __init__(
        self,
        repository: Repository,
        executor: Executor,
        memory: Memory,
        spent: Spent,
        seeds: tuple[int, ...],
        evaluations: int,
        attempt: int = 0,
        order: random.Random | None = None,
        refuted: tuple[str, ...] = (),
    ) -> None:
        self.repository, self._executor, self._memory = repository, executor, memory
        self.spent, self._order = spent, order
        self.trees: dict[str, Tree] = {BASE: repository.tree}
        self.events: list[ev.Event] = []
        self.state = CampaignState()
        objective = replace(
            repository.objective, seeds=seeds, budget=Budget(evaluations, wall_seconds=LONG)
        )
        self.append(ev.CampaignStarted(objective, "", BASE, False, "0", attempt, refuted))
        self.append(ev.EnvironmentReady("python", "", "", Isolation.OVERLAID, Machine()))
        self.append(ev.CodeAnalysed(repository.boundary, "", ""))

    # ------------------------------------------------------------------ the loop

    def append(self, event: ev.Event) -> None:
        """One more fact."""
        self.events.append(event)
        self.state.apply(event)

    def play(self, until: Callable[[CampaignState], bool] = lambda _state: False) -> CampaignState:
        """Go on to the end, or until the state is as wanted."""
        while not until(self.state):
            if len(self.events) > MOST_EVENTS:
                raise RuntimeError(f"{self.repository.name}: the campaign does not end")
            began = time.process_time()
            action = next_action(self.state)
            self.spent.thinking += time.process_time() - began
            if isinstance(action, actions.Done):
                break
            self.append(self.carry_out(action))
        return self.state

    def end_search(self) -> None:
        """No further idea: what was kept goes to the confirmation (as with `budget.ideas`)."""
        start = self.state.start
        budget = replace(start.objective.budget, ideas=len(self.state.iterations))
        self.state.started = replace(start, objective=replace(start.objective, budget=budget))

    def carry_out(self, action: actions.Action) -> ev.Event:
        """What comes of an action."""
        state = self.state
        match action:
            case actions.Execute():
                return self.execute(action)
            case actions.Propose():
                return self._propose(action.commit)
            case actions.Tune():
                return self._tune(action.commit)
            case actions.Combine():
                ideas = [state.ideas[i] for i in action.ideas]
                both = combination(ideas) if self._order is None else None
                new = () if both is None or both.id in state.ideas else (both,)
                return ev.IdeasProposed(action.commit, new, by="combination")
            case actions.Implement():
                return self.implement(state.ideas[action.idea], action.parent)
            case actions.Audit():
                return ev.PatchAudited(action.patch, self._audit(action.patch))
            case actions.Plant():
                objective, boundary = state.objective, self.repository.boundary
                comment = null_patch(self.trees[BASE], objective, boundary)
                commit = self.commit(BASE, dict(comment))
                return ev.PatchMade(Patch("null", NULL_PATCH, BASE, commit, ""))
            case actions.TakeApart():
                pieces = take_apart(self.trees[BASE], self.trees[action.commit])
                return ev.AblationPlanned(action.patch, action.commit, pieces)
            case actions.Reduce():
                whole = state.patches[action.patch]
                changes = reduce(self.trees[BASE], self.trees[whole.commit], action.drop)
                commit = self.commit(BASE, changes)
                name = f"r{len(state.reduced) + 1}"
                made = Patch(name, whole.hypothesis, BASE, commit, "")
                return ev.PatchReduced(made, whole.id, action.drop)
            case actions.Record():
                return action.event
        raise AssertionError(f"not part of this bench: {action}")

    # ------------------------------------------------------------------ its steps

    def commit(self, parent: str, changes: Mapping[str, bytes | None]) -> str:
        """A commit in memory; its name depends on parent and content."""
        tree = PatchedTree(self.trees[parent], changes)
        name = hashlib.sha256(f"{parent} {digest(tree)}".encode()).hexdigest()[:12]
        self.trees[name] = tree
        return name

    def execute(self, action: actions.Execute) -> ev.RunFinished:
        """A real run; the claim is masked while the search looks."""
        if action.variant.arguments or action.variant.permute is not None:
            raise AssertionError(f"no task of this bench declares {action.variant.name}")
        found = self._executor.run(self.repository, self.trees[action.commit], action.seed)
        self.spent.evaluations += 1
        self.spent.seconds += found.seconds
        searches = action.purpose is Purpose.SEARCH or action.variant.name == NULL
        masked = self.state.objective.tells_of_claim
        metrics = {
            name: None if searches and masked(name) else value
            for name, value in found.metrics.items()
        }
        return ev.RunFinished(
            run_id=f"{action.purpose}-{action.side}-{action.seed}-{action.variant.name}",
            purpose=action.purpose,
            side=action.side,
            commit=action.commit,
            seed=action.seed,
            outcome=found.outcome,
            reason=found.reason,
            metrics=metrics if found.outcome is domain.Outcome.OK else {},
            isolation=Isolation.OVERLAID,
            wall_seconds=found.seconds,
            receipt="",
            resources={"cpu_seconds": found.seconds},
            variant=action.variant.name,
            attempt=action.attempt,
        )

    def _ask(self, *key: object, compute: Callable[[], Any]) -> Any:
        answer, seconds = self._memory.ask((self.repository.name, *key), compute)
        self.spent.thinking += seconds
        return answer

    def _propose(self, commit: str) -> ev.IdeasProposed:
        tree, objective = self.trees[commit], self.state.objective
        boundary = self.repository.boundary
        found: list[Hypothesis] = self._ask(
            "propose", digest(tree), compute=lambda: propose(tree, objective, boundary)
        )
        if self._order is not None:
            found = [_equal(idea) for idea in found]
            self._order.shuffle(found)
        return ev.IdeasProposed(commit, tuple(merge(self.state.ideas.values(), found)))

    def _tune(self, commit: str) -> ev.IdeasProposed:
        """The optimiser's next setting, as the campaign's driver asks for it."""
        if self._order is not None:
            return ev.IdeasProposed(commit, (), by="tuner")
        settings = self.settings(commit)
        objective = self.state.objective
        began = time.process_time()
        trials = [
            tuning.Trial(values, score)
            for idea, score in search_scores(self.state, commit)
            if (values := {} if idea is None else tuning.values_of(idea, settings)) is not None
        ]
        found = tuning.suggest(
            settings, trials, direction=objective.direction, seed=objective.seeds[0]
        )
        self.spent.thinking += time.process_time() - began
        ideas: tuple[Hypothesis, ...] = ()
        if found is not None:
            idea = tuning.tuned(settings, found)
            ideas = () if idea.id in self.state.ideas else (idea,)
        return ev.IdeasProposed(commit, ideas, by="tuner")

    def settings(self, commit: str) -> tuple[tuning.Setting, ...]:
        """The numbers of the code at a commit that an optimiser may set."""
        tree, objective = self.trees[commit], self.state.objective
        boundary = self.repository.boundary
        found: tuple[tuning.Setting, ...] = self._ask(
            "tunable", digest(tree), compute=lambda: tuning.tunable(tree, objective, boundary)
        )
        return found

    def implement(self, idea: Hypothesis, parent: str) -> ev.PatchMade | ev.IdeaJudged:
        """The idea as a commit, or why it cannot be one."""
        tree = self.trees[parent]

        def compute() -> dict[str, bytes] | str:
            try:
                return dict(implement(idea, tree, self.state.ideas).changes)
            except NotApplicable as refusal:
                return str(refusal)

        changes = self._ask("implement", idea.id, digest(tree), compute=compute)
        if isinstance(changes, str):
            return ev.IdeaJudged(idea.id, Fate.NOT_APPLICABLE, changes)
        patch = f"p{len(self.state.patches) + 1}"
        return ev.PatchMade(Patch(patch, idea.id, parent, self.commit(parent, changes), ""))

    def _audit(self, patch: str) -> Verdict:
        tree = self.trees[self.state.patches[patch].commit]
        base, objective = self.trees[BASE], self.state.objective
        verdict: Verdict = self._ask(
            "audit",
            digest(tree),
            compute=lambda: audit(base, tree, objective, self.repository.boundary),
        )
        return verdict


def _equal(idea: Hypothesis) -> Hypothesis:
    """The same change, with nothing that selection could prefer it by."""
    return replace(
        idea,
        granularity=Granularity.CODE,
        priority=Level.MEDIUM,
        risk=Level.LOW,
        family=idea.id,
        cost=1.0,
    )


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a search ended.

    `spent` is until the confirmation, or until nothing more could be done. `gain` is on the
    claim, positive is better, relative to the baseline. `story` has one line per campaign.
    """

    found: bool
    spent: Spent
    gain: float | None
    attempts: int
    story: tuple[str, ...]


def ours(
    repository: Repository,
    executor: Executor,
    memory: Memory,
    seeds: tuple[int, ...],
    budget: int,
    *,
    patient: bool = False,
) -> Outcome:
    """The product's search; a patient one ends when a campaign of the product would."""
    at = (repository, executor, memory, seeds, budget)
    return _campaigns(*at, None, patient=patient)


def random_order(
    repository: Repository,
    executor: Executor,
    memory: Memory,
    seeds: tuple[int, ...],
    budget: int,
    order: random.Random,
) -> Outcome:
    """The same ideas, races and confirmation, in an order that knows nothing."""
    return _campaigns(repository, executor, memory, seeds, budget, order)


def _campaigns(
    repository: Repository,
    executor: Executor,
    memory: Memory,
    seeds: tuple[int, ...],
    budget: int,
    order: random.Random | None,
    *,
    patient: bool = False,
) -> Outcome:
    """Campaigns one after the other until one confirms a gain, or the budget is spent."""
    spent, attempts, story = Spent(), 0, []
    refuted: dict[str, None] = {}
    while budget - spent.evaluations > len(seeds):
        left = budget - spent.evaluations
        known = tuple(refuted)
        player = Player(repository, executor, memory, spent, seeds, left, attempts, order, known)
        player.play(until=lambda state: state.best is not None and not patient)
        if player.state.best is not None:
            player.end_search()
        state = player.play()
        story.append(told(state))
        assert state.finished is not None
        if state.finished.verdict is CampaignVerdict.CONFIRMED:
            return Outcome(True, spent, gain_of(state), attempts + 1, tuple(story))
        if state.plan is None:
            break  # nothing was kept: the same search again would end the same
        attempts += 1
        judged, best = state.confirmation, state.best
        if judged is not None and judged.fate is Fate.NOISE and best is not None:
            refuted.update(dict.fromkeys(best.ideas))
    return Outcome(False, spent, None, attempts, tuple(story))


def gain_of(state: CampaignState) -> float | None:
    """The confirmed gain on the claim, relative to the baseline."""
    result = state.confirmation.comparison if state.confirmation is not None else None
    if result is None or result.difference is None or not result.baseline_mean:
        return None
    return result.difference / abs(result.baseline_mean)


def told(state: CampaignState) -> str:
    """What a campaign did, in one line."""
    parts = [f"baseline {_runs(state, Purpose.BASELINE)}"]
    leaps = {i.idea for i in state.iterations if i.leap}
    reductions = {p.patch.commit for p in state.reduced.values()}
    for iteration in state.iterations:
        judged = state.judged.get(iteration.idea)
        patch = state.patches.get(state.patch_on(iteration.idea, iteration.parent) or "")
        runs = [r for r in state.runs if patch is not None and r.commit == patch.commit]
        search = sum(r.purpose is Purpose.SEARCH for r in runs)
        idea = state.ideas[iteration.idea]
        fate = judged.fate if judged is not None else "open"
        mark = "leap " if iteration.idea in leaps else ""
        cost = f" {idea.cost:.1f}x" if idea.cost > 1.1 else ""
        parts.append(f"{mark}{idea.transformation}{cost} {search} {fate}")
    ablation = sum(r.commit in reductions for r in state.runs if r.purpose is Purpose.SEARCH)
    if ablation:
        parts.append(f"ablation {ablation}")
    if state.plan is not None:
        parts.append(f"confirm {_runs(state, Purpose.CONFIRM)}")
    if _runs(state, Purpose.CONTROL):
        parts.append(f"controls {_runs(state, Purpose.CONTROL)}")
    if state.finished is not None:
        parts.append(f"{state.finished.verdict} ({state.finished.reason})")
    return "; ".join(parts)


def _runs(state: CampaignState, purpose: Purpose) -> int:
    return sum(r.purpose is purpose for r in state.runs)
