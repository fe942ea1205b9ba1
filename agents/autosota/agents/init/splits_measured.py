"""A program as far as a validation split needs it: claim, rows, and what is fitted on which.

Joins the claim with the place where its rows part, and refuses every program in which test rows
and training rows mix. Nothing is written here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tree_sitter import Node

from autosota.agents.domain import Objective
from autosota.agents.ideator.calls import Call
from autosota.agents.ideator.module import Module, Project, contains
from autosota.agents.ideator.scope import Scope
from autosota.agents.init.splits_claim import (
    Claim,
    definition,
    find_claim,
    inner_claim,
    shows,
    val_metric,
)
from autosota.agents.init.splits_flow import (
    Access,
    Entry,
    Flow,
    Mark,
    NotUnderstood,
    access,
    fits_in,
    names_in,
)
from autosota.agents.init.splits_parting import SPLIT, Parting, bindings, partings
from autosota.agents.init.wordlist import words_in
from autosota.agents.objective import vocabulary

_MOST_FUNCTIONS = 3
_RANDOM = words_in(
    "shuffle permutation permuted sample normal uniform randn rand choice integers randint"
)
_ENDS = words_in("backward step save dump write to_csv save_model zero_grad")


@dataclass(frozen=True, slots=True)
class Measured:
    """The claim, the place where its rows part, and colours at each entry of the function.

    `tests` marks what test rows reach, `rows` what is training rows, `learned` what training
    rows reach, models included. `at` is the position of the claim's statement, `split_at` that
    of the last entry that binds training rows (-1: they are parameters).
    """

    project: Project
    scope: Scope
    objective: Objective
    claim: Claim
    flow: Flow
    parting: Parting
    chosen: frozenset[int]
    tests: list[Mark]
    rows: list[Mark]
    learned: list[Mark]
    at: int

    @property
    def module(self) -> Module:
        """The file of it all."""
        return self.claim.module

    @property
    def split_at(self) -> int:
        """Where training rows can be split again."""
        return max(self.parting.train_at)

    @property
    def needed(self) -> frozenset[str]:
        """The names of test rows, or of what comes of them, that the claim's value reads."""
        return names_in(self.module, self.claim.value) & self.tests[self.at].before

    def unit(self, index: int) -> Access:
        """What an entry does; a coloured head with all that it holds."""
        entry = self.flow.entries[index]
        whole = entry.head and self.tests[index].coloured and entry.node.type != "with_statement"
        return access(self.module, [entry.node]) if whole else entry.access

    def fits(self, index: int) -> list[Call]:
        """The calls of one entry that fit something."""
        entry = self.flow.entries[index]
        if entry.head:
            return []
        calls = (self.module.call(n) for n in fits_in(self.module, entry.node))
        return [c for c in calls if c is not None]

    def fitted(self) -> Iterator[tuple[int, Call]]:
        """All calls after the split that fit something the claim depends on."""
        for index in sorted(self.chosen):
            if index > self.split_at:
                for call in self.fits(index):
                    yield index, call

    def protected(self) -> list[bytes]:
        """The text of every statement from the test rows to the claim."""
        kept = [self.claim.statement]
        for index, entry in enumerate(self.flow.entries):
            mark = self.tests[index]
            whole = not entry.head and not mark.inside and index != self.at
            if whole and index in self.chosen and (mark.coloured or index in self.parting.tests):
                kept.append(entry.node)
        content = self.module.source.content
        return [content[n.start_byte : n.end_byte] for n in kept]

    @property
    def uses_sklearn(self) -> bool:
        """True when the experiment needs scikit-learn already."""
        return any(m.bindings.uses("sklearn") for m in self.scope.reached())


def check_splittable(program: Measured) -> None:
    """Refuse a program whose training rows cannot be split again soundly, or are already.

    Raises:
        NotUnderstood: says why, in one line.
    """
    objective = program.objective
    if vocabulary.split_of(objective.metric) in ("val", "train"):
        raise NotUnderstood(f"the claim {objective.metric} is not measured on test rows by name")
    name = val_metric(objective.metric)
    if shows(program.scope, name):
        raise NotUnderstood(f"the program shows {name} already: set objective.select_on to it")
    flow, parting = program.flow, program.parting
    others = [i for i in _split_calls(flow, program.chosen) if i not in parting.train_at]
    if others:
        raise NotUnderstood(
            f"{program.module.path}:{flow.entries[others[0]].line}: rows are split again here: "
            "show a metric on the validation rows and select on it"
        )
    _check_known(program)
    _check(program)


