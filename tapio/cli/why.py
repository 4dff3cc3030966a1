"""`tapio why`: the answer, from a running Tapio, from a file, or from one look at the API server."""

from typing import Annotated

import typer

from tapio.cli.options import (
    AllNamespaces,
    At,
    Confidence,
    Context,
    Each,
    File,
    Format,
    Kubeconfig,
    Live,
    Namespace,
    Output,
    Server,
    Since,
    Uid,
    Words,
)
from tapio.errors import Exit

ExitZero = Annotated[bool, typer.Option("--exit-zero", help="Exit with 0 whatever the answer is.")]


def why(
    target: Words = None,
    namespace: Namespace = "",
    all_namespaces: AllNamespaces = False,
    file: File = "",
    live: Live = False,
    at: At = "",
    since: Since = "",
    uid: Uid = "",
    min_confidence: Confidence = 0.0,
    each: Each = False,
    output: Format = Output.TEXT,
    server: Server = None,
    context: Context = None,
    kubeconfig: Kubeconfig = None,
    exit_zero: ExitZero = False,
) -> int:
    """Say why something failed.

    Exits with 0 when nothing is wrong, 2 explained, 3 cause unknown, 4 incomplete, 1 usage, 5 unreachable, 6 forbidden.
    """
    from tapio.cli import asking, places, printing
    from tapio.why import exit_code_of_each

    where = places.Where(file=file, live=live, server=server, context=context, kubeconfig=kubeconfig)
    asked = places.question(
        target,
        namespace,
        everywhere=all_namespaces,
        uid=uid,
        at=at,
        since=since,
        min_confidence=min_confidence,
    )
    answers = asking.why(where, asked, each=each)
    printing.write([asking.printed(answers, where, asked, each=each, output=output)])
    return Exit.DONE if exit_zero else exit_code_of_each(answers)
