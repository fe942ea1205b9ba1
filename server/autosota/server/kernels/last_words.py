"""What a kernel that was killed cannot say itself: why, below the cell that it was running.

A thread listens to the kernel's own announcements, of which cell it runs (a few hundred bytes a
cell, no outputs), over the sockets that clients use. When the kernel is killed, its place on the
output channel is taken for a moment, and clients, which come back by themselves, get one line.
Only over ipc: published ports are still the engine's then.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from typing import Any

import zmq

from autosota.server.kernels.wire import Wire

_ANNOUNCED = b"kernel."
"""What ipykernel's topics of states and inputs begin with; outputs have others."""

_LARGEST = 1 << 20
_WAITING = 64
_COMEBACK_SECONDS = 0.7
"""How long clients have to come back; they try every tenth of a second."""

_OTHERS_SECONDS = 0.15
_PARENT, _CONTENT = 4, 6
"""Frames: topic, delimiter, signature, header, parent, metadata, content."""


class LastWords:
    """Knows what a kernel is running, and speaks for it once.

    Args:
        wire: The kernel's.
    """

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._running = b""
        self._context = zmq.Context()
        self._context.linger = 0
        self._thread = threading.Thread(target=self._listen, name="kernel-listener", daemon=True)
        self._thread.start()

    def say(self, line: str) -> int:
        """Tell the clients; blocks for less than a second.

        Returns:
            How many clients were there; 0 when the place cannot be taken.
        """
        self.close()
        parent: dict[str, Any] = {}
        with contextlib.suppress(ValueError):
            told = json.loads(self._running or b"{}")
            parent = {"header": told} if isinstance(told, dict) and "msg_id" in told else {}
        with zmq.Context() as context, context.socket(zmq.XPUB) as socket:
            socket.linger = 200
            if self._wire.curve is not None:
                socket.curve_publickey, socket.curve_secretkey = self._wire.curve
                socket.curve_server = True
            try:
                socket.bind(self._address)
            except zmq.ZMQError:
                return 0  # the folder is gone
            if there := _subscribers(socket):
                socket.send_multipart(self._message(line, parent))
        return there

    def close(self) -> None:
        """Stop to listen; twice does no harm."""
        self._context.term()
        self._thread.join(1.0)

    @property
    def _address(self) -> str:
        return f"ipc://{self._wire.ip}-{self._wire.ports[1]}"

    def _listen(self) -> None:
        with contextlib.suppress(zmq.ZMQError), self._context.socket(zmq.SUB) as socket:
            socket.setsockopt(zmq.MAXMSGSIZE, _LARGEST)
            socket.rcvhwm = _WAITING
            if self._wire.curve is not None:
                socket.curve_publickey, socket.curve_secretkey = self._wire.curve
                socket.curve_serverkey = self._wire.curve[0]
            socket.subscribe(_ANNOUNCED)
            socket.connect(self._address)
            while True:
                self._note(socket.recv_multipart())

    def _note(self, frames: list[bytes]) -> None:
        """Remember the request that is being run; forget it when it is done."""
        topic = frames[0]
        if len(frames) <= _CONTENT:
            return
        parent, content = frames[_PARENT], frames[_CONTENT]
        if topic.endswith(b".execute_input"):
            self._running = parent
        elif topic.endswith(b".status") and parent == self._running and b'"idle"' in content:
            self._running = b""

    def _message(self, line: str, parent: dict[str, Any]) -> list[bytes]:
        from jupyter_client.session import Session

        session = Session(key=self._wire.key, signature_scheme=self._wire.scheme)
        content = {"name": "stderr", "text": f"{line}\n"}
        message = session.msg("stream", content=content, parent=parent or None)
        return session.serialize(message, ident=b"stream.stderr")


def _subscribers(socket: zmq.Socket[bytes]) -> int:
    """Wait until the clients are back; how many are."""
    count = 0
    deadline = time.monotonic() + _COMEBACK_SECONDS
    while (rest := deadline - time.monotonic()) > 0 and socket.poll(int(rest * 1000) + 1):
        socket.recv()
        count += 1
        deadline = min(deadline, time.monotonic() + _OTHERS_SECONDS)
    return count
