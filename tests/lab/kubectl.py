"""kubectl, pointed at the lab."""

from pathlib import Path

from tests.lab.command import run


class Kubectl:
    """Runs the kubectl of this very Kubernetes, built with it: any other may be too new or too old for the server."""

    def __init__(self, program: Path, kubeconfig: Path) -> None:
        self._program = program
        self._kubeconfig = kubeconfig

    def __call__(self, *args: str, input: str | None = None) -> str:  # noqa: A002 - subprocess.run's name for it
        """Give the output; what kubectl writes to stderr is the error's text."""
        cache = self._kubeconfig.parent / "kubectl-cache"
        return run(self._program, f"--kubeconfig={self._kubeconfig}", f"--cache-dir={cache}", *args, stdin=input)
