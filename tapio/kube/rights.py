"""What this account may do, asked of the API server itself (`SelfSubjectAccessReview`, which stores nothing)."""

import msgspec

from tapio.kube.client import KubeClient
from tapio.kube.kinds import Kind

_PATH = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


class _Status(msgspec.Struct):
    allowed: bool = False


class _Review(msgspec.Struct):
    status: _Status


async def allowed(client: KubeClient, kind: Kind, verb: str, namespace: str | None = None) -> bool:
    """Whether the account may do `verb` with all objects of the kind, or with those of one namespace.

    Raises:
        ApiError: the server refuses to say.
        ServerAwayError: it does not answer.
    """
    group, _, _ = kind.api_version.rpartition("/")
    asked = {"group": group, "resource": kind.plural, "verb": verb}
    if namespace and kind.namespaced:
        asked["namespace"] = namespace
    document = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": asked},
    }
    answer = await client.post(_PATH, msgspec.json.encode(document))
    return msgspec.json.decode(answer, type=_Review).status.allowed
