"""Services whose pods are well and that a client does not reach from its node: by their own policy, or its proxy."""

from collections.abc import Iterator

from tapio.correlators.rules.clues.asked import in_trouble
from tapio.correlators.rules.clues.dependency_text import unserved
from tapio.correlators.rules.dependencies import asked_services
from tapio.correlators.rules.finding import Finding, rule
from tapio.correlators.rules.nameservice import cluster_dns
from tapio.correlators.rules.remedies import named, shortened
from tapio.correlators.temporal import in_time
from tapio.correlators.views import ContainerView, PodView, ServiceView, evidence, facts_of, pod_key, with_change
from tapio.graph import Change, RuledOut
from tapio.unified import ObjectKey, UnifiedEvent

_LOCAL = "Local"
_PROXY = {"k8s-app": "kube-proxy"}  # the label that kubeadm, k3d's and the clouds' DaemonSets give its pods


@rule("network.traffic_policy_local", version=1, decided_by=("kubeapi", "ebpf"))
def traffic_policy_local(container: ContainerView) -> Iterator[Finding]:
    """The Service leads each client to pods of the client's own node only, and none that is ready runs there."""
    node = container.pod.spec.node_name
    for service, line in _reachable(container):
        nodes = {facts_of(one).node_name for one in service.ready_backends}
        if service.spec.internal_traffic_policy != _LOCAL or not node or node in nodes:
            continue
        change = _made_local(container.pod, service)
        name = service.key.name
        yield Finding(
            code="network.traffic_policy_local",
            blame=service.key,
            workload=container.pod.workload,
            change=change,
            summary=f"Service {name} leads to pods of the client's node alone, and none that is ready is on {node}",
            confidence=0.93 if change else 0.88,
            evidence=with_change(
                change,
                service.fact(f"internalTrafficPolicy is Local, its ready pods are on {', '.join(sorted(nodes))}"),
                container.pod.fact(f'{container.name} on {node} says: "{shortened(line, 160)}"'),
            ),
            attributes={"container": container.name, "service": named(service.key), "node": node},
            ruled_out=(
                RuledOut(code="runtime.dependency_down", because=f"{len(service.ready_backends)} pods are ready"),
            ),
            next=(f"kubectl -n {service.key.namespace} edit service {name}  # spec.internalTrafficPolicy: Cluster",),
        )
        return


def _made_local(pod: PodView, service: ServiceView) -> Change | None:
    changes = (one for one in service.changes_of(service.key) if one.field == "spec.internalTrafficPolicy")
    return next((one for one in changes if in_time(one, pod.onset or pod.at)), None)


@rule("network.kube_proxy_down", version=1, decided_by=("kubeapi", "ebpf", "systemd"))
def kube_proxy_down(container: ContainerView) -> Iterator[Finding]:
    """The container reaches a Service in vain whose pods are ready, and the proxy of its node does not run.

    A cluster in which no kube-proxy is known has its Services led by something else.
    """
    node = container.pod.spec.node_name
    asked = next(_reachable(container), None) if node else None
    proxies = container.pod.moment.labelled("PodFacts", "kube-system", _PROXY) if asked else []
    if asked is None or not proxies or any(_serves(one, node) for one in proxies):
        return
    service, line = asked
    down = next((one for one in proxies if facts_of(one).node_name == node), None)
    state = f"{down.key.name} is not ready" if down else "no kube-proxy is there"
    key = ObjectKey("Node", "", node)
    yield Finding(
        code="network.kube_proxy_down",
        blame=key,
        workload=container.pod.workload,
        summary=f"{state} on node {node}, so container {container.name} does not reach Service {service.key.name}",
        confidence=0.88 if down else 0.8,
        evidence=(
            *([evidence(down, state, at=facts_of(down).turned_at, entity=pod_key(down))] if down else []),
            service.fact(service.ready_in_words),
            container.pod.fact(f'{container.name} says: "{shortened(line, 160)}"'),
        ),
        attributes={"container": container.name, "service": named(service.key), "node": node},
        ruled_out=(
            RuledOut(code="runtime.dependency_down", because=f"Service {service.key.name} has ready endpoints"),
        ),
        next=(f"kubectl -n kube-system get pods -l k8s-app=kube-proxy --field-selector spec.nodeName={node}",),
    )


def _serves(proxy: UnifiedEvent, node: str) -> bool:
    return facts_of(proxy).node_name == node and facts_of(proxy).ready


def _reachable(container: ContainerView) -> Iterator[tuple[ServiceView, str]]:
    """The Services with an address of their own and ready pods that its words say it did not reach."""
    if not in_trouble(container):
        return
    asked = [*asked_services(container), *_name_service(container)]
    for service, line in asked:
        if service.ready_endpoints and service.ready_backends and service.spec.cluster_ip != "None":
            yield service, line


def _name_service(container: ContainerView) -> Iterator[tuple[ServiceView, str]]:
    silent = next(iter(unserved(container.last_words)), None)
    service = cluster_dns(container.pod.moment) if silent else None
    if silent and service:
        yield service, silent[1]
