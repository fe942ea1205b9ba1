"""A change of several files that happens wholly or not at all, also across a kill.

Before the first file is touched a journal in the state folder says what will be, and holds
copies of what was. The journal's removal is the moment at which the change is done; a journal
that is found later belongs to a process that died, and is rolled back. What the files are is
not known here.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from autosota.server.errors import UserError
from autosota.server.workspace.root import storage_error

_WAIT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Write:
    """One file's change: from the content `before` to `after` (None: no such file).

    `executable` is the bit that it gets; None leaves it as it is.
    """

    path: str
    before: bytes | None
    after: bytes | None
    executable: bool | None = None


@dataclass(frozen=True, slots=True)
class _Step:
    path: str
    temporary: str
    backup: str
    before: str
    after: str


class Journal:
    """The journal of one workspace, in `state/apply`."""

    def __init__(self, root: Path, state: Path) -> None:
        self.root = root
        self.folder = state / "apply"
        self._file = self.folder / "journal.json"
        self._lock = state / "apply.lock"

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the journal, alone among all processes.

        Raises:
            UserError: another process held it for half a minute.
        """
        try:
            descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise storage_error(self._lock, error) from error
        try:
            end = time.monotonic() + _WAIT_SECONDS
            while True:
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError as error:
                    if time.monotonic() > end:
                        raise UserError(
                            f"another process is applying a change in {self.root}; "
                            "wait for it or stop it, then try again"
                        ) from error
                    time.sleep(0.02)
            yield
        finally:
            os.close(descriptor)

    def recover(self) -> tuple[str, ...]:
        """Undo a change whose process died. Call with the lock held.

        A file that somebody edited since is left as it is, and its earlier content kept.
        """
        if not self._file.exists():
            # Killed before the journal was there, or after it was gone: nothing is half done.
            shutil.rmtree(self.folder, ignore_errors=True)
            return ()
        try:
            return self._roll_back()
        except OSError as error:
            raise storage_error(Path(error.filename or self.root), error) from error

    def write(self, changes: Sequence[Write]) -> None:
        """Make all changes or none. Call with the lock held and nothing to recover.

        Raises:
            UserError: a file changed meanwhile or cannot be written; nothing was changed.
        """
        try:
            steps, folders = self._plan(changes)
        except OSError as error:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise storage_error(self.folder, error) from error
        try:
            for folder in folders:
                (self.root / folder).mkdir(exist_ok=True)
            for change, step in zip(changes, steps, strict=True):
                self._stage(change, step)
            for change, step in zip(changes, steps, strict=True):
                self._swap(change, step)
            self._file.unlink()
        except OSError as error:
            self._roll_back()
            raise storage_error(Path(error.filename or self.root), error) from error
        except BaseException:
            self._roll_back()
            raise
        shutil.rmtree(self.folder, ignore_errors=True)
        self._prune(c.path for c in changes if c.after is None)

    def _prune(self, deleted: Iterable[str]) -> None:
        """Remove the folders that a deletion left empty, as git does."""
        for path in deleted:
            for folder in Path(path).parents[:-1]:
                with contextlib.suppress(OSError):  # not empty, most often
                    (self.root / folder).rmdir()

    def _plan(self, changes: Sequence[Write]) -> tuple[list[_Step], list[str]]:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        steps: list[_Step] = []
        folders: list[str] = []
        for number, change in enumerate(changes):
            place = self.root / change.path
            backup = ""
            if change.before is not None:
                backup = f"{number}.before"
                shutil.copy2(place, self.folder / backup)
                _flush(self.folder / backup)
            parent = Path(change.path).parent
            temporary = str(parent / f".autosota-{os.urandom(6).hex()}.tmp")
            steps.append(
                _Step(change.path, temporary, backup, _hash(change.before), _hash(change.after))
            )
            for folder in (*reversed(parent.parents), parent):
                if not (self.root / folder).exists() and str(folder) not in folders:
                    folders.append(str(folder))
        text = json.dumps({"steps": [asdict(s) for s in steps], "folders": folders})
        draft = self.folder / "journal.draft"
        draft.write_text(text, encoding="utf-8")
        _flush(draft)
        os.replace(draft, self._file)
        _flush(self.folder)
        return steps, folders

    def _stage(self, change: Write, step: _Step) -> None:
        """Write the new content beside the file: from here a full disk can no longer hurt."""
        if change.after is None:
            return
        place, temporary = self.root / change.path, self.root / step.temporary
        mode = 0o777 if change.executable else 0o666  # less the umask
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(change.after)
            file.flush()
            os.fsync(file.fileno())
        if change.before is None:
            return
        was = place.stat()
        shutil.copystat(place, temporary)
        os.utime(temporary)
        with contextlib.suppress(PermissionError):
            os.chown(temporary, was.st_uid, was.st_gid)
        if change.executable is not None:
            readable = was.st_mode & 0o444
            bits = was.st_mode & 0o666 | (readable >> 2 if change.executable else 0)
            temporary.chmod(bits)

    def _swap(self, change: Write, step: _Step) -> None:
        place = self.root / change.path
        if place.is_symlink() or _hash(_content(place)) != step.before:
            raise UserError(
                f"{change.path} changed while the change was applied; nothing was written: "
                "save your edits, then try again"
            )
        if change.after is None:
            place.unlink()
        else:
            os.replace(self.root / step.temporary, place)

    def _roll_back(self) -> tuple[str, ...]:
        record = json.loads(self._file.read_text(encoding="utf-8"))
        steps = [_Step(**s) for s in record["steps"]]
        notes: list[str] = []
        for step in reversed(steps):
            place, temporary = self.root / step.path, self.root / step.temporary
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                temporary.unlink()
            now = _hash(_content(place))
            if now == step.before != step.after:
                continue  # not yet swapped; where only the mode changes, content cannot tell
            if now != step.after:
                notes.append(self._keep(step))
            elif step.backup:
                shutil.copy2(self.folder / step.backup, temporary)
                was = (self.folder / step.backup).stat()
                with contextlib.suppress(PermissionError):
                    os.chown(temporary, was.st_uid, was.st_gid)
                os.replace(temporary, place)
            else:
                place.unlink()
        for folder in reversed(record["folders"]):
            with contextlib.suppress(OSError):  # absent, or holds files of the user's by now
                (self.root / folder).rmdir()
        self._file.unlink()
        shutil.rmtree(self.folder, ignore_errors=True)
        return tuple(notes)

    def _keep(self, step: _Step) -> str:
        note = f"{step.path} was edited after an interrupted apply, and left as it is"
        if not step.backup:
            return note
        descriptor, kept = tempfile.mkstemp(prefix="before-apply-", dir=self.folder.parent)
        os.close(descriptor)
        shutil.copy2(self.folder / step.backup, kept)
        return f"{note}; what it was before is in {kept}"


def _content(place: Path) -> bytes | None:
    try:
        return place.read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None


def _hash(content: bytes | None) -> str:
    return "" if content is None else hashlib.sha256(content).hexdigest()


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
