"""What packages a repository needs, from the objective or from its own files.

Pure: reads a tree, builds nothing. Requirement files come out as text, with everything they
include, so that they can be hashed and installed away from the repository, which itself is
never installed.
"""

from __future__ import annotations

import posixpath
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass

from autosota.agents.domain import Environment
from autosota.agents.protocols import Tree
from autosota.server.errors import UserError

FROM_OBJECTIVE = "requirements-from-objective.txt"
_INCLUDE = re.compile(r"^(-r|-c|--requirement|--constraint)[ =]?\s*(\S+)")
_EDITABLE = re.compile(r"^(-e|--editable)[ =]?\s*(\S+)")
_LOCAL = re.compile(r"^(\.{0,2}/|\.{1,2}$|\.\[|file:)")
_HERE = re.compile(r"^(file:)?(//)?\.?/?(\[[^\]]*\])?$")


@dataclass(frozen=True, slots=True)
class Requirements:
    """Requirement files by path, the one to install from, and what a person should know.

    `main` is empty when nothing is needed.
    """

    main: str = ""
    files: Mapping[str, str] = ()  # type: ignore[assignment]
    notes: tuple[str, ...] = ()


def gather(environment: Environment, tree: Tree) -> Requirements:
    """Find what to install.

    In this order: `environment.requirements`, `environment.requirements_file`, the tree's
    `requirements.txt`, the `dependencies` of its `pyproject.toml`.

    Raises:
        UserError: a named file is missing or broken, or a requirement is a local path.
    """
    if environment.requirements:
        text = "\n".join(environment.requirements) + "\n"
        return _closed(FROM_OBJECTIVE, tree, {FROM_OBJECTIVE: text})
    if environment.requirements_file:
        return _closed(posixpath.normpath(environment.requirements_file), tree, {})
    present = set(tree.files())
    if "requirements.txt" in present:
        return _closed("requirements.txt", tree, {})
    if "pyproject.toml" in present:
        try:
            project = tomllib.loads(tree.read("pyproject.toml").decode("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise UserError(
                f"pyproject.toml: {error}; mend it, or set environment.requirements"
            ) from error
        listed = project.get("project", {}).get("dependencies")
        if isinstance(listed, list):
            text = "".join(f"{line}\n" for line in listed)
            return _closed("pyproject-dependencies.txt", tree, {"pyproject-dependencies.txt": text})
    others = [
        n
        for n in ("environment.yml", "environment.yaml", "setup.py", "setup.cfg", "Pipfile")
        if n in present
    ]
    hint = f" ({', '.join(others)} is not read)" if others else ""
    return Requirements(
        files={},
        notes=(
            f"no requirements found{hint}: runs get a bare Python; set environment.requirements "
            "or environment.python",
        ),
    )


def _closed(main: str, tree: Tree, known: dict[str, str]) -> Requirements:
    """A requirement file with all that it includes."""
    files: dict[str, str] = {}
    notes: list[str] = []
    waiting = [main]
    while waiting:
        path = waiting.pop()
        if path in files:
            continue
        try:
            text = known[path] if path in known else tree.read(path).decode("utf-8-sig")
        except FileNotFoundError:
            raise UserError(
                f"{path}: there is no such requirements file in the commit; write it, or set "
                "environment.requirements"
            ) from None
        except UnicodeDecodeError:
            raise UserError(
                f"{path}: not UTF-8 text; save the requirements file as UTF-8"
            ) from None
        kept: list[str] = []
        for number, line in enumerate(text.replace("\\\n", " ").splitlines(), 1):
            bare = re.sub(r"(^|\s)#.*$", "", line).strip()
            if include := _INCLUDE.match(bare):
                if "://" not in include[2]:
                    waiting.append(
                        posixpath.normpath(posixpath.join(posixpath.dirname(path), include[2]))
                    )
            else:
                editable = _EDITABLE.match(bare)
                local = editable[2] if editable else bare
                if _HERE.match(local) and local:
                    notes.append(
                        f"{path} line {number}: {bare!r} left out: the repository itself "
                        "is not installed, its folder is on the path"
                    )
                    continue
                if _LOCAL.match(local):
                    raise UserError(
                        f"{path} line {number}: {bare!r} is a local path; install it into an "
                        "environment of yours and name that in environment.python"
                    )
            kept.append(line)
        files[path] = "\n".join(kept) + "\n"
    content = (re.sub(r"(?m)#.*$", "", t).strip() for t in files.values())
    return Requirements(main if any(content) else "", files, tuple(notes))
