"""Which values are models: estimators, networks, trainers, and what they were wrapped or kept in.

A value is traced back to what made it, through fitting, copying, checkpoints, tuples and the
best of several. Classes of the repository that are models by their shape are marked when they
are frozen (`learners.py`); what a model is asked is not known here.
"""

from __future__ import annotations

from autosota.agents.code import libraries as lib
from autosota.agents.code.values import Value, literal


def is_model(value: Value, depth: int = 0) -> bool:
    """True for something that learns or transforms: an estimator, a network, a trainer."""
    for _ in range(40):
        if value.learned:
            return True
        if value.kind == "inst":
            return _model_object(value)
        if value.kind == "call":
            if lib.ESTIMATORS.match(value.head):
                return True
            if lib.WRAPS_MODEL.match(value.head) and value.kids:
                value = value.kids[0]
                continue
            if value.head in ("max", "min", "sorted") and depth < 3:
                return any(_holds_model(k, depth + 1) for k in value.kids if k.kind != "kw")
            return value.head.endswith(("Trainer", "Learner", "Regressor", "Classifier"))
        if value.kind == "mut" and value.kids:
            if value.head in lib.FIT or value.head in ("backward", "train", "load_state_dict"):
                return True
            value = value.kids[0]
            continue
        if value.kind == "method" and value.kids and value.head in lib.FIT - {"fit_transform"}:
            return True
        if value.kind == "method" and value.kids and value.head in _STILL_MODEL:
            value = value.kids[0]
            continue
        if value.kind == "attr" and value.head in _WEIGHTS and value.kids:
            value = value.kids[0]
            continue
        if value.kind == "item" and len(value.kids) == 2 and value.kids[1].kind == "const":
            held = value.kids[0]
            if held.kind in ("loop", "phi", "carried", "seq", "call") and depth < 3:
                return _holds_model(held, depth + 1, value.kids[1])
            return False
        if value.kind in ("loop", "phi") and depth < 3:
            kids = value.kids[1:] if value.kind == "phi" else value.kids[:2]
            return any(is_model(k, depth + 1) for k in kids)
        if value.kind in ("carried", "trained", "set") and value.kids:
            value = value.kids[0]
            continue
        return False
    return False


_STILL_MODEL = {"state_dict", "replace", "apply_gradients", "unfreeze", "get_weights", "module"}
_WEIGHTS = {"params", "variables", "weights", "best_estimator_", "module", "model", "state", "ema"}


def _holds_model(value: Value, depth: int, index: Value | None = None) -> bool:
    """True when a tuple, or one of several, has a model in it (at an index, if that is known)."""
    for _ in range(12):
        if value.kind == "seq":
            if index is not None and isinstance(at := literal(index)[0], int):
                return -len(value.kids) <= at < len(value.kids) and is_model(value.kids[at], depth)
            return any(is_model(k, depth) for k in value.kids)
        if value.kind in ("loop", "carried") and value.kids:
            if (
                value.kind == "loop"
                and value.kids[0].kind in ("const", "seq")
                and (not value.kids[0].kids)
            ):
                value = value.kids[1]
            else:
                value = value.kids[0]
            continue
        if value.kind == "phi":
            return depth < 5 and any(_holds_model(k, depth + 1, index) for k in value.kids[1:])
        if value.kind == "mut" and value.head in ("append", "extend") and len(value.kids) > 1:
            value = value.kids[-1]
            continue
        if value.kind == "call" and value.head in ("max", "min", "sorted") and depth < 5:
            plain = value.positional
            one_list = len(plain) == 1 and plain[0].kind == "seq" and value.head != "sorted"
            several = plain[0].kids if one_list else plain
            return any(_holds_model(k, depth + 1, index) for k in several)
        return is_model(value, depth)
    return False


def _model_object(value: Value) -> bool:
    names = {k.head for k in value.kids if k.kind == "kw"}
    if names & {"<mode>", "<trained>", "<learns>"}:
        return True
    return any(is_model(k.kids[0]) for k in value.kids if k.kind == "kw")
