"""Packages for an image, resolved and fetched out here, where there is a network.

pip resolves for the Python and the platform of the image, and takes what its base already has as
installed: a shadow environment holds the metadata of those packages, without their files. Only
wheels are taken, so no code of a package runs here; one without a wheel is built here when our
Python is the image's. What an image is, and how it is made, is not known here.
"""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import sys
import sysconfig
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from autosota.agents.domain import Outcome
from autosota.server.errors import UserError
from autosota.server.sandbox import disk
from autosota.server.sandbox.environment import pip_variables, redact
from autosota.server.sandbox.launch import Launch, Limits, Stop, clean
from autosota.server.sandbox.process import MARK, ProcessLauncher
from autosota.server.sandbox.requirements import Requirements

Say = Callable[[str], None]

# pip reads markers (`python_version < "3.11"`) as of the Python that runs it, also when told to
# resolve for another one. So the pip that the image gets is run here, with the image's markers.
_RUNNER = """
import importlib.util, json, sys
folder, markers, *words = sys.argv[1:]
spec = importlib.util.spec_from_file_location(
    "pip", folder + "/__init__.py", submodule_search_locations=[folder])
module = importlib.util.module_from_spec(spec)
sys.modules["pip"] = module
spec.loader.exec_module(module)
from pip._vendor.packaging import markers as read
read.default_environment = lambda: json.loads(markers)
from pip._internal.cli.main import main
sys.exit(main(words))
"""
_CHATTER = re.compile(
    r"WARNING: Location|Looking in |Processing |Collecting |Requirement already|Saved |Using cached"
)
_NO_WHEEL = re.compile(r"no matching distribution|could not find a version|resolutionimpossible")
_OLDEST_GLIBC = {"x86_64": 5, "i686": 5}
_LEGACY = {5: "manylinux1", 12: "manylinux2010", 17: "manylinux2014"}


@dataclass(frozen=True)
class Target:
    """A Python that wheels are for, as it describes itself.

    Attributes:
        version: `3.11.2`.
        machine: `x86_64`.
        libc: `glibc` or `musl`, and its version.
        abiflags: `t` for a Python without the global lock.
        markers: The environment of PEP 508.
        installed: Metadata of the packages it has, by the name of its folder.
    """

    version: str
    machine: str
    libc: tuple[str, str]
    abiflags: str
    markers: Mapping[str, str]
    installed: Mapping[str, str]

    @property
    def platforms(self) -> tuple[str, ...]:
        """Platform tags, best first (PEP 600, PEP 656)."""
        major, minor = (int(n) for n in self.libc[1].split(".")[:2])
        if self.libc[0] == "musl":
            tags = [f"musllinux_{major}_{n}_{self.machine}" for n in range(minor, -1, -1)]
        else:
            tags = []
            for n in range(minor, _OLDEST_GLIBC.get(self.machine, 17) - 1, -1):
                tags.append(f"manylinux_{major}_{n}_{self.machine}")
                if n in _LEGACY:
                    tags.append(f"{_LEGACY[n]}_{self.machine}")
        return (*tags, f"linux_{self.machine}")

    @cached_property
    def like_ours(self) -> bool:
        """Whether a wheel that is built here fits there, as far as Python goes."""
        ours = (f"{sys.version_info[0]}.{sys.version_info[1]}", sysconfig.get_platform())
        return ours == (
            ".".join(self.version.split(".")[:2]),
            f"linux-{self.machine}",
        ) and self.abiflags == getattr(sys, "abiflags", "")


@dataclass(frozen=True, slots=True)
class Wheels:
    """What is to be installed.

    Attributes:
        pins: `name==version`, or a direct reference.
        files: Hashes (SHA-256) of the wheels by their file names.
        built: The wheels that were built here.
    """

    pins: tuple[str, ...] = ()
    files: Mapping[str, str] = ()  # type: ignore[assignment]
    built: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fetching:
    """Where and how wheels are fetched.

    Attributes:
        folder: Gets `wheels/` and `pip/`, and working files beside them.
        environ: The user's variables; what pip needs of them is used.
        say: Gets progress, line by line.
        stop: Ends it.
        deadline: The moment (`time.monotonic`) it must be over.
    """

    folder: Path
    environ: Mapping[str, str]
    say: Say
    stop: Stop | None
    deadline: float


