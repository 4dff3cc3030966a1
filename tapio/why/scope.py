"""What belongs to a subject: itself and, downwards, what it owns, selects or routes to, with the symptoms they show."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

import msgspec

from tapio.graph import EdgeType, Entity, GraphReader, Link, Symptom
from tapio.graph.symptoms import SymptomCode
from tapio.unified import ObjectKey
from tapio.why.labels import Selector

MAX_DEPTH = 8  # Ingress, Service, Deployment, ReplicaSet, Pod is five; CRDs may own three deep above them
_DOWN = frozenset({EdgeType.OWNS, EdgeType.SELECTS, EdgeType.ROUTES_TO})
_LEAVES = frozenset({"Pod", "Node", "ConfigMap", "Secret"})  # nothing below them; a Node answers for itself alone
_INSTANT = timedelta(microseconds=1)
_OVER = frozenset({SymptomCode.EVICTED, SymptomCode.FAILED})
_REPLACE_PODS = frozenset({"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"})
_FEW = 64  # up to here one look per subject is cheaper than reading every open symptom


class Subject(msgspec.Struct, frozen=True, gc=False):
    """One object by name and uid (empty where only the name is known)."""

    key: ObjectKey
    uid: str = ""


class Troubles(msgspec.Struct, frozen=True):
    """The symptoms of a scope: those that count, and those that count only when a rule says why they are there."""

    open: tuple[Symptom, ...] = ()
    starting: tuple[Symptom, ...] = ()


def links_of(graph: GraphReader, subject: Subject, at: datetime) -> list[Link]:
    """The links to exactly this object, another of the same name left out; in a stable order."""
    links = [link for link in graph.links(subject.key, at) if same_uid(link.uid, subject.uid)]
    return sorted(links, key=lambda link: (link.code, link.id)) if len(links) > 1 else links


def same_uid(one: str, other: str) -> bool:
    """Whether two uids can be one object's: an Event that came alone may name its object without a uid."""
    return not one or not other or one == other


def is_quiet(link: Link) -> bool:
    """Whether the link says that nothing is wrong."""
    return link.code.startswith("none.")


def says_nothing(link: Link) -> bool:
    """Whether the link only says what was looked at (`unknown.*`): it names no cause."""
    return link.code.partition(".")[0] == "unknown"


def is_retired(graph: GraphReader, subject: Subject, at: datetime) -> bool:
    """Whether the object was torn down on purpose: what it still shows is no trouble of its owner."""
    return any(link.code == "none.retired" for link in links_of(graph, subject, at))


def members(graph: GraphReader, key: ObjectKey, at: datetime) -> list[ObjectKey]:
    """The subject and everything below it, nearest first; what an old, retired owner still owns is left out."""
    seen = {key}
    level = [key]
    for _ in range(MAX_DEPTH):
        level = [child for parent in level for child in _children(graph, parent, at) if child not in seen]
        level = sorted(set(level))
        if not level:
            break
        seen.update(level)
    return sorted(seen, key=lambda member: (member != key, member))


def _children(graph: GraphReader, parent: ObjectKey, at: datetime) -> Iterator[ObjectKey]:
    if parent.kind in _LEAVES:
        return
    for edge in graph.edges(parent, at):
        if edge.source != parent or edge.type not in _DOWN:
            continue
        if edge.target.kind in _LEAVES or not is_retired(graph, newest(graph, edge.target, at), at):
            yield edge.target


def troubles_of(graph: GraphReader, subject: Subject, at: datetime) -> Troubles:
    """What the subject and everything below it show at `at`."""
    return sorted_out(graph, _symptoms(graph, subject, at), at, asked=subject.key)


