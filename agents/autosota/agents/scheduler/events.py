"""The facts of a campaign, in the order they happened: the ledger's events.

Only completed facts: something half done is not an event, so a killed driver loses nothing
and repeats nothing. Clock times are the ledger's, not part of an event, except measured
durations of runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from autosota.agents.domain import (
    Boundary,
    CampaignVerdict,
    Comparison,
    Fate,
    Finding,
    Hypothesis,
    Isolation,
    Machine,
    Objective,
    Outcome,
    Patch,
    Purpose,
    Verdict,
)


@dataclass(frozen=True, slots=True)
class CampaignStarted:
    """Phase 0: what is to be done, at which commit.

    `prior_confirmations` counts the confirmations that earlier campaigns of this ledger
    attempted on the same claim: running again is another look, and is corrected for.
    """

    kind: ClassVar[str] = "campaign_started"
    objective: Objective
    objective_hash: str
    base_commit: str
    dirty: bool
    version: str
    prior_confirmations: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EnvironmentReady:
    """Phase 0: the interpreter that runs use, and what it is on."""

    kind: ClassVar[str] = "environment_ready"
    python: str
    environment_hash: str
    sandbox: str
    isolation: Isolation
    machine: Machine
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CodeAnalysed:
    """Phase 1: the evaluation boundary, the hashes of what must not move, and warnings."""

    kind: ClassVar[str] = "code_analysed"
    boundary: Boundary
    evaluator_hash: str
    data_hash: str
    warnings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class RunFinished:
    """An experiment ended. The receipt holds the rest; `receipt` is its hash.

    `metrics` has None for an unknown or masked metric; `isolation` is the grade of the claim.
    """

    kind: ClassVar[str] = "run_finished"
    run_id: str
    purpose: Purpose
    side: str
    commit: str
    seed: int
    outcome: Outcome
    reason: str
    metrics: Mapping[str, float | None]
    isolation: Isolation
    wall_seconds: float
    receipt: str
    resources: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ClaimRead:
    """The claim metric of one side was looked at, on one set of seeds."""

    kind: ClassVar[str] = "claim_read"
    side: str
    purpose: Purpose
    seeds: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class BaselineMeasured:
    """Phase 0 ends: the noise floor. All in the unit of the metric; sd is of single runs."""

    kind: ClassVar[str] = "baseline_measured"
    metric: str
    mean: float
    sd: float
    claim_mean: float
    claim_low: float | None
    claim_high: float | None
    paper_value: float | None
    seeds: tuple[int, ...]
    seconds_per_run: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class IdeasProposed:
    """Phase 2: the idea library for the code at `commit`; only ideas that are new."""

    kind: ClassVar[str] = "ideas_proposed"
    commit: str
    ideas: tuple[Hypothesis, ...]


@dataclass(frozen=True, slots=True)
class IdeaSelected:
    """Phase 3, steps 0 and 1: what was tried next, and why."""

    kind: ClassVar[str] = "idea_selected"
    idea: str
    parent: str
    reason: str


@dataclass(frozen=True, slots=True)
class PatchMade:
    """Phase 3, steps 2 and 3: the idea as a commit on its parent."""

    kind: ClassVar[str] = "patch_made"
    patch: Patch


@dataclass(frozen=True, slots=True)
class PatchAudited:
    """The red-line verdict on the change from the base commit to the patch's commit."""

    kind: ClassVar[str] = "patch_audited"
    patch: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class IdeaJudged:
    """Phase 3, step 6: what became of an idea in the search."""

    kind: ClassVar[str] = "idea_judged"
    idea: str
    fate: Fate
    reason: str
    comparison: Comparison | None = None


@dataclass(frozen=True, slots=True)
class BestMoved:
    """A new optimum: later ideas are made on top of this commit."""

    kind: ClassVar[str] = "best_moved"
    commit: str
    patch: str
    ideas: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ConfirmationPlanned:
    """The price of a confirmation, before it is paid."""

    kind: ClassVar[str] = "confirmation_planned"
    attempt: int
    patch: str
    commit: str
    seeds: tuple[int, ...]
    evaluations: int
    expected_seconds: float


@dataclass(frozen=True, slots=True)
class GuardResult:
    """One R4 guard, on paired medians. `limit` is in words; `change` in the guard's unit."""

    name: str
    baseline: float | None
    candidate: float | None
    limit: str
    held: bool


@dataclass(frozen=True, slots=True)
class ConfirmationJudged:
    """Phase 4: the claim, read once per side on fresh seeds."""

    kind: ClassVar[str] = "confirmation_judged"
    attempt: int
    patch: str
    fate: Fate
    reason: str
    comparison: Comparison | None
    guards: tuple[GuardResult, ...] = ()
    caps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CampaignStopped:
    """Somebody stopped it; `autosota resume` goes on."""

    kind: ClassVar[str] = "campaign_stopped"
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class CampaignResumed:
    """It went on after a stop."""

    kind: ClassVar[str] = "campaign_resumed"


@dataclass(frozen=True, slots=True)
class CampaignFinished:
    """The end. Numbers are means of the claim metric that receipts hold, or None."""

    kind: ClassVar[str] = "campaign_finished"
    verdict: CampaignVerdict
    reason: str
    baseline: float | None
    best: float | None
    interval: tuple[float, float] | None
    patch: str
    evaluations: int
    ideas: int
    reads_of_claim_metric: int


@dataclass(frozen=True, slots=True)
class IdeaRefused:
    """The user rejected an idea, and said why."""

    kind: ClassVar[str] = "idea_refused"
    idea: str
    reason: str


@dataclass(frozen=True, slots=True)
class PatchApplied:
    """The user accepted a patch into their files."""

    kind: ClassVar[str] = "patch_applied"
    patch: str
    files: tuple[str, ...]


Event = (
    CampaignStarted
    | EnvironmentReady
    | CodeAnalysed
    | RunFinished
    | ClaimRead
    | BaselineMeasured
    | IdeasProposed
    | IdeaSelected
    | PatchMade
    | PatchAudited
    | IdeaJudged
    | BestMoved
    | ConfirmationPlanned
    | ConfirmationJudged
    | CampaignStopped
    | CampaignResumed
    | CampaignFinished
    | IdeaRefused
    | PatchApplied
)

EVENT_TYPES: tuple[type[Event], ...] = Event.__args__
