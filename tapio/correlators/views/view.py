"""What every view has, and how events and changes become evidence."""

from datetime import datetime
from functools import cached_property

from tapio.correlators.history import History
from tapio.correlators.views.remade import SETTINGS, remade
from tapio.correlators.world import Moment
from tapio.graph import Change, Evidence
from tapio.unified import EventName, ObjectKey, UnifiedEvent


class View:
    """What every view has: the moment, the entity's newest state and everything said about it until then.

    `by_hearsay`: the state is only what Events tell of an object that was never seen.
    """

    by_hearsay = False

    def __init__(self, moment: Moment, event: UnifiedEvent, history: History) -> None:
        self.moment = moment
        self.event = event
        self.history = history

    @property
    def at(self) -> datetime:
        return self.moment.at

    @property
    def key(self) -> ObjectKey:
        return self.history.key

    @property
    def uid(self) -> str:
        return self.event.k8s_context.uid

    @property
    def labels(self) -> dict[str, str]:
        return self.event.k8s_context.labels

    @property
    def root(self) -> ObjectKey:
        """The topmost owner known; the entity itself where nobody owns it."""
        known = self.event.owner
        if known:
            return self.moment.name_of(known)
        owners = self.event.k8s_context.owner_references
        return ObjectKey(owners[0].kind, self.key.namespace, owners[0].name) if owners else self.key

    @cached_property
    def happenings(self) -> list[UnifiedEvent]:
        return self.history.happenings(self.at, self.uid)

    def said(self, *names: EventName, since: datetime | None = None) -> list[UnifiedEvent]:
        """The happenings of these names, last seen at or after `since`, oldest first."""
        return [
            event for event in self.happenings if event.event_name in names and (not since or event.timestamp >= since)
        ]

    def changes_of(self, key: ObjectKey) -> list[Change]:
        """The changes of any entity up to this moment, newest first; of settings also those of making them anew."""
        history = self.moment.history(key)
        told = history.changes_until(self.at) if history else []
        anew = remade(history, self.at) if history and key.kind in SETTINGS else []
        return sorted([*told, *anew], key=_at, reverse=True) if anew else told

    def fact(self, text: str, *, at: datetime | None = None) -> Evidence:
        """This state as evidence, by the first version that said so: those that repeat it may come late, or never."""
        return evidence(self.history.first_alike(self.event), text, at=at)


def _at(change: Change) -> datetime:
    return change.at


def evidence(
    event: UnifiedEvent, text: str, *, at: datetime | None = None, entity: ObjectKey | None = None
) -> Evidence:
    """An event as evidence of something."""
    return Evidence(
        at=at or event.timestamp, event_id=event.id, source=event.source, entity=entity or event.key, text=text
    )


_LIFE = {"metadata.creationTimestamp": "created", "metadata.deletionTimestamp": "deleted"}


def with_change(change: Change | None, *facts: Evidence) -> tuple[Evidence, ...]:
    """The evidence of a finding: what changed first, where something did, then the facts."""
    return (change_evidence(change), *facts) if change else facts


def change_evidence(change: Change) -> Evidence:
    """A change as evidence."""
    who = f" by {change.actor}" if change.actor else ""
    how = _LIFE.get(change.field, f"{change.field} changed")
    text = f"{change.entity.kind} {change.entity.name}: {how}{who}"
    return Evidence(at=change.at, event_id=change.event_id, source="kubeapi", entity=change.entity, text=text)
