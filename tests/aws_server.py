"""A stand-in for AWS that libraries reach over HTTP, in the tests' own process."""

from collections.abc import Iterator
from contextlib import contextmanager

from moto.server import ThreadedMotoServer

from sandbox.aws_server import glue


@contextmanager
def aws_server() -> Iterator[str]:
    """Yield the address of a moto with the sandbox's Glue.

    What it has belongs to the process: names that other tests use, too, may be taken.
    """
    glue.install()
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()
