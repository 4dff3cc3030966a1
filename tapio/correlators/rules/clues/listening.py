"""On which ports a container is meant to listen, as far as its template and the Services before it say."""

import re
from enum import StrEnum

from tapio.correlators.views import ContainerView, PodView, selects
from tapio.unified import objects as k8s

# A port in a command line or an environment: after a word that speaks of the program's own listening (not DB_PORT),
# alone or as the end of an address of any interface.
_SPOKEN = re.compile(
    r"(?<!\w)(?:(?:https?|server|app|web|listen|bind|api|service|container)[_-])*"
    r"(?:port|listen|addr(?:ess)?|bind|serve|server)[\s=:\"']{1,3}"
    r"(?:(?:0\.0\.0\.0|127\.0\.0\.1|localhost|\*|\[::\])?:)?(\d{2,5})\b",
    re.IGNORECASE,
)
_HIGHEST_PORT = 65535


class Fit(StrEnum):
    """Whether a port is one that the container is meant to listen on."""

    RIGHT = "right"
    WRONG = "wrong"
    UNKNOWN = "unknown"


def fit(container: ContainerView, port: k8s.Port) -> Fit:
    """Right for a port that is declared, served or spoken of; wrong where only other ports are.

    A name that no port bears is wrong: the kubelet cannot resolve it.
    """
    if isinstance(port, str):
        return Fit.WRONG
    known = _declared(container.pod) | _served(container.pod) | _spoken(container)
    if port in known or _mentioned(container, port):
        return Fit.RIGHT
    return Fit.WRONG if known else Fit.UNKNOWN


def _declared(pod: PodView) -> set[int]:
    return {port.container_port for one in pod.containers for port in one.spec.ports}


def _served(pod: PodView) -> set[int]:
    """The target ports of the Services that select the pod."""
    services = (event.object for event in pod.moment.all("Service", pod.key.namespace))
    mine = [one for one in services if isinstance(one, k8s.Service) and selects(one.spec.selector, pod.labels)]
    targets = [port.target_port or port.port for service in mine for port in service.spec.ports]
    return {int(port) for port in targets if isinstance(port, int) or port.isdigit()}


def _spoken(container: ContainerView) -> set[int]:
    return {port for found in _SPOKEN.findall(_words(container)) if (port := int(found)) <= _HIGHEST_PORT}


def _mentioned(container: ContainerView, port: int) -> bool:
    return re.search(rf"(?<![\d.]){port}(?![\d.]*\d)", _words(container)) is not None


def _words(container: ContainerView) -> str:
    """Command, arguments and plain environment as one text."""
    spec = container.spec
    variables = (f"{variable.name}={variable.value}" for variable in spec.env)
    return "\n".join((*spec.command, *spec.args, *variables))
