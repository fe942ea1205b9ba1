"""A part of the training rows held out, and the claim's own statements repeated on it.

Every statement between the test rows and the claim gets a twin that reads validation rows; the
statement itself stays. Rows cut by an index are taken to be in order, so that the last of the
training rows are held out and nothing is shuffled. Whether it is sound to do so was decided in
`splits_measured`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from autosota.agents.ideator.calls import Call
from autosota.agents.ideator.draft import Draft
from autosota.agents.ideator.module import contains
from autosota.agents.init.splits_claim import val_metric
from autosota.agents.init.splits_flow import Entry, NotUnderstood, fits_in
from autosota.agents.init.splits_measured import Measured, is_classification, label_of
from autosota.agents.init.splits_parting import bindings, val_name
from autosota.agents.init.splits_seeds import seed_text
from autosota.agents.init.splits_written import Additions, Written, called, free_name, renamed
from autosota.agents.init.splits_written import spelled as spell

SHARE = "0.2"
_PARTS = 5
"""One fifth of the training rows is held out, scikit-learn's own habit for a small test part."""

_TEST = "The test rows are as they were."


def hold_out(program: Measured) -> Written:
    """The change that holds out validation rows.

    Raises:
        NotUnderstood: a statement cannot be repeated for other rows.
        NotApplicable: the result would not parse.
    """
    module = program.module
    twins, inits = _twins(program)
    names = _names(program, twins, inits)
    _check_names(program, twins, names)
    _check_branches(program, twins)
    draft = Draft(module)
    added = Additions(module)
    notes: list[str] = []
    _add_split(program, draft, added, names, notes)
    split = program.flow.entries[program.split_at] if program.split_at >= 0 else None
    for index in sorted(twins | inits):
        entry = program.flow.entries[index]
        text = renamed(module, entry.node, names)
        if index in twins and index < program.split_at and split is not None:
            _check_deferred(program, index, split)
            added.after(split.node, text)
        else:
            added.after(entry.node, text)
    add_shown(program, added, renamed(module, program.claim.value, names), list(names.values()))
    added.write(draft)
    return Written(
        title="Hold out validation rows of the training rows"
        + (", the last ones" * program.parting.ordered),
        reason=f"the program shows {program.objective.metric} only, so a search would look at the "
        "claim itself (LK112) and no gain could be confirmed",
        changes=draft.finish().changes,
        notes=tuple(notes),
    )


def add_shown(program: Measured, added: Additions, value: str, taken: list[str]) -> None:
    """The METRIC line of the validation value, beside the claim's statement."""
    claim, name = program.claim, val_metric(program.objective.metric)
    shown = value
    lines: list[str] = []
    if not value.isidentifier():
        shown = free_name(program.module, re.sub(r"\W", "_", name), taken)
        lines.append(f"{shown} = {value}")
    spec = re.sub(r"^\.[0-5]f$", ".6f", claim.spec)  # search needs more digits than a paper
    lines.append(f'print(f"METRIC {name}={{{shown}{":" + spec if spec else ""}}}")')
    for line in lines:
        if claim.returned:
            added.before(claim.statement, line)
        else:
            added.after(claim.statement, line)


# ------------------------------------------------------------------ twins


def _twins(program: Measured) -> tuple[set[int], set[int]]:
    """Entries to repeat on validation rows, and first values that those build on."""
    flow = program.flow
    needed = set(program.needed)
    twins: set[int] = set()
    inits: set[int] = set()
    size = -1
    while size != len(needed) + len(twins) + len(inits):
        size = len(needed) + len(twins) + len(inits)
        for index in sorted(program.chosen, reverse=True):
            entry, mark = flow.entries[index], program.tests[index]
            if not mark.coloured or mark.inside or index == program.at:
                continue
            does = program.unit(index)
            if not (does.binds | does.changed) & needed or (
                entry.head and entry.node.type == "with_statement"
            ):
                continue
            _check_copy(program, entry)
            twins.add(index)
            needed |= does.exposed & (mark.before | does.binds | does.changed)
            for name in does.exposed & (does.binds | does.changed):
                first = _first_value(program, index, name)
                if first is not None:
                    inits.add(first)
    return twins, inits - twins


def _first_value(program: Measured, index: int, name: str) -> int | None:
    """The uncoloured entry that last binds a name before a statement that goes on with it."""
    for before in range(index - 1, -1, -1):
        entry = program.flow.entries[before]
        if name not in entry.access.binds or entry.head:
            continue
        if program.tests[before].coloured or before in program.parting.tests:
            return None
        if fits_in(program.module, entry.node):
            break
        return before
    line = program.flow.entries[index].line
    raise NotUnderstood(f"{program.module.path}:{line}: where {name} starts is not clear")


