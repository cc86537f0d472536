"""
The one switch that stops a job from whatever side: the service's answer, RunPod's cancel, or SIGTERM. Whoever waits
for something registers how to be woken.
"""
import threading
from collections.abc import Callable
from contextlib import contextmanager
from typing import Iterator


class Stopped(Exception):
    """The job was stopped; its message says by whom."""


class Stop:
    """`tell` says whether the service wants to hear that the attempt failed."""

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
        """Stops the job. The first reason counts. With `tell` the service is told to try again elsewhere."""
        with self._lock:
            if self._event.is_set():
                return
            self.reason, self.tell = reason, tell
            self._event.set()
            wakers = list(self._wakers)
        for wake in wakers:
            wake()

    def check(self) -> None:
        """Raises `Stopped` once the job is stopped."""
        if self.is_set:
            raise Stopped(self.reason)

    def pause(self, seconds: float) -> None:
        """Waits, or raises `Stopped` as soon as the job is stopped."""
        self._event.wait(seconds)
        self.check()

    @contextmanager
    def calling(self, wake: Callable[[], None]) -> Iterator[None]:
        """Within it `wake` is called at the moment of the stop, from whatever thread."""
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
