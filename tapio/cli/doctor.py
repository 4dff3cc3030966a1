"""`tapio doctor`: what is here, what is missing, and how to mend it."""

from typing import TYPE_CHECKING, Annotated

import typer

from tapio.cli.options import NamelessFormat, Output, WatchedContext, WatchedKubeconfig

if TYPE_CHECKING:
    from tapio.cli.checks import Report
    from tapio.cli.tables import Table
    from tapio.why.clock import Clock

Namespace = Annotated[str, typer.Option("--namespace", "-n", metavar="NS", help="Ask about rights in this one alone.")]


def doctor(
    namespace: Namespace = "",
    output: NamelessFormat = Output.TEXT,
    context: WatchedContext = None,
    kubeconfig: WatchedKubeconfig = None,
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
    view = printing.View(screen=_screen, table=_table, records=lambda found: found.checks)
    printing.show(report, output, view)
    return report.exit_code


def _table(report: "Report") -> "Table":
    from tapio.cli.tables import Table
    from tapio.why import markdown

    return Table(
        title=markdown.plain(_summary(report)),
        headings=("verdict", "check", "exit code", "said", "fix"),
        extra=("exit code",),
        rows=tuple((check.verdict, check.name, int(check.code), check.said, check.fix) for check in report.checks),
    )


def _screen(report: "Report", clock: "Clock", width: int) -> "list[str]":  # noqa: ARG001  a check has no time
    from tapio.cli.screens import hung

    longest = max(len(check.name) for check in report.checks)
    lines: list[str] = []
    for check in report.checks:
        lines += hung(f"{check.verdict:<7}  {check.name:<{longest}}  ", check.said, width)
        if check.fix:
            lines += hung(" " * (longest + 11) + "-> ", check.fix, width)
    return [*lines, _summary(report)]


def _summary(report: "Report") -> str:
    to_mend = ", ".join(check.name for check in report.stopping)
    return f"to mend before `tapio up`: {to_mend}" if to_mend else "all that is needed is here"
