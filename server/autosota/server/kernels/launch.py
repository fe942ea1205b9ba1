"""From a kernelspec's options to a running kernel, and again after each restart.

Chooses how the kernel is reached, which image it runs and whether it gets a container of its
own. What Jupyter asks and how a container is made are the neighbours' business. Blocks.
"""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import urllib.parse
from collections.abc import Mapping
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

from autosota.server.containers import gpus, walls
from autosota.server.containers.engine import Engine
from autosota.server.containers.labels import Role
from autosota.server.errors import UserError
from autosota.server.kernels import attach, fresh, shared, wire
from autosota.server.kernels.container import COMMAND, ImageMissing, Plan
from autosota.server.kernels.folder import ELSEWHERE, Seen, seen
from autosota.server.kernels.fresh import ContainerKernel
from autosota.server.kernels.options import NO_WORKSPACE, Options
from autosota.server.kernels.pool import POOL, Spare
from autosota.server.kernels.watched import OnEnd, WatchedKernel
from autosota.server.kernels.wire import Meeting, Wire, new_key
from autosota.server.workspace.root import has_objective, prepare_state


class Launch:
    """Starts one kernel, and starts it again.

    Args:
        options: Of the kernelspec.
        cwd: The folder that the notebook lies in.
        key: Signs the messages.
        scheme: How.
        encrypt: True for always, False for never (the kernel cannot), None where it leaves the
            private folder.
        python: Whether it is a Python kernel.
        command: What starts the kernel inside where the options do not say; empty for ipykernel.
        log: Gets what a person should know.
    """

    def __init__(
        self,
        options: Options,
        *,
        cwd: Path,
        key: bytes,
        scheme: str = "hmac-sha256",
        encrypt: bool | None = None,
        python: bool = True,
        command: tuple[str, ...] = (),
        log: Any = None,
    ) -> None:
        self._options, self._cwd, self._python = options, cwd, python
        self._key, self._scheme, self._encrypt = key, scheme, encrypt
        self._log: logging.Logger = log or logging.getLogger("autosota.kernels")
        self._command = options.command or command or COMMAND
        self.curve: tuple[bytes, bytes] | None = None
        """The keys of the encryption, when they are given; else new ones are made."""
        self._meeting: Meeting | None = None
        self._wire: Wire | None = None
        self._view: Seen | None = None
        self._target = ""

    @property
    def workspace(self) -> Path | None:
        """The workspace that the kernel sees, once it was started."""
        return self._view.workspace if self._view is not None else None

    def start(
        self, env: Mapping[str, str], extra: tuple[str, ...], on_end: OnEnd | None
    ) -> WatchedKernel:
        """Start the kernel; again on the same wire as before.

        Args:
            env: What the kernelspec says of its environment.
            extra: Arguments that are added to the kernel's command.
            on_end: Called once when it ended.

        Raises:
            UserError: it cannot be started; one line.
        """
        with shared.lent(remote=self._options.remote) as engine:
            return self._start(engine, env, (*self._command, *extra), on_end)

    def _start(
        self,
        engine: Engine,
        env: Mapping[str, str],
        command: tuple[str, ...],
        on_end: OnEnd | None,
    ) -> WatchedKernel:
        options, view = self._options, self._see(engine)
        who = walls.user(rootless=engine.facts.rootless)
        if view.workspace is not None and not _may_write(who, view.workspace):
            self._log.warning(
                "the kernel is user %s, who may not write %s", who.outside[0], view.workspace
            )
        plan = Plan(engine, options, view, who, env=env, command=command)
        if options.attach and (kernel := self._attached(plan, on_end)):
            return kernel
        plan = self._ready(plan)
        if options.pool and self._python and self._wire is None and (spare := self._spare(plan)):
            self._meeting, self._wire = spare.meeting, spare.kernel.wire
            spare.kernel.on_end = on_end
            return spare.kernel
        try:
            kernel = self._fresh(plan, on_end)
        except ImageMissing:
            if options.image:
                raise
            kernel = self._fresh(self._ready(plan, anew=True), on_end)
        self._wire = kernel.wire
        return kernel

    def _ready(self, plan: Plan, *, anew: bool = False) -> Plan:
        """The plan with its image and its GPUs."""
        options, engine = plan.options, plan.engine
        image = find_image(engine, options, self._log, anew=anew)
        fallback = options.without_gpu == "cpu"
        chosen = gpus.choose(engine, image, options.gpus, options.gpu_devices, fallback=fallback)
        if chosen.note:
            self._log.warning("%s", chosen.note)
        return replace(plan, image=image, gpus=chosen)

    def _spare(self, plan: Plan) -> Spare | None:
        """A kernel that waits for somebody like us; from now on there is to be one."""
        options = plan.options
        same = replace(plan.view, cwd="")
        how = (self._scheme, bool(self._encrypt), tuple(sorted(plan.env.items())))
        kind = (plan.engine.endpoint, plan.image, options, same, plan.command, how)
        spare = POOL.take(kind, plan.view.cwd)
        waits = replace(plan, view=replace(plan.view, cwd=str(plan.view.workspace or ELSEWHERE)))
        copied = copy(self)

        def make() -> Spare:
            one = copy(copied)
            one._key, one._wire, one._meeting = new_key(), None, Meeting()
            try:
                kernel = one._fresh(waits, None, Role.POOL)
            except BaseException:
                one.close()
                raise
            return Spare(kernel, one._meeting)

        POOL.want(kind, make, options.pool, options.pool_idle_seconds)
        return spare

    def _attached(self, plan: Plan, on_end: OnEnd | None) -> WatchedKernel | None:
        """A kernel in a container that is open; None when none is for this workspace."""
        if self._wire is not None and not self._target:
            return None  # it started in one of its own, and clients know it by that
        workspace = plan.view.workspace
        target = attach.find(plan.engine, self._target or plan.options.attach, workspace)
        if target is None:
            self._log.info("no container is open for %s: the kernel gets its own", workspace)
            return None
        self._target = target.container
        if self._wire is None:
            encrypt = bool(self._encrypt)
            self._wire = wire.beside(target.shared, self._key, self._scheme, encrypt=encrypt)
        return attach.start(plan, target, self._wire, on_end)

    def _fresh(self, plan: Plan, on_end: OnEnd | None, role: Role = Role.KERNEL) -> ContainerKernel:
        """A kernel in a container of its own."""

        def over(transport: str) -> ContainerKernel:
            if self._wire is None or self._wire.transport != transport:
                self._wire = self._new_wire(plan.engine, transport)
            meeting = self._meet() if transport == "ipc" else None
            if meeting is not None:
                meeting.open(plan.who, self._wire)
            return fresh.start(plan, self._wire, meeting, role=role, on_end=on_end)

        transport = self._wire.transport if self._wire else self._transport(plan.engine)
        kernel = over(transport)
        if transport == "ipc" and plan.options.transport == "auto" and not kernel.is_here:
            why = plan.engine.shares_files(plan.image)
            if why:
                kernel.on_end = None
                kernel.close()
                self._log.warning("%s: the kernel is reached over tcp", why)
                kernel = over("tcp")
        return kernel

    def close(self) -> None:
        """Remove the private folder; the kernel is over."""
        if self._meeting is not None:
            self._meeting.close()
            self._meeting = None
        self._wire = None

    def _meet(self) -> Meeting:
        if self._meeting is None:
            self._meeting = Meeting()
        return self._meeting

    def _see(self, engine: Engine) -> Seen:
        options = self._options
        if not engine.endpoint.local and options.workspace != NO_WORKSPACE:
            self._log.warning("%s is another machine: the kernel sees no files of this one", engine)
            self._view = Seen(None, ELSEWHERE)
        elif self._view is None:
            view = seen(options, self._cwd)
            if view.workspace is not None and has_objective(view.workspace):
                # it has to be there to be hidden, also from a kernel older than the campaign
                with contextlib.suppress(UserError):
                    prepare_state(view.workspace)
                    view = seen(options, self._cwd)
            self._view = view
        return self._view

    def _transport(self, engine: Engine) -> str:
        if self._options.transport != "auto":
            return self._options.transport
        return "ipc" if engine.endpoint.local else "tcp"

    def _new_wire(self, engine: Engine, transport: str) -> Wire:
        if transport == "ipc":
            encrypt = bool(self._encrypt)
            made = wire.ipc(self._meet(), self._key, self._scheme, encrypt=encrypt)
            return replace(made, curve=self.curve or made.curve)
        encrypt = self._encrypt is not False
        ip = "127.0.0.1" if engine.endpoint.local else _host(engine.endpoint.url)
        if not encrypt and ip != "127.0.0.1":
            raise UserError(
                f"the engine at {engine.endpoint} is another machine and the kernel's messages "
                'would cross the network in the clear; add "supported_encryption": ["curve"] '
                "to the metadata in the kernel.json"
            )
        return wire.tcp(self._key, self._scheme, encrypt=encrypt, ip=ip)


