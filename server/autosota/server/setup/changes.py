"""`autosota split`: set-up changes of a workspace, listed, and accepted into the user's files.

The agent (`agents/init/splits`) says what may be offered; here the offers are read from the
folder, worded, and written through the same journal as an accepted patch: the code and the
objective together, or nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autosota.agents.init.splits import SetupChange, Unavailable, offers
from autosota.server.config import objective_file, objective_of, read_objective
from autosota.server.config.files import PYPROJECT, parse
from autosota.server.errors import UserError
from autosota.server.setup.folder import FolderTree
from autosota.server.workspace.store import GitWorkspace

MEANING = (
    "it starts a new baseline: numbers measured before are not comparable with those after it",
    "the test rows, and how the claim is computed on them, stay as they are",
)
_STALE = "LK112"


@dataclass(frozen=True, slots=True)
class Offer:
    """One change, its diff (the objective's file included), and where it is written."""

    change: SetupChange
    diff: str
    changes: dict[str, bytes]
    before: dict[str, bytes]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        change = self.change
        return {
            "id": change.id,
            "kind": change.kind,
            "title": change.title,
            "reason": change.reason,
            "metric_added": change.metric_added or None,
            "objective_changes": dict(change.objective_changes),
            "files": sorted(self.changes),
            "notes": list(change.notes),
            "diff": self.diff,
        }


@dataclass(frozen=True, slots=True)
class Offers:
    """What is offered for a workspace, and what is not, with the reason.

    `data` are the globs of data and labels, which no commit of ours holds.
    """

    root: Path
    offers: tuple[Offer, ...]
    unavailable: tuple[Unavailable, ...]
    data: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "offers": [offer.as_dict() for offer in self.offers],
            "unavailable": [{"kind": u.kind, "reason": u.reason} for u in self.unavailable],
            "meaning": list(MEANING),
        }

    def find(self, id: str) -> Offer:
        """The offer of an id, or of the start of one.

        Raises:
            UserError: there is none, or several.
        """
        found = [o for o in self.offers if o.change.id == id] or [
            o for o in self.offers if id and o.change.id.startswith(id)
        ]
        if len(found) == 1:
            return found[0]
        listed = ", ".join(o.change.id for o in (found or self.offers))
        if found:
            raise UserError(f"--apply {id} stands for {len(found)} changes: {listed}")
        if not listed:
            raise UserError(f"--apply {id}: nothing is offered here; see autosota split")
        raise UserError(
            f"--apply {id}: no such change for the files as they are now (offered: {listed}); "
            "if they changed since you read it, type autosota split again"
        )


def read_offers(root: Path) -> Offers:
    """What may be changed in a workspace before a campaign. Nothing is written.

    Raises:
        UserError: there is no objective, or it cannot be used.
    """
    objective = read_objective(root).objective
    file = objective_file(root)
    assert file is not None
    tree = FolderTree(root)
    # The boundary is drawn when it is needed: following the program takes a second or two.
    from autosota.agents.supervisor.boundary import draw_boundary

    found = offers(tree, objective, draw_boundary(tree, objective))
    changes = [c for c in found if isinstance(c, SetupChange)]
    return Offers(
        root,
        tuple(_offer(root, tree, file, c) for c in changes),
        tuple(u for u in found if isinstance(u, Unavailable)),
        (*objective.protocol.data, *objective.protocol.labels),
    )


def accept(found: Offers, offer: Offer) -> tuple[str, ...]:
    """Write a change into the user's files, all of it or nothing; the paths that were written.

    Raises:
        UserError: a file has moved on since the offer was read; nothing was changed.
    """
    with GitWorkspace(found.root) as workspace:
        snapshot = workspace.snapshot(found.data)
        # Files that git does not know (an ignored objective, say) are part of the change, too.
        old = workspace.commit(snapshot.commit, dict(offer.before), f"Before {offer.change.id}")
        new = workspace.commit(old, dict(offer.changes), offer.change.title)
        workspace.keep(f"setup/{offer.change.id}/before", old)
        workspace.keep(f"setup/{offer.change.id}/after", new)
        return workspace.apply(old, new)


def _offer(root: Path, tree: FolderTree, file: Path, change: SetupChange) -> Offer:
    before = {path: tree.read(path) for path in change.changes}
    after = dict(change.changes)
    if change.objective_changes:
        name = file.relative_to(root).as_posix()
        before[name] = file.read_bytes()
        after[name] = with_settings(before[name], name, dict(change.objective_changes))
    whole = SetupChange(change.id, change.kind, change.title, change.reason, after)
    return Offer(change, whole.diff(_Now(before)), after, before)


class _Now:
    """The files of one offer as they were read."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self._files = files

    def files(self) -> list[str]:
        return sorted(self._files)

    def read(self, path: str) -> bytes:
        return self._files[path]


def with_settings(content: bytes, label: str, settings: dict[str, str]) -> bytes:
    """An objective's file with keys of `[objective]` set; comments and layout are kept.

    Raises:
        UserError: the file is no TOML, or would not be a good objective afterwards.
    """
    import tomlkit
    from tomlkit.exceptions import TOMLKitError
    from tomlkit.items import Item

    mark = b"\xef\xbb\xbf" if content.startswith(b"\xef\xbb\xbf") else b""
    try:
        document = tomlkit.parse(content.decode("utf-8-sig"))
    except (TOMLKitError, UnicodeDecodeError) as error:
        raise UserError(f"{label}: cannot be edited: {' '.join(str(error).split())}") from error
    table: Any = document
    if Path(label).name == PYPROJECT:
        table = document["tool"]["autosota"]
    main = table["objective"]
    for key, value in settings.items():
        old = main.get(key)
        main[key] = value
        item = main.item(key) if hasattr(main, "item") else main[key]
        if isinstance(old, Item) and _STALE in old.trivia.comment:
            item.comment("set by autosota split")
    text = mark + tomlkit.dumps(document).encode("utf-8")
    _check(text, label, settings)
    return text


def _check(content: bytes, label: str, settings: dict[str, str]) -> None:
    table = parse(content, label)
    if Path(label).name == PYPROJECT:
        table = table["tool"]["autosota"]
    objective = objective_of(table, label)
    for key, value in settings.items():
        if getattr(objective, key) != value:
            raise UserError(f"{label}: objective.{key} could not be set to {value}; set it by hand")
