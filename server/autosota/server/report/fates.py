"""What became of an idea, in words, and what decided it.

A screening in search claims nothing, a clear loss is no noise, and no difference at all is
neither. Told from judgements as the ledger holds them; nothing here decides.
"""

from __future__ import annotations

from autosota.agents.domain import Comparison, Fate, Outcome
from autosota.agents.scheduler import racing
from autosota.agents.scheduler.events import IdeaJudged
from autosota.agents.scheduler.state import CampaignState
from autosota.server.report.formats import count, gain_words, interval_words, one_line
from autosota.server.report.pieces import ideas_dropped

FATES = {
    "confirmed": "in the confirmed change",
    "provisional": "passed the screening",
    "not_confirmed": "passed the screening, not confirmed",
    "dropped": "kept by the search, dropped by the ablation",
    "noise": "within noise",
    "same": "no difference",
    "worse": "worse",
    "guarded": "stopped by a guard",
    "too_slow": "stopped as too slow",
    "failed": "did not run",
    "rejected": "refused by the audit",
    "not_applicable": "did not apply",
    "refused": "refused by you",
    "inadmissible": "not admissible",
    "superseded": "superseded",
    "again": "not kept, tried again later",
    "trying": "being tried",
    "waiting": "not tried",
}
"""What a person reads for each fate; the keys are shapes and colours in the report."""

CLEARLY_WORSE = 0.95
"""From this one-sided p of "no gain" on, an idea that was not kept is called worse."""


def fate_of(idea: str, state: CampaignState) -> tuple[str, str]:
    """What became of an idea: a key of `FATES`, and the reason in words."""
    judged = state.judged.get(idea)
    if judged is None:
        return _not_judged(idea, state)
    why = judged.reason
    if judged.fate is Fate.PROVISIONAL and judged.comparison is not None:
        why = f"{screening_words(judged.comparison)}, {count(judged.comparison.pairs, 'seed')}"
    if idea in ideas_dropped(state):
        return "dropped", f"{why}; taken apart, it carried nothing that was needed"
    confirmed = state.confirmation
    if confirmed is None or state.best is None or idea not in state.best.ideas:
        return _of_search(judged, state), why
    reason = f"{why}; on fresh seeds: {confirmed.reason}"
    if confirmed.fate in (Fate.CONFIRMED, Fate.PROVISIONAL):
        return str(confirmed.fate), reason
    return "not_confirmed", reason


def judged_words(judged: IdeaJudged, state: CampaignState) -> tuple[str, str]:
    """What became of an idea in search, in a word or two, and what decided it: rounded.

    Intervals say what they cover.
    """
    result = judged.comparison
    fate = _of_search(judged, state)
    word = FATES[fate] if fate in ("noise", "worse", "same") else judged.fate.replace("_", " ")
    if result is None or result.difference is None:
        return word, one_line(judged.reason, 2000)
    if fate == "same":
        tells = judged.reason.startswith("changed nothing")
        return word, one_line(judged.reason) if tells else f"over {count(result.pairs, 'seed')}"
    measured = _measured(result, state)
    if fate == "provisional":
        return word, f"{screening_words(result)}: {measured}"
    if fate in ("worse", "noise"):
        return word, measured
    return word, f"{one_line(judged.reason, 2000)}: {measured}"


def screening_words(result: Comparison) -> str:
    """`passed the screening (p 0.03 at level 0.25), which claims nothing`."""
    if result.p_value is None:
        return f"kept by the search ({result.note or 'one seed'}), which claims nothing"
    level = racing.screen_level(result.corrections)
    return (
        f"passed the screening (p {result.p_value:.2g} at level {level:.2g}), which claims nothing"
    )


def ideas_tried(state: CampaignState) -> str:
    """`1 idea tried`, `9 ideas tried`."""
    return f"{count(len(state.tried), 'idea')} tried"


# ------------------------------------------------------------------ inside


def _not_judged(idea: str, state: CampaignState) -> tuple[str, str]:
    if idea in state.refused:
        return "refused", state.refused[idea]
    if not state.ideas[idea].admissible:
        return "inadmissible", state.ideas[idea].admissible_reason
    if state.current is not None and state.current.idea == idea:
        return "trying", state.selected[idea].reason
    if idea in state.superseded.get(state.optimum, ()):
        return "superseded", "what it would change is not in the best code any more"
    return "waiting", ""


def _of_search(judged: IdeaJudged, state: CampaignState) -> str:
    """The judgement's fate, told apart further by what its runs showed."""
    if judged.fate is Fate.FAILED and _too_slow(judged.idea, state):
        return "too_slow"
    result = judged.comparison
    if judged.fate is not Fate.NOISE or result is None or result.difference is None:
        return str(judged.fate)
    if result.difference < 0 and (result.p_value is None or result.p_value >= CLEARLY_WORSE):
        return "worse"
    if result.difference == 0:
        return "same"
    return "noise"


def _too_slow(idea: str, state: CampaignState) -> bool:
    patch = state.patch_of_idea.get(idea, "")
    return any(r.side == patch and r.outcome is Outcome.TOO_SLOW for r in state.runs)


def _measured(result: Comparison, state: CampaignState) -> str:
    """`+0.0087 on val_accuracy (95 % interval … over training noise only, 3 seeds)`."""
    seeds = count(result.pairs, "seed")
    inside = seeds if result.low is None else f"{interval_words(result)}, {seeds}"
    gain = gain_words(result, state.objective.direction)
    return f"{gain} on {one_line(result.metric, 60)} ({inside})"
