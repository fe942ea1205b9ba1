"""Files that a program writes and reads again: what is in them is known, symbolically.

A model pickled by one command and loaded by the next is that model; predictions written for an
evaluator are those predictions. Paths are told by their text as far as it is known; what stays
unknown in a path (`?`) matches itself only. Nothing is opened: see `execute.py` for who asks.
"""

from __future__ import annotations

import re

from autosota.agents.code.values import Value, literal, text_of

Place = tuple[str, Value]
"""The text of a path, and what was written there."""

_INTO_HANDLE = re.compile(
    r"^(json|pickle|dill|joblib|cloudpickle|torch|yaml|toml|cPickle)\.(dump|save|safe_dump)$"
)
_ARRAY = re.compile(r"^numpy\.(save|savetxt)$|^(scipy\.sparse\.save_npz|scipy\.io\.savemat)$")
_ARRAYS = re.compile(r"^numpy\.savez(_compressed)?$")
_SAVES_ITSELF = {
    "save", "save_model", "save_pretrained", "save_weights", "save_checkpoint", "to_csv",
    "to_json", "to_parquet", "to_pickle", "to_feather", "write_csv", "write_parquet", "tofile",
}  # fmt: skip
_READS = re.compile(
    r"^(torch|joblib|numpy|pickle|dill|json|cloudpickle|cPickle)\.(load|loads|loadtxt|fromfile"
    r"|genfromtxt)$|^(pandas|polars)\.read_\w+$|\.load_model$|^open$|^(io|gzip|bz2)\.open$"
    r"|^csv\.(reader|DictReader)$|\.load_from_checkpoint$"
)
_WRAPS_PATH = {"str", "pathlib.Path", "open", "io.open", "gzip.open", "os.fspath",
               "os.path.abspath", "os.path.realpath",
               "os.path.expanduser", "hydra.utils.to_absolute_path"}  # fmt: skip

_LISTS = {"sorted", "list", "tuple", "reversed", "set", "glob.glob", "glob.iglob"}


def path_text(value: Value, depth: int = 0) -> str:
    """A path as text, with `?` where it is not known."""
    if depth > 12:
        return "?"
    inner = value.kids[0] if value.kind == "kw" else value
    if text := text_of(inner):
        return text
    if inner.kind == "option":
        given = inner.head.partition("=")[2]
        if given:
            return given
        return path_text(inner.kids[0], depth + 1) if len(inner.kids) == 1 else "?"
    if inner.kind in ("text", "seq"):
        return "".join(path_text(k, depth + 1) for k in inner.kids)
    if inner.kind == "op" and inner.head == "/" and len(inner.kids) == 2:
        return "/".join(path_text(k, depth + 1).rstrip("/") for k in inner.kids)
    if inner.kind == "call" and inner.head == "os.path.join":
        return "/".join(path_text(k, depth + 1).rstrip("/") for k in inner.kids)
    if inner.kind == "call" and inner.head in _WRAPS_PATH and inner.kids:
        own = inner.kids if inner.head == "pathlib.Path" else inner.kids[:1]
        return "/".join(path_text(k, depth + 1).rstrip("/") for k in own)
    if inner.kind == "call" and inner.head == "os.path.dirname" and inner.kids:
        return _folder(path_text(inner.kids[0], depth + 1))
    if inner.kind == "attr" and inner.head == "parent" and inner.kids:
        return _folder(path_text(inner.kids[0], depth + 1))
    if inner.kind == "item" and inner.kids[0].kind == "attr" and inner.kids[0].head == "parents":
        at, path = literal(inner.kids[1]), path_text(inner.kids[0].kids[0], depth + 1)
        for _ in range(at[0] + 1 if at and isinstance(at[0], int) and at[0] < 9 else 0):
            path = _folder(path)
        return path if at else "?"
    if inner.kind == "method" and inner.head in _OF_PATH:
        own = inner.kids if inner.head == "joinpath" else inner.kids[:1]
        return "/".join(path_text(k, depth + 1).rstrip("/") for k in own)
    if inner.kind == "format" and inner.kids:
        return path_text(inner.kids[0], depth + 1)
    if inner.kind == "elem" and inner.kids:
        return path_text(inner.kids[0], depth + 1)
    if inner.kind == "call" and inner.head in _LISTS and inner.kids:
        return path_text(inner.kids[0], depth + 1)
    if inner.kind == "method" and inner.head in ("glob", "rglob") and len(inner.kids) > 1:
        return "/".join(path_text(k, depth + 1).rstrip("/") for k in inner.kids[:2])
    if inner.kind in ("mut", "carried", "loop") and inner.kids:
        return path_text(inner.kids[0], depth + 1)
    found = literal(inner)
    return str(found[0]) if found else "?"


