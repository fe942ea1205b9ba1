"""A workspace on git: snapshots, commits, diffs and checkouts in a store of our own.

The user's repository is read and never written; their working tree is written by `apply` only,
when they accept a change. What a change is for, and whether it is allowed, is not known here.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType

from autosota.server.errors import UserError
from autosota.server.workspace import globs
from autosota.server.workspace.accept import Acceptance
from autosota.server.workspace.capture import WorkingTree
from autosota.server.workspace.git import Git
from autosota.server.workspace.objects import LINK, REGULAR, SUBMODULE, Entry, ObjectStore
from autosota.server.workspace.repository import Repository, open_repository
from autosota.server.workspace.root import git_top, prepare_state, storage_error
from autosota.server.workspace.tree import GitTree

_KEPT_TREES = 64
_DIFF = (
    "diff-tree",
    "-r",
    "-p",
    "--binary",
    "--full-index",
    "--no-renames",
    "--no-color",
    "--no-ext-diff",
    "--no-textconv",
    "--unified=3",
    "--diff-algorithm=myers",
    "--src-prefix=a/",
    "--dst-prefix=b/",
)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The base of a campaign.

    `commit` is the user's HEAD itself when the working tree is exactly that, else a commit of
    ours on top of it. `dirty` is true when the working tree holds changes that HEAD does not
    (a flattened submodule alone is none). `head` is None before the first commit and outside
    git. `notes` are for the user, one sentence each.
    """

    commit: str
    dirty: bool
    head: str | None
    notes: tuple[str, ...] = ()


