"""Levers that change one number: up or down, where it is written down.

Shared by the families; which numbers are worth changing is theirs to say.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tree_sitter import Node

from autosota.agents.ideator.calls import Call
from autosota.agents.ideator.draft import Draft
from autosota.agents.ideator.knobs import Knob, find_knob
from autosota.agents.ideator.module import Module
from autosota.agents.ideator.notation import read_number, write_number
from autosota.agents.ideator.transformation import Dial, Lever


@dataclass(frozen=True, slots=True)
class Number:
    """A number that a call takes: its keyword, its position, and the library's default.

    `default` is written as the library documents it; '' when there is none to build on.
    `real` numbers may lose their integer notation (`C=2` becomes `C=0.2`).
    """

    keyword: str
    default: str = ""
    position: int | None = None
    real: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One change of a number: times `factor`, within [least, most]."""

    factor: float
    cost: float = 1.0
    weight: float = 1.0
    least: float = 0.0
    most: float = float("inf")


def number_levers(
    module: Module,
    call: Call,
    number: Number,
    steps: Sequence[Step],
    *,
    anchor: str,
    what: str,
    reason: str,
    assumptions: tuple[str, ...] = (),
) -> Iterator[Lever]:
    """A lever for each step of the number that `call` is given, or that it defaults to.

    `what` names the number in the title, as in "the penalty of SVC".
    """
    node = call.value(number.keyword, number.position)
    knob = find_knob(module, node, number.keyword) if node is not None else None
    if node is not None and knob is None:
        return
    if knob is None and (
        call.open or not number.default or module.project.is_frozen(number.keyword)
    ):
        return
    text = knob.text if knob is not None else number.default
    dial = number_dial(module, call, number, knob, anchor=anchor, steps=steps)
    for step in steps:
        new = stepped(text, step, real=number.real)
        if new is None:
            continue

        def change(draft: Draft, new: str = new) -> None:
            dial.write(draft, new)

        verb = "Raise" if step.factor > 1 else "Lower"
        yield Lever(
            call.node,
            dial.anchor,
            change,
            f"{verb} {what}: {dial.label} {text} → {new}",
            reason,
            {"from": text, "to": new},
            assumptions,
            step.cost,
            step.weight,
            (dial,),
        )


def number_dial(
    module: Module,
    call: Call,
    number: Number,
    knob: Knob | None,
    *,
    anchor: str,
    steps: Sequence[Step] = (),
) -> Dial:
    """The dial of a number that `call` is given (`knob`), or that it defaults to (None)."""
    named = f"{anchor}, {number.keyword}"
    if knob is not None:
        return knob_dial(knob, named, number.keyword, steps, real=number.real)

    def write(draft: Draft, new: str) -> None:
        draft.keywords(call, **{number.keyword: new})

    return Dial(
        named,
        number.keyword,
        number.keyword,
        number.default,
        (module.path, call.node.start_byte, number.keyword),
        write,
        number.real,
        *_limits(steps),
    )


def knob_dial(
    knob: Knob, anchor: str, keyword: str, steps: Sequence[Step] = (), *, real: bool = False
) -> Dial:
    """The dial of a number that stands somewhere as a literal."""

    def write(draft: Draft, new: str) -> None:
        draft.replace(knob.node, new, knob.module)

    label = f"{keyword} ({knob.label})" if knob.label not in ("", keyword) else keyword
    site = (knob.module.path, knob.node.start_byte, "")
    return Dial(anchor, keyword, label, knob.text, site, write, real, *_limits(steps))


def _limits(steps: Sequence[Step]) -> tuple[float, float, float]:
    """The range that steps leave, and the power of the number that a run's time grows as."""
    powers = [math.log(s.cost) / math.log(s.factor) for s in steps if s.cost != 1]
    return (
        max((s.least for s in steps), default=0.0),
        min((s.most for s in steps), default=math.inf),
        sum(powers) / len(powers) if powers else 0.0,
    )


def knob_lever(knob: Knob, at: Node, anchor: str, step: Step) -> Lever | None:
    """A lever on a number that is not an argument of a call; None when it cannot move."""
    new = stepped(knob.text, step)
    if new is None:
        return None

    def change(draft: Draft) -> None:
        draft.replace(knob.node, new, knob.module)

    return Lever(
        at,
        anchor,
        change,
        f"{'Raise' if step.factor > 1 else 'Lower'} {knob.label}: {knob.text} → {new}",
        "half and twice are the usual first steps for this number",
        {"from": knob.text, "to": new},
        (),
        step.cost,
        step.weight,
        (knob_dial(knob, anchor, anchor.rpartition(", ")[2], [step]),),
    )


def stepped(text: str, step: Step, *, real: bool = False) -> str | None:
    """A literal after a step, or None when it would not change or leave its range."""
    value = read_number(text)
    if value is None or value == 0:
        return None
    new = value * step.factor
    if isinstance(value, int) and not real:
        new = round(new)
    if new == 0:
        return None
    if not step.least <= new <= step.most:
        return None
    written = write_number(new, text)
    return written if read_number(written) != value else None
