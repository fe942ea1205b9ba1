"""Changed files that are not Python: settings, scripts, data, requirements, hooks.

Decides by what the file is for and whether the run reads it. A setting is harmless only when
the formula of the reported metric does not depend on its key.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable

from autosota.agents.code.configuration import SETTINGS
from autosota.agents.code.program import Program
from autosota.agents.code.values import DATA, ENV, LOAD, Value, text_of
from autosota.agents.domain import Finding, Objective, Place, Severity
from autosota.agents.protocols import Tree
from autosota.agents.rules import finding
from autosota.agents.supervisor.boundary import SETTINGS as OBJECTIVES
from autosota.agents.supervisor.boundary import matches
from autosota.agents.supervisor.formula import evaluation_kids
from autosota.agents.supervisor.reading import Reading
from autosota.agents.supervisor.scripts import judged_lines, judged_recipes, plain_make

_WARN = Severity.WARNING
_TEXTS = (
    ".md", ".rst", ".gitignore", ".png", ".jpg", ".svg", ".gif", ".cff", ".bib", ".tex", ".pdf",
    ".editorconfig", ".pre-commit-config.yaml", ".html", ".css", ".ipynb", ".log",
)  # fmt: skip
_TEXT_NAMES = re.compile(
    r"^(LICENSE|COPYING|AUTHORS|CHANGELOG|NOTICE|README|CITATION|CODEOWNERS)", re.I
)
_CONFIGS = (
    ".yaml",
    ".yml",
    ".toml",
    ".ini",
    ".cfg",
    ".json",
    ".env",
    ".gin",
    ".conf",
    ".properties",
)
_SCRIPTS = (".sh", ".bash", ".mk")
_DATA = re.compile(
    r"\.(csv|tsv|npy|npz|jsonl|ndjson|parquet|pkl|pickle|pt|pth|h5|hdf5|mat|feather|bin|arrow|lmdb|db"
    r"|sqlite|joblib|ckpt|onnx|safetensors|gz|zip|tar|xz|bz2|txt|dat|wav|xml|vec|model)$", re.I
)  # fmt: skip
_REQUIREMENTS = re.compile(
    r"(^|/)(requirements[\w.-]*\.txt|environment\.ya?ml|setup\.py|setup\.cfg|Pipfile(\.lock)?"
    r"|poetry\.lock|uv\.lock|pyproject\.toml|Dockerfile|constraints\.txt|conda[\w.-]*)$"
)
_HOOK_NAMES = {"sitecustomize.py", "usercustomize.py", "conftest.py"}
_EVALISH = re.compile(
    r"(test|eval|metric|split|valid|holdout|held|thresh|top_?k|label|subset|limit|n_?samples|fold"
    r"|average|aggregate|num_runs|n_runs|repeat|best_of|score)", re.I
)  # fmt: skip
_PATHISH = re.compile(r"(data|path|file|dir|root|checkpoint|weights|pretrained|url)", re.I)
_KEY = re.compile(r"""^\s*-?\s*["']?([\w.\-/]+)["']?\s*[:=]\s*(.*?),?\s*(?:#.*)?$""")


def hooks_and_shadows(base: Program, candidate: Program, added: Iterable[str]) -> list[Finding]:
    """New files that Python loads by itself, or in place of something else."""
    out: list[Finding] = []
    roots = {
        b.dotted.partition(".")[0]
        for path in base.python
        for b in base.facts(path).imports
        if not b.level and not base.module(b.dotted.partition(".")[0], path)
    }
    roots |= {"numpy", "torch", "sklearn", "pandas", "scipy", "random", "json", "time", "math"}
    for path in added:
        name = path.rpartition("/")[2]
        place = Place(path, 1)
        if name in _HOOK_NAMES and name != "conftest.py":
            out.append(finding("EV209", place, f"{name} is loaded by every Python process"))
        elif name.endswith((".pth", ".so", ".pyd", ".pyc", ".dll", ".dylib", ".egg-link")):
            out.append(finding("EV209", place, f"{name} is code that Python loads unseen"))
        elif name.endswith((".py", ".pyw")):
            parts = path.removesuffix(".py").split("/")
            if parts[-1] == "__init__":
                parts.pop()
            shadowed = next((p for p in parts if p in roots), "")
            if parts and shadowed and (len(parts) == 1 or parts.index(shadowed) == 0 or
                                       parts[0] in ("src",)):  # fmt: skip
                message = f"{path} takes the place of the library `{shadowed}`"
                out.append(finding("EV209", place, message))
            elif parts and parts[-1] in sys.stdlib_module_names and _beside(path, base):
                message = f"{path} takes the place of the standard module `{parts[-1]}`"
                out.append(finding("EV209", place, message))
            elif name == "__init__.py" and "/".join(parts) + ".py" in base.files:
                message = f"{path} takes the place of {'/'.join(parts)}.py"
                out.append(finding("EV209", place, message))
    return out


def _beside(path: str, base: Program) -> bool:
    """True when the file's folder is one that scripts are started from or packages live in."""
    folder = path.rpartition("/")[0]
    return any(p.rpartition("/")[0] == folder for p in base.python)


def conftest(path: str, content: str) -> Finding | None:
    """A conftest that does more than define fixtures."""
    if re.search(r"pytest_|makereport|monkeypatch|sys\.|setattr|patch|autouse", content):
        return finding("EV209", Place(path, 1), "conftest.py hooks into what runs")
    return None


def judge_other(
    path: str, base: Tree, candidate: Tree, objective: Objective, reading: Reading, after: Reading
) -> list[Finding]:
    """Findings for one changed, added or removed file that is not Python."""
    old, new = _text(base, path), _text(candidate, path)
    name = path.rpartition("/")[2]
    line = _first_difference(old, new)
    place = Place(path, line)
    if name in OBJECTIVES or (name == "pyproject.toml" and "tool.autosota" in old + new and
                            _section(old) != _section(new)):  # fmt: skip
        return [finding("EV211", place, "the objective is changed")]
    if matches(path, objective.protocol.labels):
        return [finding("DS401", place, "a label file is changed")]
    if matches(path, objective.protocol.data):
        return [finding("DS401", place, "a data file is changed")]
    if path in objective.protocol.evaluation:
        # what a shell script means is not known well enough to refuse
        severity = Severity.WARNING if path.endswith(_SCRIPTS) else None
        message = "a declared evaluation file is changed"
        return [finding("EV201", place, message, severity=severity)]
    if name.endswith((".pth", ".so", ".pyd", ".pyc")) or name == ".gitattributes":
        return [finding("EV209", place, f"{name} changes what is loaded")]
    if any(path in e.scripts for r in (reading, after) for e in (r.command, r.evaluator)):
        return _script(path, old, new, reading, after)
    if name.endswith(_TEXTS) or _TEXT_NAMES.match(name):
        return [] if not _mentioned(path, reading) else [_seen(place, path)]
    if _REQUIREMENTS.search(path):
        return [finding("EV211", place, "the environment of the run is changed", severity=_WARN)]
    if name.endswith(_CONFIGS):
        followed = all(path in r.command.settings | r.evaluator.settings for r in (reading, after))
        return _config(path, old, new, reading, followed)
    if name.endswith(_SCRIPTS) or "akefile" in name or "." not in name:
        return [] if not _mentioned(path, reading) else [_seen(place, path)]
    if _DATA.search(name):
        if path in base.files():
            read = _mentioned(path, reading)
            severity = None if read else _WARN
            return [finding("DS401", place, "a data file is changed", severity=severity)]
        return [finding("OUT307", place, "a data or weight file is added", severity=_WARN)]
    return [finding("EV211", place, "a file of unknown use is changed", severity=_WARN)]


def _seen(place: Place, path: str) -> Finding:
    return finding("EV211", place, f"{path} is read by the run", severity=_WARN)


def _text(tree: Tree, path: str) -> str:
    try:
        return tree.read(path)[:2_000_000].decode("utf-8", "replace")
    except FileNotFoundError:
        return ""


def _section(text: str) -> str:
    found = re.search(r"\[tool\.autosota.*", text, re.DOTALL)
    return found.group(0) if found else ""


def _first_difference(old: str, new: str) -> int:
    a, b = old.split("\n"), new.split("\n")
    for number, (left, right) in enumerate(zip(a, b, strict=False)):
        if left != right:
            return number + 1
    return max(1, min(len(a), len(b)))


def _mentioned(path: str, reading: Reading) -> bool:
    """True when code that the run loads, or its command, names the file."""
    name = path.rpartition("/")[2]
    stem = name.rpartition(".")[0] or name
    for module in {*reading.command.files, *reading.evaluator.files}:
        content = reading.program.facts(module).source.content
        if name.encode() in content:
            return True
        if len(stem) > 3 and re.search(rb"[\"'/]" + re.escape(stem.encode()) + rb"[\"'.]", content):
            return True
    scripts = [*reading.command.scripts, *reading.evaluator.scripts]
    return any(name.encode() in reading.program.tree.read(s) for s in scripts)


def _script(path: str, old: str, new: str, reading: Reading, after: Reading) -> list[Finding]:
    """A shell script or Makefile of the run: its Python calls are followed, the rest is not."""
    out: list[Finding] = []
    makefile = "akefile" in path or path.endswith(".mk")
    lines = list(judged_lines(old, new, makefile))
    before, now = ([*r.command.recipes, *r.evaluator.recipes] for r in (reading, after))
    if makefile and plain_make(old, before) and plain_make(new, now):
        # all that such a Makefile does is in its recipes; what acts is told wherever it stands
        lines = [line for line in lines if line.does in ("metric", "acts")]
        lines += judged_recipes(before, now)
    for line in lines:
        place, shown = Place(path, line.number), line.text[:60]
        if line.does == "metric":
            out.append(finding("EV213", place, f"a metric is written by the script: {shown}"))
        elif line.does == "acts":
            out.append(finding("EV209", place, f"the script does something else: {shown}"))
        elif line.does == "gone":
            message = f"the script no longer does: {shown}"
            out.append(finding("EV209", place, message, severity=_WARN))
        else:
            message = f"the audit does not follow: {shown}"
            out.append(finding("EV209", place, message, severity=_WARN))
    if [e.path for e in reading.command.entries] != [e.path for e in after.command.entries]:
        message = "the script starts another program"
        out.append(finding("EV211", Place(path, _first_difference(old, new)), message))
    return out


def _config(path: str, old: str, new: str, reading: Reading, followed: bool) -> list[Finding]:
    """A settings file: which keys differ, and whether the formula depends on them.

    Where what it says was followed like code, the formulas themselves tell that, and names
    need not be guessed from.
    """
    used, touched = formula_names(reading)
    place = Place(path, _first_difference(old, new))
    if not new:
        severity = None if _mentioned(path, reading) else _WARN
        return [finding("EV211", place, "a settings file is removed", severity=severity)]
    if re.search(r"(^|[/_.-])(eval|test|metric|score)", path, re.I):
        return [finding("EV211", place, "settings of the evaluation are changed")]
    before, after = _pairs(old), _pairs(new)
    out: list[Finding] = []
    for key in sorted(before.keys() | after.keys()):
        if before.get(key) == after.get(key):
            continue
        line = after.get(key, before.get(key, ("", 1)))[1]
        if key in before and key in after and before[key][0] == after[key][0]:
            continue
        at, plain = Place(path, line), key.rpartition(".")[2]
        if plain in used:
            out.append(finding("EV211", at, f"the reported metric depends on `{key}`"))
        elif plain in touched and not followed:
            message = f"what the model is asked about depends on `{key}`"
            out.append(finding("EV211", at, message, severity=_WARN))
        elif "seed" in plain.lower():
            out.append(finding("SEL501", at, f"`{key}` pins the seed", severity=_WARN))
        elif followed:
            continue
        elif _EVALISH.search(key):
            out.append(finding("EV211", at, f"`{key}` looks like the evaluation's", severity=_WARN))
        elif _PATHISH.search(plain) and not _is_number(after.get(key, before.get(key, ("", 0)))[0]):
            out.append(finding("DS406", at, f"`{key}` names another source", severity=_WARN))
    if not out and not before and not after and old != new:
        out.append(finding("EV211", place, "settings that could not be read", severity=_WARN))
    if not out and reading.unknown:
        out.append(finding("EV211", place, "what depends on it is unknown", severity=_WARN))
    return out


def _flat(value: object, prefix: str) -> Iterable[tuple[str, object]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(inner, f"{prefix}.{key}" if prefix else str(key))
    else:
        yield prefix, value


def _line_of(text: str, key: str) -> int:
    at = text.find(f'"{key.rpartition(".")[2]}"')
    return text.count("\n", 0, max(at, 0)) + 1


def _is_number(text: str) -> bool:
    return bool(re.fullmatch(r"-?[\d_.]+(e-?\d+)?|true|false|null|none", text.strip(), re.I))


def _pairs(text: str) -> dict[str, tuple[str, int]]:
    """Key → (value, line), nested by indentation or by `[section]`."""
    if text.lstrip().startswith("{"):
        try:
            return {k: (json.dumps(v), _line_of(text, k)) for k, v in _flat(json.loads(text), "")}
        except ValueError:
            pass
    out: dict[str, tuple[str, int]] = {}
    stack: list[tuple[int, str]] = []
    section = ""
    for number, line in enumerate(text.split("\n"), 1):
        header = re.match(r"^\s*\[+([^\]]+)\]+\s*$", line)
        if header:
            section = header.group(1).strip() + "."
            continue
        found = _KEY.match(line)
        if found is None:
            stripped = line.strip().rstrip(",")
            if stripped and not stripped.startswith(("#", "//")) and stripped not in "{}[]":
                owner = stack[-1][1] if stack else section
                value, first = out.get(f"{owner}[]", ("", number))
                out[f"{owner}[]"] = (f"{value}\n{stripped}", first)
            continue
        indent = len(line) - len(line.lstrip())
        while stack and stack[-1][0] >= indent:
            stack.pop()
        prefix = stack[-1][1] if stack else section
        key = f"{prefix}{found.group(1)}"
        stack.append((indent, key + "."))
        out[key] = (found.group(2).strip().strip("\"'"), number)
    return out


def formula_names(reading: Reading) -> tuple[set[str], set[str]]:
    """Names of settings that the formulas of the reported metrics depend on.

    Returns those that metric, labels and rows depend on, and those that only take part in what
    the model is asked about or in which of several is kept. How long and when a model is trained
    is neither.
    """
    surely: set[str] = set()
    perhaps: set[str] = set()
    for sink in reading.sinks:
        if sink.name.startswith("key:"):
            continue  # beside the metrics
        seen: set[tuple[int, bool]] = set()
        stack = [(sink.value, True)]
        while stack:
            value, sure = stack.pop()
            if value.kind != "const":  # equal numbers may stand in different places
                if (value.key, sure) in seen:
                    continue
                seen.add((value.key, sure))
            name = _setting(value)
            if name:
                (surely if sure else perhaps).add(name)
            if value.kind in ("loop", "until"):
                rows = value.kids[-1] if value.kind == "loop" else value.kids[0]
                counted = not rows.flags & (DATA | LOAD | ENV)
                kids = value.kids[:2] if value.kind == "loop" else ()
                stack.extend((k, sure) for k in kids)
                if not counted:
                    stack.append((rows, sure))
                continue
            for at, kid in enumerate(evaluation_kids(value)):
                columns = value.kind == "item" and at == 1 and not kid.flags & DATA
                columns = columns and kid.kind in ("op", "seq")
                picks = value.kind == "phi" and at == 0
                which_rows = value.kind == "item" and at == 1 and kid.kind in ("cmp", "op", "bool")
                still = sure and kid.kind != "asked" and not columns and not picks
                stack.append((kid, still or (which_rows and bool(kid.flags & DATA))))
    return surely, perhaps - surely


def _setting(value: Value) -> str:
    """The name under which a value is read from settings, or ''."""
    if value.kind in ("const", "seq") and value.path.endswith(SETTINGS):
        return value.symbol.rpartition(".")[2]
    if value.kind == "item" and len(value.kids) == 2:
        return text_of(value.kids[1])
    if value.kind == "attr":
        return value.head
    if value.kind == "option":
        return value.head.partition("=")[0].rpartition(".")[2]
    if value.kind == "method" and value.head == "get" and len(value.kids) > 1:
        return text_of(value.kids[1])
    return ""
