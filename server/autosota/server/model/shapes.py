"""Answers in a given shape: the JSON schema of a dataclass, and text read back as one. Pure."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import TypeAdapter

_FENCE = re.compile(r"```(?:json)?\s*\n(.*?)```", re.DOTALL)
_MOST_PROBLEMS = 8


class Misshapen(Exception):
    """An answer that does not fit; the text says where, for the model and for people."""


def schema_of(noun: type[Any]) -> dict[str, Any]:
    """The JSON schema of a dataclass, with no room for other keys."""
    schema = _adapter(noun).json_schema()
    _close(schema)
    return dict(schema)


def read_as(text: str, noun: type[Any]) -> Any:
    """The answer as the dataclass.

    Raises:
        Misshapen: it is no JSON, or does not fit.
    """
    from pydantic import ValidationError

    value = json_in(text)
    try:
        return _adapter(noun).validate_python(value)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False, include_context=False)
        lines = [
            f"{'.'.join(map(str, problem['loc'])) or 'the answer'}: {problem['msg']}"
            for problem in problems[:_MOST_PROBLEMS]
        ]
        raise Misshapen("; ".join(lines)) from None


def json_in(text: str) -> Any:
    """The JSON value of an answer: all of it, a fenced block, or from the first brace on.

    Raises:
        Misshapen: there is none.
    """
    stripped = text.strip()
    tried = [stripped, *(found.strip() for found in _FENCE.findall(stripped))]
    first, last = stripped.find("{"), stripped.rfind("}")
    if 0 <= first < last:
        tried.append(stripped[first : last + 1])
    for candidate in tried:
        try:
            return json.loads(candidate)
        except (ValueError, RecursionError):
            continue
    raise Misshapen("no JSON value in it")


def _adapter(noun: type[Any]) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter

    return TypeAdapter(noun)


def _close(schema: Any) -> None:
    if isinstance(schema, dict):
        if schema.get("type") == "object" and "properties" in schema:
            schema["additionalProperties"] = False
            schema["required"] = list(schema["properties"])
        schema.pop("default", None)
        for value in schema.values():
            _close(value)
    elif isinstance(schema, list):
        for value in schema:
            _close(value)
