"""NB rules: whether a notebook, or a split, gives the same again when it is run from the top."""

from __future__ import annotations

import builtins
from collections.abc import Iterator

from autosota.agents.check import ir
from autosota.agents.check.facts import Facts, FileRule
from autosota.agents.check.index import last, root, variables_in
from autosota.agents.domain import Finding

_KNOWN = frozenset(dir(builtins)) | {
    "display",
    "get_ipython",
    "exit",
    "quit",
    "_",
    "__",
    "___",
    "In",
    "Out",
}


def order(facts: Facts) -> Iterator[Finding]:
    """A cell uses what only a later cell defines, or cells were run against their order."""
    document = facts.document
    if not document.is_notebook or not facts.complete:
        return
    defined: dict[str, int] = {}
    first: dict[str, int] = {}
    cells: dict[int, list[ir.Stmt]] = {}
    stars = False
    for stmt in facts.body:
        cell = document.cell_at(stmt.unit.offset + stmt.start)
        if cell is not None:
            cells.setdefault(cell.index, []).append(stmt)
    for number, body in cells.items():
        for name in _defines(tuple(body)):
            first.setdefault(name, number)
            stars = stars or name == "*"
    told: set[int] = set()
    if not stars:
        for number, body in cells.items():
            for stmt in body:
                for use in _top_uses(stmt):
                    name = use.id
                    if name in _KNOWN or name in defined or name not in first:
                        continue
                    if first[name] > number:
                        defined[name] = number  # said once
                        told.add(number)
                        yield facts.finding(
                            "NB801",
                            use,
                            f"`{name}` is only defined in a later cell: run from the top, it fails "
                            "or uses another value",
                        )
                for name in _defines((stmt,)):
                    defined.setdefault(name, number)
    before = 0
    for cell in document.cells:
        if cell.execution_count is None:
            continue
        if cell.execution_count < before and cell.index in cells and cell.index not in told:
            yield facts.finding(
                "NB801",
                cells[cell.index][0],
                f"run as [{cell.execution_count}], after one that was run as [{before}] and stands "
                "above: the results may not be those of the notebook run from the top",
            )
            return
        before = max(before, cell.execution_count)


def _defines(body: tuple[ir.Stmt, ...]) -> Iterator[str]:
    """Names that running these statements binds at the top level."""
    stack = list(body)[::-1]
    while stack:
        stmt = stack.pop()
        if isinstance(stmt, ir.Function | ir.Class):
            yield stmt.name
            if isinstance(stmt, ir.Function):
                for inner in ir.statements(stmt.body):
                    if isinstance(inner, ir.Global):
                        yield from inner.names
            continue
        if isinstance(stmt, ir.Import):
            yield from (local.split(".")[0] for local, _ in stmt.names)
            yield from ("*" for local, _ in stmt.names if local == "*")
        elif isinstance(stmt, ir.Assign):
            for goal in stmt.targets:
                yield from _bound_in(goal)
        elif isinstance(stmt, ir.For):
            yield from _bound_in(stmt.target)
        elif isinstance(stmt, ir.With):
            for _, target in stmt.items:
                if target is not None:
                    yield from _bound_in(target)
        elif isinstance(stmt, ir.Try):
            yield from (h.name for h in stmt.handlers if h.name)
        for expr in ir.expressions(stmt):
            if isinstance(expr, ir.Walrus):
                yield expr.name
        for block in ir.blocks(stmt):
            stack.extend(block)


def _bound_in(target: ir.Expr) -> Iterator[str]:
    if isinstance(target, ir.Name):
        yield target.id
    elif isinstance(target, ir.Sequence):
        for one in target.elts:
            yield from _bound_in(one)
    elif isinstance(target, ir.Starred):
        yield from _bound_in(target.value)


def _top_uses(stmt: ir.Stmt) -> Iterator[ir.Name]:
    """Variables that running a statement reads now: not inside functions, lambdas or their like."""
    stack: list[ir.Node] = [stmt]
    while stack:
        node = stack.pop()
        if isinstance(node, ir.Function | ir.Class):
            stack.extend(reversed(node.decorators))
            continue
        if isinstance(node, ir.Lambda):
            continue
        if isinstance(node, ir.Comprehension):
            own = {n for t, _ in node.loops for n in variables_in(t)}
            for expr in ir.expressions(node):
                if isinstance(expr, ir.Name) and expr.id not in own and not _shadowed(node, expr):
                    yield expr
            continue
        if isinstance(node, ir.Assign):
            if node.op and isinstance(node.targets[0], ir.Name):
                yield node.targets[0]
            stack.extend(t for t in node.targets if not isinstance(t, ir.Name | ir.Sequence))
            if node.value is not None:
                stack.append(node.value)
            continue
        if isinstance(node, ir.For):
            stack.append(node.iterable)
        elif isinstance(node, ir.Delete | ir.Global):
            continue
        elif isinstance(node, ir.With):
            stack.extend(value for value, _ in node.items)
        elif isinstance(node, ir.Name):
            yield node
        else:
            stack.extend(reversed(list(ir.parts(node))))
        for block in ir.blocks(node):
            stack.extend(reversed(block))


