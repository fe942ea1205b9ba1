"""A synthetic repository that answers the scheduler's actions with drawn numbers, quickly.

The real `next_action` decides; here is what the driver, the sandbox and the ideator would have
answered. A commit is the set of ideas in it: `base`, `base+3+7`. Every number is drawn once and
kept, so several loops can be played in one world and see the same runs.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from autosota.agents.domain import (
    Boundary,
    Budget,
    CampaignVerdict,
    Decision,
    Granularity,
    Hypothesis,
    Isolation,
    Level,
    Machine,
    Objective,
    Outcome,
    Patch,
    Place,
    Purpose,
    Verdict,
)
from autosota.agents.ideator.combination import combination, part_ids
from autosota.agents.scheduler import actions, statistics
from autosota.agents.scheduler import events as ev
from autosota.agents.scheduler.decide import next_action
from autosota.agents.scheduler.state import NULL_PATCH, CampaignState
from simulated.noise import WARM_UP, Noise

BASE = "base"
UNIT = 0.01
"""One nominal sd of the paired difference, in the unit of the metric; ties have 0.005."""

SAME = 0.5
"""The correlation of a run's noise on the search metric and on the claim."""

_MOST_RUNS = 1000
_BLOCK = 512
_PLACE = Place("train.py", 1)
_CLEARED = Verdict(Decision.CLEARED)
Code = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ideas:
    """A library: what each idea is worth, in nominal sd of the paired difference.

    `truth` is on fresh data; `search` and `claim` are on the rows that the two metrics use.
    """

    truth: tuple[float, ...]
    search: tuple[float, ...]
    claim: tuple[float, ...]


def library(stream: np.random.Generator, count: int) -> tuple[Hypothesis, ...]:
    """Ideas in a random mix of depth, priority and risk."""
    depths = stream.choice(3, count, p=[0.4, 0.4, 0.2])
    levels = stream.choice(3, (2, count), p=[0.3, 0.5, 0.2])
    depth = (Granularity.PARAM, Granularity.CODE, Granularity.ALGO)
    priority = (Level.LOW, Level.MEDIUM, Level.HIGH)
    return tuple(
        Hypothesis(
            str(k), f"idea {k}", depth[depths[k]], f"idea {k}", _PLACE, "", "", "",
            priority=priority[levels[0, k]], risk=priority[levels[1, k]],
        )
        for k in range(count)
    )  # fmt: skip


