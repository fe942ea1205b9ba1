"""A change between two commits, brought into the user's working tree when they accept it.

Decides what each file becomes, or why the change cannot be applied; `journal` then writes it.
Neither an index nor a commit is touched.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from autosota.server.errors import UserError
from autosota.server.workspace.git import failure
from autosota.server.workspace.journal import Journal, Write
from autosota.server.workspace.objects import EXECUTABLE, LINK, SUBMODULE, Entry, ObjectStore
from autosota.server.workspace.root import STATE


@dataclass(frozen=True, slots=True)
class _Change:
    path: str
    old: Entry | None
    new: Entry | None


class Acceptance:
    """Applies changes to the files below `root`."""

    def __init__(self, root: Path, state: Path, store: ObjectStore) -> None:
        self._root = root
        self._store = store
        self._journal = Journal(root, state)

    def recover(self) -> tuple[str, ...]:
        """Undo a change whose process was killed; sentences for the user."""
        with self._journal.locked():
            return self._journal.recover()

    def apply(self, old: str, new: str) -> tuple[str, ...]:
        """Bring the change old → new into the files; the paths that were written.

        Raises:
            UserError: a conflict, or a path that is not ours to write; nothing was changed.
        """
        with self._journal.locked():
            self._journal.recover()
            planned = [self._write(change) for change in self._changes(old, new)]
            writes = [w for w in planned if w is not None]
            if writes:
                self._journal.write(writes)
        return tuple(w.path for w in writes)

    def _changes(self, old: str, new: str) -> list[_Change]:
        out = self._store.git.run("diff-tree", "-r", "--raw", "-z", "--no-renames", old, new)
        parts = os.fsdecode(out).split("\0")[:-1]
        changes: list[_Change] = []
        for about, path in zip(parts[::2], parts[1::2], strict=True):
            modes = about.lstrip(":").split(" ")
            sides = [
                Entry(mode, oid) if set(mode) != {"0"} else None
                for mode, oid in zip(modes[:2], modes[2:4], strict=True)
            ]
            for side in sides:
                if side is not None and side.mode in (LINK, SUBMODULE):
                    kind = "symbolic link" if side.mode == LINK else "submodule"
                    raise _refused(path, f"it is a {kind}")
            changes.append(_Change(path, sides[0], sides[1]))
        return changes

    def _write(self, change: _Change) -> Write | None:
        """What the file becomes; None when it is so already."""
        now = self._now(change.path)
        old, new = self._content(change.old), self._content(change.new)
        becomes = new if now in (old, new) else self._merged(change.path, now, old, new)
        executable = None
        if change.new is not None and (change.old is None or change.old.mode != change.new.mode):
            is_so = now is not None and os.access(self._root / change.path, os.X_OK)
            wanted = change.new.mode == EXECUTABLE
            executable = wanted if now is None or is_so != wanted else None
        if becomes == now and executable is None:
            return None
        return Write(change.path, now, becomes, executable)

    def _content(self, entry: Entry | None) -> bytes | None:
        if entry is None:
            return None
        found = self._store.blobs.read(entry.oid)
        if found is None:
            raise UserError(f"object {entry.oid} is missing from the repository; fetch it")
        return found[1]

    def _now(self, path: str) -> bytes | None:
        """The content of the user's file, once it is clear that we may write there."""
        parts = path.split("/")
        if any(p in ("", ".", "..") or p.lower() == ".git" for p in parts) or parts[0] == STATE:
            raise _refused(path, "it is outside the workspace's own files")
        place = self._root
        for part in parts[:-1]:
            place = place / part
            if place.is_symlink():
                raise _refused(path, f"{place.relative_to(self._root)} is a symbolic link")
            if not place.exists():
                return None
            if not place.is_dir():
                raise _refused(path, f"{place.relative_to(self._root)} is not a folder")
            if os.path.lexists(place / ".git"):
                inner = place.relative_to(self._root)
                raise _refused(path, f"{inner} is a submodule or a repository of its own")
        place = place / parts[-1]
        try:
            mode = place.lstat().st_mode
            if not stat.S_ISREG(mode):
                raise _refused(path, "it is no ordinary file in the working tree")
            return place.read_bytes()
        except FileNotFoundError:
            return None
        except PermissionError as error:
            raise _refused(path, "it cannot be read") from error

    def _merged(self, path: str, now: bytes | None, old: bytes | None, new: bytes | None) -> bytes:
        if now is None or new is None:
            does = "deletes" if new is None else "changes"
            did = "deleted" if now is None else "changed"
            raise _refused(path, f"the change {does} it and you {did} it since")
        if old is None:
            raise _refused(path, "the change adds it and you added another one since")
        with self._store.scratch("merge") as scratch:
            for name, content in (("yours", now), ("base", old), ("change", new)):
                (scratch / name).write_bytes(content)
            names = [str(scratch / n) for n in ("yours", "base", "change")]
            arguments = ("merge-file", "--stdout", *names)
            code, out, err = self._store.git.attempt(*arguments)
        if code == 0:
            return out
        if code > 127 and b"binary" not in err:
            raise failure(arguments, err, self._root)
        raise _refused(path, "you changed it since, in the same place")


def _refused(path: str, reason: str) -> UserError:
    return UserError(
        f"the change cannot be applied to {path}: {reason}; nothing was changed. Undo your edit "
        "or move what is in the way, or take the patch ('autosota export') and merge it by hand"
    )
