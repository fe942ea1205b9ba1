"""Reading metrics: what is one value, and what makes it unknown."""

from __future__ import annotations

import math

import pytest

from autosota.agents.domain import Guard, MetricSource, Objective, Outcome
from autosota.server.sandbox import matching, metrics
from autosota.server.sandbox.metrics import Found


def lines(text: str, size: int = 7) -> dict[str, list[str]]:
    reader = metrics.MetricLines()
    raw = text.encode()
    for at in range(0, len(raw), size):
        reader.feed(raw[at : at + size])
    reader.end()
    return reader.texts


@pytest.mark.parametrize("size", [1, 5, 1000])
def test_metric_lines(size):
    text = (
        "METRIC a=1\nMETRIC a=1\n  METRIC  b.c/d@5:x-y = -1.5e-3 trailing words\r\n"
        "\rMETRIC bar=2\rMETRIC c=nan\nxMETRIC no=1\nMETRICS no=1\nMETRIC =1\nMETRIC no\n"
        "see METRIC no=1\nMETRIC last=+7."
    )
    assert lines(text, size) == {
        "a": ["1"],
        "b.c/d@5:x-y": ["-1.5e-3"],
        "bar": ["2"],
        "c": ["nan"],
        "last": ["+7."],
    }


def test_metric_lines_in_bounded_memory():
    reader = metrics.MetricLines()
    for number in range(5000):
        reader.feed(f"METRIC m{number}=1\nMETRIC a={number}\n".encode())
    reader.feed(b"x" * 100_000)
    reader.feed(b"METRIC hidden=1\n")
    reader.feed(b"METRIC seen=1\n")
    reader.end()
    assert len(reader.texts) == 1000
    assert len(reader.texts["a"]) == 20
    assert "hidden" not in reader.texts


def test_values_with_a_step_are_on_the_way_and_never_final():
    reader = metrics.MetricLines()
    text = (
        "METRIC a=0.1 step=2\nMETRIC a=0.2 step=1\nMETRIC a=0.9 step=1\nMETRIC a=0.5\n"
        "METRIC b=1 step=-1 more words\nMETRIC b=oops step=3\nMETRIC b=2 step=3\n"
        "METRIC c=1 step=1.5\nMETRIC c=2 step=x\nMETRIC c=3 steps=4\nMETRIC d=nan step=1\n"
        "METRIC d=7 step=2"
    )
    for at in range(0, len(text), 5):
        reader.feed(text[at : at + 5].encode())
    reader.end()
    assert reader.texts == {"a": ["0.5"], "c": ["1", "2", "3"]}
    assert reader.intermediate("a") == ((1, 0.2), (2, 0.1))
    assert reader.intermediate("b") == ((-1, 1.0), (3, 2.0))
    assert reader.intermediate("d") == ((2, 7.0),)
    assert reader.intermediate("c") == ()


def test_values_on_the_way_in_bounded_memory():
    seen: list[tuple[str, int, float]] = []
    reader = metrics.MetricLines(lambda *step: seen.append(step))
    for step in range(3000):
        reader.feed(b"METRIC a=%d step=%d\n" % (step, step))
    kept = reader.intermediate("a")
    assert (len(kept), kept[-1]) == (1000, (999, 999.0))
    assert seen[-1] == ("a", 2999, 2999.0)


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", 1.0), (".5", 0.5), ("-1e-3", -0.001), ("Infinity", math.inf), (" 2 ", 2.0)],
)
def test_numbers(text, value):
    assert metrics.number(text) == value


@pytest.mark.parametrize("text", ["1_000", "93%", "0x10", "", "1,5", "np.float64(1)", "true"])
def test_what_is_no_number(text):
    assert metrics.number(text) is None


@pytest.mark.parametrize(
    ("content", "key", "texts"),
    [
        ('{"test": {"acc": 0.5}}', "test.acc", ("0.5",)),
        ('{"test.acc": 0.5}', "test.acc", ("0.5",)),
        ('{"a.b": {"c": [1, 2]}}', "a.b.c.-1", ("2",)),
        ('[{"x": 3}]', "0.x", ("3",)),
        ('{"x": NaN}', "x", ("nan",)),
        ('{"x": "0.5"}', "x", ("0.5",)),
        ('{"x": 1}\n{"x": 2, "y": 0}\n{"y": 1}\n{"x": 3', "x", ("2",)),
        ('{"x": true}', "x", ("true",)),
        ('{"x": 1}', "y", ()),
        ('{"x": 1, "x": 2}', "x", ()),
        ('{"x": 1, "x": 1}', "x", ("1",)),
        ("[" * 100_000, "x", ()),
        ("1" * 10_000, "x", ()),
        ("", "x", ()),
    ],
)
def test_json(content, key, texts):
    assert metrics.from_json("m", content, key, "command").texts == texts


