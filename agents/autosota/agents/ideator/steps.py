"""Levers that change one number: up or down, where it is written down.

Shared by the families; which numbers are worth changing is theirs to say.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tree_sitter import Node

from autosota.agents.ideator.calls import Call
from autosota.agents.ideator.draft import Draft
from autosota.agents.ideator.knobs import Knob, find_knob
from autosota.agents.ideator.module import Module
from autosota.agents.ideator.notation import read_number, write_number
from autosota.agents.ideator.transformation import Lever


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
    for step in steps:
        new = stepped(text, step, real=number.real)
        if new is None:
            continue

        def change(draft: Draft, knob: Knob | None = knob, new: str = new) -> None:
            if knob is not None:
                draft.replace(knob.node, new, knob.module)
            else:
                draft.keywords(call, **{number.keyword: new})

        label = knob.label if knob is not None and knob.label != number.keyword else ""
        name = f"{number.keyword} ({label})" if label else number.keyword
        verb = "Raise" if step.factor > 1 else "Lower"
        yield Lever(
            call.node,
            f"{anchor}, {number.keyword}",
            change,
            f"{verb} {what}: {name} {text} → {new}",
            reason,
            {"from": text, "to": new},
            assumptions,
            step.cost,
            step.weight,
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
