"""Collectors: one package per source, each turning what the source says into raw events.

In: a source (the API server, a file, ...). Out: `RawEvent`s, redacted and enriched.
Promised: `emit` returns when a batch is durable, and only then does a collector move its own place in the source;
what was lost is said as a `loss` event.
Never: a conclusion, an event held back for good.
"""
