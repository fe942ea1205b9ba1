"""Where the claim is shown, and in which function its value is computed.

Finds the METRIC line (or the text or key that the objective declares), and follows the value
into the one function of the repository that returns it. What it is computed from is not known
here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from tree_sitter import Node

from autosota.agents.domain import Objective
from autosota.agents.ideator.calls import Call
from autosota.agents.ideator.module import Module, Project, enclosing, function_of, statement_of
from autosota.agents.ideator.scope import Scope
from autosota.agents.init import syntax
from autosota.agents.init.splits_flow import NotUnderstood, pattern_names
from autosota.agents.objective import printed

_LINE = re.compile(r"METRIC\s+(\S+?)\s*=\s*$")
_TEST = re.compile(r"(?<![A-Za-z])(test|tst|holdout|heldout|eval)(?![a-z])", re.I)
_MOST_STEPS = 3


@dataclass(frozen=True, slots=True)
class Claim:
    """The claim's value where it is last computed.

    `value` is its expression in the function `function` (None: outside all functions) and
    `statement` the one it stands in; `spec` is the format it is shown in. `returned` is true
    when the statement is a `return`: what is added must come before it.
    """

    module: Module
    value: Node
    statement: Node
    spec: str = ""
    returned: bool = False

    @property
    def function(self) -> Node | None:
        """The function around it."""
        return function_of(self.value)

    @property
    def where(self) -> str:
        """File and line."""
        return f"{self.module.path}:{self.statement.start_point.row + 1}"


def val_metric(claim: str) -> str:
    """The validation metric's name: `test_accuracy` is `val_accuracy`, `rmse` is `val_rmse`."""
    named = _TEST.sub(lambda m: "VAL" if m[0].isupper() else "val", claim, count=1)
    camel = re.sub(r"(?<![A-Za-z])test(?=[A-Z])|(?<=[a-z])Test(?![a-z])", "val", claim, count=1)
    if named != claim:
        return named
    return camel if camel != claim else f"val_{claim}"


def find_claim(project: Project, scope: Scope, objective: Objective) -> Claim:
    """The one place where the program shows the claim.

    Raises:
        NotUnderstood: there is none, several, or a separate evaluator reports it.
    """
    name = objective.metric
    if objective.evaluate:
        raise NotUnderstood(
            f"a separate evaluator reports {name}: let the command write its predictions of "
            "validation rows, too"
        )
    found = [c for module in scope.reached() for c in _shown(module, name, objective)]
    if not found and any(_names_computed(module) for module in scope.reached()):
        found = [c for module in scope.reached() for c in _told(project, module, name)]
    if not found:
        raise NotUnderstood(f"no statement was found that shows {name}")
    if len({(c.module.path, c.statement.start_byte) for c in found}) > 1:
        places = ", ".join(dict.fromkeys(c.where for c in found))
        raise NotUnderstood(f"{name} is shown at {len(found)} places ({places})")
    return found[0]


def shows(scope: Scope, name: str) -> bool:
    """True when the program already has a METRIC line of this name."""
    return any(
        _metric(line) == name for module in scope.reached() for line in printed.lines(module.source)
    )


def inner_claim(project: Project, scope: Scope, claim: Claim) -> Claim | None:
    """The claim where the function that returns its value computes it; None if that is here.

    Raises:
        NotUnderstood: the function is called more than once, or returns at several places.
    """
    made = claim.value
    position: int | None = None
    key = ""
    for _ in range(_MOST_STEPS):
        if made.type == "identifier":
            found = list(_assigned(claim, claim.module.text(made)))
            if len(found) != 1:
                return None
            made, at = found[0]
            position = at if at is not None else position
        elif made.type == "subscript":
            inner, item = made.child_by_field_name("value"), made.child_by_field_name("subscript")
            word = syntax.string(claim.module.source, item)
            if inner is None or word is None:
                return None
            made, key = inner, word
        else:
            break
    call = claim.module.call(made)
    home = definition(project, claim.module, call) if call is not None else None
    if call is None or home is None:
        return None
    module, function = home
    name = claim.module.text(call.function)
    if _times_called(scope, name.rpartition(".")[2]) != 1 or enclosing(
        call.node, "for_statement", "while_statement"
    ):
        raise NotUnderstood(f"{name}() computes the claim and is called more than once")
    returns = [
        n
        for n in module.source.walk(function)
        if n.type == "return_statement" and function_of(n) == function
    ]
    if len(returns) != 1 or not returns[0].named_children:
        raise NotUnderstood(f"{name}() computes the claim and returns it at several places")
    value = _part(module, returns[0].named_children[0], position, key)
    if value is None:
        raise NotUnderstood(f"what {name}() returns for the claim is not a plain value")
    return replace(claim, module=module, value=value, statement=returns[0], returned=True)


