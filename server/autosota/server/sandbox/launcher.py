"""Starting one command in a sandbox and staying with it until nothing of it is left.

The loop here owns the limits on time, disk and output and the stop button; `guard.py` inside
the sandbox owns memory and the end of every process. How the walls are built is the business
of the backends: `bubblewrap.py` and `process.py` start a child process (`forking.py`),
`container.py` asks an engine. Metrics and receipts are not known here.

A launch blocks the thread that makes it. The guard holds one end of a pipe whose other end
only this process has, and kills everything when that closes, however the driver died.
"""

from __future__ import annotations

import json
import os
import re
import selectors
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path

from autosota.agents.domain import GpuUse, Outcome, Resources
from autosota.server.sandbox import disk
from autosota.server.sandbox.launch import Finished, Launch, SandboxBroken, Stop, clean
from autosota.server.sandbox.output import OnChunk, OnLine, Output

GUARD = Path(__file__).with_name("guard.py")
_KILL_SECONDS = 1.5
_DRAIN_SECONDS = 0.5
_READ = 1 << 18
_START_SECONDS = 60.0
"""How long the walls may take to stand; an engine on a loaded machine takes seconds."""


Prune = Callable[[], str]
"""Says why a command should be ended now, because of what it printed; empty to let it go on."""


class Started(ABC):
    """A guard behind its walls, and our ends of its four streams.

    `out`, `err` and `status` are descriptors to read, open until `close`.
    """

    out: int
    err: int
    status: int

    @property
    @abstractmethod
    def ended(self) -> str | None:
        """How the walls came down (`exit code 1`), or None while they stand; never blocks."""

    @abstractmethod
    def go(self) -> None:
        """Let the guard start the command: everything of ours is out of its reach now."""

    @abstractmethod
    def end(self) -> None:
        """Cut the line of life: the guard kills everything and goes. May be called twice."""

    @abstractmethod
    def wait(self, seconds: float) -> bool:
        """Wait until the walls are down; False when they still stand after that time."""

    @abstractmethod
    def kill(self) -> None:
        """Pull the walls down with everything behind them."""

    @abstractmethod
    def close(self) -> None:
        """Give back every descriptor, and what the backend made for this launch."""

    def lost(self) -> str:
        """Why the walls fell through no doing of the command; empty when that is not known.

        Asked after the end of a launch whose guard said nothing.
        """
        return ""

    def gpu_use(self) -> tuple[GpuUse, ...]:
        """What was seen of the GPUs it got. Asked after the end."""
        return ()


class Launcher(ABC):
    """Starts commands behind one kind of wall."""

    name: str = ""
    """As it stands in a receipt."""

    image: str = ""
    """The container image that the last launch ran in; empty outside of containers."""

    protects: bool = False
    """True when mounts, hidden paths and the network limit are enforced."""

    @abstractmethod
    def start(self, launch: Launch) -> Started:
        """Put the guard of a launch behind the walls.

        Raises:
            SandboxBroken: this machine cannot do it.
        """

    def sweep(self, launch: Launch) -> None:  # noqa: B027 - a backend may have nothing to do
        """Kill what is left when the guard was killed."""

    def launch(
        self,
        launch: Launch,
        logs: Mapping[str, Path],
        *,
        stop: Stop | None = None,
        on_chunk: OnChunk | None = None,
        on_line: OnLine | None = None,
        prune: Prune | None = None,
    ) -> Finished:
        """Run the command to its end; blocks.

        Args:
            launch: The command and its world.
            logs: The files `stdout` and `stderr` are appended to.
            stop: Ends it at once when pressed (also when pressed before).
            on_chunk: Gets all output that is stored.
            on_line: Gets lines for a live view.
            prune: Asked after each piece of output.

        Returns:
            How it ended. Nothing the command does raises.

        Raises:
            SandboxBroken: the sandbox itself could not be started.
            OSError: a log cannot be written (a full disk).
        """
        if stop is not None and stop.pressed:
            return Finished(Outcome.STOPPED, "stopped before it started")
        output = Output(dict(logs), launch.limits.output_bytes, on_chunk, on_line)
        try:
            return _Watch(self, launch, output, stop, prune).run()
        finally:
            output.close()


