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
    lab.compact_etcd()
    before = datetime.now(UTC)
    lab.restart_apiserver()
    lab.kubectl("delete", "configmap/doomed", f"--namespace={lab_namespace}")
    lab.kubectl("rollout", "restart", "deployment/web", f"--namespace={lab_namespace}")
    back = datetime.now(UTC)
    blame = ("runtime.crash_after_change", "ConfigMap", "settings")
    answer = running_tapio.expect("deployment/web", lab_namespace, *blame, field="data.DB_HOST")
    change = change_of(answer)
    assert (change["before"], change["after"]) == ("db", "db-new")
    expired = {"expired: Pod", "expired: ConfigMap", "expired: Deployment"}  # each kind's watch begins anew by itself
    answer = running_tapio.settled("deployment/web", lab_namespace, lambda answer: causes_of_gaps(answer) >= expired)
    assert causes_of_gaps(answer) >= expired
    gaps = list(gaps_of(answer))
    assert all(
        datetime.fromisoformat(gap["from"]) < back and datetime.fromisoformat(gap["to"]) > before for gap in gaps
    )
    assert answer["status"] == "incomplete"
    assert running_tapio.why("deployment/steady", lab_namespace)["status"] == "healthy"
    lab.wait(lambda: known(running_tapio, lab_namespace) == there(lab, lab_namespace), 60, "all is known as it is")
    assert deleted(running_tapio, lab_namespace) == {("ConfigMap", "doomed")}
    pods = [one for one in entities(running_tapio, lab_namespace) if one.key.kind == "Pod"]
    assert {one.root.kind for one in pods} == {"Deployment"}


def test_while_the_api_server_is_away_no_answer_says_that_all_is_well(
    lab: Lab, lab_namespace: str, running_tapio: Tapio
) -> None:
    lab.apply(lab_objects.deployment("steady", SERVING), lab_namespace)
    lab.wait_for_rollout("steady", lab_namespace)
    running_tapio.until("deployment/steady", lab_namespace, "none.healthy")

    def asked(status: str) -> Answer:
        answer = running_tapio.why("deployment/steady", lab_namespace)
        return answer if answer["status"] == status else {}

    with lab.without_apiserver():
        away = lab.wait(lambda: asked("incomplete"), 90, "the answer is incomplete")
        assert ("unreachable", None) in {(gap["cause"], gap["to"]) for gap in gaps_of(away)}
        silence = "the API server is not heard since"
        lab.wait(lambda: silence in status_of(running_tapio), 60, "the status says so too")
    back = lab.wait(lambda: asked("healthy"), 120, "the answer is whole again")
    assert "unreachable" not in {gap["cause"] for gap in gaps_of(back)}


def status_of(running: Tapio) -> str:
    """What `tapio status` prints, on one line: the actors are asked every few seconds, the graph at once."""
    return " ".join(tapio("status", "--server", running.url).stdout.split())


def causes_of_gaps(answer: Answer) -> set[str]:
    return {gap["cause"] for gap in gaps_of(answer)}


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
