"""`python -m tapio.cli.docs FOLDER` writes the pages that follow from the code: raw-events.md and rules.md."""

import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import msgspec

from tapio.correlators.catalog import RuleEntry, catalog
from tapio.raw import Collector, Metadata, RawEvent, subject_of
from tapio.raw.types import OBJECT_KINDS, TYPES

_HEAD = """\
# Raw events

Generated from `tapio/raw` by `make docs`; do not edit.

A raw event is what a source said, verbatim: one JSON document, and in a file one a line (gzip or plain, in any order).
Anyone can feed Tapio from a file: `tapio why -f FILE`.

```json
{"timestamp": "2024-01-10T10:30:00Z", "type": "pod_created", "data": {"type": "ADDED", "object": {}},
 "metadata": {"collector": "kubeapi", "k8s_namespace": "default", "k8s_name": "nginx-7d8f", "k8s_kind": "Pod",
              "k8s_uid": "abc-123", "k8s_labels": "app=nginx,version=1.0", "k8s_owner_refs": "ReplicaSet/nginx-7d8f"},
 "trace_id": "trace-123", "span_id": "span-456"}
```
"""

_FIELDS_OF_EVENT = {
    "timestamp": "the source's own time, RFC 3339 with an offset",
    "type": "a type of the table below; one that is not there is kept as it is",
    "data": "the source's record: a JSON value, or a string that holds one",
    "metadata": "the standard enrichment, below",
    "trace_id": "of the trace the record belongs to, where it has one",
    "span_id": "likewise",
}

_FIELDS_OF_METADATA = {
    "collector": "the source: one of the headings below",
    "k8s_namespace": "of the object the event is about; empty for what has none",
    "k8s_name": "its name",
    "k8s_kind": "its kind",
    "k8s_uid": "its uid",
    "k8s_labels": "`key=value`, comma-separated",
    "k8s_owner_refs": "`Kind/name`, comma-separated, the controlling owner first",
    "k8s_root": "the topmost owner known, `Kind/namespace/name`",
    "k8s_node": "the node a node-local source ran on",
    "observed_at": "when the collector had it, RFC 3339",
    "relisted": "true where the state was found by a relist, not by a watch",
}

_KUBEAPI = """\
`data` is a watch event, `{"type": "ADDED|MODIFIED|DELETED", "object": {...}}`, the object redacted; for a change it
has `changes` beside it: `[{"field", "before", "after", "manager", "at"}]`. Every object kind has three types:
`<kind>_created` on `raw.kubeapi.<kind>.create`, `<kind>_modified` on `.modify`, `<kind>_deleted` on `.delete`.
`lapsed: true` beside it says of a Lease that it was not renewed within its term. `unmoved` says of a modified object
what stands as in the version told before: `wish` (all but status and bookkeeping), `status` (but for containers' own).
The kinds:
"""

_RECORDS = """\
`data` of a `container_log`: `container`, `previous` (whether the container was started again since), `lines` (the last
ones of that run, the oldest first).

`data` of a `loss`, of every collector:

| field | meaning |
|---|---|
| `cause` | what was in the way: `expired`, `unreachable`, `forbidden: Secret`, `oversized`, `ring_full` ... |
| `count` | how many events were lost; 0 where nobody can say |
| `from`, `to` | the interval; `to` is null while it lasts, equals `from` where nothing was missed after all |
| `kind` | the kind of objects that was not seen; left out or empty: all of them |
| `message` | what the source said |
"""


def raw_events() -> str:
    """The whole page."""
    return "\n".join((_HEAD, *_fields("The event", RawEvent, _FIELDS_OF_EVENT), *_metadata(), *_types()))


def _metadata() -> Iterator[str]:
    yield from _fields("`metadata`", Metadata, _FIELDS_OF_METADATA)
    yield "The strings up to `k8s_owner_refs` are always written; what follows them only where it is known.\n"


def _fields(title: str, struct: type[msgspec.Struct], meanings: dict[str, str]) -> Iterator[str]:
    """A table of the struct's fields; one without a meaning above is an error, so the page never lags the type."""
    yield f"## {title}\n"
    yield "| field | meaning |\n|---|---|"
    yield from (f"| `{name}` | {meanings[name]} |" for name in struct.__struct_fields__)
    yield ""


def _types() -> Iterator[str]:
    for collector in Collector:
        yield f"## {collector}\n"
        if collector is Collector.KUBEAPI:
            yield _KUBEAPI
            yield ", ".join(f"`{kind}`" for kind in OBJECT_KINDS) + ".\n"
            yield _RECORDS
        yield "| `type` | subject |\n|---|---|"
        yield from (f"| `{name}` | `{subject_of(collector, name)}` |" for name in _named(collector))
        yield ""
    yield "A type that is in no table travels on `raw.<collector>.other.<type>` and is shown in the timeline."


def _named(collector: Collector) -> Iterator[str]:
    """The types of the table that do not follow from a kind."""
    objects = {f"{kind}_{done}" for kind in OBJECT_KINDS for done in ("created", "modified", "deleted")}
    return (name for name in TYPES[collector] if name not in objects)


_RULES = """\
# Rules

Generated from `tapio/correlators/rules` by `make docs`; do not edit.

A rule is a pure function over a view: one subject with its history and its neighbours', as of a moment. It yields
findings: the code, the entity to blame, the evidence, what it rules out. The parameter's type says what it judges; when
an event touches such a subject, its rules run again. A file and the running system run the same rules. A rule reads
states first, Events second, logs third. A confidence is the chance that code and entity are
both right, as the rule's author sets it.
"""


def rules() -> str:
    """The whole page."""
    return "\n".join((_RULES, *_rules_of_families()))


def _rules_of_families() -> Iterator[str]:
    for family, members in groupby(catalog().items, key=lambda entry: entry.family):
        yield f"## {family}\n"
        yield "| rule | judges a | decided by | says |\n|---|---|---|---|"
        yield from map(_row, members)
        yield ""


def _row(entry: RuleEntry) -> str:
    codes = ", ".join(f"`{code}`" for code in entry.codes)
    said = entry.says.replace("|", "\\|")
    return f"| {codes} | {entry.judges} | {', '.join(entry.decided_by)} | {said} |"


PAGES = {"raw-events.md": raw_events, "rules.md": rules}


if __name__ == "__main__":
    for name, page in PAGES.items():
        (Path(sys.argv[1]) / name).write_text(page().rstrip() + "\n", encoding="utf-8")
