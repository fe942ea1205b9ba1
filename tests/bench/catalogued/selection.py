"""Which files of which packages the catalogue is measured on: a rule, fixed before looking.

From each package of `packages.txt` (name==version, a line each) at most one file of each kind,
the one whose path has the smallest SHA-256:

* training: imports torch, constructs an optimizer, and a function calls `.backward(` and
  `.step(` inside a loop;
* lightning: a class with `training_step` and `configure_optimizers`;
* model: a class derived from something called `Module`, with a `forward`, that constructs at
  least three layers with weights (`nn.Linear`, `nn.Conv…`, recurrent, attention, embeddings);
* estimator: constructs an estimator of scikit-learn and calls `.fit(`.

Files of tests, of more than 60 kB, and files that Python 3.11 does not accept, are left out.
Packages, with all their files, are split into two halves by the hash of their name, so that no
author is in both.
"""

from __future__ import annotations

import ast
import hashlib
import re
import subprocess
import sys
import tarfile
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
PACKAGES = HERE / "packages.txt"
FILES = HERE / "files.csv"
KINDS = ("training", "lightning", "model", "estimator")
MAX_BYTES = 60_000
_SKIPPED = re.compile(
    r"(^|/)(tests?|testing|_?vendor|third_party|benchmarks?|\.[^/]*)/|(^|/)(test_|setup\.py|conftest)|_test\.py$"
)
_ESTIMATOR = re.compile(
    r"(Classifier|Regressor|SVC|SVR|Regression|Ridge|Lasso|ElasticNet|GaussianNB)$"
)

_WEIGHTED = re.compile(
    r"^(torch\.)?(nn\.)?(Linear|Conv[123]d|LSTM|GRU|RNN|MultiheadAttention|Embedding|TransformerEncoderLayer|ConvTranspose[123]d)$"
)
_OPTIMIZERS = ("SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "NAdam", "RAdam", "Adadelta")


@dataclass(frozen=True, order=True)
class Case:
    """One file of one package."""

    half: str
    package: str
    kind: str
    path: str

    @property
    def name(self) -> str:
        """The package without its version."""
        return self.package.partition("==")[0]


def half_of(name: str) -> str:
    """`dev` or `held-out`, by the hash of the package's name."""
    return "dev" if hashlib.sha256(name.encode()).digest()[0] % 2 == 0 else "held-out"


def packages() -> list[str]:
    """The packages with their versions."""
    return [line for line in PACKAGES.read_text().split() if line]


def files_of(archive: Path) -> dict[str, bytes]:
    """The Python and settings files of a wheel or a source archive, by path from its root."""
    out: dict[str, bytes] = {}
    if archive.suffix in (".whl", ".zip"):
        with zipfile.ZipFile(archive) as file:
            for name in file.namelist():
                if name.endswith((".py", ".yaml", ".yml", ".json")):
                    out[name] = file.read(name)
        return out
    with tarfile.open(archive) as file:
        for member in file.getmembers():
            name = member.name.partition("/")[2]
            if member.isfile() and name.endswith((".py", ".yaml", ".yml", ".json")):
                handle = file.extractfile(member)
                out[name] = handle.read() if handle is not None else b""
    return out


def choose(package: str, files: Mapping[str, bytes]) -> Iterator[Case]:
    """The files that the rule takes from a package."""
    name = package.partition("==")[0]
    found: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for path in sorted(files, key=lambda p: hashlib.sha256(p.encode()).hexdigest()):
        content = files[path]
        if not path.endswith(".py") or len(content) > MAX_BYTES or _SKIPPED.search(path):
            continue
        for kind in kinds_of(content):
            found[kind].append(path)
    for kind, paths in found.items():
        for path in paths[:1]:
            yield Case(half_of(name), package, kind, path)


def kinds_of(content: bytes) -> set[str]:
    """What a file is, by the rule above."""
    if b"torch" not in content and b"sklearn" not in content:
        return set()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(content)
    except (SyntaxError, ValueError, RecursionError):
        return set()
    imported: set[str] = set()
    bound: set[str] = set()
    calls: list[str] = []
    out: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {a.name.split(".")[0] for a in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            imported.add(node.module.split(".")[0])
            if node.module.split(".")[0] == "sklearn":
                bound |= {a.asname or a.name for a in node.names}
        elif isinstance(node, ast.Call):
            calls.append(ast.unparse(node.func))
        elif isinstance(node, ast.ClassDef):
            out |= _kinds_of_class(node)
    out = out if "torch" in imported else set()
    if "torch" in imported and any(_is_optimizer(c) for c in calls) and _trains(tree):
        out.add("training")
    fits = any(c.endswith(".fit") for c in calls)
    if "sklearn" in imported and fits and any(_is_estimator(c, bound) for c in calls):
        out.add("estimator")
    return out


def _kinds_of_class(node: ast.ClassDef) -> set[str]:
    methods = {d.name for d in node.body if isinstance(d, ast.FunctionDef)}
    bases = {ast.unparse(b).rpartition(".")[2] for b in node.bases}
    out = {"lightning"} if {"training_step", "configure_optimizers"} <= methods else set()
    layers = sum(
        bool(_WEIGHTED.search(ast.unparse(n.func)))
        for n in ast.walk(node)
        if isinstance(n, ast.Call)
    )
    return out | (
        {"model"} if "Module" in bases and "forward" in methods and layers >= 3 else set()
    )


def _trains(tree: ast.AST) -> bool:
    for loop in ast.walk(tree):
        if isinstance(loop, ast.For | ast.While):
            found = {
                n.func.attr
                for n in ast.walk(loop)
                if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute)
            }
            if {"backward", "step"} <= found:
                return True
    return False


def _is_optimizer(text: str) -> bool:
    return text.rpartition(".")[2] in _OPTIMIZERS


def _is_estimator(text: str, bound: set[str]) -> bool:
    last = text.rpartition(".")[2]
    return bool(_ESTIMATOR.search(last)) and (last in bound or text.split(".")[0] in bound)


def download(cache: Path, package: str) -> Path:
    """The archive of a package, fetched once: its wheel, or its source where it has none.

    Raises:
        RuntimeError: pip got neither.
    """
    folder = cache / "dist" / package
    folder.mkdir(parents=True, exist_ok=True)
    for form in ("--only-binary", "--no-binary"):
        if any(folder.iterdir()):
            break
        name = package.partition("==")[0]
        which = ":all:" if form == "--only-binary" else name
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", form, which]
        subprocess.run([*command, "-d", str(folder), package], capture_output=True, timeout=300)
    found = sorted(p for p in folder.iterdir() if p.is_file())
    if not found:
        raise RuntimeError(f"{package}: pip could download neither a wheel nor a source archive")
    return found[0]
