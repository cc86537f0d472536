"""Trying again after what may pass."""
from collections.abc import Callable, Sequence
from typing import TypeVar

from .failure import JobFailure
from .stop import Stop
from .wire import NoAnswer

#: Waits between tries, seconds; one try more than there are waits. Together half a minute.
BACKOFF_S = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)

T = TypeVar("T")


class Passing(Exception):
    """Trouble that may be over at the next try. `wait_s` is what the other side asked for (Retry-After)."""

    def __init__(self, message: str, wait_s: float | None = None) -> None:
        super().__init__(message)
        self.wait_s = wait_s


def is_passing(status: int) -> bool:
    """Statuses after which the same request may succeed."""
    return status >= 500 or status == 429


#: Statuses that say that the file itself cannot be taken: the same again would be refused again.
_FINAL = (400, 411, 413, 415)


def refusal(status: int, code: str | None = None) -> JobFailure:
    """A refused transfer that is not worth another try; `code` is the service's word for it."""
    message = f"The result could not be stored ({status}{f', {code}' if code else ''})."
    return JobFailure("worker_error", message, status not in _FINAL)


def persist(attempt: Callable[[], T], stop: Stop, waits: Sequence[float], gave_up: str) -> T:
    """
    Tries until `attempt` answers. After the last try `gave_up` is a `worker_error` worth another attempt of the job.
    Raises `Stopped` when the job is stopped meanwhile.
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
