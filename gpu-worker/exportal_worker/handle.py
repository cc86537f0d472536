"""
The handler as RunPod's SDK wants it: asynchronous, so that a cancel reaches it, while the work is done in a thread.
On SIGTERM running jobs stop, tell the service to try again elsewhere, and clean up, before whatever else is to be
done on SIGTERM goes on.
"""
import asyncio
import logging
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Mapping
from types import FrameType
from typing import Any

from .ffmpeg import find_ffmpeg
from .stop import Stop
from .work import Bench, work

log = logging.getLogger("exportal")

_FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"


def make_bench(environment: Mapping[str, str]) -> Bench:
    """
    The directory of `EXPORTAL_DIR` (default: below the system's for temporary files), emptied of what an earlier run
    left, with the font of `EXPORTAL_FONT` in it.
    """
    directory = environment.get("EXPORTAL_DIR") or os.path.join(tempfile.gettempdir(), "exportal-worker")
    os.makedirs(directory, exist_ok=True)
    for name in os.listdir(directory):
        if name.startswith("job-"):
            shutil.rmtree(os.path.join(directory, name), ignore_errors=True)
    shutil.copyfile(environment.get("EXPORTAL_FONT") or _FONT, os.path.join(directory, "font.ttf"))
    return Bench(directory, find_ffmpeg(environment))


class Worker:
    """Takes jobs, also several at once."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._running: set[Stop] = set()
        self._listening = False

    async def handle(self, job: dict[str, Any]) -> dict[str, Any]:
        """One job of RunPod. A cancel of the task stops the work, and is passed on once everything is cleaned up."""
        self._listen()
        stop = Stop()
        self._running.add(stop)
        working = asyncio.ensure_future(asyncio.to_thread(work, job, stop, self._bench))
        try:
            return await asyncio.shield(working)
        except asyncio.CancelledError:
            stop.set("RunPod stopped the job")
            await asyncio.wait({working})
            raise
        finally:
            self._running.discard(stop)

    def shut_down(self) -> None:
        """Stops all jobs; the service is told to have them done elsewhere."""
        for stop in list(self._running):
            stop.set("it is being shut down", tell=True)

    def _listen(self) -> None:
        """
        With the first job, since RunPod's SDK sets its own handler when it starts; that one is called after ours. The
        handler itself takes no lock, since the thread that it interrupts may hold it: the event loop does the work.
        """
        if self._listening or threading.current_thread() is not threading.main_thread():
            return
        self._listening = True
        before = signal.getsignal(signal.SIGTERM)
        loop = asyncio.get_running_loop()

        def end(number: int, frame: FrameType | None) -> None:
            log.warning("SIGTERM: stopping %d jobs", len(self._running))
            self.shut_down()
            if callable(before):
                before(number, frame)

        def on_sigterm(number: int, frame: FrameType | None) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(end, number, frame)
            elif callable(before):
                before(number, frame)

        signal.signal(signal.SIGTERM, on_sigterm)
