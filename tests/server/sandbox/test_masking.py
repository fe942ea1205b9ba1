"""The claim's value does not stay in a log."""

from __future__ import annotations

import pytest

from autosota.server.sandbox.masking import Mask


@pytest.mark.parametrize(
    ("value", "text", "masked"),
    [
        ("0.94118", "0.941 0.9412 0.94118 0.941180", "▒ ▒ ▒ ▒"),
        ("0.94118", "94.1% 94.12 94.118", "▒% ▒ ▒"),
        ("0.94118", "9.41e-01 9.412E-1 .941", "▒ ▒ ▒"),
        (
            "0.94118",
            "0.94 94 0.942 10.941 0.9412345 1.0.941",
            "0.94 94 0.942 10.941 0.9412345 1.0.941",
        ),
        ("0.94118", "acc=-0.941,0.9411;", "acc=-▒,▒;"),
        ("1.0", "1.00 100.0 1.0 1", "▒ ▒ 1.0 1"),
        ("12345.678", "12345.678 12345.7 12346 1.23e4 1.23e+04", "▒ ▒ ▒ ▒ ▒"),
        ("0", "0.00 0.0 0", "▒ 0.0 0"),
        ("nan", "nan 0.5", "nan 0.5"),
        ("1e-7", "1.00e-07 0.000000100", "▒ ▒"),
    ],
)
def test_numbers_equal_to_their_shown_digits(value, text, masked):
    assert Mask("acc").text(text, [value]) == masked


def test_live_lines_are_masked_by_name():
    mask = Mask("test_acc")
    assert mask.live("METRIC test_acc=0.5 (best)") == "METRIC test_acc=▒"
    assert mask.live("METRIC test_acc2=0.5") == "METRIC test_acc2=0.5"
    assert mask.live("Test acc: 94.2 %") == "Test acc: ▒ %"
    assert mask.live("val_acc 0.912") == "val_acc 0.912"
    assert Mask("test_acc", by_pattern=True).live("epoch 3: 0.912") == "epoch 3: ▒"


def test_metric_lines_that_tell_of_the_claim(tmp_path):
    mask = Mask("test_acc", tells=lambda name: name.startswith("test_"))
    lines = "METRIC test_f1=0.9\nMETRIC test_f1=0.8 step=3\nMETRIC val_f1=0.7 step=3\n"
    hidden = "METRIC test_f1=▒\nMETRIC test_f1=▒\nMETRIC val_f1=0.7 step=3\n"
    assert "\n".join(map(mask.live, lines.splitlines())) + "\n" == hidden
    (tmp_path / "log").write_text(lines)
    mask.rewrite(tmp_path / "log", tmp_path / "log", [])
    assert (tmp_path / "log").read_text() == hidden


def test_rewriting_a_large_log(tmp_path):
    source, target = tmp_path / "a", tmp_path / "b"
    line = b"epoch 1 loss 0.5 acc 0.91234\n"
    with source.open("wb") as file:
        for _ in range(100_000):
            file.write(line)
        file.write(b"7" * 6_000_000 + b"\nMETRIC acc=0.91234")
    Mask("acc").rewrite(source, target, ["0.91234"])
    text = target.read_bytes()
    assert b"0.91234" not in text
    assert text.startswith("epoch 1 loss 0.5 acc ▒\n".encode())
    assert text.endswith("METRIC acc=▒".encode())
    assert len(list(tmp_path.iterdir())) == 2
