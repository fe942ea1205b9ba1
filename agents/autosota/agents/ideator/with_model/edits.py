"""A model's edits, carried out in a tree or refused with the reason.

An edit names a symbol and the mark (a hash) of its text: as it is proposed it applies to exactly
that text or not at all. Files must be Python files that the tree has, by the very name it has
them. Nothing here knows the objective; what is on the evaluation side is `gates`' and the
supervisor's business.
"""

from __future__ import annotations

import ast
import hashlib
import io
import json
import textwrap
import tokenize
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from tree_sitter import Node

from autosota.agents.code.source import Edit
from autosota.agents.code.tree import PatchedTree
from autosota.agents.domain import Anchor, Hypothesis
from autosota.agents.ideator.draft import Implementation, NotApplicable
from autosota.agents.ideator.imports import add_from_import
from autosota.agents.ideator.module import Module, Project, accepts
from autosota.agents.ideator.with_model.answers import EditAnswer
from autosota.agents.ideator.with_model.quoting import visible
from autosota.agents.protocols import Tree

MODEL = "model"
"""The transformation of an idea that a model wrote."""

MOST_EDITS = 8
MOST_CODE = 40_000
"""Characters of one edit."""

_DEFINITIONS = ("function_definition", "class_definition")


@dataclass(frozen=True, slots=True)
class Target:
    """What an edit is about: a definition with its decorators, or a whole file."""

    node: Node
    text: bytes

    @property
    def mark(self) -> str:
        """The hash that an edit must name."""
        return mark_of(self.text)


def mark_of(content: bytes) -> str:
    """The mark of a text, line ends aside."""
    return hashlib.sha256(content.replace(b"\r\n", b"\n")).hexdigest()[:12]


def target_of(module: Module, symbol: str) -> Target | None:
    """The symbol of a file ('' is all of it); None when it is not there, or more than once."""
    content = module.source.content
    if not symbol:
        return Target(module.source.root, content)
    found = []
    for node in module.nodes:
        name = node.child_by_field_name("name") if node.type in _DEFINITIONS else None
        if name is not None and module.symbol(name) == symbol:
            outer = node.parent
            found.append(outer if outer is not None and _decorated(outer) else node)
    if len(found) != 1:
        return None
    return Target(found[0], content[found[0].start_byte : found[0].end_byte])


def _marks(module: Module, target: Target) -> set[str]:
    """The marks of a symbol and of the definitions around it, which were perhaps shown instead."""
    marks = {target.mark}
    node = target.node.parent
    while node is not None and node.type != "module":
        if node.type in (*_DEFINITIONS, "decorated_definition"):
            marks.add(mark_of(module.source.content[node.start_byte : node.end_byte]))
        node = node.parent
    return marks


def packed(edits: Sequence[EditAnswer], imports: Sequence[str]) -> str:
    """Edits and imports as the text that a hypothesis keeps in its arguments."""
    plain = {"edits": [asdict(edit) for edit in edits], "imports": list(imports)}
    return json.dumps(plain, sort_keys=True)


def rewrite(idea: Hypothesis, tree: Tree) -> Implementation:
    """Carry out an idea of a model in a tree, which may already hold other ideas.

    Raises:
        NotApplicable: what it changes is not there as it was, or it may not be changed.
    """
    if not idea.admissible:
        raise NotApplicable(f"not admissible: {idea.admissible_reason}")
    try:
        plain = json.loads(str(idea.arguments["edits"]))
        edits = [EditAnswer(**edit) for edit in plain["edits"]]
        imports = [str(line) for line in plain["imports"]]
    except (KeyError, TypeError, ValueError):
        raise NotApplicable("the idea holds no edits that can be read") from None
    return carried_out(edits, imports, tree, exact=False)


def carried_out(
    edits: Sequence[EditAnswer], imports: Sequence[str], tree: Tree, *, exact: bool = True
) -> Implementation:
    """The files after these edits.

    With `exact` each symbol must have the mark that its edit names. Without, text that is found
    once in a symbol may be replaced although other ideas changed the symbol elsewhere.

    Raises:
        NotApplicable: see `rewrite`.
    """
    if not 0 < len(edits) <= MOST_EDITS:
        raise NotApplicable(f"{len(edits)} edits; there must be 1 to {MOST_EDITS}")
    changes: dict[str, bytes] = {}
    anchors: list[Anchor] = []
    for path in dict.fromkeys(edit.path for edit in edits):
        module = readable(path, tree)
        done: list[Edit] = []
        for edit in (e for e in edits if e.path == path):
            one, anchor = _one(module, edit, exact=exact)
            done.append(one)
            anchors.append(anchor)
        content = _applied(module, done)
        changes[path] = _with_imports(path, content, imports, tree)
        if changes[path] == module.source.content:
            raise NotApplicable(f"{path}: nothing would change")
    return Implementation(changes, tuple(dict.fromkeys(anchors)))


