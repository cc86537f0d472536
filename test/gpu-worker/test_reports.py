import threading
import time
import unittest

from support import WorkerTest, eventually

from exportal_worker.failure import JobFailure
from exportal_worker.reports import SPACING_S, Reports
from exportal_worker.stop import Stop


class ReportsTest(WorkerTest):
    def setUp(self) -> None:
        super().setUp()
        self.stop = Stop()

    def reports(self, **changes) -> Reports:
        options = {"spacing_s": 0.0, "heartbeat_s": 60.0, "waits": (0.01, 0.01), **changes}
        made = Reports(f"{self.service.url}/do", "secret-token", "runpod-1-u1", self.stop, **options)
        self.addCleanup(made.close)
        return made

    def test_progress_never_falls_and_stays_below_100(self) -> None:
        reports = self.reports()
        said = [reports.progress(percent, "rendering") for percent in (10, 42.9, 30, 100, 5)]
        self.assertEqual(said, [10, 42, 42, 99, 99])
        eventually(lambda: self.service.of("progress")[-1:] and self.service.of("progress")[-1]["progress"] == 99, "99")
        reports.close()
        sent = [body["progress"] for body in self.service.of("progress")]
        self.assertEqual(sent, sorted(sent))

    def test_every_report_names_the_job_of_runpod_and_shows_the_token(self) -> None:
        reports = self.reports()
        reports.progress(1, "downloading", eta_seconds=7.6)
        eventually(lambda: self.service.of("progress"), "a report")
        reports.complete("output/x")
        self.assertEqual(
            self.service.reports,
            [
                (
                    "progress",
                    {"progress": 1, "stage": "downloading", "eta_seconds": 8, "runpod_job_id": "runpod-1-u1"},
                ),
                ("complete", {"output_video_key": "output/x", "runpod_job_id": "runpod-1-u1"}),
            ],
        )
        self.assertEqual(self.service.authorizations, {"Bearer secret-token"})

    def test_a_report_is_told_once_though_its_answer_breaks_off(self) -> None:
        cut = (200, b"{", {"Content-Length": "100", "Connection": "close"})
        self.service.answers["/do/complete"] = [cut]
        self.reports().complete("output/x")
        self.assertEqual(len(self.service.of("complete")), 0)
        self.assertEqual(self.service.answers["/do/complete"], [])

    def test_at_most_two_a_second_by_default(self) -> None:
        self.assertGreaterEqual(SPACING_S, 0.5)
        times: list[float] = []
        self.service.on_report = lambda kind, body: times.append(time.monotonic())
        reports = self.reports(spacing_s=0.1)
        deadline = time.monotonic() + 0.45
        percent = 0.0
        while time.monotonic() < deadline:
            percent += 0.01
            reports.progress(percent, "rendering")
        reports.close()
        self.assertLessEqual(len(times), 6)

    def test_only_one_is_under_way_and_the_newest_follows(self) -> None:
        gate = threading.Event()

        def hold(_kind: str, body: dict) -> None:
            if body["progress"] == 1:
                gate.wait(5)

        self.service.on_report = hold
        reports = self.reports()
        reports.progress(1, "rendering")
        eventually(lambda: self.service.of("progress"), "the first report")
        for percent in range(2, 50):
            reports.progress(percent, "rendering")
        gate.set()
        eventually(lambda: len(self.service.of("progress")) == 2, "the second report")
        reports.close()
        self.assertEqual([body["progress"] for body in self.service.of("progress")], [1, 49])

    def test_without_news_the_last_one_is_repeated(self) -> None:
        reports = self.reports(heartbeat_s=0.01)
        reports.progress(7, "rendering")
        eventually(lambda: len(self.service.of("progress")) >= 3, "the same again")
        reports.close()
        self.assertEqual({body["progress"] for body in self.service.of("progress")}, {7})

    def test_an_answer_stops_the_job(self) -> None:
        for answer in [(200, {"ok": True, "cancel": True}, {}), (404, {}, {}), (410, b"gone", {})]:
            with self.subTest(answer[0]):
                self.stop = Stop()
                self.service.on_report = lambda kind, body, answer=answer: answer
                reports = self.reports()
                reports.progress(1, "rendering")
                eventually(lambda: self.stop.is_set, "the stop")
                self.assertFalse(self.stop.tell)
                reports.close()

    def test_other_answers_do_not(self) -> None:
        for answer in [(401, {"code": "token_expired"}, {}), (500, b"no json", {}), (200, [], {}), (200, b"", {})]:
            with self.subTest(answer):
                before = len(self.service.reports)
                self.service.on_report = lambda kind, body, answer=answer: answer
                reports = self.reports()
                reports.progress(1, "rendering")
                eventually(lambda: len(self.service.reports) > before, "the report")
                reports.close()
                self.assertFalse(self.stop.is_set)

    def test_completion_is_tried_again_while_the_service_cannot_take_it(self) -> None:
        self.service.answers["/do/complete"] = [(503, {}, {}), (429, {}, {})]
        self.reports().complete("output/x")
        self.assertEqual(len(self.service.of("complete")), 1)
        self.assertEqual(self.service.calls.count("POST /do/complete"), 3)

    def test_a_refused_completion_is_not_repeated(self) -> None:
        self.service.answers["/do/complete"] = [(422, {}, {}), (200, {}, {})]
        self.reports().complete("output/x")
        self.assertEqual(self.service.calls.count("POST /do/complete"), 1)

    def test_an_error_says_what_the_service_needs(self) -> None:
        self.reports().error(JobFailure("invalid_media", "It is damaged.", False))
        wanted = {
            "error": "It is damaged.",
            "should_retry": False,
            "code": "invalid_media",
            "runpod_job_id": "runpod-1-u1",
        }
        self.assertEqual(self.service.of("error"), [wanted])

    def test_a_service_that_is_not_there_costs_only_the_tries(self) -> None:
        reports = Reports("http://127.0.0.1:1/do", "t", "r", self.stop, waits=(0.01,))
        with self.assertLogs("exportal", "INFO") as logged:
            reports.complete("output/x")
        self.assertIn("given up", logged.output[-1])


if __name__ == "__main__":
    unittest.main()
