"""Ours: the product's own scheduler, asked for one action after the other, carried out here.

A commit is written as the ideas on the base (`base+scale-rank+deep`, and `~3` behind it where
the same ideas are committed once more), so any commit can be trained. The scheduler sees what
the ledger of a real campaign would hold: validation in the search, the claim of the baseline and
of the confirmation. The fresh test rows are not reachable from here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean

import numpy as np
from tasks.experiment import Config, Experiment
from tasks.ideas import Idea
from tasks.loops import Answer

from autosota.agents.domain import (
    BASELINE,
    Boundary,
    Budget,
    Comparison,
    Decision,
    Fate,
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

NULL = "null"
"""The hypothesis of a patch that changes a comment only."""

_RESAMPLES = 400


@dataclass(slots=True)
class Driver:
    """Carries out the actions of one campaign on one experiment."""

    experiment: Experiment
    baseline: Config
    pool: Sequence[Idea]
    objective: Objective
    state: CampaignState = field(default_factory=CampaignState)
    events: list[ev.Event] = field(default_factory=list)
    _commits: set[str] = field(default_factory=set)

    def play(self, most: int = 5000) -> None:
        """Run the campaign to its end.

        Raises:
            RuntimeError: the scheduler does not come to an end.
        """
        self._append(ev.CampaignStarted(self.objective, "", "base", False, "bench"))
        for _ in range(most):
            action = next_action(self.state)
            if isinstance(action, actions.Done):
                return
            self._append(self._carry_out(action))
        raise RuntimeError(f"no end after {most} actions; the last was {action}")

    def ideas_in(self, commit: str) -> tuple[str, ...]:
        """The names of the ideas that a commit holds, in order; the null patch is none."""
        return tuple(n for n in commit.split("~")[0].split("+")[1:] if n != NULL)

    def config(self, commit: str) -> Config:
        """What a commit trains."""
        ideas = {idea.name: idea for idea in self.pool}
        config = self.baseline
        for name in self.ideas_in(commit):
            config = ideas[name].change(config)
        return config

    def _append(self, event: ev.Event) -> None:
        self.events.append(event)
        self.state.apply(event)

    def _carry_out(self, action: actions.Action) -> ev.Event:
        match action:
            case actions.Prepare():
                return ev.EnvironmentReady("python", "", "", Isolation.SEALED, Machine())
            case actions.Analyse():
                return ev.CodeAnalysed(Boundary(), "", "")
            case actions.Execute():
                return self._execute(action)
            case actions.Propose():
                return ev.IdeasProposed(action.commit, self._propose(action.commit))
            case actions.Tune():
                return ev.IdeasProposed(action.commit, ())
            case actions.Implement():
                return self._implement(action)
            case actions.Audit():
                return ev.PatchAudited(action.patch, Verdict(Decision.CLEARED))
            case actions.Plant():
                return ev.PatchMade(self._patch(NULL, action.parent, self._unique(action.parent)))
            case actions.TakeApart():
                names = self.ideas_in(action.commit)
                pieces = (ev.Piece(f"{i}:{n}", "train.py", i + 1, n) for i, n in enumerate(names))
                return ev.AblationPlanned(action.patch, action.commit, tuple(pieces))
            case actions.Reduce():
                whole = self._patch_of(action.patch)
                names = enumerate(self.ideas_in(whole.commit))
                left = [n for i, n in names if f"{i}:{n}" not in action.drop]
                commit = self._unique("+".join(["base", *left]))
                reduced = self._patch(whole.hypothesis, "base", commit)
                return ev.PatchReduced(reduced, action.patch, action.drop)
            case actions.CompareOutcomes():
                return self._compare_outcomes(action)
            case actions.Record():
                return action.event
            case _:
                raise NotImplementedError(f"the bench cannot carry out {action}")

    def _unique(self, commit: str) -> str:
        """A commit of its own for these ideas, whether or not they were committed before."""
        plain, number = commit.split("~")[0], 1
        commit = plain
        while commit in self._commits or commit == "base":
            number += 1
            commit = f"{plain}~{number}"
        self._commits.add(commit)
        return commit

    def _patch(self, hypothesis: str, parent: str, commit: str) -> Patch:
        made = [e for e in self.events if isinstance(e, ev.PatchMade | ev.PatchReduced)]
        return Patch(f"p{len(made) + 1}", hypothesis, parent, commit, commit)

    def _patch_of(self, name: str) -> Patch:
        made = (e.patch for e in self.events if isinstance(e, ev.PatchMade | ev.PatchReduced))
        return next(p for p in made if p.id == name)

    def _propose(self, commit: str) -> tuple[Hypothesis, ...]:
        """Ideas of the pool that change something at this commit and are new to the library."""
        config = self.config(commit)
        new = (i for i in self.pool if i.name not in self.state.ideas)
        return tuple(
            Hypothesis(
                id=idea.name,
                title=idea.name,
                granularity=idea.granularity,
                transformation=idea.family,
                place=Place("train.py", 1),
                symbol="",
                reason="",
                paper="",
                family=idea.family,
            )
            for idea in new
            if idea.apply(config) is not None
        )

    def _implement(self, action: actions.Implement) -> ev.Event:
        idea = next(i for i in self.pool if i.name == action.idea)
        if idea.apply(self.config(action.parent)) is None:
            why = "it changes nothing"
            return ev.IdeaJudged(action.idea, Fate.NOT_APPLICABLE, why)
        plain = action.parent.split("~")[0]
        commit = self._unique(f"{plain}+{action.idea}")
        return ev.PatchMade(self._patch(action.idea, action.parent, commit))

    def _execute(self, action: actions.Execute) -> ev.RunFinished:
        searching = action.purpose is Purpose.SEARCH
        parts = ("validation",) if searching else ("validation", "claim")
        rows = action.variant.permute
        permute = rows.file if rows is not None else ""
        scores = self.experiment.run(self.config(action.commit), action.seed, parts, permute)
        return ev.RunFinished(
            run_id=f"r{len(self.state.runs) + 1}",
            purpose=action.purpose,
            side=action.side,
            commit=action.commit,
            seed=action.seed,
            outcome=Outcome.OK,
            reason="",
            metrics={
                "val_score": scores["validation"].value,
                "test_score": None if searching else scores["claim"].value,
            },
            isolation=Isolation.SEALED,
            wall_seconds=1.0,
            receipt="",
            variant=action.variant.name,
            attempt=action.attempt,
            outcomes="" if searching else f"{action.commit}@{action.seed}",
        )

    def _compare_outcomes(self, action: actions.CompareOutcomes) -> ev.Event:
        """Resample seeds and rows of the claim, both sides alike."""
        plan = self.state.plan
        assert plan is not None
        rows = [self._rows(plan.commit, seed) - self._rows("base", seed) for seed in plan.seeds]
        table = np.stack(rows)
        return resampled(action.patch, table, action.confidence)

    def _rows(self, commit: str, seed: int) -> np.ndarray:  # type: ignore[type-arg]
        parts = ("validation", "claim")
        return self.experiment.run(self.config(commit), seed, parts)["claim"].rows


def resampled(patch: str, table: np.ndarray, confidence: float) -> ev.OutcomesCompared:  # type: ignore[type-arg]
    """The interval of a mean difference over seeds (rows) and examples (columns), both drawn."""
    stream = np.random.default_rng(0)
    seeds, examples = table.shape
    means = [
        table[stream.integers(0, seeds, seeds)]
        .mean(0)[stream.integers(0, examples, examples)]
        .mean()
        for _ in range(_RESAMPLES)
    ]
    low, high = np.quantile(means, [0.5 - confidence / 2, 0.5 + confidence / 2])
    comparison = Comparison(
        metric="test_score",
        pairs=seeds,
        baseline_mean=None,
        candidate_mean=None,
        difference=float(table.mean()),
        low=float(low),
        high=float(high),
        p_value=float(np.mean(np.asarray(means) <= 0)),
        corrected_p=None,
        corrections=1,
        confidence=confidence,
        covers="training noise and the sampling of the test set",
    )
    return ev.OutcomesCompared(patch, examples, comparison)


def objective(budget: int, outcomes: bool) -> Objective:
    """What a user would write for these experiments."""
    return Objective(
        command="python train.py --seed {seed}",
        metric="test_score",
        select_on="val_score",
        budget=Budget(evaluations=budget, wall_seconds=1e9),
        outcomes="{run_dir}/outcomes.csv" if outcomes else "",
    )


def search(
    experiment: Experiment,
    baseline: Config,
    pool: Sequence[Idea],
    budget: int,
    outcomes: bool = True,
) -> tuple[Answer, Driver]:
    """Play a campaign; the answer is what it ends with, confirmed or not."""
    driver = Driver(experiment, baseline, pool, objective(budget, outcomes))
    driver.play()
    state = driver.state
    finished = state.finished
    assert finished is not None
    commit = "base"
    if state.plan is not None:
        commit = state.plan.commit
    elif state.best is not None:
        commit = state.best.commit
    judged = state.confirmation
    confirmed = judged is not None and judged.fate is Fate.CONFIRMED
    claim = None
    if judged is not None and judged.comparison is not None:
        claim = judged.comparison.difference
    answer = Answer(
        driver.config(commit),
        driver.ideas_in(commit),
        reported(state, commit),
        len(state.runs),
        confirmed,
        claim,
        [_line(e) for e in driver.events if isinstance(e, ev.IdeaJudged | ev.ConfirmationJudged)],
    )
    return answer, driver


def reported(state: CampaignState, commit: str) -> float:
    """The gain on validation that the search says of a commit: the mean over its paired seeds."""
    base = state.start.base_commit
    if commit == base:
        return 0.0
    pairs = [
        (old, new)
        for seed in {r.seed for r in state.runs if r.purpose is Purpose.SEARCH}
        if (new := state.search_value(commit, seed)) is not None
        and (old := state.search_value(base, seed)) is not None
    ]
    return fmean(new - old for old, new in pairs) if pairs else 0.0


def _line(event: ev.IdeaJudged | ev.ConfirmationJudged) -> str:
    name = event.idea if isinstance(event, ev.IdeaJudged) else "CONFIRMATION"
    seen = event.comparison
    numbers = f" {seen.difference:+.4f} over {seen.pairs}" if seen and seen.difference else ""
    return f"{name}: {event.fate}{numbers} ({event.reason})"


def with_plain_baseline(answer: Answer, baseline: Config) -> Answer:
    """The answer of somebody who takes confirmed changes only."""
    if answer.confirmed:
        return answer
    return replace(answer, config=baseline, ideas=(), reported=0.0)
