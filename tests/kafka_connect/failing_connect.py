"""A stand-in for Kafka Connect that fails on purpose, on a real socket."""

import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from typing import Any


class Request(BaseHTTPRequestHandler):
    """A request whose body has been read."""

    body = b""


Answer = Callable[[Request], None]


@dataclass
class FailingConnect:
    """Gives the scripted answers one after the other, then `otherwise` forever."""

    otherwise: Answer
    script: list[Answer] = field(default_factory=list)
    calls: list[tuple[float, str, str]] = field(default_factory=list)
    """when (time.monotonic), method and path of each request"""
    url: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, handler: Request) -> Answer:
        with self.lock:
            self.calls.append((time.monotonic(), handler.command, handler.path))
            return self.script.pop(0) if self.script else self.otherwise

    def waits(self) -> list[float]:
        """Seconds between the calls."""
        times = [when for when, _, _ in self.calls]
        return [later - sooner for sooner, later in pairwise(times)]


def respond(status: int, body: Any, headers: dict[str, str] | None = None) -> Answer:
    """Return a response with a JSON body, or a text unchanged."""

    def answer(handler: Request) -> None:
        content = (body if isinstance(body, str) else json.dumps(body)).encode()
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(content)))
        for name, value in (headers or {}).items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(content)

    return answer


def connect_error(status: int, message: str) -> Answer:
    """Return an error in Connect's own form."""
    return respond(status, {"error_code": status, "message": message})


def proxy_error(status: int, message: str) -> Answer:
    """Return an error of the Kubernetes API server."""
    return respond(status, {"kind": "Status", "status": "Failure", "message": message})


def hang(seconds: float) -> Answer:
    """Send no response within the client's timeout."""

    def answer(handler: Request) -> None:
        time.sleep(seconds)
        handler.close_connection = True

    return answer


def drop(handler: Request) -> None:
    """Reset the connection in the middle of the request."""
    reset_on_close = struct.pack("ii", 1, 0)
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset_on_close)
    handler.connection.close()
    handler.close_connection = True


@contextmanager
def serve(connect: FailingConnect) -> Iterator[FailingConnect]:
    """Listen on a free port of this machine until the block ends."""

    class Handler(Request):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            self.body = self.rfile.read(length)
            connect.take(self)(self)

        do_PUT = do_POST = do_DELETE = do_GET  # noqa: N815

        def finish(self) -> None:
            if not self.wfile.closed and self.connection.fileno() != -1:
                super().finish()

        def log_message(self, *_args: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    connect.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield connect
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
