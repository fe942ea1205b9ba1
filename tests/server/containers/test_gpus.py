"""GPUs: what is asked of an engine, what a real one refuses, and what a run used.

Where there is no GPU, NVIDIA's two programs at the border are played: `nvidia-smi`, with its
real tables, and the hook by which Docker's engine adds devices to a container.
"""

from __future__ import annotations

import os
import sys
import textwrap
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from tests.server.containers.conftest import tiny_image

from autosota.server.containers import gpu_use, gpus
from autosota.server.containers.engine import EngineFacts
from autosota.server.containers.gpu_use import Sampler
from autosota.server.containers.gpus import Gpu, GpuChoice, GpuUnavailable, choose, request

FACTS = EngineFacts("docker", "28.3.0", "1.51", runtimes=("nvidia", "runc"))
UUIDS = [f"GPU-{n}aaaaaaa-0000-0000-0000-000000000000" for n in range(4)]
FOUR = tuple(
    Gpu(n, u, "NVIDIA H100 80GB HBM3", 81559 * 2**20, "550.54") for n, u in enumerate(UUIDS)
)
NONE: dict[str, str] = {}


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """A folder that comes first on the PATH, and a way to put Python programs into it."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    def put(name: str, code: str) -> Path:
        file = folder / name
        file.write_text(f"#!{sys.executable} -IS\n{textwrap.dedent(code)}")
        file.chmod(0o755)
        return file

    return put


@pytest.fixture(autouse=True)
def untried():
    gpus._TRIED.clear()
    yield
    gpus._TRIED.clear()


SMI = f"""
    import sys, time
    rows = {UUIDS!r}
    asked = {{a.partition("=")[0]: a.partition("=")[2] for a in sys.argv[1:]}}
    assert asked["--format"] == "csv,noheader,nounits", asked
    wanted = asked.get("--id", ",".join(rows)).split(",")
    known = {{
        "uuid": lambda n, t: rows[n],
        "index": lambda n, t: str(n),
        "name": lambda n, t: "NVIDIA H100 80GB HBM3",
        "memory.total": lambda n, t: "81559",
        "driver_version": lambda n, t: "550.54.15",
        "memory.used": lambda n, t: str([4, 1004, 504][min(t, 2)] + n),
        "utilization.gpu": lambda n, t: "[N/A]" if n == 3 else str([0, 100, 50][min(t, 2)]),
    }}
    for t in range(1000000 if "--loop-ms" in asked else 1):
        for n, uuid in enumerate(rows):
            if uuid in wanted:
                cells = [known[k](n, t) for k in asked["--query-gpu"].split(",")]
                print(", ".join(cells), flush=True)
        time.sleep(int(asked.get("--loop-ms", 0)) / 1000)
