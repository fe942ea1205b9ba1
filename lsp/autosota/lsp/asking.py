"""What every command begins with: which workspace it is for, and asking the other process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pygls.exceptions import JsonRpcException

from autosota.lsp import status

if TYPE_CHECKING:
    from autosota.lsp.server import Server
    from autosota.server.editor.questions import Question

_REFUSED = -32803


def refuse(why: str) -> JsonRpcException:
    """The error of a command that cannot be carried out."""
    return JsonRpcException(why, _REFUSED)


async def root_for(server: Server, named: str, *, trusted: bool = True) -> str:
    """The workspace that a command is for.

    Args:
        server: The server.
        named: What the client said; `''` for the only one that is open.
        trusted: Whether the command needs a workspace that is trusted.

    Raises:
        JsonRpcException: none or several are open, or it is not trusted.
    """
    if trusted and not server.options.trusted:
        raise refuse("this workspace is not trusted: there are warnings, and nothing is run")
    if named:
        return named
    found = await status.roots(server)
    if len(found) != 1:
        raise refuse("name the workspace: " + (", ".join(found) or "no folder is open"))
    return found[0]


async def ask(server: Server, question: Question) -> Any:
    """The other process's answer.

    Raises:
        JsonRpcException: it has none; says why.
    """
    from autosota.server.errors import UserError

    try:
        return await server.looks.ask(question)
    except UserError as error:
        raise refuse(str(error)) from None
