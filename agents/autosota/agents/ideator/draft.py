"""A change being written: edits of one lever, the imports they need, and their anchors.

A draft is made on one parsed module (and may reach into a second one, for a setting that
lives elsewhere). `finish` refuses anything that would not parse. Knows nothing of why.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from tree_sitter import Node

from autosota.agents.code.source import Edit, SourceFile
from autosota.agents.domain import Anchor
from autosota.agents.ideator.calls import Call, set_keywords
from autosota.agents.ideator.imports import add_from_import, retire
from autosota.agents.ideator.module import Module, accepts


class NotApplicable(Exception):
    """The idea cannot be carried out in this tree; the message says why, in one line."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Implementation:
    """The changed files of an idea, whole, and where the edits were made."""

    changes: dict[str, bytes]
    anchors: tuple[Anchor, ...]


@dataclass(slots=True)
class Draft:
    """Edits on a module, collected before they are applied together."""

    module: Module
    edits: dict[str, list[Edit]] = field(default_factory=dict)
    touched: list[tuple[Module, Node]] = field(default_factory=list)
    anchors: list[Anchor] = field(default_factory=list)
    wanted: dict[tuple[str, str], None] = field(default_factory=dict)
    retired: list[str] = field(default_factory=list)

    def edit(self, node: Node, edits: Sequence[Edit], module: Module | None = None) -> None:
        """Record edits that belong to a node; the anchor says what the node becomes."""
        home = module or self.module
        self.edits.setdefault(home.path, []).extend(edits)
        self.touched.append((home, node))
        self.anchors.append(
            Anchor(
                home.path, home.symbol(node), node.type, home.text(node), _after(home, node, edits)
            )
        )

    def replace(self, node: Node, text: str, module: Module | None = None) -> None:
        """Replace a node by text."""
        self.edit(node, [Edit(node.start_byte, node.end_byte, text.encode())], module)

    def wrap(self, node: Node, before: str, after: str) -> None:
        """Put text around a node."""
        self.edit(
            node,
            [
                Edit(node.start_byte, node.start_byte, before.encode()),
                Edit(node.end_byte, node.end_byte, after.encode()),
            ],
        )

    def keywords(self, call: Call, **values: str) -> None:
        """Give a call these keyword arguments."""
        self.edit(call.node, set_keywords(self.module.source, call, values))

    def before(self, statement: Node, lines: Sequence[str]) -> None:
        """Add lines of code before a statement, at its indentation.

        Raises:
            NotApplicable: the statement shares its line with another one.
        """
        source = self.module.source
        start = self._own_line(statement)[0]
        self.edit(statement, [Edit(start, start, self._block(statement, lines) + source.newline)])

    def after(self, statement: Node, lines: Sequence[str]) -> None:
        """Add lines of code after a statement, at its indentation.

        Raises:
            NotApplicable: the statement shares its line with another one.
        """
        source = self.module.source
        end = self._own_line(statement)[1]
        self.edit(statement, [Edit(end, end, source.newline + self._block(statement, lines))])

    def spell(self, dotted: str, beside: Call | None = None) -> str:
        """How this file writes a library name; asks for an import when there is none.

        With `beside`, a call of a neighbour in the same library module, its way is followed.

        Raises:
            NotApplicable: the name already means something else in this file.
        """
        bindings = self.module.bindings
        parent, _, name = dotted.rpartition(".")
        if beside is not None and beside.function.type == "attribute":
            owner = beside.function.child_by_field_name("object")
            if owner is not None and bindings.resolve(owner) == parent:
                return f"{self.module.text(owner)}.{name}"
        from_import = (
            beside is not None
            and beside.function.type == "identifier"
            and bindings.resolve(beside.function).rpartition(".")[0] == parent
        )
        local = bindings.local_for(dotted)
        if local:
            return local
        if not from_import:
            prefix = parent
            while prefix:
                local = bindings.local_for(prefix)
                # A package's submodules are there only if the package imports them; torch does.
                if local and (
                    (prefix == parent and _loaded(bindings.modules, prefix, self.module))
                    or prefix.split(".")[0] == "torch"
                ):
                    return local + dotted[len(prefix) :]
                prefix = prefix.rpartition(".")[0]
        if (parent, name) not in self.wanted and not bindings.is_free(name):
            raise NotApplicable(f"the name {name} means something else in {self.module.path}")
        self.wanted[(parent, name)] = None
        return name

    def retire(self, call: Call) -> None:
        """Drop the import of a called name if this call was its only use."""
        if call.function.type == "identifier":
            self.retired.append(self.module.text(call.function))

    def finish(self) -> Implementation:
        """The changed files.

        Raises:
            NotApplicable: the result would not parse, or nothing would change.
        """
        changes: dict[str, bytes] = {}
        modules = {module.path: module for module, _ in self.touched}
        for path, edits in self.edits.items():
            module = modules[path]
            every = list(edits)
            if module is self.module:
                every += self._import_edits()
            changes[path] = _checked(module, every)
        if not changes:
            raise NotApplicable(f"nothing to change in {self.module.path}")
        return Implementation(changes, tuple(dict.fromkeys(self.anchors)))

    def _import_edits(self) -> list[Edit]:
        source = self.module.source
        gone = [n for n in dict.fromkeys(self.retired) if self._is_last_use(n)]
        edits: list[Edit] = []
        wanted = list(self.wanted)
        for name in gone:
            imported = next(i for i in self.module.bindings.imported if i.local == name)
            home = imported.dotted.rpartition(".")[0]
            heir = next((w for w in wanted if w[0] == home), None)
            if heir is not None:
                wanted.remove(heir)
                part = imported.part
                edits.append(Edit(part.start_byte, part.end_byte, heir[1].encode()))
            else:
                edits += retire(source, imported.part, imported.statement)
        homes: dict[str, list[str]] = {}
        for module, name in sorted(wanted):
            homes.setdefault(module, []).append(name)
        together: dict[tuple[int, int], list[Edit]] = {}
        for module, names in homes.items():
            for edit in add_from_import(source, module, names):
                together.setdefault((edit.start, edit.end), []).append(edit)
        for (start, end), group in together.items():
            edits.append(Edit(start, end, b"".join(e.text for e in group)))
        return _without_clashes(edits)

    def _is_last_use(self, name: str) -> bool:
        # The import itself is one occurrence, the replaced call the other; anything more (a
        # string, a comment, __all__) keeps it.
        imported = [i for i in self.module.bindings.imported if i.local == name]
        if len(imported) != 1 or self.module.path.endswith("__init__.py"):
            return False
        if imported[0].part.type != "dotted_name":
            return False
        words = [w for w in _words(self.module.source.content) if w == name.encode()]
        return len(words) == 2

    def _own_line(self, statement: Node) -> tuple[int, int]:
        content = self.module.source.content
        start = content.rfind(b"\n", 0, statement.start_byte) + 1
        end = content.find(b"\n", statement.end_byte)
        end = len(content) if end < 0 else end
        if content[end - 1 : end] == b"\r":
            end -= 1
        lead = content[max(start, self.module.source.root.start_byte) : statement.start_byte]
        tail = content[statement.end_byte : end].strip()
        if lead.strip() or (tail and not tail.startswith(b"#")):
            raise NotApplicable(
                f"{self.module.path}:{statement.start_point.row + 1}: more than one statement"
                " on a line"
            )
        return statement.start_byte - len(lead), end

    def _block(self, statement: Node, lines: Sequence[str]) -> bytes:
        source = self.module.source
        indent = source.indent_of(statement).decode()
        written = []
        for line in lines:
            body = line.lstrip(" ")
            levels = (len(line) - len(body)) // 4
            written.append(indent + self.module.indent * levels + body if body else "")
        return source.newline.decode().join(written).encode()