"""


def ids(choice: GpuChoice) -> list[str]:
    (asked,) = choice.arguments["device_requests"]
    return list(asked["DeviceIDs"])


def test_none_hides_all_of_them():
    choice = request(FACTS, 0)
    assert choice == GpuChoice() and choice.arguments == {}
    # images of CUDA ask for all GPUs, and an engine may have NVIDIA's runtime as its default
    assert choice.env["NVIDIA_VISIBLE_DEVICES"] == "void"
    assert choice.env["CUDA_VISIBLE_DEVICES"] == ""


def test_a_subset_is_numbered_from_zero_inside():
    choice = request(FACTS, 2, ["3", UUIDS[1]], found=FOUR, environ=NONE)
    assert (choice.how, choice.count, ids(choice)) == ("runtime", 2, [UUIDS[1], UUIDS[3]])
    assert choice.env["CUDA_VISIBLE_DEVICES"] == "0,1"
    assert choice.env["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"
    assert [g.index for g in choice.gpus] == [1, 3]
    assert ids(request(FACTS, 2, found=FOUR, environ=NONE)) == UUIDS[:2]
    assert ids(request(FACTS, 0, ["2"], found=FOUR, environ=NONE)) == [UUIDS[2]]


def test_the_user_s_own_limit_is_kept():
    """`CUDA_VISIBLE_DEVICES` is how batch systems hand out GPUs; CUDA stops at an unknown one."""
    for limit, expected in (
        ("2,3", [2, 3]),
        (f"{UUIDS[3]},{UUIDS[0][:9]}", [0, 3]),
        ("1,2,99,0", [1, 2]),
    ):
        choice = request(FACTS, 2, found=FOUR, environ={"CUDA_VISIBLE_DEVICES": limit})
        assert [g.index for g in choice.gpus] == expected
        assert choice.env["CUDA_VISIBLE_DEVICES"] == "0,1"
    for limit in ("", "-1", "NoDevFiles"):
        with pytest.raises(GpuUnavailable, match="0 may be used here") as told:
            request(FACTS, 1, found=FOUR, environ={"CUDA_VISIBLE_DEVICES": limit})
        assert repr(limit) in str(told.value)
    with pytest.raises(GpuUnavailable, match="no GPU '0' here"):
        request(FACTS, 1, ["0"], found=FOUR, environ={"CUDA_VISIBLE_DEVICES": "2"})
    mig = "MIG-11111111-2222-3333-4444-555555555555"
    choice = request(FACTS, 1, found=FOUR, environ={"CUDA_VISIBLE_DEVICES": mig})
    assert ids(choice) == [mig] and choice.env["CUDA_VISIBLE_DEVICES"] == "0"


@pytest.mark.parametrize(
    ("wanted", "devices", "why"),
    [
        (5, [], "5 GPUs are wanted, 4 may be used"),
        (1, ["7"], "no GPU '7' here"),
        (1, ["GPU-"], "no GPU 'GPU-' here"),
        (2, ["1"], "2 GPUs are wanted, but 1 are named"),
        (0, ["1", "1"], "named twice"),
    ],
)
def test_what_cannot_be_had(wanted, devices, why):
    with pytest.raises(GpuUnavailable, match=why) as told:
        request(FACTS, wanted, devices, found=FOUR, environ=NONE)
    assert told.value.fix


def test_which_way_an_engine_is_asked(tmp_path):
    (tmp_path / "nvidia.yaml").write_text('cdiVersion: "0.5.0"\nkind: nvidia.com/gpu\n')
    plain = replace(FACTS, runtimes=("runc",))
    described = replace(plain, cdi_dirs=(str(tmp_path), "/not/there"))
    podman = replace(plain, name="podman")
    for facts, how in ((FACTS, "runtime"), (plain, "runtime"), (described, "cdi"), (podman, "cdi")):
        choice = request(facts, 2, ["1", "3"], found=FOUR, environ=NONE)
        (asked,) = choice.arguments["device_requests"]
        assert choice.how == how
        if how == "cdi":
            assert asked["Driver"] == "cdi" and not asked["Capabilities"]
            assert asked["DeviceIDs"] == ["nvidia.com/gpu=1", "nvidia.com/gpu=3"]
        else:
            assert asked["Capabilities"] == [["gpu", "compute", "utility"]]
    # of another machine nothing is known: the engine counts
    (asked,) = request(FACTS, 2, environ=NONE).arguments["device_requests"]
    assert asked["Count"] == 2 and not asked["DeviceIDs"]
    assert ids(request(podman, 2, environ=NONE)) == ["nvidia.com/gpu=0", "nvidia.com/gpu=1"]


def no_gpu_here() -> None:
    if gpus.installed() or Path("/dev/nvidiactl").exists():
        pytest.skip("this machine has GPUs; here an engine must refuse them")


def leftovers(engine) -> list[str]:
    from autosota.server.containers.labels import OWNER, ROLE, owner

    told = {"label": [f"{ROLE}=probe", f"{OWNER}={owner()}"]}
    return [c["Id"] for c in engine.client.api.containers(all=True, filters=told)]


def test_what_a_real_engine_refuses_is_typed(engine, base_image):
    no_gpu_here()
    with pytest.raises(GpuUnavailable, match="has no GPU runtime") as told:
        choose(engine, base_image, 1)
    assert "nvidia-ctk runtime configure" in told.value.fix
    with pytest.raises(GpuUnavailable, match="has no GPU runtime"):
        choose(engine, base_image, 0, ["GPU-1"])
    assert leftovers(engine) == []
    choice = choose(engine, base_image, 2, fallback=True)
    assert choice.count == 0 and choice.arguments == {} and choice.env["CUDA_VISIBLE_DEVICES"] == ""
    assert "runs use the processor: the container engine has no GPU runtime" in choice.note
    assert choose(engine, base_image, 0) == GpuChoice()


def test_every_refusal_of_this_engine_is_understood(engine, base_image):
    from docker.errors import APIError
    from docker.types import DeviceRequest

    no_gpu_here()
    cdi = DeviceRequest(driver="cdi", device_ids=["nvidia.com/gpu=0"])
    amd = GpuChoice(1, (), "files", {"devices": ["/dev/kfd"]})
    for choice, why in (
        (GpuChoice(1, (), "cdi", {"device_requests": [cdi]}), "CDI device"),
        (GpuChoice(1, (), "runtime", {"runtime": "nvidia"}), "Unknown runtime specified nvidia"),
        (amd, "no such GPU"),
    ):
        container = None
        try:
            with pytest.raises(APIError) as refused:
                container = engine.client.containers.create(
                    base_image, ["true"], network_mode="none", **choice.arguments
                )
                container.start()
        finally:
            if container is not None:
                container.remove(force=True)
        meant = gpus.refusal(refused.value, choice)
        assert meant is not None and why in meant.why and meant.fix
    with pytest.raises(APIError) as refused:
        engine.client.containers.create("local/nothing:here", ["true"])
    assert gpus.refusal(refused.value, amd) is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (
            "failed to create task: OCI runtime create failed: error running hook: exit status 1, "
            "stderr: nvidia-container-cli: initialization error: nvml error: driver not loaded",
            "runtime failed",
        ),
        ("CDI device injection failed: unresolvable CDI devices nvidia.com/gpu=9", "no such CDI"),
    ],
)
def test_refusals_of_newer_engines(text, why):
    meant = gpus.refusal(RuntimeError(text), GpuChoice(1))
    assert meant is not None and why in meant.why


HOOK = f"""
    import json, os, subprocess, sys
    state = json.load(sys.stdin)
    with open(os.path.join(state["bundle"], "config.json")) as file:
        spec = json.load(file)
    env = dict(e.partition("=")[::2] for e in spec["process"]["env"])
    names = env["NVIDIA_VISIBLE_DEVICES"].split(",")
    known = {UUIDS!r}
    kind = os.environ.get("FAKE_HOOK", "")
    if kind == "all":
        names = known
    if kind == "nothing":
        names = []
    for name in names:
        if name not in known and not name.isdigit():
            sys.exit(f"nvidia-container-cli: device error: {{name}}: unknown device")
        number = known.index(name) if name in known else int(name)
        file = os.path.join(spec["root"]["path"], f"dev/nvidia{{number}}")
        make = f"touch {{file}} && chmod 666 {{file}}"
        subprocess.run(["nsenter", "-t", str(state["pid"]), "-m", "sh", "-c", make], check=True)
