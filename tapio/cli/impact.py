"""`tapio impact`: who is hit, or would be."""

from tapio.cli.options import (
    At,
    Context,
    File,
    Format,
    Kubeconfig,
    Live,
    Namespace,
    Output,
    Server,
    Uid,
    Words,
)
from tapio.errors import Exit


def impact(
    target: Words = None,
    namespace: Namespace = "",
    file: File = "",
    live: Live = False,
    at: At = "",
    uid: Uid = "",
    output: Format = Output.TEXT,
    server: Server = None,
    context: Context = None,
    kubeconfig: Kubeconfig = None,
) -> int:
    """Say who is hit: pods, Services, ingresses, callers.

    By what is wrong with TYPE/NAME, and by what leans on it whether or not it fails now; without a target, by the
    worst incident.
    """
    from tapio.cli import places, printing, views
    from tapio.why.lists import ImpactReport
    from tapio.why.lists import impact as hit

    where = places.Where(file=file, live=live, server=server, context=context, kubeconfig=kubeconfig)
    asked = places.question(target, namespace, uid=uid, at=at)
    found = places.answer(where, "/v1/impact", asked, ImpactReport, hit)
    printing.show(found, output, views.IMPACT)
    return Exit.DONE
