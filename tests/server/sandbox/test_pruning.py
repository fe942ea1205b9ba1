"""Values on the way: kept in the receipt, masked, and the reason to end a run early."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from autosota.agents.domain import Direction, Outcome, Pruning
from autosota.server.sandbox.pruning import Pruner

BOTH = pytest.mark.parametrize("kind", ["process", pytest.param("bwrap", marks=pytest.mark.bwrap)])
EPOCHS = """
for step, value in enumerate((0.5, 0.3, 0.4)):
    print(f"METRIC val_acc={value} step={step}")
    print(f"METRIC test_acc={value + 0.51234} step={step}")
    print(f"METRIC test_f1={value + 0.52345} step={step}")
    print("epoch", step, "got", value + 0.52345)
"""
GOOD = "print('METRIC test_acc=0.5')\nprint('METRIC val_acc=0.25')\n"


@BOTH
def test_values_on_the_way_are_not_the_final_one(bench, kind):
    bench.commit("base", train=EPOCHS + GOOD)
    receipt = bench.runner(kind).run(bench.request())
    assert receipt.outcome is Outcome.OK, receipt.reason
    assert receipt.value("val_acc") == 0.25
    assert receipt.intermediate == ((0, 0.5), (1, 0.3), (2, 0.4))
    assert receipt.reading("test_f1") is None


@BOTH
def test_what_tells_of_the_claim_on_the_way_is_masked(bench, kind):
    bench.commit("base", train=EPOCHS + GOOD)
    request = bench.request(mask=True)
    receipt = bench.runner(kind).run(request)
    assert receipt.outcome is Outcome.OK, receipt.reason
    log = (bench.runs / request.run_id / "stdout.log").read_text()
    live = "\n".join(line for _, line in bench.lines)
    for text in (log, live):
        assert "METRIC val_acc=0.3 step=1" in text
        assert text.count("METRIC test_acc=▒") == 4
        assert text.count("METRIC test_f1=▒") == 3
        assert "1234" not in text
    assert "2345" not in log
    assert receipt.intermediate == ((0, 0.5), (1, 0.3), (2, 0.4))


def test_only_values_with_a_step_are_no_result(bench):
    bench.commit("base", train=EPOCHS)
    receipt = bench.runner("process").run(bench.request())
    assert receipt.outcome is Outcome.METRIC_MISSING
    assert "only values with a step; print the final one without it" in receipt.reason
    assert receipt.intermediate == ()


def test_a_metric_once_per_epoch_without_a_step_says_the_way_out(bench):
    bench.commit("base", train=EPOCHS.replace(" step={step}", "") + GOOD)
    receipt = bench.runner("process").run(bench.request())
    assert receipt.outcome is Outcome.METRIC_CONFLICT
    assert "print values on the way with their step: `METRIC test_acc=… step=3`" in receipt.reason


@BOTH
@pytest.mark.parametrize(
    ("first", "value", "direction"),
    [("0.1", "0.3", "maximize"), ("0.95", "0.9", "minimize"), ("0.7", "nan", "maximize")],
)
def test_a_run_that_is_worse_than_its_bound_ends_at_once(
    bench, kind, alive, first, value, direction
):
    mark = f"pruned-{bench.root.parent.name}-{kind}"
    code = "import time; time.sleep(600)"
    bench.commit(
        "base",
        train=f"import subprocess, sys, time\n"
        f"subprocess.Popen([sys.executable, '-c', {code!r}, {mark!r}], start_new_session=True)\n"
        f"print('METRIC val_acc={first} step=1', flush=True)\n"
        f"print('METRIC val_acc={value} step=2', flush=True)\ntime.sleep(600)",
    )
    pruning = Pruning("val_acc", Direction(direction), ((2, 0.5), (3, 0.5)))
    began = time.monotonic()
    receipt = bench.runner(kind).run(replace(bench.request(mask=True), pruning=pruning))
    assert time.monotonic() - began < 50
    assert receipt.outcome is Outcome.PRUNED
    assert receipt.reason == f"pruned at step 2: val_acc is {value}, worse than 0.5"
    assert [m.value for m in receipt.metrics] == [None, None]
    assert receipt.intermediate[0] == (1, float(first))
    assert not alive(mark)


def test_a_run_that_ended_before_it_could_be_ended_is_pruned_all_the_same(bench):
    bench.commit("base", train=GOOD + "print('METRIC val_acc=0.1 step=1', end='')")
    pruning = Pruning("val_acc", Direction.MAXIMIZE, ((1, 0.5),))
    receipt = bench.runner("process").run(replace(bench.request(), pruning=pruning))
    assert receipt.outcome is Outcome.PRUNED
    assert receipt.value("val_acc") is None


def test_a_masked_metric_prunes_nothing(bench):
    bench.commit("base", train="print('METRIC test_acc=0.1 step=1')\n" + GOOD)
    pruning = Pruning("test_acc", Direction.MAXIMIZE, ((1, 0.5),))
    masked = replace(bench.request(mask=True), pruning=pruning)
    assert bench.runner("process").run(masked).outcome is Outcome.OK


def test_bounds_hold_at_their_step_only():
    pruner = Pruner(Pruning("m", Direction.MINIMIZE, ((5, 1.0),)))
    for name, step, value in [("m", 4, 9.0), ("other", 5, 9.0), ("m", 5, 1.0), ("m", 6, 9.0)]:
        pruner.take(name, step, value)
        assert pruner.reason == ""
    late = Pruner(Pruning("m", Direction.MINIMIZE, ((5, 1.0),)))
    late.take("m", 4, 2.0)
    late.take("m", 5, 1.5)
    assert late.reason == "pruned at step 5: m is 1.5, worse than 1.0"


def test_the_best_value_so_far_is_what_the_bounds_are_for():
    """As Optuna's percentile pruner, which the bounds come from."""
    pruner = Pruner(Pruning("m", Direction.MAXIMIZE, ((5, 0.5),)))
    for step, value in [(3, 0.6), (5, 0.4), (5, 0.1)]:
        pruner.take("m", step, value)
    assert pruner.reason == ""
