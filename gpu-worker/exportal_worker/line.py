"""
The worker's line: one WebSocket over which it sends reports instead of a POST for each, and receives a stop at once. It
is reconnected, with growing, randomized pauses, until it is closed; the caller posts the reports that cannot be sent
meanwhile. `docs/gpu-worker.md` describes the messages.
"""
import json
import logging
import random
import threading
from typing import Any

from .stop import Stop
from .wire import USER_AGENT

try:
    from websockets.exceptions import ConnectionClosed, WebSocketException
    from websockets.sync.client import ClientConnection, connect
except ImportError:
    # Every report is posted then.
    connect = None

log = logging.getLogger("exportal")

PROTOCOL = "exportal.worker.v1"
MAX_MESSAGE_BYTES = 4096
#: Pauses between connections: the first and the maximum, before randomness makes each up to twice as long; seconds.
FIRST_PAUSE_S = 0.5
MAX_PAUSE_S = 30.0
#: How long to wait for the ack of a final report; seconds.
ACK_S = 5.0


def is_available() -> bool:
    """Whether the library for a line is installed."""
    return connect is not None


class Line:
    """Connects at once, in a thread; `close` must be called in every case."""

    def __init__(
        self,
        url: str,
        token: str,
        runpod_job_id: str,
        instance: str,
        stop: Stop,
        first_pause_s: float = FIRST_PAUSE_S,
        ack_s: float = ACK_S,
    ) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"}
        self._hello = {"type": "hello", "runpod_job_id": runpod_job_id, "instance": instance}
        self._stop = stop
        self._first_pause_s = first_pause_s
        self._ack_s = ack_s
        self._closing = threading.Event()
        #: Guards the fields below, and is notified of their changes.
        self._changed = threading.Condition()
        self._connection: "ClientConnection | None" = None
        self._answered: set[int] = set()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def is_open(self) -> bool:
        return self._connection is not None

    def say(self, report: dict[str, Any]) -> bool:
        """Sends a report; False when it must be posted, since the line is down or the report too long."""
        text = json.dumps(report)
        return len(text.encode()) <= MAX_MESSAGE_BYTES and self._send(text)

    def say_end(self, report: dict[str, Any]) -> bool:
        """
        Sends a final report. False when the service has neither accepted nor refused it in time, so that it must be
        posted.
        """
        if not self.say(report):
            return False
        n = report["n"]
        with self._changed:
            self._changed.wait_for(lambda: n in self._answered or self._connection is None, self._ack_s)
            return n in self._answered

    def ping(self) -> None:
        """Shows that the worker is alive when there is nothing to report."""
        self._send("ping")

    def close(self) -> None:
        self._closing.set()
        connection = self._connection
        if connection is not None:
            connection.close()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _send(self, text: str) -> bool:
        connection = self._connection
        if connection is None:
            return False
        try:
            connection.send(text)
            return True
        except (ConnectionClosed, OSError):
            return False

    def _run(self) -> None:
        pause = self._first_pause_s
        while not self._closing.is_set():
            try:
                connection = connect(
                    self._url,
                    additional_headers=self._headers,
                    subprotocols=[PROTOCOL],
                    user_agent_header=USER_AGENT,
                    compression=None,
                    proxy=None,
                    open_timeout=10,
                    close_timeout=1,
                )
            except (WebSocketException, OSError, EOFError) as trouble:
                # Never the error's text, which may contain the URL.
                log.info("the line could not be opened: %s", type(trouble).__name__)
            else:
                pause = self._first_pause_s
                if not self._listen(connection):
                    return
            self._closing.wait(pause * (1 + random.random()))
            pause = min(MAX_PAUSE_S, pause * 2)

    def _listen(self, connection: "ClientConnection") -> bool:
        """Receives until the connection is closed; returns whether to reconnect."""
        try:
            connection.send(json.dumps(self._hello))
            self._now(connection)
            for text in connection:
                self._receive(text)
        except (ConnectionClosed, OSError):
            pass
        finally:
            self._now(None)
            connection.close()
        code = connection.close_code
        log.info("the line closed with %s", code)
        if code == 4404:
            self._stop.set("the job is gone (4404)")
        return code not in (4401, 4404) and not self._stop.is_set

    def _now(self, connection: "ClientConnection | None") -> None:
        with self._changed:
            self._connection = connection
            self._changed.notify_all()
        # The line may have been closed while connecting.
        if connection is not None and self._closing.is_set():
            connection.close()

    def _receive(self, text: "str | bytes") -> None:
        if text == "pong":
            return
        try:
            message = json.loads(text)
        except ValueError:
            return
        if not isinstance(message, dict):
            return
        if message.get("type") == "stop":
            self._stop.set(f"the service asked to stop ({message.get('reason')})")
        elif message.get("type") in ("ack", "refused"):
            log.info("report %s: %s", message.get("of"), message.get("code", "ack"))
            with self._changed:
                self._answered.add(message.get("of"))
                self._changed.notify_all()
