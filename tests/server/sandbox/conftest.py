"""A tiny workspace and runners over it; tests marked `bwrap` need a working bubblewrap."""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from autosota.agents.code.tree import MemoryTree
from autosota.agents.domain import (
    Boundary,
    Environment,
    Machine,
    Objective,
    Protocol,
    Purpose,
    RunRequest,
)
from autosota.server.containers.engine import Engine
from autosota.server.sandbox import interpreter, protected
from autosota.server.sandbox.bubblewrap import BubblewrapLauncher, probe
from autosota.server.sandbox.container import ContainerLauncher
from autosota.server.sandbox.environment import PreparedEnvironment
from autosota.server.sandbox.launcher import Launcher
from autosota.server.sandbox.process import ProcessLauncher
from autosota.server.sandbox.runner import Runner
from autosota.server.workspace import globs


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("bwrap") is None or probe().works:
        return
    if os.environ.get("CI"):
        pytest.fail(f"bubblewrap must work in CI: {probe().why}")
    pytest.skip(f"bubblewrap does not work here: {probe().why}")


@dataclass
class DictWorkspace:
    """Commits are mappings in memory; the user's tree is a real folder."""

    root: Path
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)

    def tree(self, commit: str) -> MemoryTree:
        return MemoryTree(self.commits[commit])

    def checkout(self, commit: str, destination: Path, *, exclude: Sequence[str] = ()) -> None:
        destination.mkdir()
        for path, content in self.commits[commit].items():
            if not globs.match(path, exclude):
                (destination / path).parent.mkdir(parents=True, exist_ok=True)
                (destination / path).write_bytes(content)


@pytest.fixture(scope="session")
def prepared() -> PreparedEnvironment:
    found = interpreter.inspect(Path(sys.executable))
    shown = interpreter.folders(found, Path("/nowhere"))
    return PreparedEnvironment(found.executable, shown, "e" * 64, found)


@dataclass
class Bench:
    """A repository, its base commit `base`, and runners over it."""

    workspace: DictWorkspace
    prepared: PreparedEnvironment
    kind: str = "bwrap"
    engine: Engine | None = None
    image: PreparedEnvironment | None = None
    lines: list[tuple[str, str]] = field(default_factory=list)

    @property
    def root(self) -> Path:
        return self.workspace.root

    @property
    def runs(self) -> Path:
        return self.root / ".autosota" / "runs"

    def commit(self, name: str, **files: str) -> None:
        """A commit on `base`; `train` stands for `train.py`."""
        changed = {f"{n}.py": text.encode() for n, text in files.items()}
        self.workspace.commits[name] = {**self.workspace.commits.get("base", {}), **changed}

    def write(self, path: str, text: str) -> Path:
        """A file in the user's tree."""
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        return place

    def launcher(self, kind: str) -> Launcher:
        if kind == "process":
            return ProcessLauncher()
        if kind == "docker":
            assert self.engine is not None and self.image is not None
            return ContainerLauncher(self.engine, self.image.image, self.image.python)
        return BubblewrapLauncher(self.prepared.folders)

    def runner(
        self,
        kind: str = "",
        *,
        files: Sequence[str] = (),
        environ: Mapping[str, str] | None = None,
        environment: Environment | None = None,
        data: Sequence[str] = (),
        labels: Sequence[str] = (),
        **objective: Any,
    ) -> Runner:
        given: dict[str, Any] = {
            "command": "python train.py --seed {seed} --out {run_dir}",
            "metric": "test_acc",
            "select_on": "val_acc",
            "timeout_seconds": 60.0,
        }
        protocol = Protocol(evaluation=tuple(files), data=tuple(data), labels=tuple(labels))
        settled = Objective(**{**given, **objective})
        settled = replace(
            settled, protocol=protocol, environment=environment or settled.environment
        )
        self.runs.mkdir(parents=True, exist_ok=True)
        kind = kind or self.kind
        inside = self.image if kind == "docker" else None
        return Runner(
            self.workspace,
            settled,
            objective_hash="0" * 64,
            boundary=Boundary(files=tuple(files)),
            environment=inside or self.prepared,
            launcher=self.launcher(kind),
            runs=self.runs,
            guarded=protected.guard_data(self.root, protocol, self.root / ".autosota/cache"),
            machine=Machine(),
            on_line=lambda _, stream, line: self.lines.append((stream, line)),
            environ=environ,
        )

    def request(self, commit: str = "base", *, mask: bool = False, seed: int = 3) -> RunRequest:
        return RunRequest(
            run_id=f"run-{uuid.uuid4().hex[:8]}",
            campaign="c",
            purpose=Purpose.SEARCH,
            side="s",
            commit=commit,
            base_commit="base",
            seed=seed,
            mask_claim=mask,
        )


GOOD = "print('METRIC test_acc=0.5')\nprint('METRIC val_acc=0.25')\n"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests of a module with `WALLS` run behind each of these walls."""
    kinds = getattr(metafunc.module, "WALLS", None)
    if kinds and "bench" in metafunc.fixturenames and "kind" not in metafunc.fixturenames:
        metafunc.parametrize("bench", kinds, indirect=True)


@pytest.fixture
def bench(
    request: pytest.FixtureRequest, tmp_path: Path, prepared: PreparedEnvironment
) -> Iterator[Bench]:
    kind = getattr(request, "param", "bwrap")
    root = tmp_path / "répo with spaces"
    root.mkdir()
    made = Bench(DictWorkspace(root), prepared, kind)
    if kind == "docker":
        made.engine = request.getfixturevalue("engine")
        image = request.getfixturevalue("kernel_image")
        held = made.engine.client.images.get(image).id
        python = Path("/opt/autosota/bin/python")
        made.image = replace(prepared, python=python, folders=(), image=held)
    made.commit("base", train=GOOD)
    yield made


@pytest.fixture
def alive() -> Callable[[str], list[int]]:
    """The processes whose command line holds a text."""

    def look(text: str) -> list[int]:
        found = []
        for name in os.listdir("/proc"):
            if name.isdigit() and int(name) != os.getpid():
                try:
                    line = Path("/proc", name, "cmdline").read_bytes()
                    state = Path("/proc", name, "stat").read_text().rpartition(")")[2].split()[0]
                except OSError:
                    continue
                if text.encode() in line and state != "Z":
                    found.append(int(name))
        return found

    return look
