"""`tapio doctor`: what is here, what is missing, and how to mend it."""

from typing import TYPE_CHECKING, Annotated

import typer

from tapio.cli.options import Format, Output
from tapio.cli.up import Context, Kubeconfig

if TYPE_CHECKING:
    from tapio.cli.checks import Check

Namespace = Annotated[str, typer.Option("--namespace", "-n", metavar="NS", help="Ask about rights in this one alone.")]


def doctor(
    namespace: Namespace = "", output: Format = Output.TEXT, context: Context = None, kubeconfig: Kubeconfig = None
) -> int:
    """Check what Tapio needs, and say how to mend it.

    This machine, its ports, the API server, and the rights to read each kind.

    Exits with 1 when something that `tapio up` needs is missing, 5 or 6 when that is the API server or a right.
    """
    from tapio import settings
    from tapio.cli import checks, printing

    chosen = settings.load({"context": context, "kubeconfig": kubeconfig}).settings
    report = checks.Report(checks=(*checks.of_machine(chosen), *checks.of_cluster(chosen, namespace)))
    if output is Output.JSON:
        print(printing.as_json(report))
    else:
        print("\n".join(_lines(report.checks)))
    return report.exit_code


def _lines(found: "tuple[Check, ...]") -> "list[str]":
    import shutil

    from tapio.cli.screens import hung

    width = max(40, shutil.get_terminal_size().columns)
    longest = max(len(check.name) for check in found)
    lines: list[str] = []
    for check in found:
        lines += hung(f"{check.verdict:<7}  {check.name:<{longest}}  ", check.said, width)
        if check.fix:
            lines += hung(" " * (longest + 11) + "-> ", check.fix, width)
    missing = sum(check.verdict == "missing" for check in found)
    return [*lines, "all that is needed is here" if not missing else f"{missing} missing"]
