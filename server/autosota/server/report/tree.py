"""The tree of attempts: what was tried on what, where the search leapt, and what was taken back.

One row per iteration, in order. The line from the base to the best is the trunk and stays at the
left; what was tried on it is indented. How rows look is the page's.
"""

from __future__ import annotations

from dataclasses import dataclass

from autosota.agents.scheduler.events import IdeaSelected, LeapOpened
from autosota.agents.scheduler.state import CampaignState
from autosota.server.report.fates import fate_of
from autosota.server.report.formats import count, in_markdown, one_line

DEEPEST = 6
"""Rows are not indented further than this: a page is only so wide."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One iteration. `commit` is '' when it never became one; `notes` are in words."""

    number: int
    depth: int
    idea: str
    title: str
    granularity: str
    fate: str
    commit: str
    parent: str
    kept: bool
    notes: tuple[str, ...] = ()


def attempts(state: CampaignState) -> list[Attempt]:
    """Every iteration of the search, in order."""
    trunk = _trunk(state)
    latest = {selected.idea: n for n, selected in enumerate(state.iterations)}
    depth = dict.fromkeys((state.start.base_commit, *trunk), 0)
    rows = []
    for n, selected in enumerate(state.iterations):
        commit = commit_of(selected, state)
        below = min(DEEPEST, depth.get(selected.parent, 0) + 1)
        if commit:
            depth.setdefault(commit, below)
        is_kept = commit in trunk and latest[selected.idea] == n
        idea = state.ideas[selected.idea]
        fate = fate_of(selected.idea, state)[0] if latest[selected.idea] == n else "again"
        rows.append(
            Attempt(
                number=n + 1,
                depth=depth[commit] if is_kept else below,
                idea=selected.idea,
                title=one_line(idea.title, 120),
                granularity=idea.granularity,
                fate=fate,
                commit=commit,
                parent=selected.parent,
                kept=is_kept,
                notes=tuple(_notes(selected, commit, state)),
            )
        )
    return rows


def commit_of(selected: IdeaSelected, state: CampaignState) -> str:
    """The commit that an iteration made; '' when it made none."""
    patch = state.patches.get(state.patch_on(selected.idea, selected.parent) or "")
    return patch.commit if patch is not None else ""


def tree_lines(state: CampaignState) -> list[str]:
    """The tree as a nested Markdown list, without the ideas' gains."""
    from autosota.server.report.fates import FATES

    lines = ["- the untouched code"]
    for row in attempts(state):
        notes = "".join(f"; {note}" for note in row.notes)
        lines.append(
            f"{'  ' * row.depth}- {row.number}. {in_markdown(row.title)} ({row.granularity}): "
            f"{FATES[row.fate]}{in_markdown(notes)}"
        )
    return lines if len(lines) > 1 else []


# ------------------------------------------------------------------ inside


def _trunk(state: CampaignState) -> set[str]:
    """Commits on the way from the base to the best, before it was taken apart."""
    if state.best is None:
        return set()
    commit = state.ablation.commit if state.ablation is not None else state.best.commit
    made = {patch.commit: patch for patch in state.patches.values()}
    found: set[str] = set()
    while commit in made and commit not in found:
        found.add(commit)
        commit = made[commit].parent
    return found


def _notes(selected: IdeaSelected, commit: str, state: CampaignState) -> list[str]:
    notes = []
    if selected.pairs:
        notes.append(f"a second look, with up to {count(selected.pairs, 'pair')}")
    if selected.leap:
        notes.append(_leap_words(selected, state))
    opened = next((h for h in state.honeymoons if h.idea == selected.idea), None)
    if opened is not None and opened.commit == commit:
        notes.append(f"did not pay at once: a honeymoon of up to {count(opened.length, 'idea')}")
        closed = next((h for h in state.rolled_back if h.idea == selected.idea), None)
        if closed is not None:
            notes.append(f"rolled back: {one_line(closed.reason)}")
        elif state.honeymoon is None or state.honeymoon.idea != selected.idea:
            notes.append("it paid off")
    elif selected.reference and selected.reference != selected.parent:
        notes.append("in the honeymoon")
    return notes


def _leap_words(selected: IdeaSelected, state: CampaignState) -> str:
    leap = _leap_of(selected, state)
    if leap is None:
        return "leap"
    others = [i for i in leap.candidates if i != selected.idea and i in state.ideas]
    titles = "; ".join(f"“{one_line(state.ideas[i].title, 60)}”" for i in others)
    chosen = f", chosen before {titles}" if titles else ""
    return f"leap: {one_line(leap.reason)}{chosen}"


def _leap_of(selected: IdeaSelected, state: CampaignState) -> LeapOpened | None:
    return next(
        (
            leap
            for leap in state.leaps
            if leap.parent == selected.parent and selected.idea in leap.candidates
        ),
        None,
    )
