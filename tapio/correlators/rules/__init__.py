"""Rules: which mechanism explains a symptom, and which do not. One module per family of causes.

A rule is a pure function over a view as of a moment. It reads states first, Events second, logs third, and is judged by
example and near-miss in `tests/unit/rules`. Importing this package registers every rule; the line that does is below.
"""

from tapio.correlators.rules import (
    admission,
    commands,
    configuration,
    controllers,
    creation,
    dependencies,
    initialization,
    last_words,
    mounts,
    network,
    node,
    nothing,
    probes,
    rejected,
    runtime,
    scheduling,
    startup,
    unplaced,
    volumes,
    webhooks,
)
from tapio.correlators.rules.finding import RULES, Finding, Rule, rule, rules_for

__all__ = [
    "RULES",
    "Finding",
    "Rule",
    "admission",
    "commands",
    "configuration",
    "controllers",
    "creation",
    "dependencies",
    "initialization",
    "last_words",
    "mounts",
    "network",
    "node",
    "nothing",
    "probes",
    "rejected",
    "rule",
    "rules_for",
    "runtime",
    "scheduling",
    "startup",
    "unplaced",
    "volumes",
    "webhooks",
]
