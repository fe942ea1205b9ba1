from __future__ import annotations

from pathlib import Path

import pytest

from autosota.server.errors import UserError
from autosota.server.ledger import Ledger, Mailbox, NoLedger, verify


def test_messages_wait_until_they_are_done(path: Path) -> None:
    with Ledger(path), Mailbox(path) as face, Mailbox(path) as driver:
        first = face.post("c1", "steer", {"text": "läuft", "n": [1, 2]})
        second = face.post("c1", "stop")
        face.post("c2", "stop")
        pending = driver.pending("c1")
        assert [(m.id, m.kind, m.body) for m in pending] == [
            (first, "steer", {"text": "läuft", "n": [1, 2]}),
            (second, "stop", {}),
        ]
        driver.done(first)
        driver.done(first)
        assert [message.id for message in face.pending("c1")] == [second]
        assert len(driver.pending("c2")) == 1
    with Mailbox(path) as later:
        assert later.post("c1", "stop") > second  # numbers are not used again


def test_activity_is_the_last_word(path: Path) -> None:
    with Ledger(path), Mailbox(path) as driver, Mailbox(path, read_only=True) as face:
        assert face.activity("c1") is None
        driver.set_activity("c1", {"run": "r1"})
        driver.set_activity("c1", {"run": "r2", "seed": 3})
        activity = face.activity("c1")
        assert activity is not None
        assert activity.body == {"run": "r2", "seed": 3}
        assert activity.at.endswith("Z")
        driver.set_activity("c1", None)
        assert face.activity("c1") is None


def test_neither_is_part_of_the_record(campaign_of_three: Path) -> None:
    with Mailbox(campaign_of_three) as mailbox:
        mailbox.post("c1", "stop")
        mailbox.set_activity("c1", {"run": "r1"})
    assert verify(campaign_of_three) == []
    with Ledger(campaign_of_three, read_only=True) as ledger:
        assert len(ledger.events("c1")) == 5


def test_a_reader_cannot_post(path: Path) -> None:
    with pytest.raises(NoLedger):
        Mailbox(path, read_only=True)
    with (
        Ledger(path),
        Mailbox(path, read_only=True) as face,
        pytest.raises(UserError, match="cannot be written"),
    ):
        face.post("c1", "stop")
