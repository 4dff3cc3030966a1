"""A ConfigMap, a Secret or a key of one that a container needs and that is not there."""

import re
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from tapio.correlators.rules.clues.absent import as_change, deletion_of
from tapio.correlators.rules.finding import Finding, rule
from tapio.correlators.rules.mounts import current_mount_failures, volume_field, volume_in
from tapio.correlators.rules.remedies import named, shortened, undo_or_correct
from tapio.correlators.views import ContainerView, PodView, evidence, with_change
from tapio.graph import Change, Evidence, RuledOut
from tapio.unified import ObjectKey
from tapio.unified import objects as k8s

# The kubelet's words (pkg/kubelet/kubelet_pods.go, pkg/volume/configmap, pkg/volume/secret; API errors name the
# resource in the plural before 1.7 and where a cache is not used).
_NO_OBJECT = re.compile(r'\b(configmap|secret)s? "([^"]+)" not found', re.IGNORECASE)
_NO_KEY = re.compile(r"couldn't find key (\S+) in (ConfigMap|Secret) ([^/\s]+)/(\S+)", re.IGNORECASE)
_NO_KEY_IN_VOLUME = re.compile(r"references non-existent (config|secret) key: (\S+)", re.IGNORECASE)
_KINDS = {"configmap": "ConfigMap", "config": "ConfigMap", "secret": "Secret"}


class _Missing(NamedTuple):
    """What is not there: an object, or (`item`) a key of it; `container` is empty where a volume needs it."""

    key: ObjectKey
    item: str
    how: str  # env | volume
    container: str
    volume: str
    told: Evidence


@rule("startup.config_missing", version=1)
def config_missing(pod: PodView) -> Iterator[Finding]:
    """A ConfigMap or Secret that the pod needs, or a key of it, is not there.

    An object that was deleted is to blame itself, with its deletion; so is one that lost the key. What was never there
    is the fault of the workload that refers to it. Optional references keep nobody waiting.
    """
    missing = next(_missing(pod), None)
    if missing is None or _optional(pod, missing):
        return
    change = _lost(pod, missing) or _reference_change(pod, missing)
    blame = change.entity if change else pod.workload
    yield Finding(
        code="startup.config_missing",
        blame=blame,
        workload=pod.workload,
        change=change,
        summary=_summary(missing, change, pod.workload),
        confidence=0.95 if change else 0.93,
        evidence=with_change(change, missing.told),
        attributes=_attributes(missing, change),
        ruled_out=(RuledOut(code="runtime.crash_app", because="the container never started"),),
        next=_next(pod, missing, change),
    )


def _missing(pod: PodView) -> Iterator[_Missing]:
    for container in pod.containers:
        found = _of_container(container)
        if found:
            yield found
    for failure in current_mount_failures(pod):
        told = evidence(failure.event, f"FailedMount x{failure.times}: {shortened(failure.text)}")
        found = _of_volume(pod, failure.volume, failure.text, told)
        if found and failure.persists:
            yield found


def _of_container(container: ContainerView) -> _Missing | None:
    waiting = container.waiting
    if waiting is None or waiting.reason != "CreateContainerConfigError":
        return None
    told = container.pod.fact(f"container {container.name}: {waiting.reason}: {shortened(waiting.message)}")
    namespace = container.pod.key.namespace
    no_key = _NO_KEY.search(waiting.message)
    if no_key:
        item, kind, _, name = no_key.groups()
        return _Missing(
            ObjectKey(_KINDS[kind.lower()], namespace, name), item, "env", container.name, volume="", told=told
        )
    return _no_object(waiting.message, namespace, "env", container.name, told)


def _no_object(text: str, namespace: str, how: str, where: str, told: Evidence) -> _Missing | None:
    found = _NO_OBJECT.search(text)
    if not found:
        return None
    key = ObjectKey(_KINDS[found[1].lower()], namespace, found[2].rpartition("/")[2])
    in_volume = how == "volume"
    return _Missing(key, "", how, "" if in_volume else where, where if in_volume else "", told)


