"""Where training and test rows part: the names of both, and how the rows lie.

Three shapes are known: scikit-learn's `train_test_split`, rows cut by an index, and pairs of
names (`X_train`, `X_test`) that are loaded, returned or handed over alike. Anything else
(groups, masks, folds) is not understood, on purpose: a split that ignores a group leaks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tree_sitter import Node

from autosota.agents.ideator.calls import Call
from autosota.agents.ideator.module import Module
from autosota.agents.init.splits_flow import Entry, Flow, NotUnderstood, names_in, pattern_names

SPLIT = "sklearn.model_selection.train_test_split"
LOADER = "torch.utils.data.DataLoader"

_SWAPS = (
    (re.compile(r"(?<![a-z])test(?![a-z])|(?<=[A-Z])test(?![a-z])|^test(?=[A-Z])"), "train", "val"),
    (re.compile(r"(?<![A-Za-z])tst(?![a-z])"), "trn", "val"),
    (re.compile(r"(?<=[a-z])Test(?![a-z])|^Test"), "Train", "Val"),
    (re.compile(r"(?<![A-Za-z])TEST(?![A-Z])"), "TRAIN", "VAL"),
    (re.compile(r"(?<=[A-Z])te(?![a-z])|(?<![A-Za-z])te(?![a-z])"), "tr", "va"),
    (re.compile(r"(?<=^[xy])te(?![a-z])"), "tr", "va"),
)
_FOREIGN = re.compile(r"Group|KFold|LeaveOne|ShuffleSplit|TimeSeriesSplit|\.split\(|\bnext\(")
_LOADS = re.compile(r"^(numpy|pandas|torch|joblib|pickle|torchvision|polars|sklearn\.datasets)\.")


@dataclass(frozen=True, slots=True)
class Pair:
    """One array (frame, dataset) of training rows and its counterpart of test rows."""

    train: str
    test: str


@dataclass(frozen=True, slots=True)
class Parting:
    """Where the rows part.

    `train_at` and `test_at` are positions of the entries that bind them (-1: parameters).
    `ordered` rows must not be shuffled. `whole` are names that hold rows of both sides.
    `kind` is `rows` or `dataset`; `loads` are the dotted names of what loads them, `own` is true
    when a function of the repository does, or the caller hands them over.
    """

    pairs: tuple[Pair, ...]
    train_at: tuple[int, ...]
    test_at: tuple[int, ...]
    kind: str = "rows"
    ordered: bool = False
    positional: bool = False
    whole: frozenset[str] = frozenset()
    loads: tuple[str, ...] = ()
    own: bool = False

    def names(self, side: str, at: tuple[int, ...]) -> dict[int, frozenset[str]]:
        """For each entry, the names of one side that it binds."""
        found: dict[int, set[str]] = {}
        for pair, index in zip(self.pairs, at, strict=True):
            found.setdefault(index, set()).add(pair.train if side == "train" else pair.test)
        return {i: frozenset(n) for i, n in found.items()}

    @property
    def tests(self) -> dict[int, frozenset[str]]:
        """For each entry, the test names that it binds."""
        return self.names("test", self.test_at)

    @property
    def trains(self) -> dict[int, frozenset[str]]:
        """For each entry, the training names that it binds."""
        return self.names("train", self.train_at)


@dataclass(frozen=True, slots=True)
class _Binding:
    name: str
    value: Node
    at: int


def train_name(name: str) -> tuple[str, ...]:
    """What the training counterpart of a test name may be called."""
    found = [p.sub(train, name, count=1) for p, train, _ in _SWAPS if p.search(name)]
    return tuple(n for n in found if n != name)


def val_name(name: str) -> str:
    """What the validation counterpart of a test name (or of another name) is called."""
    for pattern, _, val in _SWAPS:
        if pattern.search(name):
            return pattern.sub(val, name, count=1)
    return f"val_{name}"


def partings(flow: Flow, chosen: frozenset[int]) -> Iterator[Parting]:
    """The places where rows may part, the surest kind first.

    Raises:
        NotUnderstood: rows part in a way that must not be copied.
    """
    yield from _split_calls(flow, chosen)
    found = _pairs(flow, chosen)
    if found is not None:
        yield found


def _split_calls(flow: Flow, chosen: frozenset[int]) -> Iterator[Parting]:
    module = flow.module
    for index in sorted(chosen):
        left, right = assignment(flow.entries[index])
        call = module.call(right)
        if left is None or call is None or call.dotted != SPLIT:
            continue
        names = pattern_names(module, left)
        where = f"{module.path}:{flow.entries[index].line}"
        if call.open or len(names) != 2 * len(call.positional) or "" in names:
            raise NotUnderstood(f"{where}: the results of train_test_split are not plain names")
        pairs = tuple(Pair(a, b) for a, b in zip(names[::2], names[1::2], strict=True))
        shuffle = call.value("shuffle")
        whole = frozenset().union(*(names_in(module, a) for a in call.positional))
        yield Parting(
            pairs,
            (index,) * len(pairs),
            (index,) * len(pairs),
            ordered=shuffle is not None and module.text(shuffle) == "False",
            whole=whole - set(names),
            loads=(SPLIT,),
        )


def _pairs(flow: Flow, chosen: frozenset[int]) -> Parting | None:
    """Names of both sides that are bound alike."""
    module = flow.module
    first: dict[str, _Binding] = {}
    for index, entry in enumerate(flow.entries):
        for name, value in bindings(module, entry):
            first.setdefault(name, _Binding(name, value, index))
    parameters = parameters_of(module, flow.function)
    found: list[tuple[Pair, int, int]] = []
    tests: set[str] = set()
    for name in parameters:
        train = next((t for t in train_name(name) if t in parameters), None)
        if train is not None:
            found.append((Pair(train, name), -1, -1))
            tests.add(name)
    kinds: set[tuple[bool, bool]] = set()
    whole: set[str] = set()
    loads: list[str] = []
    for test in sorted(first.values(), key=lambda b: b.at):
        if test.at not in chosen or names_in(module, test.value) & tests or test.name in tests:
            continue
        train_binding = _partner(flow, test, first)
        if train_binding is None:
            continue
        alike = _alike(module, train_binding, test)
        if alike is None:
            continue
        cut, positional, dotted = alike
        kinds.add((cut, positional))
        loads.append(dotted)
        if cut:
            whole |= names_in(module, _base(test.value))
        found.append((Pair(train_binding.name, test.name), train_binding.at, test.at))
        tests.add(test.name)
    if not found:
        return None
    if len({c for c, _ in kinds}) > 1:
        raise NotUnderstood(f"{module.path}: some rows are cut by an index and some are not")
    pairs, trains, ends = zip(*found, strict=True)
    loaded = any(_is_dataset(flow, p.train) for p in pairs)
    return Parting(
        tuple(pairs),
        tuple(trains),
        tuple(ends),
        kind="dataset" if loaded else "rows",
        ordered=any(c for c, _ in kinds),
        positional=any(p for _, p in kinds),
        whole=frozenset(whole),
        loads=tuple(dict.fromkeys(loads)),
        own=any(a < 0 or _is_own(flow, a) for a in trains),
    )


def _partner(flow: Flow, test: _Binding, first: dict[str, _Binding]) -> _Binding | None:
    for name in train_name(test.name):
        if name in first:
            return first[name]
    # `DataLoader(dataset2)` beside `DataLoader(dataset1)`: the loaders' names tell.
    for loader, given in _loaders(flow):
        if given != test.name:
            continue
        for name in train_name(loader):
            other = next((g for n, g in _loaders(flow) if n == name), None)
            if other is not None and other != test.name and other in first:
                return first[other]
    return None


def _loaders(flow: Flow) -> Iterator[tuple[str, str]]:
    for entry in flow.entries:
        for name, value in bindings(flow.module, entry):
            call = flow.module.call(value)
            if call is not None and call.dotted.endswith("data.DataLoader") and call.positional:
                given = call.positional[0]
                if given.type == "identifier":
                    yield name, flow.module.text(given)


def _is_own(flow: Flow, index: int) -> bool:
    """True when rows come from a call of something that no import explains."""
    right = assignment(flow.entries[index])[1]
    call = flow.module.call(right)
    return call is not None and call.function.type == "identifier" and not call.dotted


def _is_dataset(flow: Flow, name: str) -> bool:
    return any(given == name for _, given in _loaders(flow))


def _alike(module: Module, train: _Binding, test: _Binding) -> tuple[bool, bool, str] | None:
    """(cut by an index, positional `.iloc`, what loads) when both sides are made alike."""
    one, other = train.value, test.value
    if train.name in names_in(module, other) or _FOREIGN.search(module.text(other)):
        return None
    if train.at == test.at and one == other:  # several names from one call
        call = module.call(one)
        if call is None or call.dotted == SPLIT or _handles_loaders(train.name):
            return None
        return False, False, call.dotted
    cuts = _cut(module, one), _cut(module, other)
    if cuts[0] is not None and cuts[1] is not None:
        (base, start, stop), (base2, start2, stop2) = cuts[0], cuts[1]
        if base != base2:
            return None
        before = not start and stop and start2 == stop
        after = not stop and start and stop2 == start and not start2
        if before or after:
            return True, ".iloc" in base, ""
        return None
    first, second = _load(module, one), _load(module, other)
    if first is not None and second is not None:
        same = module.text(first.function) == module.text(second.function)
        return (False, False, first.dotted) if same else None
    if one.type == other.type == "subscript":
        same = module.text(_base(one)) == module.text(_base(other))
        keys = [n.child_by_field_name("subscript") for n in (one, other)]
        strings = all(k is not None and k.type == "string" for k in keys)
        return (False, False, "") if same and strings else None
    return None


def _load(module: Module, node: Node) -> Call | None:
    """The loading call inside `np.load("x.npy").astype(float) / 255`."""
    calls = [c for c in module.calls_in(node) if _LOADS.match(c.dotted)]
    whole = module.call(node)
    if len(calls) == 1:
        return calls[0]
    return whole if whole is not None and whole.function.type == "identifier" else None


def _cut(module: Module, node: Node) -> tuple[str, str, str] | None:
    """(what, start, stop) of `x[start:stop]`; further dimensions do not matter."""
    if node.type != "subscript":
        return None
    part = node.child_by_field_name("subscript")
    if part is None or part.type != "slice":
        return None
    text = module.text(part)
    if text.count(":") != 1:
        return None
    start, _, stop = text.partition(":")
    return module.text(_base(node)), start.strip(), stop.strip()


def _base(node: Node) -> Node:
    return node.child_by_field_name("value") or node


def _handles_loaders(name: str) -> bool:
    return bool(re.search(r"loader|iter|\bdl\b|_dl|dataset|_ds|\bds", name, re.I))


def assignment(entry: Entry) -> tuple[Node | None, Node | None]:
    """Both sides of a plain assignment."""
    node = entry.node
    inner = node.named_children[0] if node.type == "expression_statement" else None
    if inner is None or inner.type != "assignment":
        return None, None
    return inner.child_by_field_name("left"), inner.child_by_field_name("right")


def bindings(module: Module, entry: Entry) -> Iterator[tuple[str, Node]]:
    """Each name that a plain assignment binds, with its own part of the right side."""
    left, right = assignment(entry)
    if left is None or right is None:
        return
    names = pattern_names(module, left)
    parts = right.named_children if right.type in ("expression_list", "tuple") else []
    paired = len(parts) == len(names) and len(names) > 1
    for index, name in enumerate(names):
        if name and name != "_":
            yield name, parts[index] if paired else right


def parameters_of(module: Module, function: Node | None) -> list[str]:
    """The names of a function's parameters."""
    holder = function.child_by_field_name("parameters") if function is not None else None
    found: list[str] = []
    for child in holder.named_children if holder is not None else ():
        name = child.child_by_field_name("name")
        if name is None and child.type == "typed_parameter":
            name = child.named_children[0]
        if name is not None or child.type == "identifier":
            found.append(module.text(name if name is not None else child))
    return found
