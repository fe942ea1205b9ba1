"""Events and receipts as canonical JSON and back, and the hash that links them.

Canonical: keys sorted, no spaces, no NaN, UTF-8. Knows the nouns through their type hints
only; where the text is kept is not known here.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from autosota.agents.domain import Receipt
from autosota.agents.scheduler.events import EVENT_TYPES, Event
from autosota.server.errors import UserError

if TYPE_CHECKING:
    from pydantic import TypeAdapter, ValidationError

GENESIS = "0" * 64
"""The hash before the first event."""

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def encode(event: Event) -> str:
    """The canonical JSON of an event's fields; its kind is kept beside it.

    Half characters (from file names that are no UTF-8) are written as their escape, because
    neither JSON nor SQLite can hold them.

    Raises:
        ValueError: it holds NaN or an infinity, or something that could not be read back.
    """
    text = _encode(event.kind, event, type(event))
    decode(event.kind, text)  # nothing is written that cannot be read
    return text


def decode(kind: str, text: str | bytes) -> Event:
    """The event of this kind, from its canonical JSON.

    Raises:
        UserError: the kind or a field is not known to this version, or the text is damaged.
    """
    event_type = _event_types().get(kind)
    if event_type is None:
        raise UserError(
            f"unknown kind of event {kind!r}: written by a newer autosota; upgrade autosota"
        )
    event: Event = _decode(kind, event_type, text)
    return event


def encode_receipt(receipt: Receipt) -> str:
    """The canonical JSON of a receipt: what `receipt.json` holds and what is hashed.

    Raises:
        ValueError: it holds NaN or an infinity, or something that could not be read back.
    """
    text = _encode("receipt", receipt, Receipt)
    decode_receipt(text)
    return text


def decode_receipt(text: str | bytes) -> Receipt:
    """A receipt from its canonical JSON.

    Raises:
        UserError: a field is not known to this version, or the text is damaged.
    """
    receipt: Receipt = _decode("receipt", Receipt, text)
    return receipt


def receipt_hash(receipt: Receipt) -> str:
    """What `RunFinished.receipt` must hold for this receipt."""
    return text_hash(encode_receipt(receipt))


def text_hash(text: str | bytes) -> str:
    """The hexadecimal SHA-256 of a text in UTF-8."""
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()


def link(previous: bytes, campaign: bytes, n: int, at: bytes, kind: bytes, body: bytes) -> str:
    """The hash of row `n`: of the hash before it and the row as canonical JSON.

    Takes bytes, so that a row that is no valid text any more still has a hash.
    """
    return hashlib.sha256(
        b'%b{"at":"%b","body":%b,"campaign":"%b","kind":"%b","n":%d}'
        % (previous, at, body, campaign, kind, n)
    ).hexdigest()


@cache
def _event_types() -> dict[str, type[Event]]:
    return {event_type.kind: event_type for event_type in EVENT_TYPES}


@cache
def _adapter(noun: Any) -> TypeAdapter[Any]:
    from pydantic import ConfigDict, TypeAdapter

    # The one-tuple around it is how a plain dataclass and those inside it get the
    # configuration: unknown fields are errors, numbers are finite, nothing is coerced.
    config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
    return TypeAdapter(tuple[noun], config=config)


def _encode(name: str, value: object, noun: Any) -> str:
    from pydantic_core import PydanticSerializationError

    try:
        plain = _adapter(noun).dump_python((value,), warnings=False)[0]
        text = json.dumps(
            plain,
            sort_keys=True,
            separators=(",", ":"),
            allow_nan=False,
            ensure_ascii=False,
            default=_plain,
        )
    except (ValueError, TypeError, AttributeError, PydanticSerializationError) as error:
        # `unknown` is None; NaN in a record would make every comparison with it false.
        raise ValueError(f"{name} cannot be recorded: {error}") from error
    if _LONE_SURROGATE.search(text):
        text = _LONE_SURROGATE.sub(lambda found: f"\\\\u{ord(found[0]):04x}", text)
    return text


def _plain(value: object) -> dict[Any, Any]:
    """A mapping that is no `dict`, such as a read-only view, and the dataclasses in it."""
    if isinstance(value, Mapping):
        return dict(value)
    if is_dataclass(value):
        return {part.name: getattr(value, part.name) for part in fields(value)}
    raise TypeError(f"{value!r} is no plain value")


def _decode(name: str, noun: Any, text: str | bytes) -> Any:
    from pydantic import ValidationError

    if not isinstance(text, str | bytes):  # SQLite keeps any type in any column
        raise UserError(f"{name}: no text any more; `autosota verify` says what changed")
    wrapped = f"[{text}]" if isinstance(text, str) else b"[%b]" % text
    try:
        return _adapter(noun).validate_json(wrapped)[0]
    except ValidationError as error:
        raise UserError(f"{name}: {_problem(error)}") from error


def _problem(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    field = ".".join(str(part) for part in first["loc"][1:]) or "text"
    if first["type"] == "unexpected_keyword_argument":
        return f"unknown field {field!r}: written by a newer autosota; upgrade autosota"
    if first["type"] == "enum":
        return f"unknown value of {field!r}: written by a newer autosota; upgrade autosota"
    if first["type"] == "missing":
        return f"field {field!r} is missing: damaged, or written by an older autosota"
    return f"{field!r} cannot be read ({first['msg']}); `autosota verify` says what changed"
