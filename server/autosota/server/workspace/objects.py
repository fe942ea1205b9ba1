"""Our own object store: a bare repository in the state folder that borrows the user's objects.

`store.git/own` takes every object that we write; `store.git/objects` is empty but for the
alternates, which name `own` and the user's folders. Two folders, because git renews the time
stamp of an object that it is asked to write again, also in a folder that it borrows from: the
writer must not see the user's. What is written, and why, is not known here.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from autosota.server.errors import UserError
from autosota.server.workspace.git import BlobReader, Git
from autosota.server.workspace.root import storage_error

REGULAR = "100644"
EXECUTABLE = "100755"
LINK = "120000"
SUBMODULE = "160000"

ADOPTED_BYTES = 500 * 10**6
"""The most that a kept commit may copy from the user's repository, before compression."""

_PERSON = b"AutoSOTA <autosota@localhost>"
_KEPT_INDEXES = 64
_STALE_SECONDS = 3600.0
_CONFIG = """\
[core]
\trepositoryformatversion = {version}
\tfilemode = true
\tbare = true
\tlogAllRefUpdates = false
[gc]
\tauto = 0
[maintenance]
\tauto = false
{extensions}"""
# Files leave the store as the bytes they are in it, whatever a tree's own attributes say.
_ATTRIBUTES = "* -text -ident -filter !eol !crlf !working-tree-encoding\n"
_BINARY = "* -diff\n"


@dataclass(frozen=True, slots=True)
class Entry:
    """What a tree holds at a path: the mode, as git prints it, and the object's id."""

    mode: str
    oid: str


