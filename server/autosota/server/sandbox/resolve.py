"""Is the code that a run imports the code of its checkout?

An installed package of the same name, or an editable install of the repository, would make
every candidate run the same foreign code. Asked once per environment, inside the sandbox,
because starting Python on a checkout already runs code of it.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from pathlib import Path

from autosota.agents.domain import Outcome
from autosota.server.errors import UserError
from autosota.server.sandbox.launch import Launch, Limits, Mount
from autosota.server.sandbox.launcher import Launcher

_ASK = """
import sys
started, path = dict(sys.modules), sys.path[:]
sys.path[:] = [p for p in path if p and not p.startswith(sys.argv[1])]
import importlib.util, json, os  # the real ones: the checkout may have modules of these names
sys.path[:] = path
root, names = os.path.realpath(sys.argv[1]), json.loads(sys.argv[2])
wrong = []
for name in names:
    if name not in started:
        sys.modules.pop(name, None)
    try:
        spec = importlib.util.find_spec(name)
    except Exception:
        spec = None
    places = []
    if spec is not None:
        places = list(spec.submodule_search_locations or ())
        if spec.has_location:
            places.append(spec.origin)
    inside = [os.path.realpath(p).startswith(root + os.sep) for p in places]
    if not inside or not all(inside):
        wrong.append(name)
print("\\n@modules " + json.dumps(wrong))
"""
_NEVER_IMPORTED = frozenset({"setup", "conftest", "noxfile", "tasks", "manage", "docs", "tests"})


def top_level_modules(files: list[str]) -> list[str]:
    """Names that code of a repository may import from its root or its `src`."""
    names: set[str] = set()
    for path in files:
        if not path.endswith(".py"):
            continue
        parts = path.removeprefix("src/").split("/")
        name = parts[0].removesuffix(".py")
        if name.isidentifier() and name not in _NEVER_IMPORTED and not name.startswith("__"):
            names.add(name)
    return sorted(names)


def modules_resolve(
    launcher: Launcher,
    python: Path,
    checkout: Path,
    files: list[str],
    env: Mapping[str, str],
    logs: Path,
    mounts: tuple[Mount, ...] = (),
) -> list[str]:
    """The top-level modules of a checkout that would come from somewhere else.

    Args:
        launcher: Where it is tried.
        python: The prepared interpreter.
        checkout: A checkout of the base commit.
        files: The paths in it.
        env: The variables a run gets (see `world.variables`).
        logs: A folder of ours for the two logs.
        mounts: What a run has mounted.

    Raises:
        UserError: the interpreter did not answer.
    """
    names = top_level_modules(files)
    if not names:
        return []
    words = [str(python), "-c", _ASK, str(checkout), json.dumps(names)]
    launch = Launch(
        shlex.join(words), checkout, env, (checkout,), Limits(60.0, output_bytes=1 << 20), mounts
    )
    out = {"stdout": logs / "modules.out", "stderr": logs / "modules.err"}
    try:
        done = launcher.launch(launch, out)
        lines = out["stdout"].read_text("utf-8", "replace").splitlines()
    finally:
        for path in out.values():
            path.unlink(missing_ok=True)
    told = next((x for x in reversed(lines) if x.startswith("@modules ")), None)
    if done.outcome is not Outcome.OK or told is None:
        raise UserError(
            f"{python}: does not start on the repository ({done.reason or 'no answer'}); see "
            "`autosota doctor`"
        )
    return [str(name) for name in json.loads(told.removeprefix("@modules "))]
