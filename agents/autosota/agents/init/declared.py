"""The settings that a script declares, read from its source.

argparse, optparse, click, typer, fire, absl, tyro, HfArgumentParser, Hydra, a configurator,
environment variables and `sys.argv[n]`. What they are for is not known here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from tree_sitter import Node

from autosota.agents.code.source import SourceFile
from autosota.agents.init import hydra, syntax
from autosota.agents.init.flags import Flag, Interface, Style
from autosota.agents.init.repository import Repository


def interface(repo: Repository, script: str) -> Interface:
    """The settings of a script: its own, else those of the nearest module it imports.

    Raises:
        FileNotFoundError: there is no such file.
    """
    own = _of_file(repo, script)
    if own.kind in ("", "environment"):
        for path in repo.closure(script)[1:]:
            # A module that can be run itself has its flags for itself.
            if syntax.is_guarded(repo.source(path)):
                continue
            other = _of_file(repo, path)
            if other.kind not in ("", "environment", "argv", "function"):
                return replace(other, flags=(*other.flags, *own.flags))
    return own


def _of_file(repo: Repository, path: str) -> Interface:
    source = repo.source(path)
    environment = tuple(_environment(source))
    if settings := hydra.settings(repo, path):
        found = tuple(
            Flag((s.key,), s.key, s.where, Style.OVERRIDE, default=s.default) for s in settings.keys
        )
        run_dir = Flag(("hydra.run.dir",), "run_dir", settings.where, Style.OVERRIDE)
        return Interface((*found, run_dir, *environment), "hydra")
    for kind, reader in (
        ("argparse", _argparse),
        ("click", _click),
        ("absl", _absl),
        ("dataclass", _dataclasses),
        ("function", _functions),
        ("configurator", _configurator),
        ("argv", _argv),
    ):
        flags, subcommand = reader(source)
        if flags:
            return Interface((*flags, *environment), kind, subcommand)
    return Interface(environment, "environment" if environment else "")


def _argparse(source: SourceFile) -> tuple[list[Flag], str]:
    flags: list[Flag] = []
    owners: dict[str, str] = {}
    for name, values in syntax.assignments(source).items():
        for _, value in values:
            if value.type == "call" and syntax.callee(source, value).endswith(".add_parser"):
                first = syntax.arguments(source, value).positional[:1]
                owners[name] = (syntax.string(source, first[0]) if first else None) or ""
    for call in syntax.calls(source):
        called = syntax.callee(source, call)
        if not called.endswith((".add_argument", ".add_option")):
            continue
        given = syntax.arguments(source, call)
        names = tuple(s for s in (syntax.string(source, n) for n in given.positional) if s)
        if not names:
            continue
        long = sorted(names, key=lambda n: (not n.startswith("--"), names.index(n)))
        action = syntax.string(source, given.keywords.get("action")) or ""
        nargs = syntax.literal(source, given.keywords.get("nargs")) or ""
        positional = not names[0].startswith("-")
        dest = syntax.string(source, given.keywords.get("dest"))
        required = syntax.literal(source, given.keywords.get("required")) == "True"
        flags.append(
            Flag(
                tuple(long),
                dest or long[0].lstrip("-").replace("-", "_"),
                _where(source, call),
                Style.POSITIONAL if positional else Style.FLAG,
                default=_default(source, given.keywords.get("default")),
                required=(positional and nargs not in ("?", "*")) or required,
                switch=action.startswith(("store_", "count", "help", "version"))
                or "BooleanOptionalAction" in _text(source, given.keywords.get("action")),
                many=nargs in ("+", "*"),
                choices=_choices(source, given.keywords.get("choices")),
                owner=owners.get(called.rsplit(".", 1)[0], ""),
            )
        )
    # Of several sub-commands one is meant; what its siblings need is none of its business.
    subcommands = [o for o in owners.values() if o]
    chosen = next(
        (s for s in ("train", "fit", "run", "main", "experiment") if s in subcommands),
        subcommands[0] if subcommands else "",
    )
    return [f for f in flags if f.owner in ("", chosen)], chosen


def _click(source: SourceFile) -> tuple[list[Flag], str]:
    flags: list[Flag] = []
    for call in syntax.calls(source):
        called = syntax.callee(source, call).rsplit(".", 1)[-1]
        if called not in ("option", "argument") or call.parent is None:
            continue
        if call.parent.type != "decorator":
            continue
        given = syntax.arguments(source, call)
        names = [s for s in (syntax.string(source, n) for n in given.positional) if s]
        dashed = sorted((n for n in names if n.startswith("-")), key=lambda n: n[:2] != "--")
        bare = [n for n in names if not n.startswith("-")]
        first = next(iter(dashed or bare), "").split("/")[0]
        if not first:
            continue
        required = syntax.literal(source, given.keywords.get("required"))
        flags.append(
            Flag(
                (first, *dashed[1:]),
                (bare or [first.lstrip("-").replace("-", "_")])[0],
                _where(source, call),
                Style.FLAG if dashed else Style.POSITIONAL,
                default=_default(source, given.keywords.get("default")),
                required=required == "True" or (not dashed and required != "False"),
                switch=syntax.literal(source, given.keywords.get("is_flag")) == "True"
                or any("/" in n for n in dashed),
                many=syntax.literal(source, given.keywords.get("multiple")) == "True",
                choices=_choices(source, given.keywords.get("type")),
            )
        )
    return flags, ""


def _absl(source: SourceFile) -> tuple[list[Flag], str]:
    flags: list[Flag] = []
    for call in syntax.calls(source):
        found = re.search(r"(?:^|\.)DEFINE_(\w+)$", syntax.callee(source, call))
        given = syntax.arguments(source, call)
        name = syntax.string(source, given.positional[0]) if given.positional else None
        if found and name:
            default = given.keywords.get("default") or next(iter(given.positional[1:2]), None)
            switch = found[1] in ("bool", "boolean")
            flags.append(
                Flag(
                    (f"--{name}",),
                    name,
                    _where(source, call),
                    default=_default(source, default),
                    switch=switch,
                )
            )
    return flags, ""


def _dataclasses(source: SourceFile) -> tuple[list[Flag], str]:
    """Fields of dataclasses, when the file hands one to tyro, simple_parsing or Hugging Face."""
    called = {syntax.callee(source, c).rsplit(".", 1)[-1] for c in syntax.calls(source)}
    text = source.content.decode("utf-8", "replace")
    hugging = "HfArgumentParser" in called
    if not hugging and not re.search(r"\btyro\.cli\(|\bsimple_parsing\b", text):
        return [], ""
    flags: list[Flag] = []
    for node in syntax.nodes(source, "class_definition"):
        if "dataclass" not in _decorators(source, node):
            continue
        body = node.child_by_field_name("body")
        for statement in body.named_children if body is not None else ():
            inner = syntax.first_child(statement)
            if inner is None or inner.type != "assignment" or not inner.child_by_field_name("type"):
                continue
            left = inner.child_by_field_name("left")
            name = source.text(left) if left is not None else ""
            typed = _text(source, inner.child_by_field_name("type"))
            shown = name if hugging else name.replace("_", "-")
            flags.append(
                Flag(
                    (f"--{shown}",),
                    name,
                    _where(source, inner),
                    default=_default(source, inner.child_by_field_name("right")),
                    switch=typed == "bool",
                )
            )
    if hugging and "TrainingArguments" in text:
        where = f"{source.path}: TrainingArguments"
        flags += [Flag((f"--{n}",), n, where) for n in ("seed", "output_dir", "num_train_epochs")]
    return flags, ""


def _functions(source: SourceFile) -> tuple[list[Flag], str]:
    """The parameters of a function that fire, typer or a similar caller makes into flags."""
    functions = {syntax.name_of(source, n): n for n in syntax.nodes(source, "function_definition")}
    for call in syntax.calls(source):
        called = syntax.callee(source, call)
        given = syntax.arguments(source, call).positional[:1]
        function = functions.get(source.text(given[0])) if given else None
        if called in ("fire.Fire", "Fire", "typer.run", "tyro.cli", "defopt.run") and function:
            return _parameters(source, function, "-" if called != "fire.Fire" else "_"), ""
    for node in functions.values():
        if re.search(r"\bapp\.command\b", _decorators(source, node)):
            return _parameters(source, node, "-"), ""
    return [], ""


def _parameters(source: SourceFile, function: Node, joint: str) -> list[Flag]:
    flags: list[Flag] = []
    for name, default in syntax.parameters(source, function):
        value = _default(source, default)
        if default is not None and default.type == "call":
            first = syntax.arguments(source, default).positional[:1]
            value = _default(source, first[0]) if first else ""
        flags.append(
            Flag(
                (f"--{name.replace('_', joint)}",),
                name,
                _where(source, function),
                default=value,
                required=default is None,
                switch=value in ("True", "False"),
            )
        )
    return flags


def _configurator(source: SourceFile) -> tuple[list[Flag], str]:
    """`exec(open("configurator.py").read())`: `--name=value` replaces a constant above it."""
    executed = any(
        syntax.callee(source, c) == "exec" and "configurator" in source.text(c)
        for c in syntax.calls(source)
    )
    if not executed:
        return [], ""
    flags: list[Flag] = []
    for name, values in syntax.assignments(source).items():
        function, value = values[0]
        default = syntax.literal(source, value)
        if function is None and default is not None and not name.startswith("_"):
            where = _where(source, value)
            switch = default in ("True", "False")
            flags.append(
                Flag((f"--{name}",), name, where, Style.ASSIGNED, default=default, switch=switch)
            )
    return flags, ""


def _argv(source: SourceFile) -> tuple[list[Flag], str]:
    """`seed = int(sys.argv[1])`: positional settings by their number."""
    found: dict[int, Flag] = {}
    for name, values in syntax.assignments(source).items():
        for _, value in values:
            indices = {int(m) for m in re.findall(r"\bargv\[(\d+)\]", source.text(value))}
            if len(indices) == 1 and (index := indices.pop()) > 0:
                optional = "len(" in source.text(value)
                flag = Flag((name,), name, _where(source, value), Style.POSITIONAL)
                found.setdefault(index, replace(flag, required=not optional))
    # Only a run of numbers from 1 says which word is which.
    return [found[i] for i in sorted(found) if set(range(1, i)) <= found.keys()], ""


def _environment(source: SourceFile) -> Iterator[Flag]:
    for node in syntax.nodes(source, "call", "subscript"):
        name: str | None = None
        default = ""
        if node.type == "call":
            if syntax.callee(source, node).endswith(("environ.get", "getenv")):
                given = syntax.arguments(source, node).positional
                name = syntax.string(source, given[0]) if given else None
                default = _default(source, given[1] if len(given) > 1 else None)
        elif node.type == "subscript" and source.text(node).startswith(("os.environ[", "environ[")):
            name = syntax.string(source, node.child_by_field_name("subscript"))
        if name:
            dest = name.lower()
            yield Flag((name,), dest, _where(source, node), Style.ENVIRONMENT, default=default)


def _decorators(source: SourceFile, node: Node) -> str:
    parent = node.parent
    if parent is None or parent.type != "decorated_definition":
        return ""
    return " ".join(source.text(c) for c in parent.children if c.type == "decorator")


def _choices(source: SourceFile, node: Node | None) -> tuple[str, ...]:
    if node is None:
        return ()
    inner = [n for n in source.walk(node) if n.type == "string"]
    found = (syntax.string(source, n) for n in inner)
    return tuple(s for s in found if s and s.isprintable() and "{" not in s)


def _default(source: SourceFile, node: Node | None) -> str:
    """A default as text; `Path("runs")` counts as `runs`, None as no default."""
    if node is not None and node.type == "call":
        given = syntax.arguments(source, node).positional
        if syntax.callee(source, node).rsplit(".", 1)[-1] == "Path" and len(given) == 1:
            node = given[0]
    value = syntax.literal(source, node)
    return "" if value is None or value == "None" else value


def _text(source: SourceFile, node: Node | None) -> str:
    return source.text(node) if node is not None else ""


def _where(source: SourceFile, node: Node) -> str:
    return f"{source.path}, line {node.start_point.row + 1}"
