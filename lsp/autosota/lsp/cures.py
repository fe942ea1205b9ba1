"""pygls 2.1 with its defects cured: a message loop, a workspace and documents.

Each cure has a test in `tests/lsp/test_cures.py` that fails without it. They override private
names, so the version is pinned (`pygls>=2.1,<2.2`). Nothing of our features is known here.
"""

from __future__ import annotations

import logging
import re
import uuid
from bisect import bisect_right
from collections.abc import Generator, Mapping
from concurrent.futures import Future
from functools import partial
from typing import Any
from urllib.parse import unquote

from cattrs import Converter
from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer
from pygls.protocol import JsonRPCRequestMessage, LanguageServerProtocol, lsp_method
from pygls.protocol.json_rpc import JsonRPCNotification
from pygls.workspace import TextDocument, Workspace

logger = logging.getLogger(__name__)

_NEWLINE = re.compile(r"\r\n|\r|\n")
_INVALID_REQUEST = -32600
_INVALID_PARAMS = -32602
_NOT_INITIALIZED = -32002
_INTERNAL = -32603
_EARLY = 1000
"""Cancelled ids that are remembered for requests still on their way."""


class Document(TextDocument):
    """A text whose lines break where LSP breaks them, found once per version.

    pygls breaks at form feeds and other signs that are legal in Python files, so an edit lands
    in the wrong line, and it splits the whole text again at every question.
    """

    _starts: list[int] | None = None

    @property
    def starts(self) -> list[int]:
        """The offset, in characters, at which each line begins."""
        if self._starts is None:
            self._starts = [0, *(m.end() for m in _NEWLINE.finditer(self.source))]
        return self._starts

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines with their ends, as pygls gives them: no empty line at the end."""
        starts, text = self.starts, self.source
        ends = [*starts[1:], len(text)]
        lines = [text[a:b] for a, b in zip(starts, ends, strict=True)]
        return tuple(lines if lines[-1] else lines[:-1])

    def line(self, number: int) -> str:
        """A line without its end; `''` beyond the text."""
        starts, text = self.starts, self.source
        if not 0 <= number < len(starts):
            return ""
        end = starts[number + 1] if number + 1 < len(starts) else len(text)
        return text[starts[number] : end].rstrip("\r\n")

    def offset(self, position: types.Position) -> int:
        """Where a client's position is, in characters; kept within its line and the text."""
        starts = self.starts
        if position.line >= len(starts):
            return len(self.source)
        row = max(position.line, 0)
        line = self.line(row)
        units = max(position.character, 0)
        if line.isascii():
            return starts[row] + min(units, len(line))
        count = self.position_codec.impl.code_units_for_char
        seen = 0
        for at, char in enumerate(line):
            if seen >= units:
                return starts[row] + at
            seen += count(char)
        return starts[row] + len(line)

    def position(self, offset: int) -> types.Position:
        """An offset in characters as the client counts."""
        row = max(bisect_right(self.starts, offset) - 1, 0)
        before = self.source[self.starts[row] : offset]
        units = len(before) if before.isascii() else self.position_codec.client_num_units(before)
        return types.Position(row, units)

    def at(self, line: int, column: int) -> types.Position:
        """Line and column in characters, both from 1, as the client counts."""
        before = self.line(line - 1)[: column - 1]
        units = len(before) if before.isascii() else self.position_codec.client_num_units(before)
        return types.Position(line - 1, units)

    def apply_change(self, change: types.TextDocumentContentChangeEvent) -> None:
        """Apply an edit, or take the whole text."""
        text = self.source
        if isinstance(change, types.TextDocumentContentChangePartial):
            start, end = self.offset(change.range.start), self.offset(change.range.end)
            self._source = text[:start] + change.text + text[max(start, end) :]
        else:
            self._source = change.text
        self._starts = None


class Documents(Workspace):
    """The workspace of pygls with our documents; what is not open is not looked up on disk."""

    def _create_text_document(
        self,
        doc_uri: str,
        source: str | None = None,
        version: int | None = None,
        language_id: str | None = None,
    ) -> Document:
        return Document(
            doc_uri,
            source=source or "",
            version=version,
            language_id=language_id,
            sync_kind=self._sync_kind,
            position_codec=self._position_codec,
        )

    def opened(self, uri: str) -> Document | None:
        """The open document of a URI. Keys are percent-decoded; `uri` of a document is not."""
        found = self.text_documents.get(unquote(uri))
        return found if isinstance(found, Document) else None


