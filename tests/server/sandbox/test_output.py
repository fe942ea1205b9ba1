"""Storing and showing what a run prints, in bounded memory."""

from __future__ import annotations

from autosota.server.sandbox.output import LINE_CHARACTERS, Output


def test_lines_chunks_and_the_cap(tmp_path):
    shown: list[tuple[str, str]] = []
    chunks: list[bytes] = []
    output = Output(
        {"stdout": tmp_path / "o", "stderr": tmp_path / "e"},
        20,
        lambda _, data: chunks.append(data),
        lambda *line: shown.append(line),
    )
    output.feed("stdout", b"one\ntw")
    output.feed("stderr", b"bad\xff\r")
    output.feed("stdout", b"o\r\nthree and more")
    assert output.over
    output.close()
    assert shown == [
        ("stdout", "one"),
        ("stderr", "bad�"),
        ("stdout", "two"),
        ("stdout", "three "),
    ]
    assert (tmp_path / "o").read_bytes() == b"one\ntwo\r\nthree "
    assert sum(len(c) for c in chunks) == 20
    assert output.tail("stdout") == "one\ntwo\r\nthree "


def test_long_lines_are_cut_and_fast_ones_left_out(tmp_path):
    shown: list[str] = []
    output = Output({"stdout": tmp_path / "o"}, 2**30, None, lambda _, line: shown.append(line))
    output.feed("stdout", b"x" * 3000)
    output.feed("stdout", b"y" * 3000 + b"\nnext\n")
    assert shown == ["x" * LINE_CHARACTERS, "next"]
    output.feed("stdout", b"n\n" * 100_000)
    output.close()
    assert len(shown) < 10_000
    assert "lines not shown" in shown[-1]
    assert (tmp_path / "o").stat().st_size == 6000 + 6 + 200_000


def test_a_log_can_be_followed_while_it_is_written(tmp_path):
    output = Output({"stdout": tmp_path / "log"}, 1000)
    output.feed("stdout", b"one line\n")
    assert (tmp_path / "log").read_bytes() == b"one line\n"
    output.close()
