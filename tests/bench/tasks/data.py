"""The tasks: tables and series that scikit-learn, statsmodels and vega_datasets carry.

Loads arrays and says how they are split. What is trained on them is not known here.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

LONGEST = 24
"""Rows before this one have no complete past: the most lags that an idea can ask for."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """Rows of each part. `test` is what is left where the data are fewer.

    Search parts are small on purpose; what remains is shared evenly by claim and test.
    """

    train: int
    validation: int
    claim: int
    test: int = 1000


@dataclass(frozen=True, slots=True)
class Task:
    """One small problem.

    `kind` is `classes` (scored by accuracy) or `values` or `series`, scored by skill: 1 - MAE /
    MAE of a naive forecast. Naive is the median of the scored rows, and of a series, forecast
    `horizon` steps ahead, "as it is now". `load` returns inputs and targets; of a series, None
    and the series. `ordered` rows are in time, and are split in time.
    """

    name: str
    kind: str
    load: Callable[[], tuple[Array | None, Array]]
    sizes: Sizes
    baselines: tuple[str, ...]
    ordered: bool = False
    horizon: int = 1
    period: float = 0.0


def _frame(name: str) -> Any:
    """A statsmodels data set. Its loader of one of them warns about pandas; that is not ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module(f"statsmodels.datasets.{name}").load_pandas().data


def _vega(name: str) -> Any:
    from vega_datasets import local_data

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return getattr(local_data, name)()


def _sklearn(name: str) -> Callable[[], tuple[Array, Array]]:
    def load() -> tuple[Array, Array]:
        from sklearn import datasets

        inputs, targets = getattr(datasets, f"load_{name}")(return_X_y=True)
        return np.asarray(inputs, float), np.asarray(targets)

    return load


def _columns(frame: Any, target: Array, drop: tuple[str, ...]) -> tuple[Array, Array]:
    return np.asarray(frame.drop(columns=list(drop)), float), target


def _fair() -> tuple[Array, Array]:
    frame = _frame("fair")
    return _columns(frame, np.asarray(frame["affairs"] > 0, int), ("affairs",))


def _randhie() -> tuple[Array, Array]:
    frame = _frame("randhie")
    return _columns(frame, np.asarray(frame["mdvis"] > 2, int), ("mdvis",))


def _anes96() -> tuple[Array, Array]:
    frame = _frame("anes96")
    return _columns(frame, np.asarray(frame["vote"], int), ("vote", "PID"))


def _star98() -> tuple[Array, Array]:
    frame = _frame("star98")
    share = frame["NABOVE"] / (frame["NABOVE"] + frame["NBELOW"])
    return _columns(frame, np.asarray(share, float), ("NABOVE", "NBELOW"))


_CAR = ("Cylinders", "Displacement", "Horsepower", "Weight_in_lbs", "Acceleration")


def _cars() -> Any:
    frame = _vega("cars").dropna()
    return frame.assign(year=np.asarray(frame["Year"], "datetime64[Y]").astype(int))


def _mpg() -> tuple[Array, Array]:
    frame = _cars()
    return np.asarray(frame[[*_CAR, "year"]], float), np.asarray(frame["Miles_per_Gallon"], float)


def _origin() -> tuple[Array, Array]:
    frame = _cars()
    columns = [*_CAR, "year", "Miles_per_Gallon"]
    return np.asarray(frame[columns], float), np.unique(frame["Origin"], return_inverse=True)[1]


def _stocks() -> tuple[Array, Array]:
    """Whether a share beats the median of its month, from six months of returns.

    Little to find, if anything; and unlike "does it rise", as likely in one decade as in another.
    """
    frame = _vega("stocks").sort_values(["symbol", "date"])
    rows, gains, months = [], [], []
    for _, one in frame.groupby("symbol"):
        returns = np.diff(np.log(np.asarray(one["price"], float)))
        month = np.asarray(one["date"], "datetime64[M]").astype(int)
        for now in range(6, len(returns)):
            rows.append(returns[now - 6 : now])
            gains.append(returns[now])
            months.append(month[now + 1])
    month_of, gain = np.asarray(months), np.asarray(gains)
    median = {m: np.median(gain[month_of == m]) for m in set(months)}
    better = gain > np.asarray([median[m] for m in months])
    order = np.argsort(month_of, kind="stable")
    return np.asarray(rows)[order], better[order].astype(int)


def _series(package: Callable[[str], Any], name: str, column: str) -> Callable[[], Any]:
    def load() -> tuple[None, Array]:
        frame = package(name)
        column_data = frame[column] if column else frame.iloc[:, 0]
        return None, np.asarray(column_data.interpolate(), float)

    return load


