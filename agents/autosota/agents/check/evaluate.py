"""Expressions and statements over labels. What calls mean is known in `calls`, not here."""

from __future__ import annotations

from collections.abc import Callable

from autosota.agents.check import ir
from autosota.agents.check.calls import call_value
from autosota.agents.check.knowledge import FACTS
from autosota.agents.check.machine import Frame, Memory
from autosota.agents.check.roles import role
from autosota.agents.check.rows import attribute_of, element, mask_of, put_together, select, sliced
from autosota.agents.check.stored import (
    COLUMN,
    KEPT,
    MOST_ELEMENTS,
    MOST_FIELDS,
    column,
    constant_words,
    held,
    keep_label,
    opposite,
    stored,
    wildcard,
    without,
)
from autosota.agents.check.values import (
    ABSENT,
    NOTHING,
    Event,
    Field,
    Obj,
    Value,
    constant,
    holding,
    join,
    marked,
    mix,
    ordered,
    reference,
)


class Machine(Memory):
    """Runs statements and evaluates expressions."""

    # ------------------------------------------------------------------------- expressions
    def eval(self, node: ir.Expr) -> Value:
        """What is known of an expression here."""
        self.steps += 1
        if self.steps > self.limit:
            self.spend()
        make = _EVALUATE.get(type(node))
        if make is None:
            return NOTHING
        value = make(self, node)
        if value is not NOTHING:
            seen = self.effect.values
            old = seen.get(node)
            seen[node] = value if old is None or old is value else join(old, value)
        return value

    def text(self, node: ir.Node) -> str:
        """The source of a node, spaces taken out, at most 80 characters."""
        if isinstance(node, ir.Name) and len(node.id) <= 20:
            return node.id
        return "".join(
            node.unit.text[node.start : min(node.end, node.start + 80)]
            .decode("utf-8", "replace")
            .split()
        )

    def _name(self, node: ir.Name) -> Value:
        value = self.get(node.id) if self.frame is None else self.lookup(node.id)
        if value is not None:
            return value
        stars = self.get("*")
        if stars is not None and stars.elts:
            for module in stars.elts:
                known = wildcard(module.ref, node.id)
                if known:
                    return Value(ref=known)
        return NOTHING

    def _const(self, node: ir.Const) -> Value:
        return constant(node.value)

    def _attribute(self, node: ir.Attribute) -> Value:
        base = self.eval(node.value)
        if base.ref:
            return reference(f"{base.ref}.{node.attr}")
        for obj in ordered(base.objs):
            value = self.get((obj, node.attr))
            if value is not None:
                return value
        if base.objs and not base.rows:
            return self._of_object(base, node)
        if not (base.rows or base.fits or base.preds or base.marks):
            return NOTHING
        for field in base.fields:
            if field.key == node.attr:
                return held(base, field)
        if node.attr in FACTS:
            return Value(marks=frozenset(("names",))) if node.attr == "columns" else NOTHING
        return attribute_of(base, node.attr)

    def _of_object(self, base: Value, node: ir.Attribute) -> Value:
        for obj in ordered(base.objs):
            if obj.cls is not None:
                found = self.method_of(obj, node.attr)
                if found is not None:
                    return holding(found)
        if node.attr in ("best_estimator_", "steps", "named_steps", "estimator"):
            return base
        if node.attr == "best_score_":
            return Value(objs=base.objs, marks=frozenset(("metric", "best_score")))
        if node.attr in ("support_", "ranking_", "scores_", "pvalues_"):
            learned: frozenset[Event] = frozenset().union(*(self.fits(o) for o in base.objs))
            return Value(
                fits=frozenset(e for e in learned if e.kind == "learn"), marks=frozenset(("names",))
            )
        if node.attr in ("labels_", "embedding_"):
            fits: frozenset[Event] = frozenset().union(*(self.fits(o) for o in base.objs))
            rows = frozenset(p for e in fits for p in e.rows)
            return Value(rows, frozenset(e for e in fits if e.kind == "learn"))
        return NOTHING

    def method_of(self, obj: Obj, name: str) -> Obj | None:
        """The method of a class of this file, bound to the object."""
        cls = obj.cls
        for _ in range(5):
            if cls is None:
                return None
            for stmt in cls.body:
                if isinstance(stmt, ir.Function) and stmt.name == name:
                    own = Value(objs=frozenset((obj,)))
                    return self.obj(stmt, "method", (own,))
            base = next((b for b in cls.bases if isinstance(b, ir.Name)), None)
            known = self.get(base.id) if base is not None else None
            cls = (
                next((o.cls for o in ordered(known.objs) if o.cls is not None), None)
                if known
                else None
            )
        return None

    def fits(self, obj: Obj) -> frozenset[Event]:
        """The fits behind the present state of an object."""
        value = self.get((obj, "()"))
        return value.fits if value is not None else frozenset()

    def _subscript(self, node: ir.Subscript) -> Value:
        base = self.eval(node.value)
        index = node.index
        if isinstance(index, ir.Const):
            return self._item(base, index.value, node)
        if isinstance(index, ir.Slice):
            self._slice_parts(index)
            return sliced(self, base, index, node)
        if isinstance(index, ir.Sequence) and index.kind == "tuple" and index.elts:
            first = index.elts[0]
            for elt in index.elts:
                if not isinstance(elt, ir.Slice):
                    self.eval(elt)
            if isinstance(first, ir.Slice):
                if first.lower is None and first.upper is None:
                    some = index.elts[1] if len(index.elts) > 1 else None
                    value = self._columns(base, some)
                    picked = self.effect.values.get(some) if some is not None else None
                    if picked is not None and picked.fits and value.rows:
                        value = value._replace(fits=value.fits | picked.fits)
                    return value
                return sliced(self, base, first, node)
            rows = select(self, base, self.eval(first), node)
            return rows
        if isinstance(index, ir.Sequence):
            return self._columns(base, index)
        return select(self, base, self.eval(index), node)

    def _slice_parts(self, index: ir.Slice) -> None:
        for part in (index.lower, index.upper, index.step):
            if part is not None:
                self.eval(part)

    def _item(self, base: Value, key: object, node: ir.Subscript) -> Value:
        if isinstance(key, int) and not isinstance(key, bool) and base.elts is not None:
            if "repeat" in base.marks:
                return base.elts[0]
            if -len(base.elts) <= key < len(base.elts):
                return base.elts[key]
        for field in base.fields:
            if field.key == key and type(field.key) is type(key):
                return held(base, field)
        if isinstance(key, str):
            meant = role(key)
            if meant and base.rows and "table" not in base.marks and not base.fields:
                # Arrays of one file, splits of one data set: rows of their own.
                parts = frozenset(
                    self.part(p, "split", "named", meant, role=meant, name=key, node=node)
                    for p in base.rows
                )
                return Value(parts, base.fits)
            return column(base, key)
        if base.elts:
            return element(base)
        if base.objs and not base.rows:
            return base
        return Value(base.rows, base.fits, preds=base.preds, marks=base.marks & KEPT)

    def _columns(self, base: Value, names: ir.Expr | None) -> Value:
        """Some columns by name; each with what it has learned."""
        if isinstance(names, ir.Const) and isinstance(names.value, str):
            for field in base.fields:
                if field.key == names.value:
                    return held(base, field)
            return column(base, names.value)
        words = constant_words(names)
        if words is None:
            return base._replace(elts=None, marks=base.marks | {"without:?"})
        fits = base.fits - frozenset().union(*(f.extra for f in base.fields))
        kept = tuple(f for f in base.fields if f.key in words)
        fits = fits.union(*(f.extra for f in kept))
        marks = (base.marks - COLUMN) | frozenset(f"only:{w}" for w in words)
        return base._replace(fits=fits, fields=kept, elts=None, marks=marks)

    def _call(self, node: ir.Call) -> Value:
        return call_value(self, node)

    def _sequence(self, node: ir.Sequence) -> Value:
        values: list[Value] = []
        for elt in node.elts:
            if isinstance(elt, ir.Starred):
                inner = self.eval(elt.value)
                values += inner.elts or (inner,)
            else:
                value = self.eval(elt)
                if isinstance(elt, ir.Name) and value.rows and value.elts is None:
                    value = marked(value, value.marks | {f"is:{elt.id}"})
                values.append(value)
        if len(values) > MOST_ELEMENTS:
            values = values[:MOST_ELEMENTS]
        if node.kind != "tuple" and not values:
            return Value(elts=(), marks=frozenset(("list",)))
        const: object = ABSENT
        return Value(elts=tuple(values), const=const, marks=frozenset((node.kind,)))

    def _dict(self, node: ir.Dict) -> Value:
        fields: list[Field] = []
        whole: list[Value] = []
        for key, item in node.items[:MOST_FIELDS]:
            value = self.eval(item)
            if isinstance(key, ir.Const):
                fields.append(Field(key.value, value))
            elif key is None:
                fields += value.fields
            else:
                self.eval(key)
                whole.append(value)
        objs: frozenset[Obj] = frozenset().union(*(v.objs for v in whole))
        return Value(objs=objs, fields=tuple(fields), marks=frozenset(("dict",)))

    def _binary(self, node: ir.Binary) -> Value:
        left, right = self.eval(node.left), self.eval(node.right)
        if node.op in ("and", "or"):
            return join(left, right)
        if node.op in "&|" and ("mask" in left.marks or "mask" in right.marks):
            return Value(marks=frozenset(("mask",)), fits=left.fits | right.fits)
        if node.op == "+" and left.elts is not None and right.elts is not None:
            if "repeat" not in left.marks | right.marks:
                return left._replace(elts=(left.elts + right.elts)[:MOST_ELEMENTS])
            both = left.elts + right.elts
            if both:
                rows = element(left), element(right)
                return Value(elts=(join(*rows),), marks=frozenset(("repeat", "list")))
        if node.op == "+" and left.rows and right.elts and "repeat" in right.marks:
            return put_together(self, node, (left, element(right)), by_rows=True)
        if node.op == "*" and left.elts is not None and not right.rows:
            return left
        return keep_label(mix((left, right)), left, right)

    def _unary(self, node: ir.Unary) -> Value:
        value = self.eval(node.operand)
        if node.op in "~-" and "mask" in value.marks:
            rows = frozenset(
                self.part(p.parent, p.kind, p.key, opposite(p.side), node=p.node)
                if p.parent is not None
                else p
                for p in value.rows
            )
            return value._replace(rows=rows)
        return NOTHING if node.op == "not" else value._replace(const=ABSENT)

    def _compare(self, node: ir.Compare) -> Value:
        values = [self.eval(o) for o in node.operands]
        return mask_of(self, node, values)

    def _choice(self, node: ir.Choice) -> Value:
        self.eval(node.test)
        return join(self.eval(node.body), self.eval(node.orelse))

    def _lambda(self, node: ir.Lambda) -> Value:
        made = self.obj(node, "function")
        if self.frame is not None:
            self.closures[made] = self.frame
        return holding(made)

    def _comprehension(self, node: ir.Comprehension) -> Value:
        frame = self.frame
        inner = Frame(node, {}, frame)
        if frame is not None:
            inner.owner = frame.owner
        self.frame = inner
        try:
            with self.looping(node):
                rows: list[Value] = []
                for target, iterable in node.loops:
                    whole = self.eval(iterable)
                    rows.append(whole)
                    self.assign(target, element(whole))
                for condition in node.conditions:
                    self.eval(condition)
                if node.key is not None:
                    self.eval(node.key)
                value = self.eval(node.element)
        finally:
            self.frame = frame
        marks = {"repeat", "list"}
        if node.conditions:
            marks.add("fewer")
        return Value(elts=(value,), marks=frozenset(marks))

    def _formatted(self, node: ir.Formatted) -> Value:
        whole = mix([self.eval(part) for part in node.parts])
        return Value(whole.rows) if whole.rows else NOTHING

    def _starred(self, node: ir.Starred) -> Value:
        return self.eval(node.value)

    def _walrus(self, node: ir.Walrus) -> Value:
        value = self.eval(node.value)
        self.bind(node.name, value)
        return value

    def _wrapped(self, node: ir.Wrapped) -> Value:
        if node.value is None:
            return NOTHING
        value = self.eval(node.value)
        if node.kind == "yield" and self.frame is not None:
            item = Value(elts=(value,), marks=frozenset(("repeat",)))
            old = self.frame.result
            self.frame.result = item if old is None else join(old, item)
        return value

    # -------------------------------------------------------------------------- statements
    def run(self, body: tuple[ir.Stmt, ...]) -> None:
        """Run statements in order."""
        for stmt in body:
            do = _EXECUTE.get(type(stmt))
            if do is not None:
                do(self, stmt)

    def _evaluate(self, stmt: ir.Evaluate) -> None:
        self.eval(stmt.value)

    def _assign(self, stmt: ir.Assign) -> None:
        if stmt.value is None:
            return
        before = self.targets
        self.targets = tuple(
            self.text(part)
            for target in stmt.targets
            for part in (target.elts if isinstance(target, ir.Sequence) else (target,))
        )
        value = self.eval(stmt.value)
        self.targets = before
        if stmt.op:
            target = stmt.targets[0]
            old = self.eval(target)
            if old.elts is not None and value.elts is not None and stmt.op == "+":
                value = old._replace(elts=(old.elts + value.elts)[:MOST_ELEMENTS])
            else:
                value = keep_label(mix((old, value)), old, value)
                if old.marks & KEPT:
                    value = value._replace(marks=old.marks & KEPT)
            self.assign(target, value)
            return
        for target in stmt.targets:
            self.assign(target, value)

    def assign(self, target: ir.Expr, value: Value) -> None:
        """Give a target a value."""
        if isinstance(target, ir.Name):
            self.bind(target.id, value)
            if value is not NOTHING:
                self.effect.values[target] = value
        elif isinstance(target, ir.Sequence):
            self._unpack(target, value)
        elif isinstance(target, ir.Attribute):
            base = self.eval(target.value)
            if base.objs and not base.rows:
                for obj in base.objs:
                    self.put((obj, target.attr), value)
            elif not base.ref:
                self.change(target.value, value, target.attr)
        elif isinstance(target, ir.Subscript):
            self._store(target, value)
        elif isinstance(target, ir.Starred):
            self.assign(target.value, value)

    def _unpack(self, target: ir.Sequence, value: Value) -> None:
        elts = value.elts
        if elts is not None and "repeat" not in value.marks and len(elts) == len(target.elts):
            for part, item in zip(target.elts, elts, strict=True):
                self.assign(part, item)
            return
        item = element(value) if elts is not None else value._replace(elts=None, const=ABSENT)
        if item.ref:
            item = NOTHING
        for part in target.elts:
            self.assign(part, item)

    def _store(self, target: ir.Subscript, value: Value) -> None:
        index = target.index
        if not isinstance(index, ir.Slice):
            self.eval(index)
        holder = target.value
        if isinstance(holder, ir.Attribute) and holder.attr in ("loc", "iloc", "at", "iat"):
            holder = holder.value
            if isinstance(index, ir.Sequence) and len(index.elts) == 2:
                first, index = index.elts
                if not (isinstance(first, ir.Slice) and first.lower is first.upper is None):
                    old = self.eval(holder)
                    new = value.fits - old.fits
                    if new or value.preds:
                        self.change(holder, Value(fits=value.fits), None)
                    return
        words = constant_words(index)
        if isinstance(index, ir.Const) and isinstance(index.value, str | int):
            self.change(holder, value, index.value)
        elif words:
            for word in words[:MOST_FIELDS]:
                self.change(holder, value, word)
        else:
            self.change(holder, value, None)

    def change(self, holder: ir.Expr, value: Value, key: object) -> None:
        """What `holder[key] = value` does to what is known of the holder (any key for None)."""
        if isinstance(holder, ir.Attribute):
            base = self.eval(holder.value)
            if base.objs and not base.rows:
                for obj in base.objs:
                    old = self.get((obj, holder.attr)) or NOTHING
                    self.put((obj, holder.attr), stored(old, value, key))
            elif not base.ref:
                self.change(holder.value, value, key)
            return
        if isinstance(holder, ir.Subscript):
            inner = holder.index
            if isinstance(inner, ir.Const) and not self.eval(holder.value).rows:
                item = stored(self.eval(holder), value, key)
                self.change(holder.value, item, inner.value)
            else:
                self.change(holder.value, value, None)
            return
        if not isinstance(holder, ir.Name):
            return
        old = self.lookup(holder.id) or NOTHING
        if not old.ref:
            self.rebind(holder.id, stored(old, value, key))

    def _import(self, stmt: ir.Import) -> None:
        for local, dotted in stmt.names:
            if local == "*":
                old = self.get("*") or NOTHING
                elts = (*(e for e in old.elts or () if e.ref != dotted), Value(ref=dotted))
                self.put("*", Value(elts=elts))
            else:
                self.bind(local, reference(dotted))

    def _if(self, stmt: ir.If) -> None:
        self.eval(stmt.test)
        self.branch(lambda: self.run(stmt.body), lambda: self.run(stmt.orelse))

    def _for(self, stmt: ir.For) -> None:
        whole = self.eval(stmt.iterable)
        item = element(whole)

        def once() -> None:
            self.assign(stmt.target, item)
            self.run(stmt.body)

        elts = whole.elts
        with self.looping(stmt):
            if (
                elts is not None
                and 1 < len(elts) <= 4
                and "repeat" not in whole.marks
                and all(e.rows for e in elts)
                and isinstance(stmt.target, ir.Name)
            ):
                for elt in elts:
                    self._table(stmt, stmt.target.id, elt)
            else:
                self.branch(once, lambda: None)
                once()
        self.run(stmt.orelse)

    def _table(self, stmt: ir.For, name: str, table: Value) -> None:
        """One round over a table by name: what is changed in it is changed in the table."""
        source = next((m[3:] for m in table.marks if m.startswith("is:")), "")
        start = table._replace(marks=table.marks - {f"is:{source}"})
        if source:
            now = self.lookup(source)
            if now is not None and now.rows == start.rows:
                start = now
        self.bind(name, start)
        self.run(stmt.body)
        end = self.lookup(name)
        if source and end is not None and end is not start and self.in_place(name):
            self.rebind(source, end)

    def _while(self, stmt: ir.While) -> None:
        def once() -> None:
            self.eval(stmt.test)
            self.run(stmt.body)

        with self.looping(stmt):
            self.branch(once, lambda: None)
            once()
        self.run(stmt.orelse)

    def _try(self, stmt: ir.Try) -> None:
        self.run(stmt.body)
        arms: list[Callable[[], None]] = [lambda: self.run(stmt.orelse)]
        for handler in stmt.handlers:
            arms.append(lambda body=handler.body: self.run(body))  # type: ignore[misc]
        self.branch(*arms)
        self.run(stmt.final)

    def _with(self, stmt: ir.With) -> None:
        for value, target in stmt.items:
            known = self.eval(value)
            if target is not None:
                self.assign(target, known)
        self.run(stmt.body)

    def _function(self, stmt: ir.Function) -> None:
        for decorator in stmt.decorators:
            self.eval(decorator)
        made = self.obj(stmt, "function")
        if self.frame is not None:
            self.closures[made] = self.frame
        self.bind(stmt.name, holding(made))

    def _class(self, stmt: ir.Class) -> None:
        known = [self.eval(base) for base in stmt.bases]
        kind = next((v.ref for v in known if v.ref), "")
        if not kind:
            kind = next(
                (o.kind for v in known for o in ordered(v.objs) if o.cls is not None), "class:"
            )
            kind = kind.partition(":")[2]
        made = self.obj(stmt, f"class:{kind}", cls=stmt)
        self.bind(stmt.name, holding(made))

    def _return(self, stmt: ir.Return) -> None:
        if stmt.value is None:
            return
        value = self.eval(stmt.value)
        if self.frame is not None:
            old = self.frame.result
            self.frame.result = value if old is None else join(old, value)

    def _raise(self, stmt: ir.Raise) -> None:
        if stmt.value is not None:
            self.eval(stmt.value)

    def _assert(self, stmt: ir.Assert) -> None:
        self.eval(stmt.test)

    def _delete(self, stmt: ir.Delete) -> None:
        for target in stmt.targets:
            if isinstance(target, ir.Subscript) and isinstance(target.index, ir.Const):
                base = self.eval(target.value)
                if isinstance(target.value, ir.Name) and base.rows:
                    self.rebind(target.value.id, without(base, (target.index.value,)))

    def _global(self, stmt: ir.Global) -> None:
        if self.frame is not None:
            self.frame.globals.update(stmt.names)


