"""Where a campaign's runs happen: puts environment, boundary, hashes and sandbox together.

One object per campaign and driver. It knows no statistics and appends nothing.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from autosota.agents.domain import Boundary, Objective, Receipt, RunRequest
from autosota.agents.init.compute import compute_value
from autosota.agents.scheduler import events as ev
from autosota.agents.scheduler.state import CampaignState
from autosota.agents.supervisor.boundary import draw_boundary
from autosota.agents.supervisor.probes import duplicates
from autosota.server.errors import UserError
from autosota.server.model.redact import without_keys
from autosota.server.sandbox import site, world
from autosota.server.sandbox.environment import PreparedEnvironment
from autosota.server.sandbox.launch import Stop
from autosota.server.sandbox.launcher import Launcher
from autosota.server.sandbox.machine import describe, usable_cpus
from autosota.server.sandbox.outcomes import read_checked_outcomes
from autosota.server.sandbox.permute import ControlNotPossible
from autosota.server.sandbox.protected import GuardedData, evaluator_hash, guard_data
from autosota.server.sandbox.resolve import modules_resolve
from autosota.server.sandbox.runner import Runner
from autosota.server.sandbox.splits import read_splits
from autosota.server.workspace import globs
from autosota.server.workspace.store import GitWorkspace

Note = Callable[[str], None]


class SandboxLaboratory:
    """The laboratory of one campaign, on this machine.

    Args:
        workspace: checkouts and trees.
        state_dir: the workspace's `.autosota`.
        started: the campaign's first event.
        offline: never let the network be used, also not to build the environment.
        note: gets warnings for people.
        progress: gets the lines of a build, while it lasts.
    """

    def __init__(
        self,
        workspace: GitWorkspace,
        state_dir: Path,
        started: ev.CampaignStarted,
        *,
        offline: bool,
        note: Note,
        progress: Note = lambda _line: None,
    ) -> None:
        self._workspace = workspace
        self._state_dir = state_dir
        self._started = started
        self._objective: Objective = started.objective
        self._offline = offline
        self._note = note
        self._progress = progress
        self._stop = Stop()
        self._site: site.Site | None = None
        self._launcher: Launcher | None = None
        self._environment: PreparedEnvironment | None = None
        self._guarded: GuardedData | None = None
        self._boundary = Boundary()
        self._threads = world.threads(os.environ, usable_cpus())
        self._runner: Runner | None = None
        self._fresh: Runner | None = None

    # ------------------------------------------------------------------ phases 0 and 1

    def prepare(self) -> ev.EnvironmentReady:
        """Build or find the environment, and say what runs are isolated by."""
        environment = self._prepared()
        launcher = self._walls()
        runner = self._make_runner(Boundary())
        base = self._started.base_commit
        self._check_modules(environment, launcher)
        return ev.EnvironmentReady(
            python=str(environment.python),
            environment_hash=environment.hash,
            sandbox=launcher.name,
            isolation=runner.isolation(base),
            machine=describe(environment.interpreter, self._threads),
            notes=(*environment.notes, *runner.notes(base)),
            image=environment.image,
        )

    def analyse(self) -> ev.CodeAnalysed:
        """Draw the boundary of the base commit, hash what must not move, and probe the splits."""
        tree = self._workspace.tree(self._started.base_commit)
        boundary = draw_boundary(tree, self._objective)
        mounted = (*self._objective.protocol.data, *self._objective.protocol.labels)
        # data and labels are mounted from the user's folder and hashed apart, not restored
        restored = tuple(f for f in boundary.files if not globs.match(f, mounted))
        boundary = replace(boundary, files=restored)
        self._boundary = boundary
        self._runner = self._make_runner(boundary)
        return ev.CodeAnalysed(
            boundary=boundary,
            evaluator_hash=evaluator_hash(tree, boundary.files),
            data_hash=self._data().sha256,
            compute_knob=compute_value(tree, self._objective),
            probes=self._probes(),
        )

    def _probes(self) -> tuple[str, ...]:
        """What the leakage probes say of the data files; labels are never read."""
        guarded = self._data()
        paths = [p for p in guarded.data.entries if p not in guarded.labels.entries]
        files, left_out = read_splits(self._workspace.root, paths)
        return (*duplicates(files), *left_out)

    def ready(self, state: CampaignState) -> None:
        """Check that a campaign that goes on finds what it had.

        Raises:
            UserError: environment, evaluator or data changed; names which, and the way out.
        """
        known, analysed = state.environment, state.analysed
        if known is not None:
            self._threads = dict(known.machine.threads) or self._threads
            self._where(known.sandbox)
            environment = self._prepared()
            if environment.hash != known.environment_hash:
                raise UserError(
                    f"the environment changed since the campaign began ({known.python}): its runs "
                    "cannot be compared; start a new one with autosota run"
                )
        if analysed is not None:
            tree = self._workspace.tree(self._started.base_commit)
            if evaluator_hash(tree, analysed.boundary.files) != analysed.evaluator_hash:
                raise UserError("the evaluator's files are not those the campaign began with")
            if self._data().sha256 != analysed.data_hash:
                raise UserError(
                    "files named in protocol.data or protocol.labels changed since the campaign "
                    "began; put them back, or start a new campaign with autosota run"
                )
            self._boundary = analysed.boundary
            self._runner = self._make_runner(analysed.boundary)

    # ------------------------------------------------------------------ runs

    def run(self, request: RunRequest) -> Receipt:
        """Run one experiment to its receipt.

        With `variant.fresh_environment` the managed environment is built again, for this run
        alone. Its receipt has the hash of that environment: equal to the campaign's
        (`EnvironmentReady.environment_hash`) when Python and every package have the same
        version, so a requirement that is not pinned shows here when a newer one came out.

        Raises:
            ControlNotPossible: the request's variant cannot be made here; nothing was run.
            UserError: this machine cannot run it.
        """
        assert self._runner is not None  # the scheduler analyses before it executes
        if not request.variant.fresh_environment:
            return self._runner.run(request)
        try:
            return self._run_rebuilt(request)
        except ControlNotPossible:
            if self._stop.pressed:  # it was the build that was stopped
                return self._runner.run(request)
            raise

    def _run_rebuilt(self, request: RunRequest) -> Receipt:
        where = self._where()
        with where.rebuilt() as environment:
            walls = where.launcher(environment)
            self._fresh = self._make_runner(self._boundary, environment, walls)
            if self._stop.pressed:
                self._fresh.cancel()
            try:
                return self._fresh.run(request)
            finally:
                self._fresh = None

    def outcomes(self, run_id: str, sha256: str) -> dict[str, float]:
        """The per-example outcomes that a run kept, by example id.

        Raises:
            UserError: they are gone, cannot be read, or are not those of the receipt.
        """
        folder = self._state_dir / "runs" / run_id
        return read_checked_outcomes(folder, self._objective, sha256)

    def cancel(self) -> None:
        """End what is running, and what would come, within two seconds; from any thread."""
        self._stop.press()
        for runner in (self._runner, self._fresh):
            if runner is not None:
                runner.cancel()

    def close(self) -> None:
        """Give back what the laboratory holds; nothing of it may be running."""
        if self._site is not None:
            self._site.close()

    def discard(self, run_id: str) -> None:
        """Remove the folder of a run that is not recorded."""
        shutil.rmtree(self._state_dir / "runs" / run_id, ignore_errors=True)

    # ------------------------------------------------------------------ inside

    def _prepared(self) -> PreparedEnvironment:
        if self._environment is None:
            self._environment = self._where().prepare()
        return self._environment

    def _where(self, began_on: str = "") -> site.Site:
        """In containers or on this machine; decided once."""
        if self._site is None:
            wanted = site.Wanted(
                self._objective,
                self._workspace.root,
                self._workspace.tree(self._started.base_commit),
                self._environ(),
                self._stop,
                self._note,
                self._progress,
            )
            self._site = site.choose(wanted, began_on)
        return self._site

    def _environ(self) -> dict[str, str]:
        """The user's variables, as a build may use them."""
        return {**without_keys(os.environ), **({"PIP_NO_INDEX": "1"} if self._offline else {})}

    def _walls(self) -> Launcher:
        if self._launcher is None:
            self._launcher = self._where().launcher(self._prepared())
        return self._launcher

    def _data(self) -> GuardedData:
        if self._guarded is None:
            cache = self._state_dir / "cache"
            self._guarded = guard_data(self._workspace.root, self._objective.protocol, cache)
        return self._guarded

    def _check_modules(self, environment: PreparedEnvironment, launcher: Launcher) -> None:
        """Refuse an environment that would run other code than the checkout's.

        Raises:
            UserError: a module of the repository comes from somewhere else.
        """
        base = self._started.base_commit
        runs = self._state_dir / "runs"
        runs.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=runs, prefix=".modules-") as scratch:
            folder = Path(scratch)
            checkout, home = folder / "work", folder / "home"
            home.mkdir()
            mounted = (*self._objective.protocol.data, *self._objective.protocol.labels)
            self._workspace.checkout(base, checkout, exclude=mounted)
            variables = world.variables(
                os.environ,
                self._objective.environment,
                programs=(environment.python.parent,),
                checkout=checkout,
                run_dir=home,
                home=home,
                temporary=Path("/tmp"),
                seed=0,
                contained=bool(environment.image),
            )
            files = [f for f in self._workspace.tree(base).files() if (checkout / f).exists()]
            wrong = modules_resolve(
                launcher, environment.python, checkout, files, variables, folder
            )
        if wrong:
            raise UserError(
                f"{environment.python}: imports {', '.join(wrong)} from somewhere else than the "
                "repository, so every candidate would run the same code; uninstall the package "
                "there, or leave environment.python empty"
            )

    def _make_runner(
        self,
        boundary: Boundary,
        environment: PreparedEnvironment | None = None,
        launcher: Launcher | None = None,
    ) -> Runner:
        environment = environment or self._prepared()
        runs = self._state_dir / "runs"
        runs.mkdir(parents=True, exist_ok=True)
        runner = Runner(
            self._workspace,
            self._objective,
            objective_hash=self._started.objective_hash,
            boundary=boundary,
            environment=environment,
            launcher=launcher or self._walls(),
            runs=runs,
            guarded=self._data(),
            machine=describe(environment.interpreter, self._threads),
            environ={**os.environ, **self._threads},
        )
        if self._stop.pressed:
            runner.cancel()
        return runner
