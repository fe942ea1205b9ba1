"""What agents may ask of the world, and nothing more.

The server implements these; tests may too. An agent never opens a file, starts a process
or calls a model by any other way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from autosota.agents.asking import Ask, Reply
from autosota.agents.domain import Receipt, RunRequest

if TYPE_CHECKING:
    from autosota.agents.scheduler.events import Event


class Tree(Protocol):
    """A read-only source tree: a commit, a folder or a mapping in memory.

    Paths are relative, with forward slashes.
    """

    def files(self) -> Sequence[str]:
        """All file paths, sorted."""
        ...

    def read(self, path: str) -> bytes:
        """The content of one file.

        Raises:
            FileNotFoundError: there is no such file in this tree.
        """
        ...


class Workspace(Protocol):
    """Commits in a store of our own; the user's repository is never written."""

    def tree(self, commit: str) -> Tree:
        """The source tree of a commit."""
        ...

    def commit(self, parent: str, changes: Mapping[str, bytes | None], message: str) -> str:
        """A commit on `parent` with these files replaced (None deletes one)."""
        ...

    def diff(self, old: str, new: str) -> str:
        """The unified diff between two commits."""
        ...


class Sandbox(Protocol):
    """Executes one experiment and writes its receipt."""

    def run(self, request: RunRequest) -> Receipt:
        """Run the objective's command (and evaluator) at a commit; never raises on bad code."""
        ...


class Ledger(Protocol):
    """The append-only record of what happened."""

    def append(self, campaign: str, event: Event, receipt: Receipt | None = None) -> None:
        """Write one event, with the receipt of a finished run, in one transaction."""
        ...

    def events(self, campaign: str) -> list[Event]:
        """All events of a campaign, in order."""
        ...


class Model(Protocol):
    """A language model that may propose. It never decides."""

    def ask(self, ask: Ask) -> Reply:
        """Ask a role of ours (`ideator`, `reviewer`, …); never raises for what a model does."""
        ...
