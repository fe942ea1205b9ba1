"""scikit-learn estimators where they are constructed, and how the code uses them.

Tells whether an estimator may be wrapped in, or replaced by, another one: nothing reads its
fitted attributes, no parameter grid addresses it by name, `fit` gets no extra arguments.
Class names are believed only when an import of the file binds them to scikit-learn.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from tree_sitter import Node

from autosota.agents.ideator.calls import Call, insert_before
from autosota.agents.ideator.draft import Draft
from autosota.agents.ideator.module import Module, statement_of

LINEAR_CLASSIFIERS = frozenset(
    ["LogisticRegression", "LinearSVC", "RidgeClassifier", "SGDClassifier", "Perceptron"]
)
LINEAR_REGRESSORS = frozenset(
    ["LinearRegression", "Ridge", "Lasso", "ElasticNet", "SGDRegressor", "LinearSVR"]
)
KERNEL_MACHINES = frozenset(["SVC", "NuSVC", "SVR", "NuSVR"])
NEIGHBOURS = frozenset(["KNeighborsClassifier", "KNeighborsRegressor"])
NETWORKS = frozenset(["MLPClassifier", "MLPRegressor"])
TREES = frozenset(
    [
        "DecisionTreeClassifier",
        "DecisionTreeRegressor",
        "RandomForestClassifier",
        "RandomForestRegressor",
        "ExtraTreesClassifier",
        "ExtraTreesRegressor",
        "GradientBoostingClassifier",
        "GradientBoostingRegressor",
        "HistGradientBoostingClassifier",
        "HistGradientBoostingRegressor",
    ]
)
SCALE_SENSITIVE = (
    (LINEAR_CLASSIFIERS | LINEAR_REGRESSORS | KERNEL_MACHINES | NEIGHBOURS | NETWORKS)
    - {"LinearRegression"}  # ordinary least squares does not see the scale
)
ESTIMATORS = (
    LINEAR_CLASSIFIERS | LINEAR_REGRESSORS | KERNEL_MACHINES | NEIGHBOURS | NETWORKS | TREES
)

_SCALERS = frozenset(
    [
        "StandardScaler",
        "MinMaxScaler",
        "MaxAbsScaler",
        "RobustScaler",
        "Normalizer",
        "PowerTransformer",
        "QuantileTransformer",
        "scale",
        "normalize",
        "minmax_scale",
        "robust_scale",
        "power_transform",
    ]
)
_SPARSE = frozenset(
    [
        "TfidfVectorizer",
        "CountVectorizer",
        "HashingVectorizer",
        "TfidfTransformer",
        "DictVectorizer",
        "OneHotEncoder",
        "FeatureHasher",
        "csr_matrix",
        "csc_matrix",
    ]
)
_SEARCHES = frozenset(
    [
        "GridSearchCV",
        "RandomizedSearchCV",
        "HalvingGridSearchCV",
        "HalvingRandomSearchCV",
        "validation_curve",
    ]
)
_NEEDS_COEFFICIENTS = frozenset(["SelectFromModel", "RFE", "RFECV", "SequentialFeatureSelector"])
_HARMLESS = frozenset(["classes_", "n_features_in_", "feature_names_in_"])
_WRAPPERS = frozenset(["make_pipeline", "Pipeline", "TransformedTargetRegressor"])


@dataclass(frozen=True, slots=True)
class Estimator:
    """A constructed estimator. `target` is what the code calls it."""

    module: Module
    call: Call
    target: str

    @property
    def name(self) -> str:
        """The class, as scikit-learn calls it."""
        return self.call.name

    @property
    def anchor(self) -> str:
        """The place by structure; wrapping it in a pipeline does not change it."""
        return f"{self.target} = {self.name}"

    @property
    def is_classifier(self) -> bool:
        """True for classifiers."""
        return self.name.endswith(("Classifier", "SVC")) or self.name in LINEAR_CLASSIFIERS

    def carried(self, *names: str) -> dict[str, str]:
        """The keyword arguments of these names that the call has, as text."""
        return {
            name: self.module.text(value)
            for name in names
            if (value := self.call.value(name)) is not None
        }

    @property
    def seed(self) -> dict[str, str]:
        """`random_state=` of the original, if it has one."""
        return self.carried("random_state")


def find_estimators(module: Module, names: Collection[str]) -> Iterator[Estimator]:
    """The constructions of these scikit-learn classes in a file, with plain arguments."""
    for call in module.calls:
        if call.dotted.startswith("sklearn.") and call.name in names and not call.open:
            yield Estimator(module, call, _target(module, call.node))


def is_wrappable(estimator: Estimator) -> bool:
    """True when a pipeline may take the estimator's place."""
    module = estimator.module
    around = _outer_call(estimator)
    if around in _NEEDS_COEFFICIENTS or around.startswith("AdaBoost"):
        return False
    attributes = attributes_used(module)
    if attributes & {"partial_fit", "set_params", "named_steps", "named_estimators"}:
        return False
    if any(a.endswith("_") and not a.endswith("__") for a in attributes - _HARMLESS):
        return False
    return not any(c.name in _SEARCHES or _fits_with_extras(module, c) for c in module.calls)


