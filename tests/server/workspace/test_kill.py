"""The user's repository after a SIGKILL at any instant: as if we had never been there."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from autosota.server.workspace.store import GitWorkspace

_WORK = """
import sys
from pathlib import Path
from autosota.server.workspace.store import GitWorkspace

root, out = Path(sys.argv[1]), Path(sys.argv[2])
print("ready", flush=True)
with GitWorkspace(root) as workspace:
    base = workspace.snapshot(("data/**",)).commit
    new = workspace.commit(base, {"train.py": b"better\\n"}, "idea")
    workspace.diff(base, new)
    workspace.checkout(new, out)
    workspace.keep("c/best", new)
print(base, new, flush=True)
"""


def test_killed_at_random_instants(
    repo: Path, tmp_path: Path, untouched: Callable[[Path], object]
) -> None:
    for number in range(300):
        (repo / "src" / f"m{number}.py").write_bytes(b"x = %d\n" % number)
    (repo / "data").mkdir()
    (repo / "data" / "a.csv").write_bytes(b"1\n")
    before = untouched(repo)
    chance = random.Random(7)
    length = 0.3
    ends: set[str] = set()
    for number in range(9):
        out = tmp_path / f"out{number}"
        with subprocess.Popen(
            [sys.executable, "-c", _WORK, str(repo), str(out)], stdout=subprocess.PIPE, text=True
        ) as victim:
            assert victim.stdout is not None and victim.stdout.readline() == "ready\n"
            if number == 0:  # undisturbed, to learn how long it takes
                start = time.monotonic()
                assert victim.wait(timeout=60) == 0
                length = time.monotonic() - start
            else:
                time.sleep(chance.uniform(0, length))
                victim.send_signal(signal.SIGKILL)
            ends.add(victim.stdout.read())
        assert untouched(repo) == before
        assert not out.exists() or (out / "train.py").read_bytes() == b"better\n"
    finished = ends - {""}
    assert len(finished) == 1  # the same ids each time
    with GitWorkspace(repo) as workspace:
        base, new = finished.pop().split()
        assert workspace.snapshot(("data/**",)).commit == base
        assert workspace.commit(base, {"train.py": b"better\n"}, "idea") == new
        workspace.checkout(new, tmp_path / "last")