def _after(module: Module, node: Node, edits: Sequence[Edit]) -> str:
    inside = [e for e in edits if node.start_byte <= e.start and e.end <= node.end_byte]
    if len(inside) != len(edits):  # lines added around the statement
        return "".join(e.text.decode() for e in edits).strip("\r\n")
    content = module.source.content
    out, at = [], node.start_byte
    for edit in sorted(inside):
        out += [content[at : edit.start], edit.text]
        at = edit.end
    out.append(content[at : node.end_byte])
    return b"".join(out).decode("utf-8", "replace")


def _loaded(modules: frozenset[str], prefix: str, module: Module) -> bool:
    local = module.bindings.local_for(prefix)
    plain_import = any(
        i.local == local and i.statement.type == "import_statement"
        for i in module.bindings.imported
    )
    return not plain_import or prefix in modules


def _checked(module: Module, edits: Sequence[Edit]) -> bytes:
    try:
        content = module.source.apply(edits)
    except ValueError as error:
        raise NotApplicable(f"{module.path}: two edits of this idea collide") from error
    if content == module.source.content:
        raise NotApplicable(f"nothing to change in {module.path}")
    if _errors(SourceFile(module.path, content)) > _errors(module.source):
        raise NotApplicable(f"{module.path}: the edited code would not parse")
    if module.parses and not accepts(content):
        raise NotApplicable(f"{module.path}: the edited code would not parse")
    return content


def _errors(source: SourceFile) -> int:
    if not source.has_error:
        return 0
    return sum(node.is_error or node.is_missing for node in source.walk())


def _words(content: bytes) -> list[bytes]:
    return re.findall(rb"[A-Za-z0-9_\x80-\xff]+", content)


def _without_clashes(edits: Sequence[Edit]) -> list[Edit]:
    """Join an insertion that falls on the edge of a deletion, so that order is plain."""
    out: list[Edit] = []
    for edit in sorted(edits):
        if out and edit.start < out[-1].end:
            raise NotApplicable("the imports of this file are written in a way that is not known")
        if out and edit.start == out[-1].start and edit.start == out[-1].end:
            out[-1] = Edit(edit.start, edit.end, out[-1].text + edit.text)
            continue
        out.append(edit)
    return out
