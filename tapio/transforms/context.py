"""The fields of a unified event that every transform fills alike from a raw event's enrichment."""

from datetime import UTC, datetime

from tapio.raw import Metadata, RawEvent, parse_labels, parse_owner_refs
from tapio.unified import EntityName, K8sContext, OwnerReference, TraceContext


def k8s_context(meta: Metadata) -> K8sContext:
    """The object a raw event describes."""
    return K8sContext(
        name=meta.k8s_name,
        namespace=meta.k8s_namespace,
        kind=meta.k8s_kind,
        uid=meta.k8s_uid,
        labels=parse_labels(meta.k8s_labels),
        owner_references=tuple(OwnerReference(kind, name) for kind, name in parse_owner_refs(meta.k8s_owner_refs)),
    )


def entity_of(context: K8sContext) -> EntityName:
    """The entity in the source-neutral spelling."""
    return EntityName(type=context.kind.lower(), name=context.name, namespace=context.namespace)


def trace_of(event: RawEvent) -> TraceContext:
    return TraceContext(event.trace_id, event.span_id)


def root_of(meta: Metadata) -> str:
    return meta.k8s_root or ""


def observed_at(meta: Metadata) -> datetime | None:
    """When the collector had the event; None where it does not say, or not in RFC 3339."""
    if not meta.observed_at:
        return None
    try:
        return datetime.fromisoformat(meta.observed_at).astimezone(UTC)
    except ValueError:
        return None
