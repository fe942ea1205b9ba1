"""The evaluation boundary of a repository: what the reported metric depends on.

Declared files and functions, the evaluator script with its local imports, and functions that
print a metric. Reads a tree; what to do about a change is `audit`'s business.
"""

from __future__ import annotations

import ast
import shlex

from autosota.agents.domain import Boundary, Objective
from autosota.agents.protocols import Tree


def draw_boundary(tree: Tree, objective: Objective) -> Boundary:
    """The boundary of a tree. `unknown` says what could not be analysed."""
    known = set(tree.files())
    files = {"autosota.toml"} & known
    symbols: set[str] = set()
    unknown: list[str] = []
    for entry in objective.protocol.evaluation:
        path, _, symbol = entry.partition("::")
        if path not in known:
            unknown.append(f"protocol.evaluation names {path}, which is not in the repository")
        elif symbol:
            symbols.add(entry)
        else:
            files.add(path)
    files |= scripts_of(objective.evaluate, known)
    todo = [f for f in files if f.endswith(".py")]
    while todo:
        for path in local_imports(tree, todo.pop(), known) - files:
            files.add(path)
            todo.append(path)
    method = scripts_of(objective.command, known)
    for path in list(method):
        method |= local_imports(tree, path, known)
    shared = {f for f in files & method if f not in objective.protocol.evaluation}
    symbols |= shared | files
    return Boundary(tuple(sorted(symbols)), tuple(sorted(files - shared)), tuple(unknown))


def scripts_of(command: str, known: set[str]) -> set[str]:
    """The repository's files that a command names."""
    try:
        words = shlex.split(command)
    except ValueError:
        return set()
    found = {w.removeprefix("./") for w in words if w.removeprefix("./") in known}
    for before, name in zip(words, words[1:], strict=False):
        if before == "-m":
            found |= {name.replace(".", "/") + ".py", name.replace(".", "/") + "/__main__.py"}
    return found & known


def local_imports(tree: Tree, path: str, known: set[str]) -> set[str]:
    """The repository's modules that a file imports."""
    try:
        module = ast.parse(tree.read(path))
    except (SyntaxError, ValueError, RecursionError, FileNotFoundError):
        return set()
    here = path.rpartition("/")[0]
    names = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            names |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom):
            stem = node.module or ""
            names |= {stem} | {f"{stem}.{a.name}".strip(".") for a in node.names}
    found = set()
    for name in names:
        for root in {"", "src/", f"{here}/" if here else ""}:
            stem = root + name.replace(".", "/")
            found |= {f"{stem}.py", f"{stem}/__init__.py"} & known
    return found
