"""Causes that keep a container from starting."""

import re
from collections.abc import Iterator

from tapio.correlators.rules.absent import as_change, deletion_of
from tapio.correlators.rules.crashes import START_REASONS
from tapio.correlators.rules.finding import Finding, rule
from tapio.correlators.rules.mounts import INTO_CONTAINER
from tapio.correlators.rules.remedies import correct, shortened, target
from tapio.correlators.views import ContainerView, change_evidence, evidence
from tapio.graph import Change, Evidence, RuledOut
from tapio.unified import EventName, ObjectKey, UnifiedEvent

_PULLING = frozenset(
    {"ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "ImageInspectError", "InvalidImageName"}
    | {"RegistryUnavailable", "SignatureValidationFailed"}
)

# What containerd and CRI-O say when a pull fails, the first that matches decides. The registry's answer comes before
# the network's, as a message may quote both ("failed to do request: ...: not found" is the answer).
_PULL_FAILURES: tuple[tuple[str, str, re.Pattern[str]], ...] = tuple(
    (code, detail, re.compile(pattern, re.IGNORECASE))
    for code, detail, pattern in (
        (
            "startup.image_invalid",
            "",
            r"couldn't parse image (reference|name)|invalid reference format|InvalidImageName",
        ),
        ("startup.registry_unreachable", "dns", r"no such host|server misbehaving|name resolution|lookup .+ on .+:53"),
        (
            "startup.registry_unreachable",
            "tls",
            r"x509|certificate|tls: (?!handshake timeout)|gave HTTP response to HTTPS",
        ),
        ("startup.registry_unreachable", "refused", r"connection refused"),
        (
            "startup.registry_unreachable",
            "timeout",
            r"i/o timeout|deadline exceeded|handshake timeout|Client\.Timeout|no route to host|network is unreachable",
        ),
        ("startup.pull_denied", "", r"\b40[13]\b|denied|unauthori[sz]ed|authentication required|insufficient_scope"),
        ("startup.image_platform", "", r"no match for platform|exec format error"),
        ("startup.image_not_found", "", r"not found|manifest unknown|NotFound|name unknown|does not exist"),
        ("startup.image_not_found", "never pulled", r"ErrImageNeverPull|not present with pull policy of Never"),
    )
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
    if waiting is None or waiting.reason not in _PULLING:
        return
    said = _pull_errors(container)
    if not said:
        return
    weights: dict[tuple[str, str], int] = {}
    for code, detail, times, _ in said:
        weights[code, detail] = weights.get((code, detail), 0) + times
    code, detail = max(weights, key=lambda kind: weights[kind])
    proof = [fact for said_code, _, _, fact in said if said_code == code]
    without = _missing_pull_secret(container) if code == "startup.pull_denied" else None
    yield _without_secret(container, *without, proof) if without else _pull_finding(container, code, detail, proof)


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
    facts = [change_evidence(change)] if change else []
    create = f"kubectl -n {secret.namespace} create secret docker-registry {secret.name} --docker-server="
    return Finding(
        code="startup.pull_secret_missing",
        blame=secret if deletion else pod.workload,
        workload=pod.workload,
        change=change,
        summary=f"the registry refuses image {container.spec.image}, and its pull secret {secret.name} does not exist",
        confidence=0.9,
        evidence=(*facts, told, *proof[-2:]),
        attributes={"secret": secret.name, "image": container.spec.image, "container": container.name},
        ruled_out=(RuledOut(code="startup.image_not_found", because="the registry refused, it did not look"),),
        next=(create + registry_of(container.spec.image),),
    )


def _pull_errors(container: ContainerView) -> list[tuple[str, str, int, Evidence]]:
    """Every answer to a pull of the container's present image: code, detail, how often, the evidence."""
    found = []
    for event, text, times in _pull_messages(container):
        kind = _classified(text)
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
        if waiting.reason in _PULLING:
            yield event, f"{waiting.reason}: {waiting.message}", 1


def _about_image(message: str, image: str) -> bool:
    return not image or image in message or "image" not in message.lower() or "Error: " in message


def _classified(text: str) -> tuple[str, str] | None:
    return next(((code, detail) for code, detail, pattern in _PULL_FAILURES if pattern.search(text)), None)


def _pull_finding(container: ContainerView, code: str, detail: str, proof: list[Evidence]) -> Finding:
    image = container.spec.image
    registry = registry_of(image)
    change = next((one for one in container.changes("image") if one.after == image), None)
    attributes: dict[str, object] = {"image": image, "container": container.name}
    if code == "startup.registry_unreachable":
        attributes |= {"registry": registry, "kind": detail}
    facts = [*([change_evidence(change)] if change else []), *proof[-3:]]
    return Finding(
        code=code,
        blame=container.pod.workload,
        change=change,
        summary=_pull_summary(code, detail, image, registry),
        confidence=0.95 if change or code != "startup.registry_unreachable" else 0.9,
        evidence=tuple(facts),
        attributes=attributes,
        ruled_out=_pull_ruled_out(code, container),
        next=_pull_next(container, code, registry, change),
    )


def _pull_summary(code: str, detail: str, image: str, registry: str) -> str:
    if code == "startup.registry_unreachable":
        why = {"dns": "its name does not resolve", "tls": "its certificate is not accepted"}
        return f"the registry {registry} of image {image} cannot be reached: {why.get(detail, detail)}"
    words = {
        "startup.image_not_found": f"image {image} does not exist in its registry",
        "startup.image_invalid": f"{image!r} is no valid image reference",
        "startup.image_platform": f"image {image} has no variant for this node's platform",
        "startup.pull_denied": f"the registry {registry} refuses to give image {image}",
    }
    return words[code]


def _pull_ruled_out(code: str, container: ContainerView) -> tuple[RuledOut, ...]:
    other = "startup.registry_unreachable" if code == "startup.image_not_found" else "startup.image_not_found"
    because = (
        "the registry answered"
        if other == "startup.registry_unreachable"
        else "the registry was never asked for the image, or did not say so"
    )
    return (
        RuledOut(code=other, because=because),
        RuledOut(code="runtime.crash_app", because=f"container {container.name} never started"),
    )


def _pull_next(container: ContainerView, code: str, registry: str, change: Change | None) -> tuple[str, ...]:
    workload = container.pod.workload
    if change is not None and isinstance(change.before, str):
        return (f"kubectl -n {workload.namespace} set image {target(workload)} {container.name}={change.before}",)
    if code == "startup.registry_unreachable":
        return (f"check that the nodes can resolve and reach {registry}",)
    return (f"kubectl -n {workload.namespace} set image {target(workload)} {container.name}=<an image that exists>",)


def registry_of(image: str) -> str:
    """The registry's host of an image reference; without one it is Docker Hub (distribution/reference)."""
    first, slash, _ = image.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return first
    return "docker.io"


_NO_SUCH_COMMAND = re.compile(
    r"executable file not found|no such file or directory|permission denied|exec format error|is a directory"
    r"|cannot execute|command not found",
    re.IGNORECASE,
)
_NOT_EXECUTABLE, _NOT_FOUND, _START_FAILED = 126, 127, 128  # a shell's and runc's exit codes for a command


@rule("startup.command_invalid", version=1)
def command_invalid(container: ContainerView) -> Iterator[Finding]:
    """The runtime could not execute the container's command, or the shell in it did not find one."""
    told = _start_error(container)
    if told is None:
        return
    field = "command" if container.spec.command else "args"
    change = next(iter([*container.changes("command"), *container.changes("args"), *container.changes("image")]), None)
    command = " ".join((*container.spec.command, *container.spec.args))
    yield Finding(
        code="startup.command_invalid",
        blame=container.pod.workload,
        change=change,
        summary=f"container {container.name} cannot execute its command {command!r}".replace(" ''", ""),
        confidence=0.93,
        evidence=(*([change_evidence(change)] if change else []), told),
        attributes={"container": container.name, "field": container.field(field)},
        ruled_out=(RuledOut(code="runtime.crash_app", because="the program never ran"),),
        next=(correct(container.pod.workload, container.field(field)),),
    )


def _start_error(container: ContainerView) -> Evidence | None:
    waiting, end = container.waiting, container.last_end
    if any(INTO_CONTAINER.search(one.message) for one in (waiting, end) if one):
        return None
    if waiting and waiting.reason in START_REASONS and _NO_SUCH_COMMAND.search(waiting.message):
        return container.pod.fact(f"{waiting.reason}: {shortened(waiting.message)}")
    if end is None:
        return None
    if end.reason in START_REASONS and (end.exit_code in (_NOT_EXECUTABLE, _NOT_FOUND, _START_FAILED)):
        return evidence(end.event, f"{end.reason}, exit {end.exit_code}: {shortened(end.message)}", at=end.at)
    if end.exit_code in (_NOT_EXECUTABLE, _NOT_FOUND) and _NO_SUCH_COMMAND.search(
        f"{end.message} {container.last_line}"
    ):
        return evidence(end.event, f"exit {end.exit_code}: {shortened(container.last_line)}", at=end.at)
    return None
