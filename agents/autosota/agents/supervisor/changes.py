"""Which functions and classes differ in meaning between two trees, and on which side they are.

A symbol that only moved, was renamed or was reformatted is not changed. The side of a symbol
comes from what its statements take part in: the formula of a metric, data, a model, training.
"""

from __future__ import annotations

import ast
from collections import Counter
from dataclasses import dataclass

from autosota.agents.code import libraries as lib
from autosota.agents.code.facts import MODULE, FileFacts, Statement
from autosota.agents.code.program import Program
from autosota.agents.domain import Boundary, ChangedSymbol, Side


@dataclass(frozen=True, slots=True)
class Change:
    """One symbol that is not what it was."""

    path: str
    symbol: str
    removed: tuple[Statement, ...]
    added: tuple[Statement, ...]


def changed_symbols(base: Program, candidate: Program, paths: list[str]) -> list[Change]:
    """Symbols (and module levels) of changed files that differ in meaning."""
    old = {p: base.facts(p) for p in paths if p in base.files}
    new = {p: candidate.facts(p) for p in paths if p in candidate.files}
    before, after = _fingerprints(old), _fingerprints(new)
    vanished = Counter(before.values()) - Counter(after.values())
    appeared = Counter(after.values()) - Counter(before.values())
    out: list[Change] = []
    for key in sorted(before.keys() | after.keys()):
        left, right = before.get(key), after.get(key)
        if left == right:
            continue
        moved = (left is None or not vanished[left]) and (right is None or not appeared[right])
        if moved:
            continue
        path, symbol = key
        removed, added = _own(old.get(path), symbol), _own(new.get(path), symbol)
        gone = Counter(s.fingerprint for s in removed)
        come = Counter(s.fingerprint for s in added)
        out.append(
            Change(
                path,
                symbol,
                tuple(s for s in removed if come[s.fingerprint] < gone[s.fingerprint]),
                tuple(s for s in added if gone[s.fingerprint] < come[s.fingerprint]),
            )
        )
    return out


def _fingerprints(files: dict[str, FileFacts]) -> dict[tuple[str, str], str]:
    out: dict[tuple[str, str], str] = {}
    for path, facts in files.items():
        for name, symbol in facts.symbols.items():
            if symbol.is_class:
                own = _own(facts, name)
                marks = [facts.dotted(b) for b in getattr(symbol.node, "bases", ())]
                out[path, name] = "class " + " ".join([*marks, *(s.fingerprint for s in own)])
            else:
                out[path, name] = symbol.fingerprint
        module = _own(facts, MODULE)
        out[path, MODULE] = "module " + " ".join(s.fingerprint for s in module)
    return out


def _own(facts: FileFacts | None, symbol: str) -> list[Statement]:
    if facts is None:
        return []
    return [
        s
        for s in facts.statements
        if s.symbol == symbol
        and not isinstance(s.node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    ]


def side_of(change: Change, facts: FileFacts | None, boundary: Boundary) -> Side:
    """On which side of the boundary a changed symbol is."""
    name = f"{change.path}::{change.symbol}"
    parents = [change.symbol]
    while "." in parents[-1]:
        parents.append(parents[-1].rpartition(".")[0])
    if change.path in boundary.files or change.path in boundary.symbols:
        return Side.EVALUATION
    if any(f"{change.path}::{p}" in boundary.symbols for p in parents):
        return Side.EVALUATION
    if any(f"{name}@{s.fingerprint}" in boundary.symbols for s in change.removed):
        return Side.EVALUATION
    return _kind(change, facts)


def _kind(change: Change, facts: FileFacts | None) -> Side:
    if facts is None:
        return Side.OTHER
    parts = change.symbol.split(".")
    for cut in range(len(parts), 0, -1):
        owner = facts.symbols.get(".".join(parts[:cut]))
        if owner is not None and isinstance(owner.node, ast.ClassDef):
            bases = [facts.dotted(b) for b in owner.node.bases]
            if any(lib.MODEL_BASES.search(b) or lib.ESTIMATORS.search(b) for b in bases):
                training = parts[-1] in ("training_step", "configure_optimizers", "fit")
                return Side.TRAINING if training else Side.MODEL
    names: set[str] = set()
    for statement in (*change.added, *change.removed):
        for node in ast.walk(statement.node):
            if isinstance(node, ast.Call):
                names.add(statement.facts.dotted(node.func))
                if isinstance(node.func, ast.Attribute):
                    names.add("." + node.func.attr)
    tails = {n[1:] for n in names if n.startswith(".")}
    if tails & (lib.FIT | {"backward", "step", "zero_grad", "clip_grad_norm_"}):
        return Side.TRAINING
    if any(n.startswith(("torch.optim", "torch.nn.utils")) for n in names):
        return Side.TRAINING
    if any(lib.LOADERS.search(n) or lib.SPLITS.search(n) for n in names if "." in n):
        return Side.DATA
    if any(lib.ESTIMATORS.match(n) for n in names):
        return Side.MODEL
    return Side.OTHER


def as_domain(changes: list[tuple[Change, Side]]) -> tuple[ChangedSymbol, ...]:
    """The changed symbols of a verdict."""
    return tuple(ChangedSymbol(c.path, c.symbol, side) for c, side in changes)
