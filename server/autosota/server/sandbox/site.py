"""Where the runs of a campaign happen: in containers, or on this machine behind what it has.

A site prepares the environment and makes the launchers that go with it. `auto` takes containers
when nothing stands in their way and never fetches an image for that; else bubblewrap, else
plain processes. Which one was taken, and what it does not protect from, is said. A campaign
that goes on must find the kind of site it began on.
"""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from autosota.agents.domain import Objective
from autosota.agents.protocols import Tree
from autosota.server.errors import UserError
from autosota.server.sandbox import environment
from autosota.server.sandbox.bubblewrap import BubblewrapLauncher, probe
from autosota.server.sandbox.environment import PreparedEnvironment
from autosota.server.sandbox.launch import Stop
from autosota.server.sandbox.launcher import Launcher
from autosota.server.sandbox.process import ProcessLauncher

if TYPE_CHECKING:
    from autosota.server.containers.engine import Engine
    from autosota.server.containers.gpus import GpuChoice

Note = Callable[[str], None]
_AUTO_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a site is for: the objective, the user's folder, the base commit, the variables.

    `note` gets lines for people, `progress` those of a build while it lasts.
    """

    objective: Objective
    root: Path
    tree: Tree
    environ: Mapping[str, str]
    stop: Stop
    note: Note
    progress: Note


class Site(ABC):
    """Prepares environments and walls of one kind."""

    @abstractmethod
    def prepare(self) -> PreparedEnvironment:
        """Find or build the campaign's environment; blocks.

        Raises:
            UserError: it cannot be had; says why and the way out.
        """

    @abstractmethod
    def rebuilt(self) -> contextlib.AbstractContextManager[PreparedEnvironment]:
        """The environment once more, from nothing, while the body runs.

        Raises:
            ControlNotPossible: it cannot be rebuilt.
        """

    @abstractmethod
    def launcher(self, prepared: PreparedEnvironment) -> Launcher:
        """The walls around runs in an environment of this site."""

    @abstractmethod
    def told(self) -> str:
        """One line: what runs are isolated by, and what that does not protect from."""

    def close(self) -> None:  # noqa: B027 - most have nothing to give back
        """Give back what the site holds; no launch of it may be going on."""


class MachineSite(Site):
    """This machine: bubblewrap where it works, plain processes elsewhere."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted

    def prepare(self) -> PreparedEnvironment:
        """The interpreter the objective names, or a managed environment."""
        w = self._wanted
        note = _without_gpus(w)
        prepared = environment.prepare(
            w.objective, w.root, w.tree, w.progress, stop=w.stop, environ=w.environ
        )
        if note:
            w.note(f"warning: {note}")
            prepared = replace(prepared, notes=(*prepared.notes, note))
        return prepared

    def rebuilt(self) -> contextlib.AbstractContextManager[PreparedEnvironment]:
        """The managed environment in a folder of its own."""
        w = self._wanted
        return environment.rebuilt(
            w.objective, w.root, w.tree, w.progress, stop=w.stop, environ=w.environ
        )

    def launcher(self, prepared: PreparedEnvironment) -> Launcher:
        """Bubblewrap where it works."""
        found = probe()
        return BubblewrapLauncher(prepared.folders, found) if found.works else ProcessLauncher()

    def told(self) -> str:
        """What bubblewrap protects from, or that nothing does."""
        found = probe()
        if found.works:
            return (
                f"runs are isolated by bubblewrap {found.version} (namespaces, no network unless "
                "asked for); it does not protect from flaws of the kernel, and memory is watched, "
                "not reserved"
            )
        return (
            f"warning: runs are not isolated (grade: declared): {found.why}; they could read your "
            "files and write to them"
        )


