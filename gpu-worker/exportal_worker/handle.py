"""
The handler for RunPod's SDK: asynchronous, so that a cancel is delivered, while the work runs in a thread. On SIGTERM
running jobs stop, report that they should be retried elsewhere, and clean up, before the previous handler of SIGTERM is
called.
"""
import asyncio
import contextlib
import logging
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Mapping
from types import FrameType
from typing import Any

from .external.download import external_of
from .ffmpeg import find_ffmpeg
from .own_directory import own_directory
from .stop import Stop
from .text.font_files import install_fonts
from .work import Bench, work

log = logging.getLogger("exportal")

_FONTS = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"


def make_bench(environment: Mapping[str, str]) -> Bench:
    """
    Creates this process's directory below `EXPORTAL_DIR` (default: below the system's temporary directory), with the
    fonts whose paths are in `EXPORTAL_FONTS`, separated by colons. Directories of processes that have ended are
    removed.
    """
    shared = environment.get("EXPORTAL_DIR") or os.path.join(tempfile.gettempdir(), "exportal-worker")
    directory = own_directory(shared)
    fonts = install_fonts(directory, (environment.get("EXPORTAL_FONTS") or _FONTS).split(os.pathsep))
    return Bench(directory, find_ffmpeg(environment), fonts, external=external_of(environment))


class Worker:
    """Runs jobs, also several concurrently."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        #: The stop switch of each job, and the future of its end.
        self._running: dict[Stop, asyncio.Future[dict[str, Any]]] = {}
        self._ending: asyncio.Task[None] | None = None
        self._listening = False

    async def handle(self, job: dict[str, Any]) -> dict[str, Any]:
        """Runs one job of RunPod. A cancel of the task stops the work, and is re-raised after the cleanup."""
        self._listen()
        stop = Stop()
        # A future rather than a task: the end of the loop would cancel a task before the thread is done.
        working = asyncio.get_running_loop().run_in_executor(None, work, job, stop, self._bench)
        self._running[stop] = working
        try:
            return await asyncio.shield(working)
        except asyncio.CancelledError:
            stop.set("RunPod stopped the job")
            # A further cancel interrupts the wait, not the work.
            while not working.done():
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.wait({working})
            raise
        finally:
            del self._running[stop]

    def shut_down(self) -> None:
        """Stops all jobs; the service is asked to retry them elsewhere."""
        for stop in list(self._running):
            stop.set("it is being shut down", tell=True)

    def _listen(self) -> None:
        """
        Registers the handler with the first job, since RunPod's SDK sets its own when it starts; that one is called
        afterwards. The handler itself takes no lock, since the interrupted thread may hold it: the event loop does the
        work. Without a previous handler, as without the SDK, the default action follows: the process ends by the
        signal.
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
            elif before == signal.SIG_DFL:
                self._ending = loop.create_task(self._end_by(number))

        def on_sigterm(number: int, frame: FrameType | None) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(end, number, frame)
            elif callable(before):
                before(number, frame)
            elif before == signal.SIG_DFL:
                _default_action(number)

        signal.signal(signal.SIGTERM, on_sigterm)

    async def _end_by(self, number: int) -> None:
        try:
            if self._running:
                await asyncio.wait(self._running.values())
        finally:
            _default_action(number)


def _default_action(number: int) -> None:
    signal.signal(number, signal.SIG_DFL)
    signal.raise_signal(number)
