"""Which data and labels a run sees, and at which places of its checkout.

Turns the globs of the objective into mounts (bubblewrap) or into a vault of copies (plain
processes). Only decides and copies; it starts nothing and hashes nothing.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from autosota.server.errors import UserError
from autosota.server.sandbox import disk
from autosota.server.sandbox.launch import Hidden, Mount
from autosota.server.sandbox.protected import leads_back
from autosota.server.workspace import globs

_MAGIC = re.compile(r"[*?\[\\]")


@dataclass(frozen=True, slots=True)
class Share:
    """A file or folder of the user that is seen at `path` of a checkout.

    `source` has all links resolved. `outside` are places outside of a shared folder that
    links inside it lead to, with the paths they are looked for at: absolute, or relative to
    where the folder is seen.
    """

    path: str
    source: Path
    folder: bool
    outside: tuple[tuple[Path, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Shares:
    """The data and the labels of a campaign.

    `hidden` are paths (relative to the checkout) of labels that lie inside shared data, with
    whether each is a folder.
    """

    data: tuple[Share, ...]
    labels: tuple[Share, ...]
    hidden: tuple[tuple[str, bool], ...]

    def mounts(self, checkout: Path, *, labels: bool) -> tuple[Mount, ...]:
        """The mounts that put them into a checkout."""
        shares = [*self.data, *(self.labels if labels else ())]
        out = [Mount(s.source, checkout / s.path) for s in shares]
        for share in shares:
            for source, wanted in share.outside:
                place = Path(os.path.normpath(checkout / share.path / wanted))
                if not checkout.is_relative_to(place):
                    out.append(Mount(source, place))
        return tuple(dict.fromkeys(out))

    def hides(self, checkout: Path) -> tuple[Hidden, ...]:
        """What must not be seen of the mounted data."""
        return tuple(Hidden(checkout / path, folder) for path, folder in self.hidden)


def plan(root: Path, data: Sequence[str], labels: Sequence[str]) -> Shares:
    """Decide what is shared; looks at the user's tree, once per campaign.

    Raises:
        UserError: a glob is bad or names everything.
    """
    label_files = globs.expand(root, labels)
    secret = {_identity(root / path) for path in label_files}
    label_shares = _shares(root, labels, ())
    data_shares = tuple(
        share
        for share in _shares(root, data, {_real(root / path) for path in label_files})
        if not globs.match(share.path, labels)
    )
    hidden: dict[str, bool] = {}
    for share in label_shares:
        if any(_below(share.path, d.path) for d in data_shares if d.folder):
            hidden[share.path] = share.folder
    # a label file under another name (a hard link, a link) inside shared data is one, too
    if secret:
        for share in data_shares:
            for path in globs.expand(root, (_MAGIC.sub(r"\\\g<0>", share.path),)):
                covered = any(_below(path, h) for h in hidden)
                if not covered and _identity(root / path) in secret:
                    hidden[path] = False
    single = tuple(s for s in data_shares if s.folder or s.path not in hidden)
    kept = {path: f for path, f in hidden.items() if any(_below(path, s.path) for s in single)}
    return Shares(single, label_shares, tuple(kept.items()))


def make_places(checkout: Path, shares: Sequence[Share]) -> None:
    """Make the mount points: real folders and empty files, whatever was there before."""
    for share in sorted(shares, key=lambda s: s.path.count("/")):
        if any(_below(share.path, s.path) and s is not share for s in shares if s.folder):
            continue  # it is inside another share: the place comes with it
        if share.folder:
            disk.clear_place(checkout, share.path).mkdir()
        else:
            disk.write_inside(checkout, share.path, b"")


def link(checkout: Path, vault: Path, shares: Sequence[Share]) -> None:
    """Point a checkout at the copies in a vault, by symbolic links."""
    for share in shares:
        if any(_below(share.path, s.path) and s is not share for s in shares if s.folder):
            continue
        disk.clear_place(checkout, share.path).symlink_to(vault / share.path)


def put_over(checkout: Path, vault: Path, share: str, path: str, content: bytes) -> None:
    """Let a checkout have a file of its own inside a share that `link` made a link.

    The folders on the way to it become real ones, with a link for everything else in them.
    """
    at, behind = checkout / share, vault / share
    at.unlink()
    for name in Path(path).relative_to(share).parts:
        at.mkdir()
        for entry in os.scandir(behind):
            if entry.name != name:
                (at / entry.name).symlink_to(entry.path)
        at, behind = at / name, behind / name
    at.write_bytes(content)
    at.chmod(0o444)


def fill_vault(vault: Path, root: Path, files: Sequence[str]) -> None:
    """Copy files of the user into a read-only folder of ours, atomically; replaces an old one.

    Raises:
        OSError: the copy failed (a full disk).
    """
    part = vault.with_name(vault.name + ".part")
    disk.remove(part)
    part.mkdir(parents=True)
    for path in files:
        source, target = root / path, part / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            if not leads_back(root, source):
                shutil.copytree(source, target, ignore_dangling_symlinks=True)
        elif source.exists():
            shutil.copyfile(source, target)
        else:
            continue  # a link to nothing
    for folder, _, names in os.walk(part, topdown=False):
        for name in names:
            os.chmod(os.path.join(folder, name), 0o444)
        os.chmod(folder, 0o555)
    if os.path.lexists(vault):
        disk.remove(vault)
    os.chmod(part, 0o755)  # a folder without write permission cannot be renamed by its user
    os.rename(part, vault)
    os.chmod(vault, 0o555)


def _shares(root: Path, patterns: Sequence[str], secret: Collection[Path]) -> tuple[Share, ...]:
    out: dict[str, Share] = {}
    for pattern in patterns:
        rest = globs.segments_of(pattern)
        fixed: list[str] = []
        while rest and not _MAGIC.search(rest[0]):
            fixed.append(rest.pop(0))
        everything = rest in ([], ["*"], ["**"], ["**", "*"])
        if everything and not fixed:
            raise UserError(
                f"protocol: the glob {pattern!r} names the whole workspace; name the folders that "
                "hold data or labels"
            )
        if everything and root.joinpath(*fixed).is_dir():
            named = ["/".join(fixed)]
        else:
            named = [p for p in globs.expand(root, (pattern,)) if (root / p).exists()]
        for path in named:
            real = _real(root / path)
            if _real(root).is_relative_to(real):
                raise UserError(
                    f"{root / path}: leads to {real}, which holds the workspace itself; point "
                    "protocol.data at a folder with nothing but data"
                )
            folder = real.is_dir()
            outside = _outside(root, real, secret) if folder else ()
            out[path] = Share(path, real, folder, outside)
    folders = [s.path for s in out.values() if s.folder]
    kept = [s for s in out.values() if not any(_below(s.path, f) for f in folders if f != s.path)]
    return tuple(sorted(kept, key=lambda s: s.path))


def _outside(root: Path, folder: Path, secret: Collection[Path]) -> tuple[tuple[Path, str], ...]:
    """Where links inside a folder lead, and by which path, when that is outside of it.

    Links to labels, to folders that hold labels or the workspace, and into our own state are
    left leading nowhere.
    """
    out: dict[tuple[Path, str], None] = {}
    for below, folders, names in os.walk(folder):
        for name in (*folders, *names):
            path = Path(below, name)
            if not path.is_symlink() or not path.exists():
                continue
            real = _real(path)
            if (
                real.is_relative_to(folder)
                or leads_back(root, path)
                or any(s.is_relative_to(real) for s in secret)
            ):
                continue
            target = os.readlink(path)
            out[real, str(real)] = None
            # the link names its target by a path that may lead through other links; a relative
            # one starts at the place where the folder is seen, not where it is
            if not os.path.isabs(target):
                target = os.path.join(os.path.relpath(below, folder), target)
            out[real, os.path.normpath(target)] = None
    return tuple(out)


def _below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + "/")


def _identity(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return (-1, hash(str(path)))
    return found.st_dev, found.st_ino


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))
