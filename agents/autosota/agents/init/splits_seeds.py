"""Seeds that are written down while the run's seed is not asked, and how to ask it there.

`seed_text` finds the code for the run's seed at a place. `fixed_seeds` connects literal seeds of
models, of generators, and of a split into training and validation rows. A seed that may decide
which rows are test rows is never touched.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tree_sitter import Node

from autosota.agents.domain import Objective
from autosota.agents.ideator.calls import Call
from autosota.agents.ideator.draft import Draft
from autosota.agents.ideator.for_sklearn.estimators import ESTIMATORS
from autosota.agents.ideator.knobs import arguments_for, find_knob
from autosota.agents.ideator.module import Module, Project, function_of
from autosota.agents.ideator.scope import Scope
from autosota.agents.init.splits_flow import Flow, NotUnderstood, names_in, pattern_names
from autosota.agents.init.splits_parting import SPLIT, parameters_of
from autosota.agents.init.splits_written import Written

if TYPE_CHECKING:
    from autosota.agents.init.splits_measured import Measured

_GENERATORS = frozenset(
    [
        "numpy.random.seed",
        "numpy.random.default_rng",
        "numpy.random.RandomState",
        "random.seed",
        "random.Random",
        "torch.manual_seed",
        "torch.cuda.manual_seed",
        "torch.cuda.manual_seed_all",
    ]
)
_NO_MODELS = ("model_selection", "datasets", "utils", "metrics", "inspection")
_LIBRARIES = ("sklearn.", "xgboost.", "lightgbm.", "catboost.")
_FIXED_ROWS = re.compile(
    r"^(numpy\.(load|loadtxt|genfromtxt|array|asarray)|pandas\.read_\w+|json\.load"
    r"|sklearn\.datasets\.(load|fetch)_\w+|torchvision\.datasets\.\w+|torchvision\.transforms\b.*)$"
)
_SEEDY = re.compile(r"^(random_?)?(seed|SEED)$|^random_state$|^seed_?\w*$", re.I)


def seed_text(module: Module, function: Node | None, at: Node, objective: Objective) -> str:
    """Code for the run's seed, valid right before a statement of a function; '' when not found."""
    dest = _destination(objective.command)
    if not dest:
        return ""
    parameters = parameters_of(module, function)
    for name in parameters:
        if (name == dest or _SEEDY.match(name)) and _is_given(module, function, name, dest):
            return name
    for name, value in _bound_before(module, function, at):
        if name != dest and not _SEEDY.match(name):
            continue
        text = module.text(value)
        if re.search(rf"\.{re.escape(dest)}\b|sys\.argv|environ|\[[\"']{re.escape(dest)}", text):
            return name
    for node in module.nodes:
        if node.type != "attribute":
            continue
        owner, label = node.child_by_field_name("object"), node.child_by_field_name("attribute")
        if owner is None or label is None or owner.type != "identifier":
            continue
        name = module.text(owner)
        if module.text(label) != dest or name in ("self", "cls"):
            continue
        if name in parameters or any(n == name for n, _ in _bound_before(module, function, at)):
            return module.text(node)
    # `args.seed` may be there without being asked anywhere: that is why seeds do nothing.
    if not _declared(module, dest):
        return ""
    for name, value in _bound_before(module, function, at):
        if module.text(value).endswith(".parse_args()"):
            return f"{name}.{dest}"
    return next((f"{n}.{dest}" for n in parameters if n in ("args", "opt", "opts")), "")


def fixed_seeds(
    project: Project, scope: Scope, objective: Objective, program: Measured | str
) -> Iterator[Written]:
    """The changes that let the run's seed in.

    Raises:
        NotUnderstood: the command passes no seed, or no literal seed is in its way.
    """
    if "{seed}" not in objective.command:
        raise NotUnderstood("the command passes no {seed}: give the script a seed option first")
    refused: list[str] = []
    found = False
    for module in scope.reached():
        if scope.closed(module.path):
            continue
        for split in (True, False):
            sites = list(_sites(module, scope, objective, program, refused, split=split))
            if not sites:
                continue
            found = True
            yield _connected(module, sites, split=split)
    del project
    if not found:
        why = f" ({refused[0]})" if refused else ""
        raise NotUnderstood(f"no written-down seed was found that the run's seed may replace{why}")


