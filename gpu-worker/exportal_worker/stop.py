"""
The single switch that stops a job, for every cause: the service's answer, RunPod's cancel, or SIGTERM. Blocking code
registers a callback that wakes it.
"""
import threading
from collections.abc import Callable
from contextlib import contextmanager
from typing import Iterator


class Stopped(Exception):
    """The job was stopped; the message contains by whom."""


class Stop:
    """`tell` is whether the attempt's failure should be reported to the service."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._wakers: set[Callable[[], None]] = set()
        self.reason = ""
        self.tell = False

    @property
    def is_set(self) -> bool:
        return self._event.is_set()

    def set(self, reason: str, tell: bool = False) -> None:
        """Stops the job. The first reason is kept. With `tell` the service is asked to retry elsewhere."""
        with self._lock:
            if self._event.is_set():
                return
            self.reason, self.tell = reason, tell
            self._event.set()
            wakers = list(self._wakers)
        for wake in wakers:
            wake()

    def check(self) -> None:
        """Raises `Stopped` if the job is stopped."""
        if self.is_set:
            raise Stopped(self.reason)

    def pause(self, seconds: float) -> None:
        """Waits, or raises `Stopped` as soon as the job is stopped."""
        self._event.wait(seconds)
        self.check()

    @contextmanager
    def calling(self, wake: Callable[[], None]) -> Iterator[None]:
        """In this context `wake` is called when the job is stopped, from any thread."""
        with self._lock:
            self._wakers.add(wake)
            late = self._event.is_set()
        try:
            if late:
                wake()
            yield
        finally:
            with self._lock:
                self._wakers.discard(wake)
