"""Which rows a table holds and where they come from, whatever its columns are.

`df[df.year < 2018]` picks the same rows before and after a column was added to `df`. A predicate
is told by the columns it reads, a table by its source and by what was done to its rows. Files
are told by the text of their paths, with `*` where that is not known.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

from autosota.agents.code import libraries as lib
from autosota.agents.code.stored import normal, path_text
from autosota.agents.code.values import DATA, LOAD, Value, text_of

_KEEPS_ROWS = {
    "assign", "astype", "fillna", "rename", "copy", "replace", "interpolate", "ffill", "bfill",
    "round", "clip", "to_numpy",
}  # fmt: skip
_BY_PLACE = {
    "sort_values", "sort_index", "reset_index", "set_index", "dropna", "drop_duplicates", "groupby",
}  # fmt: skip
"""What is done to all rows alike, as far as its own arguments say."""
COMPLETE = {"notna", "isna", "notnull", "isnull", "isfinite", "isnan"}
"""Questions whether a row has all its values."""
_known: dict[int, int] = {}
_MOST_KNOWN = 100_000


def picked_by(index: Value) -> int:
    """A key of how rows are picked: equal when the same rows are, whatever the columns."""
    if not index.flags & DATA:
        return index.key
    found = _known.get(index.key)
    if found is None:
        if len(_known) > _MOST_KNOWN:
            _known.clear()
        found = _known[index.key] = _picked_by(index)
    return found


def _picked_by(value: Value) -> int:
    if value.kind == "item" and len(value.kids) == 2 and (name := text_of(value.kids[1])):
        return hash(("column", name, rows_of_table(value.kids[0])))
    if value.kind == "attr":
        return hash(("attr", value.head, rows_of_table(value.kids[0])))
    if value.kind == "item" and len(value.kids) == 2:
        return hash(("picked", rows_of_table(value.kids[0]), picked_by(value.kids[1])))
    if value.kind == "method" and value.head in COMPLETE and value.kids:
        return hash(("complete", rows_of_table(value.kids[0])))
    if not value.kids:
        return value.key
    return hash((value.kind, value.head, tuple([picked_by(k) for k in value.kids])))


def rows_of_table(table: Value) -> int:
    """A key of the rows of a table: equal when the same rows are in it, in the same order."""
    done: list[int] = []
    for _ in range(200):
        if not table.kids or not table.flags & DATA:
            break
        first = table.kids[0]
        if table.kind == "set" and table.head == "item" and text_of(table.kids[1]):
            table = first
        elif table.kind == "item" and len(table.kids) == 2 and table.kids[1].kind in ("seq", "op"):
            if table.kids[1].flags & DATA:
                break
            table = first
        elif table.kind in ("method", "mut") and table.head in _KEEPS_ROWS:
            table = first
        elif table.kind in ("method", "mut") and table.head == "drop":
            if table.named("columns") is None:
                break
            table = first
        elif table.kind in ("method", "mut") and table.head in _BY_PLACE:
            done.append(hash((table.head, tuple([k.key for k in table.kids[1:] if not k.kids]))))
            table = first
        else:
            break
    last = picked_by(table) if table.kind in ("item", "attr") else table.key
    return hash((tuple(done), last)) if done else last


_PATTERNS = re.compile(r"[*?]+")


def place_of_rows(source: Value) -> str:
    """The path a call reads rows from, `*` for what is not known; empty when too little is."""
    if not source.flags & LOAD or source.kind not in ("call", "method") or not source.kids:
        return ""
    if source.kind == "call" and not lib.LOADERS.search(source.head):
        return ""
    if source.kind == "method" and source.head not in lib.LOAD_METHODS:
        return ""
    if source.kind == "method" and len(source.kids) > 1:
        text = "/".join(path_text(k) for k in source.kids[:2])
    else:
        text = path_text(source.kids[0])
    plain = _PATTERNS.sub("*", normal(text))
    folder, _, _name = plain.rpartition("/")
    literal = plain.replace("*", "").replace("/", "")
    known = folder.rpartition("/")[2].strip("*") or ("*" not in plain and plain)
    return plain if len(literal) > 3 and known else ""


def same_place(path: str, places: set[str]) -> bool:
    """True when a path may be one of some others."""
    return path in places or any(fnmatchcase(path, p) or fnmatchcase(p, path) for p in places)
