"""Symbolic execution, part three: calls that leave the repository.

A call into a library becomes a value that says so. What matters of a library is in
`libraries.py`: which calls load, split, keep or change what they are given. Command line
options are read here, from argparse's own calls.
"""

from __future__ import annotations

import ast
import re

from autosota.agents.code import libraries as lib
from autosota.agents.code.canonical import canonical
from autosota.agents.code.configuration import Configuration
from autosota.agents.code.freezing import DEEPEST, learns, trains_others
from autosota.agents.code.models import is_model
from autosota.agents.code.state import ObjectInfo
from autosota.agents.code.stored import (
    FILES,
    columns_of_table,
    named_cells,
    read_from,
    reloaded,
    table_of,
    writer_of,
    written,
)
from autosota.agents.code.values import (
    DATA,
    ENV,
    LOAD,
    METRIC,
    OBJECT,
    OPTION,
    PRED,
    SEED,
    TIME,
    TRAINED,
    Value,
    const,
    literal,
    text_of,
    walk,
)

_SOLVERS = ("numpy.linalg.", "scipy.optimize.", "scipy.linalg.", "jax.grad", "jax.jit")


class Outside(Configuration):
    """Executes calls of libraries."""

    def apply(self, target: Value, positional: list[int], named: dict[str, int]) -> Value:
        """See `calling.py`."""
        raise NotImplementedError

    # ---------------------------------------------------------------- libraries

    def library(self, name: str, positional: list[int], named: dict[str, int]) -> Value:
        """A call of a function or class of a library."""
        first = self.boxes[positional[0]] if positional else None
        special = self._special(name, first, positional, named)
        if special is None:
            special = self.configured(name, first, positional, named)
        if special is not None:
            return special
        parts = self.parts(positional, named)
        kept = self._from_file(name, first, parts)
        if kept is not None:
            return kept
        same = lib.SAME.match(name) and first is not None and not _converts(parts)
        if same and first is not None and (first.kind != "seq" or name in ("list", "tuple")):
            if first.flags & OBJECT:
                return first
            return first.again() if name in lib.COPIES else first
        if lib.LOADER_CLASSES.search(name) and parts:
            named_parts = tuple(
                k for k in parts[1:] if k.kind == "kw" and k.head not in lib.LOADER_NEUTRAL
            )
            return self.make("loader", "", (parts[0], *named_parts))
        flags = 0
        if lib.LOADERS.search(name) and not _configuration(name, parts):
            flags |= LOAD | DATA
        if lib.SPLITS.search(name):
            flags |= DATA
        if lib.METRICS.search(name):
            flags |= METRIC
        if lib.CLOCKS.search(name):
            flags |= TIME
        if lib.ENVIRONMENTS.search(name):
            flags |= ENV | DATA
        if name.startswith(_SOLVERS):
            flags |= TRAINED
        if name in ("os.getenv", "os.environ.get"):
            seeds = any("seed" in text_of(p).lower() for p in parts)
            flags |= OPTION | (SEED if seeds else 0)
        last = name.rpartition(".")[2]
        if last in lib.SAMPLERS and "." in name:
            flags |= DATA
        if name == "len" and len(parts) == 1:
            parts = (_same_rows(parts[0]),)
        kind, short, parts = canonical("call", name, parts)
        made = self.make(kind, short, parts, flags)
        if name in lib.META_CALLS or lib.CONFIG_LOADERS.match(name):
            made.without(DATA | LOAD | PRED)
        if name.endswith("HfArgumentParser") and first is not None:
            made.payload = first.kids if first.kind == "seq" else (first,)
        self.event(made)
        self._into_file(made)
        if lib.IN_PLACE.match(name) and positional:
            self.put(positional[0], self.make("mut", name, (self.freeze(first or made), made)))
        self._train_inside(last, made)
        return made

    def _special(
        self, name: str, first: Value | None, positional: list[int], named: dict[str, int]
    ) -> Value | None:
        """Calls of the language and of libraries that pass values on."""
        if name == "getattr" and len(positional) >= 2 and first is not None:
            known = self.settled(self.boxes[positional[1]])
            attribute = known[0] if known else ""
            if isinstance(attribute, str) and attribute:
                return self.attribute(first, attribute)
            return None
        if name == "setattr" and len(positional) == 3 and first is not None:
            attribute = text_of(self.boxes[positional[1]])
            value = self.boxes[positional[2]]
            if attribute:
                self.event(self.make("patch", f"setattr {attribute}", self.parts(positional, {})))
                self.set_attribute(positional[0], attribute, value)
                return const(None)
        if name in ("functools.partial", "partial") and first is not None:
            made = Value("partial", "", (first,), OBJECT, self.site)
            made.payload = (first, positional[1:], named)
            return made
        if name in ("joblib.delayed", "dask.delayed") and first is not None:
            return first
        if lib.SAME_FUNCTION.match(name) and first is not None and first.kind in ("fn", "bound"):
            return first
        if name in ("copy.deepcopy", "copy.copy") and first is not None and first.kind == "obj":
            return self._copy(first)
        if name == "dict" and not positional:
            kids = [v for n, b in named.items() for v in (const(n), self.boxes[b])]
            return self.make("dict", "", tuple(kids))
        if name == "dict" and first is not None and first.kind == "dict" and not named:
            return first
        if name == "map" and len(positional) == 2 and first is not None:
            source = self.boxes[positional[1]]
            if first.kind in ("fn", "bound", "partial"):
                element = self.freeze(self.invoke(first, (self.element(source),)))
                return self.make("comp", "list", (element, self.freeze(source)))
        runs = name in ("fire.Fire", "typer.run", "absl.app.run") and first is not None
        if runs and first is not None and first.kind in ("fn", "bound"):
            return self.apply(first, [], {})
        if name.endswith("namedtuple") and len(positional) >= 2:
            return self._namedtuple(self.boxes[positional[1]])
        if name in ("dataclasses.field", "field"):
            if "default" in named:
                return self.boxes[named["default"]]
            if "default_factory" not in named:
                return const(None)
            return self.apply(self.boxes[named["default_factory"]], [], {})
        if lib.PARSES_CLASS.match(name):
            given = [self.boxes[b] for b in (*positional, *named.values())]
            parsed = next((v for v in given if v.kind == "cls"), None)
            return self.parsed(parsed) if parsed is not None else None
        if name == "vars" and first is not None and first.kind in ("ns", "obj"):
            return first
        if name == "next" and first is not None:
            return self.element(first)
        if name == "isinstance" and first is not None and len(positional) == 2:
            kinds = {"dict": ("dict",), "list": ("seq",), "str": ("text",)}
            wanted = self.boxes[positional[1]]
            plain = first.kind in ("dict", "seq", "const")
            if plain and wanted.kind == "ref" and wanted.head in kinds and not first.head:
                return const(first.kind in kinds[wanted.head])
            if first.kind == "const" and wanted.kind == "ref" and wanted.head in kinds:
                return const(wanted.head == "str" and bool(text_of(first)))
            return None
        if lib.NAMED_FIELDS.search(name) and not positional:
            kids = [v for n, b in named.items() for v in (const(n), self.boxes[b])]
            return self.make("dict", "", tuple(kids))
        return None

    def _namedtuple(self, fields: Value) -> Value:
        """The class that `namedtuple` makes."""
        names = [text_of(k) for k in fields.kids]
        names = names or text_of(fields).replace(",", " ").split()
        return Value("tuple_class", ",".join(names), (), OBJECT, self.site, payload=tuple(names))

    def parsed(self, cls: Value) -> Value:
        """An object whose fields are set on the command line."""
        made = self.apply(cls, [], {})
        if made.kind == "obj":
            for name, default in self.fields_of(cls):
                self.options.setdefault(name, (default,) if default is not None else ())
                self.bind((made.payload.number, name), self.box(self.option(name)))
        return made

    def fields_of(self, cls: Value) -> list[tuple[str, Value | None]]:
        """The fields that a class declares, with their defaults."""
        path, symbol = cls.payload
        out: list[tuple[str, Value | None]] = []
        for at in reversed(self.lineage(path, symbol)):
            facts = self.program.facts(at[0])
            for statement in facts.statements:
                node = statement.node
                if statement.symbol != at[1] or not isinstance(node, ast.AnnAssign):
                    continue
                if isinstance(node.target, ast.Name):
                    default = self.in_module(facts, node.value) if node.value else None
                    out.append((node.target.id, default))
        return out

    def named_tuple(
        self, names: tuple[str, ...], positional: list[int], named: dict[str, int]
    ) -> Value:
        """A tuple whose parts have names."""
        boxes = dict(zip(names, positional, strict=False)) | named
        kids = tuple(self.boxes[boxes[n]] if n in boxes else const(None) for n in names)
        made = self.make("seq", "", kids)
        made.payload = names
        return made

    def _into_table(self, made: Value) -> bool:
        """Remember rows that `csv` wrote to a file; False for any other call."""
        path = table_of(made)
        if not path:
            return False
        writer, before = writer_of(made.kids[0]), self.get((FILES, path))
        names = columns_of_table(writer, before)
        rows = made.kids[1]
        if made.head == "writerow":
            if not names and rows.kind == "seq" and rows.kids and all(map(text_of, rows.kids)):
                self.bind((FILES, path), self.box(self.make("heading", "", rows.kids)))
                return True
            source = self.loops[-1] if self.loops else self.make("seq", "", (rows,))
            row = rows
        else:
            source, row = rows, self.element(rows)
        made_row = named_cells(names, row)
        if made_row is not None:
            row = self.make("dict", "", made_row)
        content = self.make("comp", "list", (self.freeze(row), self.freeze(source)))
        self.bind((FILES, path), self.box(content))
        return True

    def _into_file(self, made: Value) -> None:
        """Remember what a call wrote to a file."""
        if self._into_table(made):
            return
        place = written(made)
        if place is None:
            return
        path, content = place
        before = self.get((FILES, path))
        writes = made.kind == "method" and made.head == "write"
        if writes and before is not None and before.key != content.key:
            content = self.make("lines", "", (before, content))
        self.bind((FILES, path), self.box(content))

    def _from_file(self, name: str, first: Value | None, parts: tuple[Value, ...]) -> Value | None:
        """What a call reads from a file that the program wrote itself."""
        if first is not None and first.kind == "stored":
            if not lib.LOADERS.search(name) and not lib.CONFIG_LOADERS.match(name):
                return None
            return reloaded(first.kids[0])
        path = read_from(name, parts)
        found = self.get((FILES, path)) if path else None
        if found is None:
            return None
        self.reads_back = True
        if name in ("open", "io.open", "gzip.open"):
            return self.make("stored", "", (self.freeze(found),))
        return reloaded(found)

    def _copy(self, value: Value) -> Value:
        info: ObjectInfo = value.payload
        again = ObjectInfo(self.number(), info.path, info.symbol, info.arguments)
        for (number, name), box in list(self.names.items()):
            if number == info.number:
                self.bind((again.number, name), self.box(self.boxes[box]))
        return Value("obj", str(again.number), (), OBJECT, self.site, payload=again)

    def set_attribute(self, box: int, name: str, value: Value) -> None:
        """See `execute.py`."""
        raise NotImplementedError

    def _set_mode(self, module: Value, mode: str, depth: int = 0) -> None:
        """Put a module, and the modules it holds, into training or evaluation mode."""
        number = module.payload.number
        self.bind((number, "<mode>"), self.box(const(mode)))
        held = [self.boxes[b] for (owner, _), b in list(self.names.items()) if owner == number]
        for part in held:
            if part.kind == "obj" and depth < _NESTED:
                self._set_mode(part, mode, depth + 1)

    def method(self, box: int, name: str, node: ast.Call, alone: bool) -> Value:
        """A method that the repository does not define."""
        receiver = self.boxes[box]
        positional, named = self.arguments(node)
        line = (self.frame.facts.path, node.lineno, self.frame.symbol)
        self.site = line
        if name in ("add_subparsers", "add_subcommands"):
            self.subcommands = True
        if name == "add_parser" and positional:
            return self.make("parser", text_of(self.boxes[positional[0]]))
        if receiver.kind == "parser" and self.words and receiver.head != self.words[0]:
            return const(None)  # another sub-command's options
        if name == "set_defaults":
            self.defaults.update({n: self.boxes[b] for n, b in named.items()})
            return const(None)
        if name == "add_argument":
            self._add_option(positional, named)
            return const(None)
        if (
            name.startswith("parse_")
            and receiver.kind == "call"
            and receiver.head.endswith("HfArgumentParser")
        ):
            wanted = receiver.payload if isinstance(receiver.payload, tuple) else ()
            return self.make(
                "seq", "", tuple(self.parsed(c) if c.kind == "cls" else self.library(c.head, [], {})
                                 for c in wanted if c.kind in ("cls", "ref"))
            )  # fmt: skip
        if name in ("parse_args", "parse_known_args"):
            names = self.make("ns")
            return names if name == "parse_args" else self.make("seq", "", (names, const(None)))
        if name in ("items", "keys", "values") and receiver.kind == "dict" and not positional:
            pairs = list(zip(receiver.kids[::2], receiver.kids[1::2], strict=True))
            shown = {
                "items": [self.make("seq", "", (k, v)) for k, v in pairs],
                "keys": [k for k, _ in pairs],
                "values": [v for _, v in pairs],
            }[name]
            return self.make("seq", "", tuple(shown))
        if name == "get" and positional and receiver.kind in ("dict", "ns"):
            found = self.item(receiver, self.boxes[positional[0]])
            if found.kind != "item":
                return found
            if _spelled_out(receiver) and literal(self.boxes[positional[0]]):
                return self.boxes[positional[1]] if len(positional) > 1 else const(None)
        if name in _TEXT_METHODS and text_of(receiver) and not named:
            given = [literal(self.boxes[b]) for b in positional]
            brief = len(text_of(receiver)) + sum(len(str(g)) for g in given) < _LONG_TEXT
            if all(given) and brief:
                return self._of_text(text_of(receiver), name, [g[0] for g in given])
        if name == "split" and positional and not named:
            parts_of = self._split_text(receiver, [literal(self.boxes[b]) for b in positional])
            if parts_of is not None:
                return parts_of
        if name == "format" and (text_of(receiver) or receiver.kind == "text"):
            return self._format(receiver, positional, named)
        if name == "update" and receiver.kind == "dict" and len(positional) == 1:
            other = self.boxes[positional[0]]
            if other.kind == "dict":
                kids = [*receiver.kids, *other.kids]
                self.put(box, self.make("dict", "", tuple(kids)))
                return const(None)
        if name in lib.SAME_METHODS and not (named and name == "clip"):
            same = receiver
            if name in ("eval", "to", "cuda", "cpu", "double", "half", "requires_grad_"):
                if receiver.kind == "obj" and name == "eval":
                    self._set_mode(receiver, "eval")
                return same
            if receiver.kind == "obj":
                return same
            frozen = self.freeze(same)
            return frozen.again() if name in lib.COPIES else frozen
        if name == "train" and receiver.kind == "obj" and not trains_others(self, receiver.payload):
            mode = self.boxes[positional[0]] if positional else const(True)
            known = "eval" if literal(mode) == (False,) else "train"
            self._set_mode(receiver, known)
            return receiver
        if name in _LOADERS_OF:
            self._with_rows(name, positional, named)
        parts = self.parts(positional, named)
        frozen = self.freeze(receiver)
        if name in ("read_text", "read_bytes", "read", "readlines", "open"):
            if receiver.kind == "stored":
                return receiver
            kept = self._from_file("open", frozen, (frozen, *parts)) if frozen.kind != "call" or (
                frozen.head == "pathlib.Path") else None  # fmt: skip
            if kept is not None:
                return kept
        if name in lib.PREDICTS or (lib.ANSWERS.match(name) and _fitted(frozen)):
            return self.predict(receiver, parts, ())
        if name == "split" and lib.SPLITS.search(frozen.head):
            # the rows' values do not matter to a splitter, their labels and groups may
            parts = parts[1:] if len(parts) > 1 else ()
            return self.make("folds", "", (frozen, *parts), DATA)
        flags = 0
        if name in lib.LOAD_METHODS and _reads(frozen):
            flags = LOAD | DATA
        if name in lib.SAMPLERS and not frozen.flags & DATA and frozen.kind != "ref":
            flags |= DATA
        if name in _STEPS_OF:
            parts += self._hooks(_STEPS_OF[name], [*positional, *named.values(), box])
        _, short, whole = canonical("method", name, (frozen, *parts))
        made = self.make("method", short, whole, flags)
        if name in lib.META_METHODS:
            made.without(DATA | LOAD | PRED)
        self.event(made)
        self._into_file(made)
        self._change_receiver(box, name, made, alone)
        self._train_inside(name, made)
        if name in ("fit", "partial_fit"):
            return self.boxes[box]
        return made

    def _split_text(self, text: Value, given: list[tuple[object, ...]]) -> Value | None:
        """`"a.b".split(".")`, and `word.split("=", 1)` of a word of the command."""
        plain = text_of(text)
        if not plain and text.kind == "option" and text.head.startswith("argv["):
            plain = text.head.partition("=")[2]
        if not plain or len(plain) > _LONG_TEXT or not all(given):
            return None
        words = [g[0] for g in given]
        most = words[1] if len(words) > 1 else -1
        if not isinstance(words[0], str) or not words[0] or not isinstance(most, int):
            return None
        pieces = plain.split(words[0], most)
        if text.kind != "option" or len(pieces) != 2:
            return self.make("seq", "", tuple(const(p, self.site) for p in pieces))
        name, value = pieces
        flags = OPTION | (SEED if "seed" in name.lower() else 0)
        given_value = self.make("option", f"{name}={value}", (), flags)
        return self.make("seq", "", (const(name, self.site), given_value))

    def _of_text(self, text: str, name: str, given: list[object]) -> Value:
        """What a method of a literal string gives for literals."""
        try:
            return const(getattr(text, name)(*given), self.site)
        except (TypeError, ValueError):
            return self.opaque(name)

    def _hooks(self, names: tuple[str, ...], boxes: list[int]) -> tuple[Value, ...]:
        """What a trainer's evaluation calls back: the steps of a module, and what they log."""
        values = [self.boxes[b] for b in boxes]
        modules = [v for v in values if v.kind == "obj"]
        rows = [v for v in values[:-1] if v.flags & DATA and v.kind != "obj"]
        batch = self.element(rows[0]) if rows else self.make("param", "batch")
        out: list[Value] = []
        for module in modules:
            for name in names:
                step = self.field(module, name)
                if step.kind != "bound" or len(self.stack) > DEEPEST - 4:
                    continue
                saved, seen = self.save(), len(self.events)
                self.bind((module.payload.number, "<mode>"), self.box(const("eval")))
                given = (batch, self.make("param", "index")) if name.endswith("step") else ()
                result = self.freeze(self.invoke(step, given))
                logged = [
                    k
                    for e in self.events[seen:]
                    if e.value.kind == "method" and e.value.head in ("log", "log_dict", "update")
                    for k in e.value.positional[1:3]
                ]
                self.load(saved)
                del self.events[seen:]
                out.append(self.make("hook", name, tuple(logged) or (result,)))
        return tuple(out)

    def _with_rows(self, name: str, positional: list[int], named: dict[str, int]) -> None:
        """Put the rows of data modules in their place: a trainer asks them for loaders."""
        wanted = _LOADERS_OF[name]
        found: list[tuple[str, Value]] = []
        for box in [*positional, *named.values()]:
            if self.boxes[box].kind == "obj":
                found += self._loaded_by(self.boxes[box], wanted)
        if not found:
            return
        if named.keys() & {"datamodule", "data"}:
            for gone in ("datamodule", "data"):
                named.pop(gone, None)
        for method, rows in found:
            keyword = "train_dataloaders" if method.startswith("train") else "val_dataloaders"
            named.setdefault(keyword if name == "fit" else "dataloaders", self.box(rows))

    def _loaded_by(self, module: Value, wanted: tuple[str, ...]) -> list[tuple[str, Value]]:
        out: list[tuple[str, Value]] = []
        loaders = [(n, self.field(module, n)) for n in wanted]
        loaders = [(n, f) for n, f in loaders if f.kind == "bound"]
        if not loaders or len(self.stack) > DEEPEST - 4:
            return out
        saved, seen = self.save(), len(self.events)
        for name in ("prepare_data", "setup"):
            first = self.field(module, name)
            if first.kind == "bound":
                self.invoke(first, ())
        out = [(name, self.freeze(self.invoke(loader, ()))) for name, loader in loaders]
        self.load(saved)
        del self.events[seen:]
        return out

    def _change_receiver(self, box: int, name: str, made: Value, alone: bool) -> None:
        """Let a method that changes its receiver do so."""
        receiver = self.boxes[box]
        changes = name in lib.FIT or name in lib.MUTATORS or (name.endswith("_") and len(name) > 2)
        if not changes and not alone:
            return
        if receiver.kind in ("const", "fn", "cls", "ns", "module"):
            return
        if not changes and (receiver.kind == "ref" or name in _QUIET_METHODS):
            return
        if receiver.kind == "seq" and name == "append" and len(made.kids) == 2:
            self.put(box, self.make("seq", "", (*receiver.kids, made.kids[1])))
            return
        if receiver.kind == "obj":
            if changes or name in ("load_state_dict", "step", "train"):
                self.bind((receiver.payload.number, f"<{name}>"), self.box(made))
            return
        root = self._root(box)
        changed = self.make("mut", name, made.kids)
        whole = self.boxes[root]
        self.change(box, changed)
        if root != box:
            self.change(root, self.make("mut", name, (whole, made)))

    def _root(self, box: int) -> int:
        """The box whose value this one is a view of, if a name holds that."""
        value = self.boxes[box]
        while value.kind in ("attr", "item") and value.kids:
            value = value.kids[0]
            for number, held in self.boxes.items():
                if held is value and held.kind not in ("const", "ref"):
                    return number
        return box

    def _train_inside(self, name: str, made: Value) -> None:
        """Let objects that a call trains remember what they were trained on."""
        if name not in lib.FIT and name not in ("backward", "train", "manual_backward"):
            return
        models = [
            v.payload
            for v in walk(made)
            if v.kind == "inst" and v.payload is not None and learns(self, v.payload.payload)
        ]
        seen: set[int] = set()
        for model in models:
            info: ObjectInfo = model.payload
            if info.number not in seen:
                seen.add(info.number)
                trained = self.make("trained", "", (made,))
                self.bind((info.number, "<trained>"), self.box(trained))
        for v in walk(made):
            if v.kind == "pred" and v.kids[0].kind not in ("inst", "function"):
                model = v.kids[0]
                for number, held in list(self.boxes.items()):
                    if held is model:
                        self.put(number, self.make("mut", "backward", (model, made)))

    def _add_option(self, positional: list[int], named: dict[str, int]) -> None:
        flags = [text_of(self.boxes[b]) for b in positional]
        long = next((f for f in flags if f.startswith("--")), flags[0] if flags else "")
        name = text_of(self.boxes[named["dest"]]) if "dest" in named else option_name(long)
        default: tuple[Value, ...] = ()
        action = text_of(self.boxes[named["action"]]) if "action" in named else ""
        if "default" in named:
            default = (self.boxes[named["default"]],)
        elif action == "store_true":
            default = (const(False),)
        elif action == "store_false":
            default = (const(True),)
        elif long.startswith("-"):
            default = (const(None),)
        if name and not long.startswith("-"):
            words = self.words[1:] if self.subcommands else self.words
            at = len(self.expected)
            self.expected.append(name)
            if at < len(words):
                self.given.setdefault(name, words[at])
        if name:
            self.options[name] = default

    def _format(self, receiver: Value, positional: list[int], named: dict[str, int]) -> Value:
        parts: list[Value] = []
        values = [self.boxes[b] for b in positional]
        text, at = text_of(receiver), 0
        for number, piece in enumerate(text.split("{")):
            if number == 0:
                parts.append(const(piece, self.site))
                continue
            field, _, rest = piece.partition("}")
            name, _, spec = field.partition(":")
            value: Value | None = None
            if name in named:
                value = self.boxes[named[name]]
            elif name.isdigit() and int(name) < len(values):
                value = values[int(name)]
            elif not name and at < len(values):
                value, at = values[at], at + 1
            inner = value if value is not None else self.make("name", field)
            if spec:
                inner = self.make("format", "", (self.freeze(inner), const(spec)))
            parts += [inner, const(rest, self.site)]
        return self.text(tuple(p for p in parts if literal(p) != ("",)))