def judge(*found: Found, mask: bool = False, **settings):
    objective = Objective("c", "claim", "val", **settings)
    return metrics.judge(objective, found, mask_claim=mask)


VAL = Found("val", "command", ("0.1",), declared=False)


def test_two_values_make_it_unknown_also_across_command_and_evaluator():
    twice = judge(VAL, Found("claim", "command", ("0.5", "0.6"), declared=False))
    assert twice.outcome is Outcome.METRIC_CONFLICT
    assert twice.readings[0].value is None
    across = judge(
        VAL,
        Found("claim", "command", ("0.9",), declared=False),
        Found("claim", "evaluate", ("0.5",), declared=False),
    )
    assert across.outcome is Outcome.METRIC_CONFLICT
    assert "0.5 and 0.9" in across.reason
    assert "step=" in twice.reason and "step=" not in across.reason
    quiet = judge(VAL, Found("claim", "command", ("0.5", "0.6"), declared=False), mask=True)
    assert "0.5" not in quiet.reason
    assert quiet.secrets == ("0.5", "0.6")


def test_the_same_value_in_other_words_is_no_conflict():
    same = judge(VAL, Found("claim", "command", ("0.5", "0.50", "5e-1"), declared=False))
    assert same.outcome is Outcome.OK
    rounded = judge(
        VAL,
        Found("claim", "evaluate", ("0.51234",)),
        Found("claim", "command", ("0.512",), declared=False),
        metrics={"claim": MetricSource("claim", "r.json", "x")},
    )
    assert rounded.readings[0].value == 0.51234
    assert rounded.readings[0].origin == "evaluate"
    off = judge(
        VAL,
        Found("claim", "evaluate", ("0.51234",)),
        Found("claim", "command", ("0.514",), declared=False),
        metrics={"claim": MetricSource("claim", "r.json", "x")},
    )
    assert off.outcome is Outcome.METRIC_CONFLICT


def test_a_metric_line_does_not_stand_in_for_a_declared_source():
    judged = judge(
        VAL,
        Found("claim", "command", problem="r.json was not written"),
        Found("claim", "command", ("0.5",), declared=False),
        metrics={"claim": MetricSource("claim", "r.json", "x")},
    )
    assert judged.outcome is Outcome.METRIC_MISSING
    assert judged.reason == "claim: r.json was not written"


def test_only_the_claim_and_the_selection_metric_decide_the_outcome():
    judged = judge(
        VAL,
        Found("claim", "command", ("0.5",), declared=False),
        Found("loss", "command", ("1", "2"), declared=False),
        Found("params", "command", ("12",), declared=False),
        guards=(Guard("latency"), Guard("wall_seconds")),
    )
    assert judged.outcome is Outcome.OK
    values = {r.name: (r.value, r.reason) for r in judged.readings}
    assert values == {
        "claim": (0.5, ""),
        "val": (0.1, ""),
        "latency": (None, "latency: never printed"),
        "loss": (
            None,
            "loss has two values: 1 and 2; print values on the way with their step: "
            "`METRIC loss=… step=3`",
        ),
        "params": (12.0, ""),
    }


@pytest.mark.parametrize("text", ["nan", "inf", "-Infinity"])
def test_not_finite(text):
    judged = judge(VAL, Found("claim", "command", (text,), declared=False), mask=True)
    assert judged.outcome is Outcome.METRIC_NOT_FINITE
    assert judged.readings[0].value is None


def test_a_pattern_takes_the_last_match_within_a_span(tmp_path):
    log = tmp_path / "log"
    log.write_text("acc=0.1\nacc=0.2\racc=0.3 acc=0.4\nacc=0.5\n")
    found = matching.matches(r"acc=(?P<value>[\d.]+)", log, 8, 32)
    assert (found.last, found.texts) == ("0.4", ("0.2", "0.3", "0.4"))
    assert matching.matches(r"(", log).problem.startswith("the pattern is broken")
    assert matching.matches(r"acc", log).problem == "the pattern has no group named value"
    log.write_text("a" * 50)
    slow = matching.matches(r"(?P<value>(a+)+)b", log, limit_seconds=0.5)
    assert "took more than" in slow.problem
