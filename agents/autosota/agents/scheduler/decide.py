"""The campaign as one pure function: what happened → what comes next (paper, 3.8).

The driver executes the action, appends the events that it yields, and asks again. So resume,
replay and simulation are the same function. Time enters only as the measured seconds of
finished runs. Each phase is a module of its own; here is their order.
"""

from __future__ import annotations

from autosota.agents.domain import CampaignVerdict, Fate
from autosota.agents.scheduler import ablation, baseline, confirmation, controls, search
from autosota.agents.scheduler.actions import Action, Analyse, Done, Prepare, Record
from autosota.agents.scheduler.ending import finish
from autosota.agents.scheduler.state import CampaignState


def next_action(state: CampaignState) -> Action:
    """The next action of the campaign.

    Raises:
        ValueError: the events do not begin with a campaign's start.
    """
    if state.finished is not None:
        return Done()
    if state.environment is None:
        return Prepare()
    if state.analysed is None:
        return Analyse()
    if state.baseline is None:
        return baseline.measure(state)
    if state.plan is None:
        return _before_the_claim(state)
    judged = state.confirmation
    if judged is None:
        return confirmation.next_step(state, state.plan)
    if judged.fate is Fate.CONFIRMED and (step := controls.next_transfer(state)) is not None:
        return step
    return Record(confirmation.ended(state, judged))


def _before_the_claim(state: CampaignState) -> Action:
    """Search, ablation, and the plan of the confirmation."""
    short = baseline.shortfall(state)
    if short:
        return Record(finish(state, CampaignVerdict.NOT_REPRODUCED, short))
    step = None
    if state.ablation is None and not state.ablation_skipped:
        step = search.next_step(state)
    return step or ablation.next_step(state) or confirmation.plan(state)
