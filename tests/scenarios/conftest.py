"""One running Tapio for all scenarios, watching the lab as it would watch any cluster."""

import json
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tapio.cli.ports import free_port
from tests.lab.lab import Lab
from tests.lab.progress import PATIENCE_S
from tests.scenarios.blame import Answer, blames, first_code

_COMMAND = str(Path(sys.executable).with_name("tapio"))
_STOPPED_S = 120.0


class Tapio:
    """Asks the running Tapio over HTTP, and the API server by `tapio why --live`."""

    def __init__(self, url: str, kubeconfig: Path, data: Path, pid: int) -> None:
        self.url = url
        self.data = data
        self.pid = pid
        self._kubeconfig = kubeconfig

    def why(self, target: str, namespace: str) -> Answer:
        """One answer over HTTP; an empty one where the target is not known yet."""
        query = urllib.parse.urlencode({"target": target, "namespace": namespace})
        try:
            with urllib.request.urlopen(f"{self.url}/v1/why?{query}", timeout=60) as response:
                answer: Answer = json.load(response)
                return answer
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return {}
            raise

    def expect(
        self,
        target: str,
        namespace: str,
        *blame: str,
        field: str = "",
        also: Callable[[Answer], object] = bool,
        **attributes: Any,
    ) -> Answer:
        """Asks until the first cause is all that is expected, at one time: its code, kind and name, as far as given, a
        part of the field that changed, attributes, and whatever else the test wants of it.

        What has no bearing on one another comes in any order: the code may be told before the change is known.
        """

        def holds(answer: Answer) -> bool:
            return blames(answer, *blame, field=field, **attributes) and bool(also(answer))

        return self.settled(target, namespace, holds)

    def expect_status(self, target: str, namespace: str, status: str, *codes: str) -> Answer:
        """Asks until the answer has this status and, where some are given, one of these codes first."""
        return self.settled(target, namespace, lambda answer: _is(answer, status, *codes))

    def settled(self, target: str, namespace: str, holds: Callable[[Answer], object]) -> Answer:
        """Asks until the answer is so; the last one is shown where it never is."""
        return _asked(lambda: self.why(target, namespace), holds)

    def expect_live(self, target: str, namespace: str, *blame: str, **attributes: Any) -> Answer:
        """Looks at the API server until a look names this first: it is of one moment, at which a container may just
        have been started again.
        """
        return self.settled_live(target, namespace, lambda answer: blames(answer, *blame, **attributes))

    def expect_live_status(self, target: str, namespace: str, status: str, *codes: str) -> Answer:
        """Looks at the API server until a look has this status and, where some are given, one of these codes first."""
        return self.settled_live(target, namespace, lambda answer: _is(answer, status, *codes))

    def settled_live(self, target: str, namespace: str, holds: Callable[[Answer], object]) -> Answer:
        """Looks at the API server until a look is so; the last one is shown where none is."""
        return _asked(lambda: self.live(target, namespace), holds)

    def live(self, target: str, namespace: str) -> Answer:
        """What one look at the API server says."""
        run = tapio("why", target, "-n", namespace, "--live", "-o", "json", "--kubeconfig", str(self._kubeconfig))
        assert run.returncode in (0, 2, 3, 4), run.stderr
        answer: Answer = json.loads(run.stdout)
        return answer


def _is(answer: Answer, status: str, *codes: str) -> bool:
    return answer.get("status") == status and (not codes or first_code(answer) in codes)


def _asked(ask: Callable[[], Answer], holds: Callable[[Answer], object]) -> Answer:
    deadline = time.monotonic() + PATIENCE_S
    answer = ask()
    while not holds(answer):
        if time.monotonic() > deadline:
            pytest.fail(f"after {PATIENCE_S} s the answer is still {json.dumps(answer, indent=1)}")
        time.sleep(0.5)
        answer = ask()
    return answer


def tapio(*args: str) -> subprocess.CompletedProcess[str]:
    """Runs the command to its end."""
    command = [_COMMAND, *args]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)


@contextmanager
def up(lab: Lab, folder: Path) -> Iterator[Tapio]:
    """`tapio up` against the lab, with its data in `folder`; stopped as Ctrl-C stops it."""
    port = free_port()
    command = [
        _COMMAND, "up", "--kubeconfig", str(lab.kubeconfig), "--data-dir", str(folder),
        "--http-port", str(port), "--nats-port", "0", "--dashboard-port", "0",
    ]  # fmt: skip
    with (folder / "up.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            running = Tapio(f"http://127.0.0.1:{port}", lab.kubeconfig, folder, process.pid)
            _wait_until_ready(running.url, process, folder / "up.log")
            yield running
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(_STOPPED_S)
            except subprocess.TimeoutExpired:
                process.kill()


@pytest.fixture(scope="session")
def running_tapio(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tapio]:
    """The one that all scenarios ask."""
    with up(lab, tmp_path_factory.mktemp("up")) as running:
        yield running


def _wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=5):
                return
        except OSError:
            time.sleep(0.5)
    pytest.fail(f"tapio up is not ready:\n{log.read_text()}")
