from __future__ import annotations

from pathlib import Path

import pytest

from autosota.server.errors import UserError
from autosota.server.ledger.head import START, Position, locked, read_head


def test_the_head_is_where_it_was_left(tmp_path: Path) -> None:
    file = tmp_path / "ledger.head"
    assert read_head(file) is None
    with locked(file) as head:
        assert head.read() == START
        assert read_head(file) == START  # empty: its first writer was killed
        head.write(Position(7, "a" * 64))
        head.write(Position(8, "b" * 64))
        assert head.read() == Position(8, "b" * 64)
    assert read_head(file) == Position(8, "b" * 64)


def test_only_one_holds_it_and_the_wait_ends(tmp_path: Path) -> None:
    file = tmp_path / "ledger.head"
    with (
        locked(file),
        pytest.raises(UserError, match=r"ledger\.head: another process kept"),
        locked(file, busy=0.02),
    ):
        pass
    with locked(file, busy=0.02):
        pass


@pytest.mark.parametrize("content", [b"7 aa\n", b"x" * 86, b"%020d %b\n\n" % (1, b"a" * 64)])
def test_damage_is_said(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "ledger.head"
    file.write_bytes(content)
    with pytest.raises(ValueError, match="not the number and hash of a row"):
        read_head(file)
