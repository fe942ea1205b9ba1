"""What is doubtful about an objective, though it can be used: warnings, one line each.

A pure function of the objective. What is wrong with a file is `objective`'s.
"""

from __future__ import annotations

from autosota.agents.domain import Objective


def warnings_of(objective: Objective) -> list[str]:
    """What a careful reader would ask about, the weightiest first."""
    return [warning for check in _CHECKS for warning in check(objective)]


def _selection(objective: Objective) -> list[str]:
    if not objective.selects_on_claim:
        return []
    return [
        f"LK112: search selects on the claimed metric {objective.metric!r}, as there is no other "
        f"select_on: nothing it keeps can be confirmed; set objective.select_on to a metric of "
        f"validation data, or type autosota split, which offers a change that adds one"
    ]


def _seed(objective: Objective) -> list[str]:
    found = []
    if "{seed}" not in objective.command:
        found.append(
            "objective.command has no {seed}: runs may all be the same, and their spread unknown"
        )
    if len(objective.seeds) == 1:
        found.append(
            f"objective.seeds has one seed ({objective.seeds[0]}): the noise of the baseline "
            f"cannot be measured; five are better"
        )
    return found


def _isolation(objective: Objective) -> list[str]:
    protocol = objective.protocol
    if objective.evaluate and not protocol.labels:
        return [
            "protocol.labels is not set: the experiment can read what it is judged by, unless "
            "the evaluation data is hidden from it by other means"
        ]
    if not objective.evaluate and not protocol.evaluation:
        return [
            "neither objective.evaluate nor protocol.evaluation is set: which code is the "
            "evaluation has to be guessed"
        ]
    return []


def _budget(objective: Objective) -> list[str]:
    found = []
    budget = objective.budget
    if objective.timeout_seconds > budget.wall_seconds:
        found.append(
            f"objective.timeout ({objective.timeout_seconds:g} s) is longer than budget.wall "
            f"({budget.wall_seconds:g} s): one run may spend all of it"
        )
    baseline, confirmation = len(objective.seeds), 2 * objective.confirm_seeds
    if budget.evaluations <= baseline + confirmation:
        found.append(
            f"budget.evaluations ({budget.evaluations}) leaves no search: the baseline takes "
            f"{baseline} and a confirmation {confirmation}"
        )
    return found


def _environment(objective: Objective) -> list[str]:
    environment = objective.environment
    found = []
    if environment.python and (environment.requirements or environment.requirements_file):
        found.append("environment.python is set, so environment.requirements are not installed")
    if environment.network:
        found.append("environment.network is on: a run can fetch what it is judged by")
    return found


def _paper(objective: Objective) -> list[str]:
    claims = objective.paper.claims
    if not claims or objective.claim_of_paper() is not None:
        return []
    named = ", ".join(dict.fromkeys(c.metric for c in claims))
    return [
        f"paper.claims has no number for objective.metric {objective.metric!r} (only for {named}), "
        "so the baseline is compared with none; name the metric there as objective.metric does"
    ]


_CHECKS = (_selection, _seed, _isolation, _paper, _budget, _environment)