def _elnino() -> tuple[None, Array]:
    frame = _frame("elnino")
    return None, np.asarray(frame.drop(columns=["YEAR"]), float).ravel()


_CLASSIFIERS = ("logistic", "svm", "knn", "forest", "extra")
_REGRESSORS = ("ridge", "svm", "knn", "forest", "extra")
_FORECASTERS = ("ridge", "svm", "forest", "extra")

TASKS = (
    Task("cancer", "classes", _sklearn("breast_cancer"), Sizes(80, 60, 214), _CLASSIFIERS),
    Task("wine", "classes", _sklearn("wine"), Sizes(30, 30, 59), _CLASSIFIERS),
    Task("digits", "classes", _sklearn("digits"), Sizes(160, 80, 700), _CLASSIFIERS),
    Task("affairs", "classes", _fair, Sizes(200, 100, 1000), _CLASSIFIERS),
    Task("visits", "classes", _randhie, Sizes(250, 100, 1000), _CLASSIFIERS),
    Task("votes", "classes", _anes96, Sizes(120, 80, 370), _CLASSIFIERS),
    Task("origin", "classes", _origin, Sizes(80, 60, 126), _CLASSIFIERS),
    Task("stocks", "classes", _stocks, Sizes(120, 80, 150), _CLASSIFIERS, ordered=True),
    Task("diabetes", "values", _sklearn("diabetes"), Sizes(100, 70, 136), _REGRESSORS),
    Task("schools", "values", _star98, Sizes(80, 60, 81), _REGRESSORS),
    Task("mpg", "values", _mpg, Sizes(80, 60, 126), _REGRESSORS),
    Task("sunspots", "series", _series(_frame, "sunspots", "SUNACTIVITY"), Sizes(90, 45, 70, 75),
         _FORECASTERS, True, 1, 11.0),
    Task("elnino", "series", _elnino, Sizes(140, 60, 220, 220), _FORECASTERS, True, 3, 12.0),
    Task("carbon", "series", _series(_frame, "co2", ""), Sizes(156, 78, 156, 156),
         _FORECASTERS, True, 8, 52.2),
    Task("equipment", "series", _series(_frame, "elec_equip", ""), Sizes(70, 40, 55, 55),
         _FORECASTERS, True, 1, 12.0),
    Task("hours", "series", _series(_vega, "seattle_temps", "temp"), Sizes(192, 96, 192, 192),
         _FORECASTERS, True, 3, 24.0),
    Task("heat", "series", _series(_vega, "seattle_weather", "temp_max"),
         Sizes(200, 80, 300, 300), _FORECASTERS, True, 2, 365.25),
    Task("wind", "series", _series(_vega, "seattle_weather", "wind"),
         Sizes(200, 80, 300, 300), _FORECASTERS, True, 1, 365.25),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Split:
    """Row numbers of the four parts; no row is in two of them.

    `search` holds training and validation rows together; of ordered data, training first.
    `claim` is what a confirmation may read; `test` is seen by no loop.
    """

    search: Array
    train: int
    claim: Array
    test: Array


def split(task: Task, rows: int, seed: int) -> Split:
    """Split rows 0 … `rows` - 1 of a task.

    Ordered data keep their order, with `horizon` rows between the parts, so that no target of
    one part is in the past that another part's inputs begin with; longer data than needed are
    cut at a random place.
    """
    stream = np.random.default_rng([seed, sum(map(ord, task.name))])
    sizes = task.sizes
    searched = sizes.train + sizes.validation
    if not task.ordered:
        order = stream.permutation(rows)
        claim = order[searched : searched + sizes.claim]
        return Split(
            order[:searched], sizes.train, claim, order[searched + sizes.claim :][: sizes.test]
        )
    gap = task.horizon if task.kind == "series" else 0
    first = LONGEST if task.kind == "series" else 0
    last = rows - gap  # a forecast from later rows has no target
    spare = last - first - (searched + sizes.claim + min(sizes.test, 60) + 3 * gap)
    if spare < 0:
        raise ValueError(f"{task.name}: {rows} rows are {-spare} too few for its sizes")
    longest = last - first - (searched + sizes.claim + sizes.test + 3 * gap)
    start = first + int(stream.integers(0, max(1, longest + 1)))
    train = np.arange(start, start + sizes.train)
    validation = np.arange(train[-1] + 1 + gap, train[-1] + 1 + gap + sizes.validation)
    claim = np.arange(validation[-1] + 1 + gap, validation[-1] + 1 + gap + sizes.claim)
    end = min(last, claim[-1] + 1 + gap + sizes.test)
    test = np.arange(claim[-1] + 1 + gap, end)
    return Split(np.concatenate([train, validation]), sizes.train, claim, test)
