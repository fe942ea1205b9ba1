"""Between `backward()` and `step()`: what the optimizer sees, and what the loss is pushed by.

Works at every recognised update, in a script, a function or a trainer's method. Parameters are
those that the optimizer holds, so that nothing has to be known of the model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from tree_sitter import Node

from autosota.agents.domain import Granularity, Level
from autosota.agents.ideator.calls import Call
from autosota.agents.ideator.draft import Draft
from autosota.agents.ideator.for_torch.optimizers import find_optimizers
from autosota.agents.ideator.for_torch.training import Step, find_steps, loss_of, names_free
from autosota.agents.ideator.knobs import find_knob
from autosota.agents.ideator.module import Module
from autosota.agents.ideator.notation import plain
from autosota.agents.ideator.steps import Number, number_levers
from autosota.agents.ideator.steps import Step as Change
from autosota.agents.ideator.transformation import Lever, Transformation

TORCH = "PyTorch"


def _before_update(
    module: Module,
    names: Sequence[str],
    lines: Callable[[Draft], Sequence[str]],
    title: str,
    reason: str,
    *,
    cost: float = 1.0,
) -> Iterator[Lever]:
    """A lever at each update: a loop over the optimizer's parameters that have a gradient."""
    if not names_free(module, *names):
        return
    for step in find_steps(module):

        def change(draft: Draft, step: Step = step) -> None:
            head = [
                f"for group in {step.optimizer}.param_groups:",
                '    for weight in group["params"]:',
                "        if weight.grad is not None:",
            ]
            draft.before(step.update, [*head, *(f"            {x}" for x in lines(draft))])

        yield Lever(step.update, f"{step.optimizer}.step()", change, title, reason, cost=cost)


def _central(module: Module) -> Iterator[Lever]:
    def lines(draft: Draft) -> Sequence[str]:
        return [
            "if weight.grad.dim() > 1:",
            "    axes = tuple(range(1, weight.grad.dim()))",
            "    weight.grad -= weight.grad.mean(axes, keepdim=True)",
        ]

    if module.attributes & {"is_sparse", "sparse"}:
        return
    yield from _before_update(
        module,
        ("group", "weight", "axes"),
        lines,
        "Centre the gradient of each unit",
        "the mean of a unit's gradient moves all of its weights alike and says little",
    )


CENTRAL = Transformation(
    name="gradient-centralisation",
    summary="Gradients without their mean, unit by unit",
    library=TORCH,
    family="optimizer",
    granularity=Granularity.ALGO,
    paper="Yong et al. 2020, Gradient Centralization, arXiv 2004.01461",
    precondition="backward() and step() in one block; the names `group`, `weight` are free",
    expected="a small gain in speed and generalisation",
    prior=0.25,
    find=_central,
)


def _noise(module: Module) -> Iterator[Lever]:
    def lines(draft: Draft) -> Sequence[str]:
        noise = draft.spell("torch.randn_like")
        return [
            "scale = 0.01 * weight.grad.norm() / weight.grad.numel() ** 0.5",
            f"weight.grad += scale * {noise}(weight.grad)",
        ]

    yield from _before_update(
        module,
        ("group", "weight", "scale"),
        lines,
        "Add a hundredth of noise to the gradient",
        "a little noise leads out of sharp minima",
    )


NOISE = Transformation(
    name="gradient-noise",
    summary="Gaussian noise on gradients, a hundredth of their size",
    library=TORCH,
    family="optimizer",
    granularity=Granularity.CODE,
    paper="Neelakantan et al. 2015, Adding Gradient Noise, arXiv 1511.06807",
    precondition="backward() and step() in one block",
    expected="a gain in deep networks that are hard to optimise; little elsewhere",
    prior=0.15,
    find=_noise,
)


def _adaptive(module: Module) -> Iterator[Lever]:
    if any("clip_grad" in module.text(call.function) for call in module.calls):
        return

    def lines(draft: Draft) -> Sequence[str]:
        return [
            "limit = 0.1 * weight.detach().norm().clamp(min=1e-3)",
            "weight.grad *= (limit / weight.grad.norm().clamp(min=1e-12)).clamp(max=1.0)",
        ]

    yield from _before_update(
        module,
        ("group", "weight", "limit"),
        lines,
        "Clip each gradient at a tenth of its weight's norm",
        "what is a large step depends on how large the weight is",
    )


