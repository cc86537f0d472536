"""HTTP exchanges by the standard library, one at a time. Bodies are streamed; redirects are not followed."""
import http.client
import json
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from . import VERSION
from .stop import Stop

#: Cloudflare's Browser Integrity Check refuses requests without a User-Agent, and those with the default of some
#: libraries.
USER_AGENT = f"exportal-gpu-worker/{VERSION}"
#: Without a byte for this long the server counts as gone; seconds.
SILENCE_S = 60.0
#: No answer that is read needs to be larger.
MAX_ANSWER_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON; None when it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


class NoAnswer(Exception):
    """The network failed, and the request may have arrived. The message contains no URL, since URLs are signed."""


class Connection:
    """A request in progress. `stop` aborts it from another thread."""

    def __init__(self, url: str, stop: Stop | None = None, timeout_s: float = SILENCE_S) -> None:
        parts = urlsplit(url)
        secure = parts.scheme == "https"
        make = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        self._http = make(parts.hostname or "", parts.port, timeout=timeout_s)
        self._target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._stop = stop

    def send(
        self, method: str, headers: dict[str, str], body: bytes | Iterable[bytes] | None = None
    ) -> http.client.HTTPResponse:
        """Sends a request and returns the response with its body unread. A streamed body needs a Content-Length."""
        if self._stop is not None:
            self._stop.check()
        try:
            self._http.request(method, self._target, body=body, headers={"User-Agent": USER_AGENT, **headers})
        except ConnectionError:
            # The server may have answered without reading to the end, and its answer counts.
            if self._http.sock is None:
                raise
        return self._http.getresponse()

    def cut(self) -> None:
        """Aborts the exchange at once, in any state."""
        sock = self._http.sock
        if sock is not None:
            try:
                # Not SSLSocket's own method, which removes state that the reading thread uses.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self) -> None:
        self._http.close()


def exchange(
    method: str,
    url: str,
    headers: dict[str, str] | None = None,
    body: bytes | Iterable[bytes] | None = None,
    stop: Stop | None = None,
    timeout_s: float = SILENCE_S,
) -> Answer:
    """
    One request and its complete answer. Raises `NoAnswer` when the network failed, `Stopped` when the job is stopped.
    """
    connection = Connection(url, stop, timeout_s)
    try:
        if stop is None:
            return _whole(connection.send(method, headers or {}, body), stop)
        with stop.calling(connection.cut):
            return _whole(connection.send(method, headers or {}, body), stop)
    except (OSError, http.client.HTTPException) as error:
        if stop is not None:
            stop.check()
        raise NoAnswer(type(error).__name__) from None
    finally:
        connection.close()


def post_json(url: str, value: Any, headers: dict[str, str] | None = None, **options: Any) -> Answer:
    sent = {"Content-Type": "application/json", **(headers or {})}
    return exchange("POST", url, sent, json.dumps(value).encode(), **options)


def _whole(response: http.client.HTTPResponse, stop: Stop | None) -> Answer:
    """Only the status counts: a body that breaks off or never ends is read as far as useful."""
    headers = {name.lower(): value for name, value in response.getheaders()}
    try:
        body = response.read(MAX_ANSWER_BYTES)
    except (OSError, http.client.HTTPException):
        if stop is not None:
            stop.check()
        body = b""
    return Answer(response.status, headers, body)
