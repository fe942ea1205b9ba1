"""Small repositories of different shapes, and changes to them, as trees in memory."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

from autosota.agents.code.tree import MemoryTree, PatchedTree
from autosota.agents.domain import Direction, MetricSource, Objective, Protocol
from autosota.agents.protocols import Tree

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[2] / "docs" / "examples"


@dataclass(frozen=True)
class Case:
    """One change to one repository, and what is expected of the audit."""

    repo: str
    name: str
    edits: tuple[tuple[str, str, str], ...]
    files: tuple[tuple[str, str], ...]
    codes: tuple[str, ...]
    review: bool = False

    def apply(self, tree: Tree) -> Tree:
        changes: dict[str, bytes | None] = {}
        for path, old, new in self.edits:
            text = (changes.get(path) or tree.read(path)).decode()
            assert text.count(old) == 1, f"{self.repo}: {self.name}: {old!r} in {path}"
            changes[path] = text.replace(old, new).encode()
        changes.update({path: text.encode() for path, text in self.files})
        return PatchedTree(tree, changes)


def read_cases(name: str) -> list[Case]:
    rows = tomllib.loads((HERE / name).read_text())["patch"]
    return [
        Case(
            row["repo"],
            row["name"],
            tuple(tuple(e) for e in row.get("edits", ())),
            tuple(tuple(f) for f in row.get("files", ())),
            tuple(row.get("code", ())),
            row.get("expect") == "review",
        )
        for row in rows
    ]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    for fixture, file in (("honest", "honest.toml"), ("dishonest", "dishonest.toml")):
        if fixture in metafunc.fixturenames:
            cases = read_cases(file)
            metafunc.parametrize(fixture, cases, ids=[f"{c.repo}-{c.name}" for c in cases])


def folder_tree(folder: Path) -> MemoryTree:
    return MemoryTree(
        {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    )


def folder_objective(folder: Path) -> Objective:
    table = tomllib.loads((folder / "autosota.toml").read_text())
    objective, protocol = table["objective"], table.get("protocol", {})
    return Objective(
        command=objective["command"],
        metric=objective["metric"],
        select_on=objective.get("select_on", objective["metric"]),
        direction=Direction(objective.get("direction", "maximize")),
        evaluate=objective.get("evaluate", ""),
        metrics={
            name: MetricSource(
                name, row.get("from", "stdout"), row.get("key", ""), row.get("pattern", "")
            )
            for name, row in table.get("metrics", {}).items()
        },
        protocol=Protocol(
            evaluation=tuple(protocol.get("evaluation", ())),
            data=tuple(protocol.get("data", ())),
            labels=tuple(protocol.get("labels", ())),
            frozen=protocol.get("frozen", {}),
        ),
    )


class Repositories:
    """The repositories by name, read once."""

    def __init__(self) -> None:
        self._read: dict[Path, tuple[MemoryTree, Objective]] = {}

    def at(self, folder: Path) -> tuple[MemoryTree, Objective]:
        if folder not in self._read:
            self._read[folder] = folder_tree(folder), folder_objective(folder)
        return self._read[folder]

    def __call__(self, name: str) -> tuple[MemoryTree, Objective]:
        return self.at(HERE / "repositories" / name)

    def example(self, name: str) -> tuple[MemoryTree, Objective]:
        return self.at(EXAMPLES / name)

    def names(self) -> list[str]:
        return sorted(p.name for p in (HERE / "repositories").iterdir() if p.is_dir())

    def honest(self) -> list[Case]:
        return read_cases("honest.toml")

    def dishonest(self) -> list[Case]:
        return read_cases("dishonest.toml")


_REPOSITORIES = Repositories()


@pytest.fixture
def repositories() -> Repositories:
    return _REPOSITORIES
