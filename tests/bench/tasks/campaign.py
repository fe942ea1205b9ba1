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

from autosota.agents.domain import (
    Boundary,
    Budget,
    Decision,
    Fate,
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
from autosota.agents.scheduler.resampling import compare_outcomes
from autosota.agents.scheduler.state import CampaignState
from tasks.experiment import Config, Experiment
from tasks.ideas import Idea
from tasks.loops import Answer

NULL = "null"
"""The hypothesis of a patch that changes a comment only."""


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
            case actions.Tune():  # the pool holds the PARAM ideas already
                return ev.IdeasProposed(action.commit, (), by="tuner")
            case actions.Combine():
                return self._combine(action)
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
                numbered = enumerate(self.ideas_in(whole.commit))
                left = [n for i, n in numbered if f"{i}:{n}" not in action.drop]
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
        return tuple(
            hypothesis(idea.name, idea.granularity, idea.family)
            for idea in self.pool
            if idea.name not in self.state.ideas and idea.apply(config) is not None
        )

    def _combine(self, action: actions.Combine) -> ev.IdeasProposed:
        known = [self.state.ideas[name] for name in action.ideas]
        name = "&".join(action.ideas)
        both = replace(
            hypothesis(name, max(i.granularity for i in known), "combination"),
            provenance="combination",
            arguments={"ideas": " ".join(action.ideas)},
        )
        new = () if name in self.state.ideas else (both,)
        return ev.IdeasProposed(action.commit, new, by="combination")

    def _implement(self, action: actions.Implement) -> ev.Event:
        plain = action.parent.split("~")[0]
        commit = "+".join([plain, *action.idea.split("&")])
        if self.config(commit) == self.config(action.parent):
            why = "it changes nothing"
            return ev.IdeaJudged(action.idea, Fate.NOT_APPLICABLE, why)
        return ev.PatchMade(self._patch(action.idea, action.parent, self._unique(commit)))

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
        """Seeds and rows of the claim, resampled on both sides alike."""
        plan = self.state.plan
        assert plan is not None
        metric, direction = self.objective.metric, self.objective.direction
        pairs = [(self._rows("base", seed), self._rows(plan.commit, seed)) for seed in plan.seeds]
        found = compare_outcomes(metric, direction, pairs, action.confidence)
        comparison, examples, reason = found
        return ev.OutcomesCompared(action.patch, examples, comparison, reason)

    def _rows(self, commit: str, seed: int) -> dict[str, float]:
        parts = ("validation", "claim")
        scored = self.experiment.run(self.config(commit), seed, parts)["claim"].rows
        return {str(number): float(value) for number, value in enumerate(scored)}


def hypothesis(name: str, granularity: Granularity, family: str) -> Hypothesis:
    """An idea as the library holds it: nothing tells which ones will help."""
    return Hypothesis(
        id=name,
        title=name,
        granularity=granularity,
        transformation=family,
        place=Place("train.py", 1),
        symbol="",
        reason="",
        paper="",
        family=family,
    )


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
        state.plan.effect if state.plan is not None else None,
        [_line(e) for e in driver.events if isinstance(e, ev.IdeaJudged | ev.ConfirmationJudged)],
    )
    return answer, driver


def reported(state: CampaignState, commit: str) -> float:
    """The gain on validation that the search says of a commit.

    The mean over the seeds it shares with the base; a patch that the ablation made smaller ran on
    other seeds than the base, and is told by the difference of the means.
    """
    base, name = state.start.base_commit, state.objective.select_on
    if commit == base:
        return 0.0
    pairs = state.search_pairs(base, commit)
    if not pairs:
        searched = (Purpose.SEARCH, Purpose.BASELINE)
        before, after = (
            [r.metrics[name] or 0.0 for r in state.runs if r.commit == c and r.purpose in searched]
            for c in (base, commit)
        )
        return fmean(after) - fmean(before)
    return fmean((new.metrics[name] or 0.0) - (old.metrics[name] or 0.0) for old, new in pairs)


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
