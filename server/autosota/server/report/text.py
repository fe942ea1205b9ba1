"""A campaign in plain lines: what `status` and `run` print under the one sentence.

Works on any state: the ledger's own, or the one that receipts prove (`numbers`), which is
what the HTML report hands in; so both say the same. Nothing here decides.
"""

from __future__ import annotations

import math

from autosota.agents.domain import BASELINE, CampaignVerdict, Comparison, Purpose
from autosota.agents.scheduler import statistics
from autosota.agents.scheduler.baseline import claim_is_still
from autosota.agents.scheduler.claims import sampling
from autosota.agents.scheduler.state import CampaignState
from autosota.server.report.fates import FATES, fate_of
from autosota.server.report.formats import (
    count,
    decimals_for,
    decimals_of,
    fixed,
    gain_words,
    interval_words,
    one_line,
    share_of,
)
from autosota.server.report.headline import (
    claim_result,
    grade_words,
    headline,
    reads_words,
    stop,
)
from autosota.server.report.pairs import best_pairs, compare_pairs
from autosota.server.report.pieces import ablation_words, skipped_words
from autosota.server.report.price import price_words, spent_words
from autosota.server.report.proof import (
    controls_words,
    coverage,
    equal_compute_line,
    transfer_words,
)

STILL = "deterministic: seeds change nothing"
"""Said of numbers that are the same with every seed, instead of an interval of width 0."""

SAME = "the same with every seed"
"""Said of one number of the two, where the other does vary."""


def verdict_sentence(state: CampaignState) -> str:
    """The result in one plain sentence, as everywhere (`headline`)."""
    return headline(state).sentence


def summary_lines(state: CampaignState) -> list[str]:
    """The sentence, and indented under it all that stands behind it."""
    return [verdict_sentence(state), *(f"  {line}" for line in detail_lines(state))]


def detail_lines(state: CampaignState) -> list[str]:
    """The claim, baseline, search, reads, price, coverage, controls and notes, a line each."""
    from autosota.server.report.caveats import Kind, caveats  # it needs this module's words

    if state.started is None:
        return []
    lines = head_lines(state)
    found = caveats(state)
    lines += [f"against it: {one_line(c.text, 1000)}" for c in found if c.kind is Kind.FAILED]
    baseline = baseline_words(state)
    if baseline:
        lines.append(f"baseline: {baseline}")
    if state.ideas:
        lines.append(f"search: {search_words(state)}")
    if state.best is not None and claim_result(state) is None:
        lines.append(f"{'best' if state.finished else 'best so far'}: {best_words(state)}")
    lines.append(f"claim: {reads_in_full(state)}")
    lines += _proof_lines(state)
    return lines + [f"note: {one_line(c.text, 1000)}" for c in found if c.kind is Kind.NOTE]


def head_lines(state: CampaignState) -> list[str]:
    """What belongs to the sentence and made it too long: values, equal compute, why not."""
    lines = []
    result, finished = claim_result(state), state.finished
    if result is not None:
        lines.append(f"measured: {claim_words(state)}")
    equal = equal_compute_line(state)
    if equal:
        lines.append(f"at equal compute: {equal}")
    if finished is not None and finished.verdict is CampaignVerdict.PROVISIONAL:
        told = any(c.passed is False for c in state.controls.values())  # a line of its own says it
        if not told and finished.reason.rstrip(".") not in verdict_sentence(state):
            lines.append(f"why: {stop(finished.reason)}")
    if skipped_words(state):
        lines.append(f"ablation: {skipped_words(state)}")
    return lines


def _proof_lines(state: CampaignState) -> list[str]:
    """Ablation, price beside what was spent, what the interval covers, controls, transfers."""
    lines = []
    if state.ablation is not None and not skipped_words(state):
        lines.append(f"ablation: {ablation_words(state)}")
    if state.plan is not None:
        lines.append(f"price: {price_words(state.plan, state)}")
    if spent_words(state):
        lines.append(f"spent: {spent_words(state)}")
    for row in coverage(state):
        word = {True: "covered", False: "not covered", None: "not tried"}[row.covered]
        lines.append(f"{word}: {row.what}: {row.how}")
    if state.controls:
        lines.append(f"controls: {controls_words(state)}")
    return lines + [f"transfer: {transfer_words(t, state)}" for t in state.transfers.values()]


