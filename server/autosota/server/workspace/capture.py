"""What lies in a working tree now, as entries of a tree: the content of a snapshot.

Bytes as they lie there: no filter, no line-end conversion. The user's index is only copied, to
learn from it which files are unchanged; nothing of the user's is written, and no program that
their configuration names is run. What a commit is made of it is not known here.
"""

from __future__ import annotations

import itertools
import os
import re
import shutil
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from autosota.server.errors import UserError
from autosota.server.workspace import globs
from autosota.server.workspace.git import Git, failure
from autosota.server.workspace.objects import (
    EXECUTABLE,
    LINK,
    REGULAR,
    SUBMODULE,
    Entry,
    ObjectStore,
)
from autosota.server.workspace.repository import Repository, open_repository
from autosota.server.workspace.root import STATE, is_git_top

LARGEST_FILE = 100 * 10**6
"""Bytes of the largest file that a snapshot copies into the store."""

# Written by tools beside the code and never part of it; a user's own patterns come later and
# so can bring them back.
_LITTER = "__pycache__/\n*.py[co]\n.ipynb_checkpoints/\n"
_FILTERED = re.compile(rb"\b(?:filter|working-tree-encoding)=(?!lfs\b)")


@dataclass(slots=True)
class Capture:
    """The entries of a snapshot by path from the workspace root, and what to tell of them."""

    entries: dict[str, Entry] = field(default_factory=dict)
    dirty: bool = False
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Tracked:
    entry: Entry
    stage: str
    tag: str


class WorkingTree:
    """Captures a workspace: its repository, those nested in it, or a folder without one."""

    def __init__(self, store: ObjectStore, exclude: Sequence[str]) -> None:
        self._store = store
        self._exclude = tuple(exclude)
        self._common: set[Path] = set()
        self._count = itertools.count()

    def capture(self, root: Path, repository: Repository | None) -> Capture:
        """Store what lies below `root` and say what it is.

        Raises:
            UserError: an unmerged index, a file that is too large or cannot be read.
        """
        sub = root.relative_to(repository.top).as_posix() if repository is not None else "."
        with self._store.scratch("capture") as scratch:
            (scratch / "litter").write_text(_LITTER, encoding="ascii")
            return self._capture(root, repository, "" if sub == "." else sub, "", scratch)

    def _capture(
        self, root: Path, repository: Repository | None, sub: str, prefix: str, scratch: Path
    ) -> Capture:
        top = repository.top if repository is not None else root
        head = repository.head() if repository is not None else None
        fresh = scratch / f"index-{next(self._count)}"
        if repository is not None:
            self._common.add(repository.common_dir)
            self._store.borrow(repository.object_dirs())
            self._copy_index(repository, fresh)
        git = replace(self._store.git, work_tree=top, index=fresh)
        return _Repository(self, git, repository, sub, prefix, head, scratch).result()

    def _copy_index(self, repository: Repository, copy: Path) -> None:
        if not repository.index.is_file():
            return
        if not os.access(repository.index, os.R_OK):
            raise UserError(f"cannot read {repository.index}; make it readable for you")
        # With its time stamp: git tells by it which entries are too young to be trusted.
        shutil.copy2(repository.index, copy)
        for shared in repository.git_dir.glob("sharedindex.*"):  # of a split index
            place = self._store.path / shared.name
            if not place.exists():
                shutil.copy2(shared, place)

    def excluded(self, path: str) -> bool:
        """True for a path, from the workspace root, that is data and mounted by itself."""
        return globs.match(path, self._exclude)

    def nested(self, top: Path, path: str, scratch: Path) -> tuple[Capture, str] | None:
        """The content of a repository inside, and its head; None if it cannot be taken."""
        repository = open_repository(top)
        if repository.common_dir in self._common:
            return None  # a worktree of a repository that is already part of this
        if repository.object_format != self._store.object_format:
            return None
        captured = self._capture(top, repository, "", path + "/", scratch)
        return captured, repository.head() or ""

    def ignore_options(self, sub: str) -> list[str]:
        """The exclude globs for git, so that it need not list a million files of data."""
        base = "/" + re.sub(r"([*?\[\\])", r"\\\1", sub) + "/" if sub else "/"
        patterns = (globs.segments_of(p) for p in self._exclude)
        return [f"--exclude={base}{'/'.join(p)}" for p in patterns]

    @property
    def store(self) -> ObjectStore:
        """Where the content goes."""
        return self._store