class ContainerSite(Site):
    """Containers of an engine on this machine; owns the connection."""

    def __init__(self, wanted: Wanted, engine: Engine) -> None:
        self._wanted, self._engine = wanted, engine
        self._gpus: GpuChoice | None = None

    def prepare(self) -> PreparedEnvironment:
        """The image of the objective's environment, built where it is missing, and its GPUs."""
        from autosota.server.containers import gpus

        prepared = self._image()
        wanted = self._wanted.objective.environment
        if wanted.gpus:
            self._gpus = gpus.choose(
                self._engine,
                prepared.image,
                wanted.gpus,
                fallback=wanted.gpu_fallback,
                environ=self._wanted.environ,
            )
            if note := self._gpus.note:
                self._wanted.note(f"warning: {note}")
                prepared = replace(prepared, notes=(*prepared.notes, note))
        if why := self._engine.shares_files(prepared.image):
            raise UserError(f"{why}: runs cannot use it; use --sandbox local, or a local engine")
        return prepared

    def _image(self, expected: str = "") -> PreparedEnvironment:
        from autosota.server.containers.environment import prepare_image

        w = self._wanted
        return prepare_image(
            w.objective,
            w.tree,
            self._engine,
            w.progress,
            stop=w.stop,
            environ=w.environ,
            expected=expected,
        )

    @contextlib.contextmanager
    def rebuilt(self) -> Iterator[PreparedEnvironment]:
        """The image built without anything kept from before, and removed afterwards."""
        from autosota.server.containers.environment import rebuilt_image

        w = self._wanted
        with rebuilt_image(
            w.objective, w.tree, self._engine, w.progress, stop=w.stop, environ=w.environ
        ) as prepared:
            yield prepared

    def launcher(self, prepared: PreparedEnvironment) -> Launcher:
        """A fresh container for each launch."""
        from autosota.server.sandbox.container import ContainerLauncher

        def again() -> str:
            """The image was removed meanwhile: the same environment must come out."""
            return self._image(prepared.hash).image

        return ContainerLauncher(
            self._engine, prepared.image, prepared.python, gpus=self._gpus, ensure=again
        )

    def told(self) -> str:
        """Which engine, where."""
        return (
            f"every run gets a fresh container of {self._engine}; that does not protect from flaws "
            "of the kernel or of the engine, nor from what the image itself holds"
        )

    def close(self) -> None:
        """Close the connection."""
        self._engine.close()


def choose(wanted: Wanted, began_on: str = "") -> Site:
    """The site of a campaign.

    Args:
        wanted: What it is for; `environment.sandbox` decides.
        began_on: The name of the launcher the campaign began with, when it goes on.

    Raises:
        UserError: the sandbox that was asked for, or that the campaign began with, is not there.
    """
    asked = wanted.objective.environment.sandbox
    if asked == "auto" and began_on:
        asked = "docker" if began_on.startswith(("docker", "podman")) else "local"
    site: Site
    if asked == "docker":
        site = ContainerSite(wanted, _connected(wanted, began_on))
    elif asked == "auto" and (engine := _automatic(wanted)) is not None:
        site = ContainerSite(wanted, engine)
    else:
        site = MachineSite(wanted)
    told = site.told()
    wanted.note(told if told.startswith("warning:") else f"note: {told}")
    return site


def _without_gpus(wanted: Wanted) -> str:
    """What to warn of when this machine lacks the GPUs that are asked for and may do without.

    Raises:
        UserError: it may not.
    """
    from autosota.server.containers.gpus import installed

    asked = wanted.objective.environment
    there = len(installed()) if asked.gpus else 0
    if there >= asked.gpus:
        return ""
    lack = f"environment.gpus is {asked.gpus}, and this machine has {there or 'none'}"
    if asked.gpu_fallback:
        return f"{lack}: runs use the processor (environment.gpu_fallback)"
    raise UserError(
        f"{lack}; set environment.gpus = 0, or environment.gpu_fallback = true to run without"
    )


def _connected(wanted: Wanted, began_on: str) -> Engine:
    from autosota.server.containers.engine import Engine, EngineUnavailable
    from autosota.server.containers.reaper import reap

    if wanted.objective.environment.python:
        raise UserError(
            f"environment.python = {wanted.objective.environment.python!r} is an interpreter of "
            "this machine, which containers do not have; leave it empty, or use --sandbox local"
        )
    try:
        engine = Engine.connect()
    except EngineUnavailable as error:
        if began_on:
            raise UserError(
                f"this campaign runs in containers ({began_on}), and {error}"
            ) from error
        raise UserError(f"{error}; or use --sandbox local") from error
    if not engine.endpoint.local:
        engine.close()
        raise UserError(
            f"{engine} is not on this machine: the workspace cannot be mounted there; set "
            "DOCKER_HOST to a local engine, or use --sandbox local"
        )
    reap(engine)
    return engine


def _automatic(wanted: Wanted) -> Engine | None:
    """A connected engine when runs can use it without fetching anything; else says why not."""
    from autosota.server.containers.engine import Engine, EngineUnavailable
    from autosota.server.containers.images import base_image
    from autosota.server.containers.reaper import reap

    if wanted.objective.environment.python:
        return None
    try:
        engine = Engine.connect(seconds=_AUTO_SECONDS)
    except EngineUnavailable as error:
        if not error.nothing:  # somebody named one, or there is one that does not answer
            wanted.note(f"note: no containers are used: {error}")
        return None
    base = base_image(wanted.objective.environment)
    why = ""
    if not engine.endpoint.local:
        why = "it is not on this machine"
    elif not engine.has_image(base):
        why = f"it has no image {base} yet: `docker pull {base}`, or --sandbox docker, fetches it"
    else:
        why = engine.shares_files(base)
    if why:
        wanted.note(f"note: {engine} is not used: {why}")
        engine.close()
        return None
    reap(engine)
    return engine
