"""Word lists as they are easiest to read and to extend: one string of words."""

from __future__ import annotations


def words_in(text: str) -> frozenset[str]:
    """The words of a string, as a set."""
    return frozenset(text.split())
