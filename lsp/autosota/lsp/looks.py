"""What is shown of open files beyond findings: looked at after a pause, by another process.

A view of an earlier text moves along with the lines until the next look. Everything is asked
for in a lane of its own, so that neither typing nor checking waits for it.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from lsprotocol import types

from autosota.lsp.lane import Lane
from autosota.lsp.pages import Page, Pages

if TYPE_CHECKING:
    from autosota.server.editor.office import Office
    from autosota.server.editor.questions import Question
    from autosota.server.editor.view import Progress, View

logger = logging.getLogger(__name__)

LOOK_PAUSE = 0.8
"""Seconds without an edit after which a file is looked at again."""


class Looks:
    """Views of the open scripts, and the process that makes them."""

    def __init__(self, pages: Pages, shown: Callable[[Page], None]) -> None:
        """`shown` is called on the loop with each page that has a new view."""
        self.lane = Lane("office")
        self.views: dict[str, View] = {}
        self.progress: dict[str, Progress] = {}
        self.roots: dict[str, str] = {}
        self.enabled: Callable[[Page], bool] = lambda page: True
        self.folders: Callable[[], list[str]] = lambda: []
        self._office: Office | None = None
        self._pages = pages
        self._shown = shown
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._shifts: dict[str, list[tuple[int, int, int, int]]] = {}

    # ------------------------------------------------------------------ what happened

    def changed(self, page: Page) -> None:
        """A page was opened or edited: look at it when it has been still for a while."""
        if page.notebook or not page.saved or not self.enabled(page):
            return
        self._cancel(page.uri)
        loop = asyncio.get_running_loop()
        pause = LOOK_PAUSE if page.uri in self.views else 0.0
        self._timers[page.uri] = loop.call_later(pause, self._start, page)

    def edited(self, page: Page, changes: Iterable[types.TextDocumentContentChangeEvent]) -> None:
        """The lines of a page moved; its view moves along."""
        view = self.views.get(page.uri)
        for change in changes:
            if not isinstance(change, types.TextDocumentContentChangePartial):
                self.views.pop(page.uri, None)
                return
            first, last = change.range.start.line + 1, change.range.end.line + 1
            delta = change.text.count("\n") - (last - first)
            self._shifts.setdefault(page.uri, []).append((page.edits, first, last, delta))
            if view is not None:
                view = self.views[page.uri] = view.moved(first, last, delta)

    def closed(self, page: Page) -> None:
        """A page was closed."""
        self._cancel(page.uri)
        self.views.pop(page.uri, None)
        self._shifts.pop(page.uri, None)

    def again(self, root: str | None = None) -> None:
        """Look at every open file of a workspace (or of all) again: the ledger has grown."""
        for page in self._pages:
            view = self.views.get(page.uri)
            if view is None or root is None or view.root == root:
                self.changed(page)

    # ------------------------------------------------------------------ asking

    async def ask(self, question: Question) -> Any:
        """The answer to a question.

        Raises:
            UserError: it cannot be answered.
        """
        return await self.lane.run(self._ask, question)

    async def root_of(self, page: Page) -> tuple[str, str]:
        """The workspace that a page belongs to, and its path in it."""
        return await self.lane.run(_root_and_name, page.path, self.folders())

    def texts(self, root: str) -> dict[str, bytes]:
        """The open scripts of a workspace, by path from the root."""
        found: dict[str, bytes] = {}
        for page in self._pages:
            path = os.path.join(os.path.realpath(os.path.dirname(page.path)),
                                os.path.basename(page.path))  # fmt: skip
            if page.saved and not page.notebook and path.startswith(root + os.sep):
                name = path[len(root) + 1 :].replace(os.sep, "/")
                found[name] = self._pages.snapshot(page).content
        return found

    @property
    def pid(self) -> int | None:
        """The process that answers, once it was started."""
        return self._office.pid if self._office is not None else None

    # ------------------------------------------------------------------ inside

    def _ask(self, question: Question) -> Any:
        """In the lane."""
        from autosota.server.editor.office import Office

        if self._office is None:
            self._office = Office()
        return self._office.ask(question)

    def _cancel(self, uri: str) -> None:
        timer = self._timers.pop(uri, None)
        if timer is not None:
            timer.cancel()
        task = self._tasks.pop(uri, None)
        if task is not None:
            task.cancel()

    def _start(self, page: Page) -> None:
        self._timers.pop(page.uri, None)
        task = asyncio.get_running_loop().create_task(self._look(page))
        self._tasks[page.uri] = task

    async def _look(self, page: Page) -> None:
        from autosota.server.editor.questions import Look
        from autosota.server.errors import UserError

        try:
            root, name = await self.root_of(page)
            self.roots[page.uri] = root
            edits = page.edits
            self._shifts[page.uri] = []
            view: View = await self.ask(Look(root, name, self.texts(root)))
        except UserError as error:
            logger.warning("%s: %s", page.path, error)
            return
        except Exception:
            logger.exception("looking at %s failed", page.path)
            return
        if not page.open:
            return
        for at, first, last, delta in self._shifts.get(page.uri, ()):
            if at > edits:
                view = view.moved(first, last, delta)
        before = self.views.get(page.uri)
        self.views[page.uri] = view
        self._tasks.pop(page.uri, None)
        if view != before:
            self._shown(page)


def _root_and_name(path: str, shown: list[str]) -> tuple[str, str]:
    from autosota.server.editor.root import site_for

    site = site_for(os.path.realpath(os.path.dirname(path)), shown)
    real = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
    return site.root, site.name_of(real)


def root_of_folder(folder: str) -> str:
    """The workspace of a folder of the window; `''` when there is no such folder."""
    from autosota.server.check.site import site_of

    return site_of(os.path.realpath(folder)).root if os.path.isdir(folder) else ""
