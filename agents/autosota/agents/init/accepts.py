"""Whether a program can be told a setting: the flag, or Hydra key, that somebody declared.

Answers only where the source leaves no doubt: argparse, optparse and click with options that
are written out, and Hydra with its YAML files. A parser that leaves words over, gets options
from elsewhere or computes their names could know any of them, and nothing is said of it.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from tree_sitter import Node

from autosota.agents.code.command import Entry, started_by
from autosota.agents.code.source import SourceFile
from autosota.agents.init import hydra, syntax
from autosota.agents.init.repository import Repository
from autosota.agents.init.wordlist import words_in
from autosota.agents.protocols import Tree

_OPEN = re.compile(
    r"parse_known|REMAINDER|ignore_unknown_options|allow_extra_args|UNPROCESSED|\bargv\b|"
    r"fromfile_prefix_chars|prefix_chars|add_argparse_args|HfArgumentParser|ConfigStore|"
    r"configargparse|jsonargparse|simple_parsing|\btyro\b|\bfire\b|\babsl\b|OmegaConf\.from_cli|"
    r"auto_envvar_prefix|parents\s*="
)
"""Signs of a program that may take more than its source spells out."""
_PARSERS = ("ArgumentParser", "OptionParser", "ArgParser")
_DECLARES = (".add_argument", ".add_option")
_CLICK = ("option", "argument")
_CLICK_OWN = words_in(
    "command group option argument pass_context pass_obj version_option help_option"
)
_ALWAYS = ("-h", "--help", "--version")
_DASHED = re.compile(r"--[A-Za-z]|-[A-Za-z]$")
_KEY = re.compile(r"[A-Za-z_][\w./@-]*")
_PASSED_ON = frozenset({"$@", "$*", "${@}"})


@dataclass(frozen=True, slots=True)
class Unknown:
    """A setting that a program does not know. `near` is what was probably meant, or ""."""

    setting: str
    script: str
    near: str = ""

    def __str__(self) -> str:
        hint = f"; did you mean {self.near!r}?" if self.near else ""
        return f"{self.script} knows no {self.setting!r}{hint}"


def unknown_settings(tree: Tree, command: str, words: Iterable[str]) -> list[Unknown]:
    """Those of some words that the last program of a command cannot be told.

    Args:
        tree: the repository.
        command: as in the objective; what is added to it goes to the last thing it starts.
        words: flags (`--epochs`, `--epochs=3`) and keys (`trainer.epochs`); values are passed
            over as far as they can be told from flags.
    """
    entries = started_by(tree, command).entries
    if not entries:
        return []
    return _unknown(Repository(tree), entries[-1], list(words))


def unknown_arguments(tree: Tree, command: str) -> list[Unknown]:
    """Flags of the command itself that the program it starts last does not know."""
    started = started_by(tree, command)
    if not started.entries or started.scripts:  # what a script adds is not the command's own
        return []
    last = started.entries[-1]
    flags = [w for w in last.arguments if w.startswith("--")]
    return [] if _PASSED_ON & {*last.arguments} else _unknown(Repository(tree), last, flags)


def flags_of(arguments: str) -> list[str]:
    """The words of an argument text that can only be flags: they begin with two dashes."""
    try:
        return [w for w in shlex.split(arguments) if w.startswith("--")]
    except ValueError:
        return []


def _unknown(repo: Repository, entry: Entry, words: list[str]) -> list[Unknown]:
    if not repo.has(entry.path):
        return []
    keys = _hydra_keys(repo, entry.path)
    if keys is not None:
        return [u for w in words if (u := _no_key(repo, entry.path, keys, w)) is not None]
    flags = known_flags(repo, entry.path)
    if flags is None:
        return []
    return [u for w in words if (u := _no_flag(entry.path, flags, w)) is not None]


def known_flags(repo: Repository, script: str) -> frozenset[str] | None:
    """Every flag that a script could be given; None when its source does not settle that."""
    sources = [repo.source(p) for p in repo.closure(script) if repo.has(p)]
    text = b"\n".join(s.content for s in sources).decode("utf-8", "replace")
    if _OPEN.search(text):
        return None
    functions = {
        syntax.name_of(s, n)
        for s in sources
        for n in syntax.nodes(s, "function_definition", "class_definition")
    }
    declared = False
    for source in sources:
        parsers = _parsers(source)
        for call in syntax.calls(source):
            called = syntax.callee(source, call)
            given = syntax.arguments(source, call)
            if called.endswith(_DECLARES) or _is_click(source, call):
                names = [syntax.string(source, n) for n in given.positional]
                if not names or (None in names and not _is_click(source, call)):
                    return None  # a name that is computed
                declared = True
            elif called.rsplit(".", 1)[-1] not in functions and any(
                source.text(n) in parsers for n in (*given.positional, *given.keywords.values())
            ):
                return None  # handed to code that is not here
        if _foreign_decorator(source, functions):
            return None
    if not declared:
        return None
    # any dashed string counts, so that tables of options are taken for what they are
    dashed = {w for s in sources for w in _strings(s) if w.startswith("-")}
    known = {part for word in dashed for part in word.split("/")}
    return frozenset({*known, *_ALWAYS})


def _no_flag(script: str, flags: frozenset[str], word: str) -> Unknown | None:
    name = word.partition("=")[0]
    if not name.startswith("-"):
        near = _near(f"--{name}", flags) if _KEY.fullmatch(name) else ""
        return Unknown(name, script, near)
    short = not name.startswith("--")
    if name in flags or f"--{name.removeprefix('--no-')}" in flags or (short and name[:2] in flags):
        return None
    if not short and any(f.startswith(name) for f in flags):
        return None  # argparse takes beginnings
    return Unknown(name, script, _near(name, flags))


def _hydra_keys(repo: Repository, script: str) -> tuple[str, ...] | None:
    """All keys of a Hydra program, dotted; None when it is none, or they cannot be known."""
    found = hydra.settings(repo, script)
    if found is None or not found.keys:
        return None
    text = b"\n".join(repo.source(p).content for p in repo.closure(script) if repo.has(p))
    return None if b"ConfigStore" in text else tuple(k.key for k in found.keys)


def _no_key(repo: Repository, script: str, keys: tuple[str, ...], word: str) -> Unknown | None:
    name = word.partition("=")[0]
    if name.startswith(("+", "~", "hydra.")):
        return None
    if name.startswith("-"):
        plain = name.lstrip("-").replace("-", "_")
        same = [k for k in keys if k.rsplit(".", 1)[-1] == plain]
        known = name in (*_ALWAYS, "--multirun", "--config-name", "--config-path", "--config-dir")
        near = next(iter(same), "") or _near(plain, keys)
        return None if known or not _DASHED.match(name) else Unknown(name, script, near)
    last = re.escape(name.rsplit(".", 1)[-1])
    yaml = (p for p in repo.paths if p.endswith((".yaml", ".yml")))
    somewhere = any(re.search(rf"\b{last}\b", repo.text(p)) for p in yaml)
    # a config group is a folder, and composition can move a key: any mention will do
    if somewhere or any(f == name or f.endswith(f"/{name}") for f in repo.folders):
        return None
    return Unknown(name, script, _near(name, keys))


def _parsers(source: SourceFile) -> frozenset[str]:
    """The names that parsers have in a file."""
    return frozenset(
        name
        for name, values in syntax.assignments(source).items()
        for _, value in values
        if value.type == "call" and syntax.callee(source, value).endswith(_PARSERS)
    )


def _is_click(source: SourceFile, call: Node) -> bool:
    last = syntax.callee(source, call).rsplit(".", 1)[-1]
    return last in _CLICK and call.parent is not None and call.parent.type == "decorator"


def _foreign_decorator(source: SourceFile, functions: set[str]) -> bool:
    """True when a click command is decorated by something whose options are not seen here."""
    for node in syntax.nodes(source, "function_definition"):
        holder = node.parent
        if holder is None or holder.type != "decorated_definition":
            continue
        texts = [source.text(c).lstrip("@").strip() for c in holder.children]
        names = [
            t.partition("(")[0].rsplit(".", 1)[-1]
            for t, c in zip(texts, holder.children, strict=True)
            if c.type == "decorator"
        ]
        if not any(n in ("command", "group") for n in names):
            continue
        if any(n not in _CLICK_OWN and n not in functions for n in names):
            return True
    return False


def _strings(source: SourceFile) -> Iterator[str]:
    for node in source.walk():
        if node.type == "string":
            found = syntax.string(source, node)
            if found is not None:
                yield found


def _near(name: str, known: Iterable[str]) -> str:
    options = sorted(k for k in known if _DASHED.match(k) or not k.startswith("-"))
    plain = {k.lstrip("-").replace("-", "_"): k for k in options if k not in _ALWAYS}
    wanted = name.lstrip("-").replace("-", "_")
    inside = [k for k in plain if wanted and k.rsplit(".", 1)[-1] == wanted.rsplit(".", 1)[-1]]
    found = inside or get_close_matches(wanted, list(plain), n=1)
    return plain[found[0]] if found else ""
