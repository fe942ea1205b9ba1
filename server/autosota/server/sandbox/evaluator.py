"""Does the separate evaluator load the candidate's things as code, or only as data?

A static look at the evaluator's Python files (stdlib `ast`): unpickling, importing by a
computed name, executing text or starting programs lets the candidate's files run inside the
evaluator, and its numbers are `overlaid` then, not `sealed`. What cannot be analysed counts
as loading. What the evaluator computes is not judged here.
"""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterable, Iterator

from autosota.agents.protocols import Tree

_CALLS = {
    "builtins": "exec eval compile __import__",
    "pickle": "load loads Unpickler",
    "_pickle": "load loads",
    "dill": "load loads",
    "cloudpickle": "load loads",
    "joblib": "load",
    "marshal": "load loads",
    "shelve": "open",
    "jsonpickle": "decode",
    "pandas": "read_pickle",
    "torch.jit": "load",
    "torch.hub": "load",
    "torch.package": "PackageImporter",
    "keras.models": "load_model",
    "tensorflow.keras.models": "load_model",
    "tensorflow.saved_model": "load",
    "yaml": "unsafe_load full_load",
    "skops.io": "load",
    "runpy": "run_path run_module",
    "importlib": "reload",
    "importlib.util": "spec_from_file_location",
    "importlib.machinery": "SourceFileLoader",
    "imp": "load_source",
    "os": "system popen execv execve execvp execvpe spawnv posix_spawn",
    "pty": "spawn",
    "subprocess": "run call check_call check_output Popen getoutput getstatusoutput",
    "ctypes": "CDLL PyDLL",
    "ctypes.cdll": "LoadLibrary",
}
_ALWAYS = frozenset(f"{module}.{name}" for module, x in _CALLS.items() for name in x.split())


def evaluator_files(command: str, tree: Tree) -> tuple[str, ...]:
    """The Python files of a tree that an evaluate command starts; empty when none is seen."""
    try:
        words = shlex.split(command.replace("{run_dir}", "run_dir").replace("{seed}", "0"))
    except ValueError:
        return ()
    files = set(tree.files())
    out: list[str] = []
    for index, word in enumerate(words):
        module = word.replace(".", "/")
        named = [word.removeprefix("./")]
        if index and words[index - 1] == "-m":
            named += [f"{module}.py", f"{module}/__main__.py", f"src/{module}.py"]
        out += [n for n in named if n in files and n.endswith(".py")]
    return tuple(dict.fromkeys(out))


def evaluator_loads_objects(tree: Tree, files: Iterable[str]) -> tuple[str, ...]:
    """Why an evaluator may run things of the candidate; empty when it reads data only.

    Args:
        tree: The base commit's tree.
        files: The evaluator's own files; what they import from the tree is followed.

    Returns:
        Notes such as `evaluate.py:12 calls joblib.load`.
    """
    present = set(tree.files())
    waiting = list(dict.fromkeys(files))
    if not waiting:
        return ("the evaluator is not a Python file of the repository",)
    seen: set[str] = set()
    notes: list[str] = []
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        try:
            module = ast.parse(tree.read(path))
        except (FileNotFoundError, SyntaxError, ValueError, RecursionError):
            notes.append(f"{path} cannot be analysed")
            continue
        notes += [f"{path}:{line} {what}" for line, what in _loads(module)]
        waiting += [p for p in _imports(module, path) if p in present and p not in seen]
    return tuple(sorted(notes))


def _loads(module: ast.Module) -> Iterator[tuple[int, str]]:
    names = _aliases(module)
    for node in ast.walk(module):
        if not isinstance(node, ast.Call):
            continue
        name = _name(node.func, names)
        if name in _ALWAYS:
            yield node.lineno, f"calls {name}"
        elif name == "torch.load" and not _is(node, "weights_only", True):
            yield node.lineno, "calls torch.load without weights_only=True"
        elif name == "numpy.load" and _has(node, "allow_pickle", 2):
            if not _is(node, "allow_pickle", False):
                yield node.lineno, "calls numpy.load with allow_pickle"
        elif name == "importlib.import_module":
            if not (node.args and isinstance(node.args[0], ast.Constant)):
                yield node.lineno, "imports a module by a computed name"
        elif name == "yaml.load":
            loaders = [*node.args[1:2], *(k.value for k in node.keywords if k.arg == "Loader")]
            if not any("Safe" in ast.unparse(loader) for loader in loaders):
                yield node.lineno, "calls yaml.load without a safe loader"
        elif name.startswith("sys.path.") and not _own(node):
            yield node.lineno, "changes sys.path"


def _aliases(module: ast.Module) -> dict[str, str]:
    """Local names of imported things, with the full name of each."""
    out: dict[str, str] = {}
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            for item in node.names:
                top = item.name.partition(".")[0]
                out[item.asname or top] = item.name if item.asname else top
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for item in node.names:
                out[item.asname or item.name] = f"{node.module}.{item.name}"
    return out


def _name(node: ast.expr, aliases: dict[str, str]) -> str:
    if isinstance(node, ast.Name):
        plain = f"builtins.{node.id}" if f"builtins.{node.id}" in _ALWAYS else node.id
        return aliases.get(node.id, plain)
    if isinstance(node, ast.Attribute):
        return f"{_name(node.value, aliases)}.{node.attr}"
    return "?"


def _has(call: ast.Call, keyword: str, position: int) -> bool:
    """True when an argument is given, by name or by place (or hidden in `**`)."""
    return len(call.args) > position or any(k.arg in (keyword, None) for k in call.keywords)


def _is(call: ast.Call, keyword: str, value: bool) -> bool:
    return any(
        k.arg == keyword and isinstance(k.value, ast.Constant) and k.value.value is value
        for k in call.keywords
    )


def _own(call: ast.Call) -> bool:
    """True when a path is added that comes from the evaluator's own place."""
    text = ast.unparse(call)
    return "__file__" in text or all(isinstance(a, ast.Constant) for a in call.args)


def _imports(module: ast.Module, path: str) -> Iterator[str]:
    """Paths in the tree that the imports of a file may mean."""
    folder = path.rpartition("/")[0]
    for node in ast.walk(module):
        names: list[str] = []
        bases = list(dict.fromkeys((folder, "", "src")))
        if isinstance(node, ast.Import):
            names = [item.name for item in node.names]
        elif isinstance(node, ast.ImportFrom):
            start = node.module or ""
            names = [start] if start else []
            names += [f"{start}.{item.name}".lstrip(".") for item in node.names]
            if node.level:
                parts = folder.split("/") if folder else []
                bases = ["/".join(parts[: len(parts) - node.level + 1])]
        for name in names:
            inner = re.sub(r"\.", "/", name)
            parents = inner.split("/")
            for base in bases:
                prefix = f"{base}/" if base else ""
                yield f"{prefix}{inner}.py"
                for count in range(1, len(parents) + 1):
                    yield f"{prefix}{'/'.join(parents[:count])}/__init__.py"
