"""Which part of the data a name means: training, validation or test."""

from __future__ import annotations

import re
from functools import lru_cache

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_TEST = frozenset(
    [
        "te",
        "xte",
        "yte",
        "heldout",
        "tst",
        "test",
        "tests",
        "testing",
        "testset",
        "testdata",
        "holdout",
        "unseen",
        "xtest",
        "ytest",
    ]
)
_TRAIN = frozenset(
    [
        "tr",
        "xtr",
        "ytr",
        "trn",
        "train",
        "training",
        "trainset",
        "traindata",
        "trainval",
        "xtrain",
        "ytrain",
        "dev_train",
    ]
)
_VALIDATION = frozenset(
    [
        "va",
        "val",
        "vals",
        "vali",
        "valid",
        "validation",
        "validate",
        "dev",
        "cv",
        "eval",
        "evaluation",
        "xval",
        "yval",
        "xvalid",
        "yvalid",
        "valset",
        "validset",
    ]
)
_JOINED = re.compile(
    r"(test|train|val|valid|validation|tst|trn)(?:set|loader|data|dl|df|gen|generator|iter|images"
    r"|labels|x|y|dataset|feats|features|ds|texts|rows)$"
)


@lru_cache(maxsize=8192)
def role(name: str) -> str:
    """`train`, `validation`, `test`, or `''`: `X_train`, `yval`, `df_test.csv`.

    A name with words of two kinds says nothing, but for `train`, which loses against the others
    (`train_test`, `X_train_val` is what a training set was parted into).
    """
    words = {w.lower() for w in _WORD.findall(name)}
    if "held_out" in name.lower() or "hold_out" in name.lower():
        words.add("holdout")
    words |= {m.group(1) for w in words if (m := _JOINED.match(w))}
    kinds = []
    if words & _VALIDATION:
        kinds.append("validation")
    if words & _TEST:
        kinds.append("test")
    if len(kinds) == 1:
        return "" if words & _TRAIN and kinds == ["test"] else kinds[0]
    if not kinds and words & _TRAIN:
        return "train"
    return ""


_DATA = frozenset(
    [
        "x",
        "y",
        "df",
        "data",
        "train",
        "test",
        "features",
        "labels",
        "texts",
        "images",
        "dataset",
        "ds",
        "frame",
        "table",
        "samples",
        "target",
        "targets",
        "inputs",
        "rows",
        "docs",
    ]
)


@lru_cache(maxsize=8192)
def like_data(name: str) -> bool:
    """Whether a name is one that rows are given."""
    words = {w.lower() for w in _WORD.findall(name)}
    return name.isidentifier() and (bool(role(name)) or bool(words & _DATA))
