"""The environment variables and the command line of one run, built from nothing.

Only names on a list here pass from the user's variables into a run; tokens never do. Pure
functions over mappings and strings.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from autosota.agents.domain import Environment
from autosota.server.sandbox.launch import Mount

_PASSED = re.compile(
    r"(OMP|MKL|OPENBLAS|BLIS|VECLIB|NUMEXPR|GOTO|TBB|RAYON|NUMBA)_(NUM_|MAX_)?(THREADS|DYNAMIC)"
    r"|OPENBLAS_CORETYPE|OMP_(PROC_BIND|PLACES|WAIT_POLICY|SCHEDULE)|MKL_(CBWR|DYNAMIC)"
    r"|KMP_(AFFINITY|BLOCKTIME|DUPLICATE_LIB_OK)|LD_LIBRARY_PATH|TZ"
)
_PASSED_WITH_GPU = re.compile(
    r"CUDA_(VISIBLE_DEVICES|HOME|PATH|DEVICE_ORDER|LAUNCH_BLOCKING)|CUBLAS_WORKSPACE_CONFIG"
    r"|NVIDIA_(VISIBLE_DEVICES|TF32_OVERRIDE)|(HIP|ROCR)_VISIBLE_DEVICES|NCCL_(DEBUG|P2P_DISABLE)"
    r"|XLA_PYTHON_CLIENT_(PREALLOCATE|MEM_FRACTION)"
)
_PATHS = frozenset({"LD_LIBRARY_PATH", "CUDA_HOME", "CUDA_PATH"})
_THREADS = ("MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
_SYSTEM_PATH = "/usr/local/cuda/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_CACHES = {"HF_HOME": "huggingface", "TORCH_HOME": "torch", "KERAS_HOME": "../.keras"}
_SECRETS_IN_CACHES = ("token", "stored_tokens", ".netrc")
_OFFLINE = ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE")


def variables(
    environ: Mapping[str, str],
    environment: Environment,
    *,
    programs: Sequence[Path],
    checkout: Path,
    run_dir: Path,
    home: Path,
    temporary: Path,
    seed: int,
    contained: bool = False,
) -> dict[str, str]:
    """All variables of a run.

    Args:
        environ: The user's variables, of which a few pass.
        environment: The objective's `[environment]`.
        programs: Folders that come first on the PATH.
        checkout: Where the repository's code is; first on Python's path, then its `src`.
        run_dir: The folder for results.
        home: An empty home.
        temporary: A folder for temporary files.
        seed: The seed of the run.
        contained: The run sees another system than this one: no path of here means anything
            there, and its user has no name.
    """
    out = {k: v for k, v in environ.items() if _PASSED.fullmatch(k)}
    if environment.gpus:
        out |= {k: v for k, v in environ.items() if _PASSED_WITH_GPU.fullmatch(k)}
    else:
        out["CUDA_VISIBLE_DEVICES"] = ""
    if not environment.network:
        out |= dict.fromkeys(_OFFLINE, "1")
    for name in environment.caches:
        folder = cache_folder(name, environ)
        if folder is not None:
            out[name] = str(folder)
    if contained:
        out = {k: v for k, v in out.items() if k not in _PATHS} | {"USER": "autosota"}
    code = [checkout, *([checkout / "src"] if (checkout / "src").is_dir() else [])]
    return out | {
        "PATH": os.pathsep.join([*(str(p) for p in programs), _SYSTEM_PATH]),
        "HOME": str(home),
        "TMPDIR": str(temporary),
        "LANG": "C.UTF-8",
        "PYTHONPATH": os.pathsep.join(str(p) for p in code),
        "PYTHONHASHSEED": str(seed % 2**32),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "MPLBACKEND": "Agg",
        "AUTOSOTA_SEED": str(seed),
        "AUTOSOTA_RUN_DIR": str(run_dir),
    }


def threads(environ: Mapping[str, str], cpus: int) -> dict[str, str]:
    """How many threads numeric libraries start: what the user says, else one per processor.

    They count the machine's processors, not those that a run may use, and results depend on the
    number: it is the same for all runs of a campaign, and stands in their receipts.
    """
    usual = environ.get("OMP_NUM_THREADS") or str(cpus)
    out = {k: v for k, v in environ.items() if _PASSED.fullmatch(k) and k.endswith("_THREADS")}
    return {"OMP_NUM_THREADS": usual, **dict.fromkeys(_THREADS, usual), **out}


def cache_folder(name: str, environ: Mapping[str, str]) -> Path | None:
    """The folder a cache variable means, by its value or its usual place; None if missing."""
    value = environ.get(name)
    if not value and name in _CACHES:
        home = environ.get("HOME") or str(Path.home())
        base = environ.get("XDG_CACHE_HOME") or os.path.join(home, ".cache")
        value = os.path.normpath(os.path.join(base, _CACHES[name]))
    folder = Path(os.path.expanduser(value)) if value else None
    return folder.resolve() if folder is not None and folder.is_dir() else None


def cache_mounts(
    names: Sequence[str], environ: Mapping[str, str]
) -> tuple[tuple[Mount, ...], tuple[Path, ...]]:
    """The declared caches as read-only mounts, and the secrets in them that must be hidden."""
    folders = [f for f in (cache_folder(n, environ) for n in names) if f is not None]
    mounts = tuple(Mount(folder, folder) for folder in dict.fromkeys(folders))
    secrets = [m.source / name for m in mounts for name in _SECRETS_IN_CACHES]
    return mounts, tuple(path for path in secrets if path.is_file())


def fill_in(command: str, *, seed: int, run_dir: Path) -> str:
    """The command with `{seed}` and `{run_dir}` filled in, quoted for the shell as needed.

    Other braces are the shell's. A placeholder inside quotes is escaped for those quotes.
    """
    out: list[str] = []
    quote = ""
    at = 0
    while at < len(command):
        if command.startswith("{seed}", at):
            out.append(str(seed))
            at += len("{seed}")
            continue
        if command.startswith("{run_dir}", at):
            out.append(_quoted(str(run_dir), quote))
            at += len("{run_dir}")
            continue
        char = command[at]
        if char == "\\" and quote != "'":
            out.append(command[at : at + 2])
            at += 2
            continue
        if char in "'\"" and quote in ("", char):
            quote = "" if quote else char
        out.append(char)
        at += 1
    return "".join(out)


def _quoted(text: str, quote: str) -> str:
    if quote == '"':
        return re.sub(r'([$`"\\])', r"\\\1", text)
    if quote == "'":
        return text.replace("'", "'\"'\"'")
    return shlex.quote(text)
