"""The open documents of one editor, checked under the settings that govern each.

A document is known by a key of the face's own (its URI). Texts come in whole, as bytes, and
findings go out in lines and columns of characters. Calls come from one thread at a time.
"""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field

from autosota.agents.check import Session
from autosota.agents.domain import Finding
from autosota.server.check.files import NEVER
from autosota.server.check.settings import CheckSettings, load
from autosota.server.check.site import Site, has_settings, site_of
from autosota.server.editor.actions import Actions
from autosota.server.editor.edits import Change
from autosota.server.editor.project import LiveProject
from autosota.server.editor.root import site_for
from autosota.server.errors import UserError

logger = logging.getLogger(__name__)

GOVERNING = frozenset({"pyproject.toml", "autosota.toml", ".git"})
"""Files that say how others are checked."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a check of one version of a document gave.

    Attributes:
        findings: With paths from the workspace's root; those of this document say `name`.
        suppressed: What comments suppress.
        name: The document's own path as findings write it.
        root: The folder that these paths count from.
        notes: What of the settings could not be used, one line each.
    """

    findings: tuple[Finding, ...] = ()
    suppressed: tuple[Finding, ...] = ()
    name: str = ""
    root: str = ""
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class _Open:
    """One open document.

    `path` is where it is, or would be if it were saved; `looked` are the other files, absolute,
    that its last check asked for.
    """

    path: str
    content: bytes
    saved: bool
    session: Session | None = None
    settings: CheckSettings = field(default_factory=CheckSettings)
    site: Site = field(default_factory=lambda: Site(""))
    notes: tuple[str, ...] = ()
    looked: frozenset[str] = frozenset()
    silent: bool = False
    reading: Reading | None = None
    actions: Actions | None = None


