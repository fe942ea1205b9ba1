"""A campaign in plain lines: the verdict sentence and what `status` and `run` print.

Works on any state: the ledger's own, or the one that receipts prove (`numbers`), which is
what the HTML report hands in; so both say the same. Nothing here decides.
"""

from __future__ import annotations

import math

from autosota.agents.domain import (
    BASELINE,
    CampaignVerdict,
    Comparison,
    Fate,
    Isolation,
    Purpose,
)
from autosota.agents.scheduler.claims import sampling
from autosota.agents.scheduler.events import RunFinished
from autosota.agents.scheduler.state import CampaignState
from autosota.server.report.formats import (
    count,
    decimals_for,
    decimals_of,
    duration,
    fixed,
    gain_words,
    interval_words,
    one_line,
)
from autosota.server.report.pairs import best_pairs, compare_pairs
from autosota.server.report.pieces import ablation_words, ideas_dropped
from autosota.server.report.price import price_words, small_gain_words, spent_words
from autosota.server.report.proof import compute_words, controls_words, coverage, transfer_words

FATES = {
    "confirmed": "in the confirmed change",
    "provisional": "better in search",
    "not_confirmed": "better in search, not confirmed",
    "dropped": "kept by the search, dropped by the ablation",
    "noise": "within noise",
    "guarded": "stopped by a guard",
    "failed": "did not run",
    "rejected": "refused by the audit",
    "not_applicable": "did not apply",
    "refused": "refused by you",
    "inadmissible": "not admissible",
    "again": "not kept, tried again later",
    "trying": "being tried",
    "waiting": "not tried",
}
"""What a person reads for each fate; the keys are shapes and colours in the report."""


def fate_of(idea: str, state: CampaignState) -> tuple[str, str]:
    """What became of an idea: a key of `FATES`, and the reason in words."""
    judged = state.judged.get(idea)
    if judged is None:
        if idea in state.refused:
            return "refused", state.refused[idea]
        if not state.ideas[idea].admissible:
            return "inadmissible", state.ideas[idea].admissible_reason
        trying = state.current is not None and state.current.idea == idea
        return ("trying", state.selected[idea].reason) if trying else ("waiting", "")
    if idea in ideas_dropped(state):
        return "dropped", f"{judged.reason}; taken apart, it carried nothing that was needed"
    confirmed = state.confirmation
    if confirmed is None or state.best is None or idea not in state.best.ideas:
        return str(judged.fate), judged.reason
    reason = f"{judged.reason}; on fresh seeds: {confirmed.reason}"
    if confirmed.fate in (Fate.CONFIRMED, Fate.PROVISIONAL):
        return str(confirmed.fate), reason
    return "not_confirmed", reason


def verdict_sentence(state: CampaignState, grade: Isolation | None = None) -> str:
    """The result in one plain sentence, with its number, interval, seeds, reads and grade.

    Args:
        state: the fold of the events so far.
        grade: of the claim's numbers, where receipts were read; else that of the runs.
    """
    if state.started is None:
        return "Nothing happened yet."
    finished = state.finished
    if finished is None:
        return _unfinished(state)
    reason = _stop(finished.reason)
    match finished.verdict:
        case CampaignVerdict.CONFIRMED if _claim_result(state) is None:
            return "Not proved: the ledger says confirmed, and no receipts hold its numbers."
        case CampaignVerdict.CONFIRMED:
            return f"Confirmed: {_claim_words(state, grade)}."
        case CampaignVerdict.PROVISIONAL if _claim_result(state) is not None:
            return f"Provisional, not confirmed: {_claim_words(state, grade)}. Why: {reason}"
        case CampaignVerdict.PROVISIONAL:
            return f"Provisional, not confirmed: {best_words(state)}. Why: {reason}"
        case CampaignVerdict.NO_GAIN if _claim_result(state) is not None:
            why = _stop("; ".join(filter(None, (reason.rstrip("."), small_gain_words(state)))))
            return f"No gain found: {_claim_words(state, grade)}. Why: {why}"
        case CampaignVerdict.NO_GAIN:
            why = "; ".join(filter(None, (_no_gain_words(state), small_gain_words(state))))
            return f"No gain found: {_stop(why)}"
        case CampaignVerdict.NOT_REPRODUCED:
            return f"Baseline not reproduced: {reason}"
        case CampaignVerdict.STOPPED:
            return f"Stopped: {reason}"
    return f"Failed: {reason}"


