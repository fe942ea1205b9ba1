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
    attempted on the same claim: running again is another look, and is corrected for. `refuted`
    are ideas that did not hold there, on the same base; they are not tried again. `offline`: no
    network is used, also not for a model, and also not once it is resumed.
    """

    kind: ClassVar[str] = "campaign_started"
    objective: Objective
    objective_hash: str
    base_commit: str
    dirty: bool
    version: str
    prior_confirmations: int = 0
    refuted: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    offline: bool = False


@dataclass(frozen=True, slots=True)
class EnvironmentReady:
    """Phase 0: the interpreter that runs use, and what it is on.

    `image` is the id of the container image it is in; empty when it is on the machine itself.
    """

    kind: ClassVar[str] = "environment_ready"
    python: str
    environment_hash: str
    sandbox: str
    isolation: Isolation
    machine: Machine
    notes: tuple[str, ...] = ()
    image: str = ""


@dataclass(frozen=True, slots=True)
class CodeAnalysed:
    """Phase 1: the evaluation boundary, the hashes of what must not move, and warnings.

    `compute_knob` is the value that `controls.compute_knob` has now; None when there is no
    such flag, or its value cannot be read. `probes` says in words what the leakage probes
    between the splits found.
    """

    kind: ClassVar[str] = "code_analysed"
    boundary: Boundary
    evaluator_hash: str
    data_hash: str
    warnings: tuple[Finding, ...] = ()
    compute_knob: float | None = None
    probes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RunFinished:
    """An experiment ended. The receipt holds the rest; `receipt` is its hash.

    `metrics` has None for an unknown or masked metric; `isolation` is the grade of the claim.
    `variant` is the name of the run's `Variant`; `attempt` counts repetitions after a failure;
    `outcomes` is the hash of the per-example outcomes; `intermediate` are (step, value) of
    the search metric.
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
    variant: str = ""
    attempt: int = 0
    outcomes: str = ""
    intermediate: tuple[tuple[int, float], ...] = ()


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
    """Phase 2: the idea library for the code at `commit`; only ideas that are new.

    `by` is `catalogue`, `tuner` (a setting of the code's numbers; none ends the tuning of that
    commit) or `combination` (ideas that were promising one by one). `superseded` are known ideas,
    not tried yet, that do not apply to this code: what they would change was replaced.
    """

    kind: ClassVar[str] = "ideas_proposed"
    commit: str
    ideas: tuple[Hypothesis, ...]
    by: str = "catalogue"
    superseded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class IdeaSelected:
    """Phase 3, steps 0 and 1: what was tried next, and why.

    `parent` is the commit it is made on; `reference` the commit it is compared with, which
    differs from the parent during a honeymoon only. `leap` marks the chosen candidate of a leap.
    `pairs` is how many pairs it may have, of the objective's seeds and more; 0: the objective's.
    """

    kind: ClassVar[str] = "idea_selected"
    idea: str
    parent: str
    reason: str
    reference: str = ""
    leap: bool = False
    pairs: int = 0


@dataclass(frozen=True, slots=True)
class LeapOpened:
    """Three PARAM iterations in a row, or stagnation: structural candidates, to be audited."""

    kind: ClassVar[str] = "leap_opened"
    parent: str
    candidates: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class HoneymoonOpened:
    """A leap did not pay at once: up to `length` ideas are tried on top of it."""

    kind: ClassVar[str] = "honeymoon_opened"
    idea: str
    commit: str
    reference: str
    length: int


@dataclass(frozen=True, slots=True)
class HoneymoonClosed:
    """The leap paid after all, or the search is back at `commit`, the optimum before it."""

    kind: ClassVar[str] = "honeymoon_closed"
    idea: str
    paid: bool
    commit: str
    reason: str


@dataclass(frozen=True, slots=True)
class PatchMade:
    """Phase 3, steps 2 and 3: the idea as a commit on its parent."""

    kind: ClassVar[str] = "patch_made"
    patch: Patch


@dataclass(frozen=True, slots=True)
class PatchAudited:
    """The red-line verdict on the change from the base commit to the patch's commit.

    `opinion` is what a model said of a change that the audit could not clear, in one line; it can
    only have made the verdict stricter.
    """

    kind: ClassVar[str] = "patch_audited"
    patch: str
    verdict: Verdict
    opinion: str = ""


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
class Piece:
    """One hunk of the best patch: lines of `path` from `line`, as a person would name it."""

    id: str
    path: str
    line: int
    title: str