class GitWorkspace:
    """The `Workspace` of `autosota.agents.protocols`, on the git command line.

    A root below the top of its repository is a workspace of its own: trees, paths and
    checkouts hold that folder only, because the objective's paths and command are relative to
    it and what it does not name it should not run. Use as a context manager, or `close` it.
    """

    def __init__(self, root: Path) -> None:
        self.root = Path(os.path.realpath(root))
        if not os.path.isdir(self.root):
            raise UserError(f"{root} is no folder that you can open; name the repository's folder")
        self.state = prepare_state(self.root)
        self.repository = self._find_repository()
        known = self.repository
        self.store = ObjectStore(
            self.state,
            known.object_format if known else "sha1",
            known.object_dirs() if known else (),
        )
        if known is not None:
            self.store.borrow_shallow(known.common_dir / "shallow")
        self._trees: OrderedDict[str, GitTree] = OrderedDict()
        self._lock = threading.Lock()

    def __enter__(self) -> GitWorkspace:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the git process that reads files. The workspace can still be used."""
        self.store.close()

    def _find_repository(self) -> Repository | None:
        top = git_top(self.root)
        if top is None:
            return None
        repository = open_repository(top)
        if top != self.root and self._is_ignored(repository):
            return None  # a folder that its repository does not want to know: on its own
        return repository

    def _is_ignored(self, repository: Repository) -> bool:
        sub = self.root.relative_to(repository.top).as_posix()
        head = repository.head()
        if head is not None:
            git = Git(repository.git_dir)
            if git.attempt("rev-parse", "--verify", "--quiet", f"{head}:{sub}")[0] == 0:
                return False
        # Not check-ignore in the user's repository: it would read, and so renew, a split index.
        with tempfile.TemporaryDirectory(prefix="ignored-", dir=self.state) as folder:
            bare = Path(folder)
            for part in ("objects", "refs", "info"):
                (bare / part).mkdir()
            (bare / "HEAD").write_text("ref: refs/heads/none\n", encoding="ascii")
            patterns = [f.read_bytes() for f in repository.exclude_files()]
            (bare / "info" / "exclude").write_bytes(b"\n".join(patterns))
            git = Git(bare, work_tree=repository.top)
            asked = os.fsencode(f"./{sub}") + b"\0"
            return git.attempt("check-ignore", "--no-index", "-z", "--stdin", stdin=asked)[0] == 0

    # ------------------------------------------------------------ the user's tree, read

    def snapshot(self, exclude: Sequence[str] = ()) -> Snapshot:
        """The commit that is the user's working tree as it lies now.

        `exclude` are globs of data and labels, which are mounted by themselves: what is tracked
        of them stays as it is in HEAD, what is not stays out.

        Raises:
            UserError: an unmerged index, a file that is too large or cannot be read, no space.
        """
        notes = list(self._acceptance().recover())
        known = self.repository
        head = known.head() if known is not None else None
        captured = WorkingTree(self.store, exclude).capture(self.root, known)
        notes += captured.notes
        sub = self._sub()
        if sub and known is not None:
            notes.append(
                f"the workspace is the folder {sub} of the repository {known.top}: "
                "runs see this folder only"
            )
        if head is not None and not sub and captured.entries == self.store.entries_of(head):
            return Snapshot(head, False, head, tuple(notes))
        tree = self.store.write_tree(captured.entries)
        seconds = self.store.commit_of(head)[1] if head is not None else 0
        commit = self.store.write_commit(tree, head, seconds, "Snapshot of the working tree")
        return Snapshot(commit, captured.dirty, head, tuple(notes))

    def resolve(self, revision: str) -> str:
        """The commit that a revision of the user's (or the id of one of ours) names.

        For a workspace below the top of its repository it is a commit of that folder.

        Raises:
            UserError: there is no such commit.
        """
        known = self.repository
        found = known.resolve(revision) if known is not None else None
        if found is None:
            with contextlib.suppress(UserError):
                self.store.commit_of(revision)
                return revision
            raise UserError(f"{revision!r} names no commit of {self.root}; see 'git log'")
        sub = self._sub()
        if not sub:
            return found
        inside = {p[len(sub) + 1 :]: e for p, e in self.store.entries_of(found, sub).items()}
        seconds = self.store.commit_of(found)[1]
        return self.store.write_commit(
            self.store.write_tree(inside), found, seconds, f"The folder {sub}"
        )

    def _sub(self) -> str:
        if self.repository is None or self.repository.top == self.root:
            return ""
        return self.root.relative_to(self.repository.top).as_posix()

    # ------------------------------------------------------------ commits

    def tree(self, commit: str) -> GitTree:
        """The source tree of a commit.

        Raises:
            UserError: there is no such commit.
        """
        with self._lock:
            known = self._trees.get(commit)
            if known is None:
                self.store.commit_of(commit)
                known = GitTree(commit, self.store.entries_of(commit), self.store.blobs)
                self._trees[commit] = known
                if len(self._trees) > _KEPT_TREES:
                    self._trees.popitem(last=False)
            self._trees.move_to_end(commit)
            return known

    def commit(self, parent: str, changes: Mapping[str, bytes | None], message: str) -> str:
        """A commit on `parent` with these files replaced (None deletes one).

        The same arguments give the same id on any machine and at any time. Files keep their
        mode; new ones are regular.

        Raises:
            UserError: a path leaves the tree or names a link or submodule; no space.
            FileNotFoundError: a file to delete is not there.
        """
        known = self.tree(parent).entries
        for path, content in changes.items():
            self._check_change(path, known, content is None)
        written = {p: c for p, c in changes.items() if c is not None}
        oids = self.store.write_blobs(list(written.values()))
        entries: dict[str, Entry | None] = {p: None for p, c in changes.items() if c is None}
        for path, oid in zip(written, oids, strict=True):
            entries[path] = Entry(known[path].mode if path in known else REGULAR, oid)
        seconds = self.store.commit_of(parent)[1] + 1
        tree = self.store.write_tree(entries, base=parent)
        return self.store.write_commit(tree, parent, seconds, message)

    def _check_change(self, path: str, known: Mapping[str, Entry], delete: bool) -> None:
        parts = path.split("/")
        if "\0" in path or any(p in ("", ".", "..") or p.lower() == ".git" for p in parts):
            raise UserError(f"a change names the path {path!r}, which no tree can hold")
        for end in range(1, len(parts) + 1):
            entry = known.get("/".join(parts[:end]))
            if entry is not None and entry.mode in (LINK, SUBMODULE):
                kind = "a symbolic link" if entry.mode == LINK else "a submodule"
                raise UserError(
                    f"a change names the path {path!r}, but {'/'.join(parts[:end])} is {kind}; "
                    "change the file it stands for"
                )
        if delete and path not in known:
            raise FileNotFoundError(path)

    def diff(self, old: str, new: str) -> str:
        """The unified diff between two commits, as `git apply` takes it.

        A file that is not UTF-8 is shown as a binary patch, so that the text always is.

        Raises:
            UserError: there is no such commit.
        """
        for commit in (old, new):
            self.store.commit_of(commit)
        with contextlib.suppress(UnicodeDecodeError):
            return self.store.git.run(*_DIFF, old, new).decode("utf-8")
        names = self.store.git.run("diff-tree", "-r", "-z", "--name-only", "--no-renames", old, new)
        return "".join(self._diff_of(old, new, p) for p in os.fsdecode(names).split("\0")[:-1])

    def _diff_of(self, old: str, new: str, path: str) -> str:
        quoted = ("-c", "core.quotePath=true")
        with contextlib.suppress(UnicodeDecodeError):
            return self.store.git.run(*quoted, *_DIFF, old, new, "--", path).decode("utf-8")
        binary = ("-c", f"core.attributesFile={self.store.path / 'binary.attributes'}")
        return self.store.git.run(*quoted, *binary, *_DIFF, old, new, "--", path).decode("ascii")

    def keep(self, name: str, commit: str) -> None:
        """Name a commit in our store (`refs/keep/<name>`), and hold its files there.

        From then on neither our gc nor the user's (after an amend, say) takes it away; the
        user's history before it is not copied.

        Raises:
            UserError: there is no such commit, or the store cannot be written.
            ValueError: git does not allow the name.
        """
        self.store.commit_of(commit)
        self.store.adopt(commit)
        self.store.write_ref(f"refs/keep/{name}", commit)

    # ------------------------------------------------------------ files

    def checkout(self, commit: str, destination: Path, *, exclude: Sequence[str] = ()) -> None:
        """Write the files of a commit to a folder that is new or empty, without any `.git`.

        All of it appears at once, by rename. Paths that match the `exclude` globs are left out.

        Raises:
            UserError: no such commit, the folder is not empty, or it cannot be written.
        """
        self.store.commit_of(commit)
        index = self.store.index_of(commit)
        partial: Path | None = None
        try:
            destination.parent.mkdir(parents=True, exist_ok=True)
            if destination.is_symlink() or (destination.exists() and not _is_empty(destination)):
                raise UserError(f"{destination} is not an empty folder; name a new one")
            partial = destination.parent / f".checkout-{os.urandom(6).hex()}"
            partial.mkdir()
            git = replace(self.store.git, work_tree=partial, index=index)
            self._write_out(git, commit, exclude)
            os.replace(partial, destination)
        except OSError as error:
            raise storage_error(destination, error) from error
        finally:
            if partial is not None:
                shutil.rmtree(partial, ignore_errors=True)

    def _write_out(self, git: Git, commit: str, exclude: Sequence[str]) -> None:
        files = self.tree(commit).files()
        wanted = [p for p in files if not globs.match(p, exclude)]
        if not wanted:
            return
        if len(wanted) == len(files):
            git.run("checkout-index", "--all", "--force")
            return
        names = os.fsencode("".join(f"{p}\0" for p in wanted))
        git.run("checkout-index", "--force", "-z", "--stdin", stdin=names)

    def apply(self, old: str, new: str) -> tuple[str, ...]:
        """Bring the change old → new into the user's working tree, all of it or nothing.

        Only files are written: no index, no commit. A file that the user changed since `old`
        is merged. Returns the paths that were written.

        Raises:
            UserError: a conflict, or a path that is not ours to write; nothing was changed.
        """
        for commit in (old, new):
            self.store.commit_of(commit)
        return self._acceptance().apply(old, new)

    def recover(self) -> tuple[str, ...]:
        """Undo an `apply` that was killed; sentences for the user, none when all is well."""
        return self._acceptance().recover()

    def _acceptance(self) -> Acceptance:
        return Acceptance(self.root, self.state, self.store)


def _is_empty(folder: Path) -> bool:
    return folder.is_dir() and next(folder.iterdir(), None) is None
