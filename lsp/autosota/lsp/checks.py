"""When pages are checked: at once while that is cheap, after a pause where it is not.

One check runs at a time, off the loop, on the newest text; what it finds for a text that has
changed meanwhile is never shown. What is found is the desk's, how it looks is `findings`'.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from autosota.lsp.lane import Lane
from autosota.lsp.pages import Outcome, Page, Pages, Snapshot

if TYPE_CHECKING:
    from autosota.server.editor.actions import Actions
    from autosota.server.editor.desk import Desk
    from autosota.server.editor.edits import Change

logger = logging.getLogger(__name__)

CHEAP_SECONDS = 0.04
"""A check that takes less runs at each change; typing is seldom faster than 20 signs a second."""
LONGEST_PAUSE = 0.3
"""The most that a change waits for the next one."""
NEIGHBOUR_PAUSE = 0.3
"""After the last change of a file, the open files that import it are checked again."""


_SAMPLE = b"""
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
X = StandardScaler().fit_transform(X)
X_train, X_test, y_train, y_test = train_test_split(X, y)
model.fit(X_train, y_train)
print(model.score(X_test, y_test))  # noqa: LK101
"""


@dataclass(frozen=True, slots=True)
class _Checked:
    outcome: Outcome
    users: list[str]
    seconds: float


class Checks:
    """Keeps the outcome of every open page up to date."""

    def __init__(self, pages: Pages, shown: Callable[[Page], None]) -> None:
        """`shown` is called on the loop with each page that has a new outcome."""
        self.lane = Lane("check")
        self._made: Desk | None = None
        self.enabled: Callable[[Page], bool] = lambda page: True
        self.folders: Callable[[], list[str]] = lambda: []
        self.ready = asyncio.Event()
        """Set once options are known: nothing is shown that they would forbid."""
        self._pages = pages
        self._shown = shown
        self._generation = 0
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[object]] = set()
        self.links: dict[str, str] = {}

    @property
    def desk(self) -> Desk:
        """The desk; only for functions that run in the lane."""
        if self._made is None:
            from autosota.server.editor.desk import Desk

            self._made = Desk()
        return self._made

    async def warm(self) -> None:
        """Load what the first check needs, before there is anything to check."""
        await self.lane.run(self._load)

    def _load(self) -> None:
        from importlib import import_module

        from autosota.lsp.table import LATER

        for name in LATER:
            import_module(f"autosota.lsp.{name}")
        self.desk.put("", "warm.py", _SAMPLE, saved=False)
        self.desk.check("")
        self.desk.close("")

    # ------------------------------------------------------------------ what happened

    def changed(self, page: Page) -> None:
        """A page was opened or edited."""
        page.edits += 1
        page.changed_at = time.monotonic()
        self._start(page)

    def closed(self, page: Page) -> None:
        """A page was closed."""
        timer = self._timers.pop(page.uri, None)
        if timer is not None:
            timer.cancel()
        if page.task is not None:
            page.task.cancel()
        self._background(self._forget(page.uri))

    async def _forget(self, uri: str) -> None:
        """Its file counts again, for those that looked at the open text, too."""
        self.again(await self.lane.run(lambda: self.desk.close(uri)))

    def again(self, uris: Iterable[str]) -> None:
        """Check these pages again although their text is the same."""
        for uri in uris:
            page = self._pages.get(uri)
            if page is not None:
                page.stale = page.unasked = True
                self._start(page)

    async def files_changed(self, paths: list[str]) -> None:
        """Files changed on disk."""
        self.again(await self.lane.run(lambda: self.desk.files_changed(paths)))

    # ------------------------------------------------------------------ what is known

    async def outcome(self, page: Page) -> Outcome | None:
        """The outcome of the text as it is when this returns; None once the page is closed."""
        while page.open and page.fresh is None:
            self._start(page)
            task = page.task
            assert task is not None
            await asyncio.wait([task])
        return page.fresh if page.open else None

    async def actions(self, page: Page) -> Actions | None:
        """What can be done about the findings of a page that was just checked."""
        return await self.lane.run(lambda: self.desk.actions(page.uri))

    async def changes(
        self, page: Page, kind: str, number: int, reason: str = ""
    ) -> tuple[Change, ...]:
        """The changes of one action on the text that was checked last.

        Raises:
            UserError: it cannot be done.
        """
        return await self.lane.run(lambda: self.desk.changes(page.uri, kind, number, reason))

    # ------------------------------------------------------------------ inside

    def _start(self, page: Page) -> None:
        if page.open and page.task is None:
            page.task = asyncio.get_running_loop().create_task(self._work(page))

    async def _work(self, page: Page) -> None:
        try:
            await self.ready.wait()
            while page.open and page.fresh is None:
                await self._pause(page)
                await self._check(page)
        except Exception:
            from autosota.server.editor.desk import Reading

            logger.exception("the check of %s failed", page.uri)
            self._generation += 1
            page.stale = False
            page.outcome = Outcome(page.edits, self._generation, Reading(), {})
        finally:
            page.task = None

    async def _pause(self, page: Page) -> None:
        """Wait for the end of a burst of changes, where each of them costs much.

        Not for ever: a check that was slow once is tried again while typing goes on.
        """
        begun = time.monotonic()
        wanted = min(page.cost, LONGEST_PAUSE)
        while page.cost > CHEAP_SECONDS:
            now = time.monotonic()
            quiet, waited = now - page.changed_at, now - begun
            if quiet >= wanted or waited >= 2 * wanted:
                return
            await asyncio.sleep(min(wanted - quiet, 2 * wanted - waited))

    async def _check(self, page: Page) -> None:
        snapshot = self._pages.snapshot(page)
        page.stale = False
        self._generation += 1
        wanted = self.enabled(page)
        shown = tuple(self.folders())
        done = await self.lane.run(self._read, page, snapshot, self._generation, wanted, shown)
        page.cost = done.seconds if page.outcome is not None else 0.0  # the first reads it all
        if not page.open or page.edits != snapshot.edits:
            return
        page.outcome = done.outcome
        self._shown(page)
        if done.users:
            self._later(page, done.users)

    def _read(
        self, page: Page, at: Snapshot, generation: int, wanted: bool, shown: tuple[str, ...]
    ) -> _Checked:
        """On the lane: the desk's word on this text."""
        from autosota.server.check.pages import page_url
        from autosota.server.editor.desk import Reading

        start = time.perf_counter()
        self.desk.folders = shown
        self.desk.put(page.uri, page.path, at.content, saved=page.saved)
        reading = self.desk.check(page.uri) if wanted else Reading()
        for finding in reading.findings:
            if finding.code not in self.links:
                self.links[finding.code] = page_url(finding.code)
        users = self.desk.users_of(page.uri)
        seconds = time.perf_counter() - start
        return _Checked(Outcome(at.edits, generation, reading, at.versions), users, seconds)

    def _later(self, page: Page, users: list[str]) -> None:
        timer = self._timers.pop(page.uri, None)
        if timer is not None:
            timer.cancel()
        loop = asyncio.get_running_loop()
        self._timers[page.uri] = loop.call_later(NEIGHBOUR_PAUSE, self.again, users)

    def _background(self, work: Coroutine[object, object, object]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[object]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            logger.error("%s", task.exception(), exc_info=task.exception())
