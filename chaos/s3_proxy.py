"""A proxy in front of the AWS stand-in that fails requests to S3 and forwards all others."""

import http.client
import itertools
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

REQUEST_SECONDS = 60
HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "host", "expect"})
ERROR = """\
<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>{code}</Code><Message>{message}</Message><RequestId>chaos</RequestId></Error>"""


@dataclass(frozen=True)
class Answer:
    """What S3 answers: an error, or the real answer after a delay."""

    status: int = 0
    """HTTP status; 0 forwards the request"""
    code: str = ""
    """S3's error code"""
    delay: float = 0
    """seconds"""


INTERNAL_ERROR = Answer(500, "InternalError")
UNAVAILABLE = Answer(503, "ServiceUnavailable")
SLOW_DOWN = Answer(503, "SlowDown")
DENIED = Answer(403, "AccessDenied")
PASS_ON = Answer()


class S3Proxy:
    """Listens on a port of its own, on threads of this process."""

    def __init__(
        self,
        address: str,
        port: int,
        upstream_port: int,
        answers: tuple[Answer, ...],
        access_key: str = "",
    ) -> None:
        """`answers` are given in turn, one per request; port 0 chooses a free port.

        With an access key's ID, only that identity's requests get them.
        """
        self._access_key = access_key
        self._turn = itertools.cycle(answers)
        self._lock = threading.Lock()
        self._upstream = (address, upstream_port)
        self._server = _Server((address, port), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self.failed = 0
        """requests that were failed or delayed"""

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Accept connections."""
        self._thread.start()

    def stop(self) -> None:
        """Close everything; open requests are aborted."""
        self._server.shutdown()
        self._server.server_close()
        self._server.close_connections()

    def answer_to(self, headers: Any) -> Answer:
        """Return the next answer to a request to S3; the headers of Glue's and IAM's differ."""
        signature = headers.get("Authorization", "/s3/")
        if headers.get("X-Amz-Target") or "/s3/" not in signature:
            return PASS_ON
        if self._access_key and f"Credential={self._access_key}/" not in signature:
            return PASS_ON
        with self._lock:
            self.failed += 1
            return next(self._turn)

    def forward(
        self, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        """Return the stand-in's answer. Raises OSError or HTTPException if it fails."""
        connection = http.client.HTTPConnection(*self._upstream, timeout=REQUEST_SECONDS)
        try:
            connection.request(method, path, body=body or None, headers=headers)
            response = connection.getresponse()
            return response.status, response.getheaders(), response.read()
        finally:
            connection.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._open: set[Any] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that have closed their connection."""

    def close_connections(self) -> None:
        for request in list(self._open):
            super().shutdown_request(request)


def _handler(proxy: S3Proxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            body = self._body()
            answer = proxy.answer_to(self.headers)
            time.sleep(answer.delay)
            if answer.status:
                text = ERROR.format(code=answer.code, message="injected").encode()
                self._reply(answer.status, [("Content-Type", "application/xml")], text)
                return
            headers = {
                name: value
                for name, value in self.headers.items()
                if name.lower() not in HOP_BY_HOP
            }
            headers["Host"] = self.headers["Host"]
            self._reply(*proxy.forward(self.command, self.path, headers, body))

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _serve  # noqa: N815

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
                return self._chunks()
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))

        def _chunks(self) -> bytes:
            parts = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)

        def _reply(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
            self.send_response_only(status)
            for name, value in headers:
                if name.lower() not in HOP_BY_HOP | {"content-length"}:
                    self.send_header(name, value)
            length = len(body)
            if self.command == "HEAD":
                given = [value for name, value in headers if name.lower() == "content-length"]
                length = int(given[0]) if given else 0
            self.send_header("Content-Length", str(length))
            self.end_headers()
            if self.command != "HEAD" and body:
                self.wfile.write(body)

        def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002
            """Log nothing: the fault logs the number of failures at its end."""

    return Handler
