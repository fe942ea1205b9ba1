"""A running kernel that a thread of its own watches to the end.

The thread waits on a connection to the engine that nobody else uses, so that asking whether the
kernel lives costs nothing. At the end it tells the clients why, then whoever started it, then
removes what is left: nobody has to come back for it. Every call blocks, within limits. How a
kernel is started is not known here.
"""

from __future__ import annotations

import atexit
import signal
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import cache

from autosota.server.containers.engine import Engine, EngineUnavailable
from autosota.server.kernels.ended import Ended, engine_gone, stopped
from autosota.server.kernels.last_words import LastWords
from autosota.server.kernels.wire import Wire

CALL_SECONDS = 10.0
REMOVE_SECONDS = 5.0

OnEnd = Callable[[Ended], None]


class WatchedKernel(ABC):
    """A running kernel.

    Attributes:
        wire: How it is reached.
        container: The identifier of the container it is in.
        on_end: Called once, in the watching thread, before what is left is removed.
    """

    def __init__(self, engine: Engine, container: str, wire: Wire, on_end: OnEnd | None) -> None:
        self.wire, self.container, self.on_end = wire, container, on_end
        self._engine = engine
        self._asked = False
        self._ended: Ended | None = None
        self._words: LastWords | None = None
        self._thread = threading.Thread(
            target=self._watch, name=f"kernel-{container[:12]}", daemon=True
        )

    @property
    def ended(self) -> Ended | None:
        """How it ended; None while it runs. Costs nothing."""
        return self._ended

    def signal(self, number: int) -> None:
        """Send a signal to the kernel; nothing when it is over.

        Raises:
            EngineUnavailable: the engine does not answer.
        """
        if self._ended is None:
            self._send(number)

    def terminate(self) -> None:
        """Ask it to end, by SIGTERM; what follows is our doing.

        Raises:
            EngineUnavailable: the engine does not answer.
        """
        self._asked = True
        self.signal(signal.SIGTERM)

    def kill(self) -> None:
        """End everything in it at once; also when the engine does not answer."""
        self._asked = True
        if self.ended is None:
            try:
                self._send(signal.SIGKILL)
            except EngineUnavailable:
                self._kill_here()

    def stop(self) -> None:
        """Note that it was asked to end, through its own channel."""
        self._asked = True

    def close(self) -> None:
        """Kill it if it runs, and wait until nothing of it is left, for some seconds."""
        self.kill()
        self._thread.join(REMOVE_SECONDS)
        if not self._thread.is_alive():
            self._release()

    def watch(self) -> None:
        """Begin to watch it; it was started."""
        if self.wire.transport == "ipc":
            self._words = LastWords(self.wire)
        _end_with_process()
        _running.add(self)
        self._thread.start()

    @abstractmethod
    def _send(self, number: int) -> None:
        """Send a signal; SIGKILL ends all its processes."""

    @abstractmethod
    def _wait(self) -> Ended:
        """Wait for its end, however long that takes."""

    @abstractmethod
    def _remove(self) -> None:
        """Remove what is left of it; what cannot be removed now is remembered."""

    def _kill_here(self) -> None:  # noqa: B027 - not every kernel has another way
        """Kill it without the engine, where that is possible."""

    def _release(self) -> None:  # noqa: B027 - nothing to give back by default
        """Close connections; the watching thread is over."""

    def _watch(self) -> None:
        try:
            ended = self._wait()
        except Exception as error:  # noqa: BLE001 - a thread's last line; the kernel must not hang
            ended = engine_gone(f"watch ({type(error).__name__}: {error})")
        ended = stopped(ended.code) if self._asked else ended
        try:
            self._tell(ended)
        finally:
            self._ended = ended
            self._remove()
            _running.discard(self)

    def _tell(self, ended: Ended) -> None:
        """Tell the clients, then whoever started it."""
        if self._words is not None:
            if ended.expected:
                self._words.close()
            else:
                self._words.say(ended.line)
        if self.on_end is not None:
            self.on_end(ended)


_running: set[WatchedKernel] = set()


@cache
def _end_with_process() -> None:
    atexit.register(_end_all)


def _end_all() -> None:
    """When this process ends in order, its kernels end with it."""
    for kernel in list(_running):
        kernel.kill()
    for kernel in list(_running):
        kernel.close()