def _check_copy(program: Measured, entry: Entry) -> None:
    """A compound statement may be repeated when it does nothing but compute."""
    if not entry.head:
        return
    module = program.module
    changed = program.unit(program.flow.index_of(entry.node)).changed
    for node in module.source.walk(entry.node):
        where = f"{module.path}:{node.start_point.row + 1}"
        if node.type in ("return_statement", "delete_statement", "import_statement"):
            raise NotUnderstood(f"{where}: this statement cannot be repeated on validation rows")
        if node.type != "expression_statement" or not node.named_children:
            continue
        call = module.call(node.named_children[0])
        if call is None:
            continue
        owner = call.function.child_by_field_name("object")
        name = module.text(owner) if owner is not None else ""
        quiet = module.text(call.function).endswith((".eval", ".set_description"))
        if name not in changed and not quiet:
            what = module.text(call.function)
            raise NotUnderstood(f"{where}: {what}() cannot be repeated on validation rows")


def _names(program: Measured, twins: set[int], inits: set[int]) -> dict[str, str]:
    """What each name is called on the validation side."""
    wanted: dict[str, None] = {}
    for pair in program.parting.pairs:
        wanted[pair.test] = None
    for index in sorted(twins | inits):
        does = program.unit(index)
        wanted |= dict.fromkeys(sorted(does.binds))
        if index in twins:
            coloured = program.tests[index + 1].before
            wanted |= dict.fromkeys(sorted(does.changed & (coloured | program.needed)))
    names: dict[str, str] = {}
    for name in wanted:
        if name != "_":
            names[name] = free_name(program.module, val_name(name), list(names.values()))
    return names


def _check_names(program: Measured, twins: set[int], names: dict[str, str]) -> None:
    for index in twins:
        does, before = program.unit(index), program.tests[index].before
        for name in does.exposed & set(names):
            if name not in before and name not in does.binds | does.changed:
                where = f"{program.module.path}:{program.flow.entries[index].line}"
                raise NotUnderstood(f"{where}: {name} stands for test rows and for other things")


def _check_branches(program: Measured, twins: set[int]) -> None:
    """A number that another branch sets to something else would be missing on the other side."""
    for index in twins:
        for other in program.chosen:
            entry, mark = program.flow.entries[other], program.tests[other]
            if index < other < program.at and not mark.coloured and not mark.inside:
                both = sorted(entry.access.binds & program.unit(index).binds & program.needed)
                if both:
                    where = f"{program.module.path}:{entry.line}"
                    raise NotUnderstood(f"{where}: another branch sets {both[0]} to something else")


def _check_deferred(program: Measured, index: int, split: Entry) -> None:
    """A statement before the split may be repeated after it if nothing it reads has moved."""
    entry = program.flow.entries[index]
    between = program.flow.entries[index + 1 : program.split_at + 1]
    moved = {n for e in between for n in e.access.binds | e.access.changed}
    if entry.block != split.block or entry.access.reads & moved:
        where = f"{program.module.path}:{entry.line}"
        raise NotUnderstood(f"{where}: test rows are worked on before the training rows are there")


# ------------------------------------------------------------------ the split


def _add_split(
    program: Measured, draft: Draft, added: Additions, names: dict[str, str], notes: list[str]
) -> None:
    parting, entries = program.parting, program.flow.entries
    at = entries[program.split_at] if program.split_at >= 0 else _first_statement(program)
    indent = program.module.source.indent_of(at.node).decode()
    pairs = [(p.train, names[p.test]) for p in parting.pairs]
    seed = seed_text(program.module, program.claim.function, at.node, program.objective)
    if parting.kind == "dataset":
        lines = list(_datasets(program, draft, pairs, seed, indent, notes))
    elif program.uses_sklearn:
        lines = [_with_sklearn(program, draft, pairs, seed, indent, notes, at)]
    else:
        lines = list(_with_arrays(program, draft, pairs, seed))
    if not parting.ordered:
        notes.append(
            "each run holds out other rows, drawn by its seed: differences between seeds now hold "
            "the choice of rows, too"
            if seed
            else "no seed of the run was found here: every run holds out the same rows"
        )
    else:
        notes.append("rows are cut by an index, so they are taken to be in order")
    notes.append("the model now learns from four fifths of the training rows")
    text = f"\n{indent}".join(["# Validation: a part of the training rows. " + _TEST, *lines])
    if program.split_at >= 0:
        added.after(at.node, text)
    else:
        added.before(at.node, text)


def _first_statement(program: Measured) -> Entry:
    for entry in program.flow.entries:
        inner = entry.node.named_children[0] if entry.node.named_children else None
        if inner is None or inner.type != "string":
            return entry
    raise NotUnderstood(f"{program.module.path}: the function with the claim is empty")


