"""The API server's client over TLS: what it leaves behind when the server takes its time."""

import asyncio
import contextlib
import gc
import socket
import ssl
import subprocess
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from tapio.kube import KubeClient
from tapio.kube.config import Cluster
from tests.waiting import DEADLINE_S


class Silent:
    """A TLS server that hears requests and says nothing, no farewell either."""

    def __init__(self, certificate: Path) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._taken: list[socket.socket] = []
        self.url = f"https://127.0.0.1:{self._listening.getsockname()[1]}"
        self.asked = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):  # it is closed
            connection = self._context.wrap_socket(self._listening.accept()[0], server_side=True)
            self._taken.append(connection)
            connection.recv(1024)
            self.asked.set()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._thread.join(DEADLINE_S)
        for connection in (*self._taken, self._listening):
            connection.close()


@pytest.fixture
def silent(tmp_path: Path) -> Iterator[Silent]:
    file = tmp_path / "server.pem"
    kind = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")
    named = ("-subj", "/CN=silent", "-keyout", str(file), "-out", str(tmp_path / "certificate"))
    try:
        subprocess.run(["openssl", *kind, *named], check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("openssl is not here")
    file.write_text(file.read_text() + (tmp_path / "certificate").read_text())
    server = Silent(file)
    yield server
    server.close()


def test_a_request_that_is_given_up_leaves_no_connection_behind(silent: Silent) -> None:
    async def ask_and_give_up() -> None:
        async with KubeClient(Cluster(server=silent.url, origin="a test", verify=False)) as client:
            asking = asyncio.create_task(client.get("/api"))
            assert await asyncio.to_thread(silent.asked.wait, DEADLINE_S)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        asyncio.run(ask_and_give_up())
        gc.collect()
    assert not [str(one.message) for one in said if "unclosed" in str(one.message)]
