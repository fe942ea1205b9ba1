"""What a model costs: a dated table, and the price of a call. Pure.

Dollars per million tokens are micro-dollars per token, so a price is a product. A model that is
not in the table has no known price; nothing is guessed for it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

AS_OF: Final = "2026-10-10"
"""When the table was last compared with the published prices."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call. The prompt has `fresh + cache_read + cache_write` of them."""

    fresh: int = 0
    cache_read: int = 0
    cache_write: int = 0
    output: int = 0

    @property
    def prompt(self) -> int:
        """All tokens of the prompt, cached or not."""
        return self.fresh + self.cache_read + self.cache_write

    @property
    def total(self) -> int:
        """All tokens."""
        return self.prompt + self.output


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars per million tokens; `cache_write` is for entries that live five minutes.

    Attributes:
        input: Of prompt tokens that no cache holds.
        output: Of tokens of the answer.
        cache_write: Of prompt tokens that are written to the cache.
        cache_read: Of prompt tokens that the cache held.
        long_prompt: Prompts of more tokens than this cost `long_factor` as much; 0: none do.
        long_factor: How many times as much; for the answer, too.
        as_of: When this was the price.
    """

    input: float
    output: float
    cache_write: float
    cache_read: float
    long_prompt: int = 0
    long_factor: float = 1.0
    as_of: str = AS_OF

    def micro_dollars(self, usage: Usage) -> int:
        """What a call cost, rounded up to a millionth of a dollar."""
        long = self.long_prompt and usage.prompt > self.long_prompt
        whole = (
            usage.fresh * self.input
            + usage.cache_write * self.cache_write
            + usage.cache_read * self.cache_read
            + usage.output * self.output
        )
        return math.ceil(whole * (self.long_factor if long else 1.0) - 1e-9)

    def most(self, prompt: int, output: int) -> int:
        """The most that a call of so many tokens can cost, in millionths of a dollar."""
        dearest = max(self.input, self.cache_write, self.cache_read)
        long = self.long_prompt and prompt > self.long_prompt
        whole = prompt * dearest + output * self.output
        return math.ceil(whole * (self.long_factor if long else 1.0) - 1e-9)


def _usual(input: float, output: float, read: float = 0.10) -> Price:
    return Price(input, output, 1.25 * input, read * input)


FREE: Final = Price(0.0, 0.0, 0.0, 0.0)
"""Of a model on this machine."""

PRICES: Final[dict[str, Price]] = {
    "claude-fable-5-1": _usual(10, 50, 0.025),
    "claude-mythos-5-1": _usual(10, 50, 0.025),
    "claude-fable-5": _usual(10, 50),
    "claude-mythos-5": _usual(10, 50),
    "claude-opus-5-5": _usual(4, 20, 0.05),
    "claude-opus-5": _usual(5, 25),
    "claude-opus-4-8": _usual(5, 25),
    "claude-opus-4-7": _usual(5, 25),
    "claude-opus-4-6": _usual(5, 25),
    "claude-opus-4-5": _usual(5, 25),
    "claude-sonnet-5-5": _usual(2, 10, 0.05),
    "claude-sonnet-5": _usual(2, 10),
    "claude-sonnet-4-6": _usual(3, 15),
    "claude-haiku-5-5": Price(0.10, 0.50, 0.125, 0.01, long_prompt=100_000, long_factor=5.0),
    "claude-haiku-4-5": _usual(1, 5),
}
"""Standard prices of the Anthropic API, in dollars per million tokens (its pricing page).

Left out are models whose price depends on more than the table can say; name a price for those in
`[model.prices]`.
"""


def price_of(model: str, own: Mapping[str, Price] | None = None) -> Price | None:
    """The price of a model by its exact name, or its name without the date; None: unknown.

    A price of one's own cannot make a model of the table cheaper: the dearer of both holds.
    """
    found = [price for table in (own or {}, PRICES) if (price := _find(model, table)) is not None]
    return max(found, key=lambda price: price.most(10**6, 10**6), default=None)


def _find(model: str, table: Mapping[str, Price]) -> Price | None:
    if model in table:
        return table[model]
    stem, _, date = model.rpartition("-")
    return table.get(stem) if len(date) == 8 and date.isdigit() else None
