"""The events behind an answer, with what their sources said, verbatim, from the RAW stream that still has it."""

import asyncio
from collections import OrderedDict
from typing import Any

import msgspec
from fastapi import FastAPI, Response

from serve.graph import Graph
from serve.parameters import Confidence, Moment, Namespace, Span, json, question
from serve.schema import answers
from tapio.pipeline.evidence import raw_event
from tapio.raw import encode
from tapio.stores import GraphStore
from tapio.streams.jetstream import connect
from tapio.why import Explanation, Question
from tapio.why.lists import Evidence, evidence, with_raw

_REMEMBERED = 1000  # questions of the answers given last: a few hundred bytes each


class Given(msgspec.Struct):
    """The questions of the answers given last, by the answer's id: asked again they give the same answer."""

    questions: OrderedDict[str, Question] = msgspec.field(default_factory=OrderedDict)

    def remember(self, question: Question, answers: list[Explanation]) -> None:
        """Keeps what was asked, as of the moment it was answered for."""
        for answer in answers:
            self.questions[answer.id] = msgspec.structs.replace(question, at=answer.at)
            self.questions.move_to_end(answer.id)
        while len(self.questions) > _REMEMBERED:
            self.questions.popitem(last=False)

    def of(self, answer_id: str) -> list[Question]:
        """The question of this answer, where it is remembered."""
        return [self.questions[answer_id]] if answer_id in self.questions else []


def add_evidence(app: FastAPI, graph: Graph, given: Given, nats: str) -> None:
    """Adds the endpoint. Without the address of NATS the events come without their raw ones."""

    @app.get("/v1/evidence/{id}", responses=answers(Evidence), response_class=Response)
    def show_evidence(
        id: str,  # noqa: A002  the path's own name
        namespace: Namespace = "",
        at: Moment = "",
        since: Span = "",
        min_confidence: Confidence = 0.0,
    ) -> Response:
        """The events behind an explanation, a link or an event."""
        store = graph.reader()
        asked = question("", namespace, at=at, since=since, min_confidence=min_confidence)
        found = evidence(id, asked, store, given.of(id))
        return json(with_raw(found, asyncio.run(_raws(found, store, nats)) if nats else {}))


async def _raws(found: Evidence, store: GraphStore, nats: str) -> dict[str, Any]:
    """Raw id -> the raw event, of those that RAW still has."""
    streams = await connect(nats)
    try:
        ids = {item.raw_id for item in found.items}
        read = {raw_id: await raw_event(raw_id, store, streams) for raw_id in sorted(ids)}
    finally:
        await streams.close()
    return {raw_id: msgspec.Raw(encode(event)) for raw_id, event in read.items() if event is not None}