def follow(project: Project, scope: Scope, objective: Objective) -> Measured:
    """The program behind the claim.

    Raises:
        NotUnderstood: the claim, or where its rows part, is not understood.
    """
    claim = find_claim(project, scope, objective)
    for _ in range(_MOST_FUNCTIONS):
        found = _at(project, scope, objective, claim)
        if found is not None:
            return found
        inner = inner_claim(project, scope, claim)
        if inner is None:
            break
        claim = inner
    raise NotUnderstood(
        f"{claim.where}: the claim could not be followed to training and test rows that part "
        "in a known way"
    )


def _at(project: Project, scope: Scope, objective: Objective, claim: Claim) -> Measured | None:
    """The claim with its rows, when both are in one function."""
    flow = Flow(claim.module, claim.function)
    at = flow.index_of(claim.statement)
    names = names_in(claim.module, claim.value)
    chosen = flow.slice(names, at)
    for parting in partings(flow, chosen):
        tests = flow.spread(parting.tests)
        if names & tests[at].before:
            rows = flow.spread(parting.trains, lambda e: _hands_on(claim.module, e))
            learned = flow.spread(parting.trains)
            return Measured(
                project, scope, objective, claim, flow, parting, chosen, tests, rows, learned, at
            )
    return None


def _split_calls(flow: Flow, chosen: frozenset[int]) -> list[int]:
    return [
        i
        for i in sorted(chosen)
        if not flow.entries[i].head
        and any(
            c.dotted in (SPLIT, _RANDOM_SPLIT) for c in flow.module.calls_in(flow.entries[i].node)
        )
    ]


_RANDOM_SPLIT = "torch.utils.data.random_split"


def _hands_on(module: Module, entry: Entry) -> bool:
    """True when what an entry binds is rows again, and not a model or a number."""
    if entry.head:
        return True
    if fits_in(module, entry.node):
        return False
    names = [n for n, _ in bindings(module, entry)]
    if any("train" in n.lower() or n.lower().endswith(("tr", "_tr")) for n in names):
        return True
    return not any(
        not c.dotted and c.function.type == "identifier" for c in module.calls_in(entry.node)
    )


# ------------------------------------------------------------------ what must hold


def _check_known(program: Measured) -> None:
    """Rows must surely be arrays or frames, for which a part of them is well defined."""
    module, parting = program.module, program.parting
    if parting.kind == "dataset":
        return
    names = {p.train for p in parting.pairs}
    frames = all(d == SPLIT or d.startswith("pandas.") for d in parting.loads) and parting.loads
    for name in names:
        for use in module.names.get(name, ()):
            parent = use.parent
            key = parent.child_by_field_name("subscript") if parent is not None else None
            held = parent is not None and parent.child_by_field_name("value") == use
            by_word = key is not None and key.type == "string" and held
            if by_word and not frames and not parting.ordered:
                raise NotUnderstood(f"{module.path}: {name} may be a mapping, and not rows")
    known = parting.ordered or all(
        d == SPLIT or d.startswith(_ARRAYS) or (not d and not parting.own) for d in parting.loads
    )
    bunch = any(d.startswith("sklearn.datasets.") for d in parting.loads) and len(names) == 1
    if bunch or not ((known and parting.loads) or any(True for _ in program.fitted())):
        raise NotUnderstood(f"{module.path}: it is not clear that {min(names)} holds rows")


_ARRAYS = ("numpy.", "pandas.", "torch.", "keras.datasets.", "tensorflow.keras.datasets.")


def _check(program: Measured) -> None:
    """Raises NotUnderstood when splitting the training rows would not be sound or not enough."""
    module, flow, parting = program.module, program.flow, program.parting
    blocks = {flow.entries[i].block.id for i in (*parting.train_at, *parting.test_at) if i >= 0}
    if len(blocks) > 1:
        raise NotUnderstood(f"{module.path}: training and test rows are bound in separate blocks")
    if fits_in(module, program.claim.value):
        raise NotUnderstood(f"{program.claim.where}: the model is fitted where it is scored")
    if program.tests[program.at].inside:
        raise NotUnderstood(f"{program.claim.where}: the claim is shown inside a loop over rows")
    first = min((*parting.train_at, *parting.test_at))
    trained = False
    for index in sorted(program.chosen):
        entry, mark = flow.entries[index], program.tests[index]
        where = f"{module.path}:{entry.line}"
        root = index in parting.train_at or index in parting.test_at
        if index <= first or root or entry.head:
            continue
        if index < program.split_at and entry.access.reads & program.learned[index].before:
            raise NotUnderstood(f"{where}: training rows are used before all of them are there")
        whole = entry.access.reads & parting.whole
        if whole and index > program.split_at and not _harmless(module, entry.node, whole):
            name = sorted(whole)[0]
            raise NotUnderstood(
                f"{where}: {name} holds test rows, too, and is used after the split"
            )
        if mark.coloured:
            _check_test_side(program, index, where)
        elif program.learned[index].coloured and index > program.split_at:
            trained = True
        for call in program.fits(index):
            _check_fit(program, index, call, where)
    if not trained:
        raise NotUnderstood(f"{module.path}: nothing was found that learns from the training rows")


