"""A server that speaks the Messages API over HTTP on a real socket, and can go wrong on demand.

Each request takes the next step of a script: an `Answer`, or a fault by name. It counts what it
would have billed, by its own count of tokens, so a test can compare that with a budget.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(slots=True)
class Answer:
    """A whole answer: text, tool calls as (name, arguments), and how it stops."""

    text: str = ""
    calls: list[tuple[str, Any]] = field(default_factory=list)
    stop: str = ""
    cached: int = 0
    written: int = 0
    pause: float = 0.0
    output: int | None = None


Step = Answer | str | Callable[[dict[str, Any]], "Answer"]

FAULTS = (
    "429",
    "429-long",
    "500",
    "529",
    "401",
    "402",
    "404",
    "400",
    "413",
    "reset",
    "reset-in-stream",
    "closed-in-stream",
    "overloaded-in-stream",
    "slow",
    "silent",
    "silent-in-stream",
    "pings",
    "truncated-json",
    "broken-tool",
    "html",
    "html-500",
    "redirect",
    "no-text",
)


@dataclass
class MessagesApi:
    """The server. `with MessagesApi([...]) as api:`; the last step repeats.

    `refuse_tools` and `refuse_formats` answer 400 to requests that have them, as old servers do.
    """

    script: list[Step]
    refuse_tools: bool = False
    refuse_formats: bool = False
    ignore_tools: bool = False
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    prompt_tokens: int = 0
    output_tokens: int = 0
    aborted: int = 0

    def __enter__(self) -> MessagesApi:
        api = self
        self._lock = threading.Lock()
        self._over = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: Any) -> None:
                pass

            def do_POST(self) -> None:
                api._post(self)

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, request: Any, client_address: Any) -> None:
                with api._lock:
                    api.aborted += 1

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    # ------------------------------------------------------------------ a request

    def _post(self, handler: BaseHTTPRequestHandler) -> None:
        length = int(handler.headers.get("content-length") or 0)
        body = json.loads(handler.rfile.read(length) or b"{}")
        with self._lock:
            self.requests.append(body)
            self.headers.append({k.lower(): v for k, v in handler.headers.items()})
            step = self.script[min(len(self.requests), len(self.script)) - 1]
        if self.refuse_tools and "tools" in body:
            self._error(handler, 400, "invalid_request_error", "tools: unknown field")
        elif self.refuse_formats and "output_config" in body:
            self._error(handler, 400, "invalid_request_error", "output_config: unknown field")
        elif isinstance(step, str):
            self._fault(handler, step, body)
        else:
            answer = step if isinstance(step, Answer) else step(body)
            if self.ignore_tools and "tools" in body:
                answer = Answer("I know no tools.")
            self._stream(handler, body, answer)

    def _error(
        self,
        handler: BaseHTTPRequestHandler,
        status: int,
        kind: str,
        message: str = "no",
        headers: dict[str, str] | None = None,
    ) -> None:
        body = {"type": "error", "error": {"type": kind, "message": message}}
        self._plain(handler, status, "application/json", json.dumps(body), headers)

    @staticmethod
    def _plain(
        handler: BaseHTTPRequestHandler,
        status: int,
        kind: str,
        text: str,
        headers: dict[str, str] | None = None,
    ) -> None:
        content = text.encode()
        handler.send_response(status)
        handler.send_header("content-type", kind)
        handler.send_header("content-length", str(len(content)))
        for name, value in (headers or {}).items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(content)

    def _fault(self, handler: BaseHTTPRequestHandler, fault: str, body: dict[str, Any]) -> None:
        key = handler.headers.get("authorization", "")
        match fault:
            case "429":
                self._error(handler, 429, "rate_limit_error", headers={"retry-after": "1"})
            case "429-long":
                self._error(handler, 429, "rate_limit_error", headers={"retry-after": "3600"})
            case "500":
                self._error(handler, 500, "api_error")
            case "529":
                self._error(handler, 529, "overloaded_error")
            case "401":  # some servers repeat what they were sent
                self._error(handler, 401, "authentication_error", f"invalid key: {key}")
            case "402":
                self._error(handler, 402, "billing_error")
            case "404":
                self._error(handler, 404, "not_found_error")
            case "400":
                self._error(handler, 400, "invalid_request_error", f"no such thing; key {key}")
            case "413":
                self._error(handler, 413, "request_too_large")
            case "reset":
                _reset(handler.connection)
            case "silent":
                self._over.wait(60)
            case "html":
                self._plain(handler, 200, "text/html", "<html>Please log in</html>")
            case "html-500":
                self._plain(handler, 502, "text/html", "<html>Bad gateway</html>")
            case "redirect":
                self._plain(handler, 307, "text/plain", "", {"location": "http://127.0.0.1:9/"})
            case "no-text":
                self._stream(handler, body, Answer(""))
            case _:
                self._broken_stream(handler, body, fault)

    def _broken_stream(
        self, handler: BaseHTTPRequestHandler, body: dict[str, Any], fault: str
    ) -> None:
        self._open(handler)
        self._start(handler, body, Answer("x"))
        write = _writer(handler)
        block = {"type": "content_block_start", "index": 0}
        if fault == "broken-tool":
            use = {"type": "tool_use", "id": "t1", "name": "look", "input": {}}
            write({**block, "content_block": use})
            delta = {"type": "input_json_delta", "partial_json": '{"path": "train'}
            write({"type": "content_block_delta", "index": 0, "delta": delta})
            write({"type": "content_block_stop", "index": 0})
            self._stop(handler, "tool_use", 10)
            handler.wfile.write(b"0\r\n\r\n")
            return
        write({**block, "content_block": {"type": "text", "text": ""}})
        self._text(handler, "half an answer, ")
        match fault:
            case "reset-in-stream":
                _reset(handler.connection)
            case "closed-in-stream":
                handler.wfile.write(b"0\r\n\r\n")
            case "overloaded-in-stream":
                error = {"type": "overloaded_error", "message": "no"}
                write({"type": "error", "error": error})
                handler.wfile.write(b"0\r\n\r\n")
            case "truncated-json":
                _chunk(handler, b'event: content_block_delta\ndata: {"type": "content_b\n\n')
                handler.wfile.write(b"0\r\n\r\n")
            case "slow":
                while not self._over.wait(0.2):
                    self._text(handler, "more ")
            case "pings":
                while not self._over.wait(0.2):
                    write({"type": "ping"})
            case "silent-in-stream":
                self._over.wait(60)
        handler.close_connection = True

    # ------------------------------------------------------------------ a stream

    def _stream(
        self, handler: BaseHTTPRequestHandler, body: dict[str, Any], answer: Answer
    ) -> None:
        self._open(handler)
        self._start(handler, body, answer)
        if answer.pause and self._over.wait(answer.pause):
            return
        write = _writer(handler)
        index = 0
        if answer.text:
            text = {"type": "text", "text": ""}
            write({"type": "content_block_start", "index": 0, "content_block": text})
            for at in range(0, len(answer.text), 4000):
                self._text(handler, answer.text[at : at + 4000])
            write({"type": "content_block_stop", "index": 0})
            index = 1
        for number, (name, arguments) in enumerate(answer.calls):
            use = {"type": "tool_use", "id": f"t{number}", "name": name, "input": {}}
            write({"type": "content_block_start", "index": index, "content_block": use})
            delta = {"type": "input_json_delta", "partial_json": json.dumps(arguments)}
            write({"type": "content_block_delta", "index": index, "delta": delta})
            write({"type": "content_block_stop", "index": index})
            index += 1
        output = answer.output or max(1, len(answer.text) // 4)
        output = min(output, int(body.get("max_tokens", output)))
        with self._lock:
            self.output_tokens += output
        self._stop(handler, answer.stop or ("tool_use" if answer.calls else "end_turn"), output)
        handler.wfile.write(b"0\r\n\r\n")

    @staticmethod
    def _open(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("content-type", "text/event-stream")
        handler.send_header("transfer-encoding", "chunked")
        handler.end_headers()

    def _start(self, handler: BaseHTTPRequestHandler, body: dict[str, Any], answer: Answer) -> None:
        prompt = max(1, len(json.dumps(body)) // 4)
        with self._lock:
            self.prompt_tokens += prompt
        usage = {
            "input_tokens": max(0, prompt - answer.cached - answer.written),
            "cache_read_input_tokens": answer.cached,
            "cache_creation_input_tokens": answer.written,
            "output_tokens": 1,
        }
        message = {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": body.get("model"),
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": usage,
        }
        _writer(handler)({"type": "message_start", "message": message})

    @staticmethod
    def _text(handler: BaseHTTPRequestHandler, text: str) -> None:
        delta = {"type": "text_delta", "text": text}
        _writer(handler)({"type": "content_block_delta", "index": 0, "delta": delta})

    @staticmethod
    def _stop(handler: BaseHTTPRequestHandler, stop: str, output: int) -> None:
        write = _writer(handler)
        delta = {"stop_reason": stop, "stop_sequence": None}
        write({"type": "message_delta", "delta": delta, "usage": {"output_tokens": output}})
        write({"type": "message_stop"})


def _writer(handler: BaseHTTPRequestHandler) -> Callable[[dict[str, Any]], None]:
    def write(event: dict[str, Any]) -> None:
        text = f"event: {event['type']}\ndata: {json.dumps(event)}\n\n"
        _chunk(handler, text.encode())

    return write


def _chunk(handler: BaseHTTPRequestHandler, content: bytes) -> None:
    handler.wfile.write(b"%x\r\n%b\r\n" % (len(content), content))
    handler.wfile.flush()


def _reset(connection: socket.socket) -> None:
    """Close a connection with a reset, not an orderly end."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.shutdown(socket.SHUT_RD)
    connection.close()


def wait_until(holds: Callable[[], bool], seconds: float = 5.0) -> bool:
    """Wait until something holds, at most so long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.01)
    return holds()
