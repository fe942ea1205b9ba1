"""The campaign driver: carries out the scheduler's actions and appends what happened.

Phases 0 to 4 and the seven steps of phase 3 are the paper's (section 3.8). What comes next
is never decided here (see `agents.scheduler.decide`); how a run is sealed is the laboratory's
business, and what a person sees of it is a face's.
"""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Protocol

from autosota.agents.domain import (
    Decision,
    Fate,
    Hypothesis,
    Outcome,
    Patch,
    Purpose,
    Receipt,
    RunRequest,
)
from autosota.agents.ideator import tuning
from autosota.agents.ideator.combination import combination
from autosota.agents.ideator.draft import NotApplicable
from autosota.agents.ideator.ideation import implement, propose
from autosota.agents.ideator.library import merge
from autosota.agents.ideator.null import null_patch
from autosota.agents.ideator.pieces import reduce, take_apart
from autosota.agents.protocols import Tree, Workspace
from autosota.agents.scheduler import events as ev
from autosota.agents.scheduler.actions import (
    Action,
    Analyse,
    Audit,
    Combine,
    CompareOutcomes,
    Done,
    Execute,
    Implement,
    Plant,
    Prepare,
    Propose,
    Record,
    Reduce,
    TakeApart,
    Tune,
)
from autosota.agents.scheduler.claims import (
    CALIBRATION,
    CORRECTED,
    FURTHER,
    MATCHED,
    NULL,
    UNASKED,
    confirm_pairs,
)
from autosota.agents.scheduler.decide import next_action
from autosota.agents.scheduler.resampling import compare_outcomes
from autosota.agents.scheduler.search import search_scores
from autosota.agents.scheduler.state import NULL_PATCH, CampaignState, fold
from autosota.agents.supervisor.audit import audit
from autosota.server.activity import say
from autosota.server.advisor import Advisor, Cancelled
from autosota.server.errors import UserError
from autosota.server.ledger.codec import receipt_hash
from autosota.server.ledger.mailbox import Mailbox, Message
from autosota.server.ledger.store import Ledger
from autosota.server.sandbox.permute import ControlNotPossible

MAILBOX_SECONDS = 0.2
"""How often a driver looks for a stop; with the kill of a run it stays within 2 s."""


class Laboratory(Protocol):
    """Where runs happen: environment, boundary, sandboxes."""

    def prepare(self) -> ev.EnvironmentReady:
        """Build or find the environment."""
        ...

    def analyse(self) -> ev.CodeAnalysed:
        """Draw the boundary of the base commit and hash what must not move."""
        ...

    def ready(self, state: CampaignState) -> None:
        """Check that environment, evaluator and data are still those of the campaign."""
        ...

    def run(self, request: RunRequest) -> Receipt:
        """Run one experiment to its receipt.

        Raises:
            ControlNotPossible: the request's variant cannot be run here.
        """
        ...

    def outcomes(self, run_id: str, sha256: str) -> dict[str, float]:
        """The per-example outcomes that a run kept.

        Raises:
            UserError: they are gone, cannot be read, or are not those of the receipt.
        """
        ...

    def cancel(self) -> None:
        """End what is running, from any thread, within two seconds."""
        ...


Listener = Callable[[ev.Event, CampaignState], None]
Starting = Callable[[Action], None]