def find_image(engine: Engine, options: Options, log: Any, *, anew: bool = False) -> str:
    """The image of a kernel, by its hash where it is one of ours; built when it is not there.

    Args:
        engine: Where.
        options: Of the kernelspec.
        log: Gets the progress of a build, which may take minutes.
        anew: Look again, though it was there before.

    Raises:
        UserError: it cannot be built; one line.
    """
    from autosota.server.containers import images

    if options.image:
        return options.image
    key = (engine.endpoint.url, options.base, options.requirements)
    if anew or key not in _IMAGES:
        recipe = images.kernel_recipe(options.base, options.requirements)
        found = images.ensure(engine, recipe, images.Making(say=log.info))
        if found.built:
            log.info("built %s", found.tag)
        for note in found.notes:
            log.warning("%s", note)
        _IMAGES[key] = found.id
    return _IMAGES[key]


_IMAGES: dict[tuple[str, str, tuple[str, ...]], str] = {}


def _may_write(who: walls.User, folder: Path) -> bool:
    """Whether the user inside may make files in a folder, by its owner and mode."""
    told = folder.stat()
    uid, gid = who.outside
    bits = 0o200 if told.st_uid == uid else 0o020 if told.st_gid == gid else 0o002
    return bool(told.st_mode & bits)


def _host(url: str) -> str:
    """The machine of an endpoint, as an address that a client connects to."""
    name = urllib.parse.urlsplit(url).hostname or ""
    if name == "localhost":
        return "127.0.0.1"
    try:
        return "127.0.0.1" if ipaddress.ip_address(name).is_loopback else name
    except ValueError:
        return name