_OF_PATH = {
    "joinpath", "open", "resolve", "with_suffix", "read_text", "read_bytes", "read", "absolute",
    "expanduser",
}  # fmt: skip


def _folder(path: str) -> str:
    """The folder of a path; of what is not known, it is not known either."""
    folder = path.rstrip("/").rpartition("/")[0]
    return "?" if path.endswith("?") else folder or "."


def normal(path: str) -> str:
    """The same path, without what does not matter."""
    return "/".join(p for p in path.split("/") if p not in ("", "."))


def _useful(path: str) -> bool:
    """True for a path that tells its file, or the folder of files that are made in turn."""
    folder, _, last = path.rpartition("/")
    return bool(last.strip("?")) or bool(folder.rpartition("/")[2].strip("?{}"))


def written(value: Value) -> Place | None:
    """Where a call writes, and what; None when it writes no file that can be told."""
    plain = [k for k in value.kids if k.kind != "kw"]
    path: Value | None = None
    content: Value | None = None
    if value.kind == "call" and _INTO_HANDLE.match(value.head) and len(plain) >= 2:
        content, path = plain[0], plain[1]
    elif value.kind == "call" and _ARRAY.match(value.head) and len(plain) >= 2:
        path, content = plain[0], plain[1]
    elif value.kind == "call" and _ARRAYS.match(value.head) and plain:
        from autosota.agents.code.values import const

        path = plain[0]
        kids = [part for k in value.kids if k.kind == "kw" for part in (const(k.head), k.kids[0])]
        kids += [part for n, k in enumerate(plain[1:]) for part in (const(f"arr_{n}"), k)]
        content = Value("dict", "", tuple(kids))
    elif value.kind == "method" and value.head in ("write_text", "write_bytes", "write"):
        if len(plain) >= 2:
            path, content = plain[0], _undumped(plain[1])
    elif value.kind == "method" and value.head in _SAVES_ITSELF and len(value.kids) >= 2:
        content, path = plain[0], plain[1] if len(plain) > 1 else value.kids[1]
    if path is None or content is None:
        return None
    text = normal(path_text(path))
    return (text, content) if _useful(text) else None


def _undumped(value: Value) -> Value:
    while value.kind == "call" and value.head.rpartition(".")[2] == "dumps" and value.kids:
        value = value.kids[0]
    return value


def read_from(name: str, arguments: tuple[Value, ...]) -> str:
    """The text of the path that a call of a library reads, or ''."""
    if not arguments or not _READS.search(name):
        return ""
    if name in ("open", "io.open", "gzip.open") and len(arguments) > 1:
        mode = arguments[1].kids[0] if arguments[1].kind == "kw" else arguments[1]
        if text_of(mode)[:1] in ("w", "a", "x"):
            return ""
    text = normal(path_text(arguments[0]))
    return text if _useful(text) else ""


def table_of(value: Value) -> str:
    """The file that a call of `csv` writes rows to, or ''."""
    if value.kind != "method" or value.head not in ("writerow", "writerows"):
        return ""
    writer = writer_of(value.kids[0])
    if writer.head not in ("csv.writer", "csv.DictWriter") or not writer.kids:
        return ""
    text = normal(path_text(writer.kids[0]))
    return text if len(value.kids) > 1 and _useful(text) else ""


def writer_of(value: Value) -> Value:
    """The call that made a writer, whatever it was then used for."""
    while value.kind in ("mut", "carried", "loop") and value.kids:
        value = value.kids[0]
    return value


def columns_of_table(writer: Value, before: Value | None) -> tuple[Value, ...]:
    """The names of a table's columns, from its writer or from the row that was written first."""
    if writer.head == "csv.DictWriter" and len(writer.kids) > 1:
        names = writer.kids[1].kids[0] if writer.kids[1].kind == "kw" else writer.kids[1]
        return names.kids if names.kind == "seq" else ()
    while before is not None and before.kind in ("carried", "loop") and before.kids:
        before = before.kids[0]
    if before is not None and before.kind == "comp" and before.kids[0].kind == "dict":
        return before.kids[0].kids[::2]
    return before.kids if before is not None and before.kind == "heading" else ()


def named_cells(names: tuple[Value, ...], row: Value) -> tuple[Value, ...] | None:
    """The names and cells of a row in turn; None when the row has its own names or other cells."""
    if row.kind != "seq" or len(row.kids) != len(names) or not names:
        return None
    return tuple(part for pair in zip(names, row.kids, strict=True) for part in pair)


def reloaded(content: Value) -> Value:
    """What reading a file back gives: the object itself, where one was frozen to be written."""
    if content.kind == "loop" and content.kids[0].kind == "heading":
        content = content.kids[1]
    return content.payload if content.kind == "inst" and content.payload is not None else content


FILES = -7
"""The number under which files are kept among the names of a state."""
