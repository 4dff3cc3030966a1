"""How each list is printed in every format."""

from functools import partial

from tapio.cli import rows, screens
from tapio.cli.printing import View
from tapio.why.lists.changes import ChangeList
from tapio.why.lists.evidence import Evidence
from tapio.why.lists.impact import ImpactReport
from tapio.why.lists.incidents import IncidentList
from tapio.why.lists.sources import SourceList
from tapio.why.lists.timeline import Timeline


def incidents(again: str) -> View[IncidentList]:
    """`again` are the flags that ask the same place, after a blank. The names are what `tapio why` takes."""
    return View(
        screen=partial(screens.incidents, again=again),
        table=rows.incidents,
        names=lambda found: rows.names(row.subject for row in found.items),
    )


TIMELINE: View[Timeline] = View(
    screen=screens.timeline,
    table=rows.timeline,
    names=lambda found: rows.names(entry.entity for entry in found.items),
)
CHANGES: View[ChangeList] = View(
    screen=screens.changes,
    table=rows.changes,
    names=lambda found: rows.names(row.entity for row in found.items),
)
IMPACT: View[ImpactReport] = View(
    screen=screens.impact,
    table=rows.impact,
    names=lambda found: rows.names(rows.hit(found)),
    records=lambda found: [found],
)
EVIDENCE: View[Evidence] = View(
    screen=screens.evidence,
    table=rows.evidence,
    names=lambda found: rows.names(item.entity for item in found.items),
)
SOURCES: View[SourceList] = View(screen=screens.sources, table=rows.sources, records=lambda found: found.sources)
