"""Where a number leaves the program to become a metric, and what it is computed from.

A sink is a report the runner reads: a METRIC line, a line that matches the objective's pattern,
a key of a results file, or a file that a separate evaluator scores. Found in the events of a
symbolic execution, so it does not matter which function or file the report is in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from autosota.agents.code.execute import Execution
from autosota.agents.code.state import Event
from autosota.agents.code.stored import written
from autosota.agents.code.values import LOAD, PRED, Value, text_of, walk
from autosota.agents.domain import MetricSource, Objective
from autosota.agents.supervisor.formula import is_model

PRINTS = {
    "print", "sys.stdout.write", "click.echo", "typer.echo", "os.write", "tqdm.write",
    "tqdm.tqdm.write", "rich.print", "logging.info", "sys.__stdout__.write", "builtins.print",
}  # fmt: skip
WRITES = {
    "json.dump", "numpy.save", "numpy.savez", "numpy.savetxt", "numpy.savez_compressed",
    "torch.save", "pickle.dump", "joblib.dump", "yaml.dump", "yaml.safe_dump", "toml.dump",
    "tomlkit.dump", "h5py.File.create_dataset", "scipy.io.savemat", "os.rename", "os.replace",
    "shutil.copy", "shutil.copyfile", "shutil.copytree", "shutil.move", "os.symlink", "os.link",
}  # fmt: skip
WRITE_METHODS = {
    "write_text", "write_bytes", "to_csv", "to_json", "to_parquet", "to_pickle", "to_excel",
    "writerow", "writerows", "write", "tofile", "save", "write_csv", "write_parquet", "dump",
    "writelines", "create_dataset", "symlink_to", "to_feather",
}  # fmt: skip
SAVES = re.compile(
    r"^(torch\.save|joblib\.dump|pickle\.dump|dill\.dump|keras\..*save|numpy\.savez?)$"
)
SAVE_METHODS = {"save", "save_model", "save_pretrained", "save_weights", "save_checkpoint"}
_MARK = "\x01"
_METRIC = re.compile(rf"METRIC\s+([^\s={_MARK}]*(?:{_MARK}\d+{_MARK}[^\s={_MARK}]*)*)\s*=\s*(\S*)")
_PART = re.compile(rf"{_MARK}(\d+){_MARK}")


@dataclass(frozen=True, slots=True)
class Sink:
    """One reported number: its name ('' when computed), its value, and the event it leaves by."""

    name: str
    value: Value
    event: Event
    kind: str

    @property
    def conditions(self) -> tuple[Value, ...]:
        """What must hold for it to be reported."""
        return self.event.conditions


def reported(execution: Execution, objective: Objective) -> list[Sink]:
    """Every metric that an execution reports, in order."""
    sources = list(objective.metrics.values())
    names = {objective.metric, objective.select_on}
    sources += [MetricSource(n) for n in sorted(names) if n not in objective.metrics]
    patterns = [s for s in sources if s.pattern]
    keys = [s for s in sources if s.key]
    out: list[Sink] = []
    for event in execution.events:
        value = event.value
        if prints(value):
            text, parts = rendered(value)
            out += _lines(text, parts, event)
            out += _patterns(text, parts, event, patterns)
        if keys and writes(value):
            out += _keys(value, event, keys)
    return out


def prints(value: Value) -> bool:
    """True for a call that writes to the terminal."""
    if value.kind == "call":
        return value.head in PRINTS
    if value.kind == "method" and value.head in ("write", "print", "info", "echo", "writelines"):
        return _stdout(value.kids[0]) or "METRIC" in "".join(text_of(v) for v in walk(value))
    return False


def _stdout(value: Value) -> bool:
    return value.kind == "ref" and ("stdout" in value.head or value.head.startswith("logging"))


def writes(value: Value) -> bool:
    """True for a call that writes a file."""
    if value.kind == "call":
        return value.head in WRITES or bool(SAVES.match(value.head))
    return value.kind == "method" and value.head in WRITE_METHODS and not prints(value)


def rendered(value: Value) -> tuple[str, list[Value]]:
    """The text a print makes, with a mark where a computed part stands, and those parts."""
    parts: list[Value] = []
    out: list[str] = []
    arguments = value.positional[1:] if value.kind == "method" else value.positional
    for number, argument in enumerate(arguments):
        if number:
            out.append(" ")
        for piece in argument.kids if argument.kind == "text" else (argument,):
            text = shown(piece)
            if text:
                out.append(text)
            elif piece.kind == "const":
                out.append(piece.head)
            else:
                out.append(f"{_MARK}{len(parts)}{_MARK}")
                parts.append(piece)
    return "".join(out), parts


def shown(value: Value) -> str:
    """A literal string, or an option's as the command gives it, as it is printed; else ''."""
    if value.kind == "option":
        given = value.head.partition("=")[2]
        return given if "{" not in given else ""
    if value.kind == "format" and len(value.kids) == 2 and (inner := shown(value.kids[0])):
        try:
            return format(inner, text_of(value.kids[1]))
        except ValueError:
            return inner
    return text_of(value)


