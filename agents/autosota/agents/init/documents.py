"""Markdown and reStructuredText as a person reads them: headings, code, tables, plain lines.

Line based and forgiving. What the code or the numbers mean is not known here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_HEADING = re.compile(r"^ {0,3}#{1,6}\s+(.+?)\s*#*\s*$")
_FENCE = re.compile(r"^\s*(`{3,}|~{3,})\s*([\w+-]*)")
_UNDERLINE = re.compile(r"^(=|-|~|\^|\*){3,}\s*$")
_INLINE = re.compile(r"`([^`\n]+)`")
_RULE = re.compile(r"^\s*\|?\s*:?-{2,}:?\s*(\|\s*:?-{2,}:?\s*)*\|?\s*$")


@dataclass(frozen=True, slots=True)
class CodeBlock:
    """Some lines of code in a document. `line` (from 1) is the line of `lines[0]`."""

    lines: tuple[str, ...]
    line: int
    heading: str
    language: str = ""
    inline: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its header, its rows, and the line (from 1) of the header."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    line: int
    heading: str


@dataclass(frozen=True, slots=True)
class Document:
    """What is in a document, in order."""

    title: str
    blocks: tuple[CodeBlock, ...]
    tables: tuple[Table, ...]
    prose: tuple[tuple[int, str], ...]


def parse(text: str) -> Document:
    """Read a document."""
    lines = text.splitlines()
    blocks: list[CodeBlock] = []
    tables: list[Table] = []
    prose: list[tuple[int, str]] = []
    title = heading = ""
    at = 0
    while at < len(lines):
        line = lines[at]
        if fence := _FENCE.match(line):
            end = at + 1
            while end < len(lines) and not lines[end].strip().startswith(fence[1]):
                end += 1
            body = tuple(lines[at + 1 : end])
            blocks.append(CodeBlock(body, at + 2, heading, fence[2].lower()))
            at = end + 1
            continue
        following = lines[at + 1] if at + 1 < len(lines) else ""
        if found := _HEADING.match(line):
            heading = found[1].strip()
            title = title or heading
        elif line.strip() and "|" not in line and _UNDERLINE.match(following) and line[:1] != " ":
            heading = line.strip()
            title = title or heading
            at += 1
        elif "|" in line and "|" in following and _RULE.match(following):
            end = at + 2
            while end < len(lines) and "|" in lines[end]:
                end += 1
            rows = tuple(_cells(r) for r in lines[at + 2 : end])
            tables.append(Table(_cells(line), rows, at + 1, heading))
            at = end
            continue
        elif _is_indented_code(lines, at):
            end = at
            while end < len(lines) and (lines[end].startswith(("    ", "\t")) or not lines[end]):
                end += 1
            body = tuple(x.removeprefix("\t").removeprefix("    ") for x in lines[at:end])
            blocks.append(CodeBlock(body, at + 1, heading))
            at = end
            continue
        elif line.strip():
            prose.append((at + 1, line.strip()))
            blocks += [
                CodeBlock((m[1],), at + 1, heading, inline=True) for m in _INLINE.finditer(line)
            ]
        at += 1
    return Document(plain(title), tuple(blocks), tuple(tables), tuple(prose))


def plain(text: str) -> str:
    """Text without emphasis, code marks, links and HTML tags."""
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"<[^>]+>", " ", text)
    text = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(re.sub(r"\*\*|__|[*`]", "", text).split())


def _cells(line: str) -> tuple[str, ...]:
    inner = line.strip().removeprefix("|").removesuffix("|")
    return tuple(c.strip() for c in re.split(r"(?<!\\)\|", inner))


def _is_indented_code(lines: list[str], at: int) -> bool:
    """An indented line after a blank one (or a directive), that is no list item."""
    line = lines[at]
    if not line.startswith(("    ", "\t")) or not line.strip():
        return False
    before = lines[at - 1].strip() if at else ""
    return not before and not re.match(r"\s*([-*+]|\d+[.)])\s", line)