class World:
    """One synthetic repository with its ideas and its machine."""

    def __init__(self, noise: Noise, ideas: Ideas, seed: int) -> None:
        """Draw the library, the tails and the machine; runs are drawn when they are asked for."""
        self.noise, self.worth = noise, ideas
        self.stream = np.random.default_rng(seed)
        self.ideas = library(self.stream, len(ideas.truth))
        self.unit = UNIT / 2 if noise.step else UNIT
        tails = self.stream.choice((-1.0, 1.0), len(ideas.truth) + 1)
        self._tails = [float(noise.tails or t) for t in tails]
        self._drift = [0.0] * _MOST_RUNS
        if noise.drift or noise.wander:
            end = noise.drift * self.stream.choice((-1.0, 1.0))
            walk = np.cumsum(self.stream.standard_normal(_MOST_RUNS)) * noise.wander
            path = end * (1 - np.exp(-np.arange(_MOST_RUNS) / WARM_UP)) + walk
            self._drift = path.tolist()
        self._runs: dict[tuple[Code, int], tuple[float, float]] = {}
        self._parts: dict[tuple[str, int], tuple[float, float]] = {}
        self._drawn: list[float] = []
        self._normals: list[float] = []
        self._coins: list[float] = []

    def truth(self, code: Code) -> float:
        """What the ideas in a code are worth on fresh data, in the metric's unit."""
        return self.unit * math.fsum(self.worth.truth[int(i)] for i in code)

    def run(self, code: Code, seed: int, order: int) -> tuple[float, float]:
        """The search metric and the claim of one run.

        Args:
            code: the ideas in it, sorted.
            seed: of the run.
            order: how many runs the machine did before.
        """
        found = self._runs.get((code, seed))
        if found is None:
            found = self._runs[(code, seed)] = self._draw_run(code, seed)
        val, test = found
        noise = self.noise
        moved = self._drift[order]
        if noise.rerun:
            val += noise.rerun * self._normal()
            test += noise.rerun * self._normal()
        val, test = val + moved, test + moved
        if noise.step:
            val = round(val / noise.step) * noise.step
            test = round(test / noise.step) * noise.step
        return 0.8 + self.unit * val, 0.78 + self.unit * test

    def _draw_run(self, code: Code, seed: int) -> tuple[float, float]:
        noise, worth = self.noise, self.worth
        val, test = self._part("seed", seed)
        own, other = self._twice(noise.own * self._tails[int(code[-1]) if code else -1])
        val, test = val + own, test + other
        for idea in code:
            if noise.interaction:
                first, second = self._part(idea, seed)
                val, test = val + first, test + second
            val, test = val + worth.search[int(idea)], test + worth.claim[int(idea)]
        if noise.collapse and self._coin() < noise.collapse:
            val, test = val - noise.depth, test - noise.depth
        return val, test

    def _part(self, what: str, seed: int) -> tuple[float, float]:
        """What a seed does to everything (`seed`), or to one idea."""
        found = self._parts.get((what, seed))
        if found is None:
            if what == "seed":
                scale = self.noise.common
                found = (scale * self._normal(), scale * self._normal())
            else:
                found = self._twice(self.noise.interaction * self._tails[int(what)])
            self._parts[(what, seed)] = found
        return found

    def _twice(self, scale: float) -> tuple[float, float]:
        """The same draw for both metrics, or two: so they correlate and keep their shape."""
        first = scale * self._draw()
        return (first, first) if self._coin() < SAME else (first, scale * self._draw())

    def _draw(self) -> float:
        if not self._drawn:
            self._drawn = self.noise.draw(self.stream, _BLOCK).tolist()
        return self._drawn.pop()

    def _normal(self) -> float:
        if not self._normals:
            self._normals = self.stream.standard_normal(_BLOCK).tolist()
        return self._normals.pop()

    def _coin(self) -> float:
        if not self._coins:
            self._coins = self.stream.random(_BLOCK).tolist()
        return self._coins.pop()


# ------------------------------------------------------------------ the driver


def code_of(commit: str) -> Code:
    """The ideas in a commit."""
    return tuple(sorted(commit.split("+")[1:]))


def commit_of(code: Iterable[str]) -> str:
    """The commit that holds these ideas, whatever their order; comments change nothing."""
    return "+".join((BASE, *sorted(code)))


@dataclass(frozen=True, slots=True)
class Result:
    """How a campaign ended. Gains in the metric's unit, over the base.

    `search_gain` is the plain mean of the search's pairs with the base, `expected` the shrunken
    one of the plan, `claim_gain` that of the fresh seeds; None where it did not come to that.
    `search_pairs` counts the seeds that the search spent on the winner, `confirm_pairs` fresh ones.
    """

    verdict: CampaignVerdict
    reason: str
    code: Code
    truth: float
    planned: bool
    search_pairs: int
    confirm_pairs: int
    evaluations: int
    ideas: int
    search_gain: float | None
    expected: float | None
    claim_gain: float | None

    @property
    def shrinkage(self) -> float | None:
        """What the search promised beyond the claim; None where one was not measured."""
        if self.search_gain is None or self.claim_gain is None:
            return None
        return self.search_gain - self.claim_gain

    @property
    def flattery(self) -> float | None:
        """What the claim says beyond the truth; None where it was not read."""
        return None if self.claim_gain is None else self.claim_gain - self.truth

    @property
    def confirmed(self) -> bool:
        """The campaign claims a gain."""
        return self.verdict is CampaignVerdict.CONFIRMED


