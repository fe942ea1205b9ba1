"""What a model is shown of a repository: code that ideas may change, in slices, and little else.

Symbols that the experiment runs, the most telling first, within a budget of tokens; of the rest
only the head line. Evaluation code is named, not shown in full. Blocks go from the most stable to
the least, so that a cache holds their beginning: rules and code of a commit first, results last.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tree_sitter import Node

from autosota.agents.domain import Boundary, Hypothesis, Objective
from autosota.agents.ideator.module import Module
from autosota.agents.ideator.with_model.edits import mark_of, target_of
from autosota.agents.ideator.with_model.gates import Gates
from autosota.agents.ideator.with_model.quoting import cut, one_line, quoted, tokens
from autosota.agents.protocols import Tree

CODE_TOKENS = 12_000
PAPER_TOKENS = 6_000
NOTES_TOKENS = 1_000
MOST_TOLD = 40
"""Ideas that were known before and are named again, so that none comes twice."""

_TELLING = re.compile(
    r"\b(forward|fit|train\w*|loss\w*|optim\w*|lr|learning_rate|epochs?|scheduler|dropout|model\w*|"
    r"nn|augment\w*|batch\w*|weight_decay|regulari\w*|attention|embed\w*|pool\w*|norm\w*|C|alpha|"
    r"n_estimators|max_depth|kernel)\b"
)
_DEFINITIONS = ("function_definition", "class_definition")


@dataclass(frozen=True, slots=True)
class Known:
    """An idea that there was before, and how it fared; never with a value of the claim."""

    idea: Hypothesis
    fate: str
    reason: str


@dataclass(frozen=True, slots=True)
class Slice:
    """One piece of code as it is shown."""

    path: str
    symbol: str
    line: int
    mark: str
    text: str
    weight: float


def code_block(gates: Gates, most: int = CODE_TOKENS) -> str:
    """The code that ideas may change: whole symbols by weight, the rest by its head line."""
    slices = [s for module in gates.scope.modules() for s in _slices(module, gates)]
    chosen: set[int] = set()
    left = most
    for number, piece in sorted(enumerate(slices), key=lambda pair: (-pair[1].weight, pair[0])):
        price = tokens(piece.text) + 25
        if price <= left:
            left -= price
            chosen.add(number)
    out: list[str] = []
    for number, piece in enumerate(slices):
        where = f"{piece.path}::{piece.symbol}" if piece.symbol else piece.path
        if number in chosen:
            out.append(quoted("code", f"{where} base={piece.mark} line={piece.line}", piece.text))
        elif left > 0:
            head = one_line(piece.text.strip().split("\n")[0], 120)
            left -= tokens(head) + 25
            out.append(quoted("head line of code that is not shown", where, head))
    return "\n\n".join(out)


def whole_files(gates: Gates) -> str:
    """The same files in full: what the slices are compared with."""
    return "\n\n".join(
        quoted("code", m.path, m.source.content.decode("utf-8", "replace"))
        for m in gates.scope.modules()
    )


def task_block(objective: Objective, boundary: Boundary) -> str:
    """What is optimised and what may not move, from the objective."""
    frozen = ", ".join(f"{k} = {v!r}" for k, v in objective.protocol.frozen.items()) or "none"
    closed = sorted({*boundary.files, *boundary.symbols, *objective.protocol.evaluation})
    lines = [
        f"command of one experiment: {objective.command}",
        f"metric that the search looks at: {objective.select_on} ({objective.direction})",
        f"constants that are frozen: {frozen}",
        f"closed, as it is the evaluation: {', '.join(closed[:40]) or 'not known'}",
        f"time limit of a run: {objective.timeout_seconds:g} s",
    ]
    lines += [f"guarded: {g.name}" for g in objective.guards]
    return quoted("objective", "autosota.toml", "\n".join(lines))


def paper_block(tree: Tree, objective: Objective) -> str:
    """The paper's text where the repository holds it, and the start of its README."""
    parts = []
    names = set(tree.files())
    source = objective.paper.source
    if objective.paper.title:
        parts.append(quoted("title of the paper", "paper.title", objective.paper.title))
    if source in names and source.rpartition(".")[2].lower() in ("md", "txt", "tex", "rst"):
        text = tree.read(source).decode("utf-8", "replace")
        parts.append(quoted("paper", source, cut(text, PAPER_TOKENS)))
    readme = next(
        (n for n in ("README.md", "README.rst", "README.txt", "README") if n in names), ""
    )
    if readme:
        text = tree.read(readme).decode("utf-8", "replace")
        parts.append(quoted("readme", readme, cut(text, NOTES_TOKENS)))
    return "\n\n".join(parts)


def results_block(known: Sequence[Known], wishes: Sequence[str]) -> str:
    """How ideas fared so far, and what the user asked for."""
    lines = []
    for entry in known[-MOST_TOLD:]:
        idea = entry.idea
        fate = f"{entry.fate}: {one_line(entry.reason, 160)}" if entry.reason else entry.fate
        where = f"{idea.place.path}::{idea.symbol}"
        lines.append(f"- {one_line(idea.title, 120)} ({idea.granularity}, {where}) [{fate}]")
    parts = [quoted("ideas so far", "library", "\n".join(lines) or "none")]
    if wishes:
        text = "\n".join(f"- {one_line(wish, 500)}" for wish in wishes)
        parts.append(quoted("wishes of the user for which ideas to prefer", "steering", text))
    return "\n\n".join(parts)


def looked_up(gates: Gates, arguments: Mapping[str, str]) -> str:
    """A symbol of an open file, for the model that asks for it; '' when it is closed or unknown."""
    path, symbol = arguments.get("path", ""), arguments.get("symbol", "")
    if path not in gates.project.paths or gates.scope.closed(path):
        return ""
    module = gates.project.module(path)
    target = target_of(module, symbol) if module is not None else None
    if module is None or target is None or gates.scope.refuses(module, target.node):
        return ""
    text = target.text.decode("utf-8", "replace")
    name = f"{path}::{symbol} base={target.mark}" if symbol else f"{path} base={target.mark}"
    return quoted("code", name, cut(text, 4_000))


def _slices(module: Module, gates: Gates) -> Iterator[Slice]:
    """The top-level pieces of a file: code outside of definitions, functions, classes."""
    source = module.source
    if source.has_error:
        return
    loose: list[str] = []
    pieces: list[Slice] = []
    for node in source.root.named_children:
        definition = _definition(node)
        if definition is None:
            loose.append(source.text(node))
            continue
        name = definition.child_by_field_name("name")
        symbol = source.text(name) if name is not None else ""
        refused = gates.scope.refuses(module, definition)
        if refused or gates.reach.is_idle(module, definition):
            continue
        text = source.text(node)
        mark = mark_of(text.encode())
        line = node.start_point.row + 1
        pieces.append(Slice(module.path, symbol, line, mark, text, _weight(text)))
    if loose:
        text = "\n".join(loose)
        mark = mark_of(source.content)
        yield Slice(module.path, "", 1, mark, text, _weight(text) + 1.0)
    yield from pieces


def _definition(node: Node) -> Node | None:
    if node.type == "decorated_definition":
        inner = node.child_by_field_name("definition")
        return inner if inner is not None and inner.type in _DEFINITIONS else None
    return node if node.type in _DEFINITIONS else None


def _weight(text: str) -> float:
    """How much a piece says about training: telling words per line, long ones not for free."""
    lines = text.count("\n") + 1
    return float(len(_TELLING.findall(text)) / lines**0.7)
