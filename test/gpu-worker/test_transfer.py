import threading
import unittest

from support import PART_BYTES, WorkerTest, eventually

from exportal_worker.failure import JobFailure
from exportal_worker.multipart import upload_in_parts
from exportal_worker.stop import Stop, Stopped
from exportal_worker.transfer import TooLarge, download, upload

WAITS = (0.01, 0.01)
MEBIBYTE = 1024**2


class Download(WorkerTest):
    def download(self, stop: Stop | None = None) -> bytes:
        path = self.dir / "got"
        download(f"{self.service.url}/files/clip", str(path), "The input", stop or Stop(), self.told, WAITS)
        return path.read_bytes()

    def setUp(self) -> None:
        super().setUp()
        self.fractions: list[float] = []
        self.told = self.fractions.append

    def test_streams_to_a_file(self) -> None:
        self.service.files["clip"] = bytes(3 * MEBIBYTE)
        self.assertEqual(len(self.download()), 3 * MEBIBYTE)
        self.assertEqual(self.fractions, sorted(self.fractions))
        self.assertEqual(self.fractions[-1], 1)

    def test_tries_again_after_what_may_pass(self) -> None:
        self.service.files["clip"] = b"video"
        self.service.answers["/files/clip"] = [(503, {}, {}), (500, b"", {})]
        self.assertEqual(self.download(), b"video")

    def test_says_what_is_wrong(self) -> None:
        for status, code, should_retry, words in [
            (404, "input_not_found", False, "is not there"),
            (410, "input_not_found", False, "is not there"),
            (403, "input_not_found", True, "too old"),
            (401, "input_not_found", True, "too old"),
            (500, "worker_error", True, "could not be downloaded (500)"),
            (302, "worker_error", True, "could not be downloaded (302)"),
        ]:
            with self.subTest(status):
                self.service.answers["/files/clip"] = [(status, {}, {})] * 3
                with self.assertRaises(JobFailure) as caught:
                    self.download()
                self.assertEqual((caught.exception.code, caught.exception.should_retry), (code, should_retry))
                self.assertIn(words, caught.exception.message)

    def test_a_cut_download_is_no_download(self) -> None:
        self.service.files["clip"] = b"video"
        self.service.answers["/files/clip"] = [(200, b"vid", {"Content-Length": "5", "Connection": "close"})]
        self.assertEqual(self.download(), b"video")

    def test_a_body_in_chunks_that_breaks_off_is_fetched_again(self) -> None:
        self.service.files["clip"] = b"video"
        self.service.answers["/files/clip"] = [(200, b"5\r\nvid", {"Transfer-Encoding": "chunked"})]
        self.assertEqual(self.download(), b"video")

    def test_no_message_holds_the_address(self) -> None:
        with self.assertRaises(JobFailure) as caught:
            download("http://127.0.0.1:1/x?sig=secret", str(self.dir / "got"), "The input", Stop(), waits=WAITS)
        self.assertNotIn("secret", caught.exception.message)
        self.assertNotIn("127.0.0.1", caught.exception.message)

    def test_a_stop_ends_it_even_while_it_waits(self) -> None:
        stop = Stop()
        self.service.answers["/files/clip"] = [(503, {}, {})]
        waiting = threading.Thread(target=lambda: self.assertRaises(Stopped, self._long, stop))
        waiting.start()
        eventually(lambda: self.service.calls, "the first try")
        stop.set("enough")
        waiting.join(5)
        self.assertFalse(waiting.is_alive())

    def _long(self, stop: Stop) -> None:
        download(f"{self.service.url}/files/clip", str(self.dir / "got"), "The input", stop, waits=(60.0,))


