"""Real clusters' objects and Events, recorded by others: each file is read whole, and what is plain in it is told."""

from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from tapio.collectors.file import load
from tapio.pipeline.local import correlate_events
from tapio.stores.memory import MemoryStore
from tapio.why import Explanation, Question, explain

RECORDED = Path(__file__).parents[2].parent / "shared" / "recorded"
FILES = sorted(str(path.relative_to(RECORDED)) for path in RECORDED.glob("*/*.jsonl"))
pytestmark = pytest.mark.skipif(not FILES, reason="the recorded data is not beside the checkout")


class Expected(NamedTuple):
    """`codes`: any of them (parted by `|`) may come first; `blame`: the entity or the workload, empty for no claim."""

    case: str
    codes: str
    target: str = ""
    blame: str = ""
    status: str = ""
    attributes: tuple[tuple[str, str], ...] = ()
    beside: tuple[str, ...] = ()  # files that are played with it


SERVERS = "cloud-ready-checks"
SPANS = "kspan"
BUNDLES = "troubleshoot"
K3S = f"{BUNDLES}/k3s-bundle-2025-09-11"
K3D = f"{BUNDLES}/k3d-bundle-2022-12-21"
FRESH = f"{BUNDLES}/k3s-baseline-2025-12-10"
MINIKUBE = f"{BUNDLES}/container-creating-failed-mount"

EXPECTED = (
    Expected(f"{SERVERS}/pod-added", "none.starting"),
    Expected(f"{SERVERS}/pod-scheduled", "none.starting"),
    Expected(f"{SERVERS}/pod-unready", "none.starting"),
    Expected(f"{SERVERS}/pod-createSuccess", "none.healthy"),
    Expected(f"{SERVERS}/pod-imagePullError", "startup.image_not_found", blame="Pod/foo"),
    Expected(f"{SERVERS}/pod-imagePullErrorResolved", "none.recovered", "pod/foo"),
    Expected(f"{SERVERS}/pod-unscheduled", "scheduling.insufficient_memory", blame="Pod/foo"),
    Expected(f"{SERVERS}/pod-containerTerminatedError", "startup.command_invalid", blame="Pod/foo"),
    Expected(f"{SERVERS}/pod-containerTerminatedSuccess", "runtime.crash_app", blame="Pod/foo"),
    Expected(f"{SERVERS}/pod-containerTerminatedSuccessRestartNever", "none.completed"),
    Expected(f"{SERVERS}/pod-crashLoopBackoff", "runtime.crash_app", blame="Pod/crashloop"),
    Expected(f"{SERVERS}/pod-crashLoopBackoffWithFallbackToLogsOnError", "runtime.crash_app", blame="Pod/crashloop"),
    Expected(f"{SERVERS}/job-added", "none.starting"),
    Expected(f"{SERVERS}/job-running", "none.starting|none.healthy"),
    Expected(f"{SERVERS}/job-succeeded", "none.completed"),
    Expected(f"{SERVERS}/job-backoffLimitExceeded", "controller.job_failed", blame="Job/foo"),
    Expected(f"{SERVERS}/job-backoffLimitResolved", "none.completed"),
    Expected(f"{SERVERS}/job-deadlineExceeded", "controller.job_failed", blame="Job/foo"),
    Expected(f"{SERVERS}/job-state-backoffLimit", "controller.job_failed", blame="Job/foo"),
    Expected(f"{SPANS}/deployment-2-pods", "none.retired", "pod/px-7df978b9bf-jm22q"),
    Expected(f"{SPANS}/deployment-2-pods", "none.retired", "pod/px-7df978b9bf-bfdrj"),
    Expected(f"{SPANS}/deployment-update-kubectl", "none.retired", "pod/hello-world-7ff854f459-kl4hq"),
    Expected(f"{SPANS}/deployment-update-flux", "none.healthy", "deployment/default/hello-world"),
    Expected(f"{SPANS}/deployment-update-flux", "none.retired", "pod/hello-world-779cbf9f67-nbwfm"),
    Expected(f"{SPANS}/statefulset-update-flux", "none.healthy", "pod/cortex/ingester-3"),
    Expected(f"{SPANS}/statefulset-update-flux", "none.healthy", "pod/cortex/ingester-2"),
    Expected(
        f"{BUNDLES}/image-pull-fail",
        "startup.registry_unreachable",
        blame="Deployment/no-image-deployment",
        attributes=(("registry", "noimage.com"), ("kind", "tls")),
    ),
    Expected(
        f"{BUNDLES}/pod-init-crashloop-backoff",
        "startup.command_invalid|startup.init_container",
        blame="Pod/init-demo2",
    ),
    Expected(f"{BUNDLES}/oomkill-pod", "runtime.oom_killed", blame="Job/oom-kill-job3"),
    Expected(f"{BUNDLES}/pending-node-affinity", "scheduling.node_affinity", blame="ReplicaSet/kotsadm-b6cb54c8f"),
    Expected(
        f"{BUNDLES}/pending-pod-resources",
        "scheduling.insufficient_gpu",
        blame="ReplicaSet/pending-pod-resources-5fddcf7688",
    ),
    Expected(f"{BUNDLES}/pod-crashloop-backoff", "startup.command_invalid", blame="Pod/init-demo"),
    Expected(f"{BUNDLES}/pod-running", "none.healthy"),
    Expected(f"{BUNDLES}/nodes-five", "none.healthy"),
    Expected(MINIKUBE, "startup.mount_failed", blame="DaemonSet/troubleshoot-copyfromhost-4m79m"),
    Expected(
        MINIKUBE,
        "startup.registry_unreachable",
        "deployment/no-image-deployment",
        "Deployment/no-image-deployment",
        attributes=(("kind", "tls"),),
    ),
    Expected(MINIKUBE, "scheduling.insufficient_gpu", "deployment/pending-pod-resources"),
    Expected(MINIKUBE, "", "pod/init-demo2", status="unknown"),
    Expected(FRESH, "none.recovered", "pod/kube-system/metrics-server-5985cbc9d7-9jgk6"),
    Expected(FRESH, "none.healthy", "node/primary-node"),
    Expected(FRESH, "none.completed", "pod/default/run-example"),
    Expected(K3S, "runtime.crash_app", "deployment/default/backend-api", "Deployment/backend-api"),
    Expected(K3S, "runtime.crash_app", "service/default/backend-api-service", "Deployment/backend-api"),
    Expected(
        K3S,
        "runtime.dependency_address|service.missing",
        "deployment/default/backend-api",
        "Deployment/backend-api",
        beside=(f"{K3S}.logs",),
    ),
    Expected(
        K3S,
        "runtime.dependency_address|service.missing",
        "service/default/backend-api-service",
        beside=(f"{K3S}.logs",),
    ),
    *(
        Expected(
            K3S,
            "scheduling.insufficient_cpu",
            f"pod/cpu-intensive-app-7bcfc5d944-{suffix}",
            "Deployment/cpu-intensive-app",
            attributes=(("why", "full"),),
        )
        for suffix in ("hw2vc", "n79rt")
    ),
    Expected(K3S, "none.healthy", "deployment/default/memory-hungry-app"),
    Expected(K3S, "none.completed", "pod/helm-install-traefik-vdfpr"),
    Expected(K3S, "none.completed", "pod/helm-install-traefik-crd-dshw8"),
    Expected(K3S, "none.recovered", "pod/kube-system/metrics-server-7bfffcd44-vjjg6"),
    Expected(K3S, "none.recovered|none.healthy", "node/c9b7eea91"),
)


