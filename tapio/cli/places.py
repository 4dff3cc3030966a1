"""Where answers come from: a running Tapio, a file, or one look at the API server."""

import shlex
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

import msgspec

from tapio import settings
from tapio.cli import terminal
from tapio.errors import BadEventError, UnreachableError, UsageError
from tapio.graph import GraphReader
from tapio.raw import RawEvent
from tapio.times import rfc3339
from tapio.why import Question, parse_target
from tapio.why.labels import parse_selector
from tapio.why.words import in_words, understand

if TYPE_CHECKING:
    from tapio.correlators import Failure

_WITHOUT = "\nor ask without one: --live looks at the cluster once, -f FILE reads a file"
_FILES = (
    "what can be asked: a capture (tapio capture FILE), what kubectl get -o json (or yaml) writes, a folder of such"
)
_SHOWN = 5  # bad lines named one by one; the rest are counted

Document = TypeVar("Document")


class Where(msgspec.Struct, frozen=True, kw_only=True):
    """The flags that choose the place: at most one of `file`, `live` and `server`."""

    file: str = ""
    live: bool = False
    server: str | None = None
    context: str | None = None
    kubeconfig: str | None = None

    @property
    def flags(self) -> str:
        """The flags that ask the same place again, as a shell reads them, after a blank; empty for the usual one."""
        looked = (("--context", self.context), ("--kubeconfig", self.kubeconfig)) if self.live else ()
        named = (("-f", self.file), ("--server", self.server), *looked)
        said = (f" {flag} {shlex.quote(value)}" for flag, value in named if value)
        return "".join((" --live" if self.live else "", *said))


class Seen(msgspec.Struct, frozen=True):
    """Raw events at hand. `at` is the moment of a look; a file speaks of its own newest one."""

    events: Sequence[RawEvent]
    at: datetime | None = None

    def graph(self) -> GraphReader:
        """What follows from them; an event that cannot be read is named on stderr and left out."""
        from tapio.pipeline.local import correlate_events

        return correlate_events(self.events, _unreadable, _failed)


def seen(where: Where, namespace: str = "") -> Seen | None:
    """The raw events of the file or of the look; None where a server is to be asked.

    Raises:
        UsageError: two places are named, the file cannot be read, or there is no kubeconfig.
        ForbiddenError, UnreachableError: the API server refuses, or does not answer.
    """
    if sum((bool(where.file), where.live, where.server is not None)) > 1:
        raise UsageError("--file, --live and --server exclude one another", hint="each names another place to ask")
    if where.file:
        return Seen(read(where.file))
    return _looked(where, namespace) if where.live else None


def read(source: str) -> Sequence[RawEvent]:
    """A file's raw events; what cannot be read of it is named on stderr and left out.

    Raises:
        UsageError: it cannot be read, is empty, or holds no raw event at all.
    """
    from tapio.collectors.file import load

    capture, name = load(source), _named(source)
    for problem in capture.problems[: _SHOWN if capture.events else 1]:
        place = f":{problem.line}" if problem.line else ""
        terminal.note(f"{_named(problem.file or source)}{place}: {problem.reason}")
    if capture.events and len(capture.problems) > _SHOWN:
        terminal.note(f"{name}: {len(capture.problems)} of {capture.lines} lines could not be read")
    if not capture.events:
        empty = "" if capture.lines else "it is empty: "
        raise UsageError(f"{name}: {empty}there is no raw event in it, and no object of Kubernetes", hint=_FILES)
    return capture.events


def _named(source: str) -> str:
    return "standard input" if source == "-" else source


def readable(events: Sequence[RawEvent], source: str) -> Sequence[RawEvent]:
    """Those that the transforms can read; the others are named on stderr, as where the file itself is asked.

    Raises:
        UsageError: there is none.
    """
    from tapio.pipeline.local import unify_events

    wrong: set[int] = set()

    def leave_out(event: RawEvent, error: BadEventError) -> None:
        wrong.add(id(event))
        _unreadable(event, error)

    read = sum(1 for _ in unify_events(events, leave_out))
    if not read:
        raise UsageError(f"{source}: none of its {len(events)} events can be read")
    return [event for event in events if id(event) not in wrong]


