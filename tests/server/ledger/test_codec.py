from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Mapping
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from autosota.agents.domain import BASELINE, Receipt
from autosota.agents.scheduler.events import (
    EVENT_TYPES,
    BestMoved,
    CampaignResumed,
    ClaimRead,
    Event,
    RunFinished,
)
from autosota.server.errors import UserError
from autosota.server.ledger.codec import decode, decode_receipt, encode, encode_receipt, link

TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
st.register_type_strategy(str, TEXT)
st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))


@pytest.mark.parametrize("event_type", EVENT_TYPES, ids=lambda event_type: event_type.kind)
def test_every_event_comes_back_exactly(event_type: type[Event]) -> None:
    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.from_type(event_type))
    def round_trip(event: Event) -> None:
        text = encode(event)
        back = decode(event.kind, text)
        assert back == event
        assert repr_sorted(back) == repr_sorted(event)  # 1 is not 1.0, a tuple is not a list
        assert encode(back) == text

    round_trip()


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.from_type(Receipt))
def test_every_receipt_comes_back_exactly(receipt: Receipt) -> None:
    back = decode_receipt(encode_receipt(receipt))
    assert back == receipt
    assert repr_sorted(back) == repr_sorted(receipt)


def repr_sorted(value: Any) -> str:
    if dataclasses.is_dataclass(value):
        fields = [
            (field.name, repr_sorted(getattr(value, field.name)))
            for field in dataclasses.fields(value)
        ]
        return f"{type(value).__name__}{fields}"
    if isinstance(value, Mapping):
        return repr(sorted((key, repr_sorted(item)) for key, item in value.items()))
    if isinstance(value, tuple):
        return f"tuple{[repr_sorted(item) for item in value]}"
    if isinstance(value, float) and value.is_integer():
        return f"float {value:.0f} {math.copysign(1, value)}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"int {value}"
    return f"{type(value).__name__} {value!r}"


def test_the_text_is_canonical() -> None:
    event = ClaimRead("é", "control", (2, 1))  # type: ignore[arg-type]
    assert encode(event) == '{"purpose":"control","seeds":[2,1],"side":"é"}'


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_none_are_refused(
    number: float,
    make_receipt: Callable[..., Receipt],
    finished: Callable[[Receipt], RunFinished],
) -> None:
    event = dataclasses.replace(finished(make_receipt()), metrics={"acc": number})
    with pytest.raises(ValueError, match="run_finished cannot be recorded"):
        encode(event)


def test_unknown_stays_unknown(
    make_receipt: Callable[..., Receipt], finished: Callable[[Receipt], RunFinished]
) -> None:
    event = dataclasses.replace(finished(make_receipt()), metrics={"acc": None, "loss": 0.0})
    back = decode("run_finished", encode(event))
    assert isinstance(back, RunFinished)
    assert back.metrics == {"acc": None, "loss": 0.0}


def test_what_could_not_be_read_back_is_not_written() -> None:
    with pytest.raises((ValueError, UserError)):
        encode(BestMoved(commit=None, patch="p1", ideas=()))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="cannot be recorded"):
        encode(BestMoved(commit=object(), patch="p1", ideas=()))  # type: ignore[arg-type]


def test_half_characters_of_file_names_are_escaped() -> None:
    back = decode("best_moved", encode(BestMoved("c", "caf\udce9", (BASELINE,))))
    assert isinstance(back, BestMoved)
    assert back.patch == "caf\\udce9"


def test_a_newer_version_is_named() -> None:
    with pytest.raises(UserError, match=r"unknown kind of event 'rewound'.*upgrade autosota"):
        decode("rewound", "{}")
    with pytest.raises(UserError, match=r"unknown field 'mood'.*upgrade autosota"):
        decode(CampaignResumed.kind, '{"mood":"good"}')
    with pytest.raises(UserError, match=r"unknown value of 'purpose'.*upgrade"):
        decode("claim_read", '{"purpose":"fun","seeds":[],"side":"baseline"}')


def test_nested_unknown_fields_are_named() -> None:
    body = {"patch": {"id": "p", "hypothesis": "h", "parent": "", "commit": "", "diff": "", "x": 1}}
    with pytest.raises(UserError, match=r"unknown field 'patch\.x'"):
        decode("patch_made", json.dumps(body))


@pytest.mark.parametrize("text", ["", "{", "[]", '{"seeds":["1"],"side":"b","purpose":"control"}'])
def test_damage_is_one_clear_line(text: str) -> None:
    with pytest.raises(UserError, match="claim_read") as raised:
        decode("claim_read", text)
    assert "\n" not in str(raised.value)


def test_the_link_is_the_hash_of_canonical_json() -> None:
    import hashlib

    row = {"campaign": "c1", "n": 7, "at": "t", "kind": "k", "body": {"b": 1, "a": [1.5, None]}}
    text = json.dumps(row, sort_keys=True, separators=(",", ":"))
    expected = hashlib.sha256(b"0" * 64 + text.encode()).hexdigest()
    assert link(b"0" * 64, b"c1", 7, b"t", b"k", b'{"a":[1.5,null],"b":1}') == expected