def _check_test_side(program: Measured, index: int, where: str) -> None:
    module, entry = program.module, program.flow.entries[index]
    if program.fits(index):
        raise NotUnderstood(f"{where}: something is fitted on test rows (leakage); mend that first")
    reads = entry.access.reads
    for call in module.calls_in(entry.node):
        own = definition(program.project, module, call)
        name = module.text(call.function).rpartition(".")[2]
        if name in _RANDOM or call.dotted.startswith(("numpy.random.", "random.")):
            raise NotUnderstood(f"{where}: chance takes part in the test rows")
        if name in _ENDS:
            raise NotUnderstood(f"{where}: {name}() stands between the test rows and the claim")
        if own is None:
            continue
        if reads & program.rows[index].before:
            raise NotUnderstood(f"{where}: {name}() takes training and test rows together")
        home, function = own
        if "METRIC" in home.text(function):
            raise NotUnderstood(f"{where}: {name}() shows metrics itself")
        if fits_in(home, function) or ".backward(" in home.text(function):
            raise NotUnderstood(f"{where}: {name}() fits something on test rows")


def _check_fit(program: Measured, index: int, call: Call, where: str) -> None:
    """What is fitted after the split must be fitted on training rows."""
    if index <= program.split_at:
        return
    before = program.learned[index].before
    texts = [names_in(program.module, a) for a in call.positional]
    rows = [t for t in texts if t]
    if not rows or not all(t & before for t in rows):
        raise NotUnderstood(f"{where}: it is not clear that this fits on training rows only")


def _harmless(module: Module, node: Node, names: frozenset[str]) -> bool:
    """True when names are asked for their shape or columns only."""
    for name in names:
        for use in module.names.get(name, ()):
            if not contains(node, use):
                continue
            parent = use.parent
            label = parent.child_by_field_name("attribute") if parent is not None else None
            asked = module.text(label) if label is not None else ""
            call = module.call(parent.parent) if parent is not None else None
            counted = call is not None and module.text(call.function) in ("len", "np.unique")
            if asked not in ("shape", "columns", "dtype", "dtypes", "ndim") and not counted:
                return False
    return True


def is_classification(program: Measured) -> bool:
    """True when the claim counts right and wrong classes."""
    base = set(vocabulary.base(program.objective.metric).split("_"))
    known = {"accuracy", "f1", "auc", "precision", "recall", "mcc", "kappa", "logloss", "error"}
    text = program.module.text(program.claim.value)
    if any(w in text for w in ("mean_squared", "mean_absolute", "r2_score")):
        return False
    return bool(base & known) and "absolute" not in base and "squared" not in base


def label_of(program: Measured) -> str:
    """Code for the classes of the training rows, valid right at the split; '' when not told."""
    module, flow = program.module, program.flow
    roots = {p.train for p in program.parting.pairs}
    given = [c.positional[1] for _, c in program.fitted() if len(c.positional) > 1]
    for node in given:
        name = module.text(node)
        column = _column(module, node, roots)
        if column:
            return column
        if name in roots:
            return name
        for entry in flow.entries:
            for bound, value in bindings(module, entry):
                text = _column(module, value, roots) if bound == name else ""
                if text:
                    return text
    labels = [r for r in sorted(roots) if r.lower().startswith(("y", "label", "target"))]
    return labels[0] if len(labels) == 1 else ""


def _column(module: Module, value: Node, roots: set[str]) -> str:
    """`train["y"]` of `train["y"].values` or `train.pop("y")`."""
    node = value
    while node.type in ("call", "attribute", "subscript"):
        if node.type == "subscript":
            owner, key = node.child_by_field_name("value"), node.child_by_field_name("subscript")
            if owner is not None and key is not None and module.text(owner) in roots:
                plain = key.type in ("string", "identifier")
                return f"{module.text(owner)}[{module.text(key)}]" if plain else ""
            node = owner if owner is not None else value
            continue
        call = module.call(node)
        function = call.function if call is not None else node
        owner = function.child_by_field_name("object")
        name = function.child_by_field_name("attribute")
        if owner is None or name is None:
            return ""
        if call is not None and module.text(name) == "pop" and module.text(owner) in roots:
            given = call.positional[0] if call.positional else None
            return f"{module.text(owner)}[{module.text(given)}]" if given is not None else ""
        node = owner
    return ""
