"""Running other programs, and what their failure looks like."""

import os
import subprocess
from collections.abc import Mapping, Sequence


class LabError(Exception):
    """The lab cannot do what it was asked; the text says what to do about it."""


def run(*argv: str | os.PathLike[str], stdin: str | None = None, env: Mapping[str, str] | None = None) -> str:
    """Run a program to its end and give its output; its error output is the error."""
    words: Sequence[str] = [os.fspath(word) for word in argv]
    try:
        done = subprocess.run(words, input=stdin, capture_output=True, text=True, env=env, check=False)
    except OSError as error:
        raise LabError(f"{words[0]}: {error.strerror}") from error
    if done.returncode != 0:
        said = done.stderr.strip() or done.stdout.strip() or f"exit code {done.returncode}"
        raise LabError(f"{' '.join(words[:4])}: {said}")
    return done.stdout