def fetch(needed: Requirements, target: Target, how: Fetching, known: Sequence[str] = ()) -> Wheels:
    """Resolve requirements for a Python in an image, and fetch the wheels it lacks.

    Args:
        needed: What is required.
        target: Who for.
        how: Where to, and the limits.
        known: Pins that an earlier resolution came to; kept as long as they can be.

    Raises:
        UserError: there is no solution, no wheel, no network, or no time; says which package.
    """
    if not needed.main:
        return Wheels(files={})
    for name in ("wheels", "pip", "requirements", "work"):
        (how.folder / name).mkdir()
    for path, text in needed.files.items():
        disk.write_inside(how.folder / "requirements", path, text.encode())
    pip = _Pip(how, needed.main, target)
    if known:
        (how.folder / "work" / "known.txt").write_text("\n".join(known) + "\n", encoding="utf-8")
        try:
            return pip.fetched(["-c", str(how.folder / "work" / "known.txt")])
        except _NoSolution:
            how.say("the packages of the last image cannot be had any more: resolving anew")
    return pip.fetched([])


class _NoSolution(UserError):
    """pip found no set of distributions that fits."""


class _Pip:
    """The image's pip, run out here with the image's eyes."""

    def __init__(self, how: Fetching, main: str, target: Target) -> None:
        self._how, self._main, self._target = how, main, target
        major_minor = ".".join(target.version.split(".")[:2])
        base = getattr(sys, "_base_executable", None) or sys.executable
        host, shadow = how.folder / "work" / "host", how.folder / "work" / "shadow"
        python = sys.executable
        if find_spec("pip") is None:
            self._run([base, "-I", "-m", "venv", str(host)])
            python = str(host / "bin" / "python")
        quiet = ["--no-input", "--progress-bar", "off"]
        only = ["--only-binary=:all:", "--python-version", major_minor]
        where = str(how.folder / "pip")
        words = [python, "-I", "-m", "pip", "download", "-q", "--no-deps", *quiet, *only]
        self._run([*words, "-d", where, "pip"])
        (wheel,) = Path(where).glob("pip-*.whl")
        self._run([base, "-I", "-m", "zipfile", "-e", str(wheel), f"{how.folder}/work/pip"])
        self._run([base, "-I", "-m", "venv", "--without-pip", str(shadow)])
        self._shadow(shadow)
        self._words = [str(shadow / "bin" / "python"), "-I", "-c", _RUNNER]
        self._words += [f"{how.folder}/work/pip/pip", json.dumps(dict(target.markers))]
        self._quiet = quiet
        self._strict = [*only, "--implementation", "cp"]
        if "t" in target.abiflags:
            self._strict += ["--abi", f"cp{major_minor.replace('.', '')}t"]
        for platform in target.platforms:
            self._strict += ["--platform", platform]

    def _shadow(self, shadow: Path) -> None:
        """The packages of the base, so that pip takes them as installed."""
        variables = {"base": str(shadow), "platbase": str(shadow)}
        site = Path(sysconfig.get_path("purelib", "venv", variables))
        for name, text in self._target.installed.items():
            disk.write_inside(site, f"{name}.dist-info/METADATA", text.encode())
            disk.write_inside(site, f"{name}.dist-info/RECORD", b"")

    def fetched(self, more: list[str]) -> Wheels:
        """Resolve, and fetch or build what is not there yet."""
        strict = True
        try:
            items = self._resolved(self._strict, more)
            strict = all(str(i["download_info"]["url"]).endswith(".whl") for i in items)
        except _NoSolution:
            if not self._target.like_ours:
                raise
            strict = False
        if not strict and self._target.like_ours:
            self._how.say("not every package has a wheel: building some here")
            items = self._resolved([], more)
        pins = tuple(_pin(item) for item in items)
        if pins:
            (self._how.folder / "work" / "pins.txt").write_text("\n".join(pins) + "\n", "utf-8")
            self._collect(strict)
        found = sorted((self._how.folder / "wheels").iterdir())
        if odd := [f.name for f in found if f.suffix != ".whl"]:
            raise UserError(
                f"{self._main}: {', '.join(odd)} has no wheel for Python {self._target.version}; "
                "pin a version that has one, or name an image that has it in environment.image"
            )
        files = {f.name: _sha256(f) for f in found}
        had = {str(i["download_info"]["url"]).rpartition("/")[2] for i in items}
        built = () if strict else tuple(name for name in files if name not in had)
        return Wheels(pins, files, built)

    def _resolved(self, platform: list[str], more: list[str]) -> list[dict[str, Any]]:
        report = self._how.folder / "work" / "report.json"
        words = ["install", "--dry-run", *self._quiet, "--report", str(report)]
        self._run([*self._words, *words, *platform, *more, "-r", self._main])
        items: list[dict[str, Any]] = json.loads(report.read_bytes())["install"]
        return items

    def _collect(self, strict: bool) -> None:
        pins, where = str(self._how.folder / "work" / "pins.txt"), str(self._how.folder / "wheels")
        if strict:
            words = ["download", "--no-deps", *self._quiet, *self._strict, "-d", where, "-r", pins]
        else:
            words = ["wheel", "--no-deps", *self._quiet, "-w", where, "-r", pins]
        self._run([*self._words, *words])

    def _say(self, line: str) -> None:
        self._how.say(redact(clean(line)))

    def _run(self, words: list[str]) -> None:
        """Run one step; what it prints is progress, and the reason when it fails."""
        how = self._how
        variables = pip_variables(how.environ) | {MARK: str(how.folder)}
        limits = Limits(max(1.0, how.deadline - time.monotonic()))
        cwd = how.folder / "requirements"
        logs = {name: how.folder / "work" / f"{name}.log" for name in ("stdout", "stderr")}
        for log in logs.values():
            log.unlink(missing_ok=True)
        done = ProcessLauncher().launch(
            Launch(shlex.join(words), cwd, variables, (), limits),
            logs,
            stop=how.stop,
            on_line=lambda _, line: None if _CHATTER.match(line.strip()) else self._say(line),
        )
        if done.outcome in (Outcome.OK, Outcome.LEFT_PROCESSES):
            return
        if done.outcome is Outcome.STOPPED:
            raise UserError(f"{self._main}: fetching packages: stopped")
        if done.outcome is Outcome.TIMEOUT:
            raise UserError(
                f"{self._main}: fetching packages: not done within the time limit; try again, what "
                "was fetched is kept by pip"
            )
        lines = [
            redact(clean(line))
            for name in ("stderr", "stdout")
            for line in logs[name].read_text("utf-8", "replace").splitlines()
            if clean(line)
        ]
        errors = [line for line in lines if "error" in line.lower()] or lines
        tail = "; ".join(errors[-3:])[-600:] or redact(done.reason)
        kind = _NoSolution if _NO_WHEEL.search(tail.lower()) else UserError
        raise kind(
            f"{self._main}: the packages for an image with Python {self._target.version} "
            f"({self._target.machine}) cannot be had ({tail}); mend the requirements, or name an "
            "image that has them in environment.image"
        )


def _pin(item: Mapping[str, Any]) -> str:
    """A line that asks for exactly this distribution."""
    metadata, info = item["metadata"], item["download_info"]
    if not item.get("is_direct"):
        return f"{metadata['name']}=={metadata['version']}"
    vcs = info.get("vcs_info")
    if vcs is None:
        return f"{metadata['name']} @ {info['url']}"
    return f"{metadata['name']} @ {vcs['vcs']}+{info['url']}@{vcs['commit_id']}"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
