"""The causal graph: entities and edges in time, symptoms, and the links that say what caused them.

In: unified vocabularies. Out: the records that stores keep and `why` reads, and `GraphReader`, the port between them.
Promised: every record has a deterministic id and says when it holds, so the graph can be read as it was at T.
Never: I/O, a clock.
"""

from tapio.graph.batch import GraphBatch, HistoryEntry, Position, RestoredPartition, SubjectTimeline
from tapio.graph.reading import GraphReader
from tapio.graph.records import (
    Change,
    Edge,
    EdgeType,
    Entity,
    Evidence,
    Gap,
    Link,
    RuledOut,
    SourceCoverage,
    Symptom,
)
from tapio.graph.symptoms import SymptomCode

__all__ = [
    "Change",
    "Edge",
    "EdgeType",
    "Entity",
    "Evidence",
    "Gap",
    "GraphBatch",
    "GraphReader",
    "HistoryEntry",
    "Link",
    "Position",
    "RestoredPartition",
    "RuledOut",
    "SourceCoverage",
    "SubjectTimeline",
    "Symptom",
    "SymptomCode",
]
