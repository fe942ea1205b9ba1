from __future__ import annotations

import pytest

from autosota.agents.domain import Direction
from autosota.agents.scheduler.statistics import compare
from autosota.server.report.diffs import MOST_LINES, parse_diff
from autosota.server.report.formats import (
    clean,
    count,
    decimals_for,
    duration,
    fixed,
    gain_words,
    interval_words,
    one_line,
    resource_words,
)


@pytest.mark.parametrize(
    ("spread", "values", "decimals"),
    [
        (0.008, (0.94,), 4),
        (0.03, (0.94,), 3),
        (2.5, (100.0,), 1),
        (25.0, (100.0,), 0),
        (None, (0.9412345,), 4),
        (None, (123456.0,), 0),
        (0.0, (), 1),
        (1e-30, (1.0,), 8),
    ],
)
def test_digits_follow_the_spread(spread, values, decimals):
    assert decimals_for(spread, *values) == decimals


@pytest.mark.parametrize(
    ("value", "decimals", "signed", "text"),
    [
        (0.94117, 3, False, "0.941"),
        (0.029, 3, True, "+0.029"),
        (-0.00001, 3, False, "0.000"),
        (-0.00001, 3, True, "+0.000"),
        (-1.5, 1, True, "-1.5"),
        (3e9, 2, False, "3e+09"),
        (1e-12, 8, False, "1e-12"),
        (0.0, 2, False, "0.00"),
    ],
)
def test_numbers_are_fixed(value, decimals, signed, text):
    assert fixed(value, decimals, signed=signed) == text


def test_a_gain_is_never_rounded_away_without_an_interval():
    result = compare("m", Direction.MAXIMIZE, [100.0, 100.0], [100.0004, 100.0004])
    assert result.low is None
    assert gain_words(result, Direction.MAXIMIZE) == "+0.00040"
    assert interval_words(result) == "no interval: the difference does not vary by seed"


def test_smaller_is_better_in_words():
    result = compare("m", Direction.MINIMIZE, [1.0, 1.1, 1.2], [0.9, 1.0, 1.05])
    assert gain_words(result, Direction.MINIMIZE).startswith("better by 0.1")
    worse = compare("m", Direction.MINIMIZE, [0.9, 1.0, 1.05], [1.0, 1.1, 1.2])
    assert gain_words(worse, Direction.MINIMIZE).startswith("worse by 0.1")


def test_units():
    assert resource_words("peak_memory_bytes", 180 * 2**20) == "180.0 MiB"
    assert resource_words("disk_bytes", 12) == "12 B"
    assert resource_words("wall_seconds", 1.234) == "1.23 s"
    assert [duration(s) for s in (75, 750, 9000)] == ["75 s", "12.5 min", "2.5 h"]
    assert [count(n, "seed") for n in (0, 1, 2)] == ["no seeds", "1 seed", "2 seeds"]


def test_what_cannot_be_seen_is_made_visible():
    assert clean("a\x1bb\u202ec\u200bd\ue000") == "a␛b⟦U+202E⟧c⟦U+200B⟧d\ue000"
    assert clean("tab\tline\nstay") == "tab\tline\nstay"
    assert clean("x\udce9") == "x⟦U+DCE9⟧"
    assert one_line("a\n  b", 10) == "a b"
    assert one_line("x" * 20, 10) == "x" * 9 + "…"


def test_a_diff_is_told_apart_by_its_hunks():
    diff = parse_diff(
        "diff --git a/t.py b/t.py\n--- a/t.py\n+++ b/t.py\n@@ -1,3 +1,3 @@ def f():\n"
        " same\n--- a removed line of dashes\n+++ an added line of pluses\n last\n"
        "\\ No newline at end of file\n"
        "diff --git a/gone.py b/gone.py\n--- a/gone.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n"
    )
    assert [line.kind for line in diff.lines] == [
        *("file", "file", "file", "hunk"),
        *("same", "del", "add", "same", "same"),
        *("file", "file", "file", "hunk", "del"),
    ]
    assert (diff.added, diff.removed, diff.files) == (1, 2, ("t.py", "gone.py"))


def test_a_huge_diff_is_cut_and_says_so():
    body = "".join(f"+line {n}\n" for n in range(5000))
    diff = parse_diff(f"--- a/x\n+++ b/x\n@@ -0,0 +1,5000 @@\n{body}+{'y' * 9000}\n")
    assert len(diff.lines) == MOST_LINES
    assert diff.left_out == 5004 - MOST_LINES
    assert diff.added == 5000
    assert all(len(line.text) < 700 for line in diff.lines)


@pytest.mark.parametrize("text", ["", "garbage", "@@ nonsense @@\n+x\n", "@@\n", "@@ -1 @@\n-a\n"])
def test_broken_diffs_do_not_raise(text):
    parse_diff(text)