def _lines(text: str, parts: list[Value], event: Event) -> list[Sink]:
    out: list[Sink] = []
    for found in _METRIC.finditer(text):
        name, shown = found.groups()
        inside = [parts[int(n)] for n in _PART.findall(shown)]
        if len(inside) == 1 and _PART.sub("", shown) == "":
            value = inside[0]
        else:
            value = Value("written", _PART.sub("?", shown), tuple(inside))
            value.path, value.line = event.value.path, event.value.line
            value.symbol = event.value.symbol
        computed = [parts[int(n)] for n in _PART.findall(name)]
        if computed:
            whole = Value("named", _PART.sub("?", name), (*computed, value))
            whole.path, whole.line = event.value.path, event.value.line
            whole.symbol = event.value.symbol
            out.append(Sink("", whole, event, "line"))
        else:
            out.append(Sink(name, value, event, "line"))
    if not out and "METRIC" in text:
        out.append(Sink("", event.value, event, "line"))
    return out


def _patterns(
    text: str, parts: list[Value], event: Event, sources: Iterable[MetricSource]
) -> list[Sink]:
    out: list[Sink] = []
    shown = _PART.sub("0.5", text)
    for source in sources:
        try:
            found = re.search(source.pattern, shown)
        except re.error:
            continue
        if found is not None:
            before = _PART.findall(text)
            at = _which(text, found.start("value") if "value" in found.groupdict() else 0)
            value = parts[at] if at is not None and before else event.value
            out.append(Sink(source.name, value, event, "pattern"))
    return out


def _which(text: str, offset: int) -> int | None:
    """The computed part that stands at an offset of the text as shown."""
    at = 0
    position = 0
    for found in _PART.finditer(text):
        at += found.start() - position
        if at <= offset <= at + 3:
            return int(found.group(1))
        at += 3
        position = found.end()
    return None


def _keys(value: Value, event: Event, sources: list[MetricSource]) -> list[Sink]:
    content = _content(value)
    if content is None:
        return []
    sources = _in_this_file(value, sources)
    merged = _merged(content)
    if content.kind != "dict" and len(merged) > 1:
        found = [(s.name, part) for s in sources for part in merged if _gives(part, s.key)]
        if {name for name, _ in found} == {s.name for s in sources}:
            return [Sink(name, part, event, "file") for name, part in found]
    if content.kind != "dict":
        wanted = _file_matches(value, sources) or (
            content.flags & PRED and not _other_file(value, sources) and not _weights(content)
        )
        return [Sink("", content, event, "file")] if wanted else []
    flat = dict(_flatten(content, ""))
    out: list[Sink] = []
    named = {s.key: s.name for s in sources}
    if not any(k in named for k in flat):
        return [Sink("", content, event, "file")] if _file_matches(value, sources) else []
    for key, inner in flat.items():
        out.append(Sink(named.get(key, f"key:{key}"), inner, event, "file"))
    return out


def _merged(content: Value) -> list[Value]:
    """The dictionaries that one is put together from by `update` or `|`."""
    if content.kind == "mut" and content.head == "update":
        return [*_merged(content.kids[0]), *_merged_last(content)]
    if content.kind == "op" and content.head == "|" and len(content.kids) == 2:
        return [*_merged(content.kids[0]), *_merged(content.kids[1])]
    if content.kind == "dict" and not content.kids:
        return []
    return [content]


def _merged_last(content: Value) -> list[Value]:
    last = content.kids[-1]
    if last.kind == "method" and last.head == "update":
        last = last.kids[-1]
    return _merged(last)


def _gives(part: Value, key: str) -> bool:
    """True when a dictionary made by a library holds a key: it logs it, or prefixes its keys."""
    last = key.rpartition(".")[2]
    while part.kind in ("item", "attr") and part.kids:
        part = part.kids[0]
    texts = {text_of(v) for v in walk(part, lambda v: v.kind == "mut") if v.kind == "const"}
    if last in texts:
        return True
    asks = part.kids[0] if part.kind == "pred" else part
    named = [v.named("metric_key_prefix") for v in (part, *part.kids)]
    prefix = next((v for v in named if v is not None), None)
    if prefix is not None:
        return last.startswith(text_of(prefix) + "_")
    return asks.kind == "method" and asks.head == "evaluate" and last.startswith("eval_")