def _of_volume(pod: PodView, name: str, text: str, told: Evidence) -> _Missing | None:
    no_key = _NO_KEY_IN_VOLUME.search(text)
    if not no_key:
        return _no_object(text, pod.key.namespace, "volume", name, told)
    kind, item = _KINDS[no_key[1].lower()], no_key[2].rstrip(".,")
    holder = _read_by(volume_in(pod, name), kind)
    return _Missing(ObjectKey(kind, pod.key.namespace, holder), item, "volume", "", name, told)


def _read_by(volume: k8s.Volume | None, kind: str) -> str:
    """The object of a kind that a volume holds; empty where the volume is not known."""
    if volume is None:
        return ""
    if kind == "ConfigMap" and volume.config_map:
        return volume.config_map.name
    if kind == "Secret" and volume.secret:
        return volume.secret.secret_name
    parts = volume.projected.sources if volume.projected else ()
    refs = (part.config_map if kind == "ConfigMap" else part.secret for part in parts)
    return next((ref.name for ref in refs if ref), "")


def _optional(pod: PodView, missing: _Missing) -> bool:
    mine = [one for one in pod.references if one.key == missing.key and one.how == missing.how]
    return bool(mine) and all(one.optional for one in mine)


def _lost(pod: PodView, missing: _Missing) -> Change | None:
    """The deletion of the object, or the change that took the key out of it."""
    deletion = deletion_of(pod, missing.key)
    if deletion is not None:
        return as_change(deletion)
    removed = (f"data.{missing.item}", f"data[{missing.item}]", f"binaryData.{missing.item}", "data")
    changes = pod.changes_of(missing.key) if missing.item else []
    return next((one for one in changes if one.field in removed and one.after in (None, msgspec.UNSET)), None)


def _reference_change(pod: PodView, missing: _Missing) -> Change | None:
    """The newest template change that names what is missing."""
    words = {word for word in (missing.key.name, missing.item) if word}
    return next((one for one in pod.workload_changes if _sets(one, words)), None)


def _sets(change: Change, words: set[str]) -> bool:
    if change.after in (None, msgspec.UNSET):
        return False
    set_to = msgspec.json.encode(change.after).decode()
    return any(f'"{word}"' in set_to for word in words)


def _summary(missing: _Missing, change: Change | None, workload: ObjectKey) -> str:
    what = f"{missing.key.kind} {missing.key.name}"
    where = f"container {missing.container}" if missing.container else f"volume {missing.volume}"
    lacking = f"key {missing.item} of {what}" if missing.item else what
    if change and change.entity == missing.key:
        return f"{lacking}, which {where} needs, was {'removed' if missing.item else 'deleted'}"
    return f"{where} of {named(workload)} needs {lacking}, which does not exist"


def _attributes(missing: _Missing, change: Change | None) -> dict[str, object]:
    attributes: dict[str, object] = {"kind": missing.key.kind, "object": missing.key.name, "how": missing.how}
    optional = {"key": missing.item, "container": missing.container, "volume": missing.volume}
    if change and change.entity == missing.key and not missing.item:
        optional["deleted_at"] = str(change.after)
    return attributes | {name: value for name, value in optional.items() if value}


def _next(pod: PodView, missing: _Missing, change: Change | None) -> tuple[str, ...]:
    if change and change.entity == missing.key:
        what = f"data.{missing.item} of {named(missing.key)}" if missing.item else named(missing.key)
        return (f"restore {what}; the kubelet tries again by itself",)
    field = volume_field(missing.volume) if missing.volume else _env_field(pod, missing)
    create = f"kubectl -n {missing.key.namespace} create {_creatable(missing)}"
    return (undo_or_correct(pod.workload, change, field, f"{missing.key.kind} {missing.key.name}"), f"or: {create}")


def _env_field(pod: PodView, missing: _Missing) -> str:
    """Where the container's environment refers to what is missing."""
    container = next(one for one in pod.containers if one.name == missing.container)
    for variable in container.spec.env:
        source = variable.value_from
        refs = (source.config_map_key_ref, source.secret_key_ref) if source else ()
        if any(ref and ref.name == missing.key.name and missing.item in ("", ref.key) for ref in refs):
            return container.field(f"env[{variable.name}]")
    return container.field("envFrom")


def _creatable(missing: _Missing) -> str:
    word = "configmap" if missing.key.kind == "ConfigMap" else "secret generic"
    return f"{word} {missing.key.name} --from-literal={missing.item or '<key>'}=<value>"
