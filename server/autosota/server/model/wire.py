"""One request on the wire: sent once, streamed, and heard to its end or to a typed failure.

Knows the Anthropic SDK, which is imported when the first request is made, and what its streams do
when they break. Whether to ask again, what it costs and what it means are not known here.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from autosota.agents.asking import Ending
from autosota.server.config.model import is_local
from autosota.server.model.prices import Usage

if TYPE_CHECKING:
    import anthropic

CONNECT_SECONDS = 10.0
SILENCE_SECONDS = 90.0
"""How long a server may say nothing at all, not even a ping, before the request is given up."""

MOST_CHARACTERS = 4_000_000
"""No answer is longer: an answer within its tokens is a fraction of this."""

OLD_VERSION = "2023-06-01"
"""The protocol version that gateways and local servers know."""


class Billed(Enum):
    """What a request that failed may cost, as far as its failure tells."""

    NOTHING = "nothing"
    UNKNOWN = "unknown"


class CallFailed(Exception):
    """A request that brought no whole answer.

    Attributes:
        ending: What it was.
        again: True when the same request may work later.
        retry_after: Seconds that the server asked to wait; None: it did not say.
        billed: What it may cost.
        heard: What came before it broke.
    """

    def __init__(
        self,
        ending: Ending,
        why: str,
        *,
        again: bool = False,
        retry_after: float | None = None,
        billed: Billed = Billed.NOTHING,
        heard: Heard | None = None,
    ) -> None:
        super().__init__(why)
        self.ending, self.why, self.again = ending, why, again
        self.retry_after, self.billed, self.heard = retry_after, billed, heard


@dataclass(slots=True)
class Call:
    """A tool that the model wants to run; `arguments` is JSON text until it is whole."""

    id: str
    name: str
    arguments: str = ""


@dataclass(slots=True)
class Heard:
    """What a stream has said so far."""

    text: str = ""
    calls: list[Call] = field(default_factory=list)
    stop: str = ""
    usage: Usage = field(default_factory=Usage)
    started: bool = False
    model: str = ""
    blocks: dict[int, Any] = field(default_factory=dict)
    size: int = 0

    def take(self, event: Mapping[str, Any]) -> None:
        """One event of the stream. What is not known is passed over."""
        match event.get("type"):
            case "message_start":
                message = _mapping(event.get("message"))
                self.started = True
                self.model = str(message.get("model") or "")
                self._count(_mapping(message.get("usage")))
            case "content_block_start":
                block = dict(_mapping(event.get("content_block")))
                self.blocks[_index(event)] = block
                if block.get("type") == "tool_use":
                    call = Call(str(block.get("id") or ""), str(block.get("name") or ""))
                    block["call"] = call
                    self.calls.append(call)
                elif block.get("type") == "text":
                    block["text"] = str(block.get("text") or "")
                    self.text += block["text"]
            case "content_block_delta":
                delta = _mapping(event.get("delta"))
                self.size += sum(len(v) for v in delta.values() if isinstance(v, str))
                block = self.blocks.setdefault(_index(event), {})
                if delta.get("type") == "text_delta":
                    more = str(delta.get("text") or "")
                    block["text"] = block.get("text", "") + more
                    self.text += more
                elif delta.get("type") == "input_json_delta" and "call" in block:
                    block["call"].arguments += str(delta.get("partial_json") or "")
                elif delta.get("type") == "thinking_delta":
                    block["thinking"] = block.get("thinking", "") + str(delta.get("thinking") or "")
                elif delta.get("type") == "signature_delta":
                    block["signature"] = str(delta.get("signature") or "")
            case "message_delta":
                stop = _mapping(event.get("delta")).get("stop_reason")
                self.stop = str(stop) if stop else self.stop
                self._count(_mapping(event.get("usage")))

    def content(self) -> list[dict[str, Any]]:
        """The blocks of the answer as the next request of a conversation repeats them."""
        found: list[dict[str, Any]] = []
        for _, block in sorted(self.blocks.items()):
            match block.get("type"):
                case "text" if block.get("text"):
                    found.append({"type": "text", "text": block["text"]})
                case "thinking" if block.get("signature"):
                    kept = {k: block.get(k, "") for k in ("thinking", "signature")}
                    found.append({"type": "thinking", **kept})
                case "redacted_thinking":
                    found.append({"type": "redacted_thinking", "data": block.get("data", "")})
                case "tool_use":
                    call: Call = block["call"]
                    found.append(
                        {
                            "type": "tool_use",
                            "id": call.id,
                            "name": call.name,
                            "input": arguments_of(call) or {},
                        }
                    )
        return found

    def _count(self, usage: Mapping[str, Any]) -> None:
        """Later counts replace earlier ones; none makes a count smaller."""
        old = self.usage
        self.usage = Usage(
            max(old.fresh, _tokens(usage, "input_tokens")),
            max(old.cache_read, _tokens(usage, "cache_read_input_tokens")),
            max(old.cache_write, _tokens(usage, "cache_creation_input_tokens")),
            max(old.output, _tokens(usage, "output_tokens")),
        )


@dataclass(frozen=True)
class Address:
    """Where requests go. The key is never shown.

    Attributes:
        base_url: Empty: the Anthropic API itself.
        key: Sent with every request.
        old: Also send what gateways and local servers of older versions read.
    """

    base_url: str
    key: str = field(repr=False)
    old: bool = False

    @property
    def shown(self) -> str:
        """The address for people."""
        return self.base_url or "https://api.anthropic.com"


async def send(
    address: Address,
    body: Mapping[str, Any],
    *,
    seconds: float,
    hearing: Callable[[], None] = lambda: None,
    silence: float = SILENCE_SECONDS,
) -> Heard:
    """Send one request and hear all of the answer.

    Args:
        address: Where to.
        body: The request, as `messages.create` takes it.
        seconds: The longest that it may take, whatever the server does.
        hearing: Called at each event.
        silence: The longest pause within the answer, in seconds.

    Raises:
        CallFailed: there is no whole answer.
        asyncio.CancelledError: it was cancelled; the connection is closed.
    """
    import anthropic
    import httpx2

    headers = {}
    if address.old:
        headers = {"x-api-key": address.key, "anthropic-version": OLD_VERSION}
    heard = Heard()
    timeout = httpx2.Timeout(silence, connect=CONNECT_SECONDS)
    if is_local(address.base_url):  # what stays on this machine passes no proxy
        http = httpx2.AsyncClient(trust_env=False, follow_redirects=False, timeout=timeout)
    else:
        http = anthropic.DefaultAsyncHttpxClient(follow_redirects=False, timeout=timeout)
    async with anthropic.AsyncAnthropic(
        api_key=address.key,
        base_url=address.base_url or "https://api.anthropic.com",
        max_retries=0,
        timeout=timeout,
        default_headers=headers,
        http_client=http,
        open_telemetry=False,
    ) as client:
        try:
            async with asyncio.timeout(seconds):
                stream = await client.messages.create(**body, stream=True)
                async with stream:
                    async for event in stream:
                        heard.take(_plain(event))
                        if heard.size > MOST_CHARACTERS:
                            raise ValueError("an answer without end")
                        hearing()
        except anthropic.APIStatusError as error:
            raise _status(error, heard) from None
        except (anthropic.APITimeoutError, httpx2.ReadTimeout):
            why = f"{address.shown} said nothing for {silence:g} s"
            raise CallFailed(
                Ending.TIMED_OUT, why, again=True, billed=Billed.UNKNOWN, heard=heard
            ) from None
        except TimeoutError:
            why = f"no whole answer within {seconds:.0f} s"
            raise CallFailed(Ending.TIMED_OUT, why, billed=Billed.UNKNOWN, heard=heard) from None
        except anthropic.APIConnectionError as error:
            raise _connection(error, address, heard) from None
        except httpx2.TransportError:
            why = "the connection broke in the middle of the answer"
            raise CallFailed(
                Ending.CONNECTION_LOST, why, again=True, billed=Billed.UNKNOWN, heard=heard
            ) from None
        except (anthropic.AnthropicError, httpx2.HTTPError, ValueError, TypeError) as error:
            why = f"the answer cannot be read ({type(error).__name__})"
            raise CallFailed(
                Ending.GARBLED, why, again=True, billed=Billed.UNKNOWN, heard=heard
            ) from None
    if not heard.started:
        why = (
            f"what {address.shown} answered is not of the Messages API; is there a proxy or a "
            "login page in between?"
        )
        raise CallFailed(Ending.NO_MESSAGES_API, why, billed=Billed.UNKNOWN, heard=heard)
    if not heard.stop:
        why = "the answer ended without saying that it was over"
        raise CallFailed(
            Ending.CONNECTION_LOST, why, again=True, billed=Billed.UNKNOWN, heard=heard
        )
    return heard


_BY_STATUS: dict[int, tuple[Ending, bool]] = {
    400: (Ending.BAD_REQUEST, False),
    401: (Ending.KEY_REFUSED, False),
    402: (Ending.NO_CREDIT, False),
    403: (Ending.KEY_REFUSED, False),
    404: (Ending.NO_SUCH_MODEL, False),
    408: (Ending.TIMED_OUT, True),
    409: (Ending.SERVER_ERROR, True),
    413: (Ending.TOO_LARGE, False),
    422: (Ending.BAD_REQUEST, False),
    429: (Ending.RATE_LIMITED, True),
    529: (Ending.OVERLOADED, True),
}
_BY_TYPE: dict[str, tuple[Ending, bool]] = {
    "authentication_error": (Ending.KEY_REFUSED, False),
    "permission_error": (Ending.KEY_REFUSED, False),
    "billing_error": (Ending.NO_CREDIT, False),
    "not_found_error": (Ending.NO_SUCH_MODEL, False),
    "request_too_large": (Ending.TOO_LARGE, False),
    "invalid_request_error": (Ending.BAD_REQUEST, False),
    "rate_limit_error": (Ending.RATE_LIMITED, True),
    "overloaded_error": (Ending.OVERLOADED, True),
    "timeout_error": (Ending.TIMED_OUT, True),
    "api_error": (Ending.SERVER_ERROR, True),
}
_WORDS = {
    Ending.KEY_REFUSED: "the key was refused; check it, it may be wrong or expired",
    Ending.NO_CREDIT: "the account has no credit left",
    Ending.NO_SUCH_MODEL: "there is no such model, or this key may not use it",
    Ending.TOO_LARGE: "the request is larger than the server takes",
    Ending.RATE_LIMITED: "too many requests for this key",
    Ending.OVERLOADED: "the server is overloaded",
    Ending.SERVER_ERROR: "the server failed",
    Ending.TIMED_OUT: "the server took too long",
    Ending.BAD_REQUEST: "the server does not take this request",
}


def _status(error: anthropic.APIStatusError, heard: Heard) -> CallFailed:
    """A failure by status; within a stream the status is 200, and the type says which."""
    status = int(error.status_code)
    kind = str(getattr(error, "type", "") or "")
    if status == 200 or (status >= 500 and status != 529):
        found = _BY_TYPE.get(kind, (Ending.SERVER_ERROR, True))
    elif 300 <= status < 400:
        found = (Ending.NO_MESSAGES_API, False)
    else:
        found = _BY_STATUS.get(status, (Ending.BAD_REQUEST, False))
    ending, again = found
    if ending is Ending.NO_MESSAGES_API:
        words = "the server sends requests elsewhere, which is not followed"
    else:
        words = _WORDS[ending]
    detail = f" (status {status}{', ' + kind if kind else ''})"
    said = _said(error) if ending is Ending.BAD_REQUEST else ""
    return CallFailed(
        ending,
        words + detail + said,
        again=again,
        retry_after=_retry_after(error.response.headers),
        billed=Billed.UNKNOWN if heard.started else Billed.NOTHING,
        heard=heard,
    )


def _said(error: anthropic.APIStatusError) -> str:
    """The server's own words about a request it does not take, on one short line."""
    body = error.body if isinstance(error.body, Mapping) else {}
    message = _mapping(body.get("error")).get("message")
    text = " ".join(str(message).split()) if isinstance(message, str) else ""
    return f": {text[:200]}" if text else ""


