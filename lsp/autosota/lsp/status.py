"""Following campaigns: what a status bar shows, sent whenever it changes.

The ledger is looked at by its head file, which is a stat once a second; it is read only when it
has grown, or while something runs.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from dataclasses import asdict
from typing import TYPE_CHECKING

from autosota.lsp.protocol import INDEXED, STATUS

if TYPE_CHECKING:
    from autosota.lsp.server import Server
    from autosota.server.editor.view import Indexed, Progress

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
RUNNING_SECONDS = 2.0
"""While a campaign runs, what it does just now is asked for so often."""
_Seen = tuple[object, ...]


async def follow(server: Server) -> None:
    """Follow every workspace that something is open in, until the session ends."""
    seen: dict[str, _Seen] = {}
    asked: dict[str, float] = {}
    loop = asyncio.get_running_loop()
    while True:
        for root in await roots(server):
            now = _signs(root)
            known = server.looks.progress.get(root)
            due = loop.time() - asked.get(root, 0.0) > RUNNING_SECONDS
            if root not in seen:
                server.background(index(server, root))
            if seen.get(root) != now or (known and known.state == "running" and due):
                seen[root], asked[root] = now, loop.time()
                await update(server, root)
        await asyncio.sleep(LOOK_SECONDS)


async def index(server: Server, root: str) -> None:
    """Have a workspace indexed by the other process, in slices, until it is done or cancelled."""
    from autosota.lsp.bar import bar
    from autosota.server.editor.questions import BuildIndex
    from autosota.server.errors import UserError

    begun, shown = time.monotonic(), f"AutoSOTA: reading {os.path.basename(root)}"
    try:
        found: Indexed = await server.looks.ask(BuildIndex(root))
        if found.read < found.files:
            async with bar(server, shown) as (report, cancelled):
                while found.read < found.files and not cancelled():
                    report(f"{found.read} of {found.files} files", None)
                    found = await server.looks.ask(BuildIndex(root))
    except UserError as error:
        logger.warning("%s: %s", root, error)
        return
    seconds = time.monotonic() - begun
    logger.info("%s: %d of %d files in %.1f s", root, found.read, found.files, seconds)
    if server.client.wants_status:
        server.protocol.notify(INDEXED, asdict(found))


async def roots(server: Server) -> list[str]:
    """The workspaces of the window: of its folders, and of what is open."""
    from autosota.lsp.looks import root_of_folder

    found = list(server.looks.roots.values())
    for folder in server.folders():
        if folder not in server.known_roots:
            server.known_roots[folder] = await server.looks.lane.run(root_of_folder, folder)
        found.append(server.known_roots[folder])
    return list(dict.fromkeys(f for f in found if f))


async def update(server: Server, root: str) -> Progress | None:
    """Ask how far the campaign is, and tell the client when it is news."""
    from autosota.server.editor.questions import AskProgress
    from autosota.server.errors import UserError

    try:
        progress: Progress = await server.looks.ask(AskProgress(root))
    except UserError as error:
        logger.warning("%s: %s", root, error)
        return None
    tell(server, progress)
    return progress


def tell(server: Server, progress: Progress) -> None:
    """Remember how far a campaign is, and tell the client when it is news."""
    before = server.looks.progress.get(progress.root)
    if before == progress:
        return
    server.looks.progress[progress.root] = progress
    if server.client.wants_status:
        server.protocol.notify(STATUS, asdict(progress))
    grown = before is None or (before.evaluations, before.ideas_tried, before.state) != (
        progress.evaluations,
        progress.ideas_tried,
        progress.state,
    )
    if before is not None and grown:
        server.looks.again(progress.root)
        server.refresh_shown()


def _signs(root: str) -> _Seen:
    """What changes when there is news: the ledger's head, the live toggle, the objective."""
    signs: list[object] = []
    for name in (".autosota/ledger.head", ".autosota/autonomy", "autosota.toml", "pyproject.toml"):
        try:
            found = os.stat(os.path.join(root, name))
            signs.append((found.st_mtime_ns, found.st_size, found.st_ino))
        except OSError:
            signs.append(None)
    return tuple(signs)