def _with_sklearn(
    program: Measured,
    draft: Draft,
    pairs: list[tuple[str, str]],
    seed: str,
    indent: str,
    notes: list[str],
    at: Entry,
) -> str:
    split = spell(draft, "sklearn.model_selection.train_test_split", at.node)
    arguments = [train for train, _ in pairs] + [f"test_size={SHARE}"]
    if program.parting.ordered:
        arguments.append("shuffle=False")
    else:
        label = label_of(program) if is_classification(program) else ""
        if label:
            arguments.append(f"stratify={label}")
            notes.append(
                "classes are kept in proportion, for which each needs two training rows or more"
            )
        arguments.append(f"random_state={seed or '0'}")
    targets = ", ".join(f"{train}, {val}" for train, val in pairs)
    return called(indent, f"{targets} = {split}", arguments)


def _with_arrays(
    program: Measured, draft: Draft, pairs: list[tuple[str, str]], seed: str
) -> Iterator[str]:
    """For programs without scikit-learn, on arrays and tensors."""
    parting = program.parting
    first = pairs[0][0]
    taken = [val for _, val in pairs]
    known = all(d.startswith(("numpy.", "torch.")) or not d for d in parting.loads)
    if not known or not (parting.ordered or program.module.bindings.uses("numpy")):
        raise NotUnderstood(f"{program.module.path}: it is not clear that the rows are arrays")
    held = free_name(program.module, "n_val", taken)
    at = ".iloc" if parting.positional else ""
    if parting.ordered:
        yield f"{held} = max(1, len({first}) // {_PARTS})"
        for train, val in pairs:
            yield f"{train}, {val} = {train}{at}[:-{held}], {train}{at}[-{held}:]"
        return
    numpy = program.module.bindings.local_for("numpy")
    if not numpy:
        raise NotUnderstood(f"{program.module.path}: numpy is not imported under a name")
    order = free_name(program.module, "val_order", taken)
    yield f"{order} = {numpy}.random.default_rng({seed or '0'}).permutation(len({first}))"
    yield f"{held} = max(1, len({order}) // {_PARTS})"
    for train, val in pairs:
        yield f"{train}, {val} = {train}[{order}[{held}:]], {train}[{order}[:{held}]]"


def _datasets(
    program: Measured,
    draft: Draft,
    pairs: list[tuple[str, str]],
    seed: str,
    indent: str,
    notes: list[str],
) -> Iterator[str]:
    """For PyTorch data sets."""
    module = program.module
    if len(pairs) != 1:
        raise NotUnderstood(f"{module.path}: several pairs of data sets are handled together")
    train, val = pairs[0]
    for use in module.names.get(train, ()):
        parent = use.parent
        if parent is not None and parent.type == "attribute":
            label = parent.child_by_field_name("attribute")
            asked = module.text(label) if label is not None else ""
            line = use.start_point.row + 1
            raise NotUnderstood(
                f"{module.path}:{line}: {train}.{asked} would be missing in a part of {train}"
            )
    at = program.flow.entries[program.split_at].node
    subset = spell(draft, "torch.utils.data.Subset", at)
    torch = module.bindings.local_for("torch")
    if not torch:
        raise NotUnderstood(f"{module.path}: torch is not imported under a name")
    order = free_name(module, "val_order", [val])
    held = free_name(module, "n_val", [val])
    source = _with_test_transform(program, train)
    chance = f"generator={torch}.Generator().manual_seed({seed or '0'})"
    yield called(indent, f"{order} = {torch}.randperm", [f"len({train})", chance], ").tolist()")
    yield f"{held} = max(1, len({order}) // {_PARTS})"
    yield called(indent, f"{val} = {subset}", [source, f"{order}[:{held}]"])
    yield called(indent, f"{train} = {subset}", [train, f"{order}[{held}:]"])
    if source != train:
        notes.append("validation images are read with the transform of the test images")


def _with_test_transform(program: Measured, train: str) -> str:
    """Code for the training data set as the test data set reads it: without augmentation."""
    module, pair = program.module, program.parting.pairs[0]
    calls: dict[str, Call | None] = {}
    for entry in program.flow.entries:
        for name, value in bindings(module, entry):
            if name in (pair.train, pair.test):
                calls.setdefault(name, module.call(value))
    one, other = calls.get(pair.train), calls.get(pair.test)
    if one is None or other is None:
        return train
    mine, theirs = one.value("transform"), other.value("transform")
    if mine is None or theirs is None:
        return train
    if module.text(mine) == module.text(theirs) or not contains(one.node, mine):
        return train
    text = module.text(one.node)
    start = len(module.source.content[one.node.start_byte : mine.start_byte].decode())
    return text[:start] + module.text(theirs) + text[start + len(module.text(mine)) :]
