"""Messages on stdin and stdout: framing, a thread that reads, and the end of a session.

Reading in a thread means that a request that was cancelled while it waited is known to be
cancelled when its turn comes, and that the end of stdin is seen at once. What messages mean is
not known here.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from typing import BinaryIO, Protocol

logger = logging.getLogger(__name__)

LARGEST = 512_000_000
"""Bytes of a message above which the stream is taken for broken."""
_PARSE_ERROR = -32700


class Receiver(Protocol):
    """What takes messages, on the loop."""

    def handle_message(self, message: object) -> None:
        """Take one decoded message."""

    def cancelled_early(self, request: object) -> None:
        """A request with this id was cancelled; it may still be on its way."""

    def broken_message(self, code: int, text: str) -> None:
        """A message could not be decoded."""


def bodies(stream: BinaryIO) -> Iterator[bytes]:
    """The bodies of the messages of a stream, until its end.

    A line that is no header is passed over: after garbage the next good message counts.

    Raises:
        ValueError: a length beyond all reason; nothing after it can be trusted.
    """
    length = -1
    while line := stream.readline(65536):
        name, colon, value = line.partition(b":")
        if colon and name.strip().lower() == b"content-length":
            length = int(value) if value.strip().isdigit() else -1
        elif not line.strip() and length >= 0:
            if length > LARGEST:
                raise ValueError(f"a message of {length} bytes, more than {LARGEST}")
            body = stream.read(length)
            if len(body) < length:
                return
            yield body
            length = -1


class Reader:
    """Hands the messages of a stream to the loop, in order, until the stream ends."""

    def __init__(self, stream: BinaryIO, receiver: Receiver, ended: Callable[[], None]) -> None:
        self._stream = stream
        self._receiver = receiver
        self._ended = ended
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._read, name="stdin", daemon=True).start()

    def _read(self) -> None:
        try:
            for body in bodies(self._stream):
                self._take(body)
        except (OSError, ValueError) as error:
            logger.error("stdin: %s", error)
        self._on_loop(self._ended)

    def _take(self, body: bytes) -> None:
        try:
            message = json.loads(body)
        except (ValueError, RecursionError) as error:
            self._on_loop(self._receiver.broken_message, _PARSE_ERROR, f"not JSON: {error}")
            return
        if isinstance(message, dict) and message.get("method") == "$/cancelRequest":
            params = message.get("params")
            self._receiver.cancelled_early(params.get("id") if isinstance(params, dict) else None)
        self._on_loop(self._receiver.handle_message, message)

    def _on_loop(self, call: Callable[..., object], *args: object) -> None:
        try:
            self._loop.call_soon_threadsafe(call, *args)
        except RuntimeError:  # the loop is closed: the session is over
            return


class Writer:
    """Writes messages to a stream, from the loop only."""

    def __init__(self, stream: BinaryIO, broken: Callable[[], None]) -> None:
        self._stream = stream
        self._broken = broken
        self._open = True

    def write(self, data: bytes) -> None:
        """Write and flush; a client that is gone ends the session."""
        if not self._open:
            return
        try:
            self._stream.write(data)
            self._stream.flush()
        except (OSError, ValueError):
            self._open = False
            self._broken()

    def close(self) -> None:
        """Say nothing more."""
        self._open = False


def take_stdio() -> tuple[BinaryIO, BinaryIO]:
    """Stdin and stdout for messages alone.

    What is printed by mistake, by us or by a process we start, goes to stderr and cannot break
    the stream; nothing else reads stdin.
    """
    sys.stdout.flush()
    incoming, outgoing = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return os.fdopen(incoming, "rb"), os.fdopen(outgoing, "wb")