ADAPTIVE = Transformation(
    name="adaptive-clipping",
    summary="Gradients clipped by the norm of their weights",
    library=TORCH,
    family="optimizer",
    granularity=Granularity.ALGO,
    paper="Brock et al. 2021, High-Performance Large-Scale Image Recognition, arXiv 2102.06171",
    precondition="backward() and step() in one block, no clipping yet",
    expected="large learning rates become usable without normalisation",
    prior=0.25,
    find=_adaptive,
)


# ------------------------------------------------------------------ the loss before backward


def _flood(module: Module) -> Iterator[Lever]:
    for step in find_steps(module):
        loss = loss_of(step)
        text = module.text(step.backward)
        if not loss or ".abs()" in module.text(step.block) or not text.endswith(".backward()"):
            continue

        def change(draft: Draft, step: Step = step, loss: str = loss) -> None:
            draft.replace(step.backward, f"(({loss} - 0.02).abs() + 0.02).backward()")

        yield Lever(
            step.backward,
            f"{step.optimizer}.step()",
            change,
            "Keep the training loss from falling below 0.02 (flooding)",
            "a training loss of zero means that examples are learnt by heart",
            assumptions=("the loss is a mean that cannot be negative",),
        )


FLOOD = Transformation(
    name="flooding",
    summary="The training loss floats above 0.02",
    library=TORCH,
    family="loss",
    granularity=Granularity.ALGO,
    paper="Ishida et al. 2020, Do We Need Zero Training Loss, arXiv 2002.08709",
    precondition="`loss.backward()` on a plain name before the update",
    expected="a gain where the training loss reaches zero, nothing elsewhere",
    prior=0.2,
    find=_flood,
    risk=Level.MEDIUM,
)


def _sparse(module: Module) -> Iterator[Lever]:
    if not names_free(module, "group", "weight", "penalty"):
        return
    for step in find_steps(module):
        loss = loss_of(step)
        if not loss or not module.text(step.backward).endswith(".backward()"):
            continue

        def change(draft: Draft, step: Step = step, loss: str = loss) -> None:
            groups = f'for group in {step.optimizer}.param_groups for weight in group["params"]'
            draft.before(step.backward, [f"penalty = sum(weight.abs().sum() {groups})"])
            draft.replace(step.backward, f"({loss} + 1e-6 * penalty).backward()")

        yield Lever(
            step.backward,
            f"{step.optimizer}.step()",
            change,
            "Add a small absolute penalty (1e-6) to the training loss",
            "nothing lets weights that do not help go to zero",
        )


SPARSE = Transformation(
    name="absolute-penalty",
    summary="An L1 penalty on the weights",
    library=TORCH,
    family="regularisation",
    granularity=Granularity.CODE,
    paper="Tibshirani 1996, Regression Shrinkage and Selection via the Lasso",
    precondition="`loss.backward()` on a plain name before the update",
    expected="a gain with many irrelevant inputs",
    prior=0.15,
    find=_sparse,
)


# ------------------------------------------------------------------ the optimizer itself


def _other(module: Module) -> Iterator[Lever]:
    for call, target in find_optimizers(module):
        if call.name not in ("Adam",) or len(call.positional) > 2:
            continue
        if set(call.keywords) - {"lr", "weight_decay", "betas", "eps", "params"}:
            continue
        for new in ("NAdam", "RAdam"):

            def change(draft: Draft, call: Call = call, new: str = new) -> None:
                draft.replace(call.function, draft.spell(f"torch.optim.{new}", beside=call))
                draft.retire(call)

            yield Lever(
                call.node,
                target,
                change,
                f"Adam → {new}",
                "momentum that looks ahead" if new == "NAdam" else "first steps that trust less",
                {"to": new},
            )


OTHER = Transformation(
    name="adam-variant",
    summary="Adam → NAdam or RAdam",
    library=TORCH,
    family="optimizer",
    granularity=Granularity.ALGO,
    paper="Dozat 2016, Nesterov Momentum into Adam; Liu et al. 2020, RAdam, arXiv 1908.03265",
    precondition="torch.optim.Adam with lr, betas, eps and weight decay only",
    expected="a little faster at the start",
    prior=0.25,
    find=_other,
)


def _ams(module: Module) -> Iterator[Lever]:
    for call, target in find_optimizers(module):
        if call.name not in ("Adam", "AdamW") or len(call.positional) > 5:
            continue
        if call.value("amsgrad") is not None or call.value("fused") is not None:
            continue

        def change(draft: Draft, call: Call = call) -> None:
            draft.keywords(call, amsgrad="True")

        yield Lever(
            call.node,
            target,
            change,
            f"{call.name} keeps the largest second moment (AMSGrad)",
            "a rare large gradient is forgotten too soon, and steps grow again",
        )


