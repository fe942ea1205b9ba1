"""A unified diff as lines with a kind, for colouring. Escaping is the template's."""

from __future__ import annotations

from dataclasses import dataclass

from autosota.server.report.formats import clean

MOST_LINES = 1500
LONGEST_LINE = 600


@dataclass(frozen=True, slots=True)
class DiffLine:
    """One line; `kind` is file, hunk, add, del or same."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Diff:
    """The lines that are shown, how many were left out, and what changed in numbers."""

    lines: tuple[DiffLine, ...]
    left_out: int
    added: int
    removed: int
    files: tuple[str, ...]


def parse_diff(text: str) -> Diff:
    """Split a unified diff into lines; what is inside a hunk is never read as a header."""
    lines: list[DiffLine] = []
    files: list[str] = []
    old = new = added = removed = 0  # lines of the open hunk that are still to come
    for raw in text.split("\n")[: None if not text.endswith("\n") else -1]:
        if raw.startswith("@@") and old <= 0 and new <= 0:
            old, new = _hunk_size(raw)
            kind = "hunk"
        elif old > 0 or new > 0:
            kind = {"+": "add", "-": "del"}.get(raw[:1], "same")
            old -= kind != "add" and not raw.startswith("\\")
            new -= kind != "del" and not raw.startswith("\\")
            added += kind == "add"
            removed += kind == "del"
        else:
            kind = "same" if raw.startswith("\\") else "file"
            if raw.startswith(("+++ ", "--- ")) and not raw[4:].startswith("/dev/null"):
                name = raw[4:].split("\t")[0].removeprefix("a/").removeprefix("b/")
                if name not in files:
                    files.append(name)
        cut = raw if len(raw) <= LONGEST_LINE else raw[:LONGEST_LINE] + " …"
        lines.append(DiffLine(kind, clean(cut)))
    shown = tuple(lines[:MOST_LINES])
    return Diff(shown, len(lines) - len(shown), added, removed, tuple(files))


def _hunk_size(header: str) -> tuple[int, int]:
    """How many old and new lines a hunk holds: `@@ -12,3 +12,4 @@`."""
    sizes = []
    for part in header.split(" ")[1:3]:
        _, _, size = part.partition(",")
        sizes.append(int(size) if size.isdigit() else 1)
    return (sizes[0], sizes[1]) if len(sizes) == 2 else (0, 0)