class Driver:
    """Carries out the scheduler's actions in a world."""

    def __init__(self, world: World) -> None:
        """The world answers; `state` is the fold of what it answered."""
        self.world = world
        self.state = CampaignState()

    def play(self, objective: Objective, prior_confirmations: int = 0) -> CampaignState:
        """One campaign, from its first event to its last."""
        state = self.state
        state.apply(ev.CampaignStarted(objective, "hash", BASE, False, "0", prior_confirmations))
        while not isinstance(action := next_action(state), actions.Done):
            state.apply(self.answer(action))
        return state

    def answer(self, action: actions.Action) -> ev.Event:
        """The event that an action yields."""
        match action:
            case actions.Record():
                return action.event
            case actions.Execute():
                return self._run(action)
            case actions.Audit():
                return ev.PatchAudited(action.patch, _CLEARED)
            case actions.Implement():
                parts = part_ids(self.state.ideas[action.idea])
                commit = commit_of({*code_of(action.parent), *parts})
                return ev.PatchMade(Patch(self._name(), action.idea, action.parent, commit, ""))
            case actions.Propose():
                new = tuple(i for i in self.world.ideas if i.id not in self.state.ideas)
                return ev.IdeasProposed(action.commit, new)
            case actions.Tune():
                return ev.IdeasProposed(action.commit, (), "tuner")
            case actions.Combine():
                idea = combination([self.state.ideas[name] for name in action.ideas])
                new = () if idea.id in self.state.ideas else (idea,)
                return ev.IdeasProposed(action.commit, new, "combination")
            case actions.TakeApart():
                pieces = [ev.Piece(i, "train.py", 1, i) for i in code_of(action.commit)]
                return ev.AblationPlanned(action.patch, action.commit, tuple(pieces))
            case actions.Reduce():
                whole = code_of(self.state.patches[action.patch].commit)
                left = commit_of([i for i in whole if i not in action.drop])
                patch = Patch(self._name(), "reduced", BASE, left, "")
                return ev.PatchReduced(patch, action.patch, action.drop)
            case actions.Plant():
                commit = f"{action.parent}#null"
                return ev.PatchMade(Patch(self._name(), NULL_PATCH, action.parent, commit, ""))
            case actions.CompareOutcomes():
                return ev.OutcomesCompared(action.patch, 0, None, "no outcomes were saved")
            case actions.Prepare():
                return ev.EnvironmentReady("python", "", "", Isolation.SEALED, Machine())
            case actions.Analyse():
                return ev.CodeAnalysed(Boundary(), "", "")
        raise AssertionError(action)

    def _name(self) -> str:
        return f"p{len(self.state.patches) + 1}"

    def _run(self, action: actions.Execute) -> ev.RunFinished:
        order = len(self.state.runs)
        code = code_of(action.commit.removesuffix("#null"))
        val, test = self.world.run(code, action.seed, order)
        masked = action.purpose is Purpose.SEARCH
        return ev.RunFinished(
            f"r{order}", action.purpose, action.side, action.commit, action.seed, Outcome.OK, "",
            {"val": val, "test": None if masked else test},
            Isolation.SEALED, 1.0, "", variant=action.variant.name, attempt=action.attempt,
        )  # fmt: skip


def objective_of(evaluations: int, seeds: int = 5, confirm_seeds: int = 10) -> Objective:
    """An objective whose only limit is the number of runs."""
    return Objective(
        "train {seed}", "test", "val", seeds=tuple(range(seeds)), confirm_seeds=confirm_seeds,
        budget=Budget(evaluations=evaluations, wall_seconds=1e12),
    )  # fmt: skip


def campaign(world: World, objective: Objective, prior_confirmations: int = 0) -> Result:
    """Play the real scheduler in a world."""
    state = Driver(world).play(objective, prior_confirmations)
    finished, plan, best = state.finished, state.plan, state.best
    assert finished is not None
    commit = best.commit if best is not None else BASE
    pairs = state.search_pairs(BASE, commit) if best is not None else []
    gains = [b.metrics["val"] - a.metrics["val"] for a, b in pairs]  # type: ignore[operator]
    spent = {r.seed for r in state.runs if r.purpose is Purpose.SEARCH and r.commit == commit}
    judged = state.confirmation
    claim = judged.comparison.difference if judged and judged.comparison else None
    fresh = sum(
        state.run(Purpose.CONFIRM, commit, seed) is not None for seed in plan.seeds
    ) if plan is not None else 0  # fmt: skip
    return Result(
        verdict=finished.verdict,
        reason=finished.reason,
        code=code_of(commit),
        truth=world.truth(code_of(commit)),
        planned=plan is not None,
        search_pairs=len(spent),
        confirm_pairs=fresh,
        evaluations=finished.evaluations,
        ideas=finished.ideas,
        search_gain=statistics.mean(gains) if gains else None,
        expected=plan.effect if plan is not None else None,
        claim_gain=claim,
    )
