"""Many files checked: from the cache where nothing changed, else on all cores, in a fixed order.

Processes and not threads, because parsing in threads gains nothing. A worker that dies takes
the command down with one line; an interrupt ends them all.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from functools import lru_cache
from pathlib import Path

from autosota.agents.check import Settings, check
from autosota.agents.domain import Finding, Place
from autosota.agents.rules import finding as make_finding
from autosota.server.check.cache import Cache, Result
from autosota.server.check.files import Source
from autosota.server.check.project import DiskProject
from autosota.server.check.settings import CheckSettings
from autosota.server.errors import UserError
from autosota.server.workspace.root import find_root

_FEW = 24
"""Below this many files a second process costs more than it saves."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a check of many files gave.

    Attributes:
        findings: In the order of the files, then of their lines.
        suppressed: The findings that comments suppressed.
        files: How many files were checked.
        unread: The files that could not be read.
    """

    findings: tuple[Finding, ...]
    suppressed: tuple[Finding, ...]
    files: int
    unread: tuple[str, ...]


def check_files(
    sources: Sequence[Source], settings: CheckSettings, *, cached: bool = True, processes: int = 0
) -> Outcome:
    """Check files; the result does not depend on the cache or on the number of processes.

    Args:
        sources: The files.
        settings: What to report.
        cached: Whether results of before may be used and kept.
        processes: How many; 0 for one per core.

    Raises:
        UserError: a worker process was killed.
    """
    results: dict[int, Result] = {}
    for root, members in _by_root(sources).items():
        paths = [(i, os.path.relpath(sources[i].path, root).replace(os.sep, "/")) for i in members]
        cache = Cache(root, settings.key) if cached else None
        todo = []
        for i, path in paths:
            known = cache.get(path) if cache is not None else None
            if known is None:
                todo.append((i, path))
            else:
                results[i] = known
        fresh = _run(root, todo, settings.rules, processes)
        results.update(zip((i for i, _ in todo), fresh, strict=True))
        if cache is not None:
            cache.put((path, results[i]) for i, path in todo)
    findings, suppressed, unread = [], [], []
    for i, source in enumerate(sources):
        result = results[i]
        root_path = os.path.relpath(source.path, _root_of(source.path.parent)).replace(os.sep, "/")
        if result.unread:
            unread.append(source.shown)
        for finding in result.findings:
            if not _ignored(source.shown, finding.code, settings):
                findings.append(_as_shown(finding, root_path, source.shown))
        suppressed += [_as_shown(f, root_path, source.shown) for f in result.suppressed]
    return Outcome(tuple(findings), tuple(suppressed), len(sources), tuple(unread))


def check_text(shown: str, content: bytes, settings: CheckSettings, root: Path) -> Outcome:
    """Check text that is in no file (an editor's buffer), under the name it would have."""
    path = os.path.relpath(os.path.abspath(shown), root).replace(os.sep, "/")
    checked = check(path, content, settings.rules, DiskProject(root).view)
    kept = [f for f in checked.findings if not _ignored(shown, f.code, settings)]
    return Outcome(
        tuple(_as_shown(f, path, shown) for f in kept),
        tuple(_as_shown(f, path, shown) for f in checked.suppressed),
        1,
        (shown,) if checked.unread else (),
    )


def _by_root(sources: Sequence[Source]) -> dict[Path, list[int]]:
    out: dict[Path, list[int]] = defaultdict(list)
    for i, source in enumerate(sources):
        out[_root_of(source.path.parent)].append(i)
    return out


@lru_cache(maxsize=65536)
def _root_of(folder: Path) -> Path:
    return find_root(folder.resolve())


def _ignored(path: str, code: str, settings: CheckSettings) -> bool:
    return any(
        (fnmatch(path, pattern) or fnmatch(path, f"*/{pattern}"))
        and any(code.startswith(c) for c in codes)
        for pattern, codes in settings.per_file
    )


def _as_shown(finding: Finding, path: str, shown: str) -> Finding:
    """The finding with paths as a person would write them here."""
    if path == shown:
        return finding
    prefix = shown[: -len(path)] if shown.endswith(path) else None

    def name(other: str) -> str:
        if other == path:
            return shown
        return f"{prefix}{other}" if prefix is not None else other

    return replace(
        finding,
        place=replace(finding.place, path=name(finding.place.path)),
        related=tuple(replace(r, path=name(r.path)) for r in finding.related),
    )


def _run(
    root: Path, todo: Sequence[tuple[int, str]], rules: Settings, processes: int
) -> Iterator[Result]:
    names = [path for _, path in todo]
    workers = min(processes or os.cpu_count() or 1, max(1, len(names) // (_FEW // 2)))
    if workers < 2 or len(names) < _FEW:
        project = DiskProject(root)
        yield from (_one(project, name, rules) for name in names)
        return
    # forking shares what is loaded already; elsewhere than on Linux it is not safe
    context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    pool = ProcessPoolExecutor(workers, context, _start, (root, rules))
    try:
        yield from pool.map(_in_worker, names, chunksize=max(1, min(32, len(names) // 16)))
    except BrokenProcessPool:
        raise UserError(
            "a process of the check was killed (out of memory?); check fewer files at once"
        ) from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


_worker: tuple[DiskProject, Settings] | None = None


def _start(root: Path, rules: Settings) -> None:
    global _worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends us
    _worker = DiskProject(root), rules


def _in_worker(path: str) -> Result:
    assert _worker is not None
    project, rules = _worker
    return _one(project, path, rules)


def _one(project: DiskProject, path: str, rules: Settings) -> Result:
    try:
        content = (project.root / path).read_bytes()
    except OSError as error:
        why = f"{path}: cannot be read: {error.strerror or error}"
        return Result((make_finding("NB899", Place(path, 1), why),), unread=why)
    checked = check(path, content, rules, project.view)
    looked = {p: sha for p, sha in project.looked().items() if p != path}
    return Result(checked.findings, checked.suppressed, checked.unread, looked)
