"""Tuning: the numbers of the code set by an optimiser, TPE, from what was measured so far.

Pure: the study is rebuilt in memory from the trials at each call, so the same trials give the
same suggestion, before and after a kill. Optuna is imported when a suggestion is asked for,
and only then. What a run is, and whether its score means anything, is not known here.

Bergstra, Bardenet, Bengio & Kégl 2011, Algorithms for Hyper-Parameter Optimization (TPE);
Akiba et al. 2019, Optuna, arXiv 1907.10902.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autosota.agents.code.tree import PatchedTree
from autosota.agents.domain import Anchor, Direction, Granularity, Hypothesis, Level
from autosota.agents.ideator.draft import Draft, Implementation, NotApplicable
from autosota.agents.ideator.module import Project
from autosota.agents.ideator.notation import read_number, write_number
from autosota.agents.ideator.pruning import pruning_bounds
from autosota.agents.ideator.tuning_space import MOST_COST, Setting, dials, tunable
from autosota.agents.protocols import Tree

__all__ = [
    "Setting",
    "Trial",
    "TunerMissing",
    "pruning_bounds",
    "suggest",
    "tunable",
    "tuned",
    "turn",
    "values_of",
]

TUNE = "tune"
"""The transformation of a tuning; its arguments are the settings that move."""

STARTUP_TRIALS = 5
"""Trials that are drawn at random before TPE has something to learn from."""

TRIES = 64
"""Suggestions that are drawn before the space counts as exhausted."""


class TunerMissing(Exception):
    """Optuna is not installed; the message says how to get it."""


@dataclass(frozen=True, slots=True)
class Trial:
    """Values that were tried, and the mean of the search metric over their seeds.

    Settings that `values` does not name had their present value: `Trial({}, mean)` is the code
    as it is. `score` is None (or not finite) when it failed; it is not tried again.
    """

    values: Mapping[str, float | int]
    score: float | None


def suggest(
    settings: Sequence[Setting],
    trials: Sequence[Trial],
    *,
    direction: Direction,
    seed: int,
) -> dict[str, float | int] | None:
    """The values to try next, for every setting; None when nothing new is worth a try.

    Rounded as the code would hold them; never the present values, nor ones that were tried,
    nor ones that would make a run take more than twice as long. Trials outside the ranges of
    `settings` (made for other code) are left out.

    Raises:
        TunerMissing: Optuna is not installed.
    """
    if not settings:
        return None
    try:
        import optuna
    except ImportError as error:
        raise TunerMissing(
            "tuning needs Optuna, which is not installed: pip install 'autosota[tune]'"
        ) from error
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        sampler = optuna.samplers.TPESampler(
            seed=seed + len(trials),
            multivariate=True,
            n_startup_trials=STARTUP_TRIALS,
            constant_liar=False,
        )
        study = optuna.create_study(direction=direction.value, sampler=sampler)
        space: dict[str, optuna.distributions.BaseDistribution] = {
            s.name: optuna.distributions.IntDistribution(int(s.low), int(s.high), log=s.log)
            if s.integer
            else optuna.distributions.FloatDistribution(s.low, s.high, log=s.log)
            for s in settings
        }
        seen = {_key(settings, {})}
        for trial in trials:
            values = _complete(settings, trial.values)
            seen.add(_key(settings, values))
            if not all(s.low <= values[s.name] <= s.high for s in settings):
                continue
            measured = trial.score is not None and math.isfinite(trial.score)
            study.add_trial(
                optuna.trial.create_trial(
                    state=optuna.trial.TrialState.COMPLETE
                    if measured
                    else optuna.trial.TrialState.FAIL,
                    value=trial.score if measured else None,
                    params=values,
                    distributions=space,
                )
            )
        for _ in range(TRIES):
            asked = study.ask(space)
            values = {s.name: s.rounded(asked.params[s.name]) for s in settings}
            cost = math.prod(s.cost(values[s.name]) for s in settings)
            if _key(settings, values) not in seen and cost <= MOST_COST * 1.001:
                return values
            study.tell(asked, state=optuna.trial.TrialState.FAIL)
        return None
    finally:
        optuna.logging.set_verbosity(verbosity)


def tuned(settings: Sequence[Setting], values: Mapping[str, float | int]) -> Hypothesis:
    """The idea to set these values; those that stay as they are are left out.

    Raises:
        ValueError: no value differs from the present one.
    """
    moved = [s for s in settings if s.rounded(values.get(s.name, s.value)) != s.value]
    if not moved:
        raise ValueError("every value is the present one: there is nothing to set")
    arguments = {s.name: s.rounded(values[s.name]) for s in moved}
    digest = hashlib.sha256(json.dumps(sorted(arguments.items())).encode()).hexdigest()[:8]
    cost = math.prod(s.cost(arguments[s.name]) for s in moved)
    costs = (f"a run takes about {cost:.1f} times as long",) if cost > 1.1 else ()
    changes = ", ".join(f"{s.label} {s.text} → {s.written(values[s.name])}" for s in moved)
    return Hypothesis(
        id=f"{TUNE}-{digest}",
        title=f"Set {changes}",
        granularity=Granularity.PARAM,
        transformation=TUNE,
        place=moved[0].place,
        symbol=moved[0].name.split("::")[1],
        reason="the optimiser expects the best of these values, from what was measured so far",
        paper="Bergstra et al. 2011, Algorithms for Hyper-Parameter Optimization",
        expected="a little either way, more as trials add up",
        priority=Level.MEDIUM,
        risk=Level.LOW,
        assumptions=costs,
        provenance="optuna",
        family=TUNE,
        cost=cost,
        arguments=arguments,
    )


def values_of(idea: Hypothesis, settings: Sequence[Setting]) -> dict[str, float | int] | None:
    """What an idea sets these settings to, so that its runs are a trial; None if it does more.

    Counts tunings, and ideas of the catalogue that move a single number.
    """
    names = {s.name for s in settings}
    if idea.transformation == TUNE:
        values = {k: v for k, v in idea.arguments.items() if isinstance(v, int | float)}
        return values if values.keys() <= names else None
    name = f"{idea.place.path}::{idea.symbol}::{idea.arguments.get('lever', '')}"
    number = read_number(str(idea.arguments.get("to", "")))
    return {name: number} if name in names and number is not None else None


def turn(idea: Hypothesis, tree: Tree) -> Implementation:
    """Write the values of a tuning into a tree, which may already hold other ideas.

    Raises:
        NotApplicable: a setting is not there (any more), or nothing would change.
    """
    if not idea.admissible:
        raise NotApplicable(f"not admissible: {idea.admissible_reason}")
    changes: dict[str, bytes] = {}
    anchors: list[Anchor] = []
    for name, value in idea.arguments.items():
        path, _, rest = name.partition("::")
        module = Project(PatchedTree(tree, changes)).module(path)
        if module is None:
            raise NotApplicable(f"{path} is not a readable Python file in this tree")
        matches = [dial for found, _, dial in dials(module) if found == name]
        if len(matches) != 1 or not isinstance(value, int | float):
            raise NotApplicable(f"{path}: the setting {rest!r} is not there as expected")
        dial = matches[0]
        text = write_number(value, dial.text)
        if read_number(text) == read_number(dial.text):
            continue
        draft = Draft(module)
        dial.write(draft, text)
        done = draft.finish()
        changes.update(done.changes)
        anchors += done.anchors
    if not changes:
        raise NotApplicable(f"{idea.place.path}: every setting has its value already")
    return Implementation(changes, tuple(dict.fromkeys(anchors)))


def _complete(
    settings: Sequence[Setting], values: Mapping[str, float | int]
) -> dict[str, float | int]:
    return {s.name: values.get(s.name, s.value) for s in settings}


def _key(settings: Sequence[Setting], values: Mapping[str, float | int]) -> tuple[float, ...]:
    complete = _complete(settings, values)
    return tuple(float(complete[s.name]) for s in settings)
