"""What the client can do, read once from its capabilities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lsprotocol import types

OWN_OPTIONS = ("asks_reasons", "views", "status")
"""What a client may say of itself in `initializationOptions`, in camelCase: fields below."""


@dataclass(frozen=True, slots=True)
class Client:
    """Resolved capabilities; the default client can do nothing that is optional."""

    pulls_diagnostics: bool = False
    refreshes_diagnostics: bool = False
    shows_related: bool = False
    shows_links: bool = False
    shows_tags: frozenset[types.DiagnosticTag] = frozenset()
    literal_actions: bool = False
    resolves_edits: bool = False
    disables_actions: bool = False
    prefers_actions: bool = False
    action_tags: frozenset[types.CodeActionTag] = frozenset()
    document_changes: bool = False
    annotates_changes: bool = False
    snippets: bool = False
    applies_edits: bool = False
    refreshes_lenses: bool = False
    refreshes_hints: bool = False
    resolves_hints: bool = False
    markdown: bool = False
    configuration: bool = False
    registers_configuration: bool = False
    registers_watchers: bool = False
    relative_patterns: bool = False
    shows_progress: bool = False
    shows_documents: bool = False
    asks_reasons: bool = False
    """It has `autosota.askReason`: it asks the user, then calls our command."""
    has_views: bool = False
    """It has views of its own, `autosota.view.…`, for what lenses lead to."""
    wants_status: bool = False
    """It understands `autosota/status` and `autosota/job`."""

    @classmethod
    def of(cls, params: types.InitializeParams) -> Client:
        """The capabilities of an `initialize` request; `initializationOptions` may add ours."""
        has = _Reader(params.capabilities)
        own = params.initialization_options
        own = own if isinstance(own, dict) else {}
        tags = has.get("text_document.publish_diagnostics.tag_support.value_set") or ()
        tags = tags or has.get("text_document.diagnostic.tag_support.value_set") or ()
        properties = has.get("text_document.code_action.resolve_support.properties") or ()
        formats = has.get("text_document.hover.content_format") or ()
        published, pulled = "text_document.publish_diagnostics", "text_document.diagnostic"
        return cls(
            pulls_diagnostics=has.get(pulled) is not None,
            refreshes_diagnostics=has.yes("workspace.diagnostics.refresh_support"),
            shows_related=has.yes(f"{published}.related_information")
            or has.yes(f"{pulled}.related_information"),
            shows_links=has.yes(f"{published}.code_description_support")
            or has.yes(f"{pulled}.code_description_support"),
            shows_tags=frozenset(tags),
            literal_actions=has.get("text_document.code_action.code_action_literal_support")
            is not None,
            resolves_edits="edit" in properties
            and has.yes("text_document.code_action.data_support"),
            disables_actions=has.yes("text_document.code_action.disabled_support"),
            prefers_actions=has.yes("text_document.code_action.is_preferred_support"),
            action_tags=frozenset(has.get("text_document.code_action.tag_support.value_set") or ()),
            document_changes=has.yes("workspace.workspace_edit.document_changes"),
            annotates_changes=has.get("workspace.workspace_edit.change_annotation_support")
            is not None
            and has.yes("workspace.workspace_edit.document_changes"),
            snippets=has.yes("workspace.workspace_edit.snippet_edit_support"),
            applies_edits=has.yes("workspace.apply_edit"),
            refreshes_lenses=has.yes("workspace.code_lens.refresh_support"),
            refreshes_hints=has.yes("workspace.inlay_hint.refresh_support"),
            resolves_hints="tooltip"
            in (has.get("text_document.inlay_hint.resolve_support.properties") or ()),
            markdown=types.MarkupKind.Markdown in formats,
            configuration=has.yes("workspace.configuration"),
            registers_configuration=has.yes(
                "workspace.did_change_configuration.dynamic_registration"
            ),
            registers_watchers=has.yes("workspace.did_change_watched_files.dynamic_registration"),
            relative_patterns=has.yes(
                "workspace.did_change_watched_files.relative_pattern_support"
            ),
            shows_progress=has.yes("window.work_done_progress"),
            shows_documents=has.yes("window.show_document.support"),
            asks_reasons=own.get("asksReasons") is True,
            has_views=own.get("views") is True,
            wants_status=own.get("status") is True,
        )


class _Reader:
    """Dotted paths into capabilities, any part of which may be absent."""

    def __init__(self, capabilities: types.ClientCapabilities) -> None:
        self._capabilities = capabilities

    def get(self, path: str) -> Any:
        value: Any = self._capabilities
        for part in path.split("."):
            value = getattr(value, part, None)
        return value

    def yes(self, path: str) -> bool:
        return bool(self.get(path))
