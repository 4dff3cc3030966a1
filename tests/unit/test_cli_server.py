"""What a person is told when the server refuses, is away, or is something else."""

import json
import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from tapio.cli import server
from tapio.errors import Exit, ForbiddenError, TapioError, UnknownTargetError, UnreachableError, UsageError

WAIT_S = 60


class _Answer(BaseHTTPRequestHandler):
    status = 200
    body = b"{}"
    asked = ""

    def do_GET(self) -> None:
        type(self).asked = self.path
        self.send_response(self.status)
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the standard library's name
        pass


@pytest.fixture
def address() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), _Answer) as httpd:
        thread = Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()
        thread.join()


def answer(monkeypatch: pytest.MonkeyPatch, status: int, body: bytes) -> None:
    monkeypatch.setattr(_Answer, "status", status)
    monkeypatch.setattr(_Answer, "body", body)


def test_parameters_without_a_value_are_not_sent(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, 200, b"[]")
    assert server.get(address, "/v1/why", {"target": "pod/a b", "at": ""}, WAIT_S) == b"[]"
    assert _Answer.asked == "/v1/why?target=pod%2Fa+b"


@pytest.mark.parametrize(
    ("status", "error", "code"),
    [
        (400, UsageError, Exit.ERROR),
        (401, ForbiddenError, Exit.FORBIDDEN),
        (403, ForbiddenError, Exit.FORBIDDEN),
        (404, UnknownTargetError, Exit.ERROR),
        (500, TapioError, Exit.ERROR),
        (503, UnreachableError, Exit.UNREACHABLE),
    ],
)
def test_a_problem_becomes_the_error_it_stands_for(
    address: str, monkeypatch: pytest.MonkeyPatch, status: int, error: type[TapioError], code: Exit
) -> None:
    answer(monkeypatch, status, json.dumps({"detail": "so it is", "near": ["pod/shop/web"]}).encode())
    with pytest.raises(error, match="so it is") as caught:
        server.get(address, "/v1/why", {}, WAIT_S)
    assert caught.value.exit_code == code
    if status == 404:
        assert "pod/shop/web" in caught.value.hint


def test_another_program_at_the_address_is_no_tapio(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, 404, b"<html>not here</html>")
    with pytest.raises(UnreachableError, match="is no Tapio"):
        server.get(address, "/v1/why", {}, WAIT_S)


def test_nobody_at_the_address_says_what_to_do() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        with pytest.raises(UnreachableError) as caught:
            server.get(f"http://127.0.0.1:{free.getsockname()[1]}", "/v1/why", {}, WAIT_S, or_else="; or wait")
    assert caught.value.message.endswith(": Connection refused")
    assert "tapio up" in caught.value.hint
    assert caught.value.hint.endswith("; or wait")


@pytest.mark.parametrize("address", ["127.0.0.1:8000", "file:///etc/passwd", "nonsense", ""])
def test_what_is_no_address_is_a_usage_error(address: str) -> None:
    with pytest.raises(UsageError):
        server.get(address, "/v1/why", {}, WAIT_S)


def test_a_proxy_of_the_environment_is_not_asked_for_loopback(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, 200, b"[]")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert server.get(address, "/v1/why", {}, WAIT_S) == b"[]"
