"""The life of a session: greeting, options, watched files, folders, and the client's end."""

from __future__ import annotations

import asyncio
import logging
import os
from typing import TYPE_CHECKING, Any

from lsprotocol import types
from pygls.uris import to_fs_path

from autosota.lsp import status
from autosota.lsp.client import Client
from autosota.lsp.cures import Documents

if TYPE_CHECKING:
    from autosota.lsp.server import Server

logger = logging.getLogger(__name__)

SECTION = "autosota"
WATCHED = ("**/*.{py,ipynb}", "**/{pyproject.toml,autosota.toml}")
ANSWER_SECONDS = 2.0
"""How long the client is waited for with its settings before the defaults count."""
PARENT_SECONDS = 1.0
"""How often it is looked whether the client still runs."""


def initialize(server: Server, params: types.InitializeParams) -> None:
    """Read what the client can do; pygls answers with what we can."""
    from autosota.lsp import table

    server.client = Client.of(params)
    workspace = server.protocol.workspace
    assert isinstance(workspace, Documents)
    server.pages.workspace = workspace
    if server.client.pulls_diagnostics:
        table.register(server, table.IF_PULLED)
    own = params.initialization_options
    pid = params.process_id
    if pid is not None and _runs(pid):  # else it counts processes elsewhere, in a container
        server.background(_watch_client(server, pid))
    server.first_options = own.get("settings", own) if isinstance(own, dict) else None
    # asked now, while it waits for the answer: a moment later it may be gone already
    server.client_is_here = params.process_id is not None and _runs(params.process_id)


def initialized(server: Server, params: types.InitializedParams) -> None:
    """The client is ready: load the check, read options, watch files and the client."""
    if server.first_options is not None:
        server.options = server.read_options(server.first_options)
    server.background(_begin(server))
    if server.client_is_here and server.process_id is not None:
        server.background(_watch_client(server, server.process_id))


async def _begin(server: Server) -> None:
    checks = server.checks
    try:
        await asyncio.gather(_configure(server), _register(server), checks.warm())
    finally:
        checks.ready.set()
    if server.options.trusted:
        await status.follow(server)


# ---------------------------------------------------------------------- options


def did_change_configuration(server: Server, params: types.DidChangeConfigurationParams) -> None:
    """Options changed: ask for them, or take what came along."""
    if not server.client.configuration:
        sent: Any = params.settings
        if isinstance(sent, dict):
            server.options = server.read_options(sent.get(SECTION, sent))
            server.options_changed()
        return
    server.background(_reconfigure(server))


async def _reconfigure(server: Server) -> None:
    await _configure(server)
    server.options_changed()


async def _configure(server: Server) -> None:
    """Ask the client for its options, of each folder and of what lies in none."""
    if not server.client.configuration:
        return
    folders = [f.uri for f in server.protocol.workspace.folders.values()]
    scopes: list[str | None] = [None, *folders]
    asked = server.workspace_configuration_async(
        types.ConfigurationParams([types.ConfigurationItem(s, SECTION) for s in scopes])
    )
    try:
        answer = await asyncio.wait_for(asked, ANSWER_SECONDS)
    except TimeoutError:
        logger.warning("no answer to workspace/configuration: the defaults count")
        return
    except Exception as error:  # noqa: BLE001 - a client may refuse with whatever it likes
        logger.warning("workspace/configuration: %s; the defaults count", error)
        return
    found = dict(zip(scopes, answer or (), strict=False))
    general = found.pop(None, None)
    if general is not None:
        server.options = server.read_options(general)
    server.folder_options = {
        folder: server.read_options(value)
        for folder, value in found.items()
        if folder is not None and value is not None
    }


# ---------------------------------------------------------------------- files and folders


async def _register(server: Server) -> None:
    """Ask the client to tell of changed settings and files."""
    wanted: list[types.Registration] = []
    if server.client.registers_configuration:
        options = types.DidChangeConfigurationRegistrationOptions(section=SECTION)
        method = types.WORKSPACE_DID_CHANGE_CONFIGURATION
        wanted.append(types.Registration("autosota-configuration", method, options))
    if server.client.registers_watchers:
        watchers = [types.FileSystemWatcher(glob_pattern=pattern) for pattern in WATCHED]
        wanted.append(
            types.Registration(
                "autosota-files",
                types.WORKSPACE_DID_CHANGE_WATCHED_FILES,
                types.DidChangeWatchedFilesRegistrationOptions(watchers=watchers),
            )
        )
    if not wanted:
        return
    try:
        await server.client_register_capability_async(types.RegistrationParams(wanted))
    except Exception as error:  # noqa: BLE001 - without it we look ourselves, more slowly
        logger.warning("client/registerCapability: %s", error)


def did_change_watched_files(server: Server, params: types.DidChangeWatchedFilesParams) -> None:
    """Files changed on disk."""
    paths = [p for p in (to_fs_path(c.uri) for c in params.changes) if p is not None]
    if paths:
        server.background(server.checks.files_changed(paths))
        server.background(_tell_office(server, tuple(paths)))


async def _tell_office(server: Server, paths: tuple[str, ...]) -> None:
    """What another process remembers of these files is out of date; it is told if it runs."""
    from autosota.server.editor.questions import FilesChanged

    if server.looks.pid is not None:
        await server.looks.ask(FilesChanged(paths))


def did_change_folders(server: Server, params: types.DidChangeWorkspaceFoldersParams) -> None:
    """Folders were added to the window or taken from it; their options are asked for."""
    for folder in params.event.removed:
        server.folder_options.pop(folder.uri, None)
    server.background(_reconfigure(server))


# ---------------------------------------------------------------------- the client's end


async def _watch_client(server: Server, pid: int) -> None:
    """Leave when the client's process is gone, also where stdin stays open."""
    while _runs(pid):
        await asyncio.sleep(PARENT_SECONDS)
    logger.warning("the client (process %d) is gone", pid)
    server.leave(1)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError, ValueError):
        return True
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] != b"Z"
    except (OSError, IndexError):
        return True
