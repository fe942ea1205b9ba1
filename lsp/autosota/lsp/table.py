"""Every method the server answers, who answers it, and how it is scheduled.

A feature that is `NOW` runs on the loop, in the order of messages, and takes less than 5 ms; a
`TASK` may wait, and `$/cancelRequest` ends it. What takes long runs in a lane and is awaited.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Any

from lsprotocol import types

from autosota.lsp import code_actions, commands, diagnostics, life, protocol, shown, sync

if TYPE_CHECKING:
    from autosota.lsp.server import Server

Handler = Callable[..., Any]


class When(Enum):
    """How a feature is scheduled."""

    NOW = "on the loop, in order"
    TASK = "a coroutine of its own"


@dataclass(frozen=True, slots=True)
class Method:
    """One method: its name, its handler, its schedule, and what its capability says."""

    name: str
    handler: Handler
    when: When
    options: Callable[[], Any] | None = None


METHODS: tuple[Method, ...] = (
    Method(types.INITIALIZE, life.initialize, When.NOW),
    Method(types.INITIALIZED, life.initialized, When.NOW),
    Method(types.WORKSPACE_DID_CHANGE_CONFIGURATION, life.did_change_configuration, When.NOW),
    Method(types.WORKSPACE_DID_CHANGE_WATCHED_FILES, life.did_change_watched_files, When.NOW),
    Method(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS, life.did_change_folders, When.NOW),
    Method(types.TEXT_DOCUMENT_DID_OPEN, sync.did_open, When.NOW),
    Method(types.TEXT_DOCUMENT_DID_CHANGE, sync.did_change, When.NOW),
    Method(types.TEXT_DOCUMENT_DID_CLOSE, sync.did_close, When.NOW),
    Method(types.NOTEBOOK_DOCUMENT_DID_OPEN, sync.notebook_did_open, When.NOW),
    Method(types.NOTEBOOK_DOCUMENT_DID_CHANGE, sync.notebook_did_change, When.NOW),
    Method(types.NOTEBOOK_DOCUMENT_DID_CLOSE, sync.notebook_did_close, When.NOW),
    Method(types.TEXT_DOCUMENT_CODE_ACTION, code_actions.offer, When.TASK, code_actions.options),
    Method(types.CODE_ACTION_RESOLVE, code_actions.resolve, When.TASK),
    Method(types.TEXT_DOCUMENT_CODE_LENS, shown.lenses, When.NOW, shown.lens_options),
    Method(types.TEXT_DOCUMENT_INLAY_HINT, shown.hints, When.NOW),
    Method(types.TEXT_DOCUMENT_HOVER, shown.hover, When.NOW),
)
"""Answered for every client."""

IF_PULLED: tuple[Method, ...] = (
    Method(types.TEXT_DOCUMENT_DIAGNOSTIC, diagnostics.pull, When.TASK, diagnostics.options),
)
"""Answered only for a client that asks for findings, instead of being sent them."""

OWN_PARAMS: dict[str, type] = {}
"""The parameters of our own methods."""


COMMANDS: dict[str, Handler] = commands.HANDLERS
"""Every command, each a task."""


def register_commands(server: Server) -> None:
    """Hand the commands to pygls; their arguments are typed by `protocol`."""
    assert COMMANDS.keys() == protocol.COMMANDS.keys()
    for name, handler in COMMANDS.items():
        assert asyncio.iscoroutinefunction(handler), name
        server.command(name)(partial(handler, server))


def register(server: Server, methods: tuple[Method, ...] = METHODS) -> None:
    """Hand the methods of a table to pygls."""
    for method in methods:
        assert asyncio.iscoroutinefunction(method.handler) is (method.when is When.TASK), method
        options = method.options() if method.options is not None else None
        server.feature(method.name, options)(partial(method.handler, server))
