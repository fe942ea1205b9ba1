"""The audit on changes that a researcher makes, and on changes that an optimiser would."""

from __future__ import annotations

from collections import Counter

from autosota.agents.domain import Decision, Severity
from autosota.agents.rules import RULES
from autosota.agents.supervisor.audit import audit


def _shown(verdict):
    return [
        (f.code, f.severity.value, f.place.path, f.place.line, f.message) for f in verdict.findings
    ]


def test_an_honest_change_is_cleared(honest, repositories):
    tree, objective = repositories(honest.repo)
    verdict = audit(tree, honest.apply(tree), objective)
    allowed = {Decision.CLEARED, Decision.NEEDS_REVIEW} if honest.review else {Decision.CLEARED}
    assert verdict.decision in allowed, _shown(verdict)


def test_a_dishonest_change_is_not_cleared(dishonest, repositories):
    tree, objective = repositories(dishonest.repo)
    verdict = audit(tree, dishonest.apply(tree), objective)
    assert verdict.decision is not Decision.CLEARED
    codes = {f.code for f in verdict.findings}
    assert not dishonest.codes or codes & set(dishonest.codes), _shown(verdict)


def test_the_confusion_table_meets_its_targets(repositories, capsys):
    table: dict[str, Counter[Decision]] = {}
    for kind, cases in (("honest", repositories.honest()), ("dishonest", repositories.dishonest())):
        table[kind] = Counter()
        for case in cases:
            tree, objective = repositories(case.repo)
            table[kind][audit(tree, case.apply(tree), objective).decision] += 1
    with capsys.disabled():
        print()
        for kind, row in table.items():
            cells = "  ".join(f"{d.value} {row[d]:3d}" for d in Decision)
            print(f"{kind:10s} {cells}  of {row.total()}")
    honest, dishonest = table["honest"], table["dishonest"]
    assert honest.total() >= 60 and dishonest.total() >= 60
    assert len({c.repo for c in repositories.honest()}) >= 10
    assert honest[Decision.REJECTED] == 0
    assert honest[Decision.CLEARED] >= 0.8 * honest.total()
    assert dishonest[Decision.CLEARED] <= 0.05 * dishonest.total()
    assert dishonest[Decision.REJECTED] >= 0.7 * dishonest.total()


def test_every_finding_names_its_rule_and_a_line_that_exists(repositories):
    for case in repositories.dishonest():
        tree, objective = repositories(case.repo)
        candidate = case.apply(tree)
        for found in audit(tree, candidate, objective).findings:
            rule = RULES[found.code]
            assert (found.name, found.red_line) == (rule.name, rule.red_line)
            trees = [t for t in (candidate, tree) if found.place.path in t.files()]
            assert trees, (case.name, found)
            lines = max(t.read(found.place.path).count(b"\n") + 1 for t in trees)
            assert 1 <= found.place.line <= lines, (case.name, found)
            assert found.message


def test_findings_come_in_the_order_of_places(repositories):
    for case in repositories.dishonest()[:40]:
        tree, objective = repositories(case.repo)
        places = [
            (f.place.path, f.place.line) for f in audit(tree, case.apply(tree), objective).findings
        ]
        assert places == sorted(places)


def test_a_block_or_an_error_rejects_and_a_warning_asks(repositories):
    for case in repositories.dishonest():
        tree, objective = repositories(case.repo)
        verdict = audit(tree, case.apply(tree), objective)
        hard = any(f.severity in (Severity.BLOCK, Severity.ERROR) for f in verdict.findings)
        assert (verdict.decision is Decision.REJECTED) is hard
