"""The objective as a tree: what it asks for, and how each part stands in a campaign.

Told from the objective and from what receipts prove, with the claim masked until it was read.
Decides nothing: judgements are the ledger's, their words the report's.
"""

from __future__ import annotations

from autosota.agents.domain import CampaignVerdict, Fate, Guard, Isolation, Objective, Purpose
from autosota.agents.scheduler import baseline as phase0
from autosota.agents.scheduler import guards
from autosota.agents.scheduler.claims import LABELS, MATCHED
from autosota.agents.scheduler.events import GuardResult
from autosota.agents.scheduler.state import CampaignState
from autosota.server.editor.board import NodeState, RubricNode
from autosota.server.editor.veil import Veil
from autosota.server.report.caveats import GRADES_IN_WORDS
from autosota.server.report.fates import fate_of, ideas_tried
from autosota.server.report.formats import (
    count,
    duration,
    gain_words,
    interval_words,
    one_line,
    resource_words,
)
from autosota.server.report.headline import headline
from autosota.server.report.numbers import RESOURCES, Evidence, ShownComparison
from autosota.server.report.price import cost_words
from autosota.server.report.proof import (
    CONTROLS,
    control_reason,
    lacks_match,
    transfer_words,
    why_not_run,
)
from autosota.server.view import is_hidden

_OF_VERDICT: dict[CampaignVerdict, NodeState] = {
    CampaignVerdict.CONFIRMED: "passed",
    CampaignVerdict.PROVISIONAL: "capped",
    CampaignVerdict.STOPPED: "open",
}
_OF_FATE: dict[Fate, NodeState] = {Fate.CONFIRMED: "passed", Fate.PROVISIONAL: "capped"}
DISAGREE = "nothing here may be relied on: the ledger and its receipts disagree"
_SELECTS_ON_CLAIM = "the search looks at the claim itself (LK112), so nothing can be confirmed"


def no_goal(note: str) -> RubricNode:
    """The tree of a workspace without an objective that can be read."""
    return RubricNode("goal", "No objective yet", "open", note or "autosota init proposes one")


def goal_of(objective: Objective, evidence: Evidence | None) -> RubricNode:
    """The tree of an objective, and how it stands in a campaign (None: none has begun)."""
    title = f"Improve {one_line(objective.metric, 60)} ({objective.direction})"
    if evidence is None:
        state = None
        how: NodeState = "open"
        said = "no campaign yet"
    else:
        state = evidence.state
        ended = state.finished
        how = _OF_VERDICT.get(ended.verdict, "failed") if ended is not None else "open"
        said = headline(state).sentence
    children = [
        _baseline(objective, evidence),
        _seeds(objective, state),
        _evaluation(objective, evidence),
        _search(objective, evidence),
        *_guards(objective, state),
        _confirmation(objective, evidence),
        _controls(objective, state),
        *_transfers(objective, state),
        _budget(objective, state),
    ]
    if evidence is not None and evidence.problems:
        how, said = "failed", DISAGREE
        listed = "; ".join(one_line(p) for p in evidence.problems[:3])
        more = len(evidence.problems) - 3
        detail = listed + (f"; and {more} more" if more > 0 else "")
        children.insert(0, RubricNode("proof", "Receipts prove the numbers", "failed", detail))
    return RubricNode("goal", title, how, one_line(said, 1000), children=tuple(children))


# ------------------------------------------------------------------ before the search


def _baseline(objective: Objective, evidence: Evidence | None) -> RubricNode:
    paper = objective.claim_of_paper()
    title = "The baseline is reproduced"
    if paper is not None:
        where = f" ({one_line(paper.where, 80)})" if paper.where else ""
        allowed = f"{objective.paper.tolerance:.0%}".replace("%", " %")
        wanted = f"the paper: {paper.value:g}{where}, up to {allowed} worse is taken"
    else:
        wanted = f"the objective gives no number of the paper for {one_line(objective.metric, 60)}"
    state = evidence.state if evidence is not None else None
    if evidence is None or state is None or state.baseline is None:
        if state is not None and state.finished is not None:
            return RubricNode("baseline", title, "failed", one_line(state.finished.reason, 1000))
        done = 0 if state is None else sum(r.purpose is Purpose.BASELINE for r in state.runs)
        so_far = f"{done} of {count(len(objective.seeds), 'seed')}; {wanted}"
        return RubricNode("baseline", title, "open", so_far)
    mean = evidence.baseline(objective.metric)
    if mean is None:
        return RubricNode("baseline", title, "open", f"not known from receipts; {wanted}")
    half = f" ± {mean.half.text}" if mean.half is not None else ""
    detail = f"{mean.mean.text}{half} over {count(len(mean.seeds), 'seed')}; {wanted}"
    how: NodeState = "passed" if paper is not None else "capped"
    if phase0.shortfall(state):
        how = "failed"
    return RubricNode("baseline", title, how, detail, mean.mean.receipts)


