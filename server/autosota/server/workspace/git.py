"""The git command line, kept from everything that a user or a hostile repository configured.

`Git` runs one command with an explicit repository and a clean environment; `BlobReader` keeps
one `git cat-file --batch` open. What the commands are for is not known here.
"""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import threading
import weakref
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from autosota.server.errors import UserError

LIMIT_SECONDS = 900.0
"""The longest any one git command may take."""

_CACHE_BYTES = 64 * 2**20
_CACHED_BLOB = 2**20

_SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.untrackedCache=false",
    "core.autocrlf=false",
    "core.quotePath=false",
    "core.splitIndex=false",
    "commit.gpgSign=false",
    "diff.ignoreSubmodules=all",
    "safe.directory=*",
)

_DISK = {
    "No space left on device": "free some disk space",
    "Disk quota exceeded": "free some of your disk quota",
    "Read-only file system": "work on a writable copy of the repository",
    "Permission denied": "make it readable for you, and .autosota writable",
    "insufficient permission": "make .autosota writable for you",
}


def clean_environment(*, keep_home: bool = False) -> dict[str, str]:
    """The process environment without anything that steers git.

    `keep_home` leaves the user's own configuration visible; only to read a setting of theirs.
    """
    env = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    env |= {
        "LC_ALL": "C",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_NO_LAZY_FETCH": "1",
    }
    if not keep_home:
        # git before 2.32 does not know GIT_CONFIG_GLOBAL, hence the homes as well.
        env |= {
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_ATTR_NOSYSTEM": "1",
            "HOME": "/nonexistent",
            "XDG_CONFIG_HOME": "/nonexistent",
        }
    return env


@dataclass(frozen=True, slots=True)
class Git:
    """How git is run: on which repository, working tree, index and folder for new objects."""

    git_dir: Path
    work_tree: Path | None = None
    index: Path | None = None
    objects: Path | None = None
    keep_home: bool = False

    def environment(self) -> dict[str, str]:
        """The environment of a command."""
        env = clean_environment(keep_home=self.keep_home)
        env["GIT_DIR"] = str(self.git_dir)
        for name, value in (
            ("GIT_WORK_TREE", self.work_tree),
            ("GIT_INDEX_FILE", self.index),
            ("GIT_OBJECT_DIRECTORY", self.objects),
        ):
            if value is not None:
                env[name] = str(value)
        return env

    def command(self, arguments: Sequence[str]) -> list[str]:
        """The argument vector of a command, with our settings in front."""
        settings = [part for setting in _SETTINGS for part in ("-c", setting)]
        # check-ignore is the one command of ours that does not know literal paths.
        literal = () if verb(arguments) == "check-ignore" else ("--literal-pathspecs",)
        return ["git", "--no-pager", *literal, *settings, *arguments]

    def run(self, *arguments: str, stdin: bytes = b"") -> bytes:
        """Run a command and return what it printed.

        Raises:
            UserError: git is missing, failed or ran for too long.
        """
        code, out, err = self.attempt(*arguments, stdin=stdin)
        if code != 0:
            raise failure(arguments, err, self.work_tree or self.git_dir)
        return out

    def attempt(self, *arguments: str, stdin: bytes = b"") -> tuple[int, bytes, bytes]:
        """Run a command and return its exit status, output and error output.

        Raises:
            UserError: git is missing or ran for too long.
        """
        try:
            done = subprocess.run(
                self.command(arguments),
                input=stdin,
                capture_output=True,
                env=self.environment(),
                cwd=self.work_tree or self.git_dir,
                timeout=LIMIT_SECONDS,
                check=False,
            )
        except FileNotFoundError as error:
            raise no_git() from error
        except subprocess.TimeoutExpired as error:
            raise UserError(
                f"git {verb(arguments)} did not end within {LIMIT_SECONDS:.0f} s in "
                f"{self.work_tree or self.git_dir}; check the disk, then try again"
            ) from error
        return done.returncode, done.stdout, done.stderr


def verb(arguments: Sequence[str]) -> str:
    """The name of the sub-command in an argument list."""
    at = 0
    while at < len(arguments) and arguments[at] == "-c":
        at += 2
    return arguments[at] if at < len(arguments) else ""


def no_git() -> UserError:
    """What to say when there is no git, or the folder it was to run in is gone."""
    return UserError("git was not found, or its folder is gone; install git 2.30 or newer")