"""


def test_an_engine_with_gpus_gives_the_chosen_ones(daemon, programs, monkeypatch):
    """A real engine, with a hook that stands for NVIDIA's and makes files for devices."""
    programs("nvidia-smi", SMI)
    programs("nvidia-container-runtime-hook", HOOK)
    assert [(g.index, g.uuid, g.memory_bytes) for g in gpus.installed()] == [
        (g.index, g.uuid, g.memory_bytes) for g in FOUR
    ]
    with daemon().engine() as engine:
        image = tiny_image(engine)
        choice = choose(engine, image, 2, ["1", "3"], environ=NONE)
        assert [g.uuid for g in choice.gpus] == [UUIDS[1], UUIDS[3]]
        told = engine.client.containers.run(
            image,
            ["/bin/sh", "-c", "ls /dev; echo $CUDA_VISIBLE_DEVICES"],
            environment=dict(choice.env),
            network_mode="none",
            remove=True,
            **choice.arguments,
        ).decode()
        assert [x for x in told.split() if x.startswith("nvidia")] == ["nvidia1", "nvidia3"]
        assert told.split()[-1] == "0,1"
        listed = engine.client.api.containers(all=True)
        assert listed == []
        # tried once: the next run does not pay for it
        monkeypatch.setattr(gpus, "_try", lambda *a: pytest.fail("tried again"))
        assert choose(engine, image, 2, ["3", "1"], environ=NONE) == choice
        monkeypatch.undo()
        with pytest.raises(
            GpuUnavailable, match=r"NVIDIA's container runtime failed.*unknown device"
        ):
            gpus._try(engine, image, request(engine.facts, 0, ["GPU-x"], environ=NONE))


