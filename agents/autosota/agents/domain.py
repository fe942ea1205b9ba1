"""The nouns of the project, as frozen dataclasses used everywhere by these names.

Plain data: no input or output, no clock, no randomness. How they are stored (ledger), read
from files (config) or shown (report) is not known here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

BASELINE = "baseline"
"""The side of a comparison that is the untouched base commit."""


class Granularity(StrEnum):
    """How deep an idea reaches (paper, section 3.7): micro, meso, macro."""

    PARAM = "PARAM"
    CODE = "CODE"
    ALGO = "ALGO"


class Level(StrEnum):
    """A coarse level, for risk and priority."""

    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"


class Direction(StrEnum):
    """Which way a metric is better."""

    MAXIMIZE = "maximize"
    MINIMIZE = "minimize"

    @property
    def sign(self) -> int:
        """+1 when larger is better, -1 when smaller is."""
        return 1 if self is Direction.MAXIMIZE else -1


class Purpose(StrEnum):
    """Why an experiment was executed."""

    BASELINE = "baseline"
    SEARCH = "search"
    CONFIRM = "confirm"
    CONTROL = "control"
    TRANSFER = "transfer"


class Outcome(StrEnum):
    """How one execution of the experiment ended. Everything but `OK` is a failure."""

    OK = "ok"
    CRASHED = "crashed"
    COMMAND_NOT_FOUND = "command_not_found"
    TIMEOUT = "timeout"
    TOO_SLOW = "too_slow"
    STOPPED = "stopped"
    OUT_OF_MEMORY = "out_of_memory"
    DISK_QUOTA = "disk_quota"
    OUTPUT_LIMIT = "output_limit"
    PRUNED = "pruned"
    LEFT_PROCESSES = "left_processes"
    TAMPERED = "tampered"
    EVALUATOR_FAILED = "evaluator_failed"
    METRIC_MISSING = "metric_missing"
    METRIC_NOT_FINITE = "metric_not_finite"
    METRIC_CONFLICT = "metric_conflict"


class Isolation(StrEnum):
    """How well the judged code was kept from its judge (design: "A score nobody can type")."""

    SEALED = "sealed"
    OVERLAID = "overlaid"
    DECLARED = "declared"


class Severity(StrEnum):
    """Of a finding. `block` can only be overridden by a human with a written reason."""

    BLOCK = "block"
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Decision(StrEnum):
    """Of an audit. `cleared` is only given when everything could be analysed."""

    CLEARED = "cleared"
    NEEDS_REVIEW = "needs_review"
    REJECTED = "rejected"


class Side(StrEnum):
    """Where a changed symbol stands with respect to the evaluation boundary."""

    EVALUATION = "evaluation"
    DATA = "data"
    MODEL = "model"
    TRAINING = "training"
    OTHER = "other"


class Fate(StrEnum):
    """What became of an idea in the search. `confirmed` needs the claim, on fresh seeds."""

    REJECTED = "rejected"
    NOT_APPLICABLE = "not_applicable"
    FAILED = "failed"
    NOISE = "noise"
    GUARDED = "guarded"
    PROVISIONAL = "provisional"
    CONFIRMED = "confirmed"


class CampaignVerdict(StrEnum):
    """How a campaign ended."""

    CONFIRMED = "confirmed"
    PROVISIONAL = "provisional"
    NO_GAIN = "no_gain"
    NOT_REPRODUCED = "not_reproduced"
    STOPPED = "stopped"
    FAILED = "failed"


# ------------------------------------------------------------------ the objective


@dataclass(frozen=True, slots=True)
class PaperClaim:
    """A number that the paper prints, in the unit of the metric of the same name."""

    metric: str
    value: float
    where: str = ""


@dataclass(frozen=True, slots=True)
class Paper:
    """The paper behind the repository.

    `tolerance` is how far, relative to the printed value, a reproduced claim may be worse
    before the campaign stops as not reproduced.
    """

    title: str = ""
    source: str = ""
    claims: tuple[PaperClaim, ...] = ()
    tolerance: float = 0.20


@dataclass(frozen=True, slots=True)
class MetricSource:
    """Where the runner reads one metric.

    `source` is `stdout` or a path that may hold `{run_dir}`. With neither `key` nor
    `pattern` the metric is a `METRIC name=value` line. `key` is a dotted path into JSON, or
    into the last line of JSONL; `pattern` is a regular expression with a group `value`.
    """

    name: str
    source: str = "stdout"
    key: str = ""
    pattern: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Guard:
    """R4: how far a recorded metric or resource may move, relative or absolute."""

    name: str
    max_increase: float | None = None
    max_increase_abs: float | None = None
    max_decrease: float | None = None
    max_decrease_abs: float | None = None


@dataclass(frozen=True, slots=True)
class Protocol:
    """The evaluation protocol that no candidate may change (R1, R2, R5, R6, R7).

    `evaluation` names files or `file.py::function`; `data` and `labels` are globs relative
    to the workspace root; `frozen` maps constant names to their value.
    """

    evaluation: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    frozen: Mapping[str, str | int | float | bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RowsControl:
    """A file whose rows a control permutes: training labels, or inputs that are predicted on.

    `column` of a CSV file; empty permutes whole rows (a .npy array along its first axis).
    """

    file: str
    column: str = ""


@dataclass(frozen=True, slots=True)
class ComputeKnob:
    """The flag that spends more or less compute, for the compute-matched control."""

    flag: str
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Controls:
    """Controls that the repository makes possible.

    `chance` is what the claim metric is for a model that learned nothing, in its unit.
    """

    labels: RowsControl | None = None
    inputs: RowsControl | None = None
    compute_knob: ComputeKnob | None = None
    chance: float | None = None


@dataclass(frozen=True, slots=True)
class Transfer:
    """Another setting (size, data set, horizon) in which a confirmed gain is tried.

    `arguments` is shell text that is appended to the command.
    """

    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Environment:
    """What a run needs around it. `memory_bytes` and `disk_bytes` of 0 mean no limit.

    With `gpu_fallback` a campaign that cannot have its GPUs runs without, and says so.
    """

    sandbox: str = "auto"
    requirements: tuple[str, ...] = ()
    requirements_file: str = ""
    python: str = ""
    image: str = ""
    gpus: int = 0
    gpu_fallback: bool = False
    network: bool = False
    memory_bytes: int = 0
    disk_bytes: int = 10 * 2**30
    caches: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Budget:
    """What a campaign may spend. `evaluations` counts every execution of the experiment.

    `ideas` is the most iterations of the search (paper, 3.8); None is no limit of its own.
    """

    evaluations: int = 100
    wall_seconds: float = 7200.0
    dollars: float | None = None
    tokens: int | None = None
    ideas: int | None = None


_PARTS = {
    "test": "test",
    "holdout": "test",
    "heldout": "test",
    "eval": "eval",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "dev": "validation",
    "train": "training",
    "training": "training",
}


def _part_of_data(metric: str) -> str | None:
    """The part of the data that a metric's name speaks of (`test_acc`, `acc/val`), or None."""
    words = re.split(r"[^a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", metric).lower())
    return next((_PARTS[w] for w in words if w in _PARTS), None)


