"""One experiment, from a commit to its receipt: the `Sandbox` that agents may ask.

A run has a folder of its own: `out` ({run_dir}), `work` (the checkout, gone afterwards), and
the logs, which the run cannot reach. The command runs on a checkout of the requested commit
with the protected files of the base commit over it. A separate evaluator runs afterwards, in
a sandbox the candidate never had: a fresh checkout of the base commit, data and labels, and
what the command left in `out`, where links that lead out of it are taken away first.

What wins when several things went wrong: stopped, tampered, the way the command ended, the
evaluator's failure, two values for one metric, a value that is not finite, a missing value.
Nothing a candidate does raises; a machine that cannot run (a full disk) is a `UserError`.
Who asks for the run, and where receipts are kept, is not known here.
"""

from __future__ import annotations

import errno
import os
import posixpath
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from autosota.agents.domain import (
    Boundary,
    Isolation,
    Machine,
    MetricReading,
    Objective,
    Outcome,
    Receipt,
    Resources,
    RunRequest,
)
from autosota.agents.protocols import Tree
from autosota.server.errors import UserError
from autosota.server.sandbox import metrics, protected, shares
from autosota.server.sandbox.environment import PreparedEnvironment
from autosota.server.sandbox.evaluator import evaluator_files, evaluator_loads_objects
from autosota.server.sandbox.experiment import Experiment, Setting
from autosota.server.sandbox.launch import Stop
from autosota.server.sandbox.launcher import Launcher
from autosota.server.sandbox.variant import command_of, reordered

OnRunLine = Callable[[str, str, str], None]
"""Called with the run's id, the stream and one line, masked."""


class Checkouts(Protocol):
    """What a runner needs of the workspace."""

    @property
    def root(self) -> Path:
        """The user's folder."""
        ...

    def checkout(self, commit: str, destination: Path, *, exclude: Sequence[str] = ()) -> None:
        """Write the files of a commit, but for those some globs name."""
        ...

    def tree(self, commit: str) -> Tree:
        """The source tree of a commit."""
        ...


