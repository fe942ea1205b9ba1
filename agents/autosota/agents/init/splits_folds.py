"""Validation by repeated folds of the training rows, for few rows and scikit-learn estimators.

The same estimator is cloned and fitted anew in each fold; nothing of the test rows takes part.
Steps that were fitted on all training rows outside the estimator would leak between folds, so
such programs are refused. Source: Kohavi 1995, A Study of Cross-Validation and Bootstrap.
"""

from __future__ import annotations

import re

from tree_sitter import Node

from autosota.agents.ideator.calls import Call
from autosota.agents.ideator.draft import Draft
from autosota.agents.ideator.module import contains
from autosota.agents.init.splits_flow import NotUnderstood, names_in
from autosota.agents.init.splits_holdout import add_shown
from autosota.agents.init.splits_measured import Measured, is_classification
from autosota.agents.init.splits_parting import bindings
from autosota.agents.init.splits_seeds import seed_text
from autosota.agents.init.splits_written import Additions, Written, called, free_name
from autosota.agents.init.splits_written import spelled as spell
from autosota.agents.init.wordlist import words_in

FOLDS, REPEATS = 5, 3
_PROBABILITY = ("roc_auc_score", "average_precision_score", "log_loss", "brier_score_loss")
_ROW_WISE = words_in("drop values to_numpy astype reshape copy pop ravel squeeze loc iloc")


def repeated_folds(program: Measured) -> Written:
    """The change that measures a mean over repeated folds of the training rows.

    Raises:
        NotUnderstood: the model is no scikit-learn estimator that can be cloned, or its steps
            are fitted outside it.
        NotApplicable: the result would not parse.
    """
    module = program.module
    if program.parting.ordered:
        raise NotUnderstood(f"{module.path}: rows in order must not be shuffled into folds")
    index, call = _fit(program)
    rows = [module.text(a) for a in call.positional]
    for given in call.positional:
        names = names_in(module, given)
        if given.type != "identifier" and not _row_wise(program, given, set(names)):
            raise NotUnderstood(f"{module.path}: {module.text(given)} is not plain training rows")
        _check_rows(program, index, sorted(names))
    estimator = call.function.child_by_field_name("object")
    assert estimator is not None
    name = module.text(estimator)
    if not _is_estimator(program, name):
        raise NotUnderstood(f"{module.path}: {name} is not known to be a scikit-learn estimator")
    score = _score(program)
    draft = Draft(module)
    added = Additions(module)
    notes = [
        f"each run costs {FOLDS * REPEATS} more fits of {name}"
        + ", each of them a whole search" * _is_search(program, name),
        "the claim's own model still learns from all training rows",
    ]
    anchor = program.claim.statement
    indent = module.source.indent_of(anchor).decode()
    seed = seed_text(module, program.claim.function, anchor, program.objective)
    stratified = is_classification(program)
    kind = "RepeatedStratifiedKFold" if stratified else "RepeatedKFold"
    validate = spell(draft, "sklearn.model_selection.cross_val_score", anchor)
    folds = spell(draft, f"sklearn.model_selection.{kind}", anchor)
    clone = spell(draft, "sklearn.base.clone", anchor)
    scores, cv = free_name(module, "val_scores"), free_name(module, "val_folds")
    if stratified:
        notes.append(f"each class needs {FOLDS} training rows or more")
    if not seed:
        notes.append("no seed of the run was found here: every run draws the same folds")
    scoring = _scoring(program, draft, score, anchor)
    lines = [
        "# Validation: repeated folds of the training rows. The test rows take no part.",
        f"{cv} = {folds}(n_splits={FOLDS}, n_repeats={REPEATS}, random_state={seed or '0'})",
        called(indent, f"{scores} = {validate}", [f"{clone}({name})", *rows, f"cv={cv}", *scoring]),
    ]
    add = added.before if program.claim.returned else added.after
    for line in lines:
        add(anchor, line)
    add_shown(program, added, _outer(program, score, f"{scores}.mean()"), [scores, cv])
    added.write(draft)
    return Written(
        title=f"Validate by {REPEATS} × {FOLDS} folds of the training rows",
        reason="where training rows are few, a mean over many folds tells more than one small "
        "held-out part (LK112: the program shows the claim only)",
        changes=draft.finish().changes,
        notes=tuple(notes),
    )


