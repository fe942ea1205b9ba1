"""PyTorch training loops: the update step, its epochs, its loss, and what evaluation shares.

A step is `loss.backward()` followed by `optimizer.step()` in one block. Mixed precision with
a gradient scaler, closures and several optimizers in one step are not recognised: an idea
that guesses there would change the training it does not understand.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tree_sitter import Node

from autosota.agents.ideator.calls import Call
from autosota.agents.ideator.module import Module, contains, enclosing, function_of, statement_of


@dataclass(frozen=True, slots=True)
class Epochs:
    """The outermost counted loop around a step.

    `index` is the loop's variable; `count` is code for the number of passes, valid right
    before the loop; `stop` is the node of range's end; `optimizer` is what the optimizer is
    called at the loop.
    """

    loop: Node
    index: str
    count: str
    stop: Node
    optimizer: str

    @property
    def factor(self) -> str:
        """The count, in parentheses unless it is a plain name, attribute or number."""
        plain = self.count.replace(".", "").replace("_", "").isalnum()
        return self.count if plain else f"({self.count})"


@dataclass(frozen=True, slots=True)
class Step:
    """One update: its block, and the statements and names in it."""

    module: Module
    backward: Node
    update: Node
    optimizer: str
    loop: Node
    epochs: Epochs | None

    @property
    def block(self) -> Node:
        """The block that holds the update."""
        parent = self.update.parent
        return parent if parent is not None else self.loop


@dataclass(frozen=True, slots=True)
class Forward:
    """The forward pass and the loss of a step: `loss = criterion(model(inputs), targets)`.

    `output` is the statement of the forward pass (the loss's own when it is nested).
    """

    loss: Call
    model: Node
    inputs: Node
    targets: Node
    output: Node
    loss_name: str

    @property
    def nested(self) -> bool:
        """True when the model is called inside the loss."""
        return self.loss.positional[0].type != "identifier"


def find_steps(module: Module) -> list[Step]:
    """The update steps of a file that uses PyTorch."""
    if not module.bindings.uses("torch"):
        return []
    found = []
    for call in module.calls:
        owner = _method_owner(module, call, "step")
        if owner is None or call.positional or call.keywords or call.open:
            continue
        if _is_scheduler(module, owner):
            continue
        update = statement_of(call.node)
        if update.type != "expression_statement" or update.named_children[0] != call.node:
            continue
        backward = _backward_before(module, update)
        loop = enclosing(update, "for_statement", "while_statement")
        if backward is None or loop is None or not _same_function(loop, update):
            continue
        name = module.text(owner)
        found.append(Step(module, backward, update, name, loop, _epochs(module, update, name)))
    # Two updates in one block: a generator and a discriminator, say. Not ours to touch.
    blocks = [step.block.id for step in found]
    return [step for step in found if blocks.count(step.block.id) == 1]


def _is_scheduler(module: Module, owner: Node) -> bool:
    name = module.text(owner)
    return "sched" in name.lower() or any(
        "lr_scheduler" in call.dotted
        and (parent := call.node.parent) is not None
        and (left := parent.child_by_field_name("left")) is not None
        and module.text(left) == name
        for call in module.calls
    )


def loss_of(step: Step) -> str:
    """The name that `backward()` is called on."""
    return _backward_tensor(step.module, step.backward)


def find_forward(step: Step) -> Forward | None:
    """The forward pass of a step when it is `out = model(x); loss = criterion(out, y)`."""
    module = step.module
    tensor = _backward_tensor(module, step.backward)
    loss = _assignment(module, step, tensor) if tensor else None
    if loss is None:
        return None
    call = module.call(loss.child_by_field_name("right"))
    if call is None or len(call.positional) != 2 or call.open:
        return None
    first, second = call.positional
    if not _is_batch(module, second):
        return None
    output: Node | None = loss
    inner = module.call(first)
    if first.type == "identifier":
        output = _assignment(module, step, module.text(first))
        inner = module.call(output.child_by_field_name("right")) if output is not None else None
    if inner is None or output is None or len(inner.positional) != 1 or inner.keywords:
        return None
    inputs = inner.positional[0]
    if not _is_batch(module, inputs) or inner.function.type not in ("identifier", "attribute"):
        return None
    if inner.dotted:  # a library function, not a model
        return None
    return Forward(call, inner.function, inputs, second, statement_of(output), tensor)


def _is_batch(module: Module, node: Node) -> bool:
    """True for a name, `x[rows]`, or either moved or reshaped: evaluating it has no effect."""
    if node.type in ("identifier", "subscript", "attribute"):
        return True
    call = module.call(node)
    owner = call.function.child_by_field_name("object") if call is not None else None
    method = module.text(call.function).rpartition(".")[2] if call is not None else ""
    quiet = method in ("to", "cuda", "float", "long", "view", "reshape", "unsqueeze", "squeeze")
    return owner is not None and quiet and _is_batch(module, owner)


def names_free(module: Module, *names: str) -> bool:
    """True when none of these names is used in the file."""
    return all(module.bindings.is_free(n) and n not in module.names for n in names)


def is_bound_in(module: Module, loop: Node, name: str) -> bool:
    """True when a loop binds a name: as its variable, or by an assignment in its body."""
    return any(contains(loop, use) and _is_target(use) for use in module.names.get(name, ()))


def _is_target(node: Node) -> bool:
    child, parent = node, node.parent
    while parent is not None and parent.type in ("pattern_list", "tuple_pattern", "list_pattern"):
        child, parent = parent, parent.parent
    return (
        parent is not None
        and parent.type in ("assignment", "for_statement")
        and parent.child_by_field_name("left") == child
    )


def has_switches(module: Module) -> bool:
    """True when the code puts the model in training and in evaluation mode."""
    near = [m for m in module.neighbours if m.bindings.uses("torch")]
    modes = {
        module_.text(call.function).rpartition(".")[2]
        for module_ in near
        for call in module_.calls
        if call.function.type == "attribute" and len(call.positional) <= 1
    }
    return {"train", "eval"} <= modes


def is_evaluating(module: Module, node: Node) -> bool:
    """True when a node lies in code that computes without gradients or sets eval mode."""
    current: Node | None = node
    while current is not None:
        if current.type == "with_statement" and _no_grad(module, current):
            return True
        if current.type == "function_definition":
            body = current.child_by_field_name("body")
            decorated = current.parent
            if decorated is not None and decorated.type == "decorated_definition":
                marks = [c for c in decorated.children if c.type == "decorator"]
                if any(w in module.text(m) for m in marks for w in ("no_grad", "inference_mode")):
                    return True
            return body is not None and _only_evaluates(module, body)
        current = current.parent
    return False


def calls_of(module: Module, name: str) -> Iterator[Call]:
    """The calls of a function of this file by its plain name."""
    for call in module.calls:
        if call.function.type == "identifier" and module.text(call.function) == name:
            yield call


def scheduled(module: Module) -> bool:
    """True when something already schedules the learning rate."""
    return any(
        "lr_scheduler" in call.dotted or module.text(call.function).endswith("scheduler.step")
        for call in module.calls
    ) or any("param_groups" in m.attributes and _sets_rate(m) for m in [module])


def _sets_rate(module: Module) -> bool:
    return any(
        node.type in ("assignment", "augmented_assignment")
        and (left := node.child_by_field_name("left")) is not None
        and left.type == "subscript"
        and module.text(left).endswith(("['lr']", '["lr"]'))
        for node in module.nodes
    )


def _no_grad(module: Module, node: Node) -> bool:
    clause = next((c for c in node.children if c.type == "with_clause"), None)
    text = module.text(clause) if clause is not None else ""
    return "no_grad" in text or "inference_mode" in text


def _only_evaluates(module: Module, body: Node) -> bool:
    texts = [module.text(c.function) for c in module.calls_in(body)]
    return any(t.endswith(".eval") for t in texts) and not any(
        t.endswith(".backward") for t in texts
    )


def _method_owner(module: Module, call: Call, method: str) -> Node | None:
    if call.function.type != "attribute":
        return None
    owner = call.function.child_by_field_name("object")
    name = call.function.child_by_field_name("attribute")
    if owner is None or name is None or module.text(name) != method:
        return None
    own = owner.type == "attribute" and module.text(owner).startswith("self.")
    return owner if owner.type == "identifier" or own else None


def _backward_before(module: Module, update: Node) -> Node | None:
    node = update.prev_named_sibling
    while node is not None:
        if node.type == "expression_statement" and _backward_tensor(module, node):
            return node
        node = node.prev_named_sibling
    return None


def _backward_tensor(module: Module, statement: Node) -> str:
    """The name in `name.backward()`, or ''."""
    inner = statement.named_children[0] if statement.named_children else None
    call = module.call(inner)
    owner = _method_owner(module, call, "backward") if call is not None else None
    return module.text(owner) if owner is not None else ""


def _assignment(module: Module, step: Step, name: str) -> Node | None:
    """The one plain assignment of a name in the step's block, before `backward`."""
    found = [
        child.named_children[0]
        for child in step.block.named_children
        if child.type == "expression_statement"
        and child.end_byte <= step.backward.start_byte
        and child.named_children
        and child.named_children[0].type == "assignment"
        and (left := child.named_children[0].child_by_field_name("left")) is not None
        and module.text(left) == name
    ]
    return found[0] if len(found) == 1 else None


def _same_function(one: Node, other: Node) -> bool:
    return function_of(one) == function_of(other)


def _epochs(module: Module, update: Node, optimizer: str) -> Epochs | None:
    function = function_of(update)
    loops = []
    node = update.parent
    while node is not None and node != function:
        if node.type in ("for_statement", "while_statement"):
            loops.append(node)
        node = node.parent
    # A loop that makes the optimizer (folds, restarts) holds the training, it is not part of it.
    inner = len(loops) == 1
    while loops and is_bound_in(module, loops[-1], optimizer):
        loops.pop()
    counted = _counted(module, loops[-1]) if loops else None
    if counted is not None:
        return Epochs(loops[-1], *counted, optimizer)
    if function is None or not inner or not loops:
        return None
    return _epochs_of_caller(module, function, optimizer)


def _epochs_of_caller(module: Module, function: Node, optimizer: str) -> Epochs | None:
    """The counted loop that calls `train_one_epoch(..., optimizer, ...)`."""
    label = function.child_by_field_name("name")
    parameters = function.child_by_field_name("parameters")
    if label is None or parameters is None:
        return None
    names = [_parameter_name(module, p) for p in parameters.named_children if p.type != "comment"]
    if optimizer not in names:
        return None
    calls = list(calls_of(module, module.text(label)))
    if len(calls) != 1:
        return None
    given = calls[0].value(optimizer, names.index(optimizer))
    loop = enclosing(calls[0].node, "for_statement", "while_statement", "function_definition")
    if given is None or given.type != "identifier" or loop is None:
        return None
    counted = _counted(module, loop)
    if counted is None or is_bound_in(module, loop, module.text(given)):
        return None
    return Epochs(loop, *counted, module.text(given))


def _parameter_name(module: Module, node: Node) -> str:
    name = node.child_by_field_name("name")
    if name is None and node.named_children:
        name = node.named_children[0]
    return module.text(name if name is not None else node)


def _counted(module: Module, loop: Node) -> tuple[str, str, Node] | None:
    """Of `for i in range(...)`: i, the number of passes as code, and the node of its end."""
    left = loop.child_by_field_name("left")
    counted = _passes(module, loop)
    if counted is None or left is None or left.type != "identifier":
        return None
    return (module.text(left), *counted)


def _passes(module: Module, loop: Node) -> tuple[str, Node] | None:
    call = module.call(loop.child_by_field_name("right")) if loop.type == "for_statement" else None
    while call is not None and module.text(call.function).rpartition(".")[2] in ("tqdm",):
        call = module.call(call.positional[0]) if call.positional else None
    if call is None or call.open:
        return None
    name = module.text(call.function).rpartition(".")[2]
    if name not in ("range", "trange") or not 1 <= len(call.positional) <= 2:
        return None
    stop = call.positional[-1]
    if len(call.positional) == 1:
        return module.text(stop), stop
    start = module.text(call.positional[0])
    if stop.type == "binary_operator" and start == "1":
        left, right = stop.child_by_field_name("left"), stop.child_by_field_name("right")
        plus = stop.child_by_field_name("operator")
        parts = [module.text(n) if n is not None else "" for n in (plus, right)]
        if left is not None and parts == ["+", "1"]:
            return module.text(left), left
    if start == "0":
        return module.text(stop), stop
    return f"{_grouped(module, stop)} - {start}", stop


def _grouped(module: Module, node: Node) -> str:
    text = module.text(node)
    return text if node.type in ("identifier", "attribute", "integer", "call") else f"({text})"
