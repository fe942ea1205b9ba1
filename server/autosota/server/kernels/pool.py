"""Kernels that are started in advance, so that the next one is there at once.

After a kernel started whose kernelspec asks for it, one more of the same kind is started a
moment later and waits; whoever comes next with the same image, limits and workspace gets it,
moved to its own folder. The pool belongs to this process, holds few kernels, and gives up those
that nobody wanted for a while. It ends with the process; after a kill the reaper finds its
containers by their owner.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from autosota.server.errors import UserError
from autosota.server.kernels.talk import Talk
from autosota.server.kernels.watched import WatchedKernel
from autosota.server.kernels.wire import Meeting

MOST = 4
"""How many wait at once, of all kinds."""

DELAY_SECONDS = 1.5
"""Starting takes processor time, and the kernel that just started has work to do first."""

LISTEN_SECONDS = 60.0
CLOSE_SECONDS = 20.0
MOVE_SECONDS = 2.0

log = logging.getLogger("autosota.kernels")


@dataclass(slots=True)
class Spare:
    """A started kernel that waits for somebody.

    Attributes:
        kernel: It.
        meeting: Its private folder.
    """

    kernel: WatchedKernel
    meeting: Meeting

    def close(self) -> None:
        """End it and remove all of it."""
        self.kernel.close()
        self.meeting.close()


@dataclass(slots=True)
class _Kind:
    """One kind of kernel."""

    make: Callable[[], Spare]
    wanted: int
    idle_seconds: float
    last_use: float
    due: float
    """When the next one is to be started."""

    ready: list[Spare] = field(default_factory=list)


class Pool:
    """The kernels that wait in this process. One thread starts and ends them."""

    def __init__(self, most: int = MOST, delay_seconds: float = DELAY_SECONDS) -> None:
        self._most, self._delay = most, delay_seconds
        self._kinds: dict[Hashable, _Kind] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = self._registered = False

    def want(
        self, key: Hashable, make: Callable[[], Spare], wanted: int, idle_seconds: float
    ) -> None:
        """Have kernels of a kind wait from now on, until none was used for a while.

        Args:
            key: The kind: equal keys mean that one is as good as another.
            make: Starts one; blocks.
            wanted: How many should wait.
            idle_seconds: After how long without use they are given up.
        """
        now = time.monotonic()
        with self._changed:
            if self._closed:
                return
            kind = self._kinds.setdefault(key, _Kind(make, 0, idle_seconds, now, now))
            kind.make, kind.idle_seconds = make, idle_seconds
            kind.wanted = min(wanted, self._most)
            kind.last_use, kind.due = now, now + self._delay
            if not self._registered:
                self._registered = True
                atexit.register(self.close)
            if self._thread is None:
                self._thread = threading.Thread(target=self._keep, name="kernel-pool", daemon=True)
                self._thread.start()
            self._changed.notify()

    def take(self, key: Hashable, folder: str) -> Spare | None:
        """A waiting kernel of a kind, moved to a folder; None when there is none that answers."""
        while True:
            with self._changed:
                kind = self._kinds.get(key)
                spare = kind.ready.pop(0) if kind is not None and kind.ready else None
            if spare is None:
                return None
            if spare.kernel.ended is None and _move(spare, folder):
                return spare
            threading.Thread(target=spare.close, daemon=True).start()

    def waiting(self) -> int:
        """How many kernels wait."""
        with self._changed:
            return sum(len(kind.ready) for kind in self._kinds.values())

    def close(self) -> None:
        """End all that wait, and start no more."""
        with self._changed:
            self._closed = True
            self._changed.notify()
            thread = self._thread
        if thread is not None:
            thread.join(CLOSE_SECONDS)

    def _keep(self) -> None:
        """The thread: give up what is not used, start what is missing, one at a time."""
        while True:
            with self._changed:
                gone, key, wait = self._next()
                if not gone and key is None:
                    if self._closed or not self._kinds:
                        self._thread = None
                        return
                    self._changed.wait(wait)
                    continue
                make = self._kinds[key].make if key is not None else None
            for spare in gone:
                spare.close()
            if make is not None:
                self._add(key, make)

    def _next(self) -> tuple[list[Spare], Hashable | None, float]:
        """Which to give up, which kind to start one of, and how long nothing is to do."""
        now = time.monotonic()
        gone: list[Spare] = []
        for key, kind in list(self._kinds.items()):
            ended = [s for s in kind.ready if s.kernel.ended is not None]
            kind.ready = [s for s in kind.ready if s.kernel.ended is None]
            gone += ended
            if self._closed or now - kind.last_use >= kind.idle_seconds:
                gone += kind.ready
                del self._kinds[key]
        if gone or self._closed:
            return gone, None, 0.0
        short = [k for k, kind in self._kinds.items() if len(kind.ready) < kind.wanted]
        due = [k for k in short if self._kinds[k].due <= now]
        if due:
            newest = max(due, key=lambda k: self._kinds[k].last_use)
            total = sum(len(kind.ready) for kind in self._kinds.values())
            if total < self._most:
                return [], newest, 0.0
            others = [k for k, kind in self._kinds.items() if kind.ready and k != newest]
            if others:  # the one that was wanted longest ago makes room
                oldest = min(others, key=lambda k: self._kinds[k].last_use)
                if self._kinds[oldest].last_use < self._kinds[newest].last_use:
                    return [self._kinds[oldest].ready.pop(0)], None, 0.0
        moments = [kind.last_use + kind.idle_seconds for kind in self._kinds.values()]
        moments += [self._kinds[k].due for k in short if k not in due]
        return [], None, max(0.01, min(moments) - now) if moments else 0.0

    def _add(self, key: Hashable, make: Callable[[], Spare]) -> None:
        try:
            spare = make()
        except (UserError, OSError) as error:
            log.warning("no kernel is started in advance: %s", error)
            with self._changed:
                self._kinds.pop(key, None)
            return
        with Talk(spare.kernel.wire) as talk:
            listens = talk.listens(LISTEN_SECONDS)
        with self._changed:
            kind = self._kinds.get(key)
            if listens and kind is not None and not self._closed:
                kind.ready.append(spare)
                return
            if not listens:
                self._kinds.pop(key, None)
        if not listens:
            log.warning("no kernel is started in advance: it does not answer")
        spare.close()


def _move(spare: Spare, folder: str) -> bool:
    """Have the kernel go to a folder, which also shows that it answers."""
    with contextlib.suppress(OSError), Talk(spare.kernel.wire) as talk:
        return talk.run(f"__import__('os').chdir({folder!r})", MOVE_SECONDS)
    return False


POOL = Pool()
"""The pool of this process."""
