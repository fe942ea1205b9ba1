"""One experiment: a configuration and a seed in, one number per part of the data out.

Trains for real. The seed draws which rows are trained on and the estimator's own randomness;
with `repeated` splits it also draws which searched rows validate. Who asks, and why, is not
known here.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tasks.data import LONGEST, Array, Split, Task

FLOOR = -1.0
"""Skill is cut here: an average must not hang on how bad the worst failure was."""


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that an idea can change. Neutral values do nothing.

    `reg` and `gamma` are powers of ten times the estimator's own value. `hidden` are columns
    that are not used, `subset` draws another three tenths that are not; `units` (a seed) puts
    each column into another unit. `rows` is the share of training rows per seed. The last five
    are of series.
    """

    model: str
    reg: float = 0.0
    gamma: float = 0.0
    depth: int = 0
    leaf: int = 1
    trees: int = 8
    rate: float = 0.3
    neighbours: int = 5
    weights: str = "uniform"
    scale: str = "none"
    log: bool = False
    clip: bool = False
    expand: str = ""
    reduce: str = ""
    hidden: tuple[int, ...] = ()
    subset: int = 0
    units: int = 0
    rows: float = 0.8
    jitter: float = 0.0
    balanced: bool = False
    members: int = 1
    random_state: int = 0
    lags: int = 12
    harmonics: int = 0
    difference: bool = False
    windows: bool = False
    trend: bool = False


@dataclass(slots=True)
class Score:
    """Of one part: the metric (larger is better), and per-row values whose mean it is."""

    value: float
    rows: Array


@dataclass(slots=True)
class Experiment:
    """A task with its split. `run` is memoised: asking twice costs nothing."""

    task: Task
    split: Split
    inputs: Array | None
    targets: Array
    repeated: bool = False
    trainings: int = 0
    _memo: dict[Any, dict[str, Score]] = field(default_factory=dict)
    _tables: dict[Any, Array] = field(default_factory=dict)

    def run(
        self, config: Config, seed: int, parts: tuple[str, ...], permute: str = ""
    ) -> dict[str, Score]:
        """Train with a seed and score `validation`, `claim` or `test`.

        `permute` of `labels` or `inputs` trains, or predicts, on rows in another order.
        """
        key = (config, seed, parts, permute)
        if key not in self._memo:
            self.trainings += 1
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # optimisers that stop early: part of the noise
                self._memo[key] = self._run(config, seed, parts, permute)
        return self._memo[key]

    def _run(
        self, config: Config, seed: int, parts: tuple[str, ...], permute: str
    ) -> dict[str, Score]:
        from sklearn import config_context

        stream = np.random.default_rng([seed, config.random_state])
        searched = self.split.search
        if self.repeated and not self.task.ordered:
            searched = np.random.default_rng([seed, 7]).permutation(searched)
        train, validation = searched[: self.split.train], searched[self.split.train :]
        rows = {"validation": validation, "claim": self.split.claim, "test": self.split.test}
        count = max(8, round(config.rows * len(train)))
        kept = np.sort(stream.permutation(len(train))[:count])
        table = self._table(config)
        x, y = table[train[kept]], self._wanted(config, train[kept])
        if permute == "labels":
            y = np.random.default_rng([seed, 11]).permutation(y)
        prepare = Preparation(config, x, y, stream)
        scores = {}
        with config_context(assume_finite=True, skip_parameter_validation=True):
            models = fit(config, prepare(x), y, self.task.kind == "classes", stream)
            for part in parts:
                seen = rows[part]
                shown = seen
                if permute == "inputs":
                    shown = np.random.default_rng([seed, 13]).permutation(seen)
                scores[part] = self._score(config, models, prepare(table[shown]), seen)
        return scores

    def _wanted(self, config: Config, rows: Array) -> Array:
        """The targets of these rows, as the estimator is asked for them."""
        if self.task.kind != "series":
            now: Array = self.targets[rows]
            return now
        later: Array = self.targets[rows + self.task.horizon]
        return later - self.targets[rows] if config.difference else later

    def _score(self, config: Config, models: list[Any], x: Array, rows: Array) -> Score:
        if self.task.kind == "classes":
            right = majority(np.stack([m.predict(x) for m in models])) == self.targets[rows]
            return Score(float(right.mean()), right.astype(float))
        guess = np.mean([m.predict(x) for m in models], axis=0)
        if self.task.kind == "series":
            truth, plain = self.targets[rows + self.task.horizon], self.targets[rows]
            guess = guess + plain if config.difference else guess
        else:
            truth = self.targets[rows]
            plain = np.full(len(rows), np.median(truth))
        each = 1.0 - np.abs(guess - truth) / np.mean(np.abs(plain - truth))
        return Score(max(FLOOR, float(each.mean())), each)

    def _table(self, config: Config) -> Array:
        """Inputs of all rows, before anything that has to be learned from training rows."""
        key: tuple[object, ...] = (
            config.hidden,
            config.subset,
            config.units,
            config.log,
            config.expand,
        )
        if self.task.kind == "series":
            key += (config.lags, config.harmonics, config.windows, config.trend, config.difference)
        if key not in self._tables:
            table = self.inputs if self.inputs is not None else self._past(config)
            columns = np.setdiff1d(np.arange(table.shape[1]), config.hidden)
            table = table[:, columns if len(columns) else slice(None)]
            if config.units:
                powers = np.random.default_rng(config.units).uniform(-2, 2, table.shape[1])
                table = table * 10**powers
            if config.subset:
                draw = np.random.default_rng(config.subset).permutation(table.shape[1])
                table = table[:, np.sort(draw[: max(1, round(0.7 * table.shape[1]))])]
            if config.log:
                table = np.sign(table) * np.log1p(np.abs(table))
            if config.expand == "squares":
                table = np.hstack([table, table**2])
            elif config.expand == "products":
                some = table[:, :8]
                left, right = np.triu_indices(some.shape[1], 1)
                table = np.hstack([table, some[:, left] * some[:, right]])
            self._tables[key] = np.ascontiguousarray(table)
        return self._tables[key]

    def _past(self, config: Config) -> Array:
        """Inputs of a series: what is known at each row, and nothing later."""
        series = self.targets
        rows = len(series)
        past = np.stack([np.roll(series, k) for k in range(LONGEST)], axis=1)
        columns = [past[:, : config.lags]]
        if config.difference:
            columns = [past[:, : config.lags] - past[:, 1 : config.lags + 1]]
        if config.windows:
            away = past[:, :1] - past[:, :6].mean(1, keepdims=True)
            columns += [away, past[:, :12].std(1, keepdims=True)]
        time = np.arange(rows) + self.task.horizon
        for k in range(1, config.harmonics + 1):
            angle = 2 * np.pi * k * time / self.task.period
            columns += [np.sin(angle)[:, None], np.cos(angle)[:, None]]
        if config.trend:
            columns += [time[:, None] / rows]
        table = np.hstack(columns)
        table[:LONGEST] = np.nan  # rolled over from the end: must never be used
        return table


