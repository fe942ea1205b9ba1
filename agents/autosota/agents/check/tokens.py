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
        letters: Letters that every match holds side by side, after a space when they begin a word.
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
    """The tokens of a text, each looked for once."""

    __slots__ = ("_seen", "_text", "_words")

    def __init__(self, text: bytes) -> None:
        """Nothing is looked for yet."""
        self._text = b"\n" + text
        self._words = b""
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

    def _search(self, token: Token) -> bool:
        if not self._words:
            self._words = b" %b " % b" ".join(set(self._text.translate(_LETTERS).split()))
        if isinstance(token, bytes):
            return _longest(token) in self._words and (token.isalpha() or token in self._text)
        if token.letters not in self._words:
            return False
        return token.pattern.search(self._words if token.of_words else self._text) is not None


@lru_cache(maxsize=1024)
def _longest(token: bytes) -> bytes:
    """The longest run of letters in a token, with a space where the token goes on without one."""
    runs = [
        b" "[: m.start()] + m.group() + b" "[: len(token) - m.end()] for m in _RUN.finditer(token)
    ]
    return max(runs, key=len, default=b"")
