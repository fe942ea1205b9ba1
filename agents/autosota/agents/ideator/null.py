"""The null patch: a comment in code that the experiment runs, the search's negative control.

It changes no meaning, so whatever is measured between the two sides is noise, and a campaign
that keeps it is wrong. Knows Python files only.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tree_sitter import Node

from autosota.agents.domain import Boundary, Objective
from autosota.agents.ideator.command import entry_points
from autosota.agents.ideator.draft import NotApplicable
from autosota.agents.ideator.module import Module, Project
from autosota.agents.ideator.scope import Scope
from autosota.agents.protocols import Tree

COMMENT = b"# A comment: the null patch, which changes nothing."
_CODING = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*[-\w.]+")
_MARK = b"\xef\xbb\xbf"


def null_patch(tree: Tree, objective: Objective, boundary: Boundary) -> dict[str, bytes]:
    """A file that the experiment runs, with one more comment line.

    The entry script of the command if it is not protected, else another file that it reaches.

    Raises:
        NotApplicable: every Python file that the command runs is protected, or none is known.
    """
    project = Project(tree, objective, boundary)
    scope = Scope(project, objective, boundary)
    for module in _run_by(project, scope, objective):
        if scope.closed(module.path) or not module.parses:
            continue
        changed = commented(module)
        if _same_meaning(module.source.content, changed):
            return {module.path: changed}
    raise NotApplicable(
        f"no Python file that {objective.command!r} runs may be changed: no place for a comment"
    )


def commented(module: Module) -> bytes:
    """The file with the comment after its head: shebang, encoding, docstring, `__future__`."""
    content, newline = module.source.content, module.source.newline
    at = _after_head(module)
    lead = newline if at and content[at - 1 : at] != b"\n" and content[:at] != _MARK else b""
    tail = newline if content[at:] or not lead else b""
    return content[:at] + lead + COMMENT + tail + content[at:]


def _run_by(project: Project, scope: Scope, objective: Objective) -> Iterator[Module]:
    entries = entry_points(project, objective.command)
    reached = [m.path for m in scope.reached()] if scope.entries else []
    for path in dict.fromkeys([*entries, *reached]):
        module = project.module(path)
        if module is not None:
            yield module


def _after_head(module: Module) -> int:
    """The offset of the line after everything that has to come first."""
    content = module.source.content
    at = line = len(_MARK) if content.startswith(_MARK) else 0
    for index in range(2):  # PEP 263: the first two lines only
        text, line = content[line : _next_line(content, line)], _next_line(content, line)
        if (index == 0 and text.startswith(b"#!")) or _CODING.match(text):
            at = line
    statements = [n for n in module.source.root.named_children if n.type != "comment"]
    for index, node in enumerate(statements):
        if not ((index == 0 and _is_docstring(node)) or node.type == "future_import_statement"):
            break
        at = max(at, _next_line(content, node.end_byte))
    return at


def _is_docstring(node: Node) -> bool:
    return node.type == "expression_statement" and [c.type for c in node.named_children] == [
        "string"
    ]


def _next_line(content: bytes, at: int) -> int:
    end = content.find(b"\n", at)
    return len(content) if end < 0 else end + 1


def _same_meaning(before: bytes, after: bytes) -> bool:
    try:
        return ast.dump(ast.parse(before)) == ast.dump(ast.parse(after))
    except (SyntaxError, ValueError):
        return False