class Cured(LanguageServerProtocol):
    """The message loop.

    * A cancelled request cancels the coroutine that works for it, and one that was cancelled
      before its turn is not run.
    * Nothing of a request stays behind once it is answered.
    * `shutdown` works with requests in flight; `exit` waits for nothing.
    * A message is typed as a whole: an argument that looks like a message stays an argument.
    * A request that cannot be understood, comes too early or too late gets an error, not silence.
    * Errors say what is wrong without our file paths.
    """

    workspace: Documents

    def __init__(self, server: CuredServer, converter: Converter) -> None:
        super().__init__(server, converter)
        self._server: CuredServer = server
        self._work: dict[int, Future[Any]] = {}
        self._early: dict[object, None] = {}
        self._greeted = False

    # ------------------------------------------------------------------ messages in

    def structure_message(self, data: dict[str, Any]) -> Any:
        """Leave nested objects as they are; `handle_message` types the message."""
        return data

    def cancelled_early(self, request: object) -> None:
        """Remember what was cancelled before its turn; called by the thread that reads."""
        if isinstance(request, str | int):
            self._early[request] = None
            while len(self._early) > _EARLY:
                self._early.pop(next(iter(self._early)))

    def broken_message(self, code: int, text: str) -> None:
        """Answer a message that has no readable id."""
        logger.warning("a message could not be read: %s", text)
        self._send_data({"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": text}})

    def handle_message(self, message: Any) -> None:
        """Type a message and hand it on; whatever is wrong with it is answered."""
        if not isinstance(message, dict):
            self.broken_message(_INVALID_REQUEST, "a message must be one JSON object")
            return
        number, method = message.get("id"), message.get("method")
        asks = isinstance(number, str | int) and method is not None
        try:
            self._admit(message, method)
            typed = self._typed(message)
        except JsonRpcException as error:
            if asks:
                self._send_response(number, error=error.to_response_error())
            elif error.code == _INVALID_REQUEST and method is None:
                self.broken_message(error.code, str(error.message))
            else:
                logger.warning("%s is ignored: %s", method, error.message)
            return
        if asks and number in self._early:
            self._early.pop(number)
            self._send_response(
                number, error=types.ResponseError(code=-32800, message="cancelled before its turn")
            )
            return
        super().handle_message(typed)

    def _admit(self, message: dict[str, Any], method: object) -> None:
        if message.get("jsonrpc") != "2.0" or ("method" in message and not _is_text(method)):
            raise JsonRpcException("not a JSON-RPC 2.0 message", _INVALID_REQUEST)
        if method is None:
            if "result" in message or "error" in message:
                return
            raise JsonRpcException("neither a request nor a response", _INVALID_REQUEST)
        if method == types.EXIT:
            return
        if method == types.INITIALIZE:
            if self._greeted:
                raise JsonRpcException("initialize was sent before", _INVALID_REQUEST)
            self._greeted = True
        elif not self._greeted:
            raise JsonRpcException("initialize comes first", _NOT_INITIALIZED)
        elif self._shutdown:
            raise JsonRpcException("the server was shut down", _INVALID_REQUEST)

    def _typed(self, message: dict[str, Any]) -> Any:
        method = message.get("method")
        params = self._server.own_params.get(str(method))
        try:
            if params is None:
                return super().structure_message(message)
            value: Any = self._converter.structure(message.get("params") or {}, params)
        except Exception as error:
            why = _reason(error.__cause__ or error)
            raise JsonRpcException(f"{method or 'a response'}: {why}", _INVALID_PARAMS) from error
        if "id" in message:
            return JsonRPCRequestMessage(message["id"], str(method), "2.0", value)
        return JsonRPCNotification(str(method), "2.0", value)

    # ------------------------------------------------------------------ handlers

    def _execute_handler(
        self, msg_id: Any, handler: Any, callback: Any, args: Any = None, kwargs: Any = None
    ) -> None:
        super()._execute_handler(msg_id, handler, callback, args, kwargs)
        future = self._request_futures.get(msg_id)
        if future is not None:
            future.add_done_callback(partial(self._forget, msg_id))

    def _forget(self, msg_id: Any, future: Future[Any]) -> None:
        if self._request_futures.get(msg_id) is future:
            self._request_futures.pop(msg_id)

    def _run_generator(
        self,
        future: Future[Any] | None,
        *,
        gen: Generator[Any, Any, Any],
        result_future: Future[Any],
    ) -> None:
        """As pygls does, and the work that a request waits for is known, to be cancelled."""
        self._work.pop(id(result_future), None)
        if result_future.cancelled():
            gen.close()
            return
        try:
            handler, args, kwargs = gen.send(future.result() if future is not None else None)
        except StopIteration as result:
            result_future.set_result(result.value)
            return
        except Exception as error:  # noqa: BLE001 - whoever asked gets it
            result_future.set_exception(error)
            return
        number = str(uuid.uuid4())
        again = partial(self._run_generator, gen=gen, result_future=result_future)
        self._execute_handler(number, handler, again, args, kwargs)
        work = self._request_futures.get(number)
        if work is not None and not work.done():
            self._work[id(result_future)] = work

    def _handle_cancel_notification(self, msg_id: Any) -> None:
        self._early.pop(msg_id, None)
        future = self._request_futures.get(msg_id)
        if future is None:
            return
        work = self._work.pop(id(future), None)
        future.cancel()
        if work is not None:
            work.cancel()

    def _handle_response(
        self, msg_id: Any, result: Any = None, error: types.ResponseError | None = None
    ) -> None:
        waiting = self._request_futures.get(msg_id)
        if waiting is not None and waiting.done():
            self._request_futures.pop(msg_id)
            return
        super()._handle_response(msg_id, result, error)

    # ------------------------------------------------------------------ messages out

    def _send_response(
        self, msg_id: Any, result: Any = None, error: types.ResponseError | None = None
    ) -> None:
        if error is not None and error.code == _INTERNAL:
            error = types.ResponseError(error.code, f"internal error: {_first(error.message)}")
        if error is not None:
            self._result_types.pop(msg_id, None)
        super()._send_response(msg_id, result, error)

    # ------------------------------------------------------------------ the life of a session

    @lsp_method(types.INITIALIZE)
    def lsp_initialize(
        self, params: types.InitializeParams
    ) -> Generator[Any, Any, types.InitializeResult]:
        """As pygls does, over our workspace."""
        steps: Generator[Any, Any, types.InitializeResult] = super().lsp_initialize(params)
        value: Any = None
        while True:
            try:
                step = steps.send(value)
            except StopIteration as result:
                self._take_over()
                answer: types.InitializeResult = result.value
                return answer
            self._take_over()
            value = yield step

    def _take_over(self) -> None:
        """Our workspace instead of the one that pygls made."""
        made = self._workspace
        if made is not None and not isinstance(made, Documents):
            folders = list(made.folders.values())
            self._workspace = Documents(
                made.root_uri, made._sync_kind, folders, made.position_encoding
            )

    @lsp_method(types.WORKSPACE_EXECUTE_COMMAND)
    def lsp_workspace__execute_command(
        self, params: types.ExecuteCommandParams
    ) -> Generator[Any, Any, Any]:
        """A command of ours takes one object of a type that is known; others as pygls does."""
        kind = self._server.own_commands.get(params.command)
        if kind is None:
            return (yield from super().lsp_workspace__execute_command(params))
        given: list[Any] = list(params.arguments or ({},))
        if len(given) != 1:
            why = f"{params.command}: takes one object, not {len(given)} arguments"
            raise JsonRpcException(why, _INVALID_PARAMS)
        try:
            value: Any = self._converter.structure(given[0], kind)
        except Exception as error:
            why = f"{params.command}: {_reason(error)}"
            raise JsonRpcException(why, _INVALID_PARAMS) from error
        return (yield self.fm.commands[params.command], (value,), None)

    @lsp_method(types.SHUTDOWN)
    def lsp_shutdown(self, *args: Any) -> Generator[Any, Any, None]:
        """Cancel what is in flight; over a copy, because what ends takes itself off the list."""
        handler = self.fm.features.get(types.SHUTDOWN)
        if handler is not None:
            yield handler, args, None
        for msg_id, future in list(self._request_futures.items()):
            if msg_id != self.msg_id and not future.done():
                self._handle_cancel_notification(msg_id)
        self._shutdown = True

    @lsp_method(types.EXIT)
    def lsp_exit(self, *args: Any) -> Generator[Any, Any, None]:
        """End the process: 0 after `shutdown`, else 1."""
        self._server.leave(0 if self._shutdown else 1)
        yield from ()


class CuredServer(LanguageServer):
    """A server whose errors go to its log, and not to a window for each."""

    protocol: Cured
    own_params: Mapping[str, type] = {}
    """Types of the parameters of methods that LSP does not have."""

    @property
    def own_commands(self) -> Mapping[str, type]:
        """Types of the one argument of each of our commands."""
        return {}

    def leave(self, code: int) -> None:
        """End the session with this exit code."""
        raise NotImplementedError

    def report_server_error(self, error: Exception, source: Any) -> None:
        """Write it down. A message to the client may be what fails."""
        if isinstance(error, JsonRpcException) and error.code != _INTERNAL:
            return  # it is an answer, and the client has it
        logger.error("%s: %s", getattr(source, "__name__", "error"), error, exc_info=error)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _first(text: object) -> str:
    return (str(text).splitlines() or [""])[0][:300]


def _reason(error: BaseException) -> str:
    """The innermost reason that a value has another shape than its type, in one line."""
    while getattr(error, "exceptions", None):
        error = error.exceptions[0]  # type: ignore[attr-defined]
    if isinstance(error, KeyError):
        return f"{error} is missing"
    return _first(error) or type(error).__name__
