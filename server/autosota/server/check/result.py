"""What a check of one file gave, and the same as text for the cache."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from autosota.agents.domain import Finding, Place, RelatedPlace, Severity

Stamp = tuple[int, int, int]
"""What the file system says of a file: times of its content and of its entry (ns), bytes."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a check of one file gave.

    Attributes:
        findings, suppressed: As the engine says them, with paths from the workspace's root.
        unread: Why it could not be read, else `''`.
        sha: The hash of the bytes that were checked; `''` when there were none.
        stamp: The file's stamp before they were read.
        looked: Other files of the workspace that were asked for: their hash, `''` for absent.
    """

    findings: tuple[Finding, ...] = ()
    suppressed: tuple[Finding, ...] = ()
    unread: str = ""
    sha: str = ""
    stamp: Stamp = (0, 0, 0)
    looked: Mapping[str, str] = field(default_factory=dict)


def encode(result: Result) -> str:
    """The findings of a result; `''` when there are none."""
    if not result.findings and not result.suppressed:
        return ""
    rows = [[asdict(f) for f in part] for part in (result.findings, result.suppressed)]
    return json.dumps(rows, separators=(",", ":"))


def decode(text: str) -> Result:
    """A result with these findings.

    Raises:
        ValueError, TypeError, KeyError, AttributeError: the text is none of ours.
    """
    if not text:
        return Result()
    findings, suppressed = json.loads(text)
    return Result(tuple(map(_finding, findings)), tuple(map(_finding, suppressed)))


def _finding(row: dict[str, object]) -> Finding:
    values = dict(row)
    place = Place(**values.pop("place"))  # type: ignore[arg-type]
    related = tuple(RelatedPlace(**r) for r in values.pop("related"))  # type: ignore[attr-defined]
    severity = Severity(str(values.pop("severity")))
    return Finding(severity=severity, place=place, related=related, **values)  # type: ignore[arg-type]