class ObjectStore:
    """Writes and reads objects, below `state/store.git`."""

    def __init__(self, state: Path, object_format: str, borrowed: Sequence[Path]) -> None:
        self.path = state / "store.git"
        self.object_format = object_format
        try:
            self._prepare()
            self._borrowed = self._listed()
            self.borrow(borrowed)
            self._sweep()
        except OSError as error:
            raise storage_error(self.path, error) from error
        self.git = Git(self.path)
        self.blobs = BlobReader(self.git)
        # The writer sees only `own`: existence of what it names is the reader's business.
        self._writer = Git(self.path, objects=self.path / "own")

    def close(self) -> None:
        """End the process that reads objects."""
        self.blobs.close()

    # ------------------------------------------------------------ what it borrows

    def borrow(self, folders: Sequence[Path]) -> None:
        """Read objects from these folders as well (and still from those named before)."""
        wanted = [*self._borrowed, *(f for f in folders if f not in self._borrowed)]
        wanted = [f for f in wanted if f.is_dir()]
        text = "".join(f"{_alternate(line)}\n" for line in ["../own", *map(str, wanted)])
        alternates = self.path / "objects" / "info" / "alternates"
        if write_if_new(alternates, os.fsencode(text)) and hasattr(self, "blobs"):
            self.blobs.close()
        self._borrowed = wanted

    def borrow_shallow(self, shallow: Path) -> None:
        """Know where the history of a shallow clone ends."""
        if shallow.is_file():
            write_if_new(self.path / "shallow", shallow.read_bytes())

    def _listed(self) -> list[Path]:
        try:
            lines = (self.path / "objects" / "info" / "alternates").read_bytes().split(b"\n")
        except OSError:
            return []
        return [Path(os.fsdecode(line)) for line in lines if line.startswith(b"/")]

    # ------------------------------------------------------------ writing

    def write_files(self, work_tree: Path, paths: Sequence[str]) -> list[str]:
        """Store the bytes of files (links: their text) of a folder; the ids, in order.

        Raises:
            UserError: a file cannot be read, or the store not written.
        """
        with self.scratch("links") as scratch:
            lines: list[bytes] = []
            for number, path in enumerate(paths):
                place = work_tree / path
                if place.is_symlink():
                    text = scratch / str(number)
                    text.write_bytes(os.fsencode(os.readlink(place)))
                    place = text
                elif not os.access(place, os.R_OK):
                    raise UserError(
                        f"cannot read {place}; make it readable, delete it, or ignore it "
                        "in .gitignore"
                    )
                lines.append(c_quoted(os.fsencode(place)) + b"\n")
            return self._hash(lines)

    def write_blobs(self, contents: Sequence[bytes]) -> list[str]:
        """Store these contents; their ids, in order."""
        with self.scratch("blobs") as scratch:
            for number, content in enumerate(contents):
                (scratch / str(number)).write_bytes(content)
            return self._hash(
                [c_quoted(os.fsencode(scratch / str(n))) + b"\n" for n in range(len(contents))]
            )

    def _hash(self, lines: Sequence[bytes]) -> list[str]:
        if not lines:
            return []
        out = self._writer.run(
            "hash-object", "-w", "--no-filters", "--stdin-paths", stdin=b"".join(lines)
        )
        return out.decode("ascii").split()

    def write_tree(self, entries: Mapping[str, Entry | None], *, base: str | None = None) -> str:
        """Store the tree that has these entries (None: gone) on top of those of a commit."""
        with self.scratch("tree") as scratch:
            index = scratch / "index"
            if base is not None:
                shutil.copyfile(self.index_of(base), index)
            writer = replace(self._writer, index=index)
            gone = "0" * (64 if self.object_format == "sha256" else 40)
            lines = [
                f"{e.mode} {e.oid}\t{path}\0" if e is not None else f"0 {gone}\t{path}\0"
                for path, e in entries.items()
            ]
            writer.run(
                "update-index", "--replace", "-z", "--index-info", stdin=os.fsencode("".join(lines))
            )
            return writer.run("write-tree", "--missing-ok").decode("ascii").strip()

    def write_commit(self, tree: str, parent: str | None, seconds: int, message: str) -> str:
        """Store a commit of ours; its id depends on these arguments only."""
        stamp = b"%s %d +0000" % (_PERSON, seconds)
        lines = [b"tree " + tree.encode("ascii")]
        if parent is not None:
            lines.append(b"parent " + parent.encode("ascii"))
        text = message.replace("\0", " ").rstrip().encode("utf-8", "replace")
        lines += [b"author " + stamp, b"committer " + stamp, b"", text, b""]
        content = b"\n".join(lines)
        out = self._writer.run("hash-object", "-t", "commit", "-w", "--stdin", stdin=content)
        return out.decode("ascii").strip()

    def adopt(self, commit: str) -> None:
        """Copy a commit and its files to `own`, lest the user's gc drops what we build on.

        Not its history. Left undone when that is more than `ADOPTED_BYTES`.
        """
        out = self.git.run("ls-tree", "-r", "-t", "-z", "--full-tree", commit)
        about = [line.partition("\t")[0].split(" ") for line in os.fsdecode(out).split("\0")[:-1]]
        wanted = {commit, self.commit_of(commit)[0], *(a[2] for a in about if a[1] != "commit")}
        missing = wanted.difference(self.sizes(wanted, self._writer))
        sizes = self.sizes(missing, self.git)
        if sizes and sum(sizes.values()) <= ADOPTED_BYTES:
            (self.path / "own" / "pack").mkdir(exist_ok=True)
            self.git.run(
                "pack-objects",
                "--quiet",
                "--window=0",
                str(self.path / "own" / "pack" / "pack"),
                stdin="".join(f"{oid}\n" for oid in sorted(sizes)).encode("ascii"),
            )

    def write_ref(self, name: str, commit: str) -> None:
        """Name a commit. By rename and not by `git update-ref`, whose lock survives a kill."""
        code, _, _ = self.git.attempt("check-ref-format", name)
        if code != 0:
            raise ValueError(f"{name!r} is not a name that git allows for a ref")
        try:
            write_if_new(self.path / name, commit.encode("ascii") + b"\n")
        except OSError as error:
            raise storage_error(self.path / name, error) from error

    # ------------------------------------------------------------ reading

    def commit_of(self, commit: str) -> tuple[str, int]:
        """The tree of a commit and its committer's time, in seconds since 1970.

        Raises:
            UserError: the commit is in no store that we know.
        """
        found = self.blobs.read(commit) if re.fullmatch(r"[0-9a-f]{40,64}", commit) else None
        if found is None or found[0] != "commit":
            raise UserError(
                f"commit {commit} is not in {self.path} nor in the user's repository; was it "
                "amended and pruned there? Start a new campaign"
            )
        header = found[1].partition(b"\n\n")[0]
        tree = re.search(rb"^tree ([0-9a-f]+)$", header, re.MULTILINE)
        when = re.search(rb"^committer .*> (-?\d+)", header, re.MULTILINE)
        if tree is None:
            raise UserError(f"commit {commit} has no tree; check the repository with 'git fsck'")
        return tree[1].decode("ascii"), max(0, int(when[1])) if when else 0

    def entries_of(self, treeish: str, sub: str = "") -> dict[str, Entry]:
        """All entries of a tree, by path; of one folder of it when `sub` is named."""
        where = ["--", sub] if sub else []
        out = self.git.run("ls-tree", "-r", "-z", "--full-tree", treeish, *where)
        entries: dict[str, Entry] = {}
        for line in os.fsdecode(out).split("\0")[:-1]:
            about, _, path = line.partition("\t")
            mode, _, oid = about.split(" ")
            entries[path] = Entry(mode, oid)
        return entries

    def sizes(self, oids: Iterable[str], git: Git | None = None) -> dict[str, int]:
        """The size in bytes of each of these objects that is there."""
        out = (git or self.git).run(
            "cat-file",
            "--batch-check=%(objectname) %(objectsize)",
            stdin="".join(f"{oid}\n" for oid in oids).encode("ascii"),
        )
        pairs = (line.split(" ") for line in out.decode("ascii").splitlines())
        return {oid: int(size) for oid, size in pairs if size != "missing"}

    def index_of(self, commit: str) -> Path:
        """A private index of a commit, kept for the next time."""
        folder = self.path / "indexes"
        index = folder / commit
        if not index.exists():
            folder.mkdir(exist_ok=True)
            with self.scratch("index") as scratch:
                replace(self.git, index=scratch / "index").run("read-tree", commit)
                os.replace(scratch / "index", index)
            kept = sorted(folder.iterdir(), key=lambda p: p.stat().st_mtime, reverse=True)
            for old in kept[_KEPT_INDEXES:]:
                old.unlink(missing_ok=True)
        return index

    @contextlib.contextmanager
    def scratch(self, purpose: str) -> Iterator[Path]:
        """A private folder in the store, gone afterwards."""
        try:
            folder = Path(tempfile.mkdtemp(prefix=f"{purpose}-", dir=self.path / "tmp"))
        except OSError as error:
            raise storage_error(self.path, error) from error
        try:
            yield folder
        except OSError as error:
            raise storage_error(Path(error.filename or folder), error) from error
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    # ------------------------------------------------------------ the store itself

    def _prepare(self) -> None:
        if self.path.is_symlink():
            raise UserError(f"{self.path} is a link; AutoSOTA keeps its store there: remove it")
        for folder in ("objects/info", "own", "refs", "info", "tmp"):
            (self.path / folder).mkdir(parents=True, exist_ok=True)
        sha256 = self.object_format == "sha256"
        config = _CONFIG.format(
            version=1 if sha256 else 0,
            extensions="[extensions]\n\tobjectformat = sha256\n" if sha256 else "",
        )
        known = self.path / "config"
        if known.exists() and (b"sha256" in known.read_bytes()) != sha256:
            raise UserError(
                f"{self.path} was made for another object format than the repository's "
                f"({self.object_format}); move {self.path.parent} away and start again"
            )
        # Written anew when it differs: a store that came with a clone must not configure us.
        write_if_new(known, config.encode("ascii"))
        write_if_new(self.path / "info" / "attributes", _ATTRIBUTES.encode("ascii"))
        write_if_new(self.path / "binary.attributes", _BINARY.encode("ascii"))
        write_if_new(self.path / "HEAD", b"ref: refs/heads/none\n")

    def _sweep(self) -> None:
        """Remove what killed processes left behind; nothing of ours takes an hour there."""
        for old in (*(self.path / "tmp").iterdir(), *self.path.glob("sharedindex.*")):
            with contextlib.suppress(FileNotFoundError):
                if time.time() - old.lstat().st_ctime <= _STALE_SECONDS:
                    continue
                if old.is_dir():
                    shutil.rmtree(old, ignore_errors=True)
                else:
                    old.unlink()


def write_if_new(path: Path, content: bytes) -> bool:
    """Give a file this content by rename, unless it has it. True when it was written."""
    with contextlib.suppress(FileNotFoundError):
        if path.read_bytes() == content:
            return False
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=".tmp-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
    return True


def c_quoted(path: bytes) -> bytes:
    """A path as git reads it from a line, in quotes when it holds quotes or control bytes."""
    if not re.search(rb'[\x00-\x1f"\\]', path):
        return path
    escaped = re.sub(rb'[\x00-\x1f"\\]', lambda m: b"\\%03o" % m[0][0], path)
    return b'"' + escaped + b'"'


def _alternate(line: str) -> str:
    special = line.startswith(("#", '"')) or "\n" in line
    return os.fsdecode(c_quoted(os.fsencode(line))) if special else line
