"""Synthetic campaigns: the real scheduler in a simulated world, with real receipts."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from autosota.agents.domain import (
    BASELINE,
    Boundary,
    Budget,
    Comparison,
    ComputeKnob,
    Controls,
    Decision,
    Finding,
    Granularity,
    Guard,
    Hypothesis,
    Isolation,
    Level,
    Machine,
    MetricReading,
    MetricSource,
    Objective,
    Outcome,
    Paper,
    PaperClaim,
    Patch,
    Place,
    Protocol,
    Purpose,
    Receipt,
    Resources,
    RowsControl,
    Severity,
    Transfer,
    Verdict,
)
from autosota.agents.scheduler import actions
from autosota.agents.scheduler import events as ev
from autosota.agents.scheduler.claims import AGAIN, INPUTS, LABELS, MATCHED, NULL, SEEDS_AND_ROWS
from autosota.agents.scheduler.decide import next_action
from autosota.agents.scheduler.state import NULL_PATCH, CampaignState, fold
from autosota.server.campaign import run_id
from autosota.server.ledger.codec import receipt_hash

DIFF = """diff --git a/train.py b/train.py
--- a/train.py
+++ b/train.py
@@ -12,7 +12,8 @@ def build(seed: int) -> Pipeline:
     return make_pipeline(
         StandardScaler(),
-        LogisticRegression(C=1.0, max_iter=200),
+        # {title}
+        LogisticRegression(C=0.1, max_iter=200),
     )
 
 
