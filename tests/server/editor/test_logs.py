"""Logs of runs, piece by piece: whole, safe, and without the claim."""

from __future__ import annotations

import math

import pytest

from autosota.agents.domain import Objective
from autosota.server.editor import logs
from autosota.server.editor.veil import Veil
from autosota.server.errors import UserError

GOAL = Objective("python train.py", "test_accuracy", "val_accuracy")
OPEN, HIDDEN = Veil(GOAL, True), Veil(GOAL, False)


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "runs" / "c1-search-c1-p1-s0"
    made.mkdir(parents=True)
    return made


def whole(folder, running=False, veil=OPEN):
    """Everything, asked for as a client does; and how many parts it took."""
    text, offset, parts = "", 0, 0
    while True:
        part = logs.read(folder, offset, running, veil)
        assert len(part.text.encode()) <= 2 * logs.MOST_BYTES
        assert not part.restart
        text, offset, parts = text + part.text, part.next, parts + 1
        if part.ended:
            return text, parts


@pytest.mark.parametrize("letter", ["x", "ä", "語", "🙂"])
@pytest.mark.parametrize("line", [7, 1000, 300_000])
def test_the_parts_are_the_whole(folder, letter, line):
    text = "".join(f"{n} {letter * line}\n" for n in range(900_000 // (line * 4) + 2))
    (folder / "stdout.log").write_text(text)
    (folder / "stderr.log").write_text("a warning\n")
    found, parts = whole(folder)
    assert found == f"{text}\n=== stderr\na warning\n"
    assert parts > 1 or len(text.encode()) < logs.MOST_BYTES


def test_a_log_without_a_line_end_is_given_whole(folder):
    (folder / "stdout.log").write_text("half")
    (folder / "stderr.log").write_text("")
    assert logs.read(folder, 0, False, OPEN) == logs.LogPart("half", logs.STORED + 4, True)


def test_escapes_are_taken_out_and_bars_are_lines(folder):
    link = "\x1b]8;;http://x\x1b\\here\x1b]8;;\x1b\\"
    raw = f"\x1b[1;31mred\x1b[0m {link} \x1b[2K\x07end\r\n10%\r20%\r\n\x00\x9b31m\n"
    (folder / "stdout.log").write_bytes(raw.encode("utf-8"))
    text, _ = whole(folder)
    assert text == "red here end\n10%\n20%\n31m\n"


def test_bytes_that_are_no_text_stay_readable(folder):
    (folder / "stdout.log").write_bytes(b"a\xff\xfeb\n")
    assert whole(folder)[0] == "a\ufffd\ufffdb\n"


def test_a_running_log_is_followed_and_the_stored_one_takes_its_place(folder):
    live = folder / logs.LIVE
    live.write_text("one\nhalf a li")
    first = logs.read(folder, 0, True, OPEN)
    assert (first.text, first.ended) == ("one\n", False)
    live.write_text("one\nhalf a line\n")
    second = logs.read(folder, first.next, True, OPEN)
    assert second.text == "half a line\n"
    assert logs.read(folder, second.next, True, OPEN).text == ""
    live.unlink()
    between = logs.read(folder, second.next, True, OPEN)  # over, and the ledger not yet grown
    assert (between.text, between.next, between.restart) == ("", second.next, False)
    (folder / "stdout.log").write_text("one\nhalf a line\nthe end\n")
    last = logs.read(folder, second.next, False, OPEN)
    assert (last.text, last.restart, last.ended) == ("one\nhalf a line\nthe end\n", True, True)
    again = logs.read(folder, last.next, False, OPEN)
    assert (again.text, again.restart, again.ended) == ("", False, True)


def test_a_run_that_runs_again_is_followed_from_its_beginning(folder):
    (folder / logs.LIVE).write_text("anew\n")
    part = logs.read(folder, logs.STORED + 99, True, OPEN)
    assert (part.text, part.restart) == ("anew\n", True)


def test_what_a_killed_driver_left_can_be_read_and_ends(folder):
    (folder / logs.LIVE).write_text("one\ntwo")
    (folder / ".stdout.unmasked").write_text("METRIC test_accuracy=0.91234\n")
    assert logs.read(folder, 0, False, HIDDEN) == logs.LogPart("one\ntwo", 7, True)


def test_the_claim_is_hidden_whatever_the_file_says(folder):
    (folder / "stdout.log").write_text(
        "METRIC test_accuracy=0.91234\nMETRIC val_accuracy=0.5 step=2\nloss 0.25 of 0.91234\n"
        "test: 0.9\nTest Accuracy 91.2 %\n"
    )
    text, _ = whole(folder, veil=HIDDEN)
    assert text == (
        "METRIC test_accuracy=▒\nMETRIC val_accuracy=0.5 step=2\nloss 0.25 of 0.91234\n"
        "test: ▒\nTest Accuracy ▒ %\n"
    )


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../c1", "a/b", "/etc/passwd", "c1\0", "x" * 300, "..a/../..", "c1 s"]
)
def test_what_is_no_id_never_becomes_a_path(folder, name):
    with pytest.raises(UserError, match="is no id of a run"):
        logs.folder_of(folder.parent, name)
    assert logs.has_log(folder.parent, name) is False


def test_links_are_not_followed(folder, tmp_path):
    (tmp_path / "secret").write_text("secret\n")
    (folder / "stdout.log").symlink_to(tmp_path / "secret")
    assert logs.has_log(folder.parent, folder.name) is False
    assert logs.read(folder, 0, False, OPEN).text == ""
    (folder.parent / "c1-other").symlink_to(tmp_path)
    with pytest.raises(UserError, match="no such run"):
        logs.folder_of(folder.parent, "c1-other")


def test_an_offset_below_nothing_is_refused(folder):
    with pytest.raises(UserError, match="offset -1"):
        logs.read(folder, -1, False, OPEN)


# ---------------------------------------------------------------------- curves


def test_curves_are_those_that_were_reported(folder):
    (folder / "stdout.log").write_text(
        "METRIC loss=0.5 step=2\nnoise\n  METRIC loss = 0.75 step=1\nMETRIC loss=9 step=1\n"
        "METRIC loss=nan step=3\nMETRIC val_accuracy=0.5\nMETRIC test_accuracy=0.9 step=1\n"
        "METRIC test_f1=0.9 step=1\nMETRIC val_accuracy=1e-3 step=-1\nxMETRIC loss=1 step=8\n"
    )
    found = {c.name: c.points for c in logs.curves(folder, False, HIDDEN)}
    assert found == {"loss": ((1.0, 0.75), (2.0, 0.5)), "val_accuracy": ((-1.0, 0.001),)}
    shown = {c.name for c in logs.curves(folder, False, OPEN)}
    assert shown == {"loss", "val_accuracy", "test_accuracy", "test_f1"}


def test_a_running_run_has_curves(folder):
    (folder / logs.LIVE).write_text("METRIC loss=0.5 step=1\nMETRIC loss=0.4 st")
    assert logs.curves(folder, True, HIDDEN)[0].points == ((1.0, 0.5),)


def test_a_long_curve_is_thinned_and_keeps_its_peaks(folder):
    steps = 100_000
    values = [math.sin(n / 900) for n in range(steps)]
    values[54_321] = 7.0
    values[54_322] = -7.0
    lines = (f"METRIC loss={v:.6f} step={n}\n" for n, v in enumerate(values))
    (folder / "stdout.log").write_text("".join(lines))
    (curve,) = logs.curves(folder, False, OPEN)
    assert len(curve.points) <= logs.MOST_POINTS
    assert (54_321.0, 7.0) in curve.points
    assert (54_322.0, -7.0) in curve.points
    assert [step for step, _ in curve.points] == sorted(step for step, _ in curve.points)


def test_many_metrics_are_bounded(folder):
    lines = "".join(f"METRIC m{n}=1 step=1\n" for n in range(500))
    (folder / "stdout.log").write_text(lines)
    assert len(logs.curves(folder, False, OPEN)) == logs.MOST_CURVES
