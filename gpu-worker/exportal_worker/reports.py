"""
The worker's reports to the service. Progress is best effort: one report at a time, at most two a second, only the
newest is sent, it does not decrease, and it stays below 100 until the result is stored. Without news the last one is
repeated every 5 s, since after a minute of silence the service polls RunPod. Completion and error are retried while the
service cannot accept them. Any answer may contain `{"cancel": true}`; 404 and 410 mean the same, since the job is gone.

With a line each report is sent over it with a number, or posted with the same number when the line is down.
"""
import logging
import math
import threading
import time
import uuid
from collections.abc import Sequence
from typing import Any

from .failure import JobFailure
from .line import Line, is_available
from .retry import BACKOFF_S, is_passing
from .stop import Stop
from .wire import NoAnswer, post_json

log = logging.getLogger("exportal")

_CEILING = 99
#: Minimum time between two progress reports, and maximum time between two reports of any kind; seconds.
SPACING_S = 0.5
HEARTBEAT_S = 5.0
_TIMEOUT_S = 15.0


class Reports:
    """Starts sending with the first `progress`; `close` must be called in every case."""

    def __init__(
        self,
        callback_url: str,
        token: str,
        runpod_job_id: str,
        stop: Stop,
        spacing_s: float = SPACING_S,
        heartbeat_s: float = HEARTBEAT_S,
        waits: Sequence[float] = BACKOFF_S,
        line_url: str | None = None,
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
        self._n = 0
        self._instance = uuid.uuid4().hex
        self._line: Line | None = None
        if line_url is not None and is_available():
            self._line = Line(line_url, token, runpod_job_id, self._instance, stop)

    def progress(self, percent: float, stage: str, eta_seconds: float | None = None) -> int:
        """Records the newest progress, to be sent when due. Returns the percentage to be reported."""
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

    def complete(self, video_key: str, warnings: Sequence[str] = (), poster: bool = False) -> None:
        """
        Reports the stored output, whether it has a poster, and what it lacks. Failures are logged only: the service
        finds the file itself.
        """
        message = {"message": " ".join(warnings)} if warnings else {}
        self._final("complete", {"output_video_key": video_key, **message, **({"poster": True} if poster else {})})

    def error(self, failure: JobFailure) -> None:
        """Reports that the attempt failed."""
        body = {"error": failure.message, "should_retry": failure.should_retry, "code": failure.code}
        self._final("error", body)

    def close(self) -> None:
        """Drops pending progress and returns when no request is in progress."""
        self._quiet()
        if self._line is not None:
            self._line.close()

    def _quiet(self) -> None:
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
                is_news = self._is_news()
                self._sent = body
            sent_at = time.monotonic()
            if not is_news and self._line is not None and self._line.is_open:
                self._line.ping()
                continue
            report = self._numbered(body)
            if self._line is None or not self._line.say({"type": "progress", **report}):
                self._post("progress", report)

    def _wait(self, sent_at: float) -> float:
        """Seconds until the next report is due."""
        return sent_at + (self._spacing_s if self._is_news() else self._heartbeat_s) - time.monotonic()

    def _is_news(self) -> bool:
        last, latest = self._sent, self._latest or {}
        return last is None or (last["progress"], last["stage"]) != (latest["progress"], latest["stage"])

    def _final(self, kind: str, body: dict[str, Any]) -> None:
        self._quiet()
        report = self._numbered(body)
        if self._line is not None and self._line.say_end({"type": kind, **report}):
            return
        for wait in [*self._waits, None]:
            answer = self._post(kind, report)
            log.info("report %s: %s", kind, answer)
            if isinstance(answer, int) and not is_passing(answer):
                return
            if wait is not None:
                time.sleep(wait)
        log.error("report %s was given up", kind)

    def _numbered(self, body: dict[str, Any]) -> dict[str, Any]:
        """The next report, with a number where there is a line."""
        report = {**body, "runpod_job_id": self._runpod_job_id}
        if self._line is None:
            return report
        self._n += 1
        return {**report, "n": self._n, "instance": self._instance}

    def _post(self, kind: str, body: dict[str, Any]) -> int | str:
        """One POST; returns its status, or why there was none."""
        try:
            answer = post_json(f"{self._url}/{kind}", body, self._headers, timeout_s=_TIMEOUT_S)
        except NoAnswer as trouble:
            return str(trouble)
        reply = answer.json()
        if answer.status in (404, 410):
            self._stop.set(f"the job is gone ({answer.status})")
        elif isinstance(reply, dict) and reply.get("cancel") is True:
            self._stop.set("the service asked to stop")
        return answer.status