def _seeds(objective: Objective, state: CampaignState | None) -> RubricNode:
    title = "Seeds change the result"
    if len(objective.seeds) < 2:
        why = "one seed: how much the baseline varies is not known"
        return RubricNode("seeds", title, "capped", why)
    if state is None or state.baseline is None:
        return RubricNode("seeds", title, "open", count(len(objective.seeds), "seed"))
    runs = tuple(r.run_id for r in state.runs if r.purpose is Purpose.BASELINE)
    metric = one_line(objective.select_on, 60)
    if not phase0.seeds_are_idle(state):
        words = f"{metric} varies over {count(len(state.baseline.seeds), 'seed')}"
        return RubricNode("seeds", title, "passed", words, runs)
    words = f"{metric} is the same with every seed"
    if objective.outcomes:
        words += "; the outcomes per example stand in for them"
        return RubricNode("seeds", title, "capped", words, runs)
    return RubricNode("seeds", title, "failed", f"{words}, so no gain can be confirmed", runs)


def _evaluation(objective: Objective, evidence: Evidence | None) -> RubricNode:
    title = "The evaluation is out of the candidate's reach"
    state = evidence.state if evidence is not None else None
    if evidence is None or state is None or not state.runs:
        known = state.environment.isolation if state is not None and state.environment else None
        words = f"{known}: {GRADES_IN_WORDS[known]}" if known is not None else _will_be(objective)
        return RubricNode("evaluation", title, "open", words)
    grades = {run: receipt.isolation for run, receipt in evidence.receipts.items()}
    order = (Isolation.DECLARED, Isolation.OVERLAID, Isolation.SEALED)
    weakest = next((grade for grade in order if grade in grades.values()), Isolation.DECLARED)
    how: NodeState = "passed" if weakest is Isolation.SEALED else "capped"
    runs = tuple(run for run, grade in grades.items() if grade is weakest)
    return RubricNode("evaluation", title, how, f"{weakest}: {GRADES_IN_WORDS[weakest]}", runs[-1:])


def _will_be(objective: Objective) -> str:
    if objective.evaluate:
        return f"a separate evaluator: {one_line(objective.evaluate, 120)}"
    return "no objective.evaluate: the repository's own script measures itself"


# ------------------------------------------------------------------ the search


def _search(objective: Objective, evidence: Evidence | None) -> RubricNode:
    title = f"The search improves {one_line(objective.select_on, 60)}"
    state = evidence.state if evidence is not None else None
    if evidence is None or state is None or state.baseline is None:
        return RubricNode("search", title, "open", "after the baseline")
    tried = ideas_tried(state)
    if state.best is None:
        if state.finished is not None:
            return RubricNode("search", title, "failed", f"{tried}, none was kept")
        return RubricNode("search", title, "open", f"{tried}, none kept yet")
    shown = evidence.whole()
    words = f"{tried}; {count(len(state.best.ideas), 'idea')} kept in {state.best.patch}"
    receipts: tuple[str, ...] = ()
    if shown is not None:
        words += f": {_gain(shown, objective)}, a screening that claims nothing"
        receipts = shown.receipts
    return RubricNode("search", title, "passed", words, receipts)


def _gain(shown: ShownComparison, objective: Objective) -> str:
    gain = gain_words(shown.result, objective.direction)
    return f"{gain} ({interval_words(shown.result)}, {count(len(shown.seeds), 'seed')})"


# ------------------------------------------------------------------ the confirmation


def _guards(objective: Objective, state: CampaignState | None) -> list[RubricNode]:
    if not objective.guards:
        return []
    judged = state.confirmation if state is not None else None
    known = {g.name: g for g in judged.guards} if judged is not None else {}
    over = state is not None and state.finished is not None
    nodes = []
    for guard in objective.guards:
        result = known.get(guard.name)
        words = _limit(guard)
        how: NodeState = "open"
        if result is not None and state is not None:
            how = "passed" if result.held else "failed"
            open_now = state.claim_is_open(Purpose.CONFIRM)
            if open_now or not objective.tells_of_claim(guard.name):
                words = f"{_change(result)}, {words}"
        elif over:
            words = f"{words}; nothing was confirmed that it could judge"
        else:
            words = f"{words}; judged at the confirmation"
        nodes.append(RubricNode(f"guard:{guard.name}", one_line(guard.name, 60), how, words))
    return [_group("guards", "What may not get worse (R4)", nodes)]


def _change(result: GuardResult) -> str:
    """`went from 6.3 s to 5.8 s`, with units where there are some."""
    before, after = result.baseline, result.candidate
    if result.name not in RESOURCES or before is None or after is None:
        return guards.change_text(result)
    return (
        f"went from {resource_words(result.name, before)} to {resource_words(result.name, after)}"
    )


def _limit(guard: Guard) -> str:
    return guards.limit_text(guard).replace("%", " %")


