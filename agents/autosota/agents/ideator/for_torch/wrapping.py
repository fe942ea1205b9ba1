"""Layers replaced by a few layers, where they are made: norms, dropout, heads, separable ones.

Each works on `slots`: layers that the code only ever calls, so that an `nn.Sequential` may take
their place and `forward` stays as it is. Sizes are copied as code, never guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from autosota.agents.domain import Granularity, Level
from autosota.agents.ideator.calls import Call
from autosota.agents.ideator.draft import Draft
from autosota.agents.ideator.for_torch.slots import (
    Class,
    Slot,
    find_classes,
    grouped,
    is_steady,
    size_of,
    wrappable,
)
from autosota.agents.ideator.for_torch.training import has_switches
from autosota.agents.ideator.module import Module
from autosota.agents.ideator.notation import read_number
from autosota.agents.ideator.transformation import Lever, Transformation

TORCH = "PyTorch"
_NORMS = {
    "Linear": "LayerNorm",
    "Conv1d": "BatchNorm1d",
    "Conv2d": "BatchNorm2d",
    "Conv3d": "BatchNorm3d",
}
_ANY_NORM = r"Norm\w*\(|norm_layer|normali[sz]|_norm\(|\bnorm\d*\(|\bbn\d*\("
_LIBRARY = "torch.nn.utils.parametrizations"


def _each(
    module: Module,
    slots: Callable[[Class], Sequence[Slot]],
    write: Callable[[Draft, Slot], tuple[str, str]],
    title: str,
    reason: str,
    *,
    cost: float = 1.0,
    assumptions: tuple[str, ...] = (),
) -> Iterator[Lever]:
    """A lever for each class: every slot that `slots` picks gets code around it."""
    if not wrappable(module):
        return
    for owner in find_classes(module):
        chosen = slots(owner)
        if not chosen:
            continue

        def change(draft: Draft, chosen: Sequence[Slot] = chosen) -> None:
            for slot in chosen:
                draft.wrap(slot.call.node, *write(draft, slot))

        yield Lever(
            chosen[0].call.node,
            owner.anchor,
            change,
            title.format(owner.name),
            reason,
            cost=cost,
            assumptions=assumptions,
        )


def _sequential(draft: Draft, slot: Slot) -> str:
    return draft.spell("torch.nn.Sequential", beside=slot.call)


# ------------------------------------------------------------------ around a layer


def _weight_norm(module: Module) -> Iterator[Lever]:
    def slots(owner: Class) -> Sequence[Slot]:
        return () if owner.mentions(r"weight_norm|spectral_norm|" + _ANY_NORM) else owner.hidden

    def write(draft: Draft, slot: Slot) -> tuple[str, str]:
        return f"{draft.spell(f'{_LIBRARY}.weight_norm')}(", ")"

    yield from _each(
        module,
        slots,
        write,
        "Separate length and direction of the hidden weights of {}",
        "without normalisation the scale of a weight and its direction are learnt together",
        cost=1.1,
    )


WEIGHT_NORM = Transformation(
    name="weight-norm",
    summary="Weight normalisation of hidden layers",
    library=TORCH,
    family="normalisation",
    granularity=Granularity.CODE,
    paper="Salimans & Kingma 2016, Weight Normalization, arXiv 1602.07868",
    precondition="hidden layers that are only called, in a class without normalisation",
    expected="faster convergence than without any normalisation, less than batch normalisation",
    prior=0.25,
    find=_weight_norm,
)


def _spectral(module: Module) -> Iterator[Lever]:
    def slots(owner: Class) -> Sequence[Slot]:
        return () if owner.mentions("weight_norm|spectral_norm") else owner.hidden

    def write(draft: Draft, slot: Slot) -> tuple[str, str]:
        return f"{draft.spell(f'{_LIBRARY}.spectral_norm')}(", ")"

    yield from _each(
        module,
        slots,
        write,
        "Bound the spectral norm of the hidden weights of {}",
        "nothing bounds how fast the output changes with the input",
        cost=1.2,
    )


SPECTRAL = Transformation(
    name="spectral-norm",
    summary="Spectral normalisation of hidden layers",
    library=TORCH,
    family="normalisation",
    granularity=Granularity.CODE,
    paper="Miyato et al. 2018, Spectral Normalization for GANs, arXiv 1802.05957",
    precondition="hidden layers that are only called, not parametrised yet",
    expected="steadier training of critics and deep networks; less capacity",
    prior=0.15,
    find=_spectral,
    risk=Level.MEDIUM,
)


def _norm_after(module: Module) -> Iterator[Lever]:
    switches = has_switches(module)

    def slots(owner: Class) -> Sequence[Slot]:
        if owner.mentions(_ANY_NORM):
            return ()
        return [s for s in owner.hidden if switches or s.call.name == "Linear"]

    def write(draft: Draft, slot: Slot) -> tuple[str, str]:
        norm = draft.spell(f"torch.nn.{_NORMS[slot.call.name]}", beside=slot.call)
        size = size_of(module, slot.call, out=True)
        return f"{_sequential(draft, slot)}(", f", {norm}({size}))"

    yield from _each(
        module,
        slots,
        write,
        "Normalise what the hidden layers of {} put out, where they are made",
        "nothing keeps the scale of activations while the layers below them learn",
        assumptions=("hidden layers see features in their last (convolutions: second) place",),
    )


NORM_AFTER = Transformation(
    name="hidden-norm",
    summary="Layer or batch normalisation behind hidden layers, in the constructor",
    library=TORCH,
    family="normalisation",
    granularity=Granularity.CODE,
    paper="Ba et al. 2016, Layer Normalization, arXiv 1607.06450; Ioffe & Szegedy 2015",
    precondition="hidden layers that are only called, in a class without normalisation",
    expected="faster and steadier training",
    prior=0.35,
    find=_norm_after,
    risk=Level.MEDIUM,
)


def _head_dropout(module: Module) -> Iterator[Lever]:
    def slots(owner: Class) -> Sequence[Slot]:
        last = owner.last
        return () if last is None or owner.mentions("[Dd]ropout") else [last]

    def write(draft: Draft, slot: Slot) -> tuple[str, str]:
        dropout = draft.spell("torch.nn.Dropout", beside=slot.call)
        return f"{_sequential(draft, slot)}({dropout}(0.1), ", ")"

    yield from _each(
        module,
        slots,
        write,
        "Dropout (0.1) in front of the last linear layer of {}",
        "nothing keeps the output from relying on single features",
        assumptions=("the model is put in evaluation mode before it is measured",),
    )


HEAD_DROPOUT = Transformation(
    name="head-dropout",
    summary="Dropout in front of the last linear layer, in the constructor",
    library=TORCH,
    family="regularisation",
    granularity=Granularity.CODE,
    paper="Srivastava et al. 2014, Dropout, JMLR 15",
    precondition="the last layer that a class makes is linear and only called; no dropout yet",
    expected="less overfitting on small data",
    prior=0.3,
    find=_head_dropout,
)


# ------------------------------------------------------------------ in place of a layer


def _mlp_head(module: Module) -> Iterator[Lever]:
    def slots(owner: Class) -> Sequence[Slot]:
        last = owner.last
        if last is None or (last.call.node.prev_named_sibling is not None and not last.attribute):
            return ()  # something comes before it in its container: not a plain linear head
        size = last.call.value("in_features", 0)
        return [last] if is_steady(module, size) else ()

    def write(draft: Draft, slot: Slot) -> tuple[str, str]:
        size = size_of(module, slot.call, out=False)
        linear = draft.spell("torch.nn.Linear", beside=slot.call)
        gelu = draft.spell("torch.nn.GELU", beside=slot.call)
        return f"{_sequential(draft, slot)}({linear}({size}, {size}), {gelu}(), ", ")"

    yield from _each(
        module,
        slots,
        write,
        "A hidden layer in the head of {}",
        "a linear head can only read off what the body already separates linearly",
        cost=1.1,
        assumptions=("the gain, if any, is bought with a square matrix of parameters",),
    )


MLP_HEAD = Transformation(
    name="mlp-head",
    summary="A head of two layers in place of a linear one",
    library=TORCH,
    family="head",
    granularity=Granularity.ALGO,
    paper="Chen et al. 2020, A Simple Framework for Contrastive Learning, arXiv 2002.05709",
    precondition="the last layer that a class makes is linear and only called",
    expected="a gain where the representation is frozen or shared",
    prior=0.3,
    find=_mlp_head,
)


def _separable(module: Module) -> Iterator[Lever]:
    if not wrappable(module):
        return
    for owner in find_classes(module):
        sites = [s for s in owner.hidden if _splits(module, s.call)]
        if not sites:
            continue

        def change(draft: Draft, sites: Sequence[Slot] = sites) -> None:
            for slot in sites:
                call = slot.call
                inside, out = size_of(module, call, out=False), size_of(module, call, out=True)
                name = module.text(call.function)
                rest = [module.text(a) for a in call.positional[2:]]
                rest += [
                    module.text(k)
                    for word, k in call.keywords.items()
                    if word not in ("in_channels", "out_channels", "bias")
                ]
                depth = ", ".join([inside, inside, *rest, f"groups={inside}", "bias=False"])
                bias = call.value("bias")
                point = f"{inside}, {out}, 1" + (f", bias={module.text(bias)}" if bias else "")
                stack = draft.spell("torch.nn.Sequential", beside=call)
                draft.replace(call.node, f"{stack}({name}({depth}), {name}({point}))")

        yield Lever(
            sites[0].call.node,
            owner.anchor,
            change,
            f"Depthwise separable convolutions in {owner.name}",
            "a convolution learns where and what at once; apart, both need fewer parameters",
            cost=1.1,
        )


def _splits(module: Module, call: Call) -> bool:
    kernel = call.value("kernel_size", 2)
    if call.name == "Linear" or kernel is None or "groups" in call.keywords:
        return False
    inside = call.value("in_channels", 0)
    if len(call.positional) > 6 or not is_steady(module, inside) or not is_steady(module, kernel):
        return False
    if inside is not None and (read_number(module.text(inside)) or 9) < 4:
        return False  # the first layer: there is nothing to separate
    number = read_number(module.text(kernel))
    return number is None or number > 1


SEPARABLE = Transformation(
    name="separable-convolution",
    summary="Convolution → depthwise and pointwise convolution",
    library=TORCH,
    family="architecture",
    granularity=Granularity.ALGO,
    paper="Chollet 2017, Xception, arXiv 1610.02357",
    precondition="hidden convolutions without groups that are only called",
    expected="far fewer parameters; a gain on small data, a loss where the network underfits",
    prior=0.25,
    find=_separable,
    risk=Level.MEDIUM,
)


def _gated(module: Module) -> Iterator[Lever]:
    if not wrappable(module):
        return
    for owner in find_classes(module):
        sites = []
        for slot in owner.slots:
            following = slot.call.node.next_named_sibling
            after = module.call(following) if following is not None else None
            if slot.call.name != "Linear" or after is None or slot.attribute or not slot.free:
                continue
            second = following.next_named_sibling if following is not None else None
            third = module.call(second) if second is not None else None
            if after.name in _GATES and third is not None and third.name in ("Linear", "Dropout"):
                sites.append((slot.call, after))
        if not sites:
            continue

        def change(draft: Draft, sites: Sequence[tuple[Call, Call]] = sites) -> None:
            for linear, activation in sites:
                size = linear.value("out_features", 1)
                if size is not None:
                    draft.replace(size, f"2 * {grouped(module.text(size))}")
                draft.replace(activation.node, f"{draft.spell('torch.nn.GLU', beside=linear)}()")

        yield Lever(
            sites[0][0].node,
            owner.anchor,
            change,
            f"Gated linear units in {owner.name}",
            "a gate lets a unit pass its value or not, which a fixed curve cannot",
            cost=1.3,
            assumptions=("the gain, if any, is bought with parameters",),
        )


_GATES = frozenset(["ReLU", "GELU", "SiLU", "LeakyReLU", "ELU", "Tanh", "Mish"])

GATED = Transformation(
    name="gated-units",
    summary="Activation between linear layers → gated linear unit",
    library=TORCH,
    family="architecture",
    granularity=Granularity.ALGO,
    paper="Dauphin et al. 2017, arXiv 1612.08083; Shazeer 2020, GLU Variants, arXiv 2002.05202",
    precondition="Linear, activation, Linear in one container",
    expected="a small, steady gain in feed-forward blocks",
    prior=0.35,
    find=_gated,
)


def _excite(module: Module) -> Iterator[Lever]:
    if not wrappable(module) or not module.bindings.is_free("SqueezeExcite"):
        return
    for owner in find_classes(module):
        sites = [s for s in owner.hidden if s.call.name == "Conv2d"]
        if not sites or owner.mentions("(?i)squeeze|excit|AdaptiveAvgPool2d"):
            continue
        if owner.node.parent is None or owner.node.parent.type != "module":
            continue
        last = sites[-1]

        def change(draft: Draft, owner: Class = owner, last: Slot = last) -> None:
            linear = draft.spell("torch.nn.Linear", beside=last.call)
            base = draft.spell("torch.nn.Module", beside=last.call)
            relu, sigmoid = draft.spell("torch.relu"), draft.spell("torch.sigmoid")
            draft.before(
                owner.node,
                [
                    f"class SqueezeExcite({base}):",
                    '    """Scales channels by what their means say (Hu et al. 2018)."""',
                    "",
                    "    def __init__(self, channels):",
                    "        super().__init__()",
                    f"        self.squeeze = {linear}(channels, max(1, channels // 8))",
                    f"        self.excite = {linear}(max(1, channels // 8), channels)",
                    "",
                    "    def forward(self, x):",
                    f"        gate = {sigmoid}(self.excite({relu}(self.squeeze(x.mean((2, 3))))))",
                    "        return x * gate[:, :, None, None]",
                    "",
                    "",
                ],
            )
            size = size_of(module, last.call, out=True)
            draft.wrap(last.call.node, f"{_sequential(draft, last)}(", f", SqueezeExcite({size}))")

        yield Lever(
            last.call.node,
            owner.anchor,
            change,
            f"Squeeze-and-excitation behind the last convolution of {owner.name}",
            "each channel is weighed the same, whatever the picture shows",
            cost=1.1,
        )


EXCITE = Transformation(
    name="squeeze-excite",
    summary="Squeeze-and-excitation block behind a convolution",
    library=TORCH,
    family="attention",
    granularity=Granularity.ALGO,
    paper="Hu, Shen & Sun 2018, Squeeze-and-Excitation Networks, arXiv 1709.01507",
    precondition="a hidden Conv2d that is only called, in a top-level class without pooling gates",
    expected="a small gain in convolutional networks at little cost",
    prior=0.35,
    find=_excite,
)

TRANSFORMATIONS = (
    WEIGHT_NORM,
    SPECTRAL,
    NORM_AFTER,
    HEAD_DROPOUT,
    MLP_HEAD,
    SEPARABLE,
    GATED,
    EXCITE,
)
