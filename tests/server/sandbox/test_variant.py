"""Runs that differ from the objective's own: added arguments, rows in another order."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from autosota.agents.domain import Outcome, RowsControl, RunRequest, Variant
from autosota.server.sandbox.permute import ControlNotPossible
from autosota.server.sandbox.variant import command_of

BOTH = pytest.mark.parametrize("kind", ["process", pytest.param("bwrap", marks=pytest.mark.bwrap)])
TABLE = "x,y\n" + "".join(f"{n},{n % 7}\n" for n in range(50))
SHOW = """
import hashlib, os, sys
print("args", *sys.argv[1:])
for name in sorted(os.listdir("data")):
    print(name, hashlib.sha256(open("data/" + name, "rb").read()).hexdigest()[:12])
rows = [line.split(",") for line in open("data/train.csv").read().split()[1:]]
print("METRIC test_acc=0.5"); print("METRIC val_acc=0.25")
print("METRIC in_place=%d" % sum(int(x) % 7 == int(y) for x, y in rows))
print("METRIC sum=%d" % sum(int(y) for _, y in rows))
"""
JUDGE = """
rows = [line.split(",") for line in open("data/train.csv").read().split()[1:]]
print("METRIC seen_by_judge=%d" % sum(int(x) % 7 == int(y) for x, y in rows))
"""


def asking(request: RunRequest, **variant: object) -> RunRequest:
    return replace(request, variant=Variant(**variant))  # type: ignore[arg-type]


def log(bench, request: RunRequest) -> list[str]:
    return (bench.runs / request.run_id / "stdout.log").read_text().splitlines()


@BOTH
@pytest.mark.parametrize("data", [["data"], ["data/*.csv"], ["data/train.csv", "data/other.csv"]])
def test_the_command_sees_permuted_data_and_nobody_else_does(bench, kind, data):
    bench.write("data/train.csv", TABLE)
    bench.write("data/other.csv", "x\n1\n")
    bench.commit("base", train=SHOW, judge=JUDGE)
    runner = bench.runner(kind, data=data, evaluate="python judge.py")
    plain = runner.run(bench.request())
    assert (plain.outcome, plain.variant) == (Outcome.OK, ""), plain.reason
    assert plain.value("in_place") == 50
    request = asking(
        bench.request(), name="permuted-labels", permute=RowsControl("data/train.csv", "y")
    )
    moved = runner.run(request)
    assert moved.outcome is Outcome.OK, moved.reason
    assert moved.variant == "permuted-labels"
    assert moved.value("in_place") < 25
    assert moved.value("sum") == plain.value("sum")
    assert moved.value("seen_by_judge") == 50
    assert (bench.root / "data/train.csv").read_text() == TABLE
    assert moved.data_hash == plain.data_hash
    names = [line.split()[0] for line in log(bench, request) if line]
    assert names[1:3] == ["other.csv", "train.csv"]
    assert not (bench.runs / request.run_id / "permuted").exists()
    again = asking(bench.request(), permute=RowsControl("data/train.csv", "y"))
    assert runner.run(again).value("in_place") == moved.value("in_place")
    assert log(bench, again)[2] == log(bench, request)[2]
    assert runner.run(bench.request()).value("in_place") == 50


@BOTH
@pytest.mark.parametrize("protected", [[], ["data/train.csv"]])
def test_a_file_that_git_tracks(bench, kind, protected):
    bench.commit("base", train=SHOW)
    bench.workspace.commits["base"]["data/train.csv"] = TABLE.encode()
    runner = bench.runner(kind, files=protected)
    moved = runner.run(asking(bench.request(), permute=RowsControl("./data/train.csv", "y")))
    assert moved.outcome is Outcome.OK, moved.reason
    assert moved.value("in_place") < 25
    assert runner.run(bench.request()).value("in_place") == 50


@BOTH
def test_a_deep_file_of_a_folder_and_a_link_to_it(bench, kind):
    bench.write("data/a/b/train.csv", TABLE)
    bench.write("data/a/keep.txt", "kept")
    (bench.root / "data/train.csv").symlink_to("a/b/train.csv")
    bench.commit(
        "base",
        train="print(open('data/a/keep.txt').read(), sorted(__import__('os').listdir('data/a')))\n"
        + SHOW.replace('for name in sorted(os.listdir("data")):', "for name in ():"),
    )
    runner = bench.runner(kind, data=["data"])
    for file in ("data/train.csv", "data/a/b/train.csv"):
        request = asking(bench.request(), permute=RowsControl(file, "y"))
        receipt = runner.run(request)
        assert receipt.outcome is Outcome.OK, receipt.reason
        assert log(bench, request)[0] == "kept ['b', 'keep.txt']"
        if kind == "bwrap" or file == "data/train.csv":  # copies in a vault are not one file
            assert receipt.value("in_place") < 25


@pytest.mark.bwrap
def test_the_copy_cannot_be_written(bench):
    bench.write("data/train.csv", TABLE)
    bench.commit("base", train="open('data/train.csv', 'w')")
    request = asking(bench.request(), permute=RowsControl("data/train.csv", "y"))
    receipt = bench.runner("bwrap", data=["data"]).run(request)
    assert receipt.outcome is Outcome.CRASHED
    assert "Read-only" in receipt.reason


def test_what_no_control_can_permute(bench):
    bench.write("data/train.csv", TABLE)
    labels = bench.write("labels/y.csv", TABLE)
    os.link(labels, bench.root / "data/hidden.csv")
    (bench.root / "data/away.csv").symlink_to("../labels/../train.parquet")
    bench.write("train.parquet", "PAR1")
    runner = bench.runner("process", data=["data"], labels=["labels/**"], evaluate="true")
    for file, column, problem in [
        ("labels/y.csv", "y", "labels/y.csv: is one of protocol.labels, which only the evaluator"),
        ("data/hidden.csv", "y", "data/hidden.csv: is one of protocol.labels"),
        ("data/none.csv", "y", "data/none.csv: there is no such file in protocol.data"),
        ("none.csv", "y", "none.csv: there is no such file in the repository, nor in"),
        ("data/train.csv", "z", "data/train.csv: 'z' is not in its header (x, y)"),
        ("data/away.csv", "y", "data/away.csv: is a link that leads out of data"),
        ("train.py", "", "train.py: rows of a .py file cannot be permuted"),
    ]:
        request = asking(bench.request(), permute=RowsControl(file, column))
        with pytest.raises(ControlNotPossible) as raised:
            runner.run(request)
        assert str(raised.value).startswith(problem)
        assert not (bench.runs / request.run_id).exists()


@BOTH
def test_arguments_are_added_and_the_receipt_says_so(bench, kind):
    bench.write("data/train.csv", TABLE)
    bench.commit("base", train=SHOW)
    runner = bench.runner(kind, data=["data"], command="python train.py --seed {seed}\n")
    request = asking(bench.request(), name="long", arguments="--epochs 20 --salt 's {seed}'")
    receipt = runner.run(request)
    assert receipt.outcome is Outcome.OK, receipt.reason
    assert receipt.command == "python train.py --seed {seed} --epochs 20 --salt 's {seed}'"
    assert log(bench, request)[0] == "args --seed 3 --epochs 20 --salt s 3"


@pytest.mark.parametrize(
    ("command", "text"),
    [
        ("python a.py", "python a.py --x 1"),
        ("python a.py && python b.py  ", "python a.py && python b.py --x 1"),
        ("python a.py | tee log; python b.py > log 2>&1", None),
        ("FOO='a|b' python a.py -q", "FOO='a|b' python a.py -q --x 1"),
    ],
)
def test_where_arguments_go(command, text):
    assert command_of(command, "--x 1 ") == (text or f"{command} --x 1")
    assert command_of(command, "") == command


@pytest.mark.parametrize(
    ("command", "sign"),
    [
        ("python a.py | tee log", "|"),
        ("python a.py # the best", "#"),
        ("(python a.py)", "("),
        ("python a.py &", "&"),
        ("python a.py || true", "||"),
        ("python a.py;", ";"),
    ],
)
def test_where_arguments_cannot_go(command, sign):
    with pytest.raises(ControlNotPossible, match="cannot be added behind its") as raised:
        command_of(command, "--x 1")
    assert f"{sign!r}" in str(raised.value)
