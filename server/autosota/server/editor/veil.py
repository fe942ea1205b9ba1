"""What hides the claim in texts that a face shows of one run, until it was read for good.

Logs of runs that measure the claim for a decision hold it as it was printed; so do their reasons.
Whoever shows them goes through here.
"""

from __future__ import annotations

from collections.abc import Iterable

from autosota.agents.domain import Objective, Purpose, Receipt
from autosota.agents.scheduler.state import CampaignState
from autosota.server.sandbox.masking import Mask


class Veil:
    """Over the texts of one run.

    Args:
        objective: The campaign's.
        is_open: Whether the claim of such a run was read, so that there is nothing to hide.
        receipt: Of the run, which may hold the claim's value; None while there is none.
    """

    def __init__(self, objective: Objective, is_open: bool, receipt: Receipt | None = None) -> None:
        self._tells = objective.tells_of_claim
        self._mask: Mask | None = None
        self._secrets: list[str] = []
        if is_open or objective.selects_on_claim:
            return
        source = objective.source_of(objective.metric)
        by_pattern = bool(source.pattern) and source.source == "stdout"
        self._mask = Mask(source.name, by_pattern, objective.tells_of_claim)
        for reading in receipt.metrics if receipt is not None else ():
            if reading.value is not None and objective.tells_of_claim(reading.name):
                self._secrets.append(repr(reading.value))

    @classmethod
    def of_run(cls, state: CampaignState, purpose: str, receipt: Receipt | None = None) -> Veil:
        """The veil of a run with this purpose; one of no known purpose stays hidden."""
        known = purpose in {p.value for p in Purpose}
        is_open = known and state.claim_is_open(Purpose(purpose))
        return cls(state.objective, is_open, receipt)

    @property
    def hides(self) -> bool:
        """Whether anything is hidden."""
        return self._mask is not None

    def hides_metric(self, name: str) -> bool:
        """Whether a metric of this name may not be shown."""
        return self._mask is not None and self._tells(name)

    def line(self, text: str) -> str:
        """A line without its end."""
        return self.lines([text])[0]

    def lines(self, texts: Iterable[str]) -> list[str]:
        """Lines without their ends."""
        if self._mask is None:
            return list(texts)
        mask = self._mask
        shown = [mask.live(text, strict=True) for text in texts]
        return mask.text("\n".join(shown), self._secrets).split("\n") if self._secrets else shown
