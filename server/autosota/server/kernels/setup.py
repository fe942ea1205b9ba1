"""Registering kernels on this machine, seeing which run, and cleaning up after killed processes.

Joins the kernelspecs (`spec.py`) with the engine, the image and the GPUs. How things are shown
is the command line's business.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autosota.server.containers import gpus
from autosota.server.containers.engine import Engine
from autosota.server.containers.labels import OWNER, ROLE, USER, WORKSPACE, Role, alive
from autosota.server.containers.reaper import reap
from autosota.server.errors import UserError
from autosota.server.kernels import spec
from autosota.server.kernels.launch import find_image
from autosota.server.kernels.network import QUIET
from autosota.server.kernels.options import read_options
from autosota.server.kernels.shared import CONNECT_SECONDS

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What `autosota kernel install` was asked for.

    Attributes:
        table: Options of the container.
        place: Where kernelspecs are put.
        name: The kernel's name; None for our own.
        gpus: How many GPUs; None for one where there are any.
        pool: How many kernels are started in advance.
        everywhere: Whether clients without the provisioner are to start it.
    """

    table: Mapping[str, Any]
    place: Path
    name: str | None = None
    gpus: int | None = None
    pool: int = 1
    everywhere: bool = False


def install_kernels(wanted: Wanted, say: Say) -> list[spec.Installed]:
    """Register the kernel, and one with GPUs, after trying that they can be started.

    Raises:
        UserError: there is no engine, the image cannot be had, or there are no such GPUs.
    """
    options = read_options(wanted.table, "autosota kernel install")
    name = wanted.name or spec.NAME
    with Engine.connect(seconds=CONNECT_SECONDS) as engine:
        say(f"container engine: {engine}")
        image = find_image(engine, options, _log(say))
        count = wanted.gpus
        if count is None:
            count = 1 if engine.endpoint.local and gpus.installed() else 0
        if count:
            chosen = gpus.choose(engine, image, count)
            say(f"GPUs: {', '.join(g.name for g in chosen.gpus) or count}")
    table = {**wanted.table, **({"pool": wanted.pool} if wanted.pool else {})}
    kinds = [(name, spec.DISPLAY, table)]
    if count:
        display = spec.GPU_DISPLAY
        kinds.append((f"{name}-gpu", display, {**wanted.table, "gpus": count}))
    if wanted.name:
        kinds = [(n, f"{d} {wanted.name}", t) for n, d, t in kinds]
    return [
        spec.install(n, display, t, wanted.place, everywhere=wanted.everywhere)
        for n, display, t in kinds
    ]


def running() -> list[str]:
    """A line for each container that kernels run in, or the reason why none is known."""
    try:
        with Engine.connect(seconds=CONNECT_SECONDS) as engine, engine.speaking():
            mine = f"{USER}={os.getuid()}"
            listed = engine.client.api.containers(all=True, filters={"label": [OWNER, mine]})
    except UserError as error:
        return [f"running kernels are not known: {error}"]
    roles = {str(Role.KERNEL), str(Role.POOL), str(Role.ATTACHED)}
    return [_line(one) for one in listed if (one.get("Labels") or {}).get(ROLE) in roles]


def clean_up(say: Say, *, images: bool) -> tuple[str, ...]:
    """Remove what killed processes left behind; with `images` our images, too.

    Returns:
        What resisted, a line each.

    Raises:
        EngineUnavailable: the engine does not answer.
    """
    from docker.errors import APIError

    from autosota.server.containers.retention import collect

    with Engine.connect(seconds=CONNECT_SECONDS) as engine:
        reaped = reap(engine)
        say(str(reaped))
        for line in reaped.left:
            say(f"not removed: {line}")
        if images:
            say(str(collect(engine, budget_bytes=0, idle_seconds=0.0)))
        with engine.speaking():
            for network in engine.client.api.networks(names=[QUIET]):
                try:
                    engine.client.api.remove_network(network["Id"])
                except APIError:
                    continue  # a kernel is on it
    return reaped.left


def _line(one: Mapping[str, Any]) -> str:
    labels = one.get("Labels") or {}
    name = (one.get("Names") or ["?"])[0].lstrip("/")
    minutes = (time.time() - float(one.get("Created") or 0)) / 60
    owned = "" if alive(labels[OWNER]) is not False else ", its owner is gone"
    where = labels.get(WORKSPACE) or "no workspace"
    return f"{name:<24} {labels[ROLE]}, {one.get('State')} for {minutes:.0f} min, {where}{owned}"


class _Told(logging.Handler):
    """Passes what is logged on to a person."""

    def __init__(self, say: Say) -> None:
        super().__init__()
        self._say = say

    def emit(self, record: logging.LogRecord) -> None:
        self._say(record.getMessage())


def _log(say: Say) -> logging.Logger:
    log = logging.Logger("kernels")
    log.addHandler(_Told(say))
    return log