def _fit(program: Measured) -> tuple[int, Call]:
    """The one fit that the score depends on.

    Raises:
        NotUnderstood: there is none, several, or it takes more than rows and labels.
    """
    module = program.module
    score = _score(program)
    models = {module.text(n) for n in _receivers(program, score)}
    found = []
    for index, call in program.fitted():
        owner = call.function.child_by_field_name("object")
        if owner is not None and (module.text(owner) in models or owner.type == "call"):
            found.append((index, call))
    where = program.claim.where
    if len(found) != 1:
        raise NotUnderstood(f"{where}: the fit of the model behind the claim is not plain")
    index, call = found[0]
    owner = call.function.child_by_field_name("object")
    if owner is None or owner.type != "identifier":
        raise NotUnderstood(f"{where}: the model is constructed and fitted in one expression")
    if len(call.positional) != 2 or call.keywords or call.open:
        raise NotUnderstood(f"{where}: fit takes more than rows and labels")
    return index, call


def _check_rows(program: Measured, index: int, rows: list[str]) -> None:
    """Refuse rows that were changed by something learnt on all of them."""
    module, flow = program.module, program.flow
    roots = {p.train for p in program.parting.pairs}
    for name in rows:
        if name not in program.learned[index].before:
            raise NotUnderstood(f"{module.path}: {name} is not of the training rows")
        for at in sorted(program.chosen):
            if not program.split_at < at < index or name not in flow.entries[at].access.writes:
                continue
            for bound, value in bindings(module, flow.entries[at]):
                if bound == name and not _row_wise(program, value, roots):
                    line = flow.entries[at].line
                    raise NotUnderstood(
                        f"{module.path}:{line}: {name} goes through a step outside the model, "
                        "which would see all folds: put it into a Pipeline"
                    )


def _row_wise(program: Measured, value: Node, roots: set[str]) -> bool:
    """True when each row of a value comes of the same row alone.

    Names that no training row reaches (a list of columns) may take part.
    """
    module = program.module
    learned = frozenset().union(*(m.before for m in program.learned))
    if names_in(module, value) & learned - roots:
        return False
    for node in module.source.walk(value):
        if node.type == "call":
            call = module.call(node)
            label = call.function.child_by_field_name("attribute") if call is not None else None
            if label is None or module.text(label) not in _ROW_WISE:
                return False
    return True


def _is_estimator(program: Measured, name: str) -> bool:
    """True when a name is bound to a construction of scikit-learn, or of a like library."""
    module = program.module
    for entry in program.flow.entries:
        for bound, value in bindings(module, entry):
            call = module.call(value)
            if bound != name or call is None:
                continue
            known = ("sklearn.", "xgboost.XGB", "lightgbm.LGBM", "catboost.CatBoost")
            if call.dotted.startswith(known):
                return True
    return False


def _is_search(program: Measured, name: str) -> bool:
    module = program.module
    return any(
        bound == name
        and (call := module.call(value)) is not None
        and call.name.endswith("SearchCV")
        for entry in program.flow.entries
        for bound, value in bindings(module, entry)
    )


def _score(program: Measured) -> Call:
    """The call that scores: `model.score(X, y)` or a function of `sklearn.metrics`."""
    module = program.module
    found = [c for c in module.calls_in(program.claim.value) if _scores(program, c)]
    value = program.claim.value
    if not found and value.type == "identifier":
        for index in sorted(program.chosen):
            for bound, right in bindings(module, program.flow.entries[index]):
                if bound == module.text(value):
                    found = [c for c in module.calls_in(right) if _scores(program, c)]
    if len(found) != 1:
        raise NotUnderstood(f"{program.claim.where}: no single scoring call of scikit-learn")
    return found[0]


