"""What the API server said when it refused to create a pod: the words of its admission plugins.

The words are those of kubernetes/plugin/pkg/admission and k8s.io/apiserver at 1.25 to 1.34, as a controller repeats
them in FailedCreate or in the condition ReplicaFailure.
"""

import re

import msgspec

QUOTA = "admission.quota_exceeded"
LIMITS_REQUIRED = "admission.limits_required"
LIMIT_RANGE = "admission.limit_range"
SERVICE_ACCOUNT = "admission.service_account_missing"
WEBHOOK_FAILED = "admission.webhook_failed"
WEBHOOK_DENIED = "admission.webhook_denied"
POD_SECURITY = "admission.pod_security"
RBAC = "admission.rbac_denied"
POLICY = "admission.policy_denied"
PRIORITY = "admission.priority_class_missing"
RUNTIME_CLASS = "admission.runtime_class_missing"
TERMINATING = "admission.stuck_deleting"
INVALID = "admission.template_invalid"
NO_SPACE = "control.etcd_no_space"

# The first that matches decides: a webhook's own text may quote any of the others.
_WORDS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (code, re.compile(words))
    for code, words in (
        (WEBHOOK_FAILED, r'failed calling webhook "(?P<name>[^"]+)"(?P<why>.*)'),
        (WEBHOOK_DENIED, r'admission webhook "(?P<name>[^"]+)" denied the request(?P<why>.*)'),
        (WEBHOOK_DENIED, r"(?P<name>image policy webhook) backend denied (?P<why>.*)"),
        (POLICY, r"ValidatingAdmissionPolicy '(?P<name>[^']+)' with binding '[^']+' denied request: (?P<why>.*)"),
        (PRIORITY, r"(?P<why>no PriorityClass with name (?P<name>\S+) was found)"),
        (RUNTIME_CLASS, r'(?P<why>RuntimeClass "(?P<name>[^"]+)" not found)'),
        (
            TERMINATING,
            r"(?P<why>unable to create new content in namespace (?P<name>\S+) because it is being terminated)",
        ),
        (NO_SPACE, r"(?P<why>etcdserver: (?:mvcc: )?(?P<name>database space exceeded|no space))"),
        (QUOTA, r"exceeded quota: (?P<name>[^,]+), (?P<why>requested: .*)"),
        (LIMITS_REQUIRED, r"failed quota: (?P<name>[^:]+): must specify (?P<why>.+)"),
        (SERVICE_ACCOUNT, r'error looking up service account (?P<why>\S+): serviceaccount "(?P<name>[^"]+)" not found'),
        (POD_SECURITY, r'violates PodSecurity "(?P<name>[^"]+)": (?P<why>.*)'),
        (
            POD_SECURITY,
            r"(?P<why>unable to validate against any (?:pod security|security context).*)",
        ),
        (LIMIT_RANGE, r"(?P<why>(?:max|min)imum (?P<name>\S+) usage per (?:Container|Pod|PersistentVolumeClaim) .*)"),
        (LIMIT_RANGE, r"(?P<why>(?P<name>\S+) max limit to request ratio per .*)"),
        (LIMIT_RANGE, r"(?P<why>must be less than or equal to (?P<name>\S+) limit.*)"),
        (INVALID, r'(?:Pod|PersistentVolumeClaim) "[^"]*" is invalid: (?P<name>[\w.\[\]]+): (?P<why>.*)'),
        (RBAC, r'User "(?P<name>system:serviceaccount:[^"]+)" (?P<why>cannot .*)'),
    )
)
_AMOUNT = re.compile(r"([\w./-]+)=([\w.]+)")
_PARTS = re.compile(r"(requested|used|limited): (.*?)(?=, (?:used|limited): |$)")
# How the call to a webhook failed, the first that matches; the words are Go's net and crypto/x509.
_CALLS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(words))
    for kind, words in (
        ("service_missing", r'service "[^"]+" not found'),
        ("no_endpoints", r"no endpoints available"),
        ("tls", r"x509|tls: |certificate"),
        ("dns", r"no such host|server misbehaving"),
        ("refused", r"connection refused|connection reset"),
        ("timeout", r"deadline exceeded|i/o timeout|Client\.Timeout|no route to host"),
        ("status", r"expected (webhook )?response|the server (could not find|rejected)|status code|unable to decode"),
    )
)
_SERVICE = re.compile(r"https?://([\w-]+)\.([\w-]+)\.svc\b")
_HOST = re.compile(r"https?://([\w.-]+)")


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """Why a create was refused: the code, the thing that refused by `name`, and the rest of what was said."""

    code: str
    name: str
    why: str
    text: str


def refused_by(message: str) -> Refused | None:
    """Who refused the create, from the message; None where it says nothing we know."""
    for code, words in _WORDS:
        found = words.search(message)
        if found:
            parts = found.groupdict()
            return Refused(code=code, name=parts.get("name") or "", why=parts["why"].strip(" :"), text=message)
    return None


def amounts(why: str) -> dict[str, dict[str, str]]:
    """`requested: cpu=2, used: cpu=1, limited: cpu=2` as mappings by those three words."""
    return {word: dict(_AMOUNT.findall(text)) for word, text in _PARTS.findall(why)}


def call_failure(why: str) -> str:
    """How a call to a webhook failed; empty where the words are not known."""
    return next((kind for kind, words in _CALLS if words.search(why)), "")


def called_service(why: str) -> tuple[str, str] | None:
    """Namespace and name of the Service that was called."""
    found = _SERVICE.search(why)
    return (found[2], found[1]) if found else None


def called_host(why: str) -> str:
    found = _HOST.search(why)
    return found[1] if found else ""