def summary_lines(state: CampaignState) -> list[str]:
    """The verdict, the baseline, the search, the reads of the claim and the caveats."""
    from autosota.server.report.caveats import caveats  # it needs this module's words

    if state.started is None:
        return [verdict_sentence(state)]
    lines = [verdict_sentence(state)]
    baseline = baseline_words(state)
    if baseline:
        lines.append(f"baseline: {baseline}")
    if state.ideas:
        lines.append(f"search: {search_words(state)}")
        if state.best is not None and _claim_result(state) is None:
            lines.append(f"best so far: {best_words(state)}")
    lines.append(f"claim: {reads_words(state)}")
    lines += _proof_lines(state)
    lines += [f"note: {one_line(c.text)}" for c in caveats(state) if c.weighs]
    return lines


def _proof_lines(state: CampaignState) -> list[str]:
    """Ablation, price, what was spent, what the interval covers, controls and transfers."""
    lines = []
    if state.ablation is not None:
        lines.append(f"ablation: {ablation_words(state)}")
    if state.plan is not None:
        lines.append(f"price: {price_words(state.plan)}")
    if spent_words(state):
        lines.append(f"spent: {spent_words(state)}")
    for covers in coverage(state):
        word = "covered" if covers.covered else "not covered"
        lines.append(f"{word}: {covers.what}: {covers.how}")
    if state.controls:
        lines.append(f"controls: {controls_words(state)}")
    return lines + [f"transfer: {transfer_words(t, state)}" for t in state.transfers.values()]


# ------------------------------------------------------------------ parts of sentences


def comparison_words(result: Comparison, state: CampaignState, *, fresh: bool) -> str:
    """`m 0.912 → 0.941, +0.029 (95 % interval +0.021 to +0.037, 10 paired fresh seeds`, open."""
    digits = decimals_of(result)
    if result.baseline_mean is None or result.candidate_mean is None:
        return f"{one_line(result.metric)} unknown ("
    before, after = fixed(result.baseline_mean, digits), fixed(result.candidate_mean, digits)
    seeds = count(result.pairs, "paired fresh seed" if fresh else "seed")
    return (
        f"{one_line(result.metric)} {before} → {after}, "
        f"{gain_words(result, state.objective.direction)} ({interval_words(result)}, {seeds}"
    )


def baseline_words(state: CampaignState) -> str:
    """The reproduced claim and the search metric of the untouched code; '' before that."""
    measured = state.baseline
    if measured is None or math.isnan(measured.claim_mean) or math.isnan(measured.mean):
        return ""  # before it was measured, or receipts are missing
    objective = state.objective
    half = None
    if measured.claim_low is not None and measured.claim_high is not None:
        half = (measured.claim_high - measured.claim_low) / 2
    digits = decimals_for(half, measured.claim_mean)
    text = f"{one_line(objective.metric)} {fixed(measured.claim_mean, digits)}"
    if half is not None:
        text += f" ± {fixed(half, digits)} (95 % interval, {count(len(measured.seeds), 'seed')})"
    if measured.paper_value is not None:
        text += f", the paper says {measured.paper_value:g}"
    if not objective.selects_on_claim:
        spread = decimals_for(measured.sd, measured.mean)
        text += f"; {one_line(measured.metric)} {fixed(measured.mean, spread)}"
    return text


def search_words(state: CampaignState) -> str:
    """How many ideas there were, and what became of them."""
    fates: dict[str, int] = {}
    for idea in state.judged:
        fate = fate_of(idea, state)[0]
        fates[fate] = fates.get(fate, 0) + 1
    parts = [f"{number} {FATES[fate]}" for fate, number in fates.items()]
    text = f"{len(state.tried)} of {count(len(state.ideas), 'idea')} tried"
    return f"{text} ({', '.join(parts)})" if parts else text


def reads_words(state: CampaignState) -> str:
    """How often the claim was looked at: `read once per side`, with the reproduction apart."""
    sides: dict[str, int] = {}
    for read in state.reads:
        if read.purpose is Purpose.CONFIRM:
            sides[read.side] = sides.get(read.side, 0) + 1
    if state.objective.selects_on_claim:
        measured = count(len(state.tried), "idea")
        return f"looked at by the search for {measured} (LK112)"
    if not sides:
        return "not read for a decision"
    if set(sides.values()) == {1}:
        return "read once per side" if len(sides) == 2 else "read once"
    return "read " + ", ".join(f"{n} times for {one_line(s)}" for s, n in sides.items())


def grade_words(state: CampaignState, grade: Isolation | None = None) -> str:
    """The grade given, or the weakest isolation grade among the runs behind the verdict."""
    if grade is not None:
        return f"grade {grade}"
    judged = state.confirmation
    purpose = Purpose.CONFIRM if judged is not None else Purpose.BASELINE
    grades = {run.isolation for run in state.runs if run.purpose is purpose}
    for weakest in (Isolation.DECLARED, Isolation.OVERLAID, Isolation.SEALED):
        if weakest in grades:
            return f"grade {weakest}"
    return "grade unknown"


