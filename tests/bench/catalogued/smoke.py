"""Import, build and one step: patched files against synthetic batches, in a forked child each.

Reads a job as JSON from standard input (root of the package's source, path of the file, patches,
the symbol of each) and prints JSON. A class is driven where the file as it was can be: arguments
are guessed from their names, batches from a list of shapes; what cannot be driven before the
patch is "not run", never counted as passed. Trainers, and functions, are imported only.
"""

from __future__ import annotations

import importlib
import inspect
import json
import os
import signal
import sys
import types
import warnings
from typing import Any

GUESSES: dict[str, Any] = {
    "dim": 16, "d_model": 16, "width": 16, "hidden": 16, "embed": 16, "channels": 4, "depth": 2,
    "layers": 2, "blocks": 2, "heads": 2, "head": 2, "classes": 3, "size": 16, "features": 16,
    "kernel": 3, "dropout": 0.1, "image": 32, "patch": 8, "len": 8, "num": 2, "in": 16, "out": 4,
}  # fmt: skip
SHAPES = ((4, 16), (2, 8, 16), (2, 16, 8), (2, 3, 32, 32), (2, 4, 32, 32), (2, 16, 8, 8))
LIMIT = 60


def arguments(cls: type) -> dict[str, Any]:
    """Values for the parameters of a constructor that have no default, by their names."""
    out: dict[str, Any] = {}
    for name, parameter in list(inspect.signature(cls.__init__).parameters.items())[1:]:
        if parameter.default is not parameter.empty or parameter.kind in (2, 4):
            continue
        out[name] = next((v for k, v in GUESSES.items() if k in name.lower()), 8)
    return out


def step(cls: type, shape: tuple[int, ...], whole: bool) -> None:
    """Build a network and take one step on a batch of random numbers (or token numbers)."""
    import torch

    torch.manual_seed(0)
    model = cls(**arguments(cls))
    model.train()
    batch = torch.randint(0, 2, shape) if whole else torch.randn(shape)
    output = model(batch)
    while isinstance(output, tuple | list):
        output = output[0]
    if isinstance(output, dict):
        output = next(iter(output.values()))
    loss = output.float().pow(2).mean()
    loss.backward()
    torch.optim.SGD(model.parameters(), lr=1e-3).step()


def load(name: str, path: str, text: str) -> types.ModuleType:
    """The module from a text, in its package."""
    module = types.ModuleType(name)
    module.__file__, module.__package__ = path, name.rpartition(".")[0]
    sys.modules[name] = module
    exec(compile(text, path, "exec"), module.__dict__)
    return module


def networks(module: types.ModuleType) -> dict[str, type]:
    """The network classes that a file defines."""
    import torch

    return {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, type)
        and issubclass(value, torch.nn.Module)
        and value.__module__ == module.__name__
    }


def in_child(work: Any) -> str:
    """What `work` returns, or its exception, from a forked child with a limit of time."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        signal.alarm(LIMIT)
        try:
            said = work()
        except BaseException as error:  # noqa: BLE001 - it is what is measured
            said = f"{type(error).__name__}: {error}"[:160]
        os.write(writing, said.encode()[:4000])
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as file:
        said = file.read()
    os.waitpid(child, 0)
    return said or "no answer in time"


def main() -> None:
    """Answer one job."""
    warnings.simplefilter("ignore")
    job = json.load(sys.stdin)
    root, path = job["root"], job["path"]
    sys.path.insert(0, root + "/src" if path.startswith("src/") else root)
    name = path.removeprefix("src/").removesuffix(".py").replace("/", ".")
    real, sys.stdout = sys.stdout, sys.stderr
    importlib.import_module(name)
    with open(f"{root}/{path}") as file:
        before = file.read()

    def specs() -> str:
        found = {}
        for title, cls in networks(load(name, path, before)).items():
            for shape in SHAPES:
                for whole in (False, True):
                    try:
                        step(cls, shape, whole)
                    except Exception:  # noqa: BLE001 - the next shape
                        continue
                    found.setdefault(title, (shape, whole))
        return json.dumps(found)

    said = in_child(specs)
    known = json.loads(said) if said.startswith("{") else {}
    answers = []
    for changes, symbol in zip(job["patches"], job["symbols"], strict=True):
        if set(changes) != {path}:
            answers.append(("not run", "not run"))
            continue
        owner = symbol.split(".")[0]

        def work(text: str = changes[path], owner: str = owner) -> str:
            module = load(name, path, text)
            if owner not in known:
                return "imported"
            step(networks(module)[owner], *map_spec(known[owner]))
            return "ok"

        said = in_child(work)
        if owner in known:
            answers.append(("ok" if said == "ok" else said, said))
        else:
            answers.append(("ok" if said == "imported" else said, "not run"))
    json.dump({"driven": {title: 1 for title in known}, "patches": answers}, real)


def map_spec(spec: list[Any]) -> tuple[tuple[int, ...], bool]:
    """A shape and kind of batch as `step` takes them."""
    return tuple(spec[0]), bool(spec[1])


if __name__ == "__main__":
    main()