@dataclass(frozen=True, slots=True)
class Objective:
    """What is optimised, how it is measured and what may not move: `autosota.toml`, typed.

    `outcomes` is a CSV file that a run writes, one row per test example (columns `id` and
    `value`, whose mean is the claim or orders as it does); empty when there is none. `target`
    ends the search once the mean of `select_on` reaches it.
    """

    command: str
    metric: str
    select_on: str
    direction: Direction = Direction.MAXIMIZE
    evaluate: str = ""
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    confirm_seeds: int = 10
    target: float | None = None
    outcomes: str = ""
    timeout_seconds: float = 600.0
    paper: Paper = field(default_factory=Paper)
    metrics: Mapping[str, MetricSource] = field(default_factory=dict)
    guards: tuple[Guard, ...] = ()
    protocol: Protocol = field(default_factory=Protocol)
    controls: Controls = field(default_factory=Controls)
    transfers: tuple[Transfer, ...] = ()
    environment: Environment = field(default_factory=Environment)
    budget: Budget = field(default_factory=Budget)
    autonomy: str = "suggest"

    def source_of(self, name: str) -> MetricSource:
        """The declared source of a metric, or the METRIC line of that name."""
        return self.metrics.get(name) or MetricSource(name)

    @property
    def selects_on_claim(self) -> bool:
        """True when search can only look at the claim itself (LK112): no keep is confirmed."""
        return self.select_on == self.metric

    def tells_of_claim(self, name: str) -> bool:
        """True for the claim, and for metrics of the same part of the data by their name.

        `test_macro_f1` is as much a look at the test set as `test_accuracy`: both stay masked
        until the confirmation, unless the search metric names that part itself.
        """
        if self.selects_on_claim:
            return False
        if name == self.metric:
            return True
        if name == self.select_on:
            return False
        part = _part_of_data(self.metric)
        return part is not None and _part_of_data(self.select_on) != part == _part_of_data(name)

    def claim_of_paper(self) -> PaperClaim | None:
        """The paper's number for the claim metric, if it was written down."""
        return next((c for c in self.paper.claims if c.metric == self.metric), None)


