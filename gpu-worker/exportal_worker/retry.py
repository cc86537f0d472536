"""Retries after temporary failures."""
from collections.abc import Callable, Sequence
from typing import TypeVar

from .failure import JobFailure
from .stop import Stop
from .wire import NoAnswer

#: Pauses between tries, seconds; there is one more try than pauses. Together half a minute.
BACKOFF_S = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)

T = TypeVar("T")


class Passing(Exception):
    """A failure that may be temporary. `wait_s` is the pause that the server requested (Retry-After)."""

    def __init__(self, message: str, wait_s: float | None = None) -> None:
        super().__init__(message)
        self.wait_s = wait_s


def is_passing(status: int) -> bool:
    """Statuses after which the same request may succeed."""
    return status >= 500 or status == 429


#: Statuses by which the server refuses the file itself: a repeat would be refused as well.
_FINAL = (400, 411, 413, 415)


def refusal(status: int, code: str | None = None) -> JobFailure:
    """The failure for a refused transfer that is not worth a repeat; `code` is the service's error code."""
    message = f"The result could not be stored ({status}{f', {code}' if code else ''})."
    return JobFailure("worker_error", message, status not in _FINAL)


def persist(attempt: Callable[[], T], stop: Stop, waits: Sequence[float], gave_up: str) -> T:
    """
    Repeats `attempt` until it returns. After the last try raises a retryable `worker_error` with `gave_up`. Raises
    `Stopped` when the job is stopped meanwhile.
    """
    for wait in [*waits, None]:
        try:
            return attempt()
        except (Passing, NoAnswer) as trouble:
            if wait is None:
                raise JobFailure("worker_error", f"{gave_up} ({trouble}).", True) from None
            asked = trouble.wait_s if isinstance(trouble, Passing) else None
            stop.pause(wait if asked is None else min(asked, max(waits)))
    raise AssertionError("the last try answers or raises")
