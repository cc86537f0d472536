"""
What the worker tells the service while it works. Progress is best effort: never two reports at once, at most two a
second, only the newest counts, it never falls, and 99 is the most that is said before the result is stored. Without
news the last one is repeated every 5 s, since silence reads as death. Completion and error are tried again while the
service cannot take them. Any answer may say `{"cancel": true}`; 404 and 410 mean the same, the job is gone.
"""
import logging
import math
import threading
import time
from collections.abc import Sequence
from typing import Any

from .failure import JobFailure
from .retry import BACKOFF_S, is_passing
from .stop import Stop
from .wire import NoAnswer, post_json

log = logging.getLogger("exportal")

_CEILING = 99
#: The least between two progress reports, and the most between two of any kind; seconds.
SPACING_S = 0.5
HEARTBEAT_S = 5.0
_TIMEOUT_S = 15.0


class Reports:
    """Begins to send with the first `progress`; `close` must be called whatever happens."""

    def __init__(
        self,
        callback_url: str,
        token: str,
        runpod_job_id: str,
        stop: Stop,
        spacing_s: float = SPACING_S,
        heartbeat_s: float = HEARTBEAT_S,
        waits: Sequence[float] = BACKOFF_S,
    ) -> None:
        self._url = callback_url
        self._headers = {"Authorization": f"Bearer {token}"}
        self._runpod_job_id = runpod_job_id
        self._stop = stop
        self._spacing_s = spacing_s
        self._heartbeat_s = heartbeat_s
        self._waits = waits
        self._changed = threading.Condition()
        self._latest: dict[str, Any] | None = None
        self._sent: dict[str, Any] | None = None
        self._closed = False
        self._sender: threading.Thread | None = None

    def progress(self, percent: float, stage: str, eta_seconds: float | None = None) -> int:
        """Notes the newest progress, to be sent when its time has come. Answers what will be said."""
        with self._changed:
            before = self._latest["progress"] if self._latest else 0
            whole = min(_CEILING, max(math.floor(percent), before))
            self._latest = {"progress": whole, "stage": stage}
            if eta_seconds is not None:
                self._latest["eta_seconds"] = max(0, round(eta_seconds))
            self._changed.notify()
            if self._sender is None and not self._closed:
                self._sender = threading.Thread(target=self._send_all, daemon=True)
                self._sender.start()
        return whole

    def complete(self, video_key: str, warnings: Sequence[str] = ()) -> None:
        """
        Tells that the output is stored, and what it lacks. What cannot be told is logged: the service looks for the
        file itself.
        """
        message = {"message": " ".join(warnings)} if warnings else {}
        self._final("complete", {"output_video_key": video_key, **message})

    def error(self, failure: JobFailure) -> None:
        """Tells that the attempt failed."""
        body = {"error": failure.message, "should_retry": failure.should_retry, "code": failure.code}
        self._final("error", body)

    def close(self) -> None:
        """Drops what is unsent and returns when nothing is under way."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._sender is not None:
            self._sender.join()

    def _send_all(self) -> None:
        sent_at = -math.inf
        while True:
            with self._changed:
                while not self._closed and (wait := self._wait(sent_at)) > 0:
                    self._changed.wait(wait)
                if self._closed:
                    return
                body = self._latest or {}
                self._sent = body
            sent_at = time.monotonic()
            self._post("progress", body)

    def _wait(self, sent_at: float) -> float:
        """Seconds until the next report is due."""
        last, latest = self._sent, self._latest or {}
        news = last is None or (last["progress"], last["stage"]) != (latest["progress"], latest["stage"])
        return sent_at + (self._spacing_s if news else self._heartbeat_s) - time.monotonic()

    def _final(self, kind: str, body: dict[str, Any]) -> None:
        self.close()
        for wait in [*self._waits, None]:
            answer = self._post(kind, body)
            log.info("report %s: %s", kind, answer)
            if isinstance(answer, int) and not is_passing(answer):
                return
            if wait is not None:
                time.sleep(wait)
        log.error("report %s was given up", kind)

    def _post(self, kind: str, body: dict[str, Any]) -> int | str:
        """One POST; answers its status, or why there was none."""
        sent = {**body, "runpod_job_id": self._runpod_job_id}
        try:
            answer = post_json(f"{self._url}/{kind}", sent, self._headers, timeout_s=_TIMEOUT_S)
        except NoAnswer as trouble:
            return str(trouble)
        told = answer.json()
        if answer.status in (404, 410):
            self._stop.set(f"the job is gone ({answer.status})")
        elif isinstance(told, dict) and told.get("cancel") is True:
            self._stop.set("the service asked to stop")
        return answer.status
