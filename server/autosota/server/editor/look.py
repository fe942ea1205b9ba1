"""Looking at one file of a workspace for an editor, and carrying an idea out in it.

Reads the tree as it is being edited, asks the ideator and the objective's readers, and joins
what the ledger knows of each idea. Runs in a process of its own (`worker`): a look takes a
tenth of a second to a second.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from autosota.agents.domain import Boundary, Hypothesis, Objective
from autosota.agents.ideator import NotApplicable, implement, propose
from autosota.agents.ideator.command import entry_points
from autosota.agents.ideator.module import Project
from autosota.agents.init.repository import Repository
from autosota.agents.objective.readings import readings
from autosota.agents.protocols import Tree
from autosota.agents.supervisor.audit import audit
from autosota.agents.supervisor.boundary import draw_boundary
from autosota.server.editor.archive import Archive
from autosota.server.editor.index import Index
from autosota.server.editor.progress import objective_of
from autosota.server.editor.texts import Changed, Edited
from autosota.server.editor.view import Draft, Fixed, Idea, Metric, View
from autosota.server.errors import UserError
from autosota.server.setup.folder import FolderTree

_WHERE = re.compile(r"^(.*), line (\d+)$")
_MAIN = re.compile(rb"^if[ \t]+__name__[ \t]*==", re.M)
MOST_IDEAS = 200
MOST_FILES = 400


@dataclass(slots=True)
class _Known:
    """What was found in one state of the files: proposals by path, and places of metrics."""

    ideas: list[Hypothesis]
    boundary: Boundary
    metrics: dict[str, list[tuple[str, int]]]


@dataclass(slots=True)
class Place:
    """A workspace that is looked at.

    `index` says what imports what; a look at a file needs only what belongs to its experiment.
    """

    root: Path
    index: Index
    archive: Archive
    others: tuple[str, ...] = ()
    known: dict[str, _Known] = field(default_factory=dict)

    @classmethod
    def at(cls, root: str, archive: Archive | None = None) -> Place:
        """A workspace nothing is known of yet; `archive` is shared with whoever else reads it."""
        return cls(Path(root), Index(root), archive or Archive(Path(root)))

    # ------------------------------------------------------------------ a look

    def look(self, path: str, texts: Mapping[str, bytes]) -> View:
        """What there is to show of a file.

        Args:
            path: The file, from the root.
            texts: Open documents by path from the root.
        """
        objective, note = objective_of(self.root)
        try:
            self.archive.refresh()
        except UserError as error:
            note = note or str(error)
        asked = objective or Objective(command=f"python {path}", metric="", select_on="")
        tree, starts = self._tree(asked, path, texts)
        known = self._find(asked, tree, starts, path, objective is not None)
        ideas = tuple(
            self._idea(h, tree) for h in known.ideas if h.place.path == path and h.admissible
        )
        return View(
            root=str(self.root),
            path=path,
            has_objective=objective is not None,
            entry=_entry(tree, path) if path in starts else 0,
            ideas=ideas[:MOST_IDEAS],
            metrics=self._metrics(known, path, objective),
            fixed=tuple(Fixed(k, str(v)) for k, v in asked.protocol.frozen.items()),
            note=note,
        )

    def draft(self, idea: str, path: str, texts: Mapping[str, bytes]) -> Draft:
        """An idea carried out in the text as it is now, and what the audit says of it.

        Raises:
            UserError: it does not apply (any more), or the audit refuses it.
        """
        objective, _ = objective_of(self.root)
        asked = objective or Objective(command=f"python {path}", metric="", select_on="")
        tree, starts = self._tree(asked, path, texts)
        known = self._find(asked, tree, starts, path, objective is not None)
        library = {h.id: h for h in known.ideas}
        if self.archive.evidence is not None:
            library = {**self.archive.evidence.state.ideas, **library}
        wanted = library.get(idea)
        if wanted is None:
            raise UserError(f"{idea}: there is no such idea for {path} as it is now")
        try:
            made = implement(wanted, tree, library)
        except NotApplicable as error:
            raise UserError(f"{wanted.title}: {error.reason}") from None
        verdict, doubts = "", tuple[str, ...]()
        if objective is not None:
            judged = audit(tree, Changed(tree, made.changes), objective)
            said = [f"{f.code} {f.place.path}:{f.place.line}: {f.message}" for f in judged.findings]
            verdict, doubts = str(judged.decision), tuple(said)
            if verdict == "rejected":
                raise UserError(f"{wanted.title}: the audit refuses it: {'; '.join(said[:2])}")
        before = {file: tree.read(file) for file in made.changes}
        after = dict(made.changes)
        return Draft(idea, wanted.title, wanted.paper, before, after, verdict, doubts)

    # ------------------------------------------------------------------ the files

    def _tree(
        self, objective: Objective, path: str, texts: Mapping[str, bytes]
    ) -> tuple[Tree, list[str]]:
        """The files that belong to the experiment, and the scripts that its command starts."""
        if not objective.metric:  # nothing says what the experiment is: the file itself
            own = {p: t for p, t in texts.items() if p == path}
            return Edited(str(self.root), [path], own), [path]
        if not self.index.built:
            self.index.build()
        if not self.others:
            self.others = tuple(f for f in FolderTree(self.root).files() if not f.endswith(".py"))
        known = (*self.index.paths, *texts)
        project = Project(Edited(str(self.root), known, texts), objective)
        starts = entry_points(project, objective.command)
        judges = entry_points(project, objective.evaluate)
        files = self.index.closure([*starts, *judges, path], MOST_FILES)
        return Edited(str(self.root), [*files, *self.others], texts), starts

    # ------------------------------------------------------------------ what is found

    def _find(
        self, objective: Objective, tree: Tree, starts: Sequence[str], path: str, declared: bool
    ) -> _Known:
        """Proposals and metrics in this state of the files; kept while they stay the same."""
        python = [f for f in tree.files() if f.endswith(".py")]
        digest = hashlib.sha256(repr(objective).encode())
        for file in python:
            digest.update(file.encode() + b"\0" + hashlib.sha256(tree.read(file)).digest())
        key = digest.hexdigest()
        if key in self.known:
            return self.known[key]
        boundary = draw_boundary(tree, objective) if declared else Boundary()
        shown = _shown(tree, objective, starts) if declared else {}
        found = _Known(propose(tree, objective, boundary), boundary, shown)
        while len(self.known) >= 4:
            self.known.pop(next(iter(self.known)))
        self.known[key] = found
        return found

    def _idea(self, idea: Hypothesis, tree: Tree) -> Idea:
        place = idea.place
        return Idea(
            id=idea.id,
            title=idea.title,
            granularity=str(idea.granularity),
            paper=idea.paper,
            expected=idea.expected,
            reason=idea.reason,
            risk=str(idea.risk),
            cost=idea.cost,
            line=place.line,
            end_line=max(place.end_line, place.line),
            symbol=idea.symbol,
            header=_header(tree.read(place.path), idea.symbol, place.line),
            assumptions=idea.assumptions,
            tried=self.archive.tried(idea.id),
        )

    def _metrics(self, known: _Known, path: str, objective: Objective | None) -> tuple[Metric, ...]:
        if objective is None:
            return ()
        claims = {c.metric: f"{c.value:g} ({c.where})" for c in objective.paper.claims}
        found = []
        for name, places in known.metrics.items():
            for file, line in places:
                if file == path:
                    values, note = self.archive.values(name)
                    claim = name == objective.metric
                    found.append(Metric(name, line, values, note, claims.get(name, ""), claim))
        return tuple(sorted(found, key=lambda m: (m.line, m.name)))


def _shown(
    tree: Tree, objective: Objective, starts: Sequence[str]
) -> dict[str, list[tuple[str, int]]]:
    """Where the metrics that the objective names are shown."""
    repository = Repository(tree)
    project = Project(tree, objective)
    wanted = {objective.metric, objective.select_on, *(g.name for g in objective.guards)}
    found: dict[str, list[tuple[str, int]]] = {}
    for script in dict.fromkeys([*starts, *entry_points(project, objective.evaluate)]):
        for reading in readings(repository, script, {}):
            where = _WHERE.match(reading.where)
            if reading.name in wanted and where is not None:
                place = (where.group(1), int(where.group(2)))
                if place not in found.setdefault(reading.name, []):
                    found[reading.name].append(place)
    return found


def _entry(tree: Tree, path: str) -> int:
    """The line where a script begins to run: its main guard, else its first line."""
    try:
        content = tree.read(path)
    except FileNotFoundError:
        return 0
    guard = _MAIN.search(content)
    return 1 if guard is None else content.count(b"\n", 0, guard.start()) + 1


def _header(content: bytes, symbol: str, line: int) -> int:
    """The line that begins the outermost function or class of a symbol, above its lever."""
    name = symbol.partition(".")[0].encode()
    if not name:
        return 0
    found = 0
    for match in re.finditer(
        rb"^(?:async[ \t]+)?(?:def|class)[ \t]+" + name + rb"\b", content, re.M
    ):
        at = content.count(b"\n", 0, match.start()) + 1
        if at <= line:
            found = at
    return found
