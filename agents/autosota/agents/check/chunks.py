"""Where a text can be cut into pieces that are parsed apart, found without a grammar.

In a text that parses, every statement lies in one chunk. In one that does not, an open bracket
ends at the next line that no bracket can hold. What comes before a cut is finished there, so
what follows a cut depends on nothing before it. What statements mean is not known here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_TOKEN = re.compile(
    rb'"""[^"\\]*(?:(?:\\.|"(?!""))[^"\\]*)*(?:"""|\\?\Z)'
    rb"|'''[^'\\]*(?:(?:\\.|'(?!''))[^'\\]*)*(?:'''|\\?\Z)"
    rb'|"[^"\\\n]*(?:\\.[^"\\\n]*)*"?'
    rb"|'[^'\\\n]*(?:\\.[^'\\\n]*)*'?"
    rb"|#[^\n]*"
    rb"|\((?:[^()\[\]{}\"'#\n\\]*\))?|\[(?:[^()\[\]{}\"'#\n\\]*\])?|\{(?:[^()\[\]{}\"'#\n\\]*\})?"
    rb"|\)|\]|\}"
    rb"|\\\r?\n"
    rb"|\n(?=[ \t]*[^\s#\\])",
    re.S,
)
"""What decides where a statement ends: strings, comments, brackets, and lines with something."""
_STARTS = re.compile(
    rb"(?:def|class|import|while|try|with|return|raise|assert|del|global|nonlocal|pass|break"
    rb"|continue)\b"
)
"""Words that begin a statement and can begin no line within brackets."""
_GOES_ON = re.compile(rb"(?:else|elif|except|finally)\b")
"""Words that go on with the statement before."""
_BLOCK = re.compile(
    rb"(?:if|for|while|try|with|def|class|async|match|case|else|elif|except|finally)\b"
)
"""Words of lines that open a block."""
_FIRST = re.compile(rb"[ \t]*\w*[^\w]", re.S)
_INDENT = re.compile(rb"[ \t]*")


def cuts(text: bytes, at: int) -> Iterator[int]:
    """The bytes after `at`, where a chunk starts, at which further ones start.

    A chunk starts at the start of a line, at a statement that is not indented, or at indented
    lines that nothing above calls for.
    """
    depth = 0
    head = text[at : at + 1] not in (b" ", b"\t", b"\f")
    decorated = text[at : at + 1] == b"@"
    comments: list[tuple[int, int]] = []
    line = at
    for match in _TOKEN.finditer(text, at):
        first = text[match.start()]
        if first in b"([{":
            depth += match.end() - match.start() == 1
        elif first in b")]}":
            depth -= depth > 0
        elif first == 35:  # of a comment
            comments.append(match.span())
        elif first == 10:  # of a line that holds something
            start = match.end()
            begins = _INDENT.match(text, start).end()  # type: ignore[union-attr]
            lost = depth > 0
            if lost:
                if not _STARTS.match(text, begins):
                    continue
                depth = 0
            if begins == start:
                goes_on = (
                    decorated
                    or _GOES_ON.match(text, start)
                    or (head and not lost and _annotates(text, line, match.start(), comments))
                )
                head, decorated, line = True, text[start] == 64, start
                if goes_on and not lost:
                    continue
            elif head:
                head = False
                if not lost and (decorated or _opens(text, line, match.start(), comments)):
                    continue
            else:
                continue
            comments.clear()
            yield start


def starts_as_before(text: bytes, cut: int, edited: int) -> bool:
    """Whether a chunk that starts at `cut` still does when the text is edited from `edited` on."""
    first = _FIRST.match(text, cut)
    return first is not None and first.end() <= edited


def _annotates(text: bytes, start: int, end: int, comments: list[tuple[int, int]]) -> bool:
    """Whether a line ends where an annotation is to come, which the grammar finds in the next."""
    return _opens(text, start, end, comments) and not _BLOCK.match(text, start)


def _opens(text: bytes, start: int, end: int, comments: list[tuple[int, int]]) -> bool:
    """Whether what stands before `end` opens a block; the comments in it are skipped."""
    later = comments[::-1]
    while True:
        while end > start and text[end - 1] in b" \t\r\n\f":
            end -= 1
        if not later or later[0][1] < end:
            return text[end - 1 : end] == b":"
        end = later.pop(0)[0]