@dataclass(frozen=True, slots=True)
class AblationPlanned:
    """The best patch taken apart; `patch` and `commit` are the whole."""

    kind: ClassVar[str] = "ablation_planned"
    patch: str
    commit: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class AblationSkipped:
    """The best patch was not taken apart, and why: it may hold more than the gain needs."""

    kind: ClassVar[str] = "ablation_skipped"
    patch: str
    reason: str


@dataclass(frozen=True, slots=True)
class PatchReduced:
    """The best patch without some of its pieces, as a commit on the base."""

    kind: ClassVar[str] = "patch_reduced"
    patch: Patch
    of: str
    dropped: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PieceJudged:
    """What one piece carries: `comparison` is with it against without it, positive is better."""

    kind: ClassVar[str] = "piece_judged"
    piece: str
    needed: bool
    reason: str
    comparison: Comparison | None = None


@dataclass(frozen=True, slots=True)
class ConfirmationPlanned:
    """The price of a confirmation, before it is paid.

    `effect` and `sd` are of the paired difference seen in search, on the search metric, the
    effect shrunken towards zero because it was chosen. `power` is the chance to confirm it
    with these seeds; `pairs_needed` gives a chance of 80 % (None: out of reach). `controls` and
    `control_seconds` are the runs that the controls will take if the claim passes, and their time.
    `note` says why no chance can be promised.
    """

    kind: ClassVar[str] = "confirmation_planned"
    attempt: int
    patch: str
    commit: str
    seeds: tuple[int, ...]
    evaluations: int
    expected_seconds: float
    effect: float | None = None
    sd: float | None = None
    power: float | None = None
    pairs_needed: int | None = None
    dollars: float = 0.0
    controls: int = 0
    control_seconds: float = 0.0
    note: str = ""


@dataclass(frozen=True, slots=True)
class OutcomesCompared:
    """The per-example outcomes of the confirmation's runs, resampled over seeds and examples.

    `comparison` is None, with a reason, when the files do not allow it.
    """

    kind: ClassVar[str] = "outcomes_compared"
    patch: str
    examples: int
    comparison: Comparison | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ControlJudged:
    """One control on the confirmation. `passed` is None when it could not be run."""

    kind: ClassVar[str] = "control_judged"
    name: str
    passed: bool | None
    reason: str
    comparison: Comparison | None = None


@dataclass(frozen=True, slots=True)
class TransferJudged:
    """The confirmed change in another setting; it does not change the verdict."""

    kind: ClassVar[str] = "transfer_judged"
    name: str
    holds: bool | None
    reason: str
    comparison: Comparison | None = None


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
    """The end. Numbers are means of the claim metric that receipts hold, or None.

    `compute` is the candidate's compute over the baseline's, as a paired median ratio minus
    one; `equal_compute` is the claim against a baseline that was given as much (None: not needed,
    or not matched); `caps` is what the verdict does not cover, in words.
    """

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
    compute: float | None = None
    caps: tuple[str, ...] = ()
    equal_compute: Comparison | None = None


@dataclass(frozen=True, slots=True)
class IdeaRefused:
    """The user rejected an idea, and said why."""

    kind: ClassVar[str] = "idea_refused"
    idea: str
    reason: str


@dataclass(frozen=True, slots=True)
class Steered:
    """The user said in words what ideas to look for; '' asks for ideas once more."""

    kind: ClassVar[str] = "steered"
    text: str


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
    | LeapOpened
    | HoneymoonOpened
    | HoneymoonClosed
    | PatchMade
    | PatchAudited
    | IdeaJudged
    | BestMoved
    | AblationPlanned
    | AblationSkipped
    | PatchReduced
    | PieceJudged
    | ConfirmationPlanned
    | OutcomesCompared
    | ControlJudged
    | ConfirmationJudged
    | TransferJudged
    | CampaignStopped
    | CampaignResumed
    | CampaignFinished
    | IdeaRefused
    | Steered
    | PatchApplied
)

EVENT_TYPES: tuple[type[Event], ...] = Event.__args__
