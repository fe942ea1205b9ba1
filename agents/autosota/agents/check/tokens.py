"""What occurs in the bytes of a text: the first and cheapest filter of a rule.

Most tokens are letters, and a text says few words many times: its words, each once, are searched
in place of the text, a sixth of it. What a token means to a rule is not known here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

_LETTERS = bytes(c if chr(c).isascii() and chr(c).isalpha() else 32 for c in range(256))
_RUN = re.compile(rb"[A-Za-z]+")


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """A pattern that occurs; in what is searched, every line has a line feed before it.

    Attributes:
        pattern: Fast when it begins with a literal: with none, a search is ten times slower.
        letters: What every match holds: letters, after a space when they begin a word; or other
            bytes, looked for in the text.
        of_words: It looks at letters and at whether there are more of them beside, at nothing else.
    """

    pattern: re.Pattern[bytes]
    letters: bytes = b""
    of_words: bool = False


Token = bytes | Shape
"""What must occur in a text: bytes, or a shape where bytes would occur nearly everywhere."""


def shape(pattern: bytes, letters: bytes = b"", of_words: bool = False) -> Shape:
    """A shape from the source of its pattern."""
    return Shape(re.compile(pattern), letters, of_words)


class Tokens:
    """The tokens of a text, each looked for once, and after an edit only near it.

    That is right as no token reaches beyond the next line that is not blank.
    """

    __slots__ = ("_held", "_seen", "_text", "_words")

    def __init__(self, text: bytes = b"") -> None:
        """Nothing is looked for yet."""
        self._text = b"\n" + text
        self._words = b""
        self._held: dict[bytes, bool] = {}
        self._seen: dict[Token, bool] = {}

    def hold(self, groups: Iterable[tuple[Token, ...]]) -> bool:
        """Whether at least one token of each group occurs."""
        for group in groups:
            for token in group:
                seen = self._seen.get(token)
                if seen is None:
                    seen = self._seen[token] = self._search(token)
                if seen:
                    break
            else:
                return False
        return True

    def update(self, text: bytes) -> bool:
        """The text is this now; gives whether that may matter to what was looked for."""
        before, after = self._text, b"\n" + text
        start, end_before, end = changed(before, after)
        self._text, self._words, self._held = after, b"", {}
        gone = Tokens(_lines(before, start, end_before))
        come = Tokens(_lines(after, start, end))
        matters = False
        for token, seen in list(self._seen.items()):
            if come._search(token):
                self._seen[token] = True
                matters = matters or not seen
            elif seen and gone._search(token):
                del self._seen[token]
                matters = True
        return matters

    def _search(self, token: Token) -> bool:
        if isinstance(token, bytes):
            return self._holds(_longest(token)) and (token.isalpha() or token in self._text)
        if not self._holds(token.letters):
            return False
        return token.pattern.search(self._words if token.of_words else self._text) is not None

    def _holds(self, letters: bytes) -> bool:
        held = self._held.get(letters)
        if held is None:
            if not self._words:
                self._words = b" %b " % b" ".join(set(self._text.translate(_LETTERS).split()))
            among_words = letters.strip().isalpha()
            held = self._held[letters] = letters in (self._words if among_words else self._text)
        return held


def changed(before: bytes, after: bytes) -> tuple[int, int, int]:
    """Where an edit starts, where it ends in the text before, and where in the text after."""
    start, shorter = 0, min(len(before), len(after))
    high = shorter
    while start < high:
        middle = (start + high + 1) // 2
        if before[start:middle] == after[start:middle]:
            start = middle
        else:
            high = middle - 1
    tail, high = 0, shorter - start
    while tail < high:
        middle = (tail + high + 1) // 2
        if before[len(before) - middle :] == after[len(after) - middle :]:
            tail = middle
        else:
            high = middle - 1
    return start, len(before) - tail, len(after) - tail


def _lines(text: bytes, start: int, end: int) -> bytes:
    """The lines of some bytes, and one before and one after that are not blank."""
    first = text.rfind(b"\n", 0, len(text[: text.rfind(b"\n", 0, start)].rstrip()))
    after = text.find(b"\n", end)
    if after >= 0:
        after = text.find(b"\n", len(text) - len(text[after:].lstrip()))
    return text[max(first, 0) : after + 1 if after >= 0 else len(text)]


@lru_cache(maxsize=1024)
def _longest(token: bytes) -> bytes:
    """The longest run of letters in a token, with a space where the token goes on without one."""
    runs = [
        b" "[: m.start()] + m.group() + b" "[: len(token) - m.end()] for m in _RUN.finditer(token)
    ]
    return max(runs, key=len, default=b"")
