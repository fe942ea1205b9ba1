"""The server: what it holds for one client, and its session from start to end.

Features are functions of the server and a request, listed in `table`. Nothing heavy is loaded
before `initialize` is answered.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import sys
from collections.abc import Coroutine, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO

from lsprotocol import types
from pygls.protocol import default_converter
from pygls.uris import from_fs_path, to_fs_path

from autosota.lsp.checks import Checks
from autosota.lsp.client import Client
from autosota.lsp.cures import Cured, CuredServer
from autosota.lsp.lane import Lane
from autosota.lsp.looks import Looks
from autosota.lsp.options import Options, parse
from autosota.lsp.pages import Page, Pages
from autosota.lsp.transport import Reader, Writer, take_stdio

if TYPE_CHECKING:
    from autosota.server.editor.jobs import Job

logger = logging.getLogger(__name__)

NAME = "autosota"
REFRESH_SECONDS = 0.05
_NOTEBOOKS = types.NotebookDocumentSyncOptions(
    notebook_selector=[
        types.NotebookDocumentFilterWithCells(
            notebook="*", cells=[types.NotebookCellLanguage(language="python")]
        )
    ],
    save=False,
)


class Server(CuredServer):
    """One client's server.

    Attributes:
        client: What the client can do; known after `initialize`.
        pages: What is open.
        checks: Keeps findings up to date; there once the client has said `initialized`.
    """

    def __init__(self) -> None:
        from importlib.metadata import version

        super().__init__(
            NAME,
            version(NAME),
            notebook_document_sync=_NOTEBOOKS,
            protocol_cls=Cured,
            converter_factory=default_converter,
        )
        from autosota.lsp import table

        self.client = Client()
        self.options = Options()
        self.first_options: object = None
        self.client_is_here = False  # one that counts processes elsewhere is not
        self.folder_options: dict[str, Options] = {}
        self.pages = Pages()
        self.archive = Lane("archive")
        self.jobs: dict[str, Job] = {}  # by workspace: the last that was started here
        self.jobs_began: dict[str, tuple[str, str]] = {}  # and the campaign's state before it
        self._checks: Checks | None = None
        self._said: set[str] = set()
        self._refresh: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._over: asyncio.Future[int] | None = None
        self.known_roots: dict[str, str] = {}
        self.looks = Looks(self.pages, self._seen)
        self.looks.folders = self.folders
        self.looks.enabled = lambda page: self.options.trusted
        table.register(self)
        table.register_commands(self)

    # ------------------------------------------------------------------ what features use

    @property
    def checks(self) -> Checks:
        """The checks; made on first use, on the loop."""
        if self._checks is None:
            self._checks = Checks(self.pages, self._found)
            self._checks.folders = self.folders
            self._checks.enabled = lambda page: self.options_for(page.uri).check.enable
        return self._checks

    def options_for(self, uri: str) -> Options:
        """The options of the folder that a document lies in."""
        inside = [f for f in self.folder_options if uri.startswith(f.rstrip("/") + "/")]
        return self.folder_options[max(inside, key=len)] if inside else self.options

    def options_for_root(self, root: str) -> Options:
        """The options of the folder that a workspace is in."""
        return self.options_for(f"{from_fs_path(root)}/")

    def folders(self) -> list[str]:
        """The folders of the window, as paths."""
        workspace = self.pages.workspace
        found = [] if workspace is None else list(workspace.folders.values())
        return [os.path.realpath(path) for f in found if (path := to_fs_path(f.uri))]

    @property
    def own_commands(self) -> Mapping[str, type]:
        """The type of each command's argument."""
        from autosota.lsp.protocol import COMMANDS

        return COMMANDS

    def _found(self, page: Page) -> None:
        from autosota.lsp.diagnostics import show

        show(self, page)

    def _seen(self, page: Page) -> None:
        self.refresh_shown()

    def refresh_shown(self) -> None:
        """Let the client ask for lenses and hints again."""
        if self.client.refreshes_lenses:
            self.workspace_code_lens_refresh(None)
        if self.client.refreshes_hints:
            self.workspace_inlay_hint_refresh(None)

    def background(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Let a coroutine run on its own; what goes wrong in it is written down."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def note(self, text: str, kind: types.MessageType = types.MessageType.Warning) -> None:
        """Tell the user something, in the client's log."""
        self.window_log_message(types.LogMessageParams(kind, text))

    def say_once(self, text: str) -> None:
        """Tell the user something where it is seen, unless it was said before."""
        if text not in self._said:
            self._said.add(text)
            kind = types.MessageType.Warning
            self.window_show_message(types.ShowMessageParams(kind, f"AutoSOTA: {text}"))

    def read_options(self, value: object) -> Options:
        """Options from JSON; what cannot be used is said."""
        options, notes = parse(value)
        for text in notes:
            self.note(text)
        return options

    def options_changed(self) -> None:
        """The user has set something else: everything shown is looked at again."""
        self.checks.again([page.uri for page in self.pages])
        self.looks.again()
        self.refresh_shown()

    def refresh_soon(self) -> None:
        """Let the client ask for findings again, once for several pages."""
        if self._refresh is None:
            loop = asyncio.get_running_loop()
            self._refresh = loop.call_later(REFRESH_SECONDS, self._refresh_now)

    def _refresh_now(self) -> None:
        self._refresh = None
        self.workspace_diagnostic_refresh(None)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            logger.error("%s", task.exception(), exc_info=task.exception())

    # ------------------------------------------------------------------ the session

    def leave(self, code: int) -> None:
        """End the session."""
        if self._over is not None and not self._over.done():
            self._over.set_result(code)

    async def session(self, incoming: BinaryIO, outgoing: BinaryIO) -> int:
        """Serve the client until it leaves; gives the exit code.

        It is 0 after `shutdown` and `exit`, and 1 when the client just went away.
        """
        self._over = asyncio.get_running_loop().create_future()
        gone = partial(self.leave, 1)
        writer = Writer(outgoing, gone)
        self.protocol.set_writer(writer)
        Reader(incoming, self.protocol, gone)
        code = await self._over
        writer.close()
        return code


def serve(log: str = "warning") -> int:
    """Serve the client on stdin and stdout; gives the exit code."""
    logging.basicConfig(
        stream=sys.stderr, level=log.upper(), format="%(levelname)s %(name)s: %(message)s"
    )
    if log != "debug":  # it writes down every message, with the user's text
        logging.getLogger("pygls").setLevel(logging.CRITICAL)
    incoming, outgoing = take_stdio()
    gc.freeze()  # what was imported stays; no collection need look at it again
    gc.set_threshold(20_000, 20, 20)
    gc.enable()
    return asyncio.run(Server().session(incoming, outgoing))
