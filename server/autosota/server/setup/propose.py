"""`autosota init`: a proposed `autosota.toml` for a local repository.

Joins what the agents found (the plan, the goal) and puts it into words. The file is the
user's from then on; what it means to a campaign is not known here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from autosota.agents.init.plan import Plan, find_plan
from autosota.agents.init.repository import Repository
from autosota.agents.objective.goal import Goal, count_metrics, find_goal
from autosota.server.config import template
from autosota.server.errors import UserError
from autosota.server.setup.draft import drafted
from autosota.server.setup.folder import FolderTree
from autosota.server.workspace.root import git_top, has_objective, storage_error

NAME = "autosota.toml"
_EXAMPLE = 'command = "python train.py --seed {seed} --out {run_dir}"'


@dataclass(frozen=True, slots=True)
class Proposed:
    """The text of an objective, and what the user should know or decide, one line each."""

    text: str
    notes: tuple[str, ...] = ()


def propose(root: Path) -> Proposed:
    """Read a repository and propose its objective; nothing is written or executed.

    Raises:
        UserError: there is an objective already, nothing to run was found, or the folder
            cannot be read. The message names the way out.
    """
    _refuse_existing(root)
    tree = FolderTree(root)
    repo = Repository(tree)
    plan = find_plan(repo, lambda script: count_metrics(repo, script))
    if plan is None:
        raise UserError(_nothing(root, repo))
    goal = find_goal(repo, plan)
    notes = [*goal.notes, *plan.notes, *_questions(plan, goal)]
    if tree.cut:
        notes.append(f"{root} holds more files than were read; what lies deepest was left out")
    if tree.unreadable:
        notes.append(f"{tree.unreadable[0]} could not be read and was taken as empty")
    return Proposed(template(drafted(plan, goal)), tuple(dict.fromkeys(notes)))


def write_proposal(directory: Path) -> tuple[Path, list[str]]:
    """Propose an objective and write it as `autosota.toml` into the repository.

    Returns:
        The file written, and the notes.

    Raises:
        UserError: see `propose`; or the file cannot be written.
    """
    proposed = propose(directory)
    path = directory / NAME
    try:
        # "x": a file that appeared meanwhile is not overwritten either.
        with open(path, "x", encoding="utf-8", newline="\n") as file:
            file.write(proposed.text)
    except FileExistsError:
        _refuse_existing(directory)
        raise UserError(f"{path} is in the way; move it, then type autosota init again") from None
    except OSError as error:
        raise storage_error(path, error) from error
    return path, list(proposed.notes)


def _refuse_existing(root: Path) -> None:
    path = root / NAME
    if path.exists() or path.is_symlink():
        raise UserError(
            f"{path} exists and is never overwritten; edit it, or move it away and type "
            "autosota init again"
        )
    if has_objective(root):
        raise UserError(
            f"{root / 'pyproject.toml'} holds [tool.autosota] already; edit it, or remove that "
            "table and type autosota init again"
        )


def _questions(plan: Plan, goal: Goal) -> list[str]:
    notes: list[str] = []
    best = plan.chosen.score
    chosen = plan.chosen.candidate.target
    equal = [o for o in plan.others if o.score == best and o.candidate.target != chosen]
    if equal:
        listed = "; ".join(f"{o.typed} ({o.candidate.where})" for o in equal)
        notes.append(f"as likely as the chosen command: {listed}: exchange it if one is meant")
    if plan.evaluate is not None and not plan.labels:
        notes.append(
            f"{plan.evaluate.script} is a separate evaluator, but no labels that only it reads "
            "were found: if there are any, name them in protocol.labels"
        )
    return notes


def _nothing(root: Path, repo: Repository) -> str:
    looked = (
        "commands in documents, make targets, shell scripts and Python scripts that train or "
        "print a metric"
    )
    way = f"write {NAME} by hand, with [objective], {_EXAMPLE} and metric"
    if repo.notebooks:
        found = repo.notebooks[0]
        more = f" and {len(repo.notebooks) - 1} more" if len(repo.notebooks) > 1 else ""
        return (
            f"{root}: no command was found that runs an experiment, only notebooks "
            f"({found}{more}): export one (jupyter nbconvert --to script {found!r}), then {way}"
        )
    top = git_top(root.resolve())
    if top is not None and top != root.resolve():
        way = f"type autosota init {top} (the whole repository), or {way}"
    return f"{root}: no experiment was found (looked for {looked}); {way}"
