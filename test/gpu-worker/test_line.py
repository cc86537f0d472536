import json
import re
import threading
import time
import unittest
from typing import Any

from support import ROOT, WorkerTest, eventually

from exportal_worker import line as line_module
from exportal_worker.failure import JobFailure
from exportal_worker.line import Line, is_available
from exportal_worker.reports import Reports
from exportal_worker.stop import Stop

if is_available():
    from websockets.exceptions import ConnectionClosed
    from websockets.sync.server import ServerConnection, serve


class LineServer:
    """The service's end of a line."""

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []
        self.pings = 0
        self.headers: list[dict[str, str]] = []
        self.acks = True
        self._open: "set[ServerConnection]" = set()
        self._server = serve(self._serve, "127.0.0.1", 0, subprotocols=["exportal.worker.v1"], compression=None)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self._server.socket.getsockname()[1]}/line"

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in list(self.heard) if message["type"] == kind]

    def say(self, message: dict[str, Any]) -> None:
        for connection in list(self._open):
            connection.send(json.dumps(message))

    def cut(self, code: int) -> None:
        for connection in list(self._open):
            connection.close(code)

    def close(self) -> None:
        self._server.shutdown()

    def _serve(self, connection: "ServerConnection") -> None:
        self.headers.append({**dict(connection.request.headers.raw_items()), "protocol": connection.subprotocol})
        self._open.add(connection)
        try:
            for text in connection:
                if text == "ping":
                    self.pings += 1
                    connection.send("pong")
                    continue
                message = json.loads(text)
                self.heard.append(message)
                if message["type"] in ("complete", "error") and self.acks:
                    connection.send(json.dumps({"type": "ack", "of": message["n"]}))
        except ConnectionClosed:
            pass
        finally:
            self._open.discard(connection)


class WithoutTheLibraryTest(WorkerTest):
    def test_everything_is_posted_as_ever(self) -> None:
        there, line_module.connect = line_module.connect, None
        try:
            reports = Reports(f"{self.service.url}/do", "t", "r-u1", Stop(), waits=(0.01,), line_url="ws://127.0.0.1:1/")
        finally:
            line_module.connect = there
        reports.complete("output/x")
        reports.close()
        self.assertEqual(self.service.of("complete"), [{"output_video_key": "output/x", "runpod_job_id": "r-u1"}])


@unittest.skipUnless(is_available(), "websockets is not installed")
class LineTest(WorkerTest):
    def setUp(self) -> None:
        super().setUp()
        self.stop = Stop()
        self.line = LineServer()
        self.addCleanup(self.line.close)

    def reports(self, **changes: Any) -> Reports:
        options = {"spacing_s": 0.0, "heartbeat_s": 60.0, "waits": (0.01,), "line_url": self.line.url, **changes}
        made = Reports(f"{self.service.url}/do", "secret-token", "r-u1", self.stop, **options)
        self.addCleanup(made.close)
        eventually(lambda: self.line.of("hello"), "a hello")
        return made

    def test_reports_go_over_it_under_numbers_and_none_is_posted(self) -> None:
        reports = self.reports()
        reports.progress(1, "rendering")
        eventually(lambda: self.line.of("progress"), "progress")
        reports.complete("output/x", ["Dark."])
        self.assertEqual([message.get("n") for message in self.line.heard], [None, 1, 2])
        self.assertEqual(self.line.heard[2]["output_video_key"], "output/x")
        self.assertEqual(self.service.reports, [])
        headers = self.line.headers[0]
        self.assertEqual((headers["Authorization"], headers["protocol"]), ("Bearer secret-token", "exportal.worker.v1"))
        self.assertTrue(headers["User-Agent"].startswith("exportal-gpu-worker/"))

    def test_without_news_it_pings(self) -> None:
        reports = self.reports(heartbeat_s=0.02)
        reports.progress(1, "rendering")
        eventually(lambda: self.line.pings > 1, "pings")
        self.assertEqual(len(self.line.of("progress")), 1)

    def test_stop_is_heard_at_once(self) -> None:
        self.reports()
        woken: list[float] = []
        with self.stop.calling(lambda: woken.append(time.monotonic())):
            said = time.monotonic()
            self.line.say({"type": "stop", "reason": "cancelled"})
            eventually(lambda: woken, "the stop")
        self.assertLess(woken[0] - said, 0.2)
        self.assertIn("cancelled", self.stop.reason)

    def test_an_end_without_an_ack_is_posted_under_its_number(self) -> None:
        self.line.acks = False
        reports = self.reports()
        reports._line._ack_s = 0.05
        reports.error(JobFailure("worker_error", "It broke.", True))
        self.assertEqual([body["n"] for body in self.service.of("error")], [1])
        self.assertEqual(self.service.of("error")[0]["instance"], self.line.heard[0]["instance"])

    def test_an_end_whose_line_breaks_is_posted(self) -> None:
        self.line.acks = False
        reports = self.reports()
        done = threading.Thread(target=lambda: reports.complete("output/x"))
        done.start()
        eventually(lambda: self.line.of("complete"), "the completion")
        self.line.cut(1001)
        done.join(3)
        self.assertEqual([body["n"] for body in self.service.of("complete")], [1])

    def test_what_is_longer_than_4_kib_is_posted(self) -> None:
        reports = self.reports()
        reports.error(JobFailure("worker_error", "x" * 5000, True))
        self.assertEqual(len(self.service.of("error")), 1)
        self.assertEqual(self.line.of("error"), [])

    def test_it_is_dialed_again_by_the_same_instance(self) -> None:
        self.reports()
        self.line.cut(1011)
        eventually(lambda: len(self.line.of("hello")) == 2, "another hello")
        first, second = self.line.of("hello")
        self.assertEqual(first, second)

    def test_but_not_with_a_token_that_is_over_nor_for_a_job_that_is_gone(self) -> None:
        for code, is_set in [(4401, False), (4404, True)]:
            with self.subTest(code):
                self.line.heard.clear()
                self.stop = Stop()
                line = Line(self.line.url, "t", "r", "i", self.stop, first_pause_s=0.01)
                eventually(lambda: self.line.of("hello"), "a hello")
                self.line.cut(code)
                line._thread.join(3)
                self.assertFalse(line._thread.is_alive())
                self.assertEqual(self.stop.is_set, is_set)
                line.close()

    def test_one_that_cannot_be_opened_costs_nothing(self) -> None:
        reports = Reports(f"{self.service.url}/do", "t", "r-u1", self.stop, waits=(0.01,), line_url="ws://127.0.0.1:1/")
        reports.complete("output/x")
        reports.close()
        self.assertEqual(len(self.service.of("complete")), 1)

    def test_the_example_of_the_contract_does_what_it_says(self) -> None:
        page = (ROOT / "docs/gpu-worker.md").read_text(encoding="utf-8")
        names: dict[str, Any] = {}
        exec(page.split("```python\n")[1].split("```")[0], names)
        stopped: list[bool] = []
        given = {
            "line_url": self.line.url,
            "callback_url": f"{self.service.url}/do",
            "callback_token": "secret-token",
        }
        reporter = names["Reporter"](given, "r-u1", lambda: stopped.append(True))
        reporter.say("progress", progress=1)
        eventually(lambda: reporter.line, "the line")
        reporter.say("progress", progress=2)
        reporter.say("complete", output_video_key="output/x")
        self.assertEqual([(message["type"], message.get("n")) for message in self.line.heard][-2:], [("progress", 2), ("complete", 3)])
        self.assertLessEqual(len(self.service.reports), 1)
        self.line.say({"type": "stop", "reason": "cancelled"})
        eventually(lambda: stopped, "the stop")


