"""`autosota doctor`: what this machine can do for campaigns, and what would fix what it cannot.

Tries things for real (bubblewrap, SQLite, writing) within short limits, changes nothing and
sends nothing. How the parts use what is found here is their own business.
"""

from __future__ import annotations

import errno
import importlib.metadata
import importlib.util
import os
import platform
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from autosota.agents.domain import Environment, Objective
from autosota.server.errors import UserError
from autosota.server.setup import machine
from autosota.server.setup.checks import Check, line, size
from autosota.server.setup.engines import Look
from autosota.server.workspace.root import STATE, has_objective

OLDEST_PYTHON = (3, 11)
OLDEST_GIT = (2, 25)
_GIB = 2**30


def diagnose(root: Path | None) -> list[Check]:
    """Look at this machine and, unless `root` is None, at a workspace on it.

    Every check ends within seconds; none raises.
    """
    objective, found = _objective(root)
    wanted = objective.environment if objective is not None else Environment()
    cards, problem = machine.gpus()
    look = Look(wanted, gpus=bool(cards)).start()
    version = _git()
    engine = look.ended()
    walls = _bubblewrap(contained=look.usable)
    checks = [
        _python(),
        version,
        walls,
        _cores(),
        _memory(objective),
        _disk(root, objective),
        _gpus(cards, problem, wanted.gpus, wanted.gpu_fallback),
        *engine,
        _network(objective, walled=walls.state == "ok" or look.usable),
        _tuner(),
        _key(),
    ]
    if root is None:
        return [*checks, _sqlite(Path(tempfile.gettempdir()), "the temporary folder")]
    return [*checks, *_models(root, objective), *_storage(root), found]


def _python() -> Check:
    version = platform.python_version()
    if sys.version_info[:2] < OLDEST_PYTHON:
        needed = ".".join(map(str, OLDEST_PYTHON))
        return Check("Python", "fail", f"{version} is too old", f"install Python {needed} or newer")
    return Check("Python", "ok", f"{version} ({sys.executable})")


def _git() -> Check:
    path = shutil.which("git")
    install = f"install it: {machine.install('git')}"
    if path is None:
        return Check("git", "fail", "not on the PATH; candidates are kept as commits", install)
    told = machine.ask([path, "--version"])
    version = machine.version(told.output)
    if told.problem or not version:
        return Check("git", "fail", f"{path}: {told.problem or 'tells no version'}", install)
    shown = ".".join(map(str, version))
    if version[:2] < OLDEST_GIT:
        needed = ".".join(map(str, OLDEST_GIT))
        return Check("git", "fail", f"{shown} is too old", f"install git {needed} or newer")
    return Check("git", "ok", shown)


def _bubblewrap(*, contained: bool) -> Check:
    from autosota.server.sandbox.bubblewrap import probe

    grade = f"runs {'outside of containers ' if contained else ''}are graded declared"
    if platform.system() != "Linux":
        detail = f"not on {platform.system()}: {grade}, not overlaid or sealed"
        return Check("bubblewrap", "warn", detail, "run campaigns on Linux (WSL 2 is Linux too)")
    tried = probe()
    if tried.works:
        return Check("bubblewrap", "ok", f"{tried.version}: runs are walled in, without network")
    fix = machine.bubblewrap_fix(installed=bool(tried.path))
    return Check("bubblewrap", "warn", f"{line(tried.why)}; {grade}", fix)


def _tuner() -> Check:
    """Numbers are tuned by Optuna where it is installed; else only catalogue steps are tried."""
    if importlib.util.find_spec("optuna") is None:
        detail = "not installed: numbers are not tuned, only the catalogue's steps are tried"
        return Check("Optuna", "warn", detail, "pip install 'autosota[tune]'")
    return Check("Optuna", "ok", importlib.metadata.version("optuna"))


def _cores() -> Check:
    cores = machine.cores()
    if cores < 2:
        return Check("cores", "warn", f"{cores:g} for runs", "give the machine more cores")
    return Check("cores", "ok", f"{cores:g} for runs")


def _memory(objective: Objective | None) -> Check:
    total, free = machine.memory()
    detail = f"{size(free)} free of {size(total)}"
    wanted = objective.environment.memory_bytes if objective is not None else 0
    if wanted > total:
        fix = f"set environment.memory to less than {size(total)}"
        return Check("memory", "fail", f"{detail}, a run may take {size(wanted)}", fix)
    if free < max(wanted, _GIB):
        return Check("memory", "warn", f"{detail}, which is little", "close other programs")
    return Check("memory", "ok", detail)


def _disk(root: Path | None, objective: Objective | None) -> Check:
    place = root if root is not None else Path.cwd()
    try:
        usage = shutil.disk_usage(place)
    except OSError as error:
        return Check("disk", "fail", f"{place}: {_reason(error)}", f"check the disk of {place}")
    detail = f"{size(usage.free)} free of {size(usage.total)} at {place}"
    wanted = objective.environment.disk_bytes if objective is not None else 0
    if usage.free < _GIB:
        return Check("disk", "fail", detail, f"free at least {size(_GIB)} on the disk of {place}")
    if usage.free < wanted:
        fix = f"free some disk space, or set environment.disk to less than {size(usage.free)}"
        return Check("disk", "warn", f"{detail}, a run may write {size(wanted)}", fix)
    return Check("disk", "ok", detail)


