"""What a program prints, as lines of text with expressions in them.

`print`, `sys.stdout.write`, `tqdm.write`, `click.echo` and log calls; f-strings, `.format`, `%`
and several arguments come out alike. Which of it is a metric is not known here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tree_sitter import Node

from autosota.agents.code.source import SourceFile
from autosota.agents.init import syntax
from autosota.agents.init.syntax import Piece

_PRINTS = re.compile(
    r"^(print|pprint|(sys\.)?stdout\.write|tqdm(\.tqdm)?\.write|(click|typer)\.echo|"
    r"(\w*console)\.(print|log)|rprint|progress_bar|print_log|print_\w+|log_?print|print0|"
    r"(\w+_)?(master|main|rank_?zero|rank_?0)_print|self\.print|printf|accelerator\.print)$"
)
_LOGS = re.compile(r"^(?:self\.)?_?(logging|logger|log|lg|LOGGER|LOG)\.(info|warning|critical)$")
_FIELD = re.compile(r"\{\{|\}\}|\{([^{}:!]*)(?:![rsa])?(?::((?:[^{}]|\{\})*))?\}")
_PERCENT = re.compile(r"%%|%(?:\((\w+)\))?([#0 +-]*[\d*]*(?:\.[\d*]+)?[diouxXeEfFgGrsc])")
_ROUNDED = ("str", "round", "float", "np.round", "repr", "np.float64")
_SPLIT_LINES = re.compile(r"(\n)")


@dataclass(frozen=True, slots=True)
class Line:
    """One printed line. `logged` lines go where logging goes. `looped` counts loops around."""

    pieces: tuple[Piece, ...]
    source: SourceFile
    call: Node
    logged: bool = False
    looped: int = 0

    @property
    def where(self) -> str:
        """The place of the call."""
        return f"{self.source.path}, line {self.call.start_point.row + 1}"


def lines(source: SourceFile) -> Iterator[Line]:
    """All lines that a file prints or logs, in source order."""
    for call in syntax.calls(source):
        called = syntax.callee(source, call)
        logged = bool(_LOGS.match(called))
        if not logged and not _PRINTS.match(called):
            continue
        given = syntax.arguments(source, call)
        if "file" in given.keywords and "stdout" not in source.text(given.keywords["file"]):
            continue
        separator = syntax.string(source, given.keywords.get("sep"))
        if logged:
            parts = _logged(source, given.positional)
        else:
            parts = []
            for index, node in enumerate(given.positional):
                if index:
                    parts.append(Piece(" " if separator is None else separator))
                parts += flat(source, node)
        looped = loops_around(call)
        for pieces in _by_line(parts):
            yield Line(tuple(pieces), source, call, logged, looped)


def loops_around(node: Node) -> int:
    """How many loops of its function (or of the module) a node stands in."""
    current = node.parent
    count = 0
    while current is not None and current.type != "function_definition":
        count += current.type in ("for_statement", "while_statement")
        current = current.parent
    return count


def flat(source: SourceFile, node: Node) -> list[Piece]:
    """An expression that makes a string, as text and the expressions put into it."""
    parts = syntax.pieces(source, node)
    if parts is not None:
        return list(parts)
    if node.type == "parenthesized_expression" and node.named_child_count == 1:
        inner = syntax.first_child(node)
        return flat(source, inner) if inner is not None else []
    if node.type == "call":
        function = node.child_by_field_name("function")
        owner = function.child_by_field_name("object") if function is not None else None
        given = syntax.arguments(source, node)
        called = syntax.callee(source, node)
        if called.endswith(".format") and owner is not None:
            template = syntax.string(source, owner)
            if template is not None:
                return _format(template, given.positional, given.keywords)
        if called in _ROUNDED and given.positional:
            return [Piece(node=given.positional[0])]
    if node.type == "binary_operator":
        operator = node.child_by_field_name("operator")
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        if operator is not None and left is not None and right is not None:
            sign = source.text(operator)
            template = syntax.string(source, left)
            if sign == "%" and template is not None:
                tuple_like = right.type == "tuple"
                return _percent(source, template, right.named_children if tuple_like else [right])
            if sign == "+":
                return [*flat(source, left), *flat(source, right)]
    return [Piece(node=node)]


def _logged(source: SourceFile, given: Sequence[Node]) -> list[Piece]:
    if not given:
        return []
    template = syntax.string(source, given[0])
    if template is not None and len(given) > 1:
        return _percent(source, template, list(given[1:]))
    return flat(source, given[0])


def _format(template: str, given: Sequence[Node], keywords: object) -> list[Piece]:
    assert isinstance(keywords, dict)
    out: list[Piece] = []
    at = count = 0
    for match in _FIELD.finditer(template):
        out.append(Piece(template[at : match.start()]))
        at = match.end()
        if match[0] in ("{{", "}}"):
            out.append(Piece(match[0][0]))
            continue
        name = re.split(r"[.\[]", match[1])[0]
        if name == "" or name.isdigit():
            index = int(name) if name else count
            count += 1
            node = given[index] if index < len(given) else None
        else:
            node = keywords.get(name)
        out.append(Piece(node=node, spec=match[2] or "") if node is not None else Piece("\0"))
    return [*out, Piece(template[at:])]


def _percent(source: SourceFile, template: str, given: Sequence[Node]) -> list[Piece]:
    out: list[Piece] = []
    at = count = 0
    for match in _PERCENT.finditer(template):
        out.append(Piece(template[at : match.start()]))
        at = match.end()
        if match[0] == "%%":
            out.append(Piece("%"))
            continue
        node = given[count] if count < len(given) else None
        if match[1] and given:
            node = _item(source, given[0], match[1])
        count += 1
        out.append(Piece(node=node, spec=match[2]) if node is not None else Piece("\0"))
    return [*out, Piece(template[at:])]


def _item(source: SourceFile, node: Node, key: str) -> Node | None:
    for pair in node.named_children:
        if pair.type == "pair":
            name, value = pair.child_by_field_name("key"), pair.child_by_field_name("value")
            if value is not None and syntax.string(source, name) == key:
                return value
    return None


def _by_line(parts: Sequence[Piece]) -> Iterator[list[Piece]]:
    current: list[Piece] = []
    for part in parts:
        if part.node is not None:
            current.append(part)
            continue
        for text in _SPLIT_LINES.split(part.text):
            if text == "\n":
                if current:
                    yield current
                current = []
            elif text and current and current[-1].node is None:
                current[-1] = Piece(current[-1].text + text)
            elif text:
                current.append(Piece(text))
    if current:
        yield current
