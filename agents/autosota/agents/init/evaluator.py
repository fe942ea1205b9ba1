"""A separate evaluator: a script that scores what the experiment wrote, and how to call it.

Knows that it measures something (the caller says so), not what.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from autosota.agents.init import commands, syntax
from autosota.agents.init.commands import Candidate
from autosota.agents.init.declared import interface
from autosota.agents.init.files import Files
from autosota.agents.init.flags import Flag, Style
from autosota.agents.init.repository import Repository
from autosota.agents.init.roles import TRAINS, Role, role_of
from autosota.agents.init.template import Filled, fill, given_values, used_as_folder

_INPUT = re.compile(
    r"^(pred(iction)?s?|pred(iction)?s?_(file|path|dir)|y_pred|submission|hyp|hypothes[ie]s|"
    r"input|results?|run|run_dir|out|output|out_dir|output_dir|results_dir|save_dir|"
    r"checkpoint|ckpt|checkpoint_(path|dir)|ckpt_path|model|model_(path|dir)|weights)$"
)
_FOLDER = re.compile(r"(^run$|dir$|^out$|^output$|folder$)")
_DATA_SUFFIX = (
    ".npy",
    ".npz",
    ".csv",
    ".json",
    ".jsonl",
    ".txt",
    ".tsv",
    ".parquet",
    ".pt",
    ".pkl",
)


@dataclass(frozen=True, slots=True)
class Evaluator:
    """The script and its command template, with where that came from."""

    script: str
    filled: Filled
    where: str
    notes: tuple[str, ...] = ()


def find_evaluator(
    repo: Repository,
    experiment: Filled,
    script: str,
    wrote: Files,
    documented: Sequence[Candidate],
    measures: Callable[[str], int],
) -> Evaluator | None:
    """The evaluator of an experiment; None when the experiment scores itself."""
    for path in repo.python:
        if role_of(path) is not Role.EVALUATE or path == script:
            continue
        source = repo.source(path)
        if path in repo.closure(script) or script in repo.closure(path):
            continue
        if not syntax.acts_when_run(source) or not measures(path) or TRAINS.search(repo.text(path)):
            continue
        typed = next((c for c in documented if c.target == path and not c.placeholders), None)
        typed = typed or next((c for c in documented if c.target == path), None)
        if typed is None:
            words, at, kind, environment = commands.run_words(repo, path)
            typed = Candidate(words, at, path, kind, path, "script", environment=environment)
        filled = _fill(repo, typed, experiment, wrote)
        if filled is None:
            continue
        notes = []
        if re.search(r"\b(pickle|joblib|torch)\.load\(|allow_pickle=True", repo.text(path)):
            notes.append(
                f"{path} unpickles what the experiment wrote, so its score is not sealed: "
                "hand predictions over as npy, csv or json"
            )
        return Evaluator(path, filled, typed.where, tuple(notes))
    return None


def _fill(repo: Repository, typed: Candidate, experiment: Filled, wrote: Files) -> Filled | None:
    """The evaluator's template; None when nothing of the experiment reaches it."""
    known = interface(repo, typed.target)
    moved = [_moved(w, experiment, wrote) for w in typed.arguments]
    candidate = replace(typed, words=(*typed.words[: typed.at + 1], *moved))
    values = given_values(list(candidate.arguments), known)
    added: list[str] = []
    for flag in known.flags:
        if (
            flag.style in (Style.ENVIRONMENT, Style.OVERRIDE)
            or flag.switch
            or "{run_dir}" in values.get(flag.dest, "")
        ):
            continue
        default = values.get(flag.dest, flag.default)
        as_folder = used_as_folder(repo, typed.target, flag.dest)
        value = _input_value(flag, default, as_folder, experiment, wrote)
        if value is not None and flag.dest not in values:
            added += flag.words(value)
            values[flag.dest] = value
    candidate = replace(candidate, words=(*candidate.words, *added))
    filled = fill(repo, candidate, keep_outputs=True)
    reaches = "{run_dir}" in filled.command or any(
        basename(u.path) in repo.text(typed.target) for u in wrote.writes if basename(u.path)
    )
    return filled if reaches else None


def _moved(word: str, experiment: Filled, wrote: Files) -> str:
    """A word of the evaluator's command, with the experiment's output place moved."""
    head, equals, tail = word.partition("=")
    value = tail if equals else head
    new = _place(value, experiment, wrote)
    return f"{head}={new}" if equals else new


def _place(value: str, experiment: Filled, wrote: Files) -> str:
    for old, new in sorted(experiment.outputs.items(), key=lambda o: -len(o[0])):
        plain = old.rstrip("/")
        if value.rstrip("/") == plain:
            return new
        if plain and value.startswith(f"{plain}/"):
            return f"{new}{value[len(plain) :]}"
    for use in wrote.writes:
        if use.path.startswith("{run_dir}/") and basename(use.path) == posixpath.basename(value):
            return use.path
    return value


def _input_value(
    flag: Flag, default: str, as_folder: bool, experiment: Filled, wrote: Files
) -> str | None:
    """What an input setting of the evaluator should be; None leaves it at its default."""
    if default:
        moved = _place(default, experiment, wrote)
        if moved != default:
            return moved
    name = flag.dest.rsplit(".", 1)[-1].lower()
    as_folder = as_folder or bool(_FOLDER.search(name))
    if not _INPUT.match(name) or (default and not as_folder):
        return None
    if as_folder:
        return "{run_dir}"
    inside = [u.path for u in wrote.writes if u.path.startswith("{run_dir}/")]
    stem = re.sub(r"_(file|path|dir)$", "", name)[:4]
    named = [p for p in inside if stem in posixpath.basename(p).lower()]
    data = [p for p in inside if p.endswith(_DATA_SUFFIX)]
    return next(iter(named or data), "{run_dir}" if flag.required else None)


def basename(path: str) -> str:
    """The last part of a path."""
    return posixpath.basename(path)
