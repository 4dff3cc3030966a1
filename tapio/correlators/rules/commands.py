"""Programs that cannot be run: no such command, another platform's, no memory to start in, a hook that fails."""

import re
from collections.abc import Iterator

from tapio.correlators.rules.clues.crashes import START_REASONS, TOO_SMALL, hook_failure
from tapio.correlators.rules.finding import Finding, rule
from tapio.correlators.rules.mounts import INTO_CONTAINER
from tapio.correlators.rules.remedies import correct, shortened, undo_or_correct
from tapio.correlators.views import ContainerView, End, evidence, with_change
from tapio.graph import Evidence, RuledOut

_NEVER_RAN = RuledOut(code="runtime.crash_app", because="the program never ran")
_NO_SUCH_COMMAND = re.compile(
    r"executable file .*not found|no such file or directory|permission denied|is a directory"
    r"|cannot execute|command not found|: not found",
    re.IGNORECASE,
)
_FOREIGN = re.compile(r"exec format error", re.IGNORECASE)
_NOT_EXECUTABLE, _NOT_FOUND = 126, 127  # a shell's and runc's exit codes for a command
_UNTOLD = 0.75  # such an exit code by itself: a program may end with it too


@rule("startup.command_invalid", "startup.image_platform", "startup.memory_too_small", version=2)
def command_invalid(container: ContainerView) -> Iterator[Finding]:
    """The runtime could not execute the container's command, or the shell in it did not find one.

    A binary of another platform is the image's fault, and a limit that not even the runtime fits in the limit's.
    """
    told = _start_error(container)
    if told is None:
        return
    text, proof = told
    if TOO_SMALL.search(text):
        yield _too_small(container, proof)
    elif _FOREIGN.search(text):
        yield _foreign(container, proof)
    else:
        yield _no_command(container, proof, 0.93 if _NO_SUCH_COMMAND.search(text) else _UNTOLD)


def _start_error(container: ContainerView) -> tuple[str, Evidence] | None:
    """What was said of a start that failed (empty where only the exit code speaks), and the record of it."""
    waiting, end = container.waiting, container.last_end
    if any(INTO_CONTAINER.search(one.message) for one in (waiting, end) if one):
        return None
    if waiting and waiting.reason in START_REASONS and _is_of_the_program(waiting.message):
        return waiting.message, container.pod.fact(f"{waiting.reason}: {shortened(waiting.message)}")
    if end is None or not container.unwell:
        return None
    words = f"{end.message}\n{container.last_line}"
    if end.reason in START_REASONS:
        said = f"{end.reason}, exit {end.exit_code}: {shortened(end.message)}"
        known = _is_of_the_program(end.message) or not end.message
        return (end.message, evidence(end.event, said, at=end.at)) if known else None
    if _FOREIGN.search(words) or _is_of_a_shell(end, words):
        return words, evidence(end.event, f"exit {end.exit_code}: {shortened(container.last_line)}", at=end.at)
    return None


def _is_of_a_shell(end: End, words: str) -> bool:
    """Whether a shell did not find a command: by its exit code, unless the last words speak of something else."""
    return end.exit_code in (_NOT_EXECUTABLE, _NOT_FOUND) and (
        not words.strip() or bool(_NO_SUCH_COMMAND.search(words))
    )


def _is_of_the_program(text: str) -> bool:
    return any(words.search(text) for words in (_NO_SUCH_COMMAND, _FOREIGN, TOO_SMALL))


def _no_command(container: ContainerView, proof: Evidence, confidence: float) -> Finding:
    field = "command" if container.spec.command else "args"
    change = next(iter([*container.changes("command"), *container.changes("args"), *container.changes("image")]), None)
    command = " ".join((*container.spec.command, *container.spec.args))
    return Finding(
        code="startup.command_invalid",
        blame=container.pod.workload,
        change=change,
        summary=f"container {container.name} cannot execute its command {command!r}".replace(" ''", ""),
        confidence=confidence,
        evidence=with_change(change, proof),
        attributes={"container": container.name, "field": container.field(field)},
        ruled_out=(_NEVER_RAN,),
        next=(correct(container.pod.workload, container.field(field)),),
    )


def _foreign(container: ContainerView, proof: Evidence) -> Finding:
    change = next(iter(container.changes("image")), None)
    return Finding(
        code="startup.image_platform",
        blame=container.pod.workload,
        change=change,
        summary=f"image {container.spec.image} holds a program for another platform than its node's",
        confidence=0.92,
        evidence=with_change(change, proof),
        attributes={"container": container.name, "image": container.spec.image},
        ruled_out=(_NEVER_RAN,),
        next=(undo_or_correct(container.pod.workload, change, container.field("image"), "built for the node"),),
    )


def _too_small(container: ContainerView, proof: Evidence) -> Finding:
    change = next(iter(container.changes("resources")), None)
    limit = container.limit("memory")
    which = f"the memory limit of {limit}" if limit else "the memory limit"
    return Finding(
        code="startup.memory_too_small",
        blame=container.pod.workload,
        change=change,
        summary=f"{which} is too small to start container {container.name} in",
        confidence=0.95,
        evidence=with_change(change, proof),
        attributes={"container": container.name, "limit": limit},
        ruled_out=(_NEVER_RAN,),
        next=(undo_or_correct(container.pod.workload, change, container.field("resources.limits.memory")),),
    )


@rule("startup.post_start_hook", version=1)
def post_start_hook(container: ContainerView) -> Iterator[Finding]:
    """The container's postStart hook fails, for which the kubelet kills the container whatever the program does."""
    waiting, said = container.waiting, hook_failure(container)
    if waiting and waiting.reason == "PostStartHookError":
        text, proof = waiting.message, container.pod.fact(f"{waiting.reason}: {shortened(waiting.message)}")
    elif said:
        text, proof = said.message, evidence(said, f"{said.reason}: {shortened(said.message)}")
    else:
        return
    change = next(iter(container.changes("lifecycle")), None)
    yield Finding(
        code="startup.post_start_hook",
        blame=container.pod.workload,
        change=change,
        summary=f"the postStart hook of container {container.name} fails: {shortened(text, 160)}",
        confidence=0.9,
        evidence=with_change(change, proof),
        attributes={"container": container.name},
        ruled_out=(RuledOut(code="runtime.crash_app", because="the kubelet ended it for its hook"),),
        next=(undo_or_correct(container.pod.workload, change, container.field("lifecycle.postStart")),),
    )
