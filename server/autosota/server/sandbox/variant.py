"""How one execution differs from the objective's own: arguments, and a file in another order.

Turns a `Variant` into what an experiment needs: the command's text, and the permuted content
of one file with the place where the command sees it. Decides and reads; it starts nothing and
writes nothing. The user's file is never touched, and the evaluator never sees the copy.
"""

from __future__ import annotations

import os
import posixpath
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from autosota.agents.domain import Protocol, RowsControl
from autosota.agents.protocols import Tree
from autosota.server.sandbox.permute import LARGEST, ControlNotPossible, permuted
from autosota.server.sandbox.shares import Shares
from autosota.server.workspace import globs

_GOES_ON = frozenset({";", "&&"})
_REDIRECTS = frozenset({">", ">>", "<", ">&", "&>", ">|"})


@dataclass(frozen=True, slots=True)
class Reordered:
    """A file as the command sees it, with its rows permuted.

    `path` is relative to the checkout. `shared` is the path of the data share that holds it,
    empty for a file of the checkout itself; `place` is where in the checkout the shared file
    really is, behind links.
    """

    path: str
    content: bytes
    shared: str = ""
    place: str = ""


def command_of(command: str, arguments: str) -> str:
    """The command with arguments added to its end: they go to the last program it starts.

    Raises:
        ControlNotPossible: they would go to something else: a pipe, a group, a comment.
    """
    if not arguments.strip():
        return command
    text = command.rstrip()
    lexer = shlex.shlex(text, posix=True, punctuation_chars=True)
    lexer.whitespace_split, lexer.commenters = True, ""
    try:
        words = list(lexer)
    except ValueError as error:
        raise ControlNotPossible(
            f"objective.command cannot be split into words: {str(error).lower()}"
        ) from error
    starts = [at for at, word in enumerate(words) if word in _GOES_ON]
    last = words[starts[-1] + 1 :] if starts else words
    signs = [w for w in last if set(w) <= set("();<>|&") and w not in _REDIRECTS]
    if not last or signs or any(word.startswith("#") for word in last):
        what = signs[0] if signs else "#" if last else ";"
        raise ControlNotPossible(
            f"objective.command: arguments cannot be added behind its {what!r}; let the last "
            "thing it starts be the experiment, or put it into a script that passes them on"
        )
    return f"{text} {arguments.strip()}"


def reordered(
    root: Path,
    protocol: Protocol,
    shares: Shares,
    tree: Tree,
    control: RowsControl,
    seed: int,
) -> Reordered:
    """The permuted file of a control.

    Args:
        root: The user's folder, where data is.
        protocol: Which files are data and labels.
        shares: What runs see of them.
        tree: The commit that is run, for files that git tracks.
        control: The file, and perhaps its column.
        seed: The run's.

    Raises:
        ControlNotPossible: there is no such file, the command never sees it, or its rows
            cannot be permuted.
    """
    path = posixpath.normpath(control.file)
    if globs.match(path, protocol.labels) or _below_any(path, [p for p, _ in shares.hidden]):
        raise ControlNotPossible(
            f"{path}: is one of protocol.labels, which only the evaluator sees; name the file "
            "that the command reads"
        )
    share = next((s for s in shares.data if _below_any(path, [s.path])), None)
    if share is None:
        try:
            if globs.match(path, protocol.data):
                raise FileNotFoundError(path)  # data comes from the user's folder only
            content = tree.read(path)
        except FileNotFoundError:
            raise ControlNotPossible(
                f"{path}: there is no such file in the repository, nor in protocol.data"
            ) from None
        _check_size(path, len(content))
        return Reordered(path, permuted(content, control, seed))
    real = Path(os.path.realpath(root / path))
    if not real.is_file():
        raise ControlNotPossible(f"{path}: there is no such file in protocol.data")
    if not real.is_relative_to(share.source):
        raise ControlNotPossible(
            f"{path}: is a link that leads out of {share.path}; put the file itself there"
        )
    place = posixpath.normpath(posixpath.join(share.path, real.relative_to(share.source)))
    try:
        _check_size(path, real.stat().st_size)
        content = real.read_bytes()
    except OSError as error:
        raise ControlNotPossible(
            f"{path}: cannot be read ({(error.strerror or str(error)).lower()})"
        ) from error
    return Reordered(path, permuted(content, control, seed), share.path, place)


def _check_size(path: str, size: int) -> None:
    if size > LARGEST:
        raise ControlNotPossible(
            f"{path}: {size} bytes are too many to permute; at most {LARGEST} are"
        )


def _below_any(path: str, places: Sequence[str]) -> bool:
    return any(path == place or path.startswith(place + "/") for place in places)
