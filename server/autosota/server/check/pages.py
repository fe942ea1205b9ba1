"""The page of a rule as a file on this machine, for editors and reports that want a link."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from functools import cache

from autosota.agents.rules import RULES
from autosota.agents.rules.pages import page
from autosota.server import product_version
from autosota.server.check.cache import user_folder


@cache
def page_url(code: str) -> str:
    """A `file:` link to the page of a rule, written to the user's cache on first use.

    Where nothing can be written it is the page's place in the repository.

    Raises:
        KeyError: there is no such rule.
    """
    rule = RULES[code]
    text = page(rule)
    version = f"{product_version()}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
    path = user_folder() / "rules" / version / f"{code}.md"
    if not path.is_file():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(
                "w", dir=path.parent, suffix=".part", delete=False, encoding="utf-8"
            ) as part:
                part.write(text)
            os.replace(part.name, path)
        except OSError:
            with contextlib.suppress(OSError, UnboundLocalError):
                os.unlink(part.name)
            return rule.url
    return path.as_uri()