# ------------------------------------------------------------------ parts of lines


def claim_words(state: CampaignState) -> str:
    """The claim on fresh seeds in its unit, with both intervals and the isolation grade."""
    result, rows = claim_result(state), sampling(state)
    assert result is not None
    parts = [comparison_words(result, state, fresh=True)]
    if rows is not None and rows.low is not None:
        parts.append(interval_words(rows))
    parts += [f"claim {reads_words(state)}", grade_words(state)]
    text = f"{', '.join(parts)})"
    if result.difference is not None and share_of(result).relative:
        text += "; per cent above are of the baseline's mean"
    return text


def comparison_words(result: Comparison, state: CampaignState, *, fresh: bool) -> str:
    """`m 0.912 → 0.941, +0.029 (95 % interval …, 10 paired fresh seeds`, open."""
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
    half, still = None, claim_is_still(state)
    if measured.claim_low is not None and measured.claim_high is not None and not still:
        half = (measured.claim_high - measured.claim_low) / 2
    digits = decimals_for(half, measured.claim_mean)
    text = f"{one_line(objective.metric)} {fixed(measured.claim_mean, digits)}"
    seeds = count(len(measured.seeds), "seed")
    if still:
        text += f" ({still_words(state)}, {seeds})"
    elif half is not None:
        text += f" ± {fixed(half, digits)} (95 % interval over training noise only, {seeds})"
    if measured.paper_value is not None:
        text += f", the paper says {measured.paper_value:g}"
    if not objective.selects_on_claim:
        spread = decimals_for(measured.sd, measured.mean)
        text += f"; {one_line(measured.metric)} {fixed(measured.mean, spread)}"
        if _search_is_still(state) and not still:
            text += f" ({SAME})"
    return text


def still_words(state: CampaignState) -> str:
    """What to say in place of an interval of width 0; '' where the claim varies by seed."""
    if not claim_is_still(state):
        return ""
    return STILL if _search_is_still(state) else SAME


def _search_is_still(state: CampaignState) -> bool:
    found = state.baseline
    return found is not None and statistics.is_negligible(found.sd, [found.mean])


def search_words(state: CampaignState) -> str:
    """How many ideas there were, and what became of them."""
    fates: dict[str, int] = {}
    for idea in state.judged:
        fate = fate_of(idea, state)[0]
        fates[fate] = fates.get(fate, 0) + 1
    parts = [f"{number} {FATES[fate]}" for fate, number in fates.items()]
    text = f"{len(state.tried)} of {count(len(state.ideas), 'idea')} tried"
    return f"{text} ({', '.join(parts)})" if parts else text


def reads_in_full(state: CampaignState) -> str:
    """Every read of the claim: for a decision, and once before to measure the baseline."""
    apart = sum(r.purpose is Purpose.BASELINE for r in state.reads)
    decided = any(r.purpose is Purpose.CONFIRM for r in state.reads)
    if not state.reads:
        return "not read"
    if state.objective.selects_on_claim:
        return reads_words(state)
    before = f"once{f' and {apart - 1} times more' * (apart > 1)}"
    if not decided:
        return f"read {before}, to measure the baseline; for no decision"
    text = f"{reads_words(state)} on fresh seeds"
    return f"{text}; {before} before, to measure the baseline" if apart else text


def best_words(state: CampaignState) -> str:
    """The best of the search against the base, on the metric that chose it."""
    result = compare_pairs(state.objective.select_on, state, best_pairs(state))
    if result is None or state.best is None:
        return "nothing was better in search"
    together = len(state.best.ideas)
    ideas = f", {together} ideas together" if together > 1 else ""
    own = state.search_pairs(state.start.base_commit, state.best.commit)
    before = "" if own else ", before it was taken apart"
    return (
        f"{comparison_words(result, state, fresh=False)}{ideas}) in search, on the metric that "
        f"chose it, by a screening that claims nothing{before}"
    )


def side_words(side: str, state: CampaignState) -> str:
    """A side for people: the baseline, the improvement, or the candidate's patch."""
    if side == BASELINE:
        return "baseline"
    if state.best is not None and side == state.best.patch:
        return f"best candidate ({one_line(side)})"
    return f"candidate {one_line(side)}"
