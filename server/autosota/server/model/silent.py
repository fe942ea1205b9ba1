"""Models that send nothing: one that says why there is none, and one that only repeats."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autosota.agents.asking import Ask, Ending, Reply
from autosota.server.config.model import ModelSettings
from autosota.server.model.book import Book
from autosota.server.model.client import Client, Said
from autosota.server.model.redact import Redactor


class Silent:
    """No model: every ask ends at once, with the reason. It opens no socket.

    Attributes:
        ending: What every ask ends with.
        why: The reason and the way out, for people.
    """

    def __init__(self, ending: Ending, why: str) -> None:
        self.ending, self.why = ending, why

    def ask(self, ask: Ask) -> Reply:
        """The reason."""
        return Reply(self.ending, why=self.why)

    def cancel(self) -> None:
        """There is nothing to end."""


class Replay(Client):
    """Answers from the book only: each request what it was answered then, in that order.

    It never sends. A request that is not in the book ends as `NOT_RECORDED`.
    """

    def __init__(
        self,
        book: Book,
        settings: ModelSettings,
        redactor: Redactor,
        *,
        local: bool = False,
        tools: bool = True,
    ) -> None:
        super().__init__(book, "", settings, None, None, redactor, local=local)
        self._tools = tools
        self._given: dict[str, int] = {}

    def _answer(
        self, ask: Ask, body: Mapping[str, Any], digest: str, text: str, deadline: float
    ) -> Said:
        known = self._book.answers(digest)
        number = self._given.get(digest, 0)
        if number >= len(known):
            raise self.over(Ending.NOT_RECORDED, "this request is not in the journal")
        self._given[digest] = number + 1
        return Said.of(known[number])
