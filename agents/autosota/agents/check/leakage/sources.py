"""LK119 to 121: test items read for training or shown in prompts, twins made by adding up."""

from __future__ import annotations

import re
from collections.abc import Iterator

from autosota.agents.check import ir
from autosota.agents.check.definitions import function_of
from autosota.agents.check.facts import TESTED, Facts, FileRule
from autosota.agents.check.index import inside, last, string, variables_in
from autosota.agents.check.leakage.choosing import _word
from autosota.agents.check.leakage.common import FITS, called, short
from autosota.agents.check.roles import role
from autosota.agents.check.values import Part, Value
from autosota.agents.domain import Finding

_SHOTS = re.compile(r"shot|few|exampl|demo|exemplar|icl|context|prompt|support|retriev", re.I)
_DRAWS = frozenset(["sample", "choice", "choices", "select", "take", "shuffle", "head"])
_STORES = frozenset(
    [
        "add",
        "add_texts",
        "add_documents",
        "from_texts",
        "from_documents",
        "from_embeddings",
        "add_items",
        "index",
        "upsert",
        "add_with_ids",
        "build_index",
        "add_faiss_index",
        "train_index",
        "BM25Okapi",
        "BM25Plus",
        "BM25",
    ]
)
_INDEXES = re.compile(r"index|store|retriev|corpus|bm25|faiss|collection|memory|db|knowledge", re.I)
_SHOTS_NEAR = re.compile(_SHOTS.pattern.encode(), re.I)
_INDEXES_NEAR = re.compile(_INDEXES.pattern.encode(), re.I)
_PUT = re.compile(rb"\.[\s\\]*(?:%b)(?!\w)" % "|".join(sorted(_STORES)).encode())
_BUILT = (b"BM25", b"add_faiss_index", b"build_index", b"train_index")
_INDEX = re.compile(rb"index(?<![\w.]index)['\"\s\\)\]]*\(")
_NEAR = 80
"""Bytes before it in which the name of what is put into stands."""
_LANGUAGE = (
    "transformers", "openai", "anthropic", "langchain", "faiss", "rank_bm25", "chromadb",
    "sentence_transformers", "datasets", "vllm", "llama_index", "langchain_community", "litellm",
)  # fmt: skip


def _declared_test(part: Part) -> bool:
    """Rows of a split that its publisher calls test."""
    root = part.root
    return (
        root.role == "test"
        and isinstance(root.key, tuple)
        and (root.key[0] == "hub" or root.key[1:] == ("test",))
    )


def trained_on_test(facts: Facts) -> Iterator[Finding]:
    """LK120: the published test split is trained on."""
    done: set[ir.Expr] = set()
    for event in facts.flow.events:
        if event.kind == "fit" and event.data:
            tested = sorted((p for p in event.data[0].rows if _declared_test(p)), key=_at)
            if tested and event.node not in done and not event.data[0].preds:
                done.add(event.node)
                yield _report(facts, event.node, event.data[0], tested[0], short(event.name))
    for call in facts.flow.calls_with("train_dataset"):
        value = call.keywords["train_dataset"]
        tested = sorted((p for p in value.rows if _declared_test(p)), key=_at)
        if tested and call.node not in done:
            done.add(call.node)
            yield _report(facts, call.node, value, tested[0], call.method or "the trainer")


_TEST_FILE = re.compile(r"(?<![a-z])(test|holdout|held_?out)(?![a-z])", re.I)
_READERS = re.compile(r"^(read_\w+|load|loadtxt|genfromtxt|load_dataset|open)$")


def trained_on_test_elsewhere(facts: Facts) -> Iterator[Finding]:
    """LK120: what another module gives for training was read from the test file."""
    for call in facts.index.calls_of("fit", "partial_fit"):
        if not call.node.args:
            continue
        rows = call.node.args[0]
        made = facts.index.bound_to(rows.id) if isinstance(rows, ir.Name) else []
        if len(made) != 1 or not isinstance(made[0].value, ir.Call):
            continue
        function = function_of(facts, made[0].value.func)
        if function is None or function.unit in facts.units:
            continue
        path = _gives_test_file(function)
        if path:
            yield facts.finding(
                "LK120",
                call.node,
                f"`{facts.text(rows)}` is what `{function.name}` reads from `{path}`: whatever is "
                "scored on that file was seen",
                related=[(made[0].stmt, "read here")],
            )


def _gives_test_file(function: ir.Function) -> str:
    """The test file in the one table that everything a function returns is made of, or ''."""
    tables: dict[str, str] = {}
    returned: set[str] = set()
    for stmt in ir.statements(function.body):
        if isinstance(stmt, ir.Assign) and stmt.value is not None:
            names = {t.id for t in stmt.targets if isinstance(t, ir.Name)}
            files = [
                string(arg)
                for expr in inside(stmt.value)
                if isinstance(expr, ir.Call) and _READERS.match(last(expr.func))
                for arg in expr.args[:1]
            ]
            if files and len(names) == 1:
                tested = next((f for f in files if _TEST_FILE.search(f)), "")
                tables[names.pop()] = tested
        elif isinstance(stmt, ir.Return):
            returned |= variables_in(stmt.value)
    used = returned & tables.keys()
    return tables[used.pop()] if len(used) == 1 and len(tables) == 1 else ""