# ------------------------------------------------------------------ runs and receipts


@dataclass(frozen=True, slots=True)
class Variant:
    """How one execution differs from the objective's own; the default does not differ.

    `name` tells it apart in the ledger ("" for the plain run). `arguments` is shell text that
    is appended to the command. `permute` names a file whose rows the command sees in another
    order (drawn from the run's seed). `fresh_environment` builds the environment again,
    without any cache.
    """

    name: str = ""
    arguments: str = ""
    permute: RowsControl | None = None
    fresh_environment: bool = False


@dataclass(frozen=True, slots=True)
class Pruning:
    """When a run may be ended early: `bounds` are (step, worst value that may go on).

    Intermediate values are `METRIC name=value step=n` lines of `metric`.
    """

    metric: str
    direction: Direction
    bounds: tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True)
class TimeLimit:
    """When a run is stopped as too slow, in wall seconds of its command, and what is said then."""

    seconds: float
    reason: str


@dataclass(frozen=True, slots=True)
class RunRequest:
    """One execution of the experiment that the campaign asks for.

    `side` is `baseline` or the id of the patch whose commit is run; `commit` is what runs and
    `base_commit` is what protected files are restored from. When `mask_claim` is true the
    claim's value is neither returned nor left in logs. `limit` ends it before the objective's
    timeout does.
    """

    run_id: str
    campaign: str
    purpose: Purpose
    side: str
    commit: str
    base_commit: str
    seed: int
    mask_claim: bool
    variant: Variant = Variant()
    pruning: Pruning | None = None
    limit: TimeLimit | None = None


@dataclass(frozen=True, slots=True)
class MetricReading:
    """One metric of one run. `value` is None when unknown, and `reason` says why.

    `origin` is `evaluate` when a separate evaluator produced it, else `command`.
    """

    name: str
    value: float | None
    origin: str = "command"
    reason: str = ""


@dataclass(frozen=True, slots=True)
class GpuUse:
    """What one GPU was used for during a run, by all programs on it together.

    Attributes:
        uuid: The GPU; so with `name` and `driver`.
        samples: How often it was looked at.
        memory_before_bytes: In use at the first look; None when it is not told.
        peak_memory_bytes: The most in use.
        mean_utilisation: The mean share of time in which it computed, 0 to 1.
        peak_utilisation: The highest such share.
    """

    uuid: str
    name: str
    driver: str
    samples: int = 0
    memory_before_bytes: int | None = None
    peak_memory_bytes: int | None = None
    mean_utilisation: float | None = None
    peak_utilisation: float | None = None


@dataclass(frozen=True, slots=True)
class Resources:
    """What a run used: seconds, and bytes at their peak. None where it was not measured."""

    wall_seconds: float = 0.0
    cpu_seconds: float | None = None
    peak_memory_bytes: int | None = None
    disk_bytes: int | None = None
    gpus: tuple[GpuUse, ...] = ()


