"""What a rule may ask about a file, and how a rule is written.

A rule is a function from `Facts` to findings, listed in its module's `RULES`:

    def hard_exit(facts: Facts) -> Iterator[Finding]:
        for call in facts.calls_of("os._exit"):            # resolved through the file's imports
            if call.guards:                                # stands under an `if`/`except`
                yield facts.finding("EV210", call.node, "…", related=[(other, "the scorer")])

    RULES = (FileRule("EV210", hard_exit, needs=((b"_exit", b"sys.exit"), (b"os",))),)

`needs` is what must occur in the bytes for the rule to be worth running at all: at least one
token of each group. It is the first and cheapest filter (most files of a package stop there), so
give it. Two kinds of facts:

* the tree (`facts.index`, `facts.body`, `facts.walk()`, `facts.imports`, `facts.resolve(expr)`):
  cheap, and cheaper the fewer words are asked of the index;
* the flow (`facts.calls`, `facts.value(expr)`, `facts.pairs`): computed on first use.

Only what is really bound counts: `facts.resolve` gives `sklearn.metrics.accuracy_score` for
whatever alias the file uses, and `''` for a name that no import binds. `facts.binds("sklearn")`
asks for a library. Where a unit is `broken` (syntax error), what is not seen is unknown: rules
that fire on absence ask `facts.complete` first. One finding per root cause; a message names the
variables and says in one line why it matters. What may be suppressed or selected is not known here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from autosota.agents.check import ir
from autosota.agents.check.index import Context, Index, source
from autosota.agents.check.tokens import Token, shape
from autosota.agents.check.values import NOTHING, Event, Pair, Value
from autosota.agents.domain import Finding, Place, RelatedPlace, Severity
from autosota.agents.rules import finding as make_finding

if TYPE_CHECKING:
    from autosota.agents.check.document import Document
    from autosota.agents.check.flow import Flow
    from autosota.agents.check.project import Project
    from autosota.agents.check.settings import Settings


T = TypeVar("T")
TESTED: tuple[Token, ...] = (
    # The look behind stands after the letter: a search is slow where it begins with one.
    shape(
        rb"[Tt](?<![a-z][Tt])est(?:s|set|data|loader|ing|df|x|y)?(?![a-z])", b"est", of_words=True
    ),
    shape(rb"te(?<![a-wz]te)(?![a-z])", b"te", of_words=True),
    *(b"TEST", b"ytest", b"xtest", b"tst", b"hold_out", b"holdout", b"held_out", b"unseen"),
)
"""A name of tested rows."""


@dataclass(frozen=True, slots=True)
class FileRule:
    """A rule of `check`: its code, the function that finds it, and the bytes it needs."""

    code: str
    run: Callable[[Facts], Iterator[Finding]]
    needs: tuple[tuple[Token, ...], ...] = ()
    notebooks: bool = False
    """Only notebooks are asked."""


@dataclass(slots=True, eq=False)
class CallFact:
    """One call, as the flow saw it (joined over loops, branches and callers).

    Attributes:
        node: The call's expression.
        name: Qualified name: `sklearn.model_selection.train_test_split`; for a method of a
            known object `sklearn.svm.SVC.fit`; for a method of something unknown `.fit`; for a
            function of this file its bare name; `''` when nothing is known.
        method: The last part, `fit`.
        receiver: The value before the last dot, `NOTHING` when there is none.
        args, keywords: Values of the arguments.
        result: What it gave.
        targets: Text of what its statement assigns to (`Xtr`, `self.x`, `df['a']`), in order.
        context: The statements around it.
        stmt: The statement it stands in.
    """

    node: ir.Call
    name: str
    method: str
    receiver: Value
    args: tuple[Value, ...]
    keywords: Mapping[str, Value]
    result: Value
    targets: tuple[str, ...]
    stmt: ir.Stmt
    context: Context

    @property
    def loops(self) -> tuple[ir.Node, ...]:
        """The loops around it within its function."""
        return self.context.loops

    @property
    def guards(self) -> tuple[ir.Node, ...]:
        """The conditions around it within its function."""
        return self.context.guards

    def argument(self, position: int, name: str) -> Value:
        """The value at this position or by this keyword, `NOTHING` when it is not given."""
        if position < len(self.args):
            return self.args[position]
        return self.keywords.get(name, NOTHING)


@dataclass(slots=True)
class Facts:
    """Everything known of one file. Make none yourself; a rule is handed one."""

    document: Document
    units: Sequence[ir.Unit]
    settings: Settings
    project: Project | None
    index: Index
    _flow: Callable[[], Flow] | None = None
    _cache: dict[str, object] = field(default_factory=dict)

    # -- the tree ---------------------------------------------------------------------------
    @property
    def path(self) -> str:
        """The file's path as given."""
        return self.document.path

    @property
    def body(self) -> tuple[ir.Stmt, ...]:
        """The top-level statements, in order (of all cells, for a notebook)."""
        return self.remember("body", lambda: tuple(s for u in self.units for s in u.body))

    @property
    def complete(self) -> bool:
        """No region of the file has a syntax error."""
        return self.remember("complete", lambda: not any(u.broken for u in self.units))

    def walk(self) -> Sequence[tuple[ir.Stmt, Context]]:
        """Every statement with the statements around it, in order of the text."""
        return self.index.walk()

    @property
    def imports(self) -> Mapping[str, str]:
        """Local name → dotted name, of every import of the file at any depth."""
        return self.index.imports

    def binds(self, *libraries: str) -> bool:
        """Whether an import of the file binds something of one of these libraries."""
        return any(name.split(".")[0] in libraries for name in self.imports.values())

    def resolve(self, expr: ir.Expr) -> str:
        """The dotted name of `a.b.c` through the imports, or `''` if no import binds `a`."""
        return self.index.resolve(expr)

    def text(self, node: ir.Node) -> str:
        """The source of a node."""
        return source(node)

    # -- the flow ---------------------------------------------------------------------------
    @property
    def flow(self) -> Flow:
        """The data flow, computed on first use."""
        assert self._flow is not None, "these facts were made without a flow"
        return self.remember("flow", self._flow)

    def calls_of(self, *names: str) -> list[CallFact]:
        """The calls that the flow met of functions with these last words, in order of the text.

        A name that starts with a dot is a method of whatever object: `.fit`.
        """
        return [
            call
            for call in self.flow.calls_of(*(name.removeprefix(".") for name in names))
            if call.method in names or isinstance(call.node.func, ir.Attribute)
        ]

    def value(self, expr: ir.Expr) -> Value:
        """What the flow knows of an expression, joined over its evaluations."""
        return self.flow.value(expr)

    @property
    def pairs(self) -> Sequence[Pair]:
        """Every (training, evaluation) pair: a score, and the fits behind what it scores."""
        return self.flow.pairs

    # -- findings ---------------------------------------------------------------------------
    def place(self, node: ir.Node) -> Place:
        """Where a node stands; in a notebook, the cell and the line in it."""
        start = node.unit.offset + node.start
        return self.document.place(start, node.unit.offset + node.end)

    def finding(
        self,
        code: str,
        node: ir.Node | Event,
        message: str,
        related: Iterable[tuple[ir.Node | Event, str]] = (),
        severity: Severity | None = None,
    ) -> Finding:
        """A finding of a rule at a node, with further places and what they are."""
        others = []
        for other, text in related:
            place = self.place(other.node if isinstance(other, Event) else other)
            others.append(
                RelatedPlace(path=place.path, line=place.line, message=text, cell=place.cell)
            )
        at = node.node if isinstance(node, Event) else node
        return make_finding(code, self.place(at), message, others, severity)

    # ---------------------------------------------------------------------------------------
    def close(self) -> None:
        """Let go of what was computed, which points back here, without a collector's help."""
        self._flow = None
        self._cache.clear()

    def remember(self, key: str, make: Callable[[], T]) -> T:
        """What `make` gives, made once per file."""
        if key not in self._cache:
            self._cache[key] = make()
        return self._cache[key]  # type: ignore[return-value]
