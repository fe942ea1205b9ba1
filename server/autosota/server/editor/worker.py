"""The process behind an editor: looks, drafts and the ledger, so that the server stays quick.

Started by `office` as `python -m autosota.server.editor.worker`; questions come on stdin and
answers go to stdout, pickled, one after the other. It ends with the process that started it.
"""

from __future__ import annotations

import os
import pickle
import struct
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from autosota.server.editor import questions as q
from autosota.server.errors import UserError

NICE = 10
PARENT_SECONDS = 1.0
SLICE_SECONDS = 0.2
"""An index is built in slices, so that other questions need not wait for all of it."""
_LENGTH = struct.Struct(">Q")


def send(stream: IO[bytes], value: object) -> None:
    """Write one value."""
    body = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    stream.write(_LENGTH.pack(len(body)) + body)
    stream.flush()


def receive(stream: IO[bytes]) -> Any:
    """Read one value.

    Raises:
        EOFError: the other side is gone.
    """
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise EOFError
    (length,) = _LENGTH.unpack(head)
    body = stream.read(length)
    if len(body) < length:
        raise EOFError
    return pickle.loads(body)


class Answers:
    """Answers questions about workspaces, which are remembered between them."""

    def __init__(self) -> None:
        """Nothing is known yet; what is heavy is loaded when a question needs it."""
        self._places: dict[str, Any] = {}
        self._kept: dict[str, Any] = {}

    def answer(self, question: q.Question) -> object:
        """The answer to a question.

        Raises:
            UserError: it cannot be answered; says why and the way out.
        """
        by_kind: dict[type, Callable[[Any], object]] = {
            q.BuildIndex: self._index,
            q.FilesChanged: self._changed,
            q.Look: lambda a: self._place(a.root).look(a.path, a.texts),
            q.MakeDraft: lambda a: self._place(a.root).draft(a.idea, a.path, a.texts),
            q.AskProgress: lambda a: self._records(a.root).progress(),
            q.Library: lambda a: [e.as_dict() for e in _host(a.root).library()],
            q.Show: lambda a: _host(a.root).show(a.id),
            q.Reject: lambda a: _host(a.root).reject(a.id, a.why).id,
            q.Apply: lambda a: _host(a.root).apply(a.id or None),
            q.SetAutonomy: self._autonomy,
            q.AskBoard: lambda a: asdict(self._records(a.root).board(a.campaign)),
            q.ReadLog: lambda a: asdict(self._records(a.root).log(a.run, a.offset)),
            q.ReadSeries: lambda a: asdict(self._records(a.root).series(a.run)),
            q.ReadPatch: lambda a: asdict(self._records(a.root).patch(a.id)),
            q.ReadReceipt: lambda a: asdict(self._records(a.root).receipt(a.id)),
        }
        return by_kind[type(question)](question)

    def _place(self, root: str) -> Any:
        from autosota.server.editor.look import Place

        if root not in self._places:
            self._places[root] = Place.at(root, self._records(root).archive)
        return self._places[root]

    def _records(self, root: str) -> Any:
        from autosota.server.editor.records import Records

        if root not in self._kept:
            self._kept[root] = Records(Path(root))
        return self._kept[root]

    def _index(self, asked: q.BuildIndex) -> object:
        from autosota.server.editor.view import Indexed

        index = self._place(asked.root).index
        index.build(SLICE_SECONDS)
        entries = tuple(sorted(index.entries))
        return Indexed(asked.root, index.read, len(index.paths), entries, index.seconds)

    def _changed(self, asked: q.FilesChanged) -> None:
        for path in asked.paths:
            for root, place in self._places.items():
                if path.startswith(root + os.sep):
                    place.index.changed(path[len(root) + 1 :].replace(os.sep, "/"))

    def _autonomy(self, asked: q.SetAutonomy) -> object:
        from autosota.server.editor.autonomy import set_mode
        from autosota.server.editor.progress import objective_of

        root = Path(asked.root)
        set_mode(root, objective_of(root)[0], asked.mode)
        return self._records(asked.root).progress()


def _host(root: str) -> Any:
    from autosota.server.host import Host

    return Host(Path(root))


def _end_with_parent(parent: int) -> None:
    """A question may take long; nobody waits for its answer once the editor is gone."""
    while os.getppid() == parent:
        time.sleep(PARENT_SECONDS)
    os._exit(1)


def main() -> None:
    """Answer until nobody asks any more."""
    incoming, outgoing = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what is printed by mistake must not break the answers
    if hasattr(os, "nice"):
        os.nice(NICE)
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    answers = Answers()
    while True:
        try:
            number, question = receive(incoming)
        except EOFError:
            return
        try:
            reply: tuple[int, str, object] = (number, "", answers.answer(question))
        except UserError as error:
            reply = (number, "user", str(error))
        except Exception as error:  # noqa: BLE001 - one question must not end the others
            traceback.print_exc()
            reply = (number, "internal", f"{type(error).__name__}: {error}")
        try:
            send(outgoing, reply)
        except (BrokenPipeError, ValueError):
            return


if __name__ == "__main__":
    main()
