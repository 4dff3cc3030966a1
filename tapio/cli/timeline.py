"""`tapio timeline`: what happened, in order."""

from tapio.cli.options import (
    AllNamespaces,
    At,
    Back,
    Context,
    File,
    Format,
    Kubeconfig,
    Labels,
    Live,
    Namespace,
    Output,
    Server,
    Uid,
    Words,
)
from tapio.errors import Exit


def timeline(
    target: Words = None,
    namespace: Namespace = "",
    all_namespaces: AllNamespaces = False,
    selector: Labels = "",
    file: File = "",
    live: Live = False,
    at: At = "",
    since: Back = "",
    uid: Uid = "",
    output: Format = Output.TEXT,
    server: Server = None,
    context: Context = None,
    kubeconfig: Kubeconfig = None,
) -> int:
    """Tell what happened, the oldest first.

    To TYPE/NAME and what it owns, with the changes that may have reached it; with -n alone, to everything there;
    else to what is in trouble and what was changed.
    """
    from tapio.cli import places, printing, views
    from tapio.why.lists import LONGEST, Page, Timeline
    from tapio.why.lists import timeline as happened

    where = places.Where(file=file, live=live, server=server, context=context, kubeconfig=kubeconfig)
    asked = places.question(
        target, namespace, everywhere=all_namespaces, selector=selector, uid=uid, at=at, since=since
    )
    found = places.answer(
        where,
        "/v1/timeline",
        asked,
        Timeline,
        lambda question, graph: happened(question, graph, Page(LONGEST)),
        limit=str(LONGEST),
    )
    printing.show(found, output, views.TIMELINE)
    printing.note_more(found)
    return Exit.DONE
