"""Calls, their arguments, and edits of an argument list that keep its layout.

Knows Python's call syntax only; what a function means is the business of the families.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tree_sitter import Node

from autosota.agents.code.source import Edit, SourceFile
from autosota.agents.ideator.bindings import Bindings


@dataclass(frozen=True, slots=True)
class Call:
    """A call. `dotted` is the called name as far as imports tell it, else ''.

    `open` is true when `*args`, `**kwargs` or a generator hides some of the arguments.
    """

    node: Node
    function: Node
    arguments: Node
    dotted: str
    positional: tuple[Node, ...]
    keywords: Mapping[str, Node]
    open: bool

    @property
    def name(self) -> str:
        """The last part of the dotted name."""
        return self.dotted.rpartition(".")[2]

    def value(self, keyword: str, position: int | None = None) -> Node | None:
        """The value given to a keyword, or in that position."""
        argument = self.keywords.get(keyword)
        if argument is not None:
            return argument.child_by_field_name("value")
        if position is not None and position < len(self.positional):
            return self.positional[position]
        return None


def read_call(source: SourceFile, bindings: Bindings, node: Node) -> Call | None:
    """The call that a node is, or None."""
    function, arguments = (
        node.child_by_field_name("function"),
        node.child_by_field_name("arguments"),
    )
    if node.type != "call" or function is None or arguments is None:
        return None
    positional: list[Node] = []
    keywords: dict[str, Node] = {}
    hidden = arguments.type != "argument_list"
    for child in arguments.named_children if not hidden else ():
        if child.type == "keyword_argument":
            name = child.child_by_field_name("name")
            if name is not None:
                keywords[source.text(name)] = child
        elif child.type in ("list_splat", "dictionary_splat"):
            hidden = True
        elif child.type != "comment":
            positional.append(child)
    dotted = bindings.resolve(function)
    return Call(node, function, arguments, dotted, tuple(positional), keywords, hidden)


def set_keywords(source: SourceFile, call: Call, values: Mapping[str, str]) -> list[Edit]:
    """Give these keywords these values: replaced where they stand, else added at the end."""
    edits: list[Edit] = []
    fresh: list[str] = []
    for name, text in values.items():
        value = call.value(name)
        if value is not None:
            edits.append(Edit(value.start_byte, value.end_byte, text.encode()))
        else:
            fresh.append(f"{name}={text}")
    return edits + (append_arguments(source, call.arguments, fresh) if fresh else [])


def rewrite_call(
    source: SourceFile, call: Call, function: str, kept: Sequence[Node], added: Mapping[str, str]
) -> Edit:
    """Call something else with some of the arguments, one a line if they were one a line."""
    texts = [source.text(node) for node in kept] + [f"{k}={v}" for k, v in added.items()]
    members = [c for c in call.arguments.named_children if c.type != "comment"]
    closing = call.arguments.children[-1]
    first = members[0] if members else closing
    start, end = call.node.start_byte, call.node.end_byte
    if not texts or first.start_point.row == call.arguments.start_point.row:
        return Edit(start, end, f"{function}({', '.join(texts)})".encode())
    newline = source.newline.decode()
    inner, outer = source.indent_of(first).decode(), source.indent_of(closing).decode()
    comma = "," if closing.prev_sibling is not None and closing.prev_sibling.type == "," else ""
    lines = f",{newline}{inner}".join(texts)
    return Edit(start, end, f"{function}({newline}{inner}{lines}{comma}{newline}{outer})".encode())


def append_arguments(source: SourceFile, arguments: Node, texts: list[str]) -> list[Edit]:
    """Add arguments at the end of a list (or elements of a tuple, list or dict display)."""
    members = [c for c in arguments.named_children if c.type != "comment"]
    if not members:
        at = arguments.start_byte + 1
        return [Edit(at, at, ", ".join(texts).encode())]
    last = members[-1]
    closing = arguments.children[-1]
    comma = last.next_sibling if last.next_sibling is not None else closing
    has_comma = comma.type == ","
    if closing.start_point.row == last.end_point.row:
        lead = ", " if not has_comma else " "
        at = comma.end_byte if has_comma else last.end_byte
        tail = "," if has_comma and arguments.start_point.row != closing.start_point.row else ""
        return [Edit(at, at, (lead + ", ".join(texts) + tail).encode())]
    # One argument a line: the new ones get lines of their own, after any comment.
    indent = source.indent_of(last)
    at = _end_of_line(source.content, (comma if has_comma else last).end_byte)
    body = (
        source.newline
        + indent
        + ("," + source.newline.decode() + indent.decode()).join(texts).encode()
    )
    if has_comma:
        return [Edit(at, at, body + b",")]
    if at == last.end_byte:
        return [Edit(at, at, b"," + body)]
    return [Edit(last.end_byte, last.end_byte, b","), Edit(at, at, body)]


def insert_before(source: SourceFile, member: Node, text: str) -> Edit:
    """Put an element before another one of the same list, in the same layout."""
    start = source.content.rfind(b"\n", 0, member.start_byte) + 1
    alone = not source.content[start : member.start_byte].strip()
    gap = "," + (source.newline + source.indent_of(member)).decode() if alone else ", "
    return Edit(member.start_byte, member.start_byte, (text + gap).encode())


def _end_of_line(content: bytes, offset: int) -> int:
    end = content.find(b"\n", offset)
    end = len(content) if end < 0 else end
    return end - 1 if end > offset and content[end - 1 : end] == b"\r" else end
