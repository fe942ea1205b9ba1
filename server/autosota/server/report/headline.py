"""The result of a campaign in one sentence: what `run`, `status`, report and export all print.

Gains are in per cent of the baseline's mean, intervals say what they cover, and the reads of
the claim stand beside them. Works on any state; what else there is to say is `text`'s.
"""

from __future__ import annotations

from dataclasses import dataclass

from autosota.agents.domain import (
    CampaignVerdict,
    Comparison,
    Direction,
    Fate,
    Isolation,
    Purpose,
)
from autosota.agents.scheduler.claims import sampling
from autosota.agents.scheduler.events import IdeaJudged
from autosota.agents.scheduler.state import CampaignState
from autosota.server.report.fates import ideas_tried
from autosota.server.report.formats import (
    count,
    covers_words,
    duration,
    one_line,
    percent,
    share_of,
)
from autosota.server.report.pairs import best_pairs, compare_pairs
from autosota.server.report.price import small_gain_words
from autosota.server.report.proof import compute_words, lacks_match

_LONGEST_WHY = 110


@dataclass(frozen=True, slots=True)
class Headline:
    """The sentence, with the words that a page prints in bold apart."""

    badge: str
    rest: str

    @property
    def sentence(self) -> str:
        """The whole of it."""
        return f"{self.badge}{self.rest}"


def headline(state: CampaignState) -> Headline:
    """The result so far, in one sentence."""
    if state.started is None:
        return Headline("Nothing happened yet", ".")
    finished = state.finished
    if finished is None:
        return _unfinished(state)
    reason = stop(finished.reason)
    match finished.verdict:
        case CampaignVerdict.CONFIRMED if claim_result(state) is None:
            why = ": the ledger says confirmed, and no receipts hold its numbers."
            return Headline("Not proved", why)
        case CampaignVerdict.CONFIRMED:
            return Headline("Confirmed", f" {_claim(state)}.")
        case CampaignVerdict.PROVISIONAL:
            return Headline("Provisional, not confirmed", f": {_provisional(state)}.")
        case CampaignVerdict.NO_GAIN:
            needs = small_gain_words(state)
            rest = "; ".join(part for part in (_no_gain(state), needs) if part)
            return Headline("No gain found", f"; {stop(rest)}")
        case CampaignVerdict.NOT_REPRODUCED:
            return Headline("Baseline not reproduced", f": {reason}")
        case CampaignVerdict.STOPPED:
            return Headline("Stopped", f": {reason}")
    return Headline("Failed", f": {reason}")


def claim_result(state: CampaignState) -> Comparison | None:
    """The claim on fresh seeds; None until it was compared."""
    return state.confirmation.comparison if state.confirmation is not None else None


def reads_words(state: CampaignState) -> str:
    """How often the claim was looked at for a decision: `read once per side`."""
    sides: dict[str, int] = {}
    for read in state.reads:
        if read.purpose is Purpose.CONFIRM:
            sides[read.side] = sides.get(read.side, 0) + 1
    if state.started is not None and state.objective.selects_on_claim:
        measured = count(len(state.tried), "idea")
        return f"looked at by the search for {measured} (LK112)"
    if not sides:
        return "read for no decision"
    if set(sides.values()) == {1}:
        return "read once per side" if len(sides) == 2 else "read once"
    return "read " + ", ".join(f"{n} times for {one_line(s)}" for s, n in sides.items())


def gain_in_words(result: Comparison, direction: Direction, *, named: bool = False) -> str:
    """`+4.3 %`, with ` on metric` where asked; where smaller is better `4.3 % less metric`."""
    share = share_of(result)
    metric = one_line(result.metric, 60)
    if direction is Direction.MINIMIZE:
        less = "less" if (result.difference or 0.0) >= 0 else "more"
        return f"{share.gain.lstrip('+-')} {less} {metric}"
    return f"{share.gain} on {metric}" if named or not share.relative else share.gain


def equal_compute_words(state: CampaignState) -> str:
    """`at equal compute +2.1 %, 90 % interval 1.0 to 3.2`; '' where no match was needed."""
    matched = state.finished.equal_compute if state.finished is not None else None
    if matched is None or matched.difference is None:
        return "not known at equal compute" if lacks_match(state) else ""
    gain = gain_in_words(matched, state.objective.direction)
    bounds = share_of(matched).bounds
    interval = f", {percent(matched.confidence)} interval {bounds}" if bounds else ""
    return f"at equal compute {gain}{interval}"


def stop(text: str) -> str:
    """One line that ends like a sentence."""
    flat = one_line(text, 1000)
    return flat if flat.endswith((".", "!", "?", "…")) else f"{flat}."


def stage(state: CampaignState) -> str:
    """What a campaign that is not finished is at."""
    if state.environment is None:
        return "preparing the environment"
    if state.analysed is None:
        return "reading the code"
    ran = {p: sum(r.purpose is p for r in state.runs) for p in Purpose}
    if state.baseline is None:
        seeds = len(state.objective.seeds)
        return f"measuring the baseline, {ran[Purpose.BASELINE]} of {seeds} seeds"
    if state.confirmation is not None:
        return f"trying the change in other settings, {len(state.transfers)} done"
    if state.plan is not None:
        if any(r.purpose is Purpose.CONFIRM for r in state.reads):
            return f"running controls, {len(state.controls)} judged"
        done = ran[Purpose.CONFIRM]
        return f"confirming on fresh seeds, {done} of {state.plan.evaluations} runs"
    if state.ablation is not None:
        pieces = len(state.ablation.pieces)
        return f"taking the best change apart, {len(state.pieces)} of {count(pieces, 'piece')}"
    text = f"searching, {ideas_tried(state)}"
    if state.honeymoon is not None:
        text += f", in the honeymoon of “{one_line(state.ideas[state.honeymoon.idea].title, 60)}”"
    return text


