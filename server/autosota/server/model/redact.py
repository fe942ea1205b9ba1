"""Takes secrets and home folders out of text, before it is sent, stored or shown. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

MARK = "[redacted]"

SECRET_VARIABLES = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")
"""Variables that hold a key for a model: for this process only, never for what it starts."""

_NAMES = re.compile(r"(?i)(^|_)(key|token|secret|password|passwd|credentials?)($|_)")
_SHORTEST = 12
_SHAPES = re.compile(
    r"sk-[A-Za-z0-9_-]{16,}"
    r"|\bhf_[A-Za-z0-9]{20,}"
    r"|\bgh[pousr]_[A-Za-z0-9]{20,}|\bgithub_pat_[A-Za-z0-9_]{20,}"
    r"|\bxox[abprs]-[A-Za-z0-9-]{10,}"
    r"|\bAKIA[0-9A-Z]{16}\b"
    r"|\bAIza[0-9A-Za-z_-]{35}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|(?<=://)[^\s/:@]+:[^\s/@]+(?=@)",
    re.DOTALL,
)


class Redactor:
    """Redacts by the shape of well-known keys, by value, and home folders to `~`.

    Args:
        environ: variables; values of those that are named like secrets are redacted anywhere.
        secrets: further values.
        homes: folders that are written as `~`.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        secrets: Iterable[str] = (),
        homes: Iterable[str] = (),
    ) -> None:
        named = (v for k, v in environ.items() if _NAMES.search(k) and len(v) >= _SHORTEST)
        values = sorted({*named, *(s for s in secrets if s)}, key=len, reverse=True)
        self._values = re.compile("|".join(map(re.escape, values))) if values else None
        folders = sorted({h.rstrip("/") for h in homes if len(h.rstrip("/")) > 1}, key=len)
        found = "|".join(map(re.escape, reversed(folders)))
        self._homes = re.compile(rf"(?:{found})(?![\w.-])") if folders else None

    def text(self, text: str) -> str:
        """A text without secrets."""
        if self._values is not None:
            text = self._values.sub(MARK, text)
        text = _SHAPES.sub(MARK, text)
        return self._homes.sub("~", text) if self._homes is not None else text

    def plain(self, value: Any) -> Any:
        """The same for every text inside of lists and mappings."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(str(k)): self.plain(v) for k, v in value.items()}
        if isinstance(value, list | tuple):
            return [self.plain(item) for item in value]
        return value


def without_keys(environ: Mapping[str, str]) -> dict[str, str]:
    """Variables for a process that has no business with a model."""
    return {k: v for k, v in environ.items() if k not in SECRET_VARIABLES}
