"""How a class starts: initialisations written at the end of its constructor."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from autosota.agents.domain import Granularity
from autosota.agents.ideator.draft import Draft
from autosota.agents.ideator.for_torch.slots import Class, find_classes
from autosota.agents.ideator.module import Module, body_of
from autosota.agents.ideator.transformation import Lever, Transformation

TORCH = "PyTorch"
_OWN = re.compile(r"\binit\.|init_weights|reset_parameters|_initiali[sz]e|\.init_|pretrained")


def _classes(module: Module, wanted: Callable[[Class], bool]) -> Iterator[Class]:
    """Classes with a constructor to the end of which lines can be added, and no start of theirs."""
    for owner in find_classes(module):
        if owner.init is not None and not owner.mentions(_OWN.pattern) and wanted(owner):
            yield owner


def _lever(owner: Class, lines: Callable[[Draft], Sequence[str]], title: str, why: str) -> Lever:
    init = owner.init
    assert init is not None

    def change(draft: Draft) -> None:
        draft.after(body_of(init)[-1], lines(draft))

    return Lever(init, owner.anchor, change, title.format(owner.name), why)


def _matrices(draft: Draft, function: str, arguments: str = "") -> list[str]:
    fill = draft.spell(f"torch.nn.init.{function}")
    return [
        "for parameter in self.parameters():",
        "    if parameter.dim() > 1:",
        f"        {fill}(parameter{arguments})",
    ]


def _xavier(module: Module) -> Iterator[Lever]:
    for owner in _classes(module, lambda c: bool(c.slots)):
        yield _lever(
            owner,
            lambda draft: _matrices(draft, "xavier_uniform_"),
            "Glorot initialisation of {}",
            "the default start shrinks what passes forwards and backwards from layer to layer",
        )


XAVIER = Transformation(
    name="xavier-init",
    summary="Glorot initialisation of every matrix of a network",
    library=TORCH,
    family="initialisation",
    granularity=Granularity.CODE,
    paper="Glorot & Bengio 2010, Understanding the Difficulty of Training Deep Networks",
    precondition="a class that makes layers and leaves their start to the library",
    expected="a faster start with attention, tanh and sigmoid units",
    prior=0.25,
    find=_xavier,
)


def _orthogonal(module: Module) -> Iterator[Lever]:
    for owner in _classes(module, lambda c: bool(c.slots) or c.mentions(r"\b(LSTM|GRU|RNN)\(")):
        yield _lever(
            owner,
            lambda draft: _matrices(draft, "orthogonal_"),
            "Orthogonal initialisation of {}",
            "an orthogonal matrix keeps lengths, however often it is applied",
        )


ORTHOGONAL = Transformation(
    name="orthogonal-init",
    summary="Orthogonal initialisation of every matrix of a network",
    library=TORCH,
    family="initialisation",
    granularity=Granularity.CODE,
    paper="Saxe, McClelland & Ganguli 2014, Exact Solutions, arXiv 1312.6120",
    precondition="a class that makes layers and leaves their start to the library",
    expected="a gain in deep and recurrent networks",
    prior=0.25,
    find=_orthogonal,
)


def _small(module: Module) -> Iterator[Lever]:
    transformer = r"Embedding\(|[Aa]ttention|[Tt]ransformer|softmax"
    for owner in _classes(module, lambda c: c.mentions(transformer)):
        yield _lever(
            owner,
            lambda draft: _matrices(draft, "trunc_normal_", ", std=0.02"),
            "Start the weights of {} from a truncated normal of width 0.02",
            "attention and embeddings start too far apart from the library's defaults",
        )


SMALL = Transformation(
    name="truncated-normal-init",
    summary="Truncated normal start (0.02) of attention networks and embeddings",
    library=TORCH,
    family="initialisation",
    granularity=Granularity.CODE,
    paper="Devlin et al. 2019, BERT, arXiv 1810.04805; Dosovitskiy et al. 2021, arXiv 2010.11929",
    precondition="a class with embeddings or attention that leaves its start to the library",
    expected="a faster start of Transformers",
    prior=0.25,
    find=_small,
)


def _zero_last(module: Module) -> Iterator[Lever]:
    for owner in _classes(module, lambda c: c.last is not None and bool(c.last.attribute)):
        last = owner.last
        assert last is not None

        def lines(draft: Draft, name: str = last.attribute) -> Sequence[str]:
            return [f"{draft.spell('torch.nn.init.zeros_')}(self.{name}.weight)"]

        yield _lever(
            owner,
            lines,
            f"Start {last.attribute} of {{}} at zero",
            "a random head sends random gradients into the layers below in the first steps",
        )


ZERO_LAST = Transformation(
    name="zero-last-layer",
    summary="The last linear layer starts at zero",
    library=TORCH,
    family="initialisation",
    granularity=Granularity.CODE,
    paper="Zhang, Dauphin & Ma 2019, Fixup Initialization, arXiv 1901.09321",
    precondition="the last layer that a class makes is linear and only called, no start of its own",
    expected="steadier first steps; better calibrated from the start",
    prior=0.25,
    find=_zero_last,
)

TRANSFORMATIONS = (XAVIER, ORTHOGONAL, SMALL, ZERO_LAST)
