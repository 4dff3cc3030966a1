"""Containers that lean on another of their pod, by example and near-miss."""

from tests.unit.rules.scene import (
    DEPLOYMENT,
    POD,
    Json,
    Scene,
    crash_looping,
    deployment,
    ended,
    pod,
    running,
    with_status,
)

REFUSED = "dial tcp 127.0.0.1:5432: connect: connection refused"


def told(app: str, proxy: Json, *more: Json, proxy_ports: list[Json] | None = None) -> set[str]:
    """The containers whose own crash is told, the proxy's status given."""
    containers = [
        {"name": "app"},
        {"name": "proxy", "ports": proxy_ports or []},
        *({"name": one["name"]} for one in more),
    ]
    end = ended(1, started=1.8, at=2, message=app)
    obj = with_status(pod(containers=containers), crash_looping(end), {**proxy, "name": "proxy"}, *more)
    scene = Scene().see(deployment(), at=-5).see(obj, at=2.1)
    links = [one for one in scene.links(POD, at=3) if one.code == "runtime.crash_app"]
    assert all(one.blame == DEPLOYMENT for one in links)
    return {one.attributes["container"] for one in links}


DOWN = crash_looping(ended(2, started=1, at=1.1, message="no credentials"))


def test_a_container_that_is_refused_on_the_loopback_has_the_cause_of_the_one_it_asked() -> None:
    assert told(REFUSED, DOWN) == {"proxy"}
    assert told("connect ECONNREFUSED ::1:5432 localhost:5432", DOWN) == {"proxy"}


def test_a_proxy_that_runs_is_not_to_blame() -> None:
    assert told(REFUSED, running(1)) == {"app"}


def test_an_address_elsewhere_is_not_beside_it() -> None:
    assert told("dial tcp 10.0.0.9:5432: connect: connection refused", DOWN) == {"app", "proxy"}


def test_of_several_the_one_that_is_meant_to_listen_there_is_asked() -> None:
    other = {**running(1), "name": "other"}
    assert told(REFUSED, DOWN, other, proxy_ports=[{"containerPort": 5432}]) == {"proxy"}
    assert told(REFUSED, DOWN, other) == {"app", "proxy"}
