"""The light bulb: fixes, suppressions with a reason, and everything safe at once.

Titles are listed at once; what an action changes is written when it is chosen, for the version
it was listed for.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.uris import from_fs_path

from autosota.lsp.changing import (
    Note,
    Target,
    line_targets,
    targets,
    with_placeholder,
    workspace_edit,
)

if TYPE_CHECKING:
    from autosota.lsp.pages import Outcome, Page
    from autosota.lsp.server import Server
    from autosota.server.editor.actions import Actions, Offer
    from autosota.server.editor.view import Draft

FIX = "quickfix.autosota"
SUPPRESS = "quickfix.autosota.suppress"
FIX_ALL = "source.fixAll.autosota"
IDEA = "refactor.rewrite.autosota"
"""Followed by the granularity: `.param`, `.code` or `.algo`."""
ASK_REASON = "autosota.askReason"
"""A command of the client's own: it asks for a reason, then calls `autosota.suppress`."""
_CONTENT_MODIFIED = -32801
_REQUEST_FAILED = -32803


async def offer(
    server: Server, params: types.CodeActionParams
) -> list[types.CodeAction | types.Command]:
    """The actions for a stretch of a document."""
    page = server.pages.of(params.text_document.uri)
    if page is None or not server.client.literal_actions:
        return []
    outcome = await server.checks.outcome(page)
    actions = await server.checks.actions(page) if outcome is not None else None
    if outcome is None or page.edits != outcome.edits:
        raise JsonRpcException("the text has changed", _CONTENT_MODIFIED)
    wanted = params.context.only
    found: list[types.CodeAction | types.Command] = []
    if actions is not None:
        every = _of_findings(server, page, outcome, actions, params)
        found += [action for action in every if _asked_for(action.kind, wanted)]
    if server.client.resolves_edits:  # an idea takes a while to write: only when it is chosen
        found += [a for a in _of_ideas(server, page, params) if _asked_for(a.kind, wanted)]
    return found if server.client.resolves_edits else await _resolved(server, found)


async def _resolved(
    server: Server, found: list[types.CodeAction | types.Command]
) -> list[types.CodeAction | types.Command]:
    """The actions with their edits, for a client that does not ask for them; what fails goes."""
    done: list[types.CodeAction | types.Command] = []
    for action in found:
        if isinstance(action, types.CodeAction) and action.data is not None:
            try:
                action = await resolve(server, action)
            except JsonRpcException as error:
                if error.code == _CONTENT_MODIFIED:
                    raise
                continue
            action.data = None
        done.append(action)
    return done


def _of_findings(
    server: Server,
    page: Page,
    outcome: Outcome,
    actions: Actions,
    params: types.CodeActionParams,
) -> Iterator[types.CodeAction]:
    uri = params.text_document.uri
    asked = _span(params.range)
    for fix in actions.offers:
        shown = _shown(server, page, fix, uri, asked, params.context.diagnostics)
        if shown is None:
            continue
        yield types.CodeAction(
            title=f"{fix.title} ({fix.finding.code})",
            kind=FIX,
            diagnostics=shown or None,
            is_preferred=fix.safe if server.client.prefers_actions else None,
            data=_data(page, "fix", fix.number),
        )
    for number, finding in enumerate(outcome.reading.findings):
        document = server.pages.find(page, finding.place.cell)
        if document is None or document.uri != uri:
            continue
        if finding.code == "NB898" or not _meets(
            _span(server.pages.range(document, finding.place)), asked
        ):
            continue
        action = types.CodeAction(
            title=f"Suppress {finding.code} here, with a reason",
            kind=SUPPRESS,
            data=_data(page, "suppress", number),
        )
        if server.client.asks_reasons:
            arguments = {"uri": page.uri, "edits": page.edits, "number": number}
            action.command = types.Command(
                action.title, ASK_REASON, arguments=[{**arguments, "code": finding.code}]
            )
            action.data = None
        yield action
    if any(fix.safe for fix in actions.offers):
        yield types.CodeAction(
            title="Fix everything that is safe to fix", kind=FIX_ALL, data=_data(page, "all", 0)
        )


def _of_ideas(
    server: Server, page: Page, params: types.CodeActionParams
) -> Iterator[types.CodeAction]:
    view = server.looks.views.get(page.uri)
    options = server.options_for(page.uri)
    if view is None or not options.ideas.enable or not options.trusted:
        return
    from autosota.server.editor.offers import idea_title, ideas_at

    first, last = params.range.start.line + 1, params.range.end.line + 1
    for idea in ideas_at(view, first, last):
        data = {**_data(page, "idea", 0), "id": idea.id}
        kind = f"{IDEA}.{idea.granularity.lower()}"
        yield types.CodeAction(title=idea_title(idea), kind=kind, data=data)


def _shown(
    server: Server,
    page: Page,
    fix: Offer,
    uri: str,
    asked: tuple[tuple[int, int], tuple[int, int]],
    sent: Sequence[types.Diagnostic],
) -> list[types.Diagnostic] | None:
    """The client's diagnostics that a fix is for; None when it stands elsewhere."""
    document = server.pages.find(page, fix.finding.place.cell)
    if document is None or document.uri != uri:
        return None
    place = server.pages.range(document, fix.finding.place)
    if not _meets(_span(place), asked):
        return None
    return [d for d in sent if d.code == fix.finding.code and _span(d.range) == _span(place)]


