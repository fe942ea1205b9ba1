"""The files that a program reads and writes, as far as its source says.

Paths are templates: a write below `{run_dir}` is known as such. What is in a file is not known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from tree_sitter import Node

from autosota.agents.code.command import started_by
from autosota.agents.code.source import SourceFile
from autosota.agents.init import syntax
from autosota.agents.init.declared import interface
from autosota.agents.init.paths import Paths
from autosota.agents.init.repository import Repository
from autosota.agents.init.wordlist import words_in
from autosota.agents.protocols import Tree

_WRITE_FIRST = words_in(
    "np.save np.savez np.savez_compressed np.savetxt numpy.save numpy.savez numpy.savetxt"
)
_WRITE_SECOND = words_in("torch.save joblib.dump pickle.dump json.dump yaml.dump dump")
_WRITE_METHODS = words_in(
    "to_csv to_json to_parquet to_pickle save_pretrained save_weights save_model"
)
_READ_FIRST = re.compile(
    r"^((np|numpy)\.(load|loadtxt|genfromtxt|fromfile)|(pd|pandas|pl|polars)\.(read|scan)_\w+|"
    r"torch\.load|joblib\.load|(json|pickle|yaml|tomllib)\.load|open|gzip\.open|.*loadmat|"
    r"h5py\.File|(.*\.)?(ImageFolder|DatasetFolder|load_svmlight_file|load_from_disk|read_csv|"
    r"sqlite3\.connect|listdir|os\.walk|os\.scandir|glob|iglob))$"
)
_READ_METHODS = words_in("read_text read_bytes iterdir glob rglob")


@dataclass(frozen=True, slots=True)
class Use:
    """One file (or folder) that is read or written, and where the code does it."""

    path: str
    where: str


@dataclass(frozen=True, slots=True)
class Files:
    """What a program reads and writes."""

    reads: tuple[Use, ...]
    writes: tuple[Use, ...]


def files(repo: Repository, script: str, values: Mapping[str, str]) -> Files:
    """The files of a program (a script and what it imports), in order of appearance."""
    paths = Paths(repo, script, values)
    reads: dict[str, Use] = {}
    writes: dict[str, Use] = {}
    for file in repo.closure(script):
        if not repo.has(file):
            continue
        source = repo.source(file)
        for call in syntax.calls(source):
            where = f"{file}, line {call.start_point.row + 1}"
            for node, writing in _places(source, call):
                found = paths.path(source, node)
                if found is None and not writing:
                    found = paths.folder(source, node)
                if found:
                    (writes if writing else reads).setdefault(found, Use(found, where))
    return Files(tuple(reads.values()), tuple(writes.values()))


def read_by(tree: Tree, command: str) -> tuple[Use, ...]:
    """The files that the programs of a command read, with their settings as the command has them.

    Args:
        tree: the repository.
        command: as in the objective.
    """
    repo = Repository(tree)
    found: dict[str, Use] = {}
    for entry in started_by(tree, command).entries:
        if not repo.has(entry.path):
            continue
        values = {}
        for flag in interface(repo, entry.path).flags:
            words = entry.arguments
            given = [b for a, b in pairwise((*words, "")) if a in flag.names]
            given += [w.partition("=")[2] for w in words if w.partition("=")[0] in flag.names]
            values[flag.dest] = next((g for g in reversed(given) if g), flag.default)
        for use in files(repo, entry.path, values).reads:
            found.setdefault(use.path, use)
    return tuple(found.values())


def opens_for_writing(source: SourceFile, call: Node) -> bool:
    """True when an `open(...)` call has a mode that writes."""
    given = syntax.arguments(source, call)
    method = "." in syntax.callee(source, call) and not syntax.callee(source, call).startswith(
        ("gzip", "io", "codecs")
    )
    index = 0 if method else 1
    mode = given.keywords.get("mode") or next(iter(given.positional[index : index + 1]), None)
    return bool(set(syntax.string(source, mode) or "r") & set("wax"))


def _places(source: SourceFile, call: Node) -> Iterator[tuple[Node, bool]]:
    """The expressions of a call that name files, each with whether it is written."""
    called = syntax.callee(source, call)
    given = syntax.arguments(source, call)
    first = next(iter(given.positional[:1]), None)
    method = called.rsplit(".", 1)[-1]
    holder = call.child_by_field_name("function")
    owner = holder.child_by_field_name("object") if holder is not None else None
    if called in _WRITE_FIRST and first is not None:
        yield first, True
    elif called in _WRITE_SECOND and len(given.positional) > 1:
        yield given.positional[1], True
    elif method in _WRITE_METHODS and first is not None:
        yield first, True
    elif method in ("write_text", "write_bytes") and owner is not None:
        yield owner, True
    elif method == "open" and called != "open" and owner is not None and owner.type != "identifier":
        yield owner, opens_for_writing(source, call)
    elif called == "open" and first is not None:
        yield first, opens_for_writing(source, call)
    elif method in _READ_METHODS and owner is not None and not _READ_FIRST.match(called):
        yield owner, False
    elif _READ_FIRST.match(called) and first is not None:
        yield first, False
