"""Questions to this machine, each with a time limit: programs, cores, memory, GPUs.

Answers are plain values. Whether they are good enough for campaigns is the doctor's to say.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")
_SYSCTL = Path("/proc/sys/kernel")
_INSTALLERS = {
    "apt-get": "apt-get install {}",
    "dnf": "dnf install {}",
    "yum": "yum install {}",
    "pacman": "pacman -S {}",
    "zypper": "zypper install {}",
    "apk": "apk add {}",
    "brew": "brew install {}",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a program printed, or in one line why it gave no answer."""

    output: str = ""
    problem: str = ""


def ask(command: list[str], seconds: float = 10.0) -> Answer:
    """Run a program that only tells something; it is killed at the time limit."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            check=False,
            start_new_session=True,
        )
    except subprocess.TimeoutExpired:
        return Answer(problem=f"{command[0]} gave no answer within {seconds:g} s")
    except OSError as error:
        return Answer(problem=f"{command[0]}: {(error.strerror or str(error)).lower()}")
    output = done.stdout.decode("utf-8", "replace").strip()
    if done.returncode != 0:
        lines = (done.stderr.decode("utf-8", "replace").strip() or output).splitlines()
        told = lines[0] if lines else f"exit code {done.returncode}"
        return Answer(output, f"{Path(command[0]).name}: {told}")
    return Answer(output)


def version(text: str) -> tuple[int, ...]:
    """The first version number in a text; empty when there is none."""
    found = re.search(r"\d+(?:\.\d+)+", text)
    return tuple(int(p) for p in found[0].split(".")) if found else ()


def install(package: str) -> str:
    """The command that installs a package here."""
    for program, command in _INSTALLERS.items():
        if shutil.which(program):
            return ("" if program == "brew" else admin()) + command.format(package)
    return f"install the package {package}"


def bubblewrap_fix(installed: bool) -> str:
    """The one command that makes bubblewrap work: it is missing, or the kernel forbids it."""
    if not installed:
        return install("bubblewrap")
    for name, value, wanted in (
        # Ubuntu 23.10 and newer: only programs with a profile may make user namespaces.
        ("apparmor_restrict_unprivileged_userns", "1", "0"),
        # Debian before 11 and hardened kernels.
        ("unprivileged_userns_clone", "0", "1"),
    ):
        if _read(_SYSCTL / name) == value:
            return f"{admin()}sysctl -w kernel.{name}={wanted}"
    if _read(Path("/proc/sys/user/max_user_namespaces")) == "0":
        return f"{admin()}sysctl -w user.max_user_namespaces=10000"
    return (
        "in a container: start it with --security-opt seccomp=unconfined (or --privileged); "
        "else ask who runs this machine to allow user namespaces"
    )


def cores() -> float:
    """The cores that runs can use: allowed to this process, and within its container's share."""
    usable = float(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1)
    if not hasattr(os, "sched_getaffinity"):
        usable = float(os.cpu_count() or 1)
    share = _read(_CGROUP / "cpu.max").split()
    if len(share) == 2 and share[0].isdigit() and int(share[1]) > 0:
        usable = min(usable, round(int(share[0]) / int(share[1]), 1))
    return usable


def memory() -> tuple[int, int]:
    """Bytes of memory in all and free, within the container's limit."""
    import psutil

    told = psutil.virtual_memory()
    total, free = int(told.total), int(told.available)
    limit = _read(_CGROUP / "memory.max")
    used = _read(_CGROUP / "memory.current")
    if limit.isdigit() and int(limit) < total:
        total = int(limit)
        free = min(free, max(total - int(used), 0) if used.isdigit() else total)
    return total, free


def gpus() -> tuple[tuple[str, ...], str]:
    """The NVIDIA GPUs with memory and driver; the second value says why they are not known."""
    path = shutil.which("nvidia-smi")
    if path is None:
        return (), ""
    query = "--query-gpu=name,memory.total,driver_version"
    told = ask([path, query, "--format=csv,noheader"])
    if told.problem:
        return (), told.problem
    rows = [[c.strip() for c in line.split(",")] for line in told.output.splitlines()]
    full = [r for r in rows if len(r) == 3]
    return tuple(f"{name} ({memory}, driver {driver})" for name, memory, driver in full), ""


def describes_gpus(folder: Path) -> bool:
    """Whether a folder holds a description of NVIDIA's GPUs for containers (CDI)."""
    try:
        files = [p for p in folder.iterdir() if p.suffix in (".yaml", ".yml", ".json")]
        return any(b"nvidia.com/gpu" in p.read_bytes() for p in files)
    except OSError:
        return False


def admin() -> str:
    """What a command for the administrator begins with here: `sudo `, or nothing for root."""
    return "" if hasattr(os, "geteuid") and os.geteuid() == 0 else "sudo "


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
