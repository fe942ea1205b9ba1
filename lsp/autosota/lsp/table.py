"""Every method and command the server answers, who answers it, and how it is scheduled.

A feature that is `NOW` runs on the loop, in the order of messages, and takes less than 5 ms; a
`TASK` may wait, and `$/cancelRequest` ends it. What takes long runs in a lane and is awaited.
Whoever answers is loaded with the first question, so that the greeting is answered at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from lsprotocol import types

if TYPE_CHECKING:
    from autosota.lsp.server import Server

Handler = Callable[..., Any]


class When(Enum):
    """How a feature is scheduled."""

    NOW = "on the loop, in order"
    TASK = "a coroutine of its own"


@dataclass(frozen=True, slots=True)
class Method:
    """One method: its name, who answers (`module.function`), its schedule, its capability."""

    name: str
    handler: str
    when: When
    options: Any = None


_KINDS = ["quickfix.autosota", "quickfix.autosota.suppress", "source.fixAll.autosota",
          "refactor.rewrite.autosota"]  # fmt: skip

METHODS: tuple[Method, ...] = (
    Method(types.INITIALIZE, "life.initialize", When.NOW),
    Method(types.INITIALIZED, "life.initialized", When.NOW),
    Method(types.WORKSPACE_DID_CHANGE_CONFIGURATION, "life.did_change_configuration", When.NOW),
    Method(types.WORKSPACE_DID_CHANGE_WATCHED_FILES, "life.did_change_watched_files", When.NOW),
    Method(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS, "life.did_change_folders", When.NOW),
    Method(types.TEXT_DOCUMENT_DID_OPEN, "sync.did_open", When.NOW),
    Method(types.TEXT_DOCUMENT_DID_CHANGE, "sync.did_change", When.NOW),
    Method(types.TEXT_DOCUMENT_DID_CLOSE, "sync.did_close", When.NOW),
    Method(types.NOTEBOOK_DOCUMENT_DID_OPEN, "sync.notebook_did_open", When.NOW),
    Method(types.NOTEBOOK_DOCUMENT_DID_CHANGE, "sync.notebook_did_change", When.NOW),
    Method(types.NOTEBOOK_DOCUMENT_DID_CLOSE, "sync.notebook_did_close", When.NOW),
    Method(
        types.TEXT_DOCUMENT_CODE_ACTION,
        "code_actions.offer",
        When.TASK,
        types.CodeActionOptions(code_action_kinds=[*_KINDS], resolve_provider=True),
    ),
    Method(types.CODE_ACTION_RESOLVE, "code_actions.resolve", When.TASK),
    Method(
        types.TEXT_DOCUMENT_CODE_LENS,
        "shown.lenses",
        When.NOW,
        types.CodeLensOptions(resolve_provider=False),
    ),
    Method(types.TEXT_DOCUMENT_INLAY_HINT, "shown.hints", When.NOW),
    Method(types.TEXT_DOCUMENT_HOVER, "shown.hover", When.NOW),
)
"""Answered for every client."""

IF_PULLED: tuple[Method, ...] = (
    Method(
        types.TEXT_DOCUMENT_DIAGNOSTIC,
        "diagnostics.pull",
        When.TASK,
        types.DiagnosticOptions(
            identifier="autosota", inter_file_dependencies=False, workspace_diagnostics=False
        ),
    ),
)
"""Answered only for a client that asks for findings, instead of being sent them.

What changes elsewhere is told by a refresh, so no file depends on another for the client.
"""

COMMANDS: dict[str, str] = {
    "autosota.start": "commands.start",
    "autosota.resume": "commands.resume",
    "autosota.stop": "commands.stop",
    "autosota.status": "commands.show_status",
    "autosota.setAutonomy": "commands.set_autonomy",
    "autosota.setUp": "commands.set_up",
    "autosota.ideas": "commands.ideas",
    "autosota.showIdeas": "commands.show_ideas",
    "autosota.show": "commands.show",
    "autosota.apply": "commands.apply",
    "autosota.reject": "commands.reject",
    "autosota.report": "commands.report",
    "autosota.suppress": "commands.suppress",
    "autosota.ideaApplied": "commands.idea_applied",
    "autosota.board": "views.board",
    "autosota.log": "views.log",
    "autosota.series": "views.series",
    "autosota.patch": "views.patch",
    "autosota.receipt": "views.receipt",
}
"""Every command, each a task; `protocol.COMMANDS` has the types of their arguments."""

LATER = ("diagnostics", "code_actions", "shown", "commands", "views", "changing", "findings",
         "protocol")  # fmt: skip
"""Modules that are loaded once the client was greeted, before anything needs them."""


def register(server: Server, methods: tuple[Method, ...] = METHODS) -> None:
    """Hand the methods of a table to pygls."""
    for method in methods:
        handler = _handler(server, method.handler, method.when)
        server.feature(method.name, method.options)(handler)


def register_commands(server: Server) -> None:
    """Hand the commands to pygls."""
    for name, handler in COMMANDS.items():
        server.command(name)(_handler(server, handler, When.TASK))


def _handler(server: Server, name: str, when: When) -> Handler:
    def now(params: Any) -> Any:
        return find(name)(server, params)

    async def task(params: Any) -> Any:
        return await find(name)(server, params)

    return now if when is When.NOW else task


@cache
def find(name: str) -> Handler:
    """The function of a `module.function` of this package."""
    module, _, function = name.partition(".")
    found: Handler = getattr(import_module(f"autosota.lsp.{module}"), function)
    return found
