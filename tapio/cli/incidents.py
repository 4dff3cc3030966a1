"""`tapio incidents`: what is wrong, by cause, the worst first."""

from tapio.cli.options import (
    AllNamespaces,
    At,
    Context,
    File,
    Format,
    Kubeconfig,
    Live,
    Namespace,
    Output,
    Server,
    Words,
)
from tapio.errors import Exit


def incidents(
    target: Words = None,
    namespace: Namespace = "",
    all_namespaces: AllNamespaces = False,
    file: File = "",
    live: Live = False,
    at: At = "",
    output: Format = Output.TEXT,
    server: Server = None,
    context: Context = None,
    kubeconfig: Kubeconfig = None,
) -> int:
    """List what is wrong, by cause, the worst first."""
    from tapio.cli import places, printing, views
    from tapio.why.lists import LONGEST, IncidentList, Page, incident_list

    where = places.Where(file=file, live=live, server=server, context=context, kubeconfig=kubeconfig)
    asked = places.question(target, namespace, everywhere=all_namespaces, at=at)
    found = places.answer(
        where,
        "/v1/incidents",
        asked,
        IncidentList,
        lambda question, graph: incident_list(question, graph, Page(LONGEST)),
        limit=str(LONGEST),
    )
    printing.show(found, output, views.incidents(f"{where.flags}{places.moment_flag(asked)}"))
    printing.note_more(found)
    return Exit.DONE
