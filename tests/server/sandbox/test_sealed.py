"""A sealed evaluator, behind both kinds of wall: whatever it does, a candidate scores the same.

The honest prediction of every candidate here is right for five labels of eight. A cheat that
works would show another number; so would one that only breaks something.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from autosota.agents.domain import Isolation, Outcome

WALLS = ("bwrap", "docker")
pytestmark = pytest.mark.bwrap

METRIC = """
def accuracy(want, got):
    return sum(a == b for a, b in zip(want, got)) / len(want)
"""

EVALUATE = """
import sys
from metric import accuracy
want = open("labels/y.txt").read().split()
got = open(sys.argv[1]).read().split()
print(f"METRIC test_acc={accuracy(want, got)}")
"""

HONEST = """
import os
out = os.environ["AUTOSOTA_RUN_DIR"]
print("METRIC val_acc=0.5")
open(out + "/pred.txt", "w").write("1 " * 8)
"""

PERFECT = "def accuracy(want, got): return 1.0\n"

REPLACED = f"""
for name in ("metric.py", "evaluate.py"):
    for how in ("w", "x"):
        try: open(name, how).write({PERFECT!r})
        except OSError: pass
    for call in (lambda: os.remove(name), lambda: os.rename(name, name + ".old")):
        try: call()
        except OSError: pass
"""

PATCHED = """
import builtins, metric
metric.accuracy = lambda want, got: 1.0
builtins.sum = lambda *a: 8
builtins.len = lambda *a: 8
"""

PLANTED = """
import site, sys, sysconfig
text = "import builtins; builtins.sum = lambda *a: 8"
places = [out, os.getcwd(), os.path.expanduser("~"), "/tmp", sysconfig.get_paths()["purelib"],
          site.getusersitepackages(), "/usr/lib/python3/dist-packages", *filter(None, sys.path)]
for place in places:
    for name in ("sitecustomize.py", "usercustomize.py", "metric.py", "planted.pth", "sum.py"):
        try:
            os.makedirs(place, exist_ok=True)
            path = os.path.join(place, name)
            if not (place == os.getcwd() and name == "metric.py"):
                open(path, "w").write(text)
        except OSError: pass
"""

GUESSED = """
import time
bits = []
for path in ("labels/y.txt", "../judge/labels/y.txt", {root!r} + "/labels/y.txt"):
    for offset in range(8):
        began = time.perf_counter_ns()
        try:
            with open(path) as file: file.seek(2 * offset); file.read(1)
        except OSError as error: bits.append(type(error).__name__)
        else: bits.append("opened")
        time.perf_counter_ns() - began
print("saw", sorted(set(bits)))
"""


@pytest.mark.parametrize(
    "cheat",
    [REPLACED, PATCHED, PLANTED, GUESSED],
    ids=["replaced", "patched", "planted", "guessed"],
)
def test_a_cheat_scores_what_honesty_does(bench, cheat):
    bench.write("labels/y.txt", "1 0 0 1 1 1 0 1")
    bench.commit("base", train=HONEST, evaluate=EVALUATE, metric=METRIC)
    bench.commit("idea", train=HONEST + cheat.replace("{root!r}", repr(str(bench.root))))
    request = bench.request("idea")
    receipt = bench.runner(
        files=["evaluate.py", "metric.py"],
        labels=["labels/**"],
        evaluate="python evaluate.py {run_dir}/pred.txt",
    ).run(request)
    log = (bench.runs / request.run_id / "stdout.log").read_text()
    assert receipt.isolation is Isolation.SEALED
    assert "'opened'" not in log
    if receipt.outcome is Outcome.TAMPERED:  # it could not be more plainly refused
        assert receipt.value("test_acc") is None
    else:
        assert receipt.outcome is Outcome.OK, receipt.reason
        assert receipt.value("test_acc") == 0.625


def test_a_process_left_behind_cannot_change_what_is_scored(bench):
    bench.write("labels/y.txt", "1 0 0 1 1 1 0 1")
    bench.commit("base", train=HONEST, evaluate=EVALUATE, metric=METRIC)
    late = """
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        import time
        for fd in range(3): os.close(fd)
        while True:
            for place in (out, out + "/../judge/labels"):
                try: open(place + "/pred.txt", "w").write("1 0 0 1 1 1 0 1")
                except OSError: pass
            time.sleep(0.001)
    os._exit(0)
os.wait()
"""
    bench.commit("idea", train=HONEST + late)
    receipt = bench.runner(
        files=["evaluate.py", "metric.py"],
        labels=["labels/**"],
        evaluate="python evaluate.py {run_dir}/pred.txt",
    ).run(bench.request("idea"))
    assert receipt.outcome is Outcome.LEFT_PROCESSES
    assert receipt.value("test_acc") is None


def test_a_receipt_names_the_image_that_ran(bench):
    """The image was removed and built again: the receipt must not name the one that is gone."""
    bench.commit("base", train="print('METRIC test_acc=0.5\\nMETRIC val_acc=0.5')")
    runner = bench.runner()
    launcher = runner._launcher
    if bench.kind == "docker":
        real, launcher.image = launcher.image, "sha256:" + "0" * 64
        launcher._ensure = lambda: real
        runner._environment = replace(runner._environment, image=launcher.image)
        assert runner.run(bench.request()).image == real
    else:
        assert runner.run(bench.request()).image == ""