_EVALUATE: dict[type, Callable[[Machine, ir.Expr], Value]] = {
    ir.Name: Machine._name,  # type: ignore[dict-item]
    ir.Const: Machine._const,  # type: ignore[dict-item]
    ir.Attribute: Machine._attribute,  # type: ignore[dict-item]
    ir.Subscript: Machine._subscript,  # type: ignore[dict-item]
    ir.Call: Machine._call,  # type: ignore[dict-item]
    ir.Sequence: Machine._sequence,  # type: ignore[dict-item]
    ir.Dict: Machine._dict,  # type: ignore[dict-item]
    ir.Binary: Machine._binary,  # type: ignore[dict-item]
    ir.Unary: Machine._unary,  # type: ignore[dict-item]
    ir.Compare: Machine._compare,  # type: ignore[dict-item]
    ir.Choice: Machine._choice,  # type: ignore[dict-item]
    ir.Lambda: Machine._lambda,  # type: ignore[dict-item]
    ir.Comprehension: Machine._comprehension,  # type: ignore[dict-item]
    ir.Formatted: Machine._formatted,  # type: ignore[dict-item]
    ir.Starred: Machine._starred,  # type: ignore[dict-item]
    ir.Walrus: Machine._walrus,  # type: ignore[dict-item]
    ir.Wrapped: Machine._wrapped,  # type: ignore[dict-item]
}
_EXECUTE: dict[type, Callable[[Machine, ir.Stmt], None]] = {
    ir.Assign: Machine._assign,  # type: ignore[dict-item]
    ir.Evaluate: Machine._evaluate,  # type: ignore[dict-item]
    ir.Import: Machine._import,  # type: ignore[dict-item]
    ir.If: Machine._if,  # type: ignore[dict-item]
    ir.For: Machine._for,  # type: ignore[dict-item]
    ir.While: Machine._while,  # type: ignore[dict-item]
    ir.Try: Machine._try,  # type: ignore[dict-item]
    ir.With: Machine._with,  # type: ignore[dict-item]
    ir.Function: Machine._function,  # type: ignore[dict-item]
    ir.Class: Machine._class,  # type: ignore[dict-item]
    ir.Return: Machine._return,  # type: ignore[dict-item]
    ir.Raise: Machine._raise,  # type: ignore[dict-item]
    ir.Assert: Machine._assert,  # type: ignore[dict-item]
    ir.Delete: Machine._delete,  # type: ignore[dict-item]
    ir.Global: Machine._global,  # type: ignore[dict-item]
}
