"""Kernelspecs of ours: written, found, removed.

A kernelspec names the provisioner, which Jupyter's own programs use. Its `argv` starts a
stand-in (`stand_in.py`) for programs that start kernels themselves, such as VS Code's notebook
editor. Specs of others are never touched. Engines and images are not known here.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autosota.server.errors import UserError
from autosota.server.kernels.options import read_options

PROVISIONER = "autosota-docker"
"""The name of the entry point."""

NAME = "autosota-docker"
GPU_NAME = "autosota-docker-gpu"
DISPLAY = "Python (AutoSOTA Docker)"
GPU_DISPLAY = "Python (AutoSOTA Docker GPU)"
STAND_IN = "autosota.server.kernels.stand_in"
_OURS = "autosota"
_VALID = re.compile(r"[a-z0-9][a-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class Installed:
    """A kernelspec of ours.

    Attributes:
        name: As clients ask for it.
        display: As people see it.
        folder: Where its kernel.json is.
        table: What it says about its container.
        everywhere: It needs no provisioner: any program can start it.
    """

    name: str
    display: str
    folder: Path
    table: Mapping[str, Any]
    everywhere: bool = False


def destination(*, user: bool = False, prefix: Path | None = None) -> Path:
    """Where kernelspecs are put.

    Args:
        user: For this user, whatever the environment.
        prefix: For the environment there; by default this one, or the user where there is none.
    """
    if prefix is None and not user and sys.prefix != sys.base_prefix:
        prefix = Path(sys.prefix)
    if prefix is not None:
        return prefix.absolute() / "share" / "jupyter" / "kernels"
    from jupyter_core.paths import jupyter_data_dir

    return Path(jupyter_data_dir()) / "kernels"


def kernel_json(
    display: str, table: Mapping[str, Any], folder: Path, *, everywhere: bool = False
) -> dict[str, Any]:
    """What a kernel.json of ours says.

    Args:
        display: Its name for people.
        table: The options of the container.
        folder: Where it will be.
        everywhere: Whether to leave out the provisioner, for clients that do not have it.
    """
    metadata: dict[str, Any] = {"debugger": True, "supported_encryption": ["curve"]}
    if everywhere:
        metadata[_OURS] = {"config": dict(table)}
    else:
        metadata["kernel_provisioner"] = {
            "provisioner_name": PROVISIONER,
            "config": dict(table),
        }
    argv = [sys.executable, "-m", STAND_IN, "-f", "{connection_file}", "--spec", str(folder)]
    return {
        "argv": argv,
        "display_name": display,
        "language": "python",
        "interrupt_mode": "message",
        "env": {},
        "metadata": metadata,
    }


def install(
    name: str, display: str, table: Mapping[str, Any], place: Path, *, everywhere: bool = False
) -> Installed:
    """Write a kernelspec; one of ours of that name is replaced.

    Raises:
        UserError: the name is no name, belongs to another kernel, an option cannot be used, or
            the folder cannot be written.
    """
    if not _VALID.fullmatch(name):
        raise UserError(f"{name!r} is no name of a kernel; use a-z, 0-9, and '.', '_', '-' inside")
    folder = place / name
    read_options(table, str(folder / "kernel.json"))
    if folder.exists() and _read(name, folder) is None:
        raise UserError(f"{folder} is another kernel's; choose another --name")
    told = kernel_json(display, table, folder, everywhere=everywhere)
    try:
        place.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=place))
        try:
            made.chmod(0o755)
            (made / "kernel.json").write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
            if folder.exists():
                shutil.rmtree(folder)
            made.rename(folder)
        finally:
            shutil.rmtree(made, ignore_errors=True)
    except OSError as error:
        raise UserError(
            f"{place}: a kernel cannot be registered there ({error.strerror or error}); use --user "
            "or --prefix"
        ) from error
    return Installed(name, display, folder, table, everywhere)


def installed() -> tuple[Installed, ...]:
    """All kernelspecs of ours that Jupyter's programs look at, by name."""
    from jupyter_client.kernelspec import KernelSpecManager

    specs: Any = KernelSpecManager()
    found = (_read(name, Path(folder)) for name, folder in specs.find_kernel_specs().items())
    return tuple(sorted((one for one in found if one is not None), key=lambda one: one.name))


def remove(name: str) -> Installed:
    """Remove a kernelspec of ours.

    Raises:
        UserError: there is none of that name, or it cannot be removed.
    """
    ours = {one.name: one for one in installed()}
    if name not in ours:
        known = ", ".join(ours) or "there is none"
        raise UserError(f"{name!r} is no kernel of ours; known: {known}")
    try:
        shutil.rmtree(ours[name].folder)
    except OSError as error:
        why = error.strerror or error
        raise UserError(f"{ours[name].folder}: it cannot be removed ({why})") from error
    return ours[name]


def read(folder: Path) -> Installed:
    """The kernelspec of ours in a folder.

    Raises:
        UserError: there is none.
    """
    found = _read(folder.name, folder)
    if found is None:
        raise UserError(f"{folder}: no kernel of ours; type `autosota kernel install`")
    return found


def _read(name: str, folder: Path) -> Installed | None:
    try:
        told = json.loads((folder / "kernel.json").read_bytes())
        metadata = told["metadata"]
        everywhere = _OURS in metadata
        stanza = metadata[_OURS] if everywhere else metadata["kernel_provisioner"]
        if not everywhere and stanza["provisioner_name"] != PROVISIONER:
            return None
        return Installed(
            name, str(told.get("display_name", name)), folder, stanza.get("config", {}), everywhere
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
