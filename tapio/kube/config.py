"""Where the API server is and who we are there: from a kubeconfig, or from the pod's own service account."""

import base64
import binascii
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from tapio.errors import UsageError
from tapio.kube.credentials import Credentials, ExecToken, FixedToken, TokenFile

_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")  # where the kubelet mounts it


class Cluster(msgspec.Struct, frozen=True, kw_only=True):
    """How to reach one API server. `ca` and `certificate` are PEM; `origin` says where this was read."""

    server: str
    origin: str
    context: str = ""
    namespace: str = "default"
    ca: bytes | None = None
    verify: bool = True
    server_name: str | None = None
    certificate: bytes | None = None
    key: bytes | None = None
    proxy: str | None = None
    credentials: Any = msgspec.field(default_factory=lambda: FixedToken(None))


def load(
    kubeconfig: Path | None = None, context: str | None = None, *, environ: Mapping[str, str] | None = None
) -> Cluster:
    """The cluster that kubectl would talk to; inside a pod without a kubeconfig, the pod's own.

    `kubeconfig` alone where it is given; else looked for in this order: `$KUBECONFIG` (the first file of a list that
    exists), `~/.kube/config`, the service account. A context asked for by name must be there.

    Raises:
        UsageError: there is none, the context is not in it, or it cannot be read; the message says what was tried.
    """
    if kubeconfig is not None:
        return _from_file(kubeconfig, context)
    environ = os.environ if environ is None else environ
    candidates = _candidates(environ)
    path = next((path for path in candidates if path.is_file()), None)
    if path is not None:
        return _from_file(path, context)
    if context is None and environ.get("KUBERNETES_SERVICE_HOST"):
        return in_cluster(environ)
    looked = ", ".join(str(path) for path in candidates)
    raise UsageError(
        f"no kubeconfig found (looked for {looked}; not inside a pod either)",
        hint="pass --kubeconfig FILE or set KUBECONFIG",
    )


def in_cluster(environ: Mapping[str, str], account: Path = _ACCOUNT) -> Cluster:
    """The cluster this pod runs in, as its own service account."""
    host, port = environ["KUBERNETES_SERVICE_HOST"], environ.get("KUBERNETES_SERVICE_PORT", "443")
    namespace = account / "namespace"
    return Cluster(
        server=f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}",
        origin="the pod's service account",
        namespace=namespace.read_text().strip() if namespace.is_file() else "default",
        ca=_read(account / "ca.crt"),
        credentials=TokenFile(account / "token"),
    )


def _candidates(environ: Mapping[str, str]) -> list[Path]:
    listed = [Path(part) for part in environ.get("KUBECONFIG", "").split(os.pathsep) if part]
    return listed or [Path(environ.get("HOME", "~")).expanduser() / ".kube" / "config"]


def _from_file(path: Path, context: str | None) -> Cluster:
    document = _parse(path)
    contexts = _named(document, "contexts", "context")
    chosen = context or document.get("current-context") or ""
    if chosen not in contexts:
        said = f"no context {chosen!r}" if chosen else "no current context"
        known = ", ".join(sorted(contexts)) or "none"
        raise UsageError(f"{said} in {path}", hint=f"contexts there: {known}; pass --context NAME")
    use = contexts[chosen]
    cluster = _named(document, "clusters", "cluster").get(use.get("cluster", ""))
    user = _named(document, "users", "user").get(use.get("user", ""), {})
    if not cluster or not cluster.get("server"):
        raise UsageError(f"context {chosen!r} in {path} names the cluster {use.get('cluster')!r}, which has no server")
    return _cluster(path, chosen, use, cluster, user)


def _cluster(
    path: Path, context: str, use: Mapping[str, Any], cluster: Mapping[str, Any], user: Mapping[str, Any]
) -> Cluster:
    home = path.parent
    return Cluster(
        server=cluster["server"].rstrip("/"),
        origin=str(path),
        context=context,
        namespace=use.get("namespace") or "default",
        ca=_data_or_file(cluster, "certificate-authority", home),
        verify=not cluster.get("insecure-skip-tls-verify", False),
        server_name=cluster.get("tls-server-name"),
        certificate=_data_or_file(user, "client-certificate", home),
        key=_data_or_file(user, "client-key", home),
        proxy=cluster.get("proxy-url"),
        credentials=_credentials(user, cluster, home),
    )


def _credentials(user: Mapping[str, Any], cluster: Mapping[str, Any], home: Path) -> Credentials:
    if "exec" in user:
        return ExecToken(user["exec"], cluster)
    if user.get("tokenFile"):
        return TokenFile(home / user["tokenFile"])
    if "auth-provider" in user:
        name = user["auth-provider"].get("name")
        raise UsageError(f"the kubeconfig uses the auth provider {name!r}, which kubectl gave up in 1.26 too")
    return FixedToken(user.get("token"))


def _parse(path: Path) -> dict[str, Any]:
    import yaml  # noqa: PLC0415  20 ms that only commands that reach a cluster should pay

    try:
        document = yaml.safe_load(path.read_bytes())
    except OSError as error:
        raise UsageError(f"cannot read the kubeconfig {path}: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise UsageError(f"the kubeconfig {path} is not YAML: {error}") from error
    if not isinstance(document, dict):
        raise UsageError(f"the kubeconfig {path} is empty or no mapping")
    return document


def _named(document: Mapping[str, Any], group: str, item: str) -> dict[str, dict[str, Any]]:
    return {entry.get("name", ""): entry.get(item) or {} for entry in document.get(group) or []}


def _data_or_file(fields: Mapping[str, Any], name: str, home: Path) -> bytes | None:
    """Embedded data wins over a file, as in client-go; a relative file is relative to the kubeconfig."""
    if data := fields.get(f"{name}-data"):
        try:
            return base64.b64decode(data, validate=True)
        except binascii.Error as error:
            raise UsageError(f"{name}-data in the kubeconfig is not base64: {error}") from error
    return _read(home / fields[name]) if fields.get(name) else None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {path}, which the kubeconfig names: {error.strerror}") from error
