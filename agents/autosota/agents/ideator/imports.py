"""Where and how a missing import is added, in the file's own style.

An existing `from x import …` of the same module is extended (keeping its order when it is
sorted); else a new line goes beside the imports of the same package, else after the file's
imports. Knows layout only: whether an import is needed is the draft's business.
"""

from __future__ import annotations

from collections.abc import Sequence

from tree_sitter import Node

from autosota.agents.code.source import Edit, SourceFile
from autosota.agents.ideator.calls import insert_before

LINE_LIMIT = 100


def add_from_import(source: SourceFile, module: str, names: Sequence[str]) -> list[Edit]:
    """The edits that make `from module import names` true for the whole file."""
    statements = [c for c in source.root.named_children if _is_import(c)]
    for statement in statements:
        if statement.type == "import_from_statement" and _module(source, statement) == module:
            edits = _extend(source, statement, names)
            if edits is not None:
                return edits
    line = f"from {module} import {', '.join(sorted(names, key=_by_type))}"
    package = module.split(".")[0]
    siblings = [s for s in statements if _root(source, s) == package and _whole_line(source, s)]
    if siblings:
        later = [s for s in siblings if _module(source, s) > module]
        ordered = [_module(source, s) for s in siblings]
        if later and ordered == sorted(ordered):
            return [_line_before(source, later[0], line)]
        return [_line_after(source, siblings[-1], line)]
    head = _head(source)
    if head and _is_import(head[-1]):
        return [_line_after(source, head[-1], line)]
    return [_at_top(source, head, line)]


def retire(source: SourceFile, part: Node, statement: Node) -> list[Edit]:
    """Take a name out of an import that nothing else uses; the last name takes the line."""
    names = statement.children_by_field_name("name")
    if len(names) > 1:
        following = part.next_sibling
        if following is not None and following.type == ",":
            after = following.next_named_sibling
            end = after.start_byte if after is not None else following.end_byte
            return [Edit(part.start_byte, end, b"")]
        before = part.prev_sibling
        if before is not None and before.type == ",":
            return [Edit(before.start_byte, part.end_byte, b"")]
        return []
    if not _whole_line(source, statement) or statement.parent is None:
        return []
    if statement.parent.type != "module":
        return []
    start = source.content.rfind(b"\n", 0, statement.start_byte) + 1
    end = source.content.find(b"\n", statement.end_byte)
    line_end = len(source.content) if end < 0 else end + 1
    return [Edit(max(start, source.root.start_byte), line_end, b"")]


def _extend(source: SourceFile, statement: Node, added: Sequence[str]) -> list[Edit] | None:
    """Names added to an existing import, each in its place if the list is sorted."""
    length = sum(len(name) + 2 for name in added)
    parts = statement.children_by_field_name("name")
    if not parts:
        return None  # from x import *
    one_line = statement.start_point.row == statement.end_point.row
    if one_line and statement.end_point.column + length > LINE_LIMIT:
        return None
    if not one_line and not source.text(statement).rstrip().endswith(")"):
        return None  # continued with a backslash
    names = [source.text(p).split(" ")[0] for p in parts]
    key = next((k for k in (_by_type, str.lower, str) if names == sorted(names, key=k)), None)
    edits, rest = [], []
    for name in sorted(added, key=key or _by_type):
        later = [p for p, n in zip(parts, names, strict=True) if key and key(n) > key(name)]
        if later:
            edits.append(insert_before(source, later[0], name))
        else:
            rest.append(name)
    if not rest:
        return edits
    last = parts[-1]
    start = source.content.rfind(b"\n", 0, last.start_byte) + 1
    alone = not source.content[start : last.start_byte].strip()
    closing = statement.children[-1]
    if not alone or closing.start_point.row == last.end_point.row:
        gap = ", " if not alone else "," + (source.newline + source.indent_of(last)).decode()
        text = "".join(gap + name for name in rest)
        return [*edits, Edit(last.end_byte, last.end_byte, text.encode())]
    # One name a line: new lines after the last one, and after its comment.
    comma = last.next_sibling
    has_comma = comma is not None and comma.type == ","
    end = source.content.find(b"\n", last.end_byte)
    end -= source.content[end - 1 : end] == b"\r"
    line = source.newline + source.indent_of(last)
    lines = b",".join(line + name.encode() for name in rest) + (b"," if has_comma else b"")
    if has_comma:
        return [*edits, Edit(end, end, lines)]
    if end == last.end_byte:
        return [*edits, Edit(end, end, b"," + lines)]
    return [*edits, Edit(last.end_byte, last.end_byte, b","), Edit(end, end, lines)]


def _by_type(name: str) -> str:
    # isort's default: constants, then classes, then functions.
    if name.isupper() and len(name) > 1:
        return "0" + name
    return ("1" if name[:1].isupper() else "2") + name


def _is_import(node: Node) -> bool:
    return node.type in ("import_statement", "import_from_statement")


def _module(source: SourceFile, statement: Node) -> str:
    field = "module_name" if statement.type == "import_from_statement" else "name"
    node = statement.child_by_field_name(field)
    return source.text(node).split(" ")[0] if node is not None else ""


def _root(source: SourceFile, statement: Node) -> str:
    return _module(source, statement).split(".")[0]


def _whole_line(source: SourceFile, node: Node) -> bool:
    """True when nothing but the statement (and a comment) is on its lines."""
    start = source.content.rfind(b"\n", 0, node.start_byte) + 1
    end = source.content.find(b"\n", node.end_byte)
    tail = source.content[node.end_byte : end if end >= 0 else None].strip()
    lead = source.content[max(start, source.root.start_byte) : node.start_byte].strip()
    return not lead and (not tail or tail.startswith(b"#"))


def _line_before(source: SourceFile, statement: Node, line: str) -> Edit:
    at = statement.start_byte
    return Edit(at, at, line.encode() + source.newline)


def _line_after(source: SourceFile, statement: Node, line: str) -> Edit:
    end = source.content.find(b"\n", statement.end_byte)
    if end < 0:
        at = len(source.content)
        return Edit(at, at, source.newline + line.encode())
    return Edit(end + 1, end + 1, line.encode() + source.newline)


def _head(source: SourceFile) -> list[Node]:
    """The statements that must, or do, come first: docstring, `__future__`, imports."""
    head: list[Node] = []
    for index, node in enumerate(c for c in source.root.named_children if c.type != "comment"):
        first = node.named_children[0].type if node.named_children else ""
        docstring = index == 0 and node.type == "expression_statement" and first == "string"
        if not (docstring or _is_import(node) or node.type == "future_import_statement"):
            break
        head.append(node)
    return head


def _at_top(source: SourceFile, head: list[Node], line: str) -> Edit:
    if head:  # a docstring, or `from __future__` alone
        end = source.content.find(b"\n", head[-1].end_byte)
        at = len(source.content) if end < 0 else end + 1
        lead = source.newline
        return Edit(at, at, lead + line.encode() + (b"" if end < 0 else source.newline))
    statements = [c for c in source.root.named_children if c.type != "comment"]
    at = statements[0].start_byte if statements else len(source.content)
    return Edit(at, at, line.encode() + source.newline * 2)
