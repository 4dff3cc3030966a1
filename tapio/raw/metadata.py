"""What the pipeline knows about the object behind a raw event: the `k8s_*` enrichment every collector carries."""

from typing import NamedTuple

import msgspec


class ObjectKey(NamedTuple):
    """One Kubernetes object by name: `Kind/namespace/name`, the namespace empty for cluster-wide kinds."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.namespace}/{self.name}"

    @classmethod
    def parse(cls, text: str) -> "ObjectKey":
        """Reads `Kind/namespace/name`.

        Raises:
            ValueError: there are not exactly three parts.
        """
        kind, namespace, name = text.split("/")
        return cls(kind, namespace, name)


class Metadata(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The standard enrichment. The six `k8s_*` strings are always written; the extras only where there is something.

    `k8s_root` is the topmost owner known (`Kind/namespace/name`), `k8s_node` the node a node-local source ran on,
    `observed_at` when the collector had the event (RFC 3339), `relisted` that the state was found by a relist.
    """

    collector: str
    k8s_namespace: str = ""
    k8s_name: str = ""
    k8s_kind: str = ""
    k8s_uid: str = ""
    k8s_labels: str = ""
    k8s_owner_refs: str = ""
    k8s_root: str | msgspec.UnsetType = msgspec.UNSET
    k8s_node: str | msgspec.UnsetType = msgspec.UNSET
    observed_at: str | msgspec.UnsetType = msgspec.UNSET
    relisted: bool | msgspec.UnsetType = msgspec.UNSET

    @property
    def root(self) -> ObjectKey | None:
        return ObjectKey.parse(self.k8s_root) if self.k8s_root else None


def format_labels(labels: dict[str, str]) -> str:
    """`app=nginx,version=1.0`: label keys and values hold neither `=` nor `,` (Kubernetes' label syntax)."""
    return ",".join(f"{key}={value}" for key, value in labels.items())


def parse_labels(text: str) -> dict[str, str]:
    """The inverse of `format_labels`; a part without `=` is a key with an empty value."""
    return dict(_pair(part) for part in text.split(",") if part)


def _pair(part: str) -> tuple[str, str]:
    key, _, value = part.partition("=")
    return key, value


def format_owner_refs(owners: list[tuple[str, str]]) -> str:
    """`ReplicaSet/nginx-7d8f,...`: kind and name, the controlling owner first."""
    return ",".join(f"{kind}/{name}" for kind, name in owners)


def parse_owner_refs(text: str) -> list[tuple[str, str]]:
    """The inverse of `format_owner_refs`."""
    parts = (part.partition("/") for part in text.split(",") if part)
    return [(kind, name) for kind, _, name in parts]
