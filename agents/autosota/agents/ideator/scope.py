"""Which code an idea may touch: what the experiment runs, short of what judges it.

Evaluation files and symbols, data, labels, tests and set-up files are closed, and so is code
that the command never reaches. This only keeps useless ideas out of the library; whether a
change is allowed is the supervisor's decision, on the change itself.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator

from tree_sitter import Node

from autosota.agents.code.facts import file_facts
from autosota.agents.code.source import Edit
from autosota.agents.domain import Boundary, Objective
from autosota.agents.ideator.command import clean_path, entry_points
from autosota.agents.ideator.module import Module, Project

EVALUATION = "on the evaluation side"
_CLOSED_FOLDERS = frozenset(
    [
        "test",
        "tests",
        "testing",
        "doc",
        "docs",
        "data",
        "dataset",
        "datasets",
        "label",
        "labels",
        "site-packages",
        "venv",
        "env",
        "node_modules",
        "build",
        "dist",
        "third_party",
        "vendor",
    ]
)
_CLOSED_FILES = ("test_*.py", "*_test.py", "tests.py", "conftest.py", "setup.py", "noxfile.py")
_INDIRECT = re.compile(rb"\b(import_module|__import__|runpy|exec|subprocess|hydra)\b")


class Scope:
    """The open part of a repository, for one objective and boundary."""

    def __init__(self, project: Project, objective: Objective, boundary: Boundary) -> None:
        self._project = project
        self._objective = objective
        named = [*boundary.symbols, *boundary.files, *objective.protocol.evaluation]
        self._files = {clean_path(n) for n in named if "::" not in n}
        pairs = [(clean_path(p), name) for p, _, name in (n.partition("::") for n in named) if name]
        self._symbols = {(path, name) for path, name in pairs if "@" not in name}
        self._statements = {(path, *name.split("@", 1)) for path, name in pairs if "@" in name}
        self._spans: dict[str, list[tuple[int, int]]] = {}
        self._reached = _reached(project, objective)

    @property
    def entries(self) -> list[str]:
        """The files that the command starts; empty when what it runs cannot be told."""
        known = self._reached is not None
        return entry_points(self._project, self._objective.command) if known else []

    def modules(self) -> list[Module]:
        """The files that ideas may change, parsed, in path order."""
        opened = (self._project.module(p) for p in self._project.paths if not self.closed(p))
        return [module for module in opened if module is not None]

    def reached(self) -> list[Module]:
        """Everything that the experiment runs, closed files too, in path order."""
        paths = self._project.paths if self._reached is None else sorted(self._reached)
        return [m for m in map(self._project.module, paths) if m is not None]

    def closed(self, path: str) -> str:
        """Why a file may not be changed, or ''."""
        parts = path.split("/")
        if path in self._files or any(path.startswith(f + "/") for f in self._files):
            return EVALUATION
        if any(_matches(path, g) for g in self._protected()):
            return "protected by [protocol]"
        if any(p.lower() in _CLOSED_FOLDERS or p.startswith(".") for p in parts[:-1]):
            return "in a data, test or third-party folder"
        if any(fnmatch.fnmatch(parts[-1], g) for g in _CLOSED_FILES):
            return "a test or set-up file"
        if self._reached is not None and path not in self._reached:
            return "never reached by the command"
        return ""

    def refuses(self, module: Module, node: Node) -> str:
        """Why this node may not be edited, or ''."""
        reason = self.closed(module.path)
        if reason:
            return reason
        symbol = module.symbol(node)
        for path, name in self._symbols:
            inside = symbol == name or symbol.startswith(name + ".")
            if path == module.path and (inside or (name == "<module>" and not symbol)):
                return EVALUATION
        top = node
        while top.parent is not None and top.parent.type != "module":
            top = top.parent
        return "next to code that does not parse" if top.has_error else ""

    def protects(self, module: Module, edit: Edit) -> bool:
        """True when an edit changes a single statement that belongs to the evaluation.

        Lines added right before or after such a statement do not change it.
        """
        spans = self._spans_of(module)
        if edit.start == edit.end:
            return any(start < edit.start < end for start, end in spans)
        return any(edit.start < end and start < edit.end for start, end in spans)

    def _spans_of(self, module: Module) -> list[tuple[int, int]]:
        """The byte ranges of the statements that the boundary names by fingerprint."""
        if module.path not in self._spans:
            wanted = {(s, p) for path, s, p in self._statements if path == module.path}
            self._spans[module.path] = list(_spans(module, wanted)) if wanted else []
        return self._spans[module.path]

    def judges_with(self, module: Module, node: Node) -> bool:
        """True when the number that this literal sets is also read on the evaluation side."""
        name = _set_name(module, node)
        if not name:
            return False
        for other in self.reached():
            if name.encode() not in other.source.content:
                continue
            for found in other.nodes:
                if found.type != "identifier" or other.text(found) != name:
                    continue
                if self.refuses(other, found) == EVALUATION or self.protects(
                    other, Edit(found.start_byte, found.end_byte, b"")
                ):
                    return True
        return False

    def _protected(self) -> tuple[str, ...]:
        return (*self._objective.protocol.data, *self._objective.protocol.labels)


def _reached(project: Project, objective: Objective) -> frozenset[str] | None:
    """Files that the command imports, or None when that cannot be told."""
    queue = entry_points(project, objective.command)
    if not queue:
        return None
    reached: set[str] = set()
    while queue:
        path = queue.pop()
        module = project.module(path)
        if module is None or path in reached:
            continue
        reached.add(path)
        if _INDIRECT.search(module.source.content):
            return None
        queue += [m.path for m in project.imported_by(module)]
    return frozenset(reached)


def _set_name(module: Module, node: Node) -> str:
    """The variable, field, option or parameter that a literal is the value of, or ''."""
    parent = node.parent
    if parent is None or node.type not in ("integer", "float", "unary_operator"):
        return ""
    if parent.type == "keyword_argument" and parent.parent is not None:
        call = module.call(parent.parent.parent)
        name = parent.child_by_field_name("name")
        if call is None or name is None:
            return ""
        if module.text(name) == "default" and call.positional:
            flag = call.positional[-1]
            return module.text(flag).strip("\"'").lstrip("-").replace("-", "_")
        return ""
    field = "left" if parent.type == "assignment" else "name"
    target = parent.child_by_field_name(field)
    return module.text(target) if target is not None and target.type == "identifier" else ""


def _spans(module: Module, wanted: set[tuple[str, str]]) -> Iterator[tuple[int, int]]:
    content = module.source.content
    lines = [0, *(m.end() for m in re.finditer(rb"\n", content)), len(content)]
    for statement in file_facts(module.path, content).statements:
        if (statement.symbol, statement.fingerprint) in wanted:
            node = statement.node
            body = getattr(node, "body", None)
            last = body[0].lineno - 1 if body else node.end_lineno or node.lineno
            end = lines[max(last, node.lineno)]
            yield lines[node.lineno - 1], len(content[:end].rstrip(b"\r\n"))


def _matches(path: str, pattern: str) -> bool:
    plain = clean_path(pattern)
    folder = plain.removesuffix("/**").removesuffix("/*")
    return fnmatch.fnmatch(path, plain) or path.startswith(folder.rstrip("/") + "/")
