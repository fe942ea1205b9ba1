"""Set-up changes that a repository may need before a campaign: validation rows, seeds that count.

Offers only what the user may accept: the claim's statements and the test rows stay as they are,
training rows alone are split again. Where the code is not understood nothing is offered and one
line says why. Accepting, files and the objective's text are not known here.
"""

from __future__ import annotations

import difflib
import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from autosota.agents.code.facts import FileFacts, file_facts
from autosota.agents.domain import Boundary, Objective
from autosota.agents.ideator.draft import NotApplicable
from autosota.agents.ideator.module import Project, accepts
from autosota.agents.ideator.scope import Scope
from autosota.agents.init.splits_claim import val_metric
from autosota.agents.init.splits_flow import NotUnderstood
from autosota.agents.init.splits_folds import repeated_folds
from autosota.agents.init.splits_holdout import hold_out
from autosota.agents.init.splits_measured import Measured, check_splittable, follow
from autosota.agents.init.splits_seeds import fixed_seeds
from autosota.agents.init.splits_written import Written
from autosota.agents.protocols import Tree

VALIDATION_SPLIT = "validation-split"
REPEATED = "repeated-validation"
SPLIT_SEED = "split-seed"


@dataclass(frozen=True, slots=True)
class SetupChange:
    """A change of the repository that the user may accept; it starts a new baseline.

    `changes` are whole files. `metric_added` is the METRIC line that is new ("" when none is).
    `objective_changes` are keys of `[objective]` and what they become.
    """

    id: str
    kind: str
    title: str
    reason: str
    changes: Mapping[str, bytes]
    metric_added: str = ""
    objective_changes: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def diff(self, tree: Tree) -> str:
        """The change as a unified diff against the tree it was offered for."""
        return "".join(
            line if line.endswith("\n") else line + "\n\\ No newline at end of file\n"
            for path, content in sorted(self.changes.items())
            for line in difflib.unified_diff(
                _lines(tree.read(path)), _lines(content), f"a/{path}", f"b/{path}"
            )
        )


@dataclass(frozen=True, slots=True)
class Unavailable:
    """A kind of change that is not offered here, and why, in one line."""

    kind: str
    reason: str


def offers(
    tree: Tree, objective: Objective, boundary: Boundary | None = None
) -> tuple[SetupChange | Unavailable, ...]:
    """What may be changed before a campaign, each checked; and why what is missing is missing.

    Args:
        tree: The repository as it is.
        objective: Its objective.
        boundary: Its evaluation boundary, when it is known; statements that it names must
            survive every change.

    Returns:
        Changes first come in the order of advice: a held-out part, repeated folds, seeds.
    """
    project = Project(tree, objective, boundary)
    scope = Scope(project, objective, boundary or Boundary())
    found: list[SetupChange | Unavailable] = []
    program = _followed(project, scope, objective)
    for kind, write in ((VALIDATION_SPLIT, hold_out), (REPEATED, repeated_folds)):
        try:
            if not objective.selects_on_claim:
                raise NotUnderstood(
                    f"the objective selects on {objective.select_on}, which is not the claim"
                )
            if isinstance(program, str):
                raise NotUnderstood(program)
            check_splittable(program)
            written = write(program)
            name = val_metric(objective.metric)
            found.append(_offer(tree, kind, written, program, boundary, name))
        except (NotUnderstood, NotApplicable) as reason:
            found.append(Unavailable(kind, str(reason)))
    try:
        for written in fixed_seeds(project, scope, objective, program):
            known = program if isinstance(program, Measured) else None
            found.append(_offer(tree, SPLIT_SEED, written, known, boundary, ""))
    except (NotUnderstood, NotApplicable) as reason:
        found.append(Unavailable(SPLIT_SEED, str(reason)))
    return tuple(found)


def _followed(project: Project, scope: Scope, objective: Objective) -> Measured | str:
    try:
        return follow(project, scope, objective)
    except NotUnderstood as reason:
        return str(reason)


def _offer(
    tree: Tree,
    kind: str,
    written: Written,
    program: Measured | None,
    boundary: Boundary | None,
    metric: str,
) -> SetupChange:
    """The offer, once it is sure that what computes the claim is as it was.

    Raises:
        NotUnderstood: it is not.
    """
    for path, content in written.changes.items():
        if not accepts(content):
            raise NotUnderstood(f"{path}: this file does not parse, before or after the change")
        _same_evaluation(path, tree.read(path), content, boundary, written.replaced)
    if program is not None:
        _same_statements(program, written.changes)
    digest = hashlib.sha256(kind.encode())
    for path, content in sorted(written.changes.items()):
        digest.update(b"\0".join((path.encode(), tree.read(path), content)))
    return SetupChange(
        id=f"{kind}-{digest.hexdigest()[:8]}",
        kind=kind,
        title=written.title,
        reason=written.reason,
        changes=dict(written.changes),
        metric_added=metric,
        objective_changes={"select_on": metric} if metric else {},
        notes=written.notes,
    )


def _same_evaluation(
    path: str, before: bytes, after: bytes, boundary: Boundary | None, replaced: frozenset[int]
) -> None:
    """Every statement and function that the boundary names is found again in the changed file."""
    old, new = file_facts(path, before), file_facts(path, after)
    if new.broken and not old.broken:
        raise NotUnderstood(f"{path}: the changed file would not parse")
    for name in boundary.symbols if boundary is not None else ():
        home, _, symbol = name.partition("::")
        if home != path:
            continue
        symbol, _, mark = symbol.partition("@")
        kept = set(_marks(old, symbol, mark, replaced))
        if not symbol or not kept <= set(_marks(new, symbol, mark)):
            raise NotUnderstood(f"{path}: the change would touch {symbol or path}, which evaluates")


def _marks(
    facts: FileFacts, symbol: str, mark: str, but: frozenset[int] = frozenset()
) -> Iterator[str]:
    """Fingerprints of one statement (`mark`), or of all of a symbol, but for some lines."""
    for statement in facts.statements:
        last = statement.node.end_lineno or statement.line
        simple = not hasattr(statement.node, "body")
        if simple and any(statement.line <= line <= last for line in but):
            continue
        if statement.symbol == symbol and mark in ("", statement.fingerprint):
            yield statement.fingerprint


def _same_statements(program: Measured, changes: Mapping[str, bytes]) -> None:
    """The statements from the test rows to the claim are there as they were, byte for byte."""
    module = program.claim.module
    content = changes.get(module.path)
    if content is None:
        return
    for text, count in Counter(program.protected()).items():
        if content.count(text) < count:
            line = text.splitlines()[0].decode("utf-8", "replace")
            raise NotUnderstood(f"{module.path}: the change would touch the claim at '{line}'")


def _lines(content: bytes) -> list[str]:
    return content.decode("utf-8", "replace").splitlines(keepends=True)