@unittest.skipUnless(is_available(), "websockets is not installed")
class DocumentedExampleTest(WorkerTest):
    """The program of docs/gpu-worker.md, as it is printed there."""

    def setUp(self) -> None:
        super().setUp()
        self.line = LineServer()
        self.addCleanup(self.line.close)
        page = (ROOT / "docs/gpu-worker.md").read_text(encoding="utf-8")
        [program] = [block for block in re.findall(r"```python\n(.*?)```", page, re.S) if "class Reporter" in block]
        self.assertLessEqual(len(program.splitlines()), 50)
        names: dict[str, Any] = {"print": lambda *_: None}
        exec(program, names)
        self.Reporter = names["Reporter"]
        self.stopped = threading.Event()

    def reporter(self, line_url: str) -> Any:
        given = {"line_url": line_url, "callback_url": f"{self.service.url}/do", "callback_token": "secret-token"}
        return self.Reporter(given, "r-u1", self.stopped.set)

    def on_line(self) -> Any:
        reporter = self.reporter(self.line.url)
        eventually(lambda: self.line.of("hello") and reporter.line, "a hello")
        return reporter

    def test_reports_over_the_line_and_waits_for_the_ack_of_an_end(self) -> None:
        reporter = self.on_line()
        reporter.say("progress", progress=10, stage="rendering")
        reporter.say("complete", output_video_key="output/x")
        hello, progress, complete = self.line.heard
        self.assertEqual((hello["runpod_job_id"], hello["instance"]), ("r-u1", progress["instance"]))
        self.assertEqual((progress["n"], progress["progress"], complete["n"]), (1, 10, 2))
        self.assertEqual(self.service.reports, [])
        headers = self.line.headers[0]
        self.assertEqual((headers["Authorization"], headers["protocol"]), ("Bearer secret-token", "exportal.worker.v1"))

    def test_hears_stop(self) -> None:
        self.on_line()
        self.line.say({"type": "stop", "reason": "cancelled"})
        self.assertTrue(self.stopped.wait(5))

    def test_posts_while_there_is_no_line(self) -> None:
        reporter = self.reporter("ws://127.0.0.1:1/line")
        self.service.on_report = lambda kind, body: (200, {"ok": True, "cancel": True}, {})
        reporter.say("progress", progress=10)
        self.assertEqual([body["n"] for body in self.service.of("progress")], [1])
        self.assertTrue(self.stopped.is_set())

    def test_posts_what_the_line_broke_under(self) -> None:
        reporter = self.on_line()
        broken = reporter.line
        self.line.cut(1001)
        eventually(lambda: reporter.line is None, "the end of the line")
        reporter.line = broken
        reporter.say("complete", output_video_key="output/x")
        self.assertEqual([body["n"] for body in self.service.of("complete")], [1])


if __name__ == "__main__":
    unittest.main()
