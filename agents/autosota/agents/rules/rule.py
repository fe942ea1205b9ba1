"""What a rule is: its code, its red line, and everything a person needs to judge a finding of it.

When a rule fires is not known here; the check, the audit and the evidence of runs each know.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from enum import StrEnum

from autosota.agents.domain import Severity

PAGES = "docs/rules/"
"""Where the pages of the rules stand, from the repository's root."""


class Level(StrEnum):
    """What has to be seen before a rule can fire."""

    FILE = "file"
    """One script or notebook."""
    CROSS_FILE = "cross_file"
    """A file and what it imports."""
    PATCH = "patch"
    """Two trees, and the objective between them."""
    RUNTIME = "runtime"
    """What runs left behind: receipts, predictions, hashes, the ledger."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, and the text of its page.

    Prose may be written over several lines, code indented as it stands; both are tidied here.

    Attributes:
        code: Family and number, such as `LK101`.
        name: A short phrase a person sees beside the code.
        red_line: The red line of the AutoSOTA paper it enforces, or `hygiene`.
        severity: Its usual severity; a finding with weaker evidence may be milder.
        levels: What must be seen; several when it can fire in several ways.
        what: What the rule finds.
        why: What goes wrong, with the measured effect where a source gives one.
        bad: Code, a diff or rows of a ledger in which it fires.
        use_instead: The same, done well.
        not_when: When it is no finding, or should not be fixed.
        references: Keys of `sources.SOURCES`, each with an optional `: where in it`.
    """

    code: str
    name: str
    red_line: str
    severity: Severity
    levels: tuple[Level, ...]
    what: str
    why: str
    bad: str
    use_instead: str
    not_when: str
    references: tuple[str, ...]

    def __post_init__(self) -> None:
        """Join prose into one line per paragraph, and take the common indent off code."""
        for name in ("what", "why", "not_when"):
            paragraphs = textwrap.dedent(getattr(self, name)).strip().split("\n\n")
            text = "\n\n".join(" ".join(p.split()) for p in paragraphs)
            object.__setattr__(self, name, text)
        for name in ("bad", "use_instead"):
            object.__setattr__(self, name, textwrap.dedent(getattr(self, name)).strip("\n"))

    @property
    def url(self) -> str:
        """Its page, from the repository's root."""
        return f"{PAGES}{self.code}.md"
