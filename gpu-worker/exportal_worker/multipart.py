"""
Uploads a large result in parts, by the routes below `output.multipart_url`: begin, sign each part, PUT it, complete.
Every call may be repeated: beginning again returns the same upload, a part that is sent twice counts once, and
completing again returns the same answer. 412 means that the file exists.
"""
import math
import os
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, urlencode

from .failure import JobFailure
from .retry import BACKOFF_S, Passing, is_passing, persist, refusal
from .stop import Stop
from .transfer import OnFraction, pieces
from .wire import Answer, exchange, post_json

#: How often an upload that the service has lost is restarted.
_BEGINNINGS = 3


class _Gone(Exception):
    """The upload is unknown to the service."""


class _Stored(Exception):
    """The file exists already."""


def upload_in_parts(
    path: str,
    companion_url: str,
    stop: Stop,
    on_fraction: OnFraction = lambda done: None,
    waits: Sequence[float] = BACKOFF_S,
) -> None:
    """Stores the file at `path`. Raises `worker_error` when the service refuses it or all tries failed."""
    upload = _Upload(path, companion_url, stop, waits)
    for _ in range(_BEGINNINGS):
        try:
            upload.send(on_fraction)
            return
        except _Stored:
            return
        except _Gone:
            continue
    raise JobFailure("worker_error", "The upload of the result was lost again and again.", True)


class _Upload:
    def __init__(self, path: str, companion_url: str, stop: Stop, waits: Sequence[float]) -> None:
        self._path = path
        self._size = os.path.getsize(path)
        self._base = f"{companion_url}/s3/multipart"
        self._stop = stop
        self._waits = waits

    def send(self, on_fraction: OnFraction) -> None:
        about = {"size_bytes": self._size}
        begun = self._call(lambda: post_json(self._base, about, stop=self._stop))
        key, upload_id = begun["key"], begun["uploadId"]
        part_bytes = begun["part_size_bytes"]
        count = max(1, math.ceil(self._size / part_bytes))
        address = f"{self._base}/{quote(upload_id, safe='')}"
        query = urlencode({"key": key})
        parts = []
        for number in range(1, count + 1):
            start = (number - 1) * part_bytes
            length = min(part_bytes, self._size - start)
            etag = self._part(f"{address}/{number}?{query}", start, length, on_fraction)
            parts.append({"PartNumber": number, "ETag": etag})
        complete = f"{address}/complete?{query}"
        self._call(lambda: post_json(complete, {"parts": parts}, stop=self._stop))

    def _part(self, sign: str, start: int, length: int, on_fraction: OnFraction) -> str:
        """Signs and sends one part; returns its ETag. After an expired signature (403) the next try signs again."""

        def report_done(done: float) -> None:
            on_fraction((start + done * length) / self._size)

        def attempt() -> str:
            url = _judged(exchange("GET", sign, stop=self._stop)).json()["url"]
            body = pieces(self._path, start, length, report_done)
            answer = exchange("PUT", url, {"Content-Length": str(length)}, body, self._stop)
            if answer.status == 403:
                raise Passing("403")
            etag = _judged(answer).headers.get("etag")
            if etag is None:
                raise Passing("no ETag")
            return etag

        return persist(attempt, self._stop, self._waits, "A part of the result could not be stored")

    def _call(self, send) -> Any:
        return persist(lambda: _judged(send()).json(), self._stop, self._waits, "The result could not be stored")


def _judged(answer: Answer) -> Answer:
    """Returns a successful answer. 404: restart the upload. 409: it is being aborted or is complete, so retry."""
    status = answer.status
    if 200 <= status < 300:
        return answer
    if status == 412:
        raise _Stored
    if status == 404:
        raise _Gone
    code = (answer.json() or {}).get("code")
    if status == 409 and code == "upload_complete":
        raise _Stored
    if is_passing(status) or status == 409:
        raise Passing(str(status), _retry_after(answer))
    raise refusal(status, code)


def _retry_after(answer: Answer) -> float | None:
    text = answer.headers.get("retry-after", "")
    return float(text) if text.isdigit() else None

