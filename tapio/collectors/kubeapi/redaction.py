"""Kubernetes objects without their secrets, changed in place: everything that people write values into."""

from collections.abc import Iterator
from typing import Any

from tapio.collectors.redaction import Redactor

Json = dict[str, Any]

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_CONTAINER_LISTS = ("containers", "initContainers", "ephemeralContainers")
_STATUS_LISTS = ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")


def redact(obj: Json, redactor: Redactor) -> bool:
    """Takes the secrets out of an object; `metadata.managedFields` is left for the diff, and stripped after it.

    Returns whether all but the status is as it came.
    """
    taken = redactor.taken
    kind = obj.get("kind")
    if kind == "Secret":
        _only_metadata(obj, redactor)
    elif kind == "ConfigMap":
        _config(obj, redactor)
    elif kind == "Event":
        _text(obj, "message", redactor)
        _text(obj, "note", redactor)
    for meta in _metas(obj):
        _annotations(meta, redactor)
    for spec in _pod_specs(obj):
        _pod_spec(spec, redactor)
    clean = redactor.taken == taken
    redact_status(obj.get("status"), redactor)
    return clean


def _only_metadata(obj: Json, redactor: Redactor) -> None:
    for field in obj.keys() - {"kind", "apiVersion", "metadata", "type", "immutable"}:
        del obj[field]
        redactor.taken += 1


def _config(obj: Json, redactor: Redactor) -> None:
    digest_all = redactor.configmap_values == "digest"
    data = obj.get("data")
    if isinstance(data, dict):
        for key, value in data.items():
            data[key] = redactor.mark(str(value)) if digest_all else redactor.value(key, str(value))
    binary = obj.get("binaryData")
    if isinstance(binary, dict):
        for key, value in binary.items():
            binary[key] = redactor.mark(str(value))


def _metas(obj: Json) -> Iterator[Json]:
    """The object's metadata, and that of the templates inside it."""
    template = _at(obj, "spec", "template")
    job = _at(obj, "spec", "jobTemplate")
    for holder in (obj, template, job, _at(job, "spec", "template")):
        meta = holder.get("metadata")
        if isinstance(meta, dict):
            yield meta


def _pod_specs(obj: Json) -> Iterator[Json]:
    yield _at(obj, "spec")
    yield _at(obj, "spec", "template", "spec")
    yield _at(obj, "spec", "jobTemplate", "spec", "template", "spec")


def _at(obj: Any, *path: str) -> Json:  # noqa: ANN401  any JSON value
    """The mapping at a path, or an empty one."""
    for name in path:
        obj = obj.get(name) if isinstance(obj, dict) else None
    return obj if isinstance(obj, dict) else {}


def _annotations(meta: Json, redactor: Redactor) -> None:
    annotations = meta.get("annotations")
    if not isinstance(annotations, dict):
        return
    redactor.taken += annotations.pop(LAST_APPLIED, None) is not None
    for key, value in annotations.items():
        if isinstance(value, str):
            annotations[key] = redactor.value(key, value)


def _pod_spec(spec: Json, redactor: Redactor) -> None:
    for name in _CONTAINER_LISTS:
        for container in _mappings(spec.get(name)):
            _container(container, redactor)


def _container(container: Json, redactor: Redactor) -> None:
    _arguments(container, "command", redactor)
    _arguments(container, "args", redactor)
    for variable in _mappings(container.get("env")):
        value = variable.get("value")
        if isinstance(value, str):
            variable["value"] = redactor.value(str(variable.get("name", "")), value)
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        _action(container.get(probe), redactor)
    for moment in ("postStart", "preStop"):
        _action(_at(container, "lifecycle").get(moment), redactor)


def _action(action: Any, redactor: Redactor) -> None:  # noqa: ANN401
    """A probe or a lifecycle hook: a command, or a request with headers."""
    _arguments(_at(action, "exec"), "command", redactor)
    for header in _mappings(_at(action, "httpGet").get("httpHeaders")):
        value = header.get("value")
        if isinstance(value, str):
            secret = str(header.get("name", "")).lower() == "authorization"
            header["value"] = redactor.mark(value) if secret else redactor.value(str(header.get("name")), value)


def redact_status(status: Any, redactor: Redactor) -> None:  # noqa: ANN401
    """A container's last words are log lines, and conditions repeat them."""
    if not isinstance(status, dict):
        return
    _text(status, "message", redactor)
    for condition in _mappings(status.get("conditions")):
        _text(condition, "message", redactor)
    for name in _STATUS_LISTS:
        for container in _mappings(status.get(name)):
            for state in (_at(container, "state"), _at(container, "lastState")):
                _text(_at(state, "waiting"), "message", redactor)
                _text(_at(state, "terminated"), "message", redactor)


def _text(holder: Json, field: str, redactor: Redactor) -> None:
    value = holder.get(field)
    if isinstance(value, str):
        holder[field] = redactor.text(value, ids=True)


def _arguments(holder: Json, field: str, redactor: Redactor) -> None:
    value = holder.get(field)
    if isinstance(value, list):
        holder[field] = redactor.arguments(value)


def _mappings(value: Any) -> Iterator[Json]:  # noqa: ANN401
    """The mappings of a list that may not be one."""
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, dict))
