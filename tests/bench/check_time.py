"""The time of `autosota check`: a file, an edit, a large package.

`python tests/bench/check_time.py FOLDER`, or the folder in `AUTOSOTA_LEAKAGE_DATA` (see
`leakage.py`); a package is read from `wheel/src` in it (an unpacked wheel of `transformers`).
Times are wall times of this process, taken by `perf_counter`; other load of the machine is in
them, so the load average is printed.
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


def timed(action: Callable[[], object]) -> float:
    """Seconds that an action takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


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
    seconds = {name: timed(partial(check, name, content)) for name, content in texts.items()}
    values = [MILLI * v for v in seconds.values()]
    if not values:
        yield "a file of some 400 lines: not measured, no such file in the folder"
        return
    slowest = max(seconds, key=lambda n: seconds[n])
    yield (
        f"a file of {FILE_LINES[0]} to {FILE_LINES[1]} lines ({len(values)} real ones): "
        f"median {statistics.median(values):.1f} ms, p95 {quantile(values, 0.95):.1f} ms, "
        f"slowest {max(values):.1f} ms ({slowest})"
    )


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
    seconds = []
    for n in range(EDITS):
        start = chance.choice(starts)
        end = script.find(b"\n", start)
        line = script[start:end]
        text = line + b"  # " + str(n).encode() if n % 2 else line.replace(b"(", b"(0 + ", 1)
        seconds.append(timed(partial(session.update, Edit(start, end, text))))
        back = Edit(start, start + len(text), line)
        seconds.append(timed(partial(session.update, back)))
    values = [MILLI * v for v in seconds]
    yield (
        f"a line edited in a script of {script.count(10)} lines ({len(values)} edits): "
        f"median {statistics.median(values):.1f} ms, p95 {quantile(values, 0.95):.1f} ms, "
        f"slowest {max(values):.1f} ms"
    )
    body, cells = notebook_of(script)
    session = Session("long.ipynb")
    session.update(with_cells(body, cells))
    seconds = []
    for n in range(EDITS):
        at = chance.randrange(len(cells))
        kept = cells[at]
        cells[at] = [*kept[:-1], kept[-1].rstrip("\n") + f"\nedited_{n} = {n}\n"]
        for content in (with_cells(body, cells), None):
            if content is None:
                cells[at] = kept
                content = with_cells(body, cells)
            seconds.append(timed(partial(session.update, content)))
    values = [MILLI * v for v in seconds]
    yield (
        f"a cell edited in a notebook of {script.count(10)} lines, {len(cells)} cells "
        f"({len(values)} edits): median {statistics.median(values):.1f} ms, "
        f"p95 {quantile(values, 0.95):.1f} ms, slowest {max(values):.1f} ms"
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


def command(words: Sequence[str], folder: Path) -> tuple[float, int, int, str]:
    """Wall seconds, peak memory in bytes, exit status and end of the output of a command.

    Its cache is beside `folder`, so that the first run of a copy is a cold one.
    """
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder.parent / "cache")}
    start, peak = time.perf_counter(), 0
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            words, cwd=folder, stdout=output, stderr=subprocess.STDOUT, env=environment
        )
        while process.poll() is None:
            peak = max(peak, memory(process.pid))
            time.sleep(0.05)
        seconds = time.perf_counter() - start
        output.seek(max(0, output.tell() - 300))
        return seconds, peak, process.returncode, output.read().decode("utf-8", "replace")


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
            seconds, peak, status, end = command(program, copy)
            if status not in (0, 1):
                yield f"{count} files, {word}: not measured, exit status {status}: {end[-200:]}"
                return
            yield f"{count} files, {word}: {seconds:.2f} s, peak {peak / 1e6:.0f} MB"
        for other in ("ruff check --no-cache -q --exit-zero .", "pyflakes ."):
            name, *rest = other.split()
            tool = Path(sys.executable).with_name(name)
            if tool.is_file():
                seconds, peak, _, _ = command([str(tool), *rest], copy)
                yield f"  for comparison {name}: {seconds:.2f} s, peak {peak / 1e6:.0f} MB"


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
