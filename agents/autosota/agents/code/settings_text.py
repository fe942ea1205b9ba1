"""Settings files as plain objects: the YAML that people write by hand, TOML and JSON.

Of YAML only what settings are made of: mappings and lists in blocks or in brackets, scalars,
quotes, comments, texts over lines. Anchors, tags, merges and several documents are not read:
such a file is unknown, never half known. Nothing is opened here; see `configuration.py`.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator

Plain = None | bool | int | float | str | list["Plain"] | dict[str, "Plain"]
"""What settings are made of."""

LARGEST = 100_000
"""Bytes of a settings file; larger ones hold data."""

_KEY = re.compile(
    r"""^("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s#&*!|>%@`"'{}\[\],?-][^#:]*?|-?\d+)\s*:(?=\s|$)"""
)
_INT = re.compile(r"^[-+]?(0|[1-9][\d_]*)$")
_FLOAT = re.compile(r"^[-+]?(\d[\d_]*\.?[\d_]*|\.\d+)([eE][-+]?\d+)?$")
_WORDS: dict[str, Plain] = {
    "true": True, "yes": True, "on": True, "false": False, "no": False, "off": False,
    "null": None, "~": None, "": None, ".inf": float("inf"), "-.inf": float("-inf"),
}  # fmt: skip
_MOST_DEPTH = 12


class Unreadable(Exception):
    """The text is none of the forms that are known here."""


def parsed(path: str, text: str) -> Plain:
    """The object that a settings file holds.

    Args:
        path: tells the format, by its ending.
        text: the file's content.

    Raises:
        Unreadable: it is another format, larger than settings are, or not plain.
    """
    if len(text) > LARGEST:
        raise Unreadable("large")
    ending = path.rpartition(".")[2].lower()
    try:
        if ending == "json":
            return _checked(json.loads(text))
        if ending == "toml":
            return _checked(tomllib.loads(text))
    except (ValueError, RecursionError):
        raise Unreadable(ending) from None
    if ending not in ("yaml", "yml"):
        raise Unreadable(ending)
    try:
        return _yaml(text)
    except RecursionError:
        raise Unreadable("deep") from None


def _checked(value: object, depth: int = 0) -> Plain:
    """The same object, if it is made of plain things only."""
    if depth > _MOST_DEPTH:
        raise Unreadable("deep")
    if isinstance(value, dict):
        return {str(k): _checked(v, depth + 1) for k, v in value.items()}
    if isinstance(value, list):
        return [_checked(v, depth + 1) for v in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)


# -------------------------------------------------------------------- YAML


class _Line:
    """A line with content: how far it is indented, and what it says."""

    def __init__(self, indent: int, text: str) -> None:
        self.indent = indent
        self.text = text


def _yaml(text: str) -> Plain:
    raw = text.replace("\r\n", "\n").split("\n")
    if raw and raw[0].startswith("\ufeff"):
        raw[0] = raw[0][1:]
    lines: list[_Line] = []
    for number, line in enumerate(raw):
        if line.strip() == "---" and not lines:
            continue
        if line.startswith(("---", "...", "%")):
            raise Unreadable("several documents")
        indent = len(line) - len(line.lstrip(" "))
        if line.lstrip(" ").startswith("\t"):
            raise Unreadable("tabs")
        lines.append(_Line(indent, line.strip(" ").rstrip()))
        if number > LARGEST:
            raise Unreadable("large")
    reader = _Blocks(lines)
    value = reader.block(0, 0)
    if reader.peek() is not None:
        raise Unreadable("structure")
    return value