def _shadowed(comprehension: ir.Comprehension, name: ir.Name) -> bool:
    """Whether a lambda or an inner comprehension binds the name."""
    for expr in ir.expressions(comprehension):
        if isinstance(expr, ir.Lambda) and any(p.name == name.id for p in expr.params):
            return True
        if isinstance(expr, ir.Comprehension) and any(
            name.id in variables_in(t) for t, _ in expr.loops
        ):
            return True
    return False


_SPLITS = {
    "sklearn.model_selection.train_test_split": "random_state",
    "torch.utils.data.random_split": "generator",
}
_FOLDS = {"KFold", "StratifiedKFold", "GroupKFold", "StratifiedGroupKFold"}
_DRAWN = {
    "ShuffleSplit",
    "StratifiedShuffleSplit",
    "GroupShuffleSplit",
    "RepeatedKFold",
    "RepeatedStratifiedKFold",
}
_MODULE = "sklearn.model_selection."
_SEEDS = ("seed_everything", "set_seed", "set_random_seed", "fix_seed", "set_seeds")
_GLOBAL = {
    *("numpy.random.seed", "random.seed", "torch.manual_seed", "tensorflow.random.set_seed"),
    *("keras.utils.set_random_seed", "transformers.set_seed", "numpy.random.set_state"),
}


def unseeded(facts: Facts) -> Iterator[Finding]:
    """Rows are split at random without a seed, or one table is split twice."""
    idx = facts.index
    if any(
        c.name in _GLOBAL or c.method in _SEEDS or (c.method == "seed" and c.node.args)
        for c in idx.calls_to(_GLOBAL, "seed", *_SEEDS)
    ):
        return
    tables: dict[str, ir.Node] = {}
    ours = [local for local, name in idx.imports.items() if name.startswith(_MODULE)]
    for call in idx.calls_to(_SPLITS, *_FOLDS, *_DRAWN, *ours):
        keyword = _SPLITS.get(call.name)
        if keyword is None:
            kind = call.name.rpartition(".")[2]
            if call.name.startswith(_MODULE):
                drawn = kind in _DRAWN or (kind in _FOLDS and _true(call.node.keyword("shuffle")))
                if drawn and _unset(call.node.keyword("random_state")):
                    yield facts.finding(
                        "NB802",
                        call.node,
                        f"`{kind}` shuffles without a seed: every run scores other folds; pass "
                        "`random_state`",
                    )
            continue
        shuffle = call.node.keyword("shuffle")
        if isinstance(shuffle, ir.Const) and shuffle.value is False:
            continue
        if _unset(call.node.keyword(keyword)) and not _positional_seed(call.node, keyword):
            table = root(call.node.args[0]) if call.node.args else ""
            twice = tables.get(table) if table else None
            yield facts.finding(
                "NB802",
                call.node,
                f"`{table or last(call.node.func)}` is split at random without a seed"
                + (
                    " and for the second time: the parts of the two splits share rows"
                    if twice
                    else ""
                )
                + f"; pass `{keyword}`",
                related=[(twice, "the other split")] if twice else (),
            )
            tables.setdefault(table, call.node)


def _true(expr: ir.Expr | None) -> bool:
    return isinstance(expr, ir.Const) and expr.value is True


def _unset(expr: ir.Expr | None) -> bool:
    return expr is None or (isinstance(expr, ir.Const) and expr.value is None)


def _positional_seed(call: ir.Call, keyword: str) -> bool:
    if any(k is None for k, _ in call.keywords):
        return True
    return keyword == "generator" and len(call.args) > 2


RULES = (
    FileRule("NB801", order, (), notebooks=True),
    FileRule(
        "NB802", unseeded, ((b"train_test_split", b"random_split", b"Fold", b"ShuffleSplit"),)
    ),
)