def attributes_used(module: Module) -> frozenset[str]:
    """Attribute names that this file, or a file connected to it, uses."""
    return frozenset().union(*(m.attributes for m in module.neighbours))


def is_scaled(module: Module) -> bool:
    """True when this file, or one it is connected to, already scales with scikit-learn."""
    return _mentions(module, _SCALERS)


def is_sparse(module: Module) -> bool:
    """True when features may be sparse matrices, which centring would fill."""
    return _mentions(module, _SPARSE)


def mentions(module: Module, name: str) -> bool:
    """True when this file or a connected one calls a library function or class of a name."""
    return _mentions(module, frozenset([name]))


def in_search(module: Module, parameter: str) -> bool:
    """True when a parameter grid of the file names this parameter."""
    if not any(c.name in _SEARCHES for c in module.calls):
        return False
    return any(
        node.type == "string_content"
        and (module.text(node) == parameter or module.text(node).endswith("__" + parameter))
        for node in module.nodes
    )


def put_in_front(draft: Draft, estimator: Estimator, steps: list[tuple[str, str]]) -> None:
    """Put transformer steps, as (name, code), in front of an estimator.

    Inside an existing pipeline they become its steps; else a pipeline is made.
    """
    node = estimator.call.node
    parent = node.parent
    source = draft.module.source
    outer = draft.module.call(parent.parent) if parent is not None else None
    if outer is not None and outer.dotted == "sklearn.pipeline.make_pipeline":
        text = ", ".join(code for _, code in steps)
        draft.edit(outer.node, [insert_before(source, node, text)])
        return
    if parent is not None and parent.type == "tuple" and parent.parent is not None:
        listing = parent.parent
        around = listing.parent.parent if listing.parent is not None else None
        pipeline = draft.module.call(around)
        if pipeline is not None and pipeline.dotted == "sklearn.pipeline.Pipeline":
            text = ", ".join(f'("{name}", {code})' for name, code in steps)
            draft.edit(pipeline.node, [insert_before(source, parent, text)])
            return
    maker = draft.spell("sklearn.pipeline.make_pipeline")
    draft.wrap(node, f"{maker}({', '.join(code for _, code in steps)}, ", ")")


def _target(module: Module, node: Node) -> str:
    statement = statement_of(node)
    current: Node | None = node
    while current is not None and current != statement:
        parent = current.parent
        if parent is not None and parent.type == "pair":
            key = parent.child_by_field_name("key")
            return module.text(key) if key is not None else "pair"
        if parent is not None and parent.type == "assignment":
            left = parent.child_by_field_name("left")
            return module.text(left) if left is not None else "assignment"
        current = parent
    return "return" if statement.type == "return_statement" else "expression"


def _outer_call(estimator: Estimator) -> str:
    node = estimator.call.node.parent
    while node is not None and node.type not in ("block", "module", "assignment"):
        call = estimator.module.call(node)
        if call is not None and call.name and call.name not in _WRAPPERS:
            return call.name
        node = node.parent
    return ""


def _fits_with_extras(module: Module, call: Call) -> bool:
    text = module.text(call.function)
    return text.endswith(".fit") and (bool(call.keywords) or len(call.positional) > 2 or call.open)


def _mentions(module: Module, names: frozenset[str]) -> bool:
    return any(call.name in names for near in module.neighbours for call in near.calls)