def readable(path: str, tree: Tree) -> Module:
    """The Python file of exactly this name.

    Raises:
        NotApplicable: there is none, or it is no plain file that can be read.
    """
    if path not in tree.files():  # so no '..', no absolute path, no look-alike, no new file
        raise NotApplicable(f"{visible(path)[:120]!r} is not a file of this repository")
    if not path.endswith(".py"):
        raise NotApplicable(f"{path} is not a Python file")
    is_link = getattr(tree, "is_link", None)
    module = Project(tree).module(path)
    if module is None or b"\n" not in module.source.content or (is_link and is_link(path)):
        raise NotApplicable(f"{path} is a link, or not a file that can be read")
    if module.source.has_error:
        raise NotApplicable(f"{path} does not parse, so it is not changed")
    return module


def _one(module: Module, edit: EditAnswer, *, exact: bool) -> tuple[Edit, Anchor]:
    what = f"{module.path}::{edit.symbol}" if edit.symbol else module.path
    _check_text(what, edit.code, module)
    target = target_of(module, edit.symbol)
    if target is None:
        raise NotApplicable(f"{what[:160]} is not there, or more than once")
    if (exact or not edit.find) and edit.base not in _marks(module, target):
        raise NotApplicable(f"{what} is not the text any more that the change was written for")
    before = target.text.decode("utf-8").replace("\r\n", "\n")
    if edit.find:
        find = edit.find.replace("\r\n", "\n")
        if before.count(find) != 1:
            times = before.count(find)
            raise NotApplicable(f"{what}: the text to replace occurs {times} times, not once")
        after = before.replace(find, edit.code.replace("\r\n", "\n"))
    elif not edit.symbol:
        raise NotApplicable(f"{module.path}: a whole file is not written anew")
    else:
        after = _placed(module, target.node, edit.code, what)
    text = after.replace("\n", module.source.newline.decode())
    node = target.node
    anchor = Anchor(module.path, edit.symbol, node.type, before, after)
    if not edit.find:
        return Edit(node.start_byte, node.end_byte, text.encode()), anchor
    # only what differs is replaced, so that two edits of one symbol can stand side by side
    raw, new = target.text, text.encode()
    start = next((i for i, (a, b) in enumerate(zip(raw, new, strict=False)) if a != b), None)
    if start is None:
        start = min(len(raw), len(new))
    tail = 0
    most = min(len(raw), len(new)) - start
    while tail < most and raw[len(raw) - 1 - tail] == new[len(new) - 1 - tail]:
        tail += 1
    begin = node.start_byte
    return Edit(begin + start, begin + len(raw) - tail, new[start : len(new) - tail]), anchor


def _placed(module: Module, node: Node, code: str, what: str) -> str:
    """New definitions in place of an old one, at its indentation and as the file indents."""
    plain = textwrap.dedent(code.replace("\r\n", "\n").expandtabs(4)).strip("\n")
    try:
        body = ast.parse(plain).body
    except (SyntaxError, ValueError, RecursionError):
        raise NotApplicable(f"{what}: the new code is no Python") from None
    name = what.rpartition("::")[2].rpartition(".")[2]
    kinds: tuple[type, ...] = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    if not body or not all(isinstance(statement, kinds) for statement in body):
        raise NotApplicable(f"{what}: the new code must be definitions only")
    names = [getattr(statement, "name", "") for statement in body]
    if names.count(name) != 1:
        raise NotApplicable(f"{what}: the new code does not define {name} once")
    taken = [n for n in names if n != name and n in module.names]
    if taken:
        raise NotApplicable(f"{what}: {taken[0]} means something else in this file already")
    indent = module.source.indent_of(node).decode()
    strings = _string_lines(plain)
    lines = []
    for number, line in enumerate(plain.split("\n"), start=1):
        bare = line.lstrip(" ")
        levels, rest = divmod(len(line) - len(bare), 4)
        if number in strings or module.indent == "    ":
            lines.append(indent + line if bare and number not in strings else line)
        else:
            lines.append(indent + module.indent * levels + " " * rest + bare if bare else "")
    return "\n".join(lines)[len(indent) :]


