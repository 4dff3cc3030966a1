"""`tapio sources`: what each source saw, where it was blind, what it may not read."""

from tapio.cli.options import At, Context, File, Kubeconfig, Live, NamelessFormat, Output, Server
from tapio.errors import Exit


def sources(
    file: File = "",
    live: Live = False,
    at: At = "",
    output: NamelessFormat = Output.TEXT,
    server: Server = None,
    context: Context = None,
    kubeconfig: Kubeconfig = None,
) -> int:
    """Say what each source saw, and where it was blind."""
    from tapio.cli import places, printing, views
    from tapio.why.lists import SourceList
    from tapio.why.lists import sources as seen

    where = places.Where(file=file, live=live, server=server, context=context, kubeconfig=kubeconfig)
    asked = places.question(at=at)
    found = places.answer(where, "/v1/sources", asked, SourceList, lambda question, graph: seen(graph, question.at))
    printing.show(found, output, views.SOURCES)
    return Exit.DONE
