"""GPUs for containers: which ones, how the engine is asked for them, and what it refuses.

NVIDIA's come through the engine's GPU runtime (a device request) or the Container Device
Interface, AMD's as device files. A run gets a chosen subset; inside they are numbered from 0,
and the variables that frameworks read say the same. Whether a request is honoured only the
engine knows, so `choose` tries it with a container that counts devices. How they are used is
measured in `gpu_use.py`.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from autosota.server.containers.engine import Engine, EngineFacts, EngineUnavailable
from autosota.server.containers.labels import Role, labels
from autosota.server.containers.walls import user, walls
from autosota.server.errors import UserError
from autosota.server.setup import machine

Vendor = Literal["nvidia", "amd"]
How = Literal["none", "runtime", "cdi", "files"]

TRY_SECONDS = 60.0
_HIDDEN = {"CUDA_VISIBLE_DEVICES": "", "NVIDIA_VISIBLE_DEVICES": "void", "HIP_VISIBLE_DEVICES": ""}
_LIMITS = {"nvidia": "CUDA_VISIBLE_DEVICES", "amd": "HIP_VISIBLE_DEVICES"}
_TOOLKIT = (
    "install NVIDIA's container toolkit, then: {admin}nvidia-ctk runtime configure "
    "--runtime=docker && {admin}systemctl restart docker"
)
_CDI = "{admin}nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml"
_WITHOUT = "or set environment.gpus = 0"


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU of this machine.

    Attributes:
        index: Its number in the order of the PCI bus, which `nvidia-smi` shows.
        uuid: Its name for good, e.g. `GPU-…` or `MIG-…`.
        name: The model.
        memory_bytes: Its memory; 0 when it is not told.
        driver: The version of the driver.
        vendor: Who made it.
        files: The device files it is used through; AMD only.
    """

    index: int
    uuid: str
    name: str = ""
    memory_bytes: int = 0
    driver: str = ""
    vendor: Vendor = "nvidia"
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GpuChoice:
    """The GPUs of one container, and what has to be added to its creation.

    Attributes:
        count: How many it gets.
        gpus: Which, as far as they are known here (those of a remote engine are not).
        how: The way they are asked for.
        arguments: For `containers.create`.
        env: Variables for inside; they win over all others.
        note: A warning for the user, when there are fewer than wanted; else empty.
    """

    count: int = 0
    gpus: tuple[Gpu, ...] = ()
    how: How = "none"
    arguments: Mapping[str, Any] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=lambda: dict(_HIDDEN))
    note: str = ""


class GpuUnavailable(UserError):
    """There are not the GPUs that were asked for, or the engine cannot give them.

    Attributes:
        why: What is wrong.
        fix: The one action that mends it.
    """

    def __init__(self, why: str, fix: str) -> None:
        super().__init__(f"{why}; {fix}")
        self.why, self.fix = why, fix


def choose(
    engine: Engine,
    image: str,
    wanted: int,
    devices: Sequence[str] = (),
    *,
    fallback: bool = False,
    environ: Mapping[str, str] | None = None,
) -> GpuChoice:
    """GPUs that the engine really gives; tried once per process and set of GPUs.

    Args:
        engine: The engine.
        image: An image with `/bin/sh`, for the trial.
        wanted: How many; 0 hides all of them.
        devices: Which, by index or UUID; by default the first ones.
        fallback: Whether to go on without any, with a note, instead of failing.
        environ: The user's variables; `CUDA_VISIBLE_DEVICES` limits what may be taken.

    Raises:
        GpuUnavailable: they are not there, or the engine cannot give them.
        EngineUnavailable: the engine went away.
    """
    if wanted == 0 and not devices:
        return GpuChoice()
    try:
        found = installed() if engine.endpoint.local else ()
        choice = request(engine.facts, wanted, devices, found=found, environ=environ)
        key = (engine.endpoint.url, repr(sorted(choice.arguments.items(), key=str)))
        if key not in _TRIED:
            _try(engine, image, choice)
            _TRIED.add(key)
        return choice
    except GpuUnavailable as error:
        if not fallback:
            raise
        return GpuChoice(note=f"runs use the processor: {error.why} ({error.fix})")


_TRIED: set[tuple[str, str]] = set()


