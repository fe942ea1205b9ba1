"""Numbers known by their name, wherever they are written down: `dropout=0.1`, `--lr`, `"depth": 4`.

Defaults of parameters, fields of dataclasses and configuration classes, options of a command
line, constants, entries of a dict and attributes that a constructor sets. A name says what a
number is for, and how far it may move; what is called like a size of the data (`in_dim`,
`num_classes`) stays. That a caller passes another value is looked up in this file and those
around it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tree_sitter import Node

from autosota.agents.domain import Granularity
from autosota.agents.ideator.command import given_value
from autosota.agents.ideator.draft import Draft
from autosota.agents.ideator.knobs import Knob, arguments_for
from autosota.agents.ideator.module import Module, enclosing, function_of
from autosota.agents.ideator.notation import read_number
from autosota.agents.ideator.steps import Step, knob_dial, stepped
from autosota.agents.ideator.transformation import Lever, Transformation

ANY = "Python"
_DATA = re.compile(
    r"^(in|out|input|output|n|num|x|y)_?(dim|dims|size|features?|channels?|classes|labels|vars)?$"
    r"|(^|_)(in|out|input|output|target|class(es)?|label|vocab\w*|seed|feature|patch|image|img|seq)"
    r"(_|$)|(channels|dim)_(in|out)$|max_len|version"
)


@dataclass(frozen=True, slots=True)
class Written:
    """A number with its name: the literal, what it is called, where it belongs."""

    node: Node
    name: str
    home: str


def named_numbers(module: Module) -> Iterator[Written]:
    """Every positive number of a file that has a name and nothing that overrides it."""
    for node in module.nodes:
        if node.type not in ("integer", "float"):
            continue
        found = _written(module, node)
        value = read_number(module.text(node))
        if found is None or value is None or value <= 0:
            continue
        if not module.project.is_frozen(found.name):
            yield found


def _written(module: Module, node: Node) -> Written | None:
    parent = node.parent
    if parent is None:
        return None
    if parent.type in ("default_parameter", "typed_default_parameter"):
        return _parameter(module, node, parent)
    if parent.type == "assignment" and parent.child_by_field_name("right") == node:
        return _assigned(module, node, parent)
    if parent.type == "pair" and parent.child_by_field_name("value") == node:
        key = parent.child_by_field_name("key")
        name = module.text(key).strip("\"'") if key is not None and key.type == "string" else ""
        display = enclosing(node, "assignment")
        left = display.child_by_field_name("left") if display is not None else None
        home = module.text(left) if left is not None else ""
        return Written(node, name, home) if re.fullmatch(r"\w+", name) and home else None
    if parent.type == "keyword_argument":
        return _option(module, node, parent)
    return None


def _parameter(module: Module, node: Node, parameter: Node) -> Written | None:
    function, label = function_of(node), parameter.child_by_field_name("name")
    if function is None or function.type != "function_definition" or label is None:
        return None
    name = module.text(label)
    uses = [u for u in module.names.get(name, ()) if function_of(u) == function and u != label]
    title = function.child_by_field_name("name")
    if not uses or title is None:
        return None
    called = module.text(title)
    owner = enclosing(function, "class_definition")
    if called == "__init__" and owner is not None:
        class_name = owner.child_by_field_name("name")
        called = module.text(class_name) if class_name is not None else called
    if any(True for _ in arguments_for(module, function, parameter, name)):
        return None
    for near in module.neighbours:
        for call in near.calls:
            same = near.text(call.function).rpartition(".")[2] == called
            if near is not module and same and (name in call.keywords or call.open):
                return None
    return Written(node, name, called)


def _assigned(module: Module, node: Node, assignment: Node) -> Written | None:
    left = assignment.child_by_field_name("left")
    if left is None or assignment.parent is None:
        return None
    text = module.text(left)
    function, owner = function_of(node), enclosing(node, "class_definition")
    if left.type == "identifier" and function is None:
        if owner is not None and assignment.child_by_field_name("type") is None:
            return None
        home = owner.child_by_field_name("name") if owner is not None else None
        if owner is None and len(module.names.get(text, ())) < 2:
            return None  # a constant that this file does not read
        return Written(node, text, module.text(home) if home is not None else "constant")
    title = function.child_by_field_name("name") if function is not None else None
    named = module.text(title) if title is not None else ""
    if text.startswith("self.") and named == "__init__" and text.count(".") == 1:
        owner_name = owner.child_by_field_name("name") if owner is not None else None
        return Written(node, text[5:], module.text(owner_name) if owner_name else "self")
    return None


def _option(module: Module, node: Node, keyword: Node) -> Written | None:
    call = module.call(keyword.parent.parent) if keyword.parent is not None else None
    name = keyword.child_by_field_name("name")
    if call is None or name is None or module.text(name) != "default" or not call.positional:
        return None
    if not module.text(call.function).endswith(("add_argument", "option", "Option")):
        return None
    flags = [module.text(p).strip("\"'") for p in call.positional if p.type == "string"]
    long = next((f for f in flags if f.startswith("--")), "")
    if not long or given_value(module, " ".join(flags)) is not None:
        return None
    return Written(node, long.lstrip("-").replace("-", "_"), long)


def _finder(
    pattern: str,
    steps: tuple[Step, ...],
    what: str,
    reason: str,
    *,
    real: bool,
    most: float,
    apart: bool = False,
) -> Callable[[Module], Iterator[Lever]]:
    names = re.compile(pattern)

    def find(module: Module) -> Iterator[Lever]:
        if not any(module.bindings.uses(p) for p in ("torch", "sklearn")) and not any(
            near.bindings.uses(p) for near in module.neighbours for p in ("torch", "sklearn")
        ):
            return
        every = list(named_numbers(module))
        homes = Counter(found.name for found in every)
        for found in every:
            name = found.name.lower()
            if not names.search(name) or _DATA.search(name):
                continue
            if apart and homes[found.name] > 1:
                continue  # two parts that must agree on it
            yield from _levers(module, found, steps, what, reason, real, most)

    return find


def _levers(
    module: Module,
    found: Written,
    steps: tuple[Step, ...],
    what: str,
    reason: str,
    real: bool,
    most: float,
) -> Iterator[Lever]:
    text = module.text(found.node)
    value = read_number(text)
    if value is None or value > most or (not real and not isinstance(value, int)):
        return
    knob = Knob(module, found.node, value, found.name)
    for step in steps:
        top = 1.0 if isinstance(value, float) and value < 1 else step.most
        limited = Step(step.factor, step.cost, step.weight, step.least, min(step.most, top))
        new = stepped(text, limited, real=real)
        if new is None:
            continue
        dial = knob_dial(knob, f"{found.home}, {found.name}", found.name, steps, real=real)

        def change(draft: Draft, new: str = new) -> None:
            draft.replace(found.node, new, module)

        yield Lever(
            found.node,
            dial.anchor,
            change,
            f"{'Raise' if step.factor > 1 else 'Lower'} {found.name} ({what}) of {found.home}:"
            f" {text} → {new}",
            reason,
            {"from": text, "to": new},
            (),
            step.cost,
            step.weight,
            (dial,),
        )


def _named(
    name: str,
    pattern: str,
    steps: tuple[Step, ...],
    what: str,
    family: str,
    reason: str,
    paper: str,
    *,
    prior: float,
    real: bool = False,
    most: float = float("inf"),
    apart: bool = False,
) -> Transformation:
    return Transformation(
        name=name,
        summary=f"{what[0].upper()}{what[1:]}, up or down where its name says so",
        library=ANY,
        family=family,
        granularity=Granularity.PARAM,
        paper=paper,
        precondition="a default, field, option, constant or entry with such a name, not overridden",
        expected="a little either way",
        prior=prior,
        find=_finder(pattern, steps, what, reason, real=real, most=most, apart=apart),
    )


TRANSFORMATIONS = (
    _named(
        "named-rate",
        r"^(lr|learning_rate|base_lr|init_lr|max_lr|lr_\w+|\w+_lr|alpha_lr|step_size)$",
        (Step(3), Step(0.3)),
        "a learning rate",
        "learning-rate",
        "the learning rate is the first thing to tune, in steps of three",
        "Bengio 2012, Practical Recommendations for Gradient-Based Training, arXiv 1206.5533",
        prior=0.4,
        real=True,
        most=10.0,
    ),
    _named(
        "named-decay",
        r"^(weight_decay|wd|l2|l1|l2_\w+|l1_\w+|\w*_?reg|\w*regulari[sz]\w*|\w*penalty|decay)$",
        (Step(10, most=0.9), Step(0.1)),
        "a penalty",
        "regularisation",
        "one decade is the usual first step of a search for a penalty",
        "Krogh & Hertz 1991, A Simple Weight Decay Can Improve Generalization",
        prior=0.3,
        real=True,
        most=100.0,
    ),
    _named(
        "named-dropout",
        r"drop(out)?(_|$)|(^|_)(p_drop|drop_rate|dropout\w*|drop_p)$",
        (Step(2, most=0.7), Step(0.5, least=0.01)),
        "a dropout rate",
        "regularisation",
        "how much noise a network bears depends on how much data it has",
        "Srivastava et al. 2014, Dropout, JMLR 15, section 7.3",
        prior=0.35,
        real=True,
        most=0.95,
    ),
    _named(
        "named-width",
        r"^(d_model|d_ff|d_ffn|ffn_dim|mlp_dim|embed_dim|embedding_dim|emb_dim|embedding_size"
        r"|hidden\w*|\w*_hidden|width|n_?filters?|num_filters|base_channels|channels|filters"
        r"|latent_dim|dim|units|n_units|inner_dim|dim_head|d_head|head_dim|rank|bottleneck\w*"
        r"|mlp_ratio|expansion\w*|ff_mult|growth_rate|num_experts|n_components)$",
        (Step(2, cost=1.8), Step(0.5, cost=0.7, least=2)),
        "a width",
        "capacity",
        "wider networks are easier to fit, narrower ones overfit less",
        "Zagoruyko & Komodakis 2016, Wide Residual Networks, arXiv 1605.07146",
        prior=0.3,
        most=8192,
        apart=True,
    ),
    _named(
        "named-depth",
        r"^(depth|n_?layers?|num_layers?|layers|n_?blocks?|num_blocks?|\w+_depth|\w+_layers"
        r"|num_hidden_layers|n_stacks?|num_res_blocks|n_hidden_layers|max_depth)$",
        (Step(2, cost=1.8, most=48), Step(0.5, cost=0.6, least=1)),
        "a depth",
        "capacity",
        "depth sets how many steps of computation there are",
        "He et al. 2016, Deep Residual Learning, arXiv 1512.03385",
        prior=0.3,
        most=64,
    ),
    _named(
        "named-heads",
        r"^(n_?heads?|num_heads?|nhead|heads|\w+_heads|num_attention_heads)$",
        (Step(2, most=32), Step(0.5, least=1)),
        "a number of attention heads",
        "attention",
        "more heads look at more things, each with fewer features",
        "Michel, Levy & Neubig 2019, Are Sixteen Heads Better than One, arXiv 1905.10650",
        prior=0.2,
        most=64,
    ),
    _named(
        "named-batch",
        r"^(\w+_)?batch_?size$|^bs$",
        (Step(0.5, cost=1.3, least=2), Step(2, cost=0.8)),
        "a batch size",
        "learning-rate",
        "small batches are noisier and generalise better, large ones are faster",
        "Keskar et al. 2017, On Large-Batch Training, arXiv 1609.04836",
        prior=0.3,
    ),
    _named(
        "named-length",
        r"^(\w+_)?(epochs?|n_epochs?|num_epochs?|max_epochs?|n_iter|max_iter|iterations|num_steps"
        r"|train_num_steps|max_steps|n_steps|num_iterations|patience|n_estimators|warmup\w*)$",
        (Step(2, cost=1.8),),
        "a length of training",
        "training-length",
        "the loss may still be falling when training stops",
        "Hoffer, Hubara & Soudry 2017, Train Longer, Generalize Better, arXiv 1705.08741",
        prior=0.25,
        most=1_000_000,
    ),
    _named(
        "named-weight",
        r"^(alpha|beta|gamma|lam|lamb|lambd\w*|lambda_\w+|tau|temperature|temp|margin|sigma"
        r"|\w+_weight|weight_\w+|\w+_coef\w*|\w+_scale|\w+_alpha|\w+_beta|\w+_gamma|\w+_lambda"
        r"|noise\w*|eta|kl_\w+|kld_\w+|smoothing|label_smoothing|c|mixup\w*|clip\w*|max_norm"
        r"|grad\w*_clip\w*|ema_decay|momentum|rho|threshold|prob|p|\w+_prob|\w+_ratio|ratio)$",
        (Step(2), Step(0.5)),
        "a weight or temperature",
        "loss",
        "how parts of a loss are weighed is rarely tuned, and often matters",
        "Bergstra & Bengio 2012, Random Search for Hyper-Parameter Optimization, JMLR 13",
        prior=0.25,
        real=True,
        most=1000.0,
    ),
)
