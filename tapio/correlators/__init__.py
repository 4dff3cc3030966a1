"""Correlators: unified events become links. Three questions, and rules that put the answers together.

`hierarchy`: who owns, runs on, mounts, selects whom, and since when? -> edges
`sequence`: did something leave its healthy path? -> symptoms
`temporal`: what changed before that, on a path that can carry a cause? -> candidate changes
`rules`: which mechanism explains the symptom? -> findings, which the engine makes durable as links

In: unified events. Out: graph batches. Promised: the result follows from the events alone, not from the order or the
batches they came in. Never: I/O, a clock, a look at a raw event.
"""

from tapio.correlators.engine import Engine, Failure
from tapio.correlators.history import Arrival

__all__ = ["Arrival", "Engine", "Failure"]
