"""What a script is for, by its name and by what it calls.

Hints for ranking, not facts: a wrong guess costs the user a line in a comment.
"""

from __future__ import annotations

import re
from enum import StrEnum

from autosota.agents.init.wordlist import words_in

TRAINS = re.compile(
    r"\.backward\(|optimizer\.step\(|\.fit\(|\.partial_fit\(|\bTrainer\(|\.train_on_batch\("
    r"|jax\.grad\(|\bvalue_and_grad\(|\.learn\(|xgb\.train\(|lgb\.train\(|cross_val_score\("
)
"""Source text that trains something."""


class Role(StrEnum):
    """What a script's name says it does."""

    TRAIN = "train"
    RUN = "run"
    EVALUATE = "evaluate"
    ASIDE = "aside"
    OTHER = "other"


_WORDS = {
    Role.ASIDE: words_in(
        "plot plots download prepare preprocess preprocessing setup demo app visualize visualise "
        "vis convert export serve server generate make split tune sweep search utils util analyse "
        "analyze analysis figure figures fig table tables install infer inference predict sample "
        "web gui clean collect scrape ablation grid lint format test_ conf config"
    ),
    Role.EVALUATE: words_in(
        "evaluate eval evaluation evaluator score scoring scorer test testing metrics metric "
        "grade judge validate"
    ),
    Role.TRAIN: words_in("train trainer training fit finetune pretrain learn"),
    Role.RUN: words_in("main run experiment experiments exp benchmark reproduce baseline"),
}


def role_of(path: str) -> Role:
    """The role of a file, by the words of its name; `pkg/__main__.py` runs `pkg`."""
    name = path.rsplit("/", 1)[-1]
    if name == "__main__.py":
        return Role.RUN
    stem = re.sub(r"([a-z])([A-Z])", r"\1_\2", name.rsplit(".", 1)[0]).lower()
    words = [w for w in re.split(r"[^a-z]+", stem) if w]
    if "train" in words and "eval" not in words[:1]:
        return Role.TRAIN
    for role in (Role.ASIDE, Role.EVALUATE, Role.TRAIN, Role.RUN):
        if _WORDS[role].intersection(words):
            return role
    return Role.OTHER
