"""The idea library of a campaign: new proposals beside what was tried before.

Pure: which ideas were tried, and on which commit, comes from the ledger's events.
"""

from __future__ import annotations

from collections.abc import Iterable

from autosota.agents.domain import Hypothesis


def merge(
    known: Iterable[Hypothesis],
    proposed: Iterable[Hypothesis],
    tried: Iterable[tuple[str, str]] = (),
    parent: str = "",
) -> list[Hypothesis]:
    """The proposals worth adding to a library, in the order they were proposed.

    Left out are ideas that the library holds already and ideas of the same content that were
    tried on this parent: an idea is never tried twice on the same code.

    Args:
        known: what the library holds.
        proposed: new ideas, best first.
        tried: pairs of idea and parent commit that were tried.
        parent: the commit that the proposals were made for.
    """
    library = list(known)
    seen = {idea.id for idea in library} | {idea for idea, on in tried if on == parent}
    contents = {content(idea) for idea in library}
    added: list[Hypothesis] = []
    for idea in proposed:
        if idea.id in seen or content(idea) in contents:
            continue
        seen.add(idea.id)
        contents.add(content(idea))
        added.append(idea)
    return added


def content(idea: Hypothesis) -> tuple[object, ...]:
    """What an idea does and where, whoever proposed it and however it is worded."""
    return (
        idea.transformation,
        idea.place.path,
        idea.symbol,
        tuple(sorted((k, str(v)) for k, v in idea.arguments.items())),
    )
