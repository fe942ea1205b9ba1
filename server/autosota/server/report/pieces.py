"""What each piece of the best change carries, in words, after it was taken apart."""

from __future__ import annotations

from autosota.agents.domain import Comparison, Patch
from autosota.agents.scheduler.events import Piece
from autosota.agents.scheduler.state import CampaignState
from autosota.server.report.formats import count, decimals_of, fixed, one_line
from autosota.server.report.pairs import compare_pairs, whole_pairs


def piece_of(state: CampaignState, name: str) -> Piece | None:
    """A piece of the change that was taken apart."""
    planned = state.ablation
    return None if planned is None else next((p for p in planned.pieces if p.id == name), None)


def piece_title(piece: Piece) -> str:
    """`train.py:41 model = SVC(C=10)`."""
    place = f"{piece.path}:{piece.line}"
    title = piece.title.removeprefix(place).lstrip(": ")  # most titles begin with their place
    return f"{one_line(piece.path, 120)}:{piece.line} {one_line(title, 120)}".rstrip()


def piece_words(state: CampaignState, name: str) -> str:
    """`train.py:41 model = SVC(C=10): carries +0.021 of +0.024, kept`."""
    piece, judged = piece_of(state, name), state.pieces.get(name)
    if piece is None:
        return ""
    if judged is None:
        return f"{piece_title(piece)}: not judged"
    fate = "kept" if judged.needed else "dropped"
    carried = carries_words(judged.comparison, state)
    if not carried:
        return f"{piece_title(piece)}: {fate}: {one_line(judged.reason)}"
    return f"{piece_title(piece)}: {carried}, {fate}"


def carries_words(result: Comparison | None, state: CampaignState) -> str:
    """`carries +0.021 of +0.024`, or '' where it was not measured."""
    if result is None or result.difference is None:
        return ""
    digits = decimals_of(result)
    text = f"carries {fixed(result.difference, digits, signed=True)}"
    whole = whole_gain(state)
    if whole is None or whole.difference is None:
        return text
    return f"{text} of {fixed(whole.difference, digits, signed=True)}"


def whole_gain(state: CampaignState) -> Comparison | None:
    """What the whole change brought in search before it was taken apart."""
    return compare_pairs(state.objective.select_on, state, whole_pairs(state))


def ablation_words(state: CampaignState) -> str:
    """`taken apart into 3 pieces: 1 kept, 2 dropped`; '' when it was not."""
    planned = state.ablation
    if planned is None:
        return ""
    judged = list(state.pieces.values())
    kept = sum(p.needed for p in judged)
    parts = []
    if kept:
        parts.append(f"{kept} kept")
    if len(judged) > kept:
        parts.append(f"{len(judged) - kept} dropped")
    if len(planned.pieces) > len(judged):
        parts.append(f"{len(planned.pieces) - len(judged)} not judged")
    if len(planned.pieces) == 1:
        return "one piece only, so there is nothing to take apart"
    return f"taken apart into {count(len(planned.pieces), 'piece')}: {', '.join(parts)}"


def skipped_words(state: CampaignState) -> str:
    """`not taken apart: the budget left no room …`; '' when it was, or there was no need."""
    if not state.ablation_skipped:
        return ""
    return f"not taken apart: {one_line(state.ablation_skipped)}"


def is_reduced(state: CampaignState) -> bool:
    """True when the best is smaller than the change that was taken apart."""
    planned, best = state.ablation, state.best
    return planned is not None and best is not None and best.commit != planned.commit


def ideas_dropped(state: CampaignState) -> tuple[str, ...]:
    """Ideas in the best change of which no line of their own is left in its smallest form.

    Told by the lines that an idea added, that no other idea of the best added or took away
    again: an idea without such a line is never called dropped.
    """
    best = state.best
    if best is None or not is_reduced(state):
        return ()
    smallest = state.patches.get(best.patch)
    if smallest is None:
        return ()
    left = _lines(smallest, "+")
    made = {i: state.patches[state.patch_of_idea[i]] for i in best.ideas if i in state.ideas}
    found = []
    for idea, patch in made.items():
        own = _lines(patch, "+")
        for other, theirs in made.items():
            if other != idea:
                own -= _lines(theirs, "+") | _lines(theirs, "-")
        if own and not own & left:
            found.append(idea)
    return tuple(found)


def _lines(patch: Patch, sign: str) -> set[str]:
    """The text of the lines that a patch adds or takes away, without blank ones."""
    return {
        line[1:].strip()
        for line in patch.diff.splitlines()
        if line.startswith(sign) and not line.startswith(sign * 3) and line[1:].strip()
    }
