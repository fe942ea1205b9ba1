"""The external memory of a campaign as files: what `.autosota/memory/` holds (paper, 3.5).

Pure functions from a state to texts, so that they can be thrown away and rendered again.
The claim is only in them where it was read. Nothing reads them back.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from autosota.agents.domain import Comparison, Fate, Hypothesis, Outcome, Purpose
from autosota.agents.scheduler.claims import compute_change
from autosota.agents.scheduler.events import RunFinished
from autosota.agents.scheduler.state import CampaignState
from autosota.server.report.caveats import Kind, caveats
from autosota.server.report.fates import FATES, fate_of
from autosota.server.report.formats import decimals_of, fixed, in_markdown, interval_words, one_line
from autosota.server.report.pairs import best_pairs, confirm_pairs, trial_pairs
from autosota.server.report.pieces import ablation_words, piece_words, skipped_words
from autosota.server.report.price import price_words, spent_words
from autosota.server.report.proof import control_words, transfer_words
from autosota.server.report.replay import is_masked
from autosota.server.report.text import (
    baseline_words,
    search_words,
    verdict_sentence,
)
from autosota.server.report.tree import attempts, tree_lines

RED_LINES = (
    "R1: metric parameters are fixed (k, windows, averaging; no best of N)",
    "R2: evaluation script, aggregation and metric code stay as they are",
    "R3: outputs come from the model's inference; nothing is fabricated or hard-coded",
    "R4: no unfair trade between metrics or resources; each is reported every time",
    "R5: the paper's split; test data is never trained, tuned or calibrated on",
    "R6: data is not filtered, relabelled or resampled in a way that moves the evaluation",
    "R7: constraints of this paper, below",
)


def memory_files(state: CampaignState) -> dict[str, str]:
    """File name → text, for `.autosota/memory/`.

    Args:
        state: the campaign, best as `numbers.Evidence` proves it.

    Raises:
        ValueError: the events do not begin with a campaign's start.
    """
    return {
        "code_analysis.md": code_analysis(state),
        "idea_library.md": idea_library(state),
        "research_report.md": research_report(state),
        "scores.jsonl": scores(state),
    }


def code_analysis(state: CampaignState) -> str:
    """Workflow, evaluation boundary and what may not change."""
    objective = state.objective
    protocol = objective.protocol
    lines = ["# Code analysis", "", "## Workflow", ""]
    lines += [f"- one experiment: {_code(objective.command)}"]
    if objective.evaluate:
        lines.append(f"- evaluator: {_code(objective.evaluate)}")
    lines += [
        f"- claim: {_code(objective.metric)} ({objective.direction})",
        f"- search looks at: {_code(objective.select_on)}",
        f"- base commit: {_code(state.start.base_commit)}",
    ]
    if state.environment is not None:
        where = state.environment
        lines.append(
            f"- runs: {in_markdown(where.sandbox)}, {where.isolation}, {_code(where.python)}"
        )
    lines += ["", "## Evaluation boundary", ""]
    if state.analysed is None:
        lines.append("not analysed yet")
    else:
        boundary = state.analysed.boundary
        lines += [f"- evaluation: {_code(s)}" for s in boundary.symbols]
        lines += [f"- restored and read-only: {_code(f)}" for f in boundary.files]
        lines += [f"- not analysed: {in_markdown(u)}" for u in boundary.unknown]
        if not (boundary.symbols or boundary.files or boundary.unknown):
            lines.append("nothing in the repository evaluates")
    lines += ["", "## Immutable constraints", "", *(f"- {text}" for text in RED_LINES)]
    lines += [f"- data: {_code(g)}" for g in protocol.data]
    lines += [f"- labels, for the evaluator only: {_code(g)}" for g in protocol.labels]
    lines += [f"- frozen: {_code(f'{k} = {v!r}')}" for k, v in protocol.frozen.items()]
    if state.analysed is not None and state.analysed.warnings:
        lines += ["", "## Warnings", ""]
        lines += [
            f"- {f.code} {_code(f'{f.place.path}:{f.place.line}')}: {in_markdown(f.message)}"
            for f in state.analysed.warnings
        ]
    return _text(lines)


def idea_library(state: CampaignState) -> str:
    """Every idea with its audit, its attempt and its outcome."""
    lines = ["# Idea library", "", search_words(state) + "."]
    for idea in state.ideas.values():
        lines += [
            "",
            f"## {in_markdown(idea.title)} ({in_markdown(idea.id)})",
            "",
            *_idea(idea, state),
        ]
    return _text(lines)


def research_report(state: CampaignState) -> str:
    """Prior knowledge (the paper, what ideas come from) and what was learned here."""
    paper = state.objective.paper
    lines = [
        "# Research report",
        "",
        f"**{in_markdown(verdict_sentence(state), 2000)}**",
        "",
        "## Paper",
        "",
    ]
    lines.append(f"- {in_markdown(paper.title or 'no title given')}")
    if paper.source:
        lines.append(f"- source: {in_markdown(paper.source)}")
    lines += [
        f"- claims {_code(c.metric)} {c.value:g}"
        + (f" ({in_markdown(c.where)})" if c.where else "")
        for c in paper.claims
    ]
    if baseline_words(state):
        lines += ["", "## Baseline", "", f"- {in_markdown(baseline_words(state))}"]
    lines += ["", "## What was learned", "", *(_learned(state) or ["nothing yet"])]
    lines += _survived(state)
    sources = sorted({in_markdown(i.paper) for i in state.ideas.values() if i.paper})
    lines += ["", "## Where the ideas come from", "", *(f"- {s}" for s in sources or ["nowhere"])]
    weigh = [c for c in caveats(state) if c.weighs]
    against = [f"- {in_markdown(c.text)}" for c in weigh if c.kind is Kind.FAILED]
    if against:
        lines += ["", "## What speaks against it", "", *against]
    lines += ["", "## What the result does not cover", ""]
    lines += [f"- {in_markdown(c.text)}" for c in weigh if c.kind is not Kind.FAILED] or [
        "- nothing known"
    ]
    return _text(lines)


def scores(state: CampaignState) -> str:
    """One JSON object per line: iteration 0 is the baseline, then each idea that was tried.

    A confirmation, once judged, is the last line, with `claim` instead of the search metric.
    """
    if state.baseline is None:
        return ""
    base = [r for r in state.runs if r.purpose is Purpose.BASELINE and r.outcome is Outcome.OK]
    measured = state.baseline
    rows: list[dict[str, Any]] = [
        {
            "iteration": 0,
            "name": "_baseline",
            "commit": state.start.base_commit,
            "metric": measured.metric,
            "mean": measured.mean,
            "sd": measured.sd,
            "seeds": list(measured.seeds),
            "metrics": _means(base, state),
            "runs": [r.run_id for r in base],
        }
    ]
    for row in attempts(state):
        trial = state.iterations[row.number - 1]
        judged = state.judged.get(row.idea) if row.fate != "again" else None
        if judged is None and row.fate != "again":
            continue
        pairs = trial_pairs(trial, state)
        if judged is not None and judged.comparison is not None:
            pairs = pairs[: judged.comparison.pairs]
        patch = state.patch_on(row.idea, row.parent)
        rows.append(
            {
                "iteration": row.number,
                "name": row.idea,
                "patch": patch,
                "commit": row.commit or None,
                "parent": row.parent,
                "granularity": row.granularity,
                "leap": trial.leap,
                "fate": judged.fate if judged is not None else row.fate,
                "reason": judged.reason if judged is not None else "",
                "best": row.kept,
                **_measured(judged.comparison if judged is not None else None),
                "seeds": [b.seed for _, b in pairs],
                "metrics": _means([b for _, b in pairs], state),
                "runs": [
                    r.run_id
                    for r in state.runs
                    if r.commit == row.commit and r.purpose is Purpose.SEARCH
                ],
            }
        )
    confirmed = state.confirmation
    if confirmed is not None:
        pairs = confirm_pairs(state)
        rows.append(
            {
                "iteration": len(state.iterations) + 1,
                "name": "_confirmation",
                "patch": confirmed.patch,
                "fate": confirmed.fate,
                "reason": confirmed.reason,
                **_measured(confirmed.comparison),
                "reads_of_claim_metric": state.claim_reads,
                "compute": compute_change(state),
                "controls": {c.name: c.passed for c in state.controls.values()},
                "transfers": {t.name: t.holds for t in state.transfers.values()},
                "seeds": [a.seed for a, _ in pairs],
                "metrics": _means([b for _, b in pairs], state),
                "runs": [r.run_id for pair in pairs for r in pair],
            }
        )
    return "".join(
        json.dumps(_sound(row), ensure_ascii=True, allow_nan=False) + "\n" for row in rows
    )


# ------------------------------------------------------------------ parts


def _idea(idea: Hypothesis, state: CampaignState) -> list[str]:
    fate, reason = fate_of(idea.id, state)
    place = f"{idea.place.path}:{idea.place.line}"
    lines = [
        f"- {idea.granularity}, priority {idea.priority.lower()}, risk {idea.risk.lower()}",
        f"- at {_code(place)}" + (f" in {_code(idea.symbol)}" if idea.symbol else ""),
        f"- why: {in_markdown(idea.reason)}",
    ]
    if idea.paper:
        lines.append(f"- paper: {in_markdown(idea.paper)}")
    lines += [f"- assumes: {in_markdown(text)}" for text in idea.assumptions]
    admitted = "CLEARED" if idea.admissible else "REJECTED"
    lines.append(
        f"- admissible: {admitted}"
        + (f", {in_markdown(idea.admissible_reason)}" if idea.admissible_reason else "")
    )
    lines.append(f"- outcome: {FATES[fate]}" + (f", {in_markdown(reason)}" if reason else ""))
    judged = state.judged.get(idea.id)
    if judged is not None and judged.comparison is not None:
        lines.append(f"- measured: {_comparison(judged.comparison)}")
    verdict = state.verdicts.get(state.patch_of_idea.get(idea.id, ""))
    if verdict is not None:
        lines.append(f"- audit: {verdict.decision}")
        lines += [f"  - {f.code} {in_markdown(f.message)}" for f in verdict.findings]
    return lines


def _learned(state: CampaignState) -> list[str]:
    lines = []
    for name, judged in state.judged.items():
        idea = state.ideas[name]
        text = f"- {in_markdown(idea.title)}: {FATES[fate_of(name, state)[0]]}"
        if judged.comparison is not None and judged.comparison.difference is not None:
            text += f", {_comparison(judged.comparison)}"
        elif judged.fate in (Fate.FAILED, Fate.REJECTED, Fate.NOT_APPLICABLE):
            text += f", {in_markdown(judged.reason)}"
        lines.append(text)
    if best_pairs(state) and state.best is not None:
        lines.append(f"- best so far: {', '.join(in_markdown(i) for i in state.best.ideas)}")
    return lines


def _survived(state: CampaignState) -> list[str]:
    """The tree of attempts, the pieces of the best, its price, controls and transfers."""
    lines: list[str] = []

    def part(title: str, found: Sequence[str]) -> None:
        if found:
            lines.extend(["", f"## {title}", "", *found])

    part("Tree of attempts", tree_lines(state))
    if skipped_words(state):
        part("What carries the gain", [f"The best change was {skipped_words(state)}."])
    elif state.ablation is not None:
        pieces = [f"- {in_markdown(piece_words(state, p.id))}" for p in state.ablation.pieces]
        whole = f"The best change was {ablation_words(state)}."
        part("What carries the gain", [whole, "", *pieces])
    price = []
    if state.plan is not None:
        price.append(f"- before: {in_markdown(price_words(state.plan, state))}")
    if spent_words(state):
        price.append(f"- spent: {in_markdown(spent_words(state))}")
    part("Price of the confirmation", price)
    controls = [f"- {in_markdown(control_words(c, state))}" for c in state.controls.values()]
    part("Controls", controls)
    transfers = [f"- {in_markdown(transfer_words(t, state))}" for t in state.transfers.values()]
    part("Other settings", transfers)
    return lines


def _comparison(result: Comparison) -> str:
    if result.difference is None:
        return "nothing"
    change = fixed(result.difference, decimals_of(result), signed=True)
    return f"{in_markdown(result.metric)} {change} ({interval_words(result)})"


def _measured(result: Comparison | None) -> dict[str, Any]:
    if result is None:
        return {"metric": None, "mean": None, "difference": None, "interval": None}
    bounds = None if result.low is None else [result.low, result.high]
    return {
        "metric": result.metric,
        "mean": result.candidate_mean,
        "baseline": result.baseline_mean,
        "difference": result.difference,
        "interval": bounds,
        "confidence": result.confidence,
        "corrected_p": result.corrected_p,
    }


def _means(runs: Sequence[RunFinished], state: CampaignState) -> dict[str, float]:
    """R4: every metric of these runs, except a claim that was not read."""
    from autosota.agents.scheduler.statistics import mean

    found: dict[str, list[float]] = {}
    for run in runs:
        for name, value in run.metrics.items():
            if value is not None and not is_masked(name, run.purpose, state):
                found.setdefault(name, []).append(value)
    return {name: mean(values) for name, values in found.items() if len(values) == len(runs)}


def _sound(row: dict[str, Any]) -> dict[str, Any]:
    """NaN, which JSON has no word for, as null."""
    return {k: None if isinstance(v, float) and v != v else v for k, v in row.items()}


def _code(text: str) -> str:
    return "`" + one_line(text, 500).replace("`", "'") + "`"


def _text(lines: Sequence[str]) -> str:
    return "\n".join(lines) + "\n"
