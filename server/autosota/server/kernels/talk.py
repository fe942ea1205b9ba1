"""A few words with a kernel: whether it listens, and to have it do something without a trace.

A client of one socket, for kernels that nobody uses yet. Clients that show results are
Jupyter's own.
"""

from __future__ import annotations

import time
from typing import Any

import zmq

from autosota.server.kernels.wire import Wire


class Talk:
    """A connection to a kernel's shell channel. Close it, or use it as a context manager."""

    def __init__(self, wire: Wire) -> None:
        from jupyter_client.session import Session

        self._session = Session(key=wire.key, signature_scheme=wire.scheme)
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.DEALER)
        self._socket.linger = 0
        if wire.curve is not None:
            self._socket.curve_publickey, self._socket.curve_secretkey = wire.curve
            self._socket.curve_serverkey = wire.curve[0]
        port = wire.ports[0]
        address = f"{wire.ip}:{port}" if wire.transport == "tcp" else f"{wire.ip}-{port}"
        self._socket.connect(f"{wire.transport}://{address}")

    def listens(self, seconds: float) -> bool:
        """Whether it answers within a time."""
        return self._ask("kernel_info_request", {}, seconds) is not None

    def run(self, code: str, seconds: float) -> bool:
        """Let it run code that leaves no trace; whether that succeeded within a time."""
        content = {"code": code, "silent": True, "store_history": False, "allow_stdin": False}
        reply = self._ask("execute_request", content, seconds)
        return reply is not None and reply.get("status") == "ok"

    def _ask(self, kind: str, content: dict[str, Any], seconds: float) -> dict[str, Any] | None:
        message = self._session.msg(kind, content=content)
        self._socket.send_multipart(self._session.serialize(message))
        deadline = time.monotonic() + seconds
        while (rest := deadline - time.monotonic()) > 0 and self._socket.poll(int(rest * 1000) + 1):
            try:
                _, frames = self._session.feed_identities(self._socket.recv_multipart())
                reply = self._session.deserialize(frames)
            except (ValueError, TypeError):
                continue  # not signed with the key that only the two of us have
            if reply.get("parent_header", {}).get("msg_id") == message["msg_id"]:
                answer = reply.get("content")
                return answer if isinstance(answer, dict) else {}
        return None

    def close(self) -> None:
        """Close the connection."""
        self._context.destroy(linger=0)

    def __enter__(self) -> Talk:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
