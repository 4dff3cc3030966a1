"""Claims, volumes and classes."""

from typing import Any

from tapio.unified.objects.part import Condition, LabelSelector, ObjectMeta, Part, Quantity
from tapio.unified.objects.pods import Resources


class ObjectRef(Part, frozen=True, kw_only=True):
    kind: str = ""
    namespace: str = ""
    name: str = ""
    uid: str = ""


class ClaimSpec(Part, frozen=True, kw_only=True):
    """`storage_class_name` None asks for the default class, empty for none at all."""

    storage_class_name: str | None = None
    access_modes: tuple[str, ...] = ()
    resources: Resources = Resources()
    selector: LabelSelector | None = None
    volume_name: str = ""
    volume_mode: str = "Filesystem"


class ClaimStatus(Part, frozen=True, kw_only=True):
    phase: str = ""
    conditions: tuple[Condition, ...] = ()


class PersistentVolumeClaim(Part, frozen=True, kw_only=True, tag_field="kind", tag="PersistentVolumeClaim"):
    metadata: ObjectMeta = ObjectMeta()
    spec: ClaimSpec = ClaimSpec()
    status: ClaimStatus = ClaimStatus()


class VolumeNodeAffinity(Part, frozen=True, kw_only=True):
    required: dict[str, Any] = {}


class VolumeSpec(Part, frozen=True, kw_only=True):
    storage_class_name: str = ""
    access_modes: tuple[str, ...] = ()
    capacity: dict[str, Quantity] = {}
    claim_ref: ObjectRef | None = None
    node_affinity: VolumeNodeAffinity | None = None
    volume_mode: str = "Filesystem"


class VolumeStatus(Part, frozen=True, kw_only=True):
    phase: str = ""
    reason: str = ""
    message: str = ""


class PersistentVolume(Part, frozen=True, kw_only=True, tag_field="kind", tag="PersistentVolume"):
    metadata: ObjectMeta = ObjectMeta()
    spec: VolumeSpec = VolumeSpec()
    status: VolumeStatus = VolumeStatus()


class StorageClass(Part, frozen=True, kw_only=True, tag_field="kind", tag="StorageClass"):
    metadata: ObjectMeta = ObjectMeta()
    provisioner: str = ""
    volume_binding_mode: str = "Immediate"