def _symptoms(graph: GraphReader, subject: Subject, at: datetime) -> list[Symptom]:
    if subject.key.kind == "Namespace":
        return [symptom for symptom in graph.symptoms(at) if in_namespace(symptom.subject, subject.key.name)]
    keys = members(graph, subject.key, at)
    found: Sequence[Symptom]
    if len(keys) <= _FEW:
        found = [symptom for key in keys for symptom in graph.symptoms(at, key)]
    else:
        wanted = set(keys)
        found = [symptom for symptom in graph.symptoms(at) if symptom.subject in wanted]
    return [symptom for symptom in found if symptom.subject != subject.key or same_uid(symptom.uid, subject.uid)]


def in_namespace(key: ObjectKey, namespace: str) -> bool:
    """Whether the object is in the namespace, or is the namespace."""
    return key.namespace == namespace or key == ObjectKey("Namespace", "", namespace)


def sorted_out(
    graph: GraphReader, symptoms: Sequence[Symptom], at: datetime, *, asked: ObjectKey | None = None
) -> Troubles:
    """Parts trouble from what may yet be an ordinary start, and drops what is being retired, and pods that are over and
    whose workload is well without them: those count for who asks for them alone.
    """
    living = (one for one in symptoms if not is_retired(graph, Subject(one.subject, one.uid), at))
    kept = [one for one in living if one.subject == asked or not _is_made_up_for(graph, one, at)]
    return Troubles(
        _ordered(one for one in kept if not may_be_start(one, at)),
        _ordered(one for one in kept if may_be_start(one, at)),
    )


def _is_made_up_for(graph: GraphReader, symptom: Symptom, at: datetime) -> bool:
    """Whether it is of a pod that was evicted or refused, and its workload has all the pods that it wants by now."""
    if symptom.code not in _OVER or symptom.subject.kind != "Pod":
        return False
    entity = entity_of(graph, Subject(symptom.subject, symptom.uid), at)
    root = entity.root if entity else None
    return root is not None and root.kind in _REPLACE_PODS and not graph.symptoms(at, root)


def may_be_start(symptom: Symptom, at: datetime) -> bool:
    """Whether the symptom may be an ordinary start, whose time is not yet over."""
    return symptom.expected_by is not None and at <= symptom.expected_by


def _ordered(symptoms: Iterable[Symptom]) -> tuple[Symptom, ...]:
    return tuple(sorted(symptoms, key=lambda symptom: (symptom.since, symptom.subject, symptom.uid, symptom.code)))


def newest(graph: GraphReader, key: ObjectKey, at: datetime) -> Subject:
    """Who has the name at `at`: the newest of all that ever had it."""
    entity = entity_of(graph, Subject(key), at)
    return Subject(key, entity.uid if entity else "")


def entity_of(graph: GraphReader, subject: Subject, at: datetime) -> Entity | None:
    """What is known of the object: the newest of its name unless the uid says which."""
    key = subject.key
    found = graph.entities(at, kind=key.kind, namespace=key.namespace, name=key.name, uid=subject.uid)
    return next((entity for entity in found if entity.key == key), None)


def is_labelled(graph: GraphReader, subject: Subject, at: datetime, selector: Selector) -> bool:
    """Whether the subject has such labels; of what is no object none is known."""
    entity = entity_of(graph, subject, at)
    return selector.matches(entity.labels if entity else {})


def last_moment(graph: GraphReader, entity: Entity, at: datetime) -> datetime:
    """When to look at an object: one that is gone as it last was in trouble, unless it recovered before it went."""
    subject = Subject(entity.key, entity.uid)
    if entity.lives_at(at) and not is_retired(graph, subject, at):
        return at
    trouble = next((one for one in graph.past_symptoms(entity.key, at) if _is_trouble(one, subject)), None)
    if trouble is None or trouble.valid_to is None:
        return at
    went_on = links_of(graph, subject, trouble.valid_to)
    recovered = any(link.code != "none.retired" for link in went_on)
    return at if recovered else max(trouble.valid_from, trouble.valid_to - _INSTANT)


def _is_trouble(symptom: Symptom, subject: Subject) -> bool:
    return symptom.expected_by is None and same_uid(symptom.uid, subject.uid)
