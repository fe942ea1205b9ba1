"""What may happen unasked: one state for every face, never above what the objective allows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autosota.agents.domain import Objective
from autosota.server.editor.autonomy import mode, set_mode
from autosota.server.errors import UserError

OBJECTIVE = Objective("python train.py", "acc", "acc", autonomy="autonomous")


def test_what_was_chosen_holds_for_everyone(tmp_path):
    assert mode(tmp_path, OBJECTIVE) == "autonomous"
    for wanted in ("off", "suggest", "autonomous"):
        assert set_mode(tmp_path, OBJECTIVE, wanted) == wanted
        assert mode(tmp_path, OBJECTIVE) == wanted


def test_the_objective_is_the_ceiling(tmp_path):
    set_mode(tmp_path, OBJECTIVE, "autonomous")
    careful = replace(OBJECTIVE, autonomy="suggest")
    assert mode(tmp_path, careful) == "suggest"
    with pytest.raises(UserError, match=r'set autonomy\.mode = "autonomous"'):
        set_mode(tmp_path, careful, "autonomous")
    with pytest.raises(UserError, match="at most"):
        set_mode(tmp_path, replace(OBJECTIVE, autonomy="off"), "suggest")


def test_without_an_objective_nothing_runs_unasked(tmp_path):
    assert mode(tmp_path, None) == "suggest"
    with pytest.raises(UserError, match="needs an objective with a budget"):
        set_mode(tmp_path, None, "autonomous")
    assert set_mode(tmp_path, None, "off") == "off"


def test_nonsense_is_refused_and_a_damaged_file_means_the_default(tmp_path):
    with pytest.raises(UserError, match="choose off, suggest or autonomous"):
        set_mode(tmp_path, OBJECTIVE, "always")
    set_mode(tmp_path, OBJECTIVE, "off")
    (tmp_path / ".autosota" / "autonomy").write_bytes(b"\xff\x00what")
    assert mode(tmp_path, OBJECTIVE) == "autonomous"