# ---------------------------------------------------------------------- what they do


async def resolve(server: Server, action: types.CodeAction) -> types.CodeAction:
    """Write the edit of an action.

    Raises:
        JsonRpcException: the text has changed since it was listed, or it cannot be done.
    """
    data: Any = action.data
    if not isinstance(data, dict) or action.edit is not None:
        return action
    page = server.pages.get(str(data.get("uri")))
    if page is None or page.fresh is None or page.edits != data.get("edits"):
        raise JsonRpcException("the text has changed since this was offered", _CONTENT_MODIFIED)
    if data.get("do") == "idea":
        return await _idea(server, page, action, str(data.get("id")))
    kind, number = str(data.get("do")), int(data.get("number", 0))
    reason = str(data.get("reason", ""))
    found = await written(server, page, kind, number, reason)
    note = Note(action.title)
    action.edit = workspace_edit(found, server.client, note)
    if kind == "suppress" and server.client.snippets:
        from autosota.agents.check.fixes.suppression import REASON

        action.edit = with_placeholder(action.edit, REASON)
    return action


async def _idea(
    server: Server, page: Page, action: types.CodeAction, idea: str
) -> types.CodeAction:
    """Carry an idea out in the text as it is now, and have it audited.

    Raises:
        JsonRpcException: it does not apply, the audit refuses it, or the text changed meanwhile.
    """
    from autosota.lsp.commands import text_hash
    from autosota.server.editor.questions import MakeDraft
    from autosota.server.errors import UserError

    view = server.looks.views.get(page.uri)
    if view is None or not server.options_for(page.uri).trusted:
        raise JsonRpcException("there are no ideas here any more", _CONTENT_MODIFIED)
    edits, texts = page.edits, server.looks.texts(view.root)
    versions = {d.uri: d.version for p in server.pages for _, d in server.pages.documents(p)}
    try:
        draft: Draft = await server.looks.ask(MakeDraft(view.root, view.path, idea, texts))
    except UserError as error:
        raise JsonRpcException(str(error), _REQUEST_FAILED) from None
    if page.edits != edits or server.looks.texts(view.root) != texts:
        raise JsonRpcException("the text has changed meanwhile", _CONTENT_MODIFIED)
    found, hashes = [], {}
    for path, after in draft.after.items():
        full = os.path.join(view.root, path)
        opened = page if path == view.path else server.pages.at(full)
        uri = opened.uri if opened is not None else from_fs_path(full) or ""
        changes = line_targets(server.pages, uri, draft.before[path], after)
        found.append(Target(uri, versions.get(uri), changes))
        if opened is not None:
            hashes[uri] = text_hash(after.decode("utf-8", "replace"))
    words = [draft.paper, f"audit: {draft.verdict}" if draft.verdict else "", *draft.doubts]
    note = Note(draft.title, "; ".join(w for w in words if w), confirm=True)
    action.edit = workspace_edit(found, server.client, note)
    arguments = {"id": idea, "root": view.root, "texts": hashes}
    action.command = types.Command("Read it again", "autosota.ideaApplied", arguments=[arguments])
    return action


async def written(
    server: Server, page: Page, kind: str, number: int, reason: str = ""
) -> list[Target]:
    """The changes of an action, for the text as it is now.

    Raises:
        JsonRpcException: the text has changed meanwhile, or it cannot be done.
    """
    outcome = page.fresh
    assert outcome is not None
    versions = {d.uri: d.version for _, d in server.pages.documents(page)}
    try:
        changes = await server.checks.changes(page, kind, number, reason)
    except Exception as error:
        from autosota.server.errors import UserError

        if not isinstance(error, UserError):
            raise
        raise JsonRpcException(str(error), _REQUEST_FAILED) from None
    if page.edits != outcome.edits:
        raise JsonRpcException("the text has changed meanwhile", _CONTENT_MODIFIED)
    return targets(server.pages, page, changes, versions)


# ---------------------------------------------------------------------- inside


def _data(page: Page, do: str, number: int) -> dict[str, object]:
    return {"uri": page.uri, "edits": page.edits, "do": do, "number": number}


def _asked_for(kind: types.CodeActionKind | str | None, wanted: object) -> bool:
    """Whether a kind, or one it is a part of, was asked for; source actions must be named."""
    name = str(getattr(kind, "value", kind))
    if not isinstance(wanted, list | tuple) or not wanted:
        return not name.startswith("source.")
    roots = [str(getattr(w, "value", w)) for w in wanted]
    return any(not root or name == root or name.startswith(root + ".") for root in roots)


_Span = tuple[tuple[int, int], tuple[int, int]]


def _span(found: types.Range) -> _Span:
    start, end = found.start, found.end
    return (start.line, start.character), (end.line, end.character)


def _meets(place: _Span, asked: _Span) -> bool:
    """Whether two stretches touch."""
    return place[0] <= asked[1] and asked[0] <= place[1]