def _connection(error: anthropic.APIConnectionError, address: Address, heard: Heard) -> CallFailed:
    import httpx2

    cause = error.__cause__
    if isinstance(cause, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.UnsupportedProtocol):
        why = f"{address.shown} cannot be reached; check the network and the address"
        return CallFailed(Ending.UNREACHABLE, why, again=True)
    why = "the connection broke before the answer"
    return CallFailed(Ending.CONNECTION_LOST, why, again=True, billed=Billed.UNKNOWN, heard=heard)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, from `retry-after-ms` or `retry-after`; a date counts as very long."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        text = headers.get(name)
        if text is None:
            continue
        try:
            return max(0.0, float(text) * unit)
        except ValueError:
            return float("inf")
    return None


def _plain(event: Any) -> Mapping[str, Any]:
    """An event as the mapping that was sent; the SDK checks nothing of it."""
    if isinstance(event, Mapping):
        return event
    dump = getattr(event, "model_dump", None)
    if dump is None:
        return {}
    plain = dump(mode="json", warnings=False)
    return plain if isinstance(plain, dict) else {}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _index(event: Mapping[str, Any]) -> int:
    index = event.get("index")
    return index if isinstance(index, int) else -1


def _tokens(usage: Mapping[str, Any], name: str) -> int:
    count = usage.get(name)
    return count if isinstance(count, int) and not isinstance(count, bool) and count > 0 else 0


def arguments_of(call: Call) -> dict[str, Any] | None:
    """The arguments of a tool call; None when they are no JSON object."""
    try:
        value = json.loads(call.arguments or "{}")
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