class Upload(WorkerTest):
    def upload(self, content: bytes = b"result", stop: Stop | None = None) -> None:
        upload(self.file(content), f"{self.service.url}/put/1", "video/mp4", stop or Stop(), waits=WAITS)

    def test_puts_the_file_once(self) -> None:
        self.upload()
        self.assertEqual(self.service.stored, {"/put/1": b"result"})
        sent = self.service.put_headers[0]
        names = ("content-type", "content-length", "if-none-match")
        self.assertEqual([sent[name] for name in names], ["video/mp4", "6", "*"])

    def test_412_means_that_it_is_there(self) -> None:
        self.service.stored["/put/1"] = b"already"
        self.upload()
        self.assertEqual(self.service.stored["/put/1"], b"already")

    def test_tries_again_after_what_may_pass_with_the_whole_file(self) -> None:
        self.service.answers["/put/1"] = [(503, {}, {}), (429, {}, {})]
        self.upload(bytes(2 * MEBIBYTE))
        self.assertEqual(len(self.service.stored["/put/1"]), 2 * MEBIBYTE)

    def test_a_refusal_is_an_error_of_this_attempt(self) -> None:
        self.service.answers["/put/1"] = [(403, {}, {})]
        with self.assertRaises(JobFailure) as caught:
            self.upload()
        self.assertEqual(caught.exception.message, "The result could not be stored (403).")
        self.assertTrue(caught.exception.should_retry)

    def test_413_points_to_the_other_way(self) -> None:
        self.service.answers["/put/1"] = [(413, {}, {})]
        with self.assertRaises(TooLarge):
            self.upload()


class Parts(WorkerTest):
    def upload(self, size: int) -> list[float]:
        fractions: list[float] = []
        path = self.file(bytes(i % 251 for i in range(1000)) * (size // 1000))
        upload_in_parts(path, f"{self.service.url}/companion", Stop(), fractions.append, WAITS)
        return fractions

    def test_sends_equal_parts_and_completes_with_their_etags(self) -> None:
        size = 12_000_000
        fractions = self.upload(size)
        # So that its parts can be signed for a store that does not check sizes.
        self.assertEqual(self.service.announced, {"size_bytes": size})
        lengths = [PART_BYTES, PART_BYTES, size - 2 * PART_BYTES]
        self.assertEqual([len(part) for part in self.service.parts.values()], lengths)
        content = b"".join(self.service.parts[number] for number in (1, 2, 3))
        self.assertEqual(content, (self.dir / "file").read_bytes())
        wanted = [{"PartNumber": number, "ETag": f'"etag-{number}"'} for number in (1, 2, 3)]
        self.assertEqual(self.service.completed, wanted)
        self.assertEqual(fractions, sorted(fractions))
        self.assertEqual(fractions[-1], 1)

    def test_signs_a_part_anew_when_its_address_ran_out(self) -> None:
        self.service.answers["/companion/s3/multipart/part/1"] = [(403, {}, {}), (503, {}, {})]
        self.upload(1000)
        self.assertEqual(self.service.calls.count("GET /companion/s3/multipart/up%2F1/1"), 3)

    def test_begins_anew_when_the_upload_is_gone(self) -> None:
        self.service.answers["/companion/s3/multipart/up%2F1/1"] = [(404, {"code": "upload_not_found"}, {})]
        self.upload(1000)
        self.assertEqual(self.service.begun, 2)
        self.assertIsNotNone(self.service.completed)

    def test_what_says_that_the_file_is_there_is_enough(self) -> None:
        for path, answer in [
            ("/companion/s3/multipart", (412, {"code": "already_exists"}, {})),
            ("/companion/s3/multipart/up%2F1/1", (409, {"code": "upload_complete"}, {})),
            ("/companion/s3/multipart/up%2F1/complete", (412, {"code": "already_exists"}, {})),
        ]:
            with self.subTest(path):
                self.service.answers[path] = [answer]
                self.upload(1000)

    def test_waits_for_an_upload_that_is_being_ended(self) -> None:
        ending = (409, {"code": "upload_ending"}, {"Retry-After": "0"})
        self.service.answers["/companion/s3/multipart"] = [ending, ending]
        self.upload(1000)
        self.assertEqual(self.service.calls.count("POST /companion/s3/multipart"), 3)

    def test_completing_is_tried_again(self) -> None:
        self.service.answers["/companion/s3/multipart/up%2F1/complete"] = [(503, {}, {}), (500, {}, {})]
        self.upload(1000)
        self.assertEqual(len(self.service.completed or []), 1)

    def test_a_refusal_names_its_code(self) -> None:
        self.service.answers["/companion/s3/multipart"] = [(403, {"code": "signature_expired"}, {})]
        with self.assertRaises(JobFailure) as caught:
            self.upload(1000)
        self.assertIn("403, signature_expired", caught.exception.message)


if __name__ == "__main__":
    unittest.main()
