"""
Downloads an external input, from a URL of the job's creator. Neither it nor its redirects are trusted: only public
addresses are connected to, checked again at each redirect, size and time are bounded, and no credentials are sent.
Failures contain host and path, never the query.
"""
import http.client
import string
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from ..failure import JobFailure
from ..retry import BACKOFF_S, Passing, is_passing, persist
from ..stop import Stop
from ..transfer import OnFraction
from ..wire import USER_AGENT
from .connect import Network, Stream, host_of, open_stream
from .limits import MAX_REDIRECTS, Limits, Refused

_CHUNK = 1024 * 1024
_REDIRECTS = (301, 302, 303, 307, 308)


@dataclass(frozen=True)
class External:
    """
    How external inputs are fetched. `allow_loopback` also allows this computer, including by http: for development.
    """

    network: Network = field(default_factory=Network)
    limits: Limits = field(default_factory=Limits)
    allow_loopback: bool = False


def external_of(environment: Mapping[str, str]) -> External:
    """
    Reads `EXPORTAL_MAX_INPUT_BYTES`; `EXPORTAL_LOOPBACK_INPUTS=on` allows this computer as well. Raises `ValueError`
    for an invalid size.
    """
    most = environment.get("EXPORTAL_MAX_INPUT_BYTES") or str(Limits.most_bytes)
    if not (most.isascii() and most.isdigit()) or int(most) == 0:
        raise ValueError("EXPORTAL_MAX_INPUT_BYTES must be a whole number of bytes")
    return External(limits=Limits(int(most)), allow_loopback=environment.get("EXPORTAL_LOOPBACK_INPUTS") == "on")


def download_external(
    url: str,
    path: str,
    stop: Stop,
    external: External,
    on_fraction: OnFraction = lambda done: None,
    waits: Sequence[float] = BACKOFF_S,
) -> None:
    """
    Downloads `url` to `path`, following at most five redirects. Raises `input_not_found`, not retryable, when the input
    cannot be used, `worker_error` when all tries failed, and `Stopped` when the job is stopped.
    """
    limits = external.limits
    until = time.monotonic() + limits.whole_s
    gave_up = f"{_subject(url, url)} could not be downloaded"
    too_long = f"it took longer than {limits.whole_s:g} s"

    def attempt() -> None:
        try:
            _Attempt(url, path, stop, external, on_fraction, until, too_long).run()
        except (OSError, http.client.HTTPException) as error:
            stop.check()
            if isinstance(error, OSError) and error.filename == path:
                raise JobFailure("worker_error", f"{gave_up} (it could not be written to the disk).", True) from None
            raise Passing("the connection failed") from None
        except Passing as trouble:
            stop.check()
            if str(trouble) == too_long:
                raise JobFailure("worker_error", f"{gave_up} ({too_long}).", True) from None
            raise

    persist(attempt, stop, waits, gave_up)


class _Attempt:
    def __init__(
        self, url: str, path: str, stop: Stop, external: External, on_fraction: OnFraction, until: float, too_long: str
    ) -> None:
        self._given = url
        self._path = path
        self._stop = stop
        self._external = external
        self._on_fraction = on_fraction
        self._until = until
        self._too_long = too_long

    def run(self) -> None:
        at = self._given
        loopback = self._external.allow_loopback
        for redirects in range(MAX_REDIRECTS + 1):
            try:
                url = _parsed(at)
                stream = open_stream(url, self._external.network, loopback, self._external.limits.connect_s)
                try:
                    with self._stop.calling(stream.cut), stream.within(self._until - time.monotonic(), self._too_long):
                        location = self._fetch(url, stream, redirects)
                        self._stop.check()
                finally:
                    stream.close()
            except Refused as why:
                raise JobFailure("input_not_found", f"{_subject(self._given, at)} {why}", False) from None
            if location is None:
                return
            at = location
            # A redirect from another host must not lead to this computer.
            loopback = loopback and stream.is_loopback

    def _fetch(self, url: SplitResult, stream: Stream, redirects: int) -> str | None:
        """Stores the body of the answer, or returns the redirect's target."""
        limits = self._external.limits
        late = f"its server did not answer within {limits.answer_s:g} s"
        stream.sock.settimeout(None)
        with stream.within(limits.answer_s, late):
            answer = _ask(url, stream)
        with closing(answer):
            if answer.status in _REDIRECTS:
                return _next_of(url, answer, redirects)
            _check(answer, limits.most_bytes)
            stream.sock.settimeout(limits.stall_s)
            try:
                self._write(answer)
            except TimeoutError:
                raise Passing(f"nothing came for {limits.stall_s:g} s") from None
        return None

    def _write(self, answer: http.client.HTTPResponse) -> None:
        most_bytes, size = self._external.limits.most_bytes, _size_of(answer)
        written = 0
        with open(self._path, "wb") as file:
            while chunk := answer.read1(_CHUNK):
                written += len(chunk)
                if written > most_bytes:
                    raise _too_large(most_bytes)
                try:
                    file.write(chunk)
                except OSError as error:
                    error.filename = self._path
                    raise
                if size:
                    self._on_fraction(written / size)
        if size and written != size:
            raise Passing("the connection failed")


