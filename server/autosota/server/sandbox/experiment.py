"""The stages of one experiment in its folder: lay out, command, evaluator, logs, clear away.

Does the work on files and processes that `runner.py` orders; decides no outcome and writes no
receipt.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import stat
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from autosota.agents.domain import Objective, Outcome, RunRequest, TimeLimit
from autosota.agents.protocols import Tree
from autosota.server.errors import UserError
from autosota.server.sandbox import artefacts, disk, metrics, outcomes, shares, sources, world
from autosota.server.sandbox.environment import PreparedEnvironment
from autosota.server.sandbox.following import LIVE, Following
from autosota.server.sandbox.launch import (
    Finished,
    Hidden,
    Launch,
    Limits,
    Mount,
    Stop,
)
from autosota.server.sandbox.launcher import Launcher
from autosota.server.sandbox.masking import Mask
from autosota.server.sandbox.pruning import Pruner
from autosota.server.sandbox.variant import Reordered

STREAMS = ("stdout", "stderr")
_MOST_SECRET_STEPS = 2000
"""Values on the way of masked metrics that are also masked elsewhere in the logs."""

_SOCKET_PATH = 60
"""Unix sockets below TMPDIR have paths of at most 108 bytes, and programs add about 40."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What all experiments of a campaign have in common."""

    objective: Objective
    environment: PreparedEnvironment
    launcher: Launcher
    root: Path
    shares: shares.Shares
    protected: tuple[str, ...]
    environ: Mapping[str, str]
    vaults: Mapping[str, Path] = field(default_factory=dict)
    """`data` and `labels` copies, where mounts do not exist."""

    def globs(self) -> tuple[str, ...]:
        """Everything that comes by mount and not by checkout."""
        return (*self.objective.protocol.data, *self.objective.protocol.labels)


@dataclass(frozen=True, slots=True)
class Stage:
    """The command, or the evaluator: its name (also a reading's origin) and its folders."""

    origin: str
    checkout: Path
    home: Path
    temporary: Path
    labels: bool


