"""The catalogue: every rule once, with the text of its page; the check and the audit use it.

A finding may be milder than its rule when the evidence is: who only suspects says `warning`.
When a rule fires is not known here.
"""

from __future__ import annotations

from collections.abc import Sequence

from autosota.agents.domain import Finding, Place, RelatedPlace, Severity
from autosota.agents.rules import (
    data,
    evaluation,
    leakage,
    notebooks,
    outputs,
    paper,
    selection,
    tradeoffs,
)
from autosota.agents.rules.rule import Level, Rule

__all__ = ["META", "RULES", "Level", "Rule", "finding"]

_FAMILIES = (leakage, evaluation, outputs, data, selection, tradeoffs, paper, notebooks)

RULES: dict[str, Rule] = {rule.code: rule for family in _FAMILIES for rule in family.RULES}
"""All rules by code, in the order of their families."""

META = ("NB898", "NB899")
"""Codes that speak of the check itself, not of the code it reads."""


def finding(
    code: str,
    place: Place,
    message: str,
    related: Sequence[RelatedPlace] = (),
    severity: Severity | None = None,
) -> Finding:
    """A finding of a rule, at its usual severity unless another is given.

    Raises:
        KeyError: there is no such rule.
    """
    rule = RULES[code]
    return Finding(
        code=code,
        name=rule.name,
        severity=severity or rule.severity,
        red_line=rule.red_line,
        place=place,
        message=message,
        related=tuple(related),
        url=rule.url,
    )
