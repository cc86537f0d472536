"""Whole jobs, with scripts in place of ffmpeg: reports, stored files and remaining files."""
import asyncio
import os
import signal
import stat
import threading
import unittest
from dataclasses import replace
from unittest.mock import patch

from support import FONTS, WorkerTest, eventually

from exportal_worker import VERSION
from exportal_worker import work as work_module
from exportal_worker.ffmpeg import Ffmpeg
from exportal_worker.handle import Worker, make_bench
from exportal_worker.media import Media, Picture, Sound
from exportal_worker.stop import Stop
from exportal_worker.work import work

KEY = "output/job-1/1-1.mp4"


def media(end: float = 2.0) -> Media:
    """A probed clip of 25 frames a second."""
    times = [number / 25 for number in range(int(end * 25))]
    picture = Picture(0, "h264", "none", "bt709", "bt709", "bt709", "tv", False, False, True, times, end)
    return Media("mov", end, 0, 320, 180, picture, Sound(1, "aac", 2, 0, end))


class WorkTest(WorkerTest):
    def setUp(self) -> None:
        super().setUp()
        self.service.files["clip.mp4"] = b"a clip"
        # The content of the files is given, so that no ffprobe is needed here; test_render.py uses real ones.
        self.found = media()
        patcher = patch.object(work_module, "probe", lambda path, *rest: self.found)
        patcher.start()
        self.addCleanup(patcher.stop)

    def ffmpeg(self, script: str) -> Ffmpeg:
        """An ffmpeg that is a shell script; `$out` is the file to be written."""
        path = self.dir / "ffmpeg"
        path.write_text(f'#!/bin/sh\nfor out; do :; done\n{script}\n')
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return Ffmpeg(str(path), "ffprobe", nvenc=False)

    def jobs_left(self) -> list[str]:
        return [name for name in os.listdir(self.dir) if name.startswith("job-")]

    def run_job(self, script: str, stop: Stop | None = None, job: dict | None = None, **changes) -> dict:
        bench = self.bench(ffmpeg=self.ffmpeg(script), **changes)
        answer = work(job or self.service.job(), stop or Stop(), bench)
        self.assertEqual(self.jobs_left(), [])
        return answer


RENDER = 'echo out_time_us=N/A; echo out_time_us=1000000; echo progress=end; printf done > "$out"'
HANG = 'echo out_time_us=1000000; while :; do sleep 0.05; done'


