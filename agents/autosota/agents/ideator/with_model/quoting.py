"""Text from outside as data: delimited by a mark that it cannot contain, and cut to a length.

What papers, code, logs and people of unknown intent wrote is never an instruction. The mark is a
hash of the text itself, so the text cannot hold it, and the same text always has the same mark.
"""

from __future__ import annotations

import hashlib
import re

TOKEN_CHARACTERS = 3.5
"""Characters of code per token, for estimates only."""

_CONTROL = re.compile(
    r"[^\S\n\t ]|[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]"
)


def quoted(kind: str, name: str, text: str) -> str:
    """A text between marks, with what it is; invisible characters are shown as '?'."""
    shown = visible(text)
    mark = hashlib.sha256(shown.encode("utf-8", "replace")).hexdigest()[:16]
    return f"<<<{kind} {visible(name)!r} mark={mark}\n{shown}\n>>>{mark}"


def visible(text: str) -> str:
    """A text without control characters and without marks that turn or hide text."""
    return _CONTROL.sub("?", text.replace("\r\n", "\n"))


def tokens(text: str) -> int:
    """About how many tokens a text has."""
    return int(len(text) / TOKEN_CHARACTERS) + 1


def cut(text: str, most: int) -> str:
    """The start of a text, of at most so many tokens; says that it was cut."""
    length = int(most * TOKEN_CHARACTERS)
    return text if len(text) <= length else text[:length] + "\n… (the rest is left out)"


def one_line(text: str, most: int = 300) -> str:
    """A text of a model for people: one line, no control characters, not too long."""
    line = " ".join(visible(text).split())
    return line if len(line) <= most else line[: most - 1] + "…"
