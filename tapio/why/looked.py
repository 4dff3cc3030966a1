"""What was looked at where no cause is named: codes that were considered, and why each is not the answer."""

from collections.abc import Iterable, Sequence

from tapio.graph import Link, RuledOut, Symptom
from tapio.graph.symptoms import SymptomCode as Code
from tapio.why.candidates import Case
from tapio.why.explanation import Examined

_NO_RULE = "no rule found evidence of it"

_CRASH = ("runtime.oom_killed", "runtime.crash_after_change", "startup.command_invalid", "runtime.crash_app")
_PULL = ("startup.image_not_found", "startup.registry_unreachable")
_SCHEDULING = ("scheduling.node_selector", "scheduling.taint_untolerated", "scheduling.insufficient_cpu")
_CREATION = ("startup.config_missing", "startup.mount_failed", "startup.sandbox_failed")

# The causes that most often show themselves so, from the table of faults: what a person would try first.
_USUAL: dict[str, tuple[str, ...]] = {
    Code.CRASH_LOOP: _CRASH,
    Code.ERROR: _CRASH,
    Code.OOM_KILLED: ("runtime.oom_killed", "runtime.node_oom"),
    Code.FAILED: (*_CRASH, "runtime.evicted"),
    Code.EVICTED: ("runtime.evicted", "node.pressure_memory", "node.pressure_disk"),
    Code.IMAGE_PULL: (*_PULL, "startup.pull_denied"),
    Code.INVALID_IMAGE_NAME: ("startup.image_invalid",),
    Code.CONFIG_ERROR: ("startup.config_missing",),
    Code.CREATE_ERROR: (*_CREATION, "startup.security_context"),
    Code.RUN_ERROR: ("startup.command_invalid", "startup.mount_failed"),
    Code.INIT_ERROR: ("startup.init_container", *_CRASH),
    Code.PENDING: (*_SCHEDULING, "scheduling.scheduler_down"),
    Code.CONTAINER_CREATING: (*_CREATION, *_PULL),
    Code.STARTING: ("runtime.startup_probe", "runtime.readiness_port", "runtime.readiness_status"),
    Code.NOT_READY: ("runtime.readiness_port", "runtime.readiness_status", "node.kubelet_down"),
    Code.TERMINATING: ("admission.stuck_deleting", "node.kubelet_down"),
    Code.UNAVAILABLE: ("controller.rollout_stuck", "admission.quota_exceeded"),
    Code.PROGRESS_DEADLINE: ("controller.rollout_stuck", "admission.quota_exceeded"),
    Code.FAILED_CREATE: ("admission.quota_exceeded", "admission.pod_security", "admission.webhook_failed"),
    Code.JOB_FAILED: ("controller.job_failed",),
    Code.NOT_SCALING: ("controller.hpa_no_metrics", "controller.hpa_bounds"),
    Code.MISSED_SCHEDULE: ("controller.cron_missed",),
    Code.EVICTION_REFUSED: ("controller.pdb_blocks",),
    Code.MISROUTED: ("network.ingress_misroute",),
    Code.SCALED_TO_ZERO: ("controller.scaled_to_zero",),
    Code.NO_ENDPOINTS: ("service.selector_mismatch", "service.no_ready_endpoints"),
    Code.PORT_MISMATCH: ("service.port_mismatch",),
    Code.FOREIGN_ENDPOINTS: ("service.selector_mismatch",),
    Code.NO_LOAD_BALANCER: ("service.load_balancer_failed",),
    Code.UNBOUND: ("scheduling.volume_class_missing", "scheduling.volume_provisioning_failed"),
    Code.NODE_NOT_READY: ("node.kubelet_down", "node.runtime_down", "node.rebooted"),
    Code.NODE_PROBLEM: ("node.kernel", "node.read_only_fs", "node.disk_error"),
    Code.NODE_PRESSURE: ("node.pressure_memory", "node.pressure_disk", "node.pressure_pid"),
}


def looked_at(case: Case, doubted: Sequence[tuple[Link, float]], least: float) -> tuple[Examined, ...]:
    """What an answer without a cause rests on: conclusions too weak to give, what rules ruled out, what they did not
    find; where no rule judges such a symptom, the causes that usually show themselves so.
    """
    weak = [
        Examined(code=link.code, because=f"confidence {confidence:.2f} is below {least:.2f}: {link.summary}")
        for link, confidence in doubted
    ]  # fmt: skip
    said = examined((*case.looked, *(candidate.link for candidate in case.candidates)))
    judged = [_part(ruled_out) for symptom in case.open for ruled_out in symptom.examined]
    return _once((*weak, *said, *judged)) or _once(_usual(case.open))


def examined(links: Iterable[Link], *, but: Iterable[str] = ()) -> tuple[Examined, ...]:
    """What these links ruled out, each code once, the codes of `but` left out."""
    excluded = set(but)
    found = (ruled_out for link in links for ruled_out in link.ruled_out if ruled_out.code not in excluded)
    return _once(_part(ruled_out) for ruled_out in found)


def _part(ruled_out: RuledOut) -> Examined:
    return Examined(code=ruled_out.code, because=ruled_out.because)


def _usual(symptoms: Iterable[Symptom]) -> Iterable[Examined]:
    codes = (code for symptom in symptoms for code in _USUAL.get(symptom.code, ("control.controller_down",)))
    return (Examined(code=code, because=_NO_RULE) for code in codes)


def _once(parts: Iterable[Examined]) -> tuple[Examined, ...]:
    first: dict[str, Examined] = {}
    for part in parts:
        first.setdefault(part.code, part)
    return tuple(first.values())
