"""The simple commands of a shell text, with what is plainly known put in the place of variables.

Assignments of literals, arguments of the script and loops over a few literal words are followed,
so that `for part in val test` is two commands. Conditions are not decided: what is inside them
is given as if it ran. What is computed (`$(…)`) keeps its text. Nothing is executed.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence

_SPLIT = re.compile(r"\s*(?:&&|\|\||;;?|\n|\|(?!\|))\s*")
_FOR = re.compile(r"^for\s+(\w+)\s+in\s+(.*)$")
_LOOP = re.compile(r"^(for|while|until|select)\b")
_SET = re.compile(r"^(?:export\s+|local\s+|readonly\s+|declare\s+)?([A-Za-z_]\w*)=(.*)$")
_NAME = re.compile(r"\$(?:\{(\w+|@|\*)(?::?[-=]([^}]*))?\}|(\w+|@|\*))")
_ALL = re.compile(r'"(\$@|\$\{@\})"')
"""In quotes it is still one word for each argument."""
_MOST_TURNS = 12
_MOST_COMMANDS = 400


def commands(text: str, known: Mapping[str, str]) -> list[str]:
    """The commands of a shell text, in order.

    Args:
        text: shell code, of a script or of a recipe.
        known: variables and arguments (`1`, `2`, …) that are known.
    """
    parts = [p.strip() for p in _SPLIT.split(text.replace("\\\n", " "))]
    out: list[str] = []
    for command in _run(parts, dict(known), 0):
        out.append(command)
        if len(out) >= _MOST_COMMANDS:
            break
    return out


def arguments(words: Sequence[str]) -> dict[str, str]:
    """What a script is called with, as its variables."""
    out = {str(n): w for n, w in enumerate(words, 1)}
    out["@"] = out["*"] = shlex.join(words)
    return out


def expanded(text: str, known: Mapping[str, str]) -> str:
    """A text with the variables that are known put in."""

    def value(found: re.Match[str]) -> str:
        name = found.group(1) or found.group(3)
        if name in known:
            return known[name]
        return found.group(2) if found.group(2) is not None else found.group(0)

    return _NAME.sub(value, _ALL.sub(r"\1", text) if "@" in known else text)


def _run(parts: list[str], known: dict[str, str], depth: int) -> Iterator[str]:
    at = 0
    while at < len(parts):
        part = parts[at].lstrip("@-").strip()
        at += 1
        if not part or part.startswith("#"):
            continue
        if _LOOP.match(part):
            body, at = _body(parts, at)
            found = _FOR.match(part)
            words = _words(expanded(found.group(2), known)) if found else []
            plain = 0 < len(words) <= _MOST_TURNS and not any(c in w for w in words for c in "$*`?")
            if found is not None and plain and depth < 4:
                for word in words:
                    yield from _run(body, {**known, found.group(1): word}, depth + 1)
            elif depth < 8:
                yield from _run(body, known, depth + 1)
            continue
        found = _SET.match(part)
        if found is not None and "$(" not in part and "`" not in part and len(_words(part)) == 1:
            known[found.group(1)] = " ".join(_words(expanded(found.group(2), known)))
            continue
        yield expanded(part, known)


def _body(parts: list[str], at: int) -> tuple[list[str], int]:
    """What is between `do` and its `done`, and where to go on."""
    body: list[str] = []
    depth = 1
    while at < len(parts):
        part = parts[at]
        at += 1
        plain = re.sub(r"^do\b\s*", "", part)
        if _LOOP.match(plain):
            depth += 1
        elif re.match(r"^done\b", part):
            depth -= 1
            if not depth:
                break
        body.append(part if depth > 1 and plain != part and not body else plain)
    return body, at


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text, comments=True)
    except ValueError:
        return text.split()
