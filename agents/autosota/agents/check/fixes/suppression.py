"""Comments that silence a finding with a reason, and the removal of those that silence nothing."""

from __future__ import annotations

import re
from collections.abc import Callable

from autosota.agents.check.fixes.fix import Fix, Refused
from autosota.agents.check.fixes.sheet import Sheet
from autosota.agents.code.source import Edit, SourceFile
from autosota.agents.domain import Finding

REASON = "why it is no problem here"
"""What stands where the person's reason goes until they write it."""
_OURS = re.compile(rb"(#[ \t]*autosota[ \t]*:[ \t]*ignore[ \t]*\[)([^\]\n]*)\]", re.I)
_NOQA = re.compile(rb"#[ \t]*noqa[ \t]*:[ \t]*((?:[A-Za-z]+\d+[ \t]*,?[ \t]*)+)", re.I)


def suppress(sheet: Sheet, finding: Finding, reason: str = REASON) -> Fix:
    """A comment on the finding's line, or above it where its line can hold none.

    Raises:
        Refused: neither place can hold a comment, or the reason has several lines.
    """
    words = " ".join(reason.split())
    if not words or "]" in words[:1]:
        raise Refused("a suppression needs a reason")
    start, end = sheet.span(finding.place)
    is_string, is_comment = _kinds(sheet)
    content = sheet.content
    title = f"Suppress {finding.code} here, with a reason"
    first = content.rfind(b"\n", 0, start) + 1
    at = first
    while at <= max(start, end - 1):
        stop = content.find(b"\n", at)
        stop = len(content) if stop < 0 else stop
        stop -= content[stop - 1 : stop] == b"\r"
        if not is_string(stop) and not content[at:stop].rstrip().endswith(b"\\"):
            return Fix(
                finding, title, True, (_behind(content, at, stop, finding.code, words, is_comment),)
            )
        at = content.find(b"\n", at) + 1
        if not at:
            break
    indent = content[first:start][: len(content[first:start]) - len(content[first:start].lstrip())]
    above = content[:first].rstrip(b"\r\n")
    if is_string(first) or above.endswith(b"\\"):
        raise Refused(f"{finding.code}: no comment can stand here")
    line = indent + f"# autosota: ignore[{finding.code}] {words}".encode() + sheet.newline
    return Fix(finding, title, True, (Edit(first, first, line),))


def _behind(
    content: bytes,
    start: int,
    stop: int,
    code: str,
    words: str,
    is_comment: Callable[[int], bool],
) -> Edit:
    """A comment at the end of a line; one of ours that is there gets another code."""
    for match in _OURS.finditer(content, start, stop):
        if is_comment(match.start()):
            at = match.end(2)
            return Edit(at, at, f", {code}".encode() if match.group(2).strip() else code.encode())
    tail = content[start:stop]
    at = start + len(tail.rstrip())
    return Edit(at, stop, f"  # autosota: ignore[{code}] {words}".encode())


def idle(sheet: Sheet, finding: Finding) -> Fix | None:
    """A code that suppresses nothing goes, and the comment with the last of them."""
    codes = set(re.findall(r"[A-Z]+\d+", finding.message.partition(" suppressed")[0]))
    start, _ = sheet.span(finding.place)
    content = sheet.content
    stop = content.find(b"\n", start)
    stop = len(content) if stop < 0 else stop
    stop -= content[stop - 1 : stop] == b"\r"
    ours = re.compile(rb"#[ \t]*autosota[ \t]*:[ \t]*ignore(?:-file)?[ \t]*\[([^\]\n]*)\]", re.I)
    match = ours.match(content, start, stop) or _NOQA.match(content, start, stop)
    if match is None or not codes:
        return None
    written = [w for w in re.split(rb"[ \t,]+", match.group(1).strip()) if w]
    kept = [w for w in written if w.decode("ascii", "replace").upper() not in codes]
    title = "Remove what suppresses nothing"
    if kept:
        edit = Edit(match.start(1), match.end(1), b", ".join(kept))
        return Fix(finding, title, True, (edit,))
    last = stop if match.re is ours else match.end()
    line = content.rfind(b"\n", 0, start) + 1
    before = content[line:start]
    if not before.strip() and not content[last:stop].strip():
        after = content.find(b"\n", stop)
        return Fix(
            finding, title, True, (Edit(line, len(content) if after < 0 else after + 1, b""),)
        )
    begin = line + len(before.rstrip())
    rest = content[last:stop].strip()
    kept_text = b"  " + rest if rest.startswith(b"#") else (b"  # " + rest if rest else b"")
    return Fix(finding, title, True, (Edit(begin, stop, kept_text),))


def _kinds(sheet: Sheet) -> tuple[Callable[[int], bool], Callable[[int], bool]]:
    """Whether the end of a line lies in a string, and whether a byte lies in a comment."""
    source = SourceFile(sheet.document.path, sheet.content)

    def inside(offset: int, *kinds: str) -> bool:
        node = source.root.descendant_for_byte_range(offset, offset)
        while node is not None:
            if node.type in kinds:
                return node.start_byte < offset < node.end_byte or node.type == "comment"
            node = node.parent
        return False

    return (
        lambda offset: inside(offset, "string", "concatenated_string_part"),
        lambda offset: inside(offset, "comment"),
    )
