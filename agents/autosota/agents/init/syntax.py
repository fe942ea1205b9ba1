"""Small readings of Python syntax: literal strings, call arguments, names, bindings.

Facts about one file as written. Knows nothing of commands or metrics, and evaluates nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from tree_sitter import Node

from autosota.agents.code.source import SourceFile

Bindings = dict[str, list[tuple[Node | None, Node]]]
"""Name → the values assigned to it, each with the function around it (None: the module)."""

_INDEXED = frozenset(
    {
        "call", "return_statement", "assignment", "function_definition", "class_definition",
        "for_statement", "named_expression", "as_pattern", "subscript", "import_statement",
        "import_from_statement",
    }
)  # fmt: skip
# What was found in a file lives as long as the parsed file does.
_INDEX: WeakKeyDictionary[SourceFile, dict[str, list[Node]]] = WeakKeyDictionary()
_BOUND: WeakKeyDictionary[SourceFile, Bindings] = WeakKeyDictionary()

_ESCAPES = {"\\n": "\n", "\\t": "\t", "\\r": "\r", "\\\\": "\\", "\\'": "'", '\\"': '"'}


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a string: text as printed, or the expression put in its place.

    `spec` is the format after the colon (`.4f`, `.2%`), or "" when there is none.
    """

    text: str = ""
    node: Node | None = None
    spec: str = ""


@dataclass(frozen=True, slots=True)
class Arguments:
    """The arguments of a call, by position and by keyword."""

    positional: tuple[Node, ...] = ()
    keywords: Mapping[str, Node] = field(default_factory=dict)


def first_child(node: Node) -> Node | None:
    """The first named child of a node, or None."""
    return next(iter(node.named_children), None)


def nodes(source: SourceFile, *types: str) -> list[Node]:
    """All nodes of some types in a file, in source order; a file is walked once."""
    index = _INDEX.get(source)
    if index is None:
        index = {}
        for node in source.walk():
            if node.type in _INDEXED:
                index.setdefault(node.type, []).append(node)
        _INDEX[source] = index
    if len(types) == 1:
        return index.get(types[0], [])
    found = [n for t in types for n in index.get(t, [])]
    return sorted(found, key=lambda n: (n.start_byte, -n.end_byte))


def calls(source: SourceFile, node: Node | None = None) -> Iterable[Node]:
    """All calls below a node, in source order."""
    if node is None:
        return nodes(source, "call")
    return (n for n in source.walk(node) if n.type == "call")


def callee(source: SourceFile, call: Node) -> str:
    """What is called, as written without white space: `json.dump`, `parser.add_argument`."""
    function = call.child_by_field_name("function")
    return "".join(source.text(function).split()) if function is not None else ""


def arguments(source: SourceFile, call: Node) -> Arguments:
    """The arguments of a call. Star arguments are left out: they are not known."""
    holder = call.child_by_field_name("arguments")
    if holder is None or holder.type != "argument_list":
        return Arguments()
    positional: list[Node] = []
    keywords: dict[str, Node] = {}
    for child in holder.named_children:
        if child.type == "keyword_argument":
            name, value = child.child_by_field_name("name"), child.child_by_field_name("value")
            if name is not None and value is not None:
                keywords[source.text(name)] = value
        elif child.type not in ("comment", "list_splat", "dictionary_splat"):
            positional.append(child)
    return Arguments(tuple(positional), keywords)


def pieces(source: SourceFile, node: Node) -> tuple[Piece, ...] | None:
    """The parts of a string or f-string; None when the node is neither."""
    if node.type == "concatenated_string":
        joined: list[Piece] = []
        for child in node.named_children:
            joined += pieces(source, child) or ()
        return tuple(joined)
    if node.type == "parenthesized_expression" and node.named_child_count == 1:
        inner = first_child(node)
        return pieces(source, inner) if inner is not None else None
    if node.type != "string":
        return None
    start = next(iter(node.children), None)
    raw = start is not None and "r" in source.text(start).lower()
    formatted = start is not None and "f" in source.text(start).lower()
    parts: list[Piece] = []
    for child in node.named_children:
        if child.type == "string_content":
            text = source.text(child) if raw else _unescape(source, child)
            if formatted:
                text = text.replace("{{", "{").replace("}}", "}")
            parts.append(Piece(text))
        elif child.type == "interpolation":
            expression = child.child_by_field_name("expression")
            spec = next(
                (source.text(c) for c in child.children if c.type == "format_specifier"), ""
            )
            parts.append(Piece(node=expression, spec=spec.lstrip(":")))
    return tuple(parts)


def string(source: SourceFile, node: Node | None) -> str | None:
    """The value of a plain string literal; None for anything else."""
    if node is None:
        return None
    parts = pieces(source, node)
    if parts is None or any(p.node is not None for p in parts):
        return None
    return "".join(p.text for p in parts)


