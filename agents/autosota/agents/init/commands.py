"""Command lines in documents, shell scripts, Makefiles and code, and what each one starts.

Only lines that start something of this repository become a `Candidate`. Whether it is the
experiment is not known here.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from autosota.agents.init import documents, syntax
from autosota.agents.init.repository import Repository

_PROMPT = re.compile(r"^\s*(?:\([\w.-]+\)\s*)?(?:[$%>]\s+|>>>\s*[!]|!)\s*")
_ASSIGN = re.compile(r"^(?:export\s+)?([A-Za-z_]\w*)=(.*)$")
_PYTHON = re.compile(r"^(?:[\w./~-]*/)?(?:python|pypy|ipython)[0-9.]*$")
_WRAPPERS = {"time": 0, "nohup": 0, "sudo": 0, "env": 0, "exec": 0, "command": 0, "nice": 0}
_RUNNERS = {("uv", "run"), ("poetry", "run"), ("pipenv", "run"), ("pdm", "run"), ("hatch", "run")}
_LAUNCHERS = ("torchrun", "accelerate", "deepspeed", "horovodrun", "mpirun", "srun")
_LAUNCH_MODULES = ("torch.distributed.launch", "torch.distributed.run")
_PLACEHOLDER = re.compile(
    r"<[^>]*>|\{(?!seed\}|run_dir\})[A-Za-z_]\w*\}|/path/to|^\.\.\.$|…|\bYOUR_|\$\{?[A-Za-z_]"
)
_LOOP = re.compile(r"^\s*(for\s+\w+\s+in\b.*?(;\s*do\b|$)|do\b|done\b.*|while\b.*)\s*")
_SKIPPED = frozenset(("pip", "pip3", "conda", "mamba", "git", "apt", "apt-get", "docker", "wget"))


@dataclass(frozen=True, slots=True)
class Candidate:
    """A command line that starts something of this repository.

    `words[at]` names the target; what follows are its arguments. `target` is its path in the
    tree, `folder` where the command is typed. `kind` is `python`, `module`, `shell` or `make`.
    `environment` are assignments put before it.
    """

    words: tuple[str, ...]
    at: int
    target: str
    kind: str
    where: str
    origin: str
    folder: str = ""
    heading: str = ""
    environment: tuple[tuple[str, str], ...] = ()
    order: int = 0
    steps: int = 1

    @property
    def arguments(self) -> tuple[str, ...]:
        """The words after the target."""
        return self.words[self.at + 1 :]

    @property
    def placeholders(self) -> int:
        """How many arguments a person has to fill in."""
        return sum(is_placeholder(w) for w in self.arguments)


def is_placeholder(word: str) -> bool:
    """True when a person has to put something in the place of a word."""
    return bool(_PLACEHOLDER.search(word))


def quote(word: str) -> str:
    """A word as it stands in a command template: quoted for the shell where it must be."""
    bare = word.replace("{seed}", "").replace("{run_dir}", "")
    if word and (not bare or shlex.quote(bare) == bare):
        return word
    return shlex.quote(word)


def join(words: Iterable[str]) -> str:
    """Words as one command line."""
    return " ".join(quote(w) for w in words)


def of_documents(repo: Repository) -> list[Candidate]:
    """Commands in code blocks and code marks of the documents, in reading order."""
    found: list[Candidate] = []
    for path in repo.documents:
        for block in documents.parse(repo.text(path)).blocks:
            if block.language in ("python", "py", "json", "yaml", "toml", "bibtex", "diff"):
                continue
            origin = "document" if not block.inline else "mention"
            found += _of_lines(repo, block.lines, block.line, path, origin, block.heading)
    return _numbered(found)


def of_makefiles(repo: Repository) -> list[Candidate]:
    """Make targets; a target of one command stands for that command."""
    found: list[Candidate] = []
    for path in ("Makefile", "makefile", "GNUmakefile"):
        if not repo.has(path):
            continue
        lines = repo.text(path).splitlines()
        values = {m[1]: m[2].strip() for m in (_make_variable(x) for x in lines) if m}
        for target, line, recipe in _rules(lines):
            body = [_make_expand(r.lstrip("\t @-+"), values) for r in recipe]
            inner = list(_of_lines(repo, body, line + 1, path, "make", target))
            if not inner:
                continue
            whole = Candidate(
                ("make", target), 1, path, "make", f"{path}, line {line}", "make", heading=target
            )
            found += inner if len(inner) == 1 else [_with_steps(whole, len(inner))]
    return _numbered(found)


def of_shell_scripts(repo: Repository) -> list[Candidate]:
    """Shell scripts; a script of one command stands for that command too."""
    found: list[Candidate] = []
    for path in repo.paths:
        if not path.endswith((".sh", ".bash")) or path.count("/") > 2:
            continue
        text = repo.text(path)
        inner = list(_of_lines(repo, text.splitlines(), 1, path, "shell"))
        if len(inner) == 1 and not shell_settings(text):
            found += inner
        elif inner:
            whole = Candidate(("bash", path), 1, path, "shell", path, "shell")
            found.append(_with_steps(whole, len(inner)))
    return _numbered(found)


def of_scripts(repo: Repository) -> list[Candidate]:
    """Python files that do something when run."""
    found: list[Candidate] = []
    imported = {p for s in repo.python for p in repo.closure(s)[1:]}
    for path in repo.python:
        source = repo.source(path)
        if not syntax.acts_when_run(source):
            continue
        if path in imported and not syntax.is_guarded(source):
            continue
        words, at, kind, environment = run_words(repo, path)
        where = (
            f"{path}, {'which has a __main__ guard' if syntax.is_guarded(source) else 'a script'}"
        )
        found.append(Candidate(words, at, path, kind, where, "script", environment=environment))
    return _numbered(found)


def run_words(
    repo: Repository, path: str
) -> tuple[tuple[str, ...], int, str, tuple[tuple[str, str], ...]]:
    """How a Python file is started: words, index of the target, kind, and variables."""
    folder, name = posixpath.split(path)
    top = folder
    while top and repo.has(f"{top}/__init__.py"):
        top = posixpath.dirname(top)
    if top == folder:
        return ("python", path), 1, "python", ()
    inner = path[len(top) + 1 if top else 0 :].removesuffix(".py")
    dotted = (posixpath.dirname(inner) if name == "__main__.py" else inner).replace("/", ".")
    return ("python", "-m", dotted), 2, "module", _on_path(top)


def _on_path(folder: str) -> tuple[tuple[str, str], ...]:
    # The checkout and its `src` are on the path in every run.
    return (("PYTHONPATH", f"{folder}:$PYTHONPATH"),) if folder not in ("", "src") else ()


def shell_settings(text: str) -> dict[str, str]:
    """Settings a shell script takes: lower-case name → `$1`, `$2`, … or its variable."""
    found: dict[str, str] = {}
    for match in re.finditer(r"^\s*(?:export\s+)?(\w+)=\"?\$\{?(\w+)", text, re.MULTILINE):
        if match[2].isdigit():
            found[match[1].lower()] = f"${match[2]}"
        elif match[1] == match[2]:
            found[match[1].lower()] = match[1]
    return found


def _of_lines(
    repo: Repository,
    lines: Sequence[str],
    first: int,
    path: str,
    origin: str,
    heading: str = "",
) -> Iterator[Candidate]:
    folder = ""
    values: dict[str, str] = {}
    for number, line in _joined(lines, first):
        for part in re.split(r"\s*(?:&&|;(?!\s*do\b))\s*", _LOOP.sub("", line)):
            words = _words(_expand(part, values))
            if not words:
                continue
            if words[0] == "cd" and len(words) == 2:
                step = posixpath.normpath(posixpath.join(folder, words[1]))
                folder = step if step in repo.folders else "" if step == "." else folder
                continue
            if len(words) == 1 and (assigned := _ASSIGN.match(part.strip())):
                values[assigned[1]] = assigned[2].strip("\"'")
                continue
            found = _candidate(repo, words, folder, f"{path}, line {number}", origin, heading)
            if found is not None:
                yield found


def _candidate(
    repo: Repository, words: list[str], folder: str, where: str, origin: str, heading: str
) -> Candidate | None:
    environment: list[tuple[str, str]] = []
    while words:
        if assigned := _ASSIGN.match(words[0]):
            # Which devices a run sees is for the runner to say.
            if assigned[1] != "CUDA_VISIBLE_DEVICES":
                environment.append((assigned[1], assigned[2]))
            words = words[1:]
        elif words[0] in _WRAPPERS:
            words = words[1:]
        elif tuple(words[:2]) in _RUNNERS:
            words = words[2:]
        else:
            break
    if not words or words[0] in _SKIPPED:
        return None
    found = _target(repo, words, folder)
    if found is None:
        return None
    at, target, kind = found
    return Candidate(
        tuple(words), at, target, kind, where, origin, folder, heading, tuple(environment)
    )


def _target(repo: Repository, words: list[str], folder: str) -> tuple[int, str, str] | None:
    """Where the target stands among the words, its path and its kind; None when foreign."""

    def local(word: str) -> str | None:
        path = posixpath.normpath(posixpath.join(folder, word))
        return path if repo.has(path) else None

    def module(word: str) -> str | None:
        stem = posixpath.normpath(posixpath.join(folder, word.replace(".", "/")))
        options = [f"{stem}.py", f"{stem}/__main__.py", f"src/{stem}.py", f"src/{stem}/__main__.py"]
        return next((p for p in options if repo.has(p)), None)

    head = words[0]
    if head == "make":
        targets = [w for w in words[1:] if "=" not in w and not w.startswith("-")]
        makefile = local("Makefile") or local("makefile")
        if makefile and targets and any(t == targets[0] for t, _, _ in _rules_of(repo, makefile)):
            return words.index(targets[0]), makefile, "make"
        return None
    if head in ("bash", "sh", "source", "."):
        path = local(words[1]) if len(words) > 1 else None
        return (1, path, "shell") if path else None
    if path := local(head):
        return 0, path, "shell" if not path.endswith(".py") else "python"
    if not _PYTHON.match(head) and head not in _LAUNCHERS:
        return None
    start = 1
    while start < len(words):
        word = words[start]
        if word == "-m" and start + 1 < len(words):
            if words[start + 1] in _LAUNCH_MODULES:
                start += 2
                continue
            path = module(words[start + 1])
            return (start + 1, path, "module") if path else None
        if word.endswith(".py"):
            path = local(word)
            return (start, path, "python") if path else None
        if word == "-c" or not (word.startswith("-") or start > 1 or head in _LAUNCHERS):
            return None
        start += 1
    return None


def _joined(lines: Sequence[str], first: int) -> Iterator[tuple[int, str]]:
    """Lines without prompts and comments, continued lines put together."""
    held, number = "", first
    for offset, line in enumerate(lines):
        text = _PROMPT.sub("", line) if not held else line
        if not held:
            number = first + offset
        stripped = text.rstrip()
        if stripped.endswith("\\"):
            held += stripped[:-1] + " "
            continue
        whole, held = (held + stripped).strip(), ""
        if whole and not whole.startswith("#"):
            yield number, whole
    if held.strip():
        yield number, held.strip()


def _words(line: str) -> list[str]:
    line = re.split(r"\s(?:\||>{1,2}|2>|&>|&\s*$)", line)[0]
    # `[a folder with images]` is one thing to fill in, and so is `<your file>`.
    line = re.sub(
        r"\[([^\]=]*\s[^\]]*)\]|<([^<>=]*\s[^<>]*)>",
        lambda m: f"<{re.sub(r'[^A-Za-z0-9-]+', '_', m[1] or m[2])}>",
        line,
    )
    try:
        words = shlex.split(line, comments=True)
    except ValueError:
        return []
    return words if all(w.isprintable() for w in words) else []


def _expand(line: str, values: Mapping[str, str]) -> str:
    """Shell variables replaced where a plain value is known; `$seed` of a loop becomes {seed}."""

    def value(match: re.Match[str]) -> str:
        name = match[1] or match[3]
        if name in values and "$" not in values[name]:
            return values[name]
        if name.lower() in ("seed", "s", "random_seed"):
            return "{seed}"
        return match[2][2:] if match[2] else match[0]

    return re.sub(r"\$\{(\w+)(:-[^}]*)?\}|\$(\w+)", value, line)


def _make_expand(line: str, values: Mapping[str, str]) -> str:
    for _ in range(3):
        line = re.sub(r"\$[({](\w+)[)}]", lambda m: values.get(m[1], m[0]), line)
    return line.replace("$$", "$")


def _make_variable(line: str) -> re.Match[str] | None:
    return re.match(r"^(\w+)\s*[:?]?=\s*(.*)$", line)


def _rules(lines: Sequence[str]) -> Iterator[tuple[str, int, list[str]]]:
    for index, line in enumerate(lines):
        match = re.match(r"^([A-Za-z][\w.-]*)\s*:(?!=)", line)
        if match:
            end = index + 1
            while end < len(lines) and (lines[end].startswith("\t") or not lines[end].strip()):
                end += 1
            yield match[1], index + 1, list(lines[index + 1 : end])


def _rules_of(repo: Repository, path: str) -> list[tuple[str, int, list[str]]]:
    return list(_rules(repo.text(path).splitlines()))


def _numbered(found: list[Candidate]) -> list[Candidate]:
    return [replace(c, order=i) for i, c in enumerate(found)]


def _with_steps(candidate: Candidate, steps: int) -> Candidate:
    return replace(candidate, steps=steps)


def python_targets(repo: Repository, text: str, path: str) -> list[str]:
    """The Python files that the lines of a script start, in order."""
    found = _of_lines(repo, text.splitlines(), 1, path, "shell")
    return [c.target for c in found if c.kind in ("python", "module")]
