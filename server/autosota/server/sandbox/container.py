"""The container backend: every launch in a fresh container of an engine on this machine.

Inside there is the image, what the launch mounts, and its writable folders; nothing else of
this machine exists. The guard is pid 1. Its streams are FIFOs in a private folder: bytes do not
pass through the engine, which keeps no log, and a driver that dies takes the container along,
because the line of life breaks. The FIFOs are unlinked before the command starts, so nothing
inside can open them. An engine that does not share this machine's files (remote, or in a
virtual machine) cannot be used for runs; `Engine.shares_files` tells.

The engine is asked in a thread of the launch, so that a slow one delays no stop button.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from autosota.agents.domain import GpuUse
from autosota.server.containers.engine import Engine, EngineUnavailable
from autosota.server.containers.gpu_use import Sampler
from autosota.server.containers.gpus import GpuChoice
from autosota.server.containers.labels import RUN, Role, labels
from autosota.server.containers.reaper import private_folder
from autosota.server.containers.walls import User, user, walls
from autosota.server.errors import UserError
from autosota.server.sandbox.launch import Launch, SandboxBroken, clean
from autosota.server.sandbox.launcher import GUARD, Launcher, Started

if TYPE_CHECKING:
    from docker.models.containers import Container
    from docker.types import Mount as Bind

_INSIDE = "/run/autosota"
_FIFOS = (("out", 1 << 20), ("err", 1 << 18), ("status", 0), ("life", 0))
_LOOK_SECONDS = 0.5
_GIVE_UP_SECONDS = 30.0
"""For the engine to answer when a container is created or removed."""

_LOST_SECONDS = 10.0
_MOST_MOUNTS = 2500


class ContainerLauncher(Launcher):
    """Starts commands in containers.

    Args:
        engine: A local engine; the caller closes it after the last launch.
        image: The id of the image; it has `python`.
        python: The interpreter inside the image.
        gpus: Those that a launch gets that wants any.
        cpus: The share of processors of each; 0 is no limit.
        ensure: Called when the image is gone: builds it again and returns its id.
    """

    protects = True

    def __init__(
        self,
        engine: Engine,
        image: str,
        python: Path,
        *,
        gpus: GpuChoice | None = None,
        cpus: float = 0.0,
        ensure: Callable[[], str] | None = None,
    ) -> None:
        self.engine = engine
        self.image = image
        self.python = python
        self.gpus = gpus
        self.cpus = cpus
        self._ensure = ensure
        self._declared: tuple[str, ...] | None = None
        self.name = f"{engine.facts.name} {engine.facts.version}"
        self.who: User = user(rootless=engine.facts.rootless)

    def start(self, launch: Launch) -> Started:
        """Begin to create and start the container; returns at once."""
        return _Contained(self, launch)

    def create(self, launch: Launch, scratch: Path) -> Container:
        """The container of a launch, not started.

        Raises:
            docker.errors.APIError: the engine refuses.
        """
        from docker.errors import ImageNotFound

        try:
            return self._create(launch, scratch)
        except ImageNotFound:
            if self._ensure is None:
                raise
            self.image = self._ensure()
            return self._create(launch, scratch)

    def _create(self, launch: Launch, scratch: Path) -> Container:
        from docker.types import LogConfig

        limits = launch.limits
        gpus = self.gpus if launch.gpus and self.gpus is not None else GpuChoice()
        guard = [str(self.python), "-I", "-S", f"{_INSIDE}/guard.py", f"{_INSIDE}/streams", "-"]
        guard += ["container", str(limits.memory_bytes), str(limits.disk_bytes)]
        guard += [str(limits.processes), "--", "/bin/sh", "-c", launch.command]
        settings = walls(
            self.who,
            memory_bytes=limits.memory_bytes,
            cpus=self.cpus,
            processes=limits.processes * 4,  # threads count here, and the guard counts processes
            network=launch.network,
        )
        return self.engine.client.containers.create(
            self.image,
            entrypoint=guard,
            command=[],
            environment={**launch.env, **gpus.env},
            working_dir=str(launch.cwd),
            mounts=list(self._binds(launch, scratch)),
            labels={
                **labels(Role.RUN, scratch=scratch),
                RUN: launch.env.get("AUTOSOTA_RUN_DIR", ""),
            },
            tmpfs=dict.fromkeys(self._volumes(launch), "ro,size=4k"),
            log_config=LogConfig(type="none"),
            use_config_proxy=False,
            **self.engine.facts.fitted({**settings, **gpus.arguments}),
        )

    def _volumes(self, launch: Launch) -> list[str]:
        """Places that the image declares as volumes, which the engine would make writable."""
        if self._declared is None:
            told = self.engine.client.api.inspect_image(self.image)  # type: ignore[no-untyped-call]
            self._declared = tuple((told.get("Config") or {}).get("Volumes") or ())
        mounted = {*launch.writable, *(m.target for m in launch.mounts)}
        return [v for v in self._declared if Path(v) not in mounted]

    def _binds(self, launch: Launch, scratch: Path) -> Iterator[Bind]:
        """Every place that is mounted, once: what comes later covers what came before."""
        from docker.types import Mount as Bind

        places: dict[Path, tuple[Path, bool]] = {
            folder: (folder, True) for folder in launch.writable
        }
        places |= {m.target: (m.source, m.writable) for m in launch.mounts}
        for hidden in launch.hidden:
            places[hidden.path] = (scratch / ("nothing" if hidden.folder else "unreadable"), False)
        if len(places) > _MOST_MOUNTS:
            raise SandboxBroken(
                f"protocol: data and labels name {len(places)} single files; name their folders "
                "instead (`data/**`)"
            )
        places[Path(_INSIDE, "guard.py")] = (GUARD, False)
        places[Path(_INSIDE, "streams")] = (scratch / "streams", False)
        for target, (source, writable) in places.items():
            yield Bind(str(target), str(source), type="bind", read_only=not writable)


class _Contained(Started):
    """A guard in its container."""

    def __init__(self, launcher: ContainerLauncher, launch: Launch) -> None:
        self._launcher, self._launch = launcher, launch
        self._container: Container | None = None
        self._error = ""
        self._over = False
        self._ended: str | None = None
        self._looked = 0.0
        self._scratch = private_folder()
        self._open: dict[str, int] = {}
        shown = launcher.gpus.gpus if launch.gpus and launcher.gpus is not None else ()
        self._sampler = Sampler(shown)
        try:
            self._lay_out()
        except BaseException:
            self._close_streams()
            shutil.rmtree(self._scratch, ignore_errors=True)
            raise
        self.out, self.err = self._open["out"], self._open["err"]
        self.status = self._open["status"]
        self._thread = threading.Thread(target=self._begin, name="container", daemon=True)
        self._thread.start()

    def _lay_out(self) -> None:
        """The private folder: FIFOs for the guard, and what hidden places show."""
        streams = self._scratch / "streams"
        streams.mkdir()
        (self._scratch / "nothing").mkdir()
        (self._scratch / "unreadable").touch(mode=0o000)
        for name, size in _FIFOS:
            os.mkfifo(streams / name, 0o600)
            # for life we are also a reader, or it could not be opened before the guard is there
            how = os.O_RDWR if name == "life" else os.O_RDONLY
            fd = os.open(streams / name, how | os.O_NONBLOCK | os.O_CLOEXEC)
            self._open[name] = fd
            if size:
                with contextlib.suppress(OSError):
                    fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, size)
        me, them = (os.getuid(), os.getgid()), self._launcher.who.outside
        if me != them:
            os.chmod(self._scratch, 0o711)
            for place in (streams, *streams.iterdir()):
                os.chown(place, *them)
            for folder in self._launch.writable:
                give(folder, them)

    def _begin(self) -> None:
        """Create and start; what went wrong is kept in words."""
        import requests
        from docker.errors import APIError, DockerException, ImageNotFound

        engine, container = self._launcher.engine, None
        try:
            container = self._launcher.create(self._launch, self._scratch)
            self._container = container
            if not self._over:
                container.start()
        except ImageNotFound:
            self._error = (
                f"{self._launcher.image}: the image of this campaign is gone from {engine}; "
                "start the campaign again to build it"
            )
        except APIError as error:
            self._error = f"{engine.facts.name}: {clean(str(error.explanation or error))}"
        except (DockerException, requests.RequestException, OSError) as error:
            self._error = f"{engine} does not answer: {clean(str(error))}"
        except UserError as error:  # too many mounts, or no such image can be made again
            self._error = str(error)

    @property
    def ended(self) -> str | None:
        if self._ended is not None or self._thread.is_alive():
            return self._ended
        if self._error:
            self._ended = self._error
        elif time.monotonic() - self._looked >= _LOOK_SECONDS:
            self._ended = self._look()
            self._looked = time.monotonic()
        return self._ended

    def _look(self) -> str | None:
        """How the container ended, as the engine knows it; None while it runs."""
        import requests
        from docker.errors import DockerException, NotFound

        assert self._container is not None
        try:
            self._container.reload()
            state = self._container.attrs["State"]
        except NotFound:
            return "its container was removed"
        except (DockerException, requests.RequestException, OSError):
            return f"{self._launcher.engine} does not answer any more"
        if state["Status"] in ("running", "created", "restarting", "paused"):
            return None
        told = clean(str(state.get("Error") or ""))
        return told or f"exit code {state['ExitCode']}"

    def go(self) -> None:
        for name, _ in _FIFOS:
            (self._scratch / "streams" / name).unlink(missing_ok=True)
        self._sampler.start()
        if (life := self._open.get("life")) is not None:
            with contextlib.suppress(OSError):
                os.write(life, b"g")

    def end(self) -> None:
        self._over = True
        life = self._open.pop("life", None)
        if life is not None:
            os.close(life)

    def wait(self, seconds: float) -> bool:
        import requests
        from docker.errors import DockerException, NotFound

        deadline = time.monotonic() + seconds
        self._thread.join(seconds)
        if self._thread.is_alive():
            return False
        if self._container is None or self._error:
            return True
        try:
            self._container.wait(timeout=max(0.1, deadline - time.monotonic()))
        except NotFound:
            return True
        except requests.exceptions.ReadTimeout:
            return False
        except (DockerException, requests.RequestException, OSError) as error:
            return "timed out" not in str(error).lower()
        return True

    def kill(self) -> None:
        import requests
        from docker.errors import DockerException

        if self._container is not None:
            with contextlib.suppress(DockerException, requests.RequestException, OSError):
                self._container.kill()

    def lost(self) -> str:
        """Nothing inside can end pid 1, so a guard without a report was ended from outside."""
        if self._error or self._container is None:
            return ""
        end = time.monotonic() + _LOST_SECONDS
        while (why := self._look()) is None and time.monotonic() < end:
            time.sleep(0.1)  # an engine that shuts down ends its containers first
        if why is None or why.startswith("exit code"):
            why = f"its container was ended from outside ({why or 'no exit code'})"
        return (
            f"the sandbox ({self._launcher.name}) was lost in mid-run: {why}; nothing is kept of "
            "this run, `autosota resume` repeats it"
        )

    def gpu_use(self) -> tuple[GpuUse, ...]:
        return self._sampler.stop()

    def close(self) -> None:
        self._over = True
        self._sampler.stop()
        self._close_streams()
        self._thread.join(_GIVE_UP_SECONDS)
        if self._thread.is_alive():
            threading.Thread(target=self._remove, name="container-late", daemon=True).start()
        else:
            self._remove()

    def _close_streams(self) -> None:
        for name in list(self._open):
            os.close(self._open.pop(name))

    def _remove(self) -> None:
        self._thread.join()
        if self._container is not None:
            with contextlib.suppress(EngineUnavailable):
                self._launcher.engine.discard(str(self._container.id))
        shutil.rmtree(self._scratch, ignore_errors=True)


def give(top: Path, to: tuple[int, int]) -> None:
    """Give a tree of files to another user; links are given, not followed."""
    os.chown(top, *to, follow_symlinks=False)
    for below, folders, names in os.walk(top):
        for name in (*folders, *names):
            os.chown(os.path.join(below, name), *to, follow_symlinks=False)
