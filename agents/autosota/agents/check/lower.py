"""From tree-sitter's tree to ours: one unit per top-level statement.

Depth is capped and recursion with it; a region that does not parse becomes `Broken` and marks
its unit, with whatever whole statements stand inside it kept. What names mean is not known here.
"""

from __future__ import annotations

import ast
from collections.abc import Callable

from tree_sitter import Node as Tree

from autosota.agents.check import ir

DEEPEST = 90
"""Levels of nesting that are followed; below that an expression is `Unknown`."""
_SKIP = frozenset({"comment", "line_continuation", "ERROR"})
_ASSIGNMENTS = frozenset({"assignment", "augmented_assignment"})
_BINARY = frozenset(
    ["+", "-", "*", "/", "//", "%", "**", "@", "&", "|", "^", "<<", ">>", "and", "or"]
)


def lowered(node: Tree, unit: ir.Unit) -> tuple[ir.Stmt, ...]:
    """The statements of a unit that stands at this node."""
    return Lowering(unit, node.start_byte).statement(node)


class Lowering:
    """Lowers the statements of one unit."""

    __slots__ = ("base", "depth", "plain", "unit")

    def __init__(self, unit: ir.Unit, base: int) -> None:
        """`base` is the byte of what was parsed at which the unit starts."""
        self.unit = unit
        self.plain = unit.text.decode("ascii") if unit.text.isascii() else ""
        self.base = base
        self.depth = 0

    # ------------------------------------------------------------------------- statements
    def statement(self, node: Tree) -> tuple[ir.Stmt, ...]:
        """One statement of the tree as statements of ours."""
        make = _STATEMENTS.get(node.type)
        if make is None:
            return ()
        start, end = node.start_byte - self.base, node.end_byte - self.base
        if self.depth > DEEPEST:
            return (ir.Broken(self.unit, start, end),)
        self.depth += 1
        found = make(self, node, start, end)
        self.depth -= 1
        return found

    def _block(self, node: Tree, start: int, end: int) -> tuple[ir.Stmt, ...]:
        return self.block(node)

    def block(self, node: Tree | None) -> tuple[ir.Stmt, ...]:
        """The statements of a block (or of anything that holds some)."""
        if node is None:
            return ()
        found: list[ir.Stmt] = []
        for child in node.named_children:
            found += self.statement(child)
        return tuple(found)

    def span(self, node: Tree) -> tuple[int, int]:
        """The bytes of a node in the unit."""
        return node.start_byte - self.base, node.end_byte - self.base

    def text(self, start: int, end: int) -> str:
        """The text of these bytes of the unit."""
        return self.plain[start:end] or self.unit.text[start:end].decode("utf-8", "replace")

    def word(self, node: Tree) -> str:
        """The text of a node."""
        start, end = node.start_byte - self.base, node.end_byte - self.base
        return self.plain[start:end] or self.text(start, end)

    def inner(self, node: Tree, fewest: int = 0) -> list[Tree]:
        """The named children that carry meaning, `fewest` of which the grammar asks for."""
        named = node.named_children
        if len(named) == fewest:
            return named
        return [c for c in named if c.type not in _SKIP]

    def _expression_statement(self, node: Tree, start: int, end: int) -> tuple[ir.Stmt, ...]:
        named = node.named_children
        if len(named) != 1:
            named = [c for c in named if c.type not in _SKIP]
        if len(named) == 1:
            kind = named[0].type
            if kind == "assignment":
                return (self._assignment(named[0]),)
            if kind == "augmented_assignment":
                return (self._augmented(named[0]),)
            return (ir.Evaluate(self.unit, start, end, self.expr(named[0])),)
        if not named:
            return ()
        whole = ir.Sequence(self.unit, start, end, "tuple", tuple(map(self.expr, named)))
        return (ir.Evaluate(self.unit, start, end, whole),)

    def _assignment(self, node: Tree) -> ir.Stmt:
        start, end = node.start_byte - self.base, node.end_byte - self.base
        pieces = node.children
        if len(pieces) == 3 and pieces[1].type == "=" and pieces[2].type not in _ASSIGNMENTS:
            target = self.expr(pieces[0])
            return ir.Assign(self.unit, start, end, (target,), self.expr(pieces[2]))
        targets: list[ir.Expr] = []
        annotation = None
        here: Tree | None = node
        value = None
        while here is not None and here.type == "assignment":
            left = here.child_by_field_name("left")
            kind = here.child_by_field_name("type")
            right = here.child_by_field_name("right")
            if left is not None:
                targets.append(self.expr(left))
            if kind is not None:
                annotation = self.expr(kind)
            if right is not None and right.type not in _ASSIGNMENTS:
                value = self.expr(right)
            here = right
        return ir.Assign(self.unit, start, end, tuple(targets), value, "", annotation)

    def _augmented(self, node: Tree) -> ir.Stmt:
        start, end = self.span(node)
        left = node.child_by_field_name("left")
        right = node.child_by_field_name("right")
        operator = node.child_by_field_name("operator")
        if left is None or right is None:
            return ir.Broken(self.unit, start, end)
        op = self.word(operator)[:-1] if operator is not None else "+"
        return ir.Assign(self.unit, start, end, (self.expr(left),), self.expr(right), op or "+")

    def _import(self, node: Tree, start: int, end: int) -> tuple[ir.Stmt, ...]:
        names: list[tuple[str, str]] = []
        for child in self.inner(node):
            if child.type == "aliased_import":
                path, alias = self._aliased(child)
                names.append((alias, path))
            elif child.type == "dotted_name":
                top = self.word(child).split(".")[0].strip()
                names.append((top, top))
        return (ir.Import(self.unit, start, end, tuple(names)),)

    def _aliased(self, node: Tree) -> tuple[str, str]:
        parts = self.inner(node)
        path = "".join(self.word(parts[0]).split())
        return path, self.word(parts[-1])

    def _import_from(self, node: Tree, start: int, end: int) -> tuple[ir.Stmt, ...]:
        parts = self.inner(node)
        if not parts:
            return ()
        module = "".join(self.word(parts[0]).split())
        if node.type == "future_import_statement":
            return ()
        names: list[tuple[str, str]] = []
        for child in parts[1:]:
            if child.type == "wildcard_import":
                names.append(("*", module))
            elif child.type == "aliased_import":
                path, alias = self._aliased(child)
                names.append((alias, _dotted(module, path)))
            else:
                word = self.word(child)
                names.append((word, _dotted(module, word)))
        return (ir.Import(self.unit, start, end, tuple(names)),)

    def _if(self, node: Tree, start: int, end: int) -> tuple[ir.Stmt, ...]:
        test = node.child_by_field_name("condition")
        arms: list[tuple[Tree, ir.Expr, tuple[ir.Stmt, ...]]] = []
        orelse: tuple[ir.Stmt, ...] = ()
        body = self.block(node.child_by_field_name("consequence"))
        arms.append((node, self.expr(test) if test else ir.Unknown(self.unit, start, end), body))
        for child in node.children:
            if child.type == "elif_clause":
                test = child.child_by_field_name("condition")
                body = self.block(child.child_by_field_name("consequence"))
                known = self.expr(test) if test else ir.Unknown(self.unit, *self.span(child))
                arms.append((child, known, body))
            elif child.type == "else_clause":
                orelse = self.block(child.child_by_field_name("body"))
        for at, known, body in reversed(arms):
            orelse = (ir.If(self.unit, *self.span(at), known, body, orelse),)
        return orelse

    def _match(self, node: Tree, start: int, end: int) -> tuple[ir.Stmt, ...]:
        orelse: tuple[ir.Stmt, ...] = ()
        cases = [c for b in node.children if b.type == "block" for c in b.children]
        for case in reversed([c for c in cases if c.type == "case_clause"][:DEEPEST]):
            body = self.block(case.child_by_field_name("consequence"))
            start, end = self.span(case)
            test = ir.Unknown(self.unit, start, end)
            orelse = (ir.If(self.unit, start, end, test, body, orelse),)
        return orelse

    def _for(self, node: Tree, start: int, end: int) -> tuple[ir.Stmt, ...]:
        left = node.child_by_field_name("left")
        right = node.child_by_field_name("right")
        unknown = ir.Unknown(self.unit, start, end)
        return (
            ir.For(
                self.unit,
                start,
                end,
                self.expr(left) if left else unknown,
                self.expr(right) if right else unknown,
                self.block(node.child_by_field_name("body")),
                self._else(node),
            ),
        )

    def _else(self, node: Tree) -> tuple[ir.Stmt, ...]:
        for child in node.children:
            if child.type == "else_clause":
                return self.block(child.child_by_field_name("body"))
        return ()

    def _while(self, node: Tree, start: int, end: int) -> tuple[ir.Stmt, ...]:
        test = node.child_by_field_name("condition")
        known = self.expr(test) if test else ir.Unknown(self.unit, start, end)
        body = self.block(node.child_by_field_name("body"))
        return (ir.While(self.unit, start, end, known, body, self._else(node)),)

    def _try(self, node: Tree, start: int, end: int) -> tuple[ir.Stmt, ...]:
        body: tuple[ir.Stmt, ...] = ()
        handlers: list[ir.Handler] = []
        final: tuple[ir.Stmt, ...] = ()
        for child in node.children:
            kind = child.type
            if kind == "block":
                body = self.block(child)
            elif kind in ("except_clause", "except_group_clause"):
                kinds, name = None, ""
                inner: tuple[ir.Stmt, ...] = ()
                for part in self.inner(child):
                    if part.type == "block":
                        inner = self.block(part)
                    elif part.type == "as_pattern":
                        pieces = self.inner(part)
                        kinds = self.expr(pieces[0])
                        name = self.word(pieces[-1])
                    elif kinds is None:
                        kinds = self.expr(part)
                handlers.append(ir.Handler(self.unit, *self.span(child), kinds, name, inner))
            elif kind == "finally_clause":
                final = next((self.block(c) for c in child.children if c.type == "block"), ())
        return (ir.Try(self.unit, start, end, body, tuple(handlers), self._else(node), final),)

    def _with(self, node: Tree, start: int, end: int) -> tuple[ir.Stmt, ...]:
        items: list[tuple[ir.Expr, ir.Expr | None]] = []
        for clause in node.children:
            if clause.type != "with_clause":
                continue
            for item in self.inner(clause):
                for value in self.inner(item):
                    if value.type == "as_pattern":
                        pieces = self.inner(value)
                        items.append((self.expr(pieces[0]), self.expr(pieces[-1])))
                    else:
                        items.append((self.expr(value), None))
        body = self.block(node.child_by_field_name("body"))
        return (ir.With(self.unit, start, end, tuple(items), body),)

    def _decorated(self, node: Tree, start: int, end: int) -> tuple[ir.Stmt, ...]:
        decorators = tuple(
            self.expr(part)
            for child in node.children
            if child.type == "decorator"
            for part in self.inner(child)[:1]
        )
        inner = node.child_by_field_name("definition")
        found = self.statement(inner) if inner is not None else ()
        for stmt in found:
            if isinstance(stmt, ir.Function | ir.Class):
                stmt.decorators = decorators
        return found

    def _function(self, node: Tree, start: int, end: int) -> tuple[ir.Stmt, ...]:
        name = node.child_by_field_name("name")
        params = self._params(node.child_by_field_name("parameters"))
        body = self.block(node.child_by_field_name("body"))
        word = self.word(name) if name else ""
        return (ir.Function(self.unit, start, end, word, params, body, ()),)

    def _params(self, node: Tree | None) -> tuple[ir.Param, ...]:
        found: list[ir.Param] = []
        for child in self.inner(node) if node is not None else ():
            kind, default, stars = child.type, None, ""
            if kind == "identifier":
                found.append(ir.Param(self.word(child)))
                continue
            at: Tree | None = child
            if kind in ("default_parameter", "typed_default_parameter"):
                at = child.child_by_field_name("name")
                value = child.child_by_field_name("value")
                default = self.expr(value) if value is not None else None
            elif kind == "typed_parameter":
                at = next(iter(self.inner(child)), None)
            if at is not None and at.type in ("list_splat_pattern", "dictionary_splat_pattern"):
                stars = "*" if at.type.startswith("list") else "**"
                at = next(iter(self.inner(at)), None)
            if at is not None and at.type == "identifier":
                found.append(ir.Param(self.word(at), default, stars))
        return tuple(found)

    def _class(self, node: Tree, start: int, end: int) -> tuple[ir.Stmt, ...]:
        name = node.child_by_field_name("name")
        bases = node.child_by_field_name("superclasses")
        known = tuple(
            self.expr(b)
            for b in (self.inner(bases) if bases else ())
            if b.type != "keyword_argument"
        )
        body = self.block(node.child_by_field_name("body"))
        return (ir.Class(self.unit, start, end, self.word(name) if name else "", known, body, ()),)

    def _return(self, node: Tree, start: int, end: int) -> tuple[ir.Stmt, ...]:
        return (ir.Return(self.unit, start, end, self._only(node)),)

    def _raise(self, node: Tree, start: int, end: int) -> tuple[ir.Stmt, ...]:
        named = self.inner(node)
        return (ir.Raise(self.unit, start, end, self.expr(named[0]) if named else None),)

    def _only(self, node: Tree) -> ir.Expr | None:
        named = self.inner(node)
        if not named:
            return None
        if len(named) == 1:
            return self.expr(named[0])
        return ir.Sequence(self.unit, *self.span(node), "tuple", tuple(map(self.expr, named)))

    def _assert(self, node: Tree, start: int, end: int) -> tuple[ir.Stmt, ...]:
        named = self.inner(node)
        return (ir.Assert(self.unit, start, end, self.expr(named[0])),) if named else ()

    def _delete(self, node: Tree, start: int, end: int) -> tuple[ir.Stmt, ...]:
        named = self.inner(node)
        if len(named) == 1 and named[0].type in ("expression_list", "tuple"):
            named = self.inner(named[0])
        return (ir.Delete(self.unit, start, end, tuple(map(self.expr, named))),)

    def _jump(self, node: Tree, start: int, end: int) -> tuple[ir.Stmt, ...]:
        return (ir.Jump(self.unit, start, end, node.type.removesuffix("_statement")),)

    def _global(self, node: Tree, start: int, end: int) -> tuple[ir.Stmt, ...]:
        return (ir.Global(self.unit, start, end, tuple(map(self.word, self.inner(node)))),)

    def _print(self, node: Tree, start: int, end: int) -> tuple[ir.Stmt, ...]:
        args = tuple(self.expr(c) for c in self.inner(node) if c.type != "chevron")
        func = ir.Name(self.unit, start, start + 5, "print")
        call = ir.Call(self.unit, start, end, func, args, ())
        return (ir.Evaluate(self.unit, start, end, call),)

    def _error(self, node: Tree, start: int, end: int) -> tuple[ir.Stmt, ...]:
        return (ir.Broken(self.unit, start, end), *self.block(node))

    # ------------------------------------------------------------------------ expressions
    def expr(self, node: Tree) -> ir.Expr:
        """One expression of the tree as one of ours."""
        kind = node.type
        start, end = node.start_byte - self.base, node.end_byte - self.base
        depth = self.depth
        if depth > DEEPEST:
            return ir.Unknown(self.unit, start, end)
        if kind == "identifier":  # half of all
            return ir.Name(self.unit, start, end, self.plain[start:end] or self.text(start, end))
        make = _EXPRESSIONS.get(kind)
        if make is None:
            return ir.Unknown(self.unit, start, end)
        self.depth = depth + 1
        found = make(self, node, start, end)
        self.depth = depth
        return found

    def _identifier(self, node: Tree, start: int, end: int) -> ir.Expr:
        return ir.Name(self.unit, start, end, self.text(start, end))

    def _attribute(self, node: Tree, start: int, end: int) -> ir.Expr:
        named = node.named_children
        if len(named) != 2:
            named = self.inner(node)
            if len(named) < 2:
                return ir.Unknown(self.unit, start, end)
        word = named[-1]
        first, last = word.start_byte - self.base, word.end_byte - self.base
        attr = self.plain[first:last] or self.text(first, last)
        return ir.Attribute(self.unit, start, end, self.expr(named[0]), attr)

    def _call(self, node: Tree, start: int, end: int) -> ir.Expr:
        named = node.named_children
        if len(named) != 2:
            named = self.inner(node)
            if len(named) < 2:
                return ir.Unknown(self.unit, start, end)
        func = self.expr(named[0])
        if named[1].type == "generator_expression":
            return ir.Call(self.unit, start, end, func, (self.expr(named[1]),), ())
        args: list[ir.Expr] = []
        keywords: list[tuple[str | None, ir.Expr]] = []
        for child in named[1].named_children:
            kind = child.type
            if kind == "keyword_argument":
                pieces = child.named_children
                if len(pieces) != 2:
                    pieces = self.inner(child)
                if len(pieces) == 2:
                    keywords.append((self.word(pieces[0]), self.expr(pieces[1])))
            elif kind == "dictionary_splat":
                keywords += [(None, self.expr(p)) for p in self.inner(child)[:1]]
            elif kind not in _SKIP:
                args.append(self.expr(child))
        return ir.Call(self.unit, start, end, func, tuple(args), tuple(keywords))

    def _subscript(self, node: Tree, start: int, end: int) -> ir.Expr:
        named = self.inner(node, 2)
        if len(named) < 2:
            return ir.Unknown(self.unit, start, end)
        value = self.expr(named[0])
        if len(named) == 2 and not any(c.type == "," for c in node.children):
            return ir.Subscript(self.unit, start, end, value, self.expr(named[1]))
        first, last = self.span(named[1])[0], self.span(named[-1])[1]
        elts = tuple(map(self.expr, named[1:]))
        index = ir.Sequence(self.unit, first, last, "tuple", elts)
        return ir.Subscript(self.unit, start, end, value, index)

    def _slice(self, node: Tree, start: int, end: int) -> ir.Expr:
        bounds: list[ir.Expr | None] = [None, None, None]
        at = 0
        for child in node.children:
            if child.type == ":":
                at = min(at + 1, 2)
            elif child.is_named and child.type not in _SKIP:
                bounds[at] = self.expr(child)
        return ir.Slice(self.unit, start, end, bounds[0], bounds[1], bounds[2])

    def _sequence(self, node: Tree, start: int, end: int) -> ir.Expr:
        kind = "list" if "list" in node.type and "expression" not in node.type else "tuple"
        kind = "set" if node.type == "set" else kind
        if node.type in ("expression_list", "pattern_list", "tuple_pattern"):
            kind = "tuple"
        return ir.Sequence(self.unit, start, end, kind, tuple(map(self.expr, self.inner(node))))

    def _paren(self, node: Tree, start: int, end: int) -> ir.Expr:
        named = self.inner(node, 1)
        return self.expr(named[0]) if named else ir.Unknown(self.unit, start, end)

    def _dict(self, node: Tree, start: int, end: int) -> ir.Expr:
        items: list[tuple[ir.Expr | None, ir.Expr]] = []
        for child in self.inner(node):
            named = self.inner(child, 2)
            if child.type == "pair" and len(named) == 2:
                items.append((self.expr(named[0]), self.expr(named[1])))
            elif named:
                items.append((None, self.expr(named[0])))
        return ir.Dict(self.unit, start, end, tuple(items))

    def _binary(self, node: Tree, start: int, end: int) -> ir.Expr:
        pieces = node.children
        if len(pieces) == 3:
            left, between, right = pieces
            kind = between.type
            op = kind if kind in _BINARY else "?"
            return ir.Binary(self.unit, start, end, op, self.expr(left), self.expr(right))
        named = self.inner(node)
        if len(named) < 2:
            return ir.Unknown(self.unit, start, end)
        op = next((c.type for c in node.children if c.type in _BINARY), "?")
        return ir.Binary(self.unit, start, end, op, self.expr(named[0]), self.expr(named[-1]))

    def _unary(self, node: Tree, start: int, end: int) -> ir.Expr:
        named = self.inner(node)
        if not named:
            return ir.Unknown(self.unit, start, end)
        operand = self.expr(named[-1])
        op = node.children[0].type
        if (
            op == "-"
            and isinstance(operand, ir.Const)
            and type(operand.value) in (int, float)
            and isinstance(operand.value, int | float)
        ):
            return ir.Const(self.unit, start, end, -operand.value)
        return ir.Unary(self.unit, start, end, op, operand)

    def _compare(self, node: Tree, start: int, end: int) -> ir.Expr:
        ops: list[str] = []
        operands: list[ir.Expr] = []
        for child in node.children:
            if not child.is_named:
                ops.append(" ".join(self.word(child).split()))
            elif child.type not in _SKIP:
                operands.append(self.expr(child))
        return ir.Compare(self.unit, start, end, tuple(ops), tuple(operands))

    def _choice(self, node: Tree, start: int, end: int) -> ir.Expr:
        named = self.inner(node)
        if len(named) < 3:
            return ir.Unknown(self.unit, start, end)
        body, test, orelse = (self.expr(n) for n in named[:3])
        return ir.Choice(self.unit, start, end, test, body, orelse)

    def _lambda(self, node: Tree, start: int, end: int) -> ir.Expr:
        params = self._params(node.child_by_field_name("parameters"))
        body = node.child_by_field_name("body")
        known = self.expr(body) if body is not None else ir.Unknown(self.unit, start, end)
        return ir.Lambda(self.unit, start, end, params, known)

    def _comprehension(self, node: Tree, start: int, end: int) -> ir.Expr:
        kind = node.type.split("_")[0].replace("dictionary", "dict")
        named = self.inner(node)
        if not named:
            return ir.Unknown(self.unit, start, end)
        key = None
        if named[0].type == "pair":
            pieces = self.inner(named[0])
            key = self.expr(pieces[0])
            element = self.expr(pieces[-1])
        else:
            element = self.expr(named[0])
        loops: list[tuple[ir.Expr, ir.Expr]] = []
        conditions: list[ir.Expr] = []
        for clause in named[1:]:
            if clause.type == "for_in_clause":
                left = clause.child_by_field_name("left")
                right = clause.child_by_field_name("right")
                if left is not None and right is not None:
                    loops.append((self.expr(left), self.expr(right)))
            elif clause.type == "if_clause":
                conditions += map(self.expr, self.inner(clause)[:1])
        return ir.Comprehension(
            self.unit, start, end, kind, key, element, tuple(loops), tuple(conditions)
        )

    def _string(self, node: Tree, start: int, end: int) -> ir.Expr:
        word = self.plain[start:end] or self.text(start, end)
        if word[:1] in ("'", '"'):
            return ir.Const(self.unit, start, end, _literal(word))
        text: list[str] = []
        values: list[ir.Expr] = []
        for child in node.children:
            if child.type == "string_content":
                text.append(self.word(child))
            elif child.type == "interpolation":
                text.append("{}")
                values += map(self.expr, self.inner(child)[:1])
        if not values:
            return ir.Const(self.unit, start, end, _literal(word))
        return ir.Formatted(self.unit, start, end, "".join(text), tuple(values))

    def _concatenated(self, node: Tree, start: int, end: int) -> ir.Expr:
        values: list[ir.Expr] = []
        text: list[str] = []
        for child in self.inner(node):
            part = self.expr(child)
            if isinstance(part, ir.Const):
                text.append(part.value if isinstance(part.value, str) else "")
            elif isinstance(part, ir.Formatted):
                text.append(part.text)
                values += part.parts
        if values:
            return ir.Formatted(self.unit, start, end, "".join(text), tuple(values))
        return ir.Const(self.unit, start, end, "".join(text))

    def _number(self, node: Tree, start: int, end: int) -> ir.Expr:
        return ir.Const(self.unit, start, end, _literal(self.text(start, end)))

    def _word(self, node: Tree, start: int, end: int) -> ir.Expr:
        value = {"true": True, "false": False, "none": None}.get(node.type, ...)
        return ir.Const(self.unit, start, end, value)

    def _starred(self, node: Tree, start: int, end: int) -> ir.Expr:
        named = self.inner(node)
        return (
            ir.Starred(self.unit, start, end, self.expr(named[0]))
            if named
            else ir.Unknown(self.unit, start, end)
        )

    def _walrus(self, node: Tree, start: int, end: int) -> ir.Expr:
        named = self.inner(node)
        if len(named) < 2:
            return ir.Unknown(self.unit, start, end)
        return ir.Walrus(self.unit, start, end, self.word(named[0]), self.expr(named[1]))

    def _wrapped(self, node: Tree, start: int, end: int) -> ir.Expr:
        return ir.Wrapped(self.unit, start, end, node.type, self._only(node))


