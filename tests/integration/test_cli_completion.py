"""Completion as the shell does it: the printed script sourced, and its function asked."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent
TAPIO = str(BIN / "tapio")

_ASK = """
source <(tapio completion bash)
COMP_WORDS=({words}) COMP_CWORD={last}
_tapio_completion tapio
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


def completed(*words: str) -> list[str]:
    """What bash offers for the last word, which may be empty."""
    script = _ASK.format(words=" ".join(f"'{word}'" for word in words), last=len(words) - 1)
    environ = os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, env=environ, check=True)
    return done.stdout.split()


@pytest.mark.skipif(not shutil.which("bash"), reason="there is no bash")
def test_bash_completes_commands_flags_and_the_formats_that_make_sense() -> None:
    assert completed("tapio", "inc") == ["incidents"]
    assert completed("tapio", "incidents", "--w") == ["--watch"]
    assert completed("tapio", "sources", "-o", "j") == ["json", "jsonl"]
    assert "name" not in completed("tapio", "sources", "-o", "")


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_have_their_script(shell: str) -> None:
    script = subprocess.run([TAPIO, "completion", shell], capture_output=True, text=True, check=True).stdout
    assert f"_TAPIO_COMPLETE=complete_{shell}" in script


def test_a_shell_that_nobody_knows_is_a_usage_error() -> None:
    done = subprocess.run([TAPIO, "completion", "tcsh"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "'bash', 'zsh', 'fish'" in done.stderr