@pytest.mark.parametrize(("kind", "seen"), [("nothing", 0), ("all", 4)])
def test_an_engine_that_gives_something_else_is_found_out(daemon, programs, kind, seen):
    programs("nvidia-smi", SMI)
    programs("nvidia-container-runtime-hook", HOOK)
    with daemon(env={"FAKE_HOOK": kind}).engine() as engine:
        image = tiny_image(engine)
        with pytest.raises(GpuUnavailable, match=f"for 2 GPUs, but {seen} can be used inside"):
            choose(engine, image, 2, environ=NONE)
        assert engine.client.api.containers(all=True) == []


def test_amd_s_devices_and_their_group(engine, base_image, tmp_path, monkeypatch):
    """Device files of a made-up machine, given to a real container whose user is not root."""
    if os.geteuid() != 0 or engine.facts.rootless:
        pytest.skip("needs root to make device files")
    monkeypatch.setattr(gpus, "_ROOT", str(tmp_path))
    amd_machine(tmp_path)
    for name in ("kfd", "dri/renderD128", "dri/renderD130"):
        file = tmp_path / "dev" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        os.mknod(file, 0o660 | 0o020000, os.makedev(1, 3))
        os.chown(file, 0, 44044)
        file.chmod(0o660)
    found = gpus.installed() if not gpus._of_nvidia() else gpus._of_amd()
    assert [(g.index, g.name, g.files, g.memory_bytes) for g in found] == [
        (0, "gfx90a", ("/dev/dri/renderD128",), 2**36),
        (1, "gfx90a", ("/dev/dri/renderD130",), 2**36),
    ]
    choice = request(engine.facts, 1, ["1"], found=found, environ=NONE)
    assert choice.how == "files" and choice.arguments["group_add"] == ["44044"]
    assert choice.env["HIP_VISIBLE_DEVICES"] == choice.env["CUDA_VISIBLE_DEVICES"] == "0"
    gpus._try(engine, base_image, choice)
    without_group = {**choice.arguments, "group_add": []}
    with pytest.raises(GpuUnavailable, match="0 can be used inside"):
        gpus._try(engine, base_image, replace(choice, arguments=without_group))
    (tmp_path / "dev/kfd").unlink()
    with pytest.raises(GpuUnavailable, match="no such GPU"):
        gpus._try(engine, base_image, choice)
    with pytest.raises(GpuUnavailable, match="HIP_VISIBLE_DEVICES is '1'"):
        request(engine.facts, 2, found=found, environ={"HIP_VISIBLE_DEVICES": "1"})


