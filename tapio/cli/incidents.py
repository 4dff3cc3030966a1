"""`tapio incidents`: what is wrong, by cause, the worst first."""

from typing import TYPE_CHECKING, Annotated

import typer

from tapio.cli.options import (
    AllNamespaces,
    At,
    Context,
    File,
    Format,
    Kubeconfig,
    Labels,
    Live,
    Namespace,
    Output,
    Server,
    Words,
)
from tapio.errors import Exit

if TYPE_CHECKING:
    from tapio.cli.places import Where
    from tapio.why import Question
    from tapio.why.lists import IncidentList

Watch = Annotated[
    bool, typer.Option("--watch", "-w", help="Then tell what is new, changed or over, until Ctrl-C; -o text or jsonl.")
]


def incidents(
    target: Words = None,
    namespace: Namespace = "",
    all_namespaces: AllNamespaces = False,
    selector: Labels = "",
    file: File = "",
    live: Live = False,
    at: At = "",
    watch: Watch = False,
    output: Format = Output.TEXT,
    server: Server = None,
    context: Context = None,
    kubeconfig: Kubeconfig = None,
) -> int:
    """List what is wrong, by cause, the worst first."""
    from functools import partial

    from tapio.cli import places, printing, views, watching

    where = places.Where(file=file, live=live, server=server, context=context, kubeconfig=kubeconfig)
    asked = places.question(target, namespace, everywhere=all_namespaces, selector=selector, at=at)
    look = partial(_look, where, asked)
    view = views.incidents(f"{where.flags}{places.moment_flag(asked)}")
    if watch:
        watching.check(output, elsewhere=bool(file or live or at))
        watching.watch(look, output, view)
        return Exit.DONE
    found = look()
    printing.show(found, output, view)
    printing.note_more(found)
    return Exit.DONE


def _look(where: "Where", asked: "Question") -> "IncidentList":
    from tapio.cli import places
    from tapio.why.lists import LONGEST, IncidentList, Page, incident_list

    return places.answer(
        where,
        "/v1/incidents",
        asked,
        IncidentList,
        lambda question, graph: incident_list(question, graph, Page(LONGEST)),
        limit=str(LONGEST),
    )