"""

MACHINE = Machine(
    cpu="AMD EPYC 7B13",
    cores=2,
    memory_bytes=8 * 2**30,
    system="Linux 6.1",
    python="3.11.7",
    libraries={"numpy": "2.1.0", "scikit-learn": "1.7.0"},
)


def sha(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def idea(name: str, granularity: Granularity = Granularity.CODE, **changes: object) -> Hypothesis:
    made = Hypothesis(
        id=name,
        title=f"Try {name.replace('-', ' ')} in the training pipeline",
        granularity=granularity,
        transformation=name,
        place=Place("train.py", 14),
        symbol="build",
        reason="The features have very different scales, and the penalty treats them alike.",
        paper="Zou & Hastie 2005, Regularization and variable selection",
        expected="a small gain in accuracy",
        assumptions=("the model is linear in its inputs",),
    )
    return replace(made, **changes)


def objective(**changes: object) -> Objective:
    made = Objective(
        command="python train.py --seed {seed} --out {run_dir}",
        metric="test_accuracy",
        select_on="val_accuracy",
        evaluate="python evaluate.py --pred {run_dir}/pred.npy",
        paper=Paper(
            "Handwritten digits with a small linear model",
            "paper.pdf",
            (PaperClaim("test_accuracy", 0.925, "Table 1, row LR"),),
        ),
        metrics={"test_accuracy": MetricSource("test_accuracy", unit="fraction")},
        guards=(Guard("params", max_increase=0.1), Guard("wall_seconds", max_increase=0.25)),
        protocol=Protocol(("evaluate.py",), ("data/**",), ("labels/**",), {"test_size": 0.3}),
        budget=Budget(evaluations=120),
    )
    return replace(made, **changes)


@dataclass
class Told:
    """A campaign as the report gets it."""

    history: list[tuple[int, str, ev.Event]]
    receipts: dict[str, Receipt]

    @property
    def state(self) -> CampaignState:
        return fold(event for _, _, event in self.history)

    @property
    def events(self) -> list[ev.Event]:
        return [event for _, _, event in self.history]

    def cut(self, count: int) -> Told:
        """The campaign after its first `count` events."""
        history = self.history[:count]
        names = {e.run_id for _, _, e in history if isinstance(e, ev.RunFinished)}
        return Told(history, {k: v for k, v in self.receipts.items() if k in names})

    def until(self, stop: Callable[[CampaignState], bool]) -> Told:
        """The campaign up to the first event after which `stop` holds."""
        state = CampaignState()
        for n, event in enumerate(self.events, start=1):
            state.apply(event)
            if stop(state):
                return self.cut(n)
        raise AssertionError("it never happens")

    def then(self, *events: ev.Event) -> Told:
        """The campaign with more events."""
        n = len(self.history)
        more = [(n + i, f"2026-03-02T12:00:{i:02d}.000000Z", e) for i, e in enumerate(events, 1)]
        return Told([*self.history, *more], self.receipts)


@dataclass
class Lab:
    """A simulated laboratory. Effects per idea, in the metric's unit, on search and claim."""

    ideas: list[Hypothesis]
    effect: dict[str, float] = field(default_factory=dict)
    claim_effect: dict[str, float] | None = None
    sd: float = 0.006
    objective: Objective = field(default_factory=objective)
    outcome: dict[str, Outcome] = field(default_factory=dict)
    decision: dict[str, Decision] = field(default_factory=dict)
    params: dict[str, float] = field(default_factory=dict)
    isolation: Isolation = Isolation.SEALED
    prior_confirmations: int = 0
    diff: str = DIFF
    findings: tuple[Finding, ...] = ()
    reason: str = "exit code 1: ValueError: C must be positive"
    compute: dict[str, float] = field(default_factory=dict)  # more CPU time, relative, per idea
    lucky: dict[str, float] = field(default_factory=dict)  # gains on the search's own seeds only
    luck: float = 0.0  # what is left of the score when there is nothing to learn from
    settings: dict[str, float] = field(default_factory=dict)  # effects in a transfer's setting
    matched: float = 0.0  # what the baseline gains from the candidate's compute
    drift: float = 0.0  # how far the winner is off when it is run once more
    knob: float | None = None
    outcomes: ev.OutcomesCompared | None = None
    probes: tuple[str, ...] = ()
    holds: dict[str, tuple[str, ...]] = field(default_factory=dict)  # commit → ideas in it

    def play(self, stop_after: int = 100_000) -> Told:
        state = CampaignState()
        history: list[tuple[int, str, ev.Event]] = []
        receipts: dict[str, Receipt] = {}
        event: ev.Event = ev.CampaignStarted(
            self.objective,
            sha("objective"),
            sha("base")[:40],
            False,
            "0.1.0",
            self.prior_confirmations,
        )
        while True:
            state.apply(event)
            n = len(history) + 1
            time = f"2026-03-02T{9 + n // 3600:02d}:{n // 60 % 60:02d}:{n % 60:02d}.000000Z"
            history.append((n, time, event))
            if n >= stop_after:
                break
            action = next_action(state)
            if isinstance(action, actions.Done):
                break
            event = self.answer(state, action, receipts)
        return Told(history, receipts)

    def answer(
        self, state: CampaignState, action: actions.Action, receipts: dict[str, Receipt]
    ) -> ev.Event:
        match action:
            case actions.Prepare():
                return ev.EnvironmentReady(
                    "/home/ada/.cache/autosota/env/bin/python",
                    sha("environment"),
                    "bubblewrap 0.8",
                    self.isolation,
                    MACHINE,
                )
            case actions.Analyse():
                return ev.CodeAnalysed(
                    Boundary(("evaluate.py",), ("evaluate.py",)),
                    sha("ev"),
                    sha("data"),
                    compute_knob=self.knob,
                    probes=self.probes,
                )
            case actions.Propose():
                new = tuple(i for i in self.ideas if i.id not in state.ideas)
                return ev.IdeasProposed(action.commit, new)
            case actions.Implement():
                number = len(state.patches) + 1
                commit = self.make(action.parent, (*self.ideas_in(action.parent), action.idea))
                title = state.ideas[action.idea].title
                diff = self.diff.replace("{title}", title)
                return ev.PatchMade(
                    Patch(f"c1-p{number}", action.idea, action.parent, commit, diff)
                )
            case actions.Tune():
                return ev.IdeasProposed(action.commit, (), "tuner")
            case actions.Combine():
                return ev.IdeasProposed(action.commit, (), "combination")
            case actions.Plant():
                commit = self.make(action.parent, ())
                return ev.PatchMade(
                    Patch("c1-null", NULL_PATCH, action.parent, commit, "+# a comment\n")
                )
            case actions.TakeApart():
                return ev.AblationPlanned(
                    action.patch,
                    action.commit,
                    tuple(
                        ev.Piece(f"h{n}", "train.py", 14 + 27 * n, f"model = {name}(C=10)")
                        for n, name in enumerate(self.ideas_in(action.commit))
                    ),
                )
            case actions.Reduce():
                whole = state.patches[action.patch]
                names = self.ideas_in(whole.commit)
                left = tuple(i for n, i in enumerate(names) if f"h{n}" not in action.drop)
                base = state.start.base_commit
                commit = self.make(base, left)
                diff = "".join(self.diff.replace("{title}", state.ideas[i].title) for i in left)
                made = Patch(
                    f"{action.patch}-without-{'-'.join(action.drop)}",
                    whole.hypothesis,
                    base,
                    commit,
                    diff,
                )
                return ev.PatchReduced(made, action.patch, action.drop)
            case actions.CompareOutcomes():
                assert self.outcomes is not None
                return replace(self.outcomes, patch=action.patch)
            case actions.Audit():
                name = state.patches[action.patch].hypothesis
                decision = self.decision.get(name, Decision.CLEARED)
                findings = self.findings
                if decision is Decision.REJECTED and not findings:
                    findings = (
                        Finding(
                            "EV201",
                            "evaluation edited",
                            Severity.BLOCK,
                            "R2",
                            Place("evaluate.py", 3),
                            "the candidate edits the metric",
                        ),
                    )
                return ev.PatchAudited(action.patch, Verdict(decision, findings))
            case actions.Execute():
                receipt = self.run(state, action)
                receipts[receipt.run_id] = receipt
                return finished(receipt)
            case actions.Record():
                return action.event
        raise AssertionError(action)

    def run(self, state: CampaignState, action: actions.Execute) -> Receipt:
        names = self.ideas_in(action.commit)
        claim_effect = self.effect if self.claim_effect is None else self.claim_effect
        outcome = self.outcome.get(names[-1] if names else BASELINE, Outcome.OK)
        goal = self.objective
        variant = action.variant.name
        setting = variant.removeprefix("transfer ")
        if variant.startswith("transfer "):
            claim_effect = {n: self.settings.get(setting, 0.0) for n in names[:1]}

        def value(metric: str, level: float, effect: dict[str, float]) -> float:
            key = f"{metric}{action.seed}{action.purpose}{variant}"
            if variant in (NULL, AGAIN):  # the same code and seed give the same number
                key = f"{metric}{action.seed}confirm"
            commit = state.start.base_commit if variant == NULL else action.commit
            stream = random.Random(f"{commit}{key}")
            found = level + sum(effect.get(n, 0.0) for n in names) + stream.gauss(0, self.sd)
            if metric == "val" and action.seed in goal.seeds:
                found += sum(self.lucky.get(n, 0.0) for n in names)
            if variant in (LABELS, INPUTS):
                found = 0.1 + self.luck
            return found + self.drift * (variant == AGAIN) + self.matched * (variant == MATCHED)

        readings = [
            MetricReading(goal.select_on, value("val", 0.93, self.effect)),
            MetricReading("val_f1", value("f1", 0.90, self.effect)),
            MetricReading("params", 650.0 + sum(self.params.get(n, 0.0) for n in names)),
        ]
        if not goal.selects_on_claim:
            masked = action.purpose is Purpose.SEARCH
            found = None if masked else value("test", 0.912, claim_effect)
            reason = "masked" if masked else ""
            readings.append(MetricReading(goal.metric, found, "evaluate", reason))
        if outcome is not Outcome.OK:
            readings = [replace(r, value=None, reason="the run failed") for r in readings]
        noise = random.Random(f"wall{action.commit}{action.seed}").random()
        more = 1.0 + sum(self.compute.get(n, 0.0) for n in names)
        if self.knob and action.variant.arguments.startswith("--epochs "):
            more *= float(action.variant.arguments.split()[-1]) / self.knob
        return Receipt(
            run_id=run_id("c1", action),
            campaign="c1",
            purpose=action.purpose,
            side=action.side,
            commit=action.commit,
            base_commit=state.start.base_commit,
            seed=action.seed,
            command=goal.command,
            evaluate=goal.evaluate,
            objective_hash=sha("objective"),
            evaluator_hash=sha("ev"),
            data_hash=sha("data"),
            environment_hash=sha("environment"),
            sandbox="bubblewrap 0.8",
            isolation=self.isolation,
            outcome=outcome,
            reason="" if outcome is Outcome.OK else self.reason,
            exit_code=0 if outcome is Outcome.OK else 1,
            stdout_hash=sha("out", action.commit, action.seed),
            stderr_hash=sha("err"),
            metrics=tuple(readings),
            resources=Resources(
                more * (1.8 + 0.2 * noise), more * (1.6 + 0.1 * noise), 180 * 2**20, 4096
            ),
            machine=MACHINE,
            started_at="2026-03-02T09:00:00Z",
            finished_at="2026-03-02T09:00:02Z",
            variant=variant,
        )

    def make(self, parent: str, names: tuple[str, ...]) -> str:
        commit = sha(parent, names)[:40]
        self.holds[commit] = names
        return commit

    def ideas_in(self, commit: str) -> tuple[str, ...]:
        return self.holds.get(commit, ())


