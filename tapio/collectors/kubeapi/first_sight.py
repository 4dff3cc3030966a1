"""A Pod that is seen for the first time and has nothing to hide goes out as the bytes that came.

That is most of what a big cluster's first listing is. Redaction looks at few fields of a Pod, and replicas have the
same in them: what was found clean once is not looked at again. A Pod in which anything would be taken out, or of which
anything is unusual, is none of this module's; it is read whole.
"""

from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import astuple

from tapio.collectors.kubeapi.changes import BOOKKEEPING
from tapio.collectors.kubeapi.enrich import About, about, owner_of
from tapio.collectors.kubeapi.redaction import redact
from tapio.collectors.kubeapi.standing import BOOKS, joined, newest_time, whole
from tapio.collectors.kubeapi.timestamps import parse_time
from tapio.collectors.redaction import Redactor
from tapio.kube import Seen
from tapio.raw import ObjectKey

Json = dict[str, Any]

_MOST = 50_000  # cleared forms remembered
_NAMING = ("name", "namespace", "uid", "labels", "ownerReferences")
_BOOKKEEPING = tuple(prefix.encode() for prefix in BOOKKEEPING)
_NONE = msgspec.Raw()


class _Container(msgspec.Struct, rename="camel", gc=False):
    """All of a container that redaction looks at."""

    command: msgspec.Raw = _NONE
    args: msgspec.Raw = _NONE
    env: msgspec.Raw = _NONE
    liveness_probe: msgspec.Raw = _NONE
    readiness_probe: msgspec.Raw = _NONE
    startup_probe: msgspec.Raw = _NONE
    lifecycle: msgspec.Raw = _NONE


class _Spec(msgspec.Struct, rename="camel", gc=False):
    containers: list[_Container] | None = None
    init_containers: list[_Container] | None = None
    ephemeral_containers: list[_Container] | None = None


_specs = msgspec.json.Decoder(_Spec)
_values = msgspec.json.Decoder()


class First(NamedTuple):
    """What is told of a clean Pod, and what is remembered: its bytes, and those less status and books."""

    about: About
    owner: ObjectKey | None
    at: datetime
    told: bytes
    body: bytes


class FirstSight:
    """Knows which forms of containers and annotations are clean."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._clean: set[int] = set()

    def of(self, seen: Seen) -> First | None:
        """How a Pod is told; None where it is to be read whole."""
        meta, parts = seen.metadata, seen.parts
        if "deletionTimestamp" in meta or "spec" not in parts:
            return None
        try:
            if not (self._clean_annotations(meta.get("annotations", _NONE)) and self._clean_spec(parts["spec"])):
                return None
            at = parse_time(newest_time(parts, meta))
            named = {"kind": "Pod", "metadata": {name: _values.decode(meta[name]) for name in _NAMING if name in meta}}
            told = whole(parts, meta, self._redactor)
        except (ValueError, msgspec.DecodeError):
            return None
        wished = joined({name: part for name, part in meta.items() if name not in BOOKS})
        body = joined({name: part for name, part in parts.items() if name != "status"} | {"metadata": wished})
        return First(about(named), owner_of(named), at, told, body)

    def _clean_annotations(self, annotations: msgspec.Raw) -> bool:
        if not annotations:
            return True
        held = bytes(annotations)
        if any(prefix in held for prefix in _BOOKKEEPING):
            return False
        form = hash(held)
        return form in self._clean or self._look({form}, {"metadata": {"annotations": _values.decode(annotations)}})

    def _clean_spec(self, spec: msgspec.Raw) -> bool:
        read = _specs.decode(spec)
        lists = (read.containers, read.init_containers, read.ephemeral_containers)
        forms = {hash(b"\0".join(astuple(container))) for containers in lists for container in containers or ()}
        return forms <= self._clean or self._look(forms, {"kind": "Pod", "spec": _values.decode(spec)})

    def _look(self, forms: set[int], obj: Json) -> bool:
        """Whether redaction leaves an object as it is; if so, these forms in it are clean."""
        if not redact(obj, self._redactor):
            return False
        if len(self._clean) > _MOST:
            self._clean.clear()
        self._clean |= forms
        return True
