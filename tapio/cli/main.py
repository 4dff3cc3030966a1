"""`tapio` and `kubectl tapio`: one program. Finds the command, and turns what it raises into a message and a code."""

import errno
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from typer.exceptions import TyperException

from tapio.cli import (
    capture,
    changes,
    completion,
    config,
    demo,
    dlq,
    doctor,
    evidence,
    explain,
    impact,
    incidents,
    replay,
    sources,
    status,
    terminal,
    timeline,
    up,
    version,
    why,
)
from tapio.errors import Exit, TapioError

app = typer.Typer(
    name="tapio",
    add_completion=False,
    rich_markup_mode=None,  # rich's help costs 0.25 s at every start
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_COMMANDS = (
    demo.demo,
    up.up,
    why.why,
    incidents.incidents,
    timeline.timeline,
    changes.changes,
    impact.impact,
    evidence.evidence,
    explain.explain,
    capture.capture,
    replay.replay,
    sources.sources,
    status.status,
    doctor.doctor,
    config.config,
    completion.completion,
    version.version,
)
for command in _COMMANDS:
    app.command()(command)
app.add_typer(dlq.app, name="dlq")


def _say_version(asked: bool) -> None:
    if asked:
        version.version()
        raise typer.Exit


@app.callback()
def tapio(
    version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Say why something failed in a Kubernetes cluster."""


def main() -> None:
    """The console script."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Runs one command; everything it raises becomes a message on stderr. Returns the exit code."""
    completion.answer_shells()
    try:
        return int(app(list(arguments) or ["--help"], prog_name=_program(), standalone_mode=False) or Exit.DONE)
    except TyperException as error:
        terminal.fail(_plain(error.format_message()), f"{_program()} {_command(arguments)}--help says what there is")
    except TapioError as error:
        terminal.fail(error.message, error.hint)
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        return _INTERRUPTED
    except BrokenPipeError:
        _leave_stdout()
    except OSError as error:
        if error.errno not in _FULL:
            _report(error)
            return Exit.ERROR
        terminal.fail(f"cannot write: {error.strerror}")
        _leave_stdout()
    except Exception as error:  # noqa: BLE001  the last line of defence: a person never sees a traceback
        _report(error)
    return Exit.ERROR


_INTERRUPTED = 130  # 128 + SIGINT, as shells have it
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


def _plain(message: str) -> str:
    """The message on one line, without the words of pydantic, which typer checks values with."""
    message = " ".join(message.split())
    return message.replace("Value error, ", "").replace("Input should be", "it should be").partition(", unable to")[0]


def _program() -> str:
    return "kubectl tapio" if Path(sys.argv[0]).name == "kubectl-tapio" else "tapio"


def _command(arguments: Sequence[str]) -> str:
    known = {command.callback.__name__ for command in app.registered_commands if command.callback}
    known |= {group.name for group in app.registered_groups if group.name}
    return f"{arguments[0]} " if arguments and arguments[0] in known else ""


def _leave_stdout() -> None:
    """The reader of stdout is gone: what is still buffered goes nowhere, so that closing it raises nothing."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _report(error: Exception) -> None:
    """One line on stderr; the traceback goes to a file, or to stderr under TAPIO_DEBUG=1."""
    if os.environ.get("TAPIO_DEBUG"):
        traceback.print_exception(error)
    summary = f"internal error: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}".rstrip(": ")
    terminal.fail(summary, _written(error) or "TAPIO_DEBUG=1 shows where")


def _written(error: Exception) -> str:
    from tapio import settings

    try:
        path = settings.load().settings.data_path / "error.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    except (OSError, TapioError):
        return ""
    return f"the whole report is in {path}; TAPIO_DEBUG=1 shows it here"
