"""What an editor is told of a workspace before anything ran in it."""

from __future__ import annotations

from autosota.agents.domain import Budget
from autosota.server.editor.progress import budget_words, progress

TOML = """
[objective]
command = "python train.py --seed {seed}"
metric = "acc"

[budget]
evaluations = 40
ideas = 3
wall = "2h"
"""


def test_what_a_campaign_may_spend_is_said_before_there_is_one(tmp_path):
    assert progress(tmp_path).may_spend == ""
    (tmp_path / "train.py").write_text("print('acc: 1')\n")
    (tmp_path / "autosota.toml").write_text(TOML)
    said = progress(tmp_path)
    assert said.note == "", said.note
    assert said.may_spend == "40 runs, 2 h, 3 ideas"
    assert said.state == "none"


def test_what_money_may_be_spent_is_said_too():
    assert budget_words(Budget(1, 60.0, dollars=5.0)) == "1 run, 60 s, $5.00"
