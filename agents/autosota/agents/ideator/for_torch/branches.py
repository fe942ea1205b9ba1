"""Inside `forward`: residual additions, attention, pooling, whatever the layers are called.

A residual addition is `x = f(x) + x`, `x = x + f(x)` or `x += f(x)` where f is a call: the branch
can be scaled or dropped. Attention is a product of queries and transposed keys, or a softmax over
their scores.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tree_sitter import Node

from autosota.agents.domain import Granularity, Level
from autosota.agents.ideator.calls import Call
from autosota.agents.ideator.draft import Draft
from autosota.agents.ideator.for_torch.slots import Class, find_classes
from autosota.agents.ideator.module import Module, body_of, contains, enclosing, function_of
from autosota.agents.ideator.transformation import Lever, Transformation

TORCH = "PyTorch"
_FREE = r"residual_gain|drop_path|DropPath|stochastic_depth|layer_scale|LayerScale|gamma"


@dataclass(frozen=True, slots=True)
class Addition:
    """`stream` plus `branch`, with the name of the stream."""

    branch: Node
    stream: str


def _additions(owner: Class) -> list[Addition]:
    """The residual additions in the methods of a class."""
    module = owner.module
    found = []
    for node in module.nodes:
        if node.type not in ("binary_operator", "augmented_assignment"):
            continue
        if not contains(owner.node, node) or enclosing(node, "class_definition") != owner.node:
            continue
        function = function_of(node)
        label = function.child_by_field_name("name") if function is not None else None
        if label is None or module.text(label) in ("__init__", "loss", "training_step"):
            continue
        operator = node.child_by_field_name("operator")
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        if operator is None or left is None or right is None:
            continue
        sign = module.text(operator)
        if node.type == "augmented_assignment":
            if sign == "+=" and left.type == "identifier" and _is_branch(module, right, left):
                found.append(Addition(right, module.text(left)))
        elif sign == "+":
            for stream, branch in ((left, right), (right, left)):
                if stream.type == "identifier" and _is_branch(module, branch, stream):
                    found.append(Addition(branch, module.text(stream)))
                    break
    return found


def _is_branch(module: Module, node: Node, stream: Node) -> bool:
    """True for `self.f(… x …)`, where x is the stream."""
    call = module.call(node)
    if call is None or not module.text(call.function).startswith("self."):
        return False
    name = module.text(stream)
    return any(re.search(rf"\b{re.escape(name)}\b", module.text(a)) for a in call.positional)


def _gain(module: Module) -> Iterator[Lever]:
    for owner in find_classes(module):
        found = _additions(owner)
        if not found or owner.init is None or owner.mentions(_FREE):
            continue

        def change(draft: Draft, owner: Class = owner, found: list[Addition] = found) -> None:
            made = draft.spell("torch.nn.Parameter")
            full = draft.spell("torch.full")
            init = owner.init
            if init is not None:
                draft.after(
                    body_of(init)[-1],
                    [f"self.residual_gain = {made}({full}(({len(found)},), 0.1))"],
                )
            for index, addition in enumerate(found):
                draft.wrap(addition.branch, f"self.residual_gain[{index}] * ", "")

        yield Lever(
            found[0].branch,
            owner.anchor,
            change,
            f"A learnt gain, small at first, on each residual branch of {owner.name}",
            "every branch shouts from the first step; signals add up with depth",
        )


GAIN = Transformation(
    name="residual-gain",
    summary="A learnt gain (0.1 at first) on residual branches",
    library=TORCH,
    family="residual",
    granularity=Granularity.ALGO,
    paper="De & Smith 2020, SkipInit, arXiv 2002.10444; Touvron et al. 2021, arXiv 2103.17239",
    precondition="`x + self.f(x)` in a method of a class with a constructor, no gain yet",
    expected="deeper networks train; little in shallow ones",
    prior=0.3,
    find=_gain,
)


def _drop(module: Module) -> Iterator[Lever]:
    for owner in find_classes(module):
        found = _additions(owner)
        if not found or owner.mentions(_FREE):
            continue

        def change(draft: Draft, found: list[Addition] = found) -> None:
            dropout = draft.spell("torch.nn.functional.dropout")
            for addition in found:
                x = addition.stream
                ones = f"{x}.new_ones({x}.size(0), *(1,) * ({x}.dim() - 1))"
                draft.wrap(addition.branch, f"{dropout}({ones}, 0.1, self.training) * ", "")

        yield Lever(
            found[0].branch,
            owner.anchor,
            change,
            f"Drop each residual branch of {owner.name} for a tenth of the examples in training",
            "layers that are sometimes missing cannot rely on each other",
            assumptions=("the first axis of a tensor is the batch",),
        )


DROP = Transformation(
    name="stochastic-depth",
    summary="Residual branches dropped at random in training",
    library=TORCH,
    family="regularisation",
    granularity=Granularity.ALGO,
    paper="Huang et al. 2016, Deep Networks with Stochastic Depth, arXiv 1603.09382",
    precondition="`x + self.f(x)` in a method of a class, no stochastic depth yet",
    expected="better generalisation of deep networks",
    prior=0.35,
    find=_drop,
)


# ------------------------------------------------------------------ attention

_TRANSPOSED = re.compile(r"^(\w+)\.(transpose|permute|mT|t|T|swapaxes)\b")


def _products(owner: Class) -> Iterator[tuple[Node, Node, Node]]:
    """The statement, queries and keys of each product of both; keys are a plain name in it."""
    module = owner.module
    for call in module.calls_in(owner.node):
        name = module.text(call.function).rpartition(".")[2]
        pair: tuple[Node, ...] = ()
        if (name in ("scaled_dot_product_attention",) and len(call.positional) >= 2) or (
            name in ("matmul", "bmm") and call.dotted.startswith("torch.")
        ):
            pair = call.positional[:2]
        elif name == "einsum" and len(call.positional) == 3:
            pair = call.positional[1:3]
        if len(pair) == 2 and _are_queries_and_keys(module, *pair):
            yield call.node, pair[0], pair[1]
    for node in module.nodes:
        if node.type == "binary_operator" and contains(owner.node, node):
            operator = node.child_by_field_name("operator")
            left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
            if operator is None or module.text(operator) != "@" or left is None or right is None:
                continue
            if _are_queries_and_keys(module, left, right):
                yield node, left, right


def _are_queries_and_keys(module: Module, left: Node, right: Node) -> bool:
    texts = [module.text(left), module.text(right)]
    keys = _TRANSPOSED.match(texts[1])
    second = keys.group(1) if keys else texts[1]
    return bool(
        left.type == "identifier"
        and re.fullmatch(r"q|qs|query|queries|q_\w+|query_\w+", texts[0])
        and re.fullmatch(r"k|ks|key|keys|k_\w+|key_\w+", second)
    )


def _qk_norm(module: Module) -> Iterator[Lever]:
    for owner in find_classes(module):
        if owner.mentions(r"qk_norm|q_norm|norm_q|normalize\(q|layer_norm\(q|k_norm"):
            continue
        sites = list(_products(owner))
        if len(sites) != 1:
            continue
        node, queries, keys = sites[0]

        def change(draft: Draft, queries: Node = queries, keys: Node = keys) -> None:
            norm = draft.spell("torch.nn.functional.layer_norm")
            text = module.text(keys)
            base = _TRANSPOSED.match(text)
            name = base.group(1) if base else text
            q = module.text(queries)
            draft.replace(queries, f"{norm}({q}, {q}.shape[-1:])")
            start = f"{norm}({name}, {name}.shape[-1:])"
            draft.replace(keys, start + text[len(name) :])

        yield Lever(
            node,
            owner.anchor,
            change,
            f"Normalise queries and keys before their product in {owner.name}",
            "scores grow with the norms of both, and a softmax that saturates stops learning",
            assumptions=("features of a head are the last axis of queries and keys",),
        )


QK_NORM = Transformation(
    name="query-key-norm",
    summary="Queries and keys normalised before their product",
    library=TORCH,
    family="attention",
    granularity=Granularity.ALGO,
    paper="Henry et al. 2020, Query-Key Normalization, arXiv 2010.04245; Dehghani et al. 2023",
    precondition="one product of a `q` and a `k` in a class, not normalised yet",
    expected="steadier training with large learning rates",
    prior=0.3,
    find=_qk_norm,
)

_SCORES = re.compile(r"att|score|weight|prob|dots|sim|alpha|affinit")


def _attention_dropout(module: Module) -> Iterator[Lever]:
    for owner in find_classes(module):
        sites = []
        for call in module.calls_in(owner.node):
            name = module.text(call.function).rpartition(".")[2]
            parent = call.node.parent
            left = parent.child_by_field_name("left") if parent is not None else None
            named = left is not None and left.type == "identifier"
            if name != "softmax" or not named or parent is None or parent.type != "assignment":
                continue
            text = module.text(left) if left is not None else ""
            if _SCORES.search(text) and not _is_dropped(module, call.node, text):
                sites.append(call)
        for call in module.calls_in(owner.node):
            mixes = call.dotted == "torch.nn.MultiheadAttention" and not call.open
            if mixes and call.value("dropout", 3) is None:
                sites.append(call)
        if not sites:
            continue

        def change(draft: Draft, sites: list[Call] = sites) -> None:
            for call in sites:
                if call.name == "MultiheadAttention":
                    draft.keywords(call, dropout="0.1")
                else:
                    dropout = draft.spell("torch.nn.functional.dropout")
                    draft.wrap(call.node, f"{dropout}(", ", 0.1, self.training)")

        yield Lever(
            sites[0].node,
            owner.anchor,
            change,
            f"Dropout (0.1) on the attention weights of {owner.name}",
            "nothing keeps attention from relying on single positions",
        )


def _is_dropped(module: Module, node: Node, name: str) -> bool:
    function = function_of(node)
    text = module.text(function) if function is not None else ""
    return re.search(rf"drop\w*\(\s*{re.escape(name)}\b", text) is not None or (
        function is None or "self" not in text.split(")")[0]
    )


ATTENTION_DROPOUT = Transformation(
    name="attention-dropout",
    summary="Dropout on attention weights",
    library=TORCH,
    family="regularisation",
    granularity=Granularity.CODE,
    paper="Vaswani et al. 2017, Attention Is All You Need, arXiv 1706.03762",
    precondition="a softmax assigned to a name of scores, or MultiheadAttention, no dropout there",
    expected="less overfitting on small data",
    prior=0.25,
    find=_attention_dropout,
)


# ------------------------------------------------------------------ pooling


def _mean_pool(module: Module) -> Iterator[Lever]:
    for owner in find_classes(module):
        for node in module.nodes:
            call = module.call(node)
            if call is None or not contains(owner.node, node):
                continue
            function = call.function
            label = (
                function.child_by_field_name("attribute") if function.type == "attribute" else None
            )
            owner_node = function.child_by_field_name("object") if label is not None else None
            if label is None or owner_node is None or module.text(label) != "mean":
                continue
            if owner_node.type != "identifier" or call.dotted or call.open:
                continue
            dim = call.value("dim", 0)
            if dim is None or module.text(dim) not in ("1", "-2") or len(call.positional) > 1:
                continue
            function_node = function_of(node)
            name = function_node.child_by_field_name("name") if function_node is not None else None
            if name is None or module.text(name) != "forward" or "keepdim" in call.keywords:
                continue
            beside = module.text(node.parent) if node.parent is not None else ""
            if re.search(r"loss|acc|err|^mu$|mean|std", module.text(owner_node)):
                continue
            if ".amax(" in beside:
                continue

            def change(
                draft: Draft, whole: Node = node, x: Node = owner_node, dim: Node = dim
            ) -> None:
                text = module.text(x)
                draft.wrap(whole, "0.5 * (", f" + {text}.amax(dim={module.text(dim)}))")

            yield Lever(
                node,
                f"{owner.anchor}, {module.text(owner_node)}.mean",
                change,
                f"Pool by the mean of mean and maximum in {owner.name}",
                "a mean hides what a single position shows",
            )


MEAN_POOL = Transformation(
    name="mean-max-pooling",
    summary="Mean over positions → half mean, half maximum",
    library=TORCH,
    family="pooling",
    granularity=Granularity.CODE,
    paper="Lee, Gallagher & Tu 2016, Generalizing Pooling Functions, arXiv 1509.08985",
    precondition="`x.mean(dim=1)` in `forward`, over positions",
    expected="a gain where few positions decide",
    prior=0.3,
    find=_mean_pool,
    risk=Level.MEDIUM,
)

TRANSFORMATIONS = (GAIN, DROP, QK_NORM, ATTENTION_DROPOUT, MEAN_POOL)
