"""The data and the labels of an experiment, as globs, and what it fetches from the network.

Told by folder names and by the paths that the code reads. Contents are not looked at.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass

from autosota.agents.init import syntax
from autosota.agents.init.files import Files
from autosota.agents.init.repository import Repository

_DATA_FOLDER = re.compile(r"^(data|dataset|datasets|corpus|corpora)$", re.IGNORECASE)
_LABEL_FOLDER = re.compile(r"^(labels?|answers?|gold|ground[_-]?truth|targets|hidden)$", re.I)
_LABEL_NAME = re.compile(r"(^|[_\W])(labels?|gold|answers?|truth|targets?|y_?test|test_?y)", re.I)
_DATA_SETTING = re.compile(
    r"^(data|dataset|data_?(dir|path|root|folder|file)|dataset_(dir|path)|root|train_file|"
    r"test_file|val(id(ation)?)?_file|input|input_(dir|file)|corpus)$"
)
_CODE = (".py", ".pyc", ".md", ".rst", ".sh", ".ipynb", ".yaml", ".yml", ".toml", ".cfg")
_FETCHERS = re.compile(
    r"(^|\.)(load_dataset|fetch_\w+|from_pretrained|hub\.load|urlretrieve|snapshot_download|"
    r"hf_hub_download|download_url|wget\.download|gdown\.download)$"
)


@dataclass(frozen=True, slots=True)
class Assets:
    """Globs with where each was told, cache variables worth mounting, and notes."""

    data: Mapping[str, str]
    labels: Mapping[str, str]
    caches: Mapping[str, str]
    notes: tuple[str, ...] = ()


def assets(
    repo: Repository,
    script: str,
    train: Files,
    values: Mapping[str, str],
    evaluate: Files | None,
) -> Assets:
    """The data of an experiment; `evaluate` are the files of its separate evaluator, if any."""
    labels = _labels(repo, train, evaluate)
    data: dict[str, str] = {}
    for folder in sorted(repo.folders, key=lambda f: (f.count("/"), f)):
        named = _DATA_FOLDER.match(posixpath.basename(folder)) and folder.count("/") <= 1
        if named and not any(_covers(g, folder) for g in data):
            data.update(_folder(repo, folder, f"the folder {folder}"))
    uses = [(u.path, u.where) for u in (*train.reads, *(evaluate.reads if evaluate else ()))]
    uses += [(v, f"the setting {k}") for k, v in values.items() if _DATA_SETTING.match(k)]
    for raw, where in uses:
        path = posixpath.normpath(raw) if raw else ""
        if any(_covers(g, path) for g in (*data, *labels)):
            continue
        if repo.has(path) and not path.endswith((".py", ".toml", ".yaml", ".yml", ".cfg")):
            data[_glob(path)] = where
        elif path in repo.folders:
            data.update(_folder(repo, path, where))
    caches, notes = _fetched(repo, script, values)
    return Assets(data, labels, caches, notes)


def _labels(repo: Repository, train: Files, evaluate: Files | None) -> dict[str, str]:
    """What only the evaluator reads; without an evaluator of its own nothing can be kept away."""
    if evaluate is None:
        return {}
    found: dict[str, str] = {}
    seen = {u.path for u in train.reads}
    for use in evaluate.reads:
        if use.path in seen or not (repo.has(use.path) or use.path in repo.folders):
            continue
        named = next(
            (f for f in _ancestors(use.path) if _LABEL_FOLDER.match(posixpath.basename(f))), None
        )
        if named and not any(_covers(f"{_glob(named)}/**", s) for s in seen):
            found.setdefault(f"{_glob(named)}/**", f"{use.where}, which only the evaluator reads")
        elif repo.has(use.path) and _LABEL_NAME.search(posixpath.basename(use.path)):
            found.setdefault(_glob(use.path), f"{use.where}, which only the evaluator reads")
    return found


def _folder(repo: Repository, folder: str, where: str) -> dict[str, str]:
    """A folder of data as a glob; one that also holds code is named by its kinds of file."""
    inside = [p for p in repo.paths if p.startswith(f"{folder}/")]
    if not any(p.endswith(".py") for p in inside):
        telling = [p for p in inside if not _name(p).startswith(".") and not p.endswith(_CODE)]
        return {f"{_glob(folder)}/**": where} if telling else {}
    kinds = {posixpath.splitext(p)[1] for p in inside if not p.endswith(_CODE)}
    return {
        f"{_glob(folder)}/**/*{kind}": f"{where}, which holds code too"
        for kind in sorted(kinds)
        if kind
    }


def _fetched(
    repo: Repository, script: str, values: Mapping[str, str]
) -> tuple[dict[str, str], tuple[str, ...]]:
    caches: dict[str, str] = {}
    notes: list[str] = []
    for path in repo.closure(script):
        if not repo.has(path):
            continue
        source = repo.source(path)
        for call in syntax.calls(source):
            called = syntax.callee(source, call)
            download = syntax.arguments(source, call).keywords.get("download")
            fetches = download is not None and source.text(download) != "False"
            if not fetches and not _FETCHERS.search(called):
                continue
            where = f"{path}, line {call.start_point.row + 1}"
            notes.append(
                f"{where}: {called} fetches from the network, which runs do not have: "
                "run the command once yourself, so that everything is on this machine"
            )
            if called.endswith(("load_dataset", "from_pretrained", "snapshot_download")):
                caches.setdefault("HF_HOME", f"{where}: {called}")
            elif called.endswith("hub.load"):
                caches.setdefault("TORCH_HOME", f"{where}: {called}")
    return caches, tuple(notes[:3])


def _name(path: str) -> str:
    return posixpath.basename(path)


def _glob(path: str) -> str:
    """A path as a glob that means just it."""
    return re.sub(r"([*?\[\\])", r"\\\1", path)


def _covers(glob: str, path: str) -> bool:
    path = _glob(path)
    if glob.endswith("/**"):
        return path == glob[:-3] or path.startswith(glob[:-2])
    if "/**/*" in glob:
        folder, _, kind = glob.partition("/**/*")
        return path.startswith(f"{folder}/") and path.endswith(kind)
    return path == glob


def _ancestors(path: str) -> list[str]:
    found = [path]
    while posixpath.dirname(found[-1]):
        found.append(posixpath.dirname(found[-1]))
    return found