def finished(receipt: Receipt) -> ev.RunFinished:
    used = receipt.resources
    return ev.RunFinished(
        run_id=receipt.run_id,
        purpose=receipt.purpose,
        side=receipt.side,
        commit=receipt.commit,
        seed=receipt.seed,
        outcome=receipt.outcome,
        reason=receipt.reason,
        metrics={m.name: m.value for m in receipt.metrics},
        isolation=receipt.isolation,
        wall_seconds=used.wall_seconds,
        receipt=receipt_hash(receipt),
        resources={
            "cpu_seconds": float(used.cpu_seconds or 0.0),
            "peak_memory_bytes": float(used.peak_memory_bytes or 0),
            "disk_bytes": float(used.disk_bytes or 0),
        },
        variant=receipt.variant,
        outcomes=receipt.outcomes_hash,
        intermediate=receipt.intermediate,
    )


NINE = [
    idea("standardise", Granularity.PARAM, priority=Level.HIGH),
    idea("stronger-penalty", Granularity.PARAM, priority=Level.HIGH, paper="arXiv:1502.03167"),
    idea("balanced-weights", Granularity.PARAM),
    idea("random-fourier-features", Granularity.ALGO, risk=Level.MEDIUM),
    idea("label-smoothing", paper="Müller 2019, https://arxiv.org/abs/1906.02629"),
    idea("bagging", Granularity.ALGO),
    idea("early-stopping"),
    idea("edit-the-metric"),
    idea("power-transform"),
    idea("not-for-us", admissible=False, admissible_reason="R5: it would look at test data"),
]