_TEXT_METHODS = {
    "replace", "lower", "upper", "strip", "lstrip", "rstrip", "removeprefix", "removesuffix",
    "title", "capitalize", "startswith", "endswith",
}  # fmt: skip
"""Methods that give a text or an answer about it."""
_LONG_TEXT = 1000

_STEPS_OF = {
    "test": ("test_step", "on_test_epoch_end", "test_epoch_end"),
    "validate": ("validation_step", "on_validation_epoch_end", "validation_epoch_end"),
    "evaluate": ("test_step", "compute_metrics", "evaluation_loop"),
}
"""Methods of a module that a trainer calls back when it evaluates."""

_LOADERS_OF = {
    "fit": ("train_dataloader", "val_dataloader"),
    "test": ("test_dataloader",),
    "validate": ("val_dataloader",),
}
"""Methods of a data module that a trainer calls for its rows."""

_QUIET_METHODS = {
    "write", "close", "flush", "step", "zero_grad", "set_description", "set_postfix", "info",
    "log", "add_scalar", "backward", "save", "to_csv", "savefig", "plot", "debug", "warning",
    "print", "mkdir", "write_text", "dump", "writerow", "update_", "record", "head", "tail",
    "describe", "value_counts", "hist", "summary", "show", "imshow", "scatter", "unlink", "watch",
}  # fmt: skip