def _confirmation(objective: Objective, evidence: Evidence | None) -> RubricNode:
    title = f"{one_line(objective.metric, 60)} is better on fresh seeds"
    if objective.selects_on_claim:
        return RubricNode("confirmation", title, "failed", _SELECTS_ON_CLAIM)
    state = evidence.state if evidence is not None else None
    if evidence is None or state is None or state.plan is None:
        words = f"up to {count(objective.confirm_seeds, 'fresh seed')}, read once per side"
        if state is not None and state.finished is not None:
            words = "no candidate reached it"
        return RubricNode("confirmation", title, "open", words)
    judged = state.confirmation
    if judged is None:
        done = sum(r.purpose is Purpose.CONFIRM for r in state.runs)
        words = f"{done} of {cost_words(state.plan)}; masked until it is read"
        return RubricNode("confirmation", title, "open", words)
    shown = evidence.confirmation()
    how = _OF_FATE.get(judged.fate, "failed")
    if shown is None or is_hidden(judged.comparison, state):
        words = Veil.of_run(state, Purpose.CONFIRM).line(one_line(judged.reason, 1000))
        return RubricNode("confirmation", title, how, words)
    words = f"{_gain(shown, objective)}: {one_line(judged.reason, 1000)}"
    return RubricNode("confirmation", title, how, words, shown.receipts)


def _controls(objective: Objective, state: CampaignState | None) -> RubricNode:
    nodes = []
    over = state is not None and state.finished is not None
    for name, asks in CONTROLS.items():
        judged = state.controls.get(name) if state is not None else None
        key = f"control:{name}"
        if state is None or judged is None:
            how: NodeState = "open"
            why = why_not_run(name, state) if state is not None else ""
            claimed = state is not None and state.confirmation is not None
            needless = state is not None and over and claimed and not lacks_match(state)
            if name == MATCHED and needless:
                how, why = "passed", "not needed: the candidate does not spend clearly more compute"
            elif _undeclared(name, objective):
                how, why = "capped", "not declared in [controls]"
            elif over and claimed:
                how = "capped"
            nodes.append(RubricNode(key, name, how, f"{asks}; {why}" if why else asks))
            continue
        how = "capped" if judged.passed is None else "passed" if judged.passed else "failed"
        hidden = is_hidden(judged.comparison, state) or not judged.reason
        words = asks if hidden else control_reason(judged, state)
        runs = tuple(r.run_id for r in state.runs if r.variant.partition(",")[0] == name)
        nodes.append(RubricNode(key, name, how, words, runs))
    return _group("controls", "The controls hold", nodes)


def _undeclared(name: str, objective: Objective) -> bool:
    declared = objective.controls
    if name == MATCHED:
        return declared.compute_knob is None
    if name == LABELS:
        return declared.labels is None
    return name == "shuffled inputs" and declared.inputs is None


def _transfers(objective: Objective, state: CampaignState | None) -> list[RubricNode]:
    nodes = []
    for setting in objective.transfers:
        judged = state.transfers.get(setting.name) if state is not None else None
        key, title = f"transfer:{setting.name}", one_line(setting.name, 60)
        if state is None or judged is None:
            words = one_line(setting.arguments, 120)
            nodes.append(
                RubricNode(key, title, "open", f"{words}; tried once a change is confirmed")
            )
            continue
        how: NodeState = (
            "capped" if judged.holds is None else "passed" if judged.holds else "failed"
        )
        words = transfer_words(judged, state).partition(": ")[2]
        name = f"transfer {setting.name}"
        runs = tuple(r.run_id for r in state.runs if r.variant == name)
        nodes.append(RubricNode(key, title, how, words, runs))
    return [_group("transfers", "The gain holds in other settings", nodes)] if nodes else []


# ------------------------------------------------------------------ what it may cost


def _budget(objective: Objective, state: CampaignState | None) -> RubricNode:
    budget = state.objective.budget if state is not None else objective.budget
    runs, wall = (len(state.runs), state.wall_seconds) if state is not None else (0, 0.0)
    words = (
        f"{runs} of {count(budget.evaluations, 'run')}, "
        f"{duration(wall)} of {duration(budget.wall_seconds)} in runs"
    )
    if budget.dollars is not None:
        words += f", at most ${budget.dollars:g}"
    how: NodeState = "open"
    if state is not None and state.finished is not None:
        how = "passed"
        left = sum(fate_of(name, state)[0] == "waiting" for name in state.ideas)
        words += f"; {count(left, 'idea')} not tried" if left else ""
    if runs > budget.evaluations:
        how = "failed"
    return RubricNode("budget", "It stays inside the budget", how, words)


def _group(name: str, title: str, nodes: list[RubricNode]) -> RubricNode:
    """A node of nodes: it failed if one did, is open while one is, and is capped by one."""
    states = {node.state for node in nodes}
    order: tuple[NodeState, ...] = ("failed", "open", "capped", "passed")
    how: NodeState = next((state for state in order if state in states), "open")
    passed = sum(node.state == "passed" for node in nodes)
    words = f"{passed} of {len(nodes)}"
    return RubricNode(name, title, how, words, children=tuple(nodes))
