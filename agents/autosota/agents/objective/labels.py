r"""Text before a printed number: the metric it names and the pattern that finds the number.

`Test accuracy: ` names `test_accuracy` and gives `Test accuracy:\s*(?P<value>…)`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from autosota.agents.init.wordlist import words_in
from autosota.agents.objective import vocabulary

VALUE = r"(?P<value>[-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?|nan|inf)"
"""The number itself. NaN is matched too: a run that printed it is told from one that did not."""

_MODIFIERS = words_in(
    "macro micro weighted balanced mean average top1 top5 character word exact relative"
)
_TAIL = words_in("is was of on the at to = score rate value")


@dataclass(frozen=True, slots=True)
class Label:
    """A metric's name (its split included when the text says it) and the text that shows it."""

    name: str
    text: str
    best: bool = False

    def pattern(self, lead: str = "") -> str:
        """The regular expression, matched within one line; `lead` must come somewhere before."""
        head = f"{_regex(lead)}.*?" if lead.strip() else ""
        return f"{head}{_regex(self.text)}{VALUE}"


def label_of(before: str, variable: str = "") -> Label | None:
    """The label that text before a number makes; None when it names no metric.

    Args:
        before: The text of the line between the previous number and this one.
        variable: A metric name that the code gives the number; helps when the text has none.
    """
    text = plain(before)
    telling = re.split(r"[|,;]\s*(?=\S)|\t|\s{2,}(?=\S)|\s-+\s(?=\S)", text)[-1]
    if not re.search(r"[A-Za-z]{2}", telling):
        return None
    found = vocabulary.words(telling)
    separated = bool(re.search(r"[:=>(\[]\s*$", telling))
    kept = _telling(found)
    if not any(vocabulary.is_metric(w) for w in kept):
        if not variable or not (separated or telling.rstrip() == telling.strip()):
            return None
        if len(found) > 3 or vocabulary.is_metric(" ".join(found)):
            return None
        split = vocabulary.split_of(telling)
        return Label(vocabulary.with_split(vocabulary.slug(variable), split), telling, _best(found))
    last = found[-1] if found else ""
    ends = vocabulary.is_metric(last) or last in _TAIL or bool(vocabulary.split_of(last))
    if not separated and not ends and not last.isdigit():
        return None
    # `loss decreased (` is followed by the old value: only a colon makes a label of any words.
    if separated and not re.search(r"[:=]\s*$", telling) and not ends and not last.isdigit():
        return None
    split = vocabulary.split_of(telling)
    return Label(vocabulary.with_split("_".join(kept), split), telling, _best(found))


def plain(text: str) -> str:
    """Text without colours, from its last control character on (a tab, an unknown value)."""
    return re.split(r"[\x00-\x1f\x7f-\x9f]", re.sub(r"\x1b\[[0-9;]*m", "", text))[-1]


def _telling(found: list[str]) -> list[str]:
    """Metric words, with their modifiers and cut-offs (`recall@10`)."""
    kept: list[str] = []
    for index, word in enumerate(found):
        after_metric = index > 0 and vocabulary.is_metric(found[index - 1])
        cut_off = word.isdigit() and after_metric and len(word) < 4
        modifies = word in _MODIFIERS and any(vocabulary.is_metric(w) for w in found[index + 1 :])
        if vocabulary.is_metric(word) or cut_off or modifies:
            kept.append(word)
    return [w for w in kept if w not in ("mean", "average")]


def _best(found: list[str]) -> bool:
    return "best" in found


def _regex(text: str) -> str:
    """Text as a regular expression, white space of any width."""
    stripped = text.strip()
    words = r"\s+".join(re.escape(w) for w in stripped.split())
    words = words.replace(r"\-", "-").replace(r"\=", "=").replace(r"\:", ":").replace(r"\,", ",")
    start = r"\b" if re.match(r"\w", stripped) else ""
    return rf"{start}{words}\s*" if words else ""
