"""What code in a kernel cannot reach. One kernel, many attempts."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.server.kernels.conftest import Jupyter, Kernel


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace beside a file that is nobody's business."""
    folder = tmp_path_factory.mktemp("inside")
    (folder / "precious").write_text("mine")
    work = folder / "work"
    (work / ".git/hooks").mkdir(parents=True)
    (work / ".git/HEAD").write_text("ref: refs/heads/main\n")
    (work / ".autosota").mkdir()
    (work / ".autosota/ledger.sqlite").write_text("claims")
    (work / "autosota.toml").write_text("[objective]\n")
    for path in (work, *work.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o666)
    return work


@pytest.fixture(scope="module")
def inside(place: Path, kernel_image: str, tmp_path_factory) -> Iterator[Kernel]:
    folder = tmp_path_factory.mktemp("jupyter")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PATH", str(folder))
        patch.setenv("AUTOSOTA_TEST_TOKEN", "sk-secret")
        jupyter = Jupyter(folder, kernel_image, place)
        jupyter.spec()
        with jupyter.kernel() as kernel:
            yield kernel


def test_there_is_no_network(inside: Kernel):
    assert inside.run("import os; print(os.listdir('/sys/class/net'))") == "['lo']\n"
    out = inside.run(
        "import socket\n"
        "try: socket.create_connection(('192.0.2.1', 80), 2)\n"
        "except OSError as error: print(error.strerror)"
    )
    assert out == "Network is unreachable\n"


def test_there_is_no_engine(inside: Kernel):
    out = inside.run(
        "import os, stat\n"
        "found = []\n"
        "for folder, _, files in os.walk('/'):\n"
        "    if folder.startswith(('/proc', '/sys')): continue\n"
        "    for file in files:\n"
        "        path = os.path.join(folder, file)\n"
        "        if stat.S_ISSOCK(os.lstat(path).st_mode): found.append(path)\n"
        "print(sorted(found))"
    )
    assert out == str([f"/run/autosota/k-{n}" for n in range(1, 6)]) + "\n"


def test_there_are_no_files_of_this_machine(inside: Kernel, place: Path):
    assert inside.run(f"import os; print(os.listdir({str(place.parent)!r}))") == "['work']\n"
    out = inside.run("print([l.split()[3:5] for l in open('/proc/self/mountinfo')])")
    sources = [source for source, _ in eval(out)]
    assert str(place.parent) not in sources
    out = inside.run(f"open({str(place.parent / 'precious')!r})")
    assert out.startswith("FileNotFoundError")
    if os.getuid() == 0:
        assert inside.run("import os; print(os.path.exists('/root/.ssh'))") == "False\n"


def test_there_is_no_token(inside: Kernel):
    out = inside.run(
        "import glob\n"
        "seen = b''\n"
        "for path in glob.glob('/proc/[0-9]*/environ') + glob.glob('/proc/[0-9]*/cmdline'):\n"
        "    try: seen += open(path, 'rb').read()\n"
        "    except OSError: pass\n"
        "print(b'sk-secret' in seen, len(seen) > 100)"
    )
    assert out == "False True\n"


@pytest.mark.parametrize(
    "path",
    [
        *("/etc/x", "/usr/lib/python3/x", "/opt/autosota/x", "/run/x", "/var/tmp/x", "/x"),
        *("/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/sys/kernel/uevent_helper"),
        *("WORK/.git/hooks/pre-commit", "WORK/.git/config", "WORK/.autosota/x"),
        *("WORK/autosota.toml", "WORK/../precious", "/sys/fs/cgroup/memory/x"),
    ],
)
def test_nothing_is_written_outside(inside: Kernel, place: Path, path: str):
    path = path.replace("WORK", str(place))
    out = inside.run(f"open({path!r}, 'w').write('x')")
    assert out.startswith(("OSError", "PermissionError", "FileNotFoundError")), out


def test_git_can_be_read_and_our_state_cannot(inside: Kernel, place: Path):
    assert inside.run("print(open('.git/HEAD').read())") == "ref: refs/heads/main\n\n"
    assert inside.run("import os; print(os.listdir('.autosota'))") == "[]\n"
    assert (place / ".autosota/ledger.sqlite").read_text() == "claims"


def test_protected_folders_cannot_be_moved_away(inside: Kernel):
    out = inside.run(
        "import os\n"
        "for name in ('.git', '.autosota', 'autosota.toml'):\n"
        "    try: os.rename(name, 'other')\n"
        "    except OSError as error: print(error.strerror)"
    )
    assert out == "Device or resource busy\n" * 3


def test_there_is_no_privilege_and_none_to_gain(inside: Kernel):
    out = inside.run(
        "print([l.split()[1] for l in open('/proc/self/status')"
        " if l.startswith(('CapEff', 'CapBnd', 'CapPrm', 'NoNewPrivs', 'Seccomp:'))])"
    )
    effective = eval(out)
    assert [int(value, 16) for value in effective[:3]] == [0, 0, 0]
    assert effective[3:] == ["1", "2"]
    assert inside.run("import os; os.setuid(0)").startswith("PermissionError")
    assert inside.run("import os; print(os.getuid() == 0)") == "False\n"


def test_devices_and_namespaces_cannot_be_made(inside: Kernel):
    out = inside.run("import os, stat; os.mknod('/tmp/sda', 0o600 | stat.S_IFBLK, 8 << 8)")
    assert out.startswith("PermissionError")
    out = inside.run(
        "import ctypes, os\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "for flag in (0x10000000, 0x00020000):\n"
        "    print(libc.unshare(flag), os.strerror(ctypes.get_errno()))\n"
        "print(libc.mount(b'none', b'/tmp', b'tmpfs', 0, None), os.strerror(ctypes.get_errno()))"
    )
    assert out == "-1 Operation not permitted\n" * 3


def test_its_processes_are_alone(inside: Kernel):
    out = inside.run("import os; print(len([p for p in os.listdir('/proc') if p.isdigit()]))")
    assert int(out) <= 3


def test_programs_may_be_started_from_tmp(inside: Kernel):
    """torch.compile, Triton and Numba do."""
    out = inside.run(
        "import os, subprocess\n"
        "open('/tmp/tool', 'w').write('#!/bin/sh\\necho runs')\n"
        "os.chmod('/tmp/tool', 0o755)\n"
        "print(subprocess.run(['/tmp/tool'], capture_output=True, text=True).stdout)"
    )
    assert out == "runs\n\n"
