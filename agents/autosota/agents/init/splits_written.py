"""Lines that are added to a file, and copies of statements under other names.

Layout only: a copy keeps every byte of the statement but the names. What is added, and why, is
not known here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tree_sitter import Node

from autosota.agents.code.source import Edit
from autosota.agents.ideator.draft import Draft
from autosota.agents.ideator.module import Module, contains, function_of
from autosota.agents.init.splits_flow import NotUnderstood

_WIDTH = 100


@dataclass(frozen=True, slots=True)
class Written:
    """A change of files with its words, before it is checked and named.

    `replaced` are lines (from 1) of statements that split training rows and become others: the
    validation metric depends on them, so a boundary may name them.
    """

    title: str
    reason: str
    changes: Mapping[str, bytes]
    notes: tuple[str, ...] = ()
    replaced: frozenset[int] = frozenset()


@dataclass(slots=True)
class Additions:
    """Blocks of lines to be put after or before statements of one file."""

    module: Module
    places: dict[int, tuple[Node, bool, list[str]]] = field(default_factory=dict)

    def after(self, statement: Node, text: str) -> None:
        """Add text (its later lines indented already) on the line after a statement."""
        self._add(_span(self.module, statement)[1], statement, False, text)

    def before(self, statement: Node, text: str) -> None:
        """Add text on the line before a statement."""
        self._add(_span(self.module, statement)[0], statement, True, text)

    def _add(self, at: int, statement: Node, before: bool, text: str) -> None:
        known = self.places.setdefault(at, (statement, before, []))
        known[2].append(self.module.source.indent_of(statement).decode() + text)

    def write(self, draft: Draft) -> None:
        """Hand all of it to a draft, one edit a place."""
        newline = self.module.source.newline.decode()
        for at, (statement, before, blocks) in self.places.items():
            body = newline.join(b.replace("\r\n", "\n").replace("\n", newline) for b in blocks)
            text = body + newline if before else newline + body
            draft.edit(statement, [Edit(at, at, text.encode())])


def renamed(module: Module, node: Node, names: Mapping[str, str]) -> str:
    """The text of a piece of code with variables called by other names."""
    found = [use for name in names for use in module.names.get(name, ()) if contains(node, use)]
    content = module.source.content
    out: list[bytes] = []
    at = node.start_byte
    for use in sorted(found, key=lambda n: n.start_byte):
        out += [content[at : use.start_byte], names[module.text(use)].encode()]
        at = use.end_byte
    out.append(content[at : node.end_byte])
    return b"".join(out).decode("utf-8", "replace")


def called(indent: str, head: str, arguments: Sequence[str], tail: str = ")") -> str:
    """A call on one line, or with its arguments on a line of their own when it is long."""
    line = f"{head}({', '.join(arguments)}{tail}"
    if len(indent) + len(line) <= _WIDTH:
        return line
    inner = f"{indent}    {', '.join(arguments)}"
    if len(inner) <= _WIDTH:
        return f"{head}(\n{inner}\n{indent}{tail}"
    lines = "".join(f"{indent}    {a},\n" for a in arguments)
    return f"{head}(\n{lines}{indent}{tail}"


def spelled(draft: Draft, dotted: str, at: Node) -> str:
    """How the file writes a library name, where this node stands.

    Raises:
        NotUnderstood: the only import of it is inside another function.
        NotApplicable: the name means something else in the file.
    """
    module = draft.module
    for each in module.bindings.imported:
        home = function_of(each.statement)
        covers = dotted == each.dotted or dotted.startswith(each.dotted + ".")
        if covers and home is not None and not contains(home, at):
            raise NotUnderstood(f"{module.path}: {dotted} is imported inside a function only")
    return draft.spell(dotted)


def free_name(module: Module, wanted: str, taken: Sequence[str] = ()) -> str:
    """A name that nothing in the file has yet, as near to the wanted one as can be."""
    for name in (wanted, f"{wanted}_held_out", *(f"{wanted}_{n}" for n in range(2, 100))):
        if name not in taken and name not in module.names and module.bindings.is_free(name):
            return name
    raise NotUnderstood(f"{module.path}: every name like {wanted} is taken")


def _span(module: Module, statement: Node) -> tuple[int, int]:
    """Where the lines of a statement start and end.

    Raises:
        NotUnderstood: it shares a line with another statement.
    """
    content = module.source.content
    start = content.rfind(b"\n", 0, statement.start_byte) + 1
    end = content.find(b"\n", statement.end_byte)
    end = len(content) if end < 0 else end
    end -= content[end - 1 : end] == b"\r"
    start = start or module.source.root.start_byte  # after a byte order mark
    tail = content[statement.end_byte : end].strip()
    if content[start : statement.start_byte].strip() or (tail and not tail.startswith(b"#")):
        line = statement.start_point.row + 1
        raise NotUnderstood(f"{module.path}:{line}: more than one statement on a line")
    return start, end
