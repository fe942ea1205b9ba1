"""Splits: which calls part rows, and which side is which."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autosota.agents.check import ir, knowledge
from autosota.agents.check.roles import role
from autosota.agents.check.rows import apply_index, index_root, index_value, select
from autosota.agents.check.values import ABSENT, NOTHING, Part, Value, mix, role_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from autosota.agents.check.calls import Site
    from autosota.agents.check.evaluate import Machine


def train_test_split(m: Machine, site: Site) -> Value:
    """Two sides of each argument; calls with one seed and one size part alike."""
    seed = site.keywords.get("random_state", NOTHING).const
    shuffle = site.keywords.get("shuffle", NOTHING).const
    size = "".join(
        f"{name}={m.text(value)}"
        for name, value in site.node.keywords
        if name in ("test_size", "train_size")
    )
    key: object = site.node
    if isinstance(seed, int) and not isinstance(seed, bool):
        key = ("train_test_split", seed, size)
    elif shuffle is False:
        key = ("train_test_split", "in order", size)
    elts: list[Value] = []
    for i, value in enumerate(site.args):
        rows = value.rows
        if not rows:
            rows = _anonymous(m, site, i, value)
        for side in (0, 1):
            name = m.targets[2 * i + side] if 2 * i + side < len(m.targets) else ""
            elts.append(
                value._replace(
                    rows=_sides(m, rows, key, side, name, site.node, shuffle is not False),
                    elts=None,
                    const=ABSENT,
                    fields=value.fields,
                    ref="",
                )
            )
    m.event("split", site.node, site.name, data=tuple(site.args))
    return Value(elts=tuple(elts))


def _anonymous(m: Machine, site: Site, i: int, value: Value) -> frozenset[Part]:
    """Rows of an argument of which nothing is known, by its text."""
    if value.elts is not None and value.elts:
        inner = mix(value.elts).rows
        if inner:
            return inner
    node = site.node.args[i] if i < len(site.node.args) else site.node
    return frozenset((m.part(None, "root", ("given", m.text(node)), name=m.text(node), node=node),))


def _sides(
    m: Machine, rows: frozenset[Part], key: object, side: int, name: str, node: ir.Expr, mixed: bool
) -> frozenset[Part]:
    found = set()
    for part in rows:
        meant = role(name)
        above = role_of(part)
        if side == 0:
            if meant not in ("train", "validation", "test"):
                meant = "validation" if above in ("test", "validation") else "train"
        elif meant not in ("validation", "test"):
            meant = "validation" if above == "train" else "test"
        found.add(
            m.part(part, "split", key, side, role=meant, name=name, node=node, shuffled=mixed)
        )
    return frozenset(found)


def random_split(m: Machine, site: Site) -> Value:
    """`torch.utils.data.random_split(data, lengths)`."""
    data = site.arg(0, "dataset")
    rows = data.rows or _anonymous(m, site, 0, data)
    lengths = site.arg(1, "lengths").elts
    count = len(lengths) if lengths else 2
    elts = []
    names = ("train", "test") if count == 2 else ("train", "validation", "test")
    for side in range(count):
        name = m.targets[side] if side < len(m.targets) else ""
        meant = role(name) or (names[side] if side < len(names) else "")
        parts = frozenset(
            m.part(
                p, "split", site.node, side, role=meant, name=name, node=site.node, shuffled=True
            )
            for p in rows
        )
        elts.append(data._replace(rows=parts, elts=None))
    m.event("split", site.node, site.name, data=(data,))
    return Value(elts=tuple(elts))


def subset(m: Machine, site: Site) -> Value:
    """`Subset(data, numbers)`, `np.take(data, numbers)`."""
    data, index = site.arg(0, "dataset", "a"), site.arg(1, "indices")
    if data.rows and index.rows and "index" in index.marks:
        return data._replace(rows=apply_index(m, data.rows, index.rows))
    rows = frozenset(m.part(p, "filter", site.node, node=site.node) for p in data.rows)
    return data._replace(rows=rows)


def permutation(m: Machine, site: Site) -> Value:
    """Row numbers in a random (or plain) order; a table given is only shuffled."""
    data = site.arg(0, "x", "n")
    if data.rows:
        return data
    return index_value(m, frozenset((index_root(m, site.node, site.node),)))


def random(m: Machine, site: Site) -> Value:
    """Random numbers, one per row as like as not."""
    return Value(marks=frozenset(("random",)))


def choice(m: Machine, site: Site) -> Value:
    """Some of the numbers of rows, or some of the rows."""
    data = site.arg(0, "a", "population")
    if data.rows:
        rows = frozenset(m.part(p, "sample", site.node, node=site.node) for p in data.rows)
        return data._replace(rows=rows)
    root = index_root(m, site.node, site.node)
    return index_value(m, frozenset((m.part(root, "split", site.node, 0, node=site.node),)))


def folds(m: Machine, site: Site) -> Value | None:
    """`KFold(...).split(X, y)`: numbers of rows to train and to validate on."""
    kinds = [o for o in site.receiver.objs if knowledge.family(o.kind) == "folds"]
    if not kinds:
        return None
    root = index_root(m, "folds", site.node)
    pair = tuple(
        index_value(
            m,
            frozenset(
                (m.part(root, "split", site.node, side, role=meant, node=site.node, shuffled=True),)
            ),
        )
        for side, meant in ((0, "train"), (1, "validation"))
    )
    m.event("split", site.node, f"{kinds[0].kind}.split", data=tuple(site.args))
    return Value(elts=(Value(elts=pair),), marks=frozenset(("repeat",)))


def dataset_split(m: Machine, site: Site) -> Value | None:
    """`Dataset.train_test_split(...)` of the `datasets` library."""
    if not site.receiver.rows:
        return None
    from autosota.agents.check.values import Field

    rows = site.receiver.rows
    fields = []
    for side, name in enumerate(("train", "test")):
        parts = _sides(m, rows, site.node, side, name, site.node, True)
        fields.append(Field(name, Value(parts, site.receiver.fits)))
    return Value(fields=tuple(fields), marks=frozenset(("dict",)))


def resample(m: Machine, site: Site) -> Value:
    """`sklearn.utils.resample`: drawn with replacement unless it says otherwise."""
    values = [v for v in site.args if v.rows]
    again = site.keywords.get("replace", NOTHING).const is not False
    found = []
    for value in values:
        kind = "copies" if again else "sample"
        rows = frozenset(m.part(p, kind, site.node, node=site.node) for p in value.rows)
        found.append(value._replace(rows=rows, elts=None))
    if not found:
        return NOTHING
    return found[0] if len(found) == 1 else Value(elts=tuple(found))


def pick(m: Machine, site: Site) -> Value:
    """`np.delete(data, numbers)`, `np.setdiff1d(numbers, numbers)`: the others."""
    data, index = site.arg(0), site.arg(1)
    if site.method == "setdiff1d" and index.rows and "index" in index.marks:
        return index._replace(rows=frozenset(map(_other_side(m), index.rows)))
    if data.rows and index.rows and "index" in index.marks:
        others = frozenset(map(_other_side(m), index.rows))
        return data._replace(rows=apply_index(m, data.rows, others))
    return data


def _other_side(m: Machine) -> Callable[[Part], Part]:
    def other(part: Part) -> Part:
        if part.parent is None or part.side not in (0, 1) or part.kind not in ("split", "mask"):
            return part
        assert isinstance(part.side, int)
        return m.part(part.parent, part.kind, part.key, 1 - part.side, node=part.node)

    return other


def complement(m: Machine, base: Value, taken: Value, node: ir.Expr) -> Value | None:
    """The rows of `base` without those that were taken: `df.drop(train.index)`."""
    found = set()
    for part in taken.rows:
        if part.parent in base.rows and part.kind in ("split", "mask") and part.side in (0, 1):
            assert isinstance(part.side, int) and part.parent is not None
            side = 1 - part.side
            meant = {"train": "test", "test": "train", "validation": "train"}.get(part.role, "")
            name = m.targets[0] if m.targets else ""
            found.add(
                m.part(
                    part.parent,
                    part.kind,
                    part.key,
                    side,
                    role=role(name) or meant,
                    name=name,
                    node=node,
                    shuffled=part.shuffled,
                )
            )
    return base._replace(rows=frozenset(found)) if found else None


def take(m: Machine, site: Site) -> Value | None:
    """`data.take(numbers)`."""
    if site.receiver.rows and site.args and site.args[0].rows:
        node = site.node
        fake = ir.Subscript(node.unit, node.start, node.end, node.func, node.args[0])
        return select(m, site.receiver, site.args[0], fake)
    return None


FUNCTIONS = {
    "train_test_split": train_test_split,
    "random_split": random_split,
    "Subset": subset,
    "take": subset,
    "permutation": permutation,
    "randperm": permutation,
    "arange": permutation,
    "shuffle": permutation,
    "rand": random,
    "random_sample": random,
    "uniform": random,
    "choice": choice,
    "sample": choice,
    "resample": resample,
    "delete": pick,
    "setdiff1d": pick,
}
METHODS = {"split": folds, "train_test_split": dataset_split, "take": take}