def _sites(
    module: Module,
    scope: Scope,
    objective: Objective,
    program: Measured | str,
    refused: list[str],
    *,
    split: bool,
) -> Iterator[tuple[Node, str]]:
    """Literal seeds, each with the code to put there."""
    for call in module.calls:
        node = call.value("random_state") or call.value("seed") or call.value("random_seed")
        generator = call.dotted in _GENERATORS
        if generator and call.positional:
            node = call.positional[0]
        if node is None or not call.dotted or (call.dotted == SPLIT) != split:
            continue
        if node.type == "attribute" or find_knob(module, node) is None:
            continue
        where = f"{module.path}:{call.node.start_point.row + 1}"
        if not generator and not split and not _is_model(call):
            continue
        if not split and scope.refuses(module, call.node):
            continue
        why = _decides_test_rows(module, call, program, generator=generator)
        if why:
            refused.append(f"{where}: {why}")
            continue
        text = seed_text(module, function_of(call.node), call.node, objective)
        if text and text != module.text(node):
            yield node, text
        elif not text:
            refused.append(f"{where}: the run's seed is not known there")


def _connected(module: Module, sites: list[tuple[Node, str]], *, split: bool) -> Written:
    draft = Draft(module)
    for node, text in sites:
        draft.replace(node, text)
    lines = ", ".join(str(n.start_point.row + 1) for n, _ in sites)
    what = "the split into training and validation rows" if split else "the seeds written down"
    title = (
        "Let the run's seed split training and validation rows"
        if split
        else ("Let the run's seed in where a seed is written down")
    )
    return Written(
        title=f"{title} ({module.path}:{lines})",
        reason=f"the seeds do nothing there because {what} in {module.path} "
        f"(line {lines}) {'has' if split else 'have'} a fixed number: without noise to test "
        "against, no gain can be confirmed",
        changes=draft.finish().changes,
        notes=("test rows do not depend on it",),
        replaced=frozenset(n.start_point.row + 1 for n, _ in sites) if split else frozenset(),
    )


def _is_model(call: Call) -> bool:
    if call.name in ("GridSearchCV", "RandomizedSearchCV"):
        return True
    parts = call.dotted.split(".")
    return call.dotted.startswith(_LIBRARIES) and not set(parts) & set(_NO_MODELS)


def _predicts(call: Call) -> bool:
    """True for an estimator that predicts: it never makes the rows it is scored on."""
    ends = ("Classifier", "Regressor", "SearchCV", "SVC", "SVR", "LogisticRegression")
    return call.name.endswith(ends) or call.name in ESTIMATORS


def _decides_test_rows(
    module: Module, call: Call, program: Measured | str, *, generator: bool
) -> str:
    """Why this seed may decide what the test rows are; '' when it surely does not."""
    if isinstance(program, str):
        return "" if _predicts(call) else "the test rows could not be followed, so their seed stays"
    flow, parting = program.flow, program.parting
    origin = _origin(program)
    if call.dotted == SPLIT:
        given = frozenset().union(*(names_in(module, a) for a in call.positional))
        if module is not program.module or any(
            flow.entries[i].node.start_byte <= call.node.start_byte < flow.entries[i].node.end_byte
            for i in (*parting.train_at, *parting.test_at)
            if i >= 0
        ):
            return "it decides which rows are test rows"
        reached = [
            m.before
            for e, m in zip(flow.entries, program.learned, strict=False)
            if e.node.start_byte <= call.node.start_byte < e.node.end_byte
        ]
        inside = bool(reached) and given <= reached[-1]
        return "" if inside else "it is not clear that it splits training rows only"
    inside_origin = module is program.module and any(
        flow.entries[i].node.start_byte <= call.node.start_byte < flow.entries[i].node.end_byte
        for i in origin
    )
    if inside_origin:
        return "the test rows come of it"
    here = module is program.module and function_of(call.node) == program.claim.function
    if not generator and not here and not _predicts(call):
        return "it may take part in what the test rows are"
    if generator and not _rows_are_fixed(program, flow, origin):
        return "the test rows may be drawn by it"
    return ""


