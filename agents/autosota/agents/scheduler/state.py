"""The state of a campaign: the fold of its events. No decisions, no input or output."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from autosota.agents.domain import (
    Fate,
    Hypothesis,
    Objective,
    Outcome,
    Patch,
    Purpose,
    Verdict,
)
from autosota.agents.scheduler import events as ev
from autosota.agents.scheduler import racing

CONFIRMATIONS = 1000
"""How many confirmations have fresh seeds of their own before those of second looks begin."""

MOST_REPAIRS = 2
"""How often a campaign asks again because the run of a model's idea crashed."""

NULL_PATCH = "null"
"""The hypothesis of the null patch: no idea at all, for the negative control."""


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
    proposals: int = 0
    repairs: int = 0
    wishes: list[str] = field(default_factory=list)
    tuned: dict[str, list[str]] = field(default_factory=dict)
    tuning_over: set[str] = field(default_factory=set)
    combined: dict[str, list[str]] = field(default_factory=dict)
    superseded: dict[str, set[str]] = field(default_factory=dict)
    iterations: list[ev.IdeaSelected] = field(default_factory=list)
    selected: dict[str, ev.IdeaSelected] = field(default_factory=dict)
    patches: dict[str, Patch] = field(default_factory=dict)
    patch_of_idea: dict[str, str] = field(default_factory=dict)
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    opinions: dict[str, str] = field(default_factory=dict)
    judged: dict[str, ev.IdeaJudged] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    dead: set[str] = field(default_factory=set)
    leaps: list[ev.LeapOpened] = field(default_factory=list)
    honeymoon: ev.HoneymoonOpened | None = None
    honeymoons: list[ev.HoneymoonOpened] = field(default_factory=list)
    honeymoon_from: int = 0
    leap_from: int = 0
    lost_commits: set[str] = field(default_factory=set)
    rolled_back: list[ev.HoneymoonClosed] = field(default_factory=list)
    best: ev.BestMoved | None = None
    best_was: list[ev.BestMoved] = field(default_factory=list)
    ablation: ev.AblationPlanned | None = None
    ablation_skipped: str = ""
    reduced: dict[tuple[str, ...], ev.PatchReduced] = field(default_factory=dict)
    pieces: dict[str, ev.PieceJudged] = field(default_factory=dict)
    plan: ev.ConfirmationPlanned | None = None
    outcomes: ev.OutcomesCompared | None = None
    null_patch: Patch | None = None
    controls: dict[str, ev.ControlJudged] = field(default_factory=dict)
    confirmation: ev.ConfirmationJudged | None = None
    transfers: dict[str, ev.TransferJudged] = field(default_factory=dict)
    reads: list[ev.ClaimRead] = field(default_factory=list)
    applied: list[ev.PatchApplied] = field(default_factory=list)
    stopped: ev.CampaignStopped | None = None
    finished: ev.CampaignFinished | None = None
    wall_seconds: float = 0.0
    spread: tuple[float, float] = (0.0, 0.0)
    open_idea: ev.IdeaSelected | None = None
    branch: str = ""
    _by_key: dict[tuple[Purpose, str, int, str], ev.RunFinished] = field(default_factory=dict)
    _history: dict[tuple[str, int], list[tuple[int, ev.RunFinished]]] = field(default_factory=dict)
    _made_on: dict[tuple[str, str], str] = field(default_factory=dict)
    _looked_at: dict[str, None] = field(default_factory=dict)
    _tried: dict[str, None] = field(default_factory=dict)
    _groups: dict[tuple[str, str], list[float]] = field(default_factory=dict)

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
    def optimum(self) -> str:
        """The best commit so far, or the base."""
        return self.best.commit if self.best is not None else self.start.base_commit

    @property
    def head(self) -> str:
        """The commit that the next idea is made on: a honeymoon's branch, or the optimum."""
        return self.branch if self.honeymoon is not None else self.optimum

    @property
    def current(self) -> ev.IdeaSelected | None:
        """The idea that was selected and is not judged yet."""
        return self.open_idea

    @property
    def tried(self) -> list[str]:
        """Ideas that were run, in order."""
        return list(self._tried)

    @property
    def looked_at(self) -> set[str]:
        """Commits whose search metric was seen: the looks that a screening corrects for."""
        return set(self._looked_at)

    @property
    def differences(self) -> Mapping[tuple[str, str], list[float]]:
        """Paired differences of the search metric by (reference, commit), positive is better."""
        return self._groups

    def patch_on(self, idea: str, parent: str) -> str | None:
        """The id of the patch that an idea became on a commit."""
        return self._made_on.get((idea, parent))

    def run(
        self, purpose: Purpose, commit: str, seed: int, variant: str = ""
    ) -> ev.RunFinished | None:
        """The finished run of a commit with a seed (its latest attempt), if there is one."""
        return self._by_key.get((purpose, commit, seed, variant))

    def search_run(self, commit: str, seed: int) -> ev.RunFinished | None:
        """The run that tells of a commit in the search; the base has its baseline's, too."""
        found = self.run(Purpose.SEARCH, commit, seed)
        if found is None and commit == self.start.base_commit:
            return self.run(Purpose.BASELINE, commit, seed)
        return found

    def history(self, commit: str, seed: int) -> list[tuple[int, ev.RunFinished]]:
        """All runs of a commit with a seed in baseline and search, with their place in time."""
        return self._history.get((commit, seed), [])

    def more_seeds(self, count: int) -> tuple[int, ...]:
        """Seeds for a second look in the search, apart from the objective's and the fresh ones."""
        return self.seeds_from(CONFIRMATIONS * self.objective.confirm_seeds, count)

    def seeds_from(self, offset: int, count: int) -> tuple[int, ...]:
        """`count` seeds after the objective's largest, `offset` further; all are 32-bit numbers."""
        own = set(self.objective.seeds)
        first = max(own) + 1 + offset
        found: list[int] = []
        while len(found) < count:
            seed = first % 2**32
            first += 1
            if seed not in own:
                found.append(seed)
        return tuple(found)

    def search_value(self, commit: str, seed: int) -> float | None:
        """The value of the search metric at a commit."""
        found = self.search_run(commit, seed)
        if found is None or found.outcome is not Outcome.OK:
            return None
        return found.metrics.get(self.objective.select_on)

    def search_pairs(
        self, reference: str, commit: str
    ) -> list[tuple[ev.RunFinished, ev.RunFinished]]:
        """The (reference, candidate) runs of the search over the same seeds that ended well."""
        pairs = []
        for seed in (*self.objective.seeds, *self.more_seeds(len(self.objective.seeds))):
            before, after = self.search_run(reference, seed), self.search_run(commit, seed)
            if before is None or after is None:
                continue
            if before.outcome is Outcome.OK is after.outcome:
                pairs.append((before, after))
        return pairs

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
        if purpose is Purpose.SEARCH:
            return False
        judged = self.confirmation
        return judged is not None and judged.comparison is not None

    def apply(self, event: ev.Event) -> None:
        """Fold one more event in."""
        match event:
            case ev.CampaignStarted():
                self.started = event
                for name in event.refuted:
                    self.refused[name] = "did not hold when an earlier campaign confirmed it"
            case ev.EnvironmentReady():
                self.environment = event
            case ev.CodeAnalysed():
                self.analysed = event
            case ev.RunFinished():
                self._add_run(event)
            case ev.ClaimRead():
                self.reads.append(event)
            case ev.BaselineMeasured():
                self.baseline = event
            case ev.IdeasProposed():
                self._add_ideas(event)
            case ev.IdeaSelected():
                self.iterations.append(event)
                self.selected.pop(event.idea, None)  # the order is that of the latest trials
                self.selected[event.idea] = event
                self.judged.pop(event.idea, None)
                self.open_idea = event
            case ev.LeapOpened():
                self.leaps.append(event)
                self.leap_from = len(self.iterations)
                for name in event.candidates:
                    self.judged.pop(name, None)
            case ev.HoneymoonOpened():
                self.honeymoon, self.branch = event, event.commit
                self.honeymoons.append(event)
                self.honeymoon_from = len(self.iterations)
            case ev.HoneymoonClosed():
                if not event.paid:
                    self.rolled_back.append(event)
                    self.lost_commits |= {i.parent for i in self.iterations[self.honeymoon_from :]}
                self.honeymoon, self.branch = None, ""
            case ev.PatchMade():
                if event.patch.hypothesis == NULL_PATCH:
                    self.null_patch = event.patch
                else:
                    self.patch_of_idea[event.patch.hypothesis] = event.patch.id
                    self._made_on[(event.patch.hypothesis, event.patch.parent)] = event.patch.id
                self.patches[event.patch.id] = event.patch
            case ev.PatchAudited():
                self.verdicts[event.patch] = event.verdict
                if event.opinion:
                    self.opinions[event.patch] = event.opinion
            case ev.IdeaJudged():
                self.judged[event.idea] = event
                if event.fate in (Fate.REJECTED, Fate.NOT_APPLICABLE):
                    self.dead.add(event.idea)
                self._weigh_branch(event)
                self._ask_for_repair(event)
                if self.open_idea is not None and self.open_idea.idea == event.idea:
                    self.open_idea = None
            case ev.BestMoved():
                self.best = event
                self.best_was.append(event)
            case ev.AblationPlanned():
                self.ablation = event
            case ev.AblationSkipped():
                self.ablation_skipped = event.reason
            case ev.PatchReduced():
                self.reduced[event.dropped] = event
                self.patches[event.patch.id] = event.patch
            case ev.PieceJudged():
                self.pieces[event.piece] = event
            case ev.ConfirmationPlanned():
                self.plan = event
            case ev.OutcomesCompared():
                self.outcomes = event
            case ev.ControlJudged():
                self.controls[event.name] = event
            case ev.ConfirmationJudged():
                self.confirmation = event
            case ev.TransferJudged():
                self.transfers[event.name] = event
            case ev.CampaignStopped():
                self.stopped = event
            case ev.CampaignResumed():
                self.stopped = None
            case ev.CampaignFinished():
                self.finished = event
            case ev.IdeaRefused():
                self.refused[event.idea] = event.reason
            case ev.Steered():
                if event.text:
                    self.wishes.append(event.text)
                self.proposed_for.discard(self.head)  # so that ideas are looked for again
            case ev.PatchApplied():
                self.applied.append(event)

    def _add_run(self, run: ev.RunFinished) -> None:
        if run.purpose in (Purpose.BASELINE, Purpose.SEARCH) and not run.variant:
            times = self._history.setdefault((run.commit, run.seed), [])
            times.append((len(self.runs), run))
        self.runs.append(run)
        self.wall_seconds += run.wall_seconds
        self._by_key[(run.purpose, run.commit, run.seed, run.variant)] = run
        if run.purpose is not Purpose.SEARCH:
            return
        patch = self.patches.get(run.side)
        if patch is not None and run.side not in {p.patch.id for p in self.reduced.values()}:
            self._tried[patch.hypothesis] = None
        if run.outcome is Outcome.OK:
            self._looked_at[run.commit] = None

    def _add_ideas(self, event: ev.IdeasProposed) -> None:
        self.ideas.update({i.id: i for i in event.ideas})
        if event.by == "tuner":
            self.tuned.setdefault(event.commit, []).extend(i.id for i in event.ideas)
            if not event.ideas:
                self.tuning_over.add(event.commit)
        elif event.by == "combination":
            self.combined.setdefault(event.commit, []).extend(i.id for i in event.ideas)
        else:
            self.proposed_for.add(event.commit)
            self.proposals += 1
            self.superseded[event.commit] = set(event.superseded)

    def _ask_for_repair(self, judged: ev.IdeaJudged) -> None:
        """A model's idea whose run crashed: ideas are looked for again, a few times at most."""
        idea = self.ideas.get(judged.idea)
        if judged.fate is not Fate.FAILED or idea is None or idea.provenance != "model":
            return
        if self.repairs < MOST_REPAIRS:
            self.repairs += 1
            self.proposed_for.discard(self.head)

    def _weigh_branch(self, judged: ev.IdeaJudged) -> None:
        """Keep what an idea's pairs showed, and move a honeymoon's branch to what did better."""
        current = self.open_idea
        if current is None or current.idea != judged.idea:
            return
        patch = self.patches.get(self.patch_on(current.idea, current.parent) or "")
        if patch is None:
            return
        reference = current.reference or current.parent
        sign, name = self.objective.direction.sign, self.objective.select_on
        found = []
        for before, after in self.search_pairs(reference, patch.commit):
            old, new = before.metrics.get(name), after.metrics.get(name)
            if old is not None and new is not None:
                found.append(sign * (new - old))
        if found:
            self._groups[(reference, patch.commit)] = found
            self.spread = racing.spread(self._groups.values())
        if self.honeymoon is not None and current.parent == self.branch and found:
            parent = self._groups.get((reference, self.branch))
            if parent and sum(found) / len(found) > sum(parent) / len(parent):
                self.branch = patch.commit


def fold(events: Iterable[ev.Event]) -> CampaignState:
    """The state after these events."""
    state = CampaignState()
    for event in events:
        state.apply(event)
    return state