@dataclass(frozen=True, slots=True)
class Machine:
    """Hardware and software a run used; runs from different hardware are not compared.

    `threads` are the variables that told numeric libraries how many threads to start.
    """

    cpu: str = ""
    cores: int = 0
    memory_bytes: int = 0
    gpus: tuple[str, ...] = ()
    driver: str = ""
    system: str = ""
    python: str = ""
    libraries: Mapping[str, str] = field(default_factory=dict)
    threads: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof of one run, written by the runner. All hashes are hexadecimal SHA-256.

    `stdout_hash` and `stderr_hash` are of the log files as stored (masked, cut at the cap);
    `outcomes_hash` is of the per-example outcomes ("" when none were kept). `intermediate`
    are (step, value) of `select_on` as the run reported them. `image` is the id of the
    container image, "" for runs outside of containers.
    """

    run_id: str
    campaign: str
    purpose: Purpose
    side: str
    commit: str
    base_commit: str
    seed: int
    command: str
    evaluate: str
    objective_hash: str
    evaluator_hash: str
    data_hash: str
    environment_hash: str
    sandbox: str
    isolation: Isolation
    outcome: Outcome
    reason: str
    exit_code: int | None
    stdout_hash: str
    stderr_hash: str
    metrics: tuple[MetricReading, ...]
    resources: Resources
    machine: Machine
    started_at: str
    finished_at: str
    variant: str = ""
    outcomes_hash: str = ""
    intermediate: tuple[tuple[int, float], ...] = ()
    image: str = ""

    def reading(self, name: str) -> MetricReading | None:
        """The reading of one metric, or None when it was never looked for."""
        return next((m for m in self.metrics if m.name == name), None)

    def value(self, name: str) -> float | None:
        """The value of one metric; None when unknown or masked."""
        reading = self.reading(name)
        return reading.value if reading is not None else None

    def isolation_of(self, name: str) -> Isolation:
        """The grade of one number: `sealed` only if the separate evaluator produced it."""
        reading = self.reading(name)
        if self.isolation is Isolation.SEALED and (reading is None or reading.origin != "evaluate"):
            return Isolation.OVERLAID
        return self.isolation


# ------------------------------------------------------------------ ideas, patches, findings


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a file. Lines and columns from 1, columns in characters.

    `cell` is the notebook cell's index, or None. `end_line` of 0 means: the start only.
    """

    path: str
    line: int
    column: int = 1
    end_line: int = 0
    end_column: int = 0
    cell: int | None = None


@dataclass(frozen=True, slots=True)
class RelatedPlace:
    """A second place that a finding needs to be understood."""

    path: str
    line: int
    message: str
    cell: int | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule of `rules.json` that fired, with its evidence."""

    code: str
    name: str
    severity: Severity
    red_line: str
    place: Place
    message: str
    related: tuple[RelatedPlace, ...] = ()
    url: str = ""


@dataclass(frozen=True, slots=True)
class ChangedSymbol:
    """A function, class or file that differs in meaning between two trees."""

    path: str
    symbol: str
    boundary: Side


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an audit says of a change."""

    decision: Decision
    findings: tuple[Finding, ...] = ()
    changed: tuple[ChangedSymbol, ...] = ()


@dataclass(frozen=True, slots=True)
class Boundary:
    """The evaluation boundary of a repository, as far as it is known.

    `symbols` are `path::qualified.name` (or `path` for a whole file) on the evaluation side;
    `files` are restored from the baseline and read-only in every run. `unknown` lists, in
    words, what could not be analysed: an audit that touches it says `needs_review`.
    """

    symbols: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """An idea for this code, before anything is changed.

    `transformation` and `arguments` say deterministically what `implement` does; `place` is
    the lever. `admissible` is the supervisor's word on the idea itself (phase 2). `family`
    groups ideas that are likely to fare alike; `cost` is a run's expected time relative to
    the code before (1 = as before).
    """

    id: str
    title: str
    granularity: Granularity
    transformation: str
    place: Place
    symbol: str
    reason: str
    paper: str
    expected: str = ""
    priority: Level = Level.MEDIUM
    risk: Level = Level.LOW
    assumptions: tuple[str, ...] = ()
    admissible: bool = True
    admissible_reason: str = ""
    provenance: str = "catalogue"
    family: str = ""
    cost: float = 1.0
    arguments: Mapping[str, str | int | float | bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Anchor:
    """Where an edit was made, found again by structure and not by line number."""

    path: str
    symbol: str
    node: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Patch:
    """A change: a unified diff against `parent`, and the commit that holds the result.

    `parent` is the commit it was made on (the base, or the best so far).
    """

    id: str
    hypothesis: str
    parent: str
    commit: str
    diff: str
    anchors: tuple[Anchor, ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """A paired comparison of two sides on one metric, over the same seeds.

    `difference` is the mean of candidate minus baseline, signed so that positive is better,
    in the metric's unit. `low` and `high` bound it at `confidence` (two-sided); they are None
    when fewer than two pairs, or no variation, allow none. `p_value` is one-sided and
    uncorrected; `corrected_p` is after `corrections` looks. `covers` says what the interval
    covers.
    """

    metric: str
    pairs: int
    baseline_mean: float | None
    candidate_mean: float | None
    difference: float | None
    low: float | None
    high: float | None
    p_value: float | None
    corrected_p: float | None
    corrections: int
    confidence: float = 0.95
    covers: str = "training noise (seeds); not the sampling of the test set"
    note: str = ""
