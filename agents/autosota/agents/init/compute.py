"""How much compute the experiment spends now: the value of `controls.compute_knob.flag`.

The command line says it, else the default that the script declares for the flag. What spends
the compute, and what is made of the value, is not known here.
"""

from __future__ import annotations

import math
import shlex

from autosota.agents.code.command import started_by
from autosota.agents.domain import Objective
from autosota.agents.ideator.knobs import find_knob
from autosota.agents.ideator.module import Project
from autosota.agents.ideator.notation import read_number
from autosota.agents.init.declared import interface
from autosota.agents.init.flags import Flag, Style
from autosota.agents.init.repository import Repository
from autosota.agents.protocols import Tree

_PASSED_ON = frozenset({"$@", "$*", "${@}"})
_DECLARING = ("add_argument", "add_option", "option", "Option")


def compute_value(tree: Tree, objective: Objective) -> float | None:
    """The value that the compute knob has in the objective's command.

    Returns:
        A finite number in the knob's unit; None when there is no knob, the command does not
        start a script of the tree that has the flag, or the value is computed.
    """
    knob = objective.controls.compute_knob
    if knob is None:
        return None
    try:
        words = shlex.split(objective.command)
    except ValueError:
        return None
    repo = Repository(tree)
    entries = started_by(tree, objective.command).entries
    if not entries:
        return _read(_given(words, _typed(knob.flag), ()))
    last = entries[-1]  # what is added to a command goes to the last thing it starts
    arguments: list[str] = []
    for word in last.arguments:
        arguments += words if word in _PASSED_ON else [word]
    flags = interface(repo, last.path).flags if repo.has(last.path) else ()
    flag = next((f for f in flags if knob.flag in f.names), None) or _typed(knob.flag)
    others = tuple(name for f in flags if f is not flag for name in f.names)
    given = _given(arguments, flag, others)
    if given is not None:
        return _read(given)
    value = _read(flag.default)
    return value if value is not None else _followed(repo, last.path, flag, tree)


def _typed(name: str) -> Flag:
    """A flag of which only the name is known."""
    style = Style.FLAG if name.startswith("-") else Style.OVERRIDE
    return Flag((name,), name.lstrip("-").replace("-", "_"), "", style)


def _given(words: list[str], flag: Flag, others: tuple[str, ...]) -> str | None:
    """What a command line passes for a flag, the last time it does; None when it does not.

    argparse takes beginnings: `--epoch 3` sets `--epochs` unless there is a flag `--epoch`.
    """
    found: str | None = None
    for word, after in zip(words, [*words, ""][1:], strict=True):
        name, equals, value = word.partition("=")
        if name in others:
            continue
        for own in flag.names:
            if name == own and (equals or flag.style is Style.FLAG):
                found = value if equals else after
            elif own.startswith("--"):
                begins = len(name) > 2 and name.startswith("--") and own.startswith(name)
                if begins and name != own:
                    found = value if equals else after
            elif own.startswith("-") and word.startswith(own) and not word.startswith("--"):
                found = word.removeprefix(own)
    return found


def _read(text: str | None) -> float | None:
    value = read_number(text) if text else None
    return float(value) if value is not None and math.isfinite(value) else None


def _followed(repo: Repository, script: str, flag: Flag, tree: Tree) -> float | None:
    """The number behind a default that is a name: `default=EPOCHS`, `default=config.EPOCHS`."""
    project = Project(tree)
    for path in repo.closure(script):
        module = project.module(path)
        if module is None:
            continue
        for call in module.calls:
            named = {module.text(node).strip("\"'") for node in call.positional}
            declares = module.text(call.function).rpartition(".")[2] in _DECLARING
            if not declares or named.isdisjoint(flag.names):
                continue
            found = find_knob(module, call.value("default"))
            if found is not None and math.isfinite(found.value):
                return float(found.value)
    return None
