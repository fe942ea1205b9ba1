"""Changes in lines and columns lead from one text to the other, exactly."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from autosota.server.editor.edits import line_changes

TEXTS = st.lists(st.sampled_from(["a", "b", "é😀", "", "x = 1"]), max_size=12).flatmap(
    lambda lines: st.sampled_from(["\n", "\r\n"]).flatmap(
        lambda end: st.booleans().map(lambda last: end.join(lines) + end * last)
    )
)


def applied(text, changes):
    """Apply changes to a text the plain way: lines, then columns."""
    lines = [""]
    for sign in text.replace("\r\n", "\0"):
        lines[-1] += sign
        if sign in "\n\0":
            lines.append("")
    lines = [line.replace("\0", "\r\n") for line in lines]

    def offset(line, column):
        return sum(map(len, lines[: line - 1])) + column - 1

    spans = [(offset(c.line, c.column), offset(c.end_line, c.end_column), c.text) for c in changes]
    for start, end, new in sorted(spans, reverse=True):
        text = text[:start] + new + text[end:]
    return text


@settings(deadline=None, max_examples=400)
@given(TEXTS, TEXTS)
def test_from_any_text_to_any_other(old, new):
    changes = line_changes(old.encode(), new.encode())
    assert applied(old, changes) == new
    assert changes == () if old == new else changes


def test_only_what_differs_is_touched():
    old = "".join(f"line {n}\n" for n in range(1000))
    new = old.replace("line 500\n", "other\n").replace("line 900\n", "")
    first, second = line_changes(old.encode(), new.encode())
    assert (first.line, first.end_line, first.text) == (501, 502, "other\n")
    assert (second.line, second.end_line, second.text) == (901, 902, "")
