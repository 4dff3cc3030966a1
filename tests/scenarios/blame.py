"""What an answer blames, and a decoy for it to leave alone."""

from typing import Any

from tests.lab import manifests as lab_objects
from tests.lab.lab import Lab

Answer = dict[str, Any]
SERVING = ("serve=8080", "hang")


def first_code(answer: Answer) -> str:
    causes = answer.get("causes") or [{}]
    return str(causes[0].get("code", ""))


def blamed(answer: Answer) -> tuple[str, str, str]:
    """Code, kind and name of the first cause."""
    if not answer.get("causes"):
        return first_code(answer), "", ""
    entity = answer["causes"][0]["entity"]
    return first_code(answer), entity["kind"], entity["name"]


def blames(answer: Answer, *blame: str, field: str = "", **attributes: Any) -> bool:
    """Whether the first cause is this: code, kind and name, a part of the changed field, and attributes, all as far as
    given.
    """
    named = blamed(answer)[: len(blame)] == blame and field in field_of(answer)
    return named and attributes.items() <= attributes_of(answer).items()


def attributes_of(answer: Answer) -> dict[str, Any]:
    """What the first cause's code leaves open; empty where there is no cause."""
    causes = answer.get("causes") or [{}]
    return causes[0].get("attributes") or {}


def workload_of(answer: Answer) -> str:
    """The name of the workload that the first cause belongs to or hits."""
    causes = answer.get("causes") or [{}]
    return str((causes[0].get("workload") or {}).get("name", ""))


def change_of(answer: Answer) -> dict[str, Any]:
    """The first cause's change; empty where it has none."""
    causes = answer.get("causes") or [{}]
    return causes[0].get("change") or {}


def field_of(answer: Answer) -> str:
    """The field that the first cause's change is of."""
    return str(change_of(answer).get("field", ""))


def decoy(lab: Lab, namespace: str) -> None:
    """A ConfigMap that nobody reads changes just before the trouble."""
    lab.apply(lab_objects.configmap("decoy", {"COLOUR": "red"}), namespace)
    lab.apply(lab_objects.configmap("decoy", {"COLOUR": "blue"}), namespace)
