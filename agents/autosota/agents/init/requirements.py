"""What a repository says it needs: a requirements file, or the lists of pyproject and others.

Nothing is resolved or installed; versions are taken as written.
"""

from __future__ import annotations

import re
import sys
import tomllib
from dataclasses import dataclass

from autosota.agents.init import syntax
from autosota.agents.init.repository import Repository

_FILES = (
    "requirements.txt", "requirements/base.txt", "requirements/requirements.txt",
    "requirements/train.txt", "requirements-train.txt", "requirements.in",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Requirements:
    """A requirements file, or a list of requirements; both empty when nothing was found."""

    file: str = ""
    items: tuple[str, ...] = ()
    where: str = ""
    notes: tuple[str, ...] = ()


def requirements(repo: Repository, script: str) -> Requirements:
    """The requirements of a repository, from the most telling file it has."""
    for path in _FILES:
        if repo.has(path):
            return Requirements(file=path, where=path)
    for reader in (_pyproject, _conda, _setup):
        found = reader(repo)
        if found is not None:
            return found
    outside = _imports(repo, script)
    if not outside:
        return Requirements()
    note = f"no requirements file was found; {script} imports {', '.join(outside)}"
    return Requirements(notes=(f"{note}: list them in environment.requirements",))


def _pyproject(repo: Repository) -> Requirements | None:
    if not repo.has("pyproject.toml"):
        return None
    try:
        content = tomllib.loads(repo.text("pyproject.toml"))
    except tomllib.TOMLDecodeError:
        return None
    project = content.get("project")
    listed = project.get("dependencies") if isinstance(project, dict) else None
    if not isinstance(listed, list) or not listed:
        return None
    items = tuple(x for x in listed if isinstance(x, str) and x.isprintable())
    return Requirements(items=items, where="pyproject.toml: project.dependencies")


def _conda(repo: Repository) -> Requirements | None:
    path = next((p for p in ("environment.yml", "environment.yaml") if repo.has(p)), None)
    if path is None:
        return None
    conda: list[str] = []
    pip: list[str] = []
    into: list[str] | None = None
    base = 0
    for line in repo.text(path).splitlines():
        text = line.split(" #")[0].rstrip()
        if re.match(r"^dependencies\s*:", text):
            into = conda
        elif re.match(r"^\S+\s*:", text):
            into = None
        elif into is not None and (item := re.match(r"^(\s*)-\s*['\"]?([^'\"]+)['\"]?$", text)):
            if item[2].strip() == "pip:":
                into, base = pip, len(item[1])
                continue
            if into is pip and len(item[1]) <= base:
                into = conda
            into.append(item[2].strip())
    if pip:
        left = [c for c in conda if not re.match(r"(python|pip|cudatoolkit)\b", c)]
        notes: tuple[str, ...] = ()
        if left:
            notes = (f"{path}: conda's own packages are left out: {', '.join(left)}",)
        return Requirements(items=tuple(pip), where=f"{path}: its pip part", notes=notes)
    note = f"{path} is for conda, which is not used: set environment.python to that interpreter"
    return Requirements(notes=(f"{note}, or environment.requirements to a list",))


def _setup(repo: Repository) -> Requirements | None:
    if not repo.has("setup.py"):
        return None
    source = repo.source("setup.py")
    for call in syntax.calls(source):
        node = syntax.arguments(source, call).keywords.get("install_requires")
        if node is not None and node.type == "list":
            items = [syntax.string(source, c) for c in node.named_children]
            listed = tuple(i for i in items if i)
            if listed:
                return Requirements(items=listed, where="setup.py: install_requires")
    return None


def _imports(repo: Repository, script: str) -> list[str]:
    names: set[str] = set()
    for path in repo.closure(script):
        names |= repo.imported(path) if repo.has(path) else frozenset()
    known = set(sys.stdlib_module_names)
    return sorted(
        n
        for n in names
        if n and n not in known and repo.module(n, script) is None and n not in repo.folders
    )
