"""What is asked besides why: what is wrong, what happened, what changed, what is there, and what an answer rests on.

In: a `Question` and a `GraphReader`. Out: documents with a fixed order, page by page where they are long.
Promised: as `tapio.why`: the same question of the same graph gives the same bytes.
Never: I/O, a clock; the raw events behind an answer are fetched by whoever has them.
"""

from tapio.why.lists.changes import ChangeList, changes
from tapio.why.lists.entities import EntityList, entities
from tapio.why.lists.evidence import Evidence, EvidenceItem, evidence, with_raw
from tapio.why.lists.impact import ImpactReport, impact
from tapio.why.lists.incidents import IncidentList, incident_list
from tapio.why.lists.paging import LONGEST, PAGE, Page
from tapio.why.lists.sources import SourceList, sources
from tapio.why.lists.timeline import Timeline, timeline

__all__ = [
    "LONGEST",
    "PAGE",
    "ChangeList",
    "EntityList",
    "Evidence",
    "EvidenceItem",
    "ImpactReport",
    "IncidentList",
    "Page",
    "SourceList",
    "Timeline",
    "changes",
    "entities",
    "evidence",
    "impact",
    "incident_list",
    "sources",
    "timeline",
    "with_raw",
]