def _gpus(found: Sequence[str], problem: str, wanted: int, fallback: bool = False) -> Check:
    if fallback and wanted > len(found):
        detail = f"{len(found) or 'none'} found, environment.gpus is {wanted}"
        fix = "nothing: environment.gpu_fallback is true, runs use the processor"
        return Check("GPUs", "warn", detail, fix)
    if problem:
        fix = "make nvidia-smi work (driver and kernel module must match; restarting often helps)"
        return Check("GPUs", "fail" if wanted else "warn", problem, fix)
    if not found:
        if wanted:
            fix = "set environment.gpus = 0, or run on a machine with an NVIDIA GPU"
            return Check("GPUs", "fail", f"none found, environment.gpus is {wanted}", fix)
        return Check("GPUs", "ok", "none found: runs use the processor")
    listed = "; ".join(found)
    if wanted > len(found):
        fix = f"set environment.gpus to {len(found)} or less"
        return Check("GPUs", "fail", f"{listed}; environment.gpus is {wanted}", fix)
    if not wanted:
        return Check("GPUs", "ok", f"{listed}; runs do not see them (environment.gpus is 0)")
    return Check("GPUs", "ok", f"{listed}; visible in runs")


def _network(objective: Objective | None, *, walled: bool) -> Check:
    if objective is not None and objective.environment.network:
        return Check(
            "network",
            "warn",
            "environment.network is true: runs can send and fetch what they like",
            "set environment.network = false, after fetching the data once yourself",
        )
    if not walled:
        detail = "without bubblewrap or containers nothing keeps runs from the network"
        return Check("network", "warn", detail, "make one of them work (see above)")
    return Check("network", "ok", "runs have none")


def _key() -> Check:
    for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"):
        if os.environ.get(name, "").strip():
            return Check("model key", "ok", f"{name} is set; runs never see it")
    return Check("model key", "ok", "none set; everything works without")


def _models(root: Path, objective: Objective | None) -> list[Check]:
    """Which models would be asked, and at what price; nothing without an objective."""
    if objective is None:
        return []
    from autosota.server.setup.folder import FolderTree
    from autosota.server.setup.models import model_checks

    try:
        return model_checks(root, objective, FolderTree(root))
    except UserError as error:
        return [Check("models", "warn", line(error), "correct that, and look again")]


def _storage(root: Path) -> list[Check]:
    """Whether our state can be kept in the workspace: a temporary file is written and removed."""
    state = root / STATE
    if (state.exists() or state.is_symlink()) and (state.is_symlink() or not state.is_dir()):
        fix = f"move {state} away"
        return [Check("state", "fail", f"{state} is not a folder", fix)]
    place = state if state.is_dir() else root
    try:
        with tempfile.TemporaryDirectory(prefix=".autosota-doctor-", dir=place) as folder:
            return [
                Check("state", "ok", f"{state} can be written"),
                _sqlite(Path(folder), f"the disk of {place}"),
            ]
    except OSError as error:
        fixes = {
            errno.ENOSPC: f"free some space on the disk of {place}",
            errno.EDQUOT: "free some of your disk quota",
            errno.ENOENT: "name an existing folder",
        }
        fix = fixes.get(error.errno or 0, f"make {place} writable for you, or work on a copy")
        return [Check("state", "fail", f"{place} cannot be written: {_reason(error)}", fix)]


def _sqlite(folder: Path, where: str) -> Check:
    """Whether SQLite keeps a ledger here, and whether with a write-ahead log."""
    version = sqlite3.sqlite_version
    path = folder / f".autosota-doctor-{os.getpid()}.sqlite"
    try:
        with closing(sqlite3.connect(path, timeout=5)) as connection:
            mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
            connection.execute("CREATE TABLE t (x)")
            connection.execute("INSERT INTO t VALUES (1)")
            connection.commit()
    except sqlite3.Error as error:
        fix = "work on a local disk; network file systems often cannot lock files"
        return Check("SQLite", "fail", f"{version} cannot write on {where}: {line(error)}", fix)
    finally:
        for suffix in ("", "-wal", "-shm", "-journal"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
    if str(mode).lower() != "wal":
        fix = "work on a local disk to have faster and safer writes"
        return Check("SQLite", "warn", f"{version}, without WAL on {where}", fix)
    return Check("SQLite", "ok", f"{version}, with WAL on {where}")


def _objective(root: Path | None) -> tuple[Objective | None, Check]:
    """The objective of a workspace, if it has a valid one, and what there is to say of it."""
    if root is None:
        return None, Check("objective", "ok", "not looked at")
    if not has_objective(root):
        fix = f"autosota init {root}"
        return None, Check("objective", "warn", f"{root} has no autosota.toml yet", fix)
    from autosota.server.config import read_objective
    from autosota.server.setup.declarations import check_declarations
    from autosota.server.setup.folder import FolderTree

    fix = "correct that line of the objective"
    try:
        loaded = read_objective(root)
    except UserError as error:
        return None, Check("objective", "fail", line(error), fix)
    try:
        doubts = check_declarations(loaded, FolderTree(root), root)
    except UserError as error:
        return loaded.objective, Check("objective", "fail", line(error), fix)
    warnings = (*loaded.warnings, *doubts)
    objective = loaded.objective
    detail = f"{objective.direction.value} {objective.metric} of: {line(objective.command)}"
    if warnings:
        more = f" (and {len(warnings) - 1} more)" if len(warnings) > 1 else ""
        return objective, Check("objective", "warn", detail, f"{line(warnings[0])}{more}")
    return objective, Check("objective", "ok", detail)


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
