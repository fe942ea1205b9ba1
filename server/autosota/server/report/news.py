"""One plain line for each event of a campaign, as any face prints it while it runs.

Runs, selections and judgements of ideas are each face's own to lay out. Events must come in
masked (`view.masked`): nothing is hidden here.
"""

from __future__ import annotations

from autosota.agents.scheduler import events as ev
from autosota.agents.scheduler.state import CampaignState
from autosota.server.report.formats import (
    count,
    decimals_for,
    fixed,
    gain_words,
    interval_words,
    one_line,
)
from autosota.server.report.pieces import (
    is_reduced,
    piece_title,
    piece_words,
    skipped_words,
)
from autosota.server.report.price import price_words, spent_words
from autosota.server.report.proof import control_words, controls_words, transfer_words
from autosota.server.report.text import baseline_words


def told(event: ev.Event, state: CampaignState) -> tuple[str, str]:
    """A word for what it is ('' for none), and the line; ('', '') where there is no news.

    A confirmation's line has more under it, indented.

    Args:
        event: masked.
        state: the campaign with this event folded in.
    """
    match event:
        case ev.CampaignStarted():
            dirty = " (with your uncommitted changes)" * event.dirty
            return "", f"campaign started at {event.base_commit[:10]}{dirty}"
        case ev.EnvironmentReady():
            return "", f"environment ready; runs will be {event.isolation} ({event.sandbox})"
        case ev.CodeAnalysed():
            line = (
                f"evaluation boundary drawn: {count(len(event.boundary.files), 'protected file')}"
            )
            return "", "; ".join((line, *(f"leakage probe: {one_line(p)}" for p in event.probes)))
        case ev.BaselineMeasured():
            return "baseline", _baseline(event, state)
        case ev.IdeasProposed():
            return "", _proposed(event, state)
        case ev.LeapOpened():
            many = count(len(event.candidates), "structural candidate")
            return "leap", f"{many} to audit: {one_line(event.reason)}"
        case ev.HoneymoonOpened():
            title = _title(event.idea, state)
            return "honeymoon", f"“{title}” has {count(event.length, 'more idea')} to pay off"
        case ev.HoneymoonClosed() if event.paid:
            return "honeymoon", f"“{_title(event.idea, state)}” paid off: {one_line(event.reason)}"
        case ev.HoneymoonClosed():
            back = f"back at {event.commit[:10]}, exactly as before it"
            return "rolled back", f"“{_title(event.idea, state)}”: {one_line(event.reason)}; {back}"
        case ev.BestMoved() if is_reduced(state):
            return "", f"  the smallest patch that keeps the gain is {event.patch}"
        case ev.BestMoved():
            return "", f"  the best is now {event.patch}: {count(len(event.ideas), 'idea')}"
        case ev.AblationPlanned():
            titles = "; ".join(piece_title(p) for p in event.pieces)
            many = count(len(event.pieces), "piece")
            return "ablation", f"of {event.patch}, {many}: {titles}"
        case ev.AblationSkipped():
            return "ablation", f"{event.patch} is {skipped_words(state)}"
        case ev.PieceJudged():
            return "", f"  {piece_words(state, event.piece)}"
        case ev.ConfirmationPlanned():
            seeds = count(len(event.seeds), "fresh paired seed")
            return "confirmation", f"of {event.patch} on {seeds}: {price_words(event, state)}"
        case ev.OutcomesCompared():
            return "test set", _outcomes(event, state)
        case ev.ControlJudged():
            return "control", control_words(event, state)
        case ev.ConfirmationJudged():
            return f"{event.fate}:", _judged(event, state)
        case ev.TransferJudged():
            return "transfer", transfer_words(event, state)
        case ev.Steered() if event.text:
            return "steered", one_line(event.text)
        case ev.CampaignStopped():
            return "", f"stopped by {one_line(event.by)}; `autosota resume` goes on"
        case ev.CampaignResumed():
            return "", "going on"
    return "", ""


def _baseline(event: ev.BaselineMeasured, state: CampaignState) -> str:
    objective = state.objective
    noise = ""
    if not objective.selects_on_claim:
        noise = f" (sd {fixed(event.sd, decimals_for(event.sd, event.mean))})" if event.sd else ""
    return (
        f"{baseline_words(state)}{noise}; claim read once, to measure it, and for no decision; "
        f"the search looks at {one_line(event.metric)}"
    )


def _proposed(event: ev.IdeasProposed, state: CampaignState) -> str:
    if event.by == "catalogue":
        new = f"{count(len(event.ideas), 'new idea')} in the library" if event.ideas else ""
        before = [gone for commit, gone in state.superseded.items() if commit != event.commit]
        gone = len(set(event.superseded).difference(*before))
        old = f"{count(gone, 'older idea')} superseded: the code changed" if gone else ""
        ours = [i for i in event.ideas if i.provenance != "model"]
        models = len(event.ideas) - len(ours)
        new += f", {models} of them a model's" if models else ""
        return "; ".join(part for part in (new, old) if part)
    if not event.ideas:
        return "nothing more to tune here" if event.by == "tuner" else ""
    source = "the tuner" if event.by == "tuner" else "promising ones together"
    return f"new idea from {source}: {_title(event.ideas[0].id, state)}"


def _outcomes(event: ev.OutcomesCompared, state: CampaignState) -> str:
    examples = count(event.examples, "example")
    if event.comparison is None:
        return f"{examples} resampled" if not event.reason else one_line(event.reason)
    result = event.comparison
    gain = gain_words(result, state.objective.direction)
    gain = f"{gain}, " if gain else ""
    return f"{examples} resampled with the seeds: {gain}{interval_words(result)}"


def _judged(event: ev.ConfirmationJudged, state: CampaignState) -> str:
    """Why, and under it what it cost and what its controls say now that the claim is read."""
    lines = [one_line(event.reason, 1000), f"spent: {spent_words(state)}"]
    if event.comparison is not None and state.controls:
        lines.append(f"controls: {controls_words(state)}")
        lines += [f"  {control_words(c, state)}" for c in state.controls.values()]
    return "\n    ".join(lines)


def _title(idea: str, state: CampaignState) -> str:
    known = state.ideas.get(idea)
    return one_line(known.title if known is not None else idea, 90)
