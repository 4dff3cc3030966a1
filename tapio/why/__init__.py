"""From the graph to the answer: the question, what may have caused what is seen, which cause comes first, the words.

In: a `Question` and a `GraphReader`. Out: an `Explanation`, as a document and as text.
Promised: the same question of the same graph gives the same bytes; nothing is named a cause that no link calls one.
Never: I/O, a clock, a rule about Kubernetes (rules make links; here links are followed, ranked and worded).
"""

from tapio.why.explain import explain, explain_each, moment_of
from tapio.why.explanation import Explanation, Status, decode, encode, exit_code, exit_code_of_each, schema
from tapio.why.incidents import Incident, incidents
from tapio.why.question import Question, parse_target, resolve
from tapio.why.wording import render

__all__ = [
    "Explanation",
    "Incident",
    "Question",
    "Status",
    "decode",
    "encode",
    "exit_code",
    "exit_code_of_each",
    "explain",
    "explain_each",
    "incidents",
    "moment_of",
    "parse_target",
    "render",
    "resolve",
    "schema",
]
