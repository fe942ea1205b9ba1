"""Which of a model's edits may be offered at all: only code that ideas may change.

The same scope as the catalogue's: not the evaluation, not data, not what never runs. This keeps
hopeless ideas out of the library; the supervisor audits the change itself, and decides.
"""

from __future__ import annotations

from collections.abc import Sequence

from tree_sitter import Node

from autosota.agents.code.source import Edit
from autosota.agents.domain import Boundary, Objective
from autosota.agents.ideator.draft import NotApplicable
from autosota.agents.ideator.module import Module, Project
from autosota.agents.ideator.reach import Reach
from autosota.agents.ideator.scope import Scope
from autosota.agents.ideator.with_model.answers import EditAnswer
from autosota.agents.ideator.with_model.edits import readable, target_of
from autosota.agents.protocols import Tree


class Gates:
    """What may be changed in one tree, for one objective and boundary."""

    def __init__(self, tree: Tree, objective: Objective, boundary: Boundary) -> None:
        self.tree = tree
        self.project = Project(tree, objective, boundary)
        self.scope = Scope(self.project, objective, boundary)
        self.reach = Reach(self.scope.reached() if self.scope.entries else (), self.scope.entries)

    def check(self, edits: Sequence[EditAnswer]) -> None:
        """Pass edits that may be offered.

        Raises:
            NotApplicable: one of them may not; says which and why.
        """
        for edit in edits:
            module = readable(edit.path, self.tree)
            if closed := self.scope.closed(edit.path):
                raise NotApplicable(f"{edit.path} may not be changed: {closed}")
            target = target_of(module, edit.symbol)
            if target is None:
                raise NotApplicable(f"{edit.path}: there is no {edit.symbol[:120]!r}")
            begin, end = target.node.start_byte, target.node.end_byte
            node: Node | None = target.node
            if edit.find:
                at = module.source.content.find(edit.find.encode(), begin, end)
                if at >= 0:
                    begin, end = at, at + len(edit.find.encode())
                    node = module.source.root.descendant_for_byte_range(begin, max(begin, end - 1))
            assert node is not None
            self._check_range(module, node, begin, end)

    def _check_range(self, module: Module, node: Node, begin: int, end: int) -> None:
        where = f"{module.path}:{node.start_point.row + 1}"
        if refused := self.scope.refuses(module, node):
            raise NotApplicable(f"{where} may not be changed: {refused}")
        if self.scope.protects(module, Edit(begin, end, b"")):
            raise NotApplicable(f"{where} may not be changed: on the evaluation side")
        for inner in module.nodes:  # a whole class is closed when one of its methods is
            inside = begin <= inner.start_byte and inner.end_byte <= end
            if inside and inner.type == "function_definition":
                name = inner.child_by_field_name("name")
                if name is not None and (refused := self.scope.refuses(module, name)):
                    raise NotApplicable(f"{where} holds code that may not be changed: {refused}")
        if self.reach.is_idle(module, node):
            raise NotApplicable(f"{where} is never used by this experiment")
