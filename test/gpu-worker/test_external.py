"""Inputs by URL, over the cases that both workers share."""
import socket
import threading
import unittest
import unittest.mock
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from external_server import FakeInternet
from support import WorkerTest, eventually, vectors

from exportal_worker.external.connect import Network
from exportal_worker.external.download import External, download_external, external_of
from exportal_worker.external.global_address import is_global_address, is_loopback
from exportal_worker.external.limits import Limits
from exportal_worker.failure import JobFailure
from exportal_worker.stop import Stop, Stopped
from exportal_worker.work import work

URL = "https://video.test/clip.mp4"
CASE = {"dns": {"video.test": [["93.184.216.34"]]}}
HEADERS = ["accept", "accept-encoding", "connection", "host", "user-agent"]


def limits_of(case: dict[str, Any]) -> Limits:
    told = case.get("limits", {})
    return Limits(
        told.get("most_bytes", 10**9),
        told.get("connect_seconds", 10),
        told.get("answer_seconds", 10),
        told.get("stall_seconds", 10),
        told.get("whole_seconds", 60),
    )


def only_here() -> Network:
    """The real network access, restricted to this computer."""
    real = Network()

    def dial(address: str, port: int, timeout_s: float) -> socket.socket:
        return real.dial(*((address, port) if is_loopback(address) else ("127.0.0.1", 1)), timeout_s)

    def resolve(name: str) -> list[str]:
        if name != "localhost":
            raise socket.gaierror(socket.EAI_NONAME, name)
        return real.resolve(name)

    return Network(resolve, dial)


class Addresses(unittest.TestCase):
    def test_tells_public_addresses_from_all_others(self) -> None:
        addresses = vectors("addresses.json")
        self.assertEqual([each for each in addresses["global"] if not is_global_address(each)], [])
        refused = [each for group in addresses["refused"].values() for each in group]
        self.assertEqual([each for each in refused if is_global_address(each)], [])


class ExternalInput(WorkerTest):
    def internet(self, case: dict[str, Any]) -> FakeInternet:
        internet = FakeInternet(case)
        self.addCleanup(internet.close)
        return internet

    def fetched(self, url: str, external: External) -> dict[str, Any]:
        """The stored bytes, or the failure as it is reported."""
        path = self.dir / "input"
        try:
            download_external(url, str(path), Stop(), external, waits=(0.005, 0.005))
        except JobFailure as failure:
            told = {"code": failure.code, "should_retry": failure.should_retry, "error": failure.message}
            return {"failure": told}
        return {"body": path.read_text()}

    def test_cases(self) -> None:
        for case in vectors("external-inputs.json")["cases"]:
            with self.subTest(case["name"]):
                internet = self.internet(case)
                outcome = self.fetched(case["url"], External(internet.network, limits_of(case)))
                wanted = {"failure": case["failure"]} if "failure" in case else {"body": case["body"]}
                self.assertEqual({**outcome, "dialed": internet.dialed}, {**wanted, "dialed": case["dialed"]})
                self.assertEqual(internet.asked, case.get("asked", internet.asked))
                self.assertEqual(internet.resolved, case.get("resolved", internet.resolved))
                self.assertEqual([each for each in internet.headers if each != HEADERS], [])

    def test_takes_http_from_this_computer_where_that_is_allowed_and_nowhere_else(self) -> None:
        allowed = External(only_here(), allow_loopback=True)
        self.service.files["clip"] = b"video"
        self.service.answers["/moved"] = [(302, {}, {"Location": "/files/clip"})]
        self.service.answers["/out"] = [(302, {}, {"Location": "http://10.0.0.1/secret"})]
        url = self.service.url
        by_name = url.replace("127.0.0.1", "localhost")
        self.assertEqual(self.fetched(f"{by_name}/files/clip", allowed), {"body": "video"})
        self.assertEqual(self.fetched(f"{url}/moved", allowed), {"body": "video"})
        for elsewhere in (f"{url}/out", "http://10.0.0.1/", "http://93.184.216.34/"):
            with self.subTest(elsewhere):
                error = self.fetched(elsewhere, allowed)["failure"]["error"]
                self.assertIn("private or reserved network", error)
        self.assertIn("only https", self.fetched(f"{url}/files/clip", External(only_here()))["failure"]["error"])

    def test_does_not_come_back_to_this_computer_from_elsewhere(self) -> None:
        internet = self.internet({**CASE, "answers": [{"status": 302, "headers": {"location": "https://127.0.0.1/"}}]})
        outcome = self.fetched(URL, External(internet.network, allow_loopback=True))
        self.assertIn("private or reserved network", outcome["failure"]["error"])
        self.assertEqual(internet.dialed, ["93.184.216.34:443"])

    def test_no_proxy_is_asked(self) -> None:
        internet = self.internet({**CASE, "answers": [{"body": "video"}]})
        with unittest.mock.patch.dict("os.environ", {"HTTPS_PROXY": "http://127.0.0.1:1", "ALL_PROXY": "http://127.0.0.1:1"}):
            self.assertEqual(self.fetched(URL, External(internet.network)), {"body": "video"})

    def test_stops_in_the_middle_of_a_body(self) -> None:
        internet = self.internet({**CASE, "answers": [{"body": "vid", "length": 5, "hang": "body"}]})
        stop = Stop()
        begun = threading.Event()
        path = str(self.dir / "input")
        with ThreadPoolExecutor() as pool:
            external = External(internet.network)
            fetching = pool.submit(download_external, URL, path, stop, external, lambda done: begun.set(), ())
            eventually(begun.is_set, "a piece of the body")
            stop.set("enough")
            with self.assertRaises(Stopped):
                fetching.result(5)

    def test_the_environment_says_how_large_it_may_be_and_if_this_computer_is_allowed(self) -> None:
        self.assertEqual((external_of({}).limits, external_of({}).allow_loopback), (Limits(), False))
        told = external_of({"EXPORTAL_MAX_INPUT_BYTES": "7", "EXPORTAL_LOOPBACK_INPUTS": "on"})
        self.assertEqual((told.limits.most_bytes, told.allow_loopback), (7, True))
        for wrong in ("0", "-1", "5 GB", "1e9"):
            with self.assertRaises(ValueError):
                external_of({"EXPORTAL_MAX_INPUT_BYTES": wrong})

    def test_the_worker_and_the_service_say_how_large_it_may_be(self) -> None:
        for most, own in ((4, 1000), (1000, 4)):
            internet = self.internet({**CASE, "answers": [{"body": "video"}]})
            external = External(internet.network, replace(Limits(), most_bytes=own))
            job = self.service.job(input_url=URL, input_is_external=True, input_max_bytes=most)
            answer = work(job, Stop(), self.bench(external=external))
            self.assertEqual((answer["code"], answer["should_retry"]), ("input_not_found", False))
            self.assertIn("larger than the 4 bytes", answer["error"])


if __name__ == "__main__":
    unittest.main()
