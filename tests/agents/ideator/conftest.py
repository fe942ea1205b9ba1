"""Sample training scripts, and the ideas that they get."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from autosota.agents.code.tree import MemoryTree
from autosota.agents.domain import Boundary, Hypothesis, Objective
from autosota.agents.ideator import implement, propose

HERE = Path(__file__).parent
SKLEARN = ("logistic", "forest", "zoo", "regression", "ridge")
TORCH = ("convnet", "steps", "flat", "attention", "pictures", "lit")


@dataclass(frozen=True)
class Bench:
    """A file `train.py` that an experiment runs, and what the ideator makes of it."""

    command: str = "python train.py --seed {seed}"
    symbols: tuple[str, ...] = ("train.py::evaluate",)

    @property
    def objective(self) -> Objective:
        return Objective(self.command, metric="test_macro_f1", select_on="val_macro_f1")

    def ideas(self, code: str | bytes, **files: str) -> list[Hypothesis]:
        """The admissible ideas for this code (and for other files beside it)."""
        tree = self.tree(code, **files)
        found = propose(tree, self.objective, Boundary(symbols=self.symbols))
        return [idea for idea in found if idea.admissible]

    def tree(self, code: str | bytes, **files: str) -> MemoryTree:
        content = code if isinstance(code, bytes) else code.encode()
        others = {f"{name}.py": text.encode() for name, text in files.items()}
        return MemoryTree({"train.py": content, **others})

    def names(self, code: str | bytes, **files: str) -> set[str]:
        """The names of the transformations that apply."""
        return {idea.transformation for idea in self.ideas(code, **files)}

    def changed(self, code: str | bytes, name: str) -> str:
        """The code after the first idea of that transformation."""
        idea = next(i for i in self.ideas(code) if i.transformation == name)
        return implement(idea, self.tree(code)).changes["train.py"].decode()


def read_sample(name: str) -> str:
    return (HERE / "samples" / f"{name}.py.txt").read_text()


def short_diff(before: str, after: str) -> str:
    """The changed lines, without context, as in a unified diff."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0)
    return "\n".join(line for line in list(lines)[2:] if not line.startswith("@@"))


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def sample() -> Callable[[str], str]:
    return read_sample


@pytest.fixture(params=SKLEARN + TORCH)
def each_sample(request: pytest.FixtureRequest) -> str:
    """The code of every sample in turn."""
    return read_sample(request.param)


@pytest.fixture
def expected_of() -> Callable[[str, str, list[Hypothesis]], tuple[str, Path]]:
    """What the ideas make of a sample, written down as text, and the file it should equal."""

    def make(name: str, code: str, ideas: list[Hypothesis]) -> tuple[str, Path]:
        blocks = []
        for idea in sorted(ideas, key=lambda i: (i.transformation, i.id)):
            after = implement(idea, Bench().tree(code)).changes["train.py"].decode()
            blocks.append(f"== {idea.transformation}: {idea.title}\n{short_diff(code, after)}\n")
        return "\n".join(blocks), HERE / "expected" / f"{name}.txt"

    return make
