"""`tapio doctor`: what is here, what is missing, and how to mend it."""

from typing import TYPE_CHECKING, Annotated

import typer

from tapio.cli.options import Format, Output
from tapio.cli.up import Context, Kubeconfig

if TYPE_CHECKING:
    from tapio.cli.checks import Report

Namespace = Annotated[str, typer.Option("--namespace", "-n", metavar="NS", help="Ask about rights in this one alone.")]


def doctor(
    namespace: Namespace = "", output: Format = Output.TEXT, context: Context = None, kubeconfig: Kubeconfig = None
) -> int:
    """Check what Tapio needs, and say how to mend it.

    This machine, its ports, the API server, and the rights to read each kind.

    Exits with 1 when something that `tapio up` needs is missing or wrong, 5 or 6 when that is the API server or a
    right.
    """
    from tapio import settings
    from tapio.cli import checks, printing

    chosen = settings.load({"context": context, "kubeconfig": kubeconfig}).settings
    report = checks.Report(checks=(*checks.of_machine(chosen), *checks.of_cluster(chosen, namespace)))
    if output is Output.JSON:
        print(printing.as_json(report))
    else:
        print("\n".join(_lines(report)))
    return report.exit_code


def _lines(report: "Report") -> "list[str]":
    import shutil

    from tapio.cli.screens import hung

    width = max(40, shutil.get_terminal_size().columns)
    longest = max(len(check.name) for check in report.checks)
    lines: list[str] = []
    for check in report.checks:
        lines += hung(f"{check.verdict:<7}  {check.name:<{longest}}  ", check.said, width)
        if check.fix:
            lines += hung(" " * (longest + 11) + "-> ", check.fix, width)
    to_mend = ", ".join(check.name for check in report.stopping)
    return [*lines, f"to mend before `tapio up`: {to_mend}" if to_mend else "all that is needed is here"]
