"""The plan: how the experiment of a repository is run, chosen and explained.

Joins commands, flags, evaluator, requirements and data. What is measured is asked of the
caller, as a count per script; its meaning is not known here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from autosota.agents.init import assets, commands, evaluator, files
from autosota.agents.init.commands import Candidate
from autosota.agents.init.declared import interface
from autosota.agents.init.evaluator import Evaluator
from autosota.agents.init.flags import compute_knob
from autosota.agents.init.repository import Repository
from autosota.agents.init.requirements import Requirements, requirements
from autosota.agents.init.roles import TRAINS, Role, role_of
from autosota.agents.init.template import Filled, fill

Measures = Callable[[str], int]

_ORIGIN = {"document": 40, "mention": 28, "make": 28, "shell": 22, "script": 10}
_ROLE = {Role.TRAIN: 30, Role.RUN: 22, Role.OTHER: 0, Role.EVALUATE: -30, Role.ASIDE: -35}
_SPECIAL = re.compile(
    r"--resume\b|torchrun|nproc|nnodes|--?dummy|--debug\b|eval|world-size|--track\b|wandb|\btest\b"
)
"""Signs of a run that is not the plain experiment."""
_GOOD_HEADING = re.compile(r"train|usage|quick|run|reproduc|experiment|getting started", re.I)
_BAD_HEADING = re.compile(r"install|data|evaluat|demo|pre-?process|prepar|ablation|test", re.I)


@dataclass(frozen=True, slots=True)
class Ranked:
    """A candidate with its score and the reasons for it, in words."""

    candidate: Candidate
    score: int
    reasons: tuple[str, ...]

    @property
    def typed(self) -> str:
        """The command as its source has it."""
        c = self.candidate
        line = " ".join([*(f"{k}={v}" for k, v in c.environment), commands.join(c.words)])
        return f"cd {commands.quote(c.folder)} && {line}" if c.folder else line


@dataclass(frozen=True, slots=True)
class Plan:
    """How an experiment is run. Globs and caches map to where each was found."""

    chosen: Ranked
    others: tuple[Ranked, ...]
    filled: Filled
    script: str
    evaluate: Evaluator | None
    requirements: Requirements
    data: Mapping[str, str]
    labels: Mapping[str, str]
    caches: Mapping[str, str]
    knob: tuple[str, str, str] | None = None
    notes: tuple[str, ...] = ()


def find_plan(repo: Repository, measures: Measures) -> Plan | None:
    """The plan of a repository; None when nothing in it looks like an experiment.

    Args:
        repo: The repository.
        measures: How many metrics a script (a Python file of the tree) shows.
    """
    documented = commands.of_documents(repo)
    ranked = rank(
        repo,
        [
            *documented,
            *commands.of_makefiles(repo),
            *commands.of_shell_scripts(repo),
            *commands.of_scripts(repo),
        ],
        measures,
    )
    if not ranked:
        return None
    chosen = ranked[0]
    script = _script(repo, chosen.candidate)
    filled = fill(repo, chosen.candidate)
    used = files.files(repo, script, filled.values) if script else files.Files((), ())
    found = (
        evaluator.find_evaluator(repo, filled, script, used, documented, measures)
        if script
        else None
    )
    judged = files.files(repo, found.script, found.filled.values) if found else None
    told = assets.assets(repo, script, used, filled.values, judged)
    knob = compute_knob(interface(repo, script)) if chosen.candidate.kind != "shell" else None
    needs = requirements(repo, script)
    notes = [*filled.notes, *needs.notes, *told.notes, *(found.notes if found else ())]
    notes += _seedless(chosen.candidate, filled) + _writes_aside(used, filled)
    if "nproc" in filled.command:
        notes.append(f"{filled.command.split()[0]} starts several processes: set environment.gpus")
    return Plan(
        chosen=chosen,
        others=_others(ranked, found),
        filled=filled,
        script=script,
        evaluate=found,
        requirements=needs,
        data=told.data,
        labels=told.labels,
        caches=told.caches,
        knob=(knob[0].names[0], knob[1], knob[0].where) if knob else None,
        notes=tuple(notes),
    )


def rank(repo: Repository, candidates: list[Candidate], measures: Measures) -> list[Ranked]:
    """Candidates that may be the experiment, the likeliest first; equal ones in source order."""
    counts: dict[str, int] = {}
    ranked: list[tuple[tuple[int, int, int, str], Ranked]] = []
    for position, candidate in enumerate(candidates):
        script = _script(repo, candidate)
        if not script:
            continue
        shown = counts.setdefault(script, 0) or counts.setdefault(script, measures(script))
        if not shown:
            shown = counts[script] = measures(script)
        one = _weigh(repo, candidate, script, shown)
        if one is not None:
            ranked.append(((-one.score, candidate.order, position, candidate.target), one))
    ranked.sort(key=lambda r: r[0])
    return [r for _, r in ranked]


def _weigh(repo: Repository, candidate: Candidate, script: str, shown: int) -> Ranked | None:
    role = role_of(script)
    if candidate.kind == "make":
        role = role_of(f"{candidate.heading}.py")
    trains = any(TRAINS.search(repo.text(p)) for p in repo.closure(script) if repo.has(p))
    if role in (Role.ASIDE, Role.EVALUATE) and not (shown and (trains or role is Role.EVALUATE)):
        return None
    if role is Role.OTHER and not shown and not trains and candidate.origin != "document":
        return None
    reasons = [f"typed in {candidate.where}" if candidate.origin != "script" else candidate.where]
    score = _ORIGIN[candidate.origin] + _ROLE[role]
    if role in (Role.TRAIN, Role.RUN):
        reasons.append("named like an experiment")
    if shown:
        score += 30
        reasons.append(f"shows {shown} metric{'s' if shown > 1 else ''}")
    if trains:
        score += 15
        reasons.append("trains")
    if candidate.origin == "document" and _GOOD_HEADING.search(candidate.heading):
        score += 6
    elif candidate.origin == "document" and _BAD_HEADING.search(candidate.heading):
        score -= 6
    score -= 5 * candidate.placeholders + 2 * script.count("/") + 4 * max(candidate.steps - 1, 0)
    if "examples" in script.split("/"):
        score -= 10
    line = " ".join(candidate.words)
    score -= 6 * len(_SPECIAL.findall(line))
    return Ranked(candidate, score, tuple(reasons))


def _script(repo: Repository, candidate: Candidate) -> str:
    """The Python file a candidate starts, at the end of scripts and make targets; "" if none."""
    if candidate.kind in ("python", "module"):
        return candidate.target
    lines = repo.text(candidate.target)
    if candidate.kind == "make":
        lines = _recipe(lines, candidate.words[candidate.at])
    inner = commands.python_targets(repo, lines, candidate.target)
    preferred = [p for p in inner if role_of(p) in (Role.TRAIN, Role.RUN)]
    return next(iter(preferred or inner), "")


def _recipe(text: str, target: str) -> str:
    match = re.search(rf"^{re.escape(target)}\s*:.*\n((?:\t.*\n?|\s*\n)*)", text, re.MULTILINE)
    return match[1] if match else ""


def _others(ranked: list[Ranked], found: Evaluator | None) -> tuple[Ranked, ...]:
    """Other commands worth naming: one per target, not the chosen one nor the evaluator."""
    seen = {ranked[0].typed, ranked[0].candidate.target, found.script if found else ""}
    kept: list[Ranked] = []
    for one in ranked[1:]:
        if one.typed in seen or (one.candidate.target in seen and one.candidate.origin == "script"):
            continue
        if role_of(one.candidate.target) is Role.EVALUATE and one.candidate.target in seen:
            continue
        seen |= {one.typed, one.candidate.target}
        kept.append(one)
    return tuple(kept[:5])


def _seedless(candidate: Candidate, filled: Filled) -> list[str]:
    if "{seed}" in filled.command:
        return []
    return [
        f"{candidate.target} has no seed setting: every run may give the same number, so noise "
        "cannot be measured; add a --seed flag and put {seed} into the command"
    ]


def _writes_aside(used: files.Files, filled: Filled) -> list[str]:
    if "{run_dir}" in filled.command:
        return []
    aside = [u for u in used.writes if not u.path.startswith("/")]
    if not aside:
        return []
    return [
        f"{aside[0].where} writes {aside[0].path}, a fixed place: an output flag that takes "
        "{run_dir} keeps the runs apart"
    ]