def _dotted(module: str, name: str) -> str:
    return f"{module}{name}" if module.endswith(".") else f"{module}.{name}"


def _literal(word: str) -> object:
    if len(word) > 20_000:
        return word
    first = word[:1]
    if first in "'\"" and "\\" not in word:
        if word[:3] in ("'''", '"""') and len(word) >= 6:
            return word[3:-3]
        if len(word) >= 2 and word[-1] == first:
            return word[1:-1]
    elif word.isdecimal() and (len(word) == 1 or first != "0") and len(word) < 19:
        return int(word)
    try:
        return ast.literal_eval(word)
    except (ValueError, SyntaxError, MemoryError, RecursionError, OverflowError, TypeError):
        return word.strip("\"'") if word[-1:] in "\"'" else ...


_STATEMENTS: dict[str, Callable[[Lowering, Tree, int, int], tuple[ir.Stmt, ...]]] = {
    "expression_statement": Lowering._expression_statement,
    "import_statement": Lowering._import,
    "import_from_statement": Lowering._import_from,
    "if_statement": Lowering._if,
    "match_statement": Lowering._match,
    "for_statement": Lowering._for,
    "while_statement": Lowering._while,
    "try_statement": Lowering._try,
    "with_statement": Lowering._with,
    "decorated_definition": Lowering._decorated,
    "function_definition": Lowering._function,
    "class_definition": Lowering._class,
    "return_statement": Lowering._return,
    "raise_statement": Lowering._raise,
    "assert_statement": Lowering._assert,
    "delete_statement": Lowering._delete,
    "pass_statement": Lowering._jump,
    "break_statement": Lowering._jump,
    "continue_statement": Lowering._jump,
    "global_statement": Lowering._global,
    "nonlocal_statement": Lowering._global,
    "print_statement": Lowering._print,
    "ERROR": Lowering._error,
    "block": Lowering._block,
}
_EXPRESSIONS: dict[str, Callable[[Lowering, Tree, int, int], ir.Expr]] = {
    "identifier": Lowering._identifier,
    "keyword_identifier": Lowering._identifier,
    "dotted_name": Lowering._identifier,
    "attribute": Lowering._attribute,
    "call": Lowering._call,
    "subscript": Lowering._subscript,
    "slice": Lowering._slice,
    "tuple": Lowering._sequence,
    "list": Lowering._sequence,
    "set": Lowering._sequence,
    "expression_list": Lowering._sequence,
    "pattern_list": Lowering._sequence,
    "tuple_pattern": Lowering._sequence,
    "list_pattern": Lowering._sequence,
    "parenthesized_expression": Lowering._paren,
    "type": Lowering._paren,
    "as_pattern_target": Lowering._paren,
    "dictionary": Lowering._dict,
    "binary_operator": Lowering._binary,
    "boolean_operator": Lowering._binary,
    "unary_operator": Lowering._unary,
    "not_operator": Lowering._unary,
    "comparison_operator": Lowering._compare,
    "conditional_expression": Lowering._choice,
    "lambda": Lowering._lambda,
    "list_comprehension": Lowering._comprehension,
    "set_comprehension": Lowering._comprehension,
    "dictionary_comprehension": Lowering._comprehension,
    "generator_expression": Lowering._comprehension,
    "string": Lowering._string,
    "concatenated_string": Lowering._concatenated,
    "integer": Lowering._number,
    "float": Lowering._number,
    "true": Lowering._word,
    "false": Lowering._word,
    "none": Lowering._word,
    "ellipsis": Lowering._word,
    "list_splat": Lowering._starred,
    "list_splat_pattern": Lowering._starred,
    "dictionary_splat": Lowering._starred,
    "named_expression": Lowering._walrus,
    "await": Lowering._wrapped,
    "yield": Lowering._wrapped,
}
