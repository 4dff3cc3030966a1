"""Images that cannot be pulled."""

import re
from collections.abc import Iterator

import msgspec

from tapio.correlators.rules.clues.absent import as_change, deletion_of
from tapio.correlators.rules.clues.pull_text import NEVER_PULLED, classified, is_of_the_disk
from tapio.correlators.rules.finding import Finding, rule
from tapio.correlators.rules.remedies import correct, shortened, target
from tapio.correlators.views import ContainerView, evidence, with_change
from tapio.graph import Change, Evidence, RuledOut
from tapio.unified import EventName, ObjectKey, UnifiedEvent
from tapio.unified import objects as k8s

PULLING = frozenset(
    {"ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "ImageInspectError", "InvalidImageName"}
    | {"RegistryUnavailable", "SignatureValidationFailed"}
)


@rule(
    "startup.image_not_found",
    "startup.image_invalid",
    "startup.image_platform",
    "startup.registry_unreachable",
    "startup.pull_denied",
    "startup.pull_secret_missing",
    version=2,
)
def image_pull(container: ContainerView) -> Iterator[Finding]:
    """The image cannot be pulled: what the registry or the way to it answered decides which it is.

    The answer that was given most often counts: among many certificate errors one timeout is noise.
    """
    waiting = container.waiting
    if waiting is None or waiting.reason not in PULLING:
        return
    said = _pull_errors(container)
    if not said:
        if not any(is_of_the_disk(text) for _, text, _ in _pull_messages(container)):
            yield _unsaid(container, waiting)
        return
    weights: dict[tuple[str, str], int] = {}
    for code, detail, times, _ in said:
        weights[code, detail] = weights.get((code, detail), 0) + times
    code, detail = max(weights, key=lambda kind: weights[kind])
    proof = [fact for said_code, _, _, fact in said if said_code == code]
    without = _missing_pull_secret(container) if code == "startup.pull_denied" else None
    yield _without_secret(container, *without, proof) if without else _pull_finding(container, code, detail, proof)


# How sure it is that an image which the kubelet cannot pull, and does not say why (Events expire), is not there.
_UNSAID, _UNSAID_AFTER_CHANGE = 0.5, 0.7


def _unsaid(container: ContainerView, waiting: k8s.Waiting) -> Finding:
    """What keeps the image away is no longer told, or in words that are not known: that it is the image is sure."""
    proof = [container.pod.fact(f"{waiting.reason}: {shortened(waiting.message)}")]
    told = [evidence(one, shortened(one.message)) for one in container.pod.said(EventName.IMAGE_PULL_FAILED)]
    found = _pull_finding(container, "startup.image_not_found", "", proof + told[-1:])
    said = (told or proof)[-1].text
    look = f"kubectl -n {container.pod.key.namespace} describe pod {container.pod.key.name}   # its newest Events"
    return msgspec.structs.replace(
        found,
        summary=f"image {container.spec.image} cannot be pulled, and it is not known why: {shortened(said, 120)}",
        confidence=_UNSAID_AFTER_CHANGE if found.change else _UNSAID,
        ruled_out=(RuledOut(code="runtime.crash_app", because=f"container {container.name} never started"),),
        next=(look, *(found.next if found.change else ())),
    )


# kubelet since 1.27: "Unable to retrieve some image pull secrets (name, ...); attempting to pull ..."
_NO_PULL_SECRET = re.compile(r"image pull secrets \(([^),]+)")


def _missing_pull_secret(container: ContainerView) -> tuple[ObjectKey, Evidence] | None:
    """The pull secret that the kubelet did not find; only a refusal makes it matter, for many images need none."""
    pod = container.pod
    for event in reversed(pod.said(EventName.IMAGE_PULL_FAILED)):
        told = _NO_PULL_SECRET.search(event.message)
        if told:
            return ObjectKey("Secret", pod.key.namespace, told[1].strip()), evidence(event, shortened(event.message))
    for reference in pod.spec.image_pull_secrets:
        key = ObjectKey("Secret", pod.key.namespace, reference.name)
        deletion = deletion_of(pod, key)
        if deletion is not None:
            return key, evidence(deletion, f"Secret {key.name} deleted")
    return None


def _without_secret(container: ContainerView, secret: ObjectKey, told: Evidence, proof: list[Evidence]) -> Finding:
    pod = container.pod
    deletion = deletion_of(pod, secret)
    set_by = (one for one in pod.workload_changes if "imagePullSecrets" in one.field)
    change = as_change(deletion) if deletion else next(set_by, None)
    create = f"kubectl -n {secret.namespace} create secret docker-registry {secret.name} --docker-server="
    return Finding(
        code="startup.pull_secret_missing",
        blame=secret if deletion else pod.workload,
        workload=pod.workload,
        change=change,
        summary=f"the registry refuses image {container.spec.image}, and its pull secret {secret.name} does not exist",
        confidence=0.9,
        evidence=with_change(change, told, *proof[-2:]),
        attributes={"secret": secret.name, "image": container.spec.image, "container": container.name},
        ruled_out=(RuledOut(code="startup.image_not_found", because="the registry refused, it did not look"),),
        next=(create + registry_of(container.spec.image),),
    )


def _pull_errors(container: ContainerView) -> list[tuple[str, str, int, Evidence]]:
    """Every answer to a pull of the container's present image: code, detail, how often, the evidence."""
    found = []
    for event, text, times in _pull_messages(container):
        kind = classified(text)
        if kind:
            found.append((*kind, times, evidence(event, shortened(text))))
    return found


def _pull_messages(container: ContainerView) -> Iterator[tuple[UnifiedEvent, str, int]]:
    pod = container.pod
    for event in pod.said(EventName.IMAGE_PULL_FAILED):
        about = event.attributes
        if about and about.container in ("", container.name) and _about_image(event.message, container.spec.image):
            yield event, event.message, about.count
    for event, waiting in container.waits:
        if waiting.reason in PULLING:
            yield event, f"{waiting.reason}: {waiting.message}", 1


def _about_image(message: str, image: str) -> bool:
    return not image or image in message or "image" not in message.lower() or "Error: " in message


def _pull_finding(container: ContainerView, code: str, detail: str, proof: list[Evidence]) -> Finding:
    image = container.spec.image
    registry = registry_of(image)
    change = _pull_change(container, detail)
    attributes: dict[str, object] = {"image": image, "container": container.name}
    if code == "startup.registry_unreachable":
        attributes |= {"registry": registry, "kind": detail}
    elif detail:
        attributes |= {"kind": detail}
    return Finding(
        code=code,
        blame=container.pod.workload,
        change=change,
        summary=_pull_summary(code, detail, image, registry),
        confidence=0.95 if change or code != "startup.registry_unreachable" else 0.9,
        evidence=with_change(change, *proof[-3:]),
        attributes=attributes,
        ruled_out=_pull_ruled_out(code, detail, container),
        next=_pull_next(container, code, detail, registry, change),
    )


def _pull_change(container: ContainerView, detail: str) -> Change | None:
    """The change that asked for the image, or that asked for it never to be pulled."""
    policy = container.changes("imagePullPolicy") if detail == NEVER_PULLED else []
    asked = (one for one in container.changes("image") if one.after == container.spec.image)
    return next((one for one in policy if one.after == "Never"), None) or next(asked, None)


_DENIALS = {"rate_limit": ": its limit of pulls is reached", "signature": ": its signature is not accepted"}


def _pull_summary(code: str, detail: str, image: str, registry: str) -> str:
    if code == "startup.registry_unreachable":
        why = {"dns": "its name does not resolve", "tls": "its certificate is not accepted"}
        return f"the registry {registry} of image {image} cannot be reached: {why.get(detail, detail)}"
    words = {
        "startup.image_not_found": f"image {image} is not on the node, and its imagePullPolicy is Never"
        if detail == NEVER_PULLED
        else f"image {image} does not exist in its registry",
        "startup.image_invalid": f"what the registry gave for image {image} cannot be used on this node"
        if detail == "content"
        else f"{image!r} is no valid image reference",
        "startup.image_platform": f"image {image} has no variant for this node's platform",
        "startup.pull_denied": f"the registry {registry} refuses to give image {image}{_DENIALS.get(detail, '')}",
    }
    return words[code]


def _pull_ruled_out(code: str, detail: str, container: ContainerView) -> tuple[RuledOut, ...]:
    other = "startup.registry_unreachable" if code == "startup.image_not_found" else "startup.image_not_found"
    because = (
        "the registry was not asked"
        if detail == NEVER_PULLED
        else "the registry answered"
        if other == "startup.registry_unreachable"
        else "the registry gave what it has of it"
        if detail == "content"
        else "the registry was never asked for the image, or did not say so"
    )
    return (
        RuledOut(code=other, because=because),
        RuledOut(code="runtime.crash_app", because=f"container {container.name} never started"),
    )


_TO_REACH = {
    "dns": "check that {registry} is written right, and that the nodes resolve it",
    "tls": "check the certificate of {registry}, and that the nodes trust who signed it",
}


def _pull_next(
    container: ContainerView, code: str, detail: str, registry: str, change: Change | None
) -> tuple[str, ...]:
    workload = container.pod.workload
    if detail == NEVER_PULLED:
        return (correct(workload, container.field("imagePullPolicy"), "IfNotPresent, or an image that the nodes have"),)
    if change is not None and isinstance(change.before, str):
        return (f"kubectl -n {workload.namespace} set image {target(workload)} {container.name}={change.before}",)
    if code == "startup.registry_unreachable":
        return (_TO_REACH.get(detail, "check that the nodes can reach {registry}").format(registry=registry),)
    if code == "startup.pull_denied":
        create = f"kubectl -n {workload.namespace} create secret docker-registry <name> --docker-server={registry}"
        return (f"{create}   # and name it in spec.template.spec.imagePullSecrets",)
    return (f"kubectl -n {workload.namespace} set image {target(workload)} {container.name}=<an image that exists>",)


def registry_of(image: str) -> str:
    """The registry's host of an image reference; without one it is Docker Hub (distribution/reference)."""
    first, slash, _ = image.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return first
    return "docker.io"
