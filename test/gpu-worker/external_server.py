"""The network of one case of external-inputs.json: its name server, and one local server behind every address."""
import socket
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from support import ROOT

from exportal_worker.external.connect import Network

TLS = ROOT / "test/vectors/tls"


class FakeInternet:
    """Connects only to the local server, whatever the target; the requested target is recorded."""

    def __init__(self, given: dict[str, Any]) -> None:
        self._given = given
        self.answers = list(given["answers"])
        self.resolved: list[str] = []
        self.dialed: list[str] = []
        #: `Host path` of each request, and the names of its headers.
        self.asked: list[str] = []
        self.headers: list[list[str]] = []
        self.over = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._silent = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        self.network = Network(self._resolve, self._dial, str(TLS / "cert.pem"))

    def close(self) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()
        self._silent.close()

    def _resolve(self, name: str) -> list[str]:
        turn = self.resolved.count(name)
        self.resolved.append(name)
        answers = self._given["dns"].get(name, ["none"])
        found = answers[min(turn, len(answers) - 1)]
        if isinstance(found, list):
            return found
        raise socket.gaierror(socket.EAI_NONAME if found == "none" else socket.EAI_AGAIN, "lookup")

    def _dial(self, address: str, port: int, timeout_s: float) -> socket.socket:
        self.dialed.append(f"[{address}]:{port}" if ":" in address else f"{address}:{port}")
        if address in self._given.get("unreachable", []):
            raise ConnectionRefusedError
        silent = bool(self.answers) and (self.answers[0] or {}).get("hang") == "handshake"
        at = self._silent.getsockname() if silent else self._server.server_address
        return socket.create_connection(at, timeout_s)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, *rest: Any) -> None:
        super().__init__(*rest)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(TLS / "cert.pem", TLS / "key.pem")

    def finish_request(self, request: Any, client_address: Any) -> None:
        with self._context.wrap_socket(request, server_side=True) as secured:
            super().finish_request(secured, client_address)

    def handle_error(self, *_rest: Any) -> None:
        """Errors are expected, since the tests cover clients that hang up."""


def _handler(internet: FakeInternet) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            internet.asked.append(f"{self.headers['Host']} {self.path}")
            internet.headers.append(sorted(name.lower() for name in self.headers))
            self.close_connection = True
            self._reply(internet.answers.pop(0) if internet.answers else {"status": 599})

        def _reply(self, answer: dict[str, Any]) -> None:
            if answer.get("cut") == "answer":
                return
            if answer.get("hang") == "answer":
                internet.over.wait()
            if answer.get("drip") == "answer":
                self.wfile.write(b"HTTP/1.1 200 OK\r\nx: ")
                self._drip(b"x")
            body = answer.get("body", "").encode()
            status = answer.get("status", 200)
            endless, drip, chunked = answer.get("endless"), answer.get("drip"), answer.get("chunked")
            self.send_response(status)
            for name, value in answer.get("headers", {}).items():
                self.send_header(name, value)
            if endless or drip or chunked:
                self.send_header("Transfer-Encoding", "chunked")
            elif status not in (204, 304):
                self.send_header("Content-Length", str(answer.get("length", len(body))))
            self.end_headers()
            while endless:
                self.wfile.write(b"10000\r\n" + bytes(0x10000) + b"\r\n")
            if drip:
                self._drip(b"1\r\nx\r\n")
            self.wfile.write(b"%x\r\n%s\r\n" % (len(body), body) if chunked else body)
            if answer.get("hang") == "body":
                internet.over.wait()

        def _drip(self, piece: bytes) -> None:
            while not internet.over.wait(0.01):
                self.wfile.write(piece)

        def log_message(self, *_args: Any) -> None:
            """Suppressed, since the tests have their own output."""

    return Handler
