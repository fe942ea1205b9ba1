"""Any bytes give an Objective or a UserError, never another exception."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autosota.agents.domain import Objective
from autosota.server.config import load_objective, objective_hash, objective_of, warnings_of
from autosota.server.config import objective as known
from autosota.server.config.files import parse
from autosota.server.errors import UserError

FUZZ = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

SCRAPS = st.sampled_from(
    [
        "[objective]",
        "[metrics.a]",
        "[protocol]",
        "[",
        "]",
        "=",
        '"',
        "'",
        "''",
        '"""',
        "\n",
        "#",
        "{",
        "}",
        ".",
        ",",
        "1",
        "-1",
        "1e999",
        "nan",
        "inf",
        "true\n",
        "",
        "",
        "",
        "command",
        "metric",
        "seeds",
        "timeout",
        "from",
        "pattern",
        '"(?P<value>"',
        '"{run_dir}/x"',
        '"10m"',
        "0x",
        "1979-05-27\n",
        "",
        "",
        "",
        "\\u0000",
        "\ufeff",
        "é",
        "\x00",
        "[[",
        "]]",
        "budget.wall",
        "objective.guard.x",
        "[[transfer]]",
        "arguments",
    ]
)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def check_bytes(folder: Path, content: bytes) -> None:
    (folder / "autosota.toml").write_bytes(content)
    try:
        check_objective(load_objective(folder))
    except UserError as error:
        assert "\n" not in str(error)
        assert str(error).startswith("autosota.toml: ")


def check_objective(objective: object) -> None:
    assert isinstance(objective, Objective)
    assert len(objective_hash(objective)) == 64
    assert all(isinstance(line, str) for line in warnings_of(objective))


@FUZZ
@given(content=st.binary(max_size=200))
def test_any_bytes(folder: Path, content: bytes) -> None:
    check_bytes(folder, content)


@FUZZ
@given(content=st.lists(SCRAPS | st.text(max_size=3), max_size=40))
def test_scraps_of_toml(folder: Path, content: list[str]) -> None:
    check_bytes(folder, "".join(content).encode("utf-8", "surrogatepass"))


ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none().map(lambda _: "x")
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["stdout", "{run_dir}/x", "10m", "8GiB", "maximize", "(?P<value>.)", "a::b"])
    | st.dates()
    | st.times(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


def a_table(*keys: str) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries({}, optional=dict.fromkeys(keys, ANYTHING)) | ANYTHING


TABLES = st.fixed_dictionaries(
    {"objective": a_table(*known.OBJECTIVE)},
    optional={
        "paper": st.fixed_dictionaries(
            {"claims": st.lists(a_table(*known.CLAIM), max_size=2)},
            optional={"tolerance": ANYTHING},
        ),
        "metrics": st.dictionaries(st.text(max_size=3), a_table(*known.METRIC), max_size=2),
        "protocol": a_table(*known.PROTOCOL),
        "controls": st.fixed_dictionaries(
            {"labels": a_table(*known.ROWS)},
            optional={"inputs": a_table(*known.ROWS), "chance": ANYTHING},
        ),
        "transfer": st.lists(a_table(*known.TRANSFER), max_size=3) | ANYTHING,
        "environment": a_table(*known.ENVIRONMENT),
        "budget": a_table(*known.BUDGET),
        "autonomy": a_table(*known.AUTONOMY),
    },
)


@FUZZ
@given(table=TABLES)
def test_any_values_under_known_keys(table: dict[str, Any]) -> None:
    try:
        check_objective(objective_of(table, "autosota.toml"))
    except UserError as error:
        assert "\n" not in str(error)


def test_a_text_is_parsed_once_it_is_one() -> None:
    assert parse(b"a = 1", "x") == {"a": 1}
