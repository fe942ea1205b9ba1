"""A run's lines can be followed while it lasts, and the claim is in none of them."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import pytest

from autosota.agents.domain import Outcome, Purpose
from autosota.server.sandbox.following import LIVE, MOST_BYTES, Following
from autosota.server.sandbox.masking import Mask

WAITING = """
import os, sys, time
print("METRIC val_acc=0.25 step=1")
print("epoch 1: loss 0.4321")
print("epoch 1: test 0.91234 so far")
print("METRIC test_f1=0.71234")
print("METRIC test_acc=0.81234", flush=True)
print("a warning", file=sys.stderr, flush=True)
print("half a li", end="", flush=True)
while not os.path.exists(os.environ["AUTOSOTA_RUN_DIR"] + "/go"):
    time.sleep(0.01)
print("ne")
print("METRIC val_acc=0.5")
"""


@pytest.mark.parametrize("kind", ["process", pytest.param("bwrap", marks=pytest.mark.bwrap)])
@pytest.mark.parametrize("purpose", [Purpose.SEARCH, Purpose.CONFIRM])
def test_lines_are_there_while_the_run_lasts(bench, kind, purpose):
    bench.commit("base", train=WAITING)
    mask = purpose is Purpose.SEARCH
    request = replace(bench.request(mask=mask), purpose=purpose)
    receipts = []
    runner = bench.runner(kind)
    thread = threading.Thread(target=lambda: receipts.append(runner.run(request)))
    thread.start()
    folder = bench.runs / request.run_id
    end = time.monotonic() + 60
    while not (folder / LIVE).exists() or "a warning" not in (folder / LIVE).read_text():
        assert time.monotonic() < end and thread.is_alive()
        time.sleep(0.01)
    seen = (folder / LIVE).read_text()
    (folder / "out" / "go").touch()
    thread.join(60)
    assert receipts[0].outcome is Outcome.OK
    assert sorted(seen.splitlines()) == [
        "METRIC test_acc=▒",
        "METRIC test_f1=▒",
        "METRIC val_acc=0.25 step=1",
        "a warning",
        "epoch 1: loss 0.4321",
        "epoch ▒: test ▒ so far",
    ]
    assert "half a line" in (folder / "stdout.log").read_text()
    assert not (folder / LIVE).exists()
    assert ("0.81234" in (folder / "stdout.log").read_text()) is not mask


def test_a_run_that_prints_without_end_is_followed_up_to_a_limit(tmp_path):
    following = Following(tmp_path / LIVE, Mask("test_acc"))
    for _ in range(MOST_BYTES // 1000 + 10):
        following.line("x" * 999)
    size = (tmp_path / LIVE).stat().st_size
    assert MOST_BYTES - 1000 <= size <= MOST_BYTES + 200
    assert (tmp_path / LIVE).read_text().endswith("the run is over\n")


def test_a_place_that_cannot_be_written_costs_no_run(tmp_path):
    following = Following(tmp_path / "gone" / LIVE, None)
    following.line("a")
    following.end()
    assert list(tmp_path.iterdir()) == []
