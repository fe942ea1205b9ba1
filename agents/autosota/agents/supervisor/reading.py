"""One tree, followed once: its program, what its commands do, its reports and its learners.

The base of a campaign is compared with many candidates, so readings are kept for the trees that
were read last, by their content.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass

from autosota.agents.code.execute import Execution, follow
from autosota.agents.code.program import Program
from autosota.agents.code.state import Event
from autosota.agents.code.stored import normal, path_text
from autosota.agents.code.values import DATA, ENV, LOAD, PRED, Value, text_of, walk
from autosota.agents.domain import Objective
from autosota.agents.protocols import Tree
from autosota.agents.supervisor.common import mark_learned
from autosota.agents.supervisor.formula import Learner, evaluation_part, labels_of, tested
from autosota.agents.supervisor.leakage import Rows, learners, rows_of
from autosota.agents.supervisor.sinks import Sink, handed_over, reported

_KEPT = 6
_kept: OrderedDict[tuple[str, str], Reading] = OrderedDict()


@dataclass(frozen=True, slots=True)
class Reading:
    """What is known of a tree under an objective."""

    program: Program
    command: Execution
    evaluator: Execution
    sinks: tuple[Sink, ...]
    claim: tuple[Sink, ...]
    select: tuple[Sink, ...]
    learned: tuple[Learner, ...]
    rows: Rows
    unknown: tuple[str, ...]


RUN_FOLDER = "{run_dir}"
"""Stands for a run's own folder in the commands of an objective."""
_FOLLOWED = (".py", ".sh", ".pyw", ".mk", ".yaml", ".yml", ".toml", ".json")
"""Endings of files that are followed; what others hold is not looked at."""


def digest(tree: Tree, objective: Objective) -> tuple[str, str]:
    """A key for the code of a tree and for what matters of an objective."""
    state = hashlib.blake2b(digest_size=16)
    for path in tree.files():
        state.update(path.encode("utf-8", "surrogateescape") + b"\x00")
        if path.endswith(_FOLLOWED) or "akefile" in path:
            content = tree.read(path)
            state.update(str(len(content)).encode() + b":" + content)
    return state.hexdigest(), repr(objective)


def read(tree: Tree, objective: Objective) -> Reading:
    """Follow the commands of an objective through a tree."""
    key = digest(tree, objective)
    found = _kept.get(key)
    if found is not None:
        _kept.move_to_end(key)
        return found
    made = _read(tree, objective)
    _kept[key] = made
    while len(_kept) > _KEPT:
        _kept.popitem(last=False)
    return made


def _read(tree: Tree, objective: Objective) -> Reading:
    program = Program(tree)
    commands = [objective.command, *([objective.evaluate] if objective.evaluate else [])]
    command, evaluator = (*follow(program, commands), Execution())[:2]
    sinks = reported(command, objective)
    unknown = [*command.unknown, *evaluator.unknown]
    if not command.entries:
        unknown.append(f"no Python file of the repository is started by `{objective.command}`")
    names = {s.name for s in sinks}
    if objective.evaluate:
        if not evaluator.entries:
            unknown.append(f"no Python file is started by `{objective.evaluate}`")
        scored = reported(evaluator, objective)
        joined = scored if evaluator.reads_back else [s for s in scored if s.value.flags & PRED]
        handed = [] if joined else handed_over(command, evaluator)
        if not handed and not joined:
            unknown.append("what the command hands to the evaluator was not found")
        sinks += joined or handed
        claim = [s for s in sinks if s.name == objective.metric or not s.name] or handed
        select = [s for s in sinks if s.name == objective.select_on]
    else:
        claim = [s for s in sinks if s.name == objective.metric or not s.name]
        select = [s for s in sinks if s.name == objective.select_on]
        if objective.metric not in names and not any(not s.name for s in sinks):
            unknown.append(f"how {objective.metric} is computed was not found")
    mark_learned([s.value for s in select], [s.value for s in claim])
    claim_value = [s.value for s in claim]
    acted = any(v.flags & ENV for v in claim_value)
    if claim and not acted and not tested(claim_value):
        unknown.append(f"which rows {objective.metric} is computed on was not found")
    if (
        not objective.evaluate
        and claim
        and not acted
        and not labels_of(claim_value)
        and not _own_loss(claim_value)
        and not _judged_by_itself(claim_value)
    ):
        unknown.append(f"which labels {objective.metric} is computed with was not found")
    unknown += _unfollowed_files(claim, [*command.events, *evaluator.events], objective.metric)
    for path in command.files:
        broken = program.facts(path).broken
        if broken:
            unknown.append(f"{path}:{broken[0]} does not parse")
    for value in claim_value:
        for part in walk(value, lambda v: v.kind == "pred"):
            if part.kind == "opaque":
                unknown.append(f"{objective.metric} depends on what was not followed: {part.head}")
                break
    learned = learners(sinks, command.events)
    rows = rows_of(claim, select, learned, command.events)
    return Reading(
        program,
        command,
        evaluator,
        tuple(sinks),
        tuple(claim),
        tuple(select),
        tuple(learned),
        rows,
        tuple(dict.fromkeys(unknown)),
    )


def _unfollowed_files(claim: list[Sink], events: list[Event], metric: str) -> Iterator[str]:
    """What the claim reads out of files of the run itself: what is in those was not followed."""
    made = {normal(path_text(e.value.kids[0])) for e in events if _opened_to_write(e.value)}
    for sink in claim:
        for part in evaluation_part(sink.value):
            if part.kind not in ("call", "method") or not part.flags & LOAD or not part.kids:
                continue
            if any(k.flags & LOAD for k in part.kids):
                continue
            path = normal(path_text(part.kids[0]))
            if RUN_FOLDER in path or path in made:
                yield f"{metric} is read from {path}, whose making was not followed"
                return


def _opened_to_write(value: Value) -> bool:
    if value.kind != "call" or value.head not in ("open", "io.open", "gzip.open"):
        return False
    mode = value.named("mode") or (value.positional[1:] or (None,))[0]
    return mode is not None and text_of(mode)[:1] in ("w", "a", "x")


def _judged_by_itself(values: list[Value]) -> bool:
    """True when the labels are among what a model is asked: a density, the rank of the answer."""
    return any(
        part.kind == "pred" and part.kids[1].flags & DATA
        for value in values
        for part in walk(value, lambda v: v.kind == "pred")
    )


def _own_loss(values: list[Value]) -> bool:
    """True when the claim is the loss that a library's model computes itself."""
    for value in values:
        for part in walk(value, lambda v: v.kind == "pred"):
            name = part.head if part.kind == "attr" else text_of(part.kids[-1]) if part.kids else ""
            if name in ("loss", "metrics") and part.kids[0].kind == "pred":
                return True
    return False
