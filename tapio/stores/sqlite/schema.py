"""The tables. Columns are what is filtered by; `record` is the rest, as JSON. Times are microseconds, UTC.

`key`, `subject`, `source`, `target` and `entity` are `Kind/namespace/name`. `valid_to` of what still holds is the
greatest integer, so that "holds at T" is one pair of comparisons.
"""

APPLICATION_ID = 0x54504749  # "TPGI" in the file's header: tells a Tapio graph from any other SQLite file
VERSION = 2

TABLES = """
CREATE TABLE history (
    partition TEXT NOT NULL, sequence INTEGER NOT NULL, key TEXT NOT NULL, uid TEXT NOT NULL, at INTEGER NOT NULL,
    "order" INTEGER NOT NULL, event_id TEXT NOT NULL, raw_id TEXT NOT NULL, raw_sequence INTEGER NOT NULL,
    stateful INTEGER NOT NULL, document BLOB NOT NULL
);
CREATE UNIQUE INDEX history_once ON history (event_id, partition);
-- Covers the choice of each entity's newest entries, so that a restore reads no more documents than it gives back.
CREATE INDEX history_of ON history (
    key, uid, stateful, at DESC, "order" DESC, event_id DESC, partition, sequence
);
CREATE INDEX history_raw ON history (raw_id) WHERE raw_id <> '' AND raw_id <> event_id;
CREATE TABLE newest (one INTEGER PRIMARY KEY CHECK (one = 1), at INTEGER NOT NULL);

CREATE TABLE entities (
    kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, uid TEXT NOT NULL, root TEXT NOT NULL,
    valid_from INTEGER NOT NULL, valid_to INTEGER NOT NULL, labels BLOB NOT NULL,
    PRIMARY KEY (name, kind, namespace, uid)
) WITHOUT ROWID;
CREATE INDEX entities_in ON entities (namespace, kind);
CREATE INDEX entities_uid ON entities (uid);

CREATE TABLE changes (
    id TEXT PRIMARY KEY, entity TEXT NOT NULL, uid TEXT NOT NULL, namespace TEXT NOT NULL, at INTEGER NOT NULL,
    event_id TEXT NOT NULL, field TEXT NOT NULL, record BLOB NOT NULL
);
CREATE INDEX changes_of ON changes (entity, at);
CREATE INDEX changes_in ON changes (namespace, at);
CREATE INDEX changes_at ON changes (at);

CREATE TABLE timelines (
    subject TEXT NOT NULL, uid TEXT NOT NULL, partition TEXT NOT NULL, since INTEGER NOT NULL, state BLOB NOT NULL,
    PRIMARY KEY (subject, uid)
) WITHOUT ROWID;
CREATE INDEX timelines_in ON timelines (partition);
CREATE TABLE edges (
    subject TEXT NOT NULL, uid TEXT NOT NULL, type TEXT NOT NULL, source TEXT NOT NULL, target TEXT NOT NULL,
    valid_from INTEGER NOT NULL, valid_to INTEGER NOT NULL
);
CREATE INDEX edges_of ON edges (subject, uid, valid_to);
CREATE INDEX edges_from ON edges (source, valid_to);
CREATE INDEX edges_to ON edges (target, valid_to);
CREATE TABLE symptoms (
    subject TEXT NOT NULL, uid TEXT NOT NULL, valid_from INTEGER NOT NULL, valid_to INTEGER NOT NULL,
    record BLOB NOT NULL
);
CREATE INDEX symptoms_of ON symptoms (subject, uid, valid_to);
CREATE INDEX symptoms_until ON symptoms (valid_to, valid_from);
CREATE TABLE links (
    subject TEXT NOT NULL, uid TEXT NOT NULL, valid_from INTEGER NOT NULL, valid_to INTEGER NOT NULL,
    record BLOB NOT NULL
);
CREATE INDEX links_of ON links (subject, uid, valid_to);

CREATE TABLE coverage (
    source TEXT NOT NULL, node TEXT NOT NULL, record BLOB NOT NULL, PRIMARY KEY (source, node)
) WITHOUT ROWID;
CREATE TABLE seen (
    source TEXT NOT NULL, node TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, events INTEGER NOT NULL,
    PRIMARY KEY (source, node)
) WITHOUT ROWID;
CREATE TABLE positions (
    reader TEXT NOT NULL, stream TEXT NOT NULL, sequence INTEGER NOT NULL, PRIMARY KEY (reader, stream)
) WITHOUT ROWID;
"""
