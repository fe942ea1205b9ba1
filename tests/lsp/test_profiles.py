"""The server and the typed client of pytest-lsp, with the capabilities of several editors.

Everything the server sends is checked against the types of the protocol on the way in.
"""

from __future__ import annotations

import asyncio

import pytest
import pytest_lsp
from lsprotocol import converters, types
from pytest_lsp import ClientServerConfig, LanguageClient, client_capabilities
from texts import LEAK, VSCODE, applied
from wire import COMMAND


def profile(name: str) -> types.ClientCapabilities:
    if name == "vscode":
        return converters.get_converter().structure(VSCODE, types.ClientCapabilities)
    return client_capabilities(name)


@pytest_lsp.fixture(
    scope="function",
    params=["vscode", "neovim@v0.11", "emacs@v29", "visual_studio_code@v1.65"],
    config=ClientServerConfig(server_command=list(COMMAND)),
)
async def editor(request, lsp_client: LanguageClient, tmp_path):
    for asked in (
        types.CLIENT_REGISTER_CAPABILITY,
        types.WORKSPACE_CODE_LENS_REFRESH,
        types.WORKSPACE_INLAY_HINT_REFRESH,
    ):
        lsp_client.feature(asked)(lambda params: None)
    await lsp_client.initialize_session(
        types.InitializeParams(
            capabilities=profile(request.param),
            workspace_folders=[types.WorkspaceFolder(tmp_path.as_uri(), "w")],
            root_uri=tmp_path.as_uri(),
        )
    )
    yield
    await lsp_client.shutdown_session()


async def findings(client: LanguageClient, uri: str) -> list[types.Diagnostic]:
    diagnostic = client.capabilities.text_document.diagnostic
    if diagnostic is not None:
        report = await client.text_document_diagnostic_async(
            types.DocumentDiagnosticParams(types.TextDocumentIdentifier(uri))
        )
        return list(report.items)
    for _ in range(200):
        if uri in client.diagnostics:
            return list(client.diagnostics[uri])
        await asyncio.sleep(0.05)
    raise AssertionError("no findings were pushed")


@pytest.mark.asyncio
async def test_a_leak_is_seen_and_fixed(editor: LanguageClient, tmp_path):
    uri = (tmp_path / "a.py").as_uri()
    item = types.TextDocumentItem(uri, "python", 1, LEAK)
    editor.text_document_did_open(types.DidOpenTextDocumentParams(item))
    (row,) = await findings(editor, uri)
    assert (row.code, row.source) == ("LK101", "autosota")
    document = types.TextDocumentIdentifier(uri)
    found = await editor.text_document_code_action_async(
        types.CodeActionParams(document, row.range, types.CodeActionContext([row]))
    )
    fix = next(a for a in found if a.kind == "quickfix.autosota")
    if fix.edit is None:
        fix = await editor.code_action_resolve_async(fix)
    converter = converters.get_converter()
    if fix.edit.document_changes:
        (change,) = fix.edit.document_changes
        assert change.text_document.version == 1
        edits = change.edits
    else:
        edits = fix.edit.changes[uri]
    text = applied(LEAK, converter.unstructure(list(edits)))
    assert "X_train = scaler.fit_transform(X_train)\n" in text
    lenses = await editor.text_document_code_lens_async(types.CodeLensParams(document))
    assert all(lens.command is not None for lens in lenses)
    position = types.Position(3, 6)
    await editor.text_document_hover_async(types.HoverParams(document, position))
