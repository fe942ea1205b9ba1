"""The walled backend: bubblewrap, with a whitelist of what may be seen.

Inside there are the system's folders (read-only), the interpreters, what a launch mounts, and
its own writable folders; the user's home, the repository, other runs and the ledger do not
exist. No network unless asked for, no capability, no new user namespace, a pid namespace
whose first process is the guard. What is mounted where is the runner's decision.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from autosota.server.errors import UserError
from autosota.server.sandbox.forking import ForkingLauncher, Wrapped, interpreter
from autosota.server.sandbox.launch import Launch
from autosota.server.sandbox.launcher import GUARD

GUARD_INSIDE = "/run/autosota-guard.py"
_SYSTEM = ("/usr", "/opt", "/nix/store", "/gnu/store")
_SYSTEM_OR_LINK = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_KERNEL = ("/sys/devices", "/sys/class", "/sys/bus", "/sys/module", "/sys/dev", "/sys/fs/cgroup")
_ETC = (
    *("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "passwd", "group", "nsswitch.conf", "hosts"),
    *("host.conf", "localtime", "timezone", "ssl", "pki", "ca-certificates", "alternatives"),
    *("ca-certificates.conf", "fonts", "mime.types", "services", "protocols", "OpenCL"),
    *("vulkan", "glvnd", "magic", "os-release", "debian_version"),
)
_MOST_MOUNTS = 2500
"""bubblewrap takes 9,000 arguments, and a mount is three."""


@dataclass(frozen=True, slots=True)
class Probe:
    """Whether bubblewrap works on this machine; `why` is one line when it does not."""

    works: bool
    version: str = ""
    why: str = ""
    path: str = ""
    nested_off: bool = False


@lru_cache(maxsize=1)
def probe() -> Probe:
    """Try bubblewrap for real, once per process."""
    path = shutil.which("bwrap")
    if path is None:
        return Probe(False, why="bwrap is not on the PATH: install the package `bubblewrap`")
    try:
        told = subprocess.run(
            [path, "--version"], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Probe(False, why=f"{path} cannot be run: {error}", path=path)
    found = re.search(r"\d+(\.\d+)+", told.stdout)
    version = found.group() if found else ""
    for nested_off in (True, False):
        arguments = [path, *_walls(False, nested_off), *_system(False)]
        try:
            tried = subprocess.run(
                [*arguments, "--chdir", "/", "--", "/bin/sh", "-c", "echo inside"],
                capture_output=True,
                text=True,
                errors="replace",
                timeout=20,
                check=False,
                env={"PATH": "/usr/bin:/bin"},
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return Probe(False, version, f"{path} does not come back: {error}", path)
        if tried.returncode == 0 and tried.stdout.strip() == "inside":
            return Probe(True, version, path=path, nested_off=nested_off)
    lines = tried.stderr.strip().splitlines()
    why = lines[-1] if lines else f"exit code {tried.returncode}"
    return Probe(False, version, why + _hint(why), path)


def _hint(why: str) -> str:
    restricted = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
    try:
        if restricted.read_text().strip() == "1":
            return (
                " (AppArmor forbids user namespaces to ordinary programs here: add a profile for "
                "bwrap, or set kernel.apparmor_restrict_unprivileged_userns=0)"
            )
    except OSError:
        pass
    if "namespace" in why or "uid map" in why:
        return " (this machine or container does not allow user namespaces)"
    return ""


class BubblewrapLauncher(ForkingLauncher):
    """Starts commands behind bubblewrap.

    Args:
        interpreters: Folders that every launch may see, read-only, at their own place.
        tried: The answer of `probe`, when the caller has it.
    """

    protects = True
    mode = "namespace"

    def __init__(self, interpreters: Iterable[Path] = (), tried: Probe | None = None) -> None:
        self._probe = tried or probe()
        self._interpreters = tuple(interpreters)
        self.name = f"bubblewrap {self._probe.version}".strip()

    def wrap(self, launch: Launch, guard: list[str]) -> Wrapped:
        """The bwrap command line; all but its name goes through a file descriptor."""
        inside = [GUARD_INSIDE if argument == str(GUARD) else argument for argument in guard]
        options = [
            *_walls(launch.network, self._probe.nested_off),
            *_system(launch.network),
            *_devices(launch),
            *self._mounts(launch),
            *("--remount-ro", "/dev", "--remount-ro", "/", "--chdir", str(launch.cwd)),
        ]
        descriptor = os.memfd_create("bwrap-arguments")
        os.write(descriptor, b"".join(os.fsencode(o) + b"\0" for o in options))
        os.lseek(descriptor, 0, os.SEEK_SET)
        arguments = [self._probe.path or "bwrap", "--args", str(descriptor), "--", *inside]
        return Wrapped(arguments, Path("/"), (descriptor,))

    def _mounts(self, launch: Launch) -> Iterator[str]:
        """Everything with a place of its own, parents before children."""
        covered = [Path(p) for p in (*_SYSTEM, *_SYSTEM_OR_LINK)]
        read_only: list[tuple[Path, Path]] = [(GUARD, Path(GUARD_INSIDE))]
        for folder in (*self._interpreters, *_stdlib()):
            for place in dict.fromkeys((folder, Path(os.path.realpath(folder)))):
                if not any(place.is_relative_to(c) for c in covered) and place.exists():
                    read_only.append((place, place))
                    covered.append(place)
        # (depth, order among equals, arguments): sorting by depth puts parents first
        steps: list[tuple[int, int, list[str]]] = []
        for source, target in read_only:
            steps.append((_depth(target), 1, ["--ro-bind", str(source), str(target)]))
        for folder in launch.conceal:
            real = Path(os.path.realpath(folder))
            if any(real.is_relative_to(c) and real != c for c in covered):
                steps.append((_depth(real), 2, ["--perms", "0755", "--tmpfs", str(real)]))
        for folder in launch.writable:
            steps.append((_depth(folder), 3, ["--bind", str(folder), str(folder)]))
        for mount in launch.mounts:
            option = "--bind" if mount.writable else "--ro-bind"
            steps.append((_depth(mount.target), 4, [option, str(mount.source), str(mount.target)]))
        for hidden in launch.hidden:
            # a device below a mount without devices cannot be opened: unreadable, not empty
            over = ["--perms", "0755", "--tmpfs"] if hidden.folder else ["--ro-bind", "/dev/null"]
            steps.append((_depth(hidden.path), 5, [*over, str(hidden.path)]))
        if len(steps) > _MOST_MOUNTS:
            raise UserError(
                f"protocol: data and labels name {len(steps)} single files; name their folders "
                "instead (`data/**`)"
            )
        for _, _, arguments in sorted(steps, key=lambda s: s[:2]):
            yield from arguments
        for _, order, arguments in steps:
            if order in (2, 5) and "--tmpfs" in arguments:
                yield from ("--remount-ro", arguments[-1])


def _walls(network: bool, nested_off: bool) -> Iterator[str]:
    yield from ("--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL")
    yield "--as-pid-1"
    if network:
        yield "--share-net"
    if nested_off:
        yield from ("--unshare-user", "--disable-userns")


def _system(network: bool) -> Iterator[str]:
    for folder in _SYSTEM:
        if os.path.isdir(folder):
            yield from ("--ro-bind", folder, folder)
    for folder in _SYSTEM_OR_LINK:
        if os.path.islink(folder):
            yield from ("--symlink", os.readlink(folder), folder)
        elif os.path.isdir(folder):
            yield from ("--ro-bind", folder, folder)
    for name in _ETC:
        yield from ("--ro-bind-try", f"/etc/{name}", f"/etc/{name}")
    if network:
        # often a link into /run, which is not there inside
        yield from ("--ro-bind-try", os.path.realpath("/etc/resolv.conf"), "/etc/resolv.conf")
    yield from ("--proc", "/proc")
    # the kernel lets uid 0 write sysctls even without capabilities
    yield from ("--ro-bind", "/proc/sys", "/proc/sys")
    yield from ("--ro-bind-try", "/proc/sysrq-trigger", "/proc/sysrq-trigger")
    for folder in _KERNEL:
        yield from ("--ro-bind-try", folder, folder)
    yield from ("--dev", "/dev")


def _devices(launch: Launch) -> Iterator[str]:
    half = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    size = min(launch.limits.memory_bytes or half, half)
    yield from ("--perms", "1777", "--size", str(size), "--tmpfs", "/dev/shm")
    if launch.gpus:
        for folder in ("/dev/dri", "/dev/kfd", "/dev/nvidia-caps"):
            yield from ("--dev-bind-try", folder, folder)
        for path in sorted(Path("/dev").glob("nvidia*")):
            if path.is_char_device():
                yield from ("--dev-bind-try", str(path), str(path))


def _stdlib() -> tuple[Path, ...]:
    """What the guard's own interpreter needs."""
    return (Path(sys.base_prefix), Path(sys.base_exec_prefix), Path(interpreter()))


def _depth(path: Path) -> int:
    return len(path.parts)
