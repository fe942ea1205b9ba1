"""What Jupyter asks of a kernel's process, answered by a container.

`jupyter_client` starts, watches, signals and ends kernels through a provisioner, which a
kernelspec names (entry points `jupyter_client.kernel_provisioners`). Every call that reaches the
engine is made in a thread, so a slow engine stops no server; `poll` reaches nothing. Only what
the kernelspec itself says of the environment goes inside: the server's holds tokens.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.provisioner_base import KernelProvisionerBase
from tornado.web import HTTPError

from autosota.server.errors import UserError
from autosota.server.kernels.ended import Ended
from autosota.server.kernels.launch import Launch
from autosota.server.kernels.options import read_options
from autosota.server.kernels.spec import STAND_IN
from autosota.server.kernels.watched import WatchedKernel
from autosota.server.kernels.wire import new_key

_T = TypeVar("_T")
_POLL_SECONDS = 0.02


class KernelRefused(UserError, HTTPError):
    """A kernel that cannot be started; servers show the line to the person who asked."""

    def __init__(self, line: str) -> None:
        HTTPError.__init__(self, 503, line.replace("%", "%%"))
        self.line = line

    def __str__(self) -> str:
        return self.line


class DockerProvisioner(KernelProvisionerBase):
    """Starts kernels in containers.

    Attributes:
        ended: How the last kernel ended; None while there is none that did.
    """

    def __init__(
        self, *, kernel_id: Any = None, kernel_spec: Any = None, parent: Any = None, **config: Any
    ) -> None:
        super().__init__(kernel_id=kernel_id, kernel_spec=kernel_spec, parent=parent)
        self.ended: Ended | None = None
        self._config = config
        self._launch: Launch | None = None
        self._kernel: WatchedKernel | None = None
        self._cwd = Path.cwd()

    @property
    def has_process(self) -> bool:
        """Whether a kernel was started and its end not yet taken note of."""
        return self._kernel is not None

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Decide what the kernel sees; nothing is started."""
        extra = list(kwargs.pop("extra_arguments", None) or ())
        told = await super().pre_launch(**kwargs)
        named = self.kernel_spec.env or {}
        self._cwd = Path(told.get("cwd") or os.getcwd())
        return {
            "cmd": [*self.kernel_spec.argv, *extra],
            "cwd": str(self._cwd),
            "env": {name: told["env"][name] for name in named},
            "extra": extra,
        }

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Start the kernel; gives how it is reached.

        Raises:
            KernelRefused: it cannot be started; one line.
        """
        self.ended = None
        again = self._launch is not None
        try:
            if self._launch is None:
                label = str(Path(self.kernel_spec.resource_dir or "", "kernel.json"))
                self._launch = Launch(
                    read_options(self._config, label),
                    cwd=self._cwd,
                    key=self._key(),
                    scheme=self._session("signature_scheme", "hmac-sha256"),
                    encrypt=self._encrypts(),
                    python=str(self.kernel_spec.language).lower() == "python",
                    command=() if STAND_IN in self.kernel_spec.argv else (*self.kernel_spec.argv,),
                    log=self.log,
                )
            self._kernel = await self._start(self._launch, kwargs["env"], tuple(kwargs["extra"]))
        except (UserError, OSError) as error:
            line = str(error)
            self._refused(line, again=again)
            raise KernelRefused(line) from error
        self.connection_info = self._kernel.wire.info
        return self.connection_info

    async def _start(
        self, launch: Launch, env: dict[str, str], extra: tuple[str, ...]
    ) -> WatchedKernel:
        """Start in a thread; nothing is left when that fails, or nobody waits for it any more."""

        def begin() -> WatchedKernel:
            try:
                return launch.start(env, extra, self._at_end)
            except BaseException:
                launch.close()
                raise

        def undo(kernel: WatchedKernel) -> None:
            kernel.close()
            launch.close()

        return await _in_thread(begin, undo)

    def _refused(self, line: str, *, again: bool) -> None:
        """Tell why; a server that meant to start it again has to hear that it is dead."""
        self._tell(line)
        restarter = getattr(self.parent, "_restarter", None)
        if again and restarter is not None:
            restarter.stop()
            restarter._fire_callbacks("dead")

    async def poll(self) -> int | None:
        """The exit code (negative for a signal), or None while the kernel runs."""
        if self._kernel is None:
            return 0
        ended = self._kernel.ended
        return None if ended is None else ended.code

    async def wait(self) -> int | None:
        """Until the kernel is over; its exit code."""
        while self._kernel is not None and (ended := self._kernel.ended) is None:
            await asyncio.sleep(_POLL_SECONDS)
        if self._kernel is None:
            return 0
        kernel, self._kernel = self._kernel, None
        await _aside(kernel.close)
        return None if ended is None else ended.code

    async def send_signal(self, signum: int) -> None:
        """Send a signal to the kernel; 0 only asks and needs no engine."""
        kernel = self._kernel
        if kernel is not None and signum:
            await self._quietly(lambda: kernel.signal(signum))

    async def kill(self, restart: bool = False) -> None:
        """End the kernel and all its processes at once."""
        if self._kernel is not None:
            await _aside(self._kernel.kill)

    async def terminate(self, restart: bool = False) -> None:
        """Ask the kernel to end, by SIGTERM."""
        kernel = self._kernel
        if kernel is not None:
            await self._quietly(kernel.terminate)

    async def shutdown_requested(self, restart: bool = False) -> None:
        """The kernel was asked to end by a message."""
        if self._kernel is not None:
            self._kernel.stop()

    async def cleanup(self, restart: bool = False) -> None:
        """Remove what is left: the container, and unless it starts again the private folder."""
        kernel, self._kernel = self._kernel, None
        if kernel is not None:
            await _aside(kernel.close)
        if self._launch is not None and not restart:
            await _aside(self._launch.close)
            self._launch = None

    async def get_provisioner_info(self) -> dict[str, Any]:
        """What there is to be told of this kernel; it cannot be taken over by another process."""
        info = await super().get_provisioner_info()
        info["container"] = self._kernel.container if self._kernel is not None else None
        return info

    def resolve_path(self, path: str) -> str | None:
        """A path as code in the kernel means it; None when it is not in its workspace."""
        root = self._launch.workspace if self._launch is not None else None
        found = Path(os.path.realpath(self._cwd / Path(path)))
        if root is None or not found.is_relative_to(root) or not found.exists():
            return None
        return found.as_posix()

    def _key(self) -> bytes:
        key = self._session("key", b"")
        return key if isinstance(key, bytes) and key else new_key()

    def _session(self, name: str, default: Any) -> Any:
        return getattr(getattr(self.parent, "session", None), name, default)

    def _encrypts(self) -> bool | None:
        """As the manager says: True where it wants encryption and the kernel can do it.

        None means that nobody asked: then only what leaves a private folder is encrypted.
        """
        supports = getattr(self.parent, "_kernel_supports_curve_encryption", None)
        if supports is None or not supports():
            return False
        policy = getattr(self.parent, "transport_encryption", "disabled")
        return True if policy in ("auto", "required") else None

    def _at_end(self, ended: Ended) -> None:
        """Called by the watching thread."""
        self.ended = ended
        if not ended.expected:
            self._tell(ended.line)

    def _tell(self, line: str) -> None:
        self.log.warning("kernel %s: %s", self.kernel_id, line)
        if (manager := self.parent) is not None and hasattr(manager, "reason"):
            manager.reason = line  # servers show it beside the kernel's state

    async def _quietly(self, call: Callable[[], None]) -> None:
        """A signal that does not arrive is no error of whoever sent it: the end tells."""
        try:
            await _aside(call)
        except UserError as error:
            self._tell(str(error))


async def _aside(call: Callable[[], _T]) -> _T:
    """Call in a thread, or here when the interpreter is ending and starts none any more."""
    try:
        future = asyncio.get_running_loop().run_in_executor(None, call)
    except RuntimeError:
        return call()
    return await future


async def _in_thread(call: Callable[[], _T], undo: Callable[[_T], None]) -> _T:
    """Call in a thread; when nobody waits for the result any more, it is undone there."""
    lock = threading.Lock()
    abandoned = False
    done: list[_T] = []

    def run() -> _T:
        result = call()
        with lock:
            done.append(result)
            late = abandoned
        if late:
            undo(result)
        return result

    try:
        return await _aside(run)
    except asyncio.CancelledError:
        with lock:
            abandoned = True
            early = list(done)
        for result in early:
            threading.Thread(target=undo, args=(result,), daemon=True).start()
        raise
