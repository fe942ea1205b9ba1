"""The experiment's command line: which files it starts, which options it sets.

Read as a shell would split it. What a shell script or a Makefile does inside is not known.
"""

from __future__ import annotations

import posixpath
import shlex

from autosota.agents.ideator.module import Module, Project


def entry_points(project: Project, command: str) -> list[str]:
    """The repository's own files that a command line starts, in its order."""
    try:
        words = shlex.split(command)
    except ValueError:
        return []
    found = []
    for before, word in zip(["", *words], words, strict=False):
        path = clean_path(word)
        if word.endswith(".py") and path in project.paths:
            found.append(path)
        elif before == "-m":
            module = project.find(f"{word}.__main__", "") or project.find(word, "")
            if module is not None:
                found.append(module.path)
    return found


def given_value(module: Module, flags: str) -> str | None:
    """What the experiment's command line passes for one of these flags; None when nothing.

    argparse takes unambiguous prefixes: `--learn 0.1` sets `--learning-rate`. A command that
    cannot be read counts as passing something, as it might.
    """
    objective = module.project.objective
    if objective is None or not flags:
        return None
    try:
        words = shlex.split(objective.command)
    except ValueError:
        return ""
    for word, after in zip(words, [*words[1:], ""], strict=True):
        given, equals, value = word.partition("=")
        for name in flags.split():
            if name.startswith("--"):
                if given.startswith("--") and len(given) > 2 and name.startswith(given):
                    return value if equals else after
            elif word.startswith(name) and not word.startswith("--"):
                return word.removeprefix(name) or after
    return None


def clean_path(path: str) -> str:
    """A path of the objective as the tree writes it."""
    return posixpath.normpath(path.strip()) if path.strip() else ""
