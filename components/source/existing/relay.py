"""A listener on this machine whose connections are passed on through the exec of a pod."""

from __future__ import annotations

import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from websocket import WebSocketException

from components.source.existing.vantage import UnusableVantageError

if TYPE_CHECKING:
    from kubernetes.stream.ws_client import WSClient

LOOPBACK = "127.0.0.1"
CHUNK = 16 * 1024
IDLE_SECONDS = 1.0


@contextmanager
def relay(open_stream: Callable[[], WSClient]) -> Iterator[tuple[str, int]]:
    """Yield the listener's address and port. Each connection gets a stream of its own.

    Raises UnusableVantageError, instead of what the client of a connection raises, where its
    stream could not be opened.
    """
    errors: list[UnusableVantageError] = []
    ended = threading.Event()
    with closing(socket.create_server((LOOPBACK, 0))) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return  # the listener was shut down
                threading.Thread(target=pass_on, args=(connection,), daemon=True).start()

        def pass_on(connection: socket.socket) -> None:
            with connection:
                try:
                    with closing(open_stream()) as stream:
                        _pump(connection, stream, ended)
                except UnusableVantageError as error:
                    errors.append(error)
                except (OSError, WebSocketException):
                    return  # the client finds its connection closed, and says so

        server = threading.Thread(target=serve, daemon=True)
        server.start()
        try:
            yield listener.getsockname()
        except Exception:
            if errors:
                raise errors[0] from None
            raise
        finally:
            ended.set()
            listener.shutdown(socket.SHUT_RDWR)
            server.join()


def _pump(connection: socket.socket, stream: WSClient, ended: threading.Event) -> None:
    """Copy bytes in both directions until one end closes."""
    websocket = stream.sock.sock
    while stream.is_open() and not ended.is_set():
        # Bytes that TLS has decrypted are not seen by select.
        buffered = isinstance(websocket, ssl.SSLSocket) and websocket.pending()
        readable, _, _ = select.select(
            [connection, websocket], [], [], 0 if buffered else IDLE_SECONDS
        )
        if buffered or websocket in readable:
            stream.update(timeout=0)
            if received := stream.read_stdout(timeout=0):
                connection.sendall(received)
        if connection in readable:
            sent = connection.recv(CHUNK)
            if not sent:
                return
            stream.write_stdin(sent)
