"""Why a claim is not bound: its class, its volumes, and what the controllers say of it."""

import re

import msgspec

from tapio.correlators.history import is_deleted
from tapio.correlators.quantities import amount
from tapio.correlators.rules.clues.selecting import selected
from tapio.correlators.views import ClaimView, evidence
from tapio.graph import Evidence
from tapio.unified import EventName, ObjectKey, UnifiedEvent
from tapio.unified import objects as k8s

CLASS_MISSING = "scheduling.volume_class_missing"
ACCESS = "scheduling.volume_access_mode"
CAPACITY = "scheduling.volume_capacity"
SELECTOR = "scheduling.volume_selector"
ELSEWHERE = "scheduling.volume_claimed_elsewhere"
PROVISIONING = "scheduling.volume_provisioning_failed"
UNBOUND_CODES = (CLASS_MISSING, ACCESS, CAPACITY, SELECTOR, ELSEWHERE, PROVISIONING)
# The persistentvolume controller's words (kubernetes/pkg/controller/volume); its look at the API is as good as ours.
_NO_CLASS = re.compile(r'storageclass(?:\.storage\.k8s\.io)? "([^"]*)" not found|no storage class is set')


class Diagnosis(msgspec.Struct, frozen=True, kw_only=True):
    """Why a claim is not bound."""

    code: str
    blame: ObjectKey
    summary: str
    confidence: float
    evidence: tuple[Evidence, ...]
    attributes: dict[str, object] = {}
    next: tuple[str, ...] = ()


def diagnosed(claim: ClaimView, *, is_due: bool = False) -> Diagnosis | None:
    """Why it is not bound, by its class, its volumes, and last by what the controllers said; None where that is not
    known, or it is bound. One that waits for its first pod is due once the scheduler has tried to bind it for one.
    """
    if claim.is_bound or (claim.waits_for_a_pod and not is_due):
        return None
    if claim.is_provisioned:
        return _unprovisioned(claim)
    return _misfit(claim) or _class_missing(claim) or _nobody_provisions(claim)


def _class_missing(claim: ClaimView) -> Diagnosis | None:
    if claim.storage_class is not None:
        return None
    said = [event for event in _complaints(claim) if _NO_CLASS.search(event.message)]
    others = [event.key.name for event in claim.moment.all("StorageClass", "")]
    name = claim.class_name
    if not said and not others and not name:
        return None
    summary = f"claim {claim.key.name} asks for the StorageClass {name}, which does not exist"
    if not name:
        summary = f"claim {claim.key.name} names no StorageClass, there is no default, and no volume is free"
    return _diagnosis(
        claim,
        CLASS_MISSING,
        claim.key,
        summary,
        0.95 if said or others else 0.8,
        *_class_deleted(claim),
        *(evidence(event, event.message) for event in said[-1:]),
        attributes={"storage_class": name, "known": others},
        next_=("kubectl get storageclasses",),
    )


def _class_deleted(claim: ClaimView) -> list[Evidence]:
    history = claim.moment.history(claim.class_key) if claim.class_name else None
    gone = history.state(claim.at) if history else None
    return [evidence(gone, f"StorageClass {claim.class_name} was deleted")] if gone and is_deleted(gone) else []


def _misfit(claim: ClaimView) -> Diagnosis | None:
    """The volume that comes nearest, and the one thing in which it is not what the claim asks for."""
    volumes = claim.volumes
    if claim.spec.volume_name:
        volumes = [event for event in volumes if event.key.name == claim.spec.volume_name]
    misfits = [(event, _misfits(claim, event)) for event in volumes]
    if not misfits or not all(found for _, found in misfits):
        return None
    volume, found = min(misfits, key=lambda one: (len(one[1]), ELSEWHERE in one[1], one[0].key.name))
    code, what = next(iter(found.items()))
    return _diagnosis(
        claim,
        code,
        volume.key if code == ELSEWHERE else claim.key,
        f"claim {claim.key.name}: volume {volume.key.name} {what}",
        0.9,
        evidence(volume, f"volume {volume.key.name} {what}"),
        *(evidence(event, event.message) for event in _complaints(claim)[-1:]),
        attributes={"volume": volume.key.name, "volumes": len(volumes)},
        next_=(f"kubectl get persistentvolume {volume.key.name} -o yaml",),
    )