def literal(source: SourceFile, node: Node | None) -> str | None:
    """A string, number, True, False or None as text; None for anything else."""
    if node is None:
        return None
    if node.type in ("integer", "float", "true", "false", "none"):
        return source.text(node)
    if node.type == "unary_operator":
        return "".join(source.text(node).split())
    return string(source, node)


def function_of(node: Node) -> Node | None:
    """The function that a node stands in, or None at module level."""
    current = node.parent
    while current is not None and current.type != "function_definition":
        current = current.parent
    return current


def name_of(source: SourceFile, node: Node | None) -> str:
    """The name field of a function, class or parameter; "" when there is none."""
    name = node.child_by_field_name("name") if node is not None else None
    return source.text(name) if name is not None else ""


def parameters(source: SourceFile, function: Node) -> list[tuple[str, Node | None]]:
    """The parameters of a function with their default values, `self` included."""
    holder = function.child_by_field_name("parameters")
    found: list[tuple[str, Node | None]] = []
    for child in holder.named_children if holder is not None else ():
        if child.type == "identifier":
            found.append((source.text(child), None))
        elif child.type == "typed_parameter" and child.named_children:
            found.append((source.text(child.named_children[0]), None))
        elif child.type in ("default_parameter", "typed_default_parameter"):
            found.append((name_of(source, child), child.child_by_field_name("value")))
    return found


def assignments(source: SourceFile) -> Bindings:
    """Name → the values assigned to it, each with the function it happens in, in order.

    `with open(p) as f` and `for x in xs` count as assignments of `open(p)` and `xs`; so does
    each name of `a, b = f(x)`, with the whole right side. Of several loop variables only the
    one that takes names is bound: `for name, value in items.items()` binds `name`.
    """
    if source in _BOUND:
        return _BOUND[source]
    found: Bindings = {}

    def bind(target: Node, value: Node) -> None:
        if target.type == "identifier":
            found.setdefault(source.text(target), []).append((function_of(target), value))
        elif target.type in ("pattern_list", "tuple_pattern", "list_pattern", "tuple"):
            same = value.type in ("expression_list", "tuple")
            for index, child in enumerate(target.named_children):
                paired = same and index < value.named_child_count
                bind(child, value.named_children[index] if paired else value)

    def iterate(target: Node, values: Node) -> None:
        if target.type not in ("pattern_list", "tuple_pattern"):
            bind(target, values)
            return
        called = callee(source, values) if values.type == "call" else ""
        given = arguments(source, values).positional if called in ("zip", "enumerate") else ()
        for index, child in enumerate(target.named_children):
            if called == "zip" and index < len(given):
                iterate(child, given[index])
            elif index == (1 if called == "enumerate" else 0) and called != "zip":
                iterate(child, given[0] if given else values)

    for node in nodes(source, "for_statement", "assignment", "named_expression", "as_pattern"):
        if node.type == "for_statement":
            left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
            if left is not None and right is not None:
                iterate(left, right)
        elif node.type in ("assignment", "named_expression"):
            left = node.child_by_field_name("left") or node.child_by_field_name("name")
            right = node.child_by_field_name("right") or node.child_by_field_name("value")
            if left is not None and right is not None:
                bind(left, right)
        elif node.type == "as_pattern":
            alias = node.child_by_field_name("alias")
            value = first_child(node)
            name = first_child(alias) if alias is not None else None
            if name is not None and value is not None:
                bind(name, value)
    _BOUND[source] = found
    return found


def is_guarded(source: SourceFile) -> bool:
    """True when the file has `if __name__ == "__main__"` at module level."""
    for node in source.root.named_children:
        if node.type == "if_statement":
            condition = node.child_by_field_name("condition")
            if condition is not None and "__name__" in source.text(condition):
                return True
    return False


def acts_when_run(source: SourceFile) -> bool:
    """True when running the file does something: a guard, or calls and loops at module level."""
    if is_guarded(source):
        return True
    for node in source.root.named_children:
        if node.type in ("for_statement", "while_statement", "with_statement"):
            return True
        if node.type == "expression_statement":
            inner = first_child(node)
            if inner is not None and inner.type == "call":
                name = callee(source, inner)
                if name == "print" or name.endswith((".fit", "main", "run", "train", "cli", "app")):
                    return True
    return False


def _unescape(source: SourceFile, content: Node) -> str:
    """String content with the escapes replaced that a printed line can hold."""
    out: list[str] = []
    at = content.start_byte
    for child in content.children:
        if child.type == "escape_sequence":
            out.append(source.content[at : child.start_byte].decode("utf-8", "replace"))
            text = source.text(child)
            out.append(_ESCAPES.get(text, "" if text == "\\\n" else text))
            at = child.end_byte
    out.append(source.content[at : content.end_byte].decode("utf-8", "replace"))
    return "".join(out)
