"""What stands behind one patch: whether it is confirmed, in the line that comes first.

For whoever brings a patch into their files. Nothing here decides; how it is applied is not
known here.
"""

from __future__ import annotations

from dataclasses import dataclass

from autosota.agents.domain import Fate, Patch
from autosota.agents.scheduler.state import CampaignState
from autosota.server.report.caveats import caveats
from autosota.server.report.fates import FATES, fate_of
from autosota.server.report.formats import one_line
from autosota.server.report.headline import headline
from autosota.server.report.pieces import skipped_words


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a patch is confirmed, the line that says so, and what else to know."""

    confirmed: bool
    line: str
    notes: tuple[str, ...]


def standing_of(patch: Patch, state: CampaignState) -> Standing:
    """What to say first of a patch that is brought into somebody's files.

    Args:
        patch: of this campaign.
        state: the campaign, as far as it is.
    """
    judged, best = state.confirmation, state.best
    of_the_best = best is not None and best.patch == patch.id
    if judged is not None and judged.patch == patch.id:
        notes = _notes(state)
        if judged.fate is Fate.CONFIRMED and state.finished is not None:
            return Standing(True, headline(state).sentence, notes)
        if judged.fate is Fate.CONFIRMED:
            return Standing(True, f"Confirmed: {one_line(judged.reason)}", notes)
        return Standing(False, f"Not confirmed: {one_line(judged.reason, 1000)}", notes)
    if of_the_best:
        why = "it passed a screening in search, which claims nothing, and the claim was not read"
        if state.finished is not None:
            why += f": {one_line(state.finished.reason, 1000)}"
        return Standing(False, f"Not confirmed: {why}", _notes(state))
    if patch.hypothesis not in state.ideas:
        return Standing(False, "Not confirmed: it is a part or a control of another patch", ())
    fate, reason = fate_of(patch.hypothesis, state)
    if judged is not None and best is not None and patch.hypothesis in best.ideas:
        whole = "confirmed" if judged.fate is Fate.CONFIRMED else "tried on fresh seeds"
        line = f"Not confirmed on its own: only {best.patch}, which holds it, was {whole}"
        return Standing(False, line, ())
    words = FATES[fate] + (f": {one_line(reason, 1000)}" if reason else "")
    return Standing(False, f"Not confirmed: {words}", ())


def _notes(state: CampaignState) -> tuple[str, ...]:
    """What to know of the best: skipped steps first, then every caveat that weighs."""
    skipped = skipped_words(state)
    return (*((skipped,) if skipped else ()), *(c.text for c in caveats(state) if c.weighs))