def best_words(state: CampaignState) -> str:
    """The best of the search against the base, on the metric that chose it."""
    result = compare_pairs(state.objective.select_on, state, best_pairs(state))
    if result is None or state.best is None:
        return "nothing was better in search"
    ideas = count(len(state.best.ideas), "idea")
    own = state.search_pairs(state.start.base_commit, state.best.commit)
    before = "" if own else ", before it was taken apart"
    return (
        f"{comparison_words(result, state, fresh=False)}, {ideas} together) "
        f"in search, on the metric that chose it{before}"
    )


def stage(state: CampaignState) -> str:
    """What a campaign that is not finished is at."""
    if state.environment is None:
        return "preparing the environment"
    if state.analysed is None:
        return "reading the code"
    runs = _runs(state, Purpose.BASELINE)
    if state.baseline is None:
        return f"measuring the baseline, {len(runs)} of {len(state.objective.seeds)} seeds"
    if state.confirmation is not None:
        return f"trying the change in other settings, {len(state.transfers)} done"
    if state.plan is not None:
        done = len(_runs(state, Purpose.CONFIRM))
        if any(r.purpose is Purpose.CONFIRM for r in state.reads):
            return f"running controls, {len(state.controls)} judged"
        return f"confirming on fresh seeds, {done} of {state.plan.evaluations} runs"
    if state.ablation is not None:
        pieces = len(state.ablation.pieces)
        return f"taking the best change apart, {len(state.pieces)} of {count(pieces, 'piece')}"
    text = f"searching, {count(len(state.tried), 'idea')} tried"
    if state.honeymoon is not None:
        text += f", in the honeymoon of “{one_line(state.ideas[state.honeymoon.idea].title, 60)}”"
    return text


def _runs(state: CampaignState, purpose: Purpose) -> list[RunFinished]:
    return [run for run in state.runs if run.purpose is purpose]


def _claim_result(state: CampaignState) -> Comparison | None:
    return state.confirmation.comparison if state.confirmation is not None else None


def _claim_words(state: CampaignState, grade: Isolation | None) -> str:
    result = _claim_result(state)
    assert result is not None
    rows = sampling(state)
    parts = [
        comparison_words(result, state, fresh=True),
        _with_test_set(rows) if rows is not None else "",
        f"{count(len(state.tried), 'idea')} tried",
        f"claim {reads_words(state)}",
        compute_words(state.finished.compute if state.finished is not None else None),
        grade_words(state, grade),
    ]
    return f"{', '.join(part for part in parts if part)})"


def _with_test_set(result: Comparison) -> str:
    """`with the sampling of the test set +0.012 to +0.048`."""
    if result.low is None or result.high is None:
        return ""
    digits = decimals_of(result)
    low, high = (fixed(v, digits, signed=True) for v in (result.low, result.high))
    return f"with the sampling of the test set {low} to {high}"


def _no_gain_words(state: CampaignState) -> str:
    """The best candidate with its interval, and why that is not a gain."""
    assert state.finished is not None
    measured = [
        (judged, judged.comparison)
        for judged in state.judged.values()
        if judged.comparison is not None and judged.comparison.difference is not None
    ]
    confirmed = state.confirmation
    if confirmed is not None and confirmed.comparison is None:
        how = "failed" if confirmed.fate is Fate.FAILED else "was given up"
        return f"{best_words(state)}, but the confirmation {how}: {one_line(confirmed.reason)}"
    if not measured:
        return one_line(state.finished.reason)
    judged, result = max(measured, key=lambda pair: pair[1].difference or 0.0)
    title = one_line(state.ideas[judged.idea].title, 90)
    covers_zero = (
        result.low is not None and result.high is not None and result.low <= 0 < result.high
    )
    zero = ", its interval covers zero" if covers_zero else ""
    return (
        f"the best of {count(len(state.tried), 'idea')} tried, “{title}”, had "
        f"{comparison_words(result, state, fresh=False)}): {one_line(judged.reason)}{zero}"
    )


def _unfinished(state: CampaignState) -> str:
    text = f"{stage(state)}; {count(len(state.runs), 'run')}, {duration(state.wall_seconds)} so far"
    if state.stopped is not None:
        why = one_line(state.stopped.reason or state.stopped.by)
        return f"Stopped: {text} ({why}). Nothing is confirmed; autosota resume goes on."
    return f"Not finished: {text}. Nothing is confirmed yet."


def _stop(text: str) -> str:
    flat = one_line(text)
    return flat if flat.endswith((".", "!", "?", "…")) else f"{flat}."


def side_words(side: str, state: CampaignState) -> str:
    """A side for people: the baseline, the improvement, or the candidate's patch."""
    if side == BASELINE:
        return "baseline"
    if state.best is not None and side == state.best.patch:
        return f"best candidate ({one_line(side)})"
    return f"candidate {one_line(side)}"
