"""Backends whose walls are a child process of ours: pipes, fork, and the end of it.

The thread that starts is also the parent the kernel watches (a parent-death signal is sent when
the *thread* that forked ends), so the two live equally long. What the walls are made of is the
business of `bubblewrap.py` and `process.py`.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import sys
from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path

from autosota.server.sandbox.launch import Launch, SandboxBroken
from autosota.server.sandbox.launcher import GUARD, Launcher, Started


@dataclass(frozen=True, slots=True)
class Wrapped:
    """What is really executed: the walls, then the guard, then the command."""

    arguments: list[str]
    cwd: Path
    descriptors: tuple[int, ...] = ()


def interpreter() -> str:
    """The interpreter the guard runs under: this one's base, without a virtual environment."""
    return str(getattr(sys, "_base_executable", None) or sys.executable)


class ForkingLauncher(Launcher):
    """Starts commands as children of this process."""

    mode: str = "host"
    """The guard's: `host`, or `namespace` when it is pid 1 of one."""

    @abstractmethod
    def wrap(self, launch: Launch, guard: list[str]) -> Wrapped:
        """The arguments that put the guard behind the walls. Descriptors are closed after."""

    def start(self, launch: Launch) -> Started:
        """Fork the walls with the guard behind them."""
        limits = launch.limits
        with contextlib.ExitStack() as owned:
            pipes = [
                owned.enter_context(contextlib.closing(_Pipe(size)))
                for size in (1 << 20, 1 << 18, 0, 0)
            ]
            out, err, status, life = pipes
            guard = [interpreter(), "-I", "-S", str(GUARD), str(status.write), str(life.read)]
            guard += [self.mode, str(limits.memory_bytes), str(limits.disk_bytes)]
            guard += [str(limits.processes), "--", "/bin/sh", "-c", launch.command]
            wrapped = self.wrap(launch, guard)
            try:
                process = subprocess.Popen(
                    wrapped.arguments,
                    cwd=wrapped.cwd,
                    env=dict(launch.env),
                    stdin=subprocess.DEVNULL,
                    stdout=out.write,
                    stderr=err.write,
                    pass_fds=(status.write, life.read, *wrapped.descriptors),
                    start_new_session=True,
                )
            except OSError as error:
                raise SandboxBroken(
                    f"{wrapped.arguments[0]}: the sandbox cannot start ({error.strerror}); "
                    "see `autosota doctor`"
                ) from error
            finally:
                for descriptor in wrapped.descriptors:
                    os.close(descriptor)
            for pipe in (out, err, status):
                pipe.close_write()
            life.close_read()
            owned.pop_all()
        return _Child(process, out, err, status, life)


class _Child(Started):
    """A forked guard."""

    def __init__(
        self, process: subprocess.Popen[bytes], out: _Pipe, err: _Pipe, status: _Pipe, life: _Pipe
    ) -> None:
        self._process, self._life = process, life
        self._pipes = (out, err, status, life)
        self.out, self.err, self.status = out.read, err.read, status.read

    @property
    def ended(self) -> str | None:
        code = self._process.poll()
        return None if code is None else f"exit code {code}"

    def go(self) -> None:
        with contextlib.suppress(OSError):  # it is gone already: the status says so
            os.write(self._life.write, b"g")

    def end(self) -> None:
        self._life.close_write()

    def wait(self, seconds: float) -> bool:
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def kill(self) -> None:
        self._process.kill()

    def close(self) -> None:
        for pipe in self._pipes:
            pipe.close()


class _Pipe:
    """A pipe that owns its two descriptors; each is closed once."""

    def __init__(self, size: int = 0) -> None:
        self.read, self.write = os.pipe()
        if size:
            # an unprivileged user has a limit on this; the default size works, too
            with contextlib.suppress(OSError):
                fcntl.fcntl(self.write, fcntl.F_SETPIPE_SZ, size)

    def close_read(self) -> None:
        if self.read >= 0:
            os.close(self.read)
            self.read = -1

    def close_write(self) -> None:
        if self.write >= 0:
            os.close(self.write)
            self.write = -1

    def close(self) -> None:
        self.close_read()
        self.close_write()
