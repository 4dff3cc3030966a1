"""The API server is restarted, its past gone, in the middle of a scenario: nothing is lost and the gap is declared."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from tapio.graph import Entity
from tapio.stores.sqlite import SqliteStore
from tests.lab import manifests as lab_objects
from tests.lab.lab import Lab
from tests.scenarios.blame import SERVING, Answer, change_of
from tests.scenarios.conftest import Tapio, tapio

pytestmark = [pytest.mark.lab, pytest.mark.alone]

KINDS = ("Deployment", "ReplicaSet", "Pod", "ConfigMap", "Service")


def test_an_incident_across_a_restart_of_the_api_server(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    reads = [{"configMapRef": {"name": "settings"}}]
    web = lab_objects.deployment("web", ("expect-env=DB_HOST:db", *SERVING), env_from=reads)
    steady = lab_objects.deployment("steady", SERVING)
    objects = [lab_objects.configmap("settings", {"DB_HOST": "db"}), web, steady, lab_objects.service("steady")]
    lab.apply([*objects, lab_objects.configmap("doomed", {})], lab_namespace)
    lab.wait_for_rollout("web", lab_namespace)
    lab.wait_for_rollout("steady", lab_namespace)
    lab.apply(lab_objects.configmap("settings", {"DB_HOST": "db-new"}), lab_namespace)
    before = datetime.now(UTC)
    lab.restart_apiserver(compacted=True)
    lab.kubectl("delete", "configmap/doomed", f"--namespace={lab_namespace}")
    lab.kubectl("rollout", "restart", "deployment/web", f"--namespace={lab_namespace}")
    back = datetime.now(UTC)
    expired = {"expired: Pod", "expired: ConfigMap", "expired: Deployment"}  # each kind's watch begins anew by itself

    def says_what_it_missed(answer: Answer) -> bool:
        return answer["status"] == "incomplete" and expired <= missed(answer, before, back)

    answer = running_tapio.expect(
        "deployment/web",
        lab_namespace,
        "runtime.crash_after_change",
        "ConfigMap",
        "settings",
        field="data.DB_HOST",
        also=says_what_it_missed,
    )
    change = change_of(answer)
    assert (change["before"], change["after"]) == ("db", "db-new")
    running_tapio.expect_status("deployment/steady", lab_namespace, "healthy")
    lab.wait(lambda: known(running_tapio, lab_namespace) == there(lab, lab_namespace), what="all is known as it is")
    assert deleted(running_tapio, lab_namespace) == {("ConfigMap", "doomed")}
    pods = [one for one in entities(running_tapio, lab_namespace) if one.key.kind == "Pod"]
    assert {one.root.kind for one in pods} == {"Deployment"}


def test_while_the_api_server_is_away_no_answer_says_that_all_is_well(
    lab: Lab, lab_namespace: str, running_tapio: Tapio
) -> None:
    lab.apply(lab_objects.deployment("steady", SERVING), lab_namespace)
    lab.wait_for_rollout("steady", lab_namespace)
    running_tapio.expect_status("deployment/steady", lab_namespace, "healthy")

    def says_that_it_is_blind(answer: Answer) -> bool:
        return answer["status"] == "incomplete" and "unreachable" in lasting(answer)

    def is_whole(answer: Answer) -> bool:
        return answer["status"] == "healthy" and "unreachable" not in causes_of_gaps(answer)

    with lab.without_apiserver():
        running_tapio.settled("deployment/steady", lab_namespace, says_that_it_is_blind)
        silence = "the API server is not heard since"
        lab.wait(lambda: silence in status_of(running_tapio), what="the status says so too")
    running_tapio.settled("deployment/steady", lab_namespace, is_whole)


def status_of(running: Tapio) -> str:
    """What `tapio status` prints, on one line: the actors are asked every few seconds, the graph at once."""
    return " ".join(tapio("status", "--server", running.url).stdout.split())


def causes_of_gaps(answer: Answer) -> set[str]:
    return {gap["cause"] for gap in gaps_of(answer)}


def missed(answer: Answer, after: datetime, before: datetime) -> set[str]:
    """The causes of the gaps that began before the one and ended after the other."""
    return {
        gap["cause"]
        for gap in gaps_of(answer)
        if gap["to"] and datetime.fromisoformat(gap["from"]) < before and datetime.fromisoformat(gap["to"]) > after
    }


def lasting(answer: Answer) -> set[str]:
    """The causes of the gaps that have no end yet."""
    return {gap["cause"] for gap in gaps_of(answer) if not gap["to"]}


def gaps_of(answer: Answer) -> Iterator[dict[str, Any]]:
    return (gap for source in answer["coverage"]["sources"] for gap in source["gaps"])


def entities(running: Tapio, namespace: str) -> list[Entity]:
    store = SqliteStore(running.data / "graph.sqlite", read_only=True)
    try:
        found = store.entities(datetime.now(UTC), namespace=namespace)
        return [one for one in found if one.key.kind in KINDS]
    finally:
        store.close()


def there(lab: Lab, namespace: str) -> set[str]:
    """The uids of all that lives, by the API server."""
    return {one["metadata"]["uid"] for kind in KINDS for one in lab.list(kind, namespace)}


def known(running: Tapio, namespace: str) -> set[str]:
    """The uids of all that lives, by Tapio's graph."""
    return {one.uid for one in entities(running, namespace) if not one.valid_to}


def deleted(running: Tapio, namespace: str) -> set[tuple[str, str]]:
    """What Tapio's graph says was deleted, but for pods, which a rollout replaces."""
    return {
        (one.key.kind, one.key.name) for one in entities(running, namespace) if one.valid_to and one.key.kind != "Pod"
    }