def _in_this_file(value: Value, sources: list[MetricSource]) -> list[MetricSource]:
    """The metrics that are read from the file that is written, when it is known to be theirs.

    Two files may hold the same key: what is in one of them is not the other's metric.
    """
    place = written(value)
    last = place[0].rpartition("/")[2] if place is not None else ""
    if not last or "?" in last:
        return sources
    return [s for s in sources if s.source.rsplit("/", 1)[-1] == last] or sources


def _other_file(value: Value, sources: list[MetricSource]) -> bool:
    """True when a write goes to a file that is known and is none of the metrics'."""
    place = written(value)
    if place is None or "?" in place[0].rpartition("/")[2]:
        return False
    last = place[0].rpartition("/")[2]
    return all(last != s.source.rsplit("/", 1)[-1] for s in sources if s.source != "stdout")


def _weights(content: Value) -> bool:
    """True for a model, or for what a model is kept as."""
    if content.kind == "method" and content.head in ("state_dict", "get_weights", "get_params"):
        return True
    return is_model(content) or any(
        v.kind == "method" and v.head == "state_dict"
        for v in walk(content, lambda v: v.kind == "pred")
    )


def _file_matches(value: Value, sources: list[MetricSource]) -> bool:
    texts = [t for v in walk(value) if (t := text_of(v))]
    names = [s.source.rsplit("/", 1)[-1] for s in sources]
    return any(n and n in t for t in texts for n in names)


def _content(value: Value) -> Value | None:
    arguments = value.positional
    if value.kind == "method":
        found = arguments[1] if len(arguments) > 1 else None
    else:
        found = arguments[0] if arguments else None
    while found is not None and found.kind == "call" and found.head.endswith("dumps"):
        found = found.kids[0] if found.kids else None
    if found is not None and found.kind == "op" and found.head == "+":
        inner = [k for k in found.kids if k.kind != "const"]
        found = inner[0] if len(inner) == 1 else found
        while found.kind == "call" and found.head.endswith("dumps") and found.kids:
            found = found.kids[0]
    if found is not None and found.kind == "text":
        dumped = [k for k in found.kids if k.kind == "call" and k.head.endswith("dumps")]
        if len(dumped) == 1 and dumped[0].kids:
            return dumped[0].kids[0]
    return found


def _flatten(value: Value, prefix: str) -> Iterable[tuple[str, Value]]:
    for key, inner in zip(value.kids[::2], value.kids[1::2], strict=True):
        name = f"{prefix}{text_of(key)}"
        if inner.kind == "dict":
            yield from _flatten(inner, name + ".")
        else:
            yield name, inner


def handed_over(execution: Execution, evaluator: Execution) -> list[Sink]:
    """What the command writes for a separate evaluator to score."""
    read: set[str] = set()
    for event in evaluator.events:
        if event.value.flags & LOAD and event.value.kind in ("call", "method"):
            read.update(_basenames(event.value))
    out: list[Sink] = []
    for event in execution.events:
        value = event.value
        if not writes(value):
            continue
        names = _basenames(value)
        common = sorted(n for n in names if any(n == r or n in r or r in n for r in read))
        if common or value.flags & PRED:
            content = _content_of_file(value)
            name = common[0] if common else next(iter(sorted(names)), "file")
            out.append(Sink(name, content, event, "prediction"))
    return out


def _content_of_file(value: Value) -> Value:
    """Everything a write writes, without where to."""
    if value.kind == "method":
        where = value.kids[0]
        kids = value.kids if value.head.startswith("to_") else value.kids[1:] or (where,)
        made = Value("written", value.head, tuple(k for k in kids if not is_path(k)))
    else:
        made = Value("written", value.head, tuple(k for k in value.kids if not is_path(k)))
    made.path, made.line, made.symbol = value.path, value.line, value.symbol
    return made


def is_path(value: Value) -> bool:
    """True for what only says where a file is."""
    inner = value.kids[0] if value.kind == "kw" else value
    if inner.flags & PRED:
        return False
    if text_of(inner):
        return True
    if inner.kind in ("text", "option"):
        return True
    if inner.kind == "op" and inner.head == "/":
        return True
    return inner.kind == "call" and inner.head in ("open", "pathlib.Path", "os.path.join", "str")


def _basenames(value: Value) -> set[str]:
    out: set[str] = set()
    for part in walk(value, lambda v: v.kind == "pred"):
        text = text_of(part)
        if "." in text and not text.startswith(".") and len(text) < 120:
            out.add(text.rsplit("/", 1)[-1])
    return {n for n in out if re.search(r"\.\w{2,8}$", n) and not n.endswith(".py")}