class _Watch:
    """One launch while it lasts."""

    def __init__(
        self,
        launcher: Launcher,
        launch: Launch,
        output: Output,
        stop: Stop | None,
        prune: Prune | None = None,
    ) -> None:
        self._launcher = launcher
        self._launch = launch
        self._output = output
        self._stop = stop
        self._prune = prune
        self._report = b""
        self._verdict: tuple[Outcome, str] | None = None
        self._went = self._gone = 0.0
        self._disk_start = disk.measure(launch.writable)[0]
        self._disk_used = 0
        self._disk_next = 0.0

    def run(self) -> Finished:
        started = self._launcher.start(self._launch)
        try:
            try:
                self._follow(started)
            finally:
                started.end()
                if not started.wait(_KILL_SECONDS):
                    started.kill()
                    started.wait(_KILL_SECONDS)
                if not self._report.strip():
                    self._launcher.sweep(self._launch)
            return self._conclude(started)
        finally:
            started.close()

    def _follow(self, started: Started) -> None:
        """Read everything and keep the limits until the guard has gone and the pipes are dry."""
        streams = {started.out: "stdout", started.err: "stderr"}
        began = time.monotonic()
        deadline = began + _START_SECONDS + self._launch.limits.wall_seconds
        self._disk_next = began + 0.2
        end_by = float("inf")
        killing = False
        with selectors.DefaultSelector() as selector:
            for descriptor in (*streams, started.status):
                selector.register(descriptor, selectors.EVENT_READ)
            if self._stop is not None:
                selector.register(self._stop.fileno(), selectors.EVENT_READ)
            open_streams, guarded = set(streams), True
            while guarded or open_streams:
                now = time.monotonic()
                if now >= end_by:
                    if not guarded:
                        return
                    started.kill()  # the guard did not answer; its walls take the rest along
                    guarded, end_by = False, now + _DRAIN_SECONDS
                wake = min(end_by, *((deadline, self._disk_next) if not killing else (end_by,)))
                for key, _ in selector.select(max(0.0, wake - now) if wake < 1e12 else None):
                    if key.fd in streams:
                        data = os.read(key.fd, _READ)
                        if data:
                            self._output.feed(streams[key.fd], data)
                        else:
                            selector.unregister(key.fd)
                            open_streams.discard(key.fd)
                    elif key.fd == started.status:
                        data = os.read(key.fd, 4096)
                        if data and not self._report:
                            self._went = time.monotonic()
                            deadline = self._went + self._launch.limits.wall_seconds
                            started.go()
                        self._report += data
                        if not data:
                            selector.unregister(key.fd)
                            self._gone = time.monotonic()
                            guarded, end_by = False, self._gone + _DRAIN_SECONDS
                    elif self._verdict is None:
                        self._verdict = (Outcome.STOPPED, "stopped")
                if guarded and not self._report and not killing:
                    # walls that fell before the guard spoke give no end of file on a FIFO
                    late = time.monotonic() - began > _START_SECONDS
                    if late or started.ended is not None:
                        guarded, end_by = False, time.monotonic() + _DRAIN_SECONDS
                if guarded and not killing:
                    self._check(time.monotonic(), deadline)
                    if self._verdict is not None:
                        killing, end_by = True, time.monotonic() + _KILL_SECONDS
                        started.end()
                        if not self._report:  # no guard to ask, and no command yet to save
                            started.kill()
                            guarded, end_by = False, time.monotonic()
                        if self._stop is not None:
                            selector.unregister(self._stop.fileno())

    def _check(self, now: float, deadline: float) -> None:
        limits = self._launch.limits
        if self._verdict is not None:
            return
        if self._prune is not None and (why := self._prune()):
            self._verdict = (Outcome.PRUNED, why)
        elif self._output.over:
            self._verdict = (
                Outcome.OUTPUT_LIMIT,
                f"printed more than {limits.output_bytes} bytes",
            )
        elif now >= deadline:
            self._verdict = (
                Outcome.TIMEOUT,
                f"not done after {limits.wall_seconds:g} s (objective.timeout)",
            )
        elif now >= self._disk_next:
            self._look_at_disk()
            took = time.monotonic() - now
            self._disk_next = time.monotonic() + max(0.2, took * 20)

    def _look_at_disk(self) -> None:
        limit = self._launch.limits.disk_bytes
        used, complete = disk.measure(self._launch.writable)
        self._disk_used = max(self._disk_used, used - self._disk_start)
        if limit and self._verdict is None:
            if self._disk_used > limit:
                self._verdict = (Outcome.DISK_QUOTA, f"wrote more than {limit} bytes")
            elif not complete:
                self._verdict = (Outcome.DISK_QUOTA, "made folders too deep to be measured")

    def _conclude(self, started: Started) -> Finished:
        self._look_at_disk()
        line = self._report.strip()
        if not line and self._verdict is None and (lost := started.lost()):
            raise SandboxBroken(lost)
        if not self._report and self._verdict is None:
            told = self._output.tail("stderr").strip().splitlines()
            raise SandboxBroken(
                f"the sandbox ({self._launcher.name}) cannot start: "
                f"{clean(told[-1]) if told else started.ended or 'no answer'}; "
                "see `autosota doctor`"
            )
        report = json.loads(line) if line else {}
        # the command's own time: what the walls take to stand and to fall is not its doing
        wall = (self._gone or time.monotonic()) - self._went if self._went else 0.0
        exit_code, sent = report.get("exit_code"), report.get("signal")
        if exit_code is not None and 128 < exit_code < 193:
            sent = exit_code - 128  # the shell's way to say that a signal ended its command
        outcome, reason = self._verdict or self._judge(report, exit_code, sent)
        return Finished(
            outcome,
            reason,
            exit_code,
            sent,
            Resources(
                wall,
                report.get("cpu_seconds"),
                report.get("peak_memory_bytes"),
                self._disk_used,
                started.gpu_use(),
            ),
            self._output.total,
        )

    def _judge(
        self, report: Mapping[str, object], exit_code: int | None, sent: int | None
    ) -> tuple[Outcome, str]:
        limits = self._launch.limits
        if self._output.over:
            return Outcome.OUTPUT_LIMIT, f"printed more than {limits.output_bytes} bytes"
        if not report:
            return Outcome.CRASHED, "the process that watches the run was killed"
        if report["killed"] == "memory":
            return Outcome.OUT_OF_MEMORY, f"used more than {limits.memory_bytes} bytes of memory"
        if report["killed"] == "processes":
            return Outcome.CRASHED, f"had more than {limits.processes} processes at once"
        if report["killed"]:
            return Outcome.STOPPED, "stopped"
        tail = self._output.tail("stderr")
        last = next((clean(x) for x in reversed(tail.splitlines()) if clean(x)), "")
        if exit_code in (126, 127) and _NOT_FOUND.search(tail):
            return Outcome.COMMAND_NOT_FOUND, last
        full = limits.disk_bytes and self._disk_used >= 0.9 * limits.disk_bytes
        if sent == signal.SIGXFSZ or (full and exit_code != 0):
            return Outcome.DISK_QUOTA, f"wrote more than {limits.disk_bytes} bytes"
        if sent is not None:
            name = _signal_name(sent)
            hint = ", perhaps because the machine ran out of memory" if sent == 9 else ""
            return Outcome.CRASHED, f"ended by {name}{hint}" + (f": {last}" if last else "")
        if exit_code != 0:
            return Outcome.CRASHED, f"exit code {exit_code}" + (f": {last}" if last else "")
        if report["left"]:
            return Outcome.LEFT_PROCESSES, f"left {report['left']} processes running behind it"
        return Outcome.OK, ""


_NOT_FOUND = re.compile(
    r"not found|No such file or directory|Permission denied|[Cc]annot execute|Is a directory"
    r"|Exec format error"
)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
