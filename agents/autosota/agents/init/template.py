"""From a command line to a template with `{seed}` and `{run_dir}`.

Keeps every other word as its source wrote it. Which command is meant was decided before.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from autosota.agents.init import commands, syntax
from autosota.agents.init.commands import Candidate
from autosota.agents.init.declared import interface
from autosota.agents.init.flags import Flag, Interface, Style, output_flag, seed_flag
from autosota.agents.init.repository import Repository

_SUFFIX = re.compile(r"\.[A-Za-z]\w{0,6}$")
_WRITERS = {
    "json.dump": ".json", "to_csv": ".csv", "to_json": ".json", "write_text": ".txt",
    "np.save": ".npy", "numpy.save": ".npy", "np.savez": ".npz", "np.savetxt": ".txt",
    "torch.save": ".pt", "joblib.dump": ".joblib", "pickle.dump": ".pkl", "open": "",
}  # fmt: skip
_SEED_WORD = re.compile(r"^(--?[\w-]*seed|[\w.]*seed)(=.*)?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Filled:
    """A command template and what was found out while making it.

    `values` maps the names the code uses (`out`) to what they will be (`{run_dir}`, or a
    default); `outputs` maps places the source wrote (`results/run1`) to places below
    `{run_dir}`, so that a second command can follow.
    """

    command: str
    values: Mapping[str, str]
    outputs: Mapping[str, str] = field(default_factory=dict)
    seed: str = ""
    output: str = ""
    notes: tuple[str, ...] = ()


def fill(repo: Repository, candidate: Candidate, keep_outputs: bool = False) -> Filled:
    """The template of a candidate. With `keep_outputs`, where it writes stays as it is."""
    if candidate.kind in ("python", "module"):
        return _python(repo, candidate, keep_outputs)
    settings = _settings(repo, candidate)
    words = list(candidate.words)
    values: dict[str, str] = {}
    places: dict[str, str] = {}
    for wanted, value in (
        (("seed", "random_seed"), "{seed}"),
        (("out", "out_dir", "outdir", "output", "output_dir", "run_dir", "save_dir"), "{run_dir}"),
    ):
        name = next((w for w in wanted if w in settings), None)
        if name is None:
            continue
        values[name] = value
        how = settings[name]
        if how.startswith("$"):
            index = candidate.at + int(how[1:])
            words += [""] * (index + 1 - len(words))
            words[index] = value
            places[value] = f"its argument {how}"
        elif candidate.kind == "make":
            words.append(f"{how}={value}")
            places[value] = f"make variable {how}"
        else:
            words.insert(0, f"{how}={value}")
            places[value] = f"variable {how}"
    return Filled(
        _line(candidate, words),
        values,
        seed=places.get("{seed}", ""),
        output=places.get("{run_dir}", ""),
    )


def written_as_file(repo: Repository, script: str, dest: str) -> str | None:
    """The suffix of the file that a setting names, "" for a file of any kind; None: a folder."""
    for path in repo.closure(script):
        source = repo.source(path)
        mention = re.compile(rf"(?:\b\w+\.)?\b{re.escape(dest)}\b\)?$")
        for call in syntax.calls(source):
            called = syntax.callee(source, call)
            given = syntax.arguments(source, call)
            nodes = [*given.positional, *given.keywords.values()]
            if any(mention.fullmatch("".join(source.text(n).split())) for n in nodes):
                for writer, suffix in _WRITERS.items():
                    if called == writer or called.endswith(f".{writer}"):
                        return suffix or _dumped(source.text(call.parent or call))
            holder = re.fullmatch(rf"(?:Path\()?(?:\w+\.)?{re.escape(dest)}\)?\.(\w+)", called)
            if holder and holder[1] in ("write_text", "write_bytes", "open"):
                return ".json" if "json" in source.text(call) else ".txt"
    return None


def used_as_folder(repo: Repository, script: str, dest: str) -> bool:
    """True when the code puts names behind the value of a setting."""
    name = re.escape(dest)
    joined = re.compile(
        rf"\b{name}\)?\s*/\s*[\w\"'(]|join\(\s*(\w+\.)?{name}\s*,|f[\"']\{{(\w+\.)?{name}\}}/"
    )
    return any(joined.search(repo.text(p)) for p in repo.closure(script) if repo.has(p))


def _python(repo: Repository, candidate: Candidate, keep_outputs: bool) -> Filled:
    known = interface(repo, candidate.target)
    arguments, notes = _without_placeholders(candidate, known)
    values = {f.dest: f.default for f in known.flags if f.default}
    values.update(given_values(arguments, known))
    environment = list(candidate.environment)
    outputs: dict[str, str] = {}
    seed_place = output_place = ""

    seed = seed_flag(known)
    if seed is not None:
        environment, arguments, _ = _put(seed, "{seed}", environment, arguments, known)
        values[seed.dest] = "{seed}"
        seed_place = f"{seed.names[0]} from {seed.where}"
    else:
        for index, word in enumerate(arguments):
            match = _SEED_WORD.match(word)
            if match and match[2]:
                arguments[index] = f"{match[1]}={{seed}}"
            elif match and word.startswith("-") and index + 1 < len(arguments):
                arguments[index + 1] = "{seed}"
            else:
                continue
            seed_place = f"{match[1]} in {candidate.where}"
            break

    for flag in () if keep_outputs else _outputs(repo, candidate.target, known):
        old = values.get(flag.dest, "")
        value = "{run_dir}"
        suffix = _SUFFIX.search(old)
        kind = written_as_file(repo, candidate.target, flag.dest)
        if suffix or kind is not None:
            name = posixpath.basename(old) if suffix else f"{_stem(flag.dest)}{kind}"
            value = f"{{run_dir}}/{name}"
        environment, arguments, _ = _put(flag, value, environment, arguments, known)
        values[flag.dest] = value
        if old:
            outputs[old] = value
        output_place = output_place or f"{flag.names[0]} from {flag.where}"

    notes += _complete(known, arguments, values)
    words = [*candidate.words[: candidate.at + 1]]
    if known.subcommand and known.subcommand not in arguments:
        words.append(known.subcommand)
    words = [*(f"{k}={v}" for k, v in environment), *words, *arguments]
    return Filled(_line(candidate, words), values, outputs, seed_place, output_place, tuple(notes))


def _outputs(repo: Repository, script: str, known: Interface) -> list[Flag]:
    """The output flag, and other flags whose value the code opens for writing."""
    main = output_flag(known)
    found = [main] if main is not None else []
    for flag in known.flags:
        name = flag.dest.rsplit(".", 1)[-1]
        if flag in found or flag.switch or flag.style is Style.ENVIRONMENT:
            continue
        if re.search(r"pred|metric|result|log_file|submission|history", name):
            kind = written_as_file(repo, script, flag.dest)
            if kind:
                found.append(flag)
    return found


def _put(
    flag: Flag,
    value: str,
    environment: list[tuple[str, str]],
    arguments: list[str],
    known: Interface,
) -> tuple[list[tuple[str, str]], list[str], bool]:
    """Hand a value over by a flag: replaced where it is already given, else added."""
    if flag.style is Style.ENVIRONMENT:
        kept = [(k, v) for k, v in environment if k != flag.names[0]]
        return [*kept, (flag.names[0], value)], arguments, True
    arguments = list(arguments)
    if flag.style is Style.POSITIONAL:
        slots = _positional_slots(arguments, known)
        index = [f for f in known.flags if f.style is Style.POSITIONAL].index(flag)
        if index < len(slots):
            arguments[slots[index]] = value
        elif index == len(slots):
            arguments.append(value)
        return environment, arguments, True
    for index, word in enumerate(arguments):
        name, equals, _ = word.partition("=")
        if _plain(name) in map(_plain, flag.names):
            if equals:
                arguments[index] = f"{name}={value}"
            elif index + 1 < len(arguments):
                arguments[index + 1] = value
            else:
                arguments.append(value)
            return environment, arguments, True
    return environment, [*arguments, *flag.words(value)], True


def given_values(arguments: list[str], known: Interface) -> dict[str, str]:
    """The values that a command line hands over, by the names the code uses."""
    by_name = {_plain(n): f for f in known.flags for n in f.names}
    found: dict[str, str] = {}
    for index, word in enumerate(arguments):
        name, equals, value = word.partition("=")
        flag = by_name.get(_plain(name))
        if flag is None or flag.style is Style.POSITIONAL:
            continue
        if equals:
            found[flag.dest] = value
        elif not flag.switch and index + 1 < len(arguments):
            found[flag.dest] = arguments[index + 1]
    positional = [f for f in known.flags if f.style is Style.POSITIONAL]
    for flag, slot in zip(positional, _positional_slots(arguments, known), strict=False):
        found[flag.dest] = arguments[slot]
    return found


def _positional_slots(arguments: list[str], known: Interface) -> list[int]:
    by_name = {_plain(n): f for f in known.flags for n in f.names}
    slots: list[int] = []
    skip = False
    for index, word in enumerate(arguments):
        if skip:
            skip = False
        elif word.startswith("-") and len(word) > 1:
            flag = by_name.get(_plain(word.partition("=")[0]))
            skip = "=" not in word and flag is not None and not flag.switch
        elif word != known.subcommand:
            slots.append(index)
    return slots


def _without_placeholders(candidate: Candidate, known: Interface) -> tuple[list[str], list[str]]:
    """The arguments without those a person had to fill in, with a note for each."""
    kept: list[str] = []
    notes: list[str] = []
    for word in candidate.arguments:
        if word in ("[OPTIONS]", "[options]", "...", "…"):
            continue
        optional = word.startswith("[") or word.endswith("]")
        if optional and not word.startswith("[{"):
            continue
        name, _, value = word.partition("=")
        if not commands.is_placeholder(value or word):
            kept.append(word)
            continue
        opened = not value and bool(kept) and kept[-1].startswith("-")
        flag = name if value else kept.pop() if opened else word
        if not re.search(r"seed|out|save|run_dir", flag):
            notes.append(
                f"{candidate.where} leaves {word} open: add {flag} to the command if it is needed"
            )
    return kept, notes


def _complete(known: Interface, arguments: list[str], values: dict[str, str]) -> list[str]:
    """Add what a script insists on and the source did not give; a note for each."""
    notes: list[str] = []
    slots = len(_positional_slots(arguments, known))
    for flag in known.flags:
        if flag.style is Style.POSITIONAL:
            slots -= 1
            missing = slots < 0 and flag.required
        else:
            names = {_plain(w.partition("=")[0]) for w in arguments}
            missing = flag.required and not names.intersection(map(_plain, flag.names))
        if not missing:
            continue
        if flag.choices:
            arguments += flag.words(flag.choices[0])
            values[flag.dest] = flag.choices[0]
            others = ", ".join(flag.choices[1:]) or "no other"
            notes.append(
                f"{flag.where}: {flag.names[0]} is required; the first of its values was taken "
                f"({flag.choices[0]}; others: {others})"
            )
        else:
            notes.append(f"{flag.where}: {flag.names[0]} is required: add it to the command")
    return notes


def _plain(name: str) -> str:
    """A flag without what parsers do not mind: `_` for `-`, Hydra's `+` before a key."""
    return name.lstrip("+").replace("_", "-")


def _settings(repo: Repository, candidate: Candidate) -> dict[str, str]:
    text = repo.text(candidate.target)
    if candidate.kind == "shell":
        return commands.shell_settings(text)
    found = re.findall(r"^(\w+)\s*[:?]?=", text, re.MULTILINE)
    return {name.lower(): name for name in found}


def _line(candidate: Candidate, words: list[str]) -> str:
    head = 0
    assigned: list[str] = []
    while head < len(words) and re.match(r"^[A-Za-z_]\w*=", words[head]):
        name, _, value = words[head].partition("=")
        # The shell may expand the path that is there already; an assignment is never split.
        kept = value.endswith(":$PYTHONPATH")
        assigned.append(f"{name}={value if kept else commands.quote(value)}")
        head += 1
    line = " ".join([*assigned, commands.join(words[head:])])
    return f"cd {commands.quote(candidate.folder)} && {line}" if candidate.folder else line


def _dumped(text: str) -> str:
    return ".json" if "json" in text else ""


def _stem(dest: str) -> str:
    return (
        "results"
        if dest in ("out", "output", "save", "dest")
        else re.sub(r"_(file|path)$", "", dest)
    )
