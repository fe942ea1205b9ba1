"""Reading one declared metric from where the objective says it is: stdout or a file.

Files are only opened inside the run's own folders, never through a link, and up to a size.
What the values mean together is decided in `metrics.py`.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from autosota.agents.domain import MetricSource
from autosota.server.sandbox import disk, matching, metrics

FILE_BYTES = 32 * 2**20
"""A larger metric file is not read."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where a stage left things.

    `out` is `{run_dir}`, `checkout` the working folder, `log` what was printed, this stage's
    part of it from the byte `start` on; `scratch` is a folder of ours.
    """

    out: Path
    checkout: Path
    log: Path
    start: int
    scratch: Path


@dataclass(frozen=True, slots=True)
class Read:
    """A reading, with what masking must know: all texts a pattern matched, and the file."""

    found: metrics.Found
    every_text: tuple[str, ...] = ()
    file: Path | None = None


def read(source: MetricSource, origin: str, places: Places) -> Read:
    """Read one declared metric of one stage. What cannot be read says why."""
    name = source.name
    if source.source == "stdout":
        if source.pattern:
            return _matched(source, origin, places.log, places.start)
        if source.key:
            with places.log.open("rb") as file:
                file.seek(places.start)
                text = file.read(FILE_BYTES).decode("utf-8", "replace")
            return Read(metrics.from_json(name, text, source.key, origin))
        # a METRIC line: the stream's reader has it
        problem = f"no line `METRIC {name}=…` was printed"
        return Read(metrics.Found(name, origin, declared=False, problem=problem))
    where = place_of(source, places.out, places.checkout)
    if where is None:
        problem = f"{source.source} is not inside the run directory"
        return Read(metrics.Found(name, origin, problem=problem))
    try:
        content = disk.read_inside(where[0], where[1], FILE_BYTES)
    except FileNotFoundError:
        problem = f"{source.source} was not written"
        return Read(metrics.Found(name, origin, problem=problem))
    except OSError as error:
        problem = f"{source.source} cannot be read ({(error.strerror or str(error)).lower()})"
        return Read(metrics.Found(name, origin, problem=problem))
    path = where[0] / where[1]
    if source.pattern:
        with tempfile.NamedTemporaryFile(dir=places.scratch, prefix="metric-") as copy:
            copy.write(content)
            copy.flush()
            matched = _matched(source, origin, Path(copy.name), 0)
        return Read(matched.found, matched.every_text, path)
    if source.key:
        text = content.decode("utf-8-sig", "replace")
        return Read(metrics.from_json(name, text, source.key, origin), file=path)
    lines = metrics.MetricLines()
    lines.feed(content)
    lines.end()
    return Read(metrics.Found(name, origin, tuple(lines.texts.get(name, ()))), file=path)


def place_of(source: MetricSource, out: Path, checkout: Path) -> tuple[Path, str] | None:
    """The folder, and the path below it, that a file source means; None when it is outside.

    A relative path starts at the checkout, where the command runs.
    """
    if source.source == "stdout":
        return None
    named = os.path.normpath(source.source.replace("{run_dir}", str(out)))
    for folder in (out, checkout):
        if named.startswith(f"{folder}/"):
            return folder, named[len(str(folder)) + 1 :]
    if os.path.isabs(named) or named.startswith("../") or named in ("..", "."):
        return None
    return checkout, named


def _matched(source: MetricSource, origin: str, path: Path, start: int) -> Read:
    found = matching.matches(source.pattern, path, start)
    texts = () if found.last is None else (found.last,)
    problem = found.problem or ("" if texts else "its pattern matches nothing")
    one = metrics.Found(source.name, origin, texts, series=True, problem=problem)
    return Read(one, found.texts)
