from __future__ import annotations

import itertools
import re
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from autosota.agents.domain import (
    Budget,
    Decision,
    Finding,
    Guard,
    MetricReading,
    MetricSource,
    Outcome,
    Paper,
    PaperClaim,
    Place,
    Protocol,
    Purpose,
    Severity,
)
from autosota.agents.scheduler import events as ev
from autosota.server.report.html import render, render_evidence
from autosota.server.report.numbers import Evidence

VOID = {"meta", "br", "hr", "img", "input", "link", "col", "wbr"}
SVG_EMPTY = {"line", "path", "circle", "rect"}
NOT_ALLOWED = {"script", "img", "iframe", "object", "embed", "link", "form", "base", "image", "use"}
HOSTILE = "</script></style><img src=x onerror=alert(1)>\"'&{{7*7}}\x1b[31m\u202egpj.exe"


class Page(HTMLParser):
    """Checks that tags are closed in order, and keeps what a test wants to look at."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.stack: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.ids: list[str] = []
        self.text = ""
        self.numbers: list[tuple[str, float, str, str]] = []  # section, value, rows, text
        self.feed(text)
        self.close()
        assert self.stack == []

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        assert len(found) == len(attrs), f"an attribute twice: {tag} {attrs}"
        self.tags.append((tag, found))
        if found.get("id"):
            self.ids.append(found["id"])
        if tag not in VOID:
            self.stack.append(tag)
        if tag == "section" and "id" in found:
            self.section = found["id"]
        if tag == "data":
            self.numbers.append((self.section, float(found["value"]), found["data-r"], ""))

    def handle_startendtag(self, tag, attrs):
        assert tag in SVG_EMPTY, tag
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.stack and self.stack.pop() == tag, f"</{tag}> closes something else"

    def handle_data(self, data):
        if "style" not in self.stack:
            self.text += data
        if self.stack and self.stack[-1] == "data":
            *rest, text = self.numbers[-1]
            self.numbers[-1] = (*rest, text + data)


def rows_of(words: str) -> set[int]:
    found = set()
    for part in words.split():
        first, _, last = part.partition("-")
        found |= set(range(int(first), int(last or first) + 1))
    return found


def page_of(told, **options) -> Page:
    return Page(render(told.history, told.receipts, **options))


@pytest.fixture
def every_campaign(confirmed, no_gain, not_held, not_reproduced, halfway, selects_on_claim):
    return {
        "confirmed": confirmed,
        "no gain": no_gain,
        "not held": not_held,
        "not reproduced": not_reproduced,
        "halfway": halfway,
        "selects on the claim": selects_on_claim,
    }


def test_every_kind_of_campaign_is_a_sound_page(every_campaign):
    for name, told in every_campaign.items():
        text = render(told.history, told.receipts, campaign="c1")
        page = Page(text)
        assert text.startswith("<!DOCTYPE html>"), name
        assert len(page.ids) == len(set(page.ids)), name
        for tag, attributes in page.tags:
            if tag == "a" and attributes["href"].startswith("#"):
                assert attributes["href"][1:] in page.ids, (name, attributes)
            for reference in (attributes.get("aria-labelledby") or "").split():
                assert reference in page.ids, (name, reference)
        assert not re.search(r"(?<![a-z])(nan|inf|None|Undefined)(?![a-z])", page.text), name
        assert "{{" not in page.text and "{%" not in page.text, name


def test_every_cut_of_a_campaign_renders(confirmed):
    """A report can be asked for at any moment, also before anything was measured."""
    for count in (1, 2, 3, 4, 8, 9, 10, 11, 12, 13, 20, 60, 85, 90, len(confirmed.history) - 1):
        page_of(confirmed.cut(count))


def test_the_page_loads_nothing_and_runs_nothing(every_campaign):
    for name, told in every_campaign.items():
        text = render(told.history, told.receipts, improvement="+x")
        page = Page(text)
        for tag, attributes in page.tags:
            assert tag not in NOT_ALLOWED, name
            for key, value in attributes.items():
                assert not key.startswith("on"), (name, key)
                assert key not in ("src", "srcset", "background", "xlink:href"), (name, key)
                assert "url(" not in (value or "").lower(), (name, value)
            if "href" in attributes:
                assert tag == "a", name
        style = text[text.index("<style>") : text.index("</style>")].lower()
        assert "url(" not in style and "@import" not in style and "http" not in style
        assert "default-src 'none'" in text


def test_plain_links_go_to_papers_only(confirmed):
    links = [a["href"] for t, a in page_of(confirmed).tags if t == "a" and a["href"][0] != "#"]
    assert set(links) == {
        "https://arxiv.org/abs/1502.03167",
        "https://arxiv.org/abs/1906.02629",
    }


@pytest.mark.parametrize("paper", ["javascript:alert(1)", "file:///etc/passwd", "data:text/html,x"])
def test_no_link_is_made_of_other_addresses(lab, make_idea, paper):
    page = page_of(lab([make_idea("x", paper=paper)], {}).play())
    assert all(a["href"].startswith("#") for t, a in page.tags if t == "a")
    assert paper in page.text


def test_hostile_strings_are_only_text(lab, make_idea, make_objective):
    goal = make_objective(
        command=f"python train.py {HOSTILE}",
        metric=f"test {HOSTILE}",
        select_on=f"val {HOSTILE}",
        paper=Paper(HOSTILE, HOSTILE, (PaperClaim(f"test {HOSTILE}", 0.9, HOSTILE),)),
        metrics={f"test {HOSTILE}": MetricSource(f"test {HOSTILE}", unit=HOSTILE)},
        guards=(Guard("params", max_increase=0.1),),
        protocol=Protocol((HOSTILE,), (HOSTILE,), (HOSTILE,), {HOSTILE: HOSTILE}),
    )
    finding = Finding("EV201", HOSTILE, Severity.BLOCK, "R2", Place(HOSTILE, 1), HOSTILE)
    hostile = {
        "title": HOSTILE,
        "place": Place(HOSTILE, 1),
        "symbol": HOSTILE,
        "reason": HOSTILE,
        "paper": HOSTILE,
        "assumptions": (HOSTILE,),
        "provenance": HOSTILE,
    }
    told = lab(
        [make_idea("a", **hostile), make_idea("b", **hostile), make_idea("c", **hostile)],
        {"a": 0.03},
        objective=goal,
        decision={"b": Decision.REJECTED},
        outcome={"c": Outcome.CRASHED},
        findings=(finding,),
        reason=HOSTILE,
        diff=f"--- a/{HOSTILE}\n+++ b/{HOSTILE}\n@@ -1 +1 @@\n-{HOSTILE}\n+{HOSTILE}\n",
    ).play()
    text = render(told.history, told.receipts, campaign=HOSTILE, improvement=f"+{HOSTILE}\n")
    page = Page(text)
    assert {t for t, _ in page.tags}.isdisjoint(NOT_ALLOWED)
    assert text.count("<style>") == 1 and "<img" not in text
    assert "\x1b" not in text and "\u202e" not in text
    assert "␛[31m⟦U+202E⟧gpj.exe" in page.text
    assert "{{7*7}}" in page.text and "49" not in page.text.split("{{7*7}}")[0][-5:]
    assert not any(k.startswith("on") for _, a in page.tags for k in a)


def test_names_that_are_no_text_are_still_a_file(lab, make_idea):
    told = lab([make_idea("x", title="caf\udce9 \x00")], {}).play()
    render(told.history, told.receipts).encode("utf-8")


def test_every_number_of_the_claims_table_comes_from_its_receipts(confirmed):
    page = page_of(confirmed)
    by_row = dict(enumerate((r.run_id for r in confirmed.state.runs), start=1))
    claims = [n for n in page.numbers if n[0] == "claims"]
    assert len(claims) == 8  # mean, ±, to the paper, baseline, candidate, gain and its interval
    mean, _half, paper, before, after, gain, low, high = claims
    for _, value, rows, text in claims:
        assert rows_of(rows) and rows_of(rows) <= by_row.keys()
        decimals = len(text.partition(".")[2])
        assert float(text) == pytest.approx(value, abs=0.51 * 10**-decimals)

    def average(rows):
        held = [confirmed.receipts[by_row[r]].value("test_accuracy") for r in rows_of(rows)]
        return sum(held) / len(held)

    for _, value, rows, _ in (mean, before, after):
        assert value == pytest.approx(average(rows), abs=1e-12)
    assert paper[1] == pytest.approx(average(mean[2]) - 0.925, abs=1e-12)
    assert gain[1] == pytest.approx(average(after[2]) - average(before[2]), abs=1e-12)
    assert low[1] < gain[1] < high[1]


def test_no_number_is_typed_beside_the_receipts(confirmed):
    """What is left of the claims table without its numbers holds only quoted or counted ones."""
    text = render(confirmed.history, confirmed.receipts)
    table = re.search(r'<section id="claims".*?</table>', text, re.S)[0]
    left = re.sub(r"<data.*?</data>|<a .*?</a>|<caption>.*?</caption>|<[^>]*>", " ", table)
    assert re.findall(r"\d[\d.]*", left) == [
        "0.925", "1", "5", "95", str(len(confirmed.state.plan.seeds)),
    ]  # fmt: skip


def test_only_shown_numbers_can_be_printed(confirmed):
    from autosota.server.report.html import _Numbers

    num = _Numbers(Evidence(confirmed.history, confirmed.receipts))
    with pytest.raises(TypeError, match="is not a number that a receipt holds"):
        num(0.94)


def test_a_changed_metric_raises_the_banner(confirmed):
    honest = page_of(confirmed)
    assert "Do not rely on this report" not in honest.text
    name = next(n for n in confirmed.receipts if "confirm-c1" in n)
    receipt = confirmed.receipts[name]
    changed = replace(
        receipt,
        metrics=tuple(
            replace(m, value=0.99) if m.name == "test_accuracy" else m for m in receipt.metrics
        ),
    )
    page = Page(render(confirmed.history, {**confirmed.receipts, name: changed}))
    assert "Do not rely on this report: the ledger and its receipts disagree" in page.text
    assert name in page.text
    assert "Not proved by the receipts" in page.text
    assert any(a.get("role") == "alert" for _, a in page.tags)


def test_a_ledger_without_any_receipt_shows_no_number(confirmed):
    page = Page(render(confirmed.history, {}))
    assert page.numbers == []
    assert "Do not rely on this report" in page.text
    assert not re.search(r"\bnan\b", page.text)
    assert "Not proved: the ledger says confirmed" in page.text


def test_a_masked_claim_is_nowhere_on_the_page(halfway):
    text = render(halfway.history, halfway.receipts)
    hidden = [
        r.value("test_accuracy") for r in halfway.receipts.values() if r.purpose is Purpose.CONFIRM
    ]
    assert len(hidden) == 6
    for value in hidden:
        assert repr(value) not in text
        assert f">{value:.4f}<" not in text
        assert f"{value:.6g}" not in text
    assert "The claim stays masked" in text
    assert text.count('class="masked"') == len(halfway.receipts) - 5


def test_what_the_page_says_of_each_verdict(every_campaign):
    begins = {
        "confirmed": "Confirmed +3",
        "no gain": "No gain found; the best candidate's interval covers zero",
        "not held": "No gain found; on fresh seeds the best candidate",
        "not reproduced": "Baseline not reproduced: ",
        "halfway": "Stopped: confirming on fresh seeds, 6 of "
        f"{every_campaign['halfway'].state.plan.evaluations} runs",
        "selects on the claim": "Provisional, not confirmed: ",
    }
    for name, told in every_campaign.items():
        assert begins[name] in page_of(told).text, name
    assert (
        "the search looks at val_accuracy itself"
        in page_of(every_campaign["selects on the claim"]).text
    )


def test_all_ideas_runs_and_hashes_are_listed(confirmed):
    page = page_of(confirmed, improvement="+x")
    state = confirmed.state
    for idea in state.ideas.values():
        assert idea.title in page.text
    for run in state.runs:
        assert run.run_id in page.text
    titles = {a.get("title") for _, a in page.tags}
    assert {r.receipt for r in state.runs} <= titles
    assert "EV201 (R2, block) evaluate.py:3: the candidate edits the metric" in page.text
    assert "R5: it would look at test data" in page.text
    assert state.start.objective_hash in page.text


def test_the_same_campaign_gives_the_same_text(confirmed):
    assert render(confirmed.history, confirmed.receipts) == render(
        confirmed.history, dict(reversed(confirmed.receipts.items()))
    )


def test_plots_are_sound_svg_with_words_for_those_who_do_not_see_them(confirmed):
    text = render(confirmed.history, confirmed.receipts)
    plots = re.findall(r'<svg class="plot".*?</svg>', text, re.S)
    assert len(plots) == 2
    for plot in plots:
        root = ElementTree.fromstring(plot)
        assert root.get("role") == "img"
        assert root.find("title").text and root.find("desc").text
        assert "nan" not in plot and "inf" not in plot.replace("interval", "")


def test_tables_have_captions_and_headed_columns(confirmed):
    text = render(confirmed.history, confirmed.receipts)
    for table in re.findall(r"<table.*?</table>", text, re.S):
        assert "<caption" in table and 'scope="col"' in table
    levels = [int(level) for level in re.findall(r"<h([1-6])", text)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(b <= a + 1 for a, b in itertools.pairwise(levels))


def test_a_metric_that_was_never_read_is_unknown(lab, make_idea):
    told = lab([make_idea("x")], {}).play()
    history, receipts = [], {}
    for n, at, event in told.history:
        if isinstance(event, ev.RunFinished):
            event = replace(event, metrics={**event.metrics, "val_f1": None})
        history.append((n, at, event))
    for name, receipt in told.receipts.items():
        readings = tuple(
            MetricReading("val_f1", None, reason="not finite") if m.name == "val_f1" else m
            for m in receipt.metrics
        )
        receipts[name] = replace(receipt, metrics=readings)
    page = Page(render(history, receipts))
    trades = re.search(r'id="trades".*?</section>', render(history, receipts), re.S)[0]
    assert "val_f1" not in trades  # it has no number to show
    assert "val_accuracy" in page.text


def test_a_large_campaign_stays_a_file_that_opens(lab, make_idea, make_objective):
    ideas = [make_idea(f"idea-{n}") for n in range(250)]
    told = lab(
        ideas,
        {f"idea-{n}": 0.004 * (n % 40 == 0) for n in range(250)},
        objective=make_objective(budget=Budget(evaluations=5000, wall_seconds=1e9)),
    ).play()
    assert len(told.receipts) > 500
    text = render(told.history, told.receipts)
    assert len(text) < 6000 * len(ideas)
    plot = re.search(r'<svg class="plot".*?</svg>', text, re.S)[0]
    assert len(plot) < 500 * len(ideas)
    Page(text)


def test_evidence_can_be_told_once_and_used_twice(confirmed):
    evidence = Evidence(confirmed.history, confirmed.receipts)
    assert render_evidence(evidence) == render(confirmed.history, confirmed.receipts)
