"""The proxy fails what is asked of S3, in turn, and passes everything else on unchanged."""

import http.client
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from chaos.s3_proxy import DENIED, INTERNAL_ERROR, PASS_ON, UNAVAILABLE, Answer, S3Proxy

FOR_S3 = {"Authorization": "AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/s3/aws4_request"}
FOR_GLUE = {
    "Authorization": "AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/glue/aws4_request",
    "X-Amz-Target": "AWSGlue.GetTable",
}


class Upstream(BaseHTTPRequestHandler):
    """Answers with what it was sent."""

    protocol_version = "HTTP/1.1"

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("ETag", self.headers["Host"])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_PUT  # noqa: N815

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "12345")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def upstream() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def proxy(upstream: int, *answers: Answer, access_key: str = "") -> S3Proxy:
    return S3Proxy("127.0.0.1", 0, upstream, answers, access_key)


def ask(
    connection: http.client.HTTPConnection,
    headers: dict[str, str],
    method: str = "PUT",
    body: bytes | Iterator[bytes] = b"rows",
) -> tuple[int, bytes]:
    connection.request(method, "/bucket/key", body=body, headers=headers)
    response = connection.getresponse()
    return response.status, response.read()


@pytest.fixture
def asked(upstream: int) -> Iterator[http.client.HTTPConnection]:
    failing = proxy(upstream, INTERNAL_ERROR, UNAVAILABLE, DENIED, PASS_ON)
    failing.start()
    connection = http.client.HTTPConnection("127.0.0.1", failing.port, timeout=10)
    yield connection
    connection.close()
    failing.stop()


def test_the_answers_are_given_in_turn(asked: http.client.HTTPConnection) -> None:
    answers = [ask(asked, FOR_S3) for _ in range(5)]
    assert [status for status, _ in answers] == [500, 503, 403, 200, 500]
    assert b"<Code>AccessDenied</Code>" in answers[2][1]
    assert answers[3][1] == b"rows"


def test_glue_is_let_through(asked: http.client.HTTPConnection) -> None:
    assert [ask(asked, FOR_GLUE, "POST") for _ in range(3)] == [(200, b"rows")] * 3


def test_the_host_that_was_signed_is_kept(upstream: int) -> None:
    passing = proxy(upstream, PASS_ON)
    passing.start()
    connection = http.client.HTTPConnection("127.0.0.1", passing.port, timeout=10)
    connection.request("PUT", "/b/k", body=b"x", headers={**FOR_S3, "Host": "10.231.0.1:5566"})
    response = connection.getresponse()
    assert response.headers["ETag"] == "10.231.0.1:5566"
    response.read()
    connection.close()
    passing.stop()


def test_a_body_in_chunks_arrives_whole(upstream: int) -> None:
    passing = proxy(upstream, PASS_ON)
    passing.start()
    connection = http.client.HTTPConnection("127.0.0.1", passing.port, timeout=10)
    assert ask(connection, FOR_S3, body=iter([b"one ", b"two"])) == (200, b"one two")
    connection.close()
    passing.stop()


def test_head_tells_the_length_without_a_body(upstream: int) -> None:
    passing = proxy(upstream, PASS_ON)
    passing.start()
    connection = http.client.HTTPConnection("127.0.0.1", passing.port, timeout=10)
    connection.request("HEAD", "/b/k", headers=FOR_S3)
    response = connection.getresponse()
    assert response.headers["Content-Length"] == "12345"
    assert response.read() == b""
    connection.close()
    passing.stop()


def test_a_slow_answer_is_the_true_one(upstream: int) -> None:
    slow = proxy(upstream, Answer(delay=0.3))
    slow.start()
    connection = http.client.HTTPConnection("127.0.0.1", slow.port, timeout=10)
    began = time.monotonic()
    assert ask(connection, FOR_S3) == (200, b"rows")
    assert time.monotonic() - began >= 0.3
    assert slow.failed == 1
    connection.close()
    slow.stop()


def test_stop_ends_open_connections(upstream: int) -> None:
    passing = proxy(upstream, PASS_ON)
    passing.start()
    connection = http.client.HTTPConnection("127.0.0.1", passing.port, timeout=10)
    assert ask(connection, FOR_S3)[0] == 200
    passing.stop()
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        ask(connection, FOR_S3)


def test_one_identity_can_be_the_only_one_that_is_denied(upstream: int) -> None:
    denying = proxy(upstream, DENIED, access_key="AKIAMAINTENANCE")
    denying.start()
    connection = http.client.HTTPConnection("127.0.0.1", denying.port, timeout=10)
    of_it = {
        name: value.replace("Credential=A/", "Credential=AKIAMAINTENANCE/")
        for name, value in FOR_S3.items()
    }
    statuses = [ask(connection, headers)[0] for headers in (of_it, FOR_S3, FOR_GLUE, of_it)]
    connection.close()
    denying.stop()
    assert statuses == [403, 200, 200, 403]
    assert denying.failed == 2