class Campaign:
    """One campaign, driven in this process until it is done or stopped.

    Args:
        id: the campaign's id in the ledger; its first event must be there already.
        ledger: opened for writing, with this process holding the campaign's lease.
        workspace: commits of our own store.
        laboratory: where runs happen.
        advisor: who is asked for ideas beside the catalogue's; None: nobody.

    Attributes:
        listen: called after each event that was appended.
        starting: called before each action.
    """

    def __init__(
        self,
        id: str,
        ledger: Ledger,
        workspace: Workspace,
        laboratory: Laboratory,
        advisor: Advisor | None = None,
    ) -> None:
        self.id = id
        self._ledger = ledger
        self._workspace = workspace
        self._laboratory = laboratory
        self._advisor = advisor
        self.listen: Listener = lambda _event, _state: None
        self.starting: Starting = lambda _action: None
        self._stop: ev.CampaignStopped | None = None
        self._orders: deque[ev.IdeaRefused | ev.Steered] = deque()
        self._history = ledger.events(id)
        self.state = fold(self._history)

    def history(self) -> list[ev.Event]:
        """The events that were there when this driver took over."""
        return list(self._history)

    # ------------------------------------------------------------------ the loop

    def drive(self) -> CampaignState:
        """Go on until nothing is left to do, or somebody stops it."""
        if self.state.stopped is not None:
            self._append(ev.CampaignResumed())
        self._laboratory.ready(self.state)
        with self._mailbox_watched() as mailbox:
            while not isinstance(action := next_action(self.state), Done):
                if self._stop is not None:
                    self._append(self._stop)
                    break
                if self._orders:
                    self._append(self._orders.popleft())
                    continue
                self.starting(action)
                if not isinstance(action, Record):  # which is over before it can be read
                    run = run_id(self.id, action) if isinstance(action, Execute) else ""
                    say(mailbox, self.id, action, run)
                self._carry_out(action)
            say(mailbox, self.id, None)
        return self.state

    def stop(self, by: str, reason: str = "") -> None:
        """End it soon: what runs is killed and not recorded. From any thread."""
        if self._stop is None:
            self._stop = ev.CampaignStopped(by, reason)
        self._laboratory.cancel()
        if self._advisor is not None:
            self._advisor.cancel()

    def _carry_out(self, action: Action) -> None:
        match action:
            case Prepare():  # phase 0: environment
                self._append(self._laboratory.prepare())
            case Analyse():  # phase 1: code and constraints
                self._append(self._laboratory.analyse())
            case Propose():  # phase 2: the idea library
                self._propose(action)
            case Tune():
                self._tune(action)
            case Combine():
                self._combine(action)
            case Implement():  # phase 3, steps 2 and 3: snapshot and implement
                self._implement(action)
            case Audit():  # phase 3, step 3: the red lines, before anything runs
                self._audit(action)
            case Execute():  # phase 0, 3 (step 4: evaluate) and 4
                self._execute(action)
            case TakeApart():  # ablation: the hunks of the optimum
                self._append(
                    ev.AblationPlanned(
                        action.patch,
                        action.commit,
                        take_apart(self._base_tree(), self._workspace.tree(action.commit)),
                    )
                )
            case Reduce():
                self._reduce(action)
            case Plant():  # phase 4: the null patch
                self._plant(action)
            case CompareOutcomes():  # phase 4: seeds and test examples, resampled
                self._compare_outcomes(action)
            case Record():  # steps 0, 1, 6 and 7: reflect, select, record, update
                self._append(action.event)
            case Done():
                raise AssertionError("done is not an action to carry out")

    # ------------------------------------------------------------------ the steps

    def _propose(self, action: Propose) -> None:
        analysed = self.state.analysed
        assert analysed is not None
        tree = self._workspace.tree(action.commit)
        found = propose(tree, self.state.objective, analysed.boundary)
        if self._advisor is not None:
            try:
                found += self._advisor.ideas(self._base_tree(), tree, self.state, found)
            except Cancelled:
                return  # as a stopped run: it is asked again when the campaign is resumed
        new = tuple(merge(self.state.ideas.values(), found))
        gone = self._superseded(tree, {idea.id for idea in found})
        self._append(ev.IdeasProposed(action.commit, new, superseded=gone))

    def _superseded(self, tree: Tree, found: set[str]) -> tuple[str, ...]:
        """Known ideas, not tried yet, that this code has no place for (any more).

        What was found in it again applies; of the rest only carrying it out tells.
        """
        state = self.state
        known = found | state.dead | set(state.refused)
        known |= {i.idea for i in state.iterations if i.parent not in state.lost_commits}
        for ideas in (*state.tuned.values(), *state.combined.values()):
            known |= set(ideas)  # made for one commit, and tried on no other
        return tuple(
            idea.id
            for idea in state.ideas.values()
            if idea.admissible and idea.id not in known and not self._applies(idea, tree)
        )

    def _applies(self, idea: Hypothesis, tree: Tree) -> bool:
        try:
            implement(idea, tree, self.state.ideas)
        except NotApplicable:
            return False
        return True

    def _tune(self, action: Tune) -> None:
        """The optimiser's next setting; without an optimiser there is nothing more to tune."""
        analysed = self.state.analysed
        assert analysed is not None
        objective = self.state.objective
        tree = self._workspace.tree(action.commit)
        settings = tuning.tunable(tree, objective, analysed.boundary)
        trials = [
            tuning.Trial(values, score)
            for idea, score in search_scores(self.state, action.commit)
            if (values := {} if idea is None else tuning.values_of(idea, settings)) is not None
        ]
        ideas: tuple[Hypothesis, ...] = ()
        try:
            found = tuning.suggest(
                settings, trials, direction=objective.direction, seed=objective.seeds[0]
            )
        except tuning.TunerMissing:
            found = None
        if found is not None:
            idea = tuning.tuned(settings, found)
            ideas = () if idea.id in self.state.ideas else (idea,)
        self._append(ev.IdeasProposed(action.commit, ideas, by="tuner"))

    def _combine(self, action: Combine) -> None:
        both = combination([self.state.ideas[i] for i in action.ideas])
        ideas = () if both.id in self.state.ideas else (both,)
        self._append(ev.IdeasProposed(action.commit, ideas, by="combination"))

    def _implement(self, action: Implement) -> None:
        idea = self.state.ideas[action.idea]
        try:
            made = implement(idea, self._workspace.tree(action.parent), self.state.ideas)
        except NotApplicable as refusal:
            self._append(ev.IdeaJudged(idea.id, Fate.NOT_APPLICABLE, str(refusal)))
            return
        patch_id = f"{self.id}-p{len(self.state.patches) + 1}"
        commit = self._workspace.commit(action.parent, made.changes, _message(idea))
        diff = self._workspace.diff(action.parent, commit)
        if not diff:
            self._append(ev.IdeaJudged(idea.id, Fate.NOT_APPLICABLE, "it changes nothing"))
            return
        patch = Patch(patch_id, idea.id, action.parent, commit, diff, made.anchors)
        self._append(ev.PatchMade(patch))

    def _audit(self, action: Audit) -> None:
        analysed = self.state.analysed
        assert analysed is not None
        verdict = audit(
            self._workspace.tree(self.state.start.base_commit),
            self._workspace.tree(self.state.patches[action.patch].commit),
            self.state.objective,
            analysed.boundary,
        )
        opinion = ""
        if verdict.decision is Decision.NEEDS_REVIEW and self._advisor is not None:
            patch = self.state.patches[action.patch]
            diff = self._workspace.diff(self.state.start.base_commit, patch.commit)
            try:
                verdict, opinion = self._advisor.second_opinion(verdict, diff)
            except Cancelled:
                return
        self._append(ev.PatchAudited(action.patch, verdict, opinion))

    def _execute(self, action: Execute) -> None:
        looks_at_claim = self.state.objective.selects_on_claim
        searches = action.purpose is Purpose.SEARCH or action.variant.name in UNASKED
        request = RunRequest(
            run_id=run_id(self.id, action),
            campaign=self.id,
            purpose=action.purpose,
            side=action.side,
            commit=action.commit,
            base_commit=self.state.start.base_commit,
            seed=action.seed,
            mask_claim=searches and not looks_at_claim,
            variant=action.variant,
            pruning=action.pruning,
            limit=action.limit,
        )
        try:
            receipt = self._laboratory.run(request)
        except ControlNotPossible as refusal:
            self._append(_not_possible(action, str(refusal)))
            return
        if receipt.outcome is Outcome.STOPPED:
            return  # a stopped run is no fact: it is repeated when the campaign is resumed
        event = finished_run(receipt, self.state.objective.metric, action.attempt)
        self._append(event, receipt)

    def _reduce(self, action: Reduce) -> None:
        """The whole patch without some of its pieces, as one commit on the base."""
        whole = self.state.patches[action.patch]
        base = self.state.start.base_commit
        changes = reduce(self._base_tree(), self._workspace.tree(whole.commit), action.drop)
        commit = self._workspace.commit(base, changes, f"{whole.id} without {len(action.drop)}\n")
        patch = Patch(
            id=f"{self.id}-r{len(self.state.reduced) + 1}",
            hypothesis=whole.hypothesis,
            parent=base,
            commit=commit,
            diff=self._workspace.diff(base, commit),
        )
        self._append(ev.PatchReduced(patch, whole.id, action.drop))

    def _plant(self, action: Plant) -> None:
        """The null patch: one comment, in a file that the experiment runs."""
        analysed = self.state.analysed
        assert analysed is not None
        tree = self._workspace.tree(action.parent)
        try:
            changes = null_patch(tree, self.state.objective, analysed.boundary)
        except NotApplicable as refusal:
            self._append(ev.ControlJudged(NULL, None, str(refusal)))
            return
        commit = self._workspace.commit(action.parent, dict(changes), "The null patch: a comment\n")
        diff = self._workspace.diff(action.parent, commit)
        patch = Patch(f"{self.id}-null", NULL_PATCH, action.parent, commit, diff)
        self._append(ev.PatchMade(patch))

    def _compare_outcomes(self, action: CompareOutcomes) -> None:
        """Read what the confirmation's runs kept per example, and resample it."""
        objective = self.state.objective
        pairs = []
        why = ""
        for before, after in confirm_pairs(self.state):
            sides = []
            for run in (before, after):
                if not run.outcomes:
                    why = why or f"{run.run_id} kept no outcomes in {objective.outcomes}"
                    continue
                try:
                    sides.append(self._laboratory.outcomes(run.run_id, run.outcomes))
                except UserError as error:
                    why = why or str(error)
            if len(sides) == 2:
                pairs.append((sides[0], sides[1]))
        if why:
            self._append(ev.OutcomesCompared(action.patch, 0, None, why))
            return
        result, examples, reason = compare_outcomes(
            objective.metric, objective.direction, pairs, action.confidence
        )
        self._append(ev.OutcomesCompared(action.patch, examples, result, reason))

    def _base_tree(self) -> Tree:
        return self._workspace.tree(self.state.start.base_commit)

    # ------------------------------------------------------------------ around it

    def _append(self, event: ev.Event, receipt: Receipt | None = None) -> None:
        self._ledger.append(self.id, event, receipt)
        self.state.apply(event)
        self.listen(event, self.state)

    def _obey(self, message: Message) -> None:
        """Take a face's command; called by the watching thread, so it only leaves orders."""
        if message.kind == "stop":
            self.stop("stop command", str(message.body.get("reason", "")))
        elif message.kind == "reject":
            idea, why = str(message.body["idea"]), str(message.body["why"])
            self._orders.append(ev.IdeaRefused(idea, why))
        elif message.kind == "steer":
            self._orders.append(ev.Steered(str(message.body.get("text", ""))))

    @contextmanager
    def _mailbox_watched(self) -> Iterator[Mailbox]:
        """Obey stops that faces post, while the body runs; gives a mailbox to speak through."""
        over = threading.Event()

        def watch() -> None:
            with Mailbox(self._ledger.path) as mailbox:
                while not over.wait(MAILBOX_SECONDS):
                    # a ledger that is busy for a moment must not end the watch: stop would die
                    with suppress(UserError):
                        for message in mailbox.pending(self.id):
                            self._obey(message)
                            mailbox.done(message.id)

        watcher = threading.Thread(target=watch, name=f"mailbox-{self.id}", daemon=True)
        watcher.start()
        try:
            with Mailbox(self._ledger.path) as outgoing:
                yield outgoing
        finally:
            over.set()
            watcher.join(timeout=5)


