"""The state of a campaign: the fold of its events. No decisions, no input or output."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from autosota.agents.domain import (
    Hypothesis,
    Objective,
    Outcome,
    Patch,
    Purpose,
    Verdict,
)
from autosota.agents.scheduler import events as ev


@dataclass(slots=True)
class CampaignState:
    """Everything the scheduler and the faces need to know, by name."""

    started: ev.CampaignStarted | None = None
    environment: ev.EnvironmentReady | None = None
    analysed: ev.CodeAnalysed | None = None
    baseline: ev.BaselineMeasured | None = None
    runs: list[ev.RunFinished] = field(default_factory=list)
    ideas: dict[str, Hypothesis] = field(default_factory=dict)
    proposed_for: set[str] = field(default_factory=set)
    selected: dict[str, ev.IdeaSelected] = field(default_factory=dict)
    patches: dict[str, Patch] = field(default_factory=dict)
    patch_of_idea: dict[str, str] = field(default_factory=dict)
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    judged: dict[str, ev.IdeaJudged] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    best: ev.BestMoved | None = None
    plan: ev.ConfirmationPlanned | None = None
    confirmation: ev.ConfirmationJudged | None = None
    reads: list[ev.ClaimRead] = field(default_factory=list)
    applied: list[ev.PatchApplied] = field(default_factory=list)
    stopped: ev.CampaignStopped | None = None
    finished: ev.CampaignFinished | None = None
    wall_seconds: float = 0.0
    _by_key: dict[tuple[Purpose, str, int], ev.RunFinished] = field(default_factory=dict)

    @property
    def objective(self) -> Objective:
        """The objective the campaign started with."""
        return self.start.objective

    @property
    def start(self) -> ev.CampaignStarted:
        """The first event.

        Raises:
            ValueError: the events do not begin with a campaign's start.
        """
        if self.started is None:
            raise ValueError("the campaign has no start in the ledger")
        return self.started

    @property
    def head(self) -> str:
        """The commit that the next idea is made on: the best so far, or the base."""
        return self.best.commit if self.best is not None else self.start.base_commit

    @property
    def current(self) -> ev.IdeaSelected | None:
        """The idea that was selected and is not judged yet."""
        if not self.selected:
            return None
        last = next(reversed(self.selected.values()))
        return last if last.idea not in self.judged else None

    @property
    def tried(self) -> list[str]:
        """Ideas that were run, in order."""
        measured = {r.side for r in self.runs if r.purpose is Purpose.SEARCH}
        return [i for i, p in self.patch_of_idea.items() if p in measured]

    @property
    def looked_at(self) -> set[str]:
        """Commits whose search metric was seen: the looks that a screening corrects for."""
        search = (r for r in self.runs if r.purpose is Purpose.SEARCH)
        return {r.commit for r in search if r.outcome is Outcome.OK}

    def run(self, purpose: Purpose, commit: str, seed: int) -> ev.RunFinished | None:
        """The finished run of a commit with a seed, if there is one."""
        return self._by_key.get((purpose, commit, seed))

    def search_value(self, commit: str, seed: int) -> float | None:
        """The value of the search metric at a commit; the base's come from its baseline runs."""
        purpose = Purpose.BASELINE if commit == self.start.base_commit else Purpose.SEARCH
        found = self.run(purpose, commit, seed)
        if found is None or found.outcome is not Outcome.OK:
            return None
        return found.metrics.get(self.objective.select_on)

    @property
    def claim_reads(self) -> int:
        """Reads of the claim for a decision; reproducing the paper's number is counted apart."""
        return sum(r.purpose is Purpose.CONFIRM for r in self.reads)

    def claim_is_open(self, purpose: Purpose) -> bool:
        """True when the claim of runs with this purpose was read for good: it may be shown.

        A confirmation that failed half-way never compared the claim, so it stays masked.
        """
        if purpose is Purpose.BASELINE:
            return any(r.purpose is Purpose.BASELINE for r in self.reads)
        judged = self.confirmation
        return purpose is Purpose.CONFIRM and judged is not None and judged.comparison is not None

    def apply(self, event: ev.Event) -> None:
        """Fold one more event in."""
        match event:
            case ev.CampaignStarted():
                self.started = event
            case ev.EnvironmentReady():
                self.environment = event
            case ev.CodeAnalysed():
                self.analysed = event
            case ev.RunFinished():
                self.runs.append(event)
                self.wall_seconds += event.wall_seconds
                self._by_key[(event.purpose, event.commit, event.seed)] = event
            case ev.ClaimRead():
                self.reads.append(event)
            case ev.BaselineMeasured():
                self.baseline = event
            case ev.IdeasProposed():
                self.proposed_for.add(event.commit)
                self.ideas.update({i.id: i for i in event.ideas})
            case ev.IdeaSelected():
                self.selected[event.idea] = event
            case ev.PatchMade():
                self.patches[event.patch.id] = event.patch
                self.patch_of_idea[event.patch.hypothesis] = event.patch.id
            case ev.PatchAudited():
                self.verdicts[event.patch] = event.verdict
            case ev.IdeaJudged():
                self.judged[event.idea] = event
            case ev.BestMoved():
                self.best = event
            case ev.ConfirmationPlanned():
                self.plan = event
            case ev.ConfirmationJudged():
                self.confirmation = event
            case ev.CampaignStopped():
                self.stopped = event
            case ev.CampaignResumed():
                self.stopped = None
            case ev.CampaignFinished():
                self.finished = event
            case ev.IdeaRefused():
                self.refused[event.idea] = event.reason
            case ev.PatchApplied():
                self.applied.append(event)


def fold(events: Iterable[ev.Event]) -> CampaignState:
    """The state after these events."""
    state = CampaignState()
    for event in events:
        state.apply(event)
    return state
