"""What the lines do that a change brings into a shell script or a Makefile, or takes out.

Python that they start is followed elsewhere. Here the rest is told apart: lines that only print,
check or measure, blocks of such lines, targets nobody asks for; and everything else, which is
either known to put something in place or is not followed. Shell is read a line at a time, so
what is not plainly harmless is not called so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

_PYTHON = re.compile(r"python|torchrun|accelerate|\$[({]?PY\w*[)}]? +\S+\.py")
_SLY = re.compile(
    r"\b(cp|mv|ln|curl|wget|sed|tee|dd|echo|printf|cat|awk|perl|kill|pip|export|git|rsync|chmod)\b"
)
_LOG = re.compile(r"\s*(2>&1)?\s*\|\s*tee( -a)? \S+\.(log|txt)\b|\s*(&|2)?>>?\s*\S+\.log\b")
"""A log beside the run: what is printed is still printed, or was never read."""
_PRINTS = re.compile(r"^(echo|printf|date|pwd|ls|wc|du|df|nvidia-smi|hostname|uname|head|tail)\b")
_CHECKS = re.compile(
    r"^(\[\[? .*\]\]?|test\b.*|grep -\w*q\w*\b.*|command -v\b.*|diff -q\b.*|cmp -s\b.*|which\b.*"
    r"|true|false|:|exit( \d+)?|return( \d+)?|sleep \S+|mkdir -p [^;|&><]+|wait)$"
)
_SHELL = re.compile(r"^(set [-+][a-z]+( pipefail)?|shopt -s \w+|set -o \w+|unset CDPATH)$")
_TIMED = re.compile(r"^(\w+)=(\$\(date[^)]*\)|\$SECONDS|\$\(\([^()]*\)\)|0)$")
_OPENS = re.compile(r"^(if|for|while|until|case)\b")
_CLOSES = re.compile(r"^(fi|done|esac)\b")
_JOINS = re.compile(r"^(then|else|do|fi|done|esac)\b\s*;?\s*|^(if|elif|while|until)\b\s*(!\s*)?")
_ENDS = re.compile(r"^(exit|return)\b")
_EACH = re.compile(r"^for \w+ in [^;|&><`]*?(;\s*do)?$")
_TARGET = re.compile(r"^([\w.\-/$(){}]+)\s*:(?![=])\s*(.*)$")
_SPECIAL = {".PHONY", ".DELETE_ON_ERROR", ".SILENT", ".ONESHELL", ".SUFFIXES", ".DEFAULT_GOAL"}


@dataclass(frozen=True, slots=True)
class Line:
    """A line that is new or gone: its number in the new file, its text, and what it does."""

    number: int
    text: str
    does: str
    """`metric`, `acts` (puts something in place), `unknown`, or `gone`."""


def plain(line: str) -> str:
    """A line without comment, indentation and repeated blanks."""
    return " ".join(re.sub(r"(^|\s)#.*", "", line).split())


def judged_lines(old: str, new: str, makefile: bool) -> Iterator[Line]:
    """The lines of a change that are not harmless."""
    before, after = old.split("\n"), new.split("\n")
    left, right = [plain(x) for x in before], [plain(x) for x in after]
    known = set(left)
    unasked = _unasked(left, right, after) if makefile else set()
    for tag, a, b, c, d in SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        depths = _depths(right[c:d])
        for at in range(c, d):
            whole = bool(depths)
            if whole and _ENDS.match(right[at]) and not depths[at - c]:
                yield Line(at + 1, right[at], "unknown")
                continue
            text = _LOG.sub("", right[at])
            if not text or right[at] in known or _sets_a_number(text) or at in unasked:
                continue
            if "METRIC" in text:
                yield Line(at + 1, text, "metric")
            elif not _harmless(text, whole, left, makefile):
                yield from _judged(at + 1, text)
        gone = [x for x in left[a:b] if x and x not in right]
        for text in gone:
            if not _PYTHON.search(text) and not _harmless(text, True, (), makefile) and d == c:
                yield Line(min(c + 1, len(after)), text, "gone")


_NOT_PLAIN = re.compile(
    r"^[ ]*-?(export|unexport|define|endef|override|vpath|sinclude|include|if\w*|else|endif|private"
    r"|undefine|load)\b|^[ ]*(SHELL|MAKEFLAGS|VPATH|\.SHELLFLAGS|\.ONESHELL|\.RECIPEPREFIX"
    r"|PYTHON[A-Z]+|PATH)\b|\$[({](shell|eval|call|file|foreach|if|or|and|value|origin|info|guile)\b"
    r"|[!+]=|::|&:|^\.DEFAULT_GOAL\b|(?<!\$)\$[A-Za-z0-9]"
    r"|^[^\t\n#:=]+:(?!=)[^\n=]*=|^[^\t\n#:=]+:[^\n=:]*:",
    re.MULTILINE,
)
_INCLUDED = re.compile(r"^include [\w./-]+$", re.MULTILINE)


def plain_make(text: str, recipes: Iterable[str]) -> bool:
    """True for a Makefile of variables, files to include, and targets with recipes.

    Of such a one the recipes, with all variables put in, are all that it does.
    """
    if any(re.search(r"\$[({]", recipe) for recipe in recipes):
        return False
    return _NOT_PLAIN.search(_INCLUDED.sub("", text)) is None


_PROGRAM = re.compile(r"^(.*?)(\S+\.pyw?|-m\s+\S+)(\s|$)")


def judged_recipes(before: Iterable[str], after: Iterable[str]) -> Iterator[Line]:
    """The commands that a Makefile's targets no longer or newly run, unless they are harmless.

    Python that is started as before is followed elsewhere, with its arguments.
    """
    old, new = [plain(x) for x in before], [plain(x) for x in after]
    starts = {found.group(1) for x in old if (found := _PROGRAM.match(x))}
    for text in dict.fromkeys(x for x in new if x not in old):
        found = _PROGRAM.match(text)
        known = (
            found is not None and found.group(1) in starts and not re.search(r"[`]|\$[({]", text)
        )
        if known and "METRIC" not in text:
            continue
        bare = "" if _LOG.fullmatch(f" | {text}") else _LOG.sub("", text)
        if "METRIC" in bare:
            yield Line(1, text, "metric")
        elif found is not None or re.search(r"\$[({]", bare):
            yield Line(1, text, "unknown")
        elif bare and not _harmless(bare, False, (), False):
            yield from _judged(1, bare)
    for text in dict.fromkeys(x for x in old if x not in new):
        if not _PROGRAM.match(text) and not _harmless(text, False, (), False):
            yield Line(1, text, "gone")


def _judged(number: int, text: str) -> Iterator[Line]:
    if _SLY.search(text) and not re.match(r"^@?echo ", text):
        yield Line(number, text, "acts")
    elif re.search(r"(^|\s)[A-Z_]+=", text) or not _PYTHON.search(text):
        yield Line(number, text, "unknown")


def _harmless(text: str, whole: bool, known: list[str] | tuple[str, ...], makefile: bool) -> bool:
    """True for a line that prints, checks or measures, and puts nothing anywhere."""
    text = text.lstrip("@-").strip().rstrip("\\").strip()
    if _SHELL.match(text):
        return True
    if (found := _TIMED.match(text)) is not None:
        used = re.compile(rf"\$[({{]?{found.group(1)}\b")
        return "seed" not in text.lower() and not any(used.search(x) for x in known)
    if makefile and (found := _TARGET.match(text)) is not None and found.group(1) in _SPECIAL:
        return True
    if text.startswith("trap "):
        inner = re.match(r"""^trap (["'])(.*)\1 [A-Z ]+$""", text)
        return inner is not None and _quiet(inner.group(2))
    if _OPENS.match(text) or _CLOSES.match(text) or _JOINS.match(text):
        if not whole:
            return False
        if _EACH.match(text):
            return True
        body = _JOINS.sub("", text)
        while body and _JOINS.match(body):
            body = _JOINS.sub("", body)
        return not body or all(_quiet(p) for p in re.split(r";", body) if not _joins(p))
    return _quiet(text)


def _joins(part: str) -> bool:
    return part.strip() in ("", "then", "do", "else", "fi", "done")


def _quiet(text: str) -> bool:
    """True for commands that print or check, joined by `;`, `&&`, `||` or `|`."""
    bare = re.sub(r"\$\(\((.*?)\)\)|\$\(date[^)]*\)", "0", text)
    bare = re.sub(r"\d?>\s*(&\d|/dev/(null|stderr|stdout))|<\([^()]*\)", "", bare)
    bare = re.sub(r""""[^"$`]*(\$\{?\w+\}?[^"$`]*)*"|'[^']*'""", "x", bare)
    if re.search(r"[><`]|\$\(", bare):
        return False
    parts = [p.strip(" {}!") for p in re.split(r"\|\||&&|;|\|", bare)]
    return all(not p or _PRINTS.match(p) or _CHECKS.match(p) or _joins(p) for p in parts)


def _depths(lines: list[str]) -> list[int]:
    """How deep in blocks each line is; none when lines do not close the blocks they open.

    Nor when a block holds a program: how often that runs would not be known.
    """
    depth, out = 0, []
    for line in lines:
        out.append(depth)
        for part in re.split(r";|&&|\|\|", line):
            depth += bool(_OPENS.match(part.strip())) - bool(_CLOSES.match(part.strip()))
            if depth < 0 or (depth and _PYTHON.search(line)):
                return []
    return [] if depth else out


def _unasked(left: list[str], right: list[str], raw: list[str]) -> set[int]:
    """Lines of new targets that nothing in the base names, and that are not the first one."""
    out: set[int] = set()
    started, inside = False, False
    words = " ".join(left)
    for at, text in enumerate(right):
        found = _TARGET.match(text) if not raw[at].startswith(("\t", " ")) else None
        if found is not None:
            name = found.group(1)
            new = text not in left and name not in _SPECIAL
            inside = started and new and not re.search(rf"(^|[\s/]){re.escape(name)}\b", words)
            started = started or name not in _SPECIAL
        elif text and not raw[at].startswith(("\t", " ")):
            inside = False
        if inside:
            out.add(at)
    return out


def _sets_a_number(line: str) -> bool:
    """`ROUNDS ?= 8`: a variable of a Makefile, whose use is followed into the programs."""
    found = re.fullmatch(r"(\w+)\s*(\?|:)?=\s*(-?[\d.]+(e-?\d+)?)", line)
    return found is not None and "seed" not in found.group(1).lower()
