"""The poster of a result: created, stored and reported; or omitted, which does not affect the result."""
import os
import time
import unittest
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest.mock import patch

from support import WorkerTest, eventually, media_of, vectors

from exportal_worker import work as work_module
from exportal_worker.ffmpeg import Ffmpeg
from exportal_worker.poster import poster_args, store_poster
from exportal_worker.stop import Stop, Stopped
from exportal_worker.work import work

KEY = "output/job-1/1-1.mp4"
RESULT = media_of(vectors("posters.json")["cases"][0]["result"])


class Arguments(unittest.TestCase):
    def test_are_those_of_runpod_local(self) -> None:
        for case in vectors("posters.json")["cases"]:
            with self.subTest(case["name"]):
                self.assertEqual(poster_args(media_of(case["result"]), "output.mp4"), case["args"])


class Poster(WorkerTest):
    def ffmpeg(self, script: str) -> str:
        """An ffmpeg that is a shell script; `$out` is the file to be written."""
        path = self.dir / "ffmpeg"
        path.write_text(f'#!/bin/sh\nfor out; do :; done\n{script}\n')
        path.chmod(0o755)
        return str(path)

    def store(self, script: str, stop: Stop | None = None, limit_s: float = 20) -> bool:
        path = self.file(b"result", "output.mp4")
        url = f"{self.service.url}/put/1-1.jpg?sig=secret-put"
        return store_poster(self.ffmpeg(script), RESULT, path, url, stop or Stop(), (0.01, 0.01), limit_s)

    def test_is_stored_once_as_jpeg(self) -> None:
        self.assertTrue(self.store('printf jpeg > "$out"'))
        self.assertEqual(self.service.stored, {"/put/1-1.jpg": b"jpeg"})
        sent = self.service.put_headers[0]
        self.assertEqual([sent[name] for name in ("content-type", "if-none-match")], ["image/jpeg", "*"])
        # It exists already.
        self.assertTrue(self.store('printf other > "$out"'))
        self.assertEqual(self.service.stored, {"/put/1-1.jpg": b"jpeg"})

    def test_one_that_cannot_be_made_or_stored_fails_nothing(self) -> None:
        for status in (403, 413):
            self.service.answers["/put/1-1.jpg"] = [(status, {}, {})]
            self.assertFalse(self.store('printf jpeg > "$out"'))
        self.service.answers["/put/1-1.jpg"] = [(500, {}, {})] * 3
        with self.assertLogs("exportal", "WARNING") as logged:
            self.assertFalse(self.store('printf jpeg > "$out"'))
            self.assertFalse(self.store("exit 1"))
            self.assertFalse(self.store(': > "$out"'))
            os.unlink(self.dir / "poster.jpg")
            self.assertFalse(self.store("exit 0"))
        self.assertEqual(self.service.stored, {})
        self.assertNotIn("secret", "\n".join(logged.output))

    def test_one_that_takes_too_long_is_stopped_and_fails_nothing(self) -> None:
        started = time.monotonic()
        self.assertFalse(self.store(f'echo $$ > {self.dir}/pid; exec sleep 60', limit_s=0.2))
        self.assertLess(time.monotonic() - started, 10)
        with self.assertRaises(ProcessLookupError):
            os.kill(int((self.dir / "pid").read_text()), 0)

    def test_ends_with_the_job_that_is_stopped(self) -> None:
        stop = Stop()
        with ThreadPoolExecutor() as pool:
            storing = pool.submit(self.store, f"touch {self.dir}/begun; exec sleep 60", stop)
            eventually((self.dir / "begun").exists, "the rendering of the poster")
            stop.set("enough")
            with self.assertRaises(Stopped):
                storing.result(10)

    def test_is_said_with_the_completion_when_it_was_asked_for(self) -> None:
        self.service.files["clip.mp4"] = b"a clip"
        ffmpeg = Ffmpeg(self.ffmpeg('printf done > "$out"'), "ffprobe", nvenc=False)

        def complete(**more: Any) -> tuple[dict[str, Any], dict[str, Any]]:
            self.service.reports.clear()
            job = self.service.job()
            job["input"]["output"].update(more)
            with patch.object(work_module, "probe", lambda *rest: RESULT):
                answer = work(job, Stop(), self.bench(ffmpeg=ffmpeg))
            (told,) = self.service.of("complete")
            return answer, told

        with patch.object(work_module, "check_result"):
            bare = {"output_video_key": KEY, "runpod_job_id": "runpod-1-u1"}
            self.assertEqual(complete(), ({"output_video_key": KEY}, bare))
            wanted = {"poster_put_url": f"{self.service.url}/put/1-1.jpg"}
            self.assertEqual(complete(**wanted), ({"output_video_key": KEY, "poster": True}, {**bare, "poster": True}))
            self.service.stored.clear()
            self.service.answers["/put/1-1.jpg"] = [(403, {}, {})]
            self.assertEqual(complete(**wanted), ({"output_video_key": KEY}, bare))


if __name__ == "__main__":
    unittest.main()