def _shown(module: Module, name: str, objective: Objective) -> Iterator[Claim]:
    source = objective.source_of(name)
    if source.key:
        yield from _keyed(module, source.key)
        return
    for line in printed.lines(module.source):
        for index, piece in enumerate(line.pieces):
            if piece.node is None:
                continue
            before = line.pieces[index - 1].text if index else ""
            if source.pattern:
                text = "".join(p.text if p.node is None else "\1" for p in line.pieces[:index])
                try:
                    match = re.search(source.pattern, text.replace("\1", "0.5") + "0.5")
                except re.error:
                    return
                fits = (
                    match is not None and match.end("value") == len(text.replace("\1", "...")) + 3
                )
            else:
                fits = _named(before) == name and index == 1
            if fits:
                yield Claim(module, piece.node, statement_of(line.call), piece.spec)


def _keyed(module: Module, key: str) -> Iterator[Claim]:
    last = key.rpartition(".")[2]
    for node in module.nodes:
        if node.type != "pair":
            continue
        name, value = node.child_by_field_name("key"), node.child_by_field_name("value")
        if value is not None and syntax.string(module.source, name) == last:
            yield Claim(module, value, statement_of(node))


def _names_computed(module: Module) -> bool:
    """True when a METRIC line takes its name from a variable."""
    return any(
        line.pieces
        and re.search(r"METRIC\s+$", line.pieces[0].text)
        and len(line.pieces) > 1
        and line.pieces[1].node is not None
        for line in printed.lines(module.source)
    )


def _told(project: Project, module: Module, name: str) -> Iterator[Claim]:
    """`{"test_accuracy": value}`, and `report("test_accuracy", value)` of an own function."""
    yield from _keyed(module, name)
    for call in module.calls:
        first = call.positional[0] if len(call.positional) == 2 else None
        if first is None or syntax.string(module.source, first) != name:
            continue
        home = definition(project, module, call)
        if home is not None and "METRIC" in home[0].text(home[1]):
            yield Claim(module, call.positional[1], statement_of(call.node))


def _metric(line: printed.Line) -> str:
    return _named(line.pieces[0].text) if line.pieces and not line.logged else ""


def _named(text: str) -> str:
    match = _LINE.match(text.lstrip())
    return match[1] if match is not None else ""


def _assigned(claim: Claim, name: str) -> Iterator[tuple[Node, int | None]]:
    """What a name is assigned in the claim's function, with its position in a tuple."""
    for use in claim.module.names.get(name, ()):
        if function_of(use) != claim.function:
            continue
        statement = use.parent
        while statement is not None and statement.type in ("pattern_list", "tuple_pattern"):
            statement = statement.parent
        if statement is None or statement.type not in ("assignment", "augmented_assignment"):
            continue
        left, right = statement.child_by_field_name("left"), statement.child_by_field_name("right")
        if left is None or right is None or use.start_byte >= right.start_byte:
            continue
        names = pattern_names(claim.module, left)
        yield right, names.index(name) if len(names) > 1 and name in names else None


def definition(project: Project, module: Module, call: Call) -> tuple[Module, Node] | None:
    """The repository's own function that a call calls."""
    if call.function.type == "identifier":
        own = module.functions.get(module.text(call.function))
        if own is not None:
            return module, own
    home, _, name = call.dotted.rpartition(".")
    other = project.find(home, module.path) if home else None
    found = other.functions.get(name) if other is not None else None
    return (other, found) if other is not None and found is not None else None


def _times_called(scope: Scope, name: str) -> int:
    return sum(
        m.text(c.function).rpartition(".")[2] == name for m in scope.reached() for c in m.calls
    )


def _part(module: Module, value: Node, position: int | None, key: str) -> Node | None:
    if key:
        for pair in value.named_children if value.type == "dictionary" else ():
            if syntax.string(module.source, pair.child_by_field_name("key")) == key:
                return pair.child_by_field_name("value")
        return None
    if position is not None:
        several = value.type in ("expression_list", "tuple")
        items = value.named_children if several else []
        return items[position] if position < len(items) else None
    return value
