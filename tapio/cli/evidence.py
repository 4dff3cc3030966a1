"""`tapio evidence`: the events behind an answer, as their sources said them."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tapio.cli.options import At, Confidence, File, Format, Namespace, Output, Server, Since
from tapio.errors import Exit

if TYPE_CHECKING:
    from tapio.cli.places import Seen
    from tapio.why import Question
    from tapio.why.lists import Evidence

Id = Annotated[str, typer.Argument(metavar="ID", help="The id of an explanation, a link or an event.")]


def evidence(
    id_: Id,
    namespace: Namespace = "",
    file: File = "",
    at: At = "",
    since: Since = "",
    min_confidence: Confidence = 0.0,
    output: Format = Output.TEXT,
    server: Server = None,
) -> int:
    """Show the raw events behind an answer.

    ID is an explanation's, a link's or an event's.
    An explanation's id holds for the moment it was given for and the flags it was asked with; where the running Tapio
    does not remember it, --at takes the `at` of its JSON.
    """
    from tapio.cli import places, printing, views
    from tapio.why.lists import Evidence

    where = places.Where(file=file, server=server)
    asked = places.question(namespace=namespace, at=at, since=since, min_confidence=min_confidence)
    here = places.seen(where)
    if here is None:
        from urllib.parse import quote

        found = places.ask(where, f"/v1/evidence/{quote(id_, safe='')}", places.parameters(asked), Evidence)
    else:
        found = _here(id_, asked, here)
    printing.show(found, output, views.EVIDENCE)
    return Exit.DONE


def _here(id_: str, asked: "Question", here: "Seen") -> "Evidence":
    """From the events at hand, which hold their own raw ones."""
    import msgspec

    from tapio.raw import encode, event_id
    from tapio.why import lists

    found = lists.evidence(id_, asked, here.graph())
    wanted = {item.raw_id for item in found.items}
    raws: dict[str, Any] = {}
    for event in here.events:
        if (raw_id := event_id(event)) in wanted:
            raws[raw_id] = msgspec.Raw(encode(event))
    return lists.with_raw(found, raws)
