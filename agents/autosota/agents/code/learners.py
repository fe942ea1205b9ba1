"""Which classes of a repository are models, told by their shape.

A class that trains or answers like a model is one, whatever it is called and whether or not it
derives from a library's: it has a method that learns (and changes the object) and one that
answers. Metrics, data sets, environments and schedules look alike; their names tell them apart.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from autosota.agents.code import libraries as lib
from autosota.agents.code.facts import FileFacts

_LEARNS = re.compile(
    r"^_*(fit|train|learn|update|epoch|step|partial|observe|optimi[sz]e|improve|adapt|backward|build"
    r"|estimate|em|e_step|m_step|gibbs|run|posterior|warm|pretrain|fine_?tune|absorb|add_edge|index"
    r"|solve|iterate|sweep|burn|mcmc|calibrate|boost|grow|prune|memori[sz]e|consolidate)(_|\d|$)",
    re.IGNORECASE,
)
_ANSWERS = re.compile(
    r"^_*(predict|forward|scores?|rank|recommend|classify|tag|label|decode|act|actions?|select_action"
    r"|policy|forecast|transform|encode|embed|infer|query|search|similar\w*|best|generate|sample"
    r"|log_?prob|log_?lik\w*|hazard|survival|risk|detect|count|density|reconstruct|denoise|prob\w*"
    r"|apply|anomaly|energy|choose|pick|impute|translate|summari[sz]e|segment|locate|retrieve|respond"
    r"|value|q_?values?|logits?|mean_?and_?var|posterior|assign|nearest|complete|link|distance|greedy"
    r"|simulate|rate|__call__)",
    re.IGNORECASE,
)
_SURELY_ANSWERS = re.compile(
    r"^(predict\w*|score|forecast\w*|recommend\w*|classify\w*|scores|score_items|rank_items|infer\w*|decode"
    r"|tag|act|segment|detect\w*|impute|reconstruct|denoise|survival_function|hazard\w*|answer|retrieve"
    r"|translate|transcribe|most_similar|nearest|select_action|choose_action)$"
)
_SURELY = {"fit", "partial_fit", "forward"}
_NO_MODEL = re.compile(
    r"(Meter|Metrics?|Average|Averager|Confusion|Evaluator|Tracker|Scorer|Logger|Timer|Dataset|Loader"
    r"|Sampler|Splitter|Split|Config|Args|Options|Vocab\w*|Dictionary|Env|Environment|Stopp\w+"
    r"|Checkpoint\w*|Schedule\w*|Optimi[sz]er|Buffer|Memory|Accuracy|Recall|Precision|AUC|F1|IoU"
    r"|Matrix|Results?|Report\w*|Callback|Hook|Writer|Reader|Store|Queue|Recorder|History|Batcher)$"
)
_DATA_BASES = re.compile(
    r"(Dataset|DataModule|Sampler|Callback|Enum|Metric|Env|Wrapper|NamedTuple)$"
)
_JUDGES = {"compute", "result", "results", "as_dict", "reset_states"}


def shaped_like_a_model(name: str, bases: Iterable[str], methods: dict[str, ast.AST]) -> bool:
    """True for a class that learns and answers.

    Args:
        name: the class's own name.
        bases: dotted names of its bases outside the repository.
        methods: its methods by name, inherited ones of the repository included.
    """
    bases = list(bases)
    if any(b.endswith(("Trainer", "Learner")) for b in bases):
        return True
    if any(_DATA_BASES.search(b) for b in bases):
        return False
    if any(lib.MODEL_BASES.search(b) or lib.ESTIMATORS.search(b) for b in bases):
        return True
    if _NO_MODEL.search(name) or methods.keys() & _JUDGES:
        return False
    if methods.keys() & _SURELY:
        return True
    if {"step", "reset"} <= methods.keys():
        return False  # an environment
    if any(_SURELY_ANSWERS.match(m) for m in methods):
        return True
    learns = any(
        _LEARNS.match(m) and (changes_itself(node) or not gives_something(node))
        for m, node in methods.items()
    )
    return learns and any(_ANSWERS.match(m) for m in methods)


def changes_itself(function: ast.AST) -> bool:
    """True when a method assigns to something of its object, or tells a part of it to learn."""
    arguments = getattr(function, "args", None)
    names = [a.arg for a in arguments.args] if isinstance(arguments, ast.arguments) else []
    if not names:
        return False
    itself = names[0]
    for node in ast.walk(function):
        if isinstance(node, ast.Assign):
            targets: list[ast.expr] = list(node.targets)
        elif isinstance(node, ast.AugAssign | ast.AnnAssign):
            targets = [node.target]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            changes = node.func.attr in lib.FIT | lib.MUTATORS | {"backward", "step", "train"}
            if changes and _root(node.func.value) == itself:
                return True
            continue
        else:
            continue
        while targets:
            target = targets.pop()
            if isinstance(target, ast.Tuple | ast.List):
                targets += target.elts
            elif not isinstance(target, ast.Name) and _root(target) == itself:
                return True
    return False


def gives_something(function: ast.AST) -> bool:
    """True when a function returns or yields a value."""
    return any(
        (isinstance(n, ast.Return) and n.value is not None) or isinstance(n, ast.Yield)
        for n in ast.walk(function)
    )


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call | ast.Starred):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def methods_of(facts: FileFacts, symbol: str) -> dict[str, ast.AST]:
    """The methods that a class itself defines."""
    prefix = symbol + "."
    return {
        name[len(prefix) :]: found.node
        for name, found in facts.symbols.items()
        if name.startswith(prefix) and "." not in name[len(prefix) :] and not found.is_class
    }
