"""What a kernelspec may say about its container, read once and checked.

The table stands in `kernel.json` at `metadata.kernel_provisioner.config`. Which image our own
is, what is mounted and how a container is made are decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autosota.server.config.section import Problems, Section
from autosota.server.errors import UserError

KEYS = (
    *(
        "image",
        "base",
        "requirements",
        "command",
        "workspace",
        "mounts",
        "attach",
        "pool",
        "pool_idle",
        "memory",
    ),
    *("shared_memory", "cpus", "processes", "gpus", "gpu_devices", "without_gpu", "network"),
    *("transport", "remote", "exec_tmp"),
)
"""Every key there is."""

NO_WORKSPACE = "none"
_PROCESSES = 2048


@dataclass(frozen=True, slots=True)
class Extra:
    """One more file or folder of this machine that the kernel sees.

    Attributes:
        source: Where it is here.
        target: Where it is inside.
        writable: Whether the kernel may write it.
    """

    source: Path
    target: Path
    writable: bool = False


@dataclass(frozen=True, slots=True)
class Options:
    """The container of a kernel.

    Attributes:
        image: An image that can run kernels as it is; empty to build one.
        base: The image that one is built on; empty for Python's own.
        requirements: What is installed on it beside ipykernel, as pip takes it.
        command: What starts the kernel inside, with `{connection_file}`; empty for ipykernel.
        workspace: The folder that is mounted at its own path: a path, `none`, or empty to find
            it from the folder that the kernel starts in.
        mounts: What else is mounted.
        attach: A running container of ours to start in, by name; `workspace` for the one of the
            kernel's workspace if there is one; empty for a container of its own.
        pool: How many kernels are kept started in advance; 0 for none.
        pool_idle_seconds: After how long without use they are given up.
        memory_bytes: The most memory, swap included; 0 takes three quarters of the machine.
        shared_bytes: `/dev/shm`; 0 takes half of the memory.
        cpus: The share of processors; 0 is no limit.
        processes: The most processes and threads at once.
        gpus: How many GPUs.
        gpu_devices: Which ones, by number or identifier; empty for the first `gpus`.
        without_gpu: What happens where there are none: `fail`, or `cpu` with a warning.
        network: Whether the kernel has one.
        transport: `ipc`, `tcp`, or `auto`: ipc where the engine shares this machine's files.
        remote: Whether an engine on another machine may be used.
        exec_tmp: Whether programs may be started from `/tmp` (torch.compile, Triton, Numba).
    """

    image: str = ""
    base: str = ""
    requirements: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    workspace: str = ""
    mounts: tuple[Extra, ...] = ()
    attach: str = ""
    pool: int = 0
    pool_idle_seconds: float = 600.0
    memory_bytes: int = 0
    shared_bytes: int = 0
    cpus: float = 0.0
    processes: int = _PROCESSES
    gpus: int = 0
    gpu_devices: tuple[str, ...] = ()
    without_gpu: str = "fail"
    network: bool = False
    transport: str = "auto"
    remote: bool = False
    exec_tmp: bool = True


def read_options(table: Mapping[str, Any], label: str = "kernel.json") -> Options:
    """The options of a kernelspec.

    Args:
        table: `metadata.kernel_provisioner.config`.
        label: The file, for error messages.

    Raises:
        UserError: a key is unknown or its value cannot be used; names file, key and way out.
    """
    problems = Problems(label, "metadata.kernel_provisioner.config.")
    section = Section("", table, KEYS, problems)
    options = Options(
        image=section.text("image"),
        base=section.text("base"),
        requirements=section.texts("requirements"),
        command=section.texts("command"),
        workspace=_workspace(section),
        mounts=tuple(_mounts(section)),
        attach=section.text("attach"),
        pool=section.integer("pool", 0, least=0),
        pool_idle_seconds=section.seconds("pool_idle", 600.0),
        memory_bytes=section.bytes("memory", 0),
        shared_bytes=section.bytes("shared_memory", 0),
        cpus=_cpus(section),
        processes=section.integer("processes", _PROCESSES, least=32),
        gpus=section.integer("gpus", 0, least=0),
        gpu_devices=section.texts("gpu_devices"),
        without_gpu=section.choice("without_gpu", ("fail", "cpu"), "fail"),
        network=section.flag("network", False),
        transport=section.choice("transport", ("auto", "ipc", "tcp"), "auto"),
        remote=section.flag("remote", False),
        exec_tmp=section.flag("exec_tmp", True),
    )
    if options.command and not any("{connection_file}" in part for part in options.command):
        section.add("command", "does not mention {connection_file}, so no client could reach it")
    for key in ("base", "requirements"):
        if options.image and getattr(options, key):
            section.add(key, f"goes with an image that is built, but `image` names {options.image}")
    if found := problems.all():
        raise UserError(found[0])
    return options


def _workspace(section: Section) -> str:
    written = section.text("workspace")
    if written in ("", NO_WORKSPACE):
        return written
    path = Path(written).expanduser()
    if not path.is_absolute():
        section.add("workspace", f"{written!r} is not absolute; write the whole path, or 'none'")
    return str(path)


def _mounts(section: Section) -> list[Extra]:
    out = []
    for table in section.tables("mounts", ("source", "target", "writable")):
        written = table.text("source", required="the file or folder of this machine")
        source = Path(written).expanduser()
        target = Path(table.text("target") or source)
        for key, path in (("source", source), ("target", target)):
            if not path.is_absolute():
                table.add(key, f"{str(path)!r} is not absolute; write the whole path")
        if source.is_socket():
            table.add("source", f"{source} is a socket: who has it commands what listens there")
        elif source.is_absolute() and not source.exists():
            table.add("source", f"{source} does not exist")
        out.append(Extra(source, target, table.flag("writable", False)))
    return out


def _cpus(section: Section) -> float:
    cpus = section.number("cpus") or 0.0
    if cpus < 0:
        section.add("cpus", f"{cpus:g} is negative; leave it out for no limit")
    return max(cpus, 0.0)
