"""The settings of a Hydra program: the keys of its YAML files, as they are overridden.

Reads block-style YAML by indentation, which is how configurations are written; anything else
in them is skipped. Interpolation and composition beyond config groups are not known here.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass

from autosota.agents.init import syntax
from autosota.agents.init.repository import Repository

_KEY = re.compile(r"^( *)([A-Za-z_][\w-]*)\s*:(?:\s+(.*))?$")


@dataclass(frozen=True, slots=True)
class Setting:
    """One key of a configuration, dotted, with its value as written and its place."""

    key: str
    default: str
    where: str


@dataclass(frozen=True, slots=True)
class Settings:
    """What a program with `@hydra.main` can be told, and where that was found."""

    keys: tuple[Setting, ...]
    where: str


def settings(repo: Repository, script: str) -> Settings | None:
    """The settings of a script decorated with `hydra.main`; None when it is not."""
    source = repo.source(script)
    for call in syntax.calls(source):
        if syntax.callee(source, call) != "hydra.main":
            continue
        given = syntax.arguments(source, call).keywords
        folder = syntax.string(source, given.get("config_path"))
        name = syntax.string(source, given.get("config_name")) or "config"
        where = f"{script}, line {call.start_point.row + 1}: hydra.main"
        return Settings(_keys(repo, posixpath.dirname(script), folder, name), where)
    return None


def yaml_keys(text: str) -> list[tuple[str, str, int]]:
    """Dotted keys of block-style YAML with their plain values and lines (from 1)."""
    found: list[tuple[str, str, int]] = []
    stack: list[tuple[int, str]] = []
    for number, line in enumerate(text.splitlines(), 1):
        match = _KEY.match(line.split(" #")[0].rstrip())
        if not match:
            continue
        indent = len(match[1])
        while stack and stack[-1][0] >= indent:
            stack.pop()
        value = (match[3] or "").strip().strip("'\"")
        dotted = ".".join([*(key for _, key in stack), match[2]])
        stack.append((indent, match[2]))
        if value:
            found.append((dotted, value, number))
    return found


def _keys(repo: Repository, base: str, folder: str | None, name: str) -> tuple[Setting, ...]:
    if folder is None:
        return ()
    root = posixpath.normpath(posixpath.join(base, folder))
    prefix = "" if root == "." else root + "/"
    main = name if name.endswith((".yaml", ".yml")) else f"{name}.yaml"
    found: list[Setting] = []
    files = [p for p in repo.paths if p.startswith(prefix) and p.endswith((".yaml", ".yml"))]
    for path in sorted(files, key=lambda p: (p != prefix + main, p)):
        inner = path[len(prefix) :]
        group = posixpath.dirname(inner).replace("/", ".")
        text = repo.text(path)
        # A file that lays itself over everything is an option, not what is there.
        if inner != main and (not group or re.search(r"@package\s+_global_", text)):
            continue
        for key, value, line in yaml_keys(text):
            dotted = f"{group}.{key}" if group else key
            if not dotted.startswith(("defaults", "hydra.")):
                found.append(Setting(dotted, value, f"{path}, line {line}"))
    return tuple(sorted(found, key=lambda s: s.key.count(".")))
