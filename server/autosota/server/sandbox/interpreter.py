"""What one Python interpreter says of itself: version, folders, packages.

One short process per interpreter. Knows nothing of virtual environments we build, of
sandboxes or of experiments.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from autosota.server.errors import UserError

QUESTION = """
import json, platform, sys
from importlib.metadata import distributions
found = {}
for item in distributions():
    name = item.metadata["Name"]
    if name:
        found.setdefault(name.lower().replace("_", "-"), item.version)
print("\\n" + json.dumps({
    "executable": sys.executable, "version": platform.python_version(), "path": sys.path,
    "implementation": sys.implementation.name, "packages": found,
    "prefixes": [sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix],
}))
"""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """One interpreter. `packages` are versions by normalised name."""

    executable: Path
    version: str
    implementation: str
    prefixes: tuple[Path, ...]
    search_path: tuple[str, ...]
    packages: Mapping[str, str]


def inspect(python: Path, timeout_seconds: float = 60.0) -> Interpreter:
    """Ask an interpreter about itself.

    Raises:
        UserError: it cannot be run, or is no Python 3.
    """
    # isolated: neither the working folder nor the user's variables colour the answer
    try:
        done = subprocess.run(
            [str(python), "-I", "-c", QUESTION],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout_seconds,
            check=False,
            cwd="/",
            env={"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"},
        )
        return understood(done.stdout)
    except FileNotFoundError:
        raise UserError(
            f"environment.python = {str(python)!r}: there is no such file; name an interpreter, "
            "or leave it empty for a managed environment"
        ) from None
    except subprocess.TimeoutExpired:
        raise UserError(f"environment.python = {str(python)!r} does not answer") from None
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise UserError(
            f"environment.python = {str(python)!r} is not a Python 3 interpreter that can be run "
            f"({error}); name another one, or leave it empty for a managed environment"
        ) from error


def understood(answer: bytes) -> Interpreter:
    """The answer to `QUESTION`, which is the last line.

    Raises:
        ValueError, LookupError, TypeError: it is none.
    """
    told = json.loads(answer.decode("utf-8", "replace").strip().splitlines()[-1])
    return Interpreter(
        Path(told["executable"]),
        told["version"],
        told["implementation"],
        tuple(Path(p) for p in dict.fromkeys(told["prefixes"])),
        tuple(told["path"]),
        dict(sorted(told["packages"].items())),
    )


def folders(interpreter: Interpreter, root: Path) -> tuple[Path, ...]:
    """The folders a sandbox must show for this interpreter to work, and no more.

    A prefix that holds the workspace or the user's home (`python -m venv .`) is not shown
    whole, only what belongs to the interpreter in it.
    """
    wide = [Path(os.path.realpath(p)) for p in (root, Path.home())]
    out: dict[Path, None] = {}
    for prefix in interpreter.prefixes:
        if any(w.is_relative_to(os.path.realpath(prefix)) for w in wide):
            for name in ("bin", "lib", "lib64", "include", "share/jupyter", "pyvenv.cfg"):
                if (prefix / name).exists():
                    out[prefix / name] = None
        else:
            out[prefix] = None
    # the executable is often a chain of links, which may lead through other places
    link = interpreter.executable
    for _ in range(20):
        if not any(link.is_relative_to(p) for p in out):
            out[link] = None
        if not link.is_symlink():
            break
        link = Path(os.path.normpath(link.parent / os.readlink(link)))
    return tuple(out)