def answer(
    where: Where,
    path: str,
    question: Question,
    kind: type[Document],
    local: Callable[[Question, GraphReader], Document],
    **more: str,
) -> Document:
    """The document that the server at `path` sends for the question (and `more` parameters), or that `local` makes of
    the events at hand.

    Raises:
        TapioError: whatever is wrong with the place, the question or the answer.
    """
    here = seen(where, narrowed(question))
    if here is None:
        return ask(where, path, parameters(question) | more, kind, or_else=_WITHOUT)
    graph = here.graph()
    dated = msgspec.structs.replace(question, at=question.at or here.at)
    return local(understand(dated, graph), graph)


def ask(where: Where, path: str, asked: Mapping[str, str], kind: type[Document], *, or_else: str = "") -> Document:
    """The document that the running Tapio sends. `or_else` is what else a person can do where none answers.

    Raises:
        UnreachableError: nobody answers, or what answers is no Tapio of this version.
    """
    from tapio.cli.server import get

    chosen = settings.load({"server": where.server}).settings
    document = get(chosen.server_url, path, asked, chosen.server_timeout_s, or_else=or_else)
    try:
        return msgspec.json.decode(document, type=kind)
    except msgspec.DecodeError as error:
        raise UnreachableError(
            f"what {chosen.server_url} answers is not what this version of Tapio reads: {error}",
            hint="`tapio version` and the server's /openapi.json say which versions they are",
        ) from error


def parameters(question: Question) -> dict[str, str]:
    """The question as query parameters; what is empty is not sent."""
    return {
        "target": question.target,
        "namespace": question.namespace,
        "uid": question.uid,
        "at": question.at.isoformat() if question.at else "",
        "since": f"{question.since.total_seconds():.0f}s" if question.since else "",
        "selector": question.selector.text,
        "min_confidence": str(question.min_confidence) if question.min_confidence else "",
    }


def flags_of(question: Question) -> str:
    """The flags, after a blank each, with which `tapio evidence` finds the answer to this question in a file."""
    since, least = question.since, question.min_confidence
    where = f" -n {question.namespace}" if question.namespace and not question.target else ""
    back = f" --since {since.total_seconds():.0f}s" if since is not None else ""
    sure = f" --min-confidence {least:g}" if least else ""
    return f"{where}{moment_flag(question)}{back}{sure}"


def moment_flag(question: Question) -> str:
    """`--at` after a blank, with the moment that the question names; empty where it names none."""
    return f" --at {rfc3339(question.at)}" if question.at else ""


def narrowed(question: Question) -> str:
    """The namespace that one look can be narrowed to; empty for the whole cluster."""
    if not question.target or in_words(question.target):
        return question.namespace
    return parse_target(question.target, question.namespace).namespace


def _looked(where: Where, namespace: str) -> Seen:
    import asyncio

    from tapio.cli import cluster

    chosen = settings.load({"context": where.context, "kubeconfig": where.kubeconfig}).settings
    look = asyncio.run(cluster.look(chosen, namespace))
    return Seen(look.events, look.at)


def _unreadable(event: RawEvent, error: BadEventError) -> None:
    meta = event.metadata
    terminal.note(f"left out: {event.type} {meta.k8s_namespace}/{meta.k8s_name}: {error.message}")


def _failed(failure: "Failure") -> None:
    terminal.note(f"a rule failed on {failure.subject}, please report it: {failure.error}")


def question(
    target: str | Sequence[str] | None = None,
    namespace: str = "",
    *,
    everywhere: bool = False,
    uid: str = "",
    at: str = "",
    since: str = "",
    min_confidence: float = 0.0,
    selector: str = "",
) -> Question:
    """The question that the flags ask; of several words it is made of all.

    Raises:
        UsageError: a time, a span or a selector is none, or two flags exclude one another.
    """
    from tapio.times import parse_moment, parse_span

    if namespace and everywhere:
        raise UsageError("--namespace and --all-namespaces exclude one another")
    named = target if isinstance(target, str) else " ".join(target or ())
    return Question(
        target=named,
        namespace=namespace,
        uid=uid,
        at=parse_moment(at) if at else None,
        since=parse_span(since) if since else None,
        min_confidence=min_confidence,
        selector=parse_selector(selector, named),
    )
