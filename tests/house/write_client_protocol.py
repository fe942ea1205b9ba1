"""Write editor-client/src/protocol.ts from the server's types: `make client-protocol`."""

from __future__ import annotations

import dataclasses
import inspect
import re
import types
import typing
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs

from autosota.lsp import answers, client, options, protocol

ROOT = Path(__file__).resolve().parents[2]
PAGE = Path("editor-client") / "src" / "protocol.ts"
_HEAD = """\
// What the server and this client say to each other, beyond the language server protocol.
// Written by `make client-protocol` from the server's types: a change here is lost, make it there.
"""
_PLAIN: dict[Any, str] = {
    str: "string", bool: "boolean", int: "number", float: "number", type(None): "null",
}  # fmt: skip


def text() -> str:
    """The whole file."""
    writer = _Writer()
    commands = {n: (a, answers.ANSWERS[n]) for n, a in protocol.COMMANDS.items()}
    parts = [
        _names("Commands", "The server's commands; each takes one object.", commands),
        writer.table("CommandTypes", "What each command takes and answers.", commands),
        "export type Command = keyof CommandTypes;\n"
        'export type Argument<C extends Command> = CommandTypes[C]["argument"];\n'
        'export type Answer<C extends Command> = CommandTypes[C]["answer"];\n',
        _names(
            "ClientCommands", "Commands that the server asks this client for.",
            protocol.OF_THE_CLIENT,
        ),
        writer.one("ClientCommandTypes", "What each of them is given.", protocol.OF_THE_CLIENT),
        _names("Notifications", "What the server tells unasked.", answers.NOTIFICATIONS),
        writer.one("NotificationTypes", "What each of them holds.", answers.NOTIFICATIONS),
    ]  # fmt: skip
    settings = writer.settings()
    return "\n".join([_HEAD, *parts, settings, *writer.interfaces()])


class _Writer:
    """Collects the interfaces that are needed, in the order they were met."""

    def __init__(self) -> None:
        self._wanted: dict[type, bool] = {}

    def table(self, name: str, says: str, rows: Mapping[str, tuple[Any, Any]]) -> str:
        """An interface of commands: argument and answer of each."""
        for argument, _ in rows.values():
            self._wanted[argument] = True
        lines = [
            f'  "{n}": {{ argument: {a.__name__}; answer: {self.type(b)} }};'
            for n, (a, b) in rows.items()
        ]
        return _interface(name, says, lines)

    def one(self, name: str, says: str, rows: Mapping[str, Any]) -> str:
        """An interface of names, each with one type."""
        return _interface(name, says, [f'  "{n}": {self.type(t)};' for n, t in rows.items()])

    def settings(self) -> str:
        """The settings of the section `autosota`, and the client's own initialization options."""
        found = _interface("Settings", _doc(options.Options), self._options(options.Options, "  "))
        own = [
            f"  {_camel(field)}?: boolean;" for field in client.OWN_OPTIONS
        ]  # fmt: skip
        says = "The initialization options: what this client can do, beside the settings."
        return f"{found}\n{_interface('InitializationOptions extends Settings', says, own)}"

    def _options(self, kind: type, margin: str) -> list[str]:
        lines = []
        for name, wanted in typing.get_type_hints(kind).items():
            if dataclasses.is_dataclass(wanted):
                assert isinstance(wanted, type)
                inner = " ".join(x.strip() for x in self._options(wanted, ""))
                lines.append(f"{margin}{_camel(name)}?: {{ {inner} }};")
            else:
                lines.append(f"{margin}{_camel(name)}?: {self.type(wanted)};")
        return lines

    def interfaces(self) -> list[str]:
        """Every interface that was needed, with those that they need."""
        written: dict[str, tuple[type, str]] = {}
        while left := [k for k in self._wanted if k.__name__ not in written]:
            for kind in left:
                written[kind.__name__] = (kind, self._class(kind))
        clash = [k for k in self._wanted if written[k.__name__][0] is not k]
        assert not clash, f"two types of one name: {clash}"
        return [body for _, body in written.values()]

    def _class(self, kind: type) -> str:
        optional = _defaults(kind) if self._wanted[kind] else frozenset()
        lines = [
            f"  {name}{'?' * (name in optional)}: {self.type(wanted)};"
            for name, wanted in typing.get_type_hints(kind).items()
        ]
        return _interface(kind.__name__, _doc(kind), lines)

    def type(self, wanted: Any) -> str:
        """A Python type in TypeScript.

        Raises:
            TypeError: it has no counterpart here.
        """
        if wanted in _PLAIN:
            return _PLAIN[wanted]
        origin, inner = typing.get_origin(wanted), typing.get_args(wanted)
        if origin is typing.Literal:
            return " | ".join(f'"{value}"' for value in inner)
        if origin in (typing.Union, types.UnionType):
            return " | ".join(self.type(one) for one in inner)
        if origin is list or (origin is tuple and inner[-1] is Ellipsis):
            one = self.type(inner[0])
            return f"({one})[]" if "|" in one else f"{one}[]"
        if origin is tuple:
            return f"[{', '.join(self.type(one) for one in inner)}]"
        if origin is dict:
            return f"Record<{self.type(inner[0])}, {self.type(inner[1])}>"
        if isinstance(wanted, type) and (attrs.has(wanted) or dataclasses.is_dataclass(wanted)):
            self._wanted.setdefault(wanted, False)
            return wanted.__name__
        raise TypeError(f"{wanted!r} has no type in the client's protocol")


def _defaults(kind: type) -> frozenset[str]:
    return frozenset(f.name for f in attrs.fields(kind) if f.default is not attrs.NOTHING)


def _doc(kind: type) -> str:
    return inspect.getdoc(kind) or ""


def _interface(name: str, says: str, lines: Iterable[str]) -> str:
    return f"{_comment(says)}export interface {name} {{\n" + "\n".join(lines) + "\n}\n"


def _names(name: str, says: str, rows: Iterable[str]) -> str:
    keys = {re.sub(r"^autosota[./]", "", row): row for row in rows}
    lines = [f'  {_camel(key.replace(".", "_"))}: "{row}",' for key, row in keys.items()]
    return f"{_comment(says)}export const {name} = {{\n" + "\n".join(lines) + "\n} as const;\n"


def _comment(says: str) -> str:
    rows = says.replace("*/", "* /").splitlines()
    if len(rows) == 1:
        return f"/** {rows[0]} */\n"
    return "/**\n" + "\n".join(f" * {row}".rstrip() for row in rows) + "\n */\n"


def _camel(name: str) -> str:
    return re.sub(r"_(\w)", lambda m: m.group(1).upper(), name)


def main() -> None:
    (ROOT / PAGE).write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    main()