class Runner:
    """Runs experiments of one campaign, one after the other.

    Args:
        workspace: Checkouts and trees.
        objective: The pinned objective.
        objective_hash: Its hash, for receipts.
        boundary: `files` are restored from the base commit and read-only.
        environment: The prepared interpreter.
        launcher: The walls.
        runs: The folder that holds one folder per run (`.autosota/runs`).
        guarded: Data and labels with their hashes (`protected.guard_data`).
        machine: What the receipts say of the hardware.
        on_line: Gets live lines, masked.
        environ: The user's variables (default: this process's); a few of them pass.
        keep_bytes: Results of a run above this are removed, the largest first.
    """

    def __init__(
        self,
        workspace: Checkouts,
        objective: Objective,
        *,
        objective_hash: str,
        boundary: Boundary,
        environment: PreparedEnvironment,
        launcher: Launcher,
        runs: Path,
        guarded: protected.GuardedData,
        machine: Machine,
        on_line: OnRunLine | None = None,
        environ: Mapping[str, str] | None = None,
        keep_bytes: int = 256 * 2**20,
    ) -> None:
        self._workspace = workspace
        self._objective = objective
        self._objective_hash = objective_hash
        self._environment = environment
        self._launcher = launcher
        self._runs = runs
        self._guarded = guarded
        self._machine = machine
        self._on_line = on_line
        self._keep_bytes = keep_bytes
        self._stop = Stop()
        self._bases: dict[str, _Base] = {}
        self._vault_manifests: dict[str, protected.Manifest] = {}
        root, protocol = workspace.root, objective.protocol
        self._setting = Setting(
            objective,
            environment,
            launcher,
            root,
            shares.plan(root, protocol.data, protocol.labels),
            tuple(sorted(set(boundary.files))),
            dict(os.environ if environ is None else environ),
        )

    def cancel(self) -> None:
        """End the run that is going on, and all that come after; from any thread."""
        self._stop.press()

    def notes(self, base_commit: str) -> tuple[str, ...]:
        """Why the grade is not `sealed` although there is a separate evaluator."""
        return self._base(base_commit).loads

    def isolation(self, base_commit: str) -> Isolation:
        """The grade that runs get here."""
        if not self._launcher.protects:
            return Isolation.DECLARED
        if self._objective.evaluate and not self._base(base_commit).loads:
            return Isolation.SEALED
        return Isolation.OVERLAID

    def run(self, request: RunRequest) -> Receipt:
        """Run one experiment; see the module's docstring.

        Raises:
            ControlNotPossible: the request's variant cannot be made here; nothing was run.
            UserError: this machine cannot run it (a full disk, no sandbox, a missing commit).
        """
        try:
            return self._run(request)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
                raise UserError(
                    f"{self._runs}: cannot be written ({(error.strerror or '').lower()}); free "
                    "some space and resume"
                ) from error
            raise

    def _run(self, request: RunRequest) -> Receipt:
        started = _now()
        base = self._base(request.base_commit)
        variant = request.variant
        command = command_of(self._objective.command, variant.arguments)
        moved = None
        if variant.permute is not None:
            restored = posixpath.normpath(variant.permute.file) in self._setting.protected
            moved = reordered(
                self._workspace.root,
                self._objective.protocol,
                self._setting.shares,
                base.tree if restored else self._workspace.tree(request.commit),
                variant.permute,
                request.seed,
            )
        on_line = self._on_line
        live = (
            None
            if on_line is None
            else (lambda stream, line: on_line(request.run_id, stream, line))
        )
        self._fill_vaults()
        setting = replace(self._setting, vaults=self._vaults())
        experiment = Experiment(setting, request, self._folder(request), self._stop, live, moved)
        experiment.lay_out()
        try:
            ended = self._stages(experiment, request, base, command)
            outcome, reason = ended.outcome, ended.reason
            judged = metrics.judge(self._objective, ended.found, mask_claim=request.mask_claim)
            if outcome is Outcome.OK:
                outcome, reason = judged.outcome, judged.reason
                readings = judged.readings
            else:
                # a run that failed measured nothing, whatever it printed before
                wanted = dict.fromkeys((self._objective.metric, self._objective.select_on))
                why = f"the run failed: {outcome.value}"
                readings = tuple(MetricReading(name, None, "command", why) for name in wanted)
            on_the_way = outcome in (Outcome.OK, Outcome.PRUNED)
            outcomes_hash = experiment.keep_outcomes(outcome is Outcome.OK)
            stdout_hash, stderr_hash = experiment.store_logs(judged.secrets)
            reason = experiment.conceal(reason, judged.secrets)
        finally:
            problems = experiment.clear_away(self._keep_bytes)
        for problem in problems:
            if live is not None:
                live("stderr", problem)
        return Receipt(
            run_id=request.run_id,
            campaign=request.campaign,
            purpose=request.purpose,
            side=request.side,
            commit=request.commit,
            base_commit=request.base_commit,
            seed=request.seed,
            command=command,
            evaluate=self._objective.evaluate,
            objective_hash=self._objective_hash,
            evaluator_hash=base.hash,
            data_hash=self._guarded.sha256,
            environment_hash=self._environment.hash,
            sandbox=self._launcher.name,
            isolation=self.isolation(request.base_commit),
            outcome=outcome,
            reason=reason,
            exit_code=ended.exit_code,
            stdout_hash=stdout_hash,
            stderr_hash=stderr_hash,
            metrics=readings,
            resources=ended.resources,
            machine=self._machine,
            started_at=started,
            finished_at=_now(),
            variant=variant.name,
            outcomes_hash=outcomes_hash,
            intermediate=experiment.intermediate if on_the_way else (),
            image=self._launcher.image,
        )

    def _stages(
        self, experiment: Experiment, request: RunRequest, base: _Base, command: str
    ) -> _Ended:
        """The command, the checks, the evaluator."""
        if self._stop.pressed:
            return _Ended(Outcome.STOPPED, "stopped before it started")
        excluded = self._setting.globs()
        stage = experiment.command
        self._workspace.checkout(request.commit, stage.checkout, exclude=excluded)
        experiment.furnish(stage, base.tree)
        done, found = experiment.launch(stage, command)
        ended = _Ended(done.outcome, done.reason, done.exit_code, done.resources, tuple(found))
        self._check_space(done.outcome)
        if done.outcome is Outcome.STOPPED:
            return ended
        tampered = [f"{p}: changed" for p in experiment.changed_files(stage, base.tree)]
        tampered += self._changed_data()
        if tampered:
            return replace(ended, outcome=Outcome.TAMPERED, reason=_list(tampered))
        if done.outcome is not Outcome.OK or not self._objective.evaluate:
            return ended
        judge = experiment.judge
        experiment.between()
        self._workspace.checkout(request.base_commit, judge.checkout, exclude=excluded)
        experiment.furnish(judge, base.tree)
        experiment.note(f"evaluate: {self._objective.evaluate}")
        scored, more = experiment.launch(judge, self._objective.evaluate)
        self._check_space(scored.outcome)
        ended = replace(ended, found=(*ended.found, *more))
        if scored.outcome is Outcome.STOPPED:
            return replace(ended, outcome=Outcome.STOPPED, reason=scored.reason)
        tampered = self._changed_data()
        if tampered:
            return replace(ended, outcome=Outcome.TAMPERED, reason=_list(tampered))
        if scored.outcome is not Outcome.OK:
            reason = f"the evaluator failed ({scored.outcome.value}): {scored.reason}"
            return replace(ended, outcome=Outcome.EVALUATOR_FAILED, reason=reason)
        return ended

    def _folder(self, request: RunRequest) -> Path:
        name = request.run_id
        if not name or name in (".", "..") or "/" in name or "\0" in name:
            raise ValueError(f"{name!r} cannot be the name of a run's folder")
        return Path(os.path.realpath(self._runs)) / name

    def _base(self, commit: str) -> _Base:
        """The base commit's tree, the hash of its evaluator, and what speaks against `sealed`."""
        if commit not in self._bases:
            tree = self._workspace.tree(commit)
            files = self._setting.protected
            loads: tuple[str, ...] = ()
            if self._objective.evaluate:
                loads = evaluator_loads_objects(
                    tree, evaluator_files(self._objective.evaluate, tree)
                )
            digest = protected.evaluator_hash(tree, files)
            self._bases[commit] = _Base(tree, digest, loads)
        return self._bases[commit]

    def _check_space(self, outcome: Outcome) -> None:
        """A run that failed because the machine's disk is full says nothing of its code."""
        if outcome is Outcome.OK:
            return
        free = os.statvfs(self._runs)
        if free.f_bavail * free.f_frsize < 1 << 20:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._runs))

    # ------------------------------------------------------------ data without mounts

    def _vaults(self) -> dict[str, Path]:
        if self._launcher.protects:
            return {}
        state = Path(os.path.realpath(self._runs)).parent / "vault"
        return {name: state / f"{self._guarded.sha256[:16]}-{name}" for name in ("data", "labels")}

    def _fill_vaults(self) -> None:
        """Copies of data and of labels that a plain process sees instead of the user's files."""
        parts = {
            "data": [
                p for p in self._guarded.data.entries if p not in self._guarded.labels.entries
            ],
            "labels": list(self._guarded.labels.entries),
        }
        for name, vault in self._vaults().items():
            if name in self._vault_manifests:
                continue
            vault.parent.mkdir(parents=True, exist_ok=True)
            shares.fill_vault(vault, self._workspace.root, parts[name])
            self._vault_manifests[name] = protected.manifest(vault, ("**",))

    def _changed_data(self) -> list[str]:
        """Data or labels that changed; a vault that did is thrown away and filled again."""
        out = self._guarded.changed()
        for name, before in list(self._vault_manifests.items()):
            changed = before.changed(("**",))
            if changed:
                del self._vault_manifests[name]
                out += changed
        return list(dict.fromkeys(out))


@dataclass(frozen=True, slots=True)
class _Base:
    tree: Tree
    hash: str
    loads: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Ended:
    """How the stages went. Resources and exit code are the command's, not the evaluator's."""

    outcome: Outcome
    reason: str
    exit_code: int | None = None
    resources: Resources = Resources()  # noqa: RUF009 - frozen
    found: tuple[metrics.Found, ...] = ()


def _list(items: Sequence[str]) -> str:
    more = f" and {len(items) - 3} more" if len(items) > 3 else ""
    return ", ".join(items[:3]) + more


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
