"""The pool of ideas: changes of a configuration, of the kinds that people and models propose.

Many do nothing, or are luck only: another random state, a random subset of columns, a sort. Which
ones help on a task is not known here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from autosota.agents.domain import Granularity
from tasks.data import Task
from tasks.experiment import Config

POOL = 28
"""Ideas of one campaign."""

_TREES = ("tree", "forest", "extra")
_SHRUNKEN = ("logistic", "ridge", "lasso", "svm", "net", "discriminant", "bayes")


@dataclass(frozen=True, slots=True)
class Idea:
    """A change by name. `family` groups ideas that are likely to fare alike."""

    name: str
    granularity: Granularity
    family: str
    change: Callable[[Config], Config]

    def apply(self, config: Config) -> Config | None:
        """The changed configuration; None where the idea changes nothing."""
        changed = self.change(config)
        return None if changed == config else changed


def _set(name: str, family: str, level: Granularity, **values: object) -> Idea:
    return Idea(name, level, family, lambda c: replace(c, **values))  # type: ignore[arg-type]


def _shrink(name: str, by: float) -> Idea:
    def change(config: Config) -> Config:
        applies = config.model in _SHRUNKEN and abs(config.reg + by) <= 4
        return replace(config, reg=config.reg + by) if applies else config

    return Idea(name, Granularity.PARAM, "regularisation", change)


def _for(models: tuple[str, ...], name: str, family: str, **values: object) -> Idea:
    def change(config: Config) -> Config:
        return replace(config, **values) if config.model in models else config  # type: ignore[arg-type]

    return Idea(name, Granularity.PARAM, family, change)


def _estimators(task: Task) -> list[Idea]:
    names = ["svm", "knn", "tree", "forest", "extra", "ridge", "net"]
    names += ["logistic", "bayes", "discriminant"] if task.kind == "classes" else ["lasso"]
    if task.name != "digits":  # ten classes: two hundred trees, a quarter of a second
        names.append("boost")
    return [_set(f"use-{n}", "estimator", Granularity.ALGO, model=n) for n in names]


def library(task: Task) -> dict[str, Idea]:
    """Every idea for a task, by name."""
    code, param, algo = Granularity.CODE, Granularity.PARAM, Granularity.ALGO
    ideas = _estimators(task)
    ideas += [_shrink(f"regularise-less-{by}", -by) for by in (1, 2)]
    ideas += [_shrink(f"regularise-more-{by}", by) for by in (1, 2)]
    ideas += [
        _for(("svm",), "wider-kernel", "kernel", gamma=-1.0),
        _for(("svm",), "narrower-kernel", "kernel", gamma=1.0),
        _for((*_TREES, "boost"), "shallow", "tree", depth=3),
        _for((*_TREES, "boost"), "deep", "tree", depth=12),
        _for(_TREES, "bigger-leaves", "tree", leaf=5),
        _for(("forest", "extra"), "more-trees", "tree", trees=25),
        _for(("boost",), "slower", "tree", rate=0.1),
        _for(("knn",), "more-neighbours", "neighbours", neighbours=15),
        _for(("knn",), "one-neighbour", "neighbours", neighbours=1),
        _for(("knn",), "weigh-by-distance", "neighbours", weights="distance"),
        *(_set(f"scale-{s}", "scaling", code, scale=s) for s in SCALES),
        _set("logarithms", "features", code, log=True),
        _set("squares", "features", code, expand="squares"),
        _set("products", "features", code, expand="products"),
        _set("clip-outliers", "features", code, clip=True),
        _set("principal-half", "features", code, reduce="pca"),
        _set("likely-half", "features", code, reduce="best"),
        _set("every-column", "columns", code, hidden=()),
        _set("every-row", "rows", code, rows=0.95),
        _set("jitter", "noise", code, jitter=0.1),
        _set("three-members", "ensemble", algo, members=3),
        *(_set(f"subset-{k}", "subset", code, subset=k) for k in range(1, 6)),
        *(_set(f"random-state-{k}", "luck", param, random_state=k) for k in range(1, 6)),
    ]
    if task.kind == "classes":
        ideas.append(_set("balance-classes", "weights", code, balanced=True))
    if task.kind == "series":
        ideas += [
            *(_set(f"lags-{k}", "lags", param, lags=k) for k in (4, 12, 20)),
            _set("season", "calendar", code, harmonics=1),
            _set("season-detailed", "calendar", code, harmonics=3),
            _set("levels", "target", code, difference=False),
            _set("windows", "features", code, windows=True),
            _set("trend", "calendar", code, trend=True),
        ]
    return {idea.name: idea for idea in ideas}


SCALES = ("standard", "minmax", "robust", "rank")


@dataclass(frozen=True, slots=True)
class Plant:
    """A handicap of the baseline, and the names of the ideas that undo it."""

    name: str
    handicap: Callable[[Config], Config]
    cures: tuple[str, ...]


def plants(task: Task, config: Config, columns: int, stream: np.random.Generator) -> list[Plant]:
    """The handicaps that make sense for a baseline."""
    scales = tuple(f"scale-{s}" for s in SCALES)
    cut = max(1, round(0.5 * columns))
    hidden = tuple(int(c) for c in np.sort(stream.permutation(columns)[:cut]))
    seed = int(stream.integers(1, 10**6))
    found = [Plant("few-rows", lambda c: replace(c, rows=0.35), ("every-row",))]
    if task.kind != "series" and columns > 3:
        found.append(Plant("columns", lambda c: replace(c, hidden=hidden), ("every-column",)))
    if config.model in ("svm", "knn"):
        found.append(Plant("units", lambda c: replace(c, units=seed, scale="none"), scales))
    if config.model in ("logistic", "ridge", "svm"):
        found.append(
            Plant(
                "over-regularised",
                lambda c: replace(c, reg=1.5),
                ("regularise-less-1", "regularise-less-2"),
            )
        )
    if config.model in _TREES:
        found.append(Plant("stumps", lambda c: replace(c, depth=2), ("shallow", "deep")))
    if config.model == "knn":
        found.append(
            Plant("one-neighbour", lambda c: replace(c, neighbours=1), ("more-neighbours",))
        )
    if task.kind == "series":
        found.append(Plant("two-lags", lambda c: replace(c, lags=2), ("lags-12", "lags-20")))
    return found


@dataclass(frozen=True, slots=True)
class Problem:
    """What a loop is given: the baseline and the pool, in one order for all; and the secret."""

    baseline: Config
    pool: tuple[Idea, ...]
    plant: Plant | None


def draw(task: Task, columns: int, seed: int) -> Problem:
    """Draw a baseline, a handicap for every other problem, and a pool in random order.

    The stream is this function's own: a loop that knows its own seed does not know this one.
    """
    stream = np.random.default_rng([seed, 20_261, sum(map(ord, task.name))])
    model = str(stream.choice(task.baselines))
    scaled = model in ("svm", "knn", "logistic", "ridge")
    baseline = Config(model, scale="standard" if scaled else "none")
    if task.kind == "series":  # levels cannot be followed out of their range
        season = int(task.name == "carbon")
        baseline = replace(baseline, difference=True, harmonics=season)
    options = plants(task, baseline, columns, stream)
    plant = options[int(stream.integers(len(options)))] if stream.random() < 0.5 else None
    if plant is not None:
        baseline = plant.handicap(baseline)
    ideas = list(library(task).values())
    useful = [i for i in ideas if i.apply(baseline) is not None]
    rest = [i for i in ideas if i.apply(baseline) is None]  # may apply after another one
    cures = plant.cures if plant is not None else ()
    first = [i for i in useful if i.name in cures]
    others = [i for i in useful if i.name not in cures] + rest[:3]
    chosen = [others[k] for k in stream.permutation(len(others))[: POOL - len(first)]] + first
    pool = tuple(chosen[k] for k in stream.permutation(len(chosen)))
    return Problem(baseline, pool, plant)