def _spelled_out(value: Value) -> bool:
    """True for a dictionary of which all keys are known."""
    return value.kind == "dict" and all(literal(k) for k in value.kids[::2])


def _fitted(value: Value) -> bool:
    """True for a library's model, or for what its fitting gave; not for what only transforms."""
    return is_model(value) and not lib.UNFITTED.search(_made_by(value))


_KEEPS_ROWS = {
    "drop", "assign", "astype", "fillna", "sort_values", "to_numpy", "rename", "reset_index",
    "set_index", "copy", "replace", "interpolate", "ffill", "bfill", "round", "clip",
}  # fmt: skip


def _same_rows(value: Value) -> Value:
    """The table that another was made of without losing or adding a row."""
    for _ in range(40):
        if value.kind == "set" and value.head == "item" and text_of(value.kids[1]):
            value = value.kids[0]
        elif value.kind in ("method", "mut") and value.head in _KEEPS_ROWS:
            rows_gone = value.head == "drop" and value.named("columns") is None
            if rows_gone:
                return value
            value = value.kids[0]
        elif value.kind == "item" and value.flags & LOAD and _names_columns(value.kids[1]):
            value = value.kids[0]
        else:
            return value
    return value


def _names_columns(index: Value) -> bool:
    if index.kind == "seq":
        return bool(index.kids) and all(text_of(k) for k in index.kids)
    return False