class _Repository:
    """One repository of the workspace. `sub` is the workspace's folder in it, if it is one."""

    def __init__(
        self,
        tree: WorkingTree,
        git: Git,
        repository: Repository | None,
        sub: str,
        prefix: str,
        head: str | None,
        scratch: Path,
    ) -> None:
        assert git.work_tree is not None
        self.tree, self.git, self.repository = tree, git, repository
        self.top, self.sub, self.prefix, self.scratch = git.work_tree, sub, prefix, scratch
        self.limit = ["--", sub] if sub else []
        self.capture = Capture()
        self.head = tree.store.entries_of(head, sub) if head is not None else {}
        self.filemode = True
        if repository is not None:
            value = repository.settings().get("core.filemode", "true").lower()
            self.filemode = value not in ("false", "no", "off", "0")
        self.write: list[str] = []

    def path(self, path: str) -> str:
        """From a path in the repository to one from the workspace root."""
        return self.prefix + (path[len(self.sub) + 1 :] if self.sub else path)

    def result(self) -> Capture:
        tracked = self._tracked()
        others = self._others()
        self._judge(tracked, others)
        self._untracked([p for p in others if not p.endswith("/")])
        for path in others:
            if path.endswith("/"):
                self._nested(path[:-1], None)
        self._store_files(tracked)
        entries = self.capture.entries
        for path, old in self.head.items():
            if old.mode != SUBMODULE and self.path(path) not in entries:
                self.capture.dirty |= not self.tree.excluded(self.path(path))
        return self.capture

    # ------------------------------------------------------------ what git knows

    def _tracked(self) -> dict[str, _Tracked]:
        out = os.fsdecode(self.git.run("ls-files", "-s", "-v", "-z", *self.limit))
        tracked: dict[str, _Tracked] = {}
        for line in out.split("\0")[:-1]:
            about, _, path = line.partition("\t")
            tag, mode, oid, stage = about.split(" ")
            if stage != "0":
                raise UserError(
                    f"{self.top / path} has a merge conflict; resolve it ('git status' shows "
                    "how), then try again"
                )
            if self.path(path).split("/")[0] == STATE:
                raise UserError(
                    f"{self.top / path} is under version control, but {STATE} is AutoSOTA's own "
                    f"folder; run 'git rm -r --cached {STATE}'"
                )
            tracked[path] = _Tracked(Entry(mode, oid), stage, tag)
        return tracked

    def _others(self) -> list[str]:
        sources = [self.scratch / "litter"]
        if self.repository is not None:
            sources += self.repository.exclude_files()
        arguments = (
            "ls-files",
            "--others",
            "-z",
            "--exclude-per-directory=.gitignore",
            *(f"--exclude-from={s}" for s in sources),
            *(self.tree.ignore_options(self.sub) if not self.prefix else ()),
            *self.limit,
        )
        code, out, err = self.git.attempt(*arguments)
        closed = re.search(r"could not open directory '(.*)':", os.fsdecode(err))
        if closed is not None:  # git only warns, and the snapshot would lack what is in it
            raise UserError(
                f"cannot read the folder {self.top / closed[1]}; make it readable, or ignore it "
                "in .gitignore"
            )
        if code != 0:
            raise failure(arguments, err, self.top)
        return [p for p in os.fsdecode(out).split("\0")[:-1] if self._is_ours(self.path(p))]

    def _is_ours(self, path: str) -> bool:
        return path.split("/")[0] != STATE and not self.tree.excluded(path.rstrip("/"))

    def _changed(self) -> dict[str, str]:
        """Paths whose time stamp or size is not the index's, with git's letter for it."""
        out = self.git.run(
            *("-c", f"core.fileMode={str(self.filemode).lower()}"),
            *("diff-files", "--raw", "-z", "--no-renames", "--ignore-submodules=all"),
            *self.limit,
        )
        parts = os.fsdecode(out).split("\0")[:-1]
        return {path: about[-1] for about, path in zip(parts[::2], parts[1::2], strict=True)}

    # ------------------------------------------------------------ what becomes of each file

    def _judge(self, tracked: dict[str, _Tracked], others: Sequence[str]) -> None:
        changed = self._changed()
        # Of the objects that are there; a converted file differs from its own on disk.
        sizes = self.tree.store.sizes(
            {t.entry.oid for t in tracked.values() if t.entry.mode != SUBMODULE}
        )
        filtered = self._has_filters(tracked, others)
        absent = 0
        for path, item in tracked.items():
            place = self.top / path
            entry = item.entry
            if entry.mode == SUBMODULE:
                self._nested(path, entry)
                continue
            if self.tree.excluded(self.path(path)):
                if not self.prefix and path in self.head:
                    self.capture.entries[self.path(path)] = self.head[path]
                continue
            letter = changed.get(path, "")
            try:
                about = place.lstat()
            except OSError:
                about = None
            if about is None and item.tag in "Ss":  # sparse checkout: it is not meant to be here
                absent += 1
                if entry.oid in sizes:
                    self.capture.entries[self.path(path)] = entry
            elif about is None or letter == "D" or stat.S_ISDIR(about.st_mode):
                continue
            elif letter or item.tag != "H" or filtered or about.st_size != sizes.get(entry.oid, -1):
                self._add(path)
            else:
                self.capture.entries[self.path(path)] = entry
        if absent:
            self.capture.notes.append(
                f"sparse checkout: {absent} tracked files are not in the working tree; "
                "runs see them as they are in the index, where the repository has them"
            )
        self.touched = {p for p in changed if p in tracked} | {
            p for p, t in tracked.items() if t.tag != "H"
        }

    def _has_filters(self, tracked: dict[str, _Tracked], others: Sequence[str]) -> bool:
        """True when a conversion may keep a file's size: then no time stamp is trusted."""
        names = [*tracked, *others]
        files = [self.top / p for p in names if p.rpartition("/")[2] == ".gitattributes"]
        if self.sub:
            parts = self.sub.split("/")
            files += [self.top.joinpath(*parts[:n], ".gitattributes") for n in range(len(parts))]
        if self.repository is not None:
            files.append(self.repository.common_dir / "info" / "attributes")
        for file in files:
            try:
                if _FILTERED.search(file.read_bytes()):
                    return True
            except OSError:
                continue
        return False

    def _untracked(self, paths: Sequence[str]) -> None:
        environments = {p.rpartition("/")[0] + "/" for p in paths if p.endswith("/pyvenv.cfg")}
        for folder in sorted(environments):
            self.capture.notes.append(
                f"{self.path(folder)} is a virtual environment and left out; name it in .gitignore"
            )
        for path in paths:
            if not any(path.startswith(folder) for folder in environments):
                self._add(path)
                self.capture.dirty = True

    def _add(self, path: str) -> None:
        place = self.top / path
        try:
            about = place.lstat()
        except OSError:
            return  # gone since it was listed
        if stat.S_ISREG(about.st_mode) and about.st_size > LARGEST_FILE:
            raise UserError(
                f"{self.path(path)} has {about.st_size / 1e6:.0f} MB, too large for a snapshot; "
                "if it is data, name it in protocol.data of the objective, else in .gitignore"
            )
        if stat.S_ISREG(about.st_mode) or stat.S_ISLNK(about.st_mode):
            self.write.append(path)

    def _store_files(self, tracked: dict[str, _Tracked]) -> None:
        oids = self.tree.store.write_files(self.top, self.write)
        for path, oid in zip(self.write, oids, strict=True):
            old = tracked.get(path)
            entry = Entry(self._mode(path, old.entry.mode if old else REGULAR), oid)
            self.capture.entries[self.path(path)] = entry
            # A file that only its conversion sets apart is no change of the user's.
            if path in self.touched and entry != self.head.get(path):
                self.capture.dirty = True
        for path, item in tracked.items():
            if item.entry.mode != SUBMODULE and item.entry != self.head.get(path):
                self.capture.dirty |= not self.tree.excluded(self.path(path))

    def _mode(self, path: str, known: str) -> str:
        place = self.top / path
        if place.is_symlink():
            return LINK
        if not self.filemode and known in (REGULAR, EXECUTABLE):
            return known
        return EXECUTABLE if os.stat(place).st_mode & stat.S_IXUSR else REGULAR

    # ------------------------------------------------------------ repositories inside

    def _nested(self, path: str, recorded: Entry | None) -> None:
        where, top = self.path(path), self.top / path
        kind = "submodule" if recorded is not None else "nested repository"
        taken = None
        if is_git_top(top) and not top.is_symlink():
            taken = self.tree.nested(top, where, self.scratch)
        elif recorded is not None:
            if not self.tree.excluded(where):
                self.capture.notes.append(
                    f"submodule {where} is not checked out, so runs do not see its files; "
                    f"run 'git submodule update --init {where}'"
                )
            return
        if taken is None:
            self.capture.notes.append(
                f"{where} is a worktree of this repository, or of another object format: left out"
            )
            return
        captured, head = taken
        self.capture.entries |= captured.entries
        self.capture.notes += [
            f"{kind} {where}: its {len(captured.entries)} checked-out files are part of the "
            "snapshot as ordinary files",
            *captured.notes,
        ]
        same = recorded is not None and recorded.oid == head and recorded == self.head.get(path)
        self.capture.dirty |= captured.dirty or not same
