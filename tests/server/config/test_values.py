from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autosota.server.config.values import (
    duration_text,
    parse_duration,
    parse_size,
    shown,
    size_text,
    toml_key,
    toml_text,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("10m", 600), ("2h", 7200), ("1h30m", 5400), ("1d", 86400), (" 1h 30m ", 5400),
     ("1.5h", 5400), (90, 90), (0.5, 0.5), ("-5m", -300), ("0s", 0)],
)  # fmt: skip
def test_durations(text: object, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "10", "m", "10 min", "10mm", "1m1m", "1m1h", "1e3s", "٣s", True, None, [], 1e99]
)
def test_what_is_no_duration(text: object) -> None:
    with pytest.raises(ValueError, match=r"not a duration|more than ten years"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "count"),
    [("8GiB", 2**33), ("500MB", 500_000_000), ("1.5 KiB", 1536), ("1kb", 1000), ("7B", 7), (9, 9)],
)
def test_sizes(text: object, count: int) -> None:
    assert parse_size(text) == count


@pytest.mark.parametrize("text", ["", "8", "8G", "GiB", "8XiB", "-8GiB", 1.5, True, None])
def test_what_is_no_size(text: object) -> None:
    with pytest.raises(ValueError, match="not a size"):
        parse_size(text)


@given(st.integers(1, 10**8))
def test_durations_and_sizes_come_back(number: int) -> None:
    import tomllib

    written = f"d = {duration_text(float(number))}\ns = {size_text(number * 1024**2)}"
    table = tomllib.loads(written)
    assert parse_duration(table["d"]) == number
    assert parse_size(table["s"]) == number * 1024**2


@given(st.text(st.characters(codec="utf-8")))
def test_texts_come_back(text: str) -> None:
    import tomllib

    table = tomllib.loads(f"{toml_key(text)} = {toml_text(text)}")
    assert table == {text: text}


def test_any_value_is_shown_on_one_short_line() -> None:
    for value in ("a\nb" * 100, 1 << 20000, float("nan"), [1] * 99, {}, True, None, [[["x" * 99]]]):
        assert len(shown(value)) <= 80
        assert "\n" not in shown(value)