class Desk:
    """Open documents, their sessions, and the folders they lie in."""

    def __init__(self) -> None:
        """Nothing is open. `folders` are those of the window, without links."""
        self.folders: tuple[str, ...] = ()
        self._open: dict[str, _Open] = {}
        self._texts: dict[str, bytes] = {}
        self._projects: dict[str, LiveProject] = {}
        self._known: dict[Site, tuple[CheckSettings, tuple[str, ...]]] = {}

    # ------------------------------------------------------------------ documents

    def put(self, key: str, path: str, content: bytes, *, saved: bool = True) -> None:
        """A document was opened or changed.

        Args:
            key: The face's own name for it.
            path: Its absolute path; for one that was never saved, its name with `.py`.
            content: Its whole text; of a notebook, its JSON.
            saved: Whether `path` is a place on disk.
        """
        document = self._open.get(key)
        if document is None:
            where = _real(path) if saved else os.path.join(_nowhere(), path)
            document = self._open[key] = _Open(where, content, saved)
        document.content = content
        document.reading = document.actions = None
        if document.saved:
            self._texts[document.path] = content

    def close(self, key: str) -> list[str]:
        """A document was closed, and its file counts again: the keys of those that looked at it.

        Unknown keys are fine.
        """
        users = self.users_of(key)
        document = self._open.pop(key, None)
        if document is None:
            return []
        if not any(d.path == document.path for d in self._open.values()):
            self._texts.pop(document.path, None)
        if document.session is not None:
            document.session.close()
        return users

    def users_of(self, key: str) -> list[str]:
        """The other open documents whose findings looked at this one."""
        changed = self._open.get(key)
        if changed is None:
            return []
        return [k for k, d in self._open.items() if k != key and changed.path in d.looked]

    # ------------------------------------------------------------------ checking

    def check(self, key: str) -> Reading:
        """The findings of a document as it is now; of one that is not open, none."""
        document = self._open.get(key)
        if document is None:
            return Reading()
        if document.session is None:
            self._govern(document)
        assert document.session is not None
        name, root = document.session.path, document.site.root
        if document.silent:
            return Reading(name=name, root=root, notes=document.notes)
        project = self._project(root)
        try:
            checked = document.session.update(document.content, project.view)
        except Exception:
            # A check that fails must not stop the next one; the document starts anew with it.
            logger.exception("the check failed on %s", document.path)
            document.session = None
            return Reading(name=name, root=root, notes=document.notes)
        document.looked = frozenset(os.path.join(root, p) for p in project.looked() if p != name)
        reports = document.settings.reports
        findings = tuple(f for f in checked.findings if reports(document.path, f.code))
        document.reading = Reading(findings, checked.suppressed, name, root, document.notes)
        return document.reading

    def actions(self, key: str) -> Actions | None:
        """What can be done about the findings of the last check; None when there are none."""
        document = self._open.get(key)
        if document is None or document.session is None or document.reading is None:
            return None
        if document.actions is None and document.reading.findings:
            project = self._project(document.site.root).view
            found = document.reading.findings
            document.actions = Actions.of(document.session, document.content, found, project)
        return document.actions

    def changes(self, key: str, kind: str, number: int, reason: str = "") -> tuple[Change, ...]:
        """The changes of a `fix`, of `all` that is safe, or of a suppression, by its number.

        Raises:
            UserError: there is no such action any more, or it cannot be done.
        """
        actions = self.actions(key)
        if actions is None:
            raise UserError("nothing is found here any more")
        if kind == "all":
            return actions.all_fixed()
        known = actions.fixes if kind == "fix" else actions.findings
        if kind not in ("fix", "suppress") or not 0 <= number < len(known):
            raise UserError(f"there is no action '{kind}' {number} here")
        if kind == "fix":
            return actions.fixed(number)
        return actions.suppressed(actions.findings[number], reason)

    def files_changed(self, paths: Iterable[str]) -> list[str]:
        """Files changed on disk: the keys of the documents to check again."""
        real = [_real(p) for p in paths]
        if any(os.path.basename(p) in GOVERNING for p in real):
            self.settings_changed()
            return list(self._open)
        again: list[str] = []
        for path in real:
            for root, project in self._projects.items():
                if path.startswith(root + os.sep):
                    project.forget(path[len(root) + 1 :].replace(os.sep, "/"))
            again += [k for k, d in self._open.items() if path in d.looked and d.path != path]
        return list(dict.fromkeys(again))

    def settings_changed(self) -> None:
        """Something that governs documents has changed: each looks for its settings anew."""
        site_of.cache_clear()
        has_settings.cache_clear()
        self._known.clear()
        for document in self._open.values():
            if document.session is not None:
                document.session.close()
            document.session = None

    # ------------------------------------------------------------------ inside

    def _govern(self, document: _Open) -> None:
        """Find the settings of a document, and begin a session under them."""
        document.site = site_for(os.path.dirname(document.path), self.folders)
        if document.site not in self._known:
            self._known[document.site] = _load(document.site)
        document.settings, document.notes = self._known[document.site]
        name = document.site.name_of(document.path)
        document.session = Session(name, document.settings.rules)
        document.silent = _left_out(name, document)

    def _project(self, root: str) -> LiveProject:
        if root not in self._projects:
            self._projects[root] = LiveProject(root, self._texts)
        return self._projects[root]


def _load(site: Site) -> tuple[CheckSettings, tuple[str, ...]]:
    """The settings of a site; what cannot be used is said, and the rest goes on without it."""
    try:
        settings = load(site)
    except UserError as error:
        return CheckSettings(folder=site.settings_folder), (str(error),)
    return settings, settings.notes


def _left_out(name: str, document: _Open) -> bool:
    """Whether nobody wants findings here: installed packages, caches, what settings exclude."""
    from autosota.server.check.ignored import Ignored

    if NEVER & set(name.split("/")[:-1]):
        return True
    patterns = document.settings.exclude
    return bool(patterns) and Ignored().also(document.settings.folder, patterns).has(document.path)


def _real(path: str) -> str:
    """The path with the links of its folder resolved, as sites are named."""
    folder, name = os.path.split(path)
    return os.path.join(os.path.realpath(folder), name)


def _nowhere() -> str:
    """A folder for what was never saved: no settings govern it."""
    return os.path.realpath(tempfile.gettempdir())
