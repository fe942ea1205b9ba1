"""A server with nothing but the cures, and features that provoke what they cure."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from lsprotocol import types
from pygls.protocol import default_converter

from autosota.lsp.cures import Cured, CuredServer
from autosota.lsp.lane import Lane
from autosota.lsp.transport import Reader, Writer, take_stdio


class Provoked(CuredServer):
    over: asyncio.Future[int]

    def leave(self, code: int) -> None:
        if not self.over.done():
            self.over.set_result(code)


server = Provoked("cured", "1", protocol_cls=Cured, converter_factory=default_converter)
lane = Lane("slow")
log: list[str] = []


@server.command("sleep")
async def sleep() -> str:
    log.append("begun")
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        log.append("cancelled")
        raise
    return "slept"


@server.command("log")
def said() -> list[str]:
    return log


@server.command("futures")
def futures() -> int:
    return len(server.protocol._request_futures) + len(server.protocol._work)


@server.command("echo")
def echo(value: Any) -> Any:
    return value


@server.command("block")
def block(seconds: float) -> None:
    time.sleep(seconds)


@server.command("count")
async def count() -> int:
    log.append("counted")
    return len(log)


@server.command("busy")
async def busy() -> None:
    await lane.run(time.sleep, 600)


@server.command("fail")
def fail() -> None:
    raise RuntimeError("no such thing\nand more")


@server.command("give up asking")
async def give_up_asking() -> str:
    asked = server.workspace_configuration_async(types.ConfigurationParams([]))
    try:
        await asyncio.wait_for(asked, 0.2)
    except TimeoutError:
        return "gave up"
    return "answered"


@server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
async def changed(params: types.DidChangeTextDocumentParams) -> None:
    await asyncio.sleep(0)


@server.command("text")
def text(uri: str) -> str | None:
    document = server.protocol.workspace.opened(uri)
    return document.source if document is not None else None


async def session() -> int:
    server.over = asyncio.get_running_loop().create_future()
    incoming, outgoing = take_stdio()
    server.protocol.set_writer(Writer(outgoing, lambda: server.leave(1)))
    Reader(incoming, server.protocol, lambda: server.leave(1))
    print("this must not reach the client")
    return await server.over


if __name__ == "__main__":
    raise SystemExit(asyncio.run(session()))