# ------------------------------------------------------------------ inside


def _unfinished(state: CampaignState) -> Headline:
    text = f"{stage(state)}; {count(len(state.runs), 'run')}, {duration(state.wall_seconds)} so far"
    if state.stopped is not None:
        why = one_line(state.stopped.reason or state.stopped.by)
        rest = f": {text} ({why}). Nothing is confirmed; autosota resume goes on."
        return Headline("Stopped", rest)
    return Headline("Not finished", f": {text}. Nothing is confirmed yet.")


def _claim(state: CampaignState) -> str:
    """`+4.3 % (95 % interval 3.9 to 4.7 over training noise only, 6 paired seeds, …)`."""
    result = claim_result(state)
    assert result is not None
    gain = gain_in_words(result, state.objective.direction)
    return f"{gain} ({_behind_claim(state, result)})"


def _behind_claim(state: CampaignState, result: Comparison) -> str:
    compute = compute_words(state.finished.compute if state.finished is not None else None)
    equal = equal_compute_words(state)
    parts = [
        _interval(result, sampling(state)),
        count(result.pairs, "paired seed"),
        ideas_tried(state),
        f"claim {reads_words(state)}",
        "; ".join(part for part in (compute, equal) if part),
    ]
    return ", ".join(part for part in parts if part)


def _interval(result: Comparison, rows: Comparison | None = None) -> str:
    share = share_of(result)
    if not share.bounds:
        return f"no interval: {result.note or 'too few seeds'}"
    text = f"{percent(result.confidence)} interval {share.bounds}"
    wider = share_of(rows).bounds if rows is not None and rows.difference is not None else ""
    if wider:
        return f"{text} over training noise, {wider} with the sampling of the test set"
    return f"{text} {covers_words(result)}"


def _provisional(state: CampaignState) -> str:
    assert state.finished is not None
    why = _short(state.finished.reason)
    if claim_result(state) is not None:
        return f"{why} ({_claim(state).replace(' (', ', ', 1).removesuffix(')')})"
    result = compare_pairs(state.objective.select_on, state, best_pairs(state))
    if result is None or result.difference is None:
        return f"{why} ({ideas_tried(state)}, claim {reads_words(state)})"
    gain = gain_in_words(result, state.objective.direction, named=True)
    seeds = count(result.pairs, "paired seed")
    return (
        f"{why} ({gain} in search, a screening that claims nothing, {_interval(result)}, {seeds}, "
        f"{ideas_tried(state)}, claim {reads_words(state)})"
    )


def _no_gain(state: CampaignState) -> str:
    """Why there is none, with the best candidate's numbers."""
    assert state.finished is not None
    result, confirmed = claim_result(state), state.confirmation
    if confirmed is not None and result is None:
        how = "failed" if confirmed.fate is Fate.FAILED else "was given up"
        return f"the best candidate's confirmation {how}: {one_line(confirmed.reason)}"
    if confirmed is not None and result is not None:
        if confirmed.fate is Fate.GUARDED:
            why = f"the best candidate was stopped by a guard: {one_line(confirmed.reason)}"
        else:
            why = f"on fresh seeds the best candidate{_against(result)}"
        return f"{why} ({_claim(state).replace(' (', ', ', 1).removesuffix(')')})"
    best = _best_measured(state)
    if best is None:
        reason = one_line(state.finished.reason, 1000).rstrip(".")
        nothing = not state.tried and not reason.lower().startswith("nothing was tried")
        return ("nothing was tried: " if nothing else "") + reason[:1].lower() + reason[1:]
    judged, result = best
    gain = gain_in_words(result, state.objective.direction, named=True)
    seeds = count(result.pairs, "paired seed")
    behind = f"{gain}, {_interval(result)}, {seeds}, {ideas_tried(state)}"
    why = f"the best candidate{_against(result)}"
    if judged.fate is Fate.GUARDED:
        why = f"the best candidate was stopped by a guard: {_short(judged.reason)}"
    return f"{why} ({behind}, claim {reads_words(state)})"


def _against(result: Comparison) -> str:
    """What speaks against a candidate: `'s interval covers zero`, ` was worse`."""
    assert result.difference is not None
    if result.difference == 0:
        return " made no difference"
    if result.low is not None and result.high is not None:
        if result.low <= 0 <= result.high:
            return "'s interval covers zero"
        return " was worse" if result.high < 0 else " was not beyond the noise of all ideas"
    return " was worse" if result.difference < 0 else " was not beyond noise"


def _best_measured(state: CampaignState) -> tuple[IdeaJudged, Comparison] | None:
    measured = [
        (judged, judged.comparison)
        for judged in state.judged.values()
        if judged.comparison is not None and judged.comparison.difference is not None
    ]
    return max(measured, key=lambda pair: pair[1].difference or 0.0, default=None)


def _short(reason: str) -> str:
    """The first clause of a long reason; the whole stands in a line of its own (`text`)."""
    flat = one_line(reason, 1000).rstrip(".")
    if len(flat) <= _LONGEST_WHY:
        return flat
    for mark in (": ", "; ", ", "):
        first = flat.partition(mark)[0]
        if 12 < len(first) <= _LONGEST_WHY:
            return first
    return one_line(flat, _LONGEST_WHY)


def grade_words(state: CampaignState) -> str:
    """The weakest isolation grade among the runs behind the verdict."""
    purpose = Purpose.CONFIRM if state.confirmation is not None else Purpose.BASELINE
    grades = {run.isolation for run in state.runs if run.purpose is purpose}
    for weakest in (Isolation.DECLARED, Isolation.OVERLAID, Isolation.SEALED):
        if weakest in grades:
            return f"grade {weakest}"
    return "grade unknown"
