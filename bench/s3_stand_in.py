"""A stand-in for S3 in a process of its own, so that its work is not that of who reads from it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from socket import create_server
from urllib.error import URLError
from urllib.request import urlopen

import pyarrow.fs

from polling import poll_until

REGION = "us-east-1"
START_SECONDS = 60


@contextmanager
def s3_stand_in() -> Iterator[str]:
    """Yield the address of a moto, which keeps what it is given in memory."""
    # It takes any.
    os.environ.setdefault("AWS_ACCESS_KEY_ID", "bench")
    os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "bench")
    with create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "moto.server", "--host", "127.0.0.1", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            poll_until(
                lambda: _answers(address),
                timeout=START_SECONDS,
                interval=0.2,
                description="moto",
                retry_on=(URLError, ConnectionError),
            )
            yield address
        finally:
            server.terminate()


def _answers(address: str) -> bool:
    with urlopen(f"{address}/moto-api/", timeout=5) as answer:  # noqa: S310  our own process
        return bool(answer.status == 200)


def file_system(address: str) -> pyarrow.fs.S3FileSystem:
    """Return the stand-in's files, as `make sql` reads those of S3."""
    return pyarrow.fs.S3FileSystem(
        region=REGION, endpoint_override=address, allow_bucket_creation=True
    )
