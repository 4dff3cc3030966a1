"""A PersistentVolumeClaim with its class and the volumes it could have."""

from datetime import datetime, timedelta
from functools import cached_property

from tapio.correlators.quantities import amount
from tapio.correlators.views.view import View
from tapio.correlators.world import Moment
from tapio.unified import EventName, ObjectKey, UnifiedEvent
from tapio.unified import objects as k8s

# A provisioner that is there begins within seconds, and most are done within a minute.
_PROVISIONERS_PATIENCE = timedelta(seconds=60)
_NO_PROVISIONER = "kubernetes.io/no-provisioner"


class ClaimView(View):
    """A PersistentVolumeClaim."""

    @property
    def claim(self) -> k8s.PersistentVolumeClaim:
        assert isinstance(self.event.object, k8s.PersistentVolumeClaim)  # noqa: S101  built for claims alone
        return self.event.object

    @property
    def spec(self) -> k8s.ClaimSpec:
        return self.claim.spec

    @property
    def created_at(self) -> datetime:
        return self.claim.metadata.creation_timestamp or self.event.timestamp

    @property
    def overdue_at(self) -> datetime:
        """When a provisioner that is at work would be done."""
        return self.created_at + _PROVISIONERS_PATIENCE

    @property
    def is_bound(self) -> bool:
        return self.claim.status.phase == "Bound"

    @property
    def class_name(self) -> str:
        """The class it asks for; empty for none (and where the default has not been filled in)."""
        return self.spec.storage_class_name or ""

    @cached_property
    def storage_class(self) -> k8s.StorageClass | None:
        event = self.moment.state(self.class_key) if self.class_name else None
        return event.object if event and isinstance(event.object, k8s.StorageClass) else None

    @property
    def class_key(self) -> ObjectKey:
        return ObjectKey("StorageClass", "", self.class_name)

    @property
    def is_provisioned(self) -> bool:
        """Whether somebody makes volumes for it, rather than a person beforehand."""
        return self.storage_class is not None and self.storage_class.provisioner not in ("", _NO_PROVISIONER)

    @property
    def waits_for_a_pod(self) -> bool:
        """Whether it is to be bound only once a pod that mounts it is placed."""
        late = self.storage_class is not None and self.storage_class.volume_binding_mode == "WaitForFirstConsumer"
        said = self.said(EventName.VOLUME_BINDING_WAITS, EventName.VOLUME_PROVISIONING_FAILED)
        return late and all(event.reason == "WaitForFirstConsumer" for event in said[-1:])

    @cached_property
    def volumes(self) -> list[UnifiedEvent]:
        """The PersistentVolumes of its class."""
        events = self.moment.all("PersistentVolume", "")
        return [event for event in events if _class_of(event) == self.class_name]

    @property
    def requested(self) -> float:
        """Bytes."""
        return amount(self.spec.resources.requests.get("storage")) or 0.0


def _class_of(volume: UnifiedEvent) -> str | None:
    return volume.object.spec.storage_class_name if isinstance(volume.object, k8s.PersistentVolume) else None


def claim_view(moment: Moment, key: ObjectKey) -> ClaimView | None:
    """The claim of that name, where it is known."""
    event, history = moment.state(key), moment.history(key)
    if event is None or history is None or not isinstance(event.object, k8s.PersistentVolumeClaim):
        return None
    return ClaimView(moment, event, history)