class Work(WorkTest):
    def test_stores_the_result_and_says_so(self) -> None:
        self.assertEqual(self.run_job(RENDER), {"output_video_key": KEY})
        self.assertEqual(self.service.stored, {"/put/1-1.mp4": b"done"})
        complete = [{"output_video_key": KEY, "runpod_job_id": "runpod-1-u1"}]
        self.assertEqual(self.service.of("complete"), complete)
        self.assertEqual(self.service.of("error"), [])

    def test_a_large_result_goes_in_parts(self) -> None:
        self.run_job(RENDER, single_put_bytes=3)
        self.assertEqual(self.service.parts, {1: b"done"})
        self.assertEqual(self.service.stored, {})
        self.assertEqual(len(self.service.of("complete")), 1)

    def test_a_result_that_one_put_does_not_take_goes_in_parts(self) -> None:
        self.service.answers["/put/1-1.mp4"] = [(413, {"code": "body_too_large"}, {})]
        self.run_job(RENDER)
        self.assertEqual(self.service.parts, {1: b"done"})

    def test_failures_are_told_to_the_service_and_to_runpod(self) -> None:
        for script, code, should_retry in [
            ("echo moov atom not found >&2; exit 1", "invalid_media", False),
            ("kill -9 $$", "out_of_memory", True),
            ("echo Cannot allocate memory >&2; exit 1", "out_of_memory", True),
            ("echo No space left on device >&2; exit 1", "worker_error", True),
            ("kill -SEGV $$", "worker_error", False),
            ("echo \"No such filter: 'x'\" >&2; exit 1", "worker_error", False),
        ]:
            with self.subTest(script):
                self.service.reports.clear()
                answer = self.run_job(script)
                told = self.service.of("error")[0]
                self.assertEqual((told["code"], told["should_retry"]), (code, should_retry))
                self.assertEqual(answer, {"error": told["error"], "code": code, "should_retry": should_retry})
                self.assertEqual(self.service.of("complete"), [])

    def test_what_the_store_refuses_for_good_is_not_rendered_again(self) -> None:
        for status in (400, 411, 415):
            with self.subTest(status):
                self.service.answers["/put/1-1.mp4"] = [(status, {}, {})]
                answer = self.run_job(RENDER)
                self.assertEqual((answer["code"], answer["should_retry"]), ("worker_error", False))
        self.service.answers["/put/1-1.mp4"] = [(413, {}, {})]
        self.service.answers["/companion/s3/multipart"] = [(413, {"code": "body_too_large"}, {})]
        self.assertIs(self.run_job(RENDER)["should_retry"], False)

    def test_an_nvenc_that_does_not_open_leaves_the_attempt_to_libx264(self) -> None:
        failing = 'case "$*" in *h264_nvenc*) echo "[h264_nvenc @ 0x1] No capable devices found" >&2; exit 1;; esac'
        ffmpeg = replace(self.ffmpeg(f'echo "$*" >> "{self.dir}/runs"; {failing}; {RENDER}'), nvenc=True)
        self.found = replace(media(), width=64, height=48)
        self.assertEqual(work(self.service.job(), Stop(), self.bench(ffmpeg=ffmpeg)), {"output_video_key": KEY})
        self.assertEqual(len((self.dir / "runs").read_text().splitlines()), 1)
        self.found = replace(media(), width=1280, height=720)
        self.service.stored.clear()
        self.assertEqual(work(self.service.job(), Stop(), self.bench(ffmpeg=ffmpeg)), {"output_video_key": KEY})
        *_, first, second = (self.dir / "runs").read_text().splitlines()
        self.assertIn("h264_nvenc", first)
        self.assertIn("libx264", second)

    def test_text_that_cannot_be_drawn_is_refused_before_anything_is_downloaded(self) -> None:
        whole = self.ffmpeg(RENDER)
        for ffmpeg, text, code, said in (
            (replace(whole, missing=("ass",)), "Hi", "worker_error", "lacks what the job needs: ass"),
            (replace(whole, shaper="none", missing=("ass", "drawtext")), "Hi", "worker_error", "needs: drawtext"),
            (replace(whole, shaper="none", missing=("ass",)), "مر", "invalid_params", "cannot shape م ر."),
            (whole, "a𓀀", "invalid_params", "no font here has 𓀀."),
        ):
            job = self.service.job("overlay", {"items": [{"type": "text", "text": text}]})
            answer = work(job, Stop(), self.bench(ffmpeg=ffmpeg))
            self.assertEqual((answer["code"], answer["should_retry"]), (code, False))
            self.assertIn(said, answer["error"])
            self.assertNotIn("GET /files/clip.mp4", self.service.calls)

    def test_damage_that_ffmpeg_went_over_is_said(self) -> None:
        answer = self.run_job(f"echo error while decoding MB 1 2 >&2; {RENDER}")
        self.assertEqual(answer["warnings"], ["The input is damaged in places, which the result may show."])
        self.assertEqual(self.service.of("complete")[0]["message"], answer["warnings"][0])

    def test_words_that_are_no_text_do_not_cost_the_report(self) -> None:
        with patch.object(work_module, "plan_job", side_effect=OSError("file \udce9.mp4")):
            answer = self.run_job(RENDER)
        self.assertIn("file \ufffd.mp4", self.service.of("error")[0]["error"])
        self.assertIn("file \ufffd.mp4", answer["error"])

    def test_an_ffmpeg_that_is_not_there_is_this_worker_s_trouble(self) -> None:
        answer = work(self.service.job(), Stop(), self.bench(ffmpeg=Ffmpeg("/nowhere/ffmpeg", "ffprobe", False)))
        self.assertEqual((answer["code"], answer["should_retry"]), ("worker_error", True))

    def test_a_missing_input_is_no_one_s_to_mend(self) -> None:
        self.service.files.clear()
        answer = self.run_job(RENDER)
        self.assertEqual((answer["code"], answer["should_retry"]), ("input_not_found", False))

    def test_an_image_that_was_not_sent_along_is_invalid(self) -> None:
        job = self.service.job("overlay", {"items": [{"type": "image", "image_key": "input/x.png"}]})
        self.assertEqual(self.run_job(RENDER, job=job)["code"], "invalid_params")

    def test_a_result_that_is_too_short_is_not_stored(self) -> None:
        lengths = iter([2.0, 1.0])
        with patch.object(work_module, "probe", lambda *rest: media(next(lengths))):
            answer = self.run_job(RENDER)
        self.assertEqual(answer["code"], "invalid_media")
        self.assertEqual(self.service.stored, {})

    def test_a_self_test_tells_what_was_found_and_reports_nothing(self) -> None:
        gpu = replace(self.ffmpeg(RENDER), nvenc=True)
        job = {"id": "rp-1", "input": {"self_test": True}}
        answer = work(job, Stop(), self.bench(ffmpeg=gpu))
        self.assertEqual(answer, {"h264": "nvenc", "missing": []})
        answer = work(job, Stop(), self.bench(ffmpeg=replace(gpu, nvenc=False, missing=("drawtext",))))
        self.assertEqual(answer, {"error": "This worker lacks drawtext.", "h264": "libx264", "missing": ["drawtext"]})
        self.assertEqual(self.service.reports, [])

    def test_an_input_that_cannot_be_read_fails_without_a_report(self) -> None:
        for job in [{"id": "x"}, {"id": "x", "input": []}, self.service.job(callback_url="file:///etc/passwd")]:
            answer = work(job, Stop(), self.bench())
            self.assertEqual((answer["code"], answer["should_retry"]), ("invalid_params", False))
        self.assertEqual(self.service.reports, [])

    def test_an_answer_that_says_cancel_ends_ffmpeg_and_nothing_is_stored(self) -> None:
        def answer(_kind: str, body: dict):
            return (200, {"ok": True, "cancel": True}, {}) if body.get("progress", 0) > 5 else None

        self.service.on_report = answer
        self.assertEqual(self.run_job(HANG), {"error": "Stopped: the service asked to stop"})
        self.assertEqual((self.service.stored, self.service.of("error")), ({}, []))

    def test_every_request_names_the_worker(self) -> None:
        self.run_job(RENDER)
        self.run_job(RENDER, single_put_bytes=3)
        self.assertEqual(self.service.agents, {f"exportal-gpu-worker/{VERSION}"})

    def test_what_cannot_be_written_is_this_worker_s_trouble_not_the_file_s(self) -> None:
        answer = self.run_job('rm -r "$PWD"; echo "output.mp4: No such file or directory" >&2; exit 1')
        self.assertEqual((answer["code"], answer["should_retry"]), ("worker_error", True))
        self.assertNotIn(str(self.dir), answer["error"])

    def test_a_file_that_went_away_is_this_worker_s_trouble_too(self) -> None:
        answer = self.run_job(f'{RENDER}; rm -r "$PWD"')
        self.assertEqual((answer["code"], answer["should_retry"]), ("worker_error", True))
        self.assertNotIn(str(self.dir), answer["error"])

    def test_nothing_secret_is_logged(self) -> None:
        with self.assertLogs("exportal", "DEBUG") as logged:
            self.run_job("echo damaged >&2; exit 1")
        self.assertNotIn("secret", "\n".join(logged.output))


