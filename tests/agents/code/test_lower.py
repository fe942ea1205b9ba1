"""The abstract tree that is made of tree-sitter's, against Python's own."""

from __future__ import annotations

import ast
import sysconfig
from pathlib import Path

import pytest

from autosota.agents.code.lower import OPAQUE, is_opaque, lower
from autosota.agents.code.source import SourceFile

STANDARD = Path(sysconfig.get_paths()["stdlib"])
MODULES = ["argparse.py", "ast.py", "csv.py", "heapq.py", "json/decoder.py", "pickle.py",
           "shlex.py", "statistics.py", "textwrap.py", "typing.py"]  # fmt: skip


def _plain(tree: ast.AST) -> ast.AST:
    """Without what `lower` leaves out: hints, causes and messages of errors, formats."""
    for node in ast.walk(tree):
        for name in ("returns", "annotation", "type_comment"):
            if hasattr(node, name):
                setattr(node, name, None)
        if isinstance(node, ast.AnnAssign):
            node.annotation = ast.Constant(None)
        if hasattr(node, "ctx"):
            node.ctx = ast.Load()
        if isinstance(node, ast.Raise):
            node.cause = None
        if isinstance(node, ast.Assert):
            node.msg = None
        if isinstance(node, ast.FormattedValue):
            node.format_spec = None
        if isinstance(node, ast.Constant):
            node.kind = None
        while isinstance(node, ast.BoolOp) and len(node.values) > 2:
            node.values = [ast.BoolOp(node.op, node.values[:-1]), node.values[-1]]
            node = node.values[0]
    return tree


class _Joined(ast.NodeTransformer):
    """An f-string without a computed part is a string."""

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        self.generic_visit(node)
        if all(isinstance(v, ast.Constant) for v in node.values):
            return ast.Constant("".join(v.value for v in node.values))
        return node


@pytest.mark.parametrize("name", MODULES)
def test_the_standard_library_reads_as_python_reads_it(name):
    content = (STANDARD / name).read_bytes()
    mine = _plain(lower(SourceFile(name, content)))
    theirs = _plain(ast.parse(content))
    theirs, mine = _Joined().visit(theirs), _Joined().visit(mine)
    for a, b in zip(theirs.body, mine.body, strict=True):
        assert ast.dump(a) == ast.dump(b), f"{name}:{a.lineno}"


def test_lines_are_kept():
    tree = lower(SourceFile("a.py", b"\n\nx = (1 +\n     2)\n"))
    assert (tree.body[0].lineno, tree.body[0].end_lineno) == (3, 4)


def test_what_does_not_parse_is_marked_and_the_rest_is_read():
    tree = lower(SourceFile("a.py", b"x = 1\n)))\ny = 2\n"))
    assert any(is_opaque(n) for n in ast.walk(tree))
    assert {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)} >= {"x", "y", OPAQUE}


def test_newer_and_older_python():
    new = b"type X = int\nmatch x:\n    case [1, a]:\n        y = a\nprint(f'{a['b']}')\n"
    old = b"print 'METRIC a=1'\n"
    assert any(isinstance(n, ast.If) for n in ast.walk(lower(SourceFile("a.py", new))))
    assert isinstance(lower(SourceFile("a.py", old)).body[0], ast.Expr)


def test_too_deep_is_marked():
    tree = lower(SourceFile("a.py", b"x = " + b"[" * 1000 + b"]" * 1000))
    assert any(is_opaque(n) for n in ast.walk(tree))