def _string_lines(code: str) -> set[int]:
    """Lines that begin inside of a string: their white space is the string's."""
    inside: set[int] = set()
    try:
        for token in tokenize.generate_tokens(io.StringIO(code).readline):
            if token.type in (tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", -1)):
                inside.update(range(token.start[0] + 1, token.end[0] + 1))
    except (tokenize.TokenError, SyntaxError):
        return inside
    return inside


def _applied(module: Module, edits: Sequence[Edit]) -> bytes:
    try:
        content = module.source.apply(edits)
    except ValueError:
        raise NotApplicable(f"{module.path}: two edits of this idea collide") from None
    if not accepts(content):
        raise NotApplicable(f"{module.path}: the result is no Python")
    return content


def _with_imports(path: str, content: bytes, imports: Sequence[str], tree: Tree) -> bytes:
    """The file with the imports that its new code names and it does not have yet."""
    for line in imports:
        for module_name, name, alias in _imported(line):
            module = Project(PatchedTree(tree, {path: content})).module(path)
            assert module is not None
            local = alias or name or module_name.split(".")[0]
            if local not in module.names or not module.bindings.is_free(local):
                continue  # the file has it, or does not use it
            if name and not alias:
                edits = add_from_import(module.source, module_name, [name])
            else:
                text = f"from {module_name} import {name}" if name else f"import {module_name}"
                edits = [_import_line(module, text + f" as {alias}" * bool(alias))]
            content = _applied(module, edits)
    return content


def _import_line(module: Module, line: str) -> Edit:
    """An import line after the file's first import, or before its first statement."""
    source = module.source
    statements = source.root.named_children
    code = [n for n in statements if n.type != "comment"]
    plain = [n for n in code if n.type in ("import_statement", "import_from_statement")]
    at = plain[0].end_byte if plain else (code[0].start_byte if code else 0)
    text = line.encode()
    both = source.newline + text if plain else text + source.newline
    return Edit(at, at, both)


def _imported(line: str) -> Iterable[tuple[str, str, str]]:
    """Module, name and alias of each name that an import line imports.

    Raises:
        NotApplicable: it is no import line.
    """
    try:
        body = ast.parse(line.strip()).body
    except (SyntaxError, ValueError, RecursionError):
        body = []
    if len(body) != 1 or not isinstance(body[0], ast.Import | ast.ImportFrom):
        raise NotApplicable(f"{visible(line)[:80]!r} is no import line")
    statement = body[0]
    if isinstance(statement, ast.Import):
        return [(alias.name, "", alias.asname or "") for alias in statement.names]
    if statement.level or not statement.module or statement.names[0].name == "*":
        raise NotApplicable(f"{visible(line)[:80]!r}: name what is imported, and from where")
    return [(statement.module, a.name, a.asname or "") for a in statement.names]


def _check_text(what: str, code: str, module: Module) -> None:
    """Refuse text that is not what it looks like."""
    if len(code) > MOST_CODE:
        raise NotApplicable(f"{what}: {len(code)} characters of new code are too many")
    if visible(code) != code.replace("\r\n", "\n"):
        raise NotApplicable(f"{what}: the new code holds invisible or turning characters")
    if "[redacted]" in code:
        raise NotApplicable(f"{what}: the new code holds text that was taken out as a secret")
    known = set(module.names) | module.attributes
    for word in _identifiers(code):
        if not word.isascii() and word not in known:
            raise NotApplicable(f"{what}: the name {word!r} is not plain ASCII")


def _identifiers(code: str) -> set[str]:
    """Names in a piece of code, also in one that is not whole."""
    found: set[str] = set()
    try:
        for token in tokenize.generate_tokens(io.StringIO(textwrap.dedent(code)).readline):
            if token.type == tokenize.NAME:
                found.add(token.string)
    except (tokenize.TokenError, SyntaxError):
        import re

        found |= set(re.findall(r"[^\W\d]\w*", code))
    return found


def _decorated(node: Node) -> bool:
    return node.type == "decorated_definition"