AMS = Transformation(
    name="amsgrad",
    summary="AMSGrad: step sizes that never grow again",
    library=TORCH,
    family="optimizer",
    granularity=Granularity.CODE,
    paper="Reddi, Kale & Kumar 2018, On the Convergence of Adam and Beyond, arXiv 1904.09237",
    precondition="Adam or AdamW without amsgrad",
    expected="steadier late training",
    prior=0.2,
    find=_ams,
)


def _memory(module: Module) -> Iterator[Lever]:
    for call, target in find_optimizers(module):
        if call.name not in ("Adam", "AdamW", "NAdam", "RAdam") or len(call.positional) > 2:
            continue
        if call.value("betas") is not None or module.project.is_frozen("betas"):
            continue
        for second in (0.99, 0.95):
            written = f"(0.9, {plain(second)})"

            def change(draft: Draft, call: Call = call, written: str = written) -> None:
                draft.keywords(call, betas=written)

            yield Lever(
                call.node,
                target,
                change,
                f"Shorter memory of {call.name} for squared gradients: betas {written}",
                "an average over a thousand steps lags behind a loss that changes",
                {"to": plain(second)},
                weight=1.0 if second == 0.99 else 0.8,
            )


MEMORY = Transformation(
    name="second-moment",
    summary="Shorter memory of Adam for squared gradients",
    library=TORCH,
    family="optimizer",
    granularity=Granularity.PARAM,
    paper="Kingma & Ba 2015, Adam, arXiv 1412.6980; Zhai et al. 2023, SigLIP, arXiv 2303.15343",
    precondition="Adam and its kin without betas",
    expected="a gain with small data and short training",
    prior=0.25,
    find=_memory,
)


def _groups(module: Module) -> Iterator[Lever]:
    for call, target in find_optimizers(module):
        node = call.value("params", 0)
        text = module.text(node) if node is not None else ""
        if node is None or not text.endswith(".parameters()") or not names_free(module, "p"):
            continue
        decay = call.value("weight_decay")
        knob = find_knob(module, decay, "weight_decay") if decay is not None else None
        if call.name != "AdamW" and (decay is None or (knob is not None and knob.value == 0)):
            continue

        def change(draft: Draft, node: Node = node, text: str = text) -> None:
            matrices = f'{{"params": [p for p in {text} if p.dim() > 1]}}'
            rest = f'{{"params": [p for p in {text} if p.dim() <= 1], "weight_decay": 0.0}}'
            draft.replace(node, f"[{matrices}, {rest}]")

        yield Lever(
            call.node,
            target,
            change,
            "No weight decay on biases and norms",
            "shrinking a bias or a norm's gain does not make the function simpler",
        )


GROUPS = Transformation(
    name="decay-groups",
    summary="Weight decay for matrices only",
    library=TORCH,
    family="regularisation",
    granularity=Granularity.CODE,
    paper="He et al. 2019, Bag of Tricks for Image Classification, arXiv 1812.01187",
    precondition="an optimizer with weight decay over `….parameters()`",
    expected="a small gain with strong weight decay",
    prior=0.25,
    find=_groups,
)


def _epsilon(module: Module) -> Iterator[Lever]:
    for call, target in find_optimizers(module):
        if call.name in ("Adam", "AdamW", "NAdam", "RAdam", "RMSprop"):
            yield from number_levers(
                module,
                call,
                Number("eps", "1e-8", None, real=True),
                (Change(100, most=0.1),),
                anchor=target,
                what=f"the epsilon of {call.name}",
                reason="weights whose gradients are tiny take steps as large as the others",
            )


EPSILON = Transformation(
    name="epsilon",
    summary="A larger epsilon in Adam's denominator",
    library=TORCH,
    family="optimizer",
    granularity=Granularity.PARAM,
    paper="Choi et al. 2019, On Empirical Comparisons of Optimizers, arXiv 1910.05446",
    precondition="Adam and its kin whose eps is a literal or the default",
    expected="a little either way, more with small gradients",
    prior=0.15,
    find=_epsilon,
)


TRANSFORMATIONS = (
    CENTRAL,
    NOISE,
    ADAPTIVE,
    FLOOD,
    SPARSE,
    OTHER,
    AMS,
    MEMORY,
    GROUPS,
    EPSILON,
)
