"""A symptom as it is seen at one moment."""

from datetime import datetime, timedelta

import msgspec

from tapio.correlators.views import View
from tapio.graph import Evidence, SymptomCode
from tapio.unified import objects as k8s

# Without a startup probe: a Deployment's default progressDeadlineSeconds (k8s.io/api/apps/v1).
START_BUDGET = timedelta(minutes=10)


class Sighting(msgspec.Struct, frozen=True, kw_only=True):
    """A symptom as seen at one moment. `recheck_at` is when time alone would change it."""

    code: SymptomCode
    since: datetime
    message: str = ""
    evidence: tuple[Evidence, ...] = ()
    expected_by: datetime | None = None
    recheck_at: datetime | None = None


def seen_as(view: View, code: SymptomCode, condition: k8s.Condition) -> Sighting:
    since = condition.last_transition_time or view.event.timestamp
    return seen_of(view, code, since, condition.message or condition.reason)


def seen_of(view: View, code: SymptomCode, since: datetime, message: str) -> Sighting:
    text = message or code.value
    return Sighting(code=code, since=since, message=text, evidence=(view.fact(text),))
