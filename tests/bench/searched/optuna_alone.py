"""Optuna alone: TPE over the numbers of the code, without ideas.

One trial is the mean of the search metric over the search's seeds; a trial is ended early by
the median rule over the running means of its seeds. A trial that passes the screening that ours
has to pass is confirmed at once by the same rule; a confirmation that failed is no end: the study
goes on. When no room for a trial beside a confirmation is left, the best trial is confirmed.
Baseline runs are not repeated.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from autosota.agents.domain import (
    CampaignVerdict,
    Decision,
    Fate,
    Outcome,
    Purpose,
    Verdict,
)
from autosota.agents.ideator import tuning
from autosota.agents.ideator.tuning_space import MOST_COST
from autosota.agents.scheduler import actions, racing, statistics
from autosota.agents.scheduler import events as ev
from autosota.agents.scheduler.trial import compare_search, too_dear
from searched import campaigns as search
from searched.campaigns import BASE, Memory, Player, Spent, gain_of, told
from searched.executions import Executor, Repository

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import Trial

CONTROLS = 3
"""Runs that a confirmation takes beside its pairs: the null patch twice, the winner again."""

TRIES = 200


class Study:
    """The study of one repetition, over as many confirmations as it takes."""

    def __init__(self, player: Player, sampler_seed: int) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._optuna = optuna
        self.player = player
        self.settings = player.settings(BASE)
        sampler = optuna.samplers.TPESampler(seed=sampler_seed)
        pruner = optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=1)
        direction = optuna.study.StudyDirection[player.repository.objective.direction.name]
        self.study = optuna.create_study(direction=direction, sampler=sampler, pruner=pruner)
        self.space: dict[str, BaseDistribution] = {
            s.name: optuna.distributions.IntDistribution(int(s.low), int(s.high), log=s.log)
            if s.integer
            else optuna.distributions.FloatDistribution(s.low, s.high, log=s.log)
            for s in self.settings
        }
        self.seen: set[tuple[tuple[str, float], ...]] = {()}
        self.differences: dict[str, list[float]] = {}
        self.refuted: set[str] = set()
        present = {s.name: s.value for s in self.settings}
        self.study.enqueue_trial(present)
        trial = self.study.ask(self.space)
        found = player.state.baseline
        assert found is not None
        values = [player.state.search_value(BASE, s) for s in player.state.objective.seeds]
        known = [v for v in values if v is not None]
        for step in range(len(known)):
            trial.report(statistics.mean(known[: step + 1]), step)
        self.study.tell(trial, found.mean)

    def ask(self) -> tuple[Trial, dict[str, float | int]] | None:
        """The next trial whose code is new and whose runs take at most twice as long."""
        for _ in range(TRIES):
            trial = self.study.ask(self.space)
            values = {s.name: s.rounded(trial.params[s.name]) for s in self.settings}
            moved = tuple(
                (s.name, float(values[s.name])) for s in self.settings if values[s.name] != s.value
            )
            cost = math.prod(s.cost(values[s.name]) for s in self.settings)
            if moved not in self.seen and cost <= MOST_COST * 1.001:
                self.seen.add(moved)
                return trial, values
            self.study.tell(trial, state=self._optuna.trial.TrialState.FAIL)
        return None

    def best(self) -> str | None:
        """The best trial that ran whole, gained, and was not refuted by a confirmation."""
        most = len(self.player.state.objective.seeds)
        whole = {
            commit: statistics.mean(found)
            for commit, found in self.differences.items()
            if len(found) == most and commit not in self.refuted
        }
        best = max(whole, key=lambda commit: whole[commit], default=None)
        return best if best is not None and whole[best] > 0 else None


def tuned_alone(
    repository: Repository,
    executor: Executor,
    memory: Memory,
    seeds: tuple[int, ...],
    budget: int,
    sampler_seed: int,
) -> search.Outcome:
    """The study until a gain is confirmed, or the budget is spent."""
    spent = Spent()
    player = Player(repository, executor, memory, spent, seeds, 100 * budget)
    player.play(until=lambda state: state.baseline is not None)
    study, story, attempts = Study(player, sampler_seed), [], 0
    confirmation = 2 * player.state.objective.confirm_seeds + CONTROLS
    if not study.settings:
        return search.Outcome(False, spent, None, 0, ("no numbers to tune",))
    exhausted = False
    while True:
        left = budget - spent.evaluations - confirmation
        if left < 0:
            break
        commit = None
        if left >= len(seeds) and not exhausted:
            commit, passed = _try(study, spent)
            exhausted = commit is None
            if not passed:
                continue
        commit = commit or study.best()
        if commit is None:
            break
        trials = len(study.differences)
        confirmed, gain, line = _confirm(study, commit, attempts)
        attempts += 1
        story.append(f"{trials} trials; {line}")
        if confirmed:
            return search.Outcome(True, spent, gain, attempts, tuple(story))
        study.refuted.add(commit)
    story.append(f"{len(study.differences)} trials in all")
    return search.Outcome(False, spent, None, attempts, tuple(story))


def _try(study: Study, spent: Spent) -> tuple[str | None, bool]:
    """One trial: its seeds until the median rule ends it; whether it passes the screening.

    No commit when the space is exhausted.
    """
    player, optuna = study.player, study._optuna
    began = time.process_time()
    asked = study.ask()
    spent.thinking += time.process_time() - began
    if asked is None:
        return None, False
    trial, values = asked
    idea = tuning.tuned(study.settings, values)
    for event in (
        ev.IdeasProposed(BASE, (idea,), by="tuner"),
        ev.IdeaSelected(idea.id, BASE, "TPE"),
    ):
        player.append(event)
    made = player.implement(idea, BASE)
    player.append(made)
    if not isinstance(made, ev.PatchMade):
        study.study.tell(trial, state=optuna.trial.TrialState.FAIL)
        return BASE, False
    patch = made.patch
    player.append(ev.PatchAudited(patch.id, Verdict(Decision.CLEARED)))
    objective = player.state.objective
    name, sign = objective.select_on, objective.direction.sign
    values_seen: list[float] = []
    passed = False
    moves = study.differences.setdefault(patch.commit, [])
    for step, seed in enumerate(objective.seeds):
        run = player.execute(actions.Execute(Purpose.SEARCH, patch.id, patch.commit, seed))
        player.append(run)
        value, before = run.metrics.get(name), player.state.search_value(BASE, seed)
        if run.outcome is not Outcome.OK or value is None or before is None:
            study.study.tell(trial, state=optuna.trial.TrialState.FAIL)
            break
        if too_dear(player.state, patch.commit):  # R4 is known to all searchers
            study.study.tell(trial, state=optuna.trial.TrialState.FAIL)
            break
        values_seen.append(value)
        moves.append(sign * (value - before))
        trial.report(statistics.mean(values_seen), step)
        if step + 1 < len(objective.seeds) and trial.should_prune():
            study.study.tell(trial, state=optuna.trial.TrialState.PRUNED)
            break
    else:
        study.study.tell(trial, statistics.mean(values_seen))
        passed = _passes(player, patch.commit)
    player.append(ev.IdeaJudged(idea.id, Fate.NOISE, "a trial"))
    return patch.commit, passed


def _passes(player: Player, commit: str) -> bool:
    """Whether a whole trial passes the last look of the screening that ideas have to pass."""
    result = compare_search(player.state, BASE, commit)
    if result is None or result.difference is None or result.difference <= 0:
        return False
    level = racing.screen_level(len(player.state.looked_at))
    most = len(player.state.objective.seeds)
    return result.p_value is None or result.p_value <= racing.look_level(level, most, most)


def _confirm(study: Study, commit: str, attempts: int) -> tuple[bool, float | None, str]:
    """The product's confirmation of a trial, with everything that was measured before."""
    old = study.player
    player = Player(
        old.repository,
        old._executor,
        old._memory,
        old.spent,
        old.state.objective.seeds,
        old.state.objective.budget.evaluations,
        attempts,
    )
    player.trees.update(old.trees)
    kept = next(p for p in old.state.patches.values() if p.commit == commit)
    for event in old.events[3:]:
        player.append(event)
    player.append(ev.BestMoved(commit, kept.id, (kept.hypothesis,)))
    player.append(ev.AblationPlanned(kept.id, commit, ()))
    player.end_search()
    state = player.play()
    assert state.finished is not None
    line = told(state).partition("; confirm")
    confirmed = state.finished.verdict is CampaignVerdict.CONFIRMED
    return confirmed, gain_of(state), f"confirm{line[2]}"
