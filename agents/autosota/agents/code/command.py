"""Which files of a tree a command line starts: scripts, modules, shell files, Makefiles.

Reads the words of a command as a shell would split them, and follows shell scripts and make
targets of the same tree into the Python files they name. Nothing is executed: what cannot be
followed is reported, not guessed.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from autosota.agents.code.shell import arguments, commands
from autosota.agents.protocols import Tree

_SHELLS = {"sh", "bash", "zsh", "dash", "source", "."}
_PYTHON = re.compile(r"^(.*/)?(python[0-9.]*|pypy3?)$")
_LAUNCH_MODULES = {
    "torch.distributed.run",
    "torch.distributed.launch",
    "accelerate.commands.launch",
}
_DEPTH = 4


@dataclass(frozen=True, slots=True)
class Entry:
    """A Python file that a command starts, and the words that follow it."""

    path: str
    arguments: tuple[str, ...] = ()
    module: str = ""
    output: str = ""
    """The file that its standard output goes to, if the shell says so."""


@dataclass(slots=True)
class Started:
    """What a command starts: Python entries, other files it reads, and what stayed unclear."""

    entries: list[Entry] = field(default_factory=list)
    scripts: list[str] = field(default_factory=list)
    recipes: list[str] = field(default_factory=list)
    """The commands of make's targets in their order, with variables put in."""
    unclear: list[str] = field(default_factory=list)


def started_by(tree: Tree, command: str) -> Started:
    """Follow a command line into the files of a tree."""
    out = Started()
    _follow(tree, command, set(tree.files()), out, 0, "")
    return out


def _follow(
    tree: Tree,
    text: str,
    files: set[str],
    out: Started,
    depth: int,
    folder: str,
    known: Mapping[str, str] = MappingProxyType({}),
) -> None:
    for command in commands(text, known):
        try:
            words = shlex.split(command, comments=True)
        except ValueError:
            words = command.split()
        if words[:1] == ["cd"] and len(words) == 2:
            folder = _normal(words[1], folder)
            continue
        _one(tree, words, files, out, depth, folder)


def _normal(path: str, folder: str) -> str:
    parts: list[str] = [p for p in folder.split("/") if p] if not path.startswith("/") else []
    for part in path.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def _one(
    tree: Tree, words: Sequence[str], files: set[str], out: Started, depth: int, folder: str
) -> None:
    if _python(words, files, out, folder):
        return
    for at, word in enumerate(words):
        name = word.rsplit("/", 1)[-1]
        path = _normal(word, folder)
        if name == "make":
            _make(tree, words[at + 1 :], files, out, depth, folder)
            return
        is_script = word.endswith((".sh", ".bash")) or (at > 0 and words[at - 1] in _SHELLS)
        if path in files and (is_script or word.startswith("./")) and depth < _DEPTH:
            out.scripts.append(path)
            content = tree.read(path).decode("utf-8", "replace")
            given = arguments(_redirected(words[at + 1 :])[0])
            _follow(tree, content, files, out, depth + 1, folder, given)
            return
        if word == "-c" and at > 0 and words[at - 1] in _SHELLS and at + 1 < len(words):
            _follow(tree, words[at + 1], files, out, depth + 1, folder)
            return
    if words and _PYTHON.match(words[0]) and words[1:] not in (["-V"], ["--version"]):
        out.unclear.append(f"which file `{' '.join(words)[:80]}` starts")


def _python(words: Sequence[str], files: set[str], out: Started, folder: str) -> bool:
    for at, word in enumerate(words):
        if word == "-m" and at + 1 < len(words):
            module = words[at + 1]
            if module in _LAUNCH_MODULES:
                continue
            base = _normal(module.replace(".", "/"), folder)
            for path in (f"{base}.py", f"{base}/__main__.py", f"src/{base}.py"):
                if path in files:
                    given, output = _redirected(words[at + 2 :])
                    out.entries.append(Entry(path, given, module, output))
                    return True
            if module.split(".")[0] in ("pytest", "unittest", "pip", "venv"):
                return False
            out.unclear.append(f"which file `-m {module}` starts")
            return False
        path = _normal(word, folder)
        if word.endswith(".py") and path in files:
            given, output = _redirected(words[at + 1 :])
            out.entries.append(Entry(path, given, "", output))
            return True
    return False


