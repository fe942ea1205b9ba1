"""A repository as text: decoded files, parsed Python, local imports, documents in reading order.

A lens over a `Tree`, with everything read at most once. What the files mean is not known here.
"""

from __future__ import annotations

import codecs
import posixpath
import re
from collections.abc import Iterable
from functools import cached_property

from autosota.agents.code.source import SourceFile
from autosota.agents.init import syntax
from autosota.agents.init.wordlist import words_in
from autosota.agents.protocols import Tree

_ASIDE = words_in(
    "test tests testing docs doc third_party thirdparty vendor vendored external node_modules "
    "site-packages build dist"
)
"""Folders whose Python is not the experiment."""
_CLOSURE_LIMIT = 60
_PYTHON_LIMIT = 2000
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class Repository:
    """What init and objective read of a repository."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        # Control characters and `{name}` cannot stand in an objective, so they cannot be meant.
        plain = (p for p in tree.files() if p.isprintable())
        self.paths = tuple(p for p in plain if not re.search(r"\{[A-Za-z_]\w*\}", p))
        self._known = frozenset(self.paths)
        self._sources: dict[str, SourceFile] = {}
        self._closures: dict[str, tuple[str, ...]] = {}

    def has(self, path: str) -> bool:
        """True when there is a file of this path."""
        return path in self._known

    @cached_property
    def folders(self) -> frozenset[str]:
        """All folders that hold a file, at any depth, without the root."""
        found: set[str] = set()
        for path in self.paths:
            folder = posixpath.dirname(path)
            while folder and folder not in found:
                found.add(folder)
                folder = posixpath.dirname(folder)
        return frozenset(found)

    def text(self, path: str) -> str:
        """The text of a file: UTF-8, or what its byte order mark says, else Latin-1.

        Raises:
            FileNotFoundError: there is no such file.
        """
        return decode(self.tree.read(path))

    def source(self, path: str) -> SourceFile:
        """A Python file, parsed once.

        Raises:
            FileNotFoundError: there is no such file.
        """
        if path not in self._sources:
            content = self.tree.read(path).removeprefix(codecs.BOM_UTF8)
            self._sources[path] = SourceFile(path, content)
        return self._sources[path]

    @cached_property
    def python(self) -> tuple[str, ...]:
        """The Python files that may belong to an experiment, shallow ones first."""
        found = [
            p
            for p in self.paths
            if p.endswith(".py")
            and not _ASIDE.intersection(p.lower().split("/")[:-1])
            and not re.fullmatch(r"(setup|conftest|test_.*|.*_test|noxfile)\.py", _name(p))
        ]
        return tuple(sorted(found, key=lambda p: (p.count("/"), p))[:_PYTHON_LIMIT])

    @cached_property
    def documents(self) -> tuple[str, ...]:
        """README files first, then other documents of the root, then those in docs."""
        found = [
            p
            for p in self.paths
            if p.lower().endswith((".md", ".rst", ".markdown"))
            or re.fullmatch(r"readme(\.txt)?", _name(p).lower())
        ]

        def order(path: str) -> tuple[int, bool, str]:
            return path.count("/"), not _name(path).lower().startswith("readme"), path

        return tuple(sorted((p for p in found if p.count("/") <= 2), key=order)[:30])

    @cached_property
    def notebooks(self) -> tuple[str, ...]:
        """The notebooks, in order of path."""
        return tuple(p for p in self.paths if p.endswith(".ipynb"))

    def module(self, name: str, importer: str) -> str | None:
        """The file of a dotted module name as a script in `importer` would find it."""
        inner = name.replace(".", "/")
        for base in (posixpath.dirname(importer), "", "src"):
            stem = posixpath.join(base, inner)
            for path in (f"{stem}.py", f"{stem}/__init__.py"):
                if path in self._known:
                    return path
        return None

    def closure(self, script: str) -> tuple[str, ...]:
        """A script and the files of this repository that it imports, nearest first."""
        if script not in self._closures:
            order = [script]
            for path in order:
                for found in self._imports(path):
                    if found not in order and len(order) < _CLOSURE_LIMIT:
                        order.append(found)
            self._closures[script] = tuple(order)
        return self._closures[script]

    def imported(self, path: str) -> frozenset[str]:
        """The top names of all modules that a file imports (`sklearn`, `torch`, …)."""
        return frozenset(n.split(".")[0] for n in self._import_names(path) if n[:1] != ".")

    def _imports(self, path: str) -> Iterable[str]:
        for name in [*self._import_names(path), *self._instantiated(path)]:
            if name.startswith("."):
                dots = len(name) - len(name.lstrip("."))
                base = path
                for _ in range(dots):
                    base = posixpath.dirname(base)
                found = self._below(base, name[dots:])
            else:
                found = self.module(name, path)
            if found is not None:
                yield found

    def _instantiated(self, path: str) -> list[str]:
        """Modules that YAML files name as `_target_`, for a program that Hydra configures."""
        if path not in self._known or b"hydra.main" not in self.source(path).content:
            return []
        found: list[str] = []
        for other in self.paths:
            if other.endswith((".yaml", ".yml")) and other.count("/") <= 4:
                names = re.findall(r"^\s*_target_:\s*([\w.]+)", self.text(other), re.MULTILINE)
                found += [n.rpartition(".")[0] for n in names]
        return list(dict.fromkeys(found))

    def _below(self, base: str, name: str) -> str | None:
        stem = posixpath.join(base, name.replace(".", "/")).rstrip("/")
        candidates = (f"{stem}.py", posixpath.join(stem, "__init__.py"))
        return next((p for p in candidates if p in self._known), None)

    def _import_names(self, path: str) -> list[str]:
        """Module names a file imports; `from a import b` gives both `a` and `a.b`."""
        if path not in self._known:
            return []
        source = self.source(path)
        names: list[str] = []
        for node in syntax.nodes(source, "import_statement", "import_from_statement"):
            if node.type == "import_statement":
                names += [_module_text(source.text(c)) for c in node.named_children]
            else:
                module = node.child_by_field_name("module_name")
                base = "".join(source.text(module).split()) if module is not None else ""
                names.append(base)
                joint = "" if base.endswith(".") else "."
                names += [
                    f"{base}{joint}{_module_text(source.text(c))}"
                    for c in node.children_by_field_name("name")
                ]
        return names


def decode(content: bytes) -> str:
    """Bytes of a text file as text, never failing: Latin-1 knows every byte."""
    for mark, encoding in _BOMS:
        if content.startswith(mark):
            return content.decode(encoding, "replace")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _module_text(text: str) -> str:
    return text.split(" as ")[0].strip()


def _name(path: str) -> str:
    return path.rsplit("/", 1)[-1]