class Preparation:
    """What is learned from training rows and then done to all: scale, clip, reduce."""

    def __init__(self, config: Config, x: Array, y: Array, stream: np.random.Generator) -> None:
        self._steps: list[Any] = []
        if config.clip:
            low, high = np.quantile(x, [0.05, 0.95], axis=0)
            x = self._add(lambda t: np.clip(t, low, high), x)
        x = self._scale(config.scale, x)
        if config.reduce == "pca":
            centre = x.mean(0)
            axes = np.linalg.svd(x - centre, full_matrices=False)[2]
            half = axes[: max(1, x.shape[1] // 2)].T
            x = self._add(lambda t: (t - centre) @ half, x)
        elif config.reduce == "best":
            spread = x.std(0) * y.std() + 1e-12
            likeness = np.abs(((x - x.mean(0)) * (y - y.mean())[:, None]).mean(0)) / spread
            best = np.sort(np.argsort(-likeness)[: max(1, x.shape[1] // 2)])
            x = self._add(lambda t: t[:, best], x)

    def _add(self, step: Any, x: Array) -> Array:
        self._steps.append(step)
        result: Array = step(x)
        return result

    def _scale(self, scale: str, x: Array) -> Array:
        if scale == "none":
            return x
        if scale == "rank":
            ordered = np.sort(x, axis=0)
            return self._add(
                lambda t: (
                    np.stack(
                        [np.searchsorted(ordered[:, j], t[:, j]) for j in range(t.shape[1])], axis=1
                    )
                    / len(ordered)
                    - 0.5
                ),
                x,
            )
        if scale == "standard":
            centre, spread = x.mean(0), x.std(0)
        elif scale == "minmax":
            centre, spread = x.min(0), np.ptp(x, axis=0)
        else:  # robust
            centre = np.median(x, axis=0)
            spread = np.subtract(*np.quantile(x, [0.75, 0.25], axis=0))
        spread = np.where(spread > 1e-12, spread, 1.0)
        return self._add(lambda t: (t - centre) / spread, x)

    def __call__(self, table: Array) -> Array:
        """These rows, prepared."""
        for step in self._steps:
            table = step(table)
        return table


def fit(
    config: Config, x: Array, y: Array, classes: bool, stream: np.random.Generator
) -> list[Any]:
    """The trained estimators: one, or as many as `members`, each on its own bootstrap."""
    models = []
    for member in range(config.members):
        rows = stream.integers(0, len(x), len(x)) if config.members > 1 else np.arange(len(x))
        if classes and len(np.unique(y[rows])) < 2:
            rows = np.arange(len(x))
        inputs, targets = x[rows], y[rows]
        if config.jitter:
            inputs = inputs + config.jitter * inputs.std(0) * stream.standard_normal(inputs.shape)
        models.append(estimator(config, classes, int(stream.integers(2**31)) + member))
        models[-1].fit(inputs, targets)
    return models


def majority(votes: Array) -> Array:
    """The class that most of the estimators (rows) predict; ties go to the smallest."""
    if len(votes) == 1:
        first: Array = votes[0]
        return first
    labels = np.unique(votes)
    best: Array = labels[np.argmax([(votes == label).sum(0) for label in labels], axis=0)]
    return best


def estimator(config: Config, classes: bool, seed: int) -> Any:
    """The estimator of a configuration, untrained.

    Raises:
        ValueError: the model is not known, or not for this kind of target.
    """
    from sklearn import (
        discriminant_analysis,
        ensemble,
        linear_model,
        naive_bayes,
        neighbors,
        neural_network,
        svm,
        tree,
    )

    strength = 10.0**config.reg
    depth = config.depth or None
    balanced = "balanced" if config.balanced else None
    one = {"max_depth": depth, "min_samples_leaf": config.leaf}
    several = one | {"max_features": "sqrt"}
    boost = {
        "n_estimators": 15,
        "max_depth": config.depth or 2,
        "learning_rate": config.rate,
        "subsample": 0.7,
        "random_state": seed,
    }
    gamma = "scale" if config.gamma == 0 else 0.1 * 10.0**config.gamma
    net = {
        "hidden_layer_sizes": (8,),
        "alpha": 1e-2 * strength,
        "max_iter": 25,
        "solver": "lbfgs",
        "random_state": seed,
    }
    near = {"n_neighbors": config.neighbours, "weights": config.weights}
    if classes:
        weighed = {"class_weight": balanced}
        made = {
            "logistic": lambda: linear_model.LogisticRegression(
                C=1 / strength, max_iter=60, **weighed
            ),
            "ridge": lambda: linear_model.RidgeClassifier(alpha=strength, **weighed),
            "svm": lambda: svm.SVC(C=1 / strength, gamma=gamma, random_state=seed, **weighed),
            "knn": lambda: neighbors.KNeighborsClassifier(**near),
            "tree": lambda: tree.DecisionTreeClassifier(random_state=seed, **one, **weighed),
            "forest": lambda: Trees(
                tree.DecisionTreeClassifier, several | weighed, config.trees, True, seed
            ),
            "extra": lambda: Trees(
                tree.ExtraTreeClassifier, several | weighed, config.trees, False, seed
            ),
            "bayes": lambda: naive_bayes.GaussianNB(var_smoothing=1e-9 * strength),
            "discriminant": lambda: discriminant_analysis.LinearDiscriminantAnalysis(
                solver="lsqr", shrinkage=min(1.0, 0.1 * strength)
            ),
            "boost": lambda: ensemble.GradientBoostingClassifier(**boost),
            "net": lambda: neural_network.MLPClassifier(**net),
        }
    else:
        made = {
            "ridge": lambda: linear_model.Ridge(alpha=strength),
            "lasso": lambda: linear_model.Lasso(alpha=0.01 * strength, max_iter=200),
            "svm": lambda: _centred_svr(1 / strength, gamma),
            "knn": lambda: neighbors.KNeighborsRegressor(**near),
            "tree": lambda: tree.DecisionTreeRegressor(random_state=seed, **one),
            "forest": lambda: Trees(tree.DecisionTreeRegressor, one, config.trees, True, seed),
            "extra": lambda: Trees(tree.ExtraTreeRegressor, one, config.trees, False, seed),
            "boost": lambda: ensemble.GradientBoostingRegressor(**boost),
            "net": lambda: _scaled_target(neural_network.MLPRegressor(**net)),
        }
    if config.model not in made:
        kind = "classes" if classes else "values"
        raise ValueError(f"no estimator {config.model!r} for {kind}: one of {', '.join(made)}")
    return made[config.model]()


class Trees:
    """A forest of scikit-learn's trees (Breiman 2001; without bootstrap: Geurts et al. 2006).

    The library's own forests spend most of so small a fit on dispatching it to threads.
    """

    def __init__(
        self, kind: Any, arguments: dict[str, Any], count: int, bootstrap: bool, seed: int
    ) -> None:
        self._bootstrap = bootstrap
        self._stream = np.random.default_rng(seed)
        self._trees = [kind(random_state=seed + k, **arguments) for k in range(count)]

    def fit(self, x: Array, y: Array) -> None:
        """Grow each tree, on a bootstrap of the rows where the forest has one."""
        x, y = np.ascontiguousarray(x, np.float32), y.astype(float)
        for one in self._trees:
            rows = self._stream.integers(0, len(x), len(x)) if self._bootstrap else slice(None)
            one.fit(x[rows], y[rows].reshape(-1, 1), check_input=False)

    def predict(self, x: Array) -> Array:
        """The class with most votes, or the mean."""
        x = np.ascontiguousarray(x, np.float32)
        each = [t.predict(x, check_input=False) for t in self._trees]
        if hasattr(self._trees[0], "classes_"):
            return majority(np.stack(each))
        mean: Array = np.mean(each, axis=0)
        return mean


def _scaled_target(inner: Any) -> Any:
    """An estimator that needs targets of size one."""
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.preprocessing import StandardScaler

    return TransformedTargetRegressor(inner, transformer=StandardScaler(), check_inverse=False)


def _centred_svr(c: float, gamma: str | float) -> Any:
    from sklearn import svm

    return _scaled_target(svm.SVR(C=c, gamma=gamma))