class _Blocks:
    """Reads blocks of lines by their indentation."""

    def __init__(self, lines: list[_Line]) -> None:
        self.lines = lines
        self.at = 0

    def peek(self) -> _Line | None:
        """The next line that says something."""
        while self.at < len(self.lines):
            text = self.lines[self.at].text
            if text and not text.startswith("#"):
                return self.lines[self.at]
            self.at += 1
        return None

    def block(self, least: int, depth: int) -> Plain:
        """The value that starts at the next line, which is indented at least so far."""
        first = self.peek()
        if depth > _MOST_DEPTH:
            raise Unreadable("deep")
        if first is None or first.indent < least:
            return None
        if first.text == "-" or first.text.startswith("- "):
            return self._list(first.indent, depth)
        if _KEY.match(first.text):
            return self._mapping(first.indent, depth)
        self.at += 1
        return self._scalar(first.text, first.indent)

    def _list(self, indent: int, depth: int) -> list[Plain]:
        out: list[Plain] = []
        while (line := self.peek()) is not None and line.indent == indent:
            if line.text != "-" and not line.text.startswith("- "):
                break
            rest = line.text[1:].lstrip(" ")
            if not rest or rest.startswith("#"):
                self.at += 1
                out.append(self.block(indent + 1, depth + 1))
            elif _KEY.match(rest) or rest.startswith("- "):
                # a mapping whose first key stands behind the dash
                inner = indent + len(line.text) - len(rest)
                self.lines[self.at] = _Line(inner, rest)
                out.append(self.block(inner, depth + 1))
            else:
                self.at += 1
                out.append(self._scalar(rest, indent))
        return out

    def _mapping(self, indent: int, depth: int) -> dict[str, Plain]:
        out: dict[str, Plain] = {}
        while (line := self.peek()) is not None and line.indent == indent:
            found = _KEY.match(line.text)
            if found is None:
                break
            key = str(_plain(found.group(1)))
            if key == "<<" or key in out:
                raise Unreadable(key)
            rest = line.text[found.end() :].lstrip(" ")
            self.at += 1
            if not rest or rest.startswith("#"):
                following = self.peek()
                listed = following is not None and following.text.startswith("-")
                least = indent if listed else indent + 1
                out[key] = self.block(least, depth + 1)
            else:
                out[key] = self._scalar(rest, indent)
        return out

    def _scalar(self, text: str, indent: int) -> Plain:
        if text[0] in "|>":
            return self._text(text, indent)
        if text[0] in "&*!@`%":
            raise Unreadable("anchors and tags")
        if text[0] in "[{":
            while text.count("[") + text.count("{") > text.count("]") + text.count("}"):
                if self.at >= len(self.lines):
                    raise Unreadable("brackets")
                text += " " + _bare(self.lines[self.at].text)
                self.at += 1
            value, rest = _flow(text, 0)
            if _bare(text[rest:]).strip():
                raise Unreadable("brackets")
            return value
        following = self.peek()
        if following is not None and following.indent > indent:
            raise Unreadable("a text over lines")
        return _plain(_bare(text))

    def _text(self, mark: str, indent: int) -> str:
        out: list[str] = []
        while self.at < len(self.lines):
            line = self.lines[self.at]
            if line.text and line.indent <= indent:
                break
            out.append(line.text)
            self.at += 1
        joined = ("\n" if mark[0] == "|" else " ").join(out).rstrip()
        return joined if "-" in mark else joined + "\n"


def _bare(text: str) -> str:
    """A scalar without the comment behind it."""
    if text[:1] in ("'", '"'):
        end = _closing(text)
        rest = text[end + 1 :].strip()
        if rest and not rest.startswith("#"):
            raise Unreadable("quotes")
        return text[: end + 1]
    return re.sub(r"(^|\s)#.*$", "", text).rstrip()


def _closing(text: str) -> int:
    """Where the quoted text that starts a text ends."""
    quote, at = text[0], 1
    while at < len(text):
        if quote == '"' and text[at] == "\\":
            at += 2
            continue
        if text[at] == quote:
            if quote == "'" and text[at + 1 : at + 2] == "'":
                at += 2
                continue
            return at
        at += 1
    raise Unreadable("quotes")


def _plain(text: str) -> Plain:
    """A scalar: a number, a word with a meaning, or text."""
    text = text.strip()
    if text[:1] in ("'", '"'):
        inner = text[1 : _closing(text)]
        if text[0] == "'":
            return inner.replace("''", "'")
        try:
            return str(json.loads(f'"{inner}"'))
        except ValueError:
            return inner
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if _INT.match(text):
        return int(text.replace("_", ""))
    if _FLOAT.match(text):
        return float(text.replace("_", ""))
    return text


def _flow(text: str, at: int) -> tuple[Plain, int]:
    """A list or mapping in brackets, or a scalar in one; and where it ends."""
    at = _blank(text, at)
    opening = text[at : at + 1]
    if opening == "[":
        items: list[Plain] = []
        at = _blank(text, at + 1)
        while text[at : at + 1] != "]":
            value, at = _flow(text, at)
            items.append(value)
            at = _next(text, at, "]")
        return items, at + 1
    if opening == "{":
        pairs: dict[str, Plain] = {}
        at = _blank(text, at + 1)
        while text[at : at + 1] != "}":
            key, at = _flow(text, at)
            at = _blank(text, at)
            if text[at : at + 1] != ":":
                raise Unreadable("brackets")
            pairs[str(key)], at = _flow(text, at + 1)
            at = _next(text, at, "}")
        return pairs, at + 1
    if opening in ("'", '"'):
        end = at + _closing(text[at:]) + 1
        return _plain(text[at:end]), end
    end = at
    while end < len(text) and text[end] not in ",[]{}" and text[end : end + 2] != ": ":
        end += 1
    if end == at or text[at] in "&*!":
        raise Unreadable("brackets")
    return _plain(text[at:end]), end


def _blank(text: str, at: int) -> int:
    while at < len(text) and text[at] == " ":
        at += 1
    return at


def _next(text: str, at: int, closing: str) -> int:
    """Behind a comma, or at the closing bracket."""
    at = _blank(text, at)
    if text[at : at + 1] == ",":
        return _blank(text, at + 1)
    if text[at : at + 1] != closing:
        raise Unreadable("brackets")
    return at


def leaves(value: Plain, prefix: str = "") -> Iterator[tuple[str, Plain]]:
    """The scalars and lists of an object with their dotted names."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{prefix}.{key}" if prefix else key)
    else:
        yield prefix, value