def _scores(program: Measured, call: Call) -> bool:
    text = program.module.text(call.function)
    return call.dotted.startswith("sklearn.metrics.") or (
        text.endswith(".score") and not call.dotted and len(call.positional) == 2
    )


def _receivers(program: Measured, score: Call) -> list[Node]:
    """The models whose `score` or `predict…` the score depends on."""
    module = program.module
    nodes = [score.node]
    names = set(names_in(module, score.node))
    for index in sorted(program.chosen, reverse=True):
        entry = program.flow.entries[index]
        if not entry.head and program.tests[index].coloured and entry.access.binds & names:
            nodes.append(entry.node)
            names |= entry.access.reads
    found = []
    for node in nodes:
        for call in module.calls_in(node):
            owner = call.function.child_by_field_name("object")
            label = call.function.child_by_field_name("attribute")
            method = module.text(label) if label is not None else ""
            asks = method.startswith("predict") or method == "score"
            if owner is not None and asks and owner.type == "identifier" and not call.dotted:
                found.append(owner)
    return found


def _scoring(program: Measured, draft: Draft, score: Call, at: Node) -> list[str]:
    module = program.module
    if not score.dotted:
        if score.keywords:
            raise NotUnderstood(f"{program.claim.where}: score takes more than rows and labels")
        return []
    if score.open or len(score.positional) != 2:
        raise NotUnderstood(f"{program.claim.where}: {score.name} takes more than two arguments")
    keywords = [module.text(k) for k in score.keywords.values()]
    if any(names_in(module, k) & program.tests[program.at].before for k in score.keywords.values()):
        raise NotUnderstood(f"{program.claim.where}: {score.name} takes more test arrays than two")
    texts = " ".join(_predictions(program))
    if "predict_proba" in texts or "decision_function" in texts:
        plain = re.search(r"predict_proba\([^()]*\)\[:,\s*1\]|decision_function\([^()]*\)", texts)
        if score.name not in _PROBABILITY or plain is None:
            raise NotUnderstood(
                f"{program.claim.where}: {score.name} of probabilities is not known"
            )
        method = "predict_proba" if "predict_proba" in texts else "decision_function"
        keywords.append(f'response_method="{method}"')
    elif score.name in _PROBABILITY or ".predict(" not in texts:
        raise NotUnderstood(f"{program.claim.where}: what {score.name} compares is not plain")
    maker = spell(draft, "sklearn.metrics.make_scorer", at)
    return [f"scoring={maker}({', '.join([module.text(score.function), *keywords])})"]


def _predictions(program: Measured) -> list[str]:
    """The text of what the score compares with the labels, a name replaced by its value."""
    module = program.module
    score = _score(program)
    given = score.positional[1]
    if given.type != "identifier":
        return [module.text(given)]
    found = [
        module.text(value)
        for index in sorted(program.chosen)
        if program.tests[index].coloured
        for bound, value in bindings(module, program.flow.entries[index])
        if bound == module.text(given)
    ]
    return found[-1:]


def _outer(program: Measured, score: Call, mean: str) -> str:
    """The claim's expression with the mean over folds where the score stood."""
    module, value = program.module, program.claim.value
    whole = value
    if not contains(value, score.node):
        whole = next(
            right
            for index in sorted(program.chosen)
            for bound, right in bindings(module, program.flow.entries[index])
            if bound == module.text(value) and contains(right, score.node)
        )
    content = module.source.content
    before = content[whole.start_byte : score.node.start_byte].decode()
    after = content[score.node.end_byte : whole.end_byte].decode()
    outer = names_in(module, whole) - names_in(module, score.node)
    if outer & program.tests[program.at].before:
        raise NotUnderstood(f"{program.claim.where}: the claim is more than one score")
    return before + mean + after
