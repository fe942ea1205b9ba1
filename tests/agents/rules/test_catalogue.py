"""The catalogue is whole, and its pages are what it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from autosota.agents.domain import Place, Severity
from autosota.agents.rules import META, RULES, Level, finding
from autosota.agents.rules.pages import page, pages
from autosota.agents.rules.rule import PAGES
from autosota.agents.rules.sources import SOURCES, citation

ROOT = Path(__file__).resolve().parents[3]
CASES = Path(__file__).parent / "cases"

EXPECTED = """
LK101 i f R5|LK102 w f R5|LK103 e f R5|LK104 i f R5|LK105 e f R5|LK106 i f R5|LK107 w f R5
LK108 w f R5|LK109 e f R5|LK110 w f R5|LK111 e f R5|LK112 e f R5|LK113 e f R5|LK114 e f R5
LK115 w fr R5|LK116 w f R5|LK117 w f R5|LK118 e f R5|LK119 w fr R5|LK120 e c R5|LK121 e c R5
LK122 w f R5|EV201 b p R2|EV202 b p R1|EV203 b p R1|EV204 b pf R1|EV205 b pf R1/R6|EV206 w f R2
EV207 b f R2|EV208 b f R2/R3|EV209 b p R2|EV210 e f R2|EV211 b p R1/R7|EV212 e p R7|EV213 b f R3
EV214 e c R3|EV215 e f R2/R3|EV216 b f R3|EV217 e f R1/R2|OUT301 b f R3|OUT302 b fr R3
OUT303 b fr R3|OUT304 e c R3|OUT305 b c R3/R5|OUT306 e f R3/R7|OUT307 b f R3|OUT308 w fr R3
DS401 b pr R6|DS402 b fp R6|DS403 b fp R6|DS404 e f R6|DS405 b p R5|DS406 w p R7/R5
SEL501 e fr R1|SEL502 w r R1|SEL503 w r R5|SEL504 e r R5|SEL505 w r R3|SEL506 b r R1/R6
SEL507 b r R2/R3|SEL508 i r R1|TO601 e r R4|TO602 e pr R4|TO603 w pr R4/R7|PS701 b p R7
PS702 w p R7|NB801 i f hygiene|NB802 i f hygiene
"""
_LEVELS = {"f": Level.FILE, "c": Level.CROSS_FILE, "p": Level.PATCH, "r": Level.RUNTIME}
_SEVERITIES = {s.value[0]: s for s in Severity}


def test_there_are_the_sixty_eight_rules_with_their_severity_and_red_line():
    rows = [row.split() for row in EXPECTED.replace("\n", "|").split("|") if row]
    assert len(rows) == 68
    assert [row[0] for row in rows] == [code for code in RULES if code not in META]
    for code, severity, levels, red_line in rows:
        rule = RULES[code]
        assert (rule.severity, rule.red_line) == (_SEVERITIES[severity], red_line), code
        assert rule.levels == tuple(_LEVELS[level] for level in levels), code


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_rule_says_everything_its_page_needs(rule):
    assert re.fullmatch(r"(LK|EV|OUT|DS|SEL|TO|PS|NB)\d{3}", rule.code)
    assert rule.name[0].isupper() and not rule.name.endswith(".") and len(rule.name) <= 56
    for text in (rule.what, rule.why, rule.not_when):
        assert len(text) > 45 and text.endswith("."), text
        assert "  " not in text and "\n" not in text
    assert rule.bad and rule.use_instead and rule.bad != rule.use_instead
    assert rule.references or rule.code in META
    for text in (rule.bad, rule.use_instead):
        assert max(map(len, text.split("\n"))) <= 100


def test_every_reference_has_a_source_and_every_source_a_rule():
    used = {r.partition(": ")[0] for rule in RULES.values() for r in rule.references}
    assert used == set(SOURCES)
    assert citation("kapoor23: l1.2").endswith("2023. L1.2.")


def test_names_are_unique():
    assert len({rule.name for rule in RULES.values()}) == len(RULES)


def test_a_finding_carries_its_rule_and_may_be_milder():
    found = finding("LK112", Place("a.py", 3), "chosen by the test score")
    rule = RULES["LK112"]
    assert (found.name, found.red_line, found.severity) == (rule.name, "R5", Severity.ERROR)
    assert found.url == f"{PAGES}LK112.md"
    assert finding("LK112", Place("a.py", 3), "", severity=Severity.INFO).severity == "info"
    with pytest.raises(KeyError):
        finding("LK999", Place("a.py", 1), "")


def test_the_pages_in_the_docs_are_those_of_the_catalogue():
    texts = pages()
    stale = [p for p, text in texts.items() if (ROOT / p).read_text() != text]
    assert not stale, "run `make docs-rules`"
    there = {f"{PAGES}{p.name}" for p in (ROOT / PAGES).iterdir()}
    assert there == set(texts)


def test_a_page_shows_the_example_the_fix_and_the_sources():
    text = page(RULES["EV203"])
    assert "```diff\n-score = f1_score(" in text
    assert text.count("```") == 4
    assert "Macro F1 and macro F1" in text
    assert "noqa" not in text  # a change is audited, and no comment silences that
    assert "# noqa: LK112" in page(RULES["LK112"])


def test_static_rules_have_cases():
    static = {Level.FILE, Level.CROSS_FILE}
    wanted = {r.code for r in RULES.values() if static & set(r.levels)} - set(META)
    assert {p.stem for p in CASES.glob("*.txt")} == wanted
