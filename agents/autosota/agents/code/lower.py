"""From tree-sitter's concrete tree to Python's own abstract one (`ast`), region by region.

The abstract tree is what the rest of the code model reads: comments, brackets, quotes and line
breaks are gone, and each node keeps its lines. A region that did not parse, or that is nested
too deeply, becomes a call of the name `OPAQUE`, so that nothing is concluded from its absence.
Python is not asked to compile anything; nothing is known here of names or of meaning.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import TypeVar

from tree_sitter import Node

from autosota.agents.code.source import SourceFile

OPAQUE = "<unparsed>"
"""The name that stands for code that could not be read."""

T = TypeVar("T", ast.stmt, ast.expr, ast.ExceptHandler)
_DEPTH = 120
_BINARY: dict[str, type[ast.operator]] = {
    "+": ast.Add,
    "-": ast.Sub,
    "*": ast.Mult,
    "/": ast.Div,
    "//": ast.FloorDiv,
    "%": ast.Mod,
    "**": ast.Pow,
    "@": ast.MatMult,
    "&": ast.BitAnd,
    "|": ast.BitOr,
    "^": ast.BitXor,
    "<<": ast.LShift,
    ">>": ast.RShift,
}
_COMPARE: dict[str, type[ast.cmpop]] = {
    "<": ast.Lt,
    "<=": ast.LtE,
    ">": ast.Gt,
    ">=": ast.GtE,
    "==": ast.Eq,
    "!=": ast.NotEq,
    "<>": ast.NotEq,
    "is": ast.Is,
    "is not": ast.IsNot,
    "in": ast.In,
    "not in": ast.NotIn,
}
_UNARY: dict[str, type[ast.unaryop]] = {"-": ast.USub, "+": ast.UAdd, "~": ast.Invert}


def lower(file: SourceFile) -> ast.Module:
    """The abstract tree of a file, with `lineno` and `end_lineno` on every node."""
    return ast.Module(body=_Lowering(file).block(file.root, 0), type_ignores=[])


def is_opaque(node: ast.AST) -> bool:
    """True for the mark of a region that could not be read."""
    return isinstance(node, ast.Name) and node.id == OPAQUE


class _Lowering:
    def __init__(self, file: SourceFile) -> None:
        self.content = file.content

    def text(self, node: Node | None) -> str:
        if node is None:
            return ""
        return self.content[node.start_byte : node.end_byte].decode("utf-8", "replace")

    def at(self, made: T, node: Node) -> T:
        made.lineno = node.start_point.row + 1
        made.end_lineno = node.end_point.row + 1
        made.col_offset = node.start_point.column
        made.end_col_offset = node.end_point.column
        return made

    def opaque(self, node: Node) -> ast.expr:
        return self.at(ast.Name(OPAQUE, ast.Load()), node)

    # -------------------------------------------------------------- statements

    def block(self, node: Node | None, depth: int) -> list[ast.stmt]:
        out: list[ast.stmt] = []
        for child in node.named_children if node is not None else ():
            if child.type not in ("comment", "line_continuation"):
                out.extend(self.statement(child, depth + 1))
        return out

    def statement(self, node: Node, depth: int) -> list[ast.stmt]:
        kind = node.type
        if depth > _DEPTH or kind == "ERROR" or node.is_missing:
            return [self.at(ast.Expr(self.opaque(node)), node)]
        if kind == "expression_statement":
            return self.simple(node, depth)
        method = getattr(self, f"s_{kind}", None)
        if method is not None:
            made = method(node, depth)
            if isinstance(made, list):
                return made
            return [self.at(made, node)]
        return [self.at(ast.Expr(self.expr(node, depth)), node)]

    def simple(self, node: Node, depth: int) -> list[ast.stmt]:
        children = [c for c in node.named_children if c.type != "comment"]
        if len(children) == 1 and children[0].type == "assignment":
            return self.assignment(children[0], depth)
        if len(children) == 1 and children[0].type == "augmented_assignment":
            inner = children[0]
            operator = self.text(inner.child_by_field_name("operator")).removesuffix("=")
            target = self.field(inner, "left", depth)
            if operator not in _BINARY or not isinstance(
                target, ast.Name | ast.Attribute | ast.Subscript
            ):
                return [self.at(ast.Expr(self.opaque(node)), node)]
            value = self.field(inner, "right", depth)
            return [self.at(ast.AugAssign(target, _BINARY[operator](), value), node)]
        if len(children) == 1:
            return [self.at(ast.Expr(self.expr(children[0], depth)), node)]
        values = [self.expr(c, depth) for c in children]
        return [self.at(ast.Expr(self.at(ast.Tuple(values, ast.Load()), node)), node)]

    def assignment(self, node: Node, depth: int) -> list[ast.stmt]:
        targets: list[ast.expr] = []
        current: Node = node
        while True:
            left = current.child_by_field_name("left")
            right = current.child_by_field_name("right")
            if left is not None:
                targets.append(self.expr(left, depth))
            if right is not None and right.type == "assignment":
                current = right
                continue
            break
        annotated = current.child_by_field_name("type") is not None
        if annotated and len(targets) == 1:
            value = self.expr(right, depth) if right is not None else None
            target = targets[0]
            if isinstance(target, ast.Name | ast.Attribute | ast.Subscript):
                note = self.at(ast.Constant(None), node)
                simple = int(isinstance(target, ast.Name))
                return [self.at(ast.AnnAssign(target, note, value, simple), node)]
        if right is None:
            return [self.at(ast.Expr(self.opaque(node)), node)]
        return [self.at(ast.Assign(targets, self.expr(right, depth)), node)]

    def s_import_statement(self, node: Node, depth: int) -> ast.stmt:
        return ast.Import([self.alias(c) for c in node.children_by_field_name("name")])

    def s_import_from_statement(self, node: Node, depth: int) -> ast.stmt:
        source = node.child_by_field_name("module_name")
        text = self.text(source).replace(" ", "")
        level = len(text) - len(text.lstrip("."))
        names = [self.alias(c) for c in node.children_by_field_name("name")]
        if any(c.type == "wildcard_import" for c in node.named_children):
            names = [ast.alias("*")]
        return ast.ImportFrom(text[level:] or None, names, level)

    def s_future_import_statement(self, node: Node, depth: int) -> ast.stmt:
        names = [self.alias(c) for c in node.children_by_field_name("name")]
        return ast.ImportFrom("__future__", names, 0)

    def alias(self, node: Node) -> ast.alias:
        if node.type == "aliased_import":
            name = self.text(node.child_by_field_name("name"))
            return ast.alias(name, self.text(node.child_by_field_name("alias")))
        return ast.alias(self.text(node).replace(" ", ""))

    def s_if_statement(self, node: Node, depth: int) -> ast.stmt:
        other: list[ast.stmt] = []
        for clause in reversed(node.children_by_field_name("alternative")):
            if clause.type == "else_clause":
                other = self.body(clause, depth)
            else:
                test = self.field(clause, "condition", depth)
                made = ast.If(test, self.body(clause, depth, "consequence"), other)
                other = [self.at(made, clause)]
        test = self.field(node, "condition", depth)
        return ast.If(test, self.body(node, depth, "consequence"), other)

    def body(self, node: Node, depth: int, name: str = "body") -> list[ast.stmt]:
        return self.block(node.child_by_field_name(name), depth)

    def other(self, node: Node, depth: int) -> list[ast.stmt]:
        clause = node.child_by_field_name("alternative")
        return self.body(clause, depth) if clause is not None else []

    def s_for_statement(self, node: Node, depth: int) -> ast.stmt:
        target, source = self.field(node, "left", depth), self.field(node, "right", depth)
        return ast.For(target, source, self.body(node, depth), self.other(node, depth))

    def s_while_statement(self, node: Node, depth: int) -> ast.stmt:
        test = self.field(node, "condition", depth)
        return ast.While(test, self.body(node, depth), self.other(node, depth))

    def s_with_statement(self, node: Node, depth: int) -> ast.stmt:
        items = []
        for clause in node.named_children:
            if clause.type != "with_clause":
                continue
            for item in clause.named_children:
                if item.type == "with_item":
                    items.append(self.with_item(item, depth))
        return ast.With(items, self.body(node, depth))

    def with_item(self, item: Node, depth: int) -> ast.withitem:
        value = item.child_by_field_name("value")
        if value is not None and value.type == "as_pattern" and value.named_child_count:
            alias = value.child_by_field_name("alias")
            target = alias.named_children[0] if alias is not None and alias.named_children else None
            bound = self.expr(target, depth) if target is not None else None
            return ast.withitem(self.expr(value.named_children[0], depth), bound)
        return ast.withitem(self.expr(value, depth) if value is not None else self.opaque(item))

    def s_try_statement(self, node: Node, depth: int) -> ast.stmt:
        handlers: list[ast.ExceptHandler] = []
        other: list[ast.stmt] = []
        final: list[ast.stmt] = []
        for clause in node.named_children:
            if clause.type == "except_clause":
                handlers.append(self.at(self.handler(clause, depth), clause))
            elif clause.type == "else_clause":
                other = self.body(clause, depth)
            elif clause.type == "finally_clause":
                final = self.last_block(clause, depth)
        return ast.Try(self.body(node, depth), handlers, other, final)

    def handler(self, clause: Node, depth: int) -> ast.ExceptHandler:
        value = clause.child_by_field_name("value")
        name: str | None = None
        if value is not None and value.type == "as_pattern":
            name = self.text(value.child_by_field_name("alias")) or None
            value = value.named_children[0] if value.named_children else None
        caught = self.expr(value, depth) if value is not None else None
        return ast.ExceptHandler(caught, name, self.last_block(clause, depth))

    def last_block(self, clause: Node, depth: int) -> list[ast.stmt]:
        blocks = [c for c in clause.named_children if c.type == "block"]
        return self.block(blocks[-1], depth) if blocks else []

    def s_function_definition(self, node: Node, depth: int) -> ast.stmt:
        name = self.text(node.child_by_field_name("name"))
        arguments = self.parameters(node.child_by_field_name("parameters"), depth)
        body = self.body(node, depth)
        if node.children and node.children[0].type == "async":
            return ast.AsyncFunctionDef(name, arguments, body, [])
        return ast.FunctionDef(name, arguments, body, [])

    def s_class_definition(self, node: Node, depth: int) -> ast.stmt:
        bases, keywords = self.arguments(node.child_by_field_name("superclasses"), depth)
        name = self.text(node.child_by_field_name("name"))
        return ast.ClassDef(name, bases, keywords, self.body(node, depth), [])

    def s_decorated_definition(self, node: Node, depth: int) -> list[ast.stmt]:
        inner = node.child_by_field_name("definition")
        if inner is None:
            return [self.at(ast.Expr(self.opaque(node)), node)]
        made = self.statement(inner, depth)
        decorators = [
            self.expr(c.named_children[0], depth)
            for c in node.named_children
            if c.type == "decorator" and c.named_children
        ]
        first = made[0]
        if isinstance(first, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            first.decorator_list = decorators
            self.at(first, node)
        return made

    def s_return_statement(self, node: Node, depth: int) -> ast.stmt:
        return ast.Return(self.only(node, depth))

    def only(self, node: Node, depth: int) -> ast.expr | None:
        children = [c for c in node.named_children if c.type != "comment"]
        return self.expr(children[0], depth) if children else None

    def s_delete_statement(self, node: Node, depth: int) -> ast.stmt:
        value = self.only(node, depth)
        if isinstance(value, ast.Tuple):
            return ast.Delete(value.elts)
        return ast.Delete([value] if value is not None else [])

    def s_raise_statement(self, node: Node, depth: int) -> ast.stmt:
        return ast.Raise(self.only(node, depth), None)

    def s_assert_statement(self, node: Node, depth: int) -> ast.stmt:
        return ast.Assert(self.only(node, depth) or self.opaque(node), None)

    def s_global_statement(self, node: Node, depth: int) -> ast.stmt:
        return ast.Global([self.text(c) for c in node.named_children])

    def s_nonlocal_statement(self, node: Node, depth: int) -> ast.stmt:
        return ast.Nonlocal([self.text(c) for c in node.named_children])

    def s_pass_statement(self, node: Node, depth: int) -> ast.stmt:
        return ast.Pass()

    def s_break_statement(self, node: Node, depth: int) -> ast.stmt:
        return ast.Break()

    def s_continue_statement(self, node: Node, depth: int) -> ast.stmt:
        return ast.Continue()

    def s_type_alias_statement(self, node: Node, depth: int) -> ast.stmt:
        return ast.Pass()

    def s_print_statement(self, node: Node, depth: int) -> ast.stmt:
        values = [self.expr(c, depth) for c in node.children_by_field_name("argument")]
        function = self.at(ast.Name("print", ast.Load()), node)
        return ast.Expr(self.at(ast.Call(function, values, []), node))

    def s_match_statement(self, node: Node, depth: int) -> ast.stmt:
        """As an if chain on an unread condition: all branches are possible."""
        other: list[ast.stmt] = []
        body = node.child_by_field_name("body")
        subject = self.field(node, "subject", depth)
        for case in reversed(body.named_children if body is not None else []):
            if case.type == "case_clause":
                patterns = "|".join(
                    self.text(c) for c in case.named_children if c.type == "case_pattern"
                )
                pattern = self.at(ast.Constant(f"case {patterns}"), case)
                test = self.at(ast.Compare(subject, [ast.Eq()], [pattern]), case)
                made = ast.If(test, self.body(case, depth, "consequence"), other)
                other = [self.at(made, case)]
        return other[0] if other else ast.Expr(self.opaque(node))

    # -------------------------------------------------------------- expressions

    def field(self, node: Node, name: str, depth: int) -> ast.expr:
        child = node.child_by_field_name(name)
        return self.expr(child, depth) if child is not None else self.opaque(node)

    def expr(self, node: Node, depth: int) -> ast.expr:
        while node.type == "parenthesized_expression":
            inner = [c for c in node.named_children if c.type != "comment"]
            if len(inner) != 1:
                return self.opaque(node)
            node = inner[0]
        if depth > _DEPTH or node.is_missing:
            return self.opaque(node)
        kind = node.type
        if kind == "identifier":
            return self.at(ast.Name(self.text(node), ast.Load()), node)
        method = getattr(self, f"e_{kind}", None)
        if method is None:
            return self.opaque(node)
        made = method(node, depth + 1)
        assert isinstance(made, ast.expr)
        return self.at(made, node)

    def e_attribute(self, node: Node, depth: int) -> ast.expr:
        name = self.text(node.child_by_field_name("attribute"))
        return ast.Attribute(self.field(node, "object", depth), name, ast.Load())

    def e_subscript(self, node: Node, depth: int) -> ast.expr:
        indices = [self.expr(c, depth) for c in node.children_by_field_name("subscript")]
        if len(indices) == 1 and not self.text(node).rstrip("] \n\t").endswith(","):
            index = indices[0]
        else:
            index = self.at(ast.Tuple(indices, ast.Load()), node)
        return ast.Subscript(self.field(node, "value", depth), index, ast.Load())

    def e_slice(self, node: Node, depth: int) -> ast.expr:
        parts: list[ast.expr | None] = [None]
        for child in node.children:
            if child.type == ":":
                parts.append(None)
            elif child.is_named and child.type != "comment":
                parts[-1] = self.expr(child, depth)
        parts += [None] * (3 - len(parts))
        return ast.Slice(parts[0], parts[1], parts[2])

    def e_call(self, node: Node, depth: int) -> ast.expr:
        args, keywords = self.arguments(node.child_by_field_name("arguments"), depth)
        return ast.Call(self.field(node, "function", depth), args, keywords)

    def arguments(self, node: Node | None, depth: int) -> tuple[list[ast.expr], list[ast.keyword]]:
        args: list[ast.expr] = []
        keywords: list[ast.keyword] = []
        if node is None:
            return args, keywords
        if node.type == "generator_expression":
            return [self.expr(node, depth)], keywords
        for child in node.named_children:
            if child.type == "comment":
                continue
            if child.type == "keyword_argument":
                name = self.text(child.child_by_field_name("name"))
                keywords.append(ast.keyword(name, self.field(child, "value", depth)))
            elif child.type == "dictionary_splat":
                keywords.append(ast.keyword(None, self.only(child, depth) or self.opaque(child)))
            else:
                args.append(self.expr(child, depth))
        return args, keywords

    def e_list_splat(self, node: Node, depth: int) -> ast.expr:
        return ast.Starred(self.only(node, depth) or self.opaque(node), ast.Load())

    e_list_splat_pattern = e_list_splat
    e_parenthesized_list_splat = e_list_splat

    def sequence(self, node: Node, depth: int) -> list[ast.expr]:
        return [self.expr(c, depth) for c in node.named_children if c.type != "comment"]

    def e_tuple(self, node: Node, depth: int) -> ast.expr:
        return ast.Tuple(self.sequence(node, depth), ast.Load())

    e_expression_list = e_pattern_list = e_tuple_pattern = e_tuple

    def e_list(self, node: Node, depth: int) -> ast.expr:
        return ast.List(self.sequence(node, depth), ast.Load())

    e_list_pattern = e_list

    def e_set(self, node: Node, depth: int) -> ast.expr:
        return ast.Set(self.sequence(node, depth))

    def e_dictionary(self, node: Node, depth: int) -> ast.expr:
        keys: list[ast.expr | None] = []
        values: list[ast.expr] = []
        for child in node.named_children:
            if child.type == "pair":
                keys.append(self.field(child, "key", depth))
                values.append(self.field(child, "value", depth))
            elif child.type == "dictionary_splat":
                keys.append(None)
                values.append(self.only(child, depth) or self.opaque(child))
        return ast.Dict(keys, values)

    def e_binary_operator(self, node: Node, depth: int) -> ast.expr:
        operator = self.text(node.child_by_field_name("operator"))
        left, right = self.field(node, "left", depth), self.field(node, "right", depth)
        return ast.BinOp(left, _BINARY.get(operator, ast.Add)(), right)

    def e_boolean_operator(self, node: Node, depth: int) -> ast.expr:
        operator = self.text(node.child_by_field_name("operator"))
        values = [self.field(node, "left", depth), self.field(node, "right", depth)]
        return ast.BoolOp(ast.And() if operator == "and" else ast.Or(), values)

    def e_not_operator(self, node: Node, depth: int) -> ast.expr:
        return ast.UnaryOp(ast.Not(), self.field(node, "argument", depth))

    def e_unary_operator(self, node: Node, depth: int) -> ast.expr:
        operator = self.text(node.child_by_field_name("operator"))
        return ast.UnaryOp(_UNARY.get(operator, ast.UAdd)(), self.field(node, "argument", depth))

    def e_comparison_operator(self, node: Node, depth: int) -> ast.expr:
        signs = [" ".join(self.text(c).split()) for c in node.children_by_field_name("operators")]
        values = self.sequence(node, depth)
        if len(values) != len(signs) + 1:
            return self.opaque(node)
        operators = [_COMPARE.get(s, ast.Eq)() for s in signs]
        return ast.Compare(values[0], operators, values[1:])

    def e_conditional_expression(self, node: Node, depth: int) -> ast.expr:
        parts = self.sequence(node, depth)
        if len(parts) != 3:
            return self.opaque(node)
        return ast.IfExp(parts[1], parts[0], parts[2])

    def e_named_expression(self, node: Node, depth: int) -> ast.expr:
        name = ast.Name(self.text(node.child_by_field_name("name")), ast.Store())
        self.at(name, node)
        return ast.NamedExpr(name, self.field(node, "value", depth))

    def e_lambda(self, node: Node, depth: int) -> ast.expr:
        arguments = self.parameters(node.child_by_field_name("parameters"), depth)
        return ast.Lambda(arguments, self.field(node, "body", depth))

    def parameters(self, node: Node | None, depth: int) -> ast.arguments:
        made = ast.arguments([], [], None, [], [], None, [])
        keyword_only = False
        for child in node.named_children if node is not None else ():
            kind, value = child.type, None
            if kind in ("default_parameter", "typed_default_parameter"):
                value = self.field(child, "value", depth)
                child = child.child_by_field_name("name") or child
            elif kind == "typed_parameter":
                child = child.named_children[0] if child.named_children else child
                kind = child.type
            if kind == "list_splat_pattern":
                made.vararg = ast.arg(self.text(child).lstrip("*"))
                keyword_only = True
            elif kind == "dictionary_splat_pattern":
                made.kwarg = ast.arg(self.text(child).lstrip("*"))
            elif kind == "keyword_separator":
                keyword_only = True
            elif kind == "positional_separator":
                made.posonlyargs, made.args = made.args, []
            elif kind != "comment":
                argument = ast.arg(self.text(child))
                if keyword_only:
                    made.kwonlyargs.append(argument)
                    made.kw_defaults.append(value)
                else:
                    made.args.append(argument)
                    if value is not None:
                        made.defaults.append(value)
        return made

    def e_await(self, node: Node, depth: int) -> ast.expr:
        return self.only(node, depth) or self.opaque(node)

    def e_yield(self, node: Node, depth: int) -> ast.expr:
        if any(c.type == "from" for c in node.children):
            return ast.YieldFrom(self.only(node, depth) or self.opaque(node))
        return ast.Yield(self.only(node, depth))

    def comprehension(self, node: Node, depth: int) -> list[ast.comprehension]:
        out: list[ast.comprehension] = []
        for child in node.named_children:
            if child.type == "for_in_clause":
                target = self.field(child, "left", depth)
                out.append(ast.comprehension(target, self.field(child, "right", depth), [], 0))
            elif child.type == "if_clause" and out:
                out[-1].ifs.append(self.only(child, depth) or self.opaque(child))
        return out

    def e_list_comprehension(self, node: Node, depth: int) -> ast.expr:
        return ast.ListComp(self.field(node, "body", depth), self.comprehension(node, depth))

    def e_set_comprehension(self, node: Node, depth: int) -> ast.expr:
        return ast.SetComp(self.field(node, "body", depth), self.comprehension(node, depth))

    def e_generator_expression(self, node: Node, depth: int) -> ast.expr:
        return ast.GeneratorExp(self.field(node, "body", depth), self.comprehension(node, depth))

    def e_dictionary_comprehension(self, node: Node, depth: int) -> ast.expr:
        pair = node.child_by_field_name("body")
        if pair is None:
            return self.opaque(node)
        key, value = self.field(pair, "key", depth), self.field(pair, "value", depth)
        return ast.DictComp(key, value, self.comprehension(node, depth))

    # -------------------------------------------------------------- constants

    def e_integer(self, node: Node, depth: int) -> ast.expr:
        return self.literal(node)

    e_float = e_integer

    def literal(self, node: Node) -> ast.expr:
        text = self.text(node)
        try:
            value = ast.literal_eval(text) if len(text) < 400 else None
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            value = None
        return ast.Constant(value) if value is not None else ast.Constant(text)

    def e_true(self, node: Node, depth: int) -> ast.expr:
        return ast.Constant(True)

    def e_false(self, node: Node, depth: int) -> ast.expr:
        return ast.Constant(False)

    def e_none(self, node: Node, depth: int) -> ast.expr:
        return ast.Constant(None)

    def e_ellipsis(self, node: Node, depth: int) -> ast.expr:
        return ast.Constant(...)

    def e_string(self, node: Node, depth: int) -> ast.expr:
        return self.strings([node], depth)

    def e_concatenated_string(self, node: Node, depth: int) -> ast.expr:
        return self.strings([c for c in node.named_children if c.type == "string"], depth)

    def strings(self, nodes: Iterable[Node], depth: int) -> ast.expr:
        parts: list[ast.expr] = []
        start = ""
        for node in nodes:
            start = self.text(node.named_children[0] if node.named_children else None).lower()
            for child in node.named_children:
                if child.type == "string_content":
                    self.join(parts, self.unescaped(start, self.text(child)), child)
                elif child.type == "interpolation":
                    parts.append(self.at(self.interpolation(child, depth), child))
        if len(parts) == 1 and isinstance(parts[0], ast.Constant):
            return parts[0]
        if not parts:
            return ast.Constant(b"" if "b" in start else "")
        return ast.JoinedStr(parts)

    def join(self, parts: list[ast.expr], text: str | bytes, node: Node) -> None:
        last = parts[-1] if parts else None
        if isinstance(last, ast.Constant):
            before = last.value
            if isinstance(before, str) and isinstance(text, str):
                last.value = before + text
                return
            if isinstance(before, bytes) and isinstance(text, bytes):
                last.value = before + text
                return
        parts.append(self.at(ast.Constant(text), node))

    def unescaped(self, start: str, text: str) -> str | bytes:
        if "f" in start:
            text = text.replace("{{", "{").replace("}}", "}")
        as_bytes = "b" in start
        if "r" not in start and "\\" in text:
            quotes = '"""' if '"""' not in text and not text.endswith('"') else "'''"
            try:
                value = ast.literal_eval(("b" if as_bytes else "") + quotes + text + quotes)
            except (ValueError, SyntaxError):
                value = text
            if isinstance(value, str | bytes):
                return value
        return text.encode("utf-8", "replace") if as_bytes else text

    def interpolation(self, node: Node, depth: int) -> ast.expr:
        value = self.field(node, "expression", depth)
        spec = node.child_by_field_name("format_specifier")
        conversion = self.text(node.child_by_field_name("type_conversion")).lstrip("!")
        form: ast.expr | None = None
        if spec is not None:
            inner = [
                self.at(ast.FormattedValue(self.field(c, "expression", depth), -1, None), c)
                for c in spec.named_children
                if c.type == "format_expression"
            ]
            text = self.at(ast.Constant(self.text(spec).lstrip(":")), spec)
            form = self.at(ast.JoinedStr([text, *inner]), spec)
        return ast.FormattedValue(value, ord(conversion) if len(conversion) == 1 else -1, form)
