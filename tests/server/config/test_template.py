from __future__ import annotations

import dataclasses
import re
import tomllib
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from autosota.agents.domain import (
    Budget,
    ComputeKnob,
    Controls,
    Direction,
    Environment,
    Guard,
    MetricSource,
    Objective,
    Paper,
    PaperClaim,
    Protocol,
    RowsControl,
    Transfer,
)
from autosota.server.config import Proposal, load_objective, objective_of, template

TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc"]) | st.sampled_from("\n\t\"'\\")
)
WORD = st.from_regex(r"[^\s={}'\"\\\x00-\x1f\x7f]+", fullmatch=True).filter(str.strip)
NAME = st.from_regex(r"[A-Za-zé_.][A-Za-z0-9_.-]{0,8}", fullmatch=True)
PATH = st.from_regex(r"[a-z0-9 é_-]+(/[a-z*]+)?", fullmatch=True).filter(str.strip)
NAME_OF_TRANSFER = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,8}", fullmatch=True)
LIMIT = st.none() | st.floats(0, 1e300)
SECONDS = st.integers(1, 10**6).map(float) | st.floats(1e-6, 1e8)


@st.composite
def metrics(draw: st.DrawFn) -> dict[str, MetricSource]:
    names = draw(st.lists(NAME, max_size=3, unique=True))
    found = {}
    for name in names:
        key, pattern = draw(
            st.tuples(WORD, st.just("")) | st.tuples(st.just(""), st.just("(?P<value>\\d+)\"'"))
        )
        source = draw(st.just("stdout") | PATH.map(lambda path: "{run_dir}/" + path))
        found[name] = MetricSource(name, source, key, pattern, draw(TEXT))
    return found


@st.composite
def environments(draw: st.DrawFn) -> Environment:
    file, listed = draw(st.tuples(PATH, st.just(())) | st.tuples(st.just(""), st.tuples(WORD)))
    return Environment(
        sandbox=draw(st.sampled_from(["auto", "local", "docker", "ray"])),
        requirements=listed,
        requirements_file=file,
        python=draw(TEXT),
        image=draw(TEXT),
        gpus=draw(st.integers(0, 8)),
        network=draw(st.booleans()),
        memory_bytes=draw(st.integers(0, 2**40)),
        disk_bytes=draw(st.integers(0, 20).map(lambda n: n * 2**30)),
        caches=tuple(draw(st.lists(st.just("HF_HOME"), max_size=1))),
    )


@st.composite
def objectives(draw: st.DrawFn) -> Objective:
    evaluate = draw(st.just("") | WORD)
    paths = st.lists(PATH, max_size=2).map(tuple)
    limits = st.tuples(LIMIT, LIMIT, LIMIT, LIMIT).filter(lambda row: row != (None,) * 4)
    guards = draw(st.dictionaries(NAME, limits, max_size=2))
    frozen = st.booleans() | st.integers(-(2**63) + 1, 2**63 - 1) | TEXT | st.floats(-1e9, 1e9)
    return Objective(
        command=draw(WORD) + " --seed {seed}",
        metric=draw(NAME),
        select_on=draw(NAME),
        direction=draw(st.sampled_from(Direction)),
        evaluate=evaluate,
        seeds=tuple(draw(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=6, unique=True))),
        confirm_seeds=draw(st.integers(2, 99)),
        target=draw(st.none() | st.floats(-1e9, 1e9)),
        outcomes=draw(st.just("") | PATH.map(lambda path: "{run_dir}/" + path + ".csv")),
        timeout_seconds=draw(SECONDS),
        paper=Paper(
            draw(TEXT),
            draw(TEXT),
            tuple(
                draw(st.lists(st.builds(PaperClaim, NAME, st.floats(-1e9, 1e9), TEXT), max_size=2))
            ),
            draw(st.floats(0, 10)),
        ),
        metrics=draw(metrics()),
        guards=tuple(Guard(name, *row) for name, row in guards.items()),
        protocol=Protocol(
            draw(paths),
            draw(paths),
            draw(paths) if evaluate else (),
            draw(st.dictionaries(TEXT.filter(bool), frozen, max_size=3)),
        ),
        controls=Controls(
            draw(st.none() | st.builds(RowsControl, PATH, TEXT)),
            draw(st.none() | st.builds(RowsControl, PATH, TEXT)),
            draw(st.none() | st.builds(ComputeKnob, WORD, TEXT)),
            draw(st.none() | st.floats(-1e9, 1e9)),
        ),
        transfers=tuple(
            Transfer(name, draw(WORD) + " --seed {seed}")
            for name in draw(st.lists(NAME_OF_TRANSFER, max_size=2, unique=True))
        ),
        environment=draw(environments()),
        budget=Budget(
            draw(st.integers(1, 10**6)),
            draw(SECONDS),
            draw(st.none() | st.floats(1e-6, 1e6)),
            draw(st.none() | st.integers(1, 10**9)),
            draw(st.none() | st.integers(1, 10**4)),
        ),
        autonomy=draw(st.sampled_from(["off", "suggest", "autonomous"])),
    )


