"""Asks a model for ideas on behalf of a campaign, and passes on only what stands every gate.

A model's idea is carried out and audited here before it is offered, repaired once, and otherwise
kept as refused with its reason. From then on it is an idea like any other: implemented, audited
again, run in the sandbox and measured by the campaign. No failure of a model stops a campaign.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from autosota.agents.asking import Ask, Ending, Reply
from autosota.agents.code.tree import PatchedTree
from autosota.agents.domain import Boundary, Decision, Hypothesis, Objective, Verdict
from autosota.agents.ideator.with_model import opinion
from autosota.agents.ideator.with_model.context import Known
from autosota.agents.ideator.with_model.proposals import Proposed, question, read, repair
from autosota.agents.protocols import Tree
from autosota.agents.scheduler.state import CampaignState
from autosota.agents.supervisor.audit import audit
from autosota.server.config.model import ModelSettings
from autosota.server.model.book import FILE, Book, Spent
from autosota.server.model.opening import open_model
from autosota.server.model.silent import Silent

Note = Callable[[str], None]


class Asked(Protocol):
    """A model that can be stopped."""

    def ask(self, ask: Ask) -> Reply:
        """Ask a role."""
        ...

    def cancel(self) -> None:
        """End what is asked now, and what would be; from any thread."""
        ...


class Cancelled(Exception):
    """The session was stopped: it is no fact, and is held again when the campaign goes on."""


@dataclass(frozen=True, slots=True)
class Session:
    """What one session brought: ideas to offer or to show as refused, and a line for people."""

    ideas: tuple[Hypothesis, ...]
    line: str


class Advisor:
    """The model's part in a campaign.

    Args:
        model: who is asked.
        settings: how often.
        note: gets a line for people after each session.
        spent: what the campaign has spent so far.
    """

    def __init__(
        self,
        model: Asked,
        settings: ModelSettings,
        note: Note = lambda _line: None,
        spent: Callable[[], Spent] = Spent,
    ) -> None:
        self._model, self._settings = model, settings
        self._note, self._spent = note, spent

    def ideas(
        self, base: Tree, tree: Tree, state: CampaignState, found: Sequence[Hypothesis]
    ) -> tuple[Hypothesis, ...]:
        """The model's ideas for this code, beside those that were `found` without it.

        Raises:
            Cancelled: it was stopped before there was an answer.
        """
        if state.proposals >= self._settings.sessions:
            return ()
        assert state.analysed is not None
        known = [*known_ideas(state), *(Known(idea, "found by rules", "") for idea in found)]
        session = self.session(
            base, tree, state.objective, state.analysed.boundary, known, state.wishes
        )
        self._note(session.line)
        return session.ideas

    def session(
        self,
        base: Tree,
        tree: Tree,
        objective: Objective,
        boundary: Boundary,
        known: Sequence[Known],
        wishes: Sequence[str],
        *,
        fresh: bool = False,
    ) -> Session:
        """Ask once, and once more for what did not work.

        Raises:
            Cancelled: it was stopped.
        """
        ask = question(tree, objective, boundary, known, wishes, fresh=fresh)
        reply = self._asked(ask)
        if not reply.answered:
            return Session((), f"note: no ideas from a model ({reply.ending}): {reply.why}")
        proposed = self._judged(
            read(reply.value, tree, objective, boundary), base, tree, objective, boundary
        )
        failed = [p for p in proposed if p.problem]
        if failed:
            again = self._asked(repair(ask, failed))
            if again.answered:
                mended = read(again.value, tree, objective, boundary)
                proposed = [
                    *(p for p in proposed if not p.problem),
                    *self._judged(mended, base, tree, objective, boundary),
                ]
        ideas = tuple({p.idea.id: p.idea for p in proposed}.values())
        good = sum(idea.admissible for idea in ideas)
        spent = self._spent()
        line = (
            f"note: {good} of {len(ideas)} ideas of {reply.model} passed the gates; "
            f"${spent.dollars:.4f} and {spent.tokens} tokens spent on models so far"
        )
        return Session(ideas, line)

    def second_opinion(self, verdict: Verdict, diff: str) -> tuple[Verdict, str]:
        """The verdict on a change that needs a review, never milder, and a line; '' for none.

        Raises:
            Cancelled: it was stopped.
        """
        reply = self._asked(opinion.question(diff, verdict))
        if not reply.answered:
            return verdict, ""
        return opinion.stricter(verdict, reply.value, diff)

    def cancel(self) -> None:
        """End what is asked, from any thread."""
        self._model.cancel()

    def _asked(self, ask: Ask) -> Reply:
        reply = self._model.ask(ask)
        if reply.ending is Ending.CANCELLED:
            raise Cancelled
        return reply

    @staticmethod
    def _judged(
        proposed: Sequence[Proposed],
        base: Tree,
        tree: Tree,
        objective: Objective,
        boundary: Boundary,
    ) -> list[Proposed]:
        """Each idea after the supervisor's audit of its change."""
        out = []
        for entry in proposed:
            if entry.made is not None:
                verdict = audit(base, PatchedTree(tree, entry.made.changes), objective, boundary)
                if verdict.decision is not Decision.CLEARED:
                    worst = verdict.findings[0] if verdict.findings else None
                    why = f"{worst.code}: {worst.message}" if worst else "it could not be cleared"
                    problem = f"{verdict.decision} by the audit: {why}"
                    refused = replace(entry.idea, admissible=False, admissible_reason=problem)
                    entry = Proposed(refused, None, problem)
            out.append(entry)
        return out


def known_ideas(state: CampaignState) -> list[Known]:
    """The library with its fates. Reasons of a campaign's search hold nothing of the claim."""
    out = []
    for idea in state.ideas.values():
        judged = state.judged.get(idea.id)
        if idea.id in state.refused:
            out.append(Known(idea, "refused by the user", state.refused[idea.id]))
        elif judged is not None:
            out.append(Known(idea, str(judged.fate), judged.reason))
        else:
            out.append(Known(idea, "not tried yet", ""))
    return sorted(out, key=lambda k: k.fate == "not tried yet", reverse=True)


@contextmanager
def open_advisor(
    state_dir: Path,
    campaign: str,
    settings: ModelSettings,
    objective: Objective,
    *,
    offline: bool,
    note: Note,
) -> Iterator[Advisor | None]:
    """The advisor of a campaign; None when no model may be asked."""
    with open_model(state_dir, campaign, settings, objective.budget, offline=offline) as model:
        if isinstance(model, Silent):
            if model.ending is Ending.NO_BUDGET:
                note(f"note: {model.why}")
            yield None
            return
        yield Advisor(model, settings, note, lambda: spent_on_models(state_dir, campaign))


def spent_on_models(state_dir: Path, campaign: str) -> Spent:
    """What a campaign spent on models; nothing where none was asked."""
    path = state_dir / FILE
    if not path.exists():
        return Spent()
    with Book(path) as book:
        return book.spent(campaign)