def amd_machine(root: Path) -> None:
    """The kernel's files of a machine with one processor and two GPUs."""
    nodes = root / "sys/class/kfd/kfd/topology/nodes"
    for number, (simd, minor, name) in enumerate(
        [(0, 0, ""), (440, 128, "gfx90a"), (440, 130, "gfx90a")]
    ):
        node = nodes / str(number)
        node.mkdir(parents=True)
        (node / "properties").write_text(
            f"cpu_cores_count {0 if simd else 64}\nsimd_count {simd}\n"
            f"drm_render_minor {minor}\nunique_id {1000 + number}\n"
        )
        (node / "name").write_text(f"{name}\n")
        if simd:
            device = root / f"sys/class/drm/renderD{minor}/device"
            device.mkdir(parents=True)
            (device / "mem_info_vram_total").write_text(f"{2**36}\n")
            (device / "mem_info_vram_used").write_text(f"{2**30}\n")
            (device / "gpu_busy_percent").write_text("40\n")


def wait_for(reached, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline, "not within the time"
        threading.Event().wait(0.01)


def test_use_is_sampled_per_gpu(programs):
    programs("nvidia-smi", SMI)
    chosen = (FOUR[1], FOUR[3])
    with Sampler(chosen, 0.02) as sampler:
        wait_for(lambda: all(u.samples >= 3 for u in map(sampler._use, chosen)))
    one, three = sampler.stop()
    assert (one.uuid, one.name, one.driver) == (UUIDS[1], FOUR[1].name, "550.54")
    assert one.memory_before_bytes == 5 * 2**20 and one.peak_memory_bytes == 1005 * 2**20
    assert one.peak_utilisation == 1.0 and 0.3 < (one.mean_utilisation or 0) < 0.7
    # what a GPU does not tell (a MIG device, say) is unknown, not 0
    assert three.peak_memory_bytes == 1007 * 2**20 and three.mean_utilisation is None
    assert sampler.problem == ""


def test_sampling_that_fails_fails_nothing(programs, tmp_path, monkeypatch):
    with Sampler(()) as nothing:
        pass
    assert nothing.stop() == () and nothing._thread is None
    programs("nvidia-smi", "import sys; print('No devices were found'); sys.exit(6)")
    assert gpus.installed() == ()
    with Sampler(FOUR[:1], 0.02) as broken:
        wait_for(lambda: broken.problem)
    assert "ended by itself: No devices were found" in broken.problem
    assert broken.stop()[0].peak_memory_bytes is None and broken.stop()[0].samples == 0
    programs("nvidia-smi", "import time; time.sleep(600)")
    hanging = Sampler(FOUR[:1], 0.02)
    hanging.start()
    began = time.monotonic()
    assert hanging.stop()[0].samples == 0 and time.monotonic() - began < 2
    assert hanging._process is not None and hanging._process.poll() is not None
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    with Sampler(FOUR[:1]) as missing:
        pass
    assert "not on the PATH" in missing.problem


def test_no_thread_process_or_descriptor_is_left(programs):
    programs("nvidia-smi", SMI)
    before = set(os.listdir("/proc/self/fd")), threading.active_count()
    for _ in range(3):
        with Sampler(FOUR[:1], 0.02) as sampler:
            wait_for(lambda s=sampler: s._use(FOUR[0]).samples >= 1)
    assert (set(os.listdir("/proc/self/fd")), threading.active_count()) == before


def test_amd_s_use_comes_from_the_kernel_s_files(tmp_path, monkeypatch):
    amd_machine(tmp_path)
    monkeypatch.setattr(gpus, "_ROOT", str(tmp_path))
    monkeypatch.setattr(gpu_use, "_DRM", tmp_path / "sys/class/drm")
    found = gpus._of_amd()
    device = tmp_path / "sys/class/drm/renderD128/device"
    with Sampler(found, 0.01) as sampler:
        wait_for(lambda: sampler._use(found[0]).samples >= 1)
        (device / "mem_info_vram_used").write_text(f"{2**33}\n")
        wait_for(lambda: sampler._use(found[0]).peak_memory_bytes == 2**33)
    first, second = sampler.stop()
    assert first.memory_before_bytes == 2**30 and first.mean_utilisation == pytest.approx(0.4)
    assert second.peak_memory_bytes == 2**30
    for file in device.iterdir():
        file.unlink()
    with Sampler(found[:1], 0.01) as gone:
        wait_for(lambda: gone.problem)
    assert gone.stop()[0].samples == 0
