"""One layer class put for another with the same call: norms, activations, padding, numbers.

Works wherever a layer is constructed or named as a class (`act_layer=nn.ReLU`), in any style of
model code. What has weights that are loaded by name is not swapped for what has others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tree_sitter import Node

from autosota.agents.domain import Granularity, Level
from autosota.agents.ideator.calls import Call, rewrite_call
from autosota.agents.ideator.draft import Draft
from autosota.agents.ideator.for_torch.slots import Class, find_classes, wrappable
from autosota.agents.ideator.module import Module, contains, enclosing
from autosota.agents.ideator.notation import read_number
from autosota.agents.ideator.steps import Number, Step, number_levers
from autosota.agents.ideator.transformation import Lever, Transformation

TORCH = "PyTorch"


def _calls(owner: Class, *names: str) -> list[Call]:
    """The constructions of these torch layers in a class, not in a class within it."""
    return [
        call
        for call in owner.module.calls_in(owner.node)
        if call.dotted.rpartition(".")[0] == "torch.nn"
        and call.name in names
        and enclosing(call.node, "class_definition") == owner.node
    ]


# ------------------------------------------------------------------ normalisation


def _rms(module: Module) -> Iterator[Lever]:
    if not wrappable(module):
        return
    for owner in find_classes(module):
        sites = [
            c
            for c in _calls(owner, "LayerNorm")
            if not c.open and len(c.positional) == 1 and not set(c.keywords) - {"eps"}
        ]
        if not sites:
            continue

        def change(draft: Draft, sites: Sequence[Call] = sites) -> None:
            for call in sites:
                name = draft.spell("torch.nn.RMSNorm", beside=call)
                draft.replace(call.function, name)
                draft.retire(call)

        yield Lever(
            sites[0].node,
            owner.anchor,
            change,
            f"LayerNorm → RMSNorm in {owner.name}",
            "centring costs time and rarely matters; the scale is what has to be kept",
            assumptions=("PyTorch 2.4 or later",),
        )


RMS = Transformation(
    name="rms-norm",
    summary="LayerNorm → RMSNorm",
    library=TORCH,
    family="normalisation",
    granularity=Granularity.CODE,
    paper="Zhang & Sennrich 2019, Root Mean Square Layer Normalization, arXiv 1910.07467",
    precondition="LayerNorm with one positional size, in a class that loads no weights",
    expected="as good, a little faster; now and then a small gain",
    prior=0.2,
    find=_rms,
)


def _group(module: Module) -> Iterator[Lever]:
    if not wrappable(module):
        return
    for owner in find_classes(module):
        sites = [
            c
            for c in _calls(owner, "BatchNorm1d", "BatchNorm2d", "BatchNorm3d")
            if not c.open and c.value("num_features", 0) is not None
        ]
        if not sites or owner.mentions(r"BatchNorm1d") or owner.mentions(r"running_"):
            continue

        def change(draft: Draft, sites: Sequence[Call] = sites) -> None:
            for call in sites:
                size = call.value("num_features", 0)
                name = draft.spell("torch.nn.GroupNorm", beside=call)
                text = module.text(size) if size is not None else ""
                draft.replace(call.node, f"{name}(1, {text})")
                draft.retire(call)

        yield Lever(
            sites[0].node,
            owner.anchor,
            change,
            f"Batch → group normalisation (one group) in {owner.name}",
            "small batches make noisy statistics, and evaluation uses others than training",
        )


GROUP = Transformation(
    name="group-norm",
    summary="Batch normalisation → group normalisation with one group",
    library=TORCH,
    family="normalisation",
    granularity=Granularity.CODE,
    paper="Wu & He 2018, Group Normalization, arXiv 1803.08494",
    precondition="BatchNorm2d or 3d in a class that loads no weights and reads no statistics",
    expected="a gain with batches below about sixteen, a loss with large ones",
    prior=0.2,
    find=_group,
)


def _batch_momentum(module: Module) -> Iterator[Lever]:
    for owner in find_classes(module):
        for call in _calls(owner, "BatchNorm1d", "BatchNorm2d", "BatchNorm3d"):
            if call.open:
                continue
            yield from number_levers(
                module,
                call,
                Number("momentum", "0.1", 2, real=True),
                (Step(0.2), Step(2, most=1.0)),
                anchor=_named(module, call, owner),
                what="the momentum of batch statistics",
                reason="slow averages are steadier, fast ones are closer to the present weights",
            )


BATCH_MOMENTUM = Transformation(
    name="batch-statistics",
    summary="Momentum of the running statistics of batch normalisation",
    library=TORCH,
    family="normalisation",
    granularity=Granularity.PARAM,
    paper="Ioffe & Szegedy 2015, arXiv 1502.03167; Wu & Johnson 2021, arXiv 2105.07576",
    precondition="a batch normalisation whose momentum is a literal or the default",
    expected="a little either way in evaluation, more with few updates",
    prior=0.2,
    find=_batch_momentum,
)


# ------------------------------------------------------------------ activations

_SWAPS = {
    "ReLU": ("Mish", "LeakyReLU"),
    "ReLU6": ("SiLU",),
    "LeakyReLU": ("GELU", "SiLU"),
    "ELU": ("GELU", "SiLU"),
    "SELU": ("GELU",),
    "PReLU": ("GELU", "SiLU"),
    "Softplus": ("SiLU",),
    "Tanh": ("GELU", "SiLU"),
    "GELU": ("SiLU", "Mish"),
    "SiLU": ("GELU", "Mish"),
    "Mish": ("GELU", "SiLU"),
    "Hardswish": ("SiLU",),
}


def _curves(module: Module) -> Iterator[Lever]:
    for owner in find_classes(module):
        kinds: dict[str, list[Node]] = {}
        for node in _curves_of(owner):
            kinds.setdefault(module.bindings.resolve(node).rpartition(".")[2], []).append(node)
        for old, nodes in kinds.items():
            for new in _SWAPS[old]:

                def change(draft: Draft, nodes: Sequence[Node] = nodes, new: str = new) -> None:
                    for node in nodes:
                        _swap(draft, node, new)

                yield Lever(
                    nodes[0],
                    f"{owner.anchor}, {old}",
                    change,
                    f"{old} → {new} in {owner.name}",
                    f"the curve of a unit decides what gradient passes; {new} is smooth"
                    if new != "LeakyReLU"
                    else "ReLU passes no gradient through units that are off",
                    {"to": new},
                )


def _curves_of(owner: Class) -> Iterator[Node]:
    """Constructions of activations, and classes of them given as a value."""
    module = owner.module
    for node in module.nodes:
        if node.type not in ("identifier", "attribute") or not contains(owner.node, node):
            continue
        if enclosing(node, "class_definition") != owner.node:
            continue
        dotted = module.bindings.resolve(node)
        home, _, name = dotted.rpartition(".")
        parent = node.parent
        if home != "torch.nn" or name not in _SWAPS or parent is None:
            continue
        if parent.type == "call" and parent.child_by_field_name("function") == node:
            call = module.call(parent)
            last = name == "Tanh" and parent.next_named_sibling is None
            if call is not None and not call.open and not last:
                yield node
        elif (
            parent.type in ("default_parameter", "typed_default_parameter", "keyword_argument")
            and parent.child_by_field_name("value") == node
        ):
            yield node


def _swap(draft: Draft, node: Node, new: str) -> None:
    module = draft.module
    call = module.call(node.parent)
    if call is None or call.function != node:
        draft.replace(node, draft.spell(f"torch.nn.{new}"))
        return
    name = draft.spell(f"torch.nn.{new}", beside=call)
    takes = "inplace" in call.keywords and new in ("SiLU", "Mish", "LeakyReLU")
    keep = [call.keywords["inplace"]] if takes else []
    if call.positional or call.keywords:
        draft.edit(call.node, [rewrite_call(module.source, call, name, keep, {})])
    else:
        draft.replace(node, name)
    draft.retire(call)


CURVES = Transformation(
    name="unit-curve",
    summary="One activation layer for another (GELU, SiLU, Mish, leaky ReLU)",
    library=TORCH,
    family="architecture",
    granularity=Granularity.CODE,
    paper="Ramachandran et al. 2017, arXiv 1710.05941; Misra 2020, Mish, arXiv 1908.08681",
    precondition="an activation of torch.nn constructed in a class, or given to one as a class",
    expected="a small gain",
    prior=0.25,
    find=_curves,
)

_WORDS = {"relu": "gelu", "gelu": "relu", "tanh": "relu", "elu": "relu"}
_WORD_NAME = re.compile(r"(^|_)(act|activation|act_fn|hidden_act|nonlinearity|activation_fn)$")


def _word(module: Module) -> Iterator[Lever]:
    if not module.bindings.uses("torch"):
        return
    for node in module.nodes:
        if node.type not in ("default_parameter", "typed_default_parameter"):
            continue
        name, value = (node.child_by_field_name(f) for f in ("name", "value"))
        if name is None or value is None or value.type != "string":
            continue
        old = module.text(value).strip("\"'").lower()
        new = _WORDS.get(old, "")
        if not new or not _WORD_NAME.search(module.text(name)):
            continue
        known = re.compile(rb"[\"'](?i:%s)[\"']" % new.encode())
        if not any(known.search(near.source.content) for near in module.neighbours):
            continue  # nothing shows that the code knows that word

        def change(draft: Draft, value: Node = value, new: str = new, old: str = old) -> None:
            text = draft.module.text(value)
            word = text.strip("\"'")
            spelled = new.upper() if word.isupper() else new
            draft.replace(value, text.replace(word, spelled))

        yield Lever(
            node,
            f"{module.symbol(node)}({module.text(name)})",
            change,
            f"{module.text(name)}: {old} → {new}",
            "the curve of a unit decides what gradient passes",
            {"to": new},
        )


WORD = Transformation(
    name="named-activation",
    summary="The activation that a parameter names by default",
    library=TORCH,
    family="architecture",
    granularity=Granularity.CODE,
    paper="Hendrycks & Gimpel 2016, Gaussian Error Linear Units, arXiv 1606.08415",
    precondition='a parameter `activation="relu"` or alike, in code that knows the other word',
    expected="a small gain",
    prior=0.25,
    find=_word,
)


# ------------------------------------------------------------------ convolutions, dropout, RNNs


def _padding(module: Module) -> Iterator[Lever]:
    for owner in find_classes(module):
        sites = [
            c
            for c in _calls(owner, "Conv1d", "Conv2d")
            if not c.open
            and "padding_mode" not in c.keywords
            and len(c.positional) < 9
            and (p := c.value("padding", 4)) is not None
            and module.text(p) not in ("0", '"valid"', "'valid'")
        ]
        if not sites:
            continue

        def change(draft: Draft, sites: Sequence[Call] = sites) -> None:
            for call in sites:
                draft.keywords(call, padding_mode='"replicate"')

        yield Lever(
            sites[0].node,
            owner.anchor,
            change,
            f"Pad with the border's values instead of zeros in {owner.name}",
            "zeros at the border are features of their own, which a network learns to use",
        )


PADDING = Transformation(
    name="border-padding",
    summary="Convolutions pad with the border's values",
    library=TORCH,
    family="architecture",
    granularity=Granularity.CODE,
    paper="Innamorati et al. 2020, Learning on the Edge; Alsallakh et al. 2021, arXiv 2010.02178",
    precondition="Conv1d or Conv2d with padding and no padding_mode",
    expected="a small gain where the border matters (series, segmentation)",
    prior=0.25,
    find=_padding,
)


def _dropout_rate(module: Module) -> Iterator[Lever]:
    for owner in find_classes(module):
        for call in _calls(owner, "Dropout", "Dropout1d", "Dropout2d", "AlphaDropout"):
            yield from number_levers(
                module,
                call,
                Number("p", "0.5", 0, real=True),
                (Step(2, most=0.7), Step(0.5, least=0.02)),
                anchor=_named(module, call, owner),
                what=f"dropout in {owner.name}",
                reason="how much noise a network bears depends on how much data it has",
            )


DROPOUT_RATE = Transformation(
    name="dropout-rate",
    summary="Half or twice the dropout",
    library=TORCH,
    family="regularisation",
    granularity=Granularity.PARAM,
    paper="Srivastava et al. 2014, Dropout, JMLR 15, section 7.3",
    precondition="a dropout layer whose rate leads to one literal, or is the default",
    expected="a little either way",
    prior=0.35,
    find=_dropout_rate,
)


def _depth(module: Module) -> Iterator[Lever]:
    for owner in find_classes(module):
        for call in _calls(owner, "LSTM", "GRU", "RNN"):
            if call.open:
                continue
            yield from number_levers(
                module,
                call,
                Number("num_layers", "1", 2),
                (Step(2, cost=1.8, most=4),),
                anchor=_named(module, call, owner),
                what=f"the layers of the {call.name} of {owner.name}",
                reason="stacked recurrent layers see the sequence at several scales",
                assumptions=("only the last layer's state is read",),
            )


RECURRENT_DEPTH = Transformation(
    name="recurrent-depth",
    summary="Twice as many recurrent layers",
    library=TORCH,
    family="capacity",
    granularity=Granularity.PARAM,
    paper="Graves, Mohamed & Hinton 2013, Speech Recognition with Deep RNNs, arXiv 1303.5778",
    precondition="an LSTM, GRU or RNN whose num_layers is a literal or the default",
    expected="a gain on long sequences; it costs compute",
    prior=0.2,
    find=_depth,
    risk=Level.MEDIUM,
)


def _named(module: Module, call: Call, owner: Class) -> str:
    """The name a layer gets, as the place by structure."""
    parent = call.node.parent
    left = parent.child_by_field_name("left") if parent is not None else None
    text = module.text(left) if left is not None else call.name
    number = read_number(text)
    return f"{owner.anchor}, {text if number is None else call.name}"


TRANSFORMATIONS = (
    RMS,
    GROUP,
    BATCH_MOMENTUM,
    CURVES,
    WORD,
    PADDING,
    DROPOUT_RATE,
    RECURRENT_DEPTH,
)
