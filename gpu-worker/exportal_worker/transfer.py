"""Transfers: downloads the input and assets to files, and uploads the result to its signed URL. All streamed."""
import http.client
import os
from collections.abc import Callable, Iterator, Sequence

from .failure import JobFailure
from .retry import BACKOFF_S, Passing, is_passing, persist, refusal
from .stop import Stop
from .wire import SILENCE_S, Connection, NoAnswer, exchange

_CHUNK = 1024 * 1024

#: Called with the completed fraction, 0 to 1, as bytes are transferred.
OnFraction = Callable[[float], None]


class TooLarge(Exception):
    """A single PUT of this size is refused; a multipart upload may succeed."""


def download(
    url: str,
    path: str,
    what: str,
    stop: Stop,
    on_fraction: OnFraction = lambda done: None,
    waits: Sequence[float] = BACKOFF_S,
) -> None:
    """
    Downloads `url` to `path`. `what` names it in the failure: `input_not_found` when it does not exist (404, 410: not
    retryable) or is not allowed (401, 403: a new URL may help), `worker_error` when all tries failed.
    """

    def attempt() -> None:
        connection = Connection(url, stop)
        try:
            with stop.calling(connection.cut):
                response = connection.send("GET", {})
                _require(response.status, what)
                size = int(response.headers.get("Content-Length") or 0)
                written = _write(response, path, size, on_fraction)
                stop.check()
                if size and written != size:
                    raise Passing(f"{written} of {size} bytes")
        except OSError as error:
            stop.check()
            if error.errno is not None and error.filename == path:
                raise JobFailure("worker_error", f"{what} could not be written to the disk.", True) from None
            raise NoAnswer(type(error).__name__) from None
        except http.client.HTTPException as error:
            # A body that ends early raises no OSError.
            stop.check()
            raise NoAnswer(type(error).__name__) from None
        finally:
            connection.close()

    persist(attempt, stop, waits, f"{what} could not be downloaded")


def upload(
    path: str,
    url: str,
    content_type: str,
    stop: Stop,
    on_fraction: OnFraction = lambda done: None,
    waits: Sequence[float] = BACKOFF_S,
    timeout_s: float = SILENCE_S,
) -> None:
    """
    Stores the file at `path` once, by one PUT: with `If-None-Match: *` an existing object is kept, and 412 reports it,
    which counts as success. Raises `TooLarge` at 413, `worker_error` when the URL refuses it or all tries failed.
    """
    size = os.path.getsize(path)
    headers = {"Content-Type": content_type, "Content-Length": str(size), "If-None-Match": "*"}

    def attempt() -> None:
        status = exchange("PUT", url, headers, pieces(path, 0, size, on_fraction), stop, timeout_s).status
        if 200 <= status < 300 or status == 412:
            return
        if status == 413:
            raise TooLarge
        if is_passing(status):
            raise Passing(str(status))
        raise refusal(status)

    persist(attempt, stop, waits, "The result could not be stored")


def pieces(path: str, start: int, size: int, on_fraction: OnFraction = lambda done: None) -> Iterator[bytes]:
    """Yields the `size` bytes of the file from `start` on in pieces."""
    sent = 0
    with open(path, "rb") as file:
        file.seek(start)
        while sent < size:
            chunk = file.read(min(_CHUNK, size - sent))
            if not chunk:
                return
            yield chunk
            sent += len(chunk)
            on_fraction(sent / size)


def _require(status: int, what: str) -> None:
    if status == 200:
        return
    if status in (404, 410):
        raise JobFailure("input_not_found", f"{what} is not there ({status}). It may have been deleted.", False)
    if status in (401, 403):
        message = f"{what} may not be read ({status}). Its URL may be too old."
        raise JobFailure("input_not_found", message, True)
    raise Passing(str(status))


def _write(response, path: str, size: int, on_fraction: OnFraction) -> int:
    written = 0
    with open(path, "wb") as file:
        while chunk := response.read(_CHUNK):
            file.write(chunk)
            written += len(chunk)
            if size:
                on_fraction(min(1.0, written / size))
    return written
