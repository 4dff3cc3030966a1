"""What admission leans on: quotas, limit ranges, webhooks."""

from tapio.unified.objects.part import LabelSelector, ObjectMeta, Part, Quantity


class QuotaSpec(Part, frozen=True, kw_only=True):
    hard: dict[str, Quantity] = {}


class QuotaStatus(Part, frozen=True, kw_only=True):
    hard: dict[str, Quantity] = {}
    used: dict[str, Quantity] = {}


class ResourceQuota(Part, frozen=True, kw_only=True, tag_field="kind", tag="ResourceQuota"):
    metadata: ObjectMeta = ObjectMeta()
    spec: QuotaSpec = QuotaSpec()
    status: QuotaStatus = QuotaStatus()


class LimitRangeItem(Part, frozen=True, kw_only=True):
    type: str = ""
    max: dict[str, Quantity] = {}
    min: dict[str, Quantity] = {}
    default: dict[str, Quantity] = {}
    max_limit_request_ratio: dict[str, Quantity] = {}


class LimitRangeSpec(Part, frozen=True, kw_only=True):
    limits: tuple[LimitRangeItem, ...] = ()


class LimitRange(Part, frozen=True, kw_only=True, tag_field="kind", tag="LimitRange"):
    metadata: ObjectMeta = ObjectMeta()
    spec: LimitRangeSpec = LimitRangeSpec()


class WebhookService(Part, frozen=True, kw_only=True):
    namespace: str = ""
    name: str = ""
    path: str = ""
    port: int = 443


class WebhookClient(Part, frozen=True, kw_only=True):
    service: WebhookService | None = None
    url: str = ""


class WebhookRule(Part, frozen=True, kw_only=True):
    operations: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()


class Webhook(Part, frozen=True, kw_only=True):
    name: str
    rules: tuple[WebhookRule, ...] = ()
    namespace_selector: LabelSelector | None = None
    object_selector: LabelSelector | None = None
    client_config: WebhookClient = WebhookClient()
    failure_policy: str = "Fail"
    timeout_seconds: int = 10


class _WebhookConfiguration(Part, frozen=True, kw_only=True):
    metadata: ObjectMeta = ObjectMeta()
    webhooks: tuple[Webhook, ...] = ()


class ValidatingWebhookConfiguration(
    _WebhookConfiguration, frozen=True, kw_only=True, tag_field="kind", tag="ValidatingWebhookConfiguration"
):
    pass


class MutatingWebhookConfiguration(
    _WebhookConfiguration, frozen=True, kw_only=True, tag_field="kind", tag="MutatingWebhookConfiguration"
):
    pass