@pytest.fixture
def lab() -> type[Lab]:
    return Lab


@pytest.fixture
def make_idea() -> Callable[..., Hypothesis]:
    return idea


@pytest.fixture
def make_objective() -> Callable[..., Objective]:
    return objective


@pytest.fixture
def confirmed() -> Told:
    return confirmed_campaign()


def confirmed_campaign() -> Told:
    return Lab(
        list(NINE),
        {"standardise": 0.012, "random-fourier-features": 0.02, "bagging": -0.3},
        claim_effect={"standardise": 0.01, "random-fourier-features": 0.018},
        outcome={"label-smoothing": Outcome.CRASHED},
        decision={"edit-the-metric": Decision.REJECTED},
        params={"early-stopping": 400.0},
    ).play()


@pytest.fixture
def survived() -> Told:
    return survived_campaign()


def survived_campaign(**changes: object) -> Told:
    """Everything that a confirmation can have: ablation, controls, outcomes, transfers."""
    goal = objective(
        controls=Controls(
            labels=RowsControl("data/train.csv", "y"),
            inputs=RowsControl("data/test.csv"),
            compute_knob=ComputeKnob("--epochs", "epochs"),
            chance=0.1,
        ),
        outcomes="{run_dir}/outcomes.csv",
        transfers=(Transfer("half the data", "--rows 300"), Transfer("horizon 48", "--h 48")),
        guards=(Guard("params", max_increase=0.1),),
        budget=Budget(evaluations=180),
    )
    compared = Comparison(
        "test_accuracy", 10, 0.91, 0.94, 0.03, 0.021, 0.039, None, None, 1, covers=SEEDS_AND_ROWS
    )
    settings: dict[str, object] = {
        "ideas": list(NINE),
        "effect": {
            "standardise": 0.02,
            "balanced-weights": -0.02,  # better on the search's own seeds only
            "random-fourier-features": 0.03,
            "bagging": -0.3,
        },
        "claim_effect": {"standardise": 0.01, "random-fourier-features": 0.018},
        "lucky": {"balanced-weights": 0.05},
        "outcome": {"label-smoothing": Outcome.CRASHED},
        "decision": {"edit-the-metric": Decision.REJECTED},
        "objective": goal,
        "compute": {"standardise": 0.3},
        "settings": {"half the data": 0.02},
        "knob": 40.0,
        "outcomes": ev.OutcomesCompared("", 540, compared),
        "probes": ("3 of 540 test rows are also in the training data",),
    }
    return Lab(**{**settings, **changes}).play()


@pytest.fixture
def no_gain() -> Told:
    return Lab(list(NINE)).play()


@pytest.fixture
def not_held() -> Told:
    """Better in search, and not on the claim."""
    return Lab(list(NINE), {"standardise": 0.03}, claim_effect={}).play()


@pytest.fixture
def not_reproduced() -> Told:
    return Lab(list(NINE), outcome={BASELINE: Outcome.COMMAND_NOT_FOUND}).play()


@pytest.fixture
def halfway(confirmed: Told) -> Told:
    """Stopped in the middle of its confirmation: claims are there, and must stay masked."""
    middle = confirmed.until(lambda s: sum(r.purpose is Purpose.CONFIRM for r in s.runs) == 6)
    return middle.then(ev.CampaignStopped("SIGINT", "stopped by you"))


@pytest.fixture
def selects_on_claim() -> Told:
    goal = objective(metric="val_accuracy", evaluate="", paper=Paper())
    return Lab(
        list(NINE), {"standardise": 0.03}, objective=goal, isolation=Isolation.OVERLAID
    ).play()
