"""What the container engine here can do for campaigns and kernels, for the doctor.

Asks the engine in a thread of its own, so that one that hangs costs a fixed time; starts no
container and fetches nothing. Whether files are really shared is tried by the first run.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from autosota.agents.domain import Environment
from autosota.server.containers import images, retention
from autosota.server.containers.engine import Engine, EngineUnavailable, find_endpoint
from autosota.server.containers.walls import user
from autosota.server.errors import UserError
from autosota.server.setup import machine
from autosota.server.setup.checks import Check, State, line, size

SECONDS = 1.5
"""What asking an engine may take in all."""

_LEAST_DISK = 5 * 2**30
"""Below this an image with a deep learning library does not fit."""

NAME = "container engine"


@dataclass(slots=True)
class Look:
    """A look at the engine, which goes on while other things are looked at.

    Attributes:
        environment: What the objective wants; a default one when there is no objective.
        gpus: Whether this machine has GPUs.
        checks: What was found so far.
        usable: Whether runs can use containers here, without fetching anything.
    """

    environment: Environment
    gpus: bool = False
    checks: list[Check] = field(default_factory=list)
    usable: bool = False
    _thread: threading.Thread | None = None
    _deadline: float = 0.0

    def start(self) -> Look:
        """Begin to look."""
        self._deadline = time.monotonic() + SECONDS
        self._thread = threading.Thread(target=self._look, name="doctor", daemon=True)
        self._thread.start()
        return self

    def ended(self) -> list[Check]:
        """What was found; waits for it no longer than `SECONDS` after the start, and a little."""
        if self._thread is not None:
            self._thread.join(max(0.0, self._deadline - time.monotonic()) + 0.3)
        if self.checks:
            return self.checks
        detail = f"it does not answer within {SECONDS:g} s"
        return [Check(NAME, self._bad, detail, f"restart it: {_restart()}")]

    @property
    def _bad(self) -> State:
        """How bad it is when containers cannot be used."""
        return "fail" if self.environment.sandbox == "docker" else "warn"

    def _look(self) -> None:
        found: list[Check] = []
        usable = False
        try:
            with Engine.connect(find_endpoint(), SECONDS) as engine:
                engine.client.api.timeout = 1
                found.append(self._engine(engine))
                found += self._about(engine)
                needed = [c for c in found if c.name in (NAME, "container image")]
                usable = all(c.state == "ok" for c in needed)
        except EngineUnavailable as error:
            found = [self._none(error)]
        wanted = self.environment
        self.usable = usable and wanted.sandbox != "local" and not wanted.python
        self.checks = found

    def _none(self, error: EngineUnavailable) -> Check:
        if not error.nothing:
            where = f" ({error.endpoint})" if error.endpoint is not None else ""
            return Check(NAME, self._bad, line(error.why) + where, line(error.fix))
        fix = machine.install("docker.io" if shutil.which("apt-get") else "podman")
        if self._bad == "fail":
            return Check(NAME, "fail", "none found, environment.sandbox is docker", fix)
        return Check(NAME, "ok", f"none found: runs work without, Docker kernels do not ({fix})")

    def _engine(self, engine: Engine) -> Check:
        facts, endpoint = engine.facts, engine.endpoint
        if not endpoint.local:
            detail = f"{engine} is not on this machine: code cannot be mounted there"
            return Check(NAME, self._bad, detail, "set DOCKER_HOST to the socket of a local engine")
        if "desktop" in facts.system.lower():
            detail = f"{engine} runs in a virtual machine: pipes into it do not connect"
            return Check(NAME, self._bad, detail, "docker context use default (a native engine)")
        return Check(NAME, "ok", str(engine))

    def _about(self, engine: Engine) -> Iterator[Check]:
        """Everything else, each by itself: one that cannot be told hides no other."""
        for name, ask in (
            ("image", self._image),
            ("GPUs", self._gpus),
            ("disk", self._disk),
            ("limits", self._limits),
            ("users", self._users),
        ):
            try:
                state, detail, fix = ask(engine)
            except UserError as error:
                state, detail, fix = "warn", line(error), f"restart the engine: {_restart()}"
            yield Check(f"container {name}", state, detail, fix)

    def _image(self, engine: Engine) -> tuple[State, str, str]:
        base = images.base_image(self.environment)
        ours = retention.listed(engine)
        built = f"; images of ours: {len(ours)}, {size(sum(i.bytes for i in ours))}" if ours else ""
        if engine.has_image(base):
            return "ok", f"{base} is here, runs start from it{built}", ""
        detail = f"{base} is not here, and `auto` fetches nothing: runs do without{built}"
        return self._bad, detail, f"{engine.facts.name} pull {base}"

    def _gpus(self, engine: Engine) -> tuple[State, str, str]:
        facts, wanted = engine.facts, self.environment.gpus
        bad: State = "fail" if wanted and self._bad == "fail" else "warn"
        if "nvidia" in facts.runtimes:
            return "ok", "NVIDIA's runtime is there", ""
        if any(machine.describes_gpus(Path(folder)) for folder in _cdi_folders(engine)):
            return "ok", "described for CDI (nvidia.com/gpu)", ""
        if os.path.exists("/dev/kfd"):
            return "ok", "AMD's device files are given to containers", ""
        if not (self.gpus or wanted):
            return "ok", "this machine has none, containers get none", ""
        if facts.name == "podman":
            fix = f"{machine.admin()}nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml"
        else:
            fix = (
                f"{machine.admin()}nvidia-ctk runtime configure --runtime=docker && "
                f"{machine.admin()}systemctl restart docker (of NVIDIA's container toolkit)"
            )
        return bad, "the engine has neither NVIDIA's runtime nor a description for CDI", fix

    def _disk(self, engine: Engine) -> tuple[State, str, str]:
        root = Path(engine.facts.root)
        for place in (root, *root.parents):
            try:
                free = shutil.disk_usage(place).free
                break
            except OSError:
                continue  # not ours to enter, or on the engine's own machine
        else:
            return "ok", f"{root} is not on this machine", ""
        detail = f"{size(free)} free for images at {root}"
        if free < _LEAST_DISK:
            return "warn", detail, f"{engine.facts.name} image prune (removes unnamed images)"
        return "ok", detail, ""

    def _limits(self, engine: Engine) -> tuple[State, str, str]:
        facts = engine.facts
        version = f"control groups version {facts.cgroup}" if facts.cgroup else "control groups"
        missing = [
            what
            for what, there in (
                ("memory", facts.memory_limit),
                ("swap", facts.swap_limit),
                ("processes", facts.pids_limit),
            )
            if not there
        ]
        if not missing:
            return "ok", f"{version}: memory, swap and processes are limited", ""
        detail = f"{version}: no limit on {', '.join(missing)}"
        if facts.rootless and facts.cgroup == 1:
            return "warn", f"{detail} (rootless)", "boot with systemd.unified_cgroup_hierarchy=1"
        if facts.rootless:
            fix = (
                f"{machine.admin()}systemctl set-property user@$(id -u).service "
                "Delegate='cpu memory pids'"
            )
            return "warn", f"{detail} (rootless)", fix
        return "warn", detail, "boot with cgroup_enable=memory swapaccount=1"

    def _users(self, engine: Engine) -> tuple[State, str, str]:
        facts = engine.facts
        if facts.rootless:
            return "ok", "rootless: root inside is you outside, and nobody more", ""
        who = user(rootless=False)
        told = f"code inside is user {who.uid}, never root"
        if facts.remapped:
            told += "; the engine maps users to others (userns-remap)"
        return "ok", f"{told}; who may use the engine's socket is as good as root", ""


def _cdi_folders(engine: Engine) -> tuple[str, ...]:
    if engine.facts.name == "podman":
        return ("/etc/cdi", "/var/run/cdi")
    return engine.facts.cdi_dirs


def _restart() -> str:
    return f"{machine.admin()}systemctl restart docker"
