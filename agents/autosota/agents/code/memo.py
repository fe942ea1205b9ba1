"""Functions that remember their answers in a dictionary, read as if they did not.

`if w not in self.cache: …; self.cache[w] = v` followed by `return self.cache[w]` gives what `v`
is for this `w`; that other words were asked before changes nothing. Only where that is certain:
the dictionary is used for nothing else in its file, and the function's answer depends on no
argument but the key. Anything else is left as it is written. Nothing is run.

Names here carry no context: what is assigned is told by where a name stands.
"""

from __future__ import annotations

import ast
from copy import deepcopy

_ANSWER = "<answer>"


def remembered_away(
    function: ast.FunctionDef | ast.AsyncFunctionDef, file: ast.Module
) -> list[ast.stmt]:
    """The body of a function, without the dictionary it remembers its answers in."""
    container = _container(function)
    if container is None or not _only_remembers(container, file):
        return function.body
    key = _key(function, container)
    if key is None:
        return function.body
    made = _without(function.body, ast.dump(container), key)
    return made if made is not None else function.body


def _container(function: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.expr | None:
    """The dictionary of the first `key in …` or `key not in …` that a branch asks."""
    for statement in function.body:
        if isinstance(statement, ast.If) and (asked := _asked(statement)) is not None:
            return asked[1]
    return None


def _asked(statement: ast.If) -> tuple[str, ast.expr, bool] | None:
    """Key, dictionary, and whether the branch is for what is not in it yet."""
    test = statement.test
    if not isinstance(test, ast.Compare) or len(test.ops) != 1 or statement.orelse:
        return None
    held, kind = test.comparators[0], test.ops[0]
    plain = isinstance(held, ast.Name) or (
        isinstance(held, ast.Attribute) and isinstance(held.value, ast.Name)
    )
    if not isinstance(test.left, ast.Name) or not plain or not isinstance(kind, ast.In | ast.NotIn):
        return None
    return test.left.id, held, isinstance(kind, ast.NotIn)


def _key(function: ast.FunctionDef | ast.AsyncFunctionDef, container: ast.expr) -> str | None:
    """The one argument that the answer depends on; None when there are others."""
    given = function.args
    if given.vararg or given.kwarg:
        return None
    names = [a.arg for a in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    held_by = container.value if isinstance(container, ast.Attribute) else None
    owner = held_by.id if isinstance(held_by, ast.Name) else None
    if owner is not None:
        if names[:1] != [owner]:
            return None
        names = names[1:]
    body = [n for statement in function.body for n in ast.walk(statement)]
    used = [n for n in names if any(isinstance(p, ast.Name) and p.id == n for p in body)]
    assigned = (n for part in body for n in _targets(part))
    return used[0] if len(used) == 1 and used[0] not in assigned else None


def _targets(node: ast.AST) -> list[str]:
    """Names that a statement or a comprehension assigns."""
    found = [*getattr(node, "targets", ()), getattr(node, "target", None)]
    if isinstance(node, ast.withitem):
        found.append(node.optional_vars)
    names: list[str] = []
    while found:
        target = found.pop()
        if isinstance(target, ast.Name):
            names.append(target.id)
        elif isinstance(target, ast.Tuple | ast.List):
            found += target.elts
        elif isinstance(target, ast.Starred):
            found.append(target.value)
    return names


def _only_remembers(container: ast.expr, file: ast.Module) -> bool:
    """True when the dictionary begins empty and is only asked, read and written by a key."""
    name = container.attr if isinstance(container, ast.Attribute) else getattr(container, "id", "")
    begins = False
    for parent in ast.walk(file):
        for child in ast.iter_child_nodes(parent):
            own = child.attr if isinstance(child, ast.Attribute) else getattr(child, "id", None)
            if own != name or not isinstance(child, ast.Attribute | ast.Name):
                continue
            if isinstance(parent, ast.Assign | ast.AnnAssign):
                if not _empty(parent.value):
                    return False
                begins = True
            elif isinstance(parent, ast.Subscript) and parent.value is child:
                if not isinstance(parent.slice, ast.Name) or isinstance(parent.ctx, ast.Del):
                    return False
            elif not (isinstance(parent, ast.Compare) and child in parent.comparators):
                return False
    return begins


def _empty(value: ast.expr | None) -> bool:
    if isinstance(value, ast.Dict):
        return not value.keys
    called = isinstance(value, ast.Call) and not value.args and not value.keywords
    return called and isinstance(value.func, ast.Name) and value.func.id == "dict"  # type: ignore[union-attr]


def _without(body: list[ast.stmt], container: str, key: str) -> list[ast.stmt] | None:
    """A body whose answers are kept in a name of its own; None where it does something else."""
    out: list[ast.stmt] = []
    for statement in body:
        asked = _asked(statement) if isinstance(statement, ast.If) else None
        if asked is None or ast.dump(asked[1]) != container or not isinstance(statement, ast.If):
            out.append(statement)
        elif asked[0] != key:
            return None
        elif asked[2]:
            out += statement.body
        elif not _gives_back(statement.body, container, key):
            return None
    kept = _Kept(container, key)
    made = [kept.visit(deepcopy(statement)) for statement in out]
    left = [n for statement in made for n in ast.walk(statement)]
    if not kept.written or any(ast.dump(n) == container for n in left if isinstance(n, ast.expr)):
        return None
    return made


def _gives_back(body: list[ast.stmt], container: str, key: str) -> bool:
    if len(body) != 1 or not isinstance(body[0], ast.Return) or body[0].value is None:
        return False
    return _is_entry(body[0].value, container, key)


def _is_entry(value: ast.expr, container: str, key: str) -> bool:
    entry = isinstance(value, ast.Subscript) and isinstance(value.slice, ast.Name)
    return entry and ast.dump(value.value) == container and value.slice.id == key  # type: ignore[attr-defined]


class _Kept(ast.NodeTransformer):
    """Puts a name in the place of the dictionary's entry for the key."""

    def __init__(self, container: str, key: str) -> None:
        self.container, self.key, self.written = container, key, False

    def visit_Assign(self, node: ast.Assign) -> ast.stmt:
        """See `ast.NodeTransformer`."""
        self.written |= any(_is_entry(t, self.container, self.key) for t in node.targets)
        self.generic_visit(node)
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        """See `ast.NodeTransformer`."""
        if not _is_entry(node, self.container, self.key):
            self.generic_visit(node)
            return node
        return ast.copy_location(ast.Name(_ANSWER, node.ctx), node)
