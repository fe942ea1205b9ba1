"""The pages of the rules as Markdown, made from the catalogue; where they are written is not known.

`pages()` is everything below `docs/rules/`; `page(rule)` alone is what an editor can show.
"""

from __future__ import annotations

import textwrap

from autosota.agents.domain import Severity
from autosota.agents.rules import META, RULES
from autosota.agents.rules.rule import PAGES, Level, Rule
from autosota.agents.rules.sources import citation

_FAMILIES = {
    "LK": "Leakage",
    "EV": "Evaluation",
    "OUT": "Outputs",
    "DS": "Data",
    "SEL": "Selection and chance",
    "TO": "Trade-offs",
    "PS": "What the paper fixes",
    "NB": "Notebooks and the check itself",
}

_SEEN_IN = {
    Level.FILE: "a single script or notebook (`autosota check`)",
    Level.CROSS_FILE: "a file together with what it imports (`autosota check`)",
    Level.PATCH: "a change (`autosota audit`)",
    Level.RUNTIME: "what runs left behind (the campaign's report)",
}

_MEANT = {
    Severity.BLOCK: "block: the number is no result; only a person can override it, with a reason",
    Severity.ERROR: "error: the number is very likely wrong",
    Severity.WARNING: "warning: look at it before you trust the number",
    Severity.INFO: "info: good to know, with little effect by itself",
}


def pages() -> dict[str, str]:
    """Every file below the folder of the rules: its path from the repository's root, its text."""
    out = {rule.url: page(rule) for rule in RULES.values()}
    out[f"{PAGES}README.md"] = index()
    return out


def page(rule: Rule) -> str:
    """The page of one rule."""
    red_line = "none (hygiene)" if rule.red_line == "hygiene" else rule.red_line
    seen = "; ".join(_SEEN_IN[level] for level in rule.levels)
    parts = [
        f"# {rule.code}: {rule.name}",
        _wrapped(f"Severity **{_MEANT[rule.severity]}**. Red line: {red_line}. Found in: {seen}."),
        "## What it finds",
        _wrapped(rule.what),
        "## Why it matters",
        _wrapped(rule.why),
        "## Example",
        _code(rule.bad),
        "## Use instead",
        _code(rule.use_instead),
        "## When it is no problem",
        _wrapped(rule.not_when),
    ]
    if rule.code not in META and {Level.FILE, Level.CROSS_FILE} & set(rule.levels):
        parts += [
            "## Silence it",
            f"`# noqa: {rule.code}` or `# autosota: ignore[{rule.code}] why` at the end of the "
            "line.\nA change that an agent makes may not add either.",
        ]
    if rule.references:
        parts.append("## References")
        parts.append("\n".join(_wrapped(citation(r), "- ") for r in rule.references))
    return "\n\n".join(parts) + "\n"


def index() -> str:
    """The list of all rules, by family."""
    parts = [
        "# Rules",
        _wrapped(
            "Each rule says why a number would not be a result. `autosota check` finds those that "
            "a file shows, `autosota audit` those that a change shows, and a campaign those that "
            "only runs show. Severities follow the effect that was measured: "
            + "; ".join(f"*{text}*" for text in _MEANT.values())
            + "."
        ),
        "Red lines R1 to R7 are those of the AutoSOTA paper (arXiv:2604.05550).",
    ]
    for family, title in _FAMILIES.items():
        rows = ["| Rule | Name | Severity | Red line | Seen in |", "|---|---|---|---|---|"]
        for rule in RULES.values():
            if rule.code.rstrip("0123456789") == family:
                seen = ", ".join(level.value.replace("_", "-") for level in rule.levels)
                name = f"[{rule.code}]({rule.code}.md)"
                cells = (name, rule.name, rule.severity.value, rule.red_line, seen)
                rows.append("| " + " | ".join(cells) + " |")
        parts += [f"## {family}: {title}", "\n".join(rows)]
    return "\n\n".join(parts) + "\n"


def _wrapped(text: str, bullet: str = "") -> str:
    paragraphs = [
        textwrap.fill(
            p,
            100,
            initial_indent=bullet,
            subsequent_indent=" " * len(bullet),
            break_long_words=False,
            break_on_hyphens=False,
        )
        for p in text.split("\n\n")
    ]
    return "\n\n".join(paragraphs)


def _code(text: str) -> str:
    lines = text.split("\n")
    diff = any(line.startswith(("-", "+")) for line in lines)
    prose = not diff and not any(c in text for c in "=()[]#")
    return f"```{'diff' if diff else 'text' if prose else 'python'}\n{text}\n```"