class Handle(WorkTest):
    def worker(self, script: str) -> Worker:
        return Worker(self.bench(ffmpeg=self.ffmpeg(script)))

    def test_answers_like_a_handler(self) -> None:
        answer = asyncio.run(self.worker(RENDER).handle(self.service.job()))
        self.assertEqual(answer, {"output_video_key": KEY})

    def test_a_cancelled_task_stops_ffmpeg_before_it_ends_and_reports_nothing(self) -> None:
        async def cancel() -> None:
            task = asyncio.create_task(self.worker(HANG).handle(self.service.job()))
            await asyncio.to_thread(eventually, lambda: self._rendering(), "rendering")
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task
            self.assertEqual(self.jobs_left(), [])

        asyncio.run(cancel())
        self.assertEqual((self.service.stored, self.service.of("error"), self.service.of("complete")), ({}, [], []))

    def test_further_cancels_do_not_end_the_wait_for_ffmpeg(self) -> None:
        gate = self.dir / "gate"
        # Its child process outlives it, and keeps its output open.
        stubborn = f'echo out_time_us=1000000; (while [ ! -e {gate} ]; do sleep 0.01; done) & wait'

        async def cancel() -> None:
            task = asyncio.create_task(self.worker(stubborn).handle(self.service.job()))
            await asyncio.to_thread(eventually, self._rendering, "rendering")
            for _ in range(3):
                task.cancel()
                # Long enough for the cancel to reach the await of the task.
                for _ in range(10):
                    await asyncio.sleep(0)
            self.assertFalse(task.done())
            self.assertEqual(len(self.jobs_left()), 1)
            gate.touch()
            with self.assertRaises(asyncio.CancelledError):
                await task
            self.assertEqual(self.jobs_left(), [])

        asyncio.run(cancel())

    def _rendering(self) -> bool:
        return any(body["progress"] > 5 for body in self.service.of("progress"))

    def test_sigterm_stops_the_work_tells_the_service_and_calls_who_listened_before(self) -> None:
        heard = threading.Event()
        before = signal.signal(signal.SIGTERM, lambda *_: heard.set())
        self.addCleanup(signal.signal, signal.SIGTERM, before)

        async def shut_down() -> dict:
            task = asyncio.create_task(self.worker(HANG).handle(self.service.job()))
            await asyncio.to_thread(eventually, lambda: self._rendering(), "rendering")
            os.kill(os.getpid(), signal.SIGTERM)
            return await task

        answer = asyncio.run(shut_down())
        self.assertEqual(answer, {"error": "Stopped: it is being shut down"})
        told = self.service.of("error")[0]
        self.assertEqual((told["code"], told["should_retry"]), ("worker_error", True))
        self.assertTrue(heard.is_set())

    def test_sigterm_takes_no_lock_that_the_interrupted_thread_may_hold(self) -> None:
        before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
        self.addCleanup(signal.signal, signal.SIGTERM, before)
        worker = self.worker(HANG)
        held: list[bool] = []

        async def interrupt() -> None:
            task = asyncio.create_task(worker.handle(self.service.job()))
            await asyncio.to_thread(eventually, self._rendering, "rendering")
            (stop,) = worker._running
            with patch.object(worker, "shut_down", lambda: held.append(stop._lock.locked())):
                with stop._lock:
                    os.kill(os.getpid(), signal.SIGTERM)
                    # A signal is handled between two instructions, at the latest when a loop starts its next iteration.
                    for _ in range(2):
                        pass
                await asyncio.to_thread(eventually, lambda: held, "the end of all jobs")
            stop.set("enough")
            await task

        asyncio.run(interrupt())
        self.assertEqual(held, [False])

    def test_an_encoder_that_is_none_is_refused(self) -> None:
        with self.assertRaises(ValueError):
            make_bench({"EXPORTAL_DIR": str(self.dir), "EXPORTAL_FONTS": FONTS[0], "EXPORTAL_ENCODER": "gpu"})


if __name__ == "__main__":
    unittest.main()
