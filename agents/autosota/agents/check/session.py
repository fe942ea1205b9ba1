"""One document, checked again after every change."""

from __future__ import annotations

from dataclasses import dataclass

from autosota.agents.check.project import Project
from autosota.agents.check.settings import Settings
from autosota.agents.domain import Finding


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found.

    Attributes:
        findings: Sorted by place and code, suppressions applied; unused ones are `NB898`.
        suppressed: The findings that a comment suppressed.
        unread: Why the file could not be read (then also one `NB899`), else `''`.
    """

    findings: tuple[Finding, ...] = ()
    suppressed: tuple[Finding, ...] = ()
    unread: str = ""


@dataclass(frozen=True, slots=True)
class Edit:
    """Bytes `start` to `end` of the content are replaced by `text`."""

    start: int
    end: int
    text: bytes


class Session:
    """An open document of an editor."""

    def __init__(self, path: str, settings: Settings | None = None) -> None:
        """No content yet."""
        self.path = path
        self.settings = settings or Settings()

    def update(self, content: bytes | Edit, project: Project | None = None) -> Checked:
        """The findings after a change; `content` is the whole new content or an edit of it."""
        raise NotImplementedError


def check(
    path: str, content: bytes, settings: Settings | None = None, project: Project | None = None
) -> Checked:
    """The findings of one file; `.ipynb` is a notebook, all else Python. Never raises."""
    return Session(path, settings).update(content, project)
