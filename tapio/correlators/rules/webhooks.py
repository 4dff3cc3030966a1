"""Webhooks that keep pods from being created: one that cannot be reached, one that says no."""

from collections.abc import Iterator

from tapio.correlators.rules.clues.admission_text import (
    WEBHOOK_DENIED,
    WEBHOOK_FAILED,
    Refused,
    call_failure,
    called_host,
    called_service,
)
from tapio.correlators.rules.clues.refused_create import changes_before, finding, refusal_of
from tapio.correlators.rules.finding import Finding, rule
from tapio.correlators.views import WorkloadView
from tapio.graph import Change
from tapio.unified import ObjectKey
from tapio.unified import objects as k8s

_CONFIGURATIONS = ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration")


@rule(WEBHOOK_FAILED, WEBHOOK_DENIED, version=1)
def webhook(workload: WorkloadView) -> Iterator[Finding]:
    """A webhook is asked about every pod: it cannot be reached, or it says no."""
    refusal = refusal_of(workload)
    if refusal is None or refusal.refused.code not in (WEBHOOK_FAILED, WEBHOOK_DENIED):
        return
    refused = refusal.refused
    found = _webhook(workload, refused.name)
    configuration = found[0] if found else None
    service = _service_of(found[1] if found else None, refused)
    blame, change = _to_blame(workload, configuration, service, refused)
    failed = refused.code == WEBHOOK_FAILED
    kind = call_failure(refused.why) if failed else "denied"
    how = f"cannot be called ({kind or 'failed'})" if failed else "denied the pod"
    yield finding(
        workload,
        refusal,
        blame,
        f"webhook {refused.name} {how}: {refused.why[-200:]}",
        0.93 if found else 0.85,
        change=change,
        attributes={"webhook": refused.name, "kind": kind, "service": str(service) if service else ""},
        next_=_next_webhook(configuration, service),
    )


def _webhook(workload: WorkloadView, name: str) -> tuple[ObjectKey, k8s.Webhook] | None:
    """The configuration that names the webhook, and what it says of it."""
    for kind in _CONFIGURATIONS:
        for event in workload.moment.all(kind, ""):
            for one in getattr(event.object, "webhooks", ()):
                if one.name == name:
                    return event.key, one
    return None


def _service_of(webhook: k8s.Webhook | None, refused: Refused) -> ObjectKey | None:
    called = called_service(refused.why)
    if called:
        return ObjectKey("Service", *called)
    service = webhook.client_config.service if webhook else None
    return ObjectKey("Service", service.namespace, service.name) if service else None


def _to_blame(
    workload: WorkloadView, configuration: ObjectKey | None, service: ObjectKey | None, refused: Refused
) -> tuple[ObjectKey, Change | None]:
    """What changed last of the configuration and the Service behind it; the configuration where neither did."""
    changes = [
        *(changes_before(workload, configuration, "webhooks") if configuration else []),
        *(changes_before(workload, service, "spec.") if service and refused.code == WEBHOOK_FAILED else []),
    ]
    newest = max(changes, key=lambda change: change.at, default=None)
    if newest:
        return newest.entity, newest
    if configuration or service:
        return configuration or service or workload.root, None
    host = called_host(refused.why)
    return (ObjectKey("Host", "", host) if host else workload.root), None


def _next_webhook(configuration: ObjectKey | None, service: ObjectKey | None) -> tuple[str, ...]:
    steps = []
    if service:
        steps.append(f"kubectl -n {service.namespace} get service,endpointslices,pods   # behind {service.name}")
    if configuration:
        steps.append(f"kubectl get {configuration.kind.lower()} {configuration.name} -o yaml")
    return tuple(steps) or ("kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations",)
