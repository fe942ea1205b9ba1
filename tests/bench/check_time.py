"""The time of `autosota check`: a file, an edit, a large package.

`python tests/bench/check_time.py FOLDER`, or the folder in `AUTOSOTA_LEAKAGE_DATA` (see
`leakage.py`); a package is read from `wheel/src` in it (an unpacked wheel of `transformers`).
Wall times are by `perf_counter` and hold the other load of the machine, so the load average and
the CPU times are printed beside them. Only the first check of new text counts: what an edit is
undone by is not timed.
"""

from __future__ import annotations

import gc
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from autosota.agents.check import Edit, Session, check

FILE_LINES = (300, 500)
LONG_LINES = 2000
EDITS = 200
MILLI = 1000.0


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of the values lie (nearest rank)."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


@dataclass
class Times:
    """Milliseconds that actions of one kind took."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def add(self, action: Callable[[], object]) -> None:
        """Do an action and note what it took."""
        wall, cpu = time.perf_counter(), time.process_time()
        action()
        self.cpu.append(MILLI * (time.process_time() - cpu))
        self.wall.append(MILLI * (time.perf_counter() - wall))

    def __str__(self) -> str:
        """As printed."""
        middle, late = statistics.median(self.wall), quantile(self.wall, 0.95)
        return (
            f"median {middle:.1f} ms, p95 {late:.1f} ms, slowest {max(self.wall):.1f} ms "
            f"(CPU {statistics.median(self.cpu):.1f}, {quantile(self.cpu, 0.95):.1f}, "
            f"{max(self.cpu):.1f})"
        )


def files(folder: Path) -> Iterator[str]:
    """Whole files of some 400 lines, checked in a warm process, each as one never seen."""
    texts = {}
    for path in sorted([*folder.glob("notebooks/*.py"), *folder.glob("scripts/*.py")]):
        content = path.read_bytes()
        if FILE_LINES[0] <= content.count(b"\n") <= FILE_LINES[1]:
            texts[path.name] = content
    for name, content in list(texts.items())[:5]:
        check(name, content)
    gc.collect()
    if not texts:
        yield "a file of some 400 lines: not measured, no such file in the folder"
        return
    times = Times()
    for name, content in texts.items():
        times.add(partial(check, name, content))
    slowest = list(texts)[times.wall.index(max(times.wall))]
    low, high = FILE_LINES
    yield f"a file of {low} to {high} lines, {len(texts)} real ones: {times}; {slowest}"


def long_script(folder: Path) -> bytes:
    """Real scripts, one after the other, until 2,000 lines."""
    parts: list[bytes] = []
    lines = 0
    for path in sorted(folder.glob("scripts/*.py")):
        content = path.read_bytes().rstrip() + b"\n"
        if lines + content.count(b"\n") <= LONG_LINES + 20:
            parts.append(content)
            lines += content.count(b"\n")
    return b"".join(parts)


def notebook_of(script: bytes) -> tuple[dict[str, object], list[list[str]]]:
    """The script as a notebook, a cell per block that an empty line precedes."""
    cells: list[list[str]] = [[]]
    for line in script.decode("utf-8", "replace").splitlines(keepends=True):
        top = bool(line.strip()) and not line[0].isspace() and line[0] not in ")]}'\""
        if top and len(cells[-1]) > 8 and not cells[-1][-1].strip():
            cells.append([])
        cells[-1].append(line)
    body = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}
    return body, cells


def with_cells(body: dict[str, object], cells: list[list[str]]) -> bytes:
    """The bytes of the notebook."""
    row: dict[str, object] = {
        "cell_type": "code",
        "metadata": {},
        "execution_count": None,
        "outputs": [],
    }
    return json.dumps({**body, "cells": [{**row, "source": c} for c in cells]}).encode()


def edits(folder: Path) -> Iterator[str]:
    """One line or cell changed in a document of 2,000 lines, findings up to date."""
    script = long_script(folder)
    if script.count(b"\n") < LONG_LINES * 0.9:
        yield "an edit in 2,000 lines: not measured, too few scripts in the folder"
        return
    chance = random.Random(0)
    session = Session("long.py")
    session.update(script)
    starts = [0, *(i + 1 for i, byte in enumerate(script[:-1]) if byte == 10)]
    times = Times()
    for n in range(EDITS):
        start = chance.choice(starts)
        end = script.find(b"\n", start)
        line = script[start:end]
        text = line + b"  # " + str(n).encode() if n % 2 else line.replace(b"(", b"(0 + ", 1)
        times.add(partial(session.update, Edit(start, end, text)))
        session.update(Edit(start, start + len(text), line))
    yield f"a line edited in a script of {script.count(10)} lines, {EDITS} edits: {times}"
    body, cells = notebook_of(script)
    session = Session("long.ipynb")
    session.update(with_cells(body, cells))
    times = Times()
    for n in range(EDITS):
        at = chance.randrange(len(cells))
        kept = cells[at]
        cells[at] = [*kept[:-1], kept[-1].rstrip("\n") + f"\nedited_{n} = {n}\n"]
        times.add(partial(session.update, with_cells(body, cells)))
        cells[at] = kept
        session.update(with_cells(body, cells))
    yield (
        f"a cell edited in a notebook of {script.count(10)} lines, {len(cells)} cells, "
        f"{EDITS} edits: {times}"
    )


def memory(pid: int) -> int:
    """Proportional set size of a process and its descendants, in bytes (Linux; 0 elsewhere)."""
    total, todo = 0, [pid]
    while todo:
        own = Path(f"/proc/{todo.pop()}")
        try:
            for line in (own / "smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += 1024 * int(line.split()[1])
            for task in (own / "task").iterdir():
                todo += map(int, (task / "children").read_text().split())
        except (OSError, ValueError):
            continue
    return total


def command(words: Sequence[str], folder: Path) -> tuple[str, int, str]:
    """Time and peak memory of a command as printed, its exit status, the end of its output.

    Its cache is beside `folder`, so that the first run of a copy is a cold one.
    """
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder.parent / "cache")}
    start, before, peak = time.perf_counter(), os.times(), 0
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            words, cwd=folder, stdout=output, stderr=subprocess.STDOUT, env=environment
        )
        while process.poll() is None:
            peak = max(peak, memory(process.pid))
            time.sleep(0.05)
        wall, after = time.perf_counter() - start, os.times()
        cpu = sum(after[2:4]) - sum(before[2:4])
        output.seek(max(0, output.seek(0, os.SEEK_END) - 300))
        said = f"{wall:.2f} s (CPU {cpu:.2f} s), peak {peak / 1e6:.0f} MB"
        return said, process.returncode, output.read().decode("utf-8", "replace")


def package(folder: Path) -> Iterator[str]:
    """A large package through the command: cold, warm, and other tools where installed."""
    source = folder / "wheel" / "src"
    if not source.is_dir():
        yield f"a package: not measured, {source} is missing (an unpacked wheel of transformers)"
        return
    count = sum(1 for _ in source.rglob("*.py"))
    program = [str(Path(sys.executable).with_name("autosota")), "check", "."]
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / "src"
        shutil.copytree(source, copy)
        for word in ("cold", "warm"):
            said, status, end = command(program, copy)
            if status not in (0, 1):
                yield f"{count} files, {word}: not measured, exit status {status}: {end[-200:]}"
                return
            yield f"{count} files, {word}: {said}"
        for other in ("ruff check --no-cache -q --exit-zero .", "pyflakes ."):
            name, *rest = other.split()
            tool = Path(sys.executable).with_name(name)
            if tool.is_file():
                yield f"  for comparison {name}: {command([str(tool), *rest], copy)[0]}"


def main(arguments: Sequence[str] = ()) -> None:
    """Print the times."""
    named = arguments[0] if arguments else os.environ.get("AUTOSOTA_LEAKAGE_DATA", "")
    folder = Path(named)
    if not named or not (folder / "scripts").is_dir():
        print("not measured: name the folder of the labelled files (see tests/bench/leakage.py)")
        return
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    for part in (files, edits, package):
        for line in part(folder):
            print(line, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