@cache
def played(*cases: str) -> MemoryStore:
    captures = [load(RECORDED / f"{case}.jsonl") for case in cases]
    assert [capture.problems for capture in captures] == [()] * len(captures)
    return correlate_events([event for capture in captures for event in capture.events])


def blamed(answer: Explanation) -> set[str]:
    cause = answer.causes[0]
    return {f"{one.kind}/{one.name}" for one in (cause.entity, cause.workload) if one}


@pytest.mark.parametrize("file", FILES)
def test_every_file_is_read_without_error(file: str) -> None:
    capture = load(RECORDED / file)
    problems: list[str] = []
    correlate_events(capture.events, lambda _, error: problems.append(error.message))
    assert (len(capture.events), capture.problems, problems) == (capture.lines, (), [])


@pytest.mark.parametrize("expected", EXPECTED, ids=lambda each: f"{Path(each.case).name} {each.target}".strip())
def test_what_is_plain_in_it_is_told(expected: Expected) -> None:
    graph = played(expected.case, *expected.beside)
    answer = explain(Question(target=expected.target), graph)
    if expected.status:
        assert answer.status == expected.status
        return
    assert answer.causes, answer.looked_at
    assert answer.causes[0].code in expected.codes.split("|")
    assert not expected.blame or expected.blame in blamed(answer)
    assert dict(expected.attributes).items() <= answer.causes[0].attributes.items()


def test_the_pod_that_a_namesake_followed_is_still_explained() -> None:
    events = [*load(RECORDED / SERVERS / "pod-imagePullErrorResolved.jsonl").events]
    first = events[0].metadata.k8s_uid
    answer = explain(Question(target="pod/foo", uid=first), correlate_events(events))
    assert answer.causes[0].code == "startup.image_not_found"


def test_a_job_that_a_namesake_followed_is_over() -> None:
    graph = played(f"{SERVERS}/job-backoffLimitExceeded", f"{SERVERS}/job-backoffLimitResolved")
    assert explain(Question(target="job/foo"), graph).causes[0].code == "none.completed"
    assert explain(Question(), graph).status == "healthy"


def test_all_pods_of_a_restarted_k3d_are_well_again() -> None:
    graph = played(K3D)
    at = graph.newest()
    assert at is not None
    pods = [entity for entity in graph.entities(at, kind="Pod") if not entity.key.name.startswith("static-hi")]
    assert pods
    for pod in pods:
        wanted = "none.completed" if pod.key.name.startswith("helm-install-") else "none.recovered"
        answer = explain(Question(target=f"pod/{pod.key.namespace}/{pod.key.name}"), graph)
        assert (pod.key.name, answer.causes[0].code) == (pod.key.name, wanted)


def test_nothing_is_wrong_in_a_fresh_cluster() -> None:
    assert explain(Question(), played(FRESH)).status == "healthy"


@pytest.mark.parametrize(
    ("of_the_pod", "of_its_events", "pod", "code"),
    [
        ("oomkill-pod", "image-pull-fail", "oom-kill-job3-gbb89", "runtime.oom_killed"),
        ("pod-crashloop-backoff", "pod-init-crashloop-backoff", "init-demo", "startup.command_invalid"),
    ],
)
def test_a_pod_and_its_events_in_two_namespaces_are_one_by_uid(
    of_the_pod: str, of_its_events: str, pod: str, code: str
) -> None:
    graph = played(f"{BUNDLES}/{of_the_pod}", f"{BUNDLES}/{of_its_events}")
    answer = explain(Question(target=f"pod/{pod}"), graph)
    assert (answer.causes[0].code, answer.subject.namespace) == (code, f"message-{of_the_pod}")
