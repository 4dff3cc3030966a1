"""`tapio changes`: what changed, from what to what, by whom."""

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


def changes(
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
    """List what changed, by whom, the newest first.

    Field, before and after; linked where a cause rests on it, else coincident.
    Of TYPE/NAME and whatever may carry a change to it; with -n alone, of everything there; else of everything.
    """
    from tapio.cli import places, printing, views
    from tapio.why.lists import LONGEST, ChangeList, Page
    from tapio.why.lists import changes as changed

    where = places.Where(file=file, live=live, server=server, context=context, kubeconfig=kubeconfig)
    asked = places.question(
        target, namespace, everywhere=all_namespaces, selector=selector, uid=uid, at=at, since=since
    )
    found = places.answer(
        where,
        "/v1/changes",
        asked,
        ChangeList,
        lambda question, graph: changed(question, graph, Page(LONGEST)),
        limit=str(LONGEST),
    )
    printing.show(found, output, views.CHANGES)
    printing.note_more(found)
    return Exit.DONE