def request(
    facts: EngineFacts,
    wanted: int,
    devices: Sequence[str] = (),
    *,
    found: Sequence[Gpu] = (),
    environ: Mapping[str, str] | None = None,
) -> GpuChoice:
    """How this engine is asked for GPUs; whether it grants them is not known yet.

    Args:
        facts: What the engine can do.
        wanted: How many; with `devices`, 0 or their number.
        devices: Which, by index or UUID.
        found: The GPUs of the engine's machine, when they are known.
        environ: The user's variables.

    Raises:
        GpuUnavailable: there are not so many, or none of that name.
    """
    chosen = _chosen(wanted, devices, found, os.environ if environ is None else environ)
    count = len(chosen) or len(devices) or wanted
    if not count:
        return GpuChoice()
    numbers = ",".join(str(n) for n in range(count))
    if chosen and chosen[0].vendor == "amd":
        env = {**_HIDDEN, "HIP_VISIBLE_DEVICES": numbers, "CUDA_VISIBLE_DEVICES": numbers}
        return GpuChoice(count, chosen, "files", _files(chosen), env)
    env = {"CUDA_VISIBLE_DEVICES": numbers, "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
    how, asked = _nvidia(facts, count, chosen, devices)
    return GpuChoice(count, chosen, how, {"device_requests": [asked]}, env)


def installed() -> tuple[Gpu, ...]:
    """The GPUs of this machine: NVIDIA's as `nvidia-smi` tells, else AMD's as the kernel does."""
    return _of_nvidia() or _of_amd()


def refusal(error: Exception, choice: GpuChoice) -> GpuUnavailable | None:
    """What an engine's error means when a container with this choice is created or started.

    Returns:
        None when it has nothing to do with GPUs.
    """
    text = " ".join(str(getattr(error, "explanation", "") or error).split())
    admin = machine.admin()
    toolkit = f"{_TOOLKIT.format(admin=admin)} {_WITHOUT}"
    if "could not select device driver" in text and '"cdi"' not in text:
        return GpuUnavailable("the container engine has no GPU runtime", toolkit)
    if "could not select device driver" in text:
        fix = f"install Docker 25 or newer, {_CDI.format(admin=admin)} {_WITHOUT}"
        return GpuUnavailable("the container engine cannot use CDI devices", fix)
    if "Unknown runtime specified" in text:
        return GpuUnavailable(f"the container engine refuses its GPU runtime ({text})", toolkit)
    if "unresolvable CDI devices" in text or "CDI device" in text:
        fix = f"{_CDI.format(admin=admin)} {_WITHOUT}"
        return GpuUnavailable(f"the container engine has no such CDI device ({text[-200:]})", fix)
    if "nvidia-container-cli" in text or "nvidia-container-runtime" in text:
        fix = f"make nvidia-smi work on the engine's machine {_WITHOUT}"
        return GpuUnavailable(f"NVIDIA's container runtime failed ({text[-200:]})", fix)
    if choice.how == "files" and "custom device" in text:
        fix = f"load the driver (modprobe amdgpu) {_WITHOUT}"
        return GpuUnavailable(f"the engine's machine has no such GPU ({text[-200:]})", fix)
    return None


def _chosen(
    wanted: int, devices: Sequence[str], found: Sequence[Gpu], environ: Mapping[str, str]
) -> tuple[Gpu, ...]:
    """The GPUs that are meant, in the order they are numbered in inside; () if not known."""
    if wanted and devices and wanted != len(devices):
        raise GpuUnavailable(
            f"{wanted} GPUs are wanted, but {len(devices)} are named ({', '.join(devices)})",
            "name as many as are wanted",
        )
    if len(set(devices)) < len(devices):
        raise GpuUnavailable(f"a GPU is named twice ({', '.join(devices)})", "name each once")
    if not found:
        return ()
    allowed = list(found)
    variable = _LIMITS[found[0].vendor]
    limit = environ.get(variable)
    if limit is not None:
        allowed = _listed([p.strip() for p in limit.split(",")], found)
    if devices:
        named = [_listed([d], allowed) for d in devices]
        for device, one in zip(devices, named, strict=True):
            if not one:
                raise GpuUnavailable(f"there is no GPU {device!r} here", _shown(allowed))
        return tuple(sorted((one[0] for one in named), key=lambda g: (g.index, g.uuid)))
    if wanted > len(allowed):
        hidden = f" ({variable} is {limit!r})" if len(allowed) < len(found) else ""
        raise GpuUnavailable(
            f"{wanted} GPUs are wanted, {len(allowed)} may be used here{hidden}",
            f"set environment.gpus to {len(allowed)} or less",
        )
    return tuple(sorted(allowed[:wanted], key=lambda g: (g.index, g.uuid)))


def _listed(names: Sequence[str], found: Sequence[Gpu]) -> list[Gpu]:
    """GPUs by index, or by the beginning of their UUID; up to the first unknown, as CUDA does."""
    out: list[Gpu] = []
    for name in names:
        if name.startswith("MIG-"):
            out.append(Gpu(-1, name, "MIG device"))
            continue
        matching = [g for g in found if str(g.index) == name]
        if not matching and len(name) > 4:
            matching = [g for g in found if g.uuid.startswith(name)]
        if len(matching) != 1:
            break
        out += matching
    return out


def _shown(gpus: Sequence[Gpu]) -> str:
    listed = ", ".join(f"{g.index} = {g.uuid}" for g in gpus)
    return f"name one of: {listed}" if listed else "there is none that may be used"


def _nvidia(
    facts: EngineFacts, count: int, chosen: Sequence[Gpu], devices: Sequence[str]
) -> tuple[How, Any]:
    """A device request. Podman knows only CDI; Docker's own runtime is taken where it is."""
    from docker.types import DeviceRequest

    described = any(machine.describes_gpus(Path(folder)) for folder in facts.cdi_dirs)
    cdi = described and "nvidia" not in facts.runtimes
    if facts.name == "podman" or cdi:
        # descriptions of CDI name whole GPUs by their index, and not always by their UUID
        names = [g.uuid if g.index < 0 else str(g.index) for g in chosen] or list(devices)
        ids = [f"nvidia.com/gpu={n}" for n in names or range(count)]
        return "cdi", DeviceRequest(driver="cdi", device_ids=ids)
    names = [g.uuid for g in chosen] or list(devices)
    which: dict[str, Any] = {"device_ids": names} if names else {"count": count}
    return "runtime", DeviceRequest(capabilities=[["gpu", "compute", "utility"]], **which)


def _files(chosen: Sequence[Gpu]) -> dict[str, Any]:
    """AMD's device files, and the groups that may use them: code inside is not root."""
    paths = ["/dev/kfd", *(f for g in chosen for f in g.files)]
    groups = set()
    for path in paths:
        with contextlib.suppress(OSError):
            groups.add(str(os.stat(f"{_ROOT}{path}").st_gid))
    return {
        "devices": [f"{_ROOT}{path}:{path}:rw" for path in paths],
        "group_add": sorted(groups - {"0"}),
    }


def _of_nvidia() -> tuple[Gpu, ...]:
    path = shutil.which("nvidia-smi")
    if path is None:
        return ()
    query = "--query-gpu=index,uuid,name,memory.total,driver_version"
    told = machine.ask([path, query, "--format=csv,noheader,nounits"])
    if told.problem:
        return ()
    out = []
    for line in told.output.splitlines():
        row = [cell.strip() for cell in line.split(",")]
        if len(row) == 5 and row[0].isdigit():
            memory = int(row[3]) * 2**20 if row[3].isdigit() else 0
            out.append(Gpu(int(row[0]), row[1], row[2], memory, row[4]))
    return tuple(sorted(out, key=lambda g: g.index))


_ROOT = ""
"""What stands before the paths of devices and of the kernel's files, for tests."""


def _of_amd() -> tuple[Gpu, ...]:
    """GPUs in the order of the kernel's compute topology, which is ROCm's."""
    out: list[Gpu] = []
    with contextlib.suppress(OSError):
        nodes = Path(f"{_ROOT}/sys/class/kfd/kfd/topology/nodes")
        for node in sorted(nodes.iterdir(), key=lambda p: int(p.name)):
            told = dict(
                line.split(maxsplit=1)
                for line in (node / "properties").read_text("ascii").splitlines()
                if " " in line
            )
            if int(told.get("simd_count", "0")) == 0:
                continue  # a processor
            minor = told["drm_render_minor"].strip()
            device = Path(f"{_ROOT}/sys/class/drm/renderD{minor}/device")
            out.append(
                Gpu(
                    len(out),
                    told.get("unique_id", minor).strip(),
                    _text(node / "name") or "AMD GPU",
                    int(_text(device / "mem_info_vram_total") or 0),
                    _text(Path(f"{_ROOT}/sys/module/amdgpu/version")),
                    "amd",
                    (f"/dev/dri/renderD{minor}",),
                )
            )
    return tuple(out)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


_SEEN = {"nvidia": "/dev/nvidia[0-9]* /dev/dxg", "amd": "/dev/dri/renderD*"}
_COUNT = """n=0
for d in {}; do
  [ -r "$d" ] && [ -w "$d" ] && n=$((n+1))
done
[ $n -gt 99 ] && n=99
exit $((100+n))"""


def _try(engine: Engine, image: str, choice: GpuChoice) -> None:
    """Start a container that counts the GPUs it may use, behind the walls that runs have."""
    from docker.errors import APIError

    container = None
    seen = _SEEN[choice.gpus[0].vendor if choice.gpus else "nvidia"]
    with engine.speaking(TRY_SECONDS):
        try:
            container = engine.client.containers.create(
                image,
                entrypoint=["/bin/sh", "-c", _COUNT.format(seen)],
                command=[],
                labels=labels(Role.PROBE),
                environment=dict(choice.env),
                use_config_proxy=False,
                **engine.facts.fitted(walls(user(rootless=engine.facts.rootless))),
                **choice.arguments,
            )
            container.start()
            code = int(container.wait(timeout=TRY_SECONDS)["StatusCode"])
        except APIError as error:
            refused = refusal(error, choice)
            if refused is None:
                raise UserError(f"{image}: a container cannot be started ({error})") from error
            raise refused from error
        finally:
            if container is not None and container.id:
                with contextlib.suppress(EngineUnavailable):  # the reaper tries again
                    engine.discard(container.id)
    there = code - 100
    mig = any(g.uuid.startswith("MIG-") for g in choice.gpus)  # several are parts of one device
    if there < 1 or (not mig and there != choice.count):
        if engine.facts.name == "podman":
            fix = f"use a newer Podman, whose API knows CDI devices, or Docker {_WITHOUT}"
        else:
            fix = f"see what `docker run --gpus all` shows on the engine's machine {_WITHOUT}"
        raise GpuUnavailable(
            f"the container engine accepted a request for {choice.count} GPUs, but {max(there, 0)} "
            "can be used inside",
            fix,
        )