def _redirected(words: Sequence[str]) -> tuple[tuple[str, ...], str]:
    """The arguments of a program without redirections, and the file its output goes to."""
    kept: list[str] = []
    output = ""
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        found = re.fullmatch(r"(\d|&)?(>>?|<)(.*)", word)
        if found is None:
            if word != "&":
                kept.append(word)
            continue
        place = found.group(3)
        if not place and at < len(words):
            place, at = words[at], at + 1
        if found.group(2) != "<" and found.group(1) in (None, "1", "&") and place[:1] != "&":
            output = place
    return tuple(kept), output if output != "/dev/null" else ""


def _make(
    tree: Tree, words: Sequence[str], files: set[str], out: Started, depth: int, folder: str
) -> None:
    names = [w for w in words if not w.startswith("-") and "=" not in w]
    given = dict(w.split("=", 1) for w in words if "=" in w and not w.startswith("-"))
    for candidate in ("GNUmakefile", "makefile", "Makefile"):
        path = _normal(candidate, folder)
        if path not in files or depth >= _DEPTH:
            continue
        if path not in out.scripts:
            out.scripts.append(path)
        text, included = _with_includes(tree, path, files, given)
        out.scripts += [one for one in included if one not in out.scripts]
        rules = _rules(text, given)
        first = next((r for r in rules if not r.startswith(".") and "%" not in r), "")
        done: set[str] = set()
        for name in names or [first]:
            for recipe in _ordered(rules, name, done):
                out.recipes += commands(recipe, {})
                _follow(tree, recipe, files, out, depth + 1, folder)
        return
    out.unclear.append("no Makefile for `make`")


_Rules = dict[str, tuple[tuple[str, ...], str]]
_MOST_RULES = 200


def _ordered(rules: _Rules, target: str, done: set[str]) -> Iterator[str]:
    """The recipes that make a target, what it needs first, each once."""
    if target in done or len(done) > _MOST_RULES:
        return
    done.add(target)
    found = rules.get(target)
    stem = ""
    if found is None:
        for pattern, rule in rules.items():
            before, percent, after = pattern.partition("%")
            if percent and target.startswith(before) and target.endswith(after):
                stem = target[len(before) : len(target) - len(after)]
                found = rule
                break
    if found is None:
        return
    needs = [n.replace("%", stem) for n in found[0]]
    for need in needs:
        yield from _ordered(rules, need, done)
    own = {"@": target, "<": needs[0] if needs else "", "^": " ".join(needs), "*": stem}
    yield re.sub(r"\$([@<^*])", lambda m: own[m.group(1)], found[1])


_INCLUDE = re.compile(r"^-?include[ \t]+(.+)$", re.MULTILINE)


def _with_includes(
    tree: Tree, path: str, files: set[str], given: dict[str, str]
) -> tuple[str, list[str]]:
    """A Makefile with the files that it includes in their places, and which these are."""
    found: list[str] = []
    folder = path.rpartition("/")[0]

    def text(found_line: re.Match[str]) -> str:
        parts = []
        for name in found_line.group(1).partition("#")[0].split():
            one = _normal(name, folder)
            if one not in files or one in found or len(found) >= _DEPTH:
                return found_line.group(0)
            found.append(one)
            parts.append(tree.read(one).decode("utf-8", "replace"))
        return "\n".join(parts)

    return _INCLUDE.sub(text, tree.read(path).decode("utf-8", "replace")), found


_VARIABLE = re.compile(r"^ *([A-Za-z_]\w*)[ \t]*([:?]?)=[ \t]*(.*)$", re.MULTILINE)


def _rules(text: str, given: dict[str, str]) -> _Rules:
    variables = {"MAKE": "make"}
    for name, sign, value in _VARIABLE.findall(text):
        if sign != "?" or name not in variables:  # the last one holds, unless it only offers
            variables[name] = value.partition(" #")[0].strip()
    variables |= given

    def expanded(line: str) -> str:
        for _ in range(5):
            new = re.sub(r"\$[({](\w+)[)}]", lambda m: variables.get(m.group(1), m.group(0)), line)
            if new == line or len(new) > _LONG:
                break
            line = new
        return line

    out: _Rules = {}
    targets: list[str] = []
    for line in text.replace("\\\n", " ").split("\n"):
        if line.startswith("\t"):
            for target in targets:
                out[target] = (out[target][0], out[target][1] + expanded(line).strip() + "\n")
            continue
        found = re.match(r"^([^\s#:=][^#:=]*?)\s*:(?![=:])\s*([^#=]*)(#.*)?$", expanded(line))
        if found:
            targets = found.group(1).split()
            needs = tuple(n for n in found.group(2).split() if n != "|")
            for target in targets:
                known = out.get(target, ((), ""))
                out[target] = ((*known[0], *needs), known[1])
    return out


_LONG = 10_000
