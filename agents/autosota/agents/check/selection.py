"""SEL rules that one file shows: a seed that is chosen by its score."""

from __future__ import annotations

from collections.abc import Iterator

from autosota.agents.check import hints, ir
from autosota.agents.check.facts import Facts, FileRule
from autosota.agents.check.index import variables_in
from autosota.agents.check.runs import repeats, seed_loops
from autosota.agents.domain import Finding

_WHY = "picks the luckiest seed, not a better method; report mean and deviation over all seeds"


def golden_seed(facts: Facts) -> Iterator[Finding]:
    """The best over seeds is reported, or the best seed is kept."""
    for top in repeats(facts):
        if top.by_seed and not top.inline:
            yield facts.finding("SEL501", top.node, f"this {_WHY}", [(top.source, "the seeds")])
            return
    for loop in seed_loops(facts):
        seeds = variables_in(loop.target)
        for stmt in ir.statements(loop.body):
            if (
                isinstance(stmt, ir.If)
                and isinstance(stmt.test, ir.Compare)
                and stmt.test.ops[0] in ("<", ">", "<=", ">=")
                and any(map(hints.is_metric, variables_in(stmt.test)))
                and _keeps(stmt.body, seeds, variables_in(stmt.test))
            ):
                yield facts.finding("SEL501", stmt.test, f"this {_WHY}", [(loop, "the seeds")])
                return


def _keeps(body: tuple[ir.Stmt, ...], seeds: set[str], compared: set[str]) -> bool:
    """Whether the seed of the best score, or the best score itself, is remembered."""
    for stmt in ir.statements(body):
        if isinstance(stmt, ir.Assign) and stmt.value is not None:
            given = {n for t in stmt.targets for n in variables_in(t)}
            if variables_in(stmt.value) & seeds or given & compared:
                return True
    return False


RULES = (
    FileRule(
        "SEL501",
        golden_seed,
        ((b"seed", b"random_state"), (b"max", b"min", b"sorted", b">", b"<"), (b"for ",)),
    ),
)
