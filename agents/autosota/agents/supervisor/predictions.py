"""What saved predictions and rows show: constants, look-ups, row order, rows on both sides.

Pure functions over what a run left behind or a control made; each returns a finding or None. A
test of look-ups needs a second run on permuted inputs, a test of row order one on shuffled rows:
who runs them is not known here.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from itertools import pairwise

from autosota.agents.domain import Finding, Place
from autosota.agents.rules import finding
from autosota.agents.supervisor.evidence import LEDGER

ENOUGH = 20
"""Fewer rows can be alike, or follow an order, by chance."""

_FOLLOWS = 0.95
_LARGEST_PERIOD = 12


def constant(
    predictions: Sequence[Hashable], labels: Sequence[Hashable] = (), place: Place = LEDGER
) -> Finding | None:
    """OUT302: one answer for every row, though the labels (where given) differ."""
    if len(predictions) < ENOUGH or len(set(predictions)) != 1:
        return None
    if labels and len(set(labels)) < 2:
        return None
    message = f"all {len(predictions)} predictions are {predictions[0]!r}"
    return finding("OUT302", place, message)


def looked_up(
    predictions: Sequence[Hashable],
    permuted: Sequence[Hashable],
    order: Sequence[int],
    place: Place = LEDGER,
) -> Finding | None:
    """OUT303: answers that stay with the row's id when the row gets another row's inputs.

    Args:
        predictions: of the rows as they are.
        permuted: of the same ids, where row i has the inputs of row `order[i]`.
        order: the permutation.
        place: where the finding stands.
    """
    kept = _stays(predictions, permuted, order)
    if kept is None:
        return None
    message = f"{kept:.0%} of the answers stay with the id when inputs are permuted"
    return finding("OUT303", place, message)


def follows_order(
    predictions: Sequence[Hashable],
    shuffled: Sequence[Hashable],
    order: Sequence[int],
    place: Place = LEDGER,
) -> Finding | None:
    """OUT308: answers that stay with the position when whole rows are shuffled.

    Args:
        predictions: of the rows in their order.
        shuffled: of the rows in another order, row `order[i]` at position i.
        order: the permutation.
        place: where the finding stands.
    """
    kept = _stays(predictions, shuffled, order)
    if kept is None:
        return None
    message = f"{kept:.0%} of the answers stay with the position when rows are shuffled"
    return finding("OUT308", place, message)


def _stays(
    first: Sequence[Hashable], second: Sequence[Hashable], order: Sequence[int]
) -> float | None:
    """The part of answers that did not move with the rows, if nearly all did not.

    Only rows that were given another answer's inputs tell anything.
    """
    if not len(first) == len(second) == len(order):
        raise ValueError(f"{len(first)}, {len(second)} and {len(order)} rows are not the same rows")
    telling = [i for i, source in enumerate(order) if first[i] != first[source]]
    if len(telling) < ENOUGH:
        return None
    kept = sum(second[i] == first[i] for i in telling) / len(telling)
    return kept if kept >= _FOLLOWS else None


def of_the_id(
    ids: Sequence[int], predictions: Sequence[Hashable], place: Place = LEDGER
) -> Finding | None:
    """OUT308: the remainder of the id, or its place among all ids, decides the answer.

    Without a second run. Few answers over many rows are needed for it to be no chance: a
    remainder must occur with one answer only, and often; and blocks of equal answers must be as
    few as there are answers.
    """
    if len(ids) != len(predictions):
        raise ValueError(f"{len(ids)} ids and {len(predictions)} predictions")
    answers = set(predictions)
    if len(predictions) < 2 * ENOUGH or not 2 <= len(answers) <= len(predictions) // ENOUGH:
        return None
    for period in range(2, _LARGEST_PERIOD + 1):
        by_rest: dict[int, set[Hashable]] = {}
        for number, answer in zip(ids, predictions, strict=True):
            by_rest.setdefault(number % period, set()).add(answer)
        if len(by_rest) > 1 and all(len(a) == 1 for a in by_rest.values()):
            message = f"each answer is decided by the id's remainder modulo {period}"
            return finding("OUT308", place, message)
    ordered = [a for _, a in sorted(zip(ids, predictions, strict=True), key=lambda pair: pair[0])]
    blocks = 1 + sum(a != b for a, b in pairwise(ordered))
    if blocks == len(answers):
        message = f"sorted by id, the answers are {blocks} blocks of one answer each"
        return finding("OUT308", place, message)
    return None


def shared_groups(
    training: Iterable[Hashable], test: Sequence[Hashable], place: Place = LEDGER
) -> Finding | None:
    """LK115: entities of test rows that training rows have as well, if entities repeat at all.

    Args:
        training: the entity of each training row.
        test: the entity of each test row.
        place: where the finding stands.
    """
    counts = Counter(training)
    shared = sum(entity in counts for entity in test)
    if not shared or max([*counts.values(), *Counter(test).values()], default=0) < 2:
        return None
    message = f"{shared} of {len(test)} test rows ({shared / len(test):.1%}) are of entities that"
    return finding("LK115", place, f"{message} training rows are of, too")


def shared_rows(
    training: Iterable[bytes], test: Iterable[bytes], place: Place = LEDGER
) -> Finding | None:
    """LK119: test rows that equal a training row, more often than training rows equal each other.

    Rows are equal when their bytes are. Data with few possible rows repeats itself by chance,
    which its training rows show.
    """
    known = Counter(hashlib.blake2b(row, digest_size=12).digest() for row in training)
    total = shared = 0
    for row in test:
        total += 1
        shared += hashlib.blake2b(row, digest_size=12).digest() in known
    if not shared:
        return None
    repeated = sum(n for n in known.values() if n > 1) / sum(known.values())
    if shared / total <= repeated:
        return None
    message = f"{shared} of {total} test rows ({shared / total:.1%}) are also training rows"
    if repeated:
        message += f", {repeated:.1%} of which repeat each other"
    return finding("LK119", place, message)
