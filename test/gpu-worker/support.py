"""Shared by the tests: the worker's package on the path, and a fake of the service from a worker's view."""
import json
import shutil
import sys
import tempfile
import threading
import time
import unittest
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "gpu-worker"))
sys.dont_write_bytecode = True

from exportal_worker.ffmpeg import Ffmpeg
from exportal_worker.media import Media, Picture, Sound
from exportal_worker.text.characters import Shaper
from exportal_worker.text.font import Font, read_font
from exportal_worker.text.typesetter import Typesetter
from exportal_worker.work import Bench

# The size of the parts of a result that the service requests.
PART_BYTES = 5 * 1024**2
_LISTED = json.loads((ROOT / "runpod-local/worker/text/fonts.json").read_text(encoding="utf-8"))
# The bundled fonts, in their order.
FONTS = [str(ROOT / "node_modules" / name) for name in _LISTED]


def _read(path: str) -> Font:
    return read_font(Path(path).read_bytes())


_READ = [_read(path) for path in FONTS]


def typesetter(shaper: Shaper = "harfbuzz") -> Typesetter:
    """The bundled fonts, and an ffmpeg with this text shaper."""
    return Typesetter(_READ, shaper)


def vectors(name: str) -> dict[str, Any]:
    return json.loads((ROOT / "test/vectors" / name).read_text(encoding="utf-8"))


def media_of(given: dict[str, Any]) -> Media:
    """A probed file in the format of the vectors."""
    sound = given["sound"]
    return Media(**{**given, "picture": Picture(**given["picture"]), "sound": sound and Sound(**sound)})


def eventually(look: Callable[[], Any], what: str, seconds: float = 10) -> Any:
    """Repeats the call until its result is truthy, and returns it."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.005)
    raise AssertionError(f"it never happened: {what}")


class WorkerTest(unittest.TestCase):
    """A test with its own directory and its own service."""

    def setUp(self) -> None:
        self.dir = Path(tempfile.mkdtemp(prefix="exportal-worker-test-"))
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.service = FakeService()
        self.addCleanup(self.service.close)

    def bench(self, **changes: Any) -> Bench:
        ffmpeg = Ffmpeg("ffmpeg", "ffprobe", nvenc=False)
        options = {"spacing_s": 0.01, "heartbeat_s": 5.0, "waits": (0.01, 0.02), **changes}
        return Bench(str(self.dir), options.pop("ffmpeg", ffmpeg), typesetter().fonts, **options)

    def file(self, content: bytes, name: str = "file") -> str:
        path = self.dir / name
        path.write_bytes(content)
        return str(path)


#: An answer: status, JSON or bytes, and headers.
Reply = tuple[int, Any, dict[str, str]]


class FakeService:
    """The API of Exportal for workers. `answers` overrides the next answers to a path, one by one."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.stored: dict[str, bytes] = {}
        self.put_headers: list[dict[str, str]] = []
        self.reports: list[tuple[str, dict[str, Any]]] = []
        self.authorizations: set[str | None] = set()
        self.calls: list[str] = []
        self.agents: set[str | None] = set()
        self.answers: dict[str, list[Reply]] = {}
        self.on_report: Callable[[str, dict[str, Any]], Reply | None] = lambda kind, body: None
        self.parts: dict[int, bytes] = {}
        self.completed: list[dict[str, Any]] | None = None
        self.begun = 0
        # The size announced when the last upload was opened.
        self.announced: dict[str, Any] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [body for name, body in self.reports if name == kind]

    def job(self, type_name: str = "transcode", params: Any = None, **changes: Any) -> dict[str, Any]:
        """A job in the form in which RunPod's SDK passes it to the handler."""
        given = {
            "job_id": "job-1",
            "round": 1,
            "attempt": 1,
            "type": type_name,
            "params": {} if params is None else params,
            "input_url": f"{self.url}/files/clip.mp4?sig=secret-get",
            "assets": {},
            "output": {
                "video_key": "output/job-1/1-1.mp4",
                "content_type": "video/mp4",
                "put_url": f"{self.url}/put/1-1.mp4?sig=secret-put",
                "multipart_url": f"{self.url}/companion",
            },
            "callback_url": f"{self.url}/do",
            "callback_token": "secret-token",
            **changes,
        }
        return {"id": "runpod-1-u1", "input": given}

    def reply(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Reply:
        path = urlsplit(target).path
        self.calls.append(f"{method} {path}")
        self.agents.add(headers.get("user-agent"))
        forced = self.answers.get(path)
        if forced:
            return forced.pop(0)
        if path.startswith("/files/"):
            content = self.files.get(path.removeprefix("/files/"))
            return (404, {}, {}) if content is None else (200, content, {})
        if path.startswith("/put/"):
            return self._put(path, headers, body)
        if path.startswith("/do/"):
            return self._report(path.removeprefix("/do/"), headers, json.loads(body))
        if path.startswith("/companion/"):
            return self._multipart(method, target, body)
        return 404, {}, {}

    def _put(self, path: str, headers: dict[str, str], body: bytes) -> Reply:
        self.put_headers.append(headers)
        if path in self.stored:
            return 412, {"code": "already_exists"}, {}
        self.stored[path] = body
        return 201, {}, {}

    def _report(self, kind: str, headers: dict[str, str], body: dict[str, Any]) -> Reply:
        self.authorizations.add(headers.get("authorization"))
        self.reports.append((kind, body))
        return self.on_report(kind, body) or (200, {"ok": True, "cancel": False}, {})

    def _multipart(self, method: str, target: str, body: bytes) -> Reply:
        parts = urlsplit(target)
        rest = parts.path.removeprefix("/companion/s3/multipart").strip("/").split("/")
        if method == "PUT":
            number = int(rest[-1])
            self.parts[number] = body
            return 200, b"", {"ETag": f'"etag-{number}"'}
        if rest == [""]:
            self.begun += 1
            self.announced = json.loads(body)
            return 200, {"key": "output/job-1/1-1.mp4", "uploadId": "up/1", "part_size_bytes": PART_BYTES}, {}
        if parse_qs(parts.query).get("key") != ["output/job-1/1-1.mp4"] or unquote(rest[0]) != "up/1":
            return 404, {"code": "upload_not_found"}, {}
        if rest[-1] == "complete":
            self.completed = json.loads(body)["parts"]
            return 200, {"key": "output/job-1/1-1.mp4", "size": 1, "etag": "x"}, {}
        return 200, {"url": f"{self.url}/companion/s3/multipart/part/{rest[-1]}"}, {}


def _handler(service: FakeService) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, content, more = service.reply(self.command, self.path, headers, body)
            sent = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            for name, value in {"Content-Length": str(len(sent)), **more}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(sent)

        do_GET = do_POST = do_PUT = answer

        def log_message(self, *_args: Any) -> None:
            """Suppressed, since the tests have their own output."""

    return Handler