def _misfits(claim: ClaimView, event: UnifiedEvent) -> dict[str, str]:
    """In what a volume is not what the claim asks for, by code."""
    volume = event.object
    assert isinstance(volume, k8s.PersistentVolume)  # noqa: S101  ClaimView.volumes holds such alone
    spec, asked = volume.spec, claim.spec
    found: dict[str, str] = {}
    lacking = sorted(set(asked.access_modes) - set(spec.access_modes))
    if lacking or spec.volume_mode != asked.volume_mode:
        offered = ", ".join(spec.access_modes) if lacking else f"mode {spec.volume_mode}"
        found[ACCESS] = f"offers {offered}, not {', '.join(lacking) or asked.volume_mode}"
    size = amount(spec.capacity.get("storage")) or 0.0
    if size < claim.requested:
        found[CAPACITY] = f"has {spec.capacity.get('storage')}, less than {asked.resources.requests.get('storage')}"
    if not selected(asked.selector, event.k8s_context.labels):
        found[SELECTOR] = "has not the labels that the claim selects"
    if _is_taken(claim, spec.claim_ref):
        owner = spec.claim_ref
        found[ELSEWHERE] = f"belongs to {owner.namespace}/{owner.name}" if owner else ""
    return found


def _is_taken(claim: ClaimView, owner: k8s.ObjectRef | None) -> bool:
    if owner is None:
        return False
    same = (owner.namespace, owner.name) == (claim.key.namespace, claim.key.name)
    return not same or bool(owner.uid and owner.uid != claim.uid)


def _unprovisioned(claim: ClaimView) -> Diagnosis | None:
    """Its class has a provisioner: that failed, or has not been heard of for too long."""
    failed = claim.said(EventName.VOLUME_PROVISIONING_FAILED)
    if not failed and claim.at < claim.overdue_at:
        return None
    provisioner = claim.storage_class.provisioner if claim.storage_class else ""
    why = failed[-1].message if failed else f"{provisioner} has not made a volume"
    return _diagnosis(
        claim,
        PROVISIONING,
        claim.class_key,
        f"no volume was made for claim {claim.key.name}: {why}",
        0.88 if failed else 0.75,
        *(evidence(event, event.message) for event in (failed or _complaints(claim))[-1:]),
        attributes={"storage_class": claim.class_name, "provisioner": provisioner},
        next_=(f"kubectl describe storageclass {claim.class_name}",),
    )


def _nobody_provisions(claim: ClaimView) -> Diagnosis | None:
    """Its class makes no volumes, and nobody has made one."""
    if claim.storage_class is None or claim.volumes:
        return None
    return _diagnosis(
        claim,
        PROVISIONING,
        claim.class_key,
        f"StorageClass {claim.class_name} has no provisioner, and there is no volume of it",
        0.85,
        attributes={"storage_class": claim.class_name, "provisioner": claim.storage_class.provisioner},
        next_=("kubectl get persistentvolumes",),
    )


def _complaints(claim: ClaimView) -> list[UnifiedEvent]:
    return claim.said(EventName.VOLUME_PROVISIONING_FAILED, EventName.VOLUME_BINDING_WAITS)


def _diagnosis(  # noqa: PLR0913  the parts of a diagnosis
    claim: ClaimView,
    code: str,
    blame: ObjectKey,
    summary: str,
    confidence: float,
    *proof: Evidence,
    attributes: dict[str, object],
    next_: tuple[str, ...],
) -> Diagnosis:
    phase = claim.claim.status.phase or "Pending"
    return Diagnosis(
        code=code,
        blame=blame,
        summary=summary,
        confidence=confidence,
        evidence=(*proof, claim.fact(f"claim {claim.key.name} is {phase}")),
        attributes={"claim": claim.key.name, **attributes},
        next=(f"kubectl -n {claim.key.namespace} describe pvc {claim.key.name}", *next_),
    )
