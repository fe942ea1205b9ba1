"""The numbers of this code that an optimiser may set, and the range of each.

A setting comes from a lever of the catalogue that moves a number, or from a few numbers that
are only worth moving when something searches over them (dropout, momentum). Ranges are the
usual ones of a first search around the present value, clipped to what the number allows and
to what doubles a run's time. What belongs to the evaluation, is frozen, never runs or is set
on the command line is left out, by the same rules as for ideas.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from tree_sitter import Node

from autosota.agents.domain import Boundary, Granularity, Objective, Place
from autosota.agents.ideator.calls import Call
from autosota.agents.ideator.catalogue import CATALOGUE
from autosota.agents.ideator.knobs import find_knob
from autosota.agents.ideator.levers import admitted
from autosota.agents.ideator.module import Module, Project
from autosota.agents.ideator.notation import read_number, write_number
from autosota.agents.ideator.reach import Reach
from autosota.agents.ideator.scope import Scope
from autosota.agents.ideator.steps import Number, number_dial
from autosota.agents.ideator.transformation import Dial, Lever
from autosota.agents.protocols import Tree

MOST_COST = 2.0
"""No setting may make a run take longer than this many times as long (R4)."""

DECADE = 10.0
FOURFOLD = 4.0

_SHARES = {
    "p": (0.0, 0.9),
    "momentum": (0.0, 0.99),
    "nu": (0.05, 0.9),
    "label_smoothing": (0.0, 0.3),
    "subsample": (0.3, 1.0),
    "l1_ratio": (0.0, 1.0),
}
"""Numbers with a range of their own, searched evenly.

Dropout: Srivastava et al. 2014, section A.4. Subsample: Friedman 2002, figure 1.
"""

_MOST = {"lr": 1.0, "learning_rate": 1.0, "learning_rate_init": 1.0, "weight_decay": 0.5}
"""Where a decade up would leave what training survives."""

_TORCH_DROPOUT = Number("p", "0.5", 0, real=True)
_ONLY_TUNED: tuple[tuple[str, frozenset[str], Number], ...] = (
    ("torch.nn.", frozenset(["Dropout", "Dropout1d", "Dropout2d", "Dropout3d"]), _TORCH_DROPOUT),
    ("torch.optim.", frozenset(["SGD", "RMSprop"]), Number("momentum", "", None, real=True)),
    ("torch.nn.", frozenset(["CrossEntropyLoss"]), Number("label_smoothing", real=True)),
    (
        "sklearn.ensemble.",
        frozenset(["GradientBoostingClassifier", "GradientBoostingRegressor"]),
        Number("subsample", "1.0", None, real=True),
    ),
    ("sklearn.linear_model.", frozenset(["ElasticNet"]), Number("l1_ratio", "0.5", real=True)),
)


@dataclass(frozen=True, slots=True)
class Setting:
    """A number of the code, and where an optimiser may put it.

    `name` is stable: file, symbol, the place by structure and the keyword. `value` is what
    the code has now, `text` how it is written; `low` and `high` are in the unit of the number
    and include it. `log` settings are searched evenly over their logarithm. `power` says how
    a run's time grows: as the number to this power.
    """

    name: str
    label: str
    value: float | int
    low: float | int
    high: float | int
    log: bool
    integer: bool
    place: Place
    text: str
    power: float = 0.0

    @property
    def cost_grows(self) -> bool:
        """True when a larger number takes longer."""
        return self.power > 0

    def written(self, value: float | int) -> str:
        """A value in the notation of this literal, to two digits unless it is an integer."""
        return write_number(round(value) if self.integer else float(value), self.text)

    def rounded(self, value: float | int) -> float | int:
        """The value that the code holds once `value` is written there."""
        number = read_number(self.written(value))
        return value if number is None else number

    def cost(self, value: float | int) -> float:
        """A run's time with this value, relative to now."""
        return (value / self.value) ** self.power if self.power and self.value else 1.0


def tunable(tree: Tree, objective: Objective, boundary: Boundary) -> tuple[Setting, ...]:
    """The settings of this code, in a fixed order. Empty when there is nothing to tune."""
    project = Project(tree, objective, boundary)
    scope = Scope(project, objective, boundary)
    reach = Reach(scope.reached() if scope.entries else (), scope.entries)
    settings: dict[tuple[str, int, str], Setting] = {}
    for module in scope.modules():
        for name, node, dial in dials(module):
            setting = _setting(name, node, dial, module)
            if dial.site in settings or setting is None:
                continue
            other = setting.high if setting.high != setting.value else setting.low
            probe = _lever(node, dial, setting.written(other))
            if admitted(probe, module, scope, reach):
                settings[dial.site] = setting
    return tuple(_told_apart(settings.values()))


