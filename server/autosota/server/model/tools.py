"""The gate before every tool: what was offered, with arguments that fit, and not for ever.

Policy comes before a tool runs, each time; what a model writes cannot widen it. Tools only read.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from autosota.agents.asking import Tool, ToolRefused

MOST_ROUNDS = 12
"""Answers with tools in one question."""

MOST_CALLS = 40
MOST_IDENTICAL = 2
MOST_RESULT = 20_000
"""Characters of one result."""

_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
}


class ToolLoop(Exception):
    """The model goes round in circles; the text says how."""


class Gate:
    """The tools of one question, and how often each was used."""

    def __init__(self, tools: Sequence[Tool]) -> None:
        self._tools = {tool.name: tool for tool in tools}
        self._seen: Counter[str] = Counter()
        self.used: list[str] = []

    def run(self, name: str, arguments: Mapping[str, Any] | None) -> tuple[str, bool]:
        """The result of a call, and whether it was refused.

        Raises:
            ToolLoop: the same call came again and again, or there were too many.
        """
        key = json.dumps([name, arguments], sort_keys=True, default=str)
        self._seen[key] += 1
        if self._seen[key] > MOST_IDENTICAL:
            raise ToolLoop(f"the tool {name[:60]!r} was asked the same thing again and again")
        if self._seen.total() > MOST_CALLS:
            raise ToolLoop(f"more than {MOST_CALLS} tools were asked for in one question")
        tool = self._tools.get(name)
        if tool is None:
            known = ", ".join(self._tools) or "none"
            return f"there is no tool of this name; there are: {known}", True
        if arguments is None:
            return "the arguments are no JSON object", True
        if problem := _misfit(arguments, tool.schema):
            return problem, True
        try:
            text = tool.run(arguments)
        except ToolRefused as refusal:
            return str(refusal), True
        self.used.append(name)
        if len(text) > MOST_RESULT:
            text = text[:MOST_RESULT] + "\n… (cut)"
        return text, False


def _misfit(arguments: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """What is wrong with the arguments of a call, or ''."""
    properties = schema.get("properties", {})
    for name in arguments:
        if name not in properties:
            return f"there is no argument {name[:60]!r}; there are: {', '.join(properties)}"
    for name in schema.get("required", ()):
        if name not in arguments:
            return f"the argument {name!r} is missing"
    for name, value in arguments.items():
        wanted = properties[name].get("type", "")
        kind = _TYPES.get(wanted)
        wrong = kind is not None and not isinstance(value, kind)
        if wrong or (isinstance(value, bool) and wanted in ("integer", "number")):
            return f"the argument {name!r} must be a {wanted}"
    return ""
