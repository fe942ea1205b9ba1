"""The report: one HTML file that opens offline, with nothing loaded and no script.

Takes a campaign's events and receipts and returns text. Numbers come from `numbers`, rows
from `sections`, plots from `plots`; where the file goes is not known here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from autosota.agents.domain import CampaignVerdict, Receipt
from autosota.agents.scheduler.claims import MATCHED
from autosota.agents.scheduler.state import CampaignState
from autosota.server.report import (
    pieces,
    plots,
    price,
    proof,
    sections,
    survival,
    svg,
    text,
)
from autosota.server.report.caveats import GRADES_IN_WORDS, Kind, caveats
from autosota.server.report.diffs import Diff, parse_diff
from autosota.server.report.fates import FATES
from autosota.server.report.formats import clean, covers_words, duration, percent
from autosota.server.report.headline import headline
from autosota.server.report.numbers import MASKED, Evidence, Shown
from autosota.server.report.replay import History

if TYPE_CHECKING:
    from jinja2 import Template

_OPEN_RECEIPTS = 40
"""Up to so many receipts the list is open at once."""

_TONES = {
    CampaignVerdict.CONFIRMED: "good",
    CampaignVerdict.PROVISIONAL: "open",
    CampaignVerdict.NO_GAIN: "plain",
    CampaignVerdict.NOT_REPRODUCED: "bad",
    CampaignVerdict.STOPPED: "open",
    CampaignVerdict.FAILED: "bad",
}


def render(
    history: History,
    receipts: Mapping[str, Receipt],
    hashes: Mapping[str, str] | None = None,
    *,
    campaign: str = "",
    improvement: str = "",
) -> str:
    """The report of one campaign as HTML.

    Args:
        history: all its events: row number, ISO 8601 time, event.
        receipts: of its runs, by run id.
        hashes: what each receipt hashes to now; computed when left out.
        campaign: its id.
        improvement: the unified diff from the base to the best commit, if there is one.

    Returns:
        A complete document. The same input gives the same text.

    Raises:
        ValueError: the events do not begin with a campaign's start.
    """
    return render_evidence(
        Evidence(history, receipts, hashes), campaign=campaign, improvement=improvement
    )


def render_evidence(evidence: Evidence, *, campaign: str = "", improvement: str = "") -> str:
    """The report of evidence that was already told; see `render`."""
    state = evidence.state
    objective = state.start.objective
    shown = evidence.confirmation()
    finished = state.finished
    found = caveats(state)
    environment = state.environment
    context: dict[str, Any] = {
        "css": Markup(_resource("report.css")),
        "evidence": evidence,
        "state": state,
        "objective": objective,
        "campaign": campaign,
        "title": objective.paper.title or f"{objective.metric} of this repository",
        "headline": headline(state),
        "head_lines": [line.partition(": ") for line in text.head_lines(state)],
        "tone": _TONES[finished.verdict] if finished is not None else "open",
        "failed": [c.text for c in found if c.kind is Kind.FAILED],
        "heavy": [c.text for c in found if c.kind in (Kind.CONTROL, Kind.NOTE)],
        "light": [c.text for c in found if not c.weighs],
        "claims": sections.claim_rows(evidence),
        "coverage": proof.coverage(state),
        "ablation_words": pieces.ablation_words(state),
        "skipped": pieces.skipped_words(state),
        "still": text.still_words(state),
        "matched": evidence.control(MATCHED),
        "whole": evidence.whole(),
        "pieces": survival.piece_rows(evidence),
        "smallest": _smallest(state),
        "controls": survival.control_rows(evidence),
        "probes": state.analysed.probes if state.analysed is not None else (),
        "transfers": survival.transfer_rows(evidence),
        "chance": price.chance_of(state.plan) if state.plan is not None else "",
        "prices": survival.price_rows(evidence),
        "small_gain": price.small_gain_words(state) if finished is not None else "",
        "tree": survival.tree_rows(evidence),
        "reads": text.reads_in_full(state),
        "compute_words": proof.compute_words(finished.compute if finished is not None else None),
        "trajectory": plots.trajectory(evidence),
        "fates_drawn": plots.fates_drawn(evidence),
        "fate_words": FATES,
        "confirmation": shown,
        "confirmation_plot": plots.confirmation(evidence),
        "ideas": sections.idea_cards(evidence),
        "search_words": text.search_words(state),
        "improvement": parse_diff(improvement) if improvement else None,
        "trades": sections.trade_rows(evidence),
        "purposes": sections.purposes_run(evidence),
        "compute": sections.compute_rows(evidence),
        "machines": sections.machine_words(evidence.receipts.values()),
        "libraries": dict(environment.machine.libraries) if environment is not None else {},
        "receipt_rows": sections.receipt_rows(evidence),
        "receipts_open": len(evidence.rows) <= _OPEN_RECEIPTS,
        "grades": GRADES_IN_WORDS,
        "first_time": evidence.history[0][1] if evidence.history else "",
        "last_time": evidence.history[-1][1] if evidence.history else "",
        "frozen": json.dumps(dict(objective.protocol.frozen), ensure_ascii=False),
    }
    return _template().render(context, num=_Numbers(evidence), refs=_refs(evidence))


def _smallest(state: CampaignState) -> Diff | None:
    """The diff of the best from the base, where it is smaller than what was taken apart."""
    if state.best is None or not pieces.is_reduced(state):
        return None
    patch = state.patches.get(state.best.patch)
    return parse_diff(patch.diff) if patch is not None and patch.diff else None


class _Numbers:
    """`num(shown)` in the template: the only filter that prints a measured number."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence

    def __call__(self, shown: Shown | None) -> Markup:
        if shown is None:
            return Markup('<span class="none">—</span>')
        if not isinstance(shown, Shown):
            raise TypeError(f"{shown!r} is not a number that a receipt holds")
        if shown.value is None:
            kind = "masked" if shown.text == MASKED else "unknown"
            return Markup('<span class="{}">{}</span>').format(kind, shown.text)
        return Markup('<data class="n" value="{}" data-r="{}">{}</data>').format(
            repr(shown.value), _range_words(self._evidence, shown.receipts), shown.text
        )


def _range_words(evidence: Evidence, runs: Iterable[str]) -> str:
    found = sections.ranges(evidence.rows[r] for r in runs if r in evidence.rows)
    return " ".join(str(a) if a == b else f"{a}-{b}" for a, b in found)


def _refs(evidence: Evidence) -> Any:
    """`refs(runs)` in the template: links to rows of the receipts' list."""

    def refs(runs: Iterable[str]) -> Markup:
        found = sections.ranges(evidence.rows[r] for r in runs if r in evidence.rows)
        links = [
            Markup('<a href="#r{}">{}</a>').format(a, str(a) if a == b else f"{a}–{b}")
            for a, b in found
        ]
        return Markup(", ").join(links)

    return refs


def _visible(value: object) -> object:
    """Every string on the page, with control and direction characters made visible."""
    return clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _resource(name: str) -> str:
    return files("autosota.server.report").joinpath("templates", name).read_text("utf-8")


@cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["badge"] = svg.badge
    environment.filters["covers"] = covers_words
    environment.filters["duration"] = duration
    environment.filters["percent"] = percent
    return environment.from_string(_resource("report.html.jinja"))
