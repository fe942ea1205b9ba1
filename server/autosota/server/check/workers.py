"""Files checked in this process or in several, with a guard around each; results in order.

Processes and not threads, because parsing in threads gains nothing. A file on which the engine
fails, dies or never ends is a file that could not be read; the others are checked all the same.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING

from autosota.agents.check import Settings, check
from autosota.agents.check.registry import rules
from autosota.agents.domain import Place
from autosota.agents.rules import finding as make_finding
from autosota.server.check.cache import hash_of, stamp_of
from autosota.server.check.project import DiskProject
from autosota.server.check.result import Result
from autosota.server.check.source_text import LARGEST

if TYPE_CHECKING:
    from concurrent.futures import ProcessPoolExecutor

FEW = 40
"""Below this many files a second process costs more than it saves."""
LONGEST_SECONDS = 60
"""Computing time after which a file is given up; files of 5,000 lines take a second."""
_CHUNK = 8
_BEHIND = 4
"""Chunks that each process has waiting, so that none stands idle."""

Job = tuple[str, str]
"""The root of a workspace, and a file in it."""
SettingsOf = Mapping[str, Settings]


@dataclass(slots=True)
class Checker:
    """Checks files of several workspaces, whose other files it reads at most once."""

    settings: SettingsOf
    projects: dict[str, DiskProject]

    def run(self, job: Job) -> Result:
        """The findings of one file; never raises."""
        root, path = job
        project = self.projects.setdefault(root, DiskProject(root))
        full = os.path.join(root, path)
        try:
            stamp = stamp_of(full)
            if stamp[2] > LARGEST:
                why = f"{stamp[2]} bytes, more than {LARGEST}; not analysed"
                return unread(path, why, self.settings[root])
            with open(full, "rb") as file:
                content = file.read()
        except (OSError, ValueError) as error:
            reason = (getattr(error, "strerror", None) or str(error)).lower()
            return unread(path, f"cannot be read: {reason}", self.settings[root])
        result = guarded(path, content, self.settings[root], project)
        looked = {p: sha for p, sha in project.looked().items() if p != path}
        return Result(
            result.findings, result.suppressed, result.unread, hash_of(content), stamp, looked
        )


def guarded(path: str, content: bytes, settings: Settings, project: DiskProject) -> Result:
    """The engine's word on one text, or one `NB899` when it fails or takes too long."""
    try:
        with _time_limit():
            checked = check(path, content, settings, project.view)
    except _TooLong:
        return unread(path, f"given up after {LONGEST_SECONDS} s of computing", settings)
    except Exception as error:  # noqa: BLE001 - one file must not take the others along
        why = f"our check failed on it ({type(error).__name__}: {error}); please report this"
        return unread(path, " ".join(why.split()), settings)
    return Result(checked.findings, checked.suppressed, checked.unread)


def unread(path: str, why: str, settings: Settings) -> Result:
    """The result for a file that could not be read."""
    note = make_finding("NB899", Place(path, 1), why, severity=settings.severity.get("NB899"))
    return Result((note,) if settings.wants("NB899") else (), unread=why)


class _TooLong(Exception):
    pass


@contextmanager
def _time_limit() -> Iterator[None]:
    """Raise `_TooLong` after so much computing; only where signals can be handled."""
    if not hasattr(signal, "ITIMER_VIRTUAL") or (
        threading.current_thread() is not threading.main_thread()
    ):
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        raise _TooLong

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, LONGEST_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def check_all(jobs: Sequence[Job], settings: SettingsOf, processes: int = 0) -> Iterator[Result]:
    """The results of these files, in their order.

    Args:
        jobs: The files.
        settings: What to report, by root.
        processes: How many; 0 for one per core.
    """
    workers = min(processes or _cores(), len(jobs) // (FEW // 2))
    if workers < 2 or len(jobs) < FEW:
        checker = Checker(settings, {})
        yield from map(checker.run, jobs)
        return
    done = 0
    for result in _in_processes(jobs, settings, workers):
        done += 1
        yield result
    yield from _one_by_one(jobs[done:], settings)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _in_processes(jobs: Sequence[Job], settings: SettingsOf, workers: int) -> Iterator[Result]:
    """The results, as far as they come: a process that dies ends them early."""
    from collections import deque
    from concurrent.futures import Future
    from concurrent.futures.process import BrokenProcessPool

    with _pool(workers, settings) as pool:
        waiting: deque[Future[list[Result]]] = deque()
        chunks = iter([jobs[i : i + _CHUNK] for i in range(0, len(jobs), _CHUNK)])
        try:
            for chunk in chunks:
                waiting.append(pool.submit(_work, chunk))
                if len(waiting) >= workers * _BEHIND:
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()
        except BrokenProcessPool:
            return


def _one_by_one(jobs: Sequence[Job], settings: SettingsOf) -> Iterator[Result]:
    """Each file waits for the one before, so that it is known which of them kills a process."""
    from concurrent.futures.process import BrokenProcessPool

    at = 0
    while at < len(jobs):
        with _pool(1, settings) as pool:
            try:
                while at < len(jobs):
                    (result,) = pool.submit(_work, jobs[at : at + 1]).result()
                    at += 1
                    yield result
            except BrokenProcessPool:
                root, path = jobs[at]
                at += 1
                why = "the process that checked it was killed (out of memory?)"
                yield unread(path, why, settings[root])


@contextmanager
def _pool(workers: int, settings: SettingsOf) -> Iterator[ProcessPoolExecutor]:
    """Processes that end with this one, however it ends."""
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    # Forking shares what is loaded; with other threads about it can lock up a child.
    fork = sys.platform == "linux" and threading.active_count() == 1
    if fork:
        rules()
    context = multiprocessing.get_context("fork" if fork else "spawn")
    pool = ProcessPoolExecutor(workers, context, _start, (dict(settings),))
    try:
        yield pool
        pool.shutdown(wait=True)
    except BaseException:  # an interrupt, or a reader that left: nothing may go on
        running = list((pool._processes or {}).values())
        pool.shutdown(wait=False, cancel_futures=True)
        for process in running:
            process.terminate()
        for process in running:
            process.join()
        raise


_checker: Checker | None = None


def _start(settings: SettingsOf) -> None:
    global _checker
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends us
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _checker = Checker(settings, {})


def _end_with_parent() -> None:
    """A parent that was killed closes its end of a pipe; without this we would wait for ever."""
    from multiprocessing import parent_process
    from multiprocessing.connection import wait

    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _work(chunk: Sequence[Job]) -> list[Result]:
    assert _checker is not None
    return [_checker.run(job) for job in chunk]
