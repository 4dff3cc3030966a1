"""The first stage: a collector's raw events become durable in RAW."""

import time
from collections.abc import Callable, Sequence
from datetime import datetime

from tapio.collectors.port import Collects, SourceState
from tapio.pipeline.progress import Progress, newer
from tapio.raw import Metadata, RawEvent, encode, event_id, subject_of
from tapio.raw.event import raw_json
from tapio.streams import RAW, Message, Streams
from tapio.streams.port import MessageTooLargeError
from tapio.telemetry import Collected, LossDeclared, Telemetry, Troubled


class Collect:
    """Runs one source into RAW. `name` is the collector's one name (`kubeapi`); `state` says how the source fares."""

    def __init__(
        self,
        name: str,
        source: Collects,
        streams: Streams,
        telemetry: Telemetry,
        state: Callable[[], SourceState] = SourceState,
    ) -> None:
        self._name = name
        self._source = source
        self._streams = streams
        self._telemetry = telemetry
        self._events = 0
        self._newest: datetime | None = None
        self._state = state
        self._told: dict[str, int] = {}

    async def run(self) -> None:
        """Returns when the source ends; a watch never does."""
        await self._source.run(self.emit)

    async def emit(self, events: Sequence[RawEvent]) -> None:
        """Returns when all of `events` are durable; one that is too large is replaced by a declared loss."""
        if not events:
            return
        started = time.monotonic()
        messages = await self._published(events)
        self._events += len(events)
        self._newest = newer(self._newest, max(event.timestamp for event in events))
        size = sum(len(message.data) for message in messages)
        took = time.monotonic() - started
        self._telemetry.tell(Collected(source=self._name, events=len(events), bytes=size, took_s=took))

    async def progress(self) -> Progress:
        state = self._state()
        self._tell_troubles(state)
        return Progress(stage=f"collect/{self._name}", events=self._events, newest=self._newest, suffers=state.suffers)

    def _tell_troubles(self, state: SourceState) -> None:
        """Tells what the source got over since it was last asked."""
        for what, times in state.troubles.items():
            if (more := times - self._told.get(what, 0)) > 0:
                self._telemetry.tell(Troubled(source=self._name, what=what, times=more, error=state.last_trouble))
        self._told = dict(state.troubles)

    async def _published(self, events: Sequence[RawEvent]) -> Sequence[Message]:
        """Publishes; each event that the server would never take gives its place to a loss record."""
        messages = [to_message(event) for event in events]
        while True:
            try:
                await self._streams.publish(RAW, messages)
            except MessageTooLargeError as error:
                place = next(place for place, message in enumerate(messages) if message.id == error.id)
                messages[place] = self._loss(events[place], error)
            else:
                return messages

    def _loss(self, event: RawEvent, error: MessageTooLargeError) -> Message:
        self._telemetry.tell(LossDeclared(source=self._name, cause="oversized", lost=1, detail=error.message))
        return to_message(oversized(event, error.size))


def to_message(event: RawEvent) -> Message:
    """The event as it travels on RAW."""
    return Message(subject_of(event.metadata.collector, event.type), encode(event), event_id(event))


def oversized(event: RawEvent, size: int) -> RawEvent:
    """The loss record that stands for an event of `size` bytes: it names what was lost."""
    meta = event.metadata
    lost = {
        "cause": "oversized",
        "count": 1,
        "from": event.timestamp,
        "to": event.timestamp,
        "event_id": event_id(event),
        "kind": meta.k8s_kind,
        "object": f"{meta.k8s_kind}/{meta.k8s_namespace}/{meta.k8s_name}",
        "bytes": size,
    }
    about = Metadata(collector=meta.collector, k8s_node=meta.k8s_node, observed_at=meta.observed_at)
    return RawEvent(timestamp=event.timestamp, type="loss", data=raw_json(lost), metadata=about)
