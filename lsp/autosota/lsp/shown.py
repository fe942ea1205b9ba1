"""Code lenses, inlay hints and hovers: what a view says, at its lines."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lsprotocol import types

if TYPE_CHECKING:
    from autosota.lsp.pages import Page
    from autosota.lsp.server import Server
    from autosota.server.editor.offers import Lens
    from autosota.server.editor.view import View

_WORD = re.compile(r"[A-Za-z_]\w*")
_COMMANDS = {
    "start": "autosota.start",
    "resume": "autosota.resume",
    "stop": "autosota.stop",
    "set_up": "autosota.setUp",
    "show_ideas": "autosota.showIdeas",
    "show_receipt": "autosota.show",
    "show_campaign": "autosota.status",
}
_VIEWS = {
    "show_ideas": "autosota.view.ideas",
    "show_receipt": "autosota.view.receipt",
    "show_campaign": "autosota.view.campaign",
}
"""What a client with views of its own is asked to show instead."""


def _view(server: Server, uri: str) -> tuple[Page, View] | None:
    page = server.pages.get(uri)
    view = server.looks.views.get(page.uri) if page is not None else None
    return (page, view) if page is not None and view is not None else None


def lenses(server: Server, params: types.CodeLensParams) -> list[types.CodeLens]:
    """The lenses of a file."""
    found = _view(server, params.text_document.uri)
    if found is None or not server.options_for(params.text_document.uri).lens.enable:
        return []
    from autosota.server.editor.offers import lenses as offered

    page, view = found
    document = server.pages.document(page.uri)
    if document is None:
        return []
    count = len(document.starts)
    return [
        types.CodeLens(
            types.Range(types.Position(lens.line - 1, 0), types.Position(lens.line - 1, 0)),
            command=_command(server, lens),
        )
        for lens in offered(view, server.looks.progress.get(view.root))
        if 0 < lens.line <= count
    ]


def _command(server: Server, lens: Lens) -> types.Command:
    name = _COMMANDS.get(lens.do, "")
    if server.client.has_views:
        name = _VIEWS.get(lens.do, name)
    arguments = [lens.arguments] if name else None
    return types.Command(lens.title, name, tooltip=lens.tooltip or None, arguments=arguments)


def hints(server: Server, params: types.InlayHintParams) -> list[types.InlayHint]:
    """The measured values at the ends of their lines."""
    found = _view(server, params.text_document.uri)
    if found is None or not server.options_for(params.text_document.uri).hints.enable:
        return []
    from autosota.server.editor.offers import hints as offered

    page, view = found
    document = server.pages.document(page.uri)
    if document is None:
        return []
    first, last = params.range.start.line + 1, params.range.end.line + 1
    rows = []
    for hint in offered(view):
        if first <= hint.line <= min(last, len(document.starts)):
            end = len(document.line(hint.line - 1).rstrip())
            position = document.at(hint.line, end + 1)
            tooltip = hint.tooltip or None
            rows.append(types.InlayHint(position, hint.text, tooltip=tooltip, padding_left=True))
    return rows


def hover(server: Server, params: types.HoverParams) -> types.Hover | None:
    """What is known of the word under the cursor."""
    found = _view(server, params.text_document.uri)
    if found is None:
        return None
    from autosota.server.editor.offers import hover as offered

    page, view = found
    document = server.pages.document(page.uri)
    if document is None:
        return None
    number = params.position.line
    start = document.starts[number] if number < len(document.starts) else len(document.source)
    column = document.offset(params.position) - start
    line = document.line(number)
    word = next((m for m in _WORD.finditer(line) if m.start() <= column <= m.end()), None)
    if word is None:
        return None
    text = offered(view, number + 1, word.group())
    if not text:
        return None
    kind = types.MarkupKind.Markdown if server.client.markdown else types.MarkupKind.PlainText
    span = types.Range(
        document.at(number + 1, word.start() + 1), document.at(number + 1, word.end() + 1)
    )
    return types.Hover(types.MarkupContent(kind, text), span)