def run_id(campaign: str, action: Execute) -> str:
    """The id of a run: derived, not drawn, so that a repeated campaign has the same ids."""
    parts = [campaign, action.purpose, action.side, f"s{action.seed}"]
    if action.variant.name:
        parts.append(re.sub(r"[^a-z0-9]+", "-", action.variant.name.lower()).strip("-"))
    if action.attempt:
        parts.append(f"again{action.attempt}")
    return "-".join(parts)


def _not_possible(action: Execute, why: str) -> ev.Event:
    """A variant that this repository or machine does not allow, as the judgement it makes."""
    if action.purpose is Purpose.TRANSFER:
        return ev.TransferJudged(action.variant.name.removeprefix("transfer "), None, why)
    name = action.variant.name
    return ev.ControlJudged(
        MATCHED if name in (CALIBRATION, FURTHER, CORRECTED) else name, None, why
    )


def finished_run(receipt: Receipt, claim: str, attempt: int = 0) -> ev.RunFinished:
    """The small event of a receipt: what decisions need of it; its grade is the claim's."""
    used = receipt.resources
    resources = {
        "cpu_seconds": used.cpu_seconds,
        "peak_memory_bytes": used.peak_memory_bytes,
        "disk_bytes": used.disk_bytes,
    }
    return ev.RunFinished(
        run_id=receipt.run_id,
        purpose=receipt.purpose,
        side=receipt.side,
        commit=receipt.commit,
        seed=receipt.seed,
        outcome=receipt.outcome,
        reason=receipt.reason,
        metrics={m.name: m.value for m in receipt.metrics},
        isolation=receipt.isolation_of(claim),
        wall_seconds=receipt.resources.wall_seconds,
        receipt=receipt_hash(receipt),
        resources={k: float(v) for k, v in resources.items() if v is not None},
        variant=receipt.variant,
        attempt=attempt,
        outcomes=receipt.outcomes_hash,
        intermediate=receipt.intermediate,
    )


def _message(idea: Hypothesis) -> str:
    return f"{idea.title}\n\nIdea {idea.id}: {idea.reason}\nPaper: {idea.paper}\n"