def _at(part: Part) -> tuple[int, str]:
    root = part.root
    return (root.node.unit.offset + root.node.start if root.node is not None else 0, root.name)


def _report(facts: Facts, node: ir.Expr, value: Value, part: Part, who: str) -> Finding:
    source = part.root.node if who != "backward" else None
    text = (
        f"{called(value, 'the training data')} holds the test split and {who} trains on it: "
        "whatever is scored on that split was seen"
    )
    if source is not None:
        return facts.finding("LK120", source, text, [(node, "trained on here")])
    return facts.finding("LK120", node, text)


def _is_test(facts: Facts, expr: ir.Expr, mixed: bool = False) -> bool:
    value = facts.value(expr)
    if value.rows:
        roles = value.roles
        return "test" in roles and (mixed or "train" not in roles)
    return role(_word(expr)) == "test"


def _stores(text: bytes) -> bool:
    """Whether something may be put into what is named like an index, or such a thing be built."""
    if any(word in text for word in _BUILT) or _INDEX.search(text):
        return True
    return any(
        _INDEXES_NEAR.search(text, max(0, match.start() - _NEAR), match.start())
        for match in _PUT.finditer(text)
    )


def shown(facts: Facts) -> Iterator[Finding]:
    """LK121: test items as examples in a prompt, or in the index that answers are drawn from."""
    if not facts.binds(*_LANGUAGE) and b"prompt" not in facts.document.text:
        return
    drawn_of = facts.index.calls_of(*_DRAWS, within=_SHOTS_NEAR.search)
    for call in (*drawn_of, *facts.index.calls_of(*_STORES, within=_stores)):
        expr, stmt, word = call.node, call.stmt, call.method
        holder = expr.func.value if isinstance(expr.func, ir.Attribute) else None
        if word in _DRAWS:
            drawn = [*expr.args[:1], *([holder] if holder is not None else [])]
            names = [facts.text(t) for t in getattr(stmt, "targets", ())]
            if any(_SHOTS.search(n) for n in names) and any(_is_test(facts, d) for d in drawn):
                yield facts.finding(
                    "LK121", expr,
                    f"`{names[0]}` is drawn from test items and goes into the prompt: the "
                    "model is shown answers it is then asked for",
                )  # fmt: skip
        else:
            name = _word(holder) if holder is not None else word
            stored = [e for a in expr.args for e in (a, *ir.expressions(a))]
            if _INDEXES.search(name) and any(
                isinstance(e, ir.Name | ir.Attribute | ir.Subscript)
                and _is_test(facts, e, mixed=True)
                for e in stored
            ):
                yield facts.finding(
                    "LK121", expr,
                    f"test items are put into `{name}`, from which answers are retrieved: "
                    "the model finds what it is asked for",
                )  # fmt: skip


def twins(facts: Facts) -> Iterator[Finding]:
    """LK119: rows and changed copies of them are added up, then split."""
    done: set[ir.Node] = set()
    for event in facts.flow.events:
        if event.kind != "split":
            continue
        for value in event.data:
            for part in sorted(value.rows, key=_at):
                for step in part.path():
                    node = step.node
                    if step.kind != "copies" or node is None or node in done:
                        continue
                    if isinstance(node, ir.Call) and _word(node.func) in (
                        "fit_resample", "fit_sample", "resample", "sample",
                    ):  # fmt: skip
                        continue
                    done.add(node)
                    yield facts.finding(
                        "LK119", node,
                        "rows and copies of them are put together before the split: twins of the "
                        "tested rows are trained on",
                        [(event, "the rows are parted here")],
                    )  # fmt: skip


RULES = (
    FileRule(
        "LK119",
        twins,
        (
            (b"train_test_split", b"random_split", b"Fold", b"ShuffleSplit"),
            (b"+", b"concat", b"repeat", b"tile", b"append", b"stack"),
        ),
    ),
    FileRule(
        "LK120",
        trained_on_test,
        (
            (b"test", b"train=False"),
            (*FITS, b"Trainer"),
            (b"load_dataset", b"datasets", b"load_data"),
        ),
    ),
    FileRule(
        "LK120", trained_on_test_elsewhere, ((b".fit(", b".partial_fit("), (b"import",), TESTED)
    ),
    FileRule(
        "LK121",
        shown,
        (
            TESTED,
            (b"prompt", b"shot", b"context", b"index", b"store", b"retriev", b"xampl"),
            (b"sample", b"choice", b"add", b"from_", b"select", b"take", b"index", b"BM25"),
        ),
    ),
)
