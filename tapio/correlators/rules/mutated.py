"""Pods that are not what their template says: a mutating webhook made them so, and that is what fails."""

from collections.abc import Iterator
from datetime import datetime

from tapio.correlators.rules.clues.absent import creation_of
from tapio.correlators.rules.clues.crashes import START_REASONS, crash_of
from tapio.correlators.rules.clues.selecting import selected
from tapio.correlators.rules.finding import Finding, rule
from tapio.correlators.rules.startup import PULLING
from tapio.correlators.temporal import in_time
from tapio.correlators.views import ContainerView, PodView, evidence, with_change
from tapio.graph import Change, RuledOut
from tapio.unified import ObjectKey, UnifiedEvent
from tapio.unified import objects as k8s

_OWNERS = k8s.ReplicaSet | k8s.StatefulSet | k8s.DaemonSet | k8s.Job
_PROGRAM = ("image", "command", "args", "env")
_ASKS_FOR_ALL = "*"


@rule("admission.webhook_mutated", version=1)
def webhook_mutated(container: ContainerView) -> Iterator[Finding]:
    """The container fails by what its pod's template does not say, and a mutating webhook is asked about such pods.

    What admission plugins of Kubernetes itself set (limits by a LimitRange, tolerations, accounts) is not counted.
    """
    fields = _that_fail(container)
    different = _different(container, fields) if fields else ()
    webhooks = _asked(container.pod) if different else []
    if not webhooks:
        return
    configuration = webhooks[0]
    pod, key = container.pod, configuration.key
    change = _brought(pod, configuration)
    what = ", ".join(different)
    yield Finding(
        code="admission.webhook_mutated",
        blame=key,
        workload=pod.workload,
        change=change,
        summary=f"container {container.name} fails by what its template does not say ({what}): {key.name} mutates pods",
        confidence=0.9 if len(webhooks) == 1 else 0.65,
        evidence=with_change(
            change,
            evidence(configuration, f"{key.name} is asked about the pods of {pod.key.namespace}"),
            pod.fact(f"container {container.name}: {what} not as in the template"),
        ),
        attributes={
            "container": container.name,
            "fields": list(different),
            "webhooks": [one.key.name for one in webhooks],
        },
        ruled_out=(RuledOut(code="runtime.crash_after_change", because="the template does not say what the pod has"),),
        next=(f"kubectl get mutatingwebhookconfiguration {key.name} -o yaml   # then delete the pod {pod.key.name}",),
    )


def _that_fail(container: ContainerView) -> tuple[str, ...]:
    """The fields of the container that can be why it fails."""
    waiting, end = container.waiting, container.last_end
    if waiting and waiting.reason in PULLING:
        return ("image",)
    if waiting and (waiting.reason in START_REASONS or waiting.reason == "CreateContainerConfigError"):
        return _PROGRAM
    if end and container.unwell and end.reason == "OOMKilled":
        return ("resources",)
    return _PROGRAM if crash_of(container) or (end and container.unwell and end.reason in START_REASONS) else ()


def _different(container: ContainerView, fields: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the fields that are not as the template has them; the whole container where it has none of the name."""
    template = _template(container.pod)
    if template is None:
        return ()
    named = {one.name: one for one in (*template.init_containers, *template.containers)}
    meant = named.get(container.name)
    if meant is None:
        return ("the container itself",)
    different = (one for one in fields if getattr(container.spec, one) != getattr(meant, one))
    return tuple(one for one in different if one != "resources" or not _defaulted(container.pod))


def _template(pod: PodView) -> k8s.PodSpec | None:
    """The template that the pod was made from; None where it is not known, or may have changed since."""
    owner = next(iter(pod.event.k8s_context.owner_references), None)
    key = ObjectKey(owner.kind, pod.key.namespace, owner.name) if owner else None
    state = pod.moment.state(key) if key else None
    owned = state.object if state else None
    if key is None or not isinstance(owned, _OWNERS) or not owned.spec.template.spec.containers:
        return None
    later = (one for one in pod.changes_of(key) if one.field.startswith("spec.template") and one.at > pod.created_at)
    return owned.spec.template.spec if next(later, None) is None else None


def _defaulted(pod: PodView) -> bool:
    return any(True for _ in pod.moment.all("LimitRange", pod.key.namespace))


def _asked(pod: PodView) -> list[UnifiedEvent]:
    """The configurations of mutating webhooks that are asked when such a pod is made, the newest first."""
    found = [one for one in pod.moment.all("MutatingWebhookConfiguration", "") if _is_asked(one, pod)]
    return sorted(found, key=_made_at, reverse=True)


def _made_at(configuration: UnifiedEvent) -> datetime:
    created: datetime | None = getattr(getattr(configuration.object, "metadata", None), "creation_timestamp", None)
    return created or configuration.timestamp


def _is_asked(configuration: UnifiedEvent, pod: PodView) -> bool:
    if not isinstance(configuration.object, k8s.MutatingWebhookConfiguration):
        return False
    home = pod.moment.state(ObjectKey("Namespace", "", pod.key.namespace))
    labels = {"kubernetes.io/metadata.name": pod.key.namespace, **(home.k8s_context.labels if home else {})}
    return any(
        _is_about_new_pods(one) and (home is None or selected(one.namespace_selector, labels))
        for one in configuration.object.webhooks
    )


def _is_about_new_pods(webhook: k8s.Webhook) -> bool:
    return any(
        {"CREATE", _ASKS_FOR_ALL} & set(one.operations) and {"pods", _ASKS_FOR_ALL, "*/*"} & set(one.resources)
        for one in webhook.rules
    )


def _brought(pod: PodView, configuration: UnifiedEvent) -> Change | None:
    """What made the configuration what it is, shortly before the pod was made."""
    changes = (one for one in pod.changes_of(configuration.key) if one.field.startswith("webhooks"))
    newest = next(changes, None) or creation_of(pod, configuration)
    return newest if newest and in_time(newest, pod.created_at) else None