def _origin(program: Measured) -> frozenset[int]:
    """The entries that the test rows come of."""
    roots = program.parting.test_at
    names: set[str] = set()
    for index in roots:
        if index >= 0:
            names |= program.flow.entries[index].access.reads
    return program.flow.slice(names, max(roots)) | {i for i in roots if i >= 0}


def _rows_are_fixed(program: Measured, flow: Flow, origin: frozenset[int]) -> bool:
    """True when every call that the test rows come of gives the same rows whatever the state."""
    module = program.module
    if -1 in program.parting.test_at:
        return False
    for index in origin:
        entry = flow.entries[index]
        for call in module.calls_in(entry.node):
            name = module.text(call.function).rpartition(".")[2]
            shuffle = call.value("shuffle")
            kept = shuffle is not None and module.text(shuffle) == "False"
            seeded = call.dotted == SPLIT and (kept or call.value("random_state") is not None)
            if call.dotted:
                if not seeded and not _FIXED_ROWS.match(call.dotted):
                    return False
            elif call.function.type == "identifier":
                if name not in ("int", "len", "float", "round", "open", "list", "range", "str"):
                    return False
            elif name in ("sample", "shuffle", "permutation", "choice", "permuted"):
                return False
    return True


# ------------------------------------------------------------------ the run's seed


def _destination(command: str) -> str:
    """What the program calls the option that the command fills with `{seed}`."""
    try:
        words = shlex.split(command)
    except ValueError:
        return ""
    for before, word in zip(["", *words], words, strict=False):
        if "{seed}" not in word:
            continue
        flag = word.partition("=")[0] if "=" in word else before
        name = flag.lstrip("-+").rpartition(".")[2].replace("-", "_")
        option = "=" in word or flag.startswith(("-", "+"))
        return name if option and name.isidentifier() else "seed"
    return ""


def _declared(module: Module, dest: str) -> bool:
    return any(
        module.text(c.function).endswith(".add_argument")
        and any(
            module.text(p).strip("\"'").lstrip("-").replace("-", "_") == dest for p in c.positional
        )
        for c in module.calls
    )


def _is_given(module: Module, function: Node | None, name: str, dest: str) -> bool:
    """True when the callers of a function hand it the run's seed."""
    if function is None:
        return False
    around = function.parent
    if around is not None and around.type == "decorated_definition":
        marks = [module.text(c) for c in around.children if c.type == "decorator"]
        if any(".command" in m or ".option" in m for m in marks):
            return True
    holder = function.child_by_field_name("parameters")
    for child in holder.named_children if holder is not None else ():
        label = child.child_by_field_name("name") or child
        if label.type == "typed_parameter" or child.type == "typed_parameter":
            label = child.named_children[0]
        if module.text(label) != name:
            continue
        given = [g for g in arguments_for(module, function, child, name) if g is not None]
        return bool(given) and all(
            re.search(rf"(^|\.){re.escape(dest)}$|sys\.argv", module.text(g)) for g in given
        )
    return False


def _bound_before(module: Module, function: Node | None, at: Node) -> Iterator[tuple[str, Node]]:
    """Names that a plain assignment binds before a place, in its function or at module level."""
    for node in module.nodes:
        if node.type != "assignment":
            continue
        home = function_of(node)
        if home not in (None, function) or (home == function and node.start_byte >= at.start_byte):
            continue
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        if home is None and function is not None and not _early(module, node, function):
            continue
        for name in pattern_names(module, left) if left is not None and right is not None else ():
            if name and right is not None:
                yield name, right


def _early(module: Module, node: Node, function: Node) -> bool:
    """True for a module-level assignment that is made before the function can run."""
    return (
        node.start_byte < function.start_byte
        or node.parent is None
        or (node.parent.parent is not None and node.parent.parent.type == "module")
    )
