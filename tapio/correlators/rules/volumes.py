"""Causes in the volumes a pod waits for: a claim that nothing binds, a volume on another node, one that is held."""

import re
from collections.abc import Iterator

from tapio.correlators.rules.clues.deciding import deciding
from tapio.correlators.rules.clues.placement import claims
from tapio.correlators.rules.clues.scheduler_text import CLAIM_MISSING, UNBOUND, VOLUME_ZONE, verdict_of
from tapio.correlators.rules.clues.unbound import UNBOUND_CODES, Diagnosis, diagnosed
from tapio.correlators.rules.finding import Finding, rule
from tapio.correlators.rules.mounts import HELD_ELSEWHERE
from tapio.correlators.views import ClaimView, PodView, claim_view, evidence, with_change
from tapio.graph import Change, Evidence, RuledOut
from tapio.unified import EventName, ObjectKey, UnifiedEvent
from tapio.unified import objects as k8s

_MULTI_ATTACH = "scheduling.volume_multi_attach"
_VOLUME = re.compile(r'volume "([^"]+)"')


@rule(*UNBOUND_CODES, version=1)
def claim_unbound(claim: ClaimView) -> Iterator[Finding]:
    """Nothing binds the claim: its class is missing, nobody provisions it, or no volume is what it asks for."""
    diagnosis = diagnosed(claim)
    if diagnosis is not None:
        yield _finding(diagnosis, None)


@rule(CLAIM_MISSING, *UNBOUND_CODES, version=1)
def waits_for_claim(pod: PodView) -> Iterator[Finding]:
    """The scheduler waits for a claim of the pod: why that is not bound is the cause."""
    decision = deciding(pod)
    if decision is None or decision.code not in (UNBOUND, CLAIM_MISSING):
        return
    known = [(key, claim_view(pod.moment, key)) for key in claims(pod)]
    if decision.code == CLAIM_MISSING:
        yield from (_claim_missing(pod, key) for key, view in known if view is None or _is_leaving(view))
        return
    for _, view in known:
        diagnosis = diagnosed(view, is_due=True) if view else None
        if diagnosis:
            yield _finding(diagnosis, pod, pod.fact(verdict_of(decision.message)))


def _is_leaving(claim: ClaimView) -> bool:
    return claim.claim.metadata.deletion_timestamp is not None


def _finding(diagnosis: Diagnosis, pod: PodView | None, *proof: Evidence) -> Finding:
    return Finding(
        code=diagnosis.code,
        blame=diagnosis.blame,
        workload=pod.workload if pod else None,
        summary=diagnosis.summary,
        confidence=diagnosis.confidence,
        evidence=(*diagnosis.evidence, *proof),
        attributes=diagnosis.attributes,
        ruled_out=(RuledOut(code="scheduling.scheduler_down", because="the scheduler answered"),) if pod else (),
        next=diagnosis.next,
    )


def _claim_missing(pod: PodView, key: ObjectKey) -> Finding:
    """The workload's reference is to blame, or the claim that somebody deleted."""
    history = pod.moment.history(key)
    gone = history.state(pod.at) if history else None  # deleted, or on its way
    changes = [one for one in pod.workload_changes if "volumes" in one.field]
    change: Change | None = changes[0] if changes and not gone else None
    deleted = [evidence(gone, f"claim {key.name} was deleted")] if gone else []
    condition = pod.condition("PodScheduled")
    return Finding(
        code=CLAIM_MISSING,
        blame=key if gone else pod.workload,
        workload=pod.workload,
        change=change,
        summary=f"it mounts the claim {key.name}, which " + ("was deleted" if gone else "does not exist"),
        confidence=0.92,
        evidence=with_change(
            change, *deleted, pod.fact(verdict_of(condition.message) if condition else f"claim {key.name} not found")
        ),
        attributes={"claim": key.name},
        next=(f"kubectl -n {key.namespace} get persistentvolumeclaims",),
    )


# --- A volume that is there, and out of reach ------------------------------------------------------------------------


_OUT_OF_REACH = {
    VOLUME_ZONE: "can be reached from none of the nodes that the pod may run on",
    "scheduling.volume_limit": "would be one more than its nodes can hold",
    "scheduling.volume_access_mode": "is in use by another pod, and only one may",
    "scheduling.volume_capacity": "is larger than what the nodes have left for such",
}


@rule(*_OUT_OF_REACH, version=2)
def volume_out_of_reach(pod: PodView) -> Iterator[Finding]:
    """Its volume is bound to nodes that it cannot run on, is another pod's, or is one more than its nodes can hold."""
    decision = deciding(pod)
    if decision is None or decision.code not in _OUT_OF_REACH:
        return
    volume = next(_tied(pod), None)
    known = claims(pod)
    blame = volume.key if volume else known[0] if known else pod.workload
    yield Finding(
        code=decision.code,
        blame=blame,
        workload=pod.workload,
        summary=f"volume {blame.name} {_OUT_OF_REACH[decision.code]}",
        confidence=0.9 if volume else 0.75,
        evidence=(*([evidence(volume, "its node affinity ties it")] if volume else []),
                  pod.fact(verdict_of(decision.message))),
        attributes={"volume": volume.key.name if volume else "", "claims": [key.name for key in known]},
        next=(f"kubectl get pv {volume.key.name} -o yaml   # nodeAffinity",) if volume else (),
    )  # fmt: skip


def _tied(pod: PodView) -> Iterator[UnifiedEvent]:
    """The bound volumes that say from which nodes they can be reached."""
    for key in claims(pod):
        claim = claim_view(pod.moment, key)
        volume = pod.moment.state(ObjectKey("PersistentVolume", "", claim.spec.volume_name)) if claim else None
        if volume and isinstance(volume.object, k8s.PersistentVolume) and volume.object.spec.node_affinity:
            yield volume


@rule(_MULTI_ATTACH, version=1)
def multi_attach(pod: PodView) -> Iterator[Finding]:
    """Its volume can be on one node at a time, and is on another. A rolling update gets over that, a claim shared by
    several pods does not.
    """
    if pod.status.container_statuses and any(one.running_since or one.ended for one in pod.containers):
        return
    held = [one for one in pod.said(EventName.VOLUME_ATTACH_FAILED) if HELD_ELSEWHERE.search(one.message)]
    if not held:
        return
    said = held[-1]
    name = _VOLUME.search(said.message)
    claim = _claim_of(pod, name[1] if name else "")
    yield Finding(
        code=_MULTI_ATTACH,
        blame=claim or pod.workload,
        workload=pod.workload,
        summary=f"claim {claim.name if claim else ''} is attached to another node, and can be on one at a time",
        confidence=0.88,
        evidence=(evidence(said, said.message),),
        attributes={"volume": name[1] if name else "", "claim": claim.name if claim else ""},
        next=("kubectl get volumeattachments", f"kubectl -n {pod.key.namespace} get pods -o wide"),
    )


def _claim_of(pod: PodView, volume: str) -> ObjectKey | None:
    """The claim that is bound to the volume; the only one the pod has where that is not known."""
    known = claims(pod)
    for key in known:
        claim = claim_view(pod.moment, key)
        if claim and claim.spec.volume_name == volume:
            return key
    return known[0] if len(known) == 1 else None