def failure(arguments: Sequence[str], err: bytes, place: Path) -> UserError:
    """What to say when git failed: its own reason in one line, and the way out."""
    lines = [s for s in err.decode("utf-8", "replace").splitlines() if s.strip()]
    wrong = [s for s in lines if s.startswith(("fatal:", "error:"))] or lines or ["no reason given"]
    reason = wrong[0].removeprefix("fatal:").removeprefix("error:").strip()
    way_out = next(
        (out for sign, out in _DISK.items() if sign in "".join(lines)),
        "check the repository with 'git fsck'",
    )
    return UserError(f"git {verb(arguments)} failed in {place}: {reason}; {way_out}")


class BlobReader:
    """One `git cat-file --batch`, started when first needed and shared by all trees.

    Remembers small objects by id: a candidate's tree shares nearly all of them with its base.
    Safe to use from several threads. A forked child starts its own process.
    """

    def __init__(self, git: Git) -> None:
        self._git = git
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0
        self._stop: weakref.finalize[..., BlobReader] | None = None
        self._buffer = bytearray()
        self._cache: OrderedDict[str, tuple[str, bytes]] = OrderedDict()
        self._cached = 0

    def read(self, oid: str) -> tuple[str, bytes] | None:
        """The type and content of an object; None when it is in no store that we know.

        Raises:
            UserError: git is missing, died or did not answer.
        """
        with self._lock:
            known = self._cache.get(oid)
            if known is not None:
                self._cache.move_to_end(oid)
                return known
            try:
                found = self._read(oid)
            except (BrokenPipeError, EOFError):
                self._close()
                found = self._read_again(oid)
            if found is not None and len(found[1]) <= _CACHED_BLOB:
                self._cache[oid] = found
                self._cached += len(found[1])
                while self._cached > _CACHE_BYTES:
                    self._cached -= len(self._cache.popitem(last=False)[1][1])
            return found

    def close(self) -> None:
        """End the process. A later read starts a new one, which sees new alternates."""
        with self._lock:
            self._close()

    def _read_again(self, oid: str) -> tuple[str, bytes] | None:
        """With a new process, the old one having been killed under us. Once, not for ever."""
        try:
            return self._read(oid)
        except (BrokenPipeError, EOFError) as error:
            self._close()
            raise UserError(
                f"git cat-file ended while reading {oid} in {self._git.git_dir}; "
                "check the repository with 'git fsck'"
            ) from error

    def _read(self, oid: str) -> tuple[str, bytes] | None:
        process = self._running()
        assert process.stdin is not None
        process.stdin.write(oid.encode("ascii") + b"\n")
        process.stdin.flush()
        while (end := self._buffer.find(b"\n")) < 0:
            self._fill(process)
        header = bytes(self._buffer[:end]).split(b" ")
        del self._buffer[: end + 1]
        if len(header) != 3:
            return None
        size = int(header[2])
        while len(self._buffer) < size + 1:
            self._fill(process)
        content = bytes(self._buffer[:size])
        del self._buffer[: size + 1]
        return header[1].decode("ascii"), content

    def _fill(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        descriptor = process.stdout.fileno()
        poll = select.poll()  # unlike select, not limited to descriptors below 1024
        poll.register(descriptor, select.POLLIN)
        if not poll.poll(LIMIT_SECONDS * 1000):
            self._close()
            raise UserError(f"git cat-file did not answer within {LIMIT_SECONDS:.0f} s")
        chunk = os.read(descriptor, 1 << 20)
        if not chunk:
            raise EOFError
        self._buffer += chunk

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._owner == os.getpid():
            return self._process
        if self._stop is not None:
            self._stop.detach()  # the parent's process is not ours to end
        try:
            self._process = subprocess.Popen(
                self._git.command(["cat-file", "--batch"]),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=self._git.environment(),
                cwd=self._git.git_dir,
            )
        except FileNotFoundError as error:
            raise no_git() from error
        self._owner = os.getpid()
        self._buffer.clear()
        self._stop = weakref.finalize(self, _end, self._process, self._owner)
        return self._process

    def _close(self) -> None:
        if self._stop is not None:
            self._stop()
        self._process = None
        self._stop = None
        self._buffer.clear()


def _end(process: subprocess.Popen[bytes], owner: int) -> None:
    if owner != os.getpid():
        return
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
    process.kill()
    process.wait()