def _parsed(at: str) -> SplitResult:
    """The parsed URL, with non-ASCII characters of path and query percent-encoded, and a valid port."""
    try:
        url = urlsplit(at)
        # Reading the port validates it.
        readable = url.port != 0 and (url.hostname is not None or url.scheme not in ("http", "https"))
    except ValueError:
        readable = False
    if not readable:
        raise Refused("is not fetched: its address cannot be read. Give an https address.")
    path = quote(url.path, safe=string.punctuation) or "/"
    return url._replace(path=path, query=quote(url.query, safe=string.punctuation))


def _ask(url: SplitResult, stream: Stream) -> http.client.HTTPResponse:
    """GET over the given connection, with these headers alone."""
    connection = http.client.HTTPConnection("", timeout=None)
    connection.sock = stream.sock
    # Otherwise http.client would replace a lost connection by an unchecked one.
    connection.auto_open = 0
    target = url.path + (f"?{url.query}" if url.query else "")
    headers = {"Host": _authority(url), "User-Agent": USER_AGENT, "Accept": "*/*", "Connection": "close"}
    connection.request("GET", target, headers=headers)
    return connection.getresponse()


def _authority(url: SplitResult) -> str:
    host = host_of(url)
    standard = 443 if url.scheme == "https" else 80
    port = f":{url.port}" if url.port not in (None, standard) else ""
    return f"{f'[{host}]' if ':' in host else host}{port}"


def _next_of(url: SplitResult, answer: http.client.HTTPResponse, redirects: int) -> str:
    if redirects == MAX_REDIRECTS:
        instead = "Give the address that it leads to."
        raise Refused(f"is not fetched: it redirects more than {MAX_REDIRECTS} times. {instead}")
    # Header bytes above ASCII are decoded as Latin-1.
    location = (answer.headers.get("Location") or "").encode("latin-1", "replace").decode(errors="replace")
    try:
        if location:
            at = urljoin(url.geturl(), location)
            _parsed(at)
            return at
    except (ValueError, Refused):
        pass
    raise Refused("is not fetched: it redirects to nowhere. Give the address of the file itself.")


def _check(answer: http.client.HTTPResponse, most_bytes: int) -> None:
    status = answer.status
    if is_passing(status) or status == 408:
        raise Passing(f"its server answered {status}")
    if status in (404, 410):
        instead = "Check the address, or put the file back, and create a new job."
        raise Refused(f"is not there ({status}). {instead}")
    if status in (401, 403):
        instead = "create a new job with a fresh one that needs no sign-in."
        raise Refused(f"may not be read ({status}). Its address may have expired: {instead}")
    if status != 200:
        instead = "Check the address, and create a new job."
        raise Refused(f"is not fetched: its server answers {status} instead of a file. {instead}")
    if answer.headers.get("Content-Type", "").lower().startswith("text/html"):
        raise Refused("is a web page. Give the address of the video file itself.")
    if _size_of(answer) > most_bytes:
        raise _too_large(most_bytes)


def _size_of(answer: http.client.HTTPResponse) -> int:
    """0 when unknown."""
    length = answer.headers.get("Content-Length", "")
    return int(length) if length.isascii() and length.isdigit() else 0


def _too_large(most_bytes: int) -> Refused:
    return Refused(f"is larger than the {most_bytes} bytes that are taken here. Give a smaller file.")


def _subject(given: str, at: str) -> str:
    """The URL in a failure: the given one, and the one it was redirected to."""
    try:
        shown = _shown(given)
    except Refused:
        return "The input"
    led = "" if at == given else f", redirected to {_shown(at)},"
    return f"The input at {shown}{led}"


def _shown(at: str) -> str:
    url = _parsed(at)
    return f"{_authority(url)}{url.path}"
