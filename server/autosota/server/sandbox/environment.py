"""The Python environment of a campaign: an interpreter the user names, or one we build.

Managed environments live in the user's cache, one per set of requirements and Python version,
shared by campaigns. An environment without its marker was not finished and is built anew.
`rebuilt` makes one a second time, from nothing, for a control.
Where the requirements come from is `requirements.py`'s business; runs are not known here.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shlex
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from autosota.agents.domain import Objective, Outcome
from autosota.agents.protocols import Tree
from autosota.server.errors import UserError
from autosota.server.sandbox import disk, interpreter, requirements
from autosota.server.sandbox.interpreter import Interpreter
from autosota.server.sandbox.launch import Launch, Limits, Stop, clean
from autosota.server.sandbox.permute import ControlNotPossible
from autosota.server.sandbox.process import ProcessLauncher

MARKER = "autosota-complete.json"
BUILD_SECONDS = 3600.0
_CREDENTIALS = re.compile(r"(?<=://)[^/\s@]+@")
_TOKENS = re.compile(r"(?i)\b(token|password|passwd|api[_-]?key|secret)=[^\s&]+")
_FOR_PIP = re.compile(
    r"PATH|HOME|USER|LOGNAME|TMPDIR|LANG|LC_.*|XDG_.*|PIP_.*|SSL_CERT_(FILE|DIR)|CURL_CA_BUNDLE"
    r"|REQUESTS_CA_BUNDLE|(https?|no|all|ftp)_proxy|NETRC|CC|CXX|CFLAGS|CXXFLAGS|LDFLAGS"
    r"|CUDA_HOME|LD_LIBRARY_PATH|UV_.*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class PreparedEnvironment:
    """An interpreter that is ready, the folders it needs, and the hash of what it holds.

    With an `image` (the id of a container image) the interpreter is inside of that.
    """

    python: Path
    folders: tuple[Path, ...]
    hash: str
    interpreter: Interpreter
    notes: tuple[str, ...] = ()
    image: str = ""


def prepare(
    objective: Objective,
    root: Path,
    tree: Tree,
    on_line: Callable[[str], None] | None = None,
    *,
    stop: Stop | None = None,
    environ: Mapping[str, str] | None = None,
    limit_seconds: float = BUILD_SECONDS,
) -> PreparedEnvironment:
    """Find or build the environment of an objective; blocks while it is built.

    Args:
        objective: Names an interpreter, or requirements.
        root: The workspace; a relative `environment.python` starts here.
        tree: The base commit, whose requirement files count.
        on_line: Gets progress, line by line.
        stop: Ends a build.
        environ: The user's variables (default: this process's); only what pip needs is used.
        limit_seconds: How long a build, or waiting for another one, may take.

    Raises:
        UserError: the interpreter does not work, or the build failed.
    """
    say = on_line or (lambda _: None)
    notes: tuple[str, ...] = ()
    if objective.environment.python:
        python = Path(os.path.expanduser(objective.environment.python))
        python = python if python.is_absolute() else root / python
    else:
        needed = requirements.gather(objective.environment, tree)
        notes = needed.notes
        variables = dict(os.environ if environ is None else environ)
        python = _managed(needed, variables, say, stop, limit_seconds)
    return _inspected(python, root, notes)


@contextlib.contextmanager
def rebuilt(
    objective: Objective,
    root: Path,
    tree: Tree,
    on_line: Callable[[str], None] | None = None,
    *,
    stop: Stop | None = None,
    environ: Mapping[str, str] | None = None,
    limit_seconds: float = BUILD_SECONDS,
) -> Iterator[PreparedEnvironment]:
    """The managed environment built once more, in a folder of its own without any cache.

    The folder is there while the body runs, and removed afterwards; what a killed driver left
    is removed by the next. The arguments are those of `prepare`.

    Raises:
        ControlNotPossible: the objective names an interpreter, or the build failed.
    """
    if objective.environment.python:
        raise ControlNotPossible(
            f"environment.python = {objective.environment.python!r}: an existing interpreter "
            "cannot be rebuilt; leave it empty for a managed environment"
        )
    say = on_line or (lambda _: None)
    needed = requirements.gather(objective.environment, tree)
    variables = {**(os.environ if environ is None else environ), "PIP_NO_CACHE_DIR": "1"}
    cache, name = _cache(variables), f"fresh-{_name(_identity(needed))}"
    folder, deadline = cache / name, time.monotonic() + limit_seconds
    with contextlib.ExitStack() as owned:
        try:
            cache.mkdir(parents=True, exist_ok=True)
            owned.enter_context(locked(cache / f"{name}.lock", deadline, say, stop))
            owned.callback(disk.remove, folder)
            disk.remove(folder)
            _build(folder, needed, variables, say, stop, deadline)
            ready = _inspected(folder / "bin" / "python", root, needed.notes)
        except OSError as error:
            raise ControlNotPossible(
                f"{folder}: a fresh environment cannot be written ({error.strerror or error})"
            ) from error
        except UserError as error:
            raise ControlNotPossible(f"no fresh environment: {error}") from error
        yield ready


def _inspected(python: Path, root: Path, notes: tuple[str, ...]) -> PreparedEnvironment:
    """What an interpreter holds, and the hash of it: Python's version and the packages'."""
    found = interpreter.inspect(python)
    shown = interpreter.folders(found, root)
    hidden = [
        p
        for p in found.search_path
        if p
        and not any(Path(os.path.realpath(p)).is_relative_to(os.path.realpath(f)) for f in shown)
        and os.path.exists(p)
    ]
    notes += tuple(
        f"{p} is on the path of {python} but outside of it: runs do not see it" for p in hidden
    )
    return PreparedEnvironment(found.executable, shown, digest_of(found), found, notes)


def redact(text: str) -> str:
    """Text without credentials in URLs and `token=` pairs."""
    return _TOKENS.sub(r"\1=***", _CREDENTIALS.sub("***@", text))


def pip_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """What pip may have of a user's variables: indexes, proxies, certificates, compilers."""
    variables = {k: v for k, v in environ.items() if _FOR_PIP.fullmatch(k)}
    return variables | {"PYTHONDONTWRITEBYTECODE": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def digest_of(found: Interpreter, *more: str) -> str:
    """The hash of an environment: Python's version, the packages', and `more`."""
    identity = [found.implementation, found.version, sorted(found.packages.items()), *more]
    return hashlib.sha256(json.dumps(identity).encode()).hexdigest()


def _managed(
    needed: requirements.Requirements,
    environ: Mapping[str, str],
    say: Callable[[str], None],
    stop: Stop | None,
    limit_seconds: float,
) -> Path:
    identity = _identity(needed)
    name, cache = _name(identity), _cache(environ)
    try:
        cache.mkdir(parents=True, exist_ok=True)
        folder = cache / name
        python = folder / "bin" / "python"
        deadline = time.monotonic() + limit_seconds
        with locked(cache / f"{name}.lock", deadline, say, stop):
            if (folder / MARKER).is_file() and python.exists():
                return python
            disk.remove(folder)
            try:
                _build(folder, needed, environ, say, stop, deadline)
            except BaseException:
                disk.remove(folder)
                raise
            # the marker is the last thing written: without it a folder is never used
            part = folder / f"{MARKER}.part"
            part.write_text(identity, encoding="utf-8")
            os.replace(part, folder / MARKER)
            return python
    except OSError as error:
        raise UserError(
            f"{cache}: the managed environment cannot be written ({error.strerror or error}); "
            "free some space, set XDG_CACHE_HOME, or name an interpreter in environment.python"
        ) from error


def _identity(needed: requirements.Requirements) -> str:
    version = ".".join(str(n) for n in sys.version_info[:3])
    return json.dumps(
        [1, version, sys.implementation.cache_tag, needed.main, sorted(needed.files.items())]
    )


def _name(identity: str) -> str:
    return hashlib.sha256(identity.encode()).hexdigest()[:20]


def _cache(environ: Mapping[str, str]) -> Path:
    home = environ.get("HOME") or str(Path.home())
    return Path(environ.get("XDG_CACHE_HOME") or Path(home, ".cache")) / "autosota" / "envs"


def _build(
    folder: Path,
    needed: requirements.Requirements,
    environ: Mapping[str, str],
    say: Callable[[str], None],
    stop: Stop | None,
    deadline: float,
) -> None:
    base = getattr(sys, "_base_executable", None) or sys.executable
    variables = pip_variables(environ) | {"AUTOSOTA_RUN_DIR": str(folder)}
    with tempfile.TemporaryDirectory(prefix="autosota-env-") as made:
        work = Path(made)
        (work / "req").mkdir()
        for path, text in needed.files.items():
            disk.write_inside(work / "req", path, text.encode())
        steps = [
            [base, "-I", "-m", "venv", *([] if needed.main else ["--without-pip"]), str(folder)]
        ]
        if needed.main:
            pip = [str(folder / "bin" / "python"), "-I", "-m", "pip", "install"]
            steps.append([*pip, "--no-input", "--progress-bar", "off", "-r", needed.main])
        say(f"building the environment {folder.name}")
        for step in steps:
            _step(step, work, variables, say, stop, deadline, needed.main)


def _step(
    step: list[str],
    work: Path,
    variables: Mapping[str, str],
    say: Callable[[str], None],
    stop: Stop | None,
    deadline: float,
    main: str,
) -> None:
    limits = Limits(max(1.0, deadline - time.monotonic()))
    launch = Launch(shlex.join(step), work / "req", variables, (), limits)
    logs = {"stdout": work / "stdout.log", "stderr": work / "stderr.log"}
    done = ProcessLauncher().launch(
        launch, logs, stop=stop, on_line=lambda _, line: say(redact(clean(line)))
    )
    if done.outcome in (Outcome.OK, Outcome.LEFT_PROCESSES):
        return
    lines = [
        redact(clean(line))
        for log in ("stderr", "stdout")
        for line in logs[log].read_text("utf-8", "replace").splitlines()
        if clean(line)
    ]
    errors = [line for line in lines if "error" in line.lower()] or lines
    tail = "; ".join(errors[-3:])[-600:]
    raise UserError(
        f"{main or 'environment'}: the managed environment could not be built "
        f"({tail or redact(done.reason)}); mend the requirements, or name an "
        "interpreter in environment.python"
    )


@contextlib.contextmanager
def locked(
    path: Path, deadline: float, say: Callable[[str], None], stop: Stop | None
) -> Iterator[None]:
    """Hold a lock file; waits for another build of the same environment."""
    with path.open("w") as file:
        told = False
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not told:
                    say("another process builds this environment: waiting for it")
                    told = True
                if time.monotonic() > deadline or (stop is not None and stop.pressed):
                    raise UserError(
                        f"{path}: another process holds this environment; wait for it, or end it"
                    ) from None
                time.sleep(0.1)
        yield
