"""`tapio completion`: the script that lets a shell complete commands, flags and formats."""

import os
from enum import StrEnum
from typing import Annotated

import typer

from tapio.errors import Exit

_PROGRAM = "tapio"
_VARIABLE = "_TAPIO_COMPLETE"  # what the script sets; typer looks for that name


class Shell(StrEnum):
    """The shells that typer has a script for."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


Chosen = Annotated[Shell, typer.Argument(metavar="SHELL", help="Which shell it is for.")]


def completion(shell: Chosen) -> int:
    """Print the script that completes commands and flags.

    For bash and zsh (there after compinit): source <(tapio completion bash). For fish: tapio completion fish | source.
    Put it where the shell starts to have it always.
    """
    from typer._completion_shared import get_completion_script  # typer exports it nowhere

    print(get_completion_script(prog_name=_PROGRAM, complete_var=_VARIABLE, shell=shell))
    return Exit.DONE


def answer_shells() -> None:
    """Lets typer answer where a shell asks: it knows the shells of its own scripts only once it is told to."""
    if _VARIABLE in os.environ:
        from typer._completion_classes import completion_init  # as above

        completion_init()