class Experiment:
    """One run while it lasts.

    Args:
        setting: The campaign's.
        request: What to run.
        folder: The run's own folder; whatever is there is removed.
        stop: The stop button.
        on_line: Gets masked lines: stream, text.
        reordered: A file whose rows the command, not the evaluator, sees in another order.
    """

    def __init__(
        self,
        setting: Setting,
        request: RunRequest,
        folder: Path,
        stop: Stop,
        on_line: Callable[[str, str], None] | None,
        reordered: Reordered | None = None,
    ) -> None:
        self._setting = setting
        self._request = request
        self.folder = folder
        self.out = folder / "out"
        self.command = self._stage("command", "work", labels=False)
        self.judge = self._stage("evaluate", "judge", labels=True)
        self._stop = stop
        self._on_line = on_line
        self._reordered = reordered
        source = setting.objective.source_of(setting.objective.metric)
        by_pattern = bool(source.pattern) and source.source == "stdout"
        tells = setting.objective.tells_of_claim
        mask = Mask(source.name, by_pattern, tells)
        self._mask = mask if request.mask_claim else None
        looks_at_claim = setting.objective.selects_on_claim
        self._following = Following(folder / LIVE, None if looks_at_claim else mask)
        self.intermediate: tuple[tuple[int, float], ...] = ()
        self._extra_temporary: list[tempfile.TemporaryDirectory[str]] = []
        self._claim_files: list[Path] = []
        self._pattern_texts: list[str] = []

    def _stage(self, origin: str, name: str, *, labels: bool) -> Stage:
        folder = self.folder
        return Stage(origin, folder / name, folder / f"home-{name}", folder / f"tmp-{name}", labels)

    # ------------------------------------------------------------ before

    def lay_out(self) -> None:
        """A fresh folder; what a killed try left is removed."""
        disk.remove(self.folder)
        self.folder.mkdir(parents=True, mode=0o700)
        self.out.mkdir()
        for stream in STREAMS:
            self._raw(stream).touch(mode=0o600)
        self._write_programs()
        if self._reordered is not None:
            copy = self._copy(self._reordered)
            copy.parent.mkdir()
            copy.write_bytes(self._reordered.content)

    def furnish(self, stage: Stage, base: Tree) -> None:
        """Protected files from the base commit, data in place, home and temporary folders."""
        for path in self._setting.protected:
            content = _read(base, path)
            if content is None:
                continue
            place = stage.checkout / path
            mode = place.stat().st_mode & 0o755 if _regular(place) else 0o644
            disk.write_inside(stage.checkout, path, content, mode)
        for folder in (stage.home, stage.temporary):
            folder.mkdir()
        plan, vaults = self._setting.shares, self._setting.vaults
        parts = {"data": plan.data, **({"labels": plan.labels} if stage.labels else {})}
        if self._setting.launcher.protects:
            every = [s for part in parts.values() for s in part]
            shares.make_places(stage.checkout, every)
        else:
            for name, part in parts.items():
                if name in vaults:
                    shares.link(stage.checkout, vaults[name], part)
        if stage is self.command and self._reordered is not None:
            self._furnish_reordered(stage, self._reordered)

    def _furnish_reordered(self, stage: Stage, file: Reordered) -> None:
        """The permuted file in a checkout, unless a mount brings it (see `_launch_of`)."""
        if not file.shared:
            disk.write_inside(stage.checkout, file.path, file.content)
        elif not self._setting.launcher.protects:
            vault = self._setting.vaults["data"]
            shares.put_over(stage.checkout, vault, file.shared, file.path, file.content)

    def changed_files(self, stage: Stage, base: Tree) -> list[str]:
        """Protected files of a checkout that no longer are what they were when it began."""
        out = []
        moved = self._reordered if stage is self.command else None
        for path in self._setting.protected:
            content = _read(base, path)
            if content is not None and moved is not None and moved.path == path:
                content = moved.content
            if content is None:
                continue
            try:
                same = disk.read_inside(stage.checkout, path, len(content)) == content
            except OSError:
                same = False
            if not same:
                out.append(path)
        return out

    # ------------------------------------------------------------ during

    def launch(self, stage: Stage, command: str) -> tuple[Finished, list[metrics.Found]]:
        """Run one stage and read its metrics."""
        pruner = self._pruner() if stage is self.command else None
        lines = metrics.MetricLines(pruner.take if pruner is not None else None)
        starts = {s: self._raw(s).stat().st_size for s in STREAMS}

        def take(stream: str, data: bytes) -> None:
            if stream == "stdout":
                lines.feed(data)

        finished = self._setting.launcher.launch(
            self._launch_of(stage, command),
            {s: self._raw(s) for s in STREAMS},
            stop=self._stop,
            on_chunk=take,
            on_line=self._live,
            prune=(lambda: pruner.reason) if pruner is not None else None,
        )
        lines.end()
        if pruner is not None and pruner.reason and finished.outcome is not Outcome.STOPPED:
            # it may have ended by itself before it was ended: the answer must not be a race
            finished = replace(finished, outcome=Outcome.PRUNED, reason=pruner.reason)
        limit = self._limit(stage)
        if limit is not None and finished.outcome is Outcome.TIMEOUT:
            finished = replace(finished, outcome=Outcome.TOO_SLOW, reason=limit.reason)
        found = lines.found(stage.origin)
        objective = self._setting.objective
        if stage is self.command:
            self.intermediate = lines.intermediate(objective.select_on)
        told = (s for name, s in lines.steps.items() if objective.tells_of_claim(name))
        secret = (text for steps in told for text in steps.values())
        self._pattern_texts += islice(secret, _MOST_SECRET_STEPS)
        places = sources.Places(
            self.out, stage.checkout, self._raw("stdout"), starts["stdout"], self.folder
        )
        for source in objective.metrics.values():
            read = sources.read(source, stage.origin, places)
            found.append(read.found)
            if objective.tells_of_claim(source.name):
                self._pattern_texts += read.every_text
                self._claim_files += [read.file] if read.file is not None else []
        for name in (objective.metric, objective.select_on):
            if name not in objective.metrics and name not in lines.texts:
                problem = f"no line `METRIC {name}=…` was printed"
                if name in lines.steps:
                    problem += ", only values with a step; print the final one without it"
                found.append(metrics.Found(name, stage.origin, declared=False, problem=problem))
        return finished, found

    def between(self) -> None:
        """Make what the command left harmless for the evaluator.

        A link to the labels named like a prediction would be a perfect score; a named pipe
        would wait for ever; a metric file, or one of outcomes, could pass for the evaluator's.
        """
        artefacts.tame(self.out)
        for source in self._setting.objective.metrics.values():
            where = sources.place_of(source, self.out, self.command.checkout)
            if where is None or where[0] != self.out:
                continue
            kept = self._take_away(self.out / where[1], source.name.replace("/", "_"))
            if kept is not None and self._setting.objective.tells_of_claim(source.name):
                self._claim_files.append(kept)
        if self._setting.objective.outcomes:
            place = self.out / outcomes.place_in_out(self._setting.objective)
            kept = self._take_away(place, "outcomes.csv")
            self._claim_files += [kept] if kept is not None else []

    def _take_away(self, place: Path, name: str) -> Path | None:
        """Move a file that the command left out of the evaluator's sight; where it is then."""
        if not _regular(place) or place.parent.is_symlink():
            return None
        kept = self.folder / "from-command" / name
        kept.parent.mkdir(exist_ok=True)
        os.replace(place, kept)
        return kept

    def _pruner(self) -> Pruner | None:
        """What watches the values on the way; nothing may be decided on a masked metric."""
        pruning = self._request.pruning
        if pruning is None:
            return None
        masked = self._request.mask_claim
        if masked and self._setting.objective.tells_of_claim(pruning.metric):
            return None
        return Pruner(pruning)

    def _limit(self, stage: Stage) -> TimeLimit | None:
        """The request's limit, where it ends the command before the objective's timeout does."""
        limit = self._request.limit
        if stage is not self.command or limit is None:
            return None
        return limit if limit.seconds < self._setting.objective.timeout_seconds else None

    def _launch_of(self, stage: Stage, command: str) -> Launch:
        setting, objective = self._setting, self._setting.objective
        environment, protects = objective.environment, self._setting.launcher.protects
        temporary = stage.temporary
        if not protects and len(os.fsencode(temporary)) > _SOCKET_PATH:
            made = tempfile.TemporaryDirectory(prefix="autosota-", ignore_cleanup_errors=True)
            self._extra_temporary.append(made)
            temporary = Path(made.name)
        limit = self._limit(stage)
        env = world.variables(
            setting.environ,
            environment,
            programs=(self.folder / "bin", setting.environment.python.parent),
            checkout=stage.checkout,
            run_dir=self.out,
            home=stage.home,
            temporary=Path("/tmp") if protects else temporary,
            seed=self._request.seed,
            contained=bool(setting.environment.image),
        )
        caches, secrets = world.cache_mounts(environment.caches, setting.environ)
        fixed = [
            Mount(stage.checkout / p, stage.checkout / p)
            for p in setting.protected
            if _regular(stage.checkout / p)
        ]
        moved = self._reordered if stage is self.command else None
        if moved is not None and moved.shared:
            # after the data it lies in, and so over it
            fixed.append(Mount(self._copy(moved), stage.checkout / moved.place))
        hides = () if stage.labels else setting.shares.hides(stage.checkout)
        return Launch(
            command=world.fill_in(command, seed=self._request.seed, run_dir=self.out),
            cwd=stage.checkout,
            env=env,
            writable=(stage.checkout, self.out, stage.home, temporary),
            limits=Limits(
                limit.seconds if limit is not None else objective.timeout_seconds,
                environment.memory_bytes,
                environment.disk_bytes,
            ),
            mounts=(
                *caches,
                Mount(self.folder / "bin", self.folder / "bin"),
                Mount(stage.temporary, Path("/tmp"), writable=True),
                *setting.shares.mounts(stage.checkout, labels=stage.labels),
                *fixed,
            ),
            hidden=(*hides, *(Hidden(path, False) for path in secrets)),
            conceal=(setting.root, Path.home()),
            network=environment.network,
            gpus=environment.gpus > 0,
        )

    # ------------------------------------------------------------ after

    def note(self, text: str) -> None:
        """A line of our own in the log."""
        with self._raw("stdout").open("ab") as file:
            file.write(f"\n=== {text}\n".encode())
        self._following.line(f"=== {text}")

    def conceal(self, text: str, secrets: Iterable[str]) -> str:
        """A reason fit for a receipt."""
        if self._mask is None:
            return text
        return self._mask.text(text, [*secrets, *self._pattern_texts])

    def store_logs(self, secrets: Iterable[str]) -> tuple[str, str]:
        """Write the logs as they are kept and return their hashes."""
        if self._mask is not None:
            every = [*secrets, *self._pattern_texts]
            for stream in STREAMS:
                self._mask.rewrite(self._raw(stream), self.folder / f"{stream}.log", every)
                self._raw(stream).unlink()
            for path in self._claim_files:
                path.unlink(missing_ok=True)
        one, two = (_hash(self.folder / f"{stream}.log") for stream in STREAMS)
        return one, two

    def keep_outcomes(self, measured: bool) -> str:
        """Keep the per-example outcomes; their hash, or "" when there are none to keep.

        In a masked run they go: their mean is the claim. What cannot be used never fails a
        run, it is noted live.

        Args:
            measured: Whether the run measured anything at all.
        """
        objective = self._setting.objective
        if not objective.outcomes:
            return ""
        if self._mask is not None:
            place = self.out / outcomes.place_in_out(objective)
            if Path(os.path.realpath(place.parent)).is_relative_to(os.path.realpath(self.out)):
                disk.remove(place)
            return ""
        if not measured:
            return ""
        try:
            return outcomes.keep(self.out, self.folder, objective)
        except UserError as problem:
            if self._on_line is not None:
                self._on_line("stderr", f"no outcomes per example: {problem}")
            return ""

    def clear_away(self, most_bytes: int) -> list[str]:
        """Remove all but logs and results; too large results go, too, largest first."""
        self._following.end()
        problems = []
        for made in self._extra_temporary:
            made.cleanup()
        folders = [p for s in (self.command, self.judge) for p in (s.checkout, s.home, s.temporary)]
        for path in (*folders, self.folder / "bin", self.folder / "permuted"):
            try:
                disk.remove(path)
            except OSError as error:
                problems.append(f"{path} cannot be removed ({error.strerror})")
        artefacts.tame(self.out)
        problems += artefacts.trim(self.out, most_bytes)
        return problems

    # ------------------------------------------------------------ small things

    def _raw(self, stream: str) -> Path:
        """Where a stream is written while the run lasts."""
        name = f"{stream}.log" if self._mask is None else f".{stream}.unmasked"
        return self.folder / name

    def _copy(self, file: Reordered) -> Path:
        """Where the permuted file is, out of the run's reach."""
        return self.folder / "permuted" / Path(file.path).name

    def _live(self, stream: str, line: str) -> None:
        self._following.line(line)
        if self._on_line is not None:
            self._on_line(stream, self._mask.live(line) if self._mask is not None else line)

    def _write_programs(self) -> None:
        """`python` and `python3` for environments that have them by another name only."""
        programs = self.folder / "bin"
        programs.mkdir()
        if self._setting.environment.image:
            return  # images have both
        python = self._setting.environment.python
        for name in ("python", "python3"):
            if not (python.parent / name).exists():
                text = f'#!/bin/sh\nexec {shlex.quote(str(python))} "$@"\n'
                (programs / name).write_text(text)
                (programs / name).chmod(0o755)


def _read(tree: Tree, path: str) -> bytes | None:
    try:
        return tree.read(path)
    except FileNotFoundError:
        return None


def _regular(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
