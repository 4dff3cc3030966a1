"""The stages joined through ports: collect -> RAW -> transform -> UNIFIED-n -> correlate -> the graph.

In: a collector, `Streams`, a `GraphStore`. Out: a graph that follows what the source says.
Promised: every stage acknowledges its input only after its output is durable, so it may be killed at any moment and
run again; nothing is lost or doubled. A stage runs until it is cancelled, and cancelling it is clean.
Never: a decision (collectors, transforms and the engine decide), Ray.
"""
