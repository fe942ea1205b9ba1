"""A simulated world for the scheduler: it carries out actions with made-up numbers."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from autosota.agents.domain import (
    BASELINE,
    Boundary,
    Budget,
    Decision,
    Granularity,
    Hypothesis,
    Isolation,
    Machine,
    Objective,
    Outcome,
    Patch,
    Place,
    Purpose,
    Verdict,
)
from autosota.agents.scheduler import actions
from autosota.agents.scheduler import events as ev
from autosota.agents.scheduler.decide import next_action
from autosota.agents.scheduler.state import CampaignState


def idea(name: str, granularity: Granularity = Granularity.CODE) -> Hypothesis:
    return Hypothesis(
        id=name,
        title=name,
        granularity=granularity,
        transformation=name,
        place=Place("train.py", 1),
        symbol="",
        reason="",
        paper="",
    )


@dataclass
class World:
    """Effects are per idea, on the search metric and on the claim, in the metric's unit."""

    ideas: list[Hypothesis]
    effect: dict[str, float] = field(default_factory=dict)
    claim_effect: dict[str, float] | None = None
    sd: float = 0.01
    budget: Budget = field(default_factory=lambda: Budget(evaluations=120))
    objective: Objective | None = None
    random_seed: int = 0
    outcome: Callable[[actions.Execute, str], Outcome] = lambda _action, _idea: Outcome.OK
    cleared: Callable[[str], Decision] = lambda _idea: Decision.CLEARED
    extra: Callable[[actions.Execute, str], dict[str, float]] = lambda _a, _i: {}
    seconds: Callable[[str], float] = lambda _idea: 1.0
    outcomes: Callable[[actions.CompareOutcomes], ev.OutcomesCompared] = lambda action: (
        ev.OutcomesCompared(action.patch, 0, None, "no files")
    )
    superseded: Callable[[str], tuple[str, ...]] = lambda _commit: ()
    knob: float | None = None
    scales: float = 1.0
    takes: Callable[[float], float] | None = None
    log: list[actions.Action] = field(default_factory=list)
    events: list[ev.Event] = field(default_factory=list)

    def start(self) -> ev.CampaignStarted:
        objective = self.objective or Objective("train {seed}", "test", "val")
        return ev.CampaignStarted(
            replace(objective, budget=self.budget), "hash", "base", False, "0"
        )

    def noise(self, *key: object) -> float:
        return random.Random(f"{self.random_seed}|{key}").gauss(0.0, self.sd)

    def ideas_in(self, commit: str) -> list[str]:
        parts = commit.split("+")[1:]
        return [idea for part in parts for idea in part.split("&") if idea != "null"]

    def code(self, action: actions.Execute) -> tuple[str, ...]:
        """What a run's noise depends on: its code, and what its variant changes."""
        commit = action.commit.removesuffix("+null")
        plain = not action.variant.arguments and action.variant.permute is None
        return (commit,) if plain else (commit, action.variant.name)

    def turned(self, action: actions.Execute) -> float:
        """How much longer a run takes because the compute knob was turned."""
        if self.knob is None or not action.variant.arguments.startswith("--epochs "):
            return 1.0
        setting = float(action.variant.arguments.split()[1])
        if self.takes is not None:
            return self.takes(setting)
        return 1.0 + self.scales * (setting / self.knob - 1.0)

    def run(self, action: actions.Execute) -> ev.RunFinished:
        names = self.ideas_in(action.commit)
        name = names[-1] if names else BASELINE
        claim = self.effect if self.claim_effect is None else self.claim_effect
        outcome = self.outcome(action, name)
        metrics: dict[str, float | None] = {
            "val": 0.8
            + sum(self.effect.get(n, 0.0) for n in names)
            + self.noise("val", *self.code(action), action.seed),
        }
        if action.purpose is not Purpose.SEARCH:
            metrics["test"] = (
                0.78
                + sum(claim.get(n, 0.0) for n in names)
                + self.noise("test", *self.code(action), action.seed)
            )
        metrics |= self.extra(action, name)
        return ev.RunFinished(
            run_id=f"{action.purpose}-{action.commit}-{action.seed}",
            purpose=action.purpose,
            side=action.side,
            commit=action.commit,
            seed=action.seed,
            outcome=outcome,
            reason="",
            metrics=metrics if outcome is Outcome.OK else {},
            isolation=Isolation.SEALED,
            wall_seconds=self.seconds(name) * self.turned(action),
            receipt="",
            variant=action.variant.name,
            attempt=action.attempt,
        )

    def execute(self, state: CampaignState, action: actions.Action) -> ev.Event:
        match action:
            case actions.Prepare():
                return ev.EnvironmentReady("python", "", "", Isolation.SEALED, Machine())
            case actions.Analyse():
                return ev.CodeAnalysed(Boundary(), "", "", compute_knob=self.knob)
            case actions.Execute():
                return self.run(action)
            case actions.Propose():
                new = [i for i in self.ideas if i.id not in state.ideas]
                gone = self.superseded(action.commit) if state.ideas else ()
                return ev.IdeasProposed(action.commit, tuple(new), superseded=tuple(gone))
            case actions.Tune():
                return ev.IdeasProposed(action.commit, (), by="tuner")
            case actions.Combine():
                both = replace(
                    idea("&".join(action.ideas)),
                    provenance="combination",
                    arguments={"ideas": " ".join(action.ideas)},
                )
                return ev.IdeasProposed(action.commit, (both,), by="combination")
            case actions.Implement():
                number = len(state.patches) + 1
                commit = f"{action.parent}+{action.idea}"
                return ev.PatchMade(Patch(f"p{number}", action.idea, action.parent, commit, ""))
            case actions.Plant():
                return ev.PatchMade(
                    Patch("null", "null", action.parent, f"{action.parent}+null", "")
                )
            case actions.TakeApart():
                pieces = [
                    ev.Piece(f"h{n}", "train.py", n, name)
                    for n, name in enumerate(self.ideas_in(action.commit))
                ]
                return ev.AblationPlanned(action.patch, action.commit, tuple(pieces))
            case actions.Reduce():
                whole = self.ideas_in(state.patches[action.patch].commit)
                left = [n for i, n in enumerate(whole) if f"h{i}" not in action.drop]
                commit = "+".join([f"base~{len(state.reduced)}", *left])
                made = Patch(f"r{len(state.reduced)}", whole[-1], "base", commit, "")
                return ev.PatchReduced(made, action.patch, action.drop)
            case actions.CompareOutcomes():
                return self.outcomes(action)
            case actions.Audit():
                name = state.patches[action.patch].hypothesis
                return ev.PatchAudited(action.patch, Verdict(self.cleared(name)))
            case actions.Record():
                return action.event
        raise AssertionError(action)

    def play(self, limit: int = 2000) -> CampaignState:
        state = CampaignState()
        for event in self.events or [self.start()]:
            state.apply(event)
        self.events = self.events or [self.start()]
        for _ in range(limit):
            action = next_action(state)
            if isinstance(action, actions.Done):
                return state
            self.log.append(action)
            event = self.execute(state, action)
            self.events.append(event)
            state.apply(event)
        raise AssertionError("the campaign does not end")


@pytest.fixture
def world() -> type[World]:
    return World


@pytest.fixture
def make_idea() -> Callable[..., Hypothesis]:
    return idea
