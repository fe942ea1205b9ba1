"""Per-example outcomes: kept by the runner, typed by nobody."""

from __future__ import annotations

import hashlib

import pytest

from autosota.agents.domain import Objective, Outcome
from autosota.server.errors import UserError
from autosota.server.sandbox import outcomes
from autosota.server.sandbox.outcomes import parse, read_checked_outcomes, read_outcomes

BOTH = pytest.mark.parametrize("kind", ["process", pytest.param("bwrap", marks=pytest.mark.bwrap)])
FILE = "{run_dir}/per example.csv"
GOOD = "print('METRIC test_acc=0.5')\nprint('METRIC val_acc=0.25')\n"
WRITE = """
import os
place = os.path.join(os.environ["AUTOSOTA_RUN_DIR"], "per example.csv")
open(place, "w").write("id,value\\n" + "".join(f"{n},{n % 2}\\n" for n in range(4)))
"""


@BOTH
def test_outcomes_are_kept_with_their_hash(bench, kind):
    bench.commit("base", train=GOOD + WRITE)
    runner = bench.runner(kind, outcomes=FILE)
    request = bench.request()
    receipt = runner.run(request)
    assert receipt.outcome is Outcome.OK, receipt.reason
    folder = bench.runs / request.run_id
    kept = (folder / "outcomes.csv").read_bytes()
    assert receipt.outcomes_hash == hashlib.sha256(kept).hexdigest()
    assert not (folder / "out" / "per example.csv").exists()
    objective = Objective("c", "m", "m", outcomes=FILE)
    wanted = {"0": 0.0, "1": 1.0, "2": 0.0, "3": 1.0}
    assert read_outcomes(folder, objective) == wanted
    assert read_checked_outcomes(folder, objective, receipt.outcomes_hash) == wanted
    (folder / "outcomes.csv").write_text("id,value\n0,1\n")
    assert read_outcomes(folder, objective) == {"0": 1.0}
    with pytest.raises(UserError, match="is not what the run left"):
        read_checked_outcomes(folder, objective, receipt.outcomes_hash)


@BOTH
def test_a_masked_run_keeps_none(bench, kind):
    bench.commit("base", train=GOOD + WRITE, evaluate=GOOD)
    for evaluate in ("", "python evaluate.py"):
        request = bench.request(mask=True)
        receipt = bench.runner(kind, outcomes=FILE, evaluate=evaluate).run(request)
        assert receipt.outcome is Outcome.OK, receipt.reason
        assert receipt.outcomes_hash == ""
        assert not list((bench.runs / request.run_id).rglob("*.csv"))


@BOTH
def test_a_candidate_cannot_type_its_outcomes(bench, kind):
    typed = WRITE.replace("n % 2", "1")
    bench.commit("base", train=typed, evaluate=GOOD, scores=GOOD + WRITE)
    request = bench.request()
    runner = bench.runner(kind, outcomes=FILE, evaluate="python evaluate.py")
    receipt = runner.run(request)
    assert receipt.outcome is Outcome.OK, receipt.reason
    assert receipt.outcomes_hash == ""
    assert any("was not written" in line for _, line in bench.lines)
    assert not (bench.runs / request.run_id / "outcomes.csv").exists()
    request = bench.request()
    runner = bench.runner(kind, outcomes=FILE, evaluate="python scores.py")
    receipt = runner.run(request)
    objective = Objective("c", "m", "m", outcomes=FILE)
    kept = read_checked_outcomes(bench.runs / request.run_id, objective, receipt.outcomes_hash)
    assert sum(kept.values()) == 2


@BOTH
def test_a_masked_run_removes_nothing_of_the_users(bench, kind):
    victim = bench.write("mine/b/outcomes.csv", "id,value\n1,1\n")
    bench.commit(
        "base",
        train=GOOD + f"import os; os.symlink({str(victim.parents[1])!r},"
        " os.environ['AUTOSOTA_RUN_DIR'] + '/a')",
    )
    receipt = bench.runner(kind, outcomes="{run_dir}/a/b/outcomes.csv").run(
        bench.request(mask=True)
    )
    assert receipt.outcome is Outcome.OK, receipt.reason
    assert victim.exists()


@pytest.mark.parametrize("train", ["", "open(place, 'w').write('id,value\\n1,nan\\n')"])
def test_what_is_missing_or_broken_fails_no_run(bench, train):
    bench.commit("base", train=GOOD + WRITE.splitlines()[1] + "\n" + WRITE.splitlines()[2] + "\n"
                 + train)  # fmt: skip
    receipt = bench.runner("process", outcomes=FILE).run(bench.request())
    assert (receipt.outcome, receipt.outcomes_hash) == (Outcome.OK, "")
    notes = [line for stream, line in bench.lines if line.startswith("no outcomes per example")]
    assert len(notes) == 1


def test_a_link_is_not_followed(bench):
    secret = bench.write("secret.csv", "id,value\n1,1\n")
    bench.commit(
        "base",
        train=GOOD + f"import os; os.symlink({str(secret)!r},"
        " os.environ['AUTOSOTA_RUN_DIR'] + '/per example.csv')",
    )
    receipt = bench.runner("process", outcomes=FILE).run(bench.request())
    assert (receipt.outcome, receipt.outcomes_hash) == (Outcome.OK, "")
    assert secret.exists()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "its first line must name the columns id and value"),
        (b"id,score\n1,1\n", "its first line must name the columns id and value"),
        (b"id,value,value\n1,1,1\n", "once each"),
        (b"id,value\n", "holds no example"),
        (b"id,value\n1,0.5\n1,0.5\n", "the id '1' is there twice"),
        (b"id,value\n1,inf\n", "line 2: 'inf' is not a finite number"),
        (b"id,value\n1,1e999\n", "line 2: '1e999' is not a finite number"),
        (b"id,value\n1,yes\n", "line 2: 'yes' is not a finite number"),
        (b"id,value\n1\n", "line 2 has no id, or no value"),
        (b"id,value\n ,1\n", "line 2 has no id, or no value"),
        (b'id,value\n"1,1\n', "no CSV"),
        (b"id,value\n\xff,1\n", "not a text in UTF-8"),
    ],
)
def test_tables_that_cannot_be_used(content, problem):
    with pytest.raises(UserError) as raised:
        parse(content, "o.csv")
    assert str(raised.value).startswith("o.csv: ") and problem in str(raised.value)
    assert "\n" not in str(raised.value)


def test_other_columns_and_their_order_do_not_matter():
    content = b"\xef\xbb\xbfname,value,id\r\nx,0.5,a\r\ny,-1e-3,b\r\n\r\n"
    assert parse(content, "o.csv") == {"a": 0.5, "b": -0.001}


def test_reading_where_there_is_nothing(tmp_path, monkeypatch):
    objective = Objective("c", "m", "m", outcomes=FILE)
    with pytest.raises(UserError, match="there is no such file"):
        read_outcomes(tmp_path, objective)
    with pytest.raises(UserError, match=r"objective\.outcomes is not set"):
        read_outcomes(tmp_path, Objective("c", "m", "m"))
    with pytest.raises(UserError, match="kept no per-example outcomes"):
        read_checked_outcomes(tmp_path, objective, "")
    monkeypatch.setattr(outcomes, "LARGEST", 10)
    (tmp_path / outcomes.KEPT).write_text("id,value\n1,1\n")
    with pytest.raises(UserError, match="larger than 10 bytes"):
        read_outcomes(tmp_path, objective)