def dials(module: Module) -> Iterator[tuple[str, Node, Dial]]:
    """The numbers of a file with their stable names; each may be reached in several ways."""
    found: dict[tuple[str, str], dict[tuple[str, int, str], tuple[Node, Dial]]] = {}
    for node, dial in _every_dial(module):
        alike = found.setdefault((module.symbol(node), dial.anchor), {})
        known = alike.get(dial.site)
        alike[dial.site] = (node, dial if known is None else _joined(known[1], dial))
    for (symbol, anchor), alike in found.items():
        for index, (node, dial) in enumerate(alike.values(), start=1):
            # Twins are told apart by their order, and only while there are as many of them.
            twin = f" #{index}/{len(alike)}" if len(alike) > 1 else ""
            yield f"{module.path}::{symbol}::{anchor}{twin}", node, dial


def _every_dial(module: Module) -> Iterator[tuple[Node, Dial]]:
    for transformation in CATALOGUE:
        if transformation.granularity is Granularity.PARAM:
            for lever in transformation.find(module):
                for dial in lever.dials:
                    yield lever.node, dial
    for call in module.calls:
        for prefix, names, number in _ONLY_TUNED:
            if call.dotted.startswith(prefix) and call.name in names and not call.open:
                yield from _own_dial(module, call, number)


def _own_dial(module: Module, call: Call, number: Number) -> Iterator[tuple[Node, Dial]]:
    node = call.value(number.keyword, number.position)
    knob = find_knob(module, node, number.keyword) if node is not None else None
    if (node is not None or not number.default) and knob is None:
        return
    if knob is None and module.project.is_frozen(number.keyword):
        return
    yield call.node, number_dial(module, call, number, knob, anchor=call.name)


def _joined(one: Dial, other: Dial) -> Dial:
    """What two levers say of the same number."""
    powers = [d.power for d in (one, other) if d.power]
    return replace(
        one,
        least=max(one.least, other.least),
        most=min(one.most, other.most),
        power=sum(powers) / len(powers) if powers else 0.0,
    )


def _lever(node: Node, dial: Dial, text: str) -> Lever:
    return Lever(node, dial.anchor, lambda draft: dial.write(draft, text), dial.label, "")


def _setting(name: str, node: Node, dial: Dial, module: Module) -> Setting | None:
    """The setting of a dial, or None when its range holds nothing but the present value."""
    value = read_number(dial.text)
    if value is None or (value <= 0 and dial.keyword not in _SHARES):
        return None
    integer = isinstance(value, int) and not dial.real
    own = _SHARES.get(dial.keyword)
    if own is not None and not integer:
        low, high = own
    else:
        factor = FOURFOLD if integer else DECADE
        low, high = value / factor, value * factor
        if dial.power > 0:
            high = min(high, value * MOST_COST ** (1 / dial.power))
        elif dial.power < 0:
            low = max(low, value * MOST_COST ** (1 / dial.power))
    low, high = max(low, dial.least), min(high, dial.most, _MOST.get(dial.keyword, math.inf))
    if integer:
        low, high = max(1, math.ceil(low)), math.floor(high)
    draft = Setting(
        name,
        dial.label,
        value,
        min(low, value),
        max(high, value),
        own is None or integer,
        integer,
        module.source.place(node),
        dial.text,
        dial.power,
    )
    low, high = draft.rounded(draft.low), draft.rounded(draft.high)
    setting = replace(draft, low=min(low, value), high=max(high, value))
    if setting.low >= setting.high or (setting.log and setting.low <= 0):
        return None
    return setting


def _told_apart(settings: Iterable[Setting]) -> Iterator[Setting]:
    """Settings whose labels say which is which, where several have the same keyword."""
    all_of_them = list(settings)
    labels = Counter(s.label for s in all_of_them)
    longer = [
        s.label if labels[s.label] == 1 else f"{s.label} of {_owner(s.name)}" for s in all_of_them
    ]
    again = Counter(longer)
    for setting, label in zip(all_of_them, longer, strict=True):
        full = label if again[label] == 1 else f"{setting.label} of {setting.name}"
        yield replace(setting, label=full)


def _owner(name: str) -> str:
    return name.rpartition("::")[2].rpartition(", ")[0]
