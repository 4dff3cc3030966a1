"""What the scheduler said when it found no node: which predicate refused how many nodes.

The words are those of kube-scheduler 1.19 to 1.34 (kubernetes/pkg/scheduler/framework: runtime and plugins).
"""

import re
from collections.abc import Iterator

import msgspec

CORDONED = "scheduling.node_cordoned"
TAINTED = "scheduling.taint_untolerated"
SELECTOR = "scheduling.node_selector"
ANTI_AFFINITY = "scheduling.pod_anti_affinity"
HOST_PORT = "scheduling.host_port"
SPREAD = "scheduling.topology_spread"
VOLUME_ZONE = "scheduling.volume_node_affinity"
UNBOUND = "scheduling.volume_unbound"  # no code of an answer: why the claim is not bound is for the claim to say
CLAIM_MISSING = "scheduling.volume_claim_missing"

# A node that is refused for one of these was not asked about anything else: the filters run in this order.
BARRIERS = (CORDONED, TAINTED, SELECTOR)

_PREDICATES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (code, re.compile(words))
    for code, words in (
        (CORDONED, r"were unschedulable|taint \{node\.kubernetes\.io/unschedulable"),
        (TAINTED, r"untolerated taint|taints? .*that the pod didn't tolerate"),
        (
            SELECTOR,
            r"match (Pod's )?node (affinity|selector)|requested node name|\[NodeAffinity|prefilter result",
        ),
        (
            CLAIM_MISSING,
            r'persistentvolumeclaim "?[\w./-]+"? (not found|is being deleted)|ephemeral volume controller to create',
        ),
        (UNBOUND, r"unbound (immediate )?PersistentVolumeClaims|available persistent volumes to bind|binding volumes"),
        (
            VOLUME_ZONE,
            r"volume node affinity|PersistentVolume's node affinity|available volume zone|to non-existent pv",
        ),
        ("scheduling.volume_access_mode", r"ReadWriteOncePod access mode|no available disk"),
        ("scheduling.volume_limit", r"exceed max volume count"),
        ("scheduling.volume_capacity", r"enough free storage"),
        (HOST_PORT, r"have free ports"),
        ("scheduling.insufficient_pods", r"Too many pods"),
        ("scheduling.insufficient_cpu", r"Insufficient cpu"),
        ("scheduling.insufficient_memory", r"Insufficient (memory|hugepages)"),
        ("scheduling.insufficient_ephemeral_storage", r"Insufficient ephemeral-storage"),
        ("scheduling.insufficient_gpu", r"Insufficient [\w.-]+/[\w.-]+"),
        (SPREAD, r"pod topology spread constraints"),
        (ANTI_AFFINITY, r"anti-affinity"),
        ("scheduling.pod_affinity", r"(match|satisfy) (existing )?pods?'? affinity"),
    )
)
# After the verdict the scheduler says what preemption and deallocation would have helped (1.34 puts both there).
_AFTERTHOUGHT = re.compile(r"\.?\s+(?:no new claims to deallocate|preemption:)")
_COUNTED = re.compile(r"(\d+) ")
_TAINT = re.compile(r"taints?(?:\(s\))? \{([^:}=]*)[:=]?\s*([^}]*)\}")
_RESOURCE = re.compile(r"Insufficient ([\w./-]+)")
_CLAIM = re.compile(r'persistentvolumeclaim "?([\w./-]+?)"? (?:not found|is being)')


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """One predicate and how many nodes it refused; `taint` is (key, value), `resource` and `claim` are names."""

    code: str
    nodes: int = 1
    taint: tuple[str, str] = ("", "")
    resource: str = ""
    claim: str = ""


def refusals_of(message: str) -> list[Refusal]:
    """The refusals in `0/5 nodes are available: 2 Insufficient cpu, 3 node(s) ...`, in the order they are told."""
    return list(_refusals(verdict_of(message)))


def verdict_of(message: str) -> str:
    """The message without what preemption would have come to."""
    return _AFTERTHOUGHT.split(message, maxsplit=1)[0].rstrip(". ")


def preemption_cannot_help(message: str) -> bool:
    """Whether the scheduler says of every node that it would not do even when empty (since 1.31 for resources)."""
    _, _, afterthought = message.partition("preemption:")
    return "not helpful" in afterthought and "No preemption victims" not in afterthought


def _refusals(verdict: str) -> Iterator[Refusal]:
    _, _, parts = verdict.partition(": ")
    for part in re.split(r", (?=\d+ )", parts or verdict):
        code = next((code for code, words in _PREDICATES if words.search(part)), None)
        if code is not None:
            yield _refusal(code, part)


def _refusal(code: str, part: str) -> Refusal:
    counted, taint = _COUNTED.match(part), _TAINT.search(part)
    resource, claim = _RESOURCE.search(part), _CLAIM.search(part)
    return Refusal(
        code=code,
        nodes=int(counted[1]) if counted else 1,
        taint=(taint[1].strip(), taint[2].strip()) if taint else ("", ""),
        resource="pods" if code.endswith("_pods") else resource[1].rstrip(".") if resource else "",
        claim=claim[1] if claim else "",
    )