def _made_by(value: Value) -> str:
    while value.kids and value.kind != "call":
        value = value.kids[0]
    return value.head


def option_name(flag: str) -> str:
    """`--batch-size` as `batch_size`."""
    return flag.lstrip("-").split("/")[0].replace("-", "_")


def _configuration(name: str, parts: tuple[Value, ...]) -> bool:
    """True for a read of settings, which hold no rows."""
    own = [v for p in parts[:1] for v in walk(p, _reads_settings)]
    texts = [text_of(v) for v in own if not _reads_settings(v)]
    texts += [v.head for v in own if v.kind == "option"]
    joined = " ".join(t for t in texts if t)
    mode = text_of(parts[1]) if len(parts) > 1 else ""
    if name in ("open", "io.open") and mode[:1] in ("w", "a", "x"):
        return True
    if any(t.endswith((".yaml", ".yml", ".toml", ".ini", ".cfg")) for t in texts):
        return True
    return name.startswith(("json", "open")) and bool(lib.CONFIG_NAMES.search(joined))


def _converts(parts: tuple[Value, ...]) -> bool:
    """True for a conversion to a type that loses something: integers, booleans, bytes."""
    for part in parts[1:]:
        kind = part.kids[0] if part.kind == "kw" and part.head == "dtype" else part
        if part.kind == "kw" and part.head != "dtype":
            continue
        text = text_of(kind) or (kind.head if kind.kind == "ref" else "")
        if _LOSES.search(text.rpartition(".")[2]):
            return True
    return False


_LOSES = re.compile(r"^(u?int\d*|bool_?|[iu][1248]|short|byte|u?int8)$")


def _reads_settings(value: Value) -> bool:
    """True for what comes out of a settings file: a path in it is another file's."""
    return value.kind == "call" and bool(lib.CONFIG_LOADERS.match(value.head))


def _reads(receiver: Value) -> bool:
    found = receiver.head if receiver.kind in ("call", "ref") else ""
    return "Path" in found or receiver.kind == "op" or bool(receiver.flags & LOAD)


_NESTED = 8
"""Modules within modules that are followed."""