ORIGINS = st.dictionaries(
    st.sampled_from(
        ["objective.command", "objective.seeds", "paper.claims", "paper.claims[0]", "budget.tokens",
         "protocol.frozen", "metrics.a.key", "environment.image", "no.such"]
    ),
    st.text(),
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(objectives(), ORIGINS, st.lists(st.text(), max_size=2))
def test_a_proposal_loads_as_what_was_proposed(
    objective: Objective, origins: dict[str, str], notes: list[str]
) -> None:
    text = template(Proposal(objective, origins, tuple(notes)))
    assert objective_of(tomllib.loads(text), "autosota.toml") == objective


def test_it_says_where_values_came_from(tmp_path: Path) -> None:
    objective = Objective(
        "python train.py --seed {seed}",
        "acc",
        "val_acc",
        paper=Paper("T", "paper.pdf", (PaperClaim("acc", 0.94, "Table 1"),)),
        metrics={"acc": MetricSource("acc", "{run_dir}/r.json", "test.acc")},
    )
    text = template(
        Proposal(
            objective,
            {
                "objective.command": "README.md, line 12:\n  the only one",
                "paper.claims[0]": "paper.md, Table 1",
                "metrics.acc.from": "train.py, line 80",
                "protocol.labels": "no labels file was found",
                "budget.dollars": "ask your advisor",
            },
            ("No paper was found.",),
        )
    )
    lines = text.splitlines()
    assert "# No paper was found." in lines
    assert 'command = "python train.py --seed {seed}"  # README.md, line 12: the only one' in lines
    assert '  { metric = "acc", value = 0.94, where = "Table 1" },  # paper.md, Table 1' in lines
    assert "[metrics.acc]" in lines
    assert 'from = "{run_dir}/r.json"  # train.py, line 80' in lines
    assert "labels = []  # no labels file was found" in lines
    assert "# dollars is not set: ask your advisor" in lines
    assert 'direction = "maximize"  # default' in lines
    assert 'timeout = "10m"  # default' in lines
    (tmp_path / "autosota.toml").write_text(text)
    assert load_objective(tmp_path) == objective


def test_every_default_of_the_template_is_the_default() -> None:
    """A left-out key must load as what the objective had."""
    least = Objective("c {seed}", "m", "m")
    text = template(Proposal(least))
    assert objective_of(tomllib.loads(text), "x") == least
    bare = "\n".join(line for line in text.splitlines() if not line.endswith("# default"))
    assert objective_of(tomllib.loads(bare), "x") == least
    other = dataclasses.replace(least, confirm_seeds=3)
    assert "confirm_seeds = 3\n" in template(Proposal(other))


def test_what_is_not_set_is_shown_as_an_example_that_can_be_taken_over() -> None:
    text = template(Proposal(Objective("python t.py --seed {seed}", "acc", "val_acc")))
    examples = [line for line in text.splitlines() if re.match(r"# \w+ = ", line)]
    names = [line.split()[1] for line in examples]
    assert names == [
        "claims",
        "outcomes",
        "evaluation",
        "data",
        "labels",
        "inputs",
        "compute_knob",
        "chance",
        "ideas",
    ]
    taken = text
    for line in examples:
        taken = taken.replace(line, line.removeprefix("# "))
    found = objective_of(tomllib.loads(taken), "autosota.toml")
    assert found.controls.labels == RowsControl("data/train.csv", "y")
    assert found.outcomes == "{run_dir}/outcomes.csv"
    assert found.protocol.evaluation == ("evaluate.py", "train.py::evaluate")
    assert found.paper.claims[0].metric == "acc"


def test_the_modes_are_explained_beside_the_choice() -> None:
    text = template(Proposal(Objective("python t.py", "acc", "acc")))
    head = text[: text.index("[autonomy]")]
    assert all(f"#   {mode}" in head for mode in ("off", "suggest", "autonomous"))


def test_no_example_stands_beside_a_value() -> None:
    objective = Objective(
        "python t.py",
        "acc",
        "acc",
        outcomes="{run_dir}/o.csv",
        protocol=Protocol(("e.py",), ("d",)),
        controls=Controls(compute_knob=ComputeKnob("--epochs")),
    )
    text = template(Proposal(objective))
    for key in ("outcomes", "evaluation", "data", "compute_knob"):
        assert f"# {key} =" not in text
    assert "# labels =" in text
